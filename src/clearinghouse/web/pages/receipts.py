"""What a reporter is shown who comes back with a receipt."""

from dataclasses import dataclass
from datetime import datetime

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


@dataclass(frozen=True, slots=True)
class StatusPage:
    """What became of a submission, for who holds its receipt code."""

    code: str
    received_at: datetime
    finished: bool
    digest: str
    items: tuple[ReceiptItemLine, ...]
    messages: tuple[RoomMessage, ...] = ()
    withdrawn_at: datetime | None = None
    case_id: str = ""
    """The case that handles it, once there is one."""
