"""Boundaries for planned looks at growing data: how much of the error each look may use (Lan and DeMets 1983).

The sum of what has been seen walks in independent steps, so its density before each look follows from the one before by one integral
(Armitage, McPherson and Rowe 1969). It is computed by Gauss and Legendre's rule, exact to about 1e-12 for the looks of a plan.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from clearinghouse.evaluation.statistics.plan import Spending

Floats = NDArray[np.float64]

_NODES = 192
_DEEP = 9.0
"""Standard deviations below nought at which a walk is as good as impossible."""
P_MOST = 0.25
"""Sequential p-values above it are told as 1: O'Brien-Fleming boundaries are nested below 0.318 only, and no plan asks for so much."""
P_LEAST = 1e-10
"""Smaller ones are told as this."""


def spent(fraction: float, alpha: float, spending: Spending) -> float:
    """How much of a one-sided error may be used when that share of the information is in."""
    if spending is Spending.POCOCK:
        return alpha * math.log1p((math.e - 1) * min(fraction, 1.0))
    return float(2 * ndtr(ndtri(alpha / 2) / math.sqrt(min(fraction, 1.0))))


def crossing(lower: Sequence[float], upper: Sequence[float], fractions: Sequence[float], drift: float = 0.0) -> tuple[Floats, Floats]:
    """The chance, per look, of first leaving below and above boundaries on the scale of Z.

    Args:
        lower: -inf where a look has none.
        drift: the mean of Z when all information is in.
    """
    below, above = np.zeros(len(fractions)), np.zeros(len(fractions))
    nodes = weights = density = np.zeros(0)
    before = 0.0
    for look, now in enumerate(fractions):
        root, step = math.sqrt(now), math.sqrt(now - before)
        low, high = max(lower[look] * root, drift * now - _DEEP * root), min(upper[look] * root, drift * now + _DEEP * root)
        ends = (lower[look] * root, upper[look] * root)
        if look == 0:
            below[0], above[0] = ndtr(ends[0] / root - drift * root), ndtr(drift * root - ends[1] / root)
        else:
            moved = nodes + drift * (now - before)
            below[look] = float(weights @ (density * ndtr((ends[0] - moved) / step)))
            above[look] = float(weights @ (density * ndtr((moved - ends[1]) / step)))
        fresh, weights_now = _nodes(low, high)
        if look == 0:
            density = _normal((fresh - drift * now) / root) / root
        else:
            moved = nodes + drift * (now - before)
            density = _normal((fresh[:, None] - moved[None, :]) / step) @ (weights * density) / step
        nodes, weights, before = fresh, weights_now, now
    return below, above


@lru_cache(maxsize=4096)
def levels(fractions: tuple[float, ...], alpha: float, spending: Spending) -> tuple[float, ...]:
    """The one-sided nominal level of each look: crossing it at any has the chance `alpha` where the truth lies on the threshold.

    Args:
        fractions: of the information at each look, rising, at most 1.
    """
    found: list[float] = []
    nodes = weights = density = np.zeros(0)
    before, used = 0.0, 0.0
    for now in fractions:
        allowed = spent(now, alpha, spending)
        share, used = allowed - used, allowed
        step = math.sqrt(now - before)
        if share < 1e-290:
            found.append(0.0)
            bound = math.inf
        else:
            bound = float(-ndtri(share)) * math.sqrt(now) if not found else _bound(nodes, weights * density, step, share, now)
            found.append(float(ndtr(-bound / math.sqrt(now))))
        fresh, weights_now = _nodes(-_DEEP * math.sqrt(now), min(bound, _DEEP * math.sqrt(now)))
        density = (_normal(fresh / step) if not len(nodes) else _normal((fresh[:, None] - nodes[None, :]) / step) @ (weights * density)) / step
        nodes, weights, before = fresh, weights_now, now
    return tuple(found)


def bounds(fractions: Sequence[float], alpha: float, spending: Spending) -> tuple[float, ...]:
    """The same boundaries on the scale of Z, as tables print them."""
    return tuple(math.inf if level == 0 else float(-ndtri(level)) for level in levels(tuple(fractions), alpha, spending))


def sequential_p(p_values: Sequence[float], fractions: tuple[float, ...], spending: Spending) -> float:
    """The least error for which some look so far would have crossed (Liu and Anderson 2008): a p-value that repeated looks do not spoil.

    Args:
        p_values: nominal, of the looks made; as many as there are, from the first.
        fractions: of all planned looks.
    """
    seen = fractions[: len(p_values)]

    def excess(log_alpha: float) -> float:
        return max(
            -math.inf if level == 0 else math.log(level) - math.log(max(p, 1e-300))
            for level, p in zip(levels(seen, math.exp(log_alpha), spending), p_values, strict=True)
        )

    low, high = math.log(P_LEAST), math.log(P_MOST)
    if excess(high) < 0:
        return 1.0
    if excess(low) >= 0:
        return P_LEAST
    # Illinois' variant of the false position: the function is smooth but for kinks where another look takes over.
    from_low, from_high = excess(low), excess(high)
    if math.isinf(from_low):
        from_low = -100.0
    side = 0
    for _ in range(200):
        middle = (low * from_high - high * from_low) / (from_high - from_low)
        value = excess(middle)
        if math.isinf(value):
            value = -100.0
        if abs(value) < 1e-13 or high - low < 1e-13:
            return math.exp(middle)
        if value > 0:
            high, from_high = middle, value
            from_low, side = (from_low / 2, 1) if side == 1 else (from_low, 1)
        else:
            low, from_low = middle, value
            from_high, side = (from_high / 2, -1) if side == -1 else (from_high, -1)
    return math.exp((low + high) / 2)


def _bound(nodes: Floats, mass: Floats, step: float, share: float, now: float) -> float:
    """Where the walk's sum exceeds with the chance `share`: Newton's method on the log of a falling function, kept within a bracket."""
    low, high = -_DEEP * math.sqrt(now), 40.0 * math.sqrt(now)
    at = float(-ndtri(share)) * math.sqrt(now)
    for _ in range(100):
        z = (nodes - at) / step
        value = float(mass @ ndtr(z))
        if value > share:
            low = at
        else:
            high = at
        slope = float(mass @ _normal(z)) / step
        following = at + (math.log(value) - math.log(share)) * value / slope if value > 0 and slope > 0 else math.nan
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - at) < 1e-14 * max(1.0, abs(at)):
            return following
        at = following
    return at


def _nodes(low: float, high: float) -> tuple[Floats, Floats]:
    points, weights = _legendre()
    half = (high - low) / 2
    return low + half * (points + 1), half * weights


@lru_cache(maxsize=1)
def _legendre() -> tuple[Floats, Floats]:
    points, weights = np.polynomial.legendre.leggauss(_NODES)
    return np.asarray(points), np.asarray(weights)


def _normal(z: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi))
