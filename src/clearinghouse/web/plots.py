"""Plots drawn on the server as SVG: named and described for those who hear the page, with the numbers in a table below.

Colours come from the style sheet by class, so that a plot is as readable in the dark as on paper. No number is shown by colour alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from clearinghouse.app.views.report import strongest
from clearinghouse.disclosure.deconfliction.records import Evidence
from clearinghouse.web.text import number, one_line

_WIDTH, _HEIGHT = 420, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 6, 12, 24


@dataclass(frozen=True, slots=True)
class Bar:
    """One column of a plot."""

    label: str
    value: float | None
    """None where the cell is too small to be told; drawn as a mark, never as nought."""
    second: float | None = None
    """A part of the value that is drawn in a second tone, such as duplicates among what came in."""

    @property
    def short(self) -> str:
        """The label as it fits below a column; the table has it whole."""
        words = self.label.replace("under ", "<").replace("over ", ">").replace(" to ", "\u2013")
        return words.replace(" days", "d").replace(" day", "d")


def evidence_chart(evidence: Sequence[Evidence], probability: float, most: int = 8) -> Markup:
    """What spoke for and against a pair, strongest first: bars to the right speak for one flaw, bars to the left against it."""
    # What adds nothing to the number is said beside the chart.
    shown = strongest(tuple(entry for entry in evidence if entry.contribution), most)
    widest = max((abs(entry.contribution) for entry in shown), default=1.0) or 1.0
    rows = Markup("").join(
        Markup(
            '<li class="evidence"><span class="what">{}</span>'
            '<svg class="track" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
            '<line class="axis" x1="50" x2="50" y1="0" y2="10"/><rect class="{}" x="{:.1f}" y="1.5" width="{:.1f}" height="7"/></svg>'
            '<span class="amount">{:+.2f}<span class="hidden"> {}</span></span></li>'
        ).format(
            one_line(entry.wording, 120), "for" if entry.contribution > 0 else "against",
            50.0 if entry.contribution > 0 else 50.0 - max(0.5, 50.0 * abs(entry.contribution) / widest),
            max(0.5, 50.0 * abs(entry.contribution) / widest), entry.contribution,
            "for the same flaw" if entry.contribution > 0 else "against it",
        )
        for entry in shown
    )
    if not shown:
        rows = Markup('<li class="evidence none">Nothing counted for or against this pair.</li>')
    return Markup(
        '<div class="chart"><p class="ends" aria-hidden="true"><span>other flaw</span><span>same flaw</span></p>'
        '<ol aria-label="Evidence, strongest first, in log-odds; probability {:.2f}">{}</ol></div>'
    ).format(probability, rows)


def columns(title: str, bars: Sequence[Bar], *, unit: str, second_unit: str = "", description: str = "") -> Markup:
    """Columns over labels (days, ages), with their numbers in a table.

    Args:
        unit: what the numbers count, in the plural.
        second_unit: what `Bar.second` counts, where any bar has it.
    """
    if not bars or not any(bar.value for bar in bars):
        return Markup(
            '<figure class="plot"><figcaption>{}</figcaption><p class="none">Nothing to draw yet.</p></figure>'
        ).format(title)
    top = _round_up(max(bar.value or 0 for bar in bars))
    inner_width, inner_height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    step = inner_width / len(bars)
    thick = min(max(step * 0.7, 1.0), 48.0)
    every = max(1, -(-len(bars) // 7))
    drawn: list[Markup] = []
    for place, bar in enumerate(bars):
        x = _LEFT + step * place + (step - thick) / 2
        base = _TOP + inner_height
        if bar.value is None:
            drawn.append(Markup('<text class="few" x="{:.1f}" y="{:.1f}">few</text>').format(x + thick / 2, base - 4))
        else:
            height = inner_height * bar.value / top
            drawn.append(Markup('<rect class="one" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="1.5"/>').format(
                x, base - height, thick, height))
            if bar.second:
                part = inner_height * min(bar.second, bar.value) / top
                drawn.append(Markup('<rect class="two" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="1.5"/>').format(
                    x, base - part, thick, part))
        if place % every == 0:
            drawn.append(Markup('<text class="label" x="{:.1f}" y="{}">{}</text>').format(x + thick / 2, _HEIGHT - 8, bar.short))
    lines = Markup("").join(
        Markup('<line class="grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/><text class="tick" x="{}" y="{:.1f}">{}</text>').format(
            _LEFT, _WIDTH - _RIGHT, _LEFT - 6, _TOP + inner_height * (1 - share) + 4, number(top * share),
            y=_TOP + inner_height * (1 - share),
        )
        for share in (0.0, 0.5, 1.0)
    )
    return _figure(title, description or _describe(bars, unit), lines + Markup("").join(drawn), _table(bars, unit, second_unit),
                   Markup('<p class="legend"><span class="first">{}</span><span class="second">{}</span></p>').format(unit, second_unit)
                   if second_unit else Markup(""))


def days(title: str, counts: Sequence[tuple[date, int | None, int | None]], *, unit: str, second_unit: str = "") -> Markup:
    """Columns over days: (day, number, part of it in the second tone)."""
    return columns(title, [Bar(f"{day:%m-%d}", value, second) for day, value, second in counts], unit=unit, second_unit=second_unit)


def spark(values: Sequence[int], title: str) -> Markup:
    """A line of a few words' width; the numbers must stand elsewhere on the page."""
    if len(values) < 2:
        return Markup("")
    top = max([*values, 1])
    points = " ".join(f"{place * 100 / (len(values) - 1):.1f},{22 - 20 * value / top:.1f}" for place, value in enumerate(values))
    return Markup(
        '<svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label="{}"><polyline points="{}"/></svg>'
    ).format(title, points)


def share(part: float, whole: float, title: str) -> Markup:
    """A bar filled in part, such as reports of a week against a cap."""
    filled = 0.0 if whole <= 0 else min(100.0, 100.0 * part / whole)
    return Markup(
        '<svg class="share{}" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="all" width="100" height="6"/><rect class="part" width="{:.1f}" height="6"/></svg>'
    ).format(" full" if whole and part >= whole else "", title, filled)


def _figure(title: str, description: str, drawn: Markup, table: Markup, legend: Markup) -> Markup:
    return Markup(
        '<figure class="plot"><figcaption>{0}</figcaption>{4}<svg viewBox="0 0 {1} {2}" role="img" aria-label="{0}. {3}">'
        "<title>{0}</title><desc>{3}</desc>{5}</svg><details><summary>Numbers</summary>{6}</details></figure>"
    ).format(title, _WIDTH, _HEIGHT, description, legend, drawn, table)


def _table(bars: Sequence[Bar], unit: str, second_unit: str) -> Markup:
    head = Markup('<tr><th scope="col">When</th><th scope="col">{}</th>{}</tr>').format(
        unit, Markup('<th scope="col">{}</th>').format(second_unit) if second_unit else Markup(""))
    rows = Markup("").join(
        Markup('<tr><th scope="row">{}</th><td>{}</td>{}</tr>').format(
            bar.label, "too few to tell" if bar.value is None else number(bar.value),
            Markup("<td>{}</td>").format(number(bar.second)) if second_unit else Markup(""))
        for bar in bars
    )
    return Markup('<div class="scroll" tabindex="0" role="region" aria-label="{}"><table>{}{}</table></div>').format(unit, head, rows)


def _describe(bars: Sequence[Bar], unit: str) -> str:
    told = [bar for bar in bars if bar.value is not None]
    most = max(told, key=lambda bar: bar.value or 0)
    total = sum(bar.value or 0 for bar in told)
    return f"{number(total)} {unit} in all; most at {most.label} with {number(most.value)}"


def _round_up(value: float) -> float:
    """The least of 1, 2, 5, 10, 20, 50, ... that is not below."""
    size = 1.0
    while True:
        for factor in (1, 2, 5):
            if size * factor >= value:
                return size * factor
        size *= 10
