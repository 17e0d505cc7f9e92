"""One word for one run. An exit code alone says nothing: it is held against the sanitizer's report, the kernel's counters,
the sandbox's own account and the driver's end.

A report can be forged by whoever wrote the code that ran; nothing here can tell, and the trust tier says so.
"""

import hashlib
import re
import signal as signals
from dataclasses import dataclass

from clearinghouse.core.crash import is_runtime, normalise_path
from clearinghouse.core.policy import BenchPolicy
from clearinghouse.core.stacks import telling_stack
from clearinghouse.core.untrusted import clean_line
from clearinghouse.disclosure.intake.crashes import CrashLog, read_log
from clearinghouse.disclosure.validation.observing.records import Observation, Outcome
from clearinghouse.disclosure.validation.recipes.records import Effect
from clearinghouse.sandbox.base import Ending, Ran

SANITIZER_EXIT = 77
"""What the options of every sanitizer are told to exit with."""
MARKER = "marker"
"""Name below `/out` of the file that only the flaw can make."""
_END = re.compile(rb"(?m)^CLEARINGHOUSE END (?P<word>[0-9a-f]{0,64}) edges=(?P<edges>-?\d{1,9})$")
_NAME_CHARACTERS_MAX = 400
_NO_INPUT = b"CLEARINGHOUSE NO INPUT"
_ALLOCATOR = frozenset({"out-of-memory", "allocation-size-too-big", "rss-limit-exceeded", "calloc-overflow"})
_STACK_USED_UP = "stack-overflow"
"""Its report names no frame where the last one was the sanitizer's own, which had no room to look further."""
_ASSERTION = re.compile(r"Assertion [`'\"]|assertion failed|\bAssertionError\b|assertion `", re.IGNORECASE)
_SANITIZERS = ("Sanitizer", "ExecSan")
_RUNTIMES = frozenset({"python", "java", "go", "rust", "node", "go race detector"})
_ENDINGS = {Ending.CPU_TIME: Outcome.TIMEOUT_CPU, Ending.WALL_TIME: Outcome.TIMEOUT_WALL, Ending.OUTPUT: Outcome.OUTPUT_LIMIT}
_NODE = re.compile(r"(?m)^Uncaught exception: (?P<kind>[A-Za-z_$][\w$.]{0,80})")
_NODE_FRAME = re.compile(r"(?m)^\s{4}at (?:(?P<function>[^\n()]{1,200}) \()?(?P<path>[^\n():]{1,300}):(?P<line>\d{1,9}):\d{1,9}\)?$")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run was asked for, beside the command."""

    word: str
    """Of this run alone: the driver repeats it at its end."""
    effect: Effect
    end_marker: str = ""
    """What a program started by itself ends its standard output with."""
    marker_word: bool = False
    """The input was given the word, so the marker must hold it."""


def observe(ran: Ran, asked: Asked, policy: BenchPolicy, untrusted_log: bytes | None = None) -> Observation:
    """The word for a run, with everything it rests on.

    Args:
        untrusted_log: standard error with addresses replaced by names; that of the run where nobody did.
    """
    stderr = ran.untrusted_stderr if untrusted_log is None else untrusted_log
    text = stderr[: policy.log_bytes_max * 4].decode("utf-8", "replace")
    found = read_log(text, policy.log_line_bytes_max, policy.log_bytes_max)
    end = _end(ran, asked)
    outcome, kind, note = _word(ran, asked, found, end is not None, text)
    frames, place = _frames(found, text)
    if not kind and found is not None and outcome.is_effect:
        kind = found.crash.kind
    return Observation(
        outcome, clean_line(kind, 120), "" if found is None else found.crash.access, frames, place, 0 if found is None else found.crash.reports_in_log,
        ran.exit_code, ran.signal, ran.memory_kills, end is not None, end if end is not None and end >= 0 else None, ran.wall_seconds,
        ran.cpu_seconds, "sha256:" + hashlib.sha256(stderr).hexdigest(), stderr[: policy.log_bytes_max], note,
    )


def _word(ran: Ran, asked: Asked, found: CrashLog | None, ended: bool, text: str) -> tuple[Outcome, str, str]:
    if ran.ending is Ending.NO_RUN:
        return Outcome.NO_RUN, "", ran.note
    if _NO_INPUT in ran.untrusted_stderr[-200:]:
        return Outcome.NO_RUN, "", "the driver could not read its input"
    if asked.effect is Effect.MARKER and (marker := ran.kept.get(MARKER)) is not None:
        if not asked.marker_word or asked.word.encode() in marker:
            return Outcome.MARKER, "", "a file appeared that only the flaw can make"
        return Outcome.FAILED, "", "a file appeared, and does not hold the word of this run"
    # The kernel's count before any text: what was killed for memory may have printed anything.
    if ran.ending is Ending.MEMORY or ran.memory_kills:
        return Outcome.OUT_OF_MEMORY, "", f"the kernel ended {ran.memory_kills or 1} process for want of memory"
    if ran.ending in _ENDINGS:
        return _ENDINGS[ran.ending], "", ""
    if found is not None and ran.exit_code == SANITIZER_EXIT:
        if found.crash.tool == "assertion":  # the abort that follows is the sanitizer's to report, and no second finding
            return Outcome.ASSERTION, found.crash.kind, ""
        if any(mark in found.crash.tool for mark in _SANITIZERS):
            return _sanitizer(found, text)
    if ran.ending is Ending.SIGNALLED or ran.signal:
        return _signal(ran.signal or 0, text)
    if ran.exit_code == 0:
        if ended:
            return Outcome.CLEAN, "", "" if found is None else "the log holds a crash report, and the program came to its end"
        return Outcome.FAILED, "", "it exited with 0 and did not come to its end"
    if ran.exit_code == SANITIZER_EXIT:
        return Outcome.FAILED, "", "the exit of a sanitizer without its report"
    return _runtime(ran, found, text)


def _sanitizer(found: CrashLog, text: str) -> tuple[Outcome, str, str]:
    kind = found.crash.kind
    if kind in _ALLOCATOR:
        return Outcome.OUT_OF_MEMORY, kind, "the allocator said so"
    if kind in ("ABRT", "deadly signal") and _ASSERTION.search(text):
        return Outcome.ASSERTION, "assertion", ""
    note = f"{found.crash.reports_in_log} reports in one log" if found.crash.reports_in_log > 1 else ""
    if not found.crash.frames and kind != _STACK_USED_UP:
        return Outcome.FAILED, kind, "a sanitizer's report without a stack"
    return Outcome.CRASH_SANITIZER, kind, note


def _signal(number: int, text: str) -> tuple[Outcome, str, str]:
    try:
        name = signals.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if number == signals.SIGABRT and _ASSERTION.search(text):
        return Outcome.ASSERTION, "assertion", ""
    if number in (signals.SIGKILL, signals.SIGTERM, signals.SIGINT, signals.SIGHUP):
        # The sandbox sent none, and the kernel counted no want of memory: the program did this to itself.
        return Outcome.FAILED, name, "it was ended by a signal that is no crash, and that nobody outside sent"
    if number == signals.SIGSYS:
        return Outcome.FAILED, name, "it made a system call that the sandbox refuses"
    return Outcome.CRASH_SIGNAL, name, ""


def _runtime(ran: Ran, found: CrashLog | None, text: str) -> tuple[Outcome, str, str]:
    """What a language's runtime says when nothing catches a failure."""
    if found is not None and found.crash.tool == "linker":
        return Outcome.NO_RUN, "", "the loader did not find a library"
    kind = ""
    if (node := _NODE.search(text)) is not None:
        kind = node["kind"]
    elif found is not None and found.crash.tool in _RUNTIMES:
        kind = found.crash.kind
    if not kind:
        return Outcome.FAILED, "", f"it exited with {ran.exit_code} and said nothing that is known"
    if kind.rsplit(".", 1)[-1] in ("AssertionError", "assertion failed", "ERR_ASSERTION"):
        return Outcome.ASSERTION, kind, ""
    if kind.rsplit(".", 1)[-1] in ("MemoryError", "OutOfMemoryError"):
        return Outcome.OUT_OF_MEMORY, kind, "the runtime said so"
    return Outcome.EXCEPTION, kind, ""


def _end(ran: Ran, asked: Asked) -> int | None:
    """Edges counted, -1 where nobody counts, None where the end was not reached."""
    if asked.end_marker:
        return -1 if ran.untrusted_stdout.rstrip().endswith(asked.end_marker.encode().rstrip()) else None
    ends = list(_END.finditer(ran.untrusted_stdout, max(0, len(ran.untrusted_stdout) - 400)))
    return int(ends[-1]["edges"]) if ends and ends[-1]["word"] == asked.word.encode() else None


def _frames(found: CrashLog | None, text: str) -> tuple[tuple[str, ...], str]:
    functions: list[str] = []
    paths: list[str] = []
    lines: list[int | None] = []
    if (node := _NODE.search(text)) is not None:
        for each in _NODE_FRAME.finditer(text, node.start()):
            functions.append(each["function"] or "")
            paths.append(each["path"])
            lines.append(int(each["line"]))
    elif found is not None:
        functions = [frame.function for frame in found.crash.frames]
        paths = [frame.path for frame in found.crash.frames]
        lines = [frame.line for frame in found.crash.frames]
    paths = [path.removeprefix("/in/build/").removeprefix("./") for path in paths]
    inside = [at for at, path in enumerate(paths) if not _is_driver(path, functions[at])]
    stack = telling_stack([functions[at] for at in inside], [paths[at] for at in inside], [lines[at] for at in inside])
    at = next((at for at in inside if functions[at] and not is_runtime(functions[at], "/" + paths[at])), None)
    place = "" if at is None or not paths[at] else f"{normalise_path(paths[at])}:{lines[at] or 0}"
    return tuple(clean_line(frame, _NAME_CHARACTERS_MAX) for frame in stack.frames), clean_line(place, _NAME_CHARACTERS_MAX)


def _is_driver(path: str, function: str) -> bool:
    return path.startswith("/in/bench/") or (function in ("main", "hand_over") and path.endswith("driver.c"))
