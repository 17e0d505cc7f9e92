"""The worker's side of a slot: its launcher process, its cgroups, and one run at a time through both."""

import contextlib
import fcntl
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clearinghouse.core.errors import Unavailable
from clearinghouse.sandbox import launcher
from clearinghouse.sandbox.base import Ending, Limits
from clearinghouse.sandbox.cgroups import Cgroups, Usage
from clearinghouse.sandbox.network import count_unreachable

LAUNCHER_BYTES = 24 << 20
"""What the launcher and the sandbox's own two processes take of the memory that the kernel counts, on top of the command's."""
OWN_PROCESSES = 4
"""The launcher, its fork for an instant, and the two processes of bubblewrap."""
_SHM_BYTES, _SHM_FILES = 1 << 20, 64
_TICK_SECONDS = 0.05
_ANSWER_SECONDS = 20.0
_CHUNK = 1 << 18


class SlotBroken(Exception):
    """The launcher does not answer as it should; the slot must be made anew."""


@dataclass
class Stream:
    """One output of a run, cut at a bound."""

    read_end: int
    bytes_max: int
    content: bytearray = field(default_factory=bytearray)
    open: bool = True

    @property
    def over(self) -> bool:
        """It wrote more than it may."""
        return len(self.content) > self.bytes_max

    def read(self) -> None:
        """What is there now, but no more than one byte over the bound."""
        while self.open and not self.over:
            try:
                chunk = os.read(self.read_end, min(_CHUNK, self.bytes_max + 1 - len(self.content)))
            except BlockingIOError:
                return
            self.content += chunk
            self.open = bool(chunk)


@dataclass(frozen=True, slots=True)
class Started:
    """What is handed to the launcher for one run."""

    program: str
    argv: tuple[str, ...]
    stdin: bytes
    limits: Limits
    rlimits: Mapping[str, tuple[int, int]]
    """Of each process, by the name that Python has for them."""
    filters: tuple[bytes, ...] = ()
    """Open for it from file descriptor 4 on."""
    fixed_addresses: bool = False
    bundle: str = ""
    """Description of the run that the program finds in a folder, where it wants one."""
    own_memory_bytes: int = 0
    """What the program takes for itself, on top of the command's."""
    own_processes: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen from outside."""

    cut: Ending | None
    """Why we ended it, where we did."""
    stdout: bytes
    stderr: bytes
    status: bytes
    """As the isolating program reported."""
    wall_seconds: float
    usage: Usage
    """Of this run."""
    ended: int
    """How the isolating program itself ended: its exit code, or a signal's number below zero."""
    unreachable: int | None = None
    """Attempts to send out of the slot's network; None where nobody counts."""


class Slot:
    """A launcher in its cgroups."""

    def __init__(self, cgroups: Cgroups, user: int | None, copied: list[str], *, apart: bool = True) -> None:
        """Start it.

        Args:
            user: user and group of what runs, where we are root.
            copied: files and folders of the host that a run finds besides `/usr`.
            apart: with a network of its own. False only where a test shows what that is good for.
        Raises:
            Unavailable: the kernel refuses.
        """
        self._groups = cgroups.make(f"slot-{secrets.token_hex(4)}")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        try:
            # Isolated, and with nothing of our environment. File descriptor 3 is the socket: a shell's redirection would be another process.
            self._process = subprocess.Popen(  # noqa: S603 - our own file
                [sys.executable, "-I", "-S", "-c", _ADOPT, str(theirs.fileno()), str(Path(launcher.__file__))],
                env={}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),), start_new_session=True, cwd="/",
            )
        finally:
            theirs.close()
        try:
            self._groups.attach(self._process.pid)
            folders = [[str(folder), str(back)] for folder, back in self._groups.folders]
            self._ask({"do": "begin", "user": user, "cgroups": folders, "copied": copied, "apart": apart})
        except (OSError, SlotBroken) as error:
            self.close()
            raise Unavailable(f"a slot of the sandbox could not be made: {error}") from None

    def prepare(self, inputs: tuple[int, int], started: Started) -> tuple[int, int]:
        """Fresh folders; the open ones for inputs and for files that may be kept, which the caller closes.

        Raises:
            SlotBroken: it could not.
        """
        each = [started.limits.scratch_bytes_max, started.limits.files_max + 4]
        _, (into, out) = self._ask({"do": "prepare", "bundle": started.bundle, "in": list(inputs), "scratch": each, "out": each, "shm": [_SHM_BYTES, _SHM_FILES]}, files=2)
        return into, out

    def run(self, started: Started, stop: Callable[[], bool]) -> Seen:
        """Start it in the prepared folders and watch it until all it started is gone.

        Raises:
            SlotBroken: the launcher failed; nothing is known of the run.
        """
        limits = started.limits
        try:
            self._groups.begin(
                memory_bytes=limits.memory_bytes + LAUNCHER_BYTES + started.own_memory_bytes,
                processes_max=limits.processes_max + OWN_PROCESSES + started.own_processes,
            )
            before = self._groups.usage()
        except OSError as error:
            raise SlotBroken(f"the kernel does not take its bounds: {error}") from None
        unreachable = count_unreachable(self._process.pid)
        with contextlib.ExitStack() as opened:
            outputs, inner = [], [opened.enter_context(_sealed(started.stdin))]
            for _ in range(3):
                read_end, write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
                os.set_blocking(write_end, True)
                outputs.append(read_end)
                inner.append(write_end)
                opened.callback(os.close, read_end)
            inner += [opened.enter_context(_sealed(program)) for program in started.filters]
            message = {
                "do": "run", "program": started.program, "argv": started.argv, "fixed_addresses": started.fixed_addresses,
                "rlimits": dict(started.rlimits),
            }
            begun = time.monotonic()
            try:
                self._send(message, inner)
            finally:
                for write_end in inner[1:4]:
                    os.close(write_end)
            streams = [Stream(outputs[0], limits.output_bytes_max), Stream(outputs[1], limits.output_bytes_max), Stream(outputs[2], 1 << 16)]
            cut, ended = self._watch(streams, limits, before, stop, begun)
            wall = time.monotonic() - begun
            for stream in streams:
                stream.read()
        if cut is None and (streams[0].over or streams[1].over):
            cut = Ending.OUTPUT
        stdout, stderr, status = (bytes(stream.content[: stream.bytes_max]) for stream in streams)
        after = count_unreachable(self._process.pid)
        tried = None if unreachable is None or after is None else after - unreachable
        return Seen(cut, stdout, stderr, status, wall, self._used_since(before), ended, tried)

    def _watch(self, streams: list[Stream], limits: Limits, before: Usage, stop: Callable[[], bool], begun: float) -> tuple[Ending | None, int]:
        """Read until the launcher says that it is over; end it where it oversteps."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        for stream in streams:
            poll.register(stream.read_end, select.POLLIN)
        by_number = {stream.read_end: stream for stream in streams}
        cut: Ending | None = None
        deadline, looked = begun + limits.wall_seconds, begun
        while True:
            ready = [number for number, _ in poll.poll(max(0.0, min(_TICK_SECONDS, deadline - time.monotonic())) * 1000)]
            if self._control.fileno() in ready:
                return cut, os.waitstatus_to_exitcode(int(str(self._answer()[0]["ended"])))
            for number in ready:
                stream = by_number[number]
                stream.read()
                if stream.over or not stream.open:
                    poll.unregister(number)
            now = time.monotonic()
            if cut is not None:
                if now > deadline:
                    raise SlotBroken("the run did not end when it was killed")
                continue
            if stop():
                cut = Ending.STOPPED
            elif any(stream.over for stream in streams):
                cut = Ending.OUTPUT
            elif now >= deadline:
                cut = Ending.WALL_TIME
            elif now - looked >= _TICK_SECONDS:
                looked = now
                used = self._used_since(before).cpu_seconds
                if used is not None and used >= limits.cpu_seconds:
                    cut = Ending.CPU_TIME
            if cut is not None:
                deadline = now + _ANSWER_SECONDS
                self._send({"do": "kill"}, [])

    def _used_since(self, before: Usage) -> Usage:
        try:
            after = self._groups.usage()
        except OSError:
            return Usage()
        cpu = None if after.cpu_seconds is None or before.cpu_seconds is None else max(0.0, after.cpu_seconds - before.cpu_seconds)
        kills = None if after.memory_kills is None or before.memory_kills is None else after.memory_kills - before.memory_kills
        return Usage(cpu, after.memory_peak_bytes, kills)

    def check_empty(self) -> None:
        """Nothing, if nobody but the launcher is in the slot.

        Raises:
            SlotBroken: a process stayed behind.
        """
        if left := self._groups.processes() - {self._process.pid}:
            raise SlotBroken(f"{len(left)} processes stayed behind")

    def close(self) -> None:
        """End the launcher, and with it what runs; then give the cgroups back."""
        self._control.close()
        try:
            self._process.wait(_ANSWER_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        deadline = time.monotonic() + _ANSWER_SECONDS
        while (left := self._leftover()) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)
        self._groups.remove()

    def _leftover(self) -> frozenset[int]:
        try:
            return self._groups.processes()
        except OSError:  # the launcher has taken the group away
            return frozenset()

    def _ask(self, message: dict[str, object], *, files: int = 0) -> tuple[dict[str, object], list[int]]:
        self._send(message, [])
        self._control.settimeout(_ANSWER_SECONDS)
        return self._answer(files)

    def _send(self, message: dict[str, object], files: list[int]) -> None:
        try:
            socket.send_fds(self._control, [json.dumps(message).encode()], files)
        except OSError as error:
            raise SlotBroken(f"the launcher takes no message: {error}") from None

    def _answer(self, files: int = 0) -> tuple[dict[str, object], list[int]]:
        try:
            data, received, _, _ = socket.recv_fds(self._control, launcher.MESSAGE_BYTES_MAX, files)
        except OSError as error:
            raise SlotBroken(f"the launcher does not answer: {error}") from None
        for number in received:
            os.set_inheritable(number, False)
        answer = json.loads(data) if data else {"failed": "the launcher has ended"}
        if "failed" in answer or len(received) != files:
            for number in received:
                os.close(number)
            raise SlotBroken(str(answer.get("failed")))
        return answer, received


_ADOPT = "import os,sys,runpy; f=int(sys.argv[1]); f==3 or (os.dup2(f,3), os.close(f)); runpy.run_path(sys.argv[2], run_name='__main__')"


@contextlib.contextmanager
def _sealed(content: bytes) -> Iterator[int]:
    """An open file in memory that nobody can change, at its beginning."""
    file = os.memfd_create("input", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(file, rest) :]
        os.lseek(file, 0, os.SEEK_SET)
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
        yield file
    finally:
        os.close(file)


def rlimits(limits: Limits) -> dict[str, tuple[int, int]]:
    """Of each process. The address space is not bounded: sanitizers map terabytes of shadow, and would die of it."""
    cpu = int(limits.cpu_seconds) + 2  # where there is no cgroup that counts, this bounds at least each process
    return {
        "RLIMIT_FSIZE": (limits.file_bytes_max, limits.file_bytes_max),
        "RLIMIT_CORE": (1, 1),  # 0 does not keep a pipe in core_pattern from being started; 1 does (core(5))
        "RLIMIT_CPU": (cpu, cpu + 1),
        "RLIMIT_NOFILE": (1024, 4096),
        "RLIMIT_STACK": (launcher.STACK_BYTES, -1),
        "RLIMIT_MSGQUEUE": (0, 0),
    }
