"""What sessions speaks of."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.ids import PartyId, SessionId
from clearinghouse.parties.records import Party


class SignInMethod(StrEnum):
    """How a session was opened; what it reaches follows from it (`rules.scopes_of`)."""

    PASSWORD = "password"  # noqa: S105 - a method, no password
    """Password and one-time code."""
    RECOVERY_CODE = "recovery_code"
    """Password and recovery code."""
    PASSKEY = "passkey"
    ACCOUNT = "account"
    """An account at an OIDC provider."""
    LINK = "link"
    """A link made at the command line by whoever holds the instance's keys, for itself."""
    INVITATION = "invitation"
    """Enrolling: reaches nothing but one's own credentials."""
    RESET_LINK = "reset_link"
    """The same, for somebody who lost them."""
    RECEIPT = "receipt"
    """An anonymous reporter's receipt code: reaches what became of the report."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who signed in on one device, without the secret the device holds."""

    id: SessionId
    party: PartyId
    method: SignInMethod
    started_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    user_agent: str
    """What the browser said of itself, bounded; shown to its owner, believed by nobody."""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that was just opened."""

    session: Session
    party: Party
    text: str = field(repr=False)
    """What the device keeps (a cookie); not to be read again."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """Failed attempts counted under one key."""

    key: str
    failures: int
    last_at: datetime
