"""What rooms speak of: cases, participants, vulnerabilities, threads, messages, documents, decisions."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.ids import (
    CaseId,
    DecisionId,
    DocumentId,
    ErasureId,
    MessageId,
    PartyId,
    ReportId,
    ThreadId,
    VulnerabilityId,
)
from clearinghouse.core.marks import Marks, Reach
from clearinghouse.parties.records import Tier


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    """Closed because every finder took its report back and nobody holds the flaw independently."""
    ERASED = "erased"
    """Its key is destroyed: nothing written in it can be read by anybody again."""


class CaseRole(StrEnum):
    """A party's part in one case (CERT Guide to CVD; ISO/IEC 29147:2018, 5.5)."""

    COORDINATOR = "coordinator"
    FINDER = "finder"
    """Found it and works on it with the others."""
    REPORTER = "reporter"
    """Sent a report: reads the official thread and its own report, not those of other reporters."""
    VENDOR = "vendor"
    DEPLOYER = "deployer"
    OBSERVER = "observer"


class Participation(StrEnum):
    """Whether a party takes part."""

    INVITED = "invited"
    JOINED = "joined"
    DECLINED = "declined"
    LEFT = "left"
    REMOVED = "removed"


class ReportState(StrEnum):
    """A participant's report-management state (CERT/CC Vultron, RM)."""

    START = "start"
    RECEIVED = "received"
    INVALID = "invalid"
    VALID = "valid"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    CLOSED = "closed"


class VendorStatus(StrEnum):
    """What a vendor says of one vulnerability, in the words of VEX and CSAF. No answer is no value."""

    KNOWN_AFFECTED = "known_affected"
    KNOWN_NOT_AFFECTED = "known_not_affected"
    FIXED = "fixed"
    UNDER_INVESTIGATION = "under_investigation"
    UNKNOWN = "unknown"
    """The vendor answered that it cannot tell."""


class ThreadKind(StrEnum):
    """Who reads a thread."""

    OFFICIAL = "official"
    """Every participant with tier 2 or above; one per case."""
    PRIVATE = "private"
    """Its named members only."""


class Via(StrEnum):
    """How a message came."""

    WEB = "web"
    API = "api"
    MAIL = "mail"
    IMPORT = "import"


class DocumentKind(StrEnum):
    """What a document is."""

    REPRODUCER = "reproducer"
    PATCH = "patch"
    ADVISORY = "advisory"
    EVIDENCE = "evidence"
    OTHER = "other"


class DecisionKind(StrEnum):
    """What was decided. The first are written by the action they belong to, the last by people."""

    OPENED = "opened"
    EDITED = "edited"
    MARKED = "marked"
    CLOSED = "closed"
    REOPENED = "reopened"
    ATTACHED = "attached"
    DETACHED = "detached"
    WITHDRAWN = "withdrawn"
    REINSTATED = "reinstated"
    INVITED = "invited"
    INVITATION_DECLINED = "invitation_declined"
    JOIN_DECLINED = "join_declined"
    CASE_DECLINED = "case_declined"
    LEFT = "left"
    REMOVED = "removed"
    HANDED_OVER = "handed_over"
    TIER_CHANGED = "tier_changed"
    REPORT_STATE = "report_state"
    VALIDITY = "validity"
    SEVERITY = "severity"
    SCOPE = "scope"
    PRIORITY = "priority"
    PUBLICATION = "publication"
    ESCALATION = "escalation"
    OTHER = "other"


JUDGEMENTS = frozenset({
    DecisionKind.VALIDITY, DecisionKind.SEVERITY, DecisionKind.SCOPE, DecisionKind.PRIORITY, DecisionKind.PUBLICATION,
    DecisionKind.ESCALATION, DecisionKind.OTHER,
})
"""What people record as such; the rest is recorded with the deed."""


@dataclass(frozen=True, slots=True)
class Case:
    """The unit of coordination: one room."""

    id: CaseId
    opened_at: datetime
    opened_by: PartyId
    lead: PartyId
    """The coordinator who answers for it."""
    state: CaseState
    state_at: datetime
    policy_version: int
    """The version it began under and keeps."""
    title: str
    summary: str
    """One paragraph."""
    marks: Marks


@dataclass(frozen=True, slots=True)
class Standing:
    """How a viewer stands in one case: the only way to what is in it."""

    viewer: PartyId
    party: PartyId
    """The participant the viewer acts for: itself where named, else its organisation or team."""
    parties: frozenset[PartyId]
    """Of the viewer, its organisation and its teams, those that may read this case; and the viewer."""
    roles: frozenset[CaseRole]
    """Empty for somebody who reads without taking part (break-glass)."""
    tier: Tier
    named: bool
    """False where only the organisation or a team may read: TLP:RED is not for those."""

    @property
    def coordinates(self) -> bool:
        """Whether the viewer is a coordinator of this case."""
        return CaseRole.COORDINATOR in self.roles

    @property
    def only_reports(self) -> bool:
        """Whether the viewer is here for its own reports alone."""
        return self.roles == {CaseRole.REPORTER}

    @property
    def reach(self) -> Reach:
        """How far the viewer is from being a named recipient."""
        return Reach.NAMED if self.named else Reach.ORGANISATION


@dataclass(frozen=True, slots=True)
class Room:
    """A case opened for one viewer, with the key of its texts. Made by `store.cases.find_room` only."""

    case: Case
    standing: Standing
    key: bytes = field(repr=False)

    @property
    def id(self) -> CaseId:
        """The case's id."""
        return self.case.id


@dataclass(frozen=True, slots=True)
class Participant:
    """A party's part in one case."""

    party: PartyId
    role: CaseRole
    state: Participation
    tier: Tier
    """How much of the room it is shown: everything, unless it is read in to less."""
    until: datetime | None
    report_state: ReportState
    report_state_at: datetime
    invited_at: datetime
    invited_by: PartyId
    joined_at: datetime | None = None
    ended_at: datetime | None = None
    unnamed: bool = False
    """The party asked not to be named; only coordinators see who it is."""


@dataclass(frozen=True, slots=True)
class AttachedReport:
    """A report of a case, as a line; the finding itself is unsealed one at a time."""

    id: ReportId
    attached_at: datetime
    attached_by: PartyId
    reporter: PartyId
    source: str
    digest: str
    received_at: datetime
    title: str
    identifiers: tuple[str, ...]
    marks: Marks
    share_with_vendor: bool
    share_name: bool
    detached_at: datetime | None = None
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """A confirmed or suspected flaw of a case."""

    id: VulnerabilityId
    added_at: datetime
    added_by: PartyId
    title: str
    identifiers: tuple[str, ...] = ()
    """Public names such as `CVE-2026-1234`; sealed like the title, for a reserved name is a hint."""
    reports: tuple[ReportId, ...] = ()
    """The reports that support it."""


@dataclass(frozen=True, slots=True)
class VendorStatement:
    """A vendor's newest word on one vulnerability."""

    id: str
    vulnerability: VulnerabilityId
    party: PartyId
    status: VendorStatus
    said_at: datetime
    said_by: PartyId
    statement: str | None = None
    """None where it was not unsealed."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation of a case."""

    id: ThreadId
    kind: ThreadKind
    opened_at: datetime
    opened_by: PartyId
    title: str
    members: tuple[PartyId, ...] = ()
    """Of a private thread, in order of joining."""
    unread: int = 0
    """Messages the viewer has not read and did not write."""
    messages: int = 0
    """Messages the viewer may read."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a participant said. The body is hostile Markdown, kept as it came."""

    id: MessageId
    thread: ThreadId
    author: PartyId
    at: datetime
    via: Via
    body: str
    marks: Marks
    in_reply_to: MessageId | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A file of a case, without its bytes."""

    id: DocumentId
    thread: ThreadId | None
    """The private thread it belongs to; None where every participant sees it."""
    kind: DocumentKind
    name: str
    """As given by who added it: display text."""
    media_type: str
    """As declared; never believed."""
    size_bytes: int
    digest: str
    added_at: datetime
    added_by: PartyId
    marks: Marks
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision and its reason: the defensible record of a case."""

    id: DecisionId
    kind: DecisionKind
    subject: str
    """Id of what it is about."""
    at: datetime
    actor: PartyId
    reason: str
    undone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Erasure:
    """One person asks that a closed case be erased; another confirms it or lets it lapse."""

    id: ErasureId
    case_id: CaseId
    asked_by: PartyId
    proven: bool
    """Whether who asked had shown who it is, by a session or a token; at the command line nobody does."""
    asked_at: datetime
    lapses_at: datetime
    reason: str
    confirmed_by: PartyId | None = None
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold: a case must not be erased while it stands."""

    case_id: CaseId
    held_at: datetime
    held_by: PartyId
    reason: str
