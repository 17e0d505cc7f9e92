"""Where deconfliction keeps its index, its placements and people's decisions.

The index and the placements are derived: they can be rebuilt from reports and decisions at any time.
Terms are keyed hashes, so that the database alone does not tell what reports say (decision 4). The
index is a handful of segments; each holds, for a term, the numbers of its records as packed
integers. A bulk import adds one segment, a single report a small one; small ones are merged.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    Row,
    Select,
    Table,
    delete,
    func,
    insert,
    select,
    text,
)
from sqlalchemy import update as sql_update

from clearinghouse.core.ids import DecisionId, PartyId
from clearinghouse.storage import Envelope, SealedBody, Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, Number, Word, listed, metadata

signatures = Table(
    "report_signatures", metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("signature", LargeBinary, nullable=False),
    Column("standing", LargeBinary),
    Column("locus", LargeBinary),
    Column("segment", Integer),  # the one it was indexed in first; none while it waits
    Index(None, "segment"),
)
postings = Table(
    "index_postings", metadata,
    Column("term", BigInteger, primary_key=True, autoincrement=False),
    Column("segment", Integer, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
    Column("numbers", LargeBinary, nullable=False),
    Index(None, "term", "count"),
    sqlite_with_rowid=False,
)
segments = Table(
    "index_segments", metadata,
    Column("segment", Integer, primary_key=True, autoincrement=False),
    Column("records", Integer, nullable=False),
)
placements = Table(
    "placements", metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("cluster", Number, nullable=False),
    Column("verdict", Word, nullable=False),
    Column("probability", Float, nullable=False),
    Column("settled", Boolean, nullable=False),
    Column("candidates", LargeBinary, nullable=False),
    Index(None, "cluster"),
    Index(None, "verdict", "number"),
)
decisions = Table(
    "decisions", metadata,
    Column("decision_id", Id, primary_key=True),
    Column("kind", Word, nullable=False),
    Column("actor", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("numbers", LargeBinary, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed_reason", LargeBinary, nullable=False),
    Column("undone_at", Instant),
    Column("undone_by", Id),
)
settlements = Table(
    "settlements", metadata,
    Column("settlement", Integer, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("records", Integer, nullable=False),
    Column("model", Digest, nullable=False),
    Column("graph", LargeBinary, nullable=False),
)

_CANDIDATE = np.dtype([("number", "<u4"), ("probability", "<f4"), ("relation", "u1")])
_IN = 400
_DECISIONS_LOCK = 0x646563  # "dec": one number for this purpose in the whole database
_INDEX_LOCK = 0x696478  # "idx"
_CLAIM_IDLE = "60s"
"""After so long without a word from whoever claimed records, the database gives them to others: a computer may have been stopped."""
_SIGNED = select(signatures.c.number, signatures.c.signature, signatures.c.locus)
Terms = NDArray[np.uint64]
Numbers = NDArray[np.uint32]


def add_signatures(tx: Transaction, rows: Sequence[tuple[int, bytes, bytes]]) -> None:
    """Keep (number, signature, locus) of reports that are not in the index yet; what another process signed meanwhile stays."""
    tx.driver_derive("insert into report_signatures (number, signature, locus) values (?, ?, ?) on conflict (number) do nothing", rows)


def signed_up_to(tx: Transaction) -> int:
    """The highest report number that has a signature; reports are signed in order."""
    return int(tx.value(select(func.max(signatures.c.number))) or 0)


def newest_signature(tx: Transaction) -> tuple[bytes, bytes] | None:
    """Signature and traces of the report signed last: after an upgrade they may have another form than today's."""
    row = tx.row(select(signatures.c.signature, signatures.c.locus).order_by(signatures.c.number.desc()).limit(1))
    return None if row is None else (bytes(row.signature), bytes(row.locus or b""))


def forget_signatures(tx: Transaction) -> int:
    """Drop all that was derived from signatures, to be made again from the reports; gives how many were dropped.

    Signatures of two formats cannot be compared, so all go, with index and placements; decisions and settlements stay.
    """
    for table in (postings, segments, placements):
        tx.derive(delete(table))
    return tx.derive(delete(signatures))


def stream_signatures(tx: Transaction, *, waiting: bool | None = None) -> Iterator[tuple[int, bytes, bytes]]:
    """(number, signature, locus) of all records in order of number, of those that wait to be indexed, or (False) of those that do not."""
    query = _SIGNED.order_by(signatures.c.number)
    if waiting is not None:
        query = query.where(signatures.c.segment.is_(None) if waiting else signatures.c.segment.is_not(None))
    for portion in tx.stream(query, 5000):
        yield from map(_signed, portion)


def numbers_indexed(tx: Transaction) -> list[int]:
    """Numbers of the records that are indexed, rising."""
    query = select(signatures.c.number).where(signatures.c.segment.is_not(None)).order_by(signatures.c.number)
    return [row.number for portion in tx.stream(query, 20_000) for row in portion]


def first_waiting(tx: Transaction) -> int | None:
    """The lowest number of a signed record that is not indexed yet."""
    first: int | None = tx.value(select(func.min(signatures.c.number)).where(signatures.c.segment.is_(None)))
    return first


def numbers_waiting(tx: Transaction, below: int) -> list[int]:
    """Numbers below `below` of signed records that are not indexed yet, rising."""
    query = select(signatures.c.number).where(signatures.c.segment.is_(None), signatures.c.number < below)
    return [row.number for row in tx.rows(query.order_by(signatures.c.number))]


def claims_rows(tx: Transaction) -> bool:
    """Whether workers can share what waits: a database that locks rows."""
    return tx.dialect == "postgresql"


def claim_waiting(tx: Transaction, most: int) -> list[tuple[int, bytes, bytes]]:
    """(number, signature, locus) of waiting records that no other worker has claimed, in order of number.

    They are nobody else's until the transaction ends, however it ends.
    """
    if claims_rows(tx):
        tx.rows(text("select set_config('idle_in_transaction_session_timeout', :idle, true)"), {"idle": _CLAIM_IDLE})
    query = _SIGNED.where(signatures.c.segment.is_(None)).order_by(signatures.c.number).limit(most)
    return [_signed(row) for row in tx.rows(query.with_for_update(skip_locked=True))]


def was_left(tx: Transaction, number: int) -> bool:
    """Whether a record waits and nobody has claimed it; whoever has is waited for, at most as long as a claim may rest."""
    if claims_rows(tx):
        tx.rows(text("select set_config('lock_timeout', :idle, true)"), {"idle": _CLAIM_IDLE})
    query = select(signatures.c.number).where(signatures.c.number == number, signatures.c.segment.is_(None))
    return bool(tx.rows(query.with_for_update()))


def lock_index(tx: Transaction) -> None:
    """Let nobody else write to index or placements until the transaction ends; taken after every claim and after `lock_decisions`."""
    if tx.dialect == "postgresql":
        tx.rows(text("select pg_advisory_xact_lock(:lock)"), {"lock": _INDEX_LOCK})


def count_indexed(tx: Transaction) -> int:
    """How many records the index holds."""
    return int(tx.value(select(func.sum(segments.c.records))) or 0)


def list_segments(tx: Transaction) -> list[tuple[int, int]]:
    """(segment, records) of the index."""
    return [(row.segment, row.records) for row in tx.rows(select(segments).order_by(segments.c.segment))]


def add_segment(tx: Transaction, records: int, lists: Iterable[tuple[int, int, bytes]]) -> int:
    """Keep a segment: (term, count, packed numbers) in order of term; gives its number."""
    segment = int(tx.value(select(func.max(segments.c.segment))) or 0) + 1
    tx.derive(insert(segments), {"segment": segment, "records": records})
    portion: list[tuple[Any, ...]] = []
    statement = "insert into index_postings (term, segment, count, numbers) values (?, ?, ?, ?)"
    for term, count, numbers in lists:
        portion.append((term, segment, count, numbers))
        if len(portion) == 20_000:
            tx.driver_derive(statement, portion)
            portion.clear()
    tx.driver_derive(statement, portion)
    return segment


def mark_indexed(tx: Transaction, segment: int, numbers: Sequence[int]) -> None:
    """Note that records, in order of number, are in a segment."""
    if numbers[-1] - numbers[0] + 1 == len(numbers):
        # Without a gap the ends say it all: one statement for a bulk of any size.
        within = signatures.c.number.between(numbers[0], numbers[-1])
        tx.derive(sql_update(signatures).where(within, signatures.c.segment.is_(None)).values(segment=segment))
        return
    tx.driver_derive("update report_signatures set segment = ? where number = ?", [(segment, number) for number in numbers])


def still_waiting(tx: Transaction, numbers: Sequence[int]) -> set[int]:
    """Which of these records are not indexed yet."""
    query = select(signatures.c.number).where(signatures.c.number.in_(list(numbers)), signatures.c.segment.is_(None))
    return {row.number for row in tx.rows(query)}


def merge_segments(tx: Transaction, merged: Sequence[int]) -> None:
    """Make one segment of several."""
    columns = (postings.c.term, postings.c.count, postings.c.numbers)
    lists: dict[int, tuple[int, bytes]] = {}
    query = select(*columns).where(postings.c.segment.in_(merged)).order_by(postings.c.term, postings.c.segment)
    for term, size, numbers in map(tuple, tx.rows(query)):
        count, packed = lists.get(term, (0, b""))
        lists[term] = (count + size, packed + bytes(numbers))
    records = int(tx.value(select(func.sum(segments.c.records)).where(segments.c.segment.in_(merged))) or 0)
    tx.derive(delete(postings).where(postings.c.segment.in_(merged)))
    tx.derive(delete(segments).where(segments.c.segment.in_(merged)))
    add_segment(tx, records, ((term, count, numbers) for term, (count, numbers) in lists.items()))


def document_frequencies(tx: Transaction, terms: Terms) -> NDArray[np.int64]:
    """In how many indexed records each term occurs."""
    wanted = terms.view(np.int64)
    found: dict[int, int] = {}
    for start in range(0, len(wanted), _IN):
        portion = wanted[start : start + _IN].tolist()
        marks = ",".join("?" * len(portion))
        rows = tx.driver_rows(f"select term, count from index_postings where term in ({marks})", portion)  # noqa: S608 - marks only
        for term, count in rows:
            found[term] = found.get(term, 0) + count
    return np.array([found.get(term, 0) for term in wanted.tolist()], dtype=np.int64)


def read_postings(tx: Transaction, terms: Terms) -> list[Numbers]:
    """For each term, the numbers of the records that have it."""
    wanted = terms.view(np.int64).tolist()
    found: dict[int, list[bytes]] = {}
    for start in range(0, len(wanted), _IN):
        portion = wanted[start : start + _IN]
        marks = ",".join("?" * len(portion))
        rows = tx.driver_rows(f"select term, numbers from index_postings where term in ({marks})", portion)  # noqa: S608 - marks only
        for term, numbers in rows:
            found.setdefault(term, []).append(bytes(numbers))
    return [np.frombuffer(b"".join(found.get(term, ())), dtype="<u4") for term in wanted]


def read_signatures(tx: Transaction, numbers: Sequence[int]) -> dict[int, tuple[bytes, bytes, bytes]]:
    """Signature, standing and locus of records; a standing is empty until there is one."""
    found: dict[int, tuple[bytes, bytes, bytes]] = {}
    for start in range(0, len(numbers), _IN):
        portion = [int(number) for number in numbers[start : start + _IN]]
        marks = ",".join("?" * len(portion))
        rows = tx.driver_rows(
            f"select number, signature, standing, locus from report_signatures where number in ({marks})", portion  # noqa: S608 - marks only
        )
        for number, signature, standing, locus in rows:
            found[number] = (bytes(signature), bytes(standing or b""), bytes(locus or b""))
    return found


def write_standings(tx: Transaction, rows: Sequence[tuple[bytes, int]]) -> None:
    """Keep (standing, number) of records."""
    tx.driver_derive("update report_signatures set standing = ? where number = ?", rows)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a report stands: its cluster, the answer, and what it was compared with."""

    number: int
    cluster: int
    """Number of the cluster's founding report."""
    verdict: str
    probability: float
    settled: bool
    candidates: bytes
    """Packed (number, probability, relation) of records it was compared with, best first; see `unpack_candidates`."""


def write_placements(tx: Transaction, rows: Iterable[Placement]) -> None:
    """Keep placements, replacing earlier ones."""
    tx.driver_derive(
        "insert into placements (number, cluster, verdict, probability, settled, candidates) values (?, ?, ?, ?, ?, ?) "
        "on conflict (number) do update set cluster = excluded.cluster, verdict = excluded.verdict, "
        "probability = excluded.probability, settled = excluded.settled, candidates = excluded.candidates",
        [
            (row.number, row.cluster, row.verdict, row.probability, row.settled, row.candidates)
            for row in rows
        ],
    )


def pack_candidates(numbers: Any, probabilities: Any, relations: Any) -> bytes:
    """Candidates, best first, as nine bytes each."""
    packed = np.empty(len(numbers), dtype=_CANDIDATE)
    packed["number"], packed["probability"], packed["relation"] = numbers, probabilities, relations
    return packed.tobytes()


def unpack_candidates(stored: bytes) -> list[tuple[int, float, int]]:
    """(number, probability, place in `settling.RELATIONS`) of each candidate, best first."""
    kept = np.frombuffer(stored, dtype=_CANDIDATE)
    return list(zip(kept["number"].tolist(), kept["probability"].tolist(), kept["relation"].tolist(), strict=True))


def read_placements(tx: Transaction, numbers: Sequence[int]) -> dict[int, Placement]:
    """The placements of reports."""
    found: dict[int, Placement] = {}
    for start in range(0, len(numbers), _IN):
        query = select(placements).where(placements.c.number.in_([int(n) for n in numbers[start : start + _IN]]))
        found.update((row.number, _placement(row)) for row in tx.rows(query))
    return found


def read_clusters(tx: Transaction, clusters: Sequence[int]) -> dict[int, list[Placement]]:
    """The members of clusters, in order of receipt."""
    found: dict[int, list[Placement]] = {}
    for start in range(0, len(clusters), _IN):
        query = select(placements).where(placements.c.cluster.in_([int(n) for n in clusters[start : start + _IN]]))
        for row in tx.rows(query.order_by(placements.c.number)):
            found.setdefault(row.cluster, []).append(_placement(row))
    return found


def numbers_in(tx: Transaction, clusters: Sequence[int]) -> list[tuple[int, int]]:
    """(number, cluster) of every member of clusters, in order of receipt."""
    query = select(placements.c.number, placements.c.cluster).where(placements.c.cluster.in_(listed(tx.dialect, clusters)))
    return [(row.number, row.cluster) for row in tx.rows(query.order_by(placements.c.number))]


def stream_placements(tx: Transaction, after: int = -1) -> Iterator[Placement]:
    """Every placement of a number above `after`, in order of number."""
    for portion in tx.stream(select(placements).where(placements.c.number > after).order_by(placements.c.number), 5000):
        yield from map(_placement, portion)


def placed_up_to(tx: Transaction) -> int:
    """The highest number that is placed; newcomers are placed in order."""
    return int(tx.value(select(func.max(placements.c.number))) or 0)


def cluster_of_each(tx: Transaction) -> list[tuple[int, int]]:
    """(number, cluster) of every placed report, in order of number."""
    query = select(placements.c.number, placements.c.cluster).order_by(placements.c.number)
    return [(row.number, row.cluster) for row in tx.rows(query)]


def placed_as(verdict: str) -> Select[Any]:
    """A subquery of the numbers of reports with a verdict."""
    return select(placements.c.number).where(placements.c.verdict == verdict)


def placed() -> Select[Any]:
    """A subquery of the numbers of all placed reports."""
    return select(placements.c.number)


def joined_later() -> Select[Any]:
    """A subquery of the numbers of reports that joined an earlier one's cluster."""
    return select(placements.c.number).where(placements.c.number != placements.c.cluster, placements.c.verdict != "unsure")


def numbers_listed(tx: Transaction, numbers: Sequence[int]) -> Select[Any]:
    """A subquery of these numbers."""
    return listed(tx.dialect, numbers)


def members_of(tx: Transaction, clusters: Sequence[int]) -> Select[Any]:
    """A subquery of the numbers of the members of clusters."""
    return select(placements.c.number).where(placements.c.cluster.in_(listed(tx.dialect, clusters)))


def cluster_members(tx: Transaction, clusters: Sequence[int]) -> dict[int, list[int]]:
    """The numbers of the members of clusters, in order of receipt, in one statement."""
    query = select(placements.c.cluster, placements.c.number).where(placements.c.cluster.in_(listed(tx.dialect, clusters)))
    found: dict[int, list[int]] = {}
    for row in tx.rows(query.order_by(placements.c.number)):
        found.setdefault(row.cluster, []).append(row.number)
    return found


@dataclass(frozen=True, slots=True)
class StandingWord:
    """Of a standing decision, what needs no key: its kind, its instant and the reports it speaks of."""

    kind: str
    at: datetime
    groups: tuple[tuple[int, ...], ...]


def standing_words(tx: Transaction) -> list[StandingWord]:
    """The standing decisions in the order they were made, without their reasons."""
    query = select(decisions.c.kind, decisions.c.at, decisions.c.numbers).where(decisions.c.undone_at.is_(None))
    return [
        StandingWord(row.kind, row.at, msgspec.json.decode(bytes(row.numbers), type=tuple[tuple[int, ...], ...]))
        for row in tx.rows(query.order_by(decisions.c.at, decisions.c.decision_id))
    ]


def count_unsettled(tx: Transaction) -> int:
    """How many placements are provisional."""
    return int(tx.value(select(func.count()).where(placements.c.settled.is_(False))) or 0)


def count_signatures(tx: Transaction) -> int:
    """How many reports are signed."""
    return int(tx.value(select(func.count()).select_from(signatures)) or 0)


def count_placements(tx: Transaction) -> int:
    """How many reports are placed."""
    return int(tx.value(select(func.count()).select_from(placements)) or 0)


@dataclass(frozen=True, slots=True)
class KeptDecision:
    """A person's decision over reports, by their numbers."""

    id: DecisionId
    kind: str
    actor: PartyId
    at: datetime
    groups: tuple[tuple[int, ...], ...]
    """Each group of report numbers the decision speaks of; what it says of them depends on its kind."""
    reason: str
    undone_at: datetime | None = None
    undone_by: PartyId | None = None


def lock_decisions(tx: Transaction) -> None:
    """Let nobody else decide until the transaction ends: a decision is about clusters as they stand."""
    if tx.dialect == "postgresql":
        tx.rows(text("select pg_advisory_xact_lock(:lock)"), {"lock": _DECISIONS_LOCK})


def add_decision(tx: Transaction, decision: KeptDecision, envelope: Envelope) -> None:
    """Keep a decision; its reason is sealed, for it speaks of the reports."""
    sealed = envelope.seal(decision.reason.encode(), decision.id)
    tx.write(insert(decisions), {
        "decision_id": decision.id, "kind": decision.kind, "actor": decision.actor, "at": decision.at,
        "numbers": msgspec.json.encode(decision.groups), "wrapped_key": sealed.wrapped_key, "sealed_reason": sealed.body,
        "undone_at": None, "undone_by": None,
    })


def undo_decision(tx: Transaction, decision_id: DecisionId, *, by: PartyId, at: datetime) -> bool:
    """Note that a decision no longer holds; False where it had been undone before."""
    statement = sql_update(decisions).where(decisions.c.decision_id == decision_id, decisions.c.undone_at.is_(None))
    return tx.write(statement.values(undone_at=at, undone_by=by)) == 1


def find_decision(tx: Transaction, decision_id: str, envelope: Envelope) -> KeptDecision | None:
    """A decision by its id."""
    row = tx.row(select(decisions).where(decisions.c.decision_id == decision_id))
    return None if row is None else _decision(row, envelope)


def list_decisions(tx: Transaction, envelope: Envelope, *, standing_only: bool) -> list[KeptDecision]:
    """Decisions in the order they were made."""
    query = select(decisions).order_by(decisions.c.at, decisions.c.decision_id)
    if standing_only:
        query = query.where(decisions.c.undone_at.is_(None))
    return [_decision(row, envelope) for row in tx.rows(query)]


def replace_settlement(tx: Transaction, *, records: int, model: str, graph: bytes, at: datetime) -> None:
    """Keep the judged pairs of the newest settling; the events tell of the earlier ones."""
    tx.derive(delete(settlements))
    tx.write(insert(settlements), {"at": at, "records": records, "model": model, "graph": graph})


def last_graph(tx: Transaction) -> bytes | None:
    """The judged pairs of the newest settling."""
    graph = tx.value(select(settlements.c.graph).order_by(settlements.c.settlement.desc()).limit(1))
    return None if graph is None else bytes(graph)


def last_settlement(tx: Transaction) -> tuple[datetime, int, str] | None:
    """Instant, records and model of the last settling."""
    columns = (settlements.c.at, settlements.c.records, settlements.c.model)
    row = tx.row(select(*columns).order_by(settlements.c.settlement.desc()).limit(1))
    return None if row is None else (row.at, row.records, row.model)


def packed_lists(rows: Mapping[int, Terms]) -> Iterator[tuple[int, int, bytes]]:
    """(term, count, packed numbers) of a segment's records: report number to index terms."""
    numbers = np.fromiter(rows, np.uint32, len(rows))
    sizes = np.fromiter((len(terms) for terms in rows.values()), np.int64, len(rows))
    if not sizes.sum():
        return
    terms = np.concatenate(list(rows.values())).view(np.int64)
    owners = np.repeat(numbers, sizes)
    order = np.lexsort((owners, terms))
    terms, owners = terms[order], owners[order]
    starts = np.flatnonzero(np.concatenate((np.ones(1, bool), terms[1:] != terms[:-1])))
    ends = np.append(starts[1:], len(terms))
    packed = owners.astype("<u4").tobytes()
    for term, start, end in zip(terms[starts].tolist(), starts.tolist(), ends.tolist(), strict=True):
        yield term, end - start, packed[4 * start : 4 * end]


def _signed(row: Row[Any]) -> tuple[int, bytes, bytes]:
    return row.number, bytes(row.signature), bytes(row.locus or b"")


def _placement(row: Row[Any]) -> Placement:
    return Placement(row.number, row.cluster, row.verdict, row.probability, row.settled, bytes(row.candidates))


def _decision(row: Row[Any], envelope: Envelope) -> KeptDecision:
    groups = msgspec.json.decode(bytes(row.numbers), type=tuple[tuple[int, ...], ...])
    sealed = SealedBody(bytes(row.wrapped_key), bytes(row.sealed_reason))
    undone_by = None if row.undone_by is None else PartyId(row.undone_by)
    return KeptDecision(
        DecisionId(row.decision_id), row.kind, PartyId(row.actor), row.at, groups,
        envelope.open(sealed, row.decision_id).decode(), row.undone_at, undone_by,
    )
