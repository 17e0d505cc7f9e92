"""From what is kept of a case to the facts and terms that the calculator takes: pure, and the same for page and timer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from clearinghouse.core.policy import Policy
from clearinghouse.core.terms import Duty, Milestone, Rank, Terms
from clearinghouse.disclosure.coordination.embargo.records import (
    Accord,
    AppliedTerms,
    Consent,
    DeadlineKind,
    DutyState,
    Embargo,
    EmbargoState,
    Fact,
    Facts,
    Proposal,
    ProposalState,
    Timetable,
    TimetableState,
)
from clearinghouse.disclosure.coordination.rooms.records import CaseRole, Participant, Participation

TIMETABLE_KINDS = (
    DeadlineKind.EMBARGO_ENDS, DeadlineKind.EMBARGO_WARNING, DeadlineKind.EMBARGO_REVIEW, DeadlineKind.DUTY, DeadlineKind.DETAILS,
)
"""Deadlines that follow from the timetable."""


@dataclass(frozen=True, slots=True)
class Situation:
    """All that is kept of one case's embargo, and what the calculator makes of it."""

    embargo: Embargo
    facts: Facts
    terms: tuple[Terms, ...]
    duties: tuple[Duty, ...]
    recorded: tuple[Fact, ...]
    applied: tuple[AppliedTerms, ...]
    proposals: tuple[Proposal, ...]
    consents: Mapping[str, Consent]
    present: tuple[Participant, ...]
    policy: Policy


def present_of(participants: Iterable[Participant], now: datetime) -> tuple[Participant, ...]:
    """Who takes part at `now`."""
    return tuple(
        one for one in participants if one.state is Participation.JOINED and (one.until is None or one.until > now)
    )


def gather_facts(
    embargo: Embargo, recorded: Sequence[Fact], proposals: Sequence[Proposal], consents: Mapping[str, Consent],
    present: Sequence[Participant], reported_at: datetime | None, done: Mapping[str, datetime],
    regimes: Mapping[str, frozenset[str]],
) -> Facts:
    """The facts of a case.

    Args:
        reported_at: when the first of its reports came in; a recorded milestone may say something else.
        regimes: law to the parties that say they are under it; it counts for those that are vendors here now.
    """
    by_party: dict[str, dict[Milestone, datetime]] = {}
    for fact in recorded:
        if fact.withdrawn_at is not None:
            continue
        own = by_party.setdefault(fact.party, {})
        known = own.get(fact.milestone)
        # What is expected is what was said last; what has happened happened when it first did.
        own[fact.milestone] = fact.at if known is None or fact.milestone is Milestone.FIX_EXPECTED else min(known, fact.at)
    if reported_at is not None:
        by_party.setdefault("", {}).setdefault(Milestone.REPORTED, reported_at)
    for one in present:
        if one.role is CaseRole.VENDOR and one.joined_at is not None:
            # A vendor that reads the room knows, whether or not anybody wrote that down.
            own = by_party.setdefault(one.party, {})
            own[Milestone.VENDOR_CONTACTED] = min(own.get(Milestone.VENDOR_CONTACTED, one.joined_at), one.joined_at)
    at: dict[Milestone, datetime] = {}
    for own in by_party.values():
        for milestone, instant in own.items():
            at[milestone] = min(at.get(milestone, instant), instant)
    if any(Milestone.FIX_EXPECTED in own for own in by_party.values()):
        # Several vendors expect fixes: grace is for the last of them.
        at[Milestone.FIX_EXPECTED] = max(own[Milestone.FIX_EXPECTED] for own in by_party.values() if Milestone.FIX_EXPECTED in own)
    parties = frozenset(one.party for one in present)
    vendors = frozenset(str(one.party) for one in present if one.role is CaseRole.VENDOR)
    return Facts(
        at, embargo.found_with_public_ai, accords_of(proposals, consents, parties), parties, done, embargo.exited_at, by_party,
        {law: bound for law, said in sorted(regimes.items()) if (bound := said & vendors)},
    )


def accords_of(proposals: Iterable[Proposal], consents: Mapping[str, Consent], present: frozenset[str]) -> tuple[Accord, ...]:
    """Proposals that wait or were agreed on.

    Who has left since is not waited for, and who withdrew its consent no longer counts as having given it; what the rest
    agreed on stands among them.
    """
    found = []
    for proposal in proposals:
        if proposal.state not in (ProposalState.OPEN, ProposalState.ACCEPTED):
            continue
        accepted = frozenset(answer.party for answer in proposal.answers if answer.accepted)
        needed = frozenset(answer.party for answer in proposal.answers)
        if proposal.state is ProposalState.ACCEPTED:
            withdrawn = {party for party in accepted if consents.get(party) is Consent.DECLINED}
            needed, accepted = accepted - withdrawn, accepted - withdrawn
        else:
            needed &= present
        found.append(Accord(proposal.id, proposal.ends_at, proposal.asked_at, needed, accepted))
    return tuple(found)


def terms_of(applied: Iterable[AppliedTerms], policy: Policy) -> tuple[Terms, ...]:
    """The terms that apply in a case, and the default of the policy it began under."""
    return (*(one.terms for one in applied), *(terms for terms in policy.terms if terms.rank is Rank.DEFAULT))


def brings_forward(before: Timetable, after: Timetable) -> bool:
    """Whether the instant that binds would come no later, which is all that a charter may do to a case that runs already."""
    return after.ends_at is not None and (before.ends_at is None or after.ends_at <= before.ends_at)


def deadlines_of(
    timetable: Timetable, embargo: Embargo, waiting: Iterable[tuple[DeadlineKind, str, datetime]], policy: Policy, now: datetime
) -> set[tuple[DeadlineKind, str, datetime]]:
    """What falls due by a timetable.

    Args:
        waiting: what waits already: a reminder whose instant has passed is not asked for anew, one that waits is kept.
    """
    kept = set(waiting)
    wanted: set[tuple[DeadlineKind, str, datetime]] = {
        (DeadlineKind.DUTY, row.duty.id, row.due_at)
        for row in timetable.duties if row.due_at is not None and row.state in (DutyState.DUE, DutyState.OVERDUE)
    }
    soft = {(DeadlineKind.DETAILS, row.terms.id[:64], row.at) for row in timetable.details}
    if embargo.state is not EmbargoState.EXITED:
        # What has run out and waits for its turn runs out, whatever was recorded since.
        wanted |= {one for one in kept if one[0] is DeadlineKind.EMBARGO_ENDS and one[2] <= now}
        if timetable.state in (TimetableState.RUNNING, TimetableState.ENDED) and timetable.ends_at is not None:
            wanted.add((DeadlineKind.EMBARGO_ENDS, "", timetable.ends_at))
            soft |= {
                (DeadlineKind.EMBARGO_WARNING, "", timetable.ends_at - timedelta(days=days))
                for days in (policy.embargo.warn_days, policy.embargo.warn_last_days)
            }
        elif timetable.state in (TimetableState.OPEN_ENDED, TimetableState.NOT_STARTED):
            review = {one for one in kept if one[0] is DeadlineKind.EMBARGO_REVIEW}
            wanted |= review or {(DeadlineKind.EMBARGO_REVIEW, "", now + timedelta(days=policy.embargo.review_days))}
    return wanted | {one for one in soft if one[2] > now or one in kept}


def shorter_first(proposals: Iterable[Proposal]) -> list[Proposal]:
    """Open proposals, the shortest first: it wins, for who keeps quiet for long keeps quiet for short."""
    return sorted((one for one in proposals if one.state is ProposalState.OPEN), key=lambda one: (one.ends_at, one.id))
