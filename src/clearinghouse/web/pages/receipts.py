"""What a reporter is shown who comes back with a receipt."""

from dataclasses import dataclass
from datetime import datetime

from clearinghouse.app.views.appeals import AppealLine
from clearinghouse.web.pages.rooms import RoomMessage


@dataclass(frozen=True, slots=True)
class Sent:
    """What a stranger is shown after sending a report."""

    code: str
    received_at: datetime
    items: int


@dataclass(frozen=True, slots=True)
class ReceiptItemLine:
    """One item of a submission as its sender sees it."""

    place: str
    outcome: str
    title: str
    answer: str
    """`received`, `reviewed` or `duplicate`."""
    known_since: datetime | None = None
    notes: tuple[str, ...] = ()
    withdrawn_at: datetime | None = None
    report_id: str = ""
    questions: tuple[tuple[str, str], ...] = ()
    """What may be appealed now: value and words."""
    appeals: tuple[AppealLine, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusPage:
    """What became of a submission, for who holds its receipt code."""

    code: str
    received_at: datetime
    finished: bool
    digest: str
    items: tuple[ReceiptItemLine, ...]
    messages: tuple[RoomMessage, ...] = ()
    may_withdraw: bool = False
    """Some of what was sent can be taken back."""
    may_reinstate: bool = False
    """Some of it was."""
    case_id: str = ""
    """The case that handles it, once there is one."""
