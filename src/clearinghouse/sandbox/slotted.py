"""What kinds of sandbox that run in slots have in common: everything but how one run is isolated."""

import os
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from signal import SIGXCPU
from typing import Self

from clearinghouse.core.errors import Invalid, Unavailable
from clearinghouse.sandbox.base import Command, Ending, Guard, Level, Ran
from clearinghouse.sandbox.cgroups import Cgroups, NoCgroups, open_cgroups
from clearinghouse.sandbox.collecting import collect
from clearinghouse.sandbox.inputs import Piece, check_name, lay_out, plan, room
from clearinghouse.sandbox.slots import Seen, Slot, SlotBroken, Started
from clearinghouse.sandbox.users import Users

_ARGUMENT_BYTES_MAX = 100_000
_NOTE_CHARACTERS_MAX = 200
_SIGNAL_BASE, _SIGNAL_MAX = 128, 64
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_ENVIRONMENT = {"PATH": "/usr/bin", "HOME": "/work", "LANG": "C.UTF-8"}
_ETC = ("alternatives", "ld.so.cache", "java-*-openjdk")


class SlottedSandbox(ABC):
    """Slots made when they are first needed, and used again."""

    def __init__(self, kind: str, version: str, guards: frozenset[Guard], *, slots: int, first_uid: int | None, cgroups: Cgroups | None) -> None:
        """No slot yet.

        Args:
            guards: those of the kind itself.
            first_uid: from this number on, each slot takes a user and group that no other worker of the host holds, where we are root.
                None, or not root: our own.
        """
        self._slots = slots
        self._apart = True
        self._users = Users(first_uid) if first_uid is not None and os.geteuid() == 0 else None
        self._cgroups = cgroups if cgroups is not None else open_cgroups()
        self._free: list[tuple[int, Slot | None]] = [(index, None) for index in reversed(range(slots))]
        self._changed = threading.Condition()
        self._closed = False
        user = {Guard.USER} if self._users is not None else set()
        counted = set() if isinstance(self._cgroups, NoCgroups) else {Guard.MEMORY, Guard.PIDS, Guard.CPU}
        self._level = Level(kind, version, guards | user | counted, self._cgroups.version)

    @abstractmethod
    def _started(self, command: Command) -> Started:
        """What the launcher is to start."""

    @abstractmethod
    def _exit_code(self, seen: Seen) -> int | None:
        """The command's own exit code, with 128 added to a signal's number; None if it never ran."""

    @abstractmethod
    def _said(self, stderr: bytes) -> str:
        """Why it never ran, as the isolating program said."""

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
                slot = Slot(self._cgroups, None if self._users is None else self._users.of(index), copied(), apart=self._apart)
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
        started = self._started(command)
        into, out = slot.prepare(room(pieces), started)
        try:
            try:
                lay_out(pieces, into)
            finally:
                os.close(into)
            seen = slot.run(started, lambda: self._closed or (stop is not None and stop.is_set()))
            kept, refused = collect(
                out, command.keep, file_bytes_max=command.limits.file_bytes_max, total_bytes_max=command.limits.scratch_bytes_max
            )
        finally:
            os.close(out)
        return self._judge(seen, kept, refused)

    def _judge(self, seen: Seen, kept: dict[str, bytes], refused: dict[str, str]) -> Ran:
        """How it ended, from what was seen outside; what the run says of itself is not asked."""
        code, note = self._exit_code(seen), ""
        signal = code - _SIGNAL_BASE if code is not None and _SIGNAL_BASE < code <= _SIGNAL_BASE + _SIGNAL_MAX else None
        if seen.usage.memory_kills and seen.cut is not Ending.STOPPED:
            ending = Ending.MEMORY
        elif seen.cut is not None:
            ending = seen.cut
        elif code is None:
            ending, note = Ending.NO_RUN, shown(self._said(seen.stderr))
        elif signal == SIGXCPU and seen.usage.cpu_seconds is None:
            ending = Ending.CPU_TIME  # nobody counts for all together, and one process used up what it may
        elif signal is not None:
            ending = Ending.SIGNALLED
        else:
            ending = Ending.EXITED
        if seen.cut is not None:
            code = signal = None
        return Ran(
            ending=ending, level=self._level, exit_code=code if signal is None else None, signal=signal,
            untrusted_stdout=seen.stdout, untrusted_stderr=seen.stderr, kept=kept, refused=refused, wall_seconds=seen.wall_seconds,
            cpu_seconds=seen.usage.cpu_seconds, memory_peak_bytes=seen.usage.memory_peak_bytes, memory_kills=seen.usage.memory_kills,
            unreachable=seen.unreachable if self._apart and Guard.KERNEL not in self._level.guards else None, note=note,
        )  # fmt: skip

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
        if self._users is not None:
            self._users.close()
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


def environment_of(command: Command) -> dict[str, str]:
    """All of it."""
    return {**_ENVIRONMENT, **command.environment}


def line_of(command: Command) -> list[str]:
    """The program by its absolute path, and its arguments."""
    program = command.argv[0] if command.argv[0].startswith("/") else f"/usr/bin/{command.argv[0]}"
    return [program, *command.argv[1:]]


def copied() -> list[str]:
    """What of `/etc` programs in `/usr` refer to: links to the chosen compiler, where libraries are, and how Java is set up."""
    return [str(path) for pattern in _ETC for path in sorted(Path("/etc").glob(pattern))]


def shown(said: str) -> str:
    """What a program gave as its reason, made fit to be shown."""
    plain = "".join(character if character.isprintable() else "?" for character in said)[:_NOTE_CHARACTERS_MAX]
    return plain or "the isolating program gave no reason"
