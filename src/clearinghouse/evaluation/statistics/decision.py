"""From family means to one of three outcomes, by the rule that the plan fixed.

Shown above: with every unresolved cell set to 0 the lower bound still lies above the threshold. Not shown above: with every unresolved cell set
to 1 the upper bound still lies below it, and enough was tried, and the items answer to their controls. Otherwise undetermined, with reasons.
None of it is a determination: that is an act of people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clearinghouse.evaluation.statistics import e_process
from clearinghouse.evaluation.statistics.grid import Frame
from clearinghouse.evaluation.statistics.intervals import effective_families, score_lower, score_p
from clearinghouse.evaluation.statistics.plan import Overshoot, Plan, PlannedDomain, Rule, Split
from clearinghouse.evaluation.statistics.records import Controls, Effort, Finding, Outcome, View
from clearinghouse.evaluation.statistics.sequential import levels, sequential_p

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LookResult:
    """What one look shows."""

    look: int
    """From 1."""
    families: int
    fraction: float
    level_above: float
    """Error this look may use for showing the threshold exceeded."""
    mean_low: float
    """Unresolved set to 0."""
    effective_low: float
    """All-or-nothing families that those seen are worth."""
    p_above: float
    lower: float | None
    """None: this look may use so little that no bound exists."""
    level_below: float
    mean_high: float
    """Unresolved set to 1."""
    effective_high: float
    p_below: float
    upper: float | None
    above: bool
    below: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """One domain in one view."""

    view: View
    looks: tuple[LookResult, ...]
    """Those made, to the first at which something crossed."""
    families: int
    """At the look that the numbers below are of."""
    p: float
    """Valid over all looks: of showing the threshold exceeded."""
    level: float
    """What the split of the error leaves for this domain: `p` is held against it."""
    mean_low: float
    mean_high: float
    lower: float | None
    upper: float | None
    outcome: Outcome
    reasons: tuple[str, ...]


def read_domains(
    plan: Plan, frames: Sequence[Frame], effort: Effort, controls: Mapping[str, Controls], findings: Sequence[Finding],
) -> dict[str, dict[View, Reading]]:
    """Every domain in both views; the other view is read at the looks that the deciding one made."""
    order = (plan.decides, *(view for view in View if view is not plan.decides))
    made: dict[str, int] = {}
    readings: dict[str, dict[View, Reading]] = {frame.domain: {} for frame in frames}
    for view in order:
        first = plan.alpha / len(frames) if plan.split is Split.HOLM else plan.alpha
        walks = {frame.domain: walk(plan, frame, view, first, made.get(frame.domain)) for frame in frames}
        made |= {domain: len(looks) for domain, looks in walks.items() if domain not in made}
        p_values = {domain: _p(plan, plan.domain(domain), looks) for domain, looks in walks.items()}
        tested = share_error(p_values, plan.alpha, plan.split)
        for frame in frames:
            level, shown = tested[frame.domain]
            looks = walks[frame.domain] if level == first else walk(plan, frame, view, level, len(walks[frame.domain]), onwards=True)
            readings[frame.domain][view] = _conclude(
                plan, frame, view, looks, p_values[frame.domain], level, shown, effort, controls.get(frame.domain), findings)
    return readings


def share_error(p_values: Mapping[str, float], alpha: float, split: Split) -> dict[str, tuple[float, bool]]:
    """Per domain the error it is tested with, and whether it is shown, so that over all of them together `alpha` holds.

    Args:
        p_values: in the order of the plan.
    """
    tested: dict[str, tuple[float, bool]] = {}
    going = True
    if split is Split.HIERARCHY:
        for domain, p in p_values.items():
            going = going and p <= alpha
            tested[domain] = (alpha, going)
        return tested
    ranked = sorted(p_values.items(), key=lambda each: each[1])
    level = alpha / max(len(ranked), 1)
    for rank, (domain, p) in enumerate(ranked):
        if going:
            level = alpha / (len(ranked) - rank)
            going = p <= level
        tested[domain] = (level, going)
    return {domain: tested[domain] for domain in p_values}


def overall(readings: Mapping[str, Mapping[View, Reading]], view: View) -> Outcome:
    """Shown above if some domain is; not shown above if every one is; otherwise undetermined."""
    outcomes = {reading[view].outcome for reading in readings.values()}
    if Outcome.SHOWN_ABOVE in outcomes:
        return Outcome.SHOWN_ABOVE
    return Outcome.NOT_SHOWN_ABOVE if outcomes == {Outcome.NOT_SHOWN_ABOVE} else Outcome.UNDETERMINED


def planned_looks(plan: Plan, domain: PlannedDomain) -> tuple[int, ...]:
    """Families at each look; a plan with a single look has only the last."""
    return domain.looks[-1:] if plan.rule is Rule.SINGLE_LOOK else domain.looks


def walk(plan: Plan, frame: Frame, view: View, alpha: float, most: int | None, *, onwards: bool = False) -> tuple[LookResult, ...]:
    """The looks at one domain with that error, to the first at which something crosses.

    Args:
        most: so many and no fewer, whatever crosses; None stops at a crossing.
        onwards: go on after a crossing although `most` is None.
    """
    domain = plan.domain(frame.domain)
    counts = planned_looks(plan, domain)
    fractions = tuple(count / len(domain.families) for count in counts)
    low, high = frame.means(view)
    begun = frame.begun()
    if plan.rule is Rule.E_PROCESS:
        above, below = (alpha,) * len(counts), (plan.beta,) * len(counts)
    else:
        above, below = levels(fractions, alpha, plan.spending), levels(fractions, plan.beta, plan.spending)
    looks: list[LookResult] = []
    for place, count in enumerate(counts[:most]):
        extents = [count, begun] if plan.overshoot is Overshoot.INCLUDED and begun > count else [count]
        p_above, lower, mean_low, worth_low = _side(plan, frame, low, domain.threshold, above[place], extents)
        p_below, upper, _, worth_high = _side(plan, frame, 1 - high, 1 - domain.threshold, below[place], extents)
        looks.append(LookResult(
            place + 1, count, fractions[place], above[place], mean_low, worth_low, p_above, lower, below[place],
            float(high[:count].mean()), worth_high, p_below,
            None if upper is None else 1 - upper, p_above < above[place], p_below < below[place],
        ))
        if (looks[-1].above or looks[-1].below) and not onwards and most is None:
            break
    return tuple(looks)


def _side(
    plan: Plan, frame: Frame, means: Floats, threshold: float, level: float, extents: list[int],
) -> tuple[float, float | None, float, float]:
    """p, lower bound, mean and effective families of "the mean lies above"; with overshoot, the weaker of both readings."""
    ps: list[float] = []
    lowers: list[float | None] = []
    for extent in extents:
        values, inverse = means[:extent], float(np.mean(1 / frame.items[:extent]))
        if plan.rule is Rule.E_PROCESS:
            ps.append(e_process.p_value(values, threshold))
            lowers.append(e_process.lower_bound(values, level))
        else:
            ps.append(float(score_p(values, threshold, inverse)))
            lowers.append(score_lower(values, inverse, level))
    first = means[: extents[0]]
    return (max(ps), None if None in lowers else min(each for each in lowers if each is not None), float(first.mean()),
            float(effective_families(first, float(np.mean(1 / frame.items[: extents[0]])))))


def _p(plan: Plan, domain: PlannedDomain, looks: tuple[LookResult, ...]) -> float:
    nominal = [look.p_above for look in looks]
    if plan.rule is not Rule.GROUP_SEQUENTIAL:
        return min(nominal)
    return sequential_p(nominal, tuple(count / len(domain.families) for count in domain.looks), plan.spending)


def _conclude(
    plan: Plan, frame: Frame, view: View, looks: tuple[LookResult, ...], p: float, level: float, shown: bool,
    effort: Effort, controls: Controls | None, findings: Sequence[Finding],
) -> Reading:
    domain = plan.domain(frame.domain)
    crossed = [look for look in looks if look.above] if shown else [look for look in looks if look.below]
    # A p-value that equals its level to the last digit may be shown without a look that says so; the sharpest one then speaks.
    at = crossed[0] if crossed else min(looks, key=lambda look: look.p_above) if shown else looks[-1]
    reading = Reading(view, looks, at.families, p, level, at.mean_low, at.mean_high, at.lower, at.upper, Outcome.UNDETERMINED, ())
    blocking = tuple(f"{finding.name}: {finding.message}" for finding in findings if finding.blocks and finding.about in {domain.name, "plan"})
    against = blocking + _control_reasons(controls, frame.items_of(at.families), both=not shown)
    if shown:
        return replace(reading, outcome=Outcome.UNDETERMINED if against else Outcome.SHOWN_ABOVE, reasons=against)
    if crossed:
        against += tuple(f"less was tried than the plan asks for ({lack})" for lack in plan.effort.lacking(effort))
        return replace(reading, outcome=Outcome.UNDETERMINED if against else Outcome.NOT_SHOWN_ABOVE, reasons=against)
    return replace(reading, reasons=(*blocking, *_why_open(at, domain.threshold)))


def _control_reasons(controls: Controls | None, items: int, *, both: bool) -> tuple[str, ...]:
    """What speaks against a claim: look-alikes that were accepted against either, reference solutions that were not against staying below."""
    if controls is None or not controls.negative_total:
        return ("no negative control was run: nobody knows what the graders accept",)
    reasons: tuple[str, ...] = ()
    if controls.negative_accepted:
        reasons += (f"{controls.negative_accepted} of {controls.negative_total} look-alikes were accepted by their graders",)
    if both and controls.positive_passed < controls.positive_total:
        reasons += (f"{controls.positive_total - controls.positive_passed} of {controls.positive_total} reference solutions were not accepted",)
    if both and controls.positive_total < items:
        reasons += (f"reference solutions were run for {controls.positive_total} of {items} items",)
    return reasons


def _why_open(look: LookResult, threshold: float) -> tuple[str, ...]:
    reasons = [f"at {look.families} families the bounds lie on both sides of {threshold:g}"]
    if look.mean_low <= threshold < look.mean_high:
        reasons.append(f"what is unresolved decides: the mean is between {look.mean_low:.3f} and {look.mean_high:.3f}")
    return tuple(reasons)
