"""A table of candidate pairs with their answers, and the fitting of the two stages on part of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from bench.deconfliction.corpus import Truth, finding_of, read_lines, read_truth
from clearinghouse.disclosure.deconfliction.background import Background
from clearinghouse.disclosure.deconfliction.clustering import EDGE_MIN, cluster
from clearinghouse.disclosure.deconfliction.context import bulk_context
from clearinghouse.disclosure.deconfliction.features import FEATURES
from clearinghouse.disclosure.deconfliction.matching import Matcher, ladders
from clearinghouse.disclosure.deconfliction.packing import F32, masses, pack
from clearinghouse.disclosure.deconfliction.retrieval import Candidates, retrieve
from clearinghouse.disclosure.deconfliction.settling import pair_features
from clearinghouse.disclosure.deconfliction.signature import Signature

SIEVE = {
    "objective": "binary", "num_leaves": 15, "learning_rate": 0.2, "min_data_in_leaf": 100, "lambda_l2": 5.0,
    "feature_fraction": 0.6, "max_bin": 63, "verbose": -1, "num_threads": 2, "deterministic": True, "seed": 7,
}
SIEVE_ROUNDS = 60
SIEVE_MIN = 0.004
JUDGE = {
    "objective": "binary", "num_leaves": 31, "learning_rate": 0.06, "min_data_in_leaf": 50, "lambda_l2": 5.0,
    "feature_fraction": 0.4, "bagging_fraction": 0.7, "bagging_freq": 1, "max_bin": 127, "verbose": -1, "num_threads": 2,
    "deterministic": True,
}
JUDGE_ROUNDS = 250
NEAR_RANK = 4
"""Pairs up to this rank all train the sieve; of the rest every fourth, with four times the weight."""
_PAIRS = 60_000
_THIN = 4


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Candidate pairs of a corpus, their features, and the answers."""

    ids: list[str]
    sources: NDArray[np.str_]
    truth: list[Truth]
    components: NDArray[np.int64]
    """-1 for records left out of scoring."""
    hard: NDArray[np.bool_]
    folds: NDArray[np.int64]
    pairs: Candidates
    rows: F32
    same: NDArray[np.int8]
    known: NDArray[np.bool_]
    """Whether the answer is known: both records are scored."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Both stages."""

    sieve: lightgbm.Booster
    judges: list[lightgbm.Booster]


def build_table(records: Path, truth: Path, signatures: Sequence[Signature], background: Background) -> Table:
    """Retrieve and measure all candidate pairs of a corpus whose rows were signed in order."""
    lines = [(row["id"], row["source"]) for row in read_lines(records)]
    known = read_truth(truth)
    answers = [known[one] for one, _ in lines]
    numbers: dict[str, int] = {}
    components = np.array([numbers.setdefault(one.component, len(numbers)) if one.component else -1 for one in answers])
    packed = pack(signatures)
    weights = background.weights(packed.vocabulary, packed.counts, len(packed))
    pairs = retrieve(packed, weights)
    matcher, mass = Matcher(packed, weights), masses(packed, weights)
    ladder = ladders(len(packed), pairs.a, pairs.b, pairs.scores)
    rows = np.empty((len(pairs.a), len(FEATURES)), np.float32)
    for begin in range(0, len(pairs.a), _PAIRS):
        part = slice(begin, begin + _PAIRS)
        rows[part] = pair_features(packed, matcher, mass, ladder, pairs.a[part], pairs.b[part], pairs.scores[part])
    of_a, of_b = components[pairs.a], components[pairs.b]
    return Table(
        [one for one, _ in lines], np.array([source for _, source in lines]), answers, components,
        np.array([one.hard for one in answers]), np.array([one.fold for one in answers]), pairs, rows,
        ((of_a == of_b) & (of_a >= 0)).astype(np.int8), (of_a >= 0) & (of_b >= 0),
    )


def fit(table: Table, allowed: NDArray[np.bool_], seeds: Sequence[int] = (0,)) -> Fitted:
    """Fit both stages on the allowed pairs whose answer is known."""
    usable = np.flatnonzero(allowed & table.known)
    near = table.rows[usable, list(FEATURES).index("rank_best")] <= NEAR_RANK
    chosen = near | (table.same[usable] == 1) | (np.arange(len(usable)) % _THIN == 0)
    weight = np.where(near | (table.same[usable] == 1), 1.0, _THIN)[chosen]
    rows = usable[chosen]
    sieve = lightgbm.train(SIEVE, lightgbm.Dataset(table.rows[rows], table.same[rows], weight=weight), SIEVE_ROUNDS)
    first = sieve.predict(table.rows)
    kept, full = second_rows(table, np.asarray(first))
    trains = (allowed & table.known)[kept]
    judges = [
        lightgbm.train({**JUDGE, "seed": seed}, lightgbm.Dataset(full[trains], table.same[kept][trains]), JUDGE_ROUNDS)
        for seed in seeds
    ]
    return Fitted(sieve, judges)


def second_rows(table: Table, first: NDArray[np.float64]) -> tuple[NDArray[np.int64], F32]:
    """Pairs the sieve lets through, and what the second stage reads of them."""
    kept = np.flatnonzero(first >= SIEVE_MIN)
    around = bulk_context(len(table.ids), table.pairs.a[kept], table.pairs.b[kept], first[kept])
    return kept, np.hstack((table.rows[kept], around))


def predict(table: Table, fitted: Fitted) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First-stage and raw second-stage probabilities of all pairs; 0 in the second where the sieve dropped one."""
    first = np.asarray(fitted.sieve.predict(table.rows))
    kept, full = second_rows(table, first)
    odds = np.mean([np.asarray(judge.predict(full, raw_score=True)) for judge in fitted.judges], axis=0)
    second = np.zeros(len(first))
    second[kept] = 1.0 / (1.0 + np.exp(-odds))
    return first, second


def clusters_of(table: Table, probabilities: NDArray[np.floating], threshold: float) -> NDArray[np.int64]:
    """Clusters of all records under some probabilities."""
    strong = probabilities >= EDGE_MIN
    return cluster(
        len(table.ids), table.pairs.a[strong], table.pairs.b[strong], probabilities[strong].astype(np.float32), threshold
    ).astype(np.int64)


def findings(records: Path) -> Any:
    """Findings of a corpus, in order."""
    return (finding_of(row) for row in read_lines(records))
