"""What breaking the glass speaks of."""

from dataclasses import dataclass
from datetime import datetime

from clearinghouse.core.ids import GlassId, PartyId


@dataclass(frozen=True, slots=True)
class GlassRequest:
    """One person asks to read what nobody granted; another confirms it or lets it lapse."""

    id: GlassId
    object_id: str
    asked_by: PartyId
    asked_session: str | None
    """Session it was asked in; None at the command line."""
    asked_at: datetime
    lapses_at: datetime
    reason: str
    confirmed_by: PartyId | None = None
    confirmed_at: datetime | None = None
