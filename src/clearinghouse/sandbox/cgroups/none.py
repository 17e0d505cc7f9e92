"""A machine without cgroups, or with none for us: nothing is bounded, nothing is counted, and the level says so."""

from pathlib import Path

from clearinghouse.sandbox.cgroups.base import Usage


class NoSlot:
    """Counts nothing."""

    folders: tuple[tuple[Path, Path], ...] = ()

    def attach(self, pid: int) -> None:
        """Nothing."""

    def begin(self, *, memory_bytes: int, processes_max: int) -> None:
        """Nothing."""

    def usage(self) -> Usage:
        """Nobody knows."""
        return Usage()

    def processes(self) -> frozenset[int]:
        """Nobody knows."""
        return frozenset()

    def remove(self) -> None:
        """Nothing."""


class NoCgroups:
    """There is none, for the reason given."""

    version = "none"

    def __init__(self, lacking: str) -> None:
        self.lacking = lacking

    def make(self, _name: str) -> NoSlot:
        """A slot that counts nothing."""
        return NoSlot()

    def close(self) -> None:
        """Nothing."""
