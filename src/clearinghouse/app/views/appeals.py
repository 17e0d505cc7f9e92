"""Appeals as their readers see them: the finder its own, who is on duty for a report those about it."""

from dataclasses import dataclass
from datetime import datetime

from clearinghouse.app import appeals
from clearinghouse.app.views.reports import title_of
from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import ReportId
from clearinghouse.disclosure.coordination.appeals import actions, store
from clearinghouse.disclosure.coordination.appeals.records import Appeal, AppealId, AppealState, Question
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake import store as intake_store
from clearinghouse.parties import store as parties
from clearinghouse.storage import Transaction

_LISTED_MAX = 200


@dataclass(frozen=True, slots=True)
class AppealLine:
    """One appeal; who answered it is not told by name."""

    id: AppealId
    report_id: ReportId
    title: str
    """Of the report."""
    question: Question
    made_at: datetime
    due_at: datetime
    state: AppealState
    words: str
    answered_at: datetime | None
    answer: str
    own: bool
    """The viewer made it, and may take it back while it is open."""


@dataclass(frozen=True, slots=True)
class Contested:
    """A decision that an appeal is against."""

    id: str
    kind: str
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class AppealPage:
    """One appeal, and for who may answer it what it is against."""

    line: AppealLine
    may_answer: bool
    """The viewer is on duty for the report and did not send it; whether it has to leave the answer to another is said below."""
    contested: tuple[Contested, ...] = ()
    others: bool = False
    """The viewer decided what is contested, or is of the house that appeals, and another coordinator can answer."""


def list_appeals(instance: Instance) -> tuple[AppealLine, ...]:
    """What waits for the viewer's answer, the most urgent first, then its own appeals, newest first."""
    viewer, now = instance.actor.id, instance.clock.now()
    with instance.read() as tx:
        found = [
            *store.list_open(tx, instance.envelope, viewer=viewer, now=now, limit=_LISTED_MAX),
            *store.list_own(tx, instance.envelope, viewer=viewer, now=now, limit=_LISTED_MAX),
        ]
        return lines_of(tx, instance, found)


def read_appeal(instance: Instance, appeal_id: str) -> AppealPage:
    """One appeal, if the viewer may see it.

    Raises:
        NotFound: there is none that the viewer may see.
    """
    viewer, now = instance.actor.id, instance.clock.now()
    with instance.read() as tx:
        appeal = actions.find(tx, appeal_id, envelope=instance.envelope, viewer=viewer, now=now)
        report = intake.read_report(tx, appeal.report_id, envelope=instance.envelope, viewer=viewer, now=now)
        [line] = lines_of(tx, instance, [appeal])
        on_duty = report.number in intake_store.duty_numbers(tx, [report.number], viewer=viewer, now=now)
        if line.own or not on_duty or parties.acts_as(tx, viewer, report.reporter, now):
            return AppealPage(line, False)
        standing = appeals.contested(tx, instance, appeal, report)
        with tx.beyond_wall():
            others = appeals.leave_it(tx, instance, appeal, report)
        names = parties.name_parties(tx, sorted({decision.actor for decision in standing}))
    told = tuple(Contested(one.id, one.kind, one.at, names.get(one.actor, ("", None))[0], one.reason) for one in standing)
    return AppealPage(line, appeal.state is AppealState.OPEN, told, others)


def lines_of(tx: Transaction, instance: Instance, found: list[Appeal]) -> tuple[AppealLine, ...]:
    """Appeals that the viewer may see as lines."""
    viewer, now = instance.actor.id, instance.clock.now()
    reports = intake_store.read_reports(tx, sorted({one.report_id for one in found}) or [""], instance.envelope, viewer=viewer, now=now)
    selves = parties.selves_of(tx, viewer, now)
    return tuple(
        AppealLine(
            one.id, one.report_id, title_of(reports[one.report_id].finding) if one.report_id in reports else "", one.question, one.made_at, one.due_at,
            one.state, one.words, one.answered_at, one.answer, one.appellant in selves,
        ) for one in found
    )
