"""CASR reports (`.casrep`): a crash as JSON, with the stack as text lines in whatever form the tool underneath prints."""

from typing import Any

from clearinghouse.disclosure.intake.crashes.go import read_goroutine
from clearinghouse.disclosure.intake.crashes.log import CrashLog, locate, read_log
from clearinghouse.disclosure.intake.crashes.managed import read_java_frame, read_python_frame
from clearinghouse.disclosure.intake.crashes.native import read_stack
from clearinghouse.disclosure.intake.crashes.trace import FRAMES_MAX, read_location
from clearinghouse.disclosure.intake.records import Crash, Frame
from clearinghouse.disclosure.intake.sources.base import dict_of, list_of, text_of

_REPORTS = ("AsanReport", "UbsanReport", "MsanReport", "PythonReport", "GoReport", "JavaReport", "RustReport", "JsReport", "CSharpReport")
# The machine and the build. The process's environment, memory map, open files and connections are left in the
# original: they speak of the finder's machine, may hold secrets, and say nothing about the flaw.
_KEPT = ("Date", "timestamp", "Uname", "OS", "OSRelease", "Architecture", "ExecutablePath", "ProcCmdline", "CrashLine", "PackageArchitecture",
         "PackageDescription", "Stdin", "FuzzerName", "FirstCrashSeen")
_KEPT_LISTS = ("Disassembly", "Source")


def read_report(untrusted: dict[str, Any], line_bytes_max: int, log_bytes_max: int) -> CrashLog:
    """The crash of a CASR report. A crash in the tool's own report, where one is kept, tells access and size."""
    lines = [text_of(line)[:line_bytes_max] for line in list_of(untrusted.get("Stacktrace"))[:FRAMES_MAX]]
    name = next((name for name in _REPORTS if list_of(untrusted.get(name))), "")
    own = "\n".join(text_of(line) for line in list_of(untrusted.get(name))) if name else ""
    inner = read_log(own, line_bytes_max, log_bytes_max) if own else None
    severity, exception = dict_of(untrusted.get("CrashSeverity")), dict_of(untrusted.get("Exception"))
    frames = read_frames(lines) or (inner.crash.frames if inner else ())
    kind = text_of(exception.get("ShortDescription")) or (inner.crash.kind if inner else "") or text_of(severity.get("ShortDescription"))
    crash = Crash(
        inner.crash.tool if inner else "CASR", kind, inner.crash.access if inner else _access(text_of(severity.get("ShortDescription"))),
        inner.crash.size_bytes if inner else None, frames, len(list_of(untrusted.get("Stacktrace"))) > FRAMES_MAX,
        inner.crash.reports_in_log if inner else 1,
    )
    located = read_location(text_of(untrusted.get("CrashLine")))
    place, symbols = locate(frames, None if located is None else Frame("", *located))
    message = text_of(exception.get("Description")) or text_of(severity.get("Description"))
    return CrashLog(crash, message, own[:log_bytes_max] or "\n".join(lines), 1, place, symbols, False)


def _access(short: str) -> str:
    """CASR's classes say whether the access that failed was a read or a write."""
    if short.startswith("Dest"):
        return "WRITE"
    return "READ" if short.startswith("Source") else ""


def read_frames(lines: list[str]) -> tuple[Frame, ...]:
    """The frames of a stack whose lines are in the form of gdb, a sanitizer, Python, Java or Go."""
    if not lines:
        return ()
    if any(line.lstrip().startswith("#") for line in lines):
        return read_stack(lines, 0, len(lines))[0]
    frames = [frame for line in lines if (frame := read_python_frame(line) or read_java_frame(line)) is not None]
    return tuple(frames) or read_goroutine(lines, 0)[0]


def kept_facts(untrusted: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """What the report says of the machine and the build, as (name, text)."""
    facts = [(name, str(untrusted[name])) for name in _KEPT if untrusted.get(name) not in (None, "")]
    facts += [(name, "\n".join(text_of(line) for line in list_of(untrusted.get(name))[:200])) for name in _KEPT_LISTS if untrusted.get(name)]
    severity = dict_of(untrusted.get("CrashSeverity"))
    facts += [(f"CrashSeverity.{name}", text_of(severity[name])) for name in ("Type", "ShortDescription", "Description", "Explanation")
              if text_of(severity.get(name))]
    registers = dict_of(untrusted.get("Registers")) or dict_of(dict_of(untrusted.get("Prstatus")).get("registers"))
    if registers:
        facts.append(("Registers", " ".join(f"{name}={value}" for name, value in list(registers.items())[:64])))
    return tuple(facts)
