"""What enrolment speaks of."""

from dataclasses import dataclass
from datetime import datetime

from clearinghouse.core.ids import InvitationId, PartyId
from clearinghouse.core.roles import Role


@dataclass(frozen=True, slots=True)
class Invitation:
    """Somebody may become a party, once."""

    id: InvitationId
    roles: frozenset[Role]
    organisation: PartyId | None
    """Where the person will belong; None: to a project of their own, which they name."""
    address: str
    """Where it is mailed to; empty where it is handed over otherwise."""
    made_by: PartyId
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None
