"""One report: what was received, what is said of it, and what it was compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from clearinghouse.app.process import matching
from clearinghouse.app.views.appeals import AppealLine, lines_of
from clearinghouse.app.views.reports import ReportLine, line_of, title_of
from clearinghouse.app.views.telling import Telling, founding_reports, read_tellings
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import NotFound
from clearinghouse.core.policy import AppealPolicy
from clearinghouse.disclosure.coordination.appeals import store as appeals
from clearinghouse.disclosure.coordination.appeals.records import AppealState, Question
from clearinghouse.disclosure.coordination.appeals.rules import open_questions
from clearinghouse.disclosure.coordination.asks import store as asks
from clearinghouse.disclosure.deconfliction import actions as deconfliction
from clearinghouse.disclosure.deconfliction import placements, store
from clearinghouse.disclosure.deconfliction.records import KINSHIP_WORDS, Evidence, Verdict
from clearinghouse.disclosure.deconfliction.settling import RELATIONS
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake import store as intake_store
from clearinghouse.disclosure.intake.commitments import store as commitments
from clearinghouse.disclosure.intake.commitments.rules import counts_from
from clearinghouse.disclosure.intake.records import Report
from clearinghouse.disclosure.intake.withdrawals import store as withdrawals
from clearinghouse.disclosure.intake.withdrawals.records import Withdrawal
from clearinghouse.ledger import store as ledger
from clearinghouse.ledger.store import LoggedEvent
from clearinghouse.parties import store as parties
from clearinghouse.storage import Transaction

_OF_THE_SENDER = frozenset({"ReportReceived", "ReportWithdrawn", "ReportReinstated", "FinderTold", "AppealMade", "AppealUpheld", "AppealRejected", "AppealWithdrawn"})
"""Events about a report that its sender is told of; others tell what people made of it."""


@dataclass(frozen=True, slots=True)
class CandidateLine:
    """Something the report was compared with: named if the viewer may read it, else "a held finding" (decision 1)."""

    id: str | None
    title: str
    probability: float
    relation: str
    kinds: tuple[str, ...] = ()
    """Kinds of evidence that are not text; of a held finding nothing else is told."""
    withdrawn: bool = False
    """Its sender took it back; it matches all the same."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A report and all that belongs to it."""

    report: Report
    line: ReportLine
    candidates: tuple[CandidateLine, ...]
    events: tuple[LoggedEvent, ...]
    told: Telling
    committed_at: datetime | None = None
    """When its finder had committed to it, where that was before it was received and counts."""
    withdrawal: Withdrawal | None = None
    """That its sender took it back, and why."""
    own: bool = False
    """Whether it is the viewer's to take back or reinstate."""
    asked_at: datetime | None = None
    """When the viewer last asked to take part in what others make of it."""
    appeals: tuple[AppealLine, ...] = ()
    """Of its sender, for the sender and for who is on duty for it; oldest first."""
    questions: tuple[Question, ...] = ()
    """What the viewer may appeal now."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two reports amount to.

    Not the number the index knows a record by: numbers are dealt in order of arrival and would tell how many there are.
    """

    probability: float
    """Calibrated: of pairs with this number, that part is the same flaw."""
    relation: Verdict
    evidence: tuple[Evidence, ...]
    """Strongest first."""
    kinship: str = ""
    """Of a variant and of what is related, which kind: `umbrella`, `regression`, `chain`, `copy`, ...; empty for every other relation."""
    because: str = ""
    """The same in a sentence."""


@dataclass(frozen=True, slots=True)
class Explained:
    """Two reports side by side."""

    one: ReportLine
    other: ReportLine
    candidate: Comparison


@dataclass(frozen=True, slots=True)
class Compared:
    """Two reports side by side with all they say."""

    one: Report
    other: Report
    explained: Explained


def read_report(instance: Instance, report_id: str) -> Opened:
    """A report, if the viewer may read it; to a mere reporter without what deconfliction says of it.

    Raises:
        NotFound: there is none that the viewer may see.
    """
    viewer, now = instance.actor.id, instance.clock.now()
    with instance.read() as tx:
        report = intake.read_report(tx, report_id, envelope=instance.envelope, viewer=viewer, now=now)
        told = read_tellings(tx, instance, [report.number])[report.number]
        placement = store.read_placements(tx, [report.number]).get(report.number)
        founding = founding_reports(tx, instance, [placement.cluster] if placement else [])
        compared, executed = _compared(tx, placement) if placement and told.everything else ([], frozenset())
        known = intake_store.read_reports_by_number(
            tx, [number for number, _, _ in compared] or [0], instance.envelope, viewer=viewer, now=now
        )
        gone = withdrawals.system_withdrawn(tx, sorted(known))
        withdrawal = withdrawals.find_withdrawal(tx, report.id, instance.envelope, viewer=viewer, now=now)
        own = parties.acts_as(tx, viewer, report.reporter, now)
        events = tuple(ledger.events_about(tx, report.id))
        appealed = lines_of(tx, instance, appeals.list_of_reports(tx, [report.id], instance.envelope, viewer=viewer, now=now))
        with tx.beyond_wall():
            asked = asks.system_asked_at(tx, report.id, viewer)
            committed = commitments.system_by_report(tx, [report.id]).get(report.id)
    candidates = tuple(
        CandidateLine(
            known[number].id if number in known else None, title_of(known[number].finding) if number in known else "a held finding",
            probability, RELATIONS[relation], ("execution",) if number in executed else (), number in gone,
        )
        for number, probability, relation in compared
    )
    shown = events if told.everything else tuple(event for event in events if event.kind in _OF_THE_SENDER)
    since = None if committed is None else counts_from(*committed, instance.policy.commitments)
    line = line_of(report, placement, founding, told)
    mine = own and not report.public
    return Opened(
        report, line, candidates, shown, told, since, withdrawal, mine, max(asked, default=None), appealed,
        appealable(told, appealed, instance.policy.appeals) if mine else (),
    )


def _compared(tx: Transaction, placement: store.Placement) -> tuple[list[tuple[int, float, int]], frozenset[int]]:
    """What a report was compared with, as execution has it read; and of that, the numbers that execution speaks of."""
    number = placement.number
    spoken, effects = placements.executed(tx, [number])
    candidates = placements.reading_of(effects.joined, effects.asked).of(number, store.unpack_candidates(placement.candidates))
    return list(candidates), frozenset(other for edge in spoken for other in edge.pair if other != number)


def appealable(told: Telling, made: Sequence[AppealLine], policy: AppealPolicy) -> tuple[Question, ...]:
    """What the sender of a report may appeal now, by what it is told and has appealed before."""
    allowed = open_questions(looked=told.looked, known=told.known_since is not None, withdrawn=told.withdrawn_at is not None)
    counted = [one.question for one in made if one.state is not AppealState.WITHDRAWN]
    waiting = {one.question for one in made if one.state is AppealState.OPEN}
    return tuple(each for each in allowed if each not in waiting and counted.count(each) < policy.per_question_max)


def explain(instance: Instance, one_id: str, other_id: str) -> Explained:
    """What two reports amount to, with the evidence; raises as `compare` does."""
    return compare(instance, one_id, other_id).explained


def compare(instance: Instance, one_id: str, other_id: str) -> Compared:
    """Two reports compared, with the evidence, if the viewer may read both and is told what is made of them.

    Raises:
        NotFound: one of them is not there for this viewer, or is its own that it merely sent.
        Conflict: one of them is not compared yet.
    """
    viewer, now = instance.actor.id, instance.clock.now()
    if one_id == other_id:
        raise NotFound("a report is compared with another one; the same id was given twice")
    with instance.read() as tx:
        one, other = (
            intake.read_report(tx, report_id, envelope=instance.envelope, viewer=viewer, now=now) for report_id in (one_id, other_id)
        )
        told = read_tellings(tx, instance, [one.number, other.number])
        if not all(entry.everything for entry in told.values()):
            raise NotFound(f"no comparison of {one_id[:40]!r} with {other_id[:40]!r}; comparing is for the coordinators of both reports")
        candidate = deconfliction.explain(tx, matching(instance), one, other)
        placed = store.read_placements(tx, [one.number, other.number])
        founding = founding_reports(tx, instance, {placement.cluster for placement in placed.values()})
    return Compared(one, other, Explained(
        line_of(one, placed.get(one.number), founding, told[one.number]),
        line_of(other, placed.get(other.number), founding, told[other.number]),
        Comparison(
            candidate.probability, candidate.relation, candidate.evidence, candidate.kinship or "",
            "" if candidate.kinship is None else KINSHIP_WORDS[candidate.kinship],
        ),
    ))


def strongest(evidence: tuple[Evidence, ...], most: int = 8) -> tuple[Evidence, ...]:
    """The evidence worth a look, strongest first."""
    return tuple(sorted(evidence, key=lambda entry: -abs(entry.contribution))[:most])
