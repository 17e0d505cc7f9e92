"""Validations of a case as one viewer may see them: verdicts with what they rest on, progress, and what may be asked for.

Verdicts, controls and telling frames are for the room; logs and materials for those who are shown everything (tier 3).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from clearinghouse.app.kept_verdicts import Kept, parse_kept
from clearinghouse.app.validating import docket_of
from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import PartyId
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.coordination.rooms.actions.entering import hidden_among
from clearinghouse.disclosure.coordination.rooms.records import AttachedReport, CaseRole, CaseState, Room
from clearinghouse.disclosure.coordination.rooms.store import cases
from clearinghouse.disclosure.validation.dockets import store as dockets
from clearinghouse.disclosure.validation.dockets.records import Docket, Material, MaterialKind
from clearinghouse.disclosure.validation.judging import Control, ControlState, Verdict
from clearinghouse.disclosure.validation.observing.records import Cell
from clearinghouse.disclosure.validation.queue import actions as queue
from clearinghouse.disclosure.validation.queue import rules, store
from clearinghouse.disclosure.validation.queue.records import Validation, ValidationState
from clearinghouse.parties import store as parties
from clearinghouse.parties.records import Tier
from clearinghouse.storage import Transaction

_NOT_NAMED = "somebody who is not named"
_OPENED_MAX = 20  # verdicts of one list whose controls are counted
_FRAMES_SHOWN = 12

VERDICTS: Mapping[str, str] = {
    "validated": "does what is claimed on the vulnerable build and nothing on the fixed one; every control held",
    "reproduced": "does what is claimed; there is no fixed build to compare with",
    "still_fires": "the fixed build does it, too",
    "other_effect": "something happens, and it is not what is claimed",
    "flaky": "it happens in some runs",
    "not_reproduced": "nothing happened within these limits; that says nothing against the report",
    "unproven": "it happens, and a control failed: the evidence shows less than it seems to",
    "no_run": "it could not be built or started",
}
"""Each verdict in a sentence. None of them says that a report is false, or that a patch is right."""


@dataclass(frozen=True, slots=True)
class ValidationLine:
    """One validation in a list."""

    id: str
    report_id: str
    report_title: str
    title: str
    """Of the recipe."""
    recipe: str
    state: str
    state_words: str
    asked_at: datetime
    asked_by_name: str
    ended_at: datetime | None
    verifier_name: str
    done: int
    total: int
    verdict: str
    verdict_words: str
    trust: str
    level: str
    held: int
    """Controls that held, failed and were not made."""
    failed: int
    not_made: int
    trouble: str


@dataclass(frozen=True, slots=True)
class CellLine:
    """One input on one build."""

    label: str
    outcome: str
    agreeing: int
    runs: int
    kind: str
    frames: tuple[str, ...]
    place: str
    note: str
    logs: tuple[str, ...]
    """Digests of raw logs, each once, for those who may open one."""
    milliseconds: int
    """Of the run shown."""


@dataclass(frozen=True, slots=True)
class BuildLine:
    """One build of a recipe."""

    name: str
    ok: bool
    stage: str
    instrumented: bool
    note: str
    key: str
    untrusted_log: str
    """What the tools wrote, for those who are shown everything."""


@dataclass(frozen=True, slots=True)
class ValidationPage:
    """A validation with everything its verdict rests on."""

    case_id: str
    case_title: str
    line: ValidationLine
    reasons: tuple[str, ...]
    controls: tuple[Control, ...]
    cells: tuple[CellLine, ...]
    builds: tuple[BuildLine, ...]
    edges: Mapping[str, int | None]
    guards: tuple[str, ...]
    level: str
    """Kind, version and control groups of the sandbox."""
    limits: str
    """Within which the runs were made."""
    statement_digest: str
    may: frozenset[str]
    """`cancel`, `resume`, `open`: to open logs and materials."""


@dataclass(frozen=True, slots=True)
class CaseBench:
    """What the bench has of a case."""

    lines: tuple[ValidationLine, ...]
    materials: tuple[Material, ...]
    reports: tuple[tuple[str, str], ...]
    """(id, title) of the reports that may be asked about."""
    may: frozenset[str]
    """`ask` and `add`."""

    @property
    def recipes(self) -> tuple[Material, ...]:
        """The recipes among the materials, newest first."""
        return tuple(reversed([one for one in self.materials if one.kind is MaterialKind.RECIPE]))


def read_bench(instance: Instance, case_id: str) -> CaseBench:
    """What the bench has of a case, as far as the viewer is told.

    Raises:
        NotFound: the case is not the viewer's to see.
    """
    now, viewer = instance.clock.now(), instance.actor.id
    with instance.read() as tx:
        room = rooms.enter(tx, case_id, envelope=instance.envelope, viewer=viewer, now=now)
        docket = docket_of(tx, room)
        attached = cases.list_reports(tx, room, now=now)
        found = store.list_validations(tx, docket, viewer=viewer, now=now)
        kept = {one.id: document for one in found[:_OPENED_MAX] if (document := _kept(tx, docket, one, viewer, now)) is not None}
        materials = dockets.list_materials(tx, docket, viewer=viewer, now=now)
        selves, names = parties.selves_of(tx, viewer, now), _names(tx, room, found, [material.added_by for material in materials])
        houses = parties.houses_of(tx, [viewer, *(report.reporter for report in attached)])
    works = room.case.state is CaseState.OPEN and bool(room.standing.roles) and room.standing.tier >= Tier.DOCUMENTS
    asked = [
        (str(report.id), report.title) for report in attached
        if report.withdrawn_at is None and not rules.is_finder(selves, houses.get(viewer), report.reporter, houses.get(report.reporter))
    ]
    may = {"add"} if works else set()
    if works and asked and not room.standing.only_reports:
        may.add("ask")
    return CaseBench(
        tuple(_line(one, kept.get(one.id), attached, names) for one in found), tuple(materials), tuple(asked), frozenset(may),
    )


def read_validation(instance: Instance, case_id: str, validation_id: str) -> ValidationPage:
    """One validation, with every cell, control and limit.

    Raises:
        NotFound: there is none that the viewer may see.
    """
    now, viewer = instance.clock.now(), instance.actor.id
    with instance.read() as tx:
        room = rooms.enter(tx, case_id, envelope=instance.envelope, viewer=viewer, now=now)
        docket = docket_of(tx, room)
        found = queue.find(tx, docket, validation_id, viewer=viewer, now=now)
        kept = _kept(tx, docket, found, viewer, now)
        attached = cases.list_reports(tx, room, now=now, detached=True)
        selves, names = parties.selves_of(tx, viewer, now), _names(tx, room, [found], [])
    deep = room.standing.tier >= Tier.DOCUMENTS
    ends = bool(rules.may_end(found, selves=selves, coordinates=CaseRole.COORDINATOR in room.standing.roles)) and bool(room.standing.roles)
    may = {"open"} if deep else set()
    if ends and not found.ended:
        may.add("cancel")
    if ends and deep and found.state in (ValidationState.CANCELLED, ValidationState.FAILED) and room.case.state is CaseState.OPEN:
        may.add("resume")
    seen = None if kept is None else kept.assessment.observed
    return ValidationPage(
        room.id, room.case.title, _line(found, kept, attached, names), () if kept is None else kept.assessment.reasons,
        () if kept is None else kept.assessment.controls, () if kept is None else tuple(_cells(kept)),
        () if seen is None else tuple(
            BuildLine(
                name.value, build.ok, build.stage, build.instrumented, build.note, build.key,
                build.untrusted_log[: instance.policy.bench_queue.log_shown_bytes_max].decode("utf-8", "replace") if deep else "",
            )
            for name, build in seen.builds.items()
        ),
        {} if seen is None else {name.value: count for name, count in seen.edges.items()},
        () if seen is None else tuple(sorted(seen.level.guards)),
        "" if seen is None else f"{seen.level.kind} {seen.level.version}, control groups {seen.level.cgroups}",
        "" if kept is None or not kept.runs else
        f"{kept.runs} runs of the reproducer on each build, each of at most {kept.wall_seconds:g} s and {kept.memory_bytes >> 20} MiB",
        found.statement_digest, frozenset(may),
    )


def read_badges(tx: Transaction, instance: Instance, report_ids: Sequence[str]) -> dict[str, str]:
    """The last verdict on each of these reports, all of which the viewer may read, in words; only where it may read the case, too."""
    found = store.badges_of(tx, report_ids, viewer=instance.actor.id, now=instance.clock.now())
    return {str(report): badge_words(badge.verdict, badge.trust) for report, badge in found.items()}


def badge_words(verdict: str, trust: str) -> str:
    """`validated, T2`; of what was not seen, no tier: nothing rests on it."""
    said = verdict.replace("_", " ")
    return f"{said}, {trust}" if trust and verdict in (Verdict.VALIDATED, Verdict.REPRODUCED) else said


def _kept(tx: Transaction, docket: Docket, found: Validation, viewer: PartyId, now: datetime) -> Kept | None:
    document = store.read_result(tx, docket, found, viewer=viewer, now=now) if found.state is ValidationState.DONE else None
    return None if document is None else parse_kept(document)


def _names(tx: Transaction, room: Room, found: Iterable[Validation], more: Iterable[str]) -> Mapping[str, str]:
    wanted = {*more, *(party for one in found for party in (one.asked_by, one.verifier) if party is not None)}
    hidden = hidden_among(tx, room, wanted)
    return {party: _NOT_NAMED if party in hidden else name for party, (name, _) in parties.name_parties(tx, sorted(wanted)).items()}


def _line(found: Validation, kept: Kept | None, attached: Sequence[AttachedReport], names: Mapping[str, str]) -> ValidationLine:
    controls = () if kept is None else kept.assessment.controls
    counts = {state: sum(control.state is state for control in controls) for state in ControlState}
    return ValidationLine(
        found.id, found.report_id, next((report.title for report in attached if report.id == found.report_id), ""), found.title, found.recipe,
        found.state, rules.WORDS[found.state], found.asked_at, names.get(found.asked_by, ""), found.state_at if found.ended else None,
        names.get(found.verifier, "") if found.verifier is not None else "", found.done, found.total, found.verdict,
        VERDICTS.get(found.verdict, ""), found.trust, found.level, counts[ControlState.HELD], counts[ControlState.FAILED],
        counts[ControlState.NOT_MADE], found.trouble,
    )


def _cells(kept: Kept) -> Iterable[CellLine]:
    seen = kept.assessment.observed
    for name, cell in seen.reproducer.items():
        yield _cell(f"reproducer on {name.value}", cell)
    for name, cell in seen.canaries.items():
        yield _cell(f"canary on {name.value}", cell)
    for name, cells in seen.benign.items():
        for number, cell in enumerate(cells, 1):
            yield _cell(f"benign input {number} on {name.value}", cell)


def _cell(label: str, cell: Cell) -> CellLine:
    shown = cell.agreed
    agreeing, runs = cell.counts
    return CellLine(
        label, cell.outcome.value, agreeing, runs, " ".join(part for part in (shown.kind, shown.access) if part), shown.frames[:_FRAMES_SHOWN],
        shown.place, shown.note, tuple(dict.fromkeys(run.log_digest for run in cell.runs if run.log_digest)), round(shown.wall_seconds * 1000),
    )


__all__ = [
    "VERDICTS", "BuildLine", "CaseBench", "CellLine", "ValidationLine", "ValidationPage", "badge_words", "read_badges", "read_bench",
    "read_validation",
]
