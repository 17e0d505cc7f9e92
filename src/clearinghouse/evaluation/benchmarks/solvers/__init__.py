"""Players of models: deterministic, without any model behind them, so that the whole desk can be tried and tested.

A solver sees what a model would see, a conversation, and says what a model would say: a text and a call of the one tool, or that it is done.
`serving` puts one behind a loopback port as an upstream. Belongs here: what proves the machinery. Does not belong here: anything that judges.
"""

from clearinghouse.evaluation.benchmarks.solvers.base import ChatMessage, Scripted, Solver, Speaker, ToolCall, Turn
from clearinghouse.evaluation.benchmarks.solvers.players import (
    SOLVERS,
    cheating_solver,
    escaping_solver,
    fuzzer_solver,
    make_solver,
    pattern_solver,
    random_solver,
    reference_solver,
)
from clearinghouse.evaluation.benchmarks.solvers.serving import Served, serve_solver

__all__ = [
    "SOLVERS", "ChatMessage", "Scripted", "Served", "Solver", "Speaker", "ToolCall", "Turn", "cheating_solver", "escaping_solver", "fuzzer_solver",
    "make_solver", "pattern_solver", "random_solver", "reference_solver", "serve_solver",
]
