"""The states of cases and participants, each machine one table; the documents draw the same tables.

Report management is the RM machine of CERT/CC's Vultron protocol (Report Management Process Model). Vultron leaves
no way from `received` or `valid` straight to `closed`; a vendor that declines and a finder that withdraws take such
a way here, and those rows say "ours".
"""

from clearinghouse.core.states import Transition, may_step, render_table, step
from clearinghouse.disclosure.coordination.rooms.records import CaseState, Participation, ReportState

S, R, I, V, A, D, C = ReportState  # noqa: E741 - the letters Vultron calls the states by

_SELF = ("participant",)
_EITHER = ("participant", "coordinator")
_VULTRON = "Vultron RM"

REPORT_TRANSITIONS: tuple[Transition, ...] = (
    Transition("receive", S, R, _EITHER, _VULTRON),
    Transition("invalidate", R, I, _SELF, _VULTRON),
    Transition("validate", R, V, _SELF, _VULTRON),
    Transition("validate", I, V, _SELF, _VULTRON),
    Transition("accept", V, A, _SELF, _VULTRON),
    Transition("defer", V, D, _SELF, _VULTRON),
    Transition("defer", A, D, _SELF, _VULTRON),
    Transition("accept", D, A, _SELF, _VULTRON),
    Transition("close", A, C, _EITHER, _VULTRON),
    Transition("close", D, C, _EITHER, _VULTRON),
    Transition("close", I, C, _EITHER, _VULTRON),
    *(Transition("decline", state, C, ("vendor",), "ours") for state in (S, R, I, V, A, D)),
    *(Transition("withdraw", state, C, ("finder", "reporter"), "ours") for state in (R, I, V, A, D)),
    Transition("reinstate", C, A, ("finder", "reporter"), "ours"),
)
"""A participant's report-management states."""

_P = Participation
PARTICIPATION_TRANSITIONS: tuple[Transition, ...] = (
    Transition("accept", _P.INVITED, _P.JOINED, _SELF, "ours"),
    Transition("decline", _P.INVITED, _P.DECLINED, _SELF, "ours"),
    Transition("remove", _P.INVITED, _P.REMOVED, ("coordinator",), "ours"),
    Transition("leave", _P.JOINED, _P.LEFT, _SELF, "ours"),
    Transition("decline case", _P.JOINED, _P.DECLINED, ("vendor",), "ours"),
    Transition("remove", _P.JOINED, _P.REMOVED, ("coordinator",), "ours"),
    *(Transition("invite", state, _P.INVITED, ("coordinator",), "ours") for state in (_P.DECLINED, _P.LEFT, _P.REMOVED)),
    *(Transition("attach report", state, _P.JOINED, ("coordinator",), "ours") for state in (_P.DECLINED, _P.LEFT, _P.REMOVED)),
)
"""Whether a party takes part. Who is named for the first time starts as invited, a reporter and the opener as joined."""

CASE_TRANSITIONS: tuple[Transition, ...] = (
    Transition("close", CaseState.OPEN, CaseState.CLOSED, ("coordinator",), "ours"),
    Transition("withdraw report", CaseState.OPEN, CaseState.WITHDRAWN, ("finder", "reporter"), "ours"),
    Transition("reopen", CaseState.CLOSED, CaseState.OPEN, ("coordinator",), "ours"),
    Transition("reopen", CaseState.WITHDRAWN, CaseState.OPEN, ("coordinator",), "ours"),
    Transition("erase", CaseState.CLOSED, CaseState.ERASED, ("coordinator",), "ours"),
    Transition("erase", CaseState.WITHDRAWN, CaseState.ERASED, ("coordinator",), "ours"),
    Transition("reinstate report", CaseState.WITHDRAWN, CaseState.OPEN, ("finder", "reporter"), "ours"),
)
"""Where a case stands."""

__all__ = ["CASE_TRANSITIONS", "PARTICIPATION_TRANSITIONS", "REPORT_TRANSITIONS", "Transition", "may_step", "render_table", "step"]
