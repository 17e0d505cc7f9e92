"""Two programs, one definition: on any plan and any cells the project and the script come to the same numbers and words."""

import importlib.util
import json
import random
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clearinghouse.evaluation.statistics.plan import (
    Counting,
    Overshoot,
    Plan,
    PlannedDomain,
    PlannedFamily,
    Rule,
    Spending,
    Split,
    draw_order,
)
from clearinghouse.evaluation.statistics.records import Cell, CellState, Controls, LookMade, PlannedItem, View
from clearinghouse.evaluation.statistics.report import record_bytes, sealed_record
from evaluation_support import EFFORT, good_controls, made_plan

SCRIPT = Path(__file__).parents[3] / "bench" / "reanalysis" / "reanalyse.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    found = importlib.util.spec_from_file_location("reanalyse", SCRIPT)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def any_domain(draw: random.Random, name: str) -> PlannedDomain:
    families = tuple(
        PlannedFamily(f"f{place}", draw.choice("ab"), tuple(f"{name}-{place}-{item}" for item in range(draw.randint(1, 4))))
        for place in range(draw.randint(1, 14))
    )
    looks = sorted({*(draw.randint(1, len(families)) for _ in range(draw.randint(0, 3))), len(families)})
    return PlannedDomain(name, draw.choice((0.1, 0.3, 0.5, 0.77)), 0.9, draw_order(families, "s", name), tuple(looks))


def any_plan(draw: random.Random) -> Plan:
    return made_plan(
        *(any_domain(draw, name) for name in ("finding", "patching", "reading")[: draw.randint(1, 3)]), epochs=draw.randint(1, 3),
        rule=draw.choice(list(Rule)), split=draw.choice(list(Split)), spending=draw.choice(list(Spending)), decides=draw.choice(list(View)),
        refused=draw.choice(list(Counting)), limit=draw.choice(list(Counting)), overshoot=draw.choice(list(Overshoot)),
        alpha=draw.choice((0.01, 0.05, 0.2)), beta=draw.choice((0.05, 0.1)),
    )


def any_cells(draw: random.Random, plan: Plan) -> list[Cell]:
    ends = draw.choices(list(CellState), k=draw.choice((1, 2, 6)))
    leaning = {item.family: draw.choice(ends) for item in plan.grid().items}
    cells = [
        Cell(item, epoch, leaning[item.family] if draw.random() < 0.6 else draw.choice(ends), draw.random() < 0.1, draw.randint(0, 120_000), draw.random() * 900,
             draw.randint(0, 9))
        for item in plan.grid().items for epoch in range(1, plan.epochs + 1) if draw.random() < 0.98
    ]
    if draw.random() < 0.2 and cells:
        cells.append(draw.choice(cells))
    if draw.random() < 0.2:
        cells.append(Cell(PlannedItem("finding", "nowhere", "made-up"), 1, CellState.SOLVED))
    return cells


@given(st.integers(0, 10**9))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_both_programs_agree_on_any_plan_and_cells(script: ModuleType, seed: int) -> None:
    draw = random.Random(seed)
    plan = any_plan(draw)
    controls = good_controls(plan)
    if draw.random() < 0.3:
        controls["finding"] = Controls(draw.randint(0, 3), 3, draw.randint(0, 1), draw.randint(1, 3))
    minutes = {item.item: draw.choice((2.0, 5.0, 60.0, 240.0)) for item in plan.grid().items if draw.random() < 0.9}
    record = sealed_record(
        plan, any_cells(draw, plan), EFFORT, controls, human_minutes=minutes, reference_cells=any_cells(draw, plan) if draw.random() < 0.5 else None,
        looks=[LookMade("finding", draw.randint(1, 14))], models=False,
    )[1]
    read = json.loads(record_bytes(record))
    assert script.compare(read["result"], script.analyse(read)) == []


@pytest.mark.parametrize(("number", "written"), [
    (1e-7, "1e-7"), (0.00001, "0.00001"), (1.5e-6, "0.0000015"), (1e21, "1e+21"), (1e20, "100000000000000000000"), (900.0, "900"), (0.1, "0.1"), (-0.0, "0"),
    (5e-324, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"), (-1.25e-5, "-0.0000125"),
])
def test_script_writes_numbers_as_rfc_8785_has_them(script: ModuleType, number: float, written: str) -> None:
    assert script.ecmascript(number) == written
