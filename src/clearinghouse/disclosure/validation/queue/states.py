"""The states of a validation, one table; the documents draw the same."""

from clearinghouse.core.states import Transition
from clearinghouse.disclosure.validation.queue.records import ValidationState

_S = ValidationState
VALIDATION_TRANSITIONS: tuple[Transition, ...] = (
    Transition("begin", _S.QUEUED, _S.RUNNING, ("bench",), "ours"),
    Transition("judge", _S.RUNNING, _S.DONE, ("bench",), "ours"),
    Transition("fail", _S.QUEUED, _S.FAILED, ("bench",), "ours"),
    Transition("fail", _S.RUNNING, _S.FAILED, ("bench",), "ours"),
    Transition("cancel", _S.QUEUED, _S.CANCELLED, ("asker", "coordinator"), "ours"),
    Transition("cancel", _S.RUNNING, _S.CANCELLED, ("asker", "coordinator"), "ours"),
    Transition("resume", _S.CANCELLED, _S.QUEUED, ("asker", "coordinator"), "ours"),
    Transition("resume", _S.FAILED, _S.QUEUED, ("asker", "coordinator"), "ours"),
)
"""Where a validation stands. What was judged stays judged: another look is another validation. A worker that dies changes nothing here:
what it held waits again when its lease ends."""
