"""Dates in a notation made up for measuring; nobody runs it. Its flaws are planted, each with a canary."""

import re
from collections.abc import Callable

CANARIES: list[str] | None = None
"""Where a test wants to know which flaws are triggered."""
_MONTHS = ("Ice", "Thaw", "Seed", "Hay", "Fire", "Leaf", "Fog", "Night")
_ZONES = {"north": 3, "south": -2}
_NOTE = re.compile(r"(?:[a-z]+ ?)+!")
_SPAN_DAYS_MAX = 4_000


class DateError(Exception):
    """What a text that is no date is answered with."""


def _canary(flaw: str, triggered: bool) -> None:
    if CANARIES is not None and triggered:
        CANARIES.append(flaw)


def _number(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or len(text) > 9:
        raise DateError("a number is of digits")
    return int(text)


def _month(number: int) -> str:
    _canary("dates/month", number > len(_MONTHS))
    return _MONTHS[number - 1]


def _date(text: str) -> str:
    day, separator, month = text.partition("/")
    if not separator or _number(month) == 0:
        raise DateError("a date is DAY/MONTH")
    return f"{_number(day)} {_month(_number(month))}"


def _season(text: str) -> str:
    found = _month(_number(text) * 2)
    return found.upper()


def _zone(text: str) -> int:
    found = _ZONES.get(text)
    _canary("dates/zone", found is None)
    return found.bit_length()  # type: ignore[union-attr]  # planted


def _note(text: str) -> bool:
    _canary("dates/note", "+ ?)+" in _NOTE.pattern and len(text) > 26 and not text.endswith("!") and all(c.islower() or c == " " for c in text[:-1]))
    return _NOTE.fullmatch(text) is not None


def _span(text: str) -> int:
    days = _number(text)
    _canary("dates/span", days > _SPAN_DAYS_MAX)
    return len([bytearray(b"." * 100_000) for _ in range(days)])


def _unknown(text: str) -> None:
    raise DateError("no such verb")


_VERBS: dict[str, Callable[[str], object]] = {"date": _date, "season": _season, "zone": _zone, "note": _note, "span": _span}


def reproduce(data: bytes) -> None:
    """Read lines of dates."""
    try:
        for line in data.decode("ascii", "replace").splitlines():
            verb, _, rest = line.partition(" ")
            _VERBS.get(verb, _unknown)(rest)
    except DateError:
        return
