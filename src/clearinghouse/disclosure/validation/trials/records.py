"""What is kept of a patch that was tried."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.ids import CaseId, PartyId, ReviewId, TrialId
from clearinghouse.disclosure.validation.patches.records import Climb, RegressionTest
from clearinghouse.disclosure.validation.recipes.records import Supplier


class TrialState(StrEnum):
    """Where a trial stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    """It was tried; how far it came is another word."""
    FAILED = "failed"
    """It could not be tried: what it needs cannot be used, or it ended its worker again and again."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A patch of a case on a recipe of the case."""

    id: TrialId
    case_id: CaseId
    patch: str
    """Digest of the unified diff among the materials of the case."""
    recipe: str
    """Digest of the recipe."""
    supplier: Supplier
    state: TrialState
    state_at: datetime
    asked_at: datetime
    asked_by: PartyId
    name: str
    """Of the patch, as who handed it in called it."""
    regression: RegressionTest | None = None
    attempts: int = 0
    statement_digest: str = ""
    """Of the signed statement, as the ledger has it."""
    trouble: str = ""
    climb: Climb | None = None
    """None until it was tried; reviews are not in it."""


@dataclass(frozen=True, slots=True)
class KeptReview:
    """A person's word about a patch that was tried."""

    id: ReviewId
    trial: TrialId
    reviewer: PartyId
    accepts: bool
    at: datetime
    reason: str
    statement_digest: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A trial that a worker holds."""

    id: TrialId
    case_id: CaseId
    lease: str
    attempts: int
    """This one included."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What a trial gave, as it is kept."""

    climb: Climb
    statement: bytes = field(repr=False)
    """Signed once, kept as these bytes."""
    statement_digest: str
