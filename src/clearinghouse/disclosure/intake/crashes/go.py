"""Go: panics, fatal errors, the race detector, and panics a program logged after recovering."""

import re
from collections.abc import Iterator, Sequence

from clearinghouse.disclosure.intake.crashes.trace import FRAMES_MAX, Trace, first_line, read_location
from clearinghouse.disclosure.intake.records import Frame

_HEADER = re.compile(r"^(?:\S{0,40}\s)?(?P<word>panic|fatal error|unknown error|unexpected fault address)(?:: |\s)(?P<rest>.{0,500})")
_RACE = re.compile(r"^WARNING: DATA RACE$")
_RACE_ACCESS = re.compile(r"^(?P<access>Read|Write|Previous read|Previous write) at 0x[0-9a-f]{1,16} by ")
_LOGGED = re.compile(r"[Pp]anic\b.{0,120}?: runtime error: (?P<rest>.{1,300})")
_GOROUTINE = re.compile(r"^goroutine \d{1,12} (?:gp=\S{1,30} m=\S{1,10} )?(?:mp=\S{1,30} )?\[")
_PLACE = re.compile(r"^\s*(?P<place>[^\s:]{1,600}:\d{1,9})(?: \+0x[0-9a-f]{1,16})?(?: fp=.{0,120})?$")
_BARE_PLACE = re.compile(r"^(?P<place>[\w./@~-]{1,400}\.(?:go|s):\d{1,9}) \(0x[0-9a-f]{1,16}\)$")
_RECOVERED = re.compile(r"\s*\[recovered(?:, repanicked)?\]\s*$")
_BRACKETS = re.compile(r"\s*(?:\[[^\]]{0,80}\]|with (?:length|capacity) \d{1,20})")
_HEADER_LINES = 15
_KINDS = ("index out of range", "slice bounds out of range", "integer divide by zero", "invalid memory address or nil pointer dereference",
          "makeslice: len out of range", "makeslice: cap out of range", "hash of unhashable type", "comparing uncomparable type",
          "cannot convert slice", "growslice: len out of range", "negative shift amount", "integer overflow")


def find_go(lines: Sequence[str]) -> Iterator[Trace]:
    """Every panic, fatal error and race of a Go program, in order."""
    number = 0
    while number < len(lines):
        trace = _at(lines, number)
        if trace is not None:
            yield trace
            number = max(trace.end, number + 1)
        else:
            number += 1


def _at(lines: Sequence[str], number: int) -> Trace | None:
    line = lines[number]
    if (line.startswith(("panic", "fatal error", "unknown error", "unexpected fault")) or ": panic: " in line[:60]) and (
        found := _HEADER.match(line)
    ):
        return _panic(lines, number, found["word"], found["rest"])
    if line.startswith("WARNING: DATA") and _RACE.match(line):
        return _race(lines, number)
    if "runtime error: " in line and (found := _LOGGED.search(line)) and not line.startswith("panic in thread"):
        frames, end = _bare_stack(lines, number + 1)
        if frames:
            return Trace("go", kind_of_panic("runtime error: " + found["rest"]), number, end, frames, message=found["rest"].strip())
    return None


def kind_of_panic(message: str) -> str:
    """What a panic says, without its values: the runtime's own word, or `panic` for a program's own message."""
    if "runtime error: " not in message:
        return "panic"
    rest = message.split("runtime error: ", 1)[1]
    return next((kind for kind in _KINDS if kind in rest), _BRACKETS.sub("", rest).strip()[:80])


def _panic(lines: Sequence[str], start: int, word: str, rest: str) -> Trace | None:
    end = min(len(lines), start + _HEADER_LINES)
    begin = next((number for number in range(start + 1, end) if _GOROUTINE.match(lines[number])), None)
    runtime = next((number for number in range(start + 1, end) if lines[number].startswith("runtime stack:")), None)
    if begin is None and runtime is not None:
        begin = next((number for number in range(runtime, min(len(lines), runtime + 80)) if _GOROUTINE.match(lines[number])), None)
    message = _RECOVERED.sub("", rest).strip()
    kind = kind_of_panic(rest) if word == "panic" else message[:80] if word == "fatal error" else word
    if begin is None:
        # Without a goroutine below it this may be anybody's prose: only the plain forms count.
        plain = lines[start].startswith(("panic: ", "fatal error: ")) and (word == "panic" or "runtime" in lines[max(0, start - 1)])
        return Trace("go", kind, start, start + 1, message=message) if plain else None
    frames, stop, cut = read_goroutine(lines, begin + 1)
    return Trace("go", kind, start, stop, frames, message=message, truncated=cut)


def _race(lines: Sequence[str], start: int) -> Trace:
    number = start + 1
    while number < min(len(lines), start + 6) and (found := _RACE_ACCESS.match(lines[number])) is None:
        number += 1
    access = found["access"].split()[-1].upper() if number < len(lines) and (found := _RACE_ACCESS.match(lines[number])) else ""
    frames, end, cut = read_goroutine(lines, number + 1)
    return Trace("go race detector", "data race", start, end, frames, access, message="data race", truncated=cut)


def read_goroutine(lines: Sequence[str], start: int) -> tuple[tuple[Frame, ...], int, bool]:
    """The frames of a goroutine, pairs of a call and a place; the index after them; whether some are missing."""
    frames: list[Frame] = []
    number = first_line(lines, start, len(lines))
    while number + 1 < len(lines) and len(frames) < FRAMES_MAX:
        if "additional frames elided" in lines[number]:
            return tuple(frames), number + 1, True
        place = _PLACE.match(lines[number + 1])
        call = lines[number].strip()
        if place is None or not call or ("." not in call and not call.startswith("panic(")):
            break
        located = read_location(place["place"])
        if located is None:
            break
        frames.append(Frame(_call(call), *located))
        number += 2
    cut = number < len(lines) and "additional frames elided" in lines[number]
    return tuple(frames), number, cut


def _call(line: str) -> str:
    """`pkg.(*T).method` of `pkg.(*T).method(0x1, {0x2, 0x3})`."""
    name = line.removeprefix("created by ").split(" in goroutine ", 1)[0]
    if not name.endswith(")"):
        return name
    depth = 0
    for position in range(len(name) - 1, -1, -1):
        depth += (name[position] == ")") - (name[position] == "(")
        if not depth:
            return name[:position]
    return name


def _bare_stack(lines: Sequence[str], start: int) -> tuple[tuple[Frame, ...], int]:
    """Frames that name only places, as some loggers print them."""
    frames: list[Frame] = []
    while start < len(lines) and len(frames) < FRAMES_MAX and (found := _BARE_PLACE.match(lines[start])):
        if (located := read_location(found["place"])) is not None:
            frames.append(Frame("", *located))
        start += 1
    return tuple(frames), start
