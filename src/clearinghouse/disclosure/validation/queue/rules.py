"""What the queue decides: who may verify what, what work a recipe takes, and whose turn it is."""

from collections.abc import Collection, Iterable
from datetime import datetime

from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.ids import PartyId
from clearinghouse.core.policy import BenchQueuePolicy
from clearinghouse.disclosure.validation.queue.records import Planned, UnitKind, Validation, ValidationState, Waiting
from clearinghouse.disclosure.validation.recipes.records import BuildName, Recipe

_COMPARED = (BuildName.VULNERABLE, BuildName.FIXED)


def check_not_finder(selves: Collection[PartyId], house: PartyId | None, finder: PartyId, finder_house: PartyId | None) -> None:
    """Raise NotPermitted where the verifier would be the finder.

    Args:
        selves: the actor, its organisation and its teams.
        house: the organisation that the actor is or belongs to.
    """
    if is_finder(selves, house, finder, finder_house):
        raise NotPermitted("the verifier is never the finder: somebody outside the organisation that sent this report has to validate it")


def is_finder(selves: Collection[PartyId], house: PartyId | None, finder: PartyId, finder_house: PartyId | None) -> bool:
    """Whether somebody sent a report, or is of the organisation that did."""
    return finder in selves or (house is not None and house in (finder, finder_house)) or (finder_house is not None and finder_house in selves)


def check_held(named: Iterable[str], held: Collection[str]) -> None:
    """Raise Invalid where a recipe names bytes that its case does not hold."""
    missing = [digest for digest in dict.fromkeys(named) if digest not in held]
    if missing:
        shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise Invalid(f"this recipe names {len(missing)} of the bench's materials that the case does not hold: {shown}; add them first")


def check_may_ask(waiting: int, policy: BenchQueuePolicy) -> None:
    """Raise Conflict where a case has as much on the bench as it may."""
    if waiting >= policy.waiting_max:
        raise Conflict(f"{waiting} validations of this case wait or run; {policy.waiting_max} may at once")


def may_end(validation: Validation, *, selves: Collection[PartyId], coordinates: bool) -> tuple[str, ...]:
    """What somebody is to a validation, as the table of states names it."""
    roles = ["coordinator"] if coordinates else []
    return (*roles, "asker") if validation.asked_by in selves else tuple(roles)


def plan(recipe: Recipe) -> tuple[Planned, ...]:
    """The work of a recipe: each build, each input on each build, and the judging of it all."""
    builds = [Planned(UnitKind.BUILD, name.value) for name in recipe.builds]
    cells = [
        Planned(UnitKind.CELL, name.value, digest) for name in recipe.builds
        for digest in dict.fromkeys((recipe.reproducer, *(recipe.benign if name in _COMPARED else ())))
    ]
    return (*builds, *cells, Planned(UnitKind.JUDGE))


def in_order(waiting: Iterable[Waiting], policy: BenchQueuePolicy, now: datetime) -> list[Waiting]:
    """The cases by whose turn it is: who used least of the bench lately, and of what waits, what waits longest.

    A case's place is the bench time it used, half of it forgiven with each half-life, less the time it has waited since
    it was last served. So a case with ten thousand cells is behind a newcomer as soon as it had one of them, and whoever
    waits comes before every newcomer in the end: use fades, waiting grows.
    """
    return sorted(waiting, key=lambda one: (place_of(one, policy, now), one.ready_at, one.case_id))


def place_of(one: Waiting, policy: BenchQueuePolicy, now: datetime) -> float:
    """Where a case stands in the queue; the least goes first."""
    since = one.ready_at if one.served_at is None else max(one.ready_at, one.served_at)
    return used_lately(one.used_seconds, one.used_at, policy, now) - max(0.0, (now - since).total_seconds())


def used_lately(seconds: float, at: datetime | None, policy: BenchQueuePolicy, now: datetime) -> float:
    """Bench time used, as much of it as is not forgiven by now."""
    if at is None or seconds <= 0:
        return 0.0
    # A clock that was ahead forgives nothing; it does not charge either.
    return float(seconds * 0.5 ** (max(0.0, (now - at).total_seconds()) / policy.use_half_life_seconds))


def guess_of(kinds: Iterable[UnitKind], policy: BenchQueuePolicy) -> float:
    """What units are charged for while they run."""
    return sum(policy.cell_seconds_guess if kind is UnitKind.CELL else policy.build_seconds_guess for kind in kinds)


WORDS = {
    ValidationState.QUEUED: "waits for the bench", ValidationState.RUNNING: "runs", ValidationState.DONE: "done",
    ValidationState.CANCELLED: "cancelled", ValidationState.FAILED: "could not be judged",
}
"""For pages and the terminal."""
