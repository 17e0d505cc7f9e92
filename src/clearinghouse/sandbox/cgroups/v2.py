"""Version 2: one hierarchy. A group that has groups with bounds may not have processes of its own.

So the slots go below a group that was handed to us (the setting `cgroup`; in a systemd unit `Delegate=yes` with
`DelegateSubgroup=`), or, for root, below the root of the hierarchy.
"""

import contextlib
from pathlib import Path

from clearinghouse.sandbox.cgroups.base import Usage, mounts, own_groups, own_name, sweep

_NEEDED = frozenset(("memory", "pids"))
"""Processor time is counted without a controller."""


class Slot2:
    """One group."""

    def __init__(self, folder: Path, came_from: Path) -> None:
        self._folder = folder
        self.folders = ((folder, came_from),)

    def attach(self, pid: int) -> None:
        """Move a process in."""
        (self._folder / "cgroup.procs").write_text(str(pid))

    def begin(self, *, memory_bytes: int, processes_max: int) -> None:
        """Swap would only make a run that uses too much memory slow."""
        (self._folder / "memory.max").write_text(str(memory_bytes))
        with contextlib.suppress(OSError):  # a kernel without swap has no such file
            (self._folder / "memory.swap.max").write_text("0")
        (self._folder / "pids.max").write_text(str(processes_max))

    def usage(self) -> Usage:
        """The peak is of the slot's whole life where the kernel cannot forget it (before 6.12): then it is not told."""
        cpu = _table(self._folder / "cpu.stat")
        return Usage(
            cpu_seconds=cpu["usage_usec"] / 1e6,
            memory_peak_bytes=None,
            memory_kills=_table(self._folder / "memory.events").get("oom_kill", 0),
        )

    def processes(self) -> frozenset[int]:
        """Who is inside."""
        return frozenset(map(int, (self._folder / "cgroup.procs").read_text().split()))

    def remove(self) -> None:
        """Where it can be."""
        with contextlib.suppress(OSError):
            self._folder.rmdir()


class Cgroups2:
    """Groups below one that we may divide."""

    version = "v2"
    lacking = ""

    def __init__(self, parent: Path, came_from: Path) -> None:
        self._parent, self._came_from = parent, came_from

    @classmethod
    def open(cls, place: str | None) -> "Cgroups2 | str":
        """What we may divide, or why there is nothing."""
        roots = [root for root, _ in mounts("cgroup2")]
        if not roots:
            return "version 2 is not mounted"
        root, own = roots[0], roots[0] / own_groups().get("", "/").lstrip("/")
        candidates = [root / place.lstrip("/")] if place is not None else [own.parent, root]
        reason = "version 2 has no group that we may divide"
        for base in candidates:
            found = cls._divide(base, own)
            if not isinstance(found, str):
                return found
            reason = found
        return reason

    @classmethod
    def _divide(cls, base: Path, own: Path) -> "Cgroups2 | str":
        try:
            offered = frozenset((base / "cgroup.controllers").read_text().split())
            if not offered >= _NEEDED:
                return f"version 2 does not offer {', '.join(sorted(_NEEDED - offered))} at {base}"
            _enable(base)
            sweep(base)
            folder = base / own_name()
            folder.mkdir(exist_ok=True)
            _enable(folder)
        except OSError as error:
            return f"version 2 does not let us divide {base}: {error.strerror}"
        return cls(folder, own)

    def make(self, name: str) -> Slot2:
        """One group."""
        self._parent.mkdir(exist_ok=True)  # the launcher of the last slot takes it away with its own
        _enable(self._parent)
        folder = self._parent / name
        folder.mkdir(exist_ok=True)
        return Slot2(folder, self._came_from)

    def close(self) -> None:
        """Where nothing is inside."""
        with contextlib.suppress(OSError):
            self._parent.rmdir()


def _enable(folder: Path) -> None:
    """Give the groups below the controllers we need, where they do not have them yet."""
    there = frozenset((folder / "cgroup.subtree_control").read_text().split())
    if wanted := _NEEDED - there:
        (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in sorted(wanted)))


def _table(path: Path) -> dict[str, int]:
    return {name: int(value) for name, value in (line.split() for line in path.read_text().splitlines())}
