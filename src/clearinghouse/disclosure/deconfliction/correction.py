"""What people's decisions say about the model: a small, bounded correction of its probabilities.

The model was trained on public databases; an instance meets other writing. A correction re-weighs the model's own
log-odds and a handful of features by logistic regression on pairs that people decided. It starts from "the model is
right", is held there the more strongly the fewer pairs there are, never moves a probability by more than `SHIFT_MAX`
log-odds, and is left out altogether unless it predicts decided pairs it was not fitted on better than the model alone.

Pure: who stores decisions, versions corrections and puts them in force stands on top.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clearinghouse.disclosure.deconfliction.packing import F32
from clearinghouse.disclosure.deconfliction.scoring import ALL_FEATURES, Scorer

F64 = NDArray[np.float64]

FEATURES_USED = (
    "cosine", "title_in_record_most", "name_in_name_most", "name_word_in_record_least", "code_most", "code_rest_least",
    "version_most", "fixed_in_fixed_most", "commit_mass", "tracker_mass", "phrase_most", "weakness_most", "rare_shared",
    "words_least", "second_rank_worst", "second_gap_worst", "same_catalogue",
)
"""What the correction may re-weigh beside the log-odds: a few, because decisions are few."""
SHIFT_MAX = 3.0
"""Log-odds a correction adds or takes at most: a decided habit turns a doubt, and never outweighs plain evidence."""
DECIDED_MIN = 40
"""Decided pairs below which nothing is learned, and so is it with fewer than `EACH_MIN` of either answer."""
EACH_MIN = 8
GAIN_MIN = 0.002
"""Mean log loss a correction must save on decided pairs it was not fitted on."""
_PENALTY = 12.0
"""Strength of the pull towards no correction, in pairs."""
_PARTS = 5
_STEPS = 50
_EDGE = 1e-5
_COLUMNS = [list(ALL_FEATURES).index(name) for name in FEATURES_USED]


@dataclass(frozen=True, slots=True, eq=False)
class DecidedPairs:
    """Pairs that people decided, as the model read them. All of equal length."""

    rows: F32
    """Features and both contexts: what the last stage reads, columns as `ALL_FEATURES`."""
    raw: F64
    """The model's probability before calibration."""
    same: NDArray[np.bool_]
    groups: NDArray[np.int64]
    """Pairs of one group (one cluster, one report) are never split between fitting and judging."""


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """Adds a bounded amount to the model's log-odds. Without weights it changes nothing."""

    model: str
    """Digest of the model it corrects; it means nothing for another."""
    weights: F64
    """Intercept, change of the slope of the log-odds, and a weight for each of `FEATURES_USED`; empty: no correction."""
    centres: F64
    scales: F64
    pairs: int
    loss_before: float
    """Mean log loss of the model on the decided pairs."""
    loss_after: float
    """The same with the correction, each pair judged by one that was not fitted on its group."""

    @property
    def in_force(self) -> bool:
        """Whether it changes anything."""
        return len(self.weights) > 0

    def apply(self, raw: F64, rows: F32) -> F64:
        """Raw probabilities with the correction, at most `SHIFT_MAX` log-odds away; in the model's own scale, before calibration."""
        if not self.in_force or not len(raw):
            return raw
        return _probability(_odds(raw) + _shift(_design(raw, rows, self.centres, self.scales), self.weights))


def fit_correction(model: Scorer | str, decided_pairs: DecidedPairs) -> Correction:
    """The correction that decided pairs support, or one that changes nothing.

    The same pairs in any order give the same correction up to rounding.

    Args:
        model: the model that made `raw`, or its digest.
    """
    digest, same = model if isinstance(model, str) else model.digest, decided_pairs.same.astype(np.float64)
    before = _loss(decided_pairs.raw, same)
    nothing = Correction(digest, np.zeros(0), np.zeros(0), np.zeros(0), len(same), before, before)
    if len(same) < DECIDED_MIN or min(same.sum(), len(same) - same.sum()) < EACH_MIN:
        return nothing
    parts = _parts(decided_pairs.groups)
    crossed = np.array(decided_pairs.raw, np.float64)
    for part in range(_PARTS):
        learns = parts != part
        if learns.all() or not learns.any():
            continue
        fitted = _fit(digest, decided_pairs, learns)
        crossed[~learns] = fitted.apply(decided_pairs.raw[~learns], decided_pairs.rows[~learns])
    after = _loss(crossed, same)
    if before - after < GAIN_MIN:
        return nothing
    whole = _fit(digest, decided_pairs, np.ones(len(same), bool))
    return Correction(digest, whole.weights, whole.centres, whole.scales, len(same), before, after)


def _fit(digest: str, decided: DecidedPairs, learns: NDArray[np.bool_]) -> Correction:
    rows, raw, same = decided.rows[learns], decided.raw[learns], decided.same[learns].astype(np.float64)
    chosen = rows[:, _COLUMNS].astype(np.float64)
    centres, scales = chosen.mean(axis=0), np.maximum(chosen.std(axis=0), 1e-3)
    design, base = _design(raw, rows, centres, scales), _odds(raw)
    # The intercept and the slope are what recalibration is; the features are held more tightly.
    penalty = _PENALTY * np.array([0.1, 0.3, *[1.0] * len(_COLUMNS)])
    weights = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        probability = _probability(base + design @ weights)
        gradient = design.T @ (probability - same) + penalty * weights
        curvature = (design * (probability * (1 - probability))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step * min(1.0, 2.0 / max(float(np.abs(step).max()), _EDGE))
        if float(np.abs(step).max()) < 1e-7:
            break
    return Correction(digest, weights, centres, scales, len(same), 0.0, 0.0)


def _design(raw: F64, rows: F32, centres: F64, scales: F64) -> F64:
    # Bounded columns: one strange record must not carry the fit away.
    features = ((rows[:, _COLUMNS].astype(np.float64) - centres) / scales).clip(-4.0, 4.0)
    return np.hstack((np.ones((len(raw), 1)), _odds(raw)[:, None] / 4.0, features))


def _shift(design: F64, weights: F64) -> F64:
    """Near 0 the sum itself, and never beyond `SHIFT_MAX`."""
    return np.asarray(SHIFT_MAX * np.tanh(design @ weights / SHIFT_MAX))


def _parts(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """A part for each pair; groups stay whole and follow no order of arrival."""
    _, places = np.unique(groups, return_inverse=True)
    return np.asarray(places % _PARTS)


def _odds(probability: F64) -> F64:
    bounded = np.clip(probability, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(bounded / (1 - bounded)))


def _probability(odds: F64) -> F64:
    return np.asarray(1.0 / (1.0 + np.exp(-odds)))


def _loss(probability: F64, same: F64) -> float:
    if not len(same):
        return 0.0
    bounded = np.clip(probability, _EDGE, 1 - _EDGE)
    return float(-np.mean(same * np.log(bounded) + (1 - same) * np.log(1 - bounded)))
