"""What was solved within how many tokens: a score is a score at a budget, and the curve says whether more would have helped.

A sample that another limit stopped (messages, time) before it had used a budget says nothing about that budget: it is censored there, bounded
by 0 and 1, and left out of the risk set of the estimate. A sample that gave up, or that had used the budget without an answer, counts 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clearinghouse.evaluation.statistics.grid import Frame
from clearinghouse.evaluation.statistics.intervals import score_lower
from clearinghouse.evaluation.statistics.plan import Counting, Plan
from clearinghouse.evaluation.statistics.records import CellState, View

Floats = NDArray[np.float64]

HALVINGS = 8
_TAIL = 0.025


@dataclass(frozen=True, slots=True)
class BudgetPoint:
    """What was solved within so many tokens; pointwise, two-sided 95 %."""

    tokens: int
    low: float
    high: float
    estimate: float
    """With censored samples assumed to go on as those still running did (Aalen and Johansen)."""
    lower: float
    upper: float


def curve(plan: Plan, frame: Frame, view: View, families: int) -> tuple[BudgetPoint, ...]:
    """Points at the plan's budget and its halves, over the first so many families; never beyond the budget that was run."""
    items = frame.items_of(families)
    cells = frame.cells[:items]
    tokens = np.array([[0 if cell is None else cell.tokens for cell in row] for row in cells], np.float64)
    states = np.array([["" if cell is None else cell.state.value for cell in row] for row in cells])
    cheated = np.array([[cell is not None and cell.cheated for cell in row] for row in cells])
    solved = (states == CellState.SOLVED) & ~(cheated if view is View.CHEATING_REMOVED else np.zeros_like(cheated))
    gave_up = (states == CellState.UNSOLVED) | ((states == CellState.SOLVED) & ~solved)
    if plan.refused is Counting.ZERO:
        gave_up |= states == CellState.REFUSED
    limited = states == CellState.LIMIT
    inverse = float(np.mean(1 / frame.items[:families]))
    weights = np.repeat((1 / (families * frame.items[:families] * plan.epochs))[frame.family[:items]][:, None], plan.epochs, axis=1)
    points = []
    for halving in range(HALVINGS, -1, -1):
        budget = plan.budget.tokens // 2**halving
        if budget < 1:
            continue
        won = solved & (tokens <= budget)
        lost = gave_up | (solved & (tokens > budget)) | (limited & (tokens >= budget))
        low, high = (_means(frame, each.astype(float), families) for each in (won, ~lost))
        lower, upper = score_lower(low, inverse, _TAIL), score_lower(1 - high, inverse, _TAIL)
        points.append(BudgetPoint(
            budget, float(low.mean()), float(high.mean()), _incidence(tokens, solved, gave_up, weights, budget),
            lower or 0.0, 1 - (upper or 0.0),
        ))
    return tuple(points)


def _means(frame: Frame, values: Floats, families: int) -> Floats:
    items = frame.items_of(families)
    return np.asarray(np.bincount(frame.family[:items], weights=values.mean(axis=1), minlength=families) / frame.items[:families])


def _incidence(tokens: Floats, solved: NDArray[np.bool_], gave_up: NDArray[np.bool_], weights: Floats, budget: int) -> float:
    """The share solved within the budget, with giving up as the other way to end and everything else as censored."""
    order = np.argsort(tokens, axis=None, kind="stable")
    at, weight = tokens.reshape(-1)[order], weights.reshape(-1)[order]
    won, ended = weight * solved.reshape(-1)[order], weight * (solved | gave_up).reshape(-1)[order]
    times, first = np.unique(at, return_index=True)
    wins, ends = (np.add.reduceat(each, first) for each in (won, ended))
    at_risk = np.cumsum(weight[::-1])[::-1][first]
    stays = np.cumprod(np.concatenate([[1.0], 1 - np.minimum(ends / at_risk, 1.0)]))[:-1]
    return float((stays * wins / at_risk)[times <= budget].sum())
