"""Boundaries against published tables, and what must hold of any."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearinghouse.evaluation.statistics.plan import Spending
from clearinghouse.evaluation.statistics.sequential import P_LEAST, bounds, crossing, levels, sequential_p, spent

FIFTHS = tuple(look / 5 for look in range(1, 6))


@pytest.mark.parametrize(("fractions", "alpha", "spending", "published"), [
    # The boundaries of Lan and DeMets for five equal looks, two-sided 0.05, as their program prints them (Reboussin et al. 2000).
    (FIFTHS, 0.025, Spending.OBRIEN_FLEMING, (4.8769, 3.3569, 2.6803, 2.2898, 2.0310)),
    (FIFTHS, 0.025, Spending.POCOCK, (2.4380, 2.4268, 2.4101, 2.3966, 2.3859)),
    # Four equal looks, one-sided 0.05 (documentation of SeqBounds.jl, which gives five digits).
    ((0.25, 0.5, 0.75, 1.0), 0.05, Spending.OBRIEN_FLEMING, (3.74955, 2.53993, 2.01604, 1.72014)),
])
def test_boundaries_equal_published_ones(fractions: tuple[float, ...], alpha: float, spending: Spending, published: tuple[float, ...]) -> None:
    # Published values come from coarser integrals: four digits agree but for the last.
    assert bounds(fractions, alpha, spending) == pytest.approx(published, abs=1.5e-4)


@pytest.mark.parametrize(("looks", "pocock", "obrien_fleming"), [
    # Jennison and Turnbull (2000), tables 2.1 and 2.3: constants of the classical tests, two-sided 0.05.
    (2, 2.178, 1.977), (3, 2.289, 2.004), (4, 2.361, 2.024), (5, 2.413, 2.040), (10, 2.555, 2.087),
])
def test_classical_constants_use_up_the_error_exactly(looks: int, pocock: float, obrien_fleming: float) -> None:
    fractions = [look / looks for look in range(1, looks + 1)]
    for upper in ([pocock] * looks, [obrien_fleming / math.sqrt(fraction) for fraction in fractions]):
        below, above = crossing([-bound for bound in upper], upper, fractions)
        assert below.sum() + above.sum() == pytest.approx(0.05, abs=1e-4)
        assert below == pytest.approx(above, abs=1e-13)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.sampled_from(Spending), st.floats(0.001, 0.2))
@settings(max_examples=60)
def test_each_look_uses_its_share_of_the_error(steps: list[int], spending: Spending, alpha: float) -> None:
    fractions = tuple(float(each) for each in np.cumsum(steps) / sum(steps))
    above = crossing([-math.inf] * len(steps), list(bounds(fractions, alpha, spending)), fractions)[1]
    assert np.cumsum(above) == pytest.approx([spent(fraction, alpha, spending) for fraction in fractions], abs=1e-12)


@given(st.floats(0.001, 0.2), st.floats(1.01, 1.2), st.sampled_from(Spending))
@settings(max_examples=40)
def test_boundaries_are_nested_in_the_error(alpha: float, factor: float, spending: Spending) -> None:
    assert all(less < more for less, more in zip(levels(FIFTHS, alpha, spending), levels(FIFTHS, alpha * factor, spending), strict=True))


def test_single_look_is_an_ordinary_test() -> None:
    assert levels((1.0,), 0.05, Spending.OBRIEN_FLEMING) == pytest.approx((0.05,), abs=1e-15)
    assert sequential_p([0.0123], (1.0,), Spending.OBRIEN_FLEMING) == pytest.approx(0.0123, rel=1e-11)


@given(st.lists(st.floats(1e-7, 0.9), min_size=1, max_size=5), st.sampled_from(Spending))
@settings(max_examples=60)
def test_sequential_p_is_the_error_at_which_a_look_just_crosses(p_values: list[float], spending: Spending) -> None:
    p = sequential_p(p_values, FIFTHS, spending)
    assert P_LEAST <= p <= 1
    if p < 0.25:
        assert max(level / each for level, each in zip(levels(FIFTHS, p, spending), p_values, strict=False)) == pytest.approx(1, abs=1e-9)
    assert sequential_p([*p_values[:-1], p_values[-1] / 2], FIFTHS, spending) <= p * (1 + 1e-9)


def test_walks_that_were_thrown_cross_as_often_as_computed() -> None:
    rng = np.random.default_rng(7)
    walks = np.cumsum(rng.standard_normal((200_000, 5)) * math.sqrt(0.2), axis=1) / np.sqrt(FIFTHS)
    upper = bounds(FIFTHS, 0.05, Spending.POCOCK)
    first = np.where((walks > upper).any(axis=1), (walks > upper).argmax(axis=1), 5)
    assert np.bincount(first, minlength=6)[:5] / 200_000 == pytest.approx(crossing([-math.inf] * 5, upper, FIFTHS)[1], abs=0.0015)
