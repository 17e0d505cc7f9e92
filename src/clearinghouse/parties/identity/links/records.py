"""What links speaks of."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.ids import LinkId, PartyId


class LinkPurpose(StrEnum):
    """The one thing a link is for."""

    ACT_ON_CASE = "act_on_case"
    """Take one's part in a case: answer, accept, decline, state a status."""
    ANSWER_DELIVERY = "answer_delivery"
    """Read one packet and answer it, once; the object is the delivery."""
    VERIFY_CONTACT = "verify_contact"
    """Prove to read an address; the object is the contact."""
    RECEIPT = "receipt"
    """See what became of a submission."""
    EDIT_CHARTER = "edit_charter"
    """Say how a project wants to be told; the object is the charter or the project's party."""
    SIGN_IN = "sign_in"
    """Sign in once, from the machine the instance runs on; the object is the party, and only it makes one."""
    RESET_CREDENTIALS = "reset_credentials"
    """Set new credentials for somebody who lost them; the object is the party."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a party to one object for one purpose, without its secret."""

    id: LinkId
    party: PartyId
    object_id: str
    purpose: LinkPurpose
    once: bool
    """Good for one use; otherwise until it expires."""
    made_by: PartyId
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """An anonymous reporter's way back, without its code."""

    party: PartyId
    made_at: datetime
    expires_at: datetime
