"""Figures over what the viewer reads on duty: what came, what waits and how long, what duplicates saved, how soon people answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from clearinghouse.app.views.telling import coordinates
from clearinghouse.app.wiring import Instance
from clearinghouse.disclosure.coordination.rooms.store import cases, vulnerabilities
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.deconfliction.records import SAMENESS, Verdict
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.withdrawals import store as withdrawals

SMALL_CELL_MIN = 5
"""A public number below this is not told (R34): it could point at somebody."""
_AGES: tuple[tuple[str, float], ...] = (
    ("under 1 day", 1), ("1 to 3 days", 3), ("3 to 7 days", 7), ("7 to 14 days", 14), ("14 to 30 days", 30), ("over 30 days", float("inf")),
)
_FIX_AGES: tuple[tuple[str, float], ...] = (
    ("under 7 days", 7), ("7 to 30 days", 30), ("30 to 90 days", 90), ("over 90 days", float("inf")),
)
_ROOMS_MAX = 500
"""Newest cases looked at for the time to fix; bounds one look."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day of inflow."""

    day: date
    received: int | None
    """None where the number is too small to be told."""
    joined: int | None
    """Of these, reports that joined one received before: what nobody had to read twice."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """The figures of one viewer."""

    days: tuple[Day, ...]
    received: int | None
    joined: int | None
    waiting: int | None
    """Proposals that wait for a person's word."""
    ages: tuple[tuple[str, int | None], ...]
    """How long they have waited: (words, number), youngest first."""
    first_word_hours: float | None
    """Median time from receipt to a person's first decision, in hours; None before there are any."""
    first_words: tuple[tuple[str, int | None], ...]
    """The same as a distribution."""
    fix_days: float | None = None
    """Median time from a case's first report to a vendor's first word that a flaw is fixed, in days."""
    fixes: tuple[tuple[str, int | None], ...] = ()
    """The same as a distribution."""

    @property
    def joined_share(self) -> float | None:
        """The part of what came that joined something known."""
        return None if not self.received or self.joined is None else self.joined / self.received


def read_statistics(instance: Instance, *, days: int = 30, public: bool = False) -> Statistics:
    """The figures of the last days over what the viewer reads on duty; nothing for who coordinates nothing.

    Args:
        public: leave out every number below `SMALL_CELL_MIN`, for a page that everybody may read.
    """
    now = instance.clock.now()
    since = (now - timedelta(days=days - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    if not coordinates(instance):
        return _put_together({}, {}, {}, {}, {}, [], since, now, days, public)
    viewer = instance.actor.id
    with instance.read() as tx:
        received = intake.received_by_day(tx, viewer=viewer, now=now, since=since)
        joined = intake.received_by_day(tx, viewer=viewer, now=now, since=since, among=deconfliction.joined_later())
        unsure = intake.received_instants(tx, deconfliction.placed_as(Verdict.UNSURE), viewer=viewer, now=now)
        with tx.beyond_wall():
            words = [word for word in deconfliction.standing_words(tx) if word.kind in SAMENESS]
            gone = withdrawals.system_withdrawn(tx, sorted(unsure))
        unsure = {number: at for number, at in unsure.items() if number not in gone}
        first: dict[int, datetime] = {}
        for word in words:
            for group in word.groups:
                for number in group:
                    first.setdefault(number, word.at)
        came = intake.received_instants(tx, deconfliction.numbers_listed(tx, sorted(first)), viewer=viewer, now=now)
        rooms = cases.list_rooms(tx, instance.envelope, viewer=viewer, now=now, limit=_ROOMS_MAX)
        fixes = vulnerabilities.list_fixes(tx, rooms)
    return _put_together(received, joined, unsure, first, came, fixes, since, now, days, public)


def _put_together(
    received: dict[str, int], joined: dict[str, int], unsure: dict[int, datetime], first: dict[int, datetime], came: dict[int, datetime],
    fixes: Sequence[tuple[datetime, datetime]], since: datetime, now: datetime, days: int, public: bool,
) -> Statistics:
    def told(count: int) -> int | None:
        return None if public and 0 < count < SMALL_CELL_MIN else count

    line = [(since + timedelta(days=place)).date() for place in range(days)]
    waits = [(now - at).total_seconds() / 86_400 for number, at in unsure.items() if number not in first]
    lasted = [max(0.0, (fixed - came_in).total_seconds() / 86_400) for came_in, fixed in fixes]
    spans = [(first[number] - at).total_seconds() / 3_600 for number, at in came.items()]
    return Statistics(
        tuple(Day(day, told(received.get(day.isoformat(), 0)), told(joined.get(day.isoformat(), 0))) for day in line),
        told(sum(received.values())), told(sum(joined.values())), told(len(waits)),
        tuple((words, told(count)) for words, count in histogram(waits)),
        median(spans) if spans and told(len(spans)) is not None else None,
        tuple((words, told(count)) for words, count in histogram([hours / 24 for hours in spans])),
        median(lasted) if lasted and told(len(lasted)) is not None else None,
        tuple((words, told(count)) for words, count in histogram(lasted, _FIX_AGES)),
    )


def histogram(days: Sequence[float], spans: Sequence[tuple[str, float]] = _AGES) -> list[tuple[str, int]]:
    """How many of these ages, in days, fall into each span, youngest first."""
    counts = [0] * len(spans)
    for age in days:
        counts[next(place for place, (_, most) in enumerate(spans) if age < most)] += 1
    return [(words, count) for (words, _), count in zip(spans, counts, strict=True)]
