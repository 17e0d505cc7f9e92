"""Does a plan keep what it claims: its rule played on made-up models, many times, before anything is run.

Outcomes are drawn from a model with families and items that differ on the logit, as `Design` says; the rule is the one that decides later.
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from clearinghouse.core.errors import Invalid
from clearinghouse.core.review_policy import AnalysisPolicy
from clearinghouse.evaluation.statistics import e_process
from clearinghouse.evaluation.statistics.decision import planned_looks
from clearinghouse.evaluation.statistics.intervals import score_p
from clearinghouse.evaluation.statistics.plan import Design, Plan, PlannedDomain, Rule, Split, draw_order
from clearinghouse.evaluation.statistics.sequential import levels

Floats = NDArray[np.float64]

_AT_ONCE = 1_500_000
"""Items drawn at once: bounds the memory."""


@dataclass(frozen=True, slots=True)
class Operating:
    """How often a rule says what, where the truth is known."""

    mean: float
    """The truth: mean over families."""
    shown_above: float
    """Share of the runs."""
    shown_below: float
    families: float
    """Run on average before something was shown, or all."""
    simulations: int

    @property
    def monte_carlo_error(self) -> float:
        """Of `shown_above`; of a share so near 0 or 1 that none varied, as of one run in all."""
        share = min(max(self.shown_above, 1 / self.simulations), 1 - 1 / self.simulations)
        return math.sqrt(share * (1 - share) / self.simulations)


def location(mean: float, sd: float) -> float:
    """Where a normal on the logit with that deviation has to stand so that the mean of its shares is `mean`."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    weights = weights / weights.sum()
    return float(brentq(lambda at: float(weights @ expit(at + sd * nodes)) - mean, -40, 40, xtol=1e-12))


def draw_families(
    rng: np.random.Generator, runs: int, items: NDArray[np.int64], epochs: int, mean: float, design: Design,
) -> tuple[Floats, Floats]:
    """Least and greatest family means (runs x families) of models whose true mean is `mean`; what is missing is missing at random."""
    at = location(mean, math.hypot(design.family_sd, design.item_sd))
    low, high = np.empty((runs, len(items))), np.empty((runs, len(items)))
    for count in np.unique(items):
        mine = np.flatnonzero(items == count)
        ability = at + design.family_sd * rng.standard_normal((runs, len(mine), 1)) + design.item_sd * rng.standard_normal((runs, len(mine), count))
        missing = rng.binomial(epochs, design.missing_share, ability.shape) if design.missing_share else 0
        solved = rng.binomial(epochs - missing, expit(ability))
        low[:, mine] = solved.mean(axis=-1) / epochs
        high[:, mine] = (solved + missing).mean(axis=-1) / epochs
    return low, high


def play(plan: Plan, domain: PlannedDomain, low: Floats, high: Floats, alpha: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Floats]:
    """The plan's rule on many runs at once: shown above, shown below (each at the first look that crosses), families run until then."""
    counts = planned_looks(plan, domain)
    total = len(domain.families)
    inverse = 1 / np.array([len(family.items) for family in domain.families], np.float64)
    fractions = tuple(count / total for count in counts)
    above, below = np.zeros(len(low), bool), np.zeros(len(low), bool)
    families = np.full(len(low), float(total))
    if plan.rule is Rule.E_PROCESS:
        up = np.maximum.accumulate(e_process.log_wealth(low, domain.threshold), axis=1) >= -math.log(alpha)
        down = np.maximum.accumulate(e_process.log_wealth(1 - high, 1 - domain.threshold), axis=1) >= -math.log(plan.beta)
        crossings = [(count, up[:, count - 1], down[:, count - 1]) for count in range(1, total + 1)]
    else:
        crossings = []
        for count, one, other in zip(counts, levels(fractions, alpha, plan.spending), levels(fractions, plan.beta, plan.spending), strict=True):
            spread = float(inverse[:count].mean())
            up_now = score_p(low[:, :count], domain.threshold, spread) < one
            crossings.append((count, up_now, score_p(1 - high[:, :count], 1 - domain.threshold, spread) < other))
    open_ = np.ones(len(low), bool)
    for count, up_now, down_now in crossings:
        above |= open_ & up_now
        below |= open_ & down_now & ~up_now
        families[open_ & (up_now | down_now)] = count
        open_ &= ~(up_now | down_now)
    return above, below, families


def operating(plan: Plan, domain: PlannedDomain, mean: float, *, simulations: int, alpha: float | None = None) -> Operating:
    """How the rule does on one domain where the truth is `mean`; the same numbers for the same plan.

    Args:
        alpha: what the domain may use; by default its first share, which is what it is sure to have.
    """
    items = np.array([len(family.items) for family in domain.families], np.int64)
    chunk = max(1, min(simulations, _AT_ONCE // int(items.sum())))
    seed = int.from_bytes(hashlib.sha256(f"{plan.seed}|{domain.name}|{mean!r}".encode()).digest()[:8], "big")
    rng = np.random.default_rng(seed)
    share = alpha if alpha is not None else first_share(plan)
    up = down = families = 0.0
    for begin in range(0, simulations, chunk):
        low, high = draw_families(rng, min(chunk, simulations - begin), items, plan.epochs, mean, plan.design)
        above, below, until = play(plan, domain, low, high, share)
        up, down, families = up + float(above.sum()), down + float(below.sum()), families + float(until.sum())
    return Operating(mean, up / simulations, down / simulations, families / simulations, simulations)


def first_share(plan: Plan) -> float:
    """The error that every domain of a plan is sure to be tested with at least (Holm), or with if those before it are shown (hierarchy)."""
    return plan.alpha / len(plan.domains) if plan.split is Split.HOLM else plan.alpha


def check_plan(plan: Plan, policy: AnalysisPolicy) -> dict[str, Operating]:
    """What simulation finds of a plan's power, domain by domain.

    Raises:
        Invalid: the plan promises less than policy asks for, its looks or its order are not as they must be, or the power it claims is not found;
            the message says what was found.
    """
    if plan.alpha > policy.alpha_max:
        raise Invalid(f"the plan may err with {plan.alpha:g}; policy allows {policy.alpha_max:g}")
    if plan.power < policy.power_share_min:
        raise Invalid(f"the plan claims a power of {plan.power:g}; policy asks for {policy.power_share_min:g}")
    if plan.epochs > policy.epochs_max:
        raise Invalid(f"the plan runs {plan.epochs} epochs; policy allows {policy.epochs_max}")
    for domain in plan.domains:
        _check_domain(plan, domain, policy)
    return {domain.name: _check_power(plan, domain, policy) for domain in plan.domains}


def _check_domain(plan: Plan, domain: PlannedDomain, policy: AnalysisPolicy) -> None:
    families = len(domain.families)
    if families < policy.families_min:
        raise Invalid(f"{domain.name} has {families} families; a determination needs at least {policy.families_min}")
    if any(later <= earlier for earlier, later in zip(domain.looks, domain.looks[1:], strict=False)) or domain.looks[-1] != families:
        raise Invalid(f"the looks of {domain.name} are {list(domain.looks)}; they must rise and end with all {families} families")
    if len(domain.looks) > policy.looks_max or domain.looks[0] < 2:
        raise Invalid(f"{domain.name} is looked at {len(domain.looks)} times from {domain.looks[0]} families on; "
                      f"policy allows {policy.looks_max} looks, and none of fewer than 2 families")
    if domain.alternative <= domain.threshold:
        raise Invalid(f"the alternative of {domain.name} is {domain.alternative:g}; it must lie above the threshold {domain.threshold:g}")
    if domain.families != draw_order(domain.families, plan.seed, domain.name):
        raise Invalid(f"the families of {domain.name} do not stand in the order that the seed draws")


def _check_power(plan: Plan, domain: PlannedDomain, policy: AnalysisPolicy) -> Operating:
    wrongly = operating(plan, domain, domain.threshold, simulations=policy.simulations)
    share = first_share(plan)
    if wrongly.shown_above > share + 3 * math.sqrt(share * (1 - share) / policy.simulations):
        raise Invalid(f"on {domain.name} the rule shows a model above {domain.threshold:g} that is exactly there in {wrongly.shown_above:.1%} of "
                      f"{policy.simulations} simulations; {share:.2%} are allowed: take more families, or a threshold farther from 0 and 1")
    rightly = operating(plan, domain, domain.alternative, simulations=policy.simulations)
    if rightly.shown_above + 2 * rightly.monte_carlo_error < plan.power:
        raise Invalid(f"on {domain.name} the plan claims a power of {plan.power:.0%} at {domain.alternative:g}; {policy.simulations} simulations find "
                      f"{rightly.shown_above:.1%} with {len(domain.families)} families: take more families, or claim less")
    return rightly
