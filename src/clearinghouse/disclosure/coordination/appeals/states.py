"""The states of an appeal, one table; the documents draw the same."""

from clearinghouse.disclosure.coordination.appeals.records import AppealState
from clearinghouse.disclosure.coordination.rooms.states import Transition

APPEAL_TRANSITIONS: tuple[Transition, ...] = (
    Transition("uphold", AppealState.OPEN, AppealState.UPHELD, ("coordinator",), "ours"),
    Transition("reject", AppealState.OPEN, AppealState.REJECTED, ("coordinator",), "ours"),
    Transition("withdraw", AppealState.OPEN, AppealState.WITHDRAWN, ("finder",), "ours"),
)
"""Where an appeal stands. An answered one stays answered; the same question may be asked as often as policy says."""
