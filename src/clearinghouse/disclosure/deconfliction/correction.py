"""What people's decisions say about the model: a small, bounded correction of its probabilities.

The model was trained on public databases; an instance meets other writing. A correction re-weighs the model's own
log-odds and a handful of features by logistic regression on pairs that people decided. It starts from "the model is
right", is held there the more strongly the fewer pairs there are, never moves a probability by more than `shift_max`
log-odds, and is left out altogether unless it predicts decided pairs it was not fitted on better than the model alone.

Pure: who stores decisions, versions corrections and puts them in force stands on top.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clearinghouse.core.policy import LearningPolicy
from clearinghouse.disclosure.deconfliction.context import ALL_FEATURES
from clearinghouse.disclosure.deconfliction.packing import F32

F64 = NDArray[np.float64]

FEATURES_USED = (
    "cosine", "title_in_record_most", "name_in_name_most", "name_word_in_record_least", "code_most", "code_rest_least",
    "version_most", "fixed_in_fixed_most", "commit_mass", "tracker_mass", "phrase_most", "weakness_most", "rare_shared",
    "words_least", "second_rank_worst", "second_gap_worst", "same_catalogue",
)
"""What the correction may re-weigh beside the log-odds: a few, because decisions are few."""
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
    shift_max: float
    """Log-odds it adds or takes at most: a decided habit turns a doubt, and never outweighs plain evidence."""
    pairs: int
    loss_before: float
    """Mean log loss of the model on the decided pairs."""
    loss_after: float
    """The same with the correction, each pair judged by one that was not fitted on its group."""
    wrong_before: int
    """Decided pairs of which the model says the other thing, at even odds."""
    wrong_after: int
    """The same with the correction, judged as the loss is."""

    @property
    def in_force(self) -> bool:
        """Whether it changes anything."""
        return len(self.weights) > 0

    def apply(self, raw: F64, rows: F32) -> F64:
        """Raw probabilities with the correction, at most `shift_max` log-odds away; in the model's own scale, before calibration."""
        if not self.in_force or not len(raw):
            return raw
        return _probability(_odds(raw) + self.shifts(raw, rows))

    def shifts(self, raw: F64, rows: F32) -> F64:
        """The log-odds it adds to each pair, or takes."""
        if not self.in_force or not len(raw):
            return np.zeros(len(raw))
        # Near 0 the sum itself, and never beyond the bound.
        return np.asarray(self.shift_max * np.tanh(_design(raw, rows, self.centres, self.scales) @ self.weights / self.shift_max))


def fit_correction(model: str, decided_pairs: DecidedPairs, policy: LearningPolicy) -> Correction:
    """The correction that decided pairs support, or one that changes nothing.

    The same pairs in any order give the same correction up to rounding.

    Args:
        model: digest of the model that made `raw`.
    """
    same = decided_pairs.same.astype(np.float64)
    before = _loss(decided_pairs.raw, same)
    nothing = Correction(model, np.zeros(0), np.zeros(0), np.zeros(0), policy.shift_max, len(same), before, before,
                         _wrong(decided_pairs.raw, same), _wrong(decided_pairs.raw, same))
    if len(same) < policy.decided_min or min(same.sum(), len(same) - same.sum()) < policy.each_min:
        return nothing
    parts = _parts(decided_pairs.groups)
    crossed = np.array(decided_pairs.raw, np.float64)
    for part in range(_PARTS):
        learns = parts != part
        if learns.all() or not learns.any():
            continue
        fitted = _fit(model, decided_pairs, learns, policy)
        crossed[~learns] = fitted.apply(decided_pairs.raw[~learns], decided_pairs.rows[~learns])
    after = _loss(crossed, same)
    if before - after < policy.gain_min:
        return nothing
    whole = _fit(model, decided_pairs, np.ones(len(same), bool), policy)
    return replace(whole, pairs=len(same), loss_before=before, loss_after=after, wrong_before=nothing.wrong_before,
                   wrong_after=_wrong(crossed, same))


def _fit(model: str, decided: DecidedPairs, learns: NDArray[np.bool_], policy: LearningPolicy) -> Correction:
    rows, raw, same = decided.rows[learns], decided.raw[learns], decided.same[learns].astype(np.float64)
    chosen = rows[:, _COLUMNS].astype(np.float64)
    centres, scales = chosen.mean(axis=0), np.maximum(chosen.std(axis=0), 1e-3)
    design, base = _design(raw, rows, centres, scales), _odds(raw)
    # The intercept and the slope are what recalibration is; the features are held more tightly.
    penalty = policy.penalty_pairs * np.array([0.1, 0.3, *[1.0] * len(_COLUMNS)])
    weights = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        probability = _probability(base + design @ weights)
        gradient = design.T @ (probability - same) + penalty * weights
        curvature = (design * (probability * (1 - probability))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step * min(1.0, 2.0 / max(float(np.abs(step).max()), _EDGE))
        if float(np.abs(step).max()) < 1e-7:
            break
    return Correction(model, weights, centres, scales, policy.shift_max, len(same), 0.0, 0.0, 0, 0)


def _design(raw: F64, rows: F32, centres: F64, scales: F64) -> F64:
    # Bounded columns: one strange record must not carry the fit away.
    features = ((rows[:, _COLUMNS].astype(np.float64) - centres) / scales).clip(-4.0, 4.0)
    return np.hstack((np.ones((len(raw), 1)), _odds(raw)[:, None] / 4.0, features))


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


def _wrong(probability: F64, same: F64) -> int:
    return int(((probability >= 0.5) != (same > 0.5)).sum())
