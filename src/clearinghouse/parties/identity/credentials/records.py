"""What credentials speaks of."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.ids import ChallengeId, PartyId


class ChallengeKind(StrEnum):
    """What somebody began and has to finish."""

    PASSWORD_SETUP = "password_setup"  # noqa: S105 - a kind, no password
    PASSKEY_SETUP = "passkey_setup"
    PASSKEY_SIGN_IN = "passkey_sign_in"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class KeptPassword:
    """What is kept of a party's password and its second factor."""

    party: PartyId
    hashed: str = field(repr=False)
    totp_secret: str = field(repr=False)
    totp_step: int
    """The last step a code was taken for; no code of it or before is taken again."""
    set_at: datetime


@dataclass(frozen=True, slots=True)
class PasswordSetup:
    """A password that waits for the first one-time code; until then the old one stands."""

    id: ChallengeId
    totp_secret: str = field(repr=False)
    """Base32, to be typed where no code can be scanned."""
    totp_uri: str = field(repr=False)
    """`otpauth://...`, to be shown as a QR code."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """This instance as browsers know it."""

    id: str
    """Host name; a passkey is bound to it."""
    name: str
    origin: str
    """`https://HOST[:PORT]`."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey of a party."""

    key: str
    """Hash of its credential id."""
    party: PartyId
    name: str
    """As its owner calls it."""
    added_at: datetime
    used_at: datetime | None
    credential_id: bytes = field(repr=False)
    public_key: bytes = field(repr=False)
    sign_count: int


@dataclass(frozen=True, slots=True)
class Account:
    """An account at a provider that opens a party's sessions."""

    issuer: str
    subject: str
    """As the provider names it; it never changes, unlike an address."""
    party: PartyId
    linked_at: datetime


@dataclass(frozen=True, slots=True)
class AccountState:
    """A journey to a provider, from leaving until coming back."""

    state: str
    """Goes with the address."""
    binding: str = field(repr=False)
    """Stays in the browser (a cookie); without it the way back is closed to everybody else."""
    provider: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    """PKCE (RFC 7636)."""
    session_id: str = ""
    """The session that wants the account linked; empty for a sign-in."""
