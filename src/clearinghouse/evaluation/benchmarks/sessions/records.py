"""What a session is given and gives back, and what is noted of it."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.sandbox import Limits

_ROOM_BYTES = 32 << 20  # for output and the index beside the files that are kept
_MARGIN_SECONDS = 20.0  # for unpacking and packing


class IncidentKind(StrEnum):
    """What a model tried that it should not have tried."""

    REACH_OUT = "reach_out"
    """To send something to a place outside the sandbox, or to look up its name."""
    SEEK_ANSWER = "seek_answer"
    """To find a grader, a reference solution, or another sample."""
    WRITE_VERDICT = "write_verdict"
    """To write what only a grader writes, or to take a grader's place."""
    BREAK_OUT = "break_out"
    """To get past a wall: other namespaces, other processes' memory, the host's devices."""
    MODEL_CHANGED = "model_changed"
    """Not the model's doing: answers of one run name different builds."""


class Certainty(StrEnum):
    """What an incident rests on."""

    FACT = "fact"
    """Something counted or refused, which the sample cannot have made up."""
    PATTERN = "pattern"
    """Words in a command or an output that read so; a person looks."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One such attempt."""

    kind: IncidentKind
    certainty: Certainty
    call: int
    """Which tool call of the sample, from 1; 0 where it was none."""
    words: str
    """Ours: which sign it was."""
    untrusted_evidence: bytes = field(default=b"", repr=False)
    """The command or output it was seen in, cut; sealed with the transcript."""

    @property
    def digest(self) -> str:
        """Of the evidence, for the record."""
        return "sha256:" + hashlib.sha256(self.untrusted_evidence).hexdigest()


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What one sample's tools may cost."""

    call_seconds: float
    output_bytes_max: int
    """Of standard output and of standard error, of one call."""
    memory_bytes: int
    processes_max: int
    state_bytes_max: int
    state_files_max: int

    def of_call(self, seconds: float) -> Limits:
        """Bounds of the run that a call is."""
        return Limits(
            wall_seconds=seconds + _MARGIN_SECONDS, cpu_seconds=2 * seconds + _MARGIN_SECONDS, memory_bytes=self.memory_bytes + 2 * self.state_bytes_max + _ROOM_BYTES,
            processes_max=self.processes_max + 1, output_bytes_max=65_536, file_bytes_max=self.state_bytes_max + _ROOM_BYTES,
            scratch_bytes_max=self.state_bytes_max + _ROOM_BYTES, files_max=self.state_files_max + 16,
        )  # fmt: skip


def limits_of(policy: BenchmarkPolicy) -> SessionLimits:
    """Those of an instance."""
    return SessionLimits(
        policy.tool_seconds_max, policy.tool_output_bytes_max, policy.tool_memory_bytes, policy.tool_processes_max, policy.state_bytes_max,
        policy.state_files_max,
    )


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What became of a command. All of it is as the sandbox's inside says, which belongs to the sample: it can fool itself alone."""

    exit_code: int | None
    """128 and the number for a signal; None where the command did not come to its end."""
    untrusted_stdout: bytes = field(default=b"", repr=False)
    untrusted_stderr: bytes = field(default=b"", repr=False)
    truncated: bool = False
    """There was more output than is taken."""
    timed_out: bool = False
    note: str = ""
    """Ours: what else happened, such as files that were not kept."""
    seconds: float = 0.0
    trouble: str = ""
    """Why it could not be started: `permission` or nothing."""
