"""Cells against the plan: what is lost, doubled or made up is named, and never changes the denominator."""

from dataclasses import replace

import pytest

from clearinghouse.evaluation.statistics.grid import lay
from clearinghouse.evaluation.statistics.records import Cell, CellState, PlannedItem, View
from evaluation_support import drawn_cells, made_plan, planned_domain

PLAN = made_plan(planned_domain(families=4, items=2, looks=(4,)), epochs=2)


def test_whole_grid_leaves_no_finding_and_means_by_family() -> None:
    cells = [Cell(item, epoch, CellState.SOLVED if epoch == 1 or item.item.endswith("i0") else CellState.UNSOLVED) for item in PLAN.grid().items for epoch in (1, 2)]
    (frame,), findings = lay(PLAN, cells)
    assert findings == ()
    assert frame.families == tuple(family.id for family in PLAN.domains[0].families)
    assert [each.tolist() for each in frame.means(View.RAW)] == [[0.75] * 4] * 2
    assert frame.begun() == 4
    assert frame.states(4) | {} == {state.value: {"solved": 12, "unsolved": 4}.get(state.value, 0) for state in CellState} | {"absent": 0}


def test_cells_that_nobody_tells_of_are_bounded_and_named() -> None:
    cells = drawn_cells(PLAN, 0.5)
    (frame,), findings = lay(PLAN, cells[3:])
    assert [(finding.name, finding.about) for finding in findings] == [("dropped_cells", "finding")]
    assert "3 of 16" in findings[0].message
    assert (frame.low[View.RAW].sum(), frame.high[View.RAW].sum()) == (sum(c.state is CellState.SOLVED for c in cells[3:]), 3 + sum(c.state is CellState.SOLVED for c in cells[3:]))


def test_cell_told_in_two_ways_is_unresolved_and_one_told_twice_alike_counts_once() -> None:
    cells = drawn_cells(PLAN, 0.5)
    other = replace(cells[0], state=CellState.LIMIT)
    (frame,), findings = lay(PLAN, [*cells, other, cells[1]])
    assert [finding.name for finding in findings] == ["duplicate_cell"]
    assert (frame.low[View.RAW][0, 0], frame.high[View.RAW][0, 0]) == (0, 1)
    assert frame.low[View.RAW][0, 1] == frame.high[View.RAW][0, 1]


@pytest.mark.parametrize("stray", [
    Cell(PlannedItem("finding", "finding-f000", "made-up"), 1, CellState.SOLVED),
    Cell(PLAN.grid().items[0], 3, CellState.SOLVED),
    Cell(PLAN.grid().items[0], 0, CellState.SOLVED),
    Cell(replace(PLAN.grid().items[0], family="finding-f003x"), 1, CellState.SOLVED),
], ids=["item", "epoch", "epoch nought", "family"])
def test_cell_outside_the_plan_counts_nowhere_and_is_named(stray: Cell) -> None:
    cells = drawn_cells(PLAN, 0.5)
    (frame,), findings = lay(PLAN, [*cells, stray])
    (plain,), _ = lay(PLAN, cells)
    assert [(finding.name, finding.about) for finding in findings] == [("cell_outside_plan", "plan")]
    assert frame.low[View.RAW].tolist() == plain.low[View.RAW].tolist()


def test_families_with_more_items_weigh_no_more() -> None:
    domain = planned_domain(families=2, items=1, looks=(2,))
    big = replace(domain.families[0], items=tuple(f"big-{place}" for place in range(9)))
    plan = made_plan(replace(domain, families=(big, domain.families[1])), epochs=1)
    cells = [Cell(item, 1, CellState.SOLVED if item.family == big.id else CellState.UNSOLVED) for item in plan.grid().items]
    (frame,), _ = lay(plan, cells)
    assert frame.means(View.RAW)[0].mean() == 0.5
