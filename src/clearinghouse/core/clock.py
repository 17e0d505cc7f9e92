"""Time as the rules see it: an instant in UTC, handed in, never looked up."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Whoever can say what time it is."""

    def now(self) -> datetime:
        """The present instant, UTC, aware."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until moved: for tests and for reproducible demonstrations."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def render_instant(at: datetime) -> str:
    """RFC 3339 in UTC with a `Z` and microseconds: sorts as text in the order of time."""
    if at.tzinfo is None:
        raise ValueError("an instant needs a zone; a naive datetime was handed in")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_instant(text: str) -> datetime:
    """The instant of an RFC 3339 text; a date alone is its midnight, no zone is read as UTC.

    Raises:
        ValueError: the text is no date and no date-time.
    """
    cleaned = text.strip().replace("Z", "+00:00").replace("z", "+00:00")
    at = datetime.fromisoformat(cleaned)
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999 in UTC") from None
