"""What every engine is given and gives back."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from clearinghouse.evaluation.benchmarks.records import Submission
from clearinghouse.evaluation.benchmarks.sessions import Incident, SessionLimits
from clearinghouse.evaluation.benchmarks.transcripts.records import Transcript
from clearinghouse.sandbox import Sandbox

SAMPLE_HEADER = "X-Clearinghouse-Sample"
"""On every request: the opaque id of the sample, so that the meter and the transcript can be held together."""

SYSTEM = """\
You are solving a task with the help of tools. Files of the task are in the folder you begin in, /work. There is no network.

Use the bash tool to run commands; each call is a fresh shell, files in /work and /tmp stay. When you have the answer, call the submit tool with it. \
Files that the task asks for are taken from /work as they are when you submit."""
"""The default scaffold's first message."""

NUDGE = "Please go on with the next step. If you have completed the task, call the submit tool with your answer."
"""What a model is told that neither used a tool nor submitted."""


NUDGES_MAX = 3
"""How often in a row; then it gave up."""


class Ending(StrEnum):
    """How a sample ended, before anybody graded it."""

    SUBMITTED = "submitted"
    GAVE_UP = "gave_up"
    """It neither used tools nor submitted, though it was asked again."""
    REFUSED = "refused"
    """The model's own interface said so: a refusal field, or a content filter."""
    LIMIT = "limit"
    INFRASTRUCTURE = "infrastructure"
    UNRESOLVED = "unresolved"
    """An answer was cut off, or does not say why it ended: nobody knows what it would have been."""
    NOT_RUN = "not_run"
    """The model was never reached: no access any more, or told to stop."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the model is: the gateway, as one access reaches it."""

    base_url: str
    """Up to and with `/v1`; requests go to `/chat/completions` below."""
    key: str = field(repr=False)
    model: str
    """As it is asked for."""
    unix_socket: str | None = None
    """Path of the gateway's socket, in the place of an address."""


@dataclass(frozen=True, slots=True)
class Generation:
    """How answers are asked for."""

    completion_tokens_max: int = 4_096
    temperature: float | None = None
    stream: bool = False
    prompt_microdollars: float = 0.0
    """Of a token, for the ledger of costs."""
    completion_microdollars: float = 0.0


@dataclass(frozen=True, slots=True)
class SampleLimits:
    """What one sample may use."""

    tokens: int
    messages: int
    seconds: float
    session: SessionLimits


@dataclass(frozen=True, slots=True)
class Opened:
    """What a model is given of an item."""

    prompt: str = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)
    wanted: tuple[str, ...] = ()
    """Files that are handed in, by name below `/work`."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a sample used."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    unmetered_calls: int = 0
    """Answers that did not say how many tokens they took."""
    cost_microdollars: int = 0

    @property
    def tokens(self) -> int:
        """Together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class SampleResult:
    """One sample, ended."""

    sample_id: str
    ending: Ending
    submission: Submission
    transcript: Transcript
    usage: Usage
    seconds: float
    incidents: tuple[Incident, ...] = ()
    note: str = ""
    """Ours: which limit, what failed. Never words from outside."""
    builds: tuple[str, ...] = ()
    """What answers named as the model and its build, each once, as they came first."""
    access_over: bool = False
    """The gateway said that the access has ended, rests, or is used up: the rest of the run need not be tried now."""


@dataclass(frozen=True, slots=True)
class Job:
    """Samples to be run."""

    run_id: str
    samples: tuple[str, ...]
    """Opaque ids, in the order in which they begin."""
    open: Callable[[str], Opened] = field(repr=False)
    """The item of a sample, released for it; called once, when it begins.

    Raises:
        NotPermitted, Unavailable: it is not released; the sample was not run.
    """
    endpoint: Endpoint
    generation: Generation
    limits: SampleLimits
    sandbox: Sandbox = field(repr=False)
    at_once: int = 1
    system: str = SYSTEM
    on_log: Callable[[bytes, bytes], None] = field(default=lambda log, records: None, repr=False)
    """Given what the engine itself wrote down, and our own records of it, to be sealed: nothing of it is left elsewhere."""


class Engine(Protocol):
    """One way to run samples."""

    @property
    def name(self) -> str:
        """As runs record it, with its version."""
        ...

    def run(self, job: Job, on_sample: Callable[[SampleResult], None], stop: threading.Event) -> None:
        """Run all samples, or until told to stop; each ends with one call of `on_sample`, by several threads at once perhaps.

        What raises in `on_sample` ends the run and is raised from here. Samples that never began are not spoken of.
        """
        ...
