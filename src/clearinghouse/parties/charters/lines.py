"""On which line of a TOML document something stands, so that a message can say so."""

import re
from collections.abc import Mapping

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
_MARKS = ('"""', "'''")


def toml_lines(text: str) -> Mapping[str, int]:
    """JSON Pointer of every table and key to its line, as far as a line tells; entries within a line share it."""
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = ""
    closing = ""
    for number, line in enumerate(text.split("\n"), 1):
        if closing:
            closing = "" if closing in line else closing
            continue
        if (header := _HEADER.match(line)) is not None and "=" not in header[2]:
            table = _pointer("", header[2], counts)
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}/{counts[table]}"
            found.setdefault(table, number)
        elif (key := _KEY.match(line)) is not None:
            found.setdefault(_pointer(table, key[1], counts), number)
            rest = line[key.end() :]
            closing = next((mark for mark in _MARKS if rest.count(mark) == 1), "")
    return found


def line_of(lines: Mapping[str, int], place: str) -> int | None:
    """The line of a place, or of the nearest thing around it that has one."""
    while place:
        if place in lines:
            return lines[place]
        place = place.rpartition("/")[0]
    return None


def _pointer(start: str, dotted: str, counts: Mapping[str, int]) -> str:
    place = start
    names = [name.strip("\"'") for name in _PART.findall(dotted)]
    for position, name in enumerate(names):
        place += "/" + name.replace("~", "~0").replace("/", "~1")
        # A table within an array of tables belongs to its last entry.
        if position < len(names) - 1 and place in counts:
            place += f"/{counts[place]}"
    return place
