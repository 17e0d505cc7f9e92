"""What a vendor is shown: its project with the charter and the queue, and what a signed link lets its holder do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from clearinghouse.web.pages.packets import Packet
from clearinghouse.web.pages.rooms import Flaw, RoomMessage


@dataclass(frozen=True, slots=True)
class Project:
    """A project as its maintainer sees it."""

    id: str
    name: str
    charter_source: str
    """Where the charter in force came from; empty where there is none."""
    charter_terms: Mapping[str, str]
    """The charter in sentences, by what each is about."""
    sent_this_week: int
    cap_per_week: int | None
    waiting: int
    forecast_words: str
    opted_out: bool = False
    editor: str = ""
    """The charter as text, to edit."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An invitation that was not answered; of the case itself it tells nothing."""

    role: str
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ToAct:
    """What a signed link lets its holder do, without an account."""

    party: str
    case_title: str
    tlp: str
    packet: Packet | None
    flaws: tuple[Flaw, ...]
    ends_at: datetime | None
    """Of the embargo."""
    link_ends_at: datetime
    messages: tuple[RoomMessage, ...] = ()
    may: frozenset[str] = frozenset({"acknowledge", "status", "message", "decline"})
    """Of `accept` and `refuse` (an invitation), `acknowledge`, `status`, `message`, `decline`."""
    invitation: Asked | None = None
    """Where it is not answered yet; there is nothing else to see until then."""
    state: str = "open"
