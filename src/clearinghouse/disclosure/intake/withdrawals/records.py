"""What is kept of a report that was taken back."""

from dataclasses import dataclass
from datetime import datetime

from clearinghouse.core.ids import PartyId, ReportId

REASON_CHARACTERS_MAX = 4_000


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """That a report was taken back, and why."""

    report_id: ReportId
    at: datetime
    by: PartyId
    reason: str
    """The sender's own words, for who may read the report."""
