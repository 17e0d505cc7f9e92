"""What is kept of an appeal."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from clearinghouse.core.ids import PartyId, ReportId

AppealId = NewType("AppealId", str)


class Question(StrEnum):
    """What is contested."""

    KNOWN = "known"
    """That the flaw was known before, or since when."""
    DUPLICATE = "duplicate"
    """That it is the same flaw as another one."""
    NOT_SAME = "not_same"
    """That it is another flaw than one it was held apart from."""
    CREDIT = "credit"
    """The order of credit."""


class AppealState(StrEnum):
    """Where an appeal stands."""

    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Appeal:
    """A finder's objection, and what became of it."""

    id: AppealId
    report_id: ReportId
    question: Question
    appellant: PartyId
    made_at: datetime
    due_at: datetime
    """By when it is to be answered."""
    words: str
    """Why, for who answers."""
    state: AppealState = AppealState.OPEN
    answered_at: datetime | None = None
    answered_by: PartyId | None = None
    answer: str = ""
    """The reason given, for who appealed."""
    overdue_at: datetime | None = None
    """When the day had passed without an answer."""
