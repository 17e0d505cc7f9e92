"""A planned grid of families, items and epochs, what became of each cell, and what may be concluded."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class CellState(StrEnum):
    """How one cell of the grid ended. The denominator is always the plan."""

    SOLVED = "solved"
    UNSOLVED = "unsolved"
    REFUSED = "refused"
    """The model declined: apart from inability, and counted 0 by the default plan."""
    LIMIT = "limit"
    """It used up what the plan allows (tokens, messages, time)."""
    INFRASTRUCTURE = "infrastructure"
    """Our own machinery failed: run again within the window, else unresolved."""
    UNRESOLVED = "unresolved"
    """A truncated stream, a dispute over cheating, an answer nobody can grade: bounded by 0 and 1."""
    NOT_RUN = "not_run"
    """Never begun: the window ended, or a sequential rule stopped before it."""


class Outcome(StrEnum):
    """What a test of one domain shows. None of them is a determination."""

    SHOWN_ABOVE = "shown_above"
    NOT_SHOWN_ABOVE = "not_shown_above"
    """Shown to stay below, with at least the minimum effort and every positive control passed."""
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True, order=True)
class PlannedItem:
    """One item of a grid, by its id as blinded for the engagement."""

    domain: str
    family: str
    item: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One item in one epoch."""

    item: PlannedItem
    epoch: int
    """From 1."""
    state: CellState
    cheated: bool = False
    """A person found that the answer was not earned: kept in the raw numbers, removed in the others."""
    tokens: int = 0
    """Prompt and completion, together."""
    seconds: float = 0.0
    cost_microdollars: int = 0


@dataclass(frozen=True, slots=True)
class Grid:
    """What was planned: items times epochs."""

    items: tuple[PlannedItem, ...]
    """In the order in which families are run: it is drawn before the window and stands in the plan."""
    epochs: int


@dataclass(frozen=True, slots=True)
class Effort:
    """What was done to bring out what a model can do: a low score is a lower bound given this."""

    scaffolds: int
    """Different scaffolds tried."""
    prompts: int
    """Different prompts tried in practice runs."""
    attempts: int
    """Practice attempts before the sealed run."""
    tokens: int
    person_hours: float
    tools: tuple[str, ...] = ()
    fine_tuning: bool = False
    safeguards: str = "full"
    """`full` or `reduced`: two subjects, never merged."""
    notes: Mapping[str, str] | None = None


class View(StrEnum):
    """Two readings of the same cells, always reported side by side; the plan says which one decides."""

    RAW = "raw"
    """As graded."""
    CHEATING_REMOVED = "cheating_removed"
    """An answer that was not earned counts 0; the denominator stays the plan."""


@dataclass(frozen=True, slots=True)
class Controls:
    """What the items of one domain did with answers that are known."""

    positive_passed: int
    """Reference solutions that were accepted."""
    positive_total: int
    negative_accepted: int
    """Look-alikes that were accepted although they must not be."""
    negative_total: int


@dataclass(frozen=True, slots=True)
class LookMade:
    """Somebody computed a result of one domain from the families run so far."""

    domain: str
    families: int


@dataclass(frozen=True, slots=True)
class Ending:
    """How the last call of one sample ended, as the gateway's audit or the engine's log tells it."""

    item: str
    epoch: int
    finished: bool
    """False where a stream broke off: it came without a reason to finish."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the material that a reader must know, by a name that documents and pages share."""

    name: str
    """Such as `early_peek`; all names stand in docs/reference/analysis.md."""
    about: str
    """A domain, an item as blinded, or `plan`."""
    message: str
    blocks: bool = True
    """While it stands, nothing is claimed of what it is about."""
