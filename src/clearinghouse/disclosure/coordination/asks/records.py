"""What is kept of an ask to take part."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.ids import PartyId, ReportId


class AskState(StrEnum):
    """What the coordinators of a case made of it. Who asked is told of none but an invitation."""

    OPEN = "open"
    INVITED = "invited"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Ask:
    """That a party wants to take part in the case of the flaw it reported, if there is one."""

    id: str
    case_id: str
    """The case it was for at that moment; empty where there was none."""
    report_id: ReportId
    """The report by which the asker knows of the flaw."""
    asker: PartyId
    at: datetime
    words: str
    """Why, for the coordinators of the case."""
    state: AskState = AskState.OPEN
