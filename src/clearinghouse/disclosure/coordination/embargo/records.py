"""What the embargo speaks of: facts of a case, clocks, the timetable they make, proposals, consent, deadlines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.terms import Duty, Milestone, Rank, Terms


@dataclass(frozen=True, slots=True)
class Accord:
    """An instant that parties of a case agreed on, or are asked to agree on."""

    id: str
    ends_at: datetime
    asked_at: datetime
    needed: frozenset[str]
    """Parties whose word it takes: all who were present when it was asked for."""
    accepted: frozenset[str]

    @property
    def in_force(self) -> bool:
        """Whether everybody who was asked said yes."""
        return bool(self.needed) and self.needed <= self.accepted


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a case that matters to its dates."""

    at: Mapping[Milestone, datetime] = field(default_factory=dict)
    """The first instant of each milestone, UTC."""
    found_with_public_ai: bool = False
    accords: tuple[Accord, ...] = ()
    parties: frozenset[str] = frozenset()
    """Everybody who takes part: bound while it lasts, told when it ends."""
    done: Mapping[str, datetime] = field(default_factory=dict)
    """Key of a duty (`duty_key`) to the instant it was met."""
    exited_at: datetime | None = None
    """When the embargo of this case ended; what has ended does not come back."""
    by_party: Mapping[str, Mapping[Milestone, datetime]] = field(default_factory=dict)
    """Whose milestone it is, where that was said; under the empty name those of nobody in particular."""
    regimes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Law to the vendors here that say they are under it."""

    def when(self, milestone: Milestone, of: str = "") -> datetime | None:
        """The first instant of a milestone; of one party where it is named and anything is known by party."""
        if not of or not self.by_party:
            return self.at.get(milestone)
        own = self.by_party.get(of, {}).get(milestone)
        return own if own is not None else self.by_party.get("", {}).get(milestone)


class ClockState(StrEnum):
    """What the clock of one holder's terms does."""

    RUNNING = "running"
    OPEN_ENDED = "open_ended"
    NOT_STARTED = "not_started"
    NO_EMBARGO = "no_embargo"
    """The terms allow none for a finding of this origin."""


@dataclass(frozen=True, slots=True)
class Clock:
    """One holder's terms, applied to the facts of a case."""

    terms: Terms
    state: ClockState
    started_at: datetime | None
    instant: datetime | None
    """When it runs out; None without an end or a start."""
    graced: bool = False
    extended: bool = False
    shortened: bool = False
    """By suspected exploitation."""
    binds: bool = False
    why: str = ""
    """Why it binds, or does not."""


class ConflictKind(StrEnum):
    """Ways in which two terms cannot both hold."""

    EARLIER = "earlier"
    """A holder would publish before the binding instant."""
    LATER = "later"
    """A holder expects silence beyond the binding instant."""
    OPEN_AGAINST_FIXED = "open_against_fixed"
    NOT_STARTED = "not_started"
    """A clock of the same or a better rank would bind, but has not started."""
    STARTS_TOO_LATE = "starts_too_late"
    """It starts only after the embargo has ended."""
    INELIGIBLE = "ineligible"
    """One holder knows no embargo for a finding of this origin, the other does."""
    EXTENSION_CAPPED = "extension_capped"
    """All agreed on a later instant than somebody with a better rank allows."""
    EXTENSION_ASKED = "extension_asked"
    """Asked for, and not yet accepted by all who are bound."""
    NOT_BOUND = "not_bound"
    """A participant that never accepted the agreed terms."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """One conflict, named."""

    kind: ConflictKind
    between: tuple[str, ...]
    """Ids of terms, proposals or parties; the binding one last."""
    words: str


class DutyState(StrEnum):
    """How a duty stands."""

    NOT_TRIGGERED = "not_triggered"
    NOT_OWED = "not_owed"
    """What triggers it happened before it came into force."""
    DUE = "due"
    OVERDUE = "overdue"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class DutyRow:
    """A duty beside the embargo, applied to the facts of a case."""

    duty: Duty
    state: DutyState
    due_at: datetime | None
    done_at: datetime | None
    words: str
    party: str = ""
    """The vendor it binds; empty for a duty that no law puts on one."""


def duty_key(duty_id: str, party: str) -> str:
    """What a duty is called among those met: its id, and whose it is where it is one vendor's."""
    return f"{duty_id}/{party}" if party else duty_id


@dataclass(frozen=True, slots=True)
class DetailsRow:
    """Until when a holder keeps details back after the patch."""

    terms: Terms
    at: datetime


class TimetableState(StrEnum):
    """How the embargo as a whole stands."""

    NO_EMBARGO = "no_embargo"
    RUNNING = "running"
    OPEN_ENDED = "open_ended"
    NOT_STARTED = "not_started"
    """No clock runs: nothing that starts one has happened."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Timetable:
    """Every party's terms combined: what binds, who says so, and what it costs whom."""

    at: datetime
    state: TimetableState
    ends_at: datetime | None
    """The binding instant."""
    rank: Rank | None
    term_id: str
    """Id of the terms that bind; empty where a milestone or nothing does."""
    ended_by: Milestone | None
    """The milestone that ended it for all."""
    zone: str
    """Time zone of the body whose terms bind."""
    clocks: tuple[Clock, ...]
    conflicts: tuple[Conflict, ...]
    details: tuple[DetailsRow, ...]
    duties: tuple[DutyRow, ...]
    tell: tuple[str, ...]
    """Parties to be told at once that nobody is bound any more."""
    words: str

    @property
    def binding(self) -> Clock | None:
        """The clock that binds."""
        return next((clock for clock in self.clocks if clock.binds), None)


class EmbargoState(StrEnum):
    """The embargo of a case as its participants agreed on it (CERT/CC Vultron, EM)."""

    NONE = "none"
    PROPOSED = "proposed"
    ACTIVE = "active"
    REVISE = "revise"
    EXITED = "exited"


class Consent(StrEnum):
    """A participant's word on the embargo (CERT/CC Vultron, participant embargo consent)."""

    NONE = "none"
    INVITED = "invited"
    SIGNATORY = "signatory"
    LAPSED = "lapsed"
    DECLINED = "declined"


class ProposalState(StrEnum):
    """What became of a proposal."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"


class ExitReason(StrEnum):
    """Why an embargo ended."""

    RAN_OUT = "ran_out"
    PUBLIC = "public"
    EXPLOIT_PUBLIC = "exploit_public"
    EXPLOITED_KNOWN = "exploited_known"
    LEAKED = "leaked"
    DECIDED = "decided"


class LeakState(StrEnum):
    """What is held of a leak."""

    SUSPECTED = "suspected"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


class DeadlineKind(StrEnum):
    """What falls due."""

    EMBARGO_ENDS = "embargo_ends"
    EMBARGO_WARNING = "embargo_warning"
    EMBARGO_REVIEW = "embargo_review"
    DUTY = "duty"
    DETAILS = "details"
    LEAK_CHECK = "leak_check"
    CONTACT_REMINDER = "contact_reminder"
    CONTACT_SILENCE = "contact_silence"
    CONTACT_RESORT = "contact_resort"


@dataclass(frozen=True, slots=True)
class Deadline:
    """A row of the table of deadlines."""

    id: str
    kind: DeadlineKind
    object_id: str
    """What it is about: a case, a leak, a watch over a silent party."""
    name: str
    """Which one of its kind: id of a duty or of terms; empty where there is one."""
    due_at: datetime
    done_at: datetime | None = None
    late: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """A milestone as recorded, by whom and why."""

    id: str
    milestone: Milestone
    at: datetime
    party: str
    """Whose it is; empty where nobody's in particular."""
    recorded_at: datetime
    actor: str
    note: str
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AppliedTerms:
    """Terms that apply in a case."""

    id: str
    terms: Terms
    added_at: datetime
    added_by: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One party's answer to a proposal; None while it has not given one."""

    party: str
    accepted: bool | None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """An instant proposed to the participants of a case."""

    id: str
    ends_at: datetime
    asked_at: datetime
    asked_by: str
    state: ProposalState
    note: str
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class Leak:
    """Something of the case seen where it should not be."""

    id: str
    state: LeakState
    seen_at: datetime
    reported_at: datetime
    reported_by: str
    where: str
    settled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Embargo:
    """The embargo of a case as kept: the agreement's state, and the timetable as last computed."""

    id: str
    case_id: str
    state: EmbargoState
    found_with_public_ai: bool
    exited_at: datetime | None
    exit_reason: ExitReason | None
    timetable_state: TimetableState | None = None
    ends_at: datetime | None = None
    rank: Rank | None = None
    term_id: str = ""


class ChangeKind(StrEnum):
    """What may be asked of the calculator: what if..."""

    GOES_PUBLIC = "goes_public"
    FIX_READY = "fix_ready"
    EXPLOITED = "exploited"
    VENDOR_JOINS = "vendor_joins"
    EXTENSION_ASKED = "extension_asked"
    EXTENSION_ACCEPTED = "extension_accepted"


@dataclass(frozen=True, slots=True)
class Change:
    """A change to the facts that has not happened."""

    kind: ChangeKind
    at: datetime | None = None
    """When it happens; for an extension, until when."""
    party: str = ""
    """Who joins, or asks."""
    terms: tuple[Terms, ...] = ()
    """What a vendor that joins brings along."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The timetable as it is and as it would be."""

    before: Timetable
    after: Timetable
    difference: tuple[str, ...]
    """In words; empty where nothing would change."""
