"""An access to a model, and what the meter says of it."""

from dataclasses import dataclass
from datetime import datetime

from clearinghouse.core.ids import AccessId, PartyId, ReviewCaseId, RunId


@dataclass(frozen=True, slots=True)
class Access:
    """Leave to call one model, half-open in time: `[begins_at, ends_at)`, UTC."""

    id: AccessId
    review_id: ReviewCaseId
    """On whose account: the developer of this review sees the meter."""
    party: PartyId
    """Whom it was given to."""
    purpose: str
    """One of our own words: `probe`, `practice`, `sealed_run`, `partner`."""
    run_id: RunId | None
    upstream: str
    """Name of an upstream in the settings."""
    begins_at: datetime
    ends_at: datetime
    tokens_max: int
    """Prompt and completion together, over its whole life."""
    calls_max: int
    granted_at: datetime
    suspended_at: datetime | None = None
    ended_at: datetime | None = None
    """Ended before its time; never comes back."""
    suspended_by: PartyId | None = None


@dataclass(frozen=True, slots=True)
class Meter:
    """What one access used, without a word of what was asked or answered."""

    access_id: AccessId
    calls: int
    refused: int
    cut: int
    """Streams ended by the window, a suspension or a lost upstream."""
    prompt_tokens: int
    completion_tokens: int
    reserved_tokens: int
    """Held for calls in flight."""
    first_at: datetime | None = None
    last_at: datetime | None = None
    truncated: int = 0
    """Answers without their end or without an account of their tokens: charged with all that was reserved."""


@dataclass(frozen=True, slots=True)
class Portion:
    """What an access used in one hour, or for one sample: figures alone."""

    name: str
    """The hour, RFC 3339 in UTC; or the opaque id a runner gave to the sample."""
    calls: int
    refused: int
    cut: int
    truncated: int
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class JournalHead:
    """How far a gateway's journal reached at an instant, and the hash that everything before it leads to."""

    gateway_id: str
    entries: int
    head: str
    """SHA-256, in hexadecimal."""
    noted_at: datetime
