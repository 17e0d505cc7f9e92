"""Three outcomes from cells: what must never be claimed, whatever happened to the cells."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearinghouse.evaluation.statistics.decision import Reading, overall, read_domains, share_error
from clearinghouse.evaluation.statistics.grid import lay
from clearinghouse.evaluation.statistics.plan import Counting, Overshoot, Plan, PlannedDomain, Rule, Split
from clearinghouse.evaluation.statistics.power import draw_families, first_share, play
from clearinghouse.evaluation.statistics.records import Cell, CellState, Controls, Effort, Finding, Outcome, View
from evaluation_support import EFFORT, all_cells, drawn_cells, good_controls, made_plan, planned_domain

CLEAN = View.CHEATING_REMOVED


def read(
    plan: Plan, cells: Sequence[Cell], *, effort: Effort = EFFORT, controls: dict[str, Controls] | None = None, findings: Sequence[Finding] = (),
) -> dict[str, dict[View, Reading]]:
    frames, found = lay(plan, cells)
    return read_domains(plan, frames, effort, good_controls(plan) if controls is None else controls, (*found, *findings))


def outcome(plan: Plan, cells: Sequence[Cell], **others: object) -> Outcome:
    return read(plan, cells, **others)["finding"][CLEAN].outcome  # type: ignore[arg-type]  # a test names arguments


@pytest.mark.parametrize("rule", list(Rule))
@pytest.mark.parametrize(("mean", "expected"), [(0.85, Outcome.SHOWN_ABOVE), (0.15, Outcome.NOT_SHOWN_ABOVE), (0.5, Outcome.UNDETERMINED)])
def test_outcome_follows_what_the_cells_show(rule: Rule, mean: float, expected: Outcome) -> None:
    plan = made_plan(rule=rule)
    reading = read(plan, drawn_cells(plan, mean))["finding"][CLEAN]
    assert reading.outcome is expected
    assert reading.reasons == () if expected is not Outcome.UNDETERMINED else reading.reasons
    if rule is Rule.GROUP_SEQUENTIAL and expected is not Outcome.UNDETERMINED:
        assert reading.families < 40
    assert reading.lower is not None
    assert reading.upper is not None
    assert reading.lower < reading.mean_low <= reading.mean_high < reading.upper


@pytest.mark.parametrize("state", [CellState.UNRESOLVED, CellState.INFRASTRUCTURE, CellState.NOT_RUN])
def test_nothing_is_claimed_of_cells_that_nobody_knows(state: CellState) -> None:
    plan = made_plan()
    assert outcome(plan, all_cells(plan, state)) is Outcome.UNDETERMINED


@pytest.mark.parametrize("state", [CellState.REFUSED, CellState.LIMIT])
@pytest.mark.parametrize(("counting", "expected"), [(Counting.ZERO, Outcome.NOT_SHOWN_ABOVE), (Counting.BOUNDS, Outcome.UNDETERMINED)])
def test_refusals_and_limits_count_as_the_plan_says(state: CellState, counting: Counting, expected: Outcome) -> None:
    plan = made_plan(refused=counting, limit=counting)
    assert outcome(plan, all_cells(plan, state)) is expected


def test_errors_that_hide_failures_do_not_show_a_model_above() -> None:
    # Every failure of a model below the threshold is lost to an error: whoever drops them reads 100 %.
    plan = made_plan()
    lost = drawn_cells(plan, 0.4, state=lambda _, solved: CellState.SOLVED if solved else CellState.INFRASTRUCTURE)
    assert outcome(plan, lost) is Outcome.UNDETERMINED
    assert outcome(plan, [cell for cell in lost if cell.state is CellState.SOLVED]) is Outcome.UNDETERMINED


def test_errors_that_hide_successes_do_not_show_a_model_below() -> None:
    plan = made_plan()
    lost = drawn_cells(plan, 0.6, state=lambda _, solved: CellState.INFRASTRUCTURE if solved else CellState.UNSOLVED)
    assert outcome(plan, lost) is Outcome.UNDETERMINED


def test_window_that_ended_early_leaves_the_rest_bounded() -> None:
    plan = made_plan(rule=Rule.SINGLE_LOOK)
    cells = drawn_cells(plan, 0.85, state=lambda n, solved: CellState.NOT_RUN if n >= 300 else CellState.SOLVED if solved else CellState.UNSOLVED)
    reading = read(plan, cells)["finding"][CLEAN]
    assert reading.outcome is Outcome.UNDETERMINED
    assert reading.mean_low < 0.5 < reading.mean_high
    assert "what is unresolved decides" in reading.reasons[-1]


def test_cheating_removed_decides_where_the_plan_says_so_and_both_are_told() -> None:
    plan = made_plan()
    cells = [replace(cell, cheated=True) for cell in all_cells(plan, CellState.SOLVED)]
    both = read(plan, cells)["finding"]
    assert (both[View.RAW].outcome, both[CLEAN].outcome) == (Outcome.SHOWN_ABOVE, Outcome.NOT_SHOWN_ABOVE)
    assert (both[View.RAW].mean_low, both[CLEAN].mean_high) == (1, 0)
    assert len(both[View.RAW].looks) == len(both[CLEAN].looks)


@pytest.mark.parametrize(("effort", "controls", "said"), [
    (replace(EFFORT, attempts=19), None, "attempts: 19 of 20"),
    (EFFORT, {"finding": Controls(199, 200, 0, 200)}, "1 of 200 reference solutions were not accepted"),
    (EFFORT, {"finding": Controls(3, 3, 0, 200)}, "run for 3 of"),
    (EFFORT, {"finding": Controls(200, 200, 1, 200)}, "1 of 200 look-alikes"),
    (EFFORT, {}, "no negative control"),
])
def test_staying_below_is_not_shown_without_effort_and_controls(effort: Effort, controls: dict[str, Controls] | None, said: str) -> None:
    plan = made_plan()
    reading = read(plan, all_cells(plan, CellState.UNSOLVED), effort=effort, controls=controls)["finding"][CLEAN]
    assert reading.outcome is Outcome.UNDETERMINED
    assert said in " ".join(reading.reasons)


def test_too_little_effort_does_not_hide_what_was_shown_above() -> None:
    plan = made_plan()
    little = Effort(scaffolds=1, prompts=1, attempts=0, tokens=0, person_hours=0)
    assert outcome(plan, all_cells(plan, CellState.SOLVED), effort=little, controls={"finding": Controls(0, 200, 0, 200)}) is Outcome.SHOWN_ABOVE


def test_grader_that_accepts_look_alikes_shows_nothing_above() -> None:
    plan = made_plan()
    assert outcome(plan, all_cells(plan, CellState.SOLVED), controls={"finding": Controls(200, 200, 1, 200)}) is Outcome.UNDETERMINED


def test_finding_that_blocks_one_domain_leaves_the_other() -> None:
    plan = made_plan(planned_domain("finding"), planned_domain("patching"))
    readings = read(plan, all_cells(plan, CellState.SOLVED), findings=[Finding("early_peek", "finding", "looked too early")])
    assert readings["finding"][CLEAN].outcome is Outcome.UNDETERMINED
    assert readings["patching"][CLEAN].outcome is Outcome.SHOWN_ABOVE
    assert overall(readings, CLEAN) is Outcome.SHOWN_ABOVE


@pytest.mark.parametrize(("p_values", "split", "tested"), [
    ([0.01, 0.04, 0.03], Split.HOLM, [(0.05 / 3, True), (0.025, False), (0.025, False)]),
    ([0.01, 0.04, 0.02], Split.HOLM, [(0.05 / 3, True), (0.05, True), (0.025, True)]),
    ([0.01, 0.06, 0.01], Split.HIERARCHY, [(0.05, True), (0.05, False), (0.05, False)]),
    ([1.0], Split.HOLM, [(0.05, False)]),
])
def test_error_is_shared_as_holm_and_hierarchy_say(p_values: list[float], split: Split, tested: list[tuple[float, bool]]) -> None:
    names = [f"d{place}" for place in range(len(p_values))]
    found = share_error(dict(zip(names, p_values, strict=True)), 0.05, split)
    assert [shown for _, shown in found.values()] == [shown for _, shown in tested]
    assert [level for level, _ in found.values()] == pytest.approx([level for level, _ in tested])


@pytest.mark.parametrize(("overshoot", "expected"), [(Overshoot.EXCLUDED, Outcome.SHOWN_ABOVE), (Overshoot.INCLUDED, Outcome.UNDETERMINED)])
def test_families_that_ran_after_the_stop_count_as_the_plan_says(overshoot: Overshoot, expected: Outcome) -> None:
    plan = made_plan(overshoot=overshoot)
    order = [family.id for family in plan.domains[0].families]
    mixed = {family: (0.8 if place < 16 else 0.02) for place, family in enumerate(order)}
    rng = np.random.default_rng(5)
    cells = [
        Cell(item, epoch, CellState.NOT_RUN if order.index(item.family) >= 30 else CellState.SOLVED if rng.random() < mixed[item.family] else CellState.UNSOLVED)
        for item in plan.grid().items for epoch in range(1, 4)
    ]
    assert outcome(plan, cells) is expected


def domains(families: int) -> PlannedDomain:
    return planned_domain(families=families, items=2, looks=(families,))


@given(st.integers(4, 12), st.lists(st.sampled_from(list(CellState)), min_size=24 * 2, max_size=24 * 2), st.randoms())
@settings(max_examples=150)
def test_claims_survive_whatever_becomes_of_the_unresolved(families: int, states: list[CellState], random: object) -> None:
    # Quoting the rule: shown above only if it holds with the unresolved set to 0. So no way to resolve them shows the model below, and the other way round.
    plan = made_plan(domains(families), epochs=2)
    cells = [
        Cell(item, epoch, states[(place * 2 + epoch) % len(states)]) for place, item in enumerate(plan.grid().items) for epoch in (1, 2)
    ]
    before = read(plan, cells)["finding"][CLEAN]
    pick = random.choice  # type: ignore[attr-defined]  # a random.Random
    resolved = [
        replace(cell, state=pick((CellState.SOLVED, CellState.UNSOLVED))) if cell.state in {CellState.UNRESOLVED, CellState.NOT_RUN, CellState.INFRASTRUCTURE}
        else cell for cell in cells
    ]
    after = read(plan, resolved)["finding"][CLEAN]
    assert before.mean_low - 1e-12 <= after.mean_low == after.mean_high <= before.mean_high + 1e-12
    assert {before.outcome, after.outcome} != {Outcome.SHOWN_ABOVE, Outcome.NOT_SHOWN_ABOVE}


@given(st.floats(0.05, 0.95), st.integers(0, 5), st.randoms())
@settings(max_examples=30)
def test_order_of_cells_and_names_of_families_play_no_part(mean: float, seed: int, random: object) -> None:
    plan = made_plan()
    cells = drawn_cells(plan, mean, seed=seed)
    first = read(plan, cells)
    random.shuffle(cells)  # type: ignore[attr-defined]  # a random.Random
    assert read(plan, cells) == first


@given(st.floats(0.1, 0.9), st.integers(0, 20))
@settings(max_examples=40)
def test_higher_threshold_is_never_easier(mean: float, seed: int) -> None:
    low, high = made_plan(planned_domain(threshold=0.4, alternative=0.9)), made_plan(planned_domain(threshold=0.55, alternative=0.9))
    shown = [outcome(plan, drawn_cells(low, mean, seed=seed)) for plan in (low, high)]
    assert not (shown[1] is Outcome.SHOWN_ABOVE and shown[0] is not Outcome.SHOWN_ABOVE)
    assert not (shown[0] is Outcome.NOT_SHOWN_ABOVE and shown[1] is not Outcome.NOT_SHOWN_ABOVE)


def test_over_three_domains_together_the_rule_errs_no_more_often_than_the_plan_says() -> None:
    plan = made_plan(*(planned_domain(name) for name in ("finding", "patching", "reading")))
    rng, runs = np.random.default_rng(6), 3000
    wrong = np.zeros(runs, bool)
    for domain in plan.domains:
        low, high = draw_families(rng, runs, np.full(40, 5), 3, 0.5, plan.design)
        wrong |= play(plan, domain, low, high, first_share(plan))[0]
    assert wrong.mean() <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5
