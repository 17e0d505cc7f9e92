"""What every way out has in common: how it says that something did not go, and who is written to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from clearinghouse.core.errors import Invalid, Unavailable
from clearinghouse.core.ids import PartyId
from clearinghouse.storage import Transaction


class Refused(Invalid):
    """This will not go, now or later: an address that is not called, a recipient that is not known there."""


class Unreachable(Unavailable):
    """This may go and did not: off, no connection, too slow, too long."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a mail goes to."""

    party: PartyId
    address: str
    verified: bool
    """Its holder proved to read it. Nothing embargoed goes to an address nobody proved."""
    personal: bool
    """A person's or a program's own, not one that an organisation or a team shares."""
    certificates: tuple[bytes, ...] = ()
    """OpenPGP certificates of the party."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A mail ready to leave, with what the carrier needs to know."""

    name: str
    """The same at each attempt: a name for the file, where mail goes to a folder."""
    sender: str
    """Where a mail that cannot be delivered comes back to."""
    recipient: str
    message: bytes


class MailCarrier(Protocol):
    """Takes mail and is answerable for it from then on."""

    def carry(self, mail: Envelope) -> None:
        """Hand a mail over.

        Raises:
            Refused: it will never be taken.
            Unreachable: it was not taken this time.
        """
        ...


class LinkMaker(Protocol):
    """Makes the address under which a party goes on without an account."""

    def __call__(self, tx: Transaction, party: PartyId, about: str, *, now: datetime) -> str:
        """The address; empty where the party signs in instead, or there is none."""
        ...
