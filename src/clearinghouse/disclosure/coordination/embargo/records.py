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
    """Id of a duty to the instant it was met."""
    exited_at: datetime | None = None
    """When the embargo of this case ended; what has ended does not come back."""


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
