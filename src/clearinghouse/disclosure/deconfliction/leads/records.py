"""What the choice of a lead report speaks of."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.ids import DecisionId


class Strength(StrEnum):
    """What a lead has over the report that came first."""

    NAMED = "named"
    """A person's word."""
    CONFIRMED = "confirmed"
    """Somebody other than its finder reproduced the flaw with it."""
    REPRODUCER = "reproducer"
    PATCH = "patch"
    PLACE = "place"
    """A place in the code, or a stack."""
    VERSIONS = "versions"
    TEXT = "text"
    """Says more."""
    FIRST = "first"
    """Nothing: it is the first itself."""


@dataclass(frozen=True, slots=True)
class Member:
    """One report of a flaw, as far as the choice asks."""

    number: int
    """Order of receipt."""
    strength: int = 0
    """As `rules.strength_of` gives it; 0 where nobody has looked into it yet."""
    confirmed: bool = False
    eligible: bool = True
    """False for public records and what its sender took back."""


@dataclass(frozen=True, slots=True)
class Naming:
    """A person's word that a report leads, while it stands."""

    id: DecisionId
    number: int
    over: frozenset[int]
    """The others of the flaw when it was named."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Lead:
    """The report that leads, and why."""

    number: int
    because: Strength
    naming: DecisionId | None = None
