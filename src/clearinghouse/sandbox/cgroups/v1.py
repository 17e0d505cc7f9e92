"""Version 1: one hierarchy for each controller, or for a few together."""

import contextlib
from pathlib import Path

from clearinghouse.sandbox.cgroups.base import Usage, mounts, own_groups, own_name, sweep

_NEEDED = ("memory", "pids", "cpuacct")


class Slot1:
    """A group in each hierarchy."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self._at = folders
        self._at_first = 0
        self.folders = tuple(dict.fromkeys((folder, folder.parent.parent) for folder in folders.values()))

    def attach(self, pid: int) -> None:
        """Move a process into each."""
        for folder, _ in self.folders:
            (folder / "cgroup.procs").write_text(str(pid))

    def begin(self, *, memory_bytes: int, processes_max: int) -> None:
        """Swap is bounded with the memory where the kernel counts it; raising and lowering want opposite orders."""
        memory = self._at["memory"]
        both = [memory / name for name in ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes") if (memory / name).exists()]
        if memory_bytes > int(both[0].read_text()):
            both.reverse()
        for file in both:
            try:
                file.write_text(str(memory_bytes))
            except OSError:  # what the last run left in caches is still counted here
                (memory / "memory.force_empty").write_text("0")
                file.write_text(str(memory_bytes))
        (memory / "memory.max_usage_in_bytes").write_text("0")
        self._at_first = int((memory / "memory.usage_in_bytes").read_text())
        (self._at["pids"] / "pids.max").write_text(str(processes_max))

    def usage(self) -> Usage:
        """Three small files."""
        memory = self._at["memory"]
        control = dict(line.split() for line in (memory / "memory.oom_control").read_text().splitlines())
        return Usage(
            cpu_seconds=int((self._at["cpuacct"] / "cpuacct.usage").read_text()) / 1e9,
            memory_peak_bytes=max(0, int((memory / "memory.max_usage_in_bytes").read_text()) - self._at_first),
            memory_kills=int(control.get("oom_kill", "0")),
        )

    def processes(self) -> frozenset[int]:
        """As the hierarchy of processes has it."""
        return frozenset(map(int, (self._at["pids"] / "cgroup.procs").read_text().split()))

    def remove(self) -> None:
        """Each where it can be."""
        for folder, _ in self.folders:
            with contextlib.suppress(OSError):
                folder.rmdir()


class Cgroups1:
    """Groups below our own in every hierarchy."""

    version = "v1"
    lacking = ""

    def __init__(self, parents: dict[str, Path]) -> None:
        self._parents = parents

    @classmethod
    def open(cls, place: str | None) -> "Cgroups1 | str":
        """What we may divide, or why there is nothing."""
        own, where, parents = own_groups(), mounts("cgroup"), {}
        for controller in _NEEDED:
            roots = [root for root, options in where if controller in options]
            if not roots:
                return f"version 1 has no hierarchy for {controller}"
            path = (place if place is not None else own.get(controller, "/")).lstrip("/")
            # In a container the group's path is the host's, and what is mounted is the group itself.
            base = roots[0] / path if (roots[0] / path).is_dir() else roots[0]
            parents[controller] = base / own_name()
        for folder in dict.fromkeys(parents.values()):
            sweep(folder.parent)
            try:
                folder.mkdir(exist_ok=True)
            except OSError as error:
                return f"version 1 does not let us make a group: {error.strerror} at {folder.parent}"
        return cls(parents)

    def make(self, name: str) -> Slot1:
        """A group in each hierarchy."""
        folders = {controller: parent / name for controller, parent in self._parents.items()}
        for folder in folders.values():
            folder.mkdir(exist_ok=True, parents=True)  # the launcher of the last slot takes the parent away with its own
        return Slot1(folders)

    def close(self) -> None:
        """Where nothing is inside."""
        for folder in self._parents.values():
            with contextlib.suppress(OSError):
                folder.rmdir()
