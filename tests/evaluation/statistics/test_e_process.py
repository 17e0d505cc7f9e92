"""A bet that may be watched at any moment: it seldom wins where there is nothing to win, and it does not know the future."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.evaluation.statistics.e_process import log_wealth, lower_bound, p_value, upper_bound
from clearinghouse.evaluation.statistics.plan import Design
from clearinghouse.evaluation.statistics.power import draw_families
from evaluation_support import made_plan, planned_domain

SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("kind", ["families", "all or nothing"])
def test_wealth_ever_reaches_twenty_in_at_most_one_run_of_twenty(threshold: float, kind: str) -> None:
    rng = np.random.default_rng(11)
    runs = 8000
    if kind == "families":
        means = draw_families(rng, runs, np.full(60, 5), 3, threshold, Design(1.5, 1.0))[0]
    else:
        means = (rng.random((runs, 60)) < threshold).astype(float)
    assert (log_wealth(means, threshold).max(axis=1) >= math.log(20)).mean() <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5


def test_wealth_of_an_all_or_nothing_family_is_fair_at_the_threshold() -> None:
    # Over both outcomes of the next family, weighted by the threshold, nothing is gained: a martingale, step by step.
    rng = np.random.default_rng(2)
    for threshold in (0.2, 0.5, 0.8):
        past = rng.random(9)
        before = float(np.exp(log_wealth(past, threshold)[-1]))
        after = [float(np.exp(log_wealth(np.append(past, value), threshold)[-1])) for value in (0.0, 1.0)]
        assert threshold * after[1] + (1 - threshold) * after[0] == pytest.approx(before, rel=1e-12)


@given(SHARES, SHARES, st.floats(0.05, 0.95))
def test_stakes_know_only_what_came_before(past: list[float], other: list[float], threshold: float) -> None:
    whole = log_wealth(np.array(past + other), threshold)
    assert whole[: len(past)] == pytest.approx(log_wealth(np.array(past), threshold), abs=1e-12)


@given(SHARES, st.floats(0.001, 0.3))
def test_confidence_sequence_agrees_with_the_test_and_mirrors(values: list[float], alpha: float) -> None:
    means = np.array(values)
    lower = lower_bound(means, alpha)
    assert 0 <= lower <= 1
    for step in range(1, int(lower * 1000)):
        assert p_value(means, step / 1000) <= alpha * (1 + 1e-9)
    assert upper_bound(1 - means, alpha) == pytest.approx(1 - lower, abs=1e-12)


def test_more_families_of_a_strong_model_are_more_evidence() -> None:
    plan = made_plan(planned_domain())
    means = draw_families(np.random.default_rng(3), 200, np.full(40, 5), 3, 0.75, plan.design)[0]
    path = np.maximum.accumulate(log_wealth(means, 0.5), axis=1)
    assert path[:, 39].mean() > path[:, 19].mean() + 2
    assert (path[:, 39] >= math.log(20)).mean() > 0.95
