"""What notices speaks of: something to be said to a party, and where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.ids import EventId, HookId, NoticeId, PartyId
from clearinghouse.core.marks import Marks


class NoticeKind(StrEnum):
    """What is said. The same words are the event types of webhooks."""

    REPORT_RECEIVED = "report.received"
    REPORT_UPDATED = "report.updated"
    """Something about one's own report changed: looked at, accepted, declined."""
    APPEAL_MADE = "appeal.made"
    """Who sent a report that one looks after contests what was made of it, or still waits for an answer."""
    APPEAL_ANSWERED = "appeal.answered"
    """An appeal of one's own was answered."""
    REPORT_WITHDRAWN = "report.withdrawn"
    """A report that one looks after was taken back by its sender, or reinstated."""
    CASE_OPENED = "case.opened"
    CASE_UPDATED = "case.updated"
    PARTICIPANT_INVITED = "participant.invited"
    MESSAGE_POSTED = "message.posted"
    DOCUMENT_ADDED = "document.added"
    STATUS_CHANGED = "status.changed"
    DECISION_MADE = "decision.made"
    EMBARGO_PROPOSED = "embargo.proposed"
    EMBARGO_CHANGED = "embargo.changed"
    EMBARGO_EXITED = "embargo.exited"
    """No embargo any more: planned, or because something became public."""
    DEADLINE_DUE = "deadline.due"
    CONTACT_ATTEMPTED = "contact.attempted"
    """A first word to a vendor who does not know us yet."""
    GLASS_BROKEN = "glass.broken"
    """Somebody read a room in an emergency without being named in it."""
    GLASS_REQUESTED = "glass.requested"
    """Somebody asks to; a second person has to agree, or not."""
    OPT_OUT_OVERRIDDEN = "opt_out.overridden"
    """Two persons agreed to tell a project of an exploited flaw though it opted out."""
    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_INVITED = "account.invited"
    """Somebody who is no party yet may become one."""
    CONTACT_ADDED = "contact.added"
    """An address waits for its reader to confirm it."""
    WEBHOOK_DISABLED = "webhook.disabled"
    COMMITMENT_DUE = "commitment.due"
    """A commitment of one's own has to be opened soon, or should have been."""
    REVIEW_UPDATED = "review.updated"
    """Something in a review of a model in which one takes part."""
    DESK_WAITING = "desk.waiting"
    """Something came in that a person must look at."""


DIGESTED = frozenset({
    NoticeKind.MESSAGE_POSTED, NoticeKind.DOCUMENT_ADDED, NoticeKind.STATUS_CHANGED, NoticeKind.DECISION_MADE, NoticeKind.CASE_UPDATED,
    NoticeKind.REPORT_UPDATED, NoticeKind.REPORT_WITHDRAWN, NoticeKind.EMBARGO_CHANGED, NoticeKind.DESK_WAITING,
})
"""What may wait for more of its kind; everything else is said at once."""


class ChannelName(StrEnum):
    """By which way a notice goes."""

    MAIL = "mail"
    WEBHOOK = "webhook"


class NoticeState(StrEnum):
    """Where a notice stands."""

    WAITING = "waiting"
    FAILED = "failed"
    """Tried at least once; tried again when it is due."""
    SENT = "sent"
    FOLDED = "folded"
    """Said together with another one."""
    WITHDRAWN = "withdrawn"
    """Its party may not read what it is about any more."""
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Draft:
    """A notice about to be kept. The event, the action and the target name it: the same one twice is one."""

    event_id: EventId
    action: str
    kind: NoticeKind
    party: PartyId
    about: str
    """Id of the object it is about, one that the party may read: a case, a submission, a report."""
    channel: ChannelName = ChannelName.MAIL
    target: str = ""
    """The subscription of a webhook; empty for mail."""
    thread: str = ""
    """Thread that a reply belongs to; empty for the official one of the case."""
    marks: Marks = field(default_factory=Marks)
    text: str = ""
    """What may be told in so many words where the marks and the way allow it; sealed at rest."""
    address: str = ""
    """Where to mail it instead of to the party's own address; sealed at rest."""
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as kept."""

    id: NoticeId
    event_id: EventId
    action: str
    kind: NoticeKind
    party: PartyId
    about: str
    channel: ChannelName
    target: str
    thread: str
    created_at: datetime
    due_at: datetime
    attempts: int
    state: NoticeState
    trouble: str = ""
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ToSend:
    """A notice claimed for sending, opened."""

    notice: Notice
    marks: Marks
    text: str
    address: str
    more: int
    """Further ones that are said along with it."""
    reply_token: str
    """Unguessable; leads a reply home and makes the Message-ID, the same at each attempt."""
    lease: str


@dataclass(frozen=True, slots=True)
class HookSecret:
    """What a webhook's bodies are signed with."""

    secret: bytes = field(repr=False)
    since: datetime
    until: datetime | None = None
    """When it stops signing; None for the newest."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A subscription: what happens is posted to an address of the party."""

    id: HookId
    party: PartyId
    created_at: datetime
    url: str
    kinds: frozenset[NoticeKind]
    """Empty: all."""
    active: bool
    failures: int
    """Deliveries given up in a row."""
    secrets: tuple[HookSecret, ...] = field(repr=False, default=())


@dataclass(frozen=True, slots=True)
class NoticeCounts:
    """How notices stand, for the health page."""

    by_state: Mapping[NoticeState, int]
    oldest_due_at: datetime | None
    """When the oldest one that waits was due."""
