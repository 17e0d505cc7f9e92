"""The states of a run, one table; the documents draw the same."""

from clearinghouse.core.states import Transition
from clearinghouse.evaluation.benchmarks.running.records import RunState

_S = RunState
RUN_TRANSITIONS: tuple[Transition, ...] = (
    Transition("begin", _S.PLANNED, _S.RUNNING, ("runner",), "ours"),
    Transition("begin", _S.PAUSED, _S.RUNNING, ("runner",), "ours"),
    Transition("take over", _S.RUNNING, _S.RUNNING, ("runner",), "ours: the lease of the one before has ended"),
    Transition("pause", _S.RUNNING, _S.PAUSED, ("runner", "evaluator"), "ours"),
    Transition("finish", _S.RUNNING, _S.DONE, ("runner",), "ours"),
    Transition("end", _S.PLANNED, _S.ENDED, ("evaluator", "desk"), "ours"),
    Transition("end", _S.PAUSED, _S.ENDED, ("evaluator", "desk"), "ours"),
    Transition("end", _S.RUNNING, _S.ENDED, ("evaluator", "desk"), "ours"),
)
"""Where a run stands. What ended stays; another look at a model is another run."""
