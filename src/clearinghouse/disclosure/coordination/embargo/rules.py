"""The calculator: every party's terms and the facts of a case in, one timetable out.

Precedence, first to last: (a) already public or exploited; (b) the vendor's or project's charter; (c) the list or
body the case was taken to; (d) terms all present parties accepted; (e) the finder's policy; (f) the instance's
default. Within a rank the earliest instant binds. A clock that has not started binds nobody: until it does, the
clocks of the ranks below it stand, and when it starts before they have run out, it takes over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from clearinghouse.core.terms import ENDINGS, RANK_WORDS, Duty, Milestone, Rank, Terms
from clearinghouse.disclosure.coordination.embargo.calendar import business_days_after, days_after, render_in, render_span
from clearinghouse.disclosure.coordination.embargo.conflicts import name_conflicts
from clearinghouse.disclosure.coordination.embargo.records import (
    Accord,
    Clock,
    ClockState,
    DetailsRow,
    DutyRow,
    DutyState,
    Facts,
    Timetable,
    TimetableState,
    duty_key,
)

MILESTONE_WORDS: dict[Milestone, str] = {
    Milestone.REPORTED: "the report",
    Milestone.VENDOR_CONTACTED: "the vendor is told",
    Milestone.ACKNOWLEDGED: "the vendor acknowledges",
    Milestone.POSTED_TO_LIST: "the first message to the list",
    Milestone.FIX_EXPECTED: "the day the fix is expected",
    Milestone.FIX_READY: "the fix is ready",
    Milestone.PATCH_RELEASED: "the patch is released",
    Milestone.FIX_DEPLOYED: "the fix is deployed",
    Milestone.EXPLOITATION_SUSPECTED: "exploitation is suspected",
    Milestone.EXPLOITED_KNOWN: "exploitation is known",
    Milestone.EXPLOIT_PUBLIC: "an exploit is public",
    Milestone.PUBLIC: "the flaw is public",
}


def compute_timetable(facts: Facts, terms: Iterable[Terms], now: datetime, duties: Iterable[Duty] = ()) -> Timetable:
    """The timetable of a case at `now`: the binding instant, who bound it and why, and all that does not fit it.

    Facts may lie ahead of `now` (a fix announced, somebody's plan to publish); they count at their instant.
    The order of `terms` does not matter.
    """
    began = min(facts.at.values(), default=now)
    all_terms = {*terms, *(accord_terms(accord) for accord in facts.accords if accord.in_force)}
    standing = standing_accord(facts.accords)
    clocks = [run_clock(one, facts, standing, began) for one in sorted(all_terms, key=_order)]
    binding = _binding(clocks)
    over = _over(facts, None if binding is None else binding.instant)
    ends_at: datetime | None = None
    ended_by: Milestone | None = None
    rank: Rank | None = None
    zone = "UTC"
    if over is not None:
        ends_at, ended_by = over
        binding, rank = None, Rank.OVER
        state = TimetableState.ENDED if ends_at <= now else TimetableState.RUNNING
    else:
        state = _state(binding, now)
        if binding is not None:
            ends_at, rank, zone = binding.instant, binding.terms.rank, binding.terms.zone
    clocks = [_explain(clock, binding, ends_at if rank is Rank.OVER else None) for clock in clocks]
    conflicts = () if rank is Rank.OVER else name_conflicts(clocks, facts)
    tell = tuple(sorted(facts.parties)) if rank is Rank.OVER else ()
    released = facts.at.get(Milestone.PATCH_RELEASED)
    details = () if released is None else tuple(
        DetailsRow(clock.terms, days_after(released, clock.terms.details_days))
        for clock in clocks if clock.terms.details_days is not None
    )
    return Timetable(
        now, state, ends_at, rank, "" if binding is None else binding.terms.id, ended_by, zone, tuple(clocks), conflicts, details,
        tuple(
            apply_duty(duty, facts, now, party) for duty in sorted(set(duties), key=lambda duty: (duty.kind, duty.id))
            for party in bound_by_duty(duty, facts)
        ), tell,
        _summary(state, binding, ends_at, ended_by, rank, now),
    )


def run_clock(terms: Terms, facts: Facts, standing: Accord | None, began: datetime) -> Clock:
    """The clock of one holder's terms.

    Args:
        standing: the agreed instant, which moves other clocks as far as their holders allow.
        began: the first instant known of the case.
    """
    if terms.public_ai_none and facts.found_with_public_ai:
        return Clock(terms, ClockState.NO_EMBARGO, began, began)
    if terms.ends_at is not None:
        return Clock(terms, ClockState.RUNNING, _asked_at(terms, facts, began), terms.ends_at)
    if terms.open_ended:
        suspected = _suspected_end(terms, facts)
        if suspected is not None:
            return Clock(terms, ClockState.RUNNING, began, suspected[0], suspected[1], shortened=True)
        return Clock(terms, ClockState.OPEN_ENDED, began, None)
    started = facts.when(terms.start, _own(terms))
    if started is None or terms.days is None:
        return Clock(terms, ClockState.NOT_STARTED, None, None)
    instant, graced = _with_grace(days_after(started, terms.days), terms.grace_days, facts, _own(terms))
    extended = False
    if standing is not None and standing.ends_at > instant:
        allowed = _allowed_until(terms, started, standing)
        if allowed > instant:
            instant, extended = allowed, True
    suspected = _suspected_end(terms, facts)
    if suspected is not None and suspected[0] < instant:
        return Clock(terms, ClockState.RUNNING, started, suspected[0], suspected[1], shortened=True)
    return Clock(terms, ClockState.RUNNING, started, instant, graced, extended)


def accord_terms(accord: Accord) -> Terms:
    """What parties agreed on, as terms of rank d."""
    return Terms(accord.id, "all present parties", "", Rank.AGREED, Milestone.REPORTED, ends_at=accord.ends_at)


def standing_accord(accords: Iterable[Accord]) -> Accord | None:
    """The agreement that stands where there are several, as after a merge of cases: the one that ends first."""
    return min((accord for accord in accords if accord.in_force), key=lambda accord: (accord.ends_at, accord.id), default=None)


def leading_proposal(accords: Iterable[Accord]) -> Accord | None:
    """Of several proposals that wait for answers, the one to ask about first: the shortest wins."""
    return min((accord for accord in accords if not accord.in_force), key=lambda accord: (accord.ends_at, accord.id), default=None)


def bound_by_duty(duty: Duty, facts: Facts) -> tuple[str, ...]:
    """Whom a duty binds in a case: each vendor that says it is under the law, or, where no law is named, whoever its holder is."""
    return tuple(sorted(facts.regimes.get(duty.regime, ()))) if duty.regime else ("",)


def apply_duty(duty: Duty, facts: Facts, now: datetime, party: str = "") -> DutyRow:
    """When a duty falls due in a case, if it does.

    Args:
        party: the vendor it binds: its own fix starts its clock, not another's.
    """
    return replace(_apply_duty(duty, facts, now, party), party=party)


def _apply_duty(duty: Duty, facts: Facts, now: datetime, party: str) -> DutyRow:
    began = facts.when(duty.start, party)
    triggers = [began, facts.when(duty.after, party)] if duty.after is not None else [began]
    length = f"{duty.hours} hours" if duty.hours is not None else f"{duty.business_days} business days"
    done_at = facts.done.get(duty_key(duty.id, party))
    known = [at for at in triggers if at is not None]
    if len(known) < len(triggers):
        waits = [one for one in (duty.start, duty.after) if one is not None and facts.when(one, party) is None]
        words = f"{length} once {' and '.join(MILESTONE_WORDS[one] for one in waits)}"
        return DutyRow(duty, DutyState.NOT_TRIGGERED, None, done_at, words)
    start = max(known)
    if duty.in_force_at is not None and start < duty.in_force_at:
        return DutyRow(duty, DutyState.NOT_OWED, None, done_at, f"owed for what happens from {render_in(duty.in_force_at, duty.zone)} on")
    if duty.hours is not None:
        due = start + timedelta(hours=duty.hours)
    else:
        assert duty.business_days is not None, "a duty has hours or business days; `complaint_about_duty` holds it to that"
        due = business_days_after(start, duty.business_days, duty.weekend, duty.zone)
    if done_at is not None:
        late = f", {render_span(done_at - due)} late" if done_at > due else ""
        return DutyRow(duty, DutyState.DONE, due, done_at, f"met {render_in(done_at, duty.zone)}{late}")
    if due < now:
        return DutyRow(duty, DutyState.OVERDUE, due, None, f"overdue by {render_span(now - due)}; {length} ended {render_in(due, duty.zone)}")
    return DutyRow(duty, DutyState.DUE, due, None, f"{length}, until {render_in(due, duty.zone)}")


def _binding(clocks: Sequence[Clock]) -> Clock | None:
    """The clock that binds, from the last rank to the first: each takes over if it started before the ones below ran out."""
    standing: Clock | None = None
    for rank in reversed(Rank):
        group = [clock for clock in clocks if clock.terms.rank is rank and clock.started_at is not None]
        if any(_in_time(clock, standing) for clock in group):
            standing = min(group, key=_soonest)
    return standing


def _in_time(clock: Clock, below: Clock | None) -> bool:
    if below is None or below.instant is None or below.state is ClockState.NO_EMBARGO:
        # That the ranks below know no embargo for this origin ends nothing for a holder with a better claim.
        return True
    return _start(clock) <= below.instant


def _start(clock: Clock) -> datetime:
    assert clock.started_at is not None, "asked only of clocks that have started"
    return clock.started_at


def _soonest(clock: Clock) -> tuple[bool, datetime, str, str]:
    # Without an end comes last; then names decide, so that the order of terms never does.
    return clock.instant is None, clock.instant or _start(clock), clock.terms.id, clock.terms.party


def _over(facts: Facts, bound_until: datetime | None) -> tuple[datetime, Milestone | None] | None:
    """What ended it before the clocks did: the first ending milestone, or that it exited."""
    ends = [(facts.at[one], one) for one in sorted(ENDINGS) if one in facts.at]
    first: tuple[datetime, Milestone | None] | None = min(ends, default=None)
    if first is not None and bound_until is not None and first[0] > bound_until:
        first = None  # By then the clocks had run out.
    if facts.exited_at is None or (first is not None and first[0] <= facts.exited_at):
        return first
    return (facts.exited_at, None) if bound_until is None or facts.exited_at < bound_until else None


def _asked_at(terms: Terms, facts: Facts, began: datetime) -> datetime:
    return next((accord.asked_at for accord in facts.accords if accord.id == terms.id), began)


def _own(terms: Terms) -> str:
    """Whose milestones a clock looks at: a charter is about the holder's own code, everybody else counts from the first."""
    return terms.party if terms.rank is Rank.CHARTER else ""


def _with_grace(instant: datetime, grace_days: int, facts: Facts, of: str) -> tuple[datetime, bool]:
    expected, ready = facts.when(Milestone.FIX_EXPECTED, of), facts.when(Milestone.FIX_READY, of)
    last = days_after(instant, grace_days)
    # Grace is for a fix that comes a little too late, not for one that is there or one that is far away.
    if not grace_days or expected is None or not instant < expected <= last or (ready is not None and ready <= instant):
        return instant, False
    return last, True


def _suspected_end(terms: Terms, facts: Facts) -> tuple[datetime, bool] | None:
    suspected = facts.at.get(Milestone.EXPLOITATION_SUSPECTED)
    if suspected is None or terms.exploited_days is None:
        return None
    return _with_grace(days_after(suspected, terms.exploited_days), terms.exploited_grace_days, facts, _own(terms))


def _allowed_until(terms: Terms, started: datetime, accord: Accord) -> datetime:
    """How far an agreement of all bound parties moves one holder's clock."""
    if terms.days_max is not None:
        return min(accord.ends_at, days_after(started, terms.days_max))
    if terms.party in accord.accepted or terms.rank is Rank.DEFAULT:
        return accord.ends_at
    # A holder who was not asked, or did not agree, has extended nothing.
    return started


def _order(terms: Terms) -> tuple[str, str, str, str]:
    return terms.rank, terms.id, terms.party, repr(terms)


def _state(binding: Clock | None, now: datetime) -> TimetableState:
    if binding is None:
        return TimetableState.NOT_STARTED
    if binding.state is ClockState.NO_EMBARGO:
        return TimetableState.NO_EMBARGO
    if binding.instant is None:
        return TimetableState.OPEN_ENDED
    return TimetableState.ENDED if binding.instant <= now else TimetableState.RUNNING


def _length(terms: Terms) -> str:
    if terms.ends_at is not None:
        return "the agreed instant"
    return "no end" if terms.open_ended else f"{terms.days} day{'' if terms.days == 1 else 's'} after {MILESTONE_WORDS[terms.start]}"


def _explain(clock: Clock, binding: Clock | None, over_at: datetime | None) -> Clock:
    terms = clock.terms
    if clock is binding:
        how = "no embargo for what public AI tools find" if clock.state is ClockState.NO_EMBARGO else _length(terms)
        extra = [word for word, said in (
            ("with grace, for the fix is expected within it", clock.graced), ("extended by all who are bound", clock.extended),
            ("shortened, for exploitation is suspected", clock.shortened),
        ) if said]
        return replace(clock, binds=True, why=f"binds: {RANK_WORDS[terms.rank]} (rank {terms.rank}); {', '.join([how, *extra])}")
    if clock.state is ClockState.NOT_STARTED:
        why = f"binds {terms.days} days after {MILESTONE_WORDS[terms.start]}, which has not happened"
    elif over_at is not None:
        why = f"nobody is bound after {render_in(over_at, terms.zone)}; what remains is the holder's own plan"
    elif binding is None or binding.terms.rank > terms.rank:
        why = "starts only after the embargo has ended"
    elif binding.terms.rank < terms.rank:
        why = f"yields to rank {binding.terms.rank}: {RANK_WORDS[binding.terms.rank]}"
    elif clock.instant == binding.instant:
        why = "says the same as the terms that bind"
    else:
        why = "within a rank the earliest instant binds"
    return replace(clock, why=why)


def _summary(
    state: TimetableState, binding: Clock | None, ends_at: datetime | None, ended_by: Milestone | None, rank: Rank | None, now: datetime
) -> str:
    if rank is Rank.OVER:
        assert ends_at is not None, "what is over ended at an instant"
        when = render_in(ends_at, "UTC")
        why = f"from that instant {MILESTONE_WORDS[ended_by]}" if ended_by is not None else "it has exited"
        return f"the embargo {'ended' if state is TimetableState.ENDED else 'ends'} for all at {when}: {why}"
    if binding is None:
        return "no clock runs yet: nothing has happened that starts one"
    by = f"{binding.terms.holder} (rank {binding.terms.rank})"
    if state is TimetableState.NO_EMBARGO:
        return f"no embargo: {by} keeps nothing quiet that public AI tools find"
    if binding.instant is None:
        return f"the embargo has no end: bound by {by}"
    when = render_in(binding.instant, binding.terms.zone)
    if state is TimetableState.ENDED:
        return f"the embargo ran out at {when}, bound by {by}"
    return f"the embargo ends at {when}, in {render_span(binding.instant - now)}, bound by {by}"
