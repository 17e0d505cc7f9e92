"""Text from outside on a page: on one line, bounded, with what cannot be seen made visible; and the words for time and number."""

import re
from datetime import UTC, datetime

from markupsafe import Markup, escape

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufe00-\ufe0e\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_UNITS = ((365 * 86_400, "year"), (30 * 86_400, "month"), (86_400, "day"), (3_600, "hour"), (60, "minute"))


def visible(untrusted_text: str) -> str:
    """The text with each control, bidirectional and invisible character written out by its number (U+202E); line ends are `\\n`."""
    text = untrusted_text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in untrusted_text else untrusted_text
    return _UNSEEN.sub(lambda found: f"‹U+{ord(found[0]):04X}›", text)


def one_line(untrusted_text: object, width: int = 160) -> str:
    """The text on one line of at most `width` characters, an ellipsis last where it was cut."""
    text = " ".join(visible(str(untrusted_text)[: width * 8]).split())
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def instant(at: datetime | None, precision: str = "minute") -> Markup:
    """An instant in UTC with its zone, as an element that programs can read.

    Args:
        precision: `day`, `minute` or `second`.
    """
    if at is None:
        return Markup('<span class="none">not set</span>')
    shape = {"day": "%Y-%m-%d", "minute": "%Y-%m-%d %H:%M UTC", "second": "%Y-%m-%d %H:%M:%S UTC"}[precision]
    there = at.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(there.strftime("%Y-%m-%dT%H:%M:%SZ"), there.strftime(shape))


def relative_words(at: datetime, now: datetime) -> str:
    """How far from now, in the largest unit that fits twice or once: `3 hours ago`, `in 12 days`."""
    seconds = int((at - now).total_seconds())
    size = abs(seconds)
    if size < 60:
        return "just now" if seconds <= 0 else "in less than a minute"
    unit_seconds, unit = next((length, name) for length, name in _UNITS if size >= length)
    count = size // unit_seconds
    said = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"in {said}" if seconds > 0 else f"{said} ago"


def relative(at: datetime | None, now: datetime) -> Markup:
    """`3 hours ago`, with the instant itself for programs and as a hint."""
    if at is None:
        return Markup('<span class="none">never</span>')
    there = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        there.strftime("%Y-%m-%dT%H:%M:%SZ"), there.strftime("%Y-%m-%d %H:%M UTC"), relative_words(at, now)
    )


def duration_words(seconds: float) -> str:
    """A length of time in its two largest units: `12 days 4 hours`."""
    left = int(abs(seconds))
    parts: list[str] = []
    for length, unit in _UNITS[2:]:
        count, left = divmod(left, length)
        if count or parts:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if part) or "less than a minute"


def number(value: float | None) -> str:
    """A number with its thousands apart."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 report`, `2 reports`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def size_words(size_bytes: int) -> str:
    """A size for people: `1.4 MiB`."""
    size = float(size_bytes)
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def full_id(object_id: str) -> Markup:
    """An id, cut by the style sheet and whole when copied."""
    return Markup('<code class="id" data-copy="{0}" title="{0}">{0}</code>').format(one_line(object_id, 200))


def paragraphs(untrusted_text: str) -> Markup:
    """Plain text with its line ends kept and nothing read into it."""
    return Markup('<div class="typed">{}</div>').format(escape(visible(untrusted_text)))
