"""Cells laid over the planned grid: the denominator is the plan, whatever an engine lost, repeated or made up."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clearinghouse.evaluation.statistics.plan import Plan, PlannedDomain
from clearinghouse.evaluation.statistics.records import Cell, CellState, Finding, View

Floats = NDArray[np.float64]
_NAMED = 5


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The cells of one domain, family after family in the order drawn."""

    domain: str
    families: tuple[str, ...]
    items: NDArray[np.int64]
    """How many a family has."""
    family: NDArray[np.int64]
    """Of each item, which family."""
    low: dict[View, Floats]
    """items x epochs: the least a cell may count."""
    high: dict[View, Floats]
    """items x epochs: the most."""
    cells: tuple[tuple[Cell | None, ...], ...]
    """items x epochs; None where no record says what became of it."""

    def means(self, view: View) -> tuple[Floats, Floats]:
        """Least and greatest mean of each family: over items of the mean over epochs."""
        return tuple(  # type: ignore[return-value]  # two of them
            np.bincount(self.family, weights=each[view].mean(axis=1), minlength=len(self.families)) / self.items
            for each in (self.low, self.high)
        )

    def begun(self) -> int:
        """Families up to the last of which some cell was run."""
        ran = [
            place for place, cells in zip(self.family, self.cells, strict=True)
            if any(cell is not None and cell.state is not CellState.NOT_RUN for cell in cells)
        ]
        return int(max(ran)) + 1 if ran else 0

    def items_of(self, families: int) -> int:
        """Items of the first so many families."""
        return int(self.items[:families].sum())

    def states(self, families: int) -> dict[str, int]:
        """How the cells of the first so many families ended; `absent` are those without any record."""
        counted = Counter("absent" if cell is None else cell.state.value for row in self.cells[: self.items_of(families)] for cell in row)
        return {name: counted.get(name, 0) for name in (*CellState, "absent")}


def lay(plan: Plan, cells: Sequence[Cell]) -> tuple[tuple[Frame, ...], tuple[Finding, ...]]:
    """Every domain's frame, and what does not fit the plan.

    A cell told twice counts as unresolved, unless both say the same; one outside the plan counts nowhere; one that nobody tells of is bounded by
    0 and 1. Each leaves a finding.
    """
    planned = {item.item: item for item in plan.grid().items}
    found: dict[tuple[str, int], Cell] = {}
    twice: dict[str, list[str]] = {}
    outside: list[str] = []
    disputed: set[tuple[str, int]] = set()
    for cell in cells:
        place = (cell.item.item, cell.epoch)
        if planned.get(cell.item.item) != cell.item or not 1 <= cell.epoch <= plan.epochs:
            outside.append(f"{cell.item.item}/{cell.epoch}")
        elif place in found:
            twice.setdefault(cell.item.domain, []).append(f"{cell.item.item}/{cell.epoch}")
            if found[place] != cell:
                disputed.add(place)
        else:
            found[place] = cell
    for place in disputed:
        old = found[place]
        found[place] = Cell(old.item, old.epoch, CellState.UNRESOLVED, tokens=old.tokens, seconds=old.seconds, cost_microdollars=old.cost_microdollars)
    frames = tuple(_frame(plan, domain, found) for domain in plan.domains)
    findings = [
        Finding("duplicate_cell", domain, f"told more than once: {_some(places)}; one that is told in two ways counts as unresolved")
        for domain, places in sorted(twice.items())
    ]
    if outside:
        findings.append(Finding("cell_outside_plan", "plan", f"not of the planned grid, and counted nowhere: {_some(outside)}"))
    for frame in frames:
        absent = [
            f"{item}/{epoch}" for item, row in zip(
                (item for family in plan.domain(frame.domain).families for item in family.items), frame.cells, strict=True,
            ) for epoch, cell in enumerate(row, 1) if cell is None
        ]
        if absent:
            findings.append(Finding(
                "dropped_cells", frame.domain,
                f"{len(absent)} of {sum(len(row) for row in frame.cells)} planned cells have no record, not even of not having been run: {_some(absent)}",
            ))
    return frames, tuple(findings)


def _some(places: list[str]) -> str:
    shown = ", ".join(sorted(places)[:_NAMED])
    return shown if len(places) <= _NAMED else f"{shown} and {len(places) - _NAMED} more"


def _frame(plan: Plan, domain: PlannedDomain, found: dict[tuple[str, int], Cell]) -> Frame:
    names = [item for family in domain.families for item in family.items]
    rows = tuple(tuple(found.get((item, epoch)) for epoch in range(1, plan.epochs + 1)) for item in names)
    known = {
        (state, cheated, view): plan.counts(state, cheated=cheated, view=view)
        for state in CellState for cheated in (False, True) for view in View
    }
    low: dict[View, Floats] = {}
    high: dict[View, Floats] = {}
    for view in View:
        both = np.array([[(0.0, 1.0) if cell is None else known[cell.state, cell.cheated, view] for cell in row] for row in rows], np.float64)
        low[view], high[view] = both[..., 0], both[..., 1]
    return Frame(
        domain.name, tuple(family.id for family in domain.families), np.array([len(family.items) for family in domain.families], np.int64),
        np.repeat(np.arange(len(domain.families)), [len(family.items) for family in domain.families]), low, high, rows,
    )
