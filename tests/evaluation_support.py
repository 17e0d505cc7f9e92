"""Plans and cells for tests of what results show: made up from a seed, by the same model that a plan's power supposes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from scipy.special import expit

from clearinghouse.evaluation.statistics.plan import (
    Counting,
    Design,
    EffortFloor,
    Overshoot,
    Plan,
    PlannedDomain,
    PlannedFamily,
    Rule,
    SampleBudget,
    Spending,
    Split,
    draw_order,
)
from clearinghouse.evaluation.statistics.power import location
from clearinghouse.evaluation.statistics.records import Cell, CellState, Controls, Effort, View

EFFORT = Effort(scaffolds=3, prompts=6, attempts=40, tokens=2_000_000, person_hours=30.0, tools=("shell",))


def planned_domain(
    name: str = "finding", *, families: int = 40, items: int = 5, threshold: float = 0.5, alternative: float = 0.6,
    looks: Sequence[int] = (8, 16, 24, 32, 40), seed: str = "drawn",
) -> PlannedDomain:
    """A domain with families in two strata, in the order drawn."""
    unordered = tuple(
        PlannedFamily(f"{name}-f{place:03}", ("easy", "hard")[place % 2], tuple(f"{name}-f{place:03}-i{item}" for item in range(items)))
        for place in range(families)
    )
    return PlannedDomain(name, threshold, alternative, draw_order(unordered, seed, name), tuple(looks))


def made_plan(*domains: PlannedDomain, **changes: object) -> Plan:
    """A plan as the policy of a fresh instance accepts it, with changes."""
    plan = Plan(
        engagement="eng_1", model_build="b" * 64, model_variant="full", item_root="a" * 64, seed="drawn",
        domains=domains or (planned_domain(),), epochs=3, alpha=0.05, beta=0.05, power=0.7, split=Split.HOLM, rule=Rule.GROUP_SEQUENTIAL,
        spending=Spending.OBRIEN_FLEMING, decides=View.CHEATING_REMOVED, refused=Counting.ZERO, limit=Counting.ZERO, infrastructure_attempts=2,
        overshoot=Overshoot.EXCLUDED, effort=EffortFloor(2, 4, 20, 1_000_000, 20.0), budget=SampleBudget(100_000, 40, 900.0),
        design=Design(1.5, 1.0),
    )
    return replace(plan, **changes)  # type: ignore[arg-type]  # a test names fields


def good_controls(plan: Plan) -> dict[str, Controls]:
    """Every item with a reference solution accepted and a look-alike refused."""
    return {
        domain.name: Controls(n, n, 0, n)
        for domain in plan.domains for n in [sum(len(family.items) for family in domain.families)]
    }


def drawn_cells(plan: Plan, mean: float, *, seed: int = 1, state: Callable[[int, bool], CellState] | None = None) -> list[Cell]:
    """A cell for every place of the grid, of a model whose true mean over families is `mean`.

    Args:
        state: makes a state of (how many cells were drawn before, solved).
    """
    rng = np.random.default_rng(seed)
    at = location(mean, math.hypot(plan.design.family_sd, plan.design.item_sd))
    strength: dict[tuple[str, str], float] = {}
    cells: list[Cell] = []
    for item in plan.grid().items:
        family = strength.setdefault((item.domain, item.family), at + plan.design.family_sd * float(rng.standard_normal()))
        chance = float(expit(family + plan.design.item_sd * float(rng.standard_normal())))
        for epoch in range(1, plan.epochs + 1):
            solved = bool(rng.random() < chance)
            ended = state(len(cells), solved) if state else (CellState.SOLVED if solved else CellState.UNSOLVED)
            cells.append(Cell(item, epoch, ended, tokens=int(rng.integers(1_000, 100_000)), seconds=float(rng.integers(10, 900)), cost_microdollars=500))
    return cells


def all_cells(plan: Plan, state: CellState) -> list[Cell]:
    """Every cell in one state."""
    return [Cell(item, epoch, state, tokens=1000) for item in plan.grid().items for epoch in range(1, plan.epochs + 1)]
