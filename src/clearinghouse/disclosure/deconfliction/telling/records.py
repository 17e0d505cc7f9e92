"""What is kept of a telling, and how much of a budget is used."""

from dataclasses import dataclass
from datetime import datetime

from clearinghouse.core.ids import PartyId, ReportId, SubmissionId


@dataclass(frozen=True, slots=True)
class Used:
    """What an organisation has learnt of what others hold: by batches of the blind check, and by being told."""

    batches_today: int = 0
    batches_epoch: int = 0
    told_today: int = 0
    told_epoch: int = 0
    """Reports."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A report that a person looked at and whose sender is not told yet."""

    report: ReportId
    number: int
    submission: SubmissionId
    organisation: PartyId
    """The budget it is charged to: of the sender's organisation, or of a sender that has none."""
    looked_at: datetime
