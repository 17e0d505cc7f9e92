"""Conflicts by name: which terms cannot hold together with those that bind, and which agreements are not whole."""

from collections.abc import Sequence

from clearinghouse.core.terms import Rank
from clearinghouse.disclosure.coordination.embargo.calendar import render_in
from clearinghouse.disclosure.coordination.embargo.records import Accord, Clock, ClockState, Conflict, ConflictKind, Facts


def name_conflicts(clocks: Sequence[Clock], facts: Facts) -> tuple[Conflict, ...]:
    """Every conflict between the clock that binds and the others, and every agreement that is not whole."""
    binding = next((clock for clock in clocks if clock.binds), None)
    found = [named for clock in clocks if not clock.binds and (named := _with_binding(clock, binding)) is not None]
    found += [_asked(accord, binding) for accord in sorted(facts.accords, key=lambda one: one.id) if not accord.in_force]
    accords = [accord for accord in facts.accords if accord.in_force]
    for accord in sorted(accords, key=lambda one: one.id):
        found += [
            Conflict(ConflictKind.NOT_BOUND, (party, accord.id), f"{party} takes part but never accepted what was agreed until "
                     f"{render_in(accord.ends_at, 'UTC')}: ask before anything is shared")
            for party in sorted(facts.parties - accord.accepted)
        ]
    return tuple(found)


def _with_binding(clock: Clock, binding: Clock | None) -> Conflict | None:
    terms = clock.terms
    if binding is None:
        if clock.state is not ClockState.NOT_STARTED:
            return None
        return Conflict(ConflictKind.NOT_STARTED, (terms.id,), f"{terms.holder}: {clock.why}; no other clock runs either")
    between = (terms.id, binding.terms.id)
    bound = binding.terms.holder
    if clock.state is ClockState.NOT_STARTED:
        if terms.rank > binding.terms.rank:
            return None  # It yields whenever it starts.
        return Conflict(ConflictKind.NOT_STARTED, between, f"{terms.holder} {clock.why}; until then {bound} stands")
    if (clock.state is ClockState.NO_EMBARGO) != (binding.state is ClockState.NO_EMBARGO):
        none, some = (clock, binding) if clock.state is ClockState.NO_EMBARGO else (binding, clock)
        return Conflict(ConflictKind.INELIGIBLE, between, f"{none.terms.holder} knows no embargo for what public AI tools find, "
                        f"{some.terms.holder} does")
    if terms.rank is Rank.DEFAULT and binding.terms.rank is not Rank.DEFAULT:
        return None  # A default is what holds where nobody has said anything: it contradicts nobody.
    if terms.rank < binding.terms.rank:
        return Conflict(ConflictKind.STARTS_TOO_LATE, between, f"{terms.holder} would bind, but its clock starts only after {bound} has run out")
    if (clock.instant is None) != (binding.instant is None):
        open_one, fixed = (clock, binding) if clock.instant is None else (binding, clock)
        assert fixed.instant is not None, "one of the two has an end"
        return Conflict(ConflictKind.OPEN_AGAINST_FIXED, between, f"{open_one.terms.holder} names no end, "
                        f"{fixed.terms.holder} names {render_in(fixed.instant, fixed.terms.zone)}")
    if clock.instant is None or binding.instant is None or clock.instant == binding.instant:
        return None
    when = render_in(clock.instant, terms.zone)
    if clock.instant < binding.instant:
        return Conflict(ConflictKind.EARLIER, between, f"{terms.holder} would publish at {when}, before the instant that binds: "
                        "have it agree in writing to wait")
    if terms.rank is Rank.AGREED:
        return Conflict(ConflictKind.EXTENSION_CAPPED, between, f"all agreed until {when}, but {bound} allows less: only its holder can give more")
    return Conflict(ConflictKind.LATER, between, f"{terms.holder} counts on silence until {when}, after the instant that binds: tell it now")


def _asked(accord: Accord, binding: Clock | None) -> Conflict:
    missing = sorted(accord.needed - accord.accepted)
    between = (accord.id, *(() if binding is None else (binding.terms.id,)))
    return Conflict(ConflictKind.EXTENSION_ASKED, between, f"proposed until {render_in(accord.ends_at, 'UTC')}: accepted by "
                    f"{len(accord.needed & accord.accepted)} of {len(accord.needed)}; still to answer: {', '.join(missing)}")
