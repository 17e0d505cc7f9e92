"""What every family yields: one trace, with where it stands in the log."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from clearinghouse.disclosure.intake.records import Frame

FRAMES_MAX = 300
"""A sanitizer prints at most 256; a runtime's recursion says no more past that."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One report of one crash."""

    tool: str
    kind: str
    start: int
    """Index of its first line."""
    end: int
    """Index after its last line."""
    frames: tuple[Frame, ...] = ()
    access: str = ""
    size_bytes: int | None = None
    message: str = ""
    """What the tool says in a sentence."""
    place: Frame | None = None
    """Where the tool says it happened, apart from the stack."""
    truncated: bool = False
    consequence: bool = False
    """A signal or an exit that follows from what was said before it (abort after a panic): no report of its own then."""


_LOCATION = re.compile(r"^(?P<path>[^\s:][^:]{0,400}|[A-Za-z]:[\\/][^:]{0,400}):(?P<line>\d{1,9})(?::\d{1,9})?$")


def read_location(untrusted: str) -> tuple[str, int | None] | None:
    """(path, line) of `dir/file.c:12:3`; None where it is no such thing."""
    found = _LOCATION.match(untrusted.strip())
    if found is None or ("." not in found["path"] and "/" not in found["path"]):
        return None
    return found["path"], int(found["line"]) or None


def read_size(digits: str) -> int | None:
    """A size in bytes of decimal or `0x` digits; None where no memory has so many."""
    size = int(digits, 16 if digits.startswith("0x") else 10)
    return size if size < 1 << 63 else None


def first_line(lines: Sequence[str], start: int, end: int) -> int:
    """The first index from `start` that is not a blank line."""
    while start < end and not lines[start].strip():
        start += 1
    return start
