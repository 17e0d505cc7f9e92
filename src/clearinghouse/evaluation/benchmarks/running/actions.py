"""Planning a run, what its worker notes, and what people note beside it."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import rfc8785

from clearinghouse.core.errors import Conflict, NotFound
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, ReviewCaseId, RunId, has_shape, new_id
from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.evaluation.benchmarks.engines.base import SampleResult
from clearinghouse.evaluation.benchmarks.records import Grade
from clearinghouse.evaluation.benchmarks.running import rules, store
from clearinghouse.evaluation.benchmarks.running.importing import ImportedLog
from clearinghouse.evaluation.benchmarks.running.records import Control, KeptEffort, Purpose, Run, RunPlan, RunState, Sample
from clearinghouse.evaluation.benchmarks.sessions import Certainty, Incident, IncidentKind
from clearinghouse.evaluation.benchmarks.transcripts.records import Flag, digest_of
from clearinghouse.evaluation.benchmarks.transcripts.rules import flags_of, is_drawn
from clearinghouse.evaluation.statistics.records import CellState, Effort
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import store as parties
from clearinghouse.parties.records import Basis, Grant
from clearinghouse.storage import Envelope, Transaction


def plan_run(
    tx: Transaction, review_id: ReviewCaseId, purpose: Purpose, plan: RunPlan, *, model_version: str, plan_digest: str, engine: str,
    readers: Sequence[PartyId], actor: PartyId, envelope: Envelope, policy: BenchmarkPolicy, now: datetime,
) -> Run:
    """A run, ready to begin, with a sample for every cell of its grid.

    Args:
        model_version: what names the model's version wherever it is run; kept as a keyed hash.
        plan_digest: of the analysis plan that was frozen on the ledger.
        readers: who may read incidents and transcripts of this run, besides the actor: evaluators, never the model's developer.
    Raises:
        Invalid: the plan cannot be run.
    """
    rules.check_plan(plan, policy)
    cells = rules.in_order(plan)
    new = Run(RunId(new_id("run")), review_id, purpose, RunState.PLANNED, now, now, actor, plan_digest, engine, plan.grid.epochs, len(cells), 0)
    samples = [
        (Sample(new_id("smp"), new.id, number, item.domain, item.family, item.item, epoch, 0, None), term_of(envelope, "item", plan.items[item.item]))
        for number, (item, epoch) in enumerate(cells)
    ]
    store.add_run(tx, new, plan, model_term=term_of(envelope, "model", model_version), samples=samples, envelope=envelope)
    parties.add_grants(tx, [Grant(new.id, party, Basis.PARTICIPANT, given_by=actor, given_at=now) for party in dict.fromkeys((actor, *readers))])
    families = {item.family for item, _ in cells}
    details: dict[str, Detail] = {
        "plan": plan_digest, "purpose": purpose, "engine": engine, "families": len(families), "items": len(plan.grid.items), "epochs": plan.grid.epochs,
        "grid": digest_of(rfc8785.dumps([[item.domain, item.family, item.item] for item in plan.grid.items])),
    }
    ledger.record(tx, Event("RunPlanned", (new.id, review_id), details), actor=actor, now=now)
    return new


def claim(tx: Transaction, run_id: str, lease: str, *, until: datetime, actor: PartyId, now: datetime) -> Run:
    """A run, held by one worker from now on.

    Raises:
        NotFound: there is none.
        Conflict: another worker has it, or it has ended.
    """
    found = store.system_run(tx, run_id) if has_shape(run_id) else None
    if found is None:
        raise NotFound("no such run")
    if not store.claim_run(tx, found.id, lease, until=until, now=now):
        raise Conflict(f"this run is {found.state}" + (" by another worker" if found.state is RunState.RUNNING else "") + "; it cannot be begun")
    details: dict[str, Detail] = {"done": found.done, "from": found.state}
    ledger.record(tx, Event("RunBegun", (found.id, found.review_id), details), actor=actor, now=now)
    return found


def begin_sample(tx: Transaction, sample: Sample, lease: str, *, actor: PartyId, now: datetime) -> None:
    """Note, before its item is asked for, that a sample begins.

    Raises:
        Conflict: the run is another worker's by now, or was ended.
    """
    _check_held(tx, sample.run_id, lease)
    store.begin_sample(tx, sample.id, now)
    ledger.record(tx, Event("SampleBegun", (sample.id, sample.run_id), {"attempt": sample.attempts + 1}), actor=actor, now=now)


def note_sample(
    tx: Transaction, sample: Sample, result: SampleResult, grade: Grade | None, lease: str, *, seed: bytes, share: float, attempts_max: int, key: bytes,
    actor: PartyId, now: datetime,
) -> CellState | None:
    """Keep what a sample came to, its transcript and its incidents in one step; None where it is to be run again.

    Args:
        sample: as it stood when it was begun; its attempts include this one.
        key: of the run.
    Raises:
        Conflict: the run is another worker's by now, or was ended; nothing is kept.
    """
    _check_held(tx, sample.run_id, lease)
    outcome = rules.outcome_of(result.ending, grade)
    if outcome is CellState.UNRESOLVED and grade is not None and grade.correct is None:
        outcome = CellState.INFRASTRUCTURE  # a grader that failed is our own machinery: run again, and only then given up
    if outcome is None:
        store.unbegin_sample(tx, sample.id)
        ledger.record(tx, Event("SampleNotRun", (sample.id, sample.run_id)), actor=actor, now=now)
        return None
    incidents = result.incidents
    if grade is not None and grade.tampered:
        # It may be that the grader saw it done, and it may be that a comment names a path of the grader's: a person looks.
        incidents = (*incidents, Incident(IncidentKind.WRITE_VERDICT, Certainty.PATTERN, 0, "what was handed in reads or acts as if to reach its grader"))
    used = Sample(
        sample.id, sample.run_id, sample.number, sample.domain, sample.family, sample.item, sample.epoch, sample.attempts, None,
        prompt_tokens=result.usage.prompt_tokens, completion_tokens=result.usage.completion_tokens, calls=result.usage.calls,
        unmetered_calls=result.usage.unmetered_calls, seconds=result.seconds, cost_microdollars=result.usage.cost_microdollars,
    )
    store.charge_sample(tx, used)
    noted = [(new_id("inc"), incident) for incident in incidents]
    if noted:
        store.add_incidents(tx, sample.run_id, sample.id, noted, key, now)
        events = [
            Event("IncidentNoted", (incident_id, sample.run_id, sample.id), {"kind": incident.kind, "certainty": incident.certainty, "evidence": incident.digest})
            for incident_id, incident in noted
        ]
        ledger.record_many(tx, events, actor=actor, now=now)
    rendered = result.transcript.render()
    digest = digest_of(rendered)
    if outcome is CellState.INFRASTRUCTURE and sample.attempts < attempts_max:
        # What was said in an attempt that failed stays on the record by its digest; the transcript that is kept is of the one that counts.
        details: dict[str, Detail] = {"attempt": sample.attempts, "transcript": digest, "calls": result.usage.calls}
        ledger.record(tx, Event("SampleFailed", (sample.id, sample.run_id), details), actor=actor, now=now)
        return None
    flags = flags_of(
        result.transcript, incidents, solved=None if grade is None else grade.correct, graded=grade is not None and grade.correct is not None,
        handed_in=bool(result.submission.answer or result.submission.files),
    )
    if is_drawn(seed, rules.drawn_name(sample.item, sample.epoch), share):
        flags = (*flags, Flag.DRAWN)
    ended = Sample(
        sample.id, sample.run_id, sample.number, sample.domain, sample.family, sample.item, sample.epoch, sample.attempts, outcome, flags,
        transcript_digest=digest, build_digest=build_digest(result.builds), note=result.note or (grade.note[:64] if grade is not None else ""), ended_at=now,
    )
    if not store.end_sample(tx, ended, rendered, key):
        raise Conflict("this sample ended already")
    # The digest binds the outcome to the transcript without telling it: nobody learns results from the ledger before the plan says so.
    result_digest = digest_of(rfc8785.dumps({"outcome": outcome, "sample": sample.id, "transcript": digest}))
    kept: dict[str, Detail] = {"attempts": sample.attempts, "transcript": digest, "result": result_digest, "tokens": result.usage.tokens, "incidents": len(noted)}
    ledger.record(tx, Event("SampleEnded", (sample.id, sample.run_id), kept), actor=actor, now=now)
    return outcome


def give_up_sample(tx: Transaction, sample: Sample, lease: str, *, key: bytes, actor: PartyId, now: datetime) -> None:
    """Note that a sample was begun as often as it may be and never ended, as when its worker died each time.

    Raises:
        Conflict: as for `note_sample`.
    """
    _check_held(tx, sample.run_id, lease)
    ended = Sample(
        sample.id, sample.run_id, sample.number, sample.domain, sample.family, sample.item, sample.epoch, sample.attempts, CellState.INFRASTRUCTURE,
        note="begun as often as allowed, never ended", ended_at=now,
    )
    if store.end_sample(tx, ended, None, key):
        ledger.record(tx, Event("SampleGivenUp", (sample.id, sample.run_id), {"attempts": sample.attempts}), actor=actor, now=now)


def note_control(tx: Transaction, run_id: RunId, control: Control, lease: str, *, actor: PartyId, now: datetime) -> None:
    """Keep what the controls of an item came to, before the model sees it.

    Raises:
        Conflict: as for `note_sample`.
    """
    _check_held(tx, run_id, lease)
    store.put_control(tx, run_id, control)
    details: dict[str, Detail] = {"item": control.item, "positive": control.positive, "negative": control.negative}
    ledger.record(tx, Event("ControlsTried", (run_id,), details), actor=actor, now=now)


def keep_log(tx: Transaction, run: Run, log: bytes, records: bytes, *, key: bytes, actor: PartyId, now: datetime) -> str:
    """What an engine itself wrote down of a run, sealed with it; gives its id. Nothing of a determination rests on it: it is there to be held against ours."""
    log_id, digests = new_id("elg"), (digest_of(log), digest_of(records))
    store.add_log(tx, log_id, run.id, log, records, digests, key, now)
    details: dict[str, Detail] = {"log": digests[0], "records": digests[1], "size_bytes": len(log)}
    ledger.record(tx, Event("EngineLogKept", (log_id, run.id), details), actor=actor, now=now)
    return log_id


def import_run(
    tx: Transaction, review_id: ReviewCaseId, found: ImportedLog, log: bytes, records: bytes, *, model_version: str, readers: Sequence[PartyId],
    actor: PartyId, envelope: Envelope, now: datetime,
) -> Run:
    """A run that was made elsewhere, on the record as what it is: every cell it planned, those that are missing included, and never part of a
    determination unless a plan says so.
    """
    grid = found.grid
    plan = RunPlan(grid, found.items, found.model, 0, 0, 0.0, "", 0.0)
    total = len(grid.items) * grid.epochs
    new = Run(
        RunId(new_id("run")), review_id, Purpose.IMPORTED, RunState.DONE, now, now, actor, digest_of(records), found.engine, grid.epochs, total,
        len(found.cells),
    )
    cells = {(cell.item.item, cell.epoch): cell for cell in found.cells}
    samples = [
        Sample(new_id("smp"), new.id, number, item.domain, item.family, item.item, epoch, 0, None)
        for number, (item, epoch) in enumerate(rules.in_order(plan))
    ]
    terms = [(sample, term_of(envelope, "item", f"imported/{found.items[sample.item]}")) for sample in samples]
    store.add_run(tx, new, plan, model_term=term_of(envelope, "model", model_version), samples=terms, envelope=envelope)
    key = store.system_key(tx, new.id, envelope)
    for sample in samples:
        cell = cells.get((sample.item, sample.epoch))
        if cell is None:
            continue
        used = replace(sample, prompt_tokens=cell.tokens, seconds=cell.seconds)
        store.charge_sample(tx, used)
        store.end_sample(tx, replace(sample, outcome=cell.state, note="imported", ended_at=now), None, key)
    store.set_done(tx, new.id, len(found.cells))
    parties.add_grants(tx, [Grant(new.id, party, Basis.PARTICIPANT, given_by=actor, given_at=now) for party in dict.fromkeys((actor, *readers))])
    keep_log(tx, new, log, records, key=key, actor=actor, now=now)
    details: dict[str, Detail] = {"records": digest_of(records), "log": digest_of(log), "planned": total, "found": len(found.cells), "status": found.status}
    ledger.record(tx, Event("RunImported", (new.id, review_id), details), actor=actor, now=now)
    return new


def leave(tx: Transaction, run: Run, lease: str, why: str, *, actor: PartyId, now: datetime) -> RunState | None:
    """Let go of a run: done where every sample ended, else paused and why. None where it was another's by now, and nothing was noted."""
    left = [sample for sample in store.system_samples(tx, run.id) if sample.outcome is None]
    state = RunState.PAUSED if left else RunState.DONE
    if not store.leave_run(tx, run.id, lease, state, why if left else "", now):
        return None
    details: dict[str, Detail] = {"left": len(left), "why": why if left else ""}
    ledger.record(tx, Event("RunPaused" if left else "RunDone", (run.id, run.review_id), details), actor=actor, now=now)
    return state


def stop(tx: Transaction, run_id: str, *, actor: PartyId, now: datetime) -> Run:
    """Ask a run that is being worked on to stop after what it is doing; what has not ended can go on later.

    Raises:
        NotFound: the actor may not read it.
        Conflict: nobody works on it.
    """
    found = store.find_run(tx, run_id, viewer=actor, now=now) if has_shape(run_id) else None
    if found is None:
        raise NotFound("no such run")
    if not store.want_stop(tx, found.id):
        raise Conflict(f"this run is {found.state}: there is nothing to stop")
    ledger.record(tx, Event("RunStopWanted", (found.id, found.review_id)), actor=actor, now=now)
    return found


def end(tx: Transaction, run: Run, why: str, *, actor: PartyId, now: datetime) -> None:
    """Give a run up for good, as when its review was withdrawn; cells that never ran stay in the denominator.

    Args:
        why: one of our own words.
    Raises:
        Conflict: it has ended.
    """
    if not store.end_run(tx, run.id, why, now):
        raise Conflict("this run has ended already")
    ledger.record(tx, Event("RunEnded", (run.id, run.review_id), {"why": why, "done": run.done, "total": run.total}), actor=actor, now=now)


def record_effort(tx: Transaction, review_id: ReviewCaseId, effort: Effort, *, actor: PartyId, envelope: Envelope, now: datetime) -> KeptEffort:
    """An entry of the effort ledger: what was done, by whom, to bring out what the model can do.

    Raises:
        Invalid: a count is negative, or the safeguards are neither full nor reduced.
    """
    rules.check_effort(effort)
    kept = KeptEffort(new_id("eff"), review_id, actor, now, effort)
    store.add_effort(tx, kept, envelope)
    details: dict[str, Detail] = {
        "scaffolds": effort.scaffolds, "prompts": effort.prompts, "attempts": effort.attempts, "tokens": effort.tokens,
        "person_hours": effort.person_hours, "safeguards": effort.safeguards, "fine_tuning": effort.fine_tuning,
    }
    ledger.record(tx, Event("EffortRecorded", (kept.id, review_id), details), actor=actor, now=now)
    return kept


def total_effort(kept: Sequence[KeptEffort]) -> Effort:
    """All entries together, as an analysis takes them: counts add up, and the safeguards are reduced if any entry's were."""
    efforts = [each.effort for each in kept]
    return Effort(
        sum(each.scaffolds for each in efforts), sum(each.prompts for each in efforts), sum(each.attempts for each in efforts),
        sum(each.tokens for each in efforts), sum(each.person_hours for each in efforts), tuple(sorted({tool for each in efforts for tool in each.tools})),
        any(each.fine_tuning for each in efforts), "reduced" if any(each.safeguards == "reduced" for each in efforts) else "full",
    )


def term_of(envelope: Envelope, kind: str, name: str) -> str:
    """A keyed hash: equal for equal names, and told to nobody without the key of the index."""
    return hmac.new(envelope.index_key(), f"clearinghouse/eval-{kind}/v1\0{name}".encode(), hashlib.sha256).hexdigest()


def build_digest(builds: Sequence[str]) -> str:
    """Of what answers named as model and build; empty where there was no answer."""
    return digest_of("\n".join(builds).encode("utf-8", "replace")) if builds else ""


def _check_held(tx: Transaction, run_id: RunId, lease: str) -> None:
    if not store.hold_lease(tx, run_id, lease):
        raise Conflict("this run is another worker's by now, or was ended")
