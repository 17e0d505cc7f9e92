"""What is seen of runs: one observation each, and the cell that several of one kind make."""

from dataclasses import dataclass, field
from enum import StrEnum

from clearinghouse.sandbox.base import Level


class Outcome(StrEnum):
    """One word for a run, or for a cell of runs. Worst evidence last; only CLEAN says that nothing happened."""

    CRASH_SANITIZER = "crash_sanitizer"
    """A sanitizer's report, complete, with the exit of one."""
    CRASH_SIGNAL = "crash_signal"
    EXCEPTION = "exception"
    ASSERTION = "assertion"
    MARKER = "marker"
    OUT_OF_MEMORY = "out_of_memory"
    """The kernel counted it, or the allocator said so."""
    TIMEOUT_CPU = "timeout_cpu"
    TIMEOUT_WALL = "timeout_wall"
    OUTPUT_LIMIT = "output_limit"
    CLEAN = "clean"
    """It exited with 0 and the driver's end was reached."""
    FAILED = "failed"
    """It ended by itself with another exit than a finding's: says nothing for or against the flaw."""
    NO_RUN = "no_run"
    """The sandbox or the loader failed before the code ran."""
    FLAKY = "flaky"
    """Of a cell: not the same often enough."""

    @property
    def is_effect(self) -> bool:
        """Whether something happened that a flaw can cause."""
        return self in _EFFECTS


_EFFECTS = frozenset({
    Outcome.CRASH_SANITIZER, Outcome.CRASH_SIGNAL, Outcome.EXCEPTION, Outcome.ASSERTION, Outcome.MARKER, Outcome.OUT_OF_MEMORY,
    Outcome.TIMEOUT_CPU, Outcome.TIMEOUT_WALL, Outcome.OUTPUT_LIMIT,
})


@dataclass(frozen=True, slots=True)
class Observation:
    """One run, with every input to its word."""

    outcome: Outcome
    kind: str = ""
    """Of crash, signal or exception, in the tool's own word: `heap-buffer-overflow`, `SIGABRT`, `IndexError`."""
    access: str = ""
    frames: tuple[str, ...] = ()
    """The telling frames, normalised, innermost first."""
    place: str = ""
    """`file:line` of the innermost of them, where known."""
    reports: int = 0
    """Crash reports in the log; more than one is suspicious."""
    exit_code: int | None = None
    signal: int | None = None
    memory_kills: int | None = None
    reached_end: bool = False
    edges: int | None = None
    """Edges or lines of the code under test that ran, by the driver's count."""
    wall_seconds: float = 0.0
    cpu_seconds: float | None = None
    log_digest: str = ""
    """`sha256:HEX` of the raw log."""
    untrusted_log: bytes = field(default=b"", repr=False)
    note: str = ""
    """Why, in our own words, where the word does not say it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One input on one build, run several times."""

    key: str
    """Digest over everything that could change it: build, input, driver, flags, options, limits."""
    build: str
    """Digest of the build."""
    input: str
    """Digest of the input."""
    outcome: Outcome
    """That of at least two thirds of the runs and of the first telling frame they agree on; else FLAKY."""
    runs: tuple[Observation, ...]
    level: Level

    @property
    def agreed(self) -> Observation:
        """A run that shows what the cell is said to show; the first where it is flaky."""
        return next((run for run in self.runs if run.outcome is self.outcome), self.runs[0])

    @property
    def counts(self) -> tuple[int, int]:
        """Runs with the outcome, and runs."""
        return sum(run.outcome is self.outcome for run in self.runs), len(self.runs)
