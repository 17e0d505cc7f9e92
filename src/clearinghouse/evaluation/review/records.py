"""A review and everything that is kept of it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from clearinghouse.core.ids import DocumentId, PartyId, ReviewCaseId

WindowId = NewType("WindowId", str)
EntryId = NewType("EntryId", str)
PartnerId = NewType("PartnerId", str)


class ReviewKind(StrEnum):
    """What a developer comes with."""

    INQUIRY = "inquiry"
    """Whether and how to engage: an answer, and no access."""
    ACCESS = "access"
    """A model for a bounded window."""
    UPDATE = "update"
    """A new build or variant of a model that was under review: its own plan and results, the same 720 hours where the version is the same."""
    WITHDRAWAL = "withdrawal"
    """The end of an engagement after its window: materials are destroyed ahead of their day."""


class ReviewState(StrEnum):
    """Where a review stands. None of these gives or refuses leave to do anything."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    TERMS_SIGNED = "terms_signed"
    PLAN_FROZEN = "plan_frozen"
    WINDOW_OPEN = "window_open"
    PAUSED = "paused"
    """Nothing is asked of the model; the window's clock goes on."""
    WINDOW_CLOSED = "window_closed"
    ANALYSED = "analysed"
    PREVIEWED = "previewed"
    """The developer reads the assessment and may reply."""
    DETERMINED = "determined"
    """Enough people signed."""
    SHARED = "shared"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Part(StrEnum):
    """What a person is in one review."""

    DEVELOPER = "developer"
    EVALUATOR = "evaluator"
    CUSTODIAN = "custodian"
    AUTHORITY = "authority"
    AUDITOR = "auditor"
    """Reads everything and changes nothing; its readings are told to both sides."""


DESK_PARTS = frozenset({Part.EVALUATOR, Part.CUSTODIAN, Part.AUTHORITY})


class Variant(StrEnum):
    """Which safeguards the endpoint has: two subjects, two results, never merged."""

    FULL = "full"
    REDUCED = "reduced"


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What is reviewed, as the developer names it."""

    developer: str
    name: str
    version: str
    variant: Variant
    build_digest: str = ""
    """`sha256:HEX` over weights, system prompt and safeguard configuration, where the developer gives one."""
    open_weights: bool = False
    """Then nothing about the time after release can be recorded as an obligation (rule R8)."""


@dataclass(frozen=True, slots=True)
class Review:
    """One engagement."""

    id: ReviewCaseId
    kind: ReviewKind
    state: ReviewState
    state_at: datetime
    opened_at: datetime
    opened_by: PartyId
    developer: PartyId
    """The organisation that comes."""
    desk: PartyId
    """The organisation that reviews."""
    policy_version: int
    model: ModelIdentity
    question: str
    """What the developer asks or says: untrusted text."""
    partner_release_at: datetime | None = None
    """When the developer plans to release to other trusted partners; it alone sets it."""
    concerns: ReviewCaseId | None = None
    """The review that an update or a withdrawal is about."""
    round: int = 1
    """Goes up with each correction of an assessment."""


@dataclass(frozen=True, slots=True)
class Participant:
    """A named person in a review."""

    party: PartyId
    part: Part
    since: datetime
    until: datetime | None = None
    recused_at: datetime | None = None
    """Declared a conflict of interest and takes no further part in deciding."""


@dataclass(frozen=True, slots=True)
class Engagement:
    """A review as one viewer may see it; made by the store on the viewer's own grants, and by the machine for its work."""

    review: Review
    key: bytes = field(repr=False)
    """Of what is kept for good: agreement, determination, certificates."""
    materials_key: bytes = field(repr=False)
    """Of what is destroyed on its day: transcripts, the analysis record. Empty once it was."""
    viewer: PartyId
    parts: frozenset[Part]
    """Of the viewer, those that last; without the parts a recused person decided in."""
    recused: bool = False

    @property
    def id(self) -> ReviewCaseId:
        """Of the review."""
        return self.review.id


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open interval of access, UTC."""

    id: WindowId
    review_id: ReviewCaseId
    ordinal: int
    """Among the windows of one model version, from 1."""
    starts_at: datetime
    ends_at: datetime
    used_before_seconds: int
    """By the earlier windows of the same model version."""
    ended_at: datetime | None = None
    ended_by: str = ""
    """One of our words: `time`, `developer`, `desk`, `identity`."""


class DocumentKind(StrEnum):
    """A statement that people sign, or that is frozen."""

    AGREEMENT = "agreement"
    PLAN = "plan"
    WINDOW_GRANT = "window_grant"
    """The developer's leave for a further window within the same 720 hours."""
    ASSESSMENT = "assessment"
    DETERMINATION = "determination"
    DESTRUCTION = "destruction"


@dataclass(frozen=True, slots=True)
class Document:
    """A kept statement: canonical bytes that never change; a correction is a new one."""

    id: DocumentId
    review_id: ReviewCaseId
    kind: DocumentKind
    round: int
    digest: str
    """`sha256:HEX` of the payload."""
    made_at: datetime
    made_by: PartyId
    supersedes: DocumentId | None
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signature:
    """One person's signature under a document."""

    document_id: DocumentId
    party: PartyId
    side: Part
    public_key: bytes
    signature: bytes = field(repr=False)
    at: datetime


class EntryKind(StrEnum):
    """A dated word of somebody, in the record of a review."""

    CONSULTATION = "consultation"
    REPLY = "reply"
    """The developer's, to a preview; goes with the assessment wherever that goes."""
    CONFLICT = "conflict"
    """A conflict of interest that a person declares."""
    FINDING = "finding"
    """What evaluators tell the developer during the window."""
    ANSWER = "answer"
    """What the developer says to a finding, or the desk to an inquiry."""
    INCIDENT_NOTICE = "incident_notice"
    REASON = "reason"
    """Of a pause, an early end, a suspension."""
    AUDIT = "audit"
    """That an auditor looked."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A word in the record."""

    id: EntryId
    review_id: ReviewCaseId
    kind: EntryKind
    at: datetime
    by: PartyId
    round: int
    about: str
    """Whom it speaks for or what it is about, in one line: a body that was consulted, an entity one is bound to."""
    text: str
    subject: str = ""
    """Id of what it refers to."""


class Sameness(StrEnum):
    """What a look at a model's identity says."""

    FIRST = "first"
    SAME = "same"
    CHANGED = "changed"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the identity of the model behind the gateway."""

    review_id: ReviewCaseId
    at: datetime
    digest: str
    """Of the answers to the probe set, or of the build the developer states."""
    outcome: Sameness
    how: str
    """`probe` or `stated`."""


class PartnerState(StrEnum):
    """Where a trusted partner stands."""

    PROPOSED = "proposed"
    CHOSEN = "chosen"
    """Both sides said yes."""
    DECLINED = "declined"
    SUSPENDED = "suspended"
    ENDED = "ended"


class Vote(StrEnum):
    """What a side says of a candidate."""

    YES = "yes"
    NO = "no"
    ABSTAIN = "abstain"


@dataclass(frozen=True, slots=True)
class Partner:
    """An organisation that may get early access, chosen by both sides."""

    id: PartnerId
    review_id: ReviewCaseId
    proposed_at: datetime
    proposed_by: PartyId
    state: PartnerState
    state_at: datetime
    name: str
    sector: str
    tier: str
    terms: str
    why: str
    tokens_max: int
    ends_at: datetime
    party: PartyId | None = None
    """Its party here, where it is to be given access through the gateway."""
    small_operator: bool = False
    """A small operator or an open-source maintainer: counted, so that one sees whether only giants are early."""


@dataclass(frozen=True, slots=True)
class PartnerVote:
    """A side's word about a candidate."""

    partner_id: PartnerId
    side: Part
    by: PartyId
    at: datetime
    vote: Vote
    reason: str
