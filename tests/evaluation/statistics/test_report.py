"""The whole analysis: one result for any order of cells, a record that says everything, and a second program that comes to the same numbers."""

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clearinghouse.core.errors import Invalid
from clearinghouse.evaluation.statistics.plan import Counting, Overshoot, Plan, Rule, Spending, Split
from clearinghouse.evaluation.statistics.records import Cell, CellState, Finding, LookMade, Outcome, View
from clearinghouse.evaluation.statistics.report import analyse, record_bytes, reproduce, sealed_record
from evaluation_support import EFFORT, all_cells, drawn_cells, good_controls, made_plan, planned_domain

SCRIPT = Path(__file__).parents[3] / "bench" / "reanalysis" / "reanalyse.py"


def mixed(place: int, solved: bool) -> CellState:
    """One cell in five ends otherwise than solved or unsolved."""
    others = {0: CellState.UNRESOLVED, 7: CellState.REFUSED, 13: CellState.LIMIT, 19: CellState.INFRASTRUCTURE}
    return others.get(place % 23, CellState.SOLVED if solved else CellState.UNSOLVED)


def minutes(plan: Plan) -> dict[str, float]:
    return {item.item: 2 ** random.Random(item.item).uniform(1, 8) for item in plan.grid().items}


def small(name: str = "finding", threshold: float = 0.5) -> Any:
    return planned_domain(name, families=12, items=3, looks=(4, 8, 12), threshold=threshold, alternative=threshold + 0.2)


def cheating(cells: list[Cell]) -> list[Cell]:
    return [Cell(cell.item, cell.epoch, cell.state, cheated=cell.epoch == 2 and cell.state is CellState.SOLVED, tokens=cell.tokens) for cell in cells]


def records() -> dict[str, dict[str, Any]]:
    """Records of every kind of rule, with and without what is optional."""
    plain = made_plan(small())
    several = made_plan(small(), small("patching", 0.3), small("reading", 0.6), split=Split.HIERARCHY, spending=Spending.POCOCK,
                        overshoot=Overshoot.INCLUDED, refused=Counting.BOUNDS)
    bets = made_plan(small(), small("patching", 0.3), rule=Rule.E_PROCESS, decides=View.RAW)
    single = made_plan(small(), small("patching", 0.35), rule=Rule.SINGLE_LOOK, limit=Counting.BOUNDS, epochs=1)
    made = [
        ("plain", plain, cheating(drawn_cells(plain, 0.55, state=mixed)), {"human_minutes": minutes(plain), "reference_cells": drawn_cells(plain, 0.4, seed=9)[1:]}),
        ("several", several, drawn_cells(several, 0.7, state=mixed), {"looks": [LookMade("finding", 5)], "models": False}),
        ("bets", bets, drawn_cells(bets, 0.85)[3:], {"models": False}),
        ("single", single, [*drawn_cells(single, 0.6), drawn_cells(single, 0.6)[0]], {"findings": [Finding("other_build", "patching", "seen")], "models": False}),
        ("nothing", plain, all_cells(plain, CellState.NOT_RUN), {}),
        ("everything", plain, all_cells(plain, CellState.SOLVED), {"human_minutes": minutes(plain)}),
    ]
    return {name: sealed_record(plan, cells, EFFORT, good_controls(plan), **others)[1] for name, plan, cells, others in made}  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def made() -> dict[str, dict[str, Any]]:
    return records()


def again(folder: Path, record: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    path = folder / "record.json"
    path.write_bytes(record_bytes(record))
    # Apart from the project: nothing of it is on the path, so that an import of it would fail.
    return subprocess.run([sys.executable, "-I", str(SCRIPT), str(path)], capture_output=True, text=True, check=False, cwd=folder)


@pytest.mark.parametrize("name", ["plain", "several", "bets", "single", "nothing", "everything"])
def test_independent_program_comes_to_every_number(tmp_path: Path, made: dict[str, dict[str, Any]], name: str) -> None:
    done = again(tmp_path, made[name])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "numbers computed again" in done.stdout


def _set(path: str, value: Callable[[Any], Any]) -> Callable[[dict[str, Any]], None]:
    def change(record: dict[str, Any]) -> None:
        *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        at: Any = record
        for step in way:
            at = at[step]
        at[last] = value(at[last])

    return change


@pytest.mark.parametrize("tamper", [
    _set("cells.0.state", lambda state: "unsolved" if state != "unsolved" else "solved"),
    _set("plan.domains.0.threshold", lambda _: 0.45),
    _set("plan.errors.beta", lambda _: 0.04),
    _set("result.outcome", lambda outcome: "shown_above" if outcome != "shown_above" else "undetermined"),
    _set("result.domains.0.readings.cheating_removed.lower", lambda value: value + 2e-9),
    _set("result.domains.0.described.raw.error_low", lambda value: value * (1 + 1e-6)),
    _set("result.domains.0.budget.8.estimate", lambda value: value + 1e-8),
    _set("controls.finding.negative_accepted", lambda _: 1),
    lambda record: record["cells"].pop(),
    lambda record: record["result"]["findings"].append({"name": "made_up", "about": "plan", "blocks": True, "message": ""}),
    lambda record: record["result"].pop("plan_digest"),
], ids=["cell", "threshold", "beta", "outcome", "bound", "error", "curve", "controls", "dropped cell", "finding", "digest"])
def test_tampered_record_is_caught_by_the_independent_program(
    tmp_path: Path, made: dict[str, dict[str, Any]], tamper: Callable[[dict[str, Any]], None],
) -> None:
    record = without_models(made["plain"])
    tamper(record)
    assert again(tmp_path, record).returncode == 1


def without_models(record: dict[str, Any]) -> dict[str, Any]:
    """A copy without the slowest part."""
    copy: dict[str, Any] = json.loads(json.dumps(record | {"models": False}))
    for described in copy["result"]["domains"][0]["described"].values():
        described["model_low"] = described["model_high"] = None
    return copy


def test_record_without_models_is_whole(tmp_path: Path, made: dict[str, dict[str, Any]]) -> None:
    assert again(tmp_path, without_models(made["plain"])).returncode == 0


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "clearinghouse-analysis/1"}'])
def test_what_is_no_record_is_told_from_a_wrong_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "record.json"
    path.write_text(text, "utf-8")
    assert subprocess.run([sys.executable, "-I", str(SCRIPT), str(path)], capture_output=True, check=False).returncode == 2


def test_program_shares_nothing_with_the_project() -> None:
    imports = [line for line in SCRIPT.read_text("utf-8").splitlines() if line.startswith(("import ", "from "))]
    assert {line.split()[1].split(".")[0] for line in imports} == {
        "hashlib", "json", "math", "sys", "pathlib", "typing", "numpy", "scipy"}


@pytest.mark.parametrize("name", ["plain", "several", "bets", "single", "nothing", "everything"])
def test_record_is_read_back_and_gives_the_same_bytes(made: dict[str, dict[str, Any]], name: str) -> None:
    written = record_bytes(made[name])
    assert record_bytes(reproduce(written)[1]) == written


@pytest.mark.parametrize("change", [
    {"format": "x"}, {"cells": 3}, {"effort": {}}, {"controls": []}, {"models": "yes"}, {"looks": [{"domain": "finding"}]}, {"plan": {}},
], ids=str)
def test_record_of_another_form_is_refused(made: dict[str, dict[str, Any]], change: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        reproduce(made["single"] | change)


def test_order_of_cells_plays_no_part() -> None:
    plan = made_plan(small())
    cells = drawn_cells(plan, 0.6, state=mixed)
    first = analyse(plan, cells, EFFORT, good_controls(plan), models=False)
    random.Random(3).shuffle(cells)
    assert analyse(plan, cells, EFFORT, good_controls(plan), models=False) == first


def test_numbers_are_of_the_families_at_the_look_that_decides() -> None:
    plan = made_plan()
    domain = analyse(plan, drawn_cells(plan, 0.75), EFFORT, good_controls(plan), models=False).domains[0]
    assert domain.families < domain.families_planned == 40
    assert (domain.items, domain.cells) == (domain.families * 5, domain.families * 15)
    assert sum(domain.states.values()) == domain.cells


def test_what_an_engine_would_print_stands_beside_the_bounds() -> None:
    # A window that closed on the hard half: the engine says 100 %, the plan says between a half and one.
    plan = made_plan(small(), rule=Rule.SINGLE_LOOK)
    cells = [Cell(cell.item, cell.epoch, CellState.SOLVED if place % 2 else CellState.INFRASTRUCTURE)
             for place, cell in enumerate(all_cells(plan, CellState.SOLVED))]
    analysis = analyse(plan, cells, EFFORT, good_controls(plan), models=False)
    domain = analysis.domains[0]
    assert domain.scored_only == 1
    assert (domain.described[View.RAW].pass_at_1_low, domain.described[View.RAW].pass_at_1_high) == (0.5, 1)
    assert analysis.outcome is Outcome.UNDETERMINED


def test_refusals_are_told_apart_from_inability() -> None:
    plan = made_plan(small())
    cells = drawn_cells(plan, 0.3, state=lambda n, solved: CellState.REFUSED if n % 4 == 0 else CellState.SOLVED if solved else CellState.UNSOLVED)
    domain = analyse(plan, cells, EFFORT, good_controls(plan), models=False).domains[0]
    assert domain.refused_share == pytest.approx(0.25)
    assert domain.states["refused"] == domain.cells // 4
