"""The models beside the decision: the hierarchical one against PyMC, the curve over budgets, the horizon, the pair."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import binom, norm

from clearinghouse.evaluation.statistics import budget, glmm, horizon, paired
from clearinghouse.evaluation.statistics.grid import Frame, lay
from clearinghouse.evaluation.statistics.plan import Plan
from clearinghouse.evaluation.statistics.records import Cell, CellState, View
from evaluation_support import all_cells, drawn_cells, made_plan, planned_domain

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "statistics" / "pymc.json").read_text("utf-8"))


def outcomes(case: dict[str, Any]) -> glmm.Outcomes:
    solved = np.array(case["solved"])
    return glmm.Outcomes(solved, np.full(len(solved), case["epochs"]), np.array(case["family"]))


def frame(plan: Plan, cells: list[Cell]) -> Frame:
    return lay(plan, cells)[0][0]


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
def test_hierarchical_model_agrees_with_pymc(case: dict[str, Any]) -> None:
    assert case["r_hat_most"] < 1.01
    assert case["divergences"] == 0
    ours, theirs = glmm.posterior(outcomes(case)), case["posterior"]
    for name in ("mu", "sigma_family", "sigma_item", "accuracy"):
        assert abs(getattr(ours, name) - theirs[name]["mean"]) < 0.15 * theirs[name]["sd"]
        assert getattr(ours, f"{name}_sd") == pytest.approx(theirs[name]["sd"], rel=0.1)
    # The greatest likelihood knows no prior, which draws a little towards one half.
    fitted = glmm.fit(outcomes(case))
    assert fitted is not None
    assert abs(fitted.accuracy - theirs["accuracy"]["mean"]) < 0.25 * theirs["accuracy"]["sd"]


def test_likelihood_of_one_family_equals_adaptive_integration() -> None:
    mu, outer, inner = 0.3, 1.1, 0.7
    solved, tried = [2, 0, 3], [3, 3, 3]
    # The trapezoid rule on a wide, fine line: exact to rounding for what falls off like a normal.
    line = np.linspace(-12, 12, 1201)
    eta = mu + outer * line[:, None] + inner * line[None, :]
    weight = norm.pdf(line) * (line[1] - line[0])
    given_family = math.prod(binom.pmf(k, n, expit(eta)) @ weight for k, n in zip(solved, tried, strict=True))
    expected = math.log(float(weight @ given_family))
    coefficients = sum(math.log(math.comb(n, k)) for k, n in zip(solved, tried, strict=True))
    value, gradient = glmm.Outcomes(np.array(solved), np.array(tried), np.zeros(3, int)).log_likelihood(np.array([mu, outer, inner]))
    assert value + coefficients == pytest.approx(expected, abs=1e-9)
    for place in range(3):
        ahead, behind = (np.array([mu, outer, inner]) + sign * 1e-5 * np.eye(3)[place] for sign in (1, -1))
        both = [glmm.Outcomes(np.array(solved), np.array(tried), np.zeros(3, int)).log_likelihood(at)[0] for at in (ahead, behind)]
        assert gradient[place] == pytest.approx((both[0] - both[1]) / 2e-5, abs=1e-7)


def test_fit_on_the_boundary_says_so() -> None:
    rng = np.random.default_rng(4)
    found = glmm.fit(glmm.Outcomes(rng.binomial(3, 0.5, 60), np.full(60, 3), np.repeat(np.arange(12), 5)))
    assert found is not None
    assert found.sigma_family == 0
    assert found.sigma_family_error is None
    assert any("families" in warning for warning in found.warnings)
    assert found.accuracy_lower < found.accuracy < found.accuracy_upper


@pytest.mark.parametrize(("solved", "tried", "family"), [
    ([0] * 10, 3, 2), ([3] * 10, 3, 2), ([1, 2, 0, 3], 3, 4), ([0, 0, 0, 0, 3, 3, 3, 3, 3, 3], 3, 2),
], ids=["none", "all", "one family", "families all or nothing"])
def test_outcomes_that_do_not_determine_a_fit_have_none(solved: list[int], tried: int, family: int) -> None:
    assert glmm.fit(glmm.Outcomes(np.array(solved), np.full(len(solved), tried), np.arange(len(solved)) // family)) is None


def test_items_run_once_have_no_spread_of_their_own() -> None:
    rng = np.random.default_rng(6)
    ability = rng.standard_normal(40)
    found = glmm.fit(glmm.Outcomes(rng.binomial(1, expit(np.repeat(ability, 5))), np.ones(200, int), np.repeat(np.arange(40), 5)))
    assert found is not None
    assert (found.sigma_item, found.sigma_item_error) == (0, None)
    assert found.sigma_family > 0.3


@given(st.integers(0, 10**9))
@settings(max_examples=20)
def test_fit_of_any_outcomes_ends_and_holds_together(seed: int) -> None:
    rng = np.random.default_rng(seed)
    families, items, epochs = (int(rng.integers(1, most)) for most in (16, 5, 5))
    chance = expit(rng.choice([-3.0, 0.0, 2.0]) + rng.choice([0, 3]) * np.repeat(rng.standard_normal(families), items))
    found = glmm.fit(glmm.Outcomes(rng.binomial(epochs, chance), np.full(families * items, epochs), np.repeat(np.arange(families), items)))
    if found is not None:
        assert 0 < found.accuracy_lower <= found.accuracy <= found.accuracy_upper < 1
        assert 0 <= found.sigma_family <= 5
        assert 0 <= found.sigma_item <= 5
        assert math.isfinite(found.mu_error)


def test_generalised_accuracy_covers_the_truth_about_as_often_as_it_says() -> None:
    plan, hits = made_plan(), 0
    for seed in range(30):
        each = frame(plan, drawn_cells(plan, 0.4, seed=seed))
        found = glmm.fit(glmm.Outcomes(each.low[View.RAW].sum(axis=1).astype(int), np.full(200, 3), each.family))
        assert found is not None
        hits += found.accuracy_lower < 0.4 < found.accuracy_upper
    assert hits >= 25


SMALL = made_plan(planned_domain(families=4, items=1, looks=(4,)), epochs=1)


def small(*ends: tuple[CellState, int]) -> Frame:
    """A frame whose families, in order, ended so after so many tokens; the budget is 100,000."""
    return frame(SMALL, [Cell(item, 1, state, tokens=tokens) for item, (state, tokens) in zip(SMALL.grid().items, ends, strict=True)])


def test_curve_counts_what_was_solved_within_each_budget_and_bounds_what_stopped_short() -> None:
    each = small((CellState.SOLVED, 10_000), (CellState.SOLVED, 60_000), (CellState.LIMIT, 30_000), (CellState.UNSOLVED, 5_000))
    points = {point.tokens: (point.low, point.high) for point in budget.curve(SMALL, each, View.RAW, 4)}
    # The third was stopped by another limit at 30,000 tokens: at 25,000 it had not solved it, at 50,000 nobody knows.
    assert points == {390: (0, 0.75 - 0.75), 781: (0, 0), 1562: (0, 0), 3125: (0, 0), 6250: (0, 0), 12500: (0.25, 0.25), 25000: (0.25, 0.25),
                      50000: (0.25, 0.5), 100000: (0.5, 0.75)}


def test_estimate_leaves_censored_samples_out_of_the_risk_set() -> None:
    each = small((CellState.SOLVED, 10_000), (CellState.SOLVED, 60_000), (CellState.LIMIT, 30_000), (CellState.UNSOLVED, 5_000))
    # By hand: one of four gives up (3/4 stay), one of three solves (1/4 solved, 1/2 stays), one of two is censored, the last solves: 1/4 + 1/2.
    assert budget.curve(SMALL, each, View.RAW, 4)[-1].estimate == pytest.approx(0.75)
    assert budget.curve(SMALL, each, View.RAW, 4)[-2].estimate == pytest.approx(0.25)


def test_estimate_without_censoring_is_the_share_and_the_curve_never_falls() -> None:
    plan = made_plan()
    each = frame(plan, drawn_cells(plan, 0.55))
    points = budget.curve(plan, each, View.RAW, 40)
    assert [point.tokens for point in points] == [100_000 // 2**halving for halving in range(8, -1, -1)]
    for point in points:
        assert point.estimate == pytest.approx(point.low, abs=1e-12)
        assert point.lower <= point.low <= point.high <= point.upper
    assert [point.low for point in points] == sorted(point.low for point in points)


def test_cheated_solutions_do_not_lift_the_curve_where_cheating_is_removed() -> None:
    each = frame(SMALL, [replace(cell, cheated=True) for cell in all_cells(SMALL, CellState.SOLVED)])
    assert [budget.curve(SMALL, each, view, 4)[-1].low for view in (View.RAW, View.CHEATING_REMOVED)] == [1, 0]


def timed(plan: Plan, half_at: float, slope: float, seed: int = 1) -> tuple[Frame, dict[str, float]]:
    rng = np.random.default_rng(seed)
    minutes = {item.item: float(2 ** rng.uniform(0, 8)) for item in plan.grid().items}
    cells = [
        Cell(item, epoch, CellState.SOLVED if rng.random() < expit(slope * (math.log2(minutes[item.item]) - math.log2(half_at))) else CellState.UNSOLVED)
        for item in plan.grid().items for epoch in range(1, plan.epochs + 1)
    ]
    return frame(plan, cells), minutes


def test_horizon_is_found_where_it_was_put() -> None:
    plan = made_plan()
    each, minutes = timed(plan, 16.0, -1.0)
    found = horizon.fit(plan.domains[0], each, View.RAW, 40, minutes)
    half, most = found.reaches
    assert found.refused == ""
    assert half.minutes is not None
    assert half.lower is not None
    assert half.upper is not None
    assert half.lower < 16 < half.upper
    assert half.minutes == pytest.approx(16, rel=0.3)
    assert most.minutes == pytest.approx(16 / 2 ** math.log(4), rel=0.4)


@pytest.mark.parametrize(("half_at", "side"), [(2_000.0, "longer"), (0.02, "shorter")])
def test_horizon_beyond_what_was_run_is_not_extrapolated(half_at: float, side: str) -> None:
    plan = made_plan()
    each, minutes = timed(plan, half_at, -0.7)
    half = horizon.fit(plan.domains[0], each, View.RAW, 40, minutes).reaches[0]
    assert (half.minutes, half.lower, half.upper) == (None, None, None)
    assert side in half.why


def test_horizon_has_no_meaning_where_longer_tasks_are_solved_more_often() -> None:
    plan = made_plan()
    each, minutes = timed(plan, 16.0, 0.8)
    found = horizon.fit(plan.domains[0], each, View.RAW, 40, minutes)
    assert found.reaches == ()
    assert "no meaning" in found.refused


def test_horizon_is_refused_with_few_items_and_without_overlap() -> None:
    plan = made_plan()
    each, minutes = timed(plan, 16.0, -1.0)
    few = dict(list(minutes.items())[:9])
    assert "9 items" in horizon.fit(plan.domains[0], each, View.RAW, 40, few).refused
    parted = frame(plan, [Cell(item, epoch, CellState.SOLVED if minutes[item.item] < 20 else CellState.UNSOLVED)
                          for item in plan.grid().items for epoch in range(1, 4)])
    assert "without overlap" in horizon.fit(plan.domains[0], parted, View.RAW, 40, minutes).refused


def test_pairing_removes_what_both_models_find_hard() -> None:
    plan = made_plan()
    rng = np.random.default_rng(8)
    strength = {item.item: float(rng.random()) for item in plan.grid().items}

    def cells(shift: float) -> list[Cell]:
        return [Cell(item, epoch, CellState.SOLVED if rng.random() < min(1, strength[item.item] + shift) else CellState.UNSOLVED)
                for item in plan.grid().items for epoch in range(1, 4)]

    model, reference = frame(plan, cells(0.15)), frame(plan, cells(0.0))
    found = paired.compare(model, reference, View.RAW, 40)
    assert found.lower > 0
    assert found.mean_low == found.mean_high == pytest.approx(model.low[View.RAW].mean() - reference.low[View.RAW].mean())
    assert found.correlation is not None
    assert found.correlation > 0.3
    turned = paired.compare(reference, model, View.RAW, 40)
    assert (turned.lower, turned.upper) == pytest.approx((-found.upper, -found.lower))


def test_unresolved_cells_of_either_model_widen_the_difference() -> None:
    plan = made_plan()
    known, holed = (frame(plan, drawn_cells(plan, 0.5, state=state)) for state in (
        None, lambda n, solved: CellState.UNRESOLVED if n % 10 == 0 else CellState.SOLVED if solved else CellState.UNSOLVED))
    found = paired.compare(holed, known, View.RAW, 40)
    assert found.mean_high - found.mean_low == pytest.approx(0.1)
    assert found.lower < found.mean_low < found.mean_high < found.upper
