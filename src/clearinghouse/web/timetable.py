"""The timetable of an embargo as a picture: a bar for each clock on one line of time, with the instants as text beside it.

Each clock is a line of a list with a drawing of its own, so that text keeps its size on a narrow screen; colours come
from the style sheet, and nothing is said by colour alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from clearinghouse.app.views.embargo_clock import EmbargoClock
from clearinghouse.disclosure.coordination.embargo.records import DutyState
from clearinghouse.web.text import instant, one_line

_LINES_MAX = 40


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    began: datetime | None
    at: datetime | None
    kind: str
    words: str


def timetable(clock: EmbargoClock, now: datetime) -> Markup:
    """A list with one drawn line of time for each clock, duty and date; the one that binds is marked in words as well."""
    lines = _lines(clock)
    instants = [at for line in lines for at in (line.began, line.at) if at is not None]
    if not instants:
        return Markup('<p class="none">No clock runs yet.</p>')
    first, last = min([*instants, now]), max([*instants, now])
    span = max((last - first).total_seconds(), 1.0)

    def place(at: datetime) -> float:
        return 100.0 * (at - first).total_seconds() / span

    rows = Markup("").join(_row(line, place, now) for line in lines[:_LINES_MAX])
    return Markup(
        '<figure class="plot times"><figcaption>Timetable</figcaption><p class="ends" aria-hidden="true"><span>{}</span><span>{}</span></p>'
        '<ol aria-label="Clocks of this case; the upright line is now">{}</ol></figure>'
    ).format(first.strftime("%Y-%m-%d"), last.strftime("%Y-%m-%d"), rows)


def _row(line: _Line, place: Callable[[datetime], float], now: datetime) -> Markup:
    drawn = Markup("")
    if line.at is not None:
        end = place(line.at)
        start = place(line.began) if line.began is not None else end
        left, width = min(start, end), max(abs(end - start), 0.8)
        drawn = Markup('<rect class="{}" x="{:.2f}" y="3" width="{:.2f}" height="4"/>').format(line.kind, min(left, 99.2), width)
    elif line.began is not None:
        drawn = Markup('<rect class="{} open" x="{:.2f}" y="4" width="{:.2f}" height="2"/>').format(
            line.kind, place(line.began), max(100.0 - place(line.began), 0.8))
    return Markup(
        '<li class="{kind}"><span class="what">{name}{binds}</span><span class="when">{at}</span>'
        '<svg class="track" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">{drawn}'
        '<line class="axis" x1="{now:.2f}" x2="{now:.2f}" y1="0" y2="10"/></svg></li>'
    ).format(
        kind=line.kind, name=one_line(line.name, 80), binds=Markup(" <strong>binds</strong>") if line.kind == "binds" else Markup(""),
        at=instant(line.at) if line.at is not None else one_line(line.words, 80), drawn=drawn, now=place(now),
    )


def _lines(clock: EmbargoClock) -> list[_Line]:
    lines = [
        _Line(one.holder, one.started_at, one.at, "binds" if one.binds else "other", one.at_words)
        for one in sorted(clock.clocks, key=lambda one: (not one.binds, one.rank))
    ]
    lines += [
        _Line(f"{one.what} ({one.state.replace('_', ' ')})", None, one.at, "overdue" if one.state is DutyState.OVERDUE else "duty", one.words)
        for one in clock.duties if one.at is not None
    ]
    lines += [_Line(f"details of {holder}", None, at, "details", "") for holder, at in clock.details]
    return lines
