"""Where people's findings on transcripts are kept: the only SQL of this part. Transcripts themselves lie with their samples."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Row, Table, func, insert, select

from clearinghouse.core.ids import PartyId, RunId
from clearinghouse.evaluation.benchmarks.running.store import eval_runs, eval_samples
from clearinghouse.evaluation.benchmarks.transcripts.records import Finding, Flag, Queued, Reviewed
from clearinghouse.parties.store import is_readable
from clearinghouse.storage import Envelope, Transaction
from clearinghouse.storage.schema import Id, Instant, Word, metadata
from clearinghouse.storage.sealing import open_with, seal_with

eval_findings = Table(
    "eval_findings", metadata,
    Column("finding_id", Id, primary_key=True),
    Column("sample_id", Id, ForeignKey("eval_samples.sample_id"), nullable=False),
    Column("run_id", Id, ForeignKey("eval_runs.run_id"), nullable=False),
    Column("reviewer", Id, nullable=False),
    Column("finding", Word, nullable=False),
    Column("at", Instant, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "run_id", "at"),
    Index(None, "sample_id", "at"),
)


def add_finding(tx: Transaction, reviewed: Reviewed, key: bytes) -> None:
    """Keep what a person found."""
    tx.write(insert(eval_findings), {
        "finding_id": reviewed.id, "sample_id": reviewed.sample_id, "run_id": reviewed.run_id, "reviewer": reviewed.reviewer,
        "finding": reviewed.finding, "at": reviewed.at, "sealed": seal_with(key, reviewed.reason.encode(), reviewed.id),
    })


def list_queue(tx: Transaction, run_id: str, *, viewer: PartyId, now: datetime) -> list[Queued]:
    """Transcripts of a run that people should read: unread before read, flagged before drawn, in the order of the plan.

    Not how a sample ended: who reads one is not to know what the numbers would like.
    """
    counted = (
        select(eval_findings.c.sample_id, func.count().label("times")).where(eval_findings.c.run_id == run_id).group_by(eval_findings.c.sample_id).subquery()
    )
    latest = (
        select(eval_findings.c.finding).where(eval_findings.c.sample_id == eval_samples.c.sample_id)
        .order_by(eval_findings.c.at.desc(), eval_findings.c.finding_id.desc()).limit(1).scalar_subquery()
    )
    query = select(
        eval_samples.c.sample_id, eval_samples.c.run_id, eval_samples.c.flags, func.coalesce(counted.c.times, 0).label("times"), latest.label("latest"),
    ).join(counted, counted.c.sample_id == eval_samples.c.sample_id, isouter=True)
    shown = (eval_samples.c.run_id == run_id, eval_samples.c.flags != "", eval_samples.c.sealed_transcript.is_not(None), is_readable(eval_samples.c.run_id, viewer, now))
    found = [
        Queued(
            row.sample_id, RunId(row.run_id), tuple(Flag(word) for word in row.flags.split()), None if row.latest is None else Finding(row.latest), row.times
        )
        for row in tx.rows(query.where(*shown).order_by(eval_samples.c.number))
    ]
    return sorted(found, key=lambda queued: (queued.findings > 0, queued.flags == (Flag.DRAWN,)))


def find_transcript(tx: Transaction, sample_id: str, envelope: Envelope, *, viewer: PartyId, now: datetime) -> tuple[RunId, str, bytes] | None:
    """A transcript of a run that was granted to the viewer: its run, the digest on the record and its bytes."""
    query = select(eval_samples.c.run_id, eval_samples.c.transcript_digest, eval_samples.c.sealed_transcript, eval_runs.c.wrapped_key)
    row = tx.row(query.join(eval_runs, eval_runs.c.run_id == eval_samples.c.run_id).where(
        eval_samples.c.sample_id == sample_id, eval_samples.c.sealed_transcript.is_not(None), is_readable(eval_samples.c.run_id, viewer, now)
    ))
    if row is None:
        return None
    key = envelope.unwrap(bytes(row.wrapped_key), row.run_id)
    return RunId(row.run_id), row.transcript_digest, open_with(key, bytes(row.sealed_transcript), f"{sample_id}/transcript")


def list_findings(tx: Transaction, sample_id: str, envelope: Envelope, *, viewer: PartyId, now: datetime) -> list[Reviewed]:
    """What people found in a transcript, oldest first; the last one stands."""
    query = select(eval_findings, eval_runs.c.wrapped_key).join(eval_runs, eval_runs.c.run_id == eval_findings.c.run_id)
    shown = (eval_findings.c.sample_id == sample_id, is_readable(eval_findings.c.run_id, viewer, now))
    return [_reviewed(row, envelope) for row in tx.rows(query.where(*shown).order_by(eval_findings.c.at, eval_findings.c.finding_id))]


def system_standing(tx: Transaction, run_id: RunId) -> dict[str, Finding]:
    """Sample to the finding that stands, for the cells of an analysis."""
    rows = tx.rows(select(eval_findings).where(eval_findings.c.run_id == run_id).order_by(eval_findings.c.at, eval_findings.c.finding_id))
    return {row.sample_id: Finding(row.finding) for row in rows}


def system_unread(tx: Transaction, run_id: RunId) -> int:
    """How many transcripts that people should read nobody has, before an analysis may begin."""
    read = select(eval_findings.c.sample_id).where(eval_findings.c.run_id == run_id)
    return int(tx.value(select(func.count()).select_from(eval_samples).where(
        eval_samples.c.run_id == run_id, eval_samples.c.flags != "", eval_samples.c.sealed_transcript.is_not(None), eval_samples.c.sample_id.not_in(read)
    )) or 0)


def _reviewed(row: Row[Any], envelope: Envelope) -> Reviewed:
    key = envelope.unwrap(bytes(row.wrapped_key), row.run_id)
    reason = open_with(key, bytes(row.sealed), row.finding_id).decode()
    return Reviewed(row.finding_id, row.sample_id, RunId(row.run_id), PartyId(row.reviewer), Finding(row.finding), row.at, reason)
