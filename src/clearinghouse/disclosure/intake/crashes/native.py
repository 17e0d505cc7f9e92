"""Sanitizers (ASan, HWASan, MSan, TSan, LSan, UBSan), libFuzzer, centipede, and plain signal handlers of native programs."""

import re
from collections.abc import Iterator, Sequence

from clearinghouse.disclosure.intake.crashes.trace import FRAMES_MAX, Trace, read_location, read_size
from clearinghouse.disclosure.intake.records import Frame

_SANITIZER = re.compile(r"(?:^|==|\s)(?:ERROR|WARNING): (?P<tool>(?:[A-Z][A-Za-z]{1,20})?Sanitizer)\s?: (?P<rest>.{1,400})")
_LIBFUZZER = re.compile(r"==\s?\d{1,9}==\s?ERROR: libFuzzer: (?P<rest>.{1,200})")
_UBSAN = ": runtime error: "
_CENTIPEDE = re.compile(r"^=========+ (?P<rest>(?:Stack limit|RSS limit|Timeout|Per-input timeout|Per-batch timeout|Failure)\b.{0,120})")
_CENTIPEDE_FAILURE = re.compile(r"\] Failure description: (?P<rest>[\w.-]{1,80})")
_SIGNAL = re.compile(r"^(?:\S{0,40}\s)?Received signal \d{1,3} (?P<rest>[A-Z_]{3,20})\b")
_CHECK = re.compile(r"\bFATAL:(?P<place>[\w./-]{1,200}\(\d{1,9}\))\] (?P<rest>.{1,300})")
_ASSERT = re.compile(r"^(?:[^:]{1,200}: )?(?P<place>[\w./+-]{1,300}:\d{1,9}): (?P<function>.{1,300}): Assertion `(?P<rest>.{1,300})' failed")
_EXECSAN = re.compile(r"^===BUG DETECTED: (?P<rest>[\w .-]{1,80})===")
_LINKER = re.compile(r"(?P<rest>CANNOT LINK EXECUTABLE .{1,200}|error while loading shared libraries: .{1,200})")
_DEBUGGER = re.compile(r"^(?:Program|Thread \d{1,6} \S{1,60}) received signal (?P<rest>SIG[A-Z]{2,10})")

_FRAME = re.compile(
    r"^(?:\[?[\d:/. ]{0,40}\]?\s)?\s{0,12}#(?P<number>\d{1,4})\s{1,8}"
    r"(?:(?:0x[0-9a-fA-F]{1,16}|(?=[0-9a-f]*\d)[0-9a-f]{8,16})\s{1,4}(?:in\s)?)?(?P<rest>.*)$"
)
_MODULE = re.compile(r"\s?\((?P<module>[^()\s]{1,400}|<unknown module>)\)(?:\s\(BuildId: [0-9a-f]{1,80}\))?$|\s<(?P<fuchsia>[\w.+-]{0,80})>\+0x[0-9a-f]{1,16}$")
_DISCRIMINATOR = re.compile(r"\s\(discriminator \d{1,6}\)$")
_PROGRESS = re.compile(r"\b(?:cov|exec/s|ft|units): \d|^(?:INITED|READ|NEW|REDUCE|RELOAD|DONE|pulse)\b")
_LIBRARY = re.compile(r"^[\w./+-]{1,200}\.(?:so(?:\.\d{1,4}){0,4}|dylib|dll|exe)$")
_OFFSET_MODULE = re.compile(r"\+0x[0-9a-fA-F]{1,16}$")
_ACCESS = re.compile(r"\b(?P<access>READ|WRITE|Read|Write|read|write) of size (?P<size>\d{1,12})")
_CAUSED = re.compile(r"caused by a (?P<access>READ|WRITE) memory access")
_LEAK = re.compile(r"^\s{0,8}(?P<kind>Direct|Indirect) leak of (?P<size>\d{1,15}) byte")
_ALLOCATION = re.compile(r"(?:trying to allocate|allocation size|malloc\() ?(?P<size>0x[0-9a-fA-F]{1,16}|\d{1,20})")
_END = re.compile(r"^\s{0,4}(?:SUMMARY: |==\d{1,9}==\s?ABORTING)")

# What a sanitizer says at length, in the word its own summary line uses.
_PHRASES = (
    ("attempting free on address which was not malloc", "bad-free"),
    ("attempting double-free", "double-free"),
    ("attempting to call malloc_usable_size", "bad-malloc_usable_size"),
    ("allocator is out of memory", "out-of-memory"),
    ("out of memory", "out-of-memory"),
    ("allocator is trying to allocate", "out-of-memory"),
    ("requested allocation size", "allocation-size-too-big"),
    ("specified RSS limit exceeded", "rss-limit-exceeded"),
    ("detected memory leaks", "leak"),
)
_KIND_END = re.compile(r"\s(?:on|in|at|of|by)\s|\s?\(|[:;]\s|\s0x|[.]?$")
_FUZZER_KINDS = (("out-of-memory", "out-of-memory"), ("timeout", "timeout"), ("deadly signal", "deadly signal"),
                 ("fuzz target exited", "fuzz target exited"), ("fuzz target overwrites its const input", "overwrites-const-input"))
_CONSEQUENCES = frozenset({"ABRT", "deadly signal", "fuzz target exited", "TRAP", "SIGABRT"})
_SEARCHED_LINES = 120
_GAP_LINES = 2


def find_native(lines: Sequence[str]) -> Iterator[Trace]:
    """Every report of a native tool in a log, in order."""
    headers = [(number, found) for number, line in enumerate(lines) if (found := _header(line)) is not None]
    end = 0
    for position, (start, (tool, kind, message, place)) in enumerate(headers):
        if start < end:
            continue  # a frame that reads like a header; reading on from each would cost their number squared
        limit = headers[position + 1][0] if position + 1 < len(headers) else len(lines)
        trace = _read(lines, start, limit, tool, kind, message, place)
        end = trace.end
        yield trace


def _header(line: str) -> tuple[str, str, str, str] | None:
    """(tool, kind, message, place) of a line that begins a report."""
    if "Sanitizer" in line and (found := _SANITIZER.search(line)):
        return found["tool"], _kind(found["rest"]), found["rest"], ""
    if "libFuzzer" in line and (found := _LIBFUZZER.search(line)):
        rest = found["rest"]
        return "libFuzzer", next((kind for start, kind in _FUZZER_KINDS if rest.startswith(start)), rest.split(" (", 1)[0]), rest, ""
    if (at := line.find(_UBSAN)) > 0:
        place, rest = line[:at].rpartition(" ")[2], line[at + len(_UBSAN) :][:500]
        if place == "<unknown>" or (place.count(":") >= 2 and read_location(place)):
            return "UndefinedBehaviorSanitizer", undefined_kind(rest), rest, place
    if line.startswith("==") and (found := _CENTIPEDE.match(line)):
        return "centipede", found["rest"].split(":", 1)[0].split(" of ", 1)[0].lower().replace(" ", "-"), found["rest"], ""
    if "Failure description" in line and (found := _CENTIPEDE_FAILURE.search(line)):
        return "centipede", found["rest"], found["rest"], ""
    if "Received signal" in line and (found := _SIGNAL.match(line)):
        return "signal handler", found["rest"], line.strip(), ""
    if "FATAL:" in line and (found := _CHECK.search(line)):
        return "assertion", "Check failed" if found["rest"].startswith("Check failed") else "FATAL", found["rest"], _bracketed(found["place"])
    if "Assertion `" in line and (found := _ASSERT.match(line)):
        return "assertion", "Assertion failed", found["rest"], found["place"]
    if line.startswith("===BUG") and (found := _EXECSAN.match(line)):
        return "ExecSan", found["rest"], found["rest"], ""
    if "received signal" in line and (found := _DEBUGGER.match(line)):
        return "gdb", found["rest"], line.strip(), ""
    if found := _LINKER.search(line):
        return "linker", "missing library", found["rest"], ""
    return None


def _bracketed(place: str) -> str:
    """`file.cc(12)` as `file.cc:12`."""
    return place.replace("(", ":").rstrip(")")


def _kind(rest: str) -> str:
    for phrase, kind in _PHRASES:
        if phrase in rest[:120]:
            return kind
    found = _KIND_END.search(rest)
    return (rest[: found.start()] if found else rest).strip()[:80]


_UNDEFINED = (
    "control flow integrity check", "signed integer overflow", "unsigned integer overflow", "division by zero", "load of null pointer",
    "store to null pointer", "member access within null pointer", "member call on null pointer", "reference binding to null pointer",
    "load of misaligned address", "store to misaligned address", "member access within misaligned address",
    "member call on misaligned address", "reference binding to misaligned address", "constructor call on misaligned address",
    "upcast of null pointer", "downcast of null pointer", "member call on address", "downcast of address", "member access within address",
    "upcast of address", "applying non-zero offset", "applying zero offset", "null pointer passed as argument",
    "null pointer returned from function", "execution reached an unreachable program point",
    "execution reached the end of a value-returning function", "assumption is violated", "implicit conversion", "left shift of negative value",
    "left shift", "shift exponent", "variable length array bound", "call to function", "addition of unsigned offset",
    "subtraction of unsigned offset", "pointer index expression", "negation of", "passing zero to",
)


def undefined_kind(message: str) -> str:
    """UBSan's sentence without the values and types in it."""
    for start in _UNDEFINED:
        if message.startswith(start):
            if start == "call to function" and "incorrect function" in message:
                return "call through incorrect function type"
            return start
    if message.startswith("index ") and "out of bounds" in message:
        return "index out of bounds"
    if "which is not a valid value" in message:
        return "load of invalid value"
    if "insufficient space" in message:
        return "object size mismatch"
    if "outside the range of representable values" in message:
        return "float cast overflow"
    return re.sub(r"0x[0-9a-fA-F]+|'[^']*'|\d+", "", message)[:80].strip()


def _read(lines: Sequence[str], start: int, limit: int, tool: str, kind: str, message: str, place: str) -> Trace:
    access, size, first = "", None, start + 1
    if tool == "UndefinedBehaviorSanitizer":
        access = "WRITE" if message.startswith("store to") else "READ" if message.startswith("load of") else ""
    if (found := _ALLOCATION.search(message)) and kind in ("out-of-memory", "allocation-size-too-big"):
        size = read_size(found["size"])
    for number in range(start, min(limit, start + 12)):
        if found := _ACCESS.search(lines[number]) or _CAUSED.search(lines[number]):
            access = found["access"].upper()
            size = int(found["size"]) if "size" in found.groupdict() else size
            break
        if number > start and _FRAME.match(lines[number]):
            break
    if kind == "leak":
        first, kind, size = _leak(lines, start, limit)
    frames, end, cut = read_stack(lines, first, min(limit, first + _SEARCHED_LINES))
    end = next((number + 1 for number in range(end, min(limit, end + 40)) if _END.match(lines[number])), end)
    located = read_location(place)
    where = None if located is None else Frame("", located[0], located[1])
    return Trace(tool, kind, start, end, frames, access, size, message, where, cut, kind in _CONSEQUENCES)


def _leak(lines: Sequence[str], start: int, limit: int) -> tuple[int, str, int | None]:
    """Where the first direct leak stands (an indirect one follows from it), its kind and size."""
    first: tuple[int, str, int | None] | None = None
    for number in range(start, limit):
        if found := _LEAK.match(lines[number]):
            seen = (number + 1, f"{found['kind'].lower()}-leak", int(found["size"]))
            if found["kind"] == "Direct":
                return seen
            first = first or seen
    return first or (start + 1, "leak", None)


def read_stack(lines: Sequence[str], start: int, limit: int) -> tuple[tuple[Frame, ...], int, bool]:
    """The first stack from `start`: its frames, the index after it, and whether frames are missing.

    Args:
        limit: index before which the stack must begin.
    """
    number, count = start, len(lines)
    while number < limit and ((found := _FRAME.match(lines[number])) is None or _PROGRESS.search(found["rest"])):
        if _END.match(lines[number]):
            return (), number, False
        number += 1
    frames: list[Frame] = []
    expected, gap, cut = 0, 0, False
    while number < count and len(frames) < FRAMES_MAX:
        found = _FRAME.match(lines[number])
        if found is None or _PROGRESS.search(found["rest"]):
            if frames and (place := read_location(lines[number])) and not frames[-1].path:
                frames[-1] = Frame(frames[-1].function, place[0], place[1], frames[-1].module)
            elif not frames or gap >= _GAP_LINES or not lines[number].strip() or _header(lines[number]) is not None:
                break
            else:
                gap += 1  # a long frame that was wrapped by a terminal
        else:
            at = int(found["number"])
            if at < expected:
                break
            cut = cut or at > expected
            expected, gap = at + 1, 0
            frames.append(read_frame(found["rest"]))
        number += 1
    while frames and not any((frames[-1].function, frames[-1].path, frames[-1].module)):
        frames.pop()
        cut = True
    return tuple(frames), number, cut or len(frames) >= FRAMES_MAX


def read_frame(untrusted_rest: str) -> Frame:
    """A frame from what follows its number and address."""
    rest = untrusted_rest.strip()
    module, path, line = "", "", None
    if (found := _MODULE.search(rest)) and _is_module(found):
        module = _OFFSET_MODULE.sub("", found["module"] or found["fuchsia"] or "")
        rest = rest[: found.start()].rstrip()
    rest = _DISCRIMINATOR.sub("", rest)
    if (opened := rest.find(" (")) > 0:
        # A debugger's frame, `f (a=1, b=0x0) at dir/file.c:12`: arguments may hold brackets and words of their own.
        if (at := rest.rfind(") at ")) > opened:
            place = rest[at + 5 :].split(" ", 1)[0]
            path, line = read_location(place) or (place, None)
            rest = rest[:opened]
        elif (at := rest.rfind(") from ")) > opened:
            module, rest = rest[at + 7 :].split(" ", 1)[0], rest[:opened]
        elif rest.endswith(")") and "=" in rest[opened:]:
            rest = rest[:opened]
    if not path:
        rest, path, line = _split_location(rest)
    if not path and not module and _LIBRARY.match(rest):
        rest, module = "", rest
    if rest in ("??", "<null>", "(<unknown module>)"):
        rest = ""
    return Frame(rest.removeprefix("in ").strip(), path, line, module)


def _is_module(found: re.Match[str]) -> bool:
    """Arguments such as `(int)` stand in brackets too: a module has a path, an offset or a tag."""
    module = found["module"]
    return module is None or "+0x" in module or "/" in module or "\\" in module or module.startswith("<") or ".so" in module


def _split_location(rest: str) -> tuple[str, str, int | None]:
    """(function, path, line) of `ns::f(int) dir/file.cc:12:3`."""
    tail = rest.rsplit(" ", 1)
    absolute = rest.find(" /")
    if absolute >= 0 and (located := read_location(rest[absolute + 1 :])):
        return rest[:absolute], *located
    if len(tail) == 2 and tail[1].startswith("??"):
        return tail[0], "", None
    if len(tail) == 2 and (located := read_location(tail[1])):
        return tail[0], *located
    if len(tail) == 2 and tail[1].startswith("/") and "(" not in tail[1]:
        return tail[0], tail[1], None
    return rest, "", None
