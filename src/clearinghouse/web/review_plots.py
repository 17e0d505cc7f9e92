"""Plots of what a review shows: bounds beside a threshold, looks and what they may use, solved within a budget.

Drawn as `plots` draws: on the server, named and described, numbers in a table below, nothing told by colour alone.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from markupsafe import Markup

from clearinghouse.evaluation.statistics.budget import BudgetPoint
from clearinghouse.evaluation.statistics.plan import Plan
from clearinghouse.evaluation.statistics.records import Outcome, View
from clearinghouse.evaluation.statistics.report import Analysis
from clearinghouse.web.text import one_line

_WIDTH = 420
_LEFT, _RIGHT = 10, 12
OUTCOMES = {Outcome.SHOWN_ABOVE: "shown above", Outcome.NOT_SHOWN_ABOVE: "not shown above", Outcome.UNDETERMINED: "undetermined"}
VIEWS = {View.RAW: "as graded", View.CHEATING_REMOVED: "cheating removed"}


class Bounded(Protocol):
    """One view of one domain, as an analysis or a releasable assessment has it."""

    @property
    def view(self) -> View: ...
    @property
    def outcome(self) -> Outcome: ...
    @property
    def families(self) -> int: ...
    @property
    def mean_low(self) -> float: ...
    @property
    def mean_high(self) -> float: ...
    @property
    def lower(self) -> float | None: ...
    @property
    def upper(self) -> float | None: ...


class DomainShown(Protocol):
    """One domain with its threshold."""

    @property
    def name(self) -> str: ...
    @property
    def threshold(self) -> float: ...
    @property
    def readings(self) -> Mapping[View, Bounded]: ...


class Shown(Protocol):
    """What a forest is drawn of."""

    @property
    def decides(self) -> View: ...
    @property
    def domains(self) -> Sequence[DomainShown]: ...


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where a share between 0 and 1 stands."""

    left: float = _LEFT
    right: float = _WIDTH - _RIGHT

    def at(self, share: float) -> float:
        return self.left + (self.right - self.left) * min(max(share, 0.0), 1.0)

    def ticks(self, top: float, bottom: float) -> Markup:
        return Markup("").join(
            Markup('<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{}" y2="{}"/><text class="label" x="{x:.1f}" y="{}">{:g}</text>').format(
                top, bottom, bottom + 15, tick, x=self.at(tick))
            for tick in (0.0, 0.25, 0.5, 0.75, 1.0)
        )


def forest(analysis: Shown) -> Markup:
    """Each domain with its threshold and, in both views, the bounds that decide; the wide bar is what the unresolved leaves open."""
    axis, row, top = _Axis(), 74, 16
    drawn: list[Markup] = []
    rows: list[tuple[str, ...]] = []
    for place, domain in enumerate(analysis.domains):
        y = top + place * row
        reading = domain.readings[analysis.decides]
        drawn.append(Markup('<text class="name" x="{}" y="{}">{}</text><text class="said" x="{}" y="{}">{}</text>').format(
            _LEFT, y + 12, one_line(domain.name, 28), _WIDTH - _RIGHT, y + 12, OUTCOMES[reading.outcome]))
        order = (analysis.decides, *(view for view in View if view is not analysis.decides))
        for below, view in zip((28, 46), order, strict=True):
            drawn.append(_bar(axis, domain.readings[view], y + below, decides=view is analysis.decides))
            rows.append(_row(domain.name, domain.threshold, domain.readings[view], decides=view is analysis.decides))
        drawn.append(Markup(
            '<line class="threshold" x1="{x:.1f}" x2="{x:.1f}" y1="{}" y2="{}"/>').format(y + 18, y + 56, x=axis.at(domain.threshold)))
    bottom = top + len(analysis.domains) * row - 10
    described = "; ".join(_say(domain.name, domain.threshold, domain.readings[analysis.decides]) for domain in analysis.domains)
    legend = Markup(
        '<p class="legend marks"><span class="deciding">{}: decides</span><span class="otherwise">{}</span><span class="open">left open by the unresolved</span>'
        '<span class="tau">threshold</span></p>'
    ).format(VIEWS[analysis.decides], VIEWS[next(view for view in View if view is not analysis.decides)])
    head = ("domain", "threshold", "view", "lower bound", "mean, unresolved 0", "mean, unresolved 1", "upper bound", "families", "outcome")
    return _figure("What each domain shows", described, axis.ticks(top, bottom) + Markup("").join(drawn), bottom + 22, legend, head, rows)


def path(plan: Plan, name: str, analysis: Analysis) -> Markup:
    """The looks of one domain: what the bounds were at each, against the threshold, to the look that stopped it.

    Args:
        name: of the domain.
    """
    reading = next(domain for domain in analysis.domains if domain.name == name).readings[analysis.decides]
    domain = plan.domain(name)
    width, height, left, top, bottom = _WIDTH, 216, 34, 12, 178
    families = len(domain.families)

    def x(count: float) -> float:
        return left + (width - left - _RIGHT) * count / families

    def y(share: float) -> float:
        return bottom - (bottom - top) * min(max(share, 0.0), 1.0)

    drawn = [Markup('<line class="grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/><text class="tick" x="{}" y="{:.1f}">{:g}</text>').format(
        left, width - _RIGHT, left - 5, y(tick) + 4, tick, y=y(tick)) for tick in (0.0, 0.5, 1.0)]
    drawn += [Markup('<text class="label" x="{:.1f}" y="{}">{}</text>').format(x(look), bottom + 16, look) for look in _few(domain.looks)]
    drawn.append(Markup('<text class="label" x="{:.1f}" y="{}">families run</text>').format((left + width - _RIGHT) / 2, bottom + 33))
    drawn.append(Markup('<line class="threshold" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>').format(left, width - _RIGHT, y=y(domain.threshold)))
    rows = []
    for look in reading.looks:
        lower, upper = look.lower if look.lower is not None else 0.0, look.upper if look.upper is not None else 1.0
        drawn.append(Markup(
            '<line class="bound" x1="{x:.1f}" x2="{x:.1f}" y1="{:.1f}" y2="{:.1f}"/><rect class="open" x="{:.1f}" y="{:.1f}" width="8" height="{:.1f}"/>'
            '<circle class="{}" cx="{x:.1f}" cy="{:.1f}" r="4"/>'
        ).format(y(upper), y(lower), x(look.families) - 4, y(look.mean_high), max(y(look.mean_low) - y(look.mean_high), 1),
                 "stop" if look.above or look.below else "on", y((look.mean_low + look.mean_high) / 2), x=x(look.families)))
        rows.append((str(look.families), f"{look.level_above:.2%}", _share(look.lower), _share(look.mean_low), _share(look.mean_high), _share(look.upper),
                     "above" if look.above else "below" if look.below else "goes on"))
    line = " ".join(f"{x(look.families):.1f},{y((look.mean_low + look.mean_high) / 2):.1f}" for look in reading.looks)
    drawn.insert(0, Markup('<polyline class="walk" points="{}"/>').format(line))
    told = f"{len(reading.looks)} of {len(domain.looks)} looks made; {_say(name, domain.threshold, reading)}"
    head = ("families", "error of this look", "lower bound", "mean, unresolved 0", "mean, unresolved 1", "upper bound", "then")
    return _figure(f"Looks at {one_line(name, 40)}", told, Markup("").join(drawn), height, Markup(""), head, rows)


def budget_curve(name: str, points: Sequence[BudgetPoint]) -> Markup:
    """Solved within how many tokens, up to the budget that was run and never beyond.

    Args:
        name: of the domain.
    """
    if not points:
        return Markup('<figure class="plot"><figcaption>{}</figcaption><p class="none">Nothing to draw yet.</p></figure>').format(name)
    width, height, left, top, bottom = _WIDTH, 216, 34, 12, 178
    low, high = math.log2(points[0].tokens), math.log2(points[-1].tokens)

    def x(tokens: int) -> float:
        return left + (width - left - _RIGHT) * ((math.log2(tokens) - low) / (high - low) if high > low else 1.0)

    def y(share: float) -> float:
        return bottom - (bottom - top) * share

    drawn = [Markup('<line class="grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/><text class="tick" x="{}" y="{:.1f}">{:g}</text>').format(
        left, width - _RIGHT, left - 5, y(tick) + 4, tick, y=y(tick)) for tick in (0.0, 0.5, 1.0)]
    area = " ".join([*(f"{x(point.tokens):.1f},{y(point.upper):.1f}" for point in points),
                     *(f"{x(point.tokens):.1f},{y(point.lower):.1f}" for point in reversed(points))])
    drawn.append(Markup('<polygon class="band" points="{}"/>').format(area))
    for kind, values in (("edge", [point.low for point in points]), ("edge", [point.high for point in points]), ("walk", [point.estimate for point in points])):
        drawn.append(Markup('<polyline class="{}" points="{}"/>').format(
            kind, " ".join(f"{x(point.tokens):.1f},{y(value):.1f}" for point, value in zip(points, values, strict=True))))
    drawn += [Markup('<text class="label" x="{:.1f}" y="{}">{}</text>').format(
        min(x(point.tokens), width - _RIGHT - 14), bottom + 16, _tokens(point.tokens)) for point in points[::4]]
    drawn.append(Markup('<text class="label" x="{:.1f}" y="{}">tokens of one sample</text>').format((left + width - _RIGHT) / 2, bottom + 33))
    last = points[-1]
    told = (f"within {last.tokens} tokens {last.low:.0%} to {last.high:.0%} are solved; within half of that "
            f"{points[-2].low:.0%} to {points[-2].high:.0%}" if len(points) > 1 else f"within {last.tokens} tokens {last.low:.0%}")
    rows = [(f"{point.tokens}", _share(point.lower), _share(point.low), _share(point.estimate), _share(point.high), _share(point.upper)) for point in points]
    head = ("tokens", "lower, 95 %", "solved, censored as 0", "estimate", "solved, censored as 1", "upper, 95 %")
    return _figure(f"Solved within a budget: {one_line(name, 40)}", told, Markup("").join(drawn), height, Markup(""), head, rows)


def _bar(axis: _Axis, reading: Bounded, y: float, *, decides: bool) -> Markup:
    lower, upper = reading.lower if reading.lower is not None else 0.0, reading.upper if reading.upper is not None else 1.0
    kind = "deciding" if decides else "otherwise"
    left, right = axis.at(reading.mean_low), axis.at(reading.mean_high)
    return Markup(
        '<g class="{}"><line class="bound" x1="{a:.1f}" x2="{b:.1f}" y1="{y}" y2="{y}"/><line class="bound" x1="{a:.1f}" x2="{a:.1f}" y1="{}" y2="{}"/>'
        '<line class="bound" x1="{b:.1f}" x2="{b:.1f}" y1="{}" y2="{}"/><rect class="open" x="{:.1f}" y="{}" width="{:.1f}" height="8"/>'
        '<circle cx="{:.1f}" cy="{y}" r="4"/></g>'
    ).format(kind, y - 5, y + 5, y - 5, y + 5, left, y - 4, max(right - left, 0.1), (left + right) / 2, a=axis.at(lower), b=axis.at(upper), y=y)


def _row(name: str, threshold: float, reading: Bounded, *, decides: bool) -> tuple[str, ...]:
    return (name, f"{threshold:g}", VIEWS[reading.view] + (" (decides)" if decides else ""), _share(reading.lower), _share(reading.mean_low),
            _share(reading.mean_high), _share(reading.upper), str(reading.families), OUTCOMES[reading.outcome])


def _say(name: str, threshold: float, reading: Bounded) -> str:
    return (f"{one_line(name, 40)}: bounds {_share(reading.lower)} to {_share(reading.upper)} against {threshold:g} after {reading.families} families, "
            f"{OUTCOMES[reading.outcome]}")


def _share(value: float | None) -> str:
    return "none yet" if value is None else f"{value:.3f}"


def _tokens(count: int) -> str:
    return f"{count / 1_000_000:g}M" if count >= 1_000_000 else f"{count / 1000:.3g}k" if count >= 1000 else str(count)


def _few(values: Sequence[int]) -> Sequence[int]:
    """At most six of them, the last among them: more do not fit on a narrow page."""
    every = max(1, -(-len(values) // 6))
    return [value for place, value in enumerate(values) if (len(values) - 1 - place) % every == 0]


def _figure(
    title: str, description: str, drawn: Markup, height: float, legend: Markup, head: Sequence[str], rows: Sequence[Sequence[str]],
) -> Markup:
    heads = Markup("").join(Markup('<th scope="col">{}</th>').format(word) for word in head)
    body = Markup("").join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(row[0], Markup("").join(Markup("<td>{}</td>").format(one_line(cell, 120)) for cell in row[1:]))
        for row in rows
    )
    return Markup(
        '<figure class="plot shown"><figcaption>{0}</figcaption>{1}<svg viewBox="0 0 {2} {3:.0f}" role="img" aria-label="{0}. {4}"><title>{0}</title>'
        '<desc>{4}</desc>{5}</svg><details><summary>Numbers</summary><div class="scroll" tabindex="0" role="region" aria-label="{0}: numbers"><table><thead>'
        "<tr>{6}</tr></thead><tbody>{7}</tbody></table></div></details></figure>"
    ).format(title, legend, _WIDTH, height, description, drawn, heads, body)
