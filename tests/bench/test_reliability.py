"""The calibration that ships: it rises, stays a probability, and its error is judged on sources it did not see."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.deconfliction.reliability import Predictions, calibration, error, measure


def predictions(seed: int, pairs: int, groups: int, power: float) -> Predictions:
    """Pairs that are the same with probability `raw ** power`."""
    generator = np.random.default_rng(seed)
    raw = generator.random(pairs)
    return Predictions(raw, (generator.random(pairs) < raw**power).astype(np.int8), generator.integers(0, groups, pairs))


@given(st.integers(0, 999), st.integers(1, 400), st.floats(0.2, 5.0))
def test_calibration_rises_and_stays_within_its_bounds(seed: int, pairs: int, power: float) -> None:
    one = predictions(seed, pairs, 1, power)
    raw, worth = calibration(one.raw, one.same)
    assert raw == sorted(raw)
    assert worth == sorted(worth)
    assert (raw[0], worth[0], raw[-1]) == (0.0, 0.0, 1.0)
    assert worth[-1] <= 0.999


def test_error_of_what_is_so_is_small_and_of_what_is_not_is_large() -> None:
    said = np.repeat([0.05, 0.35, 0.95], 1000)
    so = np.concatenate([np.arange(1000) < 1000 * part for part in (0.05, 0.35, 0.95)]).astype(np.int8)
    assert error(said, so)["ece"] < 1e-9
    assert abs(error(said, 1 - so)["ece"] - (0.9 + 0.3 + 0.9) / 3) < 1e-9


def test_every_source_is_judged_by_a_calibration_of_the_others() -> None:
    """One source lies: its own calibration would forgive it, that of the others does not."""
    honest = predictions(1, 4000, 3, 1.0)
    liar = predictions(2, 2000, 1, 1.0)
    both = Predictions(
        np.concatenate((honest.raw, liar.raw)), np.concatenate((honest.same, 1 - liar.same)), np.concatenate((honest.groups, np.full(2000, 9)))
    )
    assert measure({"x": honest})["x"]["ece"] < 0.05
    assert measure({"x": both})["x"]["ece"] > 0.15
