"""What learning speaks of: versions of the correction, and proposals of a newer model."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.ids import DecisionId, PartyId
from clearinghouse.disclosure.deconfliction.correction import Correction


class VersionState(StrEnum):
    """Whether a correction counts."""

    PROPOSED = "proposed"
    """Fitted and judged; changes nothing yet."""
    IN_FORCE = "in_force"
    """On top of the model in every comparison; at most one is."""
    RETIRED = "retired"
    """Was in force. It can be put in force again."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a correction would change among the pairs judged at the settling that fitted it."""

    judged: int
    """Pairs judged."""
    joins_gained: int
    """Pairs that would reach the probability of joining without a person, and did not."""
    joins_lost: int
    asks_gained: int
    """Pairs that would reach the probability of asking a person, and did not."""
    asks_lost: int


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """One correction, with what it was made from and what became of it."""

    id: str
    correction: Correction
    effect: Effect
    decisions: int
    """Standing decisions it learned from."""
    passed_over: int
    """Standing decisions it did not learn from because a report they speak of is under embargo."""
    made_at: datetime
    state: VersionState
    state_at: datetime
    state_by: PartyId
    learned: tuple[tuple[int, int, bool], ...] = ()
    """The decided pairs it was fitted on, by report numbers, and whether people called them the same."""

    @property
    def same(self) -> int:
        """Of the decided pairs, those people called the same."""
        return sum(alike for _, _, alike in self.learned)


class ProposalKind(StrEnum):
    """What a newer model would do to a cluster that people have had their hands on."""

    JOIN = "join"
    """Two clusters into one."""
    PART = "part"
    """One cluster into two."""


class ProposalState(StrEnum):
    """What became of a proposal."""

    OPEN = "open"
    """Waits; until it is answered the cluster stays as it was."""
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    OVERTAKEN = "overtaken"
    """The model changed again before anybody answered."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where one clustering departs from another, in two groups of report numbers, each rising."""

    kind: ProposalKind
    groups: tuple[tuple[int, ...], tuple[int, ...]]
    """JOIN: the two clusters. PART: those that would leave, and those that would stay."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a newer model would do, and the pair that says most about why."""

    id: str
    difference: Difference
    one: int
    other: int
    """Numbers of the two reports, one of each group, between which the probability changed most."""
    probability_before: float
    probability_after: float
    """Of that pair; a pair that was no candidate has 0."""
    model_before: str
    model_after: str
    made_at: datetime
    state: ProposalState = ProposalState.OPEN
    answered_at: datetime | None = None
    answered_by: PartyId | None = None
    decision: DecisionId | None = None
    """What the answer became."""
