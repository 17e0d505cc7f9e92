"""A whole log: bounded before anything looks at it, and the one report in it that counts."""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass

from clearinghouse.core.crash import is_runtime, normalise_function, normalise_path, significant_frames
from clearinghouse.disclosure.intake.crashes.go import find_go
from clearinghouse.disclosure.intake.crashes.kernel import find_kernel
from clearinghouse.disclosure.intake.crashes.managed import find_java, find_python, find_rust
from clearinghouse.disclosure.intake.crashes.native import find_native
from clearinghouse.disclosure.intake.crashes.trace import Trace
from clearinghouse.disclosure.intake.records import CodeLocation, Crash, Frame

_FAMILIES = (find_native, find_kernel, find_go, find_rust, find_python, find_java)
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,12}[A-Za-z]")
# Anchored words that begin a report; cheap enough to run over every document that is sniffed.
_BEGINNING = re.compile(
    r"(?m)(?:ERROR|WARNING): (?:\w{0,20}Sanitizer\s?:|libFuzzer:)|: runtime error: |^=========+ (?:Stack limit|Timeout of|RSS limit)|"
    r"^goroutine \d{1,12} \[|Traceback \(most recent call last\):|^(?:\[[\s\d.]{1,20}\] ?)?(?:BUG: K[A-Z]{3,6}: |general protection fault|"
    r"BUG: unable to handle|kernel BUG at )|^thread '[^'\n]{0,120}' (?:\(\d+\) )?panicked at |^\s{0,12}at [\w.$<>/@-]{1,300}\([^()\n]{0,120}\)\s{0,4}$|"
    r"^Received signal \d{1,3} [A-Z]|: Assertion `|FATAL:[\w./-]{1,200}\(\d{1,9}\)\]|^CANNOT LINK EXECUTABLE |error while loading shared libraries: |"
    r"^memory allocation of \d{1,20} bytes failed|^panic: |^WARNING: DATA RACE|^===BUG DETECTED: |received signal SIG[A-Z]{2,10}"
)
_SNIFFED_CHARACTERS = 262_144
_ABORTING = frozenset({"raise", "gsignal", "__GI_raise", "abort", "pthread_kill", "__pthread_kill_implementation", "runtime.raise"})


@dataclass(frozen=True, slots=True)
class CrashLog:
    """The crash of a log, and what the log says around it."""

    crash: Crash
    message: str
    excerpt: str
    """The lines of the report that counts."""
    line: int
    """Number of its first line, from 1."""
    place: CodeLocation | None
    """Where the flaw shows itself: the innermost significant frame, or what the tool names."""
    symbols: tuple[str, ...]
    cut: bool
    """The log was longer, or a line wider, than what was looked at."""


def has_crash(untrusted_text: str) -> bool:
    """Whether a text holds a line that begins a crash report."""
    return _BEGINNING.search(untrusted_text, 0, _SNIFFED_CHARACTERS) is not None


def read_log(untrusted_text: str, line_bytes_max: int, log_bytes_max: int) -> CrashLog | None:
    """The crash of a log: the first complete report, or failing that the first with a stack, or the first; None where there is none."""
    lines, cut = bound_lines(untrusted_text, line_bytes_max, log_bytes_max)
    found = [trace for family in _FAMILIES for trace in family(lines)]
    traces = _fold(sorted(found, key=lambda trace: (trace.start, trace.consequence)))
    if not traces:
        return None
    # An indirect leak only follows from a direct one, which may stand in a later report.
    chosen = min(traces, key=lambda trace: (not trace.frames, trace.truncated, trace.kind == "indirect-leak"))
    at_end = cut and chosen.end >= len(lines)
    crash = Crash(
        chosen.tool, chosen.kind, chosen.access, chosen.size_bytes, chosen.frames, chosen.truncated or at_end, len(traces)
    )
    place, symbols = locate(chosen.frames, chosen.place)
    excerpt = "\n".join(lines[chosen.start : chosen.end])
    return CrashLog(crash, chosen.message, excerpt, chosen.start + 1, place, symbols, cut)


def bound_lines(untrusted_text: str, line_bytes_max: int, log_bytes_max: int) -> tuple[list[str], bool]:
    """The lines of the first `log_bytes_max` characters, each at most `line_bytes_max` wide, and whether anything was cut."""
    text = untrusted_text[:log_bytes_max]
    cut = len(untrusted_text) > log_bytes_max
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if any(len(line) > line_bytes_max for line in lines):
        return [line[:line_bytes_max] for line in lines], True
    return lines, cut


def locate(frames: Sequence[Frame], place: Frame | None) -> tuple[CodeLocation | None, tuple[str, ...]]:
    """The place of a crash, and the functions that matter in its stack."""
    symbols = significant_frames([frame.function for frame in frames], [frame.path for frame in frames])
    if symbols:
        for frame in frames:
            if significant_frames([frame.function], [frame.path])[:1] == symbols[:1]:
                return CodeLocation(normalise_path(frame.path), frame.line, None, symbols[0]), symbols
    where = place or next((frame for frame in frames if frame.path and not is_runtime(frame.function, "/" + frame.path)), None)
    if where is None or not where.path:
        return (CodeLocation(symbol=symbols[0]) if symbols else None), symbols
    return CodeLocation(normalise_path(where.path), where.line, None, where.function), symbols


def _fold(traces: Sequence[Trace]) -> list[Trace]:
    """Traces without those that only follow from the one before: a panic's abort lends its stack and is no second report."""
    folded: list[Trace] = []
    for trace in traces:
        before = folded[-1] if folded else None
        if before is not None and trace.start < before.end:
            continue  # the same lines read by another family
        if before is not None and not before.consequence and _follows(before, trace):
            folded[-1] = before if before.frames else dataclasses.replace(
                before, frames=trace.frames, truncated=trace.truncated, end=trace.end, access=before.access or trace.access
            )
            continue
        folded.append(trace)
    return folded


def _follows(before: Trace, trace: Trace) -> bool:
    if trace.consequence or (trace.frames and normalise_function(trace.frames[0].function) in _ABORTING):
        return True
    return before.tool == trace.tool == "centipede" and not trace.frames
