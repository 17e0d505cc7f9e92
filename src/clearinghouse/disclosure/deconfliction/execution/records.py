"""What deconfliction is told by execution, and what becomes of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Strength(StrEnum):
    """How much execution says of two reports."""

    STRONG = "strong"
    """The patch of each quiets the other, and both pass every guard: one flaw."""
    MEDIUM = "medium"
    """One direction, or a guard that nobody could check: a person should look."""
    WEAK = "weak"
    """Stacks alike, or what was behind one is the other: shown, nothing follows."""
    DIFFERENT = "different"
    """A patch that quiets all of one leaves the other as it was: two flaws."""


@dataclass(frozen=True, slots=True)
class Said:
    """What execution says of two reports, by their numbers."""

    one: int
    other: int
    """Rising: `one < other`."""
    strength: Strength
    evidence: str
    """`sha256:HEX` of the statement it rests on."""


@dataclass(frozen=True, slots=True)
class ExecutionEdge:
    """The same, kept."""

    id: str
    said: Said
    at: datetime
    withdrawn_at: datetime | None = None

    @property
    def pair(self) -> tuple[int, int]:
        """Numbers of both reports, rising."""
        return self.said.one, self.said.other


class Effect(StrEnum):
    """What becomes of an edge."""

    JOINS = "joins"
    SEPARATES = "separates"
    ASKS = "asks"
    """A person is shown the pair."""
    SHOWN = "shown"
    OUTRANKED = "outranked"
    """A person has said the contrary."""
    CONTRADICTED = "contradicted"
    """What was run speaks against itself, or people's words lie in the way further along the chain: nothing is joined by it."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What all edges together do to clusters."""

    joined: frozenset[tuple[int, int]]
    apart: frozenset[tuple[int, int]]
    asked: frozenset[tuple[int, int]]
    """Pairs a person should look at."""
    of: dict[str, Effect]
    """By edge."""

