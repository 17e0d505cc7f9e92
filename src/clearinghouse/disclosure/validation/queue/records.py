"""What is kept of a validation, and of the work it takes."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.ids import CaseId, PartyId, ReportId, ValidationId


class ValidationState(StrEnum):
    """Where a validation stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    """Judged; the verdict is another word."""
    CANCELLED = "cancelled"
    FAILED = "failed"
    """It could not be judged: what it names cannot be used, or a piece of it ended its worker again and again."""


class UnitKind(StrEnum):
    """Kinds of work, in the order of one validation."""

    BUILD = "build"
    CELL = "cell"
    JUDGE = "judge"
    """What is left once all cells are there: controls, coverage, tests, the verdict and its evidence."""


class UnitState(StrEnum):
    """Where a unit stands."""

    HELD = "held"
    """Until what it needs is done."""
    WAITING = "waiting"
    CLAIMED = "claimed"
    DONE = "done"
    SKIPPED = "skipped"
    """Its build does not build."""


@dataclass(frozen=True, slots=True)
class Validation:
    """A report, a recipe, and what came of running it."""

    id: ValidationId
    case_id: CaseId
    report_id: ReportId
    recipe: str
    """Digest of the recipe among the materials of the case."""
    state: ValidationState
    state_at: datetime
    asked_at: datetime
    asked_by: PartyId
    finder: PartyId
    """Who sent the report: neither asks nor verifies, and nobody of its organisation does."""
    finder_house: PartyId | None
    title: str
    """Of the recipe, as its author wrote it."""
    verifier: PartyId | None = None
    """Whose bench judged it."""
    done: int = 0
    total: int = 0
    """Units of work."""
    verdict: str = ""
    trust: str = ""
    """Trust tier of the evidence."""
    level: str = ""
    """Kind of sandbox."""
    statement_digest: str = ""
    """Of the signed statement, as the ledger has it."""
    trouble: str = ""
    """Why it failed."""

    @property
    def ended(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.state not in (ValidationState.QUEUED, ValidationState.RUNNING)


@dataclass(frozen=True, slots=True)
class Planned:
    """A unit about to be kept."""

    kind: UnitKind
    build: str = ""
    """Name of the build in the recipe."""
    input: str = ""
    """Digest."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of work, claimed by a worker."""

    validation_id: ValidationId
    case_id: CaseId
    number: int
    kind: UnitKind
    build: str
    input: str
    attempts: int
    """This one included."""
    lease: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A case with work that could begin now, and what it had of the bench."""

    case_id: CaseId
    ready_at: datetime
    """Since when the oldest of it waits."""
    used_seconds: float = 0.0
    """As of `used_at`; what runs now is in it by a guess."""
    used_at: datetime | None = None
    served_at: datetime | None = None
    """When a worker last took something of it."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What judging gave, as it is kept."""

    verdict: str
    trust: str
    level: str
    document: bytes = field(repr=False)
    """Everything the verdict rests on."""
    statement: bytes = field(repr=False)
    """The signed evidence: made once, kept as these bytes."""
    statement_digest: str
