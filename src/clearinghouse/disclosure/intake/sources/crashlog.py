"""Crash logs: sanitizers, libFuzzer and other fuzzers, kernels, language runtimes, and CASR reports.

A log proves nothing by itself, since anybody can print one; it is a claim like every other. Work is
bounded before it begins: so many bytes of a log, so many of a line, and no expression that backtracks.
"""

import re
from collections.abc import Iterator

from clearinghouse.core.product import normalise_package
from clearinghouse.disclosure.intake.crashes import CrashLog, has_crash, read_log
from clearinghouse.disclosure.intake.crashes.casr import kept_facts, read_report
from clearinghouse.disclosure.intake.records import Finding, Note, Producer
from clearinghouse.disclosure.intake.sources.base import Document, Item, Unreadable, text_of

_LANGUAGES = {"go": "go", "go race detector": "go", "rust": "rust", "python": "python", "java": "java"}
_EXTENSIONS = {
    ".c": "c", ".h": "c", ".cc": "c++", ".cpp": "c++", ".cxx": "c++", ".hpp": "c++", ".inl": "c++", ".rs": "rust", ".go": "go",
    ".py": "python", ".java": "java", ".kt": "kotlin", ".swift": "swift", ".m": "objective-c", ".mm": "objective-c++",
}
_PROSE = re.compile(r"(?m)^(?:```|~~~|#{1,4} [A-Z][a-z]|\+\+\+\s*$|From: |Subject: |<!DOCTYPE|<html)")
_MENTION = re.compile(r"(?:Address|Memory|Thread|Leak|UndefinedBehavior)Sanitizer|libFuzzer|\bcentipede\b|\bKASAN\b")
_LOG_LINE = re.compile(
    r"(?m)^(?:\[[\d:./ ]{4,60}:(?:INFO|WARNING|ERROR|FATAL):|INFO: (?:Seed|Running|Loaded)|#\d{1,12}\s(?:INITED|NEW|DONE|pulse)|[IWEF]\d{4} \d\d:\d\d:\d\d)"
)
_FACTS = (
    ("command", re.compile(r"(?m)^(?:Command|Running command|Running): (?P<value>.{1,1000})$")),
    ("artifact", re.compile(r"Test unit written to (?P<value>\S{1,400})")),
    ("input_base64", re.compile(r"(?m)^Base64: (?P<value>[A-Za-z0-9+/=]{1,4000})$")),
    ("input_bytes", re.compile(r"Input bytes: (?P<value>\S{1,400})")),
    ("scariness", re.compile(r"(?m)^SCARINESS: (?P<value>.{1,120})$")),
    ("summary", re.compile(r"(?m)^SUMMARY: (?P<value>.{1,600})$")),
    ("kernel", re.compile(r"(?P<value>CPU: \d{1,4} PID: \d{1,9} Comm: .{1,200})")),
    ("hardware", re.compile(r"Hardware name: (?P<value>.{1,200})")),
)
_TITLE_CHARACTERS_MAX = 300


class CrashLogs:
    """The reader; `SOURCE` is its one object."""

    name = "crashlog"
    title = "crash logs (sanitizers, fuzzers, runtimes, CASR)"
    version = "1"

    def sniff(self, document: Document) -> float:
        head = document.head
        if head.startswith("{"):
            value = document.json if '"Stacktrace"' in document.text or '"CrashSeverity"' in document.text else None
            return 0.97 if isinstance(value, dict) and ("CrashSeverity" in value or "Stacktrace" in value) else 0.0
        if head.startswith("<") or (head.startswith("[") and document.json is not None):
            return 0.0
        if has_crash(document.text):
            # A report in prose that quotes a log belongs to the reader of the prose, which reads the log as well.
            return 0.45 if _PROSE.search(head) else 0.9
        return 0.4 if _MENTION.search(document.text, 0, 262_144) and _LOG_LINE.search(head) else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        limits = document.limits
        if document.head.startswith("{"):
            value = document.json
            if not isinstance(value, dict):
                raise document.json_error or Unreadable("a CASR report is a JSON object", "", "crash.report")
            if "Stacktrace" not in value and "CrashSeverity" not in value:
                raise Unreadable("the object has neither Stacktrace nor CrashSeverity, so it is no CASR report", "", "crash.report")
            log = read_report(value, limits.log_line_bytes_max, limits.log_bytes_max)
            yield _item(log, "", kept_facts(value), text_of(value.get("Package")), text_of(value.get("PackageVersion")))
            return
        if "\0" in document.text[:4096]:
            raise Unreadable("a crash log is text; found NUL bytes, as in a binary file", "", "document.encoding")
        found = read_log(document.text, limits.log_line_bytes_max, limits.log_bytes_max)
        if found is not None:
            yield _item(found, f"line {found.line}", _facts(document.text[: limits.log_bytes_max]), "", "")
            return
        text = document.text[: limits.log_bytes_max]
        if not (_MENTION.search(text) or has_crash(text)):
            raise Unreadable("no crash report of a sanitizer, fuzzer or runtime was found", "", "crash.absent")
        message = "the log names a sanitizer but holds no crash report; send the part that begins with ERROR, panic or Traceback"
        finding = Finding(title="Log without a crash report", description=text, extra=_facts(text))
        yield Item("", finding, (Note("", message, "crash.absent"),))


def crash_notes(log: CrashLog, place: str) -> tuple[Note, ...]:
    """What the sender of a crash log should know about it."""
    notes = []
    if log.crash.reports_in_log > 1:
        message = f"{log.crash.reports_in_log} crash reports in one log; the first complete one counts: send one log for each crash"
        notes.append(Note(place, message, "crash.several_reports"))
    if not log.crash.frames:
        message = "no stack: build with symbols, run with a symbolizer and send the log again"
        notes.append(Note(place, message, "crash.no_stack"))
    elif not log.symbols and not any(frame.path or frame.function for frame in log.crash.frames):
        notes.append(Note(place, "the stack has no names: run with a symbolizer and send the log again", "crash.no_symbols"))
    if log.crash.truncated:
        notes.append(Note(place, "the stack is incomplete; send the whole log", "crash.truncated"))
    if log.cut:
        notes.append(Note(place, "the log or a line of it is longer than this instance reads; the original keeps the rest", "limit.log"))
    return tuple(notes)


def crash_title(log: CrashLog) -> str:
    """A crash in one line: kind, access, place, tool."""
    crash = log.crash
    access = f" {crash.access}" if crash.access else ""
    size = f" of {crash.size_bytes} bytes" if crash.access and crash.size_bytes is not None else ""
    where = log.symbols[0] if log.symbols else log.place.path if log.place is not None else ""
    message = f": {log.message}" if crash.kind in ("panic", "exception") and log.message else ""
    return f"{crash.kind}{access}{size}{message}{f' in {where}' if where else ''} ({crash.tool})"[:_TITLE_CHARACTERS_MAX]


def crash_language(log: CrashLog) -> str:
    """The language of the program, from the tool or from the file the crash is in."""
    path = log.place.path if log.place is not None else ""
    return _LANGUAGES.get(log.crash.tool) or _EXTENSIONS.get(path[path.rfind(".") :].lower() if "." in path else "", "")


def _item(log: CrashLog, place: str, facts: tuple[tuple[str, str], ...], package: str, package_version: str) -> Item:
    extra = (*facts, *((("message", log.message),) if log.message else ()))
    finding = Finding(
        title=crash_title(log), description=log.excerpt, crash=log.crash, symbols=log.symbols,
        packages=(normalise_package("", package),) if package else (),
        locations=() if log.place is None else (log.place,), producer=Producer(tool=log.crash.tool), language=crash_language(log),
        place=place, extra=extra if not package_version else (*extra, ("PackageVersion", package_version)),
    )
    return Item(place, finding, crash_notes(log, place))


def _facts(text: str) -> tuple[tuple[str, str], ...]:
    """What a log says beside the crash: command, input, summary."""
    return tuple((name, found["value"].strip()) for name, wanted in _FACTS if (found := wanted.search(text)) is not None)


SOURCE = CrashLogs()
