"""The tools of one sample: each call a run of the sandbox, the files between calls bytes in memory."""

import json
import shlex
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from clearinghouse.core.errors import Invalid, Unavailable
from clearinghouse.evaluation.benchmarks.sessions import inside, watching
from clearinghouse.evaluation.benchmarks.sessions.records import Incident, SessionLimits, ToolResult
from clearinghouse.evaluation.benchmarks.sessions.state import read_files, read_index, render_state
from clearinghouse.sandbox import Command, Ending, Entry, Ran, Sandbox

READ_BYTES_MAX = 100 << 20
"""Of a file, whatever the caller would take."""
_INCIDENTS_MAX = 200  # of one sample: who tries everything need not be counted
_KEPT = ("outcome", "stdout", "stderr", "state")
_WORDS = {
    Ending.MEMORY: "the memory allowed was used up, and the call was ended",
    Ending.CPU_TIME: "the processor time allowed was used up, and the call was ended",
    Ending.WALL_TIME: "the time allowed was used up, and the call was ended",
    Ending.OUTPUT: "the call was ended",
    Ending.STOPPED: "the sample was stopped",
}


class FileTrouble(Exception):
    """A file cannot be read or written, as the sandbox's inside says."""

    def __init__(self, kind: str, path: str) -> None:
        super().__init__(f"{kind}: {path[:200]}")
        self.kind = kind
        """`FileNotFoundError`, `PermissionError`, `IsADirectoryError`, another of the kind, or `too large`."""


class Session:
    """The tools of one sample. Calls of several threads wait for each other."""

    def __init__(self, sandbox: Sandbox, limits: SessionLimits, files: Mapping[str, bytes] | None = None) -> None:
        """Begin with files below `/work`.

        Raises:
            Invalid: a name leads outside, or they are more than a session keeps.
        """
        self._sandbox = sandbox
        self._limits = limits
        self._state = render_state(files or {})
        self._lock = threading.Lock()
        self._calls = 0
        self._incidents: list[Incident] = []
        self._closed = False
        if sum(map(len, (files or {}).values())) > limits.state_bytes_max or len(read_index(self._state)) > limits.state_files_max:
            raise Invalid("an item brings more files than a session keeps; make it smaller, or raise state_bytes_max and state_files_max")

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """What was noted so far."""
        return tuple(self._incidents)

    @property
    def calls(self) -> int:
        """How many commands there were."""
        return self._calls

    def exec(
        self, argv: Sequence[str], *, cwd: str = ".", env: Mapping[str, str] | None = None, stdin: bytes = b"", seconds: float | None = None,
        output_bytes_max: int | None = None, stop: threading.Event | None = None,
    ) -> ToolResult:
        """What became of a command.

        Args:
            argv: a program by name or path, and its arguments; of any length that the kernel takes.
            cwd: relative to `/work`.
            env: besides path, home and language.
            output_bytes_max: of each stream; what is more is cut and said to be.
        Raises:
            Invalid: it names no program, or brings more than a session takes.
            Unavailable: the sandbox failed, which says nothing about the command.
        """
        if not argv or any("\0" in word for word in argv) or len(stdin) > self._limits.state_bytes_max:
            raise Invalid("a command names a program, holds no zero byte and brings no more input than a session keeps")
        most = self._limits.call_seconds if seconds is None else min(seconds, self._limits.call_seconds)
        call = {
            "do": "exec", "argv": list(argv), "cwd": cwd, "env": dict(env or {}), "seconds": most,
            "output": self._limits.output_bytes_max if output_bytes_max is None else min(output_bytes_max, 16 << 20),
        }
        with self._lock:
            self._calls += 1
            line = shlex.join(argv).encode("utf-8", "replace") if len(argv) < 100 else " ".join(argv).encode("utf-8", "replace")
            self._note(watching.seen_in_command(line, self._calls))
            ran = self._run(call, stdin, most, stop)
            self._note(watching.seen_by_kernel(ran.unreachable, line, self._calls))
            outcome = _outcome(ran)
            if outcome is None:
                words = _WORDS.get(ran.ending, "the shell of this session was ended from within; files are as they were before this call")
                return ToolResult(None, note=words, timed_out=ran.ending is Ending.WALL_TIME, seconds=ran.wall_seconds)
            note = self._keep(ran, outcome)
            result = ToolResult(
                outcome.get("exit"), ran.kept.get("stdout", b""), ran.kept.get("stderr", b""), bool(outcome.get("truncated")),
                bool(outcome.get("timed_out")), note, ran.wall_seconds, str(outcome.get("trouble", ""))[:20],
            )
            self._note(watching.seen_in_output(result.untrusted_stderr + b"\n" + result.untrusted_stdout, self._calls))
            return result

    def read_file(self, path: str, *, bytes_max: int = READ_BYTES_MAX) -> bytes:
        """The bytes of a file, read inside: a link leads where it leads there.

        Raises:
            FileTrouble: it is not there, may not be read, is a folder, or is too large.
            Unavailable: as for `exec`.
        """
        with self._lock:
            self._note(watching.seen_in_command(b"read " + path.encode("utf-8", "replace"), self._calls))
            ran = self._run({"do": "read", "path": path, "limit": min(bytes_max, self._limits.state_bytes_max)}, b"", self._limits.call_seconds, None)
        outcome = _outcome(ran)
        if outcome is None or outcome.get("error"):
            raise FileTrouble("OSError" if outcome is None else str(outcome["error"])[:40], path)
        return ran.kept.get("stdout", b"")

    def write_file(self, path: str, content: bytes) -> None:
        """Put a file, and the folders it lies in.

        Raises:
            FileTrouble: it may not be written, is a folder, or does not fit.
            Unavailable: as for `exec`.
        """
        if len(content) > self._limits.state_bytes_max:
            raise FileTrouble("too large", path)
        with self._lock:
            ran = self._run({"do": "write", "path": path}, content, self._limits.call_seconds, None)
            outcome = _outcome(ran)
            if outcome is None or outcome.get("error"):
                raise FileTrouble("OSError" if outcome is None else str(outcome["error"])[:40], path)
            if self._keep(ran, outcome):
                raise FileTrouble("too large", path)

    def collect(self, names: Sequence[str]) -> dict[str, bytes]:
        """Plain files below `/work`, by name, as far as there are such: what is handed in for grading."""
        with self._lock:
            return read_files(self._state, names, bytes_max=self._limits.state_bytes_max)

    def close(self) -> None:
        """Forget the files."""
        with self._lock:
            self._closed, self._state = True, b""

    def _run(self, call: dict[str, Any], stdin: bytes, seconds: float, stop: threading.Event | None) -> Ran:
        if self._closed:
            raise Unavailable("the session of this sample has ended")
        whole = {**call, "state": True, "state_bytes": self._limits.state_bytes_max, "state_files": self._limits.state_files_max}
        inputs = (
            Entry("inside.py", _program()), Entry("call", json.dumps(whole).encode()), Entry("stdin", stdin), Entry("state", self._state),
        )
        ran = self._sandbox.run(Command(("/usr/bin/python3", "-I", "-S", "/in/inside.py"), self._limits.of_call(seconds), inputs, keep=_KEPT), stop=stop)
        if ran.ending is Ending.NO_RUN:
            raise Unavailable(f"the sandbox failed: {ran.note}")
        return ran

    def _keep(self, ran: Ran, outcome: Mapping[str, Any]) -> str:
        """Take the files over; gives our words where they are not kept."""
        if not outcome.get("kept"):
            return "what this call changed in files was not kept: " + (str(outcome.get("why"))[:200] or "they could not be read")
        state = ran.kept.get("state", b"")
        try:
            index = read_index(state)
        except Invalid:
            return "what this call changed in files was not kept: they could not be read"
        if sum(kept.size_bytes for kept in index) > self._limits.state_bytes_max or len(index) > self._limits.state_files_max:
            return "what this call changed in files was not kept: there is more than a session keeps"
        self._state = state
        return ""

    def _note(self, incidents: Sequence[Incident]) -> None:
        known = {(incident.kind, incident.certainty, incident.words) for incident in self._incidents if incident.certainty == "pattern"}
        for incident in incidents:
            # The same words again say nothing new; what the kernel counted is noted each time.
            if len(self._incidents) < _INCIDENTS_MAX and (incident.kind, incident.certainty, incident.words) not in known:
                self._incidents.append(replace(incident))


@cache
def _program() -> bytes:
    return Path(inside.__file__).read_bytes()


def _outcome(ran: Ran) -> dict[str, Any] | None:
    """What the inside says of the call; None where it says nothing that can be read."""
    try:
        found = json.loads(ran.kept["outcome"])
    except (KeyError, ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("exit", 0), int | None):
        return None
    return found


__all__ = ["READ_BYTES_MAX", "FileTrouble", "Session"]
