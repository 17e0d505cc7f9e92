"""Days, business days and time zones: a calendar day is 24 hours, and only business days look at a wall clock."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from clearinghouse.core.terms import Weekend

_OFF: dict[Weekend, frozenset[int]] = {
    Weekend.SATURDAY_SUNDAY: frozenset({5, 6}), Weekend.FRIDAY_SATURDAY: frozenset({4, 5}), Weekend.NONE: frozenset(),
}


def zone_of(name: str) -> tzinfo:
    """The time zone of a name; UTC where this machine does not know it (a container without the zone files)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def days_after(start: datetime, days: int) -> datetime:
    """24 hours times `days` after an instant: summer time neither lengthens nor shortens a term."""
    return start + timedelta(days=days)


def business_days_after(start: datetime, days: int, weekend: Weekend, zone: str) -> datetime:
    """The same time of day on the `days`-th business day after an instant, in the named zone.

    Where the start falls on a weekend, its first business day counts as one. A time of day that the
    zone skips that day is read as an hour later, one that occurs twice as the first.
    """
    place = zone_of(zone)
    local = start.astimezone(place)
    day, left = local, days
    while left > 0:
        day += timedelta(days=1)  # wall-clock arithmetic, because the datetime carries its zone
        left -= day.weekday() not in _OFF[weekend]
    return day.astimezone(UTC)


def render_in(at: datetime, zone: str) -> str:
    """An instant to the minute in UTC, and beside it in the named zone where that differs."""
    utc = at.astimezone(UTC)
    text = f"{utc:%Y-%m-%d %H:%M} UTC"
    place = zone_of(zone)
    if place is UTC or zone in ("UTC", "Etc/UTC"):
        return text
    local = at.astimezone(place)
    return f"{text} ({local:%Y-%m-%d %H:%M} {zone})"


def render_span(span: timedelta) -> str:
    """A length of time in days and hours, as people say it."""
    seconds = int(abs(span.total_seconds()))
    if seconds < 3600:
        minutes = seconds // 60
        return f"{minutes} minute{'' if minutes == 1 else 's'}"
    days, hours = divmod(seconds // 3600, 24)
    parts = [f"{days} day{'' if days == 1 else 's'}"] if days else []
    if hours:
        parts.append(f"{hours} hour{'' if hours == 1 else 's'}")
    return " ".join(parts)
