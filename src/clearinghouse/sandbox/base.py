"""What every kind of sandbox is given and gives back.

Inside, a command finds its inputs below `/in`, read-only; `/work`, where it begins, and `/out` are empty, writable, in
memory and gone afterwards. There is no network, no other process, no environment but the one that is given here.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol, Self


class Guard(StrEnum):
    """A wall. A kind of sandbox that lacks one says so, and those who read the evidence decide what it is worth."""

    NETWORK = "network"
    """No interface but an unconnected loopback; no socket of the host."""
    PROCESSES = "processes"
    """Sees and signals only what it started itself."""
    FILES = "files"
    """Reads only the tools and its inputs; writes only what is thrown away."""
    USER = "user"
    """Outside, too, it is a user without rights, one for each slot."""
    CAPABILITIES = "capabilities"
    """No capabilities, and no namespace in which to get some."""
    SYSTEM_CALLS = "system calls"
    """Those that no build and no reproducer needs are refused."""
    MEMORY = "memory"
    """Bounded by the kernel for all processes together."""
    PIDS = "pids"
    """Number of processes and threads bounded."""
    CPU = "cpu"
    """Processor time bounded for all processes together."""
    KERNEL = "kernel"
    """System calls are answered by another kernel than the host's."""


@dataclass(frozen=True, slots=True)
class Level:
    """How far a run was kept apart from everything else."""

    kind: str
    """`bubblewrap` or `runsc`."""
    version: str
    guards: frozenset[Guard]
    cgroups: str = "none"
    """`v2`, `v1` or `none`."""

    @property
    def lacking(self) -> tuple[str, ...]:
        """Walls that this host does not have, by name; another kernel is no wall that one expects."""
        return tuple(sorted(guard.value for guard in Guard if guard not in self.guards and guard is not Guard.KERNEL))

    def render(self) -> dict[str, str | list[str]]:
        """As evidence has it: plain values, guards sorted."""
        return {"kind": self.kind, "version": self.version, "cgroups": self.cgroups, "guards": sorted(self.guards)}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may cost."""

    wall_seconds: float
    cpu_seconds: float
    """All processes together."""
    memory_bytes: int
    """All processes together, files in memory included."""
    processes_max: int
    """Threads included."""
    output_bytes_max: int
    """Of standard output and standard error, each."""
    file_bytes_max: int
    """Of one file."""
    scratch_bytes_max: int
    """Of all files below `/work`, and again below `/out`."""
    files_max: int
    """How many files there may be below each."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder that a command finds at `/in/NAME`, read-only."""

    name: str
    """Relative, without `..`."""
    content: bytes | Path = field(repr=False)
    """Bytes of a file, or the path of a file or folder of ours. A folder must hold nothing but plain files and folders."""
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One run."""

    argv: tuple[str, ...]
    """The program by absolute path, or by a name found in `/usr/bin`."""
    limits: Limits
    inputs: tuple[Entry, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    """All of it, but for `PATH=/usr/bin`, `HOME=/work` and `LANG=C.UTF-8`, which these values may replace."""
    stdin: bytes = b""
    keep: tuple[str, ...] = ()
    """Names of files below `/out` whose bytes are wanted afterwards. Anything else there is not looked at."""
    fixed_addresses: bool = False
    """Without address randomisation: some sanitizers and some flaws need it to do the same twice."""


class Ending(StrEnum):
    """How a run ended, by what the sandbox itself saw."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    """By a signal that the sandbox did not send."""
    MEMORY = "memory"
    """The kernel ended a process because the memory allowed was used up."""
    CPU_TIME = "cpu time"
    WALL_TIME = "wall time"
    OUTPUT = "output"
    """It wrote more than it may and was ended."""
    STOPPED = "stopped"
    """We were asked to stop."""
    NO_RUN = "no run"
    """The command never began; `note` says why. It says nothing about the command."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run left. Everything a payload can write is untrusted."""

    ending: Ending
    level: Level
    exit_code: int | None = None
    """Of the command itself, where it exited."""
    signal: int | None = None
    untrusted_stdout: bytes = field(default=b"", repr=False)
    untrusted_stderr: bytes = field(default=b"", repr=False)
    kept: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Name to untrusted bytes, for those of `keep` that were plain files within the limits."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Name to our own words, for those of `keep` that were something else."""
    wall_seconds: float = 0.0
    cpu_seconds: float | None = None
    memory_peak_bytes: int | None = None
    memory_kills: int | None = None
    """Processes the kernel ended for want of memory; None where nobody counts."""
    unreachable: int | None = None
    """Attempts to send something out of the sandbox, as the host's kernel counted them; None where nobody counts."""
    note: str = ""


class Sandbox(Protocol):
    """A kind of isolation with its slots. `run` may be called by several threads at once; each waits for a free slot."""

    @property
    def level(self) -> Level:
        """What stands between a run and everything else."""
        ...

    @property
    def slots(self) -> int:
        """How many runs there may be at once."""
        ...

    def run(self, command: Command, *, stop: threading.Event | None = None) -> Ran:
        """What became of the command. Nothing of it is left afterwards: no process, no mount, no cgroup, no file.

        Raises:
            Invalid: the command names a place outside, or a program by a relative path.
        """
        ...

    def close(self) -> None:
        """End what still runs, and give the slots back."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...
