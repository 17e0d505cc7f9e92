"""What the pages of cases are handed: a room for one viewer, its parts, and the lines of the list of rooms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from clearinghouse.app.views.credit import CreditOrder
from clearinghouse.web.pages.packets import Packet


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened or will."""

    at: datetime
    words: str
    actor: str = ""
    state: str = "over"
    """`over`, `now` or `coming`."""


@dataclass(frozen=True, slots=True)
class RoomLine:
    """A case in the list of cases."""

    id: str
    title: str
    state: str
    tlp: str
    role: str
    """The viewer's part in it."""
    lead: str
    unread: int
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class RoomReport:
    """A report attached to a case."""

    id: str
    title: str
    received_at: datetime
    reporter: str
    source: str
    withdrawn_at: datetime | None = None
    mine: bool = False
    """Whether the viewer sent it: a finder may take it back."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """A vulnerability of a case: a column of the matrix."""

    id: str
    title: str
    identifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """A vendor's word on one flaw; the empty status means that it has not answered."""

    status: str
    said_at: datetime | None = None
    statement: str = ""


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A vendor and its word on every flaw, in the order of the flaws."""

    vendor: str
    cells: tuple[Cell, ...]
    silent_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class RoomParticipant:
    """A party's part in a case."""

    id: str
    name: str
    role: str
    state: str
    consent: str = ""
    """Of the embargo: `none`, `invited`, `signatory`, `lapsed`, `declined`; empty where there is no embargo."""
    tier: str = ""
    until: datetime | None = None
    report_state: str = ""
    """Vultron's report management: `received`, `valid`, `accepted`, ..."""
    mine: bool = False


@dataclass(frozen=True, slots=True)
class RoomThread:
    """A conversation of a case."""

    id: str
    title: str
    private: bool
    messages: int
    unread: int = 0
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoomMessage:
    """What a participant said; the body is hostile Markdown."""

    id: str
    author: str
    at: datetime
    body: str
    via: str = "web"
    mine: bool = False
    tlp: str = ""


@dataclass(frozen=True, slots=True)
class RoomDocument:
    """A file of a case."""

    id: str
    kind: str
    name: str
    size_bytes: int
    digest: str
    added_at: datetime
    added_by: str
    tlp: str


@dataclass(frozen=True, slots=True)
class RoomDecision:
    """A decision and its reason."""

    id: str
    words: str
    reason: str
    at: datetime
    actor: str
    undone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TimetableRow:
    """One holder's clock."""

    holder: str
    terms: str
    at: datetime | None
    binds: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A new instant that somebody proposed."""

    id: str
    ends_at: datetime
    by: str
    accepted: int
    needed: int
    asked: bool = False
    """Whether the viewer's word is still wanted."""


@dataclass(frozen=True, slots=True)
class EmbargoClock:
    """The embargo of a case: what binds, who bound it, what conflicts, what would follow."""

    state: str
    """`none`, `proposed`, `active`, `revise` or `exited` (Vultron EM)."""
    ends_at: datetime | None
    bound_by: str
    why: str
    rows: tuple[TimetableRow, ...] = ()
    conflicts: tuple[str, ...] = ()
    duties: tuple[TimelineEntry, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    what_if: tuple[str, ...] = ()
    """What would follow from the instant that was asked about."""


@dataclass(frozen=True, slots=True)
class Room:
    """A case opened for one viewer: only what that viewer may see."""

    id: str
    title: str
    state: str
    summary: str
    tlp: str
    marks: tuple[str, ...]
    """Handling marks beside TLP, as words: `no training`, `expires 2026-12-01`."""
    opened_at: datetime
    lead: str
    role: str
    policy_version: int
    may: frozenset[str]
    """What the viewer may do here: `message`, `invite`, `status`, `document`, `propose`, `decide`, `close`, `reopen`, `leave`, `edit`,
    `flaw`, `fact`, `leak`, `step`, `decline`."""
    packet: Packet | None = None
    reports: tuple[RoomReport, ...] = ()
    flaws: tuple[Flaw, ...] = ()
    matrix: tuple[MatrixRow, ...] = ()
    participants: tuple[RoomParticipant, ...] = ()
    participants_count: int = 0
    threads: tuple[RoomThread, ...] = ()
    thread: RoomThread | None = None
    """The one whose messages are shown."""
    messages: tuple[RoomMessage, ...] = ()
    """A page of them, oldest first."""
    older: str = ""
    """Cursor of the page before; empty where there is none."""
    documents: tuple[RoomDocument, ...] = ()
    decisions: tuple[RoomDecision, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    embargo: EmbargoClock | None = None
    news: Mapping[str, int] = field(default_factory=dict)
    """By kind (`message`, `step`), what is new to the viewer."""
    news_words: str = ""
    leading: str = ""
    """Id of the report to work from."""
    credit: CreditOrder = field(default_factory=CreditOrder)
    credited: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    """By report: where it stands, its title, who sent it."""
