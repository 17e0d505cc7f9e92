"""Evidence that stays valid however often and whenever somebody looks: a bet against "the mean is at most tau", family by family.

Before each family a share of the wealth is staked, by what the families before it showed. If the mean is at most tau the wealth does not
grow on average, and by Ville's inequality it ever reaches 1/alpha with a chance of at most alpha (Waudby-Smith and Ramdas 2024).
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MOST = 0.75
"""Of what could be lost at worst, staked at most: one family never ruins the wealth."""
_PRIOR_VARIANCE = 0.1
"""Of family means, before any was seen; any value is valid, this one bets early enough to matter with 40 families."""
_STEPS = 1000


def log_wealth(means: Floats, threshold: float | Floats) -> Floats:
    """The logarithm of the wealth after each family, over the last axis, when betting that the mean lies above a threshold.

    Args:
        means: ..., families; within [0, 1], in the order of the plan.
        threshold: a number, or an array that broadcasts with the leading axes of `means`.
    """
    tau = np.asarray(threshold, np.float64)
    shape = np.broadcast_shapes(means.shape[:-1], tau.shape)
    wealth = np.zeros(shape)
    path = np.empty((*shape, means.shape[-1]))
    total, square = np.zeros(means.shape[:-1]), np.zeros(means.shape[:-1])
    for place in range(means.shape[-1]):
        # The stake knows only what came before: the prior counts as one family at the threshold.
        centre = (tau + total) / (place + 1)
        spread = (_PRIOR_VARIANCE + square) / (place + 1)
        gain = centre - tau
        # A mean at the threshold is bet on a little: nothing staked wins nothing.
        gain = np.where(place == 0, 0.05, gain)
        stake = np.clip(gain / (spread + gain * gain), 0.0, _MOST / tau)
        value = means[..., place]
        wealth = wealth + np.log1p(stake * (value - tau))
        path[..., place] = wealth
        total = total + value
        # Around the mean so far, the value itself included (Welford would do as well; this needs no memory of the order).
        square = square + (value - (0.5 + total) / (place + 2)) ** 2
    return path


def p_value(means: Floats, threshold: float) -> float:
    """1 / the greatest wealth ever held, at most 1: valid at any moment."""
    path = log_wealth(means, threshold)
    return float(min(1.0, math.exp(-float(path.max())))) if means.shape[-1] else 1.0


def lower_bound(means: Floats, alpha: float) -> float:
    """The greatest threshold below which every threshold (in steps of 0.001) was bet away: a lower confidence sequence at this moment."""
    if not means.shape[-1]:
        return 0.0
    grid = np.arange(1, _STEPS) / _STEPS
    gone = log_wealth(np.broadcast_to(means, (len(grid), means.shape[-1])), grid).max(axis=-1) >= -math.log(alpha)
    kept = int(np.argmin(gone)) if not gone.all() else len(grid)
    return kept / _STEPS


def upper_bound(means: Floats, alpha: float) -> float:
    """The same from above: the bet is turned round."""
    return 1.0 - lower_bound(1.0 - means, alpha)
