"""What if: the timetable as it is beside the timetable as it would be, and the difference in words."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from clearinghouse.core.errors import Invalid
from clearinghouse.core.terms import Duty, Milestone, Rank, Terms
from clearinghouse.disclosure.coordination.embargo.calendar import render_in, render_span
from clearinghouse.disclosure.coordination.embargo.records import Accord, Change, ChangeKind, DutyState, Facts, Timetable, WhatIf
from clearinghouse.disclosure.coordination.embargo.rules import compute_timetable

SUPPOSED = "what-if"
"""Id of an agreement that is only supposed."""
_MILESTONE = {
    ChangeKind.GOES_PUBLIC: Milestone.PUBLIC, ChangeKind.FIX_READY: Milestone.FIX_READY, ChangeKind.EXPLOITED: Milestone.EXPLOITED_KNOWN,
}


def what_if(facts: Facts, terms: Iterable[Terms], change: Change, now: datetime, duties: Iterable[Duty] = ()) -> WhatIf:
    """Both timetables and what is different; nothing is stored and nobody is told.

    Raises:
        Invalid: the change needs an instant or a party and names none.
    """
    kept_terms, kept_duties = tuple(terms), tuple(duties)
    before = compute_timetable(facts, kept_terms, now, kept_duties)
    changed, more = suppose(facts, kept_terms, change, now)
    after = compute_timetable(changed, more, now, kept_duties)
    return WhatIf(before, after, describe_difference(before, after))


def suppose(facts: Facts, terms: tuple[Terms, ...], change: Change, now: datetime) -> tuple[Facts, tuple[Terms, ...]]:
    """The facts and terms as they would be.

    Raises:
        Invalid: as for `what_if`.
    """
    if change.kind is ChangeKind.VENDOR_JOINS:
        if not change.party and not change.terms:
            raise Invalid("say which vendor joins, or which terms it brings")
        joined = facts.parties | {change.party} if change.party else facts.parties
        contacted = {Milestone.VENDOR_CONTACTED: change.at or now}
        by_party = {**facts.by_party, change.party: {**contacted, **facts.by_party.get(change.party, {})}} if facts.by_party else {}
        return replace(facts, parties=joined, at={**contacted, **facts.at}, by_party=by_party), (*terms, *change.terms)
    if change.at is None:
        raise Invalid(f"say when: {change.kind} needs an instant")
    if change.kind in _MILESTONE:
        milestone = _MILESTONE[change.kind]
        before = facts.at.get(milestone)
        # A fix may come at another time than planned; what is public or exploited stays so from its first instant on.
        at = change.at if before is None or milestone is Milestone.FIX_READY else min(before, change.at)
        by_party = {party: {**known, milestone: at} for party, known in {"": {}, **facts.by_party}.items()} if facts.by_party else {}
        return replace(facts, at={**facts.at, milestone: at}, by_party=by_party), terms
    agreed = facts.parties if change.kind is ChangeKind.EXTENSION_ACCEPTED else frozenset({change.party} - {""}) & facts.parties
    kept = tuple(accord for accord in facts.accords if not accord.in_force) if change.kind is ChangeKind.EXTENSION_ACCEPTED else facts.accords
    return replace(facts, accords=(*kept, Accord(SUPPOSED, change.at, now, facts.parties, agreed))), terms


def describe_difference(before: Timetable, after: Timetable) -> tuple[str, ...]:
    """What changed between two timetables of one case, in words; empty where nothing did."""
    said: list[str] = []
    if before.ends_at != after.ends_at:
        said.append(_moved(before, after))
    if (before.rank, before.term_id) != (after.rank, after.term_id):
        said.append(f"bound by {_by(after)} instead of {_by(before)}")
    if before.state is not after.state:
        said.append(f"the embargo is {_plain(after.state)}; it was {_plain(before.state)}")
    earlier = {(conflict.kind, conflict.between) for conflict in before.conflicts}
    later = {(conflict.kind, conflict.between) for conflict in after.conflicts}
    said += [f"new conflict: {conflict.words}" for conflict in after.conflicts if (conflict.kind, conflict.between) not in earlier]
    said += [f"no longer a conflict: {conflict.words}" for conflict in before.conflicts if (conflict.kind, conflict.between) not in later]
    owed = {(row.duty.id, row.party): row.due_at for row in before.duties}
    said += [
        f"{row.duty.holder} owes: {row.duty.what}, by {render_in(row.due_at, row.duty.zone)}"
        for row in after.duties if row.due_at is not None and row.state is not DutyState.DONE and owed.get((row.duty.id, row.party)) != row.due_at
    ]
    if after.tell and not before.tell:
        said.append(f"to be told at once: {len(after.tell)} part{'y' if len(after.tell) == 1 else 'ies'}")
    return tuple(said)


def _moved(before: Timetable, after: Timetable) -> str:
    if after.ends_at is None:
        assert before.ends_at is not None, "one of the two differs"
        return f"the embargo no longer ends at {render_in(before.ends_at, before.zone)}"
    when = render_in(after.ends_at, after.zone)
    if before.ends_at is None:
        return f"the embargo gets an end: {when}"
    direction = "later" if after.ends_at > before.ends_at else "earlier"
    return f"the embargo ends at {when}, {render_span(after.ends_at - before.ends_at)} {direction}"


def _by(timetable: Timetable) -> str:
    if timetable.rank is Rank.OVER:
        return "nobody (public, exploited or exited)"
    clock = timetable.binding
    return "no clock" if clock is None else f"{clock.terms.holder} (rank {clock.terms.rank})"


def _plain(state: str) -> str:
    return state.replace("_", " ")
