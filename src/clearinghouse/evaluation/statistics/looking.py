"""What a run may ask while it goes on: which looks are due, and whether one of them ends a domain. Nothing else may be computed before the end."""

from collections.abc import Sequence
from dataclasses import dataclass

from clearinghouse.evaluation.statistics.decision import planned_looks, walk
from clearinghouse.evaluation.statistics.grid import Frame, lay
from clearinghouse.evaluation.statistics.plan import Plan, Split
from clearinghouse.evaluation.statistics.power import first_share
from clearinghouse.evaluation.statistics.records import Cell, CellState


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one domain is."""

    domain: str
    families: int
    """In the order of the plan, the first so many have ended in every cell."""
    due: tuple[int, ...]
    """Planned looks that may be made by now; each one made goes on the record."""
    stops_at: int | None
    """The look that ended the domain: nothing of it need be run any more."""
    next_look: int | None


def standing(plan: Plan, cells: Sequence[Cell]) -> tuple[Standing, ...]:
    """Every domain, by the view and the share of the error that are sure to decide it; a look is due once all its families have ended.

    A family that ended unresolved has ended. The caller records each look it makes, whatever comes of it.
    """
    frames, _ = lay(plan, cells)
    # In a hierarchy a later domain counts only if those before it are shown, which is not known yet: it is looked at with the same error.
    share = plan.alpha if plan.split is Split.HIERARCHY else first_share(plan)
    return tuple(_standing(plan, frame, share) for frame in frames)


def _standing(plan: Plan, frame: Frame, share: float) -> Standing:
    counts = planned_looks(plan, plan.domain(frame.domain))
    ended = _ended(frame)
    due = tuple(count for count in counts if count <= ended)
    looks = walk(plan, frame, plan.decides, share, None)[: len(due)] if due else ()
    stop = next((look.families for look in looks if look.above or look.below), None)
    following = None if stop is not None else next((count for count in counts if count > ended), None)
    return Standing(frame.domain, ended, due, stop, following)


def _ended(frame: Frame) -> int:
    place = 0
    for families, items in enumerate(frame.items):
        rows = frame.cells[place : place + int(items)]
        if any(cell is None or cell.state is CellState.NOT_RUN for row in rows for cell in row):
            return families
        place += int(items)
    return len(frame.families)
