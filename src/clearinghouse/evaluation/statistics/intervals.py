"""How far off a mean may be: clustered standard errors, t and Wilson intervals, exact bounds, and how many items a question needs.

Values of one family hang together, so families and not answers are counted as evidence. Every function is deterministic.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtri, stdtr, stdtrit

Floats = NDArray[np.float64]

Factor = Literal["none", "clusters", "clusters_and_values"]
"""Small-sample factor on a clustered variance: `none` (Miller, arXiv 2411.00640, appendix A), `clusters` G/(G-1) (Inspect), or
`clusters_and_values` G/(G-1) * (N-1)/(N-1) for a mean, written G/(G-1) * (N-1)/(N-k) with k parameters (statsmodels, Stata). For a mean k is 1,
so that the last two are one number."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A range and the one-sided level of each of its ends."""

    lower: float
    upper: float


def clustered_error(values: Sequence[float] | Floats, clusters: Sequence[int] | NDArray[np.int64], *, factor: Factor = "clusters") -> float:
    """Standard error of the mean of values that hang together within clusters; 0 for a single cluster, as Inspect has it.

    Args:
        clusters: a number per value; equal numbers, one cluster.
    """
    data = np.asarray(values, np.float64)
    labels, place = np.unique(np.asarray(clusters), return_inverse=True)
    if len(labels) < 2:
        return 0.0
    sums = np.bincount(place, weights=data - data.mean(), minlength=len(labels))
    variance = float(np.sum(sums**2)) / len(data) ** 2
    if factor != "none":
        variance *= len(labels) / (len(labels) - 1)
    return math.sqrt(variance)


def t_interval(mean: float, error: float, clusters: int, *, level: float = 0.95) -> Interval:
    """mean +- t * error with clusters - 1 degrees of freedom, two-sided.

    Args:
        level: such as 0.95.
    """
    reach = float(-stdtrit(max(clusters - 1, 1), (1 - level) / 2)) * error
    return Interval(mean - reach, mean + reach)


def wilson(successes: float, n: float, *, level: float = 0.95) -> Interval:
    """Wilson's interval of a share, for answers that do not hang together."""
    return _wilson(successes / n, n, float(-ndtri((1 - level) / 2)))


def clustered_wilson(
    values: Sequence[float] | Floats, clusters: Sequence[int] | NDArray[np.int64], *, level: float = 0.95,
) -> Interval:
    """Wilson's interval with the effective sample size p(1-p)/v (Korn and Graubard, at most n) and Student's t, as Inspect's `ci_wilson(cluster=)`.

    Raises:
        ValueError: there are fewer than two clusters, or a value lies outside [0, 1].
    """
    data = np.asarray(values, np.float64)
    groups = len(np.unique(np.asarray(clusters)))
    if groups < 2 or not np.all((data >= 0) & (data <= 1)):
        raise ValueError("a clustered Wilson interval needs two clusters and values within [0, 1]")
    n, share = float(len(data)), float(data.mean())
    variance = clustered_error(data, clusters) ** 2
    if share * (1 - share) > 0 and variance > 0:
        n = min(share * (1 - share) / variance, n)
    return _wilson(share, n, float(-stdtrit(groups - 1, (1 - level) / 2)))


def _wilson(share: float, n: float, critical: float) -> Interval:
    square = critical * critical / n
    middle = (share + square / 2) / (1 + square)
    half = critical * math.sqrt(share * (1 - share) / n + square / (4 * n)) / (1 + square)
    return Interval(max(middle - half, 0.0), min(middle + half, 1.0))


def exact(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """Clopper and Pearson's bounds of a share: right for every n, wider than needed."""
    tail = (1 - level) / 2
    lower = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    upper = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - tail))
    return Interval(lower, upper)


def effective_families(means: Floats, inverse_items: float) -> Floats:
    """How many all-or-nothing families the means are worth, over the last axis: n / D, with D = their variance over m(1 - m), at most 1.

    D is never below what items independent within their family would give, nor below one failing (or one solved) family's worth: means that all
    came out alike would otherwise look certain.

    Args:
        means: ..., families; within [0, 1].
        inverse_items: mean over these families of 1 / (items of a family).
    """
    n = means.shape[-1]
    total = means.sum(axis=-1)
    share = np.clip(total / n, 0.5 / n, 1 - 0.5 / n)
    shrunk = (total + 1) / (n + 2)
    seen = means.var(axis=-1, ddof=1) / (share * (1 - share)) if n > 1 else np.ones_like(total)
    effect = np.maximum(np.maximum(seen, inverse_items), 1 / (n * shrunk * (1 - shrunk)))
    return np.asarray(n / np.minimum(effect, 1.0))


def score_p(means: Floats, threshold: float, inverse_items: float) -> Floats:
    """The chance of such means or higher ones if the mean of the families is the threshold, over the last axis.

    Wilson's reasoning on families: the spread is the one that the threshold would have, not the one of the means seen. The plain t errs there:
    where the threshold is 0.7 the spread shrinks as the mean rises, and 5 % become 7 (bench/statistics).
    """
    n = means.shape[-1]
    error = np.sqrt(threshold * (1 - threshold) / effective_families(means, inverse_items))
    return tail((means.mean(axis=-1) - threshold) / error, n)


def score_lower(means: Floats, inverse_items: float, level: float) -> float | None:
    """The greatest threshold that `score_p` rejects at a one-sided level: Wilson's lower bound; None where the level is 0."""
    n = means.shape[-1]
    if level <= 0:
        return None
    return _wilson(float(means.mean()), float(effective_families(means, inverse_items)), float(-stdtrit(max(n - 1, 1), level))).lower


def tail(t: float | Floats, families: int) -> Floats:
    """The chance of a t as high or higher, with families - 1 degrees of freedom."""
    return np.asarray(stdtr(max(families - 1, 1), -np.asarray(t)))


def questions_needed(
    difference: float, *, omega_squared: float, sigma_squared: tuple[float, float] = (0.0, 0.0), epochs: tuple[int, int] = (1, 1),
    alpha: float = 0.05, power: float = 0.8,
) -> float:
    """How many independent questions tell two models apart that differ by so much (two-sided, paired).

    Args:
        omega_squared: variance over questions of the difference of the models' true scores.
        sigma_squared: mean variance of each model's score on one question.
        epochs: how often each model answers each.
    Source: Miller, arXiv 2411.00640, section 5.
    """
    spread = omega_squared + sigma_squared[0] / epochs[0] + sigma_squared[1] / epochs[1]
    return float((-ndtri(alpha / 2) + ndtri(power)) ** 2 * spread / difference**2)


def detectable_difference(
    questions: float, *, omega_squared: float, sigma_squared: tuple[float, float] = (0.0, 0.0), epochs: tuple[int, int] = (1, 1),
    alpha: float = 0.05, power: float = 0.8,
) -> float:
    """The least difference that so many independent questions find with that power: `questions_needed` turned round."""
    spread = omega_squared + sigma_squared[0] / epochs[0] + sigma_squared[1] / epochs[1]
    return float((-ndtri(alpha / 2) + ndtri(power)) * math.sqrt(spread / questions))
