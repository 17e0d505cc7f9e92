"""What capacity speaks of: items before a vendor, deliveries, answers, forecasts."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from clearinghouse.core.ids import PartyId
from clearinghouse.core.severity import Band
from clearinghouse.parties.charters import Held, Reason, Refused, Reproducer, ScopeKey, Want

ItemId = NewType("ItemId", str)
DeliveryId = NewType("DeliveryId", str)
OverrideId = NewType("OverrideId", str)


class State(StrEnum):
    """Where an item stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    """With the vendor, which has not answered."""
    ASKED = "asked"
    """The vendor asked for more."""
    ACCEPTED = "accepted"
    DECLINED = "declined"
    NOT_A_VULNERABILITY = "not_a_vulnerability"
    WITHDRAWN = "withdrawn"


class ReplyKind(StrEnum):
    """What a vendor may answer to a delivery."""

    ACCEPT = "accept"
    DECLINE = "decline"
    MORE = "more"
    NOT_A_VULNERABILITY = "not_a_vulnerability"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Reply:
    """A vendor's answer."""

    kind: ReplyKind
    reason: str = ""
    """Needed for declining and for asking more; sealed."""
    exclusion: str = ""
    """Id from the charter's list of what is no vulnerability."""
    until: datetime | None = None
    """For `wait`: when it may come again."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the reports of an item amount to, as far as queue and charter ask. Sealed at rest."""

    keys: tuple[ScopeKey, ...] = ()
    """Packages and repositories it is about."""
    scores: tuple[float, ...] = ()
    """Claimed severities from 0 to 10, one for each claim."""
    exploited: bool = False
    """Confirmed by a coordinator; never a sender's word alone."""
    ai_found: bool = False
    """Every report of it was made by an AI system."""
    accountable_human: bool = False
    reproducer: Reproducer = Reproducer.NONE
    reproducer_language: str = ""
    reproducer_form: str = ""
    patch: bool = False
    holds: tuple[Want, ...] = ()
    weaknesses: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    policy_acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class Packet:
    """What a vendor gets to see of an item: made by the app, opaque here. Sealed at rest."""

    body: bytes
    """JSON."""


@dataclass(frozen=True, slots=True)
class Item:
    """One case or report before one vendor."""

    id: ItemId
    vendor: PartyId
    object_id: str
    """The case or report it is about."""
    state: State
    queued_at: datetime
    facts: Facts
    finders: tuple[PartyId, ...]
    """Who reported it, each once, in order of their ids."""
    not_before: datetime | None = None
    """The vendor asked to wait until then."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A packet that went to a vendor."""

    id: DeliveryId
    item_id: ItemId
    vendor: PartyId
    object_id: str
    lane: str
    """What the cap counts: the charter's id, or the vendor's where no charter governs."""
    delivered_at: datetime
    counted: bool
    """Whether it spent a token; an exploited one does not."""
    turn: PartyId | None = None
    """The finder on whose turn it went."""
    reply: ReplyKind | None = None
    replied_at: datetime | None = None
    withdrawn: bool = False
    """Taken back since: it holds no place any more, and its token stays spent."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How much may go in one lane."""

    per_week: int
    burst: int
    open_max: int


@dataclass(frozen=True, slots=True)
class LaneState:
    """What has gone in one lane, as far as it still counts."""

    spent: tuple[datetime, ...] = ()
    """Instants of counted deliveries of at least the last seven days, in order."""
    held_until: tuple[datetime, ...] = ()
    """When each unanswered delivery stops holding a place."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """An item with its place in the fair order."""

    item: Item
    turn: PartyId | None
    """The finder on whose turn it stands."""
    round: int
    """How many deliveries that finder has before it."""
    score: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """When an item can be expected to go."""

    position: int
    """1 goes next in its lane."""
    earliest_at: datetime | None
    """By the cap alone, if every answer came at once; None where nothing can go at all."""
    expected_at: datetime | None
    """As long as the vendor answers as it did lately."""


@dataclass(frozen=True, slots=True)
class QueueLine:
    """One waiting item as its vendor or a coordinator sees it: no content before it is delivered."""

    item_id: ItemId
    object_id: str
    """Empty for the vendor, to whom nothing of it has been sent yet."""
    queued_at: datetime
    band: Band | None
    exploited: bool
    words: str
    """How it stands, in the coarse words a finder gets too."""
    forecast: Forecast | None = None
    """For the vendor alone, and only while nothing stops it."""
    stopped: Held | Refused | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rates:
    """How a vendor dealt with what reached it lately."""

    delivered: int = 0
    answered: int = 0
    accepted: int = 0

    @property
    def acceptance(self) -> float | None:
        """Share of the answered that was accepted; None without answers."""
        return self.accepted / self.answered if self.answered else None


@dataclass(frozen=True, slots=True)
class Override:
    """Two persons' word that an opted-out vendor is told of an exploited flaw."""

    id: OverrideId
    item_id: ItemId
    asked_by: PartyId
    asked_at: datetime
    agreed_by: PartyId | None = None
    agreed_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the sender of a report is told of its way to the vendor: nothing of others, no figure that counts them."""

    state: str
    """`waiting`, `held`, `delivered`, `answered` or `withdrawn`."""
    words: str
    asks: tuple[Want, ...] = ()
    """What of the sender's own report the project would like to have."""
    reasons: tuple[Reason, ...] = field(default=())
