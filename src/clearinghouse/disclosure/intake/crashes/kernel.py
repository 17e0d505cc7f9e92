"""The Linux kernel: KASAN, KMSAN, KCSAN, KFENCE, UBSAN, oopses, BUG and WARNING lines."""

import re
from collections.abc import Iterator, Sequence

from clearinghouse.disclosure.intake.crashes.trace import FRAMES_MAX, Trace, read_location
from clearinghouse.disclosure.intake.records import Frame

_PREFIX = re.compile(r"^(?:<\d{1,2}>)?(?:\[\s{0,8}\d{1,9}\.\d{1,9}\](?:\[\s{0,8}[TC]?\d{1,9}\])?\s?)?")
_SANITIZER = re.compile(r"^BUG: (?P<tool>KASAN|KMSAN|KCSAN|KFENCE): (?P<kind>[\w -]{1,80}?)(?: (?:in|on|at) (?P<rest>.{1,300})| access in (?P<also>.{1,300}))?$")
_UNDEFINED = re.compile(r"^UBSAN: (?P<kind>[\w -]{1,80}?) in (?P<place>[^\s]{1,300}:\d{1,9}(?::\d{1,9})?)$")
_OOPS = re.compile(
    r"^(?:(?P<fault>general protection fault)|BUG: (?P<page>unable to handle [\w -]{1,60}?)(?: (?:for|at) .{0,80})?"
    r"|(?P<null>Unable to handle kernel [\w ]{1,60}?)(?: at .{0,80})?|kernel BUG at (?P<place>[^\s!]{1,300})!"
    r"|WARNING: CPU: \d{1,4} PID: \d{1,9} at (?P<warning>[^\s]{1,300}) (?P<function>\S{1,200}))(?:[:,]? .{0,300})?$"
)
_ACCESS = re.compile(r"^(?P<access>Read|Write) (?:of size (?P<size>\d{1,12})|at addr)")
_TRACE = re.compile(r"^(?:Call [Tt]race:|Backtrace:|\s?<TASK>|Stack:|Call Trace)")
_RIP = re.compile(r"^(?:RIP|PC is at|pc) ?:? ?(?:[0-9a-f]{4}:)?(?:\[<[0-9a-f]{8,16}>\]\s{0,4}){0,2}(?P<function>[A-Za-z_][\w.]{1,200}\+0x[0-9a-f]{1,8}/0x[0-9a-f]{1,8})(?: (?P<place>\S{1,300}))?")
_FRAME = re.compile(
    r"^\s{0,8}(?:\[<(?P<address>[0-9a-f ]{0,20}|\s{0,12}inlined?\s{0,12}|\s{0,12}none\s{0,12})>\]\s{1,4})?(?P<stale>\? )?"
    r"(?P<function>[A-Za-z_][\w.]{0,200}(?:\+0x[0-9a-f]{1,8}/0x[0-9a-f]{1,8})?)(?: \[(?P<module>[\w-]{1,80})\])?(?P<rest>(?: \S{1,300}){0,4})$"
)
_OVER = re.compile(r"^(?:=====|---\[ end|Allocated by|Freed by|Memory state|Code: |The buggy address|Modules linked|R[A-D]X: |RSP: |RIP: )")
_SEARCHED_LINES = 80


def find_kernel(lines: Sequence[str]) -> Iterator[Trace]:
    """Every report of a kernel in a log, in order."""
    if not any("BUG: " in line or "UBSAN: " in line or "protection fault" in line or "nable to handle" in line or "WARNING: CPU" in line
               for line in lines):
        return
    bare = [_PREFIX.sub("", line, count=1) for line in lines]
    headers = [(number, trace) for number, line in enumerate(bare) if (trace := _header(line, number)) is not None]
    for position, (start, header) in enumerate(headers):
        limit = headers[position + 1][0] if position + 1 < len(headers) else len(bare)
        yield _read(bare, start, limit, header, position > 0)


def _header(line: str, number: int) -> Trace | None:
    if line.startswith("BUG: K") and (found := _SANITIZER.match(line)):
        return Trace(found["tool"], found["kind"].removesuffix(" access"), number, number + 1, message=line)
    if line.startswith("UBSAN: ") and (found := _UNDEFINED.match(line)):
        located = read_location(found["place"])
        where = None if located is None else Frame("", located[0], located[1])
        return Trace("kernel UBSAN", found["kind"], number, number + 1, message=line, place=where)
    if (found := _OOPS.match(line)) is None:
        return None
    kind = found["fault"] or found["page"] or found["null"] or ("kernel BUG" if found["place"] else "WARNING")
    located = read_location(found["place"] or found["warning"] or "")
    where = None if located is None else Frame(found["function"] or "", located[0], located[1])
    return Trace("kernel KASAN" if "KASAN" in line else "kernel", kind, number, number + 1, message=line, place=where)


def _read(lines: Sequence[str], start: int, limit: int, header: Trace, later: bool) -> Trace:
    access, size, top = "", None, None
    frames: tuple[Frame, ...] = ()
    end = start + 1
    for number in range(start + 1, min(limit, start + _SEARCHED_LINES)):
        line = lines[number]
        if found := _ACCESS.match(line):
            access, size = found["access"].upper(), None if found["size"] is None else int(found["size"])
        elif top is None and (found := _RIP.match(line)):
            located = read_location(found["place"] or "")
            top = Frame(found["function"], *(located or ("", None)))
        elif _TRACE.match(line) and not line.startswith("Stack"):
            frames, end = _stack(lines, number + 1, limit)
            break
    if top is not None and not any(_bare(frame.function) == _bare(top.function) for frame in frames[:12]):
        frames = (top, *frames)
    return Trace(header.tool, header.kind, start, max(end, start + 1), frames[:FRAMES_MAX], access, size, header.message, header.place,
                 False, later and header.tool == "kernel")


def _bare(function: str) -> str:
    return function.split("+", 1)[0]


def _stack(lines: Sequence[str], start: int, limit: int) -> tuple[tuple[Frame, ...], int]:
    frames: list[Frame] = []
    number = start
    while number < limit and len(frames) < FRAMES_MAX:
        line = lines[number]
        if _OVER.match(line):
            break
        found = _FRAME.match(line)
        if found is None:
            if frames and "<" not in line and line.strip():
                break
        elif not found["stale"]:  # `?` marks what merely lies on the stack
            rest = found["rest"].replace("[inline]", "").replace("(discriminator", " ").split()
            located = read_location(rest[0]) if rest else None
            inlined = "inline" in (found["address"] or "")
            if inlined and rest and located is None and len(rest) > 1 and (located := read_location(rest[1])):
                frames.append(Frame(rest[0], *located))  # `outer+0x1/0x2 inlined_function file:line`
            else:
                path, at = located or ("", None)
                frames.append(Frame(found["function"], path, at, found["module"] or ""))
        number += 1
    return tuple(frames), number
