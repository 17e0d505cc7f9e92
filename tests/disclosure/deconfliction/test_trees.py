"""The stand-in evaluates the shipped trees as LightGBM does."""

from importlib import resources

import numpy as np
import pytest

from clearinghouse.disclosure.deconfliction.context import ALL_FEATURES
from clearinghouse.disclosure.deconfliction.features import FEATURES
from clearinghouse.disclosure.deconfliction.packing import F32
from clearinghouse.disclosure.deconfliction.scoring import Trees
from clearinghouse.disclosure.deconfliction.trees import Forest

MODEL = resources.files("clearinghouse.disclosure.deconfliction") / "model"


def rows(count: int, columns: int) -> F32:
    return np.random.default_rng(3).normal(0.3, 1.0, (count, columns)).astype(np.float32)


@pytest.mark.parametrize("name", ["sieve.txt", "judge.txt", "appeal.txt"])
def test_predictions_equal_those_of_lightgbm(name: str) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    text = (MODEL / name).read_text("utf-8")
    booster = lightgbm.Booster(model_str=text)
    table = rows(300, booster.num_feature())
    np.testing.assert_allclose(Forest(text).predict(table), booster.predict(table), rtol=1e-9)


def test_contributions_add_up_to_the_log_odds() -> None:
    forest = Forest((MODEL / "appeal.txt").read_text("utf-8"))
    table = rows(20, len(ALL_FEATURES))
    predicted = forest.predict(table)
    np.testing.assert_allclose(forest.contributions(table).sum(axis=1), np.log(predicted / (1 - predicted)), rtol=1e-6)


def test_without_lightgbm_many_rows_are_scored_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (MODEL / "sieve.txt").read_text("utf-8")
    table = rows(500, len(FEATURES))
    with_it = Trees(text).predict(table)
    monkeypatch.setitem(__import__("sys").modules, "lightgbm", None)
    np.testing.assert_allclose(Trees(text).predict(table), with_it, rtol=1e-9)


def test_an_artefact_cut_off_is_refused() -> None:
    with pytest.raises(ValueError, match="cut off"):
        Forest("tree\nversion=v4\n")
