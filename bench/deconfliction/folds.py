"""Five folds by component, matched against all records: folds only decide what trains (decision 14).

The model for a fold trains on pairs that do not touch the fold, so every pair has a model that never saw
it. A pair between two folds was seen by neither of their models and gets the mean of both.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.deconfliction.fitting import Table, fit, predict


def out_of_fold(table: Table, views: Sequence[Table]) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """For each view of the table, first- and last-stage probabilities of all pairs, each by models that did not train on it."""
    models = np.zeros(len(table.same))
    totals = [(np.zeros(len(table.same)), np.zeros(len(table.same))) for _ in views]
    of_a, of_b = table.folds[table.pairs.a], table.folds[table.pairs.b]
    # Umbrella records belong to no fold and train nothing: with nobody else's fold in the pair, any model is fair.
    homeless = (of_a < 0) & (of_b < 0)
    for fold in sorted(set(table.folds[table.folds >= 0].tolist())):
        touches = (of_a == fold) | (of_b == fold)
        fitted, mine = fit(table, ~touches), touches | homeless
        models[mine] += 1
        for view, sums in zip(views, totals, strict=True):
            for total, found in zip(sums, predict(view, fitted), strict=True):
                total[mine] += found[mine]
    return [(first / np.maximum(models, 1), second / np.maximum(models, 1)) for first, second in totals]


def partner_shown(
    table: Table, first: NDArray[np.float64], second: NDArray[np.float64], shown: int, *, hard: bool
) -> float:
    """Part of the records with a true partner for which one is among the candidates shown.

    HARD asks of hard records with a hard partner that a hard partner be shown.
    """
    ranking = np.where(second > 0, 1.0 + second, first)
    a, b = table.pairs.a, table.pairs.b
    left, right = np.concatenate((a, b)), np.concatenate((b, a))
    both = np.concatenate((ranking, ranking))
    order = np.lexsort((right, -both, left))
    left, right = left[order], right[order]
    near = np.arange(len(left)) - np.searchsorted(left, left) < shown
    left, right = left[near], right[near]
    scored = (table.components >= 0) & (table.hard if hard else True)
    sizes = np.bincount(table.components[scored], minlength=table.components.max() + 1)
    asked = scored & (sizes[table.components] > 1)
    hit = (table.components[left] == table.components[right]) & scored[left] & scored[right]
    found = np.zeros(len(table.ids), bool)
    found[left[hit]] = True
    return float(found[asked].mean())


def pairs_shown(table: Table, first: NDArray[np.float64], second: NDArray[np.float64], shown: int, *, hard: bool) -> float:
    """Part of the true pairs of which at least one record shows the other: stricter in big components."""
    ranking = np.where(second > 0, 1.0 + second, first)
    a, b = table.pairs.a, table.pairs.b
    left, right = np.concatenate((a, b)), np.concatenate((b, a))
    both, pair = np.concatenate((ranking, ranking)), np.tile(np.arange(len(a)), 2)
    order = np.lexsort((right, -both, left))
    left, pair = left[order], pair[order]
    seen = np.zeros(len(a), bool)
    seen[pair[np.arange(len(left)) - np.searchsorted(left, left) < shown]] = True
    hits = (table.same == 1) & (table.hard[a] & table.hard[b] if hard else True)
    scored = (table.components >= 0) & (table.hard if hard else True)
    sizes = np.bincount(table.components[scored])
    return float((hits & seen).sum() / (sizes * (sizes - 1) // 2).sum())
