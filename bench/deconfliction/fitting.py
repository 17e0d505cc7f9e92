"""A table of candidate pairs with their answers, and the fitting of the three stages on part of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
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
from clearinghouse.disclosure.deconfliction.packing import F32, U64, masses, pack
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
    "deterministic": True, "seed": 0,
}
JUDGE_ROUNDS = 250
APPEAL = {**JUDGE, "learning_rate": 0.05}
APPEAL_ROUNDS = 200
NEAR_RANK = 2
"""Pairs up to this rank all train the sieve; of the rest every eighth, with eight times the weight."""
_DATABASES = list(FEATURES).index("same_catalogue")
_PAIRS = 60_000
_THIN = 8


@dataclass(frozen=True, eq=False)
class Table:
    """Candidate pairs of a corpus, their features, and the answers."""

    ids: list[str]
    sources: NDArray[np.str_]
    truth: list[Truth]
    components: NDArray[np.int64]
    """-1 for records left out of scoring."""
    hard: NDArray[np.bool_]
    folds: NDArray[np.int64]
    catalogues: U64
    """As in `Signature`; 0 where it is not said, or was erased."""
    entries: U64
    pairs: Candidates
    rows: F32
    same: NDArray[np.int8]
    known: NDArray[np.bool_]
    """Whether the answer is known: both records are scored."""

    @cached_property
    def blank(self) -> "Table":
        """The table with no record's database known: a finder's report is an entry of none."""
        return self.erased(np.ones(len(self.ids), bool))

    def erased(self, which: NDArray[np.bool_]) -> "Table":
        """The table with the databases of some records unknown. Candidates and all other features stay."""
        rows = self.rows.copy()
        rows[which[self.pairs.a] | which[self.pairs.b], _DATABASES] = -1.0
        return replace(self, catalogues=np.where(which, np.uint64(0), self.catalogues), rows=rows)


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """The three stages."""

    sieve: lightgbm.Booster
    judge: lightgbm.Booster
    appeal: lightgbm.Booster
    first: NDArray[np.float64]
    """The sieve's probabilities of all pairs: it never sees databases, so they are the same for every view of a table."""


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
        np.array([one.hard for one in answers]), np.array([one.fold for one in answers]), packed.catalogues, packed.entries,
        pairs, rows,
        ((of_a == of_b) & (of_a >= 0)).astype(np.int8), (of_a >= 0) & (of_b >= 0),
    )


def fit(table: Table, allowed: NDArray[np.bool_]) -> Fitted:
    """Fit the three stages on the allowed pairs whose answer is known.

    The later stages see each pair twice, with the databases of its records known and with none known.
    """
    usable = np.flatnonzero(allowed & table.known)
    near = table.rows[usable, list(FEATURES).index("rank_best")] <= NEAR_RANK
    chosen = near | (table.same[usable] == 1) | (np.arange(len(usable)) % _THIN == 0)
    weight = np.where(near | (table.same[usable] == 1), 1.0, _THIN)[chosen]
    rows = usable[chosen]
    learns = table.rows[rows]
    learns[:, _DATABASES] = -1.0  # a column without two values is never split on
    sieve = lightgbm.train(SIEVE, lightgbm.Dataset(learns, table.same[rows], weight=weight), SIEVE_ROUNDS)
    first = np.asarray(sieve.predict(table.rows))
    views = (table, table.blank)
    judged = [_with_context(view, first)[1] for view in views]
    kept = np.flatnonzero(first >= SIEVE_MIN)
    trains = (allowed & table.known)[kept]
    answers = np.tile(table.same[kept], len(views))
    twice = np.tile(trains, len(views))
    judge = _train(JUDGE, judged, answers, twice, JUDGE_ROUNDS)
    crossed = _crossed(table, kept, judged, answers, trains)
    appealed = [
        np.hstack((rows, _around(view, kept, np.where(trains, second, np.asarray(judge.predict(rows))))))
        for view, rows, second in zip(views, judged, crossed, strict=True)
    ]
    return Fitted(sieve, judge, _train(APPEAL, appealed, answers, twice, APPEAL_ROUNDS), first)


def _train(parameters: dict[str, Any], tables: Sequence[F32], answers: NDArray[np.int8], which: NDArray[np.bool_], rounds: int) -> lightgbm.Booster:
    return lightgbm.train(parameters, lightgbm.Dataset(np.concatenate(tables)[which], answers[which]), rounds)


def _crossed(
    table: Table, kept: NDArray[np.int64], judged: Sequence[F32], answers: NDArray[np.int8], trains: NDArray[np.bool_]
) -> list[NDArray[np.float64]]:
    """For each view, second-stage probabilities by judges that did not train on the pair: what the third stage meets in the field.

    Two halves by component; a pair between them was seen by neither judge and gets the mean.
    """
    half_a, half_b = table.components[table.pairs.a[kept]] % 2, table.components[table.pairs.b[kept]] % 2
    totals, judges = [np.zeros(len(kept)) for _ in judged], np.zeros(len(kept))
    for half in (0, 1):
        touches = (half_a == half) | (half_b == half)
        found = _train(JUDGE, judged, answers, np.tile(trains & ~touches, len(judged)), JUDGE_ROUNDS)
        for total, rows in zip(totals, judged, strict=True):
            total[touches] += np.asarray(found.predict(rows[touches]))
        judges[touches] += 1
    return [total / np.maximum(judges, 1) for total in totals]


def _around(table: Table, kept: NDArray[np.int64], probabilities: NDArray[np.float64]) -> F32:
    return bulk_context(table.pairs.a[kept], table.pairs.b[kept], probabilities, table.catalogues, table.entries)


def _with_context(table: Table, first: NDArray[np.float64]) -> tuple[NDArray[np.int64], F32]:
    """Pairs the sieve lets through, and what the judge reads of them."""
    kept = np.flatnonzero(first >= SIEVE_MIN)
    return kept, np.hstack((table.rows[kept], _around(table, kept, first[kept])))


def predict(table: Table, fitted: Fitted) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First-stage and raw last-stage probabilities of all pairs; 0 in the last where the sieve dropped one."""
    return predict_with_rows(table, fitted)[:2]


def predict_with_rows(
    table: Table, fitted: Fitted
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], F32]:
    """As `predict`, with the pairs the sieve let through and what the last stage reads of them."""
    first = fitted.first
    kept, judged = _with_context(table, first)
    again = _around(table, kept, np.asarray(fitted.judge.predict(judged)))
    last, rows = np.zeros(len(first)), np.hstack((judged, again))
    last[kept] = np.asarray(fitted.appeal.predict(rows))
    return first, last, kept, rows


def clusters_of(table: Table, probabilities: NDArray[np.floating], threshold: float) -> NDArray[np.int64]:
    """Clusters of all records under some probabilities."""
    strong = probabilities >= EDGE_MIN
    return cluster(
        len(table.ids), table.pairs.a[strong], table.pairs.b[strong], probabilities[strong].astype(np.float32), threshold
    ).astype(np.int64)


def findings(records: Path) -> Any:
    """Findings of a corpus, in order."""
    return (finding_of(row) for row in read_lines(records))
