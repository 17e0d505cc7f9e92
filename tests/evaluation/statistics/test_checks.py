"""The sabotage set: each way to bend a result is caught by the check that bears its name, and an honest run by none."""

from dataclasses import replace

import pytest

from clearinghouse.evaluation.statistics.checks import (
    early_peek,
    other_build,
    other_items,
    over_budget,
    plan_changed,
    reused_items,
    truncated_answers,
)
from clearinghouse.evaluation.statistics.plan import Rule, plan_digest
from clearinghouse.evaluation.statistics.records import Cell, CellState, Ending, Finding, LookMade
from evaluation_support import drawn_cells, made_plan, planned_domain

PLAN = made_plan()
ITEM = PLAN.domains[0].families[0].items[0]
CELLS = drawn_cells(PLAN, 0.5)


def names(findings: tuple[Finding, ...]) -> list[tuple[str, str, bool]]:
    return [(finding.name, finding.about, finding.blocks) for finding in findings]


def test_honest_run_is_caught_by_no_check() -> None:
    found = (
        *plan_changed(PLAN, plan_digest(PLAN)), *early_peek(PLAN, [LookMade("finding", 8), LookMade("finding", 16)]),
        *reused_items(PLAN, practised={"practice-1"}, opened={"other": "run_0"}),
        *truncated_answers(CELLS, [Ending(cell.item.item, cell.epoch, finished=True) for cell in CELLS]),
        *other_build(PLAN, [PLAN.model_build], variants=["full"]), *other_items(PLAN, PLAN.item_root), *over_budget(PLAN, CELLS),
    )
    assert found == ()


def test_swapped_threshold_is_a_changed_plan() -> None:
    swapped = replace(PLAN, domains=(replace(PLAN.domains[0], threshold=0.45),))
    assert names(plan_changed(swapped, plan_digest(PLAN))) == [("plan_changed", "plan", True)]


@pytest.mark.parametrize(("looks", "expected"), [
    ([LookMade("finding", 12)], [("early_peek", "finding", True)]),
    ([LookMade("finding", 8), LookMade("finding", 9)], [("early_peek", "finding", True)]),
    ([LookMade("elsewhere", 8)], [("early_peek", "plan", True)]),
])
def test_look_that_the_plan_does_not_have_is_an_early_peek(looks: list[LookMade], expected: list[tuple[str, str, bool]]) -> None:
    assert names(early_peek(PLAN, looks)) == expected


def test_any_look_before_the_end_of_a_single_look_plan_is_an_early_peek_and_none_is_under_an_e_process() -> None:
    assert names(early_peek(made_plan(rule=Rule.SINGLE_LOOK), [LookMade("finding", 8)])) == [("early_peek", "finding", True)]
    assert early_peek(made_plan(rule=Rule.E_PROCESS), [LookMade("finding", 3)]) == ()


def test_item_that_was_practised_on_or_opened_before_is_reused() -> None:
    assert names(reused_items(PLAN, practised={ITEM})) == [("reused_item", "finding", True)]
    assert "run_7" in reused_items(PLAN, opened={ITEM: "run_7"})[0].message


@pytest.mark.parametrize(("state", "expected"), [
    (CellState.SOLVED, [("truncated_answer", "finding", True)]), (CellState.UNSOLVED, [("truncated_answer", "finding", True)]),
    (CellState.REFUSED, [("truncated_answer", "finding", True)]), (CellState.UNRESOLVED, []), (CellState.INFRASTRUCTURE, []),
])
def test_broken_stream_that_counts_as_an_answer_is_caught(state: CellState, expected: list[tuple[str, str, bool]]) -> None:
    cells = [Cell(PLAN.grid().items[0], 1, state)]
    assert names(truncated_answers(cells, [Ending(PLAN.grid().items[0].item, 1, finished=False)])) == expected


def test_other_build_or_variant_or_items_are_caught() -> None:
    assert names(other_build(PLAN, [PLAN.model_build, "c" * 64], variants=["reduced"])) == [("other_build", "plan", True)] * 2
    assert names(other_items(PLAN, "c" * 64)) == [("other_items", "plan", True)]


def test_item_solved_over_its_budget_is_told() -> None:
    cells = [replace(CELLS[0], state=CellState.SOLVED, tokens=PLAN.budget.tokens + 1)]
    assert [finding.name for finding in over_budget(PLAN, cells)] == ["over_budget"]


def test_two_domains_are_told_apart() -> None:
    plan = made_plan(planned_domain("finding"), planned_domain("patching"))
    assert [finding.about for finding in early_peek(plan, [LookMade("patching", 7)])] == ["patching"]
