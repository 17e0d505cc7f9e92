"""Intervals by hand, by their properties, and against numbers that others computed (`bench/statistics/oracles`)."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.evaluation.statistics.intervals import (
    Factor,
    clustered_error,
    clustered_wilson,
    detectable_difference,
    effective_families,
    exact,
    questions_needed,
    score_lower,
    score_p,
    t_interval,
    wilson,
)

GOLDEN = Path(__file__).parents[2] / "golden" / "statistics"


def _golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize("case", _golden("statsmodels")["cases"], ids=lambda case: case["name"])
def test_clustered_error_equals_statsmodels(case: dict[str, Any]) -> None:
    factors: tuple[Factor, ...] = ("none", "clusters", "clusters_and_values")
    for factor in factors:
        assert clustered_error(case["values"], case["clusters"], factor=factor) == pytest.approx(case["factors"][factor], abs=1e-12)
    assert wilson(sum(case["values"]), len(case["values"])).lower == pytest.approx(case["wilson"][0], abs=1e-12)
    assert wilson(sum(case["values"]), len(case["values"])).upper == pytest.approx(case["wilson"][1], abs=1e-12)
    interval = exact(round(sum(case["values"])), len(case["values"]))
    assert [interval.lower, interval.upper] == pytest.approx(case["exact"], abs=1e-12)


@pytest.mark.parametrize("case", _golden("inspect")["cases"], ids=lambda case: case["name"])
def test_clustered_error_and_intervals_equal_inspect(case: dict[str, Any]) -> None:
    error = clustered_error(case["values"], case["clusters"])
    assert error == pytest.approx(case["stderr"], abs=1e-12)
    t = t_interval(float(np.mean(case["values"])), error, len(set(case["clusters"])))
    w = clustered_wilson(case["values"], case["clusters"])
    assert [t.lower, t.upper] == pytest.approx(case["ci"], abs=1e-12)
    assert [w.lower, w.upper] == pytest.approx(case["ci_wilson"], abs=1e-12)


def test_wilson_equals_a_published_example() -> None:
    # Newcombe (1998), table I: 81 of 263 and 0 of 20.
    assert (round(wilson(81, 263).lower, 4), round(wilson(81, 263).upper, 4)) == (0.2553, 0.3662)
    assert (round(wilson(0, 20).lower, 4), round(wilson(0, 20).upper, 4)) == (0.0, 0.1611)


def test_exact_bounds_equal_a_published_example() -> None:
    # Newcombe (1998), table I, method 5: 81 of 263 and 0 of 20.
    assert (round(exact(81, 263).lower, 4), round(exact(81, 263).upper, 4)) == (0.2527, 0.3676)
    assert round(exact(0, 20).upper, 4) == 0.1684
    assert exact(20, 20).upper == 1


def test_sample_sizes_follow_miller() -> None:
    # Miller, arXiv 2411.00640, section 5: omega^2 = 1/9, a difference of 3 points, 5 % and 80 %: 969 questions.
    assert math.ceil(questions_needed(0.03, omega_squared=1 / 9)) == 969
    n = questions_needed(0.03, omega_squared=1 / 9, sigma_squared=(1 / 6, 1 / 6), epochs=(10, 10))
    assert detectable_difference(n, omega_squared=1 / 9, sigma_squared=(1 / 6, 1 / 6), epochs=(10, 10)) == pytest.approx(0.03)


def test_single_cluster_has_no_error_to_tell() -> None:
    assert clustered_error([0, 1, 1], [4, 4, 4]) == 0
    with pytest.raises(ValueError, match="two clusters"):
        clustered_wilson([0, 1], [4, 4])


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5)), min_size=2, max_size=40), st.randoms())
def test_clustered_error_ignores_order_and_names(pairs: list[tuple[float, int]], random: Any) -> None:
    error = clustered_error([value for value, _ in pairs], [cluster for _, cluster in pairs])
    random.shuffle(pairs)
    assert clustered_error([value for value, _ in pairs], [cluster * 7 + 3 for _, cluster in pairs]) == pytest.approx(error, abs=1e-12)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=60), st.floats(0.02, 0.98), st.floats(1e-4, 0.4), st.integers(1, 9))
def test_lower_bound_lies_above_a_threshold_exactly_where_its_test_rejects(values: list[float], threshold: float, level: float, items: int) -> None:
    means = np.array(values)
    lower = score_lower(means, 1 / items, level)
    p = float(score_p(means, threshold, 1 / items))
    assert lower is not None
    if abs(p - level) > 1e-9:
        assert (lower > threshold) == (p < level)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=60), st.integers(1, 9))
def test_families_are_worth_no_less_than_themselves_and_no_more_than_their_items(values: list[float], items: int) -> None:
    worth = float(effective_families(np.array(values), 1 / items))
    assert len(values) * (1 - 1e-12) <= worth <= len(values) * items * (1 + 1e-12)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=60))
def test_intervals_of_a_mean_and_of_its_complement_mirror(values: list[float]) -> None:
    means = np.array(values)
    assert float(score_p(means, 0.4, 0.2)) == pytest.approx(float(1 - score_p(1 - means, 0.6, 0.2)), abs=1e-9)


def test_families_that_all_came_out_alike_are_not_certain() -> None:
    lower = score_lower(np.ones(8), 1 / 5, 0.05)
    assert lower is not None
    assert 0.6 < lower < 0.75
