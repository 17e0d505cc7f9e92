"""The default rule keeps its error where the naive ones fail: a small version of `python -m bench.statistics`."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from bench.statistics.__main__ import RESULTS, picture, table
from bench.statistics.rates import ALPHA, LOST, Rate, rates
from tests_support import lacking

ORACLES = Path(__file__).parents[2] / "bench" / "statistics" / "oracles"
GOLDEN = Path(__file__).parents[1] / "golden" / "statistics"


@pytest.mark.parametrize(("threshold", "lost"), [(0.5, 0.0), (0.5, LOST), (0.7, 0.0)])
def test_default_rule_errs_as_seldom_as_it_says_where_naive_rules_do_not(threshold: float, lost: float) -> None:
    found = {rate.rule: rate for rate in rates(threshold, threshold, lost, runs=2000)}
    for rate in found.values():
        if rate.ours:
            assert rate.shown <= ALPHA + 3 * rate.error, rate
    assert found["every run for itself, five looks"].shown > 0.35
    assert found["clustered by family, five looks"].shown > 0.09
    if lost:
        assert found["clustered by family, one look"].shown > 0.8


def test_default_rule_finds_what_is_there() -> None:
    found = {rate.rule: rate.shown for rate in rates(0.5, 0.7, LOST, runs=500)}
    assert found["the default: planned looks on family means"] > 0.99
    assert found["e-process on family means, any look"] > 0.9


def test_kept_figures_keep_the_word_and_the_page_shows_them() -> None:
    kept = [Rate(**rate) for rate in json.loads(RESULTS.read_text("utf-8"))["rates"]]
    ours = [rate for rate in kept if rate.ours and rate.mean == rate.threshold]
    assert ours
    assert all(rate.shown <= ALPHA + 3 * rate.error for rate in ours)
    columns = [kept[place : place + 6] for place in range(0, len(kept), 6)]
    assert table(columns) in (ORACLES.parent / "README.md").read_text("utf-8")
    assert picture(columns[0], columns[1]) + "\n" == (ORACLES.parents[2] / "docs" / "images" / "false-positives.svg").read_text("utf-8")


@pytest.mark.parametrize(("name", "variable"), [("inspect", "CLEARINGHOUSE_TEST_INSPECT"), ("statsmodels", "CLEARINGHOUSE_TEST_STATSMODELS")])
def test_oracle_still_gives_the_kept_numbers(name: str, variable: str) -> None:
    interpreter = os.environ.get(variable)
    if not interpreter:
        pytest.skip(f"{variable} names no interpreter with {name}")
    if not Path(interpreter).exists():
        lacking(f"{variable} names {interpreter}, which is not there")
    done = subprocess.run([interpreter, str(ORACLES / f"with_{name}.py")], capture_output=True, text=True, check=True, timeout=300)
    told, kept = json.loads(done.stdout)["cases"], json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))["cases"]
    assert json.dumps(told, indent=0).count("\n") == json.dumps(kept, indent=0).count("\n")
    assert _numbers(told) == pytest.approx(_numbers(kept), abs=1e-12)


def _numbers(value: object) -> list[float]:
    if isinstance(value, dict):
        return [number for key in sorted(value) for number in _numbers(value[key])]
    if isinstance(value, list):
        return [number for each in value for number in _numbers(each)]
    return [float(value)] if isinstance(value, int | float) else []
