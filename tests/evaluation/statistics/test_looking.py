"""While a run goes on: a look is due when its families have ended, and one that crosses ends the domain."""

from dataclasses import replace

import pytest

from clearinghouse.evaluation.statistics.looking import Standing, standing
from clearinghouse.evaluation.statistics.plan import Rule
from clearinghouse.evaluation.statistics.records import Cell, CellState
from clearinghouse.evaluation.statistics.report import analyse
from evaluation_support import EFFORT, all_cells, drawn_cells, good_controls, made_plan, planned_domain

PLAN = made_plan()


def begun(cells: list[Cell], count: int) -> list[Cell]:
    """The first so many cells; the rest not run."""
    return [cell if place < count else replace(cell, state=CellState.NOT_RUN) for place, cell in enumerate(cells)]


@pytest.mark.parametrize(("count", "families", "due", "following"), [
    (0, 0, (), 8), (8 * 15 - 1, 7, (), 8), (8 * 15, 8, (8,), 16), (20 * 15, 20, (8, 16), 24), (600, 40, (8, 16, 24, 32, 40), None),
])
def test_looks_are_due_when_their_families_have_ended(count: int, families: int, due: tuple[int, ...], following: int | None) -> None:
    cells = drawn_cells(PLAN, 0.5)
    assert standing(PLAN, begun(cells, count)) == (Standing("finding", families, due, None, following),)


def test_look_that_crosses_ends_the_domain_and_the_final_result_agrees() -> None:
    cells = drawn_cells(PLAN, 0.8)
    (now,) = standing(PLAN, begun(cells, 16 * 15))
    assert (now.stops_at, now.next_look) == (16, None)
    final = analyse(PLAN, begun(cells, 16 * 15), EFFORT, good_controls(PLAN), models=False).domains[0]
    assert final.families == now.stops_at


def test_unresolved_family_has_ended_and_counts_against_both_claims() -> None:
    assert standing(PLAN, all_cells(PLAN, CellState.UNRESOLVED)) == (Standing("finding", 40, (8, 16, 24, 32, 40), None, None),)


def test_single_look_is_due_at_the_end_alone() -> None:
    plan = made_plan(planned_domain("finding"), planned_domain("patching"), rule=Rule.SINGLE_LOOK)
    cells = drawn_cells(plan, 0.9)
    assert [(each.due, each.stops_at, each.next_look) for each in standing(plan, begun(cells, 700))] == [((40,), 40, None), ((), None, 40)]
