"""What is spoken of where mail comes in: a letter as it was read, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.ids import MailId, PartyId


class Disposition(StrEnum):
    """What became of a mail."""

    THREADED = "threaded"
    """A message in the room it answers."""
    SUBMITTED = "submitted"
    """A submission: its text was taken in as a report."""
    DESK = "desk"
    """Waits for a person: it claims to answer something and cannot be shown to come from whom it should."""
    IGNORED = "ignored"
    """Written by a machine to a machine: an automatic reply, a loop."""
    BOUNCED = "bounced"
    """A mail of ours came back."""
    REFUSED = "refused"
    """Could not be read within the limits."""


class SignatureState(StrEnum):
    """What is known of a mail's OpenPGP signature."""

    NONE = "none"
    """Not signed; or, inside what was encrypted, by a key that is not here."""
    GOOD = "good"
    """Made by a key of the party it is taken to come from."""
    BAD = "bad"
    UNKNOWN = "unknown"
    """Signed, and no key of the party is here to check it with."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it was read, for display; every text in it is hostile."""

    sender: str
    """Address as the mail claims it."""
    name: str
    subject: str
    text: str
    """Without what was quoted of an earlier mail."""
    quoted: bool
    """Something was left out as quoted; the original has it."""
    attachments: tuple[str, ...] = ()
    """`sha256:HEX name` of each."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A mail as kept."""

    id: MailId
    received_at: datetime
    digest: str
    """`sha256:HEX` of the original."""
    disposition: Disposition
    reason: str
    """A word of ours that says why, such as `sender.other`."""
    signature: SignatureState
    encrypted: bool
    party: PartyId | None = None
    """Whom it is taken to come from."""
    about: str | None = None
    """Object that it answers."""
    became: str | None = None
    """Message or submission that was made of it."""
    settled_at: datetime | None = None
    """When a person of the desk was done with it."""
