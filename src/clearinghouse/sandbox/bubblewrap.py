"""Isolation by bubblewrap: namespaces of the host's kernel, a filter on system calls, and nothing of the host but `/usr`.

The order of things is the point. The launcher (`launcher.py`) is in the slot's cgroups before anything of the run exists.
It takes away its own environment, files and rights before bubblewrap starts, because what bubblewrap itself holds can be
seen from inside: its environment stands in `/proc/1/environ` whatever `--clearenv` says, and started by root it is root
outside.
"""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGXCPU
from typing import Self

from clearinghouse.core.errors import Invalid, Unavailable
from clearinghouse.sandbox import launcher
from clearinghouse.sandbox.base import Command, Ending, Guard, Level, Ran
from clearinghouse.sandbox.cgroups import Cgroups, NoCgroups, open_cgroups
from clearinghouse.sandbox.collecting import collect
from clearinghouse.sandbox.inputs import Piece, check_name, lay_out, plan, room
from clearinghouse.sandbox.seccomp import filters
from clearinghouse.sandbox.slots import Seen, Slot, SlotBroken, Started

USER_INSIDE = 1000
_VERSION_MIN = (0, 8, 0)
_ARGUMENT_BYTES_MAX = 100_000
_NOTE_CHARACTERS_MAX = 200
_SIGNAL_BASE, _SIGNAL_MAX = 128, 64
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_ENVIRONMENT = {"PATH": "/usr/bin", "HOME": "/work", "LANG": "C.UTF-8"}
_ETC = ("alternatives", "ld.so.cache", "java-*-openjdk")
ADVICE = (
    "install bubblewrap 0.8 or later (on Debian: apt-get install bubblewrap); where user namespaces are switched off for "
    "unprivileged programs (Ubuntu: AppArmor, kernel.apparmor_restrict_unprivileged_userns), load a profile that lets bwrap make them; "
    "inside a container, run the worker on a host or virtual machine of its own"
)


class BubblewrapSandbox:
    """Slots made when they are first needed, and used again."""

    def __init__(self, *, slots: int, first_uid: int | None, cgroups: Cgroups | None = None) -> None:
        """Find the program, and make the first slot.

        Args:
            first_uid: user and group of the first slot outside, where we are root; the others follow. None, or not root: our own.
        Raises:
            Unavailable: the program, the library for filters, or something of the kernel is missing.
        """
        self._program, version = _find()
        self._filters = filters()
        self._slots = slots
        self._apart = True
        self._first_uid = first_uid if os.geteuid() == 0 else None
        self._cgroups = cgroups if cgroups is not None else open_cgroups()
        self._free: list[tuple[int, Slot | None]] = [(index, None) for index in reversed(range(slots))]
        self._changed = threading.Condition()
        self._closed = False
        guards = {Guard.NETWORK, Guard.PROCESSES, Guard.FILES, Guard.CAPABILITIES, Guard.SYSTEM_CALLS}
        if self._first_uid is not None:
            guards.add(Guard.USER)
        if not isinstance(self._cgroups, NoCgroups):
            guards |= {Guard.MEMORY, Guard.PIDS, Guard.CPU}
        self._level = Level("bubblewrap", version, frozenset(guards), self._cgroups.version)

    @property
    def level(self) -> Level:
        """What stands between a run and everything else."""
        return self._level

    @property
    def slots(self) -> int:
        """How many runs there may be at once."""
        return self._slots

    def run(self, command: Command, *, stop: threading.Event | None = None) -> Ran:
        """What became of the command.

        Raises:
            Invalid: the command names a place outside, or a program by a relative path, or is too long.
            Unavailable: the sandbox is closed, or a slot cannot be made.
        """
        check(command)
        pieces = plan(command.inputs)
        taken = self._take(stop)
        if taken is None:
            return Ran(Ending.STOPPED, self._level)
        index, slot = taken
        try:
            if slot is None:
                slot = Slot(self._cgroups, None if self._first_uid is None else self._first_uid + index, copied(), apart=self._apart)
            ran = self._run_in(slot, command, pieces, stop)
            slot.check_empty()
        except BaseException as error:  # whatever it was, nobody knows what is left in the slot
            if slot is not None:
                slot.close()
            slot = None
            if not isinstance(error, SlotBroken | OSError):
                raise
            return Ran(Ending.NO_RUN, self._level, note=f"the sandbox failed: {error}")
        finally:
            self._give_back(index, slot)
        return ran

    def _run_in(self, slot: Slot, command: Command, pieces: Sequence[Piece], stop: threading.Event | None) -> Ran:
        into, out = slot.prepare(room(pieces), command.limits)
        try:
            try:
                lay_out(pieces, into)
            finally:
                os.close(into)
            line = tuple(arguments(command, self._options()))
            started = Started(self._program, line, command.stdin, self._filters, command.limits, command.fixed_addresses)
            seen = slot.run(started, lambda: self._closed or (stop is not None and stop.is_set()))
            kept, refused = collect(
                out, command.keep, file_bytes_max=command.limits.file_bytes_max, total_bytes_max=command.limits.scratch_bytes_max
            )
        finally:
            os.close(out)
        return judge(seen, self._level, kept, refused)

    def _options(self) -> list[str]:
        return options()

    def _take(self, stop: threading.Event | None) -> tuple[int, Slot | None] | None:
        """A free slot; None if we were told to stop before there was one."""
        with self._changed:
            while True:
                if self._closed:
                    raise Unavailable("the sandbox is closed")
                if stop is not None and stop.is_set():
                    return None
                if self._free:
                    return self._free.pop()
                self._changed.wait(0.1 if stop is not None else None)

    def _give_back(self, index: int, slot: Slot | None) -> None:
        with self._changed:
            if self._closed and slot is not None:
                slot.close()
                slot = None
            self._free.append((index, slot))
            self._changed.notify_all()

    def close(self) -> None:
        """End what runs and what waits, and give the slots back."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            while len(self._free) < self._slots:
                self._changed.wait()
            for _, slot in self._free:
                if slot is not None:
                    slot.close()
            self._free = [(index, None) for index, _ in self._free]
        self._cgroups.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def check(command: Command) -> None:
    """Nothing, if the command may be run.

    Raises:
        Invalid: it names a place outside, a program by a relative path, or is too long.
    """
    if not command.argv or not command.argv[0] or ("/" in command.argv[0] and not command.argv[0].startswith("/")):
        raise Invalid("a program is named by its absolute path, or by its name in /usr/bin")
    words = [*command.argv, *command.environment, *command.environment.values()]
    if any("\0" in word for word in words):
        raise Invalid("no argument or variable may hold a zero byte")
    if sum(len(os.fsencode(word)) + 16 for word in words) > _ARGUMENT_BYTES_MAX:
        raise Invalid(f"arguments and environment are longer than {_ARGUMENT_BYTES_MAX} bytes together")
    for name in command.environment:
        if not _VARIABLE.fullmatch(name):
            raise Invalid(f"{name[:40]!r} is not the name of a variable")
    for name in command.keep:
        check_name(name, "the file to keep")


def options() -> list[str]:
    """Everything bubblewrap is told that is the same for every command. The rest of the walls the launcher has built before."""
    told = [
        "--unshare-user", "--unshare-pid", "--unshare-ipc", "--disable-userns", "--uid", str(USER_INSIDE), "--gid", str(USER_INSIDE),
        "--cap-drop", "ALL", "--new-session", "--die-with-parent", "--clearenv",
        "--dev-bind", launcher.ROOT, "/", "--proc", "/proc",
        # The first process is bubblewrap's own: with the same user it could be written to through its memory file.
        "--ro-bind", f"{launcher.PLACE}/empty", "/proc/1",
        "--chdir", "/work", "--json-status-fd", str(launcher.STATUS_FD),
    ]  # fmt: skip
    for number in launcher.FILTER_FDS:
        told += ["--add-seccomp-fd", str(number)]
    return told


def copied() -> list[str]:
    """What of `/etc` programs in `/usr` refer to: links to the chosen compiler, where libraries are, and how Java is set up."""
    return [str(path) for pattern in _ETC for path in sorted(Path("/etc").glob(pattern))]


def arguments(command: Command, told: Sequence[str]) -> list[str]:
    """The whole command line."""
    program = command.argv[0] if command.argv[0].startswith("/") else f"/usr/bin/{command.argv[0]}"
    line = ["bwrap", *told]
    for name, value in {**_ENVIRONMENT, **command.environment}.items():
        line += ["--setenv", name, value]
    return [*line, "--", program, *command.argv[1:]]


def judge(seen: Seen, level: Level, kept: Mapping[str, bytes], refused: Mapping[str, str]) -> Ran:
    """How it ended, from what was seen outside; what the run says of itself is not asked."""
    code, note = _exit_code(seen.status), ""
    signal = code - _SIGNAL_BASE if code is not None and _SIGNAL_BASE < code <= _SIGNAL_BASE + _SIGNAL_MAX else None
    if seen.usage.memory_kills and seen.cut is not Ending.STOPPED:
        ending = Ending.MEMORY
    elif seen.cut is not None:
        ending = seen.cut
    elif code is None:
        ending, note = Ending.NO_RUN, _note(seen.stderr)
    elif signal == SIGXCPU and seen.usage.cpu_seconds is None:
        ending = Ending.CPU_TIME  # nobody counts for all together, and one process used up what it may
    elif signal is not None:
        ending = Ending.SIGNALLED
    else:
        ending = Ending.EXITED
    if seen.cut is not None:
        code = signal = None
    return Ran(
        ending=ending, level=level, exit_code=code if signal is None else None, signal=signal,
        untrusted_stdout=seen.stdout, untrusted_stderr=seen.stderr, kept=kept, refused=refused, wall_seconds=seen.wall_seconds,
        cpu_seconds=seen.usage.cpu_seconds, memory_peak_bytes=seen.usage.memory_peak_bytes, memory_kills=seen.usage.memory_kills, note=note,
    )  # fmt: skip


def _exit_code(status: bytes) -> int | None:
    """The code, if bubblewrap says that the command ran: its own failures give none."""
    found = None
    for line in status.splitlines():
        try:
            document = json.loads(line)
        except ValueError:
            continue
        if isinstance(document, dict) and isinstance(document.get("exit-code"), int):
            found = document["exit-code"]
    return found


def _note(stderr: bytes) -> str:
    """What bubblewrap or the launcher gave as its reason, made fit to be shown."""
    for line in reversed(stderr.decode("utf-8", "replace").splitlines()):
        if line.startswith(("bwrap: ", "launcher: ")):
            return "".join(character if character.isprintable() else "?" for character in line)[:_NOTE_CHARACTERS_MAX]
    return "the isolating program gave no reason"


def _find() -> tuple[str, str]:
    program = shutil.which("bwrap", path="/usr/bin:/usr/local/bin:/bin")
    if program is None:
        raise Unavailable(f"the program bwrap is not here; {ADVICE}")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, env={}, timeout=20, check=False).stdout  # noqa: S603 - found above
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", said)
    if found is None or tuple(map(int, found.groups())) < _VERSION_MIN:
        raise Unavailable(f"bubblewrap {said.strip()[-20:] or 'of unknown version'} cannot switch off user namespaces inside; {ADVICE}")
    return program, found[0]
