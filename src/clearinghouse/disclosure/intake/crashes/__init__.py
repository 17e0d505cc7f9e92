"""Crash logs of sanitizers, fuzzers and language runtimes, read with bounded work.

`read_log` is what other sources use: the crash of a text, or None. One file per family; each finds the
traces it knows in a list of lines that is bounded in number and width. Nothing in a log proves that a
program crashed: whoever can write a log can write this one.
"""

from clearinghouse.disclosure.intake.crashes.log import CrashLog, has_crash, read_log

__all__ = ["CrashLog", "has_crash", "read_log"]
