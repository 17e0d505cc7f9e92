"""What pages are handed that no view gives as it is: plain values, made by the handlers, drawn by the templates.

Every text in here may come from outside; templates escape it. Instants are UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from clearinghouse.disclosure.intake.records import CodeLocation, Crash, Finding


@dataclass(frozen=True, slots=True)
class SeverityLine:
    """One severity and who claims it."""

    by: str
    scheme: str
    score: float | None
    label: str
    vector: str


@dataclass(frozen=True, slots=True)
class Packet:
    """The one-screen packet: what, where, how to reproduce, proposed fix, severity as claimed by whom."""

    what: str
    where: tuple[str, ...]
    affected: tuple[str, ...]
    identifiers: tuple[str, ...]
    weaknesses: tuple[str, ...]
    reproduce: str
    fix: str
    impact: str
    severities: tuple[SeverityLine, ...]
    crash: Crash | None = None


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One thing two reports say, side by side."""

    name: str
    one: str
    other: str

    @property
    def same(self) -> bool:
        """Whether both say the same and say something."""
        return bool(self.one) and self.one == self.other


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


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A signed-in browser, or a token."""

    id: str
    words: str
    began_at: datetime
    seen_at: datetime | None
    ends_at: datetime | None
    current: bool = False


@dataclass(frozen=True, slots=True)
class PasskeyLine:
    """A passkey of an account."""

    id: str
    name: str
    added_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Account:
    """An account as its owner sees it."""

    name: str
    mail: str
    organisation: str
    teams: tuple[str, ...]
    sessions: tuple[SessionLine, ...]
    passkeys: tuple[PasskeyLine, ...]
    tokens: tuple[SessionLine, ...]
    scopes: tuple[str, ...]
    """What a token of this party may carry."""
    has_totp: bool
    totp_setup_key: str = ""
    """While a second factor is being set up: the key beside the picture at /account/totp.svg."""
    has_password: bool = True
    new_token: str = ""
    """Shown once."""
    setup_id: str = ""
    """Of a password whose first code is still to come."""
    totp_picture: str = ""
    """The setup key as a picture to scan: SVG of our own making."""
    recovery_codes: tuple[str, ...] = ()
    """Shown once."""
    linked: tuple[str, ...] = ()
    """Providers whose accounts sign in here."""
    providers: tuple[str, ...] = ()
    """Providers an account can be linked of."""


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


@dataclass(frozen=True, slots=True)
class Sent:
    """What a stranger is shown after sending a report."""

    code: str
    received_at: datetime
    items: int


@dataclass(frozen=True, slots=True)
class ReceiptItemLine:
    """One item of a submission as its sender sees it."""

    place: str
    outcome: str
    title: str
    answer: str
    """`received`, `reviewed` or `duplicate`."""
    known_since: datetime | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusPage:
    """What became of a submission, for who holds its receipt code."""

    code: str
    received_at: datetime
    finished: bool
    digest: str
    items: tuple[ReceiptItemLine, ...]
    messages: tuple[RoomMessage, ...] = ()
    withdrawn_at: datetime | None = None
    case_id: str = ""
    """The case that handles it, once there is one."""


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


def packet_of(finding: Finding) -> Packet:
    """The one-screen packet of a finding as its reporter tells it."""
    affected = []
    for part in finding.ranges:
        name = part.package.name if part.package is not None else ""
        said = ", ".join([*part.versions, *(f"from {version}" for version in part.introduced), *(f"fixed in {version}" for version in part.fixed)])
        affected.append(f"{name} {said}".strip())
    names = [package.as_given or package.name for package in finding.packages] + list(finding.products)
    return Packet(
        finding.description, tuple(dict.fromkeys(place_words(place) for place in finding.locations)) or finding.symbols,
        tuple(dict.fromkeys([*affected, *([] if affected else names)])), tuple(identifier.value for identifier in finding.identifiers),
        finding.weaknesses, finding.reproduction, finding.remediation, finding.impact,
        tuple(SeverityLine(claim.by, claim.scheme, claim.score, claim.label, claim.vector) for claim in finding.severities), finding.crash,
    )


def place_words(place: CodeLocation) -> str:
    """A place in code in words: `tiff_read_strip in src/read.c:120`."""
    line = "" if place.line_start is None else f":{place.line_start}"
    where = f"{place.path}{line}" if place.path else place.url
    parts = [place.symbol, f"in {where}" if place.symbol and where else where, f"through {place.parameter}" if place.parameter else ""]
    return " ".join(part for part in parts if part)


def compared_rows(one: Finding, other: Finding) -> tuple[ComparedRow, ...]:
    """What two findings say, row by row; rows where neither says anything are left out."""
    first, second = packet_of(one), packet_of(other)
    rows = (
        ComparedRow("Where", "\n".join(first.where), "\n".join(second.where)),
        ComparedRow("Affected", "\n".join(first.affected), "\n".join(second.affected)),
        ComparedRow("Identifiers", ", ".join(first.identifiers), ", ".join(second.identifiers)),
        ComparedRow("Weakness", ", ".join(first.weaknesses), ", ".join(second.weaknesses)),
        ComparedRow("Crash", _crash_words(one.crash), _crash_words(other.crash)),
        ComparedRow("Proposed fix", one.remediation, other.remediation),
        ComparedRow("Repository", one.repository, other.repository),
        ComparedRow("Commit", one.commit, other.commit),
        ComparedRow("Made by", _producer_words(one), _producer_words(other)),
    )
    return tuple(row for row in rows if row.one or row.other)


def _crash_words(crash: Crash | None) -> str:
    if crash is None:
        return ""
    frames = "\n".join(f"{frame.function} {frame.path}{'' if frame.line is None else f':{frame.line}'}".strip() for frame in crash.frames[:5])
    return f"{crash.tool}: {crash.kind} {crash.access}".strip() + (f"\n{frames}" if frames else "")


def _producer_words(finding: Finding) -> str:
    producer = finding.producer
    return ", ".join(part for part in (producer.tool, producer.tool_version, producer.model, producer.harness) if part)
