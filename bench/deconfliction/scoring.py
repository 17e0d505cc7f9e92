"""Scores clusters and probabilities against the truth: pairwise, B-cubed, precision at recall.

Records without a component (umbrellas, twins) are left out of both sides. HARD keeps the
records of which no two of a component share half of their words.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.deconfliction.corpus import Truth


@dataclass(frozen=True, slots=True)
class Score:
    """How well predicted clusters fit the truth."""

    records: int
    true_pairs: int
    predicted_pairs: int
    pair_precision: float
    pair_recall: float
    pair_f1: float
    bcubed_precision: float
    bcubed_recall: float
    bcubed_f1: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def f1(precision: float, recall: float) -> float:
    """The harmonic mean."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _pairs(sizes: Counter[Any]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes.values())


def score(truth: Mapping[str, str], predicted: Mapping[str, str]) -> Score:
    """Both map a record to its cluster; a record that `predicted` lacks is a cluster of its own."""
    given = {one: predicted.get(one, f"alone:{one}") for one in truth}
    both = Counter((truth[one], given[one]) for one in truth)
    true_sizes, given_sizes = Counter(truth.values()), Counter(given.values())
    hits, true_pairs, given_pairs = _pairs(both), _pairs(true_sizes), _pairs(given_sizes)
    precision = hits / given_pairs if given_pairs else 1.0
    recall = hits / true_pairs if true_pairs else 1.0
    records = max(len(truth), 1)
    bcubed_precision = sum(size * size / given_sizes[key[1]] for key, size in both.items()) / records
    bcubed_recall = sum(size * size / true_sizes[key[0]] for key, size in both.items()) / records
    return Score(len(truth), true_pairs, given_pairs, precision, recall, f1(precision, recall), bcubed_precision,
                 bcubed_recall, f1(bcubed_precision, bcubed_recall))


def score_both(truth: Sequence[Truth], predicted: Mapping[str, str]) -> dict[str, Score]:
    """`all` and `hard`."""
    return {
        name: score({one.id: one.component for one in truth if one.component and (name == "all" or one.hard)}, predicted)
        for name in ("all", "hard")
    }


def touching(components: NDArray[np.int64], clusters: NDArray[np.int64], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(hits, predicted pairs, true pairs) among records, counting pairs that touch a chosen record."""

    def pairs(labels: NDArray[np.int64]) -> float:
        _, places = np.unique(labels, return_inverse=True)
        size = np.bincount(places).astype(np.float64)
        rest = size - np.bincount(places, chosen)
        return float(((size * (size - 1) - rest * (rest - 1)) / 2).sum())

    return np.array([pairs(components * (clusters.max(initial=0) + 1) + clusters), pairs(clusters), pairs(components)])


def curve(
    probabilities: NDArray[np.floating], same: NDArray[np.integer], true_pairs: float, precisions: Sequence[float]
) -> list[dict[str, float]]:
    """Largest recall at which joining the most probable pairs still has each precision."""
    order = np.argsort(-probabilities, kind="stable")
    hits = np.cumsum(same[order])
    precision = hits / np.arange(1, len(order) + 1)
    # Pairs of equal probability are joined together or not at all.
    last = np.append(probabilities[order][1:] != probabilities[order][:-1], True)[: len(order)]
    points = []
    for wanted in precisions:
        reach = np.flatnonzero((precision >= wanted) & last)
        best = int(reach[-1]) if len(reach) else -1
        points.append({
            "precision_min": wanted, "recall": float(hits[best] / true_pairs) if best >= 0 else 0.0,
            "probability_min": float(probabilities[order][best]) if best >= 0 else 1.0,
            "joins": best + 1,
        })
    return points
