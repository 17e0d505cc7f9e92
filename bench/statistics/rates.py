"""How often rules are wrong where the truth is known: families that hang together, looks on the way, cells lost because of what they held."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, stdtr

from clearinghouse.evaluation.statistics import e_process
from clearinghouse.evaluation.statistics.intervals import score_p
from clearinghouse.evaluation.statistics.plan import Spending
from clearinghouse.evaluation.statistics.power import location
from clearinghouse.evaluation.statistics.sequential import levels

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ALPHA = 0.05
FAMILIES, ITEMS, EPOCHS = 40, 5, 3
LOOKS = (8, 16, 24, 32, 40)
FAMILY_SD, ITEM_SD = 1.5, 1.0
LOST = 0.2
"""Of all cells, in the runs with cells missing: failures alone are lost (they time out, or the window ends on the hard ones)."""
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Rate:
    """Share of runs in which a rule showed the threshold exceeded."""

    rule: str
    ours: bool
    threshold: float
    mean: float
    lost: float
    shown: float
    runs: int

    @property
    def error(self) -> float:
        """Monte Carlo, of a rate that is `ALPHA`."""
        return math.sqrt(ALPHA * (1 - ALPHA) / self.runs)


def draw(rng: np.random.Generator, runs: int, mean: float, lost: float) -> tuple[Floats, Floats]:
    """Cells (runs x families x items x epochs) and, as the second, which of them are left; those lost are failures."""
    at = location(mean, math.hypot(FAMILY_SD, ITEM_SD))
    ability = (at + FAMILY_SD * rng.standard_normal((runs, FAMILIES, 1, 1)) + ITEM_SD * rng.standard_normal((runs, FAMILIES, ITEMS, 1)))
    cells = (rng.random((runs, FAMILIES, ITEMS, EPOCHS)) < expit(ability)).astype(np.float64)
    gone = (cells == 0) & (rng.random(cells.shape) < lost / (1 - mean)) if lost else np.zeros(cells.shape, bool)
    return cells, (~gone).astype(np.float64)


def _scored(cells: Floats, left: Floats, families: int) -> tuple[Floats, Floats]:
    """Mean over the cells that were scored, and how many they are: the denominator of an engine that forgets errors."""
    n = left[:, :families].sum(axis=(1, 2, 3))
    return (cells * left)[:, :families].sum(axis=(1, 2, 3)) / n, n


def each_run_for_itself(cells: Floats, left: Floats, threshold: float, looks: tuple[int, ...]) -> Bools:
    """Every answer counts as independent evidence; lost ones are left out."""
    shown = np.zeros(len(cells), bool)
    for families in looks:
        mean, n = _scored(cells, left, families)
        error = np.sqrt(np.maximum(mean * (1 - mean), 1e-9) / n)
        shown |= (mean - threshold) / error > 1.6449
    return shown


def clustered_t(cells: Floats, left: Floats, threshold: float, looks: tuple[int, ...]) -> Bools:
    """Errors clustered by family and Student's t, as engines offer it; lost answers are left out, every look at the full 5 %."""
    shown = np.zeros(len(cells), bool)
    for families in looks:
        mean, n = _scored(cells, left, families)
        sums = (((cells - mean[:, None, None, None]) * left)[:, :families]).sum(axis=(2, 3))
        error = np.sqrt((sums**2).sum(axis=1) * families / (families - 1)) / n
        shown |= stdtr(families - 1, -(mean - threshold) / np.maximum(error, 1e-9)) < ALPHA
    return shown


def by_plan(cells: Floats, left: Floats, threshold: float, looks: tuple[int, ...]) -> Bools:
    """The default rule: family means over the planned grid with what was lost set to 0, each look with its share of the error."""
    means = (cells * left).mean(axis=(2, 3))
    shown = np.zeros(len(cells), bool)
    for families, level in zip(looks, levels(tuple(look / FAMILIES for look in looks), ALPHA, Spending.OBRIEN_FLEMING), strict=True):
        shown |= score_p(means[:, :families], threshold, 1 / ITEMS) < level
    return shown


def by_bets(cells: Floats, left: Floats, threshold: float, looks: tuple[int, ...]) -> Bools:
    """The e-process, watched after every family."""
    del looks
    means = (cells * left).mean(axis=(2, 3))
    return np.asarray(e_process.log_wealth(means, threshold).max(axis=1) >= -math.log(ALPHA))


Rule = Callable[[Floats, Floats, float, tuple[int, ...]], Bools]
RULES: tuple[tuple[str, bool, Rule, tuple[int, ...]], ...] = (
    ("every run for itself, five looks", False, each_run_for_itself, LOOKS),
    ("every run for itself, one look", False, each_run_for_itself, (FAMILIES,)),
    ("clustered by family, five looks", False, clustered_t, LOOKS),
    ("clustered by family, one look", False, clustered_t, (FAMILIES,)),
    ("the default: planned looks on family means", True, by_plan, LOOKS),
    ("e-process on family means, any look", True, by_bets, LOOKS),
)


def rates(threshold: float, mean: float, lost: float, *, runs: int, seed: int = 20261122) -> list[Rate]:
    """Every rule on the same made-up runs."""
    rng = np.random.default_rng([seed, round(threshold * 1000), round(mean * 1000), round(lost * 1000)])
    shown = dict.fromkeys((name for name, *_ in RULES), 0)
    for begin in range(0, runs, _AT_ONCE):
        cells, left = draw(rng, min(_AT_ONCE, runs - begin), mean, lost)
        for name, _, rule, looks in RULES:
            shown[name] += int(rule(cells, left, threshold, looks).sum())
    return [Rate(name, ours, threshold, mean, lost, shown[name] / runs, runs) for name, ours, _, _ in RULES]
