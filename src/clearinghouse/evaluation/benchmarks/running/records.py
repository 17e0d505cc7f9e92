"""A run, its samples, and what is noted beside them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from clearinghouse.core.ids import PartyId, ReviewCaseId, RunId
from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.evaluation.benchmarks.records import Grade, Grader, Item, Submission
from clearinghouse.evaluation.benchmarks.transcripts.records import Flag
from clearinghouse.evaluation.statistics.records import CellState, Effort, Grid
from clearinghouse.sandbox import Sandbox


class RunState(StrEnum):
    """Where a run stands."""

    PLANNED = "planned"
    RUNNING = "running"
    """A worker has it, or had it when it died: its lease says which."""
    PAUSED = "paused"
    """It can go on: it was stopped, the window was closed, items were not released, or the model was not there."""
    DONE = "done"
    """Every sample ended."""
    ENDED = "ended"
    """Given up before that; what never ran stays so in the denominator."""


class Purpose(StrEnum):
    """What a run is for."""

    SEALED = "sealed_run"
    PRACTICE = "practice"
    """With a practice pack: for elicitation, and never part of a determination."""
    IMPORTED = "imported"
    """Read from a log that was made elsewhere: never part of a determination unless its plan says so."""


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What is to be run, as it was frozen."""

    grid: Grid
    """Items by their ids as blinded for the engagement."""
    items: Mapping[str, str] = field(repr=False)
    """Blinded id to the item's own."""
    model: str
    """As it is asked for."""
    tokens: int
    messages: int
    seconds: float
    """Of one sample."""
    seed: str = field(repr=False)
    """Hexadecimal: chance chooses the transcripts that people read by it."""
    reviewed_share: float
    at_once: int = 1
    completion_tokens_max: int = 4_096
    temperature: float | None = None
    stream: bool = False
    prompt_microdollars: float = 0.0
    completion_microdollars: float = 0.0
    system: str = ""
    """The scaffold's first message; empty: the engine's own."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run."""

    id: RunId
    review_id: ReviewCaseId
    purpose: Purpose
    state: RunState
    state_at: datetime
    asked_at: datetime
    asked_by: PartyId
    plan_digest: str
    """Of the analysis plan that it belongs to, as the ledger has it."""
    engine: str
    epochs: int
    total: int
    done: int
    why: str = ""
    """Why it is paused, one of our own words."""
    leased_until: datetime | None = None
    stop_wanted: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """One cell of the grid as it is run."""

    id: str
    """`smp_...`: all that an engine, a gateway and a model's developer ever see of it."""
    run_id: RunId
    number: int
    """Its place in the order of the plan, from 0."""
    domain: str
    family: str
    item: str
    """Blinded."""
    epoch: int
    attempts: int
    """How often it was begun."""
    outcome: CellState | None
    """None: it has not ended."""
    flags: tuple[Flag, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    calls: int = 0
    unmetered_calls: int = 0
    seconds: float = 0.0
    cost_microdollars: int = 0
    transcript_digest: str = ""
    build_digest: str = ""
    """Of what the answers named as model and build."""
    note: str = ""
    """One of our own words: which limit, what failed."""
    begun_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run came, without a word of how samples ended: nobody peeks before the plan says so."""

    run: Run
    attempts: int
    tokens: int
    cost_microdollars: int
    seconds: float
    incidents: int
    rerun: int
    """Samples that were begun more than once."""


@dataclass(frozen=True, slots=True)
class Control:
    """What an item's own controls came to, through the grader that grades the model."""

    item: str
    """Blinded."""
    positive: bool | None
    """The reference solution was accepted; None: it could not be graded."""
    negative: bool | None
    """What looks right and is not was refused, and so was an empty hand."""
    at: datetime

    @property
    def passed(self) -> bool:
        """Both, and nothing was left open."""
        return self.positive is True and self.negative is True


@dataclass(frozen=True, slots=True)
class KeptEffort:
    """An entry of the ledger of elicitation effort."""

    id: str
    review_id: ReviewCaseId
    by: PartyId
    at: datetime
    effort: Effort


@dataclass(frozen=True, slots=True)
class KeptIncident:
    """An incident on the record."""

    id: str
    run_id: RunId
    sample_id: str
    kind: str
    certainty: str
    call: int
    digest: str
    at: datetime
    words: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something a named check found wrong with a run."""

    check: str
    """`grid`, `item_reused`, `model_changed`, `truncated`, `controls`, `unmetered` or `transcripts`."""
    samples: tuple[str, ...]
    words: str


class OpenItems(Protocol):
    """Custody, as a run uses it: the purpose is on the record before a key is released."""

    def open_item(self, item_id: str, *, run_id: RunId, about: str) -> Item:
        """One item, released for this run.

        Args:
            about: the sample it is for, or `control`.
        Raises:
            NotPermitted: custodians have not released it, or not any more.
            NotFound, Unavailable: there is no such item, or it cannot be opened now.
        """
        ...


GradeSubmission = Callable[[Mapping[str, bytes], Grader, Submission, Sandbox, BenchmarkPolicy], Grade]
"""A grade for what was handed in, given the files of its item."""
