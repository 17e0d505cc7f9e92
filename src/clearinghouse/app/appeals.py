"""Appeals across capabilities: what may be contested by what is told, who has to answer, and what an upheld one undoes."""

from collections.abc import Sequence

from clearinghouse.app.views.telling import read_tellings
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict, NotFound, NotPermitted
from clearinghouse.core.ids import DecisionId, PartyId
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.coordination.appeals import actions, rules, store
from clearinghouse.disclosure.coordination.appeals.records import Appeal, Question
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.coordination.rooms.store import cases, vulnerabilities
from clearinghouse.disclosure.deconfliction import actions as deconfliction
from clearinghouse.disclosure.deconfliction import store as decisions
from clearinghouse.disclosure.deconfliction.records import SAMENESS, DecisionKind
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake.records import Report
from clearinghouse.parties import store as parties
from clearinghouse.storage import Transaction


def make_appeal(instance: Instance, report_id: str, question: Question, untrusted_words: str) -> Appeal:
    """Contest what the actor is told of a report that it sent.

    Raises:
        NotFound: the report is not there for the actor.
        NotPermitted: another party sent it.
        Invalid, Conflict: as for `actions.make_appeal`.
    """
    viewer, now = instance.actor.id, instance.clock.now()
    with instance.database.write() as tx:
        report = intake.read_report(tx, report_id, envelope=instance.envelope, viewer=viewer, now=now)
        if not parties.acts_as(tx, viewer, report.reporter, now) or report.public:
            raise NotPermitted("only who sent a report appeals what was made of it")
        told = read_tellings(tx, instance, [report.number])[report.number]
        allowed = rules.open_questions(looked=told.looked, known=told.known_since is not None, withdrawn=told.withdrawn_at is not None)
        return actions.make_appeal(
            tx, report, question, untrusted_words, allowed, actor=viewer, envelope=instance.envelope, policy=instance.policy.appeals, now=now
        )


def withdraw_appeal(instance: Instance, appeal_id: str) -> None:
    """Take back an appeal of the actor.

    Raises:
        NotFound: there is none of the actor's.
        Conflict: it was answered or withdrawn before.
    """
    viewer, now = instance.actor.id, instance.clock.now()
    with instance.database.write() as tx:
        appeal = actions.find(tx, appeal_id, envelope=instance.envelope, viewer=viewer, now=now)
        report = intake.read_report(tx, appeal.report_id, envelope=instance.envelope, viewer=viewer, now=now)
        actions.withdraw_appeal(tx, appeal, report, actor=viewer, envelope=instance.envelope, now=now)


def answer_appeal(instance: Instance, appeal_id: str, uphold: bool, untrusted_words: str) -> tuple[str, ...]:
    """Answer an appeal; gives what was done about one that is upheld, in words.

    Upheld, what was said to be known or a duplicate is parted from the others: a merge of nothing but these is undone, else the report is
    split off, and a case that sets it beside others as one flaw no longer does. What was held apart is so no more. All of it in one
    transaction with the answer, and each by the action that a person would use.
    Raises:
        NotFound: there is none that the actor may see.
        NotPermitted, Invalid, Conflict: as for `actions.answer_appeal`.
        Conflict: a case that the actor does not coordinate holds the report beside others.
    """
    viewer, now = instance.actor.id, instance.clock.now()
    with instance.database.write() as tx:
        appeal = actions.find(tx, appeal_id, envelope=instance.envelope, viewer=viewer, now=now)
        report = intake.read_report(tx, appeal.report_id, envelope=instance.envelope, viewer=viewer, now=now)
        standing = contested(tx, instance, appeal, report)
        deciders = _passed_over(tx, instance, appeal, report)
        others = who_else(tx, instance, appeal, report, deciders)
        actions.answer_appeal(
            tx, appeal, report, uphold, untrusted_words, deciders=deciders, others=others, actor=viewer, envelope=instance.envelope, now=now
        )
        return _follow(tx, instance, appeal, report, standing) if uphold else ()


def contested(tx: Transaction, instance: Instance, appeal: Appeal, report: Report) -> list[decisions.KeptDecision]:
    """The standing decisions that an appeal is against, newest first."""
    against = {
        Question.KNOWN: {DecisionKind.MERGE}, Question.DUPLICATE: {DecisionKind.MERGE}, Question.NOT_SAME: {DecisionKind.SPLIT, DecisionKind.NOT_SAME},
        Question.CREDIT: SAMENESS,
    }[appeal.question]
    found = decisions.list_decisions(tx, instance.envelope, standing_only=True)
    return [one for one in reversed(found) if one.kind in against and any(report.number in group for group in one.groups)]


def leave_it(tx: Transaction, instance: Instance, appeal: Appeal, report: Report) -> bool:
    """Whether the viewer has to leave the answer to somebody else."""
    deciders = _passed_over(tx, instance, appeal, report)
    others = who_else(tx, instance, appeal, report, deciders)
    return instance.actor.id in deciders and bool(others)


def _passed_over(tx: Transaction, instance: Instance, appeal: Appeal, report: Report) -> set[PartyId]:
    """Who decided what is contested, and the viewer where it is of the house that appeals."""
    deciders = {decision.actor for decision in contested(tx, instance, appeal, report)} | _set_beside_by(tx, instance, appeal, report)
    return deciders | _house(tx, appeal, report, [instance.actor.id])


def who_else(tx: Transaction, instance: Instance, appeal: Appeal, report: Report, deciders: set[PartyId]) -> tuple[PartyId, ...]:
    """Coordinators who are on duty for a report, are not of the house that sent it, and decided nothing about it."""
    people = parties.system_people_on_duty(tx, [report.id, report.submission_id], [Role.COORDINATOR], instance.clock.now())
    passed = deciders | _house(tx, appeal, report, people)
    return tuple(person for person in people if person not in passed)


def _house(tx: Transaction, appeal: Appeal, report: Report, people: Sequence[PartyId]) -> set[PartyId]:
    """Of these people, those of the organisation that appeals: they answer only where nobody else can."""
    known = parties.name_parties(tx, sorted({appeal.appellant, report.reporter, *people}))
    houses = {known[party][1] or party for party in (appeal.appellant, report.reporter) if party in known}
    return {person for person in people if (known[person][1] or person) in houses}


def sweep(instance: Instance) -> int:
    """Note appeals that should have been answered by now; gives how many."""
    with instance.database.read() as tx:
        if not store.system_overdue(tx, instance.clock.now(), 1):
            return 0
    with instance.database.write() as tx:
        return actions.note_overdue(tx, actor=instance.system, now=instance.clock.now())


def _set_beside_by(tx: Transaction, instance: Instance, appeal: Appeal, report: Report) -> set[PartyId]:
    """Who set a report beside others as one flaw of a case."""
    if appeal.question is Question.NOT_SAME:
        return set()
    return set(vulnerabilities.system_beside_by(tx, report.id))


def _follow(
    tx: Transaction, instance: Instance, appeal: Appeal, report: Report, standing: Sequence[decisions.KeptDecision]
) -> tuple[str, ...]:
    done: list[str] = []
    if appeal.question is Question.NOT_SAME:
        # A split that took others out merely left this report behind: it is contested only where nothing else holds the report apart.
        about = [one for one in standing if one.kind != DecisionKind.SPLIT or report.number in one.groups[0]]
        done += [f"undone: {_undo(tx, instance, one.id)}" for one in (about or standing)[:1]]
    elif appeal.question in (Question.KNOWN, Question.DUPLICATE):
        # A merge of nothing but this report with others, one by one; of more, the others stay as they were joined.
        done += [f"undone: {_undo(tx, instance, one.id)}" for one in standing if sum(len(group) for group in one.groups) == 2]
        done += _split_off(tx, instance, report)
        done += _take_out(tx, instance, report)
    return tuple(done)


def _undo(tx: Transaction, instance: Instance, decision_id: DecisionId) -> DecisionId:
    return deconfliction.undo(
        tx, decision_id, actor=instance.actor.id, envelope=instance.envelope, thresholds=instance.policy.deconfliction, now=instance.clock.now()
    ).id


def _split_off(tx: Transaction, instance: Instance, report: Report) -> list[str]:
    placement = decisions.read_placements(tx, [report.number]).get(report.number)
    together = decisions.numbers_in(tx, [0 if placement is None else placement.cluster])
    if len(together) < 2:
        return []
    made = deconfliction.decide(
        tx, DecisionKind.SPLIT, [report], "an appeal of its sender was upheld", actor=instance.actor.id, envelope=instance.envelope,
        thresholds=instance.policy.deconfliction, now=instance.clock.now(),
    )
    return [f"split off: {made.id}"]


def _take_out(tx: Transaction, instance: Instance, report: Report) -> list[str]:
    if not vulnerabilities.system_beside(tx, [report.id]):
        return []
    elsewhere = Conflict("a case sets this report beside others as one flaw; who coordinates that case takes it out there first, or answers this")
    case_id = cases.system_case_of_report(tx, report.id)
    now = instance.clock.now()
    room = None if case_id is None else cases.find_room(tx, case_id, instance.envelope, viewer=instance.actor.id, now=now)
    if room is None:
        raise elsewhere
    done = []
    for flaw in vulnerabilities.list_vulnerabilities(tx, room):
        if report.id in flaw.reports and len(flaw.reports) > 1:
            try:
                rooms.change_vulnerability(
                    tx, room.id, flaw.id, report_ids=[one for one in flaw.reports if one != report.id], actor=instance.actor.id,
                    envelope=instance.envelope, now=now,
                )
            except (NotFound, NotPermitted):
                raise elsewhere from None
            done.append(f"taken out of: {flaw.id}")
    return done


__all__ = ["answer_appeal", "contested", "leave_it", "make_appeal", "sweep", "who_else", "withdraw_appeal"]
