"""What is shown of the instance itself: its health, policies and parties for an administrator, the ledger and the first page for anybody."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from clearinghouse.web.pages.accounts import SessionLine


@dataclass(frozen=True, slots=True)
class Check:
    """One thing `doctor` looked at."""

    name: str
    state: str
    words: str


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """A version of the policy."""

    version: int
    in_force_at: datetime
    actor: str
    document: str = ""


@dataclass(frozen=True, slots=True)
class PartyLine:
    """A party, for an administrator."""

    id: str
    kind: str
    name: str
    organisation: str
    roles: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class GlassLine:
    """A request to read what nobody granted, which waits for a second person."""

    id: str
    object_id: str
    asked_by: str
    asked_at: datetime
    lapses_at: datetime
    reason: str
    mine: bool
    """Asked by the viewer, who cannot be the second person."""


@dataclass(frozen=True, slots=True)
class Administration:
    """The administrator's page."""

    checks: tuple[Check, ...]
    policies: tuple[PolicyLine, ...]
    parties: tuple[PartyLine, ...]
    sessions: tuple[SessionLine, ...]
    numbers: tuple[tuple[str, str], ...] = ()
    """Words and a number, for the tiles."""
    break_glass: tuple[GlassLine, ...] = ()


@dataclass(frozen=True, slots=True)
class LeafLine:
    """An event on the record."""

    index: int | None
    event_id: str
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """The ledger as anybody may see it."""

    origin: str
    key: str
    size: int
    root: str
    signed_at: datetime | None
    note: str
    """The checkpoint as signed."""
    leaves: tuple[LeafLine, ...] = ()
    found: str = ""
    """What came of looking up an event's id; empty where nothing was asked."""
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Home:
    """The first page for a stranger."""

    received: int | None = None
    joined: int | None = None
    contact: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
