"""The correction that decisions make: bounded, absent without evidence, and judged on what it was not fitted on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.disclosure.deconfliction.context import ALL_FEATURES
from clearinghouse.disclosure.deconfliction.correction import Correction, DecidedPairs, fit_correction

POLICY = parse_policy(1, default_policy_document()).learning


def odds(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.log(values / (1 - values)))


def decided(count: int, seed: int, *, shift: float = 0.0, feature: float = 0.0) -> DecidedPairs:
    """Pairs whose true log-odds are the model's, plus a shift, plus a weight on one feature."""
    generator = np.random.default_rng(seed)
    rows = generator.random((count, len(ALL_FEATURES))).astype(np.float32)
    raw = generator.uniform(0.02, 0.98, count)
    truth = odds(raw) + shift + feature * (rows[:, list(ALL_FEATURES).index("cosine")] - 0.5)
    same = generator.random(count) < 1 / (1 + np.exp(-truth))
    return DecidedPairs(rows, raw, same, np.arange(count, dtype=np.int64) // 2)


def test_few_decisions_change_nothing() -> None:
    pairs = decided(POLICY.decided_min - 1, 1, shift=3.0)
    found = fit_correction("sha256:aa", pairs, POLICY)
    assert (found.in_force, found.pairs) == (False, POLICY.decided_min - 1)
    assert found.apply(pairs.raw, pairs.rows).tolist() == pairs.raw.tolist()


def test_decisions_of_one_kind_change_nothing() -> None:
    pairs = decided(200, 2)
    assert not fit_correction("sha256:aa", DecidedPairs(pairs.rows, pairs.raw, np.ones(200, bool), pairs.groups), POLICY).in_force


def test_a_model_that_is_right_is_left_alone() -> None:
    assert not fit_correction("sha256:aa", decided(400, 3), POLICY).in_force


@pytest.mark.parametrize(("shift", "feature"), [(-2.0, 0.0), (1.5, 0.0), (0.0, 6.0)])
def test_a_habit_of_the_instance_is_learned(shift: float, feature: float) -> None:
    found, fresh = fit_correction("sha256:aa", decided(600, 4, shift=shift, feature=feature), POLICY), decided(2000, 5, shift=shift, feature=feature)
    assert found.in_force
    assert found.loss_after < found.loss_before

    def loss(probability: NDArray[np.float64]) -> float:
        return float(-np.log(np.where(fresh.same, probability, 1 - probability)).mean())

    assert loss(found.apply(fresh.raw, fresh.rows)) < loss(fresh.raw) - 0.02


def test_the_order_of_decisions_does_not_matter() -> None:
    pairs, order = decided(300, 6, shift=-2.0), np.random.default_rng(0).permutation(300)
    one = fit_correction("sha256:aa", pairs, POLICY)
    other = fit_correction("sha256:aa", DecidedPairs(pairs.rows[order], pairs.raw[order], pairs.same[order], pairs.groups[order]), POLICY)
    np.testing.assert_allclose(other.weights, one.weights, atol=1e-6)


@settings(max_examples=50)
@given(st.lists(st.floats(-50, 50), min_size=19, max_size=19), st.integers(0, 99))
def test_no_correction_moves_further_than_its_bound(weights: list[float], seed: int) -> None:
    pairs = decided(40, seed)
    correction = Correction("sha256:aa", np.array(weights), np.full(17, 0.5), np.full(17, 0.3), POLICY.shift_max, 40, 1.0, 0.5, 0, 0)
    moved = odds(correction.apply(pairs.raw, pairs.rows)) - odds(pairs.raw)
    assert np.abs(moved).max() <= POLICY.shift_max + 1e-6
