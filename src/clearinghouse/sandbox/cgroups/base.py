"""What every version of cgroups is asked."""

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_OURS = re.compile(r"clearinghouse-(\d+)-(\d+)")


@dataclass(frozen=True, slots=True)
class Usage:
    """Counters of a slot at one instant; None where nobody counts."""

    cpu_seconds: float | None = None
    memory_peak_bytes: int | None = None
    """The most since the last `Slot.begin`, over what was in use then: files of earlier runs stay in memory and are counted."""
    memory_kills: int | None = None
    """Since the slot was made."""


class Slot(Protocol):
    """The groups of one slot."""

    @property
    def folders(self) -> tuple[tuple[Path, Path], ...]:
        """Each folder of ours, and the one its processes came from."""
        ...

    def attach(self, pid: int) -> None:
        """Move a process in. Slow: tens of milliseconds.

        Raises:
            OSError: the kernel refuses.
        """
        ...

    def begin(self, *, memory_bytes: int, processes_max: int) -> None:
        """Set the bounds of the next run, and forget the peak of the last.

        Raises:
            OSError: the kernel refuses.
        """
        ...

    def usage(self) -> Usage:
        """What was used up to now."""
        ...

    def processes(self) -> frozenset[int]:
        """Who is inside."""
        ...

    def remove(self) -> None:
        """Take the groups away; they must be empty. What cannot be removed stays, empty, for the next start to remove."""
        ...


class Cgroups(Protocol):
    """A version of cgroups in which we may make groups."""

    @property
    def version(self) -> str:
        """`v2`, `v1` or `none`."""
        ...

    @property
    def lacking(self) -> str:
        """Why there is none; empty where there is one."""
        ...

    def make(self, name: str) -> Slot:
        """Groups for one slot.

        Raises:
            OSError: the kernel refuses.
        """
        ...

    def close(self) -> None:
        """Remove the group that held the slots."""
        ...


def own_name() -> str:
    """What the group of this process' slots is called: its number and when it began, so that it is nobody else's."""
    return f"clearinghouse-{os.getpid()}-{_began(os.getpid())}"


def sweep(parent: Path) -> None:
    """Remove the groups of processes that are gone, where nothing runs in them."""
    for folder in parent.glob("clearinghouse-*"):
        named = _OURS.fullmatch(folder.name)
        if named and _began(int(named[1])) != int(named[2]):
            for group in (*folder.glob("slot-*"), folder):
                with contextlib.suppress(OSError):
                    group.rmdir()


def _began(pid: int) -> int:
    """Ticks since the machine started at which a process did; 0 if there is none."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return 0


def own_groups() -> dict[str, str]:
    """Controller (empty for version 2) to the path of this process' group."""
    found = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            found[controller] = path
    return found


def mounts(kind: str) -> list[tuple[Path, frozenset[str]]]:
    """Where file systems of a kind are mounted, and their options."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        fields, (name, _, options) = before.split(), (after.split(" ", 2))
        if name == kind:
            found.append((Path(fields[4]), frozenset(options.split(","))))
    return found
