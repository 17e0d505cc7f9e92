"""Up to which length of task, measured in minutes that people take, half (or four fifths) is solved; never beyond what was run.

A logistic curve over the logarithm of human minutes, errors clustered by family. It depends on the choice of tasks more than on the model, so it
describes and never decides; outside the range of the items there is no number at all.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, stdtrit

from clearinghouse.evaluation.statistics.grid import Frame
from clearinghouse.evaluation.statistics.plan import PlannedDomain
from clearinghouse.evaluation.statistics.records import View

Floats = NDArray[np.float64]

ITEMS_MIN, FAMILIES_MIN, LENGTHS_MIN = 10, 5, 3


@dataclass(frozen=True, slots=True)
class Reach:
    """The length at which a share of the tasks is solved."""

    share: float
    minutes: float | None
    """None outside the lengths that were run."""
    lower: float | None
    upper: float | None
    why: str = ""
    """Where a number is missing."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """A fit, or why there is none."""

    items: int
    families: int
    shortest: float | None
    longest: float | None
    intercept: float | None
    """Logit at one minute."""
    slope: float | None
    """Logits per doubling; below 0."""
    slope_error: float | None
    reaches: tuple[Reach, ...]
    refused: str = ""


def fit(domain: PlannedDomain, frame: Frame, view: View, families: int, minutes: Mapping[str, float], *, level: float = 0.95) -> Horizon:
    """The horizon over the first so many families, with what is unresolved set to 0: a lower bound, as every low score is.

    Args:
        minutes: by blinded item, where somebody measured them; items without are left out.
    """
    timed = [
        (place, math.log2(minutes[item]), int(frame.family[place]))
        for place, item in enumerate(item for family in domain.families for item in family.items)
        if minutes.get(item, 0) > 0 and frame.family[place] < families
    ]
    groups = len({family for _, _, family in timed})
    lengths = [length for _, length, _ in timed]
    shortest, longest = (2 ** min(lengths), 2 ** max(lengths)) if lengths else (None, None)

    def refuse(why: str, intercept: float | None = None, slope: float | None = None, error: float | None = None) -> Horizon:
        return Horizon(len(timed), groups, shortest, longest, intercept, slope, error, (), why)

    if len(timed) < ITEMS_MIN or groups < FAMILIES_MIN or len(set(lengths)) < LENGTHS_MIN:
        return refuse(f"{len(timed)} items of {groups} families and {len(set(lengths))} lengths are timed; "
                      f"it takes {ITEMS_MIN}, {FAMILIES_MIN} and {LENGTHS_MIN}")
    design = np.column_stack([np.ones(len(timed)), lengths])
    solved = frame.low[view][[place for place, _, _ in timed]].mean(axis=1)
    found = _logistic(design, solved) if _overlap(design[:, 1], solved) else None
    if found is None:
        return refuse("the outcomes are parted by length without overlap, or all alike: no curve fits")
    theta, information = found
    scores = design * (solved - expit(design @ theta))[:, None]
    _, group = np.unique([family for _, _, family in timed], return_inverse=True)
    sums = np.column_stack([np.bincount(group, weights=scores[:, column]) for column in (0, 1)])
    bread = np.linalg.inv(information)
    covariance = bread @ (sums.T @ sums) @ bread * groups / (groups - 1)
    error = math.sqrt(float(covariance[1, 1]))
    if theta[1] >= 0:
        return refuse("longer tasks are not solved less often here: a horizon has no meaning", float(theta[0]), float(theta[1]), error)
    critical = float(-stdtrit(groups - 1, (1 - level) / 2))
    reaches = tuple(_reach(theta, covariance, share, critical, min(lengths), max(lengths)) for share in (0.5, 0.8))
    return Horizon(len(timed), groups, shortest, longest, float(theta[0]), float(theta[1]), error, reaches)


def _reach(theta: Floats, covariance: Floats, share: float, critical: float, low: float, high: float) -> Reach:
    wanted = math.log(share / (1 - share))
    at = (wanted - float(theta[0])) / float(theta[1])
    if not low <= at <= high:
        side = "longer" if at > high else "shorter"
        return Reach(share, None, None, None, f"it lies at {side} tasks than were run, and is not extrapolated")
    gradient = np.array([-1 / theta[1], -at / theta[1]])
    spread = critical * math.sqrt(float(gradient @ covariance @ gradient))
    ends = [2 ** end if low <= end <= high else None for end in (at - spread, at + spread)]
    return Reach(share, 2 ** at, ends[0], ends[1], "" if None not in ends else "an end of the interval lies outside the lengths that were run")


def _overlap(lengths: Floats, solved: Floats) -> bool:
    """Whether solved and unsolved answers lie among one another: else the likelihood has no greatest point."""
    won, lost = lengths[solved > 0], lengths[solved < 1]
    return bool(len(won) and len(lost) and won.max() > lost.min() and lost.max() > won.min())


def _logistic(design: Floats, solved: Floats) -> tuple[Floats, Floats] | None:
    """Coefficients and information of a logistic regression on shares; None where it does not settle."""
    theta = np.zeros(2)
    for _ in range(60):
        chance = expit(design @ theta)
        information = (design * (chance * (1 - chance))[:, None]).T @ design
        step = np.linalg.solve(information, design.T @ (solved - chance))
        # Half a step at most of two logits: Newton from nought overshoots where outcomes are lopsided.
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        theta = theta + step
        if np.abs(step).max() < 1e-13:
            return theta, information
    return None
