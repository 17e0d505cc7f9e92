"""Where runs, samples, incidents, controls, effort and looks at the model are kept: the only SQL of this part."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    case,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from clearinghouse.core.ids import PartyId, ReviewCaseId, RunId
from clearinghouse.evaluation.benchmarks.running.records import (
    Control,
    KeptEffort,
    KeptIncident,
    Progress,
    Purpose,
    Run,
    RunPlan,
    RunState,
    Sample,
)
from clearinghouse.evaluation.benchmarks.sessions.records import Incident
from clearinghouse.evaluation.benchmarks.transcripts.records import Flag
from clearinghouse.evaluation.statistics.records import CellState, Effort
from clearinghouse.parties.store import is_readable
from clearinghouse.storage import Envelope, SealedBody, Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, Prose, Word, metadata
from clearinghouse.storage.sealing import open_with, seal_with

eval_runs = Table(
    "eval_runs", metadata,
    Column("run_id", Id, primary_key=True),
    Column("review_id", Id, nullable=False),
    Column("purpose", Word, nullable=False),
    Column("state", Word, nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("why", Word, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("asked_by", Id, nullable=False),
    Column("plan_digest", Digest, nullable=False),
    Column("model_term", Digest, nullable=False),  # keyed hash of the model version: which runs met the same one
    Column("engine", Word, nullable=False),
    Column("epochs", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("stop_wanted", Boolean, nullable=False),
    Column("lease", Id),
    Column("leased_until", Instant),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "review_id"),
    Index(None, "model_term"),
)
eval_samples = Table(
    "eval_samples", metadata,
    Column("sample_id", Id, primary_key=True),
    Column("run_id", Id, ForeignKey("eval_runs.run_id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("domain", Word, nullable=False),
    Column("family", Word, nullable=False),
    Column("item", Word, nullable=False),
    Column("item_term", Digest, nullable=False),  # keyed hash of the item's own id
    Column("epoch", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("begun_at", Instant),
    Column("ended_at", Instant),
    Column("outcome", Word),
    Column("flags", Prose, nullable=False),
    Column("note", Word, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("unmetered_calls", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("cost_microdollars", BigInteger, nullable=False),
    Column("build_digest", Digest, nullable=False),
    Column("transcript_digest", Digest, nullable=False),
    Column("sealed_transcript", LargeBinary),
    Index("ix_eval_samples_cell", "run_id", "item", "epoch", unique=True),
    Index(None, "run_id", "number"),
    Index(None, "item_term"),
)
eval_incidents = Table(
    "eval_incidents", metadata,
    Column("incident_id", Id, primary_key=True),
    Column("run_id", Id, ForeignKey("eval_runs.run_id"), nullable=False),
    Column("sample_id", Id, ForeignKey("eval_samples.sample_id"), nullable=False),
    Column("kind", Word, nullable=False),
    Column("certainty", Word, nullable=False),
    Column("call", Integer, nullable=False),
    Column("digest", Digest, nullable=False),
    Column("at", Instant, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "run_id", "at"),
    Index(None, "sample_id"),
)
eval_controls = Table(
    "eval_controls", metadata,
    Column("run_id", Id, ForeignKey("eval_runs.run_id"), primary_key=True),
    Column("item", Word, primary_key=True),
    Column("positive", Boolean),
    Column("negative", Boolean),
    Column("at", Instant, nullable=False),
)
eval_efforts = Table(
    "eval_efforts", metadata,
    Column("effort_id", Id, primary_key=True),
    Column("review_id", Id, nullable=False),
    Column("by", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "review_id", "at"),
)
eval_logs = Table(
    "eval_logs", metadata,
    Column("log_id", Id, primary_key=True),
    Column("run_id", Id, ForeignKey("eval_runs.run_id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("log_digest", Digest, nullable=False),
    Column("records_digest", Digest, nullable=False),
    Column("sealed_log", LargeBinary, nullable=False),
    Column("sealed_records", LargeBinary, nullable=False),
    Index(None, "run_id", "at"),
)
"""What an engine itself wrote down, as it was, and our records of it."""
_OPEN_RUNS = (RunState.PLANNED, RunState.PAUSED, RunState.RUNNING)


def add_run(tx: Transaction, run: Run, plan: RunPlan, *, model_term: str, samples: Sequence[tuple[Sample, str]], envelope: Envelope) -> None:
    """Keep a run and its samples, each with the term of its item."""
    sealed = envelope.seal(msgspec.json.encode(plan), run.id)
    tx.write(insert(eval_runs), {
        "run_id": run.id, "review_id": run.review_id, "purpose": run.purpose, "state": run.state, "state_at": run.state_at, "why": run.why,
        "asked_at": run.asked_at, "asked_by": run.asked_by, "plan_digest": run.plan_digest, "model_term": model_term, "engine": run.engine,
        "epochs": run.epochs, "total": run.total, "done": run.done, "stop_wanted": False, "lease": None, "leased_until": None,
        "wrapped_key": sealed.wrapped_key, "sealed": sealed.body,
    })
    tx.write(insert(eval_samples), [
        {"sample_id": sample.id, "run_id": run.id, "number": sample.number, "domain": sample.domain, "family": sample.family, "item": sample.item,
         "item_term": term, "epoch": sample.epoch, "attempts": 0, "begun_at": None, "ended_at": None, "outcome": None, "flags": "", "note": "",
         "prompt_tokens": 0, "completion_tokens": 0, "calls": 0, "unmetered_calls": 0, "seconds": 0.0, "cost_microdollars": 0, "build_digest": "",
         "transcript_digest": "", "sealed_transcript": None}
        for sample, term in samples
    ])


def claim_run(tx: Transaction, run_id: RunId, lease: str, *, until: datetime, now: datetime) -> bool:
    """Take a run for one worker; False where another has it, or it has ended."""
    free = or_(eval_runs.c.lease.is_(None), eval_runs.c.leased_until <= now, eval_runs.c.lease == lease)
    found = (eval_runs.c.run_id == run_id, eval_runs.c.state.in_(_OPEN_RUNS), free)
    changed = {"state": RunState.RUNNING, "state_at": now, "why": "", "lease": lease, "leased_until": until, "stop_wanted": False}
    return tx.write(update(eval_runs).where(*found).values(**changed)) == 1


def renew_run(tx: Transaction, run_id: RunId, lease: str, until: datetime) -> bool:
    """Keep it for longer; False where it is another's, or was ended."""
    held = (eval_runs.c.run_id == run_id, eval_runs.c.lease == lease, eval_runs.c.state == RunState.RUNNING)
    return tx.derive(update(eval_runs).where(*held).values(leased_until=until)) == 1


def leave_run(tx: Transaction, run_id: RunId, lease: str, state: RunState, why: str, now: datetime) -> bool:
    """Let go of it in another state; False where it is another's, or was ended."""
    held = (eval_runs.c.run_id == run_id, eval_runs.c.lease == lease, eval_runs.c.state == RunState.RUNNING)
    return tx.write(update(eval_runs).where(*held).values(state=state, state_at=now, why=why, lease=None, leased_until=None)) == 1


def set_done(tx: Transaction, run_id: RunId, done: int) -> None:
    """How many samples ended, for a run that is kept whole."""
    tx.write(update(eval_runs).where(eval_runs.c.run_id == run_id).values(done=done))


def want_stop(tx: Transaction, run_id: RunId) -> bool:
    """Ask whoever runs it to stop; False where nobody does."""
    return tx.write(update(eval_runs).where(eval_runs.c.run_id == run_id, eval_runs.c.state == RunState.RUNNING).values(stop_wanted=True)) == 1


def end_run(tx: Transaction, run_id: RunId, why: str, now: datetime) -> bool:
    """Give a run up; False where it has ended."""
    values = {"state": RunState.ENDED, "state_at": now, "why": why, "lease": None, "leased_until": None}
    return tx.write(update(eval_runs).where(eval_runs.c.run_id == run_id, eval_runs.c.state.in_(_OPEN_RUNS)).values(**values)) == 1


def hold_lease(tx: Transaction, run_id: RunId, lease: str) -> bool:
    """Whether a run is still this worker's; no other writer changes that before the transaction ends."""
    held = select(eval_runs.c.run_id).where(eval_runs.c.run_id == run_id, eval_runs.c.lease == lease, eval_runs.c.state == RunState.RUNNING)
    return tx.row(held.with_for_update()) is not None


def begin_sample(tx: Transaction, sample_id: str, now: datetime) -> None:
    """Count an attempt; when the model first met the item stays."""
    begun = func.coalesce(eval_samples.c.begun_at, literal(now, Instant))
    tx.write(update(eval_samples).where(eval_samples.c.sample_id == sample_id).values(attempts=eval_samples.c.attempts + 1, begun_at=begun))


def unbegin_sample(tx: Transaction, sample_id: str) -> None:
    """It was not begun after all: the model was never reached this time, and perhaps before."""
    begun = case((eval_samples.c.attempts > 1, eval_samples.c.begun_at), else_=None)
    tx.write(update(eval_samples).where(eval_samples.c.sample_id == sample_id).values(attempts=eval_samples.c.attempts - 1, begun_at=begun))


def charge_sample(tx: Transaction, sample: Sample) -> None:
    """Add to what a sample used, whether it ended or is run again."""
    tx.write(update(eval_samples).where(eval_samples.c.sample_id == sample.id).values(
        prompt_tokens=eval_samples.c.prompt_tokens + sample.prompt_tokens, completion_tokens=eval_samples.c.completion_tokens + sample.completion_tokens,
        calls=eval_samples.c.calls + sample.calls, unmetered_calls=eval_samples.c.unmetered_calls + sample.unmetered_calls,
        seconds=eval_samples.c.seconds + sample.seconds, cost_microdollars=eval_samples.c.cost_microdollars + sample.cost_microdollars,
    ))


def end_sample(tx: Transaction, sample: Sample, transcript: bytes | None, key: bytes) -> bool:
    """Keep what a sample came to; False where it had ended already, and nothing was kept."""
    waiting = (eval_samples.c.sample_id == sample.id, eval_samples.c.outcome.is_(None))
    ended = tx.write(update(eval_samples).where(*waiting).values(
        outcome=sample.outcome, ended_at=sample.ended_at, flags=" ".join(sample.flags), note=sample.note[:64], build_digest=sample.build_digest,
        transcript_digest=sample.transcript_digest,
        sealed_transcript=None if transcript is None else seal_with(key, transcript, f"{sample.id}/transcript"),
    ))
    if ended:
        tx.write(update(eval_runs).where(eval_runs.c.run_id == sample.run_id).values(done=eval_runs.c.done + 1))
    return ended == 1


def add_incidents(tx: Transaction, run_id: RunId, sample_id: str, found: Sequence[tuple[str, Incident]], key: bytes, now: datetime) -> None:
    """Keep incidents, each under an id."""
    rows = [
        {"incident_id": incident_id, "run_id": run_id, "sample_id": sample_id, "kind": incident.kind, "certainty": incident.certainty,
         "call": incident.call, "digest": incident.digest, "at": now,
         "sealed": seal_with(key, incident.words.encode() + b"\n" + incident.untrusted_evidence, incident_id)}
        for incident_id, incident in found
    ]
    tx.write(insert(eval_incidents), rows)


def put_control(tx: Transaction, run_id: RunId, control: Control) -> None:
    """Keep what the controls of an item came to."""
    tx.write(insert(eval_controls), {"run_id": run_id, "item": control.item, "positive": control.positive, "negative": control.negative, "at": control.at})


def add_log(tx: Transaction, log_id: str, run_id: RunId, log: bytes, records: bytes, digests: tuple[str, str], key: bytes, now: datetime) -> None:
    """Keep what an engine wrote down."""
    tx.write(insert(eval_logs), {
        "log_id": log_id, "run_id": run_id, "at": now, "log_digest": digests[0], "records_digest": digests[1],
        "sealed_log": seal_with(key, log, f"{log_id}/log"), "sealed_records": seal_with(key, records, f"{log_id}/records"),
    })


def add_effort(tx: Transaction, kept: KeptEffort, envelope: Envelope) -> None:
    """Keep an entry of the effort ledger."""
    sealed = envelope.seal(msgspec.json.encode(kept.effort), kept.id)
    row = {"effort_id": kept.id, "review_id": kept.review_id, "by": kept.by, "at": kept.at, "wrapped_key": sealed.wrapped_key, "sealed": sealed.body}
    tx.write(insert(eval_efforts), row)


# Reading


def find_run(tx: Transaction, run_id: str, *, viewer: PartyId, now: datetime) -> Run | None:
    """A run of a review that the viewer takes part in."""
    row = tx.row(select(*_RUN).where(eval_runs.c.run_id == run_id, _shown(viewer, now)))
    return None if row is None else _run(row)


def list_runs(tx: Transaction, review_id: str, *, viewer: PartyId, now: datetime) -> list[Run]:
    """The runs of a review, newest first."""
    query = select(*_RUN).where(eval_runs.c.review_id == review_id, _shown(viewer, now))
    return [_run(row) for row in tx.rows(query.order_by(eval_runs.c.asked_at.desc(), eval_runs.c.run_id))]


def read_progress(tx: Transaction, run: Run, *, viewer: PartyId, now: datetime) -> Progress:
    """How far a run came: numbers without outcomes, as everybody who takes part in the review may know them."""
    # Samples stand behind the grants on their run; these sums are for whoever may read the run itself, and `run` was read for this viewer.
    with tx.beyond_wall():
        sums: Any = tx.row(select(
            func.coalesce(func.sum(eval_samples.c.attempts), 0), func.coalesce(func.sum(eval_samples.c.prompt_tokens + eval_samples.c.completion_tokens), 0),
            func.coalesce(func.sum(eval_samples.c.cost_microdollars), 0), func.coalesce(func.sum(eval_samples.c.seconds), 0.0),
            func.count().filter(eval_samples.c.attempts > 1),
        ).select_from(eval_samples.join(eval_runs, eval_runs.c.run_id == eval_samples.c.run_id)).where(eval_samples.c.run_id == run.id, _shown(viewer, now)))
        incidents = tx.value(
            select(func.count()).select_from(eval_incidents.join(eval_runs, eval_runs.c.run_id == eval_incidents.c.run_id))
            .where(eval_incidents.c.run_id == run.id, _shown(viewer, now))
        )
    assert sums is not None, "an aggregate has a row"
    return Progress(run, int(sums[0]), int(sums[1]), int(sums[2]), float(sums[3]), int(incidents or 0), int(sums[4]))


def list_incidents(tx: Transaction, run_id: str, envelope: Envelope, *, viewer: PartyId, now: datetime) -> list[KeptIncident]:
    """The incidents of a run that was granted to the viewer, with our words for each and without their evidence."""
    query = select(eval_incidents, eval_runs.c.wrapped_key).join(eval_runs, eval_runs.c.run_id == eval_incidents.c.run_id)
    rows = tx.rows(query.where(eval_incidents.c.run_id == run_id, is_readable(eval_incidents.c.run_id, viewer, now)).order_by(eval_incidents.c.at, eval_incidents.c.incident_id))
    if not rows:
        return []
    key = envelope.unwrap(bytes(rows[0].wrapped_key), rows[0].run_id)
    return [
        KeptIncident(
            row.incident_id, RunId(row.run_id), row.sample_id, row.kind, row.certainty, row.call, row.digest, row.at,
            open_with(key, bytes(row.sealed), row.incident_id).split(b"\n", 1)[0].decode("utf-8", "replace"),
        )
        for row in rows
    ]


def list_efforts(tx: Transaction, review_id: str, envelope: Envelope, *, viewer: PartyId, now: datetime) -> list[KeptEffort]:
    """The effort ledger of a review, oldest first."""
    shown = (eval_efforts.c.review_id == review_id, is_readable(eval_efforts.c.review_id, viewer, now))
    return [_effort(row, envelope) for row in tx.rows(select(eval_efforts).where(*shown).order_by(eval_efforts.c.at, eval_efforts.c.effort_id))]


def list_controls(tx: Transaction, run_id: str, *, viewer: PartyId, now: datetime) -> list[Control]:
    """What the controls of a run's items came to, for whom the run was granted to."""
    query = select(eval_controls).where(eval_controls.c.run_id == run_id, is_readable(eval_controls.c.run_id, viewer, now))
    return [_control(row) for row in tx.rows(query.order_by(eval_controls.c.item))]


# What the machine asks; shown to nobody as it is


def system_run(tx: Transaction, run_id: str) -> Run | None:
    """A run."""
    row = tx.row(select(*_RUN).where(eval_runs.c.run_id == run_id))
    return None if row is None else _run(row)


def system_plan(tx: Transaction, run_id: RunId, envelope: Envelope) -> tuple[RunPlan, bytes]:
    """The plan of a run, and the key that its samples are sealed under."""
    row = tx.row(select(eval_runs.c.wrapped_key, eval_runs.c.sealed).where(eval_runs.c.run_id == run_id))
    assert row is not None, "whoever asks holds the run"
    key = envelope.unwrap(bytes(row.wrapped_key), run_id)
    return msgspec.json.decode(open_with(key, bytes(row.sealed), run_id), type=RunPlan), key


def system_key(tx: Transaction, run_id: RunId, envelope: Envelope) -> bytes:
    """The key that a run's samples are sealed under."""
    wrapped = tx.value(select(eval_runs.c.wrapped_key).where(eval_runs.c.run_id == run_id))
    return envelope.unwrap(bytes(wrapped), run_id)


def system_samples(tx: Transaction, run_id: RunId) -> list[Sample]:
    """All samples of a run, in the order of the plan, without their transcripts."""
    return [_sample(row) for row in tx.rows(select(*_SAMPLE).where(eval_samples.c.run_id == run_id).order_by(eval_samples.c.number))]


def system_controls(tx: Transaction, run_id: RunId) -> dict[str, Control]:
    """Blinded item to what its controls came to."""
    return {row.item: _control(row) for row in tx.rows(select(eval_controls).where(eval_controls.c.run_id == run_id))}


def system_efforts(tx: Transaction, review_id: str, envelope: Envelope) -> list[KeptEffort]:
    """The effort ledger of a review, for an analysis."""
    query = select(eval_efforts).where(eval_efforts.c.review_id == review_id).order_by(eval_efforts.c.at, eval_efforts.c.effort_id)
    return [_effort(row, envelope) for row in tx.rows(query)]


def system_reused(tx: Transaction, run_id: RunId) -> set[str]:
    """Samples whose item the same model version met before, in another run than a practice or an imported one."""
    other, mine = eval_samples.alias(), eval_runs.alias()
    earlier = (
        select(other.c.sample_id).join(eval_runs, eval_runs.c.run_id == other.c.run_id)
        .where(
            other.c.item_term == eval_samples.c.item_term, other.c.run_id != eval_samples.c.run_id, other.c.begun_at.is_not(None),
            eval_runs.c.model_term == mine.c.model_term, eval_runs.c.purpose == Purpose.SEALED,
            or_(eval_samples.c.begun_at.is_(None), other.c.begun_at < eval_samples.c.begun_at),
        ).exists()
    )
    query = select(eval_samples.c.sample_id).join(mine, mine.c.run_id == eval_samples.c.run_id).where(eval_samples.c.run_id == run_id, earlier)
    return {row.sample_id for row in tx.rows(query)}


def system_transcripts(tx: Transaction, run_id: RunId, key: bytes) -> dict[str, bytes]:
    """Sample to its transcript, for a named check and for an export."""
    rows = tx.rows(select(eval_samples.c.sample_id, eval_samples.c.sealed_transcript).where(eval_samples.c.run_id == run_id, eval_samples.c.sealed_transcript.is_not(None)))
    return {row.sample_id: open_with(key, bytes(row.sealed_transcript), f"{row.sample_id}/transcript") for row in rows}


def system_logs(tx: Transaction, run_id: RunId, key: bytes) -> list[tuple[bytes, bytes]]:
    """What engines wrote down of a run and our records of it, oldest first, for an export."""
    rows = tx.rows(select(eval_logs).where(eval_logs.c.run_id == run_id).order_by(eval_logs.c.at, eval_logs.c.log_id))
    return [(open_with(key, bytes(row.sealed_log), f"{row.log_id}/log"), open_with(key, bytes(row.sealed_records), f"{row.log_id}/records")) for row in rows]


def system_open_runs(tx: Transaction, now: datetime) -> list[RunId]:
    """Runs whose worker died: their lease has ended and they have not."""
    query = select(eval_runs.c.run_id).where(eval_runs.c.state == RunState.RUNNING, eval_runs.c.leased_until <= now)
    return [RunId(row.run_id) for row in tx.rows(query)]


def forget_transcripts(tx: Transaction, review_id: str) -> int:
    """Destroy the keys of a review's runs, and take its transcripts away; gives how many transcripts there were. Digests and figures stay."""
    mine = select(eval_runs.c.run_id).where(eval_runs.c.review_id == review_id)
    kept = (eval_samples.c.run_id.in_(mine), eval_samples.c.sealed_transcript.is_not(None))
    gone = tx.write(update(eval_samples).where(*kept).values(sealed_transcript=None))
    tx.write(update(eval_incidents).where(eval_incidents.c.run_id.in_(mine)).values(sealed=b""))
    tx.write(update(eval_runs).where(eval_runs.c.review_id == review_id).values(wrapped_key=b""))
    return gone


def _shown(viewer: PartyId, now: datetime) -> ColumnElement[bool]:
    return is_readable(eval_runs.c.review_id, viewer, now) | is_readable(eval_runs.c.run_id, viewer, now)


_RUN = [column for column in eval_runs.c if column.name not in ("sealed", "wrapped_key", "model_term")]
_SAMPLE = [column for column in eval_samples.c if column.name not in ("sealed_transcript", "item_term")]


def _run(row: Row[Any]) -> Run:
    return Run(
        RunId(row.run_id), ReviewCaseId(row.review_id), Purpose(row.purpose), RunState(row.state), row.state_at, row.asked_at, PartyId(row.asked_by),
        row.plan_digest, row.engine, row.epochs, row.total, row.done, row.why, row.leased_until, bool(row.stop_wanted),
    )


def _sample(row: Row[Any]) -> Sample:
    return Sample(
        row.sample_id, RunId(row.run_id), row.number, row.domain, row.family, row.item, row.epoch, row.attempts,
        None if row.outcome is None else CellState(row.outcome), tuple(Flag(word) for word in row.flags.split()), row.prompt_tokens,
        row.completion_tokens, row.calls, row.unmetered_calls, row.seconds, row.cost_microdollars, row.transcript_digest, row.build_digest, row.note,
        row.begun_at, row.ended_at,
    )


def _control(row: Row[Any]) -> Control:
    return Control(row.item, row.positive, row.negative, row.at)


def _effort(row: Row[Any], envelope: Envelope) -> KeptEffort:
    body = envelope.open(SealedBody(bytes(row.wrapped_key), bytes(row.sealed)), row.effort_id)
    return KeptEffort(row.effort_id, ReviewCaseId(row.review_id), PartyId(row.by), row.at, msgspec.json.decode(body, type=Effort))


__all__ = [
    "add_effort", "add_incidents", "add_log", "add_run", "begin_sample", "charge_sample", "claim_run", "end_run", "end_sample", "eval_controls", "eval_efforts",
    "eval_incidents", "eval_logs", "eval_runs", "eval_samples", "find_run", "hold_lease", "leave_run", "list_controls", "list_efforts", "list_incidents", "list_runs",
    "put_control", "read_progress", "renew_run", "set_done", "system_controls", "system_efforts", "system_key", "system_logs", "system_open_runs", "system_plan", "system_reused",
    "system_run", "system_samples", "system_transcripts", "unbegin_sample", "want_stop",
]
