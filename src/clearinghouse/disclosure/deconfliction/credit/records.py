"""What credit speaks of: what each report claims, and the place it has among the others of one flaw."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.ids import PartyId, ReportId


class Place(StrEnum):
    """How a report stands to the others of its flaw."""

    FIRST = "first"
    """Nobody's claim is older. Several are first where their instants are the same."""
    INDEPENDENT = "independent"
    """Later, and nothing says that its finder could have known."""
    LATER = "later"
    """After its finder could have known."""
    WITHDRAWN = "withdrawn"
    """Its sender took it back: it keeps its instant, and has no place until it is reinstated."""


class Dependence(StrEnum):
    """Why a later report does not count as found independently."""

    SAME_SENDER = "same_sender"
    """Its organisation, or its sender, had reported the flaw before."""
    SAME_CHAIN = "same_chain"
    """It came over a chain of relays that an earlier one came over too."""
    SAME_CLAIM = "same_claim"
    """It says the same as an earlier one, word for word."""
    PUBLIC = "public"
    """A public record of the flaw was held by then."""
    TOOK_PART = "took_part"
    """Its organisation took part in the case by then."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One report's claim to a flaw."""

    report: ReportId
    sender: PartyId
    organisation: PartyId | None
    """Of the sender; None for somebody of no organisation, who may be anybody."""
    received_at: datetime
    committed_at: datetime | None = None
    """Of the commitment that opened to it, where that counts."""
    withdrawn: bool = False
    digest: str = ""
    """Of the finding in canonical form."""
    chain: frozenset[str] = frozenset()
    """Keyed hashes of its origin and of every hop it was relayed by."""
    told_at: datetime | None = None
    """Since when its organisation took part in the case for another reason than having reported."""

    @property
    def since(self) -> datetime:
        """The instant that counts: of receipt, or of an earlier commitment."""
        return self.received_at if self.committed_at is None else min(self.received_at, self.committed_at)

    @property
    def house(self) -> PartyId:
        """Who answers for it: the organisation, or who has none."""
        return self.organisation or self.sender


@dataclass(frozen=True, slots=True)
class Credit:
    """A claim with its place."""

    claim: Claim
    place: Place
    tied: bool = False
    """Another claim has the very same instant."""
    because: tuple[Dependence, ...] = ()
    """For what is later."""


@dataclass(frozen=True, slots=True)
class Corroboration:
    """That several found the same flaw, each without the others."""

    organisations: int
    unaffiliated: int
    """Senders of no organisation beside them. They may be one and the same, so they are not counted in."""
    first_at: datetime
    last_at: datetime
