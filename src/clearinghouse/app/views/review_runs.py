"""The run of a review and what came of it, as far as its viewer may see: the meter for both sides, progress and transcripts for the desk alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clearinghouse.app.reviews import deeds
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import NotFound, Unavailable
from clearinghouse.evaluation.benchmarks.running import store as runs
from clearinghouse.evaluation.benchmarks.running.records import KeptEffort, KeptIncident, Progress, Run
from clearinghouse.evaluation.benchmarks.transcripts import actions as transcripts
from clearinghouse.evaluation.benchmarks.transcripts import store as transcript_store
from clearinghouse.evaluation.benchmarks.transcripts.records import Finding, Queued, Reviewed
from clearinghouse.evaluation.review.records import DESK_PARTS, Engagement, Part
from clearinghouse.evaluation.statistics.records import Outcome, View
from clearinghouse.gateway import store as accesses
from clearinghouse.gateway.journal import reading
from clearinghouse.gateway.records import Access, Meter
from clearinghouse.parties import store as party_store
from clearinghouse.storage import Transaction

_TEXT_SHOWN = 20_000
_DESK = DESK_PARTS | {Part.AUDITOR}


@dataclass(frozen=True, slots=True)
class MeterLine:
    """An access and what went over it, without a word of what was asked."""

    access: Access
    name: str
    standing: str
    meter: Meter | None
    """None: the journal cannot be read from here."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run as the desk sees it: how far it came, not how its samples ended."""

    run: Run
    progress: Progress
    incidents: tuple[KeptIncident, ...]
    controls: tuple[int, int]
    """Items whose controls held, and items whose controls were tried."""
    queue: tuple[Queued, ...]
    unread: int


@dataclass(frozen=True, slots=True)
class RunPart:
    """The page on the run."""

    meters: tuple[MeterLine, ...]
    runs: tuple[RunLine, ...]
    efforts: tuple[KeptEffort, ...]
    desk: bool
    """Whether the viewer is on the desk's side."""


@dataclass(frozen=True, slots=True)
class AssessedReading:
    """One view of one domain in an assessment."""

    view: View
    outcome: Outcome
    families: int
    mean_low: float
    mean_high: float
    lower: float | None
    upper: float | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AssessedDomain:
    """One domain in an assessment."""

    name: str
    threshold: float
    families: int
    families_planned: int
    items: int
    cells: int
    tokens: int
    states: Mapping[str, int | None]
    """None: too few to tell."""
    controls: Mapping[str, int] | None
    readings: Mapping[View, AssessedReading]


@dataclass(frozen=True, slots=True)
class Assessed:
    """An assessment as both sides read it."""

    outcome: Outcome
    decides: View
    rehearsal: bool
    domains: tuple[AssessedDomain, ...]
    findings: tuple[tuple[str, str], ...]
    effort: Mapping[str, Any]
    budget: Mapping[str, Any]
    exposure: Mapping[str, Any]
    incidents: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TranscriptPage:
    """One transcript, opened; the opening is on the record."""

    review_id: str
    run_id: str
    sample_id: str
    queued: Queued | None
    steps: tuple[tuple[str, str], ...]
    """Who, and untrusted text."""
    found: tuple[tuple[Reviewed, str], ...]
    """What people found, each with the name of who did."""
    choices: tuple[str, ...]


def read_run(instance: Instance, review_id: str) -> RunPart:
    """The page on the run.

    Raises:
        NotFound: there is no such review for the viewer.
    """
    engagement = deeds.find(instance, review_id)
    now, viewer = instance.clock.now(), instance.actor.id
    with instance.read() as tx:
        granted = accesses.list_of_review(tx, [engagement.id], viewer=viewer, now=now)
        names = party_store.name_parties(tx, sorted({one.party for one in granted}))
        desk = bool(engagement.parts & _DESK)
        lines = tuple(_run_line(tx, instance, engagement, run) for run in runs.list_runs(tx, engagement.id, viewer=viewer, now=now)) if desk else ()
        efforts = tuple(runs.list_efforts(tx, engagement.id, instance.envelope, viewer=viewer, now=now))
    meters = tuple(MeterLine(one, names[one.party][0], standing(one, now), _meter(instance, one)) for one in granted)
    return RunPart(meters, lines, efforts, desk)


def open_transcript(instance: Instance, review_id: str, sample_id: str) -> TranscriptPage:
    """One transcript of a run; that the viewer opened it is on the record before a byte is shown.

    Raises:
        NotFound: there is none that the viewer may read.
        Unavailable: it was destroyed, or altered.
    """
    engagement = deeds.find(instance, review_id)
    if not engagement.parts & _DESK:
        raise NotFound("no such transcript")
    now, viewer = instance.clock.now(), instance.actor.id
    with instance.read() as tx:
        queues = [one for run in runs.list_runs(tx, engagement.id, viewer=viewer, now=now) for one in transcript_store.list_queue(tx, run.id, viewer=viewer, now=now)]
    queued = next((one for one in queues if one.sample_id == sample_id), None)
    if queued is None:
        raise NotFound("no such transcript")
    document = transcripts.open_transcript(instance.database, sample_id, instance.envelope, actor=viewer, now=now)
    with instance.read() as tx:
        found = transcript_store.list_findings(tx, sample_id, instance.envelope, viewer=viewer, now=now)
        names = party_store.name_parties(tx, sorted({one.reviewer for one in found}))
    return TranscriptPage(
        engagement.id, queued.run_id, sample_id, queued, tuple(_steps(document)), tuple((one, names[one.reviewer][0]) for one in found), tuple(Finding)
    )


def say_of_transcript(instance: Instance, review_id: str, sample_id: str, finding: str, reason: str) -> None:
    """What the viewer found in a transcript.

    Raises:
        NotFound: there is none that the viewer may read, or no such word.
        NotPermitted: the viewer is not an evaluator of the review.
        Invalid: no reason is given.
    """
    from clearinghouse.evaluation.review import rules

    engagement = deeds.find(instance, review_id)
    rules.check_part(engagement, Part.EVALUATOR)
    if finding not in set(Finding):
        raise NotFound(f"a finding is one of {', '.join(Finding)}")
    with instance.database.write() as tx:
        transcripts.record_finding(tx, sample_id, Finding(finding), reason, instance.envelope, actor=instance.actor.id, now=instance.clock.now())


def assessed(predicate: Mapping[str, Any]) -> Assessed:
    """An assessment's statement as a page draws it."""
    domains = []
    for one in predicate["domains"]:
        readings = {
            View(view): AssessedReading(
                View(view), Outcome(each["outcome"]), one["families"], each["mean_low"], each["mean_high"], each["lower"], each["upper"],
                tuple(each["reasons"]),
            ) for view, each in one["readings"].items()
        }
        domains.append(AssessedDomain(
            one["name"], one["threshold"], one["families"], one["families_planned"], one["items"], one["cells"], one["tokens"], one["states"],
            one["controls"], readings,
        ))
    return Assessed(
        Outcome(predicate["outcome"]), View(predicate["decides"]), predicate["rehearsal"], tuple(domains),
        tuple((each["name"], each["message"]) for each in predicate["findings"]), predicate["effort"], predicate["budget"], predicate["exposure"],
        predicate["incidents"],
    )


def standing(access: Access, now: datetime) -> str:
    """Where an access stands, in a word."""
    if access.ended_at is not None:
        return "ended"
    if now >= access.ends_at:
        return "over"
    if access.suspended_at is not None:
        return "suspended"
    return "standing" if now >= access.begins_at else "not begun"


def _run_line(tx: Transaction, instance: Instance, engagement: Engagement, run: Run) -> RunLine:
    now, viewer = instance.clock.now(), instance.actor.id
    queue = transcript_store.list_queue(tx, run.id, viewer=viewer, now=now)
    controls = runs.list_controls(tx, run.id, viewer=viewer, now=now)
    # With the materials the words of incidents are gone.
    incidents = runs.list_incidents(tx, run.id, instance.envelope, viewer=viewer, now=now) if engagement.materials_key else []
    return RunLine(
        run, runs.read_progress(tx, run, viewer=viewer, now=now), tuple(incidents), (sum(one.passed for one in controls), len(controls)), tuple(queue),
        sum(one.finding is None for one in queue),
    )


def _meter(instance: Instance, access: Access) -> Meter | None:
    try:
        return reading.meter_of(instance.settings.gateway.journal, access.id)
    except Unavailable:
        return None


def _steps(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    steps: list[tuple[str, str]] = []
    for message in document.get("messages", []):
        if not isinstance(message, Mapping):
            continue
        content = message.get("content")
        text = content if isinstance(content, str) else "" if content is None else str(content)
        for call in message.get("tool_calls") or []:
            said = call.get("function", {}) if isinstance(call, Mapping) else {}
            text += f"\n[{said.get('name', 'tool')}] {said.get('arguments', '')}"
        steps.append((str(message.get("role", "?"))[:20], text[:_TEXT_SHOWN]))
    return steps
