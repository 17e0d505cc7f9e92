"""Sources left out of training: how far the model carries to databases it has never met (decision 14).

For each source with enough HARD pairs, a model trains without every pair that touches it and scores the pairs that
do; all other pairs keep their out-of-fold probabilities, so nothing in the clustering is in-sample.
Counts are pooled over sources, with a bootstrap interval over components.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.deconfliction.fitting import Table, clusters_of, fit, predict
from bench.deconfliction.scoring import f1, touching

HARD_PAIRS_MIN = 75


@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """One source, judged by a model that knows nothing of it."""

    source: str
    hard_pairs: int
    first: NDArray[np.float64]
    second: NDArray[np.float64]
    """Raw probabilities of all pairs: of the source's by its own model, of others out of fold."""
    touches: NDArray[np.bool_]


def sources(table: Table) -> dict[str, int]:
    """Sources with enough HARD pairs, most first, and how many pairs touch each."""
    members: dict[int, list[int]] = {}
    for place in np.flatnonzero((table.components >= 0) & table.hard):
        members.setdefault(int(table.components[place]), []).append(int(place))
    counts: dict[str, int] = {}
    for group in members.values():
        for at, one in enumerate(group):
            for other in group[at + 1 :]:
                for source in {str(table.sources[one]), str(table.sources[other])}:
                    counts[source] = counts.get(source, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {source: count for source, count in ordered if count >= HARD_PAIRS_MIN}


def leave_out(
    table: Table, views: Sequence[Table], known: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]
) -> list[list[LeftOut]]:
    """For each view, each source's pairs scored without it; `known` are the out-of-fold probabilities of each view."""
    found: list[list[LeftOut]] = [[] for _ in views]
    for source, count in sources(table).items():
        touches = (table.sources[table.pairs.a] == source) | (table.sources[table.pairs.b] == source)
        fitted = fit(table, ~touches)
        for view, (first, second), judged in zip(views, known, found, strict=True):
            one, two = predict(view, fitted)
            judged.append(LeftOut(source, count, np.where(touches, one, first), np.where(touches, two, second), touches))
    return found


def pooled(table: Table, judged: list[LeftOut], threshold: float, rounds: int = 200) -> dict[str, float | dict[str, float]]:
    """Pooled HARD precision, recall and F1 at a raw threshold, with a 95 % interval and F1 by source."""
    scored = np.flatnonzero((table.components >= 0) & table.hard)
    components = table.components[scored]
    total = np.zeros(3)
    by_source: dict[str, float] = {}
    parts: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
    for one in judged:
        clusters = clusters_of(table, one.second, threshold)[scored]
        chosen = table.sources[scored] == one.source
        counts = touching(components, clusters, chosen)
        total += counts
        by_source[one.source] = round(f1(counts[0] / max(counts[1], 1), counts[0] / max(counts[2], 1)), 4)
        parts.append(_by_component(components, clusters, chosen))
    spread = _bootstrap(parts, int(components.max()) + 1, rounds)
    precision, recall = total[0] / max(total[1], 1), total[0] / max(total[2], 1)
    return {
        "precision": float(precision), "recall": float(recall), "f1": f1(precision, recall),
        "f1_low": float(np.quantile(spread, 0.025)), "f1_high": float(np.quantile(spread, 0.975)),
        "f1_mean_of_sources": float(np.mean(list(by_source.values()))), "by_source": by_source,
    }


def _by_component(
    components: NDArray[np.int64], clusters: NDArray[np.int64], chosen: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Hits, predicted and true pairs by component; a false pair counts half for each of its two components."""
    rows: dict[int, NDArray[np.float64]] = {}
    for labels, columns in ((clusters, (0, 1)), (components, (2,))):
        order = np.argsort(labels, kind="stable")
        cuts = np.flatnonzero(np.diff(labels[order])) + 1
        for group in np.split(order, cuts):
            if len(group) < 2:
                continue
            for at, one in enumerate(group):
                for other in group[at + 1 :]:
                    if not (chosen[one] or chosen[other]):
                        continue
                    for component in (components[one], components[other]):
                        row = rows.setdefault(int(component), np.zeros(3))
                        if 2 in columns:
                            row[2] += 0.5
                        else:
                            row[1] += 0.5
                            row[0] += 0.5 * (components[one] == components[other])
    keys = np.array(sorted(rows), np.int64)
    return keys, np.array([rows[int(key)] for key in keys]).reshape(-1, 3)


def _bootstrap(
    parts: list[tuple[NDArray[np.int64], NDArray[np.float64]]], components: int, rounds: int
) -> NDArray[np.float64]:
    generator = np.random.default_rng(1)
    counts = np.zeros((components, 3))
    for keys, rows in parts:
        counts[keys] += rows
    live = counts[counts.any(axis=1)]
    found = []
    for _ in range(rounds):
        hits, given, true = live[generator.integers(0, len(live), len(live))].sum(axis=0)
        found.append(f1(hits / max(given, 1), hits / max(true, 1)))
    return np.array(found)
