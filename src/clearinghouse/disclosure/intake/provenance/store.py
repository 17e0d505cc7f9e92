"""Where relays are kept: the only SQL of the relay. Blocks and words are sealed; what is looked up is a keyed hash.

Every read for somebody names its viewer; those that compare (`system_...`) give digests and show nothing to anybody.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    UniqueConstraint,
    insert,
    or_,
    select,
    text,
)

from clearinghouse.core.ids import PartyId, ReportId
from clearinghouse.disclosure.intake.provenance.records import (
    Class,
    HardeningRef,
    Known,
    MirrorBasis,
    Relay,
    RelayId,
    Step,
    StepKind,
)
from clearinghouse.disclosure.intake.store import reports
from clearinghouse.parties.store import is_on_duty, readable_objects
from clearinghouse.storage import Envelope, Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, Prose, Word, metadata
from clearinghouse.storage.sealing import open_with, seal_with

relays = Table(
    "relays", metadata,
    Column("relay_id", Id, primary_key=True),
    Column("report_id", Id, ForeignKey("reports.report_id"), nullable=False),
    Column("sender", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("envelope", Digest, nullable=False),
    Column("content", Digest, nullable=False),
    Column("origin_hash", Digest, nullable=False),
    Column("own_hash", Digest, nullable=False, unique=True),
    Column("own_link", Digest, nullable=False),
    Column("hops", Prose, nullable=False),
    Column("links", Prose, nullable=False),
    Column("class", Word, nullable=False),
    Column("mirror_of", Id, nullable=False),
    Column("basis", Word, nullable=False),
    Column("disputed", Boolean, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("sender", "envelope"),
    Index(None, "origin_hash"),
    Index(None, "content"),
    Index(None, "report_id"),
)
steps = Table(
    "relay_steps", metadata,
    Column("relay_id", Id, ForeignKey("relays.relay_id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Word, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", Id, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
_LOCK = 0x72656C61  # "rela": any number that nothing else locks
_KNOWN_MAX = 200  # a bound on memory: beyond so many copies of one report one more changes nothing


@dataclass(frozen=True, slots=True)
class _Sealed:
    block: str
    hop: str
    safe_id: str


@dataclass(frozen=True, slots=True)
class _Words:
    word: str
    text: str
    owner: str
    reference: str
    responsible: HardeningRef | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A relay with its data key, for the time of one action."""

    relay: Relay
    data_key: bytes


def lock_relays(tx: Transaction) -> None:
    """Let nobody else accept a relay until the transaction ends: what is the first of two is settled in their order."""
    if tx.dialect == "postgresql":
        tx.rows(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def keyed(envelope: Envelope, kind: str, *parts: str) -> str:
    """A hash under the instance's index key: equal for equal parts, and telling nothing else."""
    about = json.dumps([kind, *parts]).encode()
    return hmac.new(envelope.index_key(), b"clearinghouse/relay/v1\0" + about, hashlib.sha256).hexdigest()


def add_relay(tx: Transaction, relay: Relay, known: Known, key: bytes, envelope: Envelope) -> None:
    """Keep a relay and what later ones are compared with."""
    plain = msgspec.json.encode(_Sealed(relay.block.decode(), relay.hop.decode(), relay.safe_id))
    tx.write(insert(relays), {
        "relay_id": relay.id, "report_id": relay.report_id, "sender": relay.sender, "received_at": relay.received_at,
        "envelope": known.envelope, "content": known.content, "origin_hash": known.origin_hash, "own_hash": known.own_hash,
        "own_link": known.own_link, "hops": json.dumps(known.hops), "links": json.dumps(known.links), "class": relay.as_class,
        "mirror_of": relay.mirror_of, "basis": relay.basis or "", "disputed": relay.disputed,
        "wrapped_key": envelope.wrap(key, relay.id), "sealed": seal_with(key, plain, relay.id),
    })


def add_step(tx: Transaction, opened: Opened, number: int, step: Step) -> None:
    """Keep one more thing that happened."""
    words = msgspec.json.encode(_Words(step.word, step.text, step.owner, step.reference, step.responsible))
    tx.write(insert(steps), {
        "relay_id": opened.relay.id, "number": number, "kind": step.kind, "at": step.at, "actor": step.actor,
        "sealed": seal_with(opened.data_key, words, f"{opened.relay.id}/{number}"),
    })


def system_known(tx: Transaction, *, origin_hash: str, content: str, hops: Sequence[str]) -> list[Known]:
    """What a new arrival is compared with, earliest first: the same origin, the same content, our own hop in its chain."""
    query = select(relays).where(or_(
        relays.c.origin_hash == origin_hash, relays.c.content == content, relays.c.own_hash.in_(list(hops)),
    )).order_by(relays.c.received_at, relays.c.relay_id).limit(_KNOWN_MAX)
    return [
        Known(
            RelayId(row.relay_id), ReportId(row.report_id), PartyId(row.sender), row.received_at, row.envelope, row.origin_hash, row.content,
            tuple(json.loads(row.hops)), tuple(json.loads(row.links)), row.own_hash, row.own_link,
        )
        for row in tx.rows(query)
    ]


def system_direct(tx: Transaction, content: str, report_id: str) -> str:
    """The first report of the same content, other than this one, that came by no relay; empty where there is none."""
    relayed = select(relays.c.report_id).where(relays.c.content == content)
    query = select(reports.c.report_id).where(
        reports.c.digest == content, reports.c.report_id != report_id, reports.c.report_id.not_in(relayed), reports.c.public.is_(False)
    )
    return tx.value(query.order_by(reports.c.number).limit(1)) or ""


def system_mirrors(tx: Transaction, report_ids: Sequence[str]) -> dict[ReportId, ReportId]:
    """Of these reports, those that came as a mirror, each with the report that came first."""
    first = relays.alias()
    query = select(relays.c.report_id, relays.c.mirror_of, first.c.report_id.label("first")).where(
        relays.c.report_id.in_(list(report_ids)), relays.c.mirror_of != ""
    ).outerjoin_from(relays, first, first.c.relay_id == relays.c.mirror_of)
    return {ReportId(row.report_id): ReportId(row.first or row.mirror_of) for row in tx.rows(query)}


def system_chains(tx: Transaction, report_ids: Sequence[str]) -> dict[ReportId, frozenset[str]]:
    """Of these reports, those that were relayed, each with keyed hashes of its origin, of every hop and of the one we gave."""
    query = select(relays.c.report_id, relays.c.origin_hash, relays.c.own_hash, relays.c.hops).where(relays.c.report_id.in_(list(report_ids)))
    found: dict[ReportId, frozenset[str]] = {}
    for row in tx.rows(query):
        chain = frozenset({row.origin_hash, row.own_hash, *json.loads(row.hops)})
        found[ReportId(row.report_id)] = found.get(ReportId(row.report_id), frozenset()) | chain
    return found


def read_relay(tx: Transaction, relay_id: str, envelope: Envelope, *, viewer: PartyId, now: datetime) -> Opened | None:
    """A relay, if the viewer may read it."""
    row = tx.row(select(relays).where(relays.c.relay_id == relay_id, relays.c.relay_id.in_(readable_objects(viewer, now))))
    return None if row is None else _opened(row, envelope)


def on_duty(tx: Transaction, relay_id: RelayId, *, viewer: PartyId, now: datetime) -> bool:
    """Whether the viewer reads a relay for another reason than having sent it."""
    query = select(relays.c.relay_id).where(relays.c.relay_id == relay_id, is_on_duty(relays.c.relay_id, viewer, now))
    return tx.row(query) is not None


def system_relay(tx: Transaction, relay_id: RelayId, envelope: Envelope) -> Opened:
    """A relay that was found to answer for what its sender sent again."""
    row = tx.row(select(relays).where(relays.c.relay_id == relay_id))
    assert row is not None, "the relay was found in this transaction"
    return _opened(row, envelope)


def first_relay(tx: Transaction, report_id: str, envelope: Envelope) -> Opened | None:
    """The first relay of a report that the caller has read for its viewer."""
    row = tx.row(select(relays).where(relays.c.report_id == report_id).order_by(relays.c.received_at, relays.c.relay_id).limit(1))
    return None if row is None else _opened(row, envelope)


def list_relays(tx: Transaction, report_ids: Sequence[str], envelope: Envelope) -> list[Opened]:
    """All relays of reports that the caller has read for its viewer, earliest first."""
    found = []
    for start in range(0, len(report_ids), 500):
        query = select(relays).where(relays.c.report_id.in_(list(report_ids[start : start + 500])))
        found += [_opened(row, envelope) for row in tx.rows(query)]
    return sorted(found, key=lambda opened: (opened.relay.received_at, opened.relay.id))


def read_steps(tx: Transaction, opened: Opened) -> list[Step]:
    """What happened to a relay at hand, in order."""
    found = []
    for row in tx.rows(select(steps).where(steps.c.relay_id == opened.relay.id).order_by(steps.c.number)):
        plain = open_with(opened.data_key, bytes(row.sealed), f"{opened.relay.id}/{row.number}")
        words = msgspec.json.decode(plain, type=_Words)
        found.append(Step(
            StepKind(row.kind), row.at, PartyId(row.actor), words.word, words.text, words.owner, words.reference, words.responsible
        ))
    return found


def _opened(row: Row[Any], envelope: Envelope) -> Opened:
    key = envelope.unwrap(bytes(row.wrapped_key), row.relay_id)
    plain = msgspec.json.decode(open_with(key, bytes(row.sealed), row.relay_id), type=_Sealed)
    values = row._mapping
    return Opened(Relay(
        RelayId(row.relay_id), ReportId(row.report_id), PartyId(row.sender), row.received_at, Class(values["class"]), row.mirror_of,
        MirrorBasis(row.basis) if row.basis else None, row.disputed, plain.block.encode(), plain.hop.encode(), plain.safe_id,
    ), key)
