"""Where looks at a model are kept, by digests: the only SQL of this part."""

from datetime import datetime

import msgspec
from sqlalchemy import Column, Index, Table, insert, select

from clearinghouse.core.ids import PartyId
from clearinghouse.evaluation.benchmarks.running.probing.records import ProbeResult
from clearinghouse.parties.store import is_readable
from clearinghouse.storage import Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, Prose, Word, metadata

eval_probes = Table(
    "eval_probes", metadata,
    Column("probe_id", Id, primary_key=True),
    Column("review_id", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", Id, nullable=False),
    Column("digest", Digest, nullable=False),
    Column("sameness", Word, nullable=False),  # against the first; empty for the first itself
    Column("result", Prose, nullable=False),  # digests alone: no word that a model said
    Index(None, "review_id", "at"),
)


def add_probe(tx: Transaction, probe_id: str, review_id: str, result: ProbeResult, sameness: str, *, by: PartyId, at: datetime) -> None:
    """Keep a look."""
    tx.write(insert(eval_probes), {
        "probe_id": probe_id, "review_id": review_id, "at": at, "by": by, "digest": result.digest, "sameness": sameness,
        "result": msgspec.json.encode(result).decode(),
    })


def list_probes(tx: Transaction, review_id: str, *, viewer: PartyId, now: datetime) -> list[tuple[datetime, str, str]]:
    """When a model was looked at, the digest of each look and what it said, oldest first, for who takes part in its review."""
    query = select(eval_probes.c.at, eval_probes.c.digest, eval_probes.c.sameness)
    shown = (eval_probes.c.review_id == review_id, is_readable(eval_probes.c.review_id, viewer, now))
    return [(row.at, row.digest, row.sameness) for row in tx.rows(query.where(*shown).order_by(eval_probes.c.at, eval_probes.c.probe_id))]


def system_first(tx: Transaction, review_id: str) -> ProbeResult | None:
    """The first look at the model of a review."""
    query = select(eval_probes.c.result).where(eval_probes.c.review_id == review_id, eval_probes.c.sameness == "")
    found = tx.value(query.order_by(eval_probes.c.at, eval_probes.c.probe_id).limit(1))
    return None if found is None else msgspec.json.decode(found, type=ProbeResult)


def system_last_at(tx: Transaction, review_id: str) -> datetime | None:
    """When the model was last looked at, for a run that waits otherwise."""
    return tx.value(select(eval_probes.c.at).where(eval_probes.c.review_id == review_id).order_by(eval_probes.c.at.desc()).limit(1))  # type: ignore[no-any-return]
