"""Rust, Python and Java: what their runtimes print when nothing catches the failure."""

import re
from collections.abc import Iterator, Sequence

from clearinghouse.disclosure.intake.crashes.native import read_stack
from clearinghouse.disclosure.intake.crashes.trace import FRAMES_MAX, Trace, read_location, read_size
from clearinghouse.disclosure.intake.records import Frame

_RUST = re.compile(r"^thread '(?P<thread>[^']{0,120})' (?:\(\d{1,12}\) )?panicked at (?P<rest>.{0,600})$")
_RUST_PLACE_LAST = re.compile(r"', (?P<place>[^\s']{1,400}:\d{1,9}:\d{1,9})$")
_RUST_FRAME = re.compile(r"^\s{0,6}(?P<number>\d{1,4}): (?:\s{0,4}0x[0-9a-f]{1,16} - )?(?P<function>\S.{0,900})$")
_RUST_AT = re.compile(r"^\s{6,40}at (?P<place>\S{1,500})$")
_RUST_KINDS = (
    "index out of bounds", "called `Option::unwrap()` on a `None` value", "called `Result::unwrap()` on an `Err` value", "explicit panic",
    "assertion `left == right` failed", "assertion failed", "attempt to add with overflow", "attempt to subtract with overflow",
    "attempt to multiply with overflow", "attempt to negate with overflow", "attempt to divide by zero", "attempt to divide with overflow",
    "attempt to calculate the remainder with a divisor of zero", "attempt to shift left with overflow", "attempt to shift right with overflow",
    "internal error: entered unreachable code", "not yet implemented", "not implemented", "already borrowed", "already mutably borrowed",
    "capacity overflow", "range start index", "range end index", "slice index starts at", "byte index", "mid > len",
)
_RUST_ALLOCATION = re.compile(r"^memory allocation of (?P<size>\d{1,20}) bytes failed")
_RUST_LINES = 12

_PYTHON = "Traceback (most recent call last):"
_PYTHON_FRAME = re.compile(r"^\s{0,12}(?:\|\s)?\s{0,12}File \"(?P<path>[^\"]{1,600})\", line (?P<line>\d{1,9})(?:, in (?P<function>.{1,300}))?$")
_PYTHON_ERROR = re.compile(r"^(?P<kind>(?:[A-Za-z_]\w{0,80}\.){0,10}[A-Za-z_]\w{0,100})(?:: (?P<message>.{0,500}))?$")
_PYTHON_CHAINED = ("During handling of the above exception", "The above exception was the direct cause")

_JAVA = re.compile(
    r"^(?:== Java Exception: |Exception in thread \"[^\"]{0,120}\" |\S{0,40}\s?Caused by: |Uncaught exception: )?"
    r"(?P<kind>(?:[A-Za-z_][\w$]{0,80}\.){1,12}[A-Za-z_][\w$]{0,100})(?:: (?P<message>.{0,500}))?$"
)
_JAVA_FRAME = re.compile(
    r"^\s{0,12}at (?P<function>[\w.$<>/@\-]{1,400})\((?P<place>[^()]{0,200})\)(?: ~?\[[^\]]{0,200}\])?$"
)
_JAVA_MORE = re.compile(r"^\s{0,12}\.\.\. \d{1,6} (?:more|common frames omitted)$")


def find_rust(lines: Sequence[str]) -> Iterator[Trace]:
    """Every panic of a Rust program, in order."""
    for number, line in enumerate(lines):
        if "' " in line and (found := _RUST.match(line)):
            yield _rust(lines, number, found["rest"])
        elif line.startswith("memory allocation of") and (found := _RUST_ALLOCATION.match(line)):
            yield Trace("rust", "memory allocation failed", number, number + 1, size_bytes=read_size(found["size"]), message=line.strip()[:200])


def _rust(lines: Sequence[str], start: int, rest: str) -> Trace:
    message, end = rest, start + 1
    located = None if rest.startswith("'") else read_location(rest.rstrip(":"))
    if located is not None:  # since 1.73 the place stands in the first line and the message in the next
        message = lines[start + 1].strip() if start + 1 < len(lines) else ""
    else:
        for number in range(start, min(len(lines), start + _RUST_LINES)):
            if found := _RUST_PLACE_LAST.search(lines[number]):
                located, end = read_location(found["place"]), number + 1
                break
        message = rest.removeprefix("'").rsplit("', ", 1)[0]
    kind = next((kind for kind in _RUST_KINDS if message.startswith(kind)), "panic")
    place = None if located is None else Frame("", *located)
    frames: tuple[Frame, ...] = ()
    cut = False
    for number in range(end, min(len(lines), end + _RUST_LINES)):
        if lines[number].startswith("stack backtrace:"):
            frames, end = _rust_stack(lines, number + 1)
            if not frames:
                frames, end, cut = read_stack(lines, number + 1, min(len(lines), number + 40))
            break
    return Trace("rust", kind, start, end, frames, message=message[:300], place=place, truncated=cut)


def _rust_stack(lines: Sequence[str], start: int) -> tuple[tuple[Frame, ...], int]:
    frames: list[Frame] = []
    while start < len(lines) and len(frames) < FRAMES_MAX:
        if found := _RUST_FRAME.match(lines[start]):
            frames.append(Frame(found["function"]))
        elif frames and (found := _RUST_AT.match(lines[start])):
            located = read_location(found["place"])
            if located is not None:
                frames[-1] = Frame(frames[-1].function, *located)
        else:
            break
        start += 1
    return tuple(frames), start


def find_python(lines: Sequence[str]) -> Iterator[Trace]:
    """Every traceback, in order; one raised while another was handled belongs to it."""
    number, last_end = 0, -10
    while number < len(lines):
        if _PYTHON not in lines[number]:
            number += 1
            continue
        trace = _python(lines, number)
        between = lines[max(0, last_end) : number]
        if not any(line.startswith(_PYTHON_CHAINED) for line in between):
            yield trace
        last_end = trace.end
        number = trace.end


def _python(lines: Sequence[str], start: int) -> Trace:
    frames: list[Frame] = []
    number, end = start + 1, start + 1
    kind = message = ""
    while number < len(lines):
        line = lines[number]
        if found := _PYTHON_FRAME.match(line):
            if len(frames) < FRAMES_MAX:
                frames.append(Frame(found["function"] or "", found["path"], int(found["line"])))
            end = number + 1
        elif line.startswith((" ", "\t", "|")) and frames:
            end = number + 1
        elif (found := _PYTHON_ERROR.match(line)) and not line.startswith("INFO"):
            kind, message, end = found["kind"], found["message"] or "", number + 1
            break
        else:
            break
        number += 1
    begin = start
    if not kind:  # Atheris names the exception above the traceback
        for before in range(max(0, start - 3), start):
            if found := _PYTHON_ERROR.match(lines[before]):
                kind, message, begin = found["kind"], found["message"] or "", before
    return Trace("python", kind or "exception", begin, end, tuple(reversed(frames)), message=message.strip())


def find_java(lines: Sequence[str]) -> Iterator[Trace]:
    """Every exception of a Java virtual machine with its innermost cause, in order."""
    number = 0
    while number + 1 < len(lines):
        found = _JAVA.match(lines[number]) if "." in lines[number] else None
        if found is None or not _JAVA_FRAME.match(lines[number + 1]):
            number += 1
            continue
        trace = _java(lines, number, found)
        yield trace
        number = trace.end


def _java(lines: Sequence[str], start: int, header: re.Match[str]) -> Trace:
    kind, message = header["kind"], header["message"] or ""
    frames: list[Frame] = []
    number, cut = start + 1, False
    while number < len(lines):
        line = lines[number]
        if found := _JAVA_FRAME.match(line):
            if len(frames) < FRAMES_MAX:
                frames.append(_java_frame(found["function"], found["place"]))
        elif _JAVA_MORE.match(line):
            pass
        elif line.lstrip().startswith("Caused by: ") and (found := _JAVA.match(line.lstrip())):
            # What failed first stands last, and its frames are the ones nearest to the flaw.
            kind, message, frames = found["kind"], found["message"] or "", []
        else:
            break
        number += 1
    return Trace("java", kind, start, number, tuple(frames), message=message, truncated=cut)


def read_python_frame(line: str) -> Frame | None:
    """The frame of a line such as `File "a.py", line 3, in f`."""
    found = _PYTHON_FRAME.match(line)
    return None if found is None else Frame(found["function"] or "", found["path"], int(found["line"]))


def read_java_frame(line: str) -> Frame | None:
    """The frame of a line such as `at pkg.Class.method(Class.java:3)`."""
    found = _JAVA_FRAME.match(line)
    return None if found is None else _java_frame(found["function"], found["place"])


def _java_frame(function: str, place: str) -> Frame:
    name, _, number = place.rpartition(":")
    module, _, bare = function.rpartition("/")
    known = number.isdecimal()
    return Frame(bare, name if known else "" if place in ("Native Method", "Unknown Source") else place, int(number[:9]) if known else None, module)
