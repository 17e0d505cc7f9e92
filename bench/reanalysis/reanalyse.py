"""Compute every number of a sealed analysis record again: `python reanalyse.py RECORD.json`.

It imports nothing of this project: the standard library, numpy and scipy alone, so that a sceptic can copy this one file, read it and run it.
Written from docs/reference/analysis.md, in loops where the project has arrays, and with other routines where there is a choice. It ends with 0
when every number agrees to 1e-9, with 1 and a list of differences otherwise, and with 2 when the file is no such record.
"""

import hashlib
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy import optimize, stats

TOLERANCE = 1e-9
VIEWS = ("raw", "cheating_removed")
UNKNOWN = ("infrastructure", "unresolved", "not_run")


# --- canonical JSON (RFC 8785), for the digest of the plan -----------------------------------------------------------------------------------


def canonical(value: Any) -> str:
    """The one spelling of a JSON value that is hashed."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(json.dumps(key, ensure_ascii=False) + ":" + canonical(value[key]) for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(each) for each in value) + "]"
    if isinstance(value, float):
        return ecmascript(value)
    return json.dumps(value, ensure_ascii=False)


def ecmascript(value: float) -> str:
    """A double as ECMAScript prints it."""
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    text = repr(value)
    if "e" not in text:
        return text
    mantissa, _, power = text.partition("e")
    ten = int(power)
    if -7 < ten < 0:
        bare = mantissa.replace(".", "").replace("-", "")
        return ("-" if value < 0 else "") + "0." + "0" * (-ten - 1) + bare
    return f"{mantissa}e{'+' if ten > 0 else '-'}{abs(ten)}"


# --- the grid --------------------------------------------------------------------------------------------------------------------------------


def bounds_of(plan: dict[str, Any], state: str, cheated: bool, view: str) -> tuple[float, float]:
    """Least and most a cell counts."""
    if state == "solved":
        return (0.0, 0.0) if cheated and view == "cheating_removed" else (1.0, 1.0)
    if state == "unsolved":
        return 0.0, 0.0
    if state in ("refused", "limit") and plan["missing"][state] == "zero":
        return 0.0, 0.0
    return 0.0, 1.0


def by_place(plan: dict[str, Any], cells: list[dict[str, Any]]) -> tuple[dict[tuple[str, int], dict[str, Any]], list[tuple[str, str, bool]]]:
    """Cells by item and epoch, and the names of what does not fit."""
    home = {item: (domain["name"], family["id"]) for domain in plan["domains"] for family in domain["families"] for item in family["items"]}
    found: dict[tuple[str, int], dict[str, Any]] = {}
    doubled: set[str] = set()
    outside = False
    disputed: set[tuple[str, int]] = set()
    for cell in cells:
        key = (cell["item"], cell["epoch"])
        if home.get(cell["item"]) != (cell["domain"], cell["family"]) or not 1 <= cell["epoch"] <= plan["epochs"]:
            outside = True
        elif key in found:
            doubled.add(cell["domain"])
            if found[key] != cell:
                disputed.add(key)
        else:
            found[key] = cell
    for key in disputed:
        found[key] = {**found[key], "state": "unresolved", "cheated": False}
    names = [("duplicate_cell", domain, True) for domain in sorted(doubled)]
    if outside:
        names.append(("cell_outside_plan", "plan", True))
    for domain in plan["domains"]:
        wanted = [(item, epoch) for family in domain["families"] for item in family["items"] for epoch in range(1, plan["epochs"] + 1)]
        if any(key not in found for key in wanted):
            names.append(("dropped_cells", domain["name"], True))
    return found, names


class Domain:
    """Cells of one domain as nested lists: family, item, epoch."""

    def __init__(self, plan: dict[str, Any], domain: dict[str, Any], found: dict[tuple[str, int], dict[str, Any]]) -> None:
        self.plan, self.name, self.threshold = plan, domain["name"], domain["threshold"]
        self.looks = domain["looks"][-1:] if plan["rule"] == "single_look" else domain["looks"]
        self.names = [family["items"] for family in domain["families"]]
        self.cells = [[[found.get((item, epoch)) for epoch in range(1, plan["epochs"] + 1)] for item in family] for family in self.names]
        self.total = len(self.cells)

    def value(self, cell: dict[str, Any] | None, view: str, side: int) -> float:
        """What a cell counts at least (side 0) or at most (side 1)."""
        return (0.0, 1.0)[side] if cell is None else bounds_of(self.plan, cell["state"], cell["cheated"], view)[side]

    def means(self, view: str, side: int) -> list[float]:
        """Of each family: mean over items of the mean over epochs."""
        return [
            math.fsum(math.fsum(self.value(cell, view, side) for cell in item) / len(item) for item in family) / len(family) for family in self.cells
        ]

    def begun(self) -> int:
        """Families up to the last that was run at all."""
        last = 0
        for place, family in enumerate(self.cells):
            if any(cell is not None and cell["state"] != "not_run" for item in family for cell in item):
                last = place + 1
        return last

    def items_within(self, families: int) -> int:
        """Items of the first families."""
        return sum(len(family) for family in self.cells[:families])

    def inverse(self, families: int) -> float:
        """Mean of 1 / items."""
        return math.fsum(1 / len(family) for family in self.cells[:families]) / families


# --- tests and bounds on family means --------------------------------------------------------------------------------------------------------


def worth(values: list[float], inverse: float) -> float:
    """All-or-nothing families that the means are worth."""
    n = len(values)
    mean = math.fsum(values) / n
    clipped = min(max(mean, 0.5 / n), 1 - 0.5 / n)
    shrunk = (math.fsum(values) + 1) / (n + 2)
    spread = math.fsum((value - mean) ** 2 for value in values) / (n - 1) if n > 1 else clipped * (1 - clipped)
    effect = max(spread / (clipped * (1 - clipped)), inverse, 1 / (n * shrunk * (1 - shrunk)))
    return n / min(effect, 1.0)


def score_p(values: list[float], threshold: float, inverse: float) -> float:
    """Chance of such a mean or a higher one at the threshold."""
    mean = math.fsum(values) / len(values)
    z = (mean - threshold) / math.sqrt(threshold * (1 - threshold) / worth(values, inverse))
    return float(stats.t.sf(z, max(len(values) - 1, 1)))


def wilson_ends(share: float, n: float, critical: float) -> tuple[float, float]:
    """The two shares at which the squared distance is critical: roots of a quadratic."""
    a, b, c = n + critical**2, -(2 * n * share + critical**2), n * share * share
    root = math.sqrt(max(b * b - 4 * a * c, 0.0))
    return max((-b - root) / (2 * a), 0.0), min((-b + root) / (2 * a), 1.0)


def score_lower(values: list[float], inverse: float, level: float) -> float | None:
    """Lower bound at a one-sided level."""
    if level <= 0:
        return None
    return wilson_ends(math.fsum(values) / len(values), worth(values, inverse), float(stats.t.isf(level, max(len(values) - 1, 1))))[0]


# --- spending the error over looks -----------------------------------------------------------------------------------------------------------


def spent(fraction: float, alpha: float, spending: str) -> float:
    """Error that may be used by then."""
    if spending == "pocock":
        return alpha * math.log(1 + (math.e - 1) * fraction)
    return float(2 * stats.norm.sf(stats.norm.isf(alpha / 2) / math.sqrt(fraction)))


_LEVELS: dict[tuple[Any, ...], list[float]] = {}


def levels(fractions: list[float], alpha: float, spending: str) -> list[float]:
    """Nominal one-sided level per look: densities carried from look to look in panels of twelve points (the project takes one panel)."""
    key = (tuple(fractions), alpha, spending)
    if key in _LEVELS:
        return _LEVELS[key]
    points, weights = np.polynomial.legendre.leggauss(12)
    found: list[float] = []
    at = mass = np.zeros(0)
    for look, now in enumerate(fractions):
        share = spent(now, alpha, spending) - (spent(fractions[look - 1], alpha, spending) if look else 0.0)
        if share < 1e-290:
            bound, level = 40.0, 0.0
        elif look == 0:
            bound = float(stats.norm.isf(share)) * math.sqrt(now)
            level = share
        else:
            step = math.sqrt(now - fractions[look - 1])

            def over(bound: float, at: Any = at, mass: Any = mass, step: float = step, share: float = share) -> float:
                return math.log(max(float((mass * stats.norm.sf((bound - at) / step)).sum()), 1e-300)) - math.log(share)

            bound = float(optimize.brentq(over, -9 * math.sqrt(now), 40 * math.sqrt(now), xtol=1e-15, rtol=1e-15))
            level = float(stats.norm.sf(bound / math.sqrt(now)))
        found.append(level)
        low, high = -9 * math.sqrt(now), min(bound, 9 * math.sqrt(now))
        panels = 24
        edges = np.linspace(low, high, panels + 1)
        fresh = np.concatenate([edge + (edges[1] - edges[0]) * (points + 1) / 2 for edge in edges[:-1]])
        fresh_weights = np.tile(weights * (edges[1] - edges[0]) / 2, panels)
        if look == 0:
            density = np.exp(-fresh**2 / (2 * now)) / math.sqrt(2 * math.pi * now)
        else:
            gap = now - fractions[look - 1]
            density = (np.exp(-((fresh[:, None] - at[None, :]) ** 2) / (2 * gap)) * mass).sum(axis=1) / math.sqrt(2 * math.pi * gap)
        at, mass = fresh, density * fresh_weights
    _LEVELS[key] = found
    return found


def sequential_p(p_values: list[float], fractions: list[float], spending: str) -> float:
    """The least error at which a look so far would have crossed, within [1e-10, 0.25]; 1 above."""
    seen = fractions[: len(p_values)]

    def short(log_alpha: float) -> float:
        return max(
            (math.log(level) - math.log(max(p, 1e-300))) if level > 0 else -100.0
            for level, p in zip(levels(seen, math.exp(log_alpha), spending), p_values, strict=True)
        )

    low, high = math.log(1e-10), math.log(0.25)
    if short(high) < 0:
        return 1.0
    if short(low) >= 0:
        return 1e-10
    return math.exp(float(optimize.brentq(short, low, high, xtol=1e-14, rtol=1e-14)))


# --- betting -----------------------------------------------------------------------------------------------------------------------------------


def best_wealth(values: list[float], threshold: float) -> float:
    """Logarithm of the greatest wealth held."""
    total = square = wealth = 0.0
    best = -math.inf
    for place, value in enumerate(values):
        centre, spread = (threshold + total) / (place + 1), (0.1 + square) / (place + 1)
        gain = 0.05 if place == 0 else centre - threshold
        stake = min(max(gain / (spread + gain * gain), 0.0), 0.75 / threshold)
        wealth += math.log1p(stake * (value - threshold))
        best = max(best, wealth)
        total += value
        square += (value - (0.5 + total) / (place + 2)) ** 2
    return best


def betting_lower(values: list[float], alpha: float) -> float:
    """Below this, every threshold in steps of a thousandth was bet away."""
    for step in range(1, 1000):
        if best_wealth(values, step / 1000) < -math.log(alpha):
            return (step - 1) / 1000
    return 999 / 1000


# --- the rule ----------------------------------------------------------------------------------------------------------------------------------


def one_side(domain: Domain, values: list[float], threshold: float, level: float, extents: list[int]) -> tuple[float, float | None]:
    """p and lower bound; the weaker of the readings at the extents."""
    ps: list[float] = []
    lowers: list[float | None] = []
    for extent in extents:
        part = values[:extent]
        if domain.plan["rule"] == "e_process":
            ps.append(min(1.0, math.exp(-best_wealth(part, threshold))))
            lowers.append(betting_lower(part, level))
        else:
            ps.append(score_p(part, threshold, domain.inverse(extent)))
            lowers.append(score_lower(part, domain.inverse(extent), level))
    return max(ps), None if None in lowers else min(each for each in lowers if each is not None)


def walk(domain: Domain, view: str, alpha: float, most: int | None, stop: bool) -> list[dict[str, Any]]:
    """Looks, to the first that crosses."""
    plan = domain.plan
    fractions = [count / domain.total for count in domain.looks]
    low, high = domain.means(view, 0), domain.means(view, 1)
    if plan["rule"] == "e_process":
        above, below = [alpha] * len(fractions), [plan["errors"]["beta"]] * len(fractions)
    else:
        above, below = (levels(fractions, error, plan["spending"]) for error in (alpha, plan["errors"]["beta"]))
    made = []
    for place, count in enumerate(domain.looks[:most]):
        extents = [count] + ([domain.begun()] if plan["overshoot"] == "included" and domain.begun() > count else [])
        p_above, lower = one_side(domain, low, domain.threshold, above[place], extents)
        p_below, mirrored = one_side(domain, [1 - value for value in high], 1 - domain.threshold, below[place], extents)
        made.append({
            "look": place + 1, "families": count, "fraction": fractions[place], "level_above": above[place],
            "mean_low": math.fsum(low[:count]) / count, "effective_low": worth(low[:count], domain.inverse(count)), "p_above": p_above, "lower": lower,
            "level_below": below[place], "mean_high": math.fsum(high[:count]) / count,
            "effective_high": worth([1 - value for value in high[:count]], domain.inverse(count)), "p_below": p_below,
            "upper": None if mirrored is None else 1 - mirrored, "above": p_above < above[place], "below": p_below < below[place],
        })
        if stop and (made[-1]["above"] or made[-1]["below"]):
            break
    return made


def shares(p_values: list[tuple[str, float]], alpha: float, split: str) -> dict[str, tuple[float, bool]]:
    """Error for each domain and whether it is shown."""
    tested: dict[str, tuple[float, bool]] = {}
    going, level = True, alpha / len(p_values)
    order = p_values if split == "hierarchy" else sorted(p_values, key=lambda each: each[1])
    for rank, (name, p) in enumerate(order):
        if split == "hierarchy":
            level = alpha
        elif going:
            level = alpha / (len(order) - rank)
        going = going and p <= level
        tested[name] = (level, going)
    return tested


def speaks_against(controls: dict[str, Any] | None, items: int, both: bool) -> bool:
    """Whether the controls forbid a claim."""
    if controls is None or not controls["negative_total"] or controls["negative_accepted"]:
        return True
    return both and (controls["positive_passed"] < controls["positive_total"] or controls["positive_total"] < items)


def readings(record: dict[str, Any], domains: list[Domain], blocked: set[str]) -> dict[str, dict[str, Any]]:
    """Each domain in each view."""
    plan = record["plan"]
    alpha, split, decides = plan["errors"]["alpha"], plan["errors"]["split"], plan["decides"]
    first = alpha / len(domains) if split == "holm" else alpha
    effort = all(record["effort"][name] >= least for name, least in plan["effort_min"].items())
    made: dict[str, int] = {}
    found: dict[str, dict[str, Any]] = {domain.name: {} for domain in domains}
    for view in (decides, *(view for view in VIEWS if view != decides)):
        walks = {domain.name: walk(domain, view, first, made.get(domain.name), domain.name not in made) for domain in domains}
        p_values = []
        for domain in domains:
            made.setdefault(domain.name, len(walks[domain.name]))
            nominal = [look["p_above"] for look in walks[domain.name]]
            fractions = [count / domain.total for count in domain.looks]
            p_values.append((domain.name, sequential_p(nominal, fractions, plan["spending"]) if plan["rule"] == "group_sequential" else min(nominal)))
        tested = shares(p_values, alpha, split)
        for domain in domains:
            level, shown = tested[domain.name]
            looks = walks[domain.name] if level == first else walk(domain, view, level, made_here(walks, domain), False)
            crossed = [look for look in looks if look["above" if shown else "below"]]
            at = crossed[0] if crossed else min(looks, key=lambda look: look["p_above"]) if shown else looks[-1]
            against = domain.name in blocked or "plan" in blocked or speaks_against(
                record["controls"].get(domain.name), domain.items_within(at["families"]), not shown)
            outcome = "undetermined"
            if shown and not against:
                outcome = "shown_above"
            elif not shown and crossed and not against and effort:
                outcome = "not_shown_above"
            found[domain.name][view] = {
                "view": view, "looks": looks, "families": at["families"], "p": dict(p_values)[domain.name], "level": level, "mean_low": at["mean_low"],
                "mean_high": at["mean_high"], "lower": at["lower"], "upper": at["upper"], "outcome": outcome,
            }
    return found


def made_here(walks: dict[str, list[dict[str, Any]]], domain: Domain) -> int:
    """How many looks the first walk made."""
    return len(walks[domain.name])


def together(found: dict[str, dict[str, Any]], view: str) -> str:
    """The outcome over all domains."""
    outcomes = [each[view]["outcome"] for each in found.values()]
    if "shown_above" in outcomes:
        return "shown_above"
    return "not_shown_above" if all(outcome == "not_shown_above" for outcome in outcomes) else "undetermined"


# --- what is told beside the decision ----------------------------------------------------------------------------------------------------------


def clustered(rows: list[list[float]]) -> tuple[float, float]:
    """Mean of all values and its error, rows being clusters."""
    n = sum(len(row) for row in rows)
    mean = math.fsum(math.fsum(row) for row in rows) / n
    if len(rows) < 2:
        return mean, 0.0
    total = math.fsum(math.fsum(value - mean for value in row) ** 2 for row in rows)
    return mean, math.sqrt(total * len(rows) / (len(rows) - 1)) / n


def described(record: dict[str, Any], domain: Domain, view: str, families: int) -> dict[str, Any]:
    """Plain numbers of one view."""
    told: dict[str, Any] = {}
    critical = float(stats.t.ppf(0.975, max(families - 1, 1)))
    fits: list[dict[str, Any] | None] = []
    for side, word in enumerate(("low", "high")):
        rows = [[domain.value(cell, view, side) for item in family for cell in item] for family in domain.cells[:families]]
        mean, error = clustered(rows)
        n = float(sum(len(row) for row in rows))
        if mean * (1 - mean) > 0 and error > 0:
            n = min(mean * (1 - mean) / error**2, n)
        ends = wilson_ends(mean, n, critical)
        told |= {
            f"pass_at_1_{word}": mean, f"error_{word}": error, f"t_{word}": {"lower": mean - critical * error, "upper": mean + critical * error},
            f"wilson_{word}": {"lower": ends[0], "upper": ends[1]} if families > 1 else None,
        }
        solved = [[round(math.fsum(domain.value(cell, view, side) for cell in item)) for item in family] for family in domain.cells[:families]]
        fits.append(hierarchical(solved, record["plan"]["epochs"]) if record["models"] else None)
    told |= {"model_low": fits[0], "model_high": fits[1], "items_error": None}
    epochs = record["plan"]["epochs"]
    if epochs > 1:
        variance = 0.0
        for family in domain.cells[:families]:
            for item in family:
                values = [domain.value(cell, view, 0) for cell in item]
                mean = sum(values) / epochs
                variance += sum((value - mean) ** 2 for value in values) / (epochs - 1) / epochs / (families * len(family)) ** 2
        told["items_error"] = math.sqrt(variance)
    return told


_NODES, _WEIGHTS = np.polynomial.hermite.hermgauss(49)


def family_log_likelihood(solved: list[int], epochs: int, theta: Any, cache: dict[int, Any]) -> Any:
    """log of the integral over the family, with the integrals over its items within; one value."""
    mu, outer, inner = theta
    logs = np.log(_WEIGHTS / math.sqrt(math.pi))
    total = logs.copy()
    for count in solved:
        if count not in cache:
            eta = mu + math.sqrt(2) * (outer * _NODES[:, None] + inner * _NODES[None, :])
            cache[count] = np.logaddexp.reduce(count * eta - epochs * np.logaddexp(0, eta) + logs[None, :], axis=1)
        total = total + cache[count]
    return np.logaddexp.reduce(total)


def hierarchical(solved: list[list[int]], epochs: int) -> dict[str, Any] | None:
    """The model of families and items: greatest likelihood, then Newton's steps on differences of the value alone."""
    flat = [count for family in solved for count in family]
    if sum(flat) in (0, epochs * len(flat)) or len(solved) < 2:
        return None

    def value(theta: Any) -> float:
        cache: dict[int, Any] = {}
        return float(math.fsum(float(family_log_likelihood(family, epochs, theta, cache)) for family in solved))

    two_levels = epochs > 1 and any(len(family) > 1 for family in solved)
    share = sum(flat) / (epochs * len(flat))
    settings: Any = {"method": "Nelder-Mead", "options": {"xatol": 1e-6, "fatol": 1e-10, "maxiter": 4000}}
    best: tuple[float, Any] = (-math.inf, None)

    def cost(point: Any) -> float:
        if abs(point[0]) > 12 or max(abs(point[1:])) > 5:
            return 1e9
        return -value([*point, *([] if two_levels else [0.0])])

    # The likelihood is even in either sigma, so that a search needs no bounds; the better of two ends counts.
    for spreads in ((1.0, 0.7), (0.3, 1.2)):
        at = [math.log(share / (1 - share)), *spreads[: 2 if two_levels else 1]]
        found: Any = optimize.minimize(cost, at, **settings)
        if -found.fun > best[0]:
            best = (-float(found.fun), np.array([*found.x, *([] if two_levels else [0.0])]))
    theta = best[1]
    for place in (2, 1):
        without = np.array(theta)
        without[place] = 0.0
        if value(without) > value(theta) - 1e-6:
            theta = without
    again = True
    while again:
        for place in (1, 2):
            theta[place] = 0.0 if abs(theta[place]) < 1e-3 else abs(theta[place])
        free = [place for place in range(3) if place == 0 or theta[place] != 0]
        for _ in range(12):
            gradient, curvature = slopes(value, theta, free)
            if max(np.linalg.eigvalsh(curvature)) > -1e-6:
                return None
            step = np.linalg.solve(curvature, gradient)
            theta[free] -= step
            if abs(theta[0]) > 12 or max(abs(theta[1]), abs(theta[2])) > 5:
                return None
            if np.abs(step).max() < 1e-11:
                break
        again = any(0 < abs(theta[place]) < 1e-3 for place in (1, 2))
    theta[1:] = np.abs(theta[1:])
    _, curvature = slopes(value, theta, free)
    covariance = np.zeros((3, 3))
    covariance[np.ix_(free, free)] = np.linalg.inv(-curvature)
    errors = np.sqrt(np.diag(covariance))

    def logit_of_accuracy(at: Any) -> float:
        mean = accuracy(at)
        return math.log(mean / (1 - mean))

    direction = np.zeros(3)
    for place in free:
        direction[place] = difference(logit_of_accuracy, theta, place)
    reach = float(stats.t.ppf(0.975, max(len(solved) - 1, 1))) * math.sqrt(float(direction @ covariance @ direction))
    middle = logit_of_accuracy(theta)
    return {
        "mu": theta[0], "mu_error": errors[0], "sigma_family": theta[1], "sigma_family_error": errors[1] if theta[1] else None,
        "sigma_item": theta[2], "sigma_item_error": errors[2] if theta[2] else None, "accuracy": accuracy(theta),
        "accuracy_lower": 1 / (1 + math.exp(reach - middle)), "accuracy_upper": 1 / (1 + math.exp(-reach - middle)), "log_likelihood": value(theta),
    }


def accuracy(theta: Any) -> float:
    """Share solved over the population."""
    spread = math.sqrt(theta[1] ** 2 + theta[2] ** 2)
    return math.fsum(weight / math.sqrt(math.pi) / (1 + math.exp(-(theta[0] + math.sqrt(2) * spread * node)))
                     for node, weight in zip(_NODES, _WEIGHTS, strict=True))


def difference(function: Any, theta: Any, place: int, h: float = 0.01) -> float:
    """First derivative by a rule of eighth order."""
    total = 0.0
    for k, c in ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280)):
        for sign in (1, -1):
            at = np.array(theta, float)
            at[place] += sign * k * h
            total += sign * c * function(at)
    return total / h


def slopes(function: Any, theta: Any, free: list[int]) -> tuple[Any, Any]:
    """Gradient and second derivatives from values alone, by rules of eighth order."""
    gradient = np.array([difference(function, theta, place, 0.01) for place in free])
    curvature = np.zeros((len(free), len(free)))
    for a, one in enumerate(free):
        for b, other in enumerate(free[: a + 1]):
            curvature[a, b] = curvature[b, a] = difference(lambda at, other=other: difference(function, at, other, 0.015), theta, one, 0.015)
    return gradient, curvature


def budget_curve(plan: dict[str, Any], domain: Domain, view: str, families: int) -> list[dict[str, Any]]:
    """Solved within how many tokens."""
    points = []
    whole = [
        (cell, 1 / (families * len(family) * plan["epochs"])) for family in domain.cells[:families] for item in family for cell in item
    ]
    for halving in range(8, -1, -1):
        budget = plan["sample_budget"]["tokens"] // 2**halving
        if budget < 1:
            continue
        means: list[list[float]] = [[], []]
        for family in domain.cells[:families]:
            sides = [[within(plan, cell, view, budget, side) for item in family for cell in item] for side in (0, 1)]
            for side in (0, 1):
                means[side].append(math.fsum(sides[side]) / len(sides[side]))
        lower = score_lower(means[0], domain.inverse(families), 0.025)
        upper = score_lower([1 - mean for mean in means[1]], domain.inverse(families), 0.025)
        points.append({
            "tokens": budget, "low": math.fsum(means[0]) / families, "high": math.fsum(means[1]) / families,
            "estimate": incidence(plan, whole, view, budget), "lower": lower or 0.0, "upper": 1 - (upper or 0.0),
        })
    return points


def ended(plan: dict[str, Any], cell: dict[str, Any] | None, view: str) -> str:
    """How a sample ended, as the curve sees it: won, gave up, or censored."""
    if cell is None:
        return "censored"
    if cell["state"] == "solved":
        return "lost" if cell["cheated"] and view == "cheating_removed" else "won"
    if cell["state"] == "unsolved" or (cell["state"] == "refused" and plan["missing"]["refused"] == "zero"):
        return "lost"
    return "censored"


def within(plan: dict[str, Any], cell: dict[str, Any] | None, view: str, budget: int, side: int) -> float:
    """What a sample counts at a budget."""
    how = ended(plan, cell, view)
    if how == "won":
        return 1.0 if cell is not None and cell["tokens"] <= budget else 0.0
    if how == "lost" or (cell is not None and cell["state"] == "limit" and cell["tokens"] >= budget):
        return 0.0
    return float(side)


def incidence(plan: dict[str, Any], whole: list[tuple[dict[str, Any] | None, float]], view: str, budget: int) -> float:
    """Aalen and Johansen's estimate, one distinct number of tokens after the other."""
    at_risk = math.fsum(weight for _, weight in whole)
    groups: dict[int, list[tuple[str, float]]] = {}
    for cell, weight in whole:
        groups.setdefault(0 if cell is None else cell["tokens"], []).append((ended(plan, cell, view), weight))
    stays, total = 1.0, 0.0
    for tokens in sorted(groups):
        if tokens > budget:
            break
        wins = math.fsum(weight for how, weight in groups[tokens] if how == "won")
        ends = wins + math.fsum(weight for how, weight in groups[tokens] if how == "lost")
        total += stays * wins / at_risk
        stays *= max(1 - ends / at_risk, 0.0)
        at_risk -= math.fsum(weight for _, weight in groups[tokens])
        if at_risk <= 1e-14:
            break
    return total


def horizon(domain: Domain, view: str, families: int, minutes: dict[str, float]) -> dict[str, Any]:
    """The length of task at which half and four fifths are solved, within what was run."""
    rows = []
    for place, family in enumerate(domain.cells[:families]):
        for name, item in zip(domain.names[place], family, strict=True):
            if minutes.get(name, 0) > 0:
                rows.append((math.log2(minutes[name]), sum(domain.value(cell, view, 0) for cell in item) / len(item), place))
    groups = sorted({row[2] for row in rows})
    lengths = sorted({row[0] for row in rows})
    told: dict[str, Any] = {
        "items": len(rows), "families": len(groups), "shortest": 2 ** lengths[0] if lengths else None, "longest": 2 ** lengths[-1] if lengths else None,
        "intercept": None, "slope": None, "slope_error": None, "reaches": [],
    }
    won, lost = [row[0] for row in rows if row[1] > 0], [row[0] for row in rows if row[1] < 1]
    if len(rows) < 10 or len(groups) < 5 or len(lengths) < 3:
        return told
    if not won or not lost or max(won) <= min(lost) or max(lost) <= min(won):
        return told

    def negative(theta: Any) -> tuple[float, Any]:
        value, gradient = 0.0, np.zeros(2)
        for length, solved, _ in rows:
            eta = theta[0] + theta[1] * length
            value += solved * eta - float(np.logaddexp(0, eta))
            gradient += (solved - 1 / (1 + math.exp(-eta))) * np.array([1, length])
        return -value, -gradient

    found = optimize.minimize(negative, np.zeros(2), jac=True, method="BFGS", options={"gtol": 1e-7, "maxiter": 500})
    theta = np.array(found.x)
    information = np.zeros((2, 2))
    for _ in range(4):
        information = np.zeros((2, 2))
        for length, _, _ in rows:
            chance = 1 / (1 + math.exp(-theta[0] - theta[1] * length))
            information += chance * (1 - chance) * np.outer([1, length], [1, length])
        theta = theta - np.linalg.solve(information, negative(theta)[1])
    meat = np.zeros((2, 2))
    for group in groups:
        score = np.zeros(2)
        for length, solved, place in rows:
            if place == group:
                score += (solved - 1 / (1 + math.exp(-theta[0] - theta[1] * length))) * np.array([1, length])
        meat += np.outer(score, score)
    bread = np.linalg.inv(information)
    covariance = bread @ meat @ bread * len(groups) / (len(groups) - 1)
    told |= {"intercept": theta[0], "slope": theta[1], "slope_error": math.sqrt(covariance[1, 1])}
    if theta[1] >= 0:
        return told
    for share in (0.5, 0.8):
        at = (math.log(share / (1 - share)) - theta[0]) / theta[1]
        if not lengths[0] <= at <= lengths[-1]:
            told["reaches"].append({"share": share, "minutes": None, "lower": None, "upper": None})
            continue
        # (wanted - a) / b: variance of a ratio, term by term.
        variance = (covariance[0, 0] + 2 * at * covariance[0, 1] + at * at * covariance[1, 1]) / theta[1] ** 2
        spread = float(stats.t.ppf(0.975, len(groups) - 1)) * math.sqrt(variance)
        ends = [2**end if lengths[0] <= end <= lengths[-1] else None for end in (at - spread, at + spread)]
        told["reaches"].append({"share": share, "minutes": 2**at, "lower": ends[0], "upper": ends[1]})
    return told


def paired(model: Domain, reference: Domain, view: str, families: int) -> dict[str, Any]:
    """Differences to the reference, family by family."""
    low, high = model.means(view, 0)[:families], model.means(view, 1)[:families]
    other_low, other_high = reference.means(view, 0)[:families], reference.means(view, 1)[:families]
    critical = float(stats.t.ppf(0.975, max(families - 1, 1)))
    told: dict[str, Any] = {"families": families}
    for word, end, sign, differences in (
        ("mean_low", "lower", -1, [a - b for a, b in zip(low, other_high, strict=True)]),
        ("mean_high", "upper", 1, [a - b for a, b in zip(high, other_low, strict=True)]),
    ):
        mean = math.fsum(differences) / families
        error = math.sqrt(math.fsum((each - mean) ** 2 for each in differences) / (families - 1) / families) if families > 1 else 0.0
        told |= {word: mean, end: mean + sign * critical * error}
    middle = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
    other = [(a + b) / 2 for a, b in zip(other_low, other_high, strict=True)]
    varies = families > 1 and len({round(each, 12) for each in middle}) > 1 and len({round(each, 12) for each in other}) > 1
    told["correlation"] = float(stats.pearsonr(middle, other).statistic) if varies else None
    return told


def exact_ends(successes: int, n: int) -> dict[str, float]:
    """Clopper and Pearson's bounds, from the binomial's own tails."""
    def chance(p: float, least: int, most: int) -> float:
        return float(stats.binom.cdf(most, n, p) - (stats.binom.cdf(least - 1, n, p) if least else 0.0))

    lower = 0.0 if successes == 0 else float(optimize.brentq(lambda p: chance(p, successes, n) - 0.025, 1e-15, 1 - 1e-15, xtol=1e-15))
    upper = 1.0 if successes == n else float(optimize.brentq(lambda p: chance(p, 0, successes) - 0.025, 1e-15, 1 - 1e-15, xtol=1e-15))
    return {"lower": lower, "upper": upper}


# --- all of it ---------------------------------------------------------------------------------------------------------------------------------


def analyse(record: dict[str, Any]) -> dict[str, Any]:
    """The result, computed from plan and cells alone."""
    plan = record["plan"]
    found, strange = by_place(plan, record["cells"])
    findings = [(each["name"], each["about"], each["blocks"]) for each in record["findings"]] + strange
    findings += peeks(plan, record["looks"])
    if any(cell["state"] == "solved" and cell["tokens"] > plan["sample_budget"]["tokens"] for cell in record["cells"]):
        findings.append(("over_budget", "plan", False))
    domains = [Domain(plan, domain, found) for domain in plan["domains"]]
    blocked = {about for _, about, blocks in findings if blocks}
    read = readings(record, domains, blocked)
    references: dict[str, Domain] = {}
    if record["reference_cells"] is not None:
        others, odd = by_place(plan, record["reference_cells"])
        references = {domain["name"]: Domain(plan, domain, others) for domain in plan["domains"]}
        findings += [(f"reference_{name}", about, False) for name, about, _ in odd]
    decides = plan["decides"]
    told = []
    for domain in domains:
        families = read[domain.name][decides]["families"]
        flat = [cell for family in domain.cells[:families] for item in family for cell in item]
        known = [cell for cell in flat if cell is not None]
        states = {name: sum(cell["state"] == name for cell in known) for name in (
            "solved", "unsolved", "refused", "limit", "infrastructure", "unresolved", "not_run")} | {"absent": len(flat) - len(known)}
        ran, scored = len(known) - states["not_run"], states["solved"] + states["unsolved"]
        controls = record["controls"].get(domain.name)
        told.append({
            "name": domain.name, "threshold": domain.threshold, "families_planned": domain.total, "families": families,
            "items": domain.items_within(families), "cells": len(flat), "states": states, "cheated": sum(cell["cheated"] for cell in known),
            "refused_share": states["refused"] / ran if ran else 0.0, "scored_only": states["solved"] / scored if scored else None,
            "tokens": sum(cell["tokens"] for cell in known), "seconds": math.fsum(cell["seconds"] for cell in known),
            "cost_microdollars": sum(cell["cost_microdollars"] for cell in known), "controls": controls,
            "positive_controls": exact_ends(controls["positive_passed"], controls["positive_total"]) if controls and controls["positive_total"] else None,
            "readings": read[domain.name], "described": {view: described(record, domain, view, families) for view in VIEWS},
            "budget": budget_curve(plan, domain, decides, families),
            "horizon": horizon(domain, decides, families, record["human_minutes"]) if record["human_minutes"] else None,
            "paired": paired(domain, references[domain.name], decides, families) if references else None,
        })
    return {
        "plan_digest": hashlib.sha256(canonical(plan).encode()).hexdigest(), "decides": decides, "outcome": together(read, decides),
        "outcome_otherwise": together(read, next(view for view in VIEWS if view != decides)), "domains": told,
        "findings": [{"name": name, "about": about, "blocks": blocks} for name, about, blocks in findings],
    }


def peeks(plan: dict[str, Any], looks: list[dict[str, Any]]) -> list[tuple[str, str, bool]]:
    """Looks that the plan does not have."""
    found = []
    for domain in plan["domains"]:
        planned = domain["looks"][-1:] if plan["rule"] == "single_look" else domain["looks"]
        if plan["rule"] != "e_process" and any(look["domain"] == domain["name"] and look["families"] not in planned for look in looks):
            found.append(("early_peek", domain["name"], True))
    if any(look["domain"] not in [domain["name"] for domain in plan["domains"]] for look in looks):
        found.append(("early_peek", "plan", True))
    return found


WORDS = {"message", "reasons", "warnings", "refused", "why"}
"""Keys whose values are sentences or told elsewhere: not numbers. (`refused` of `states` is a number and is compared there.)"""


def compare(told: Any, again: Any, path: str = "result") -> list[str]:
    """Where what the record tells differs from what was computed again."""
    if isinstance(told, dict) and isinstance(again, dict):
        differences = []
        for key in sorted(set(told) | set(again)):
            if key in WORDS and not isinstance(told.get(key), int | float):
                continue
            if key not in told or key not in again:
                differences.append(f"{path}.{key}: only in {'the record' if key in told else 'the re-analysis'}")
            else:
                differences += compare(told[key], again[key], f"{path}.{key}")
        return differences
    if isinstance(told, list) and isinstance(again, list):
        if len(told) != len(again):
            return [f"{path}: {len(told)} entries in the record, {len(again)} in the re-analysis"]
        return [each for place, (one, other) in enumerate(zip(told, again, strict=True)) for each in compare(one, other, f"{path}[{place}]")]
    if isinstance(told, bool) or isinstance(again, bool | np.bool_) or isinstance(told, str) or told is None or again is None:
        return [] if told == again else [f"{path}: {told!r} in the record, {again!r} in the re-analysis"]
    if not (isinstance(told, int | float) and abs(float(told) - float(again)) <= TOLERANCE * max(1.0, abs(float(told)))):
        return [f"{path}: {told!r} in the record, {float(again)!r} in the re-analysis"]
    return []


def numbers_in(value: Any) -> int:
    """How many numbers a value holds."""
    if isinstance(value, dict):
        return sum(numbers_in(each) for each in value.values())
    if isinstance(value, list):
        return sum(numbers_in(each) for each in value)
    return int(isinstance(value, int | float) and not isinstance(value, bool))


def main() -> int:
    """Read the record named on the command line, say what agrees, and end with 0, 1 or 2."""
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print("usage: python reanalyse.py RECORD.json", file=sys.stderr)
        return 2
    try:
        record = json.loads(Path(sys.argv[1]).read_text("utf-8"))
        told = {"clearinghouse-analysis/1": record["result"]}[record["format"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{sys.argv[1]} is no analysis record: {error}", file=sys.stderr)
        return 2
    try:
        differences = compare(told, analyse(record))
    except (KeyError, TypeError, IndexError) as error:
        differences = [f"the record does not hold together: {error!r}"]
    for each in differences[:20]:
        print(each)
    if differences:
        print(f"{len(differences)} of {numbers_in(told)} numbers and words differ: the result does not follow from plan and cells")
        return 1
    print(f"{numbers_in(told)} numbers computed again, all within {TOLERANCE:g}; outcome: {told['outcome']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
