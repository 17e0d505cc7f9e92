"""What contacts speaks of."""

from dataclasses import dataclass
from datetime import datetime

from clearinghouse.core.ids import ContactId, PartyId


@dataclass(frozen=True, slots=True)
class Contact:
    """An address of a party."""

    id: ContactId
    party: PartyId
    address: str
    added_at: datetime
    verified_at: datetime | None = None
    """When its holder proved to read it; None until then. Nothing embargoed goes to an address nobody proved."""
