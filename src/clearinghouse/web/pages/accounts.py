"""What somebody is shown of its own account: sessions, passkeys, tokens, second factors."""

from dataclasses import dataclass
from datetime import datetime


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
