"""Watches a settling, picks out the pairs that people decided, and fits what they say."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from clearinghouse.core.policy import DeconflictionThresholds, LearningPolicy
from clearinghouse.disclosure.deconfliction.correction import Correction, DecidedPairs, fit_correction
from clearinghouse.disclosure.deconfliction.learning.records import Effect
from clearinghouse.disclosure.deconfliction.packing import F32
from clearinghouse.disclosure.deconfliction.scoring import Scorer

Numbers = NDArray[np.uint32]
NO_EFFECT = Effect(0, 0, 0, 0, 0)


class Learner:
    """Given to `settling.settle` as its observer; holds afterwards the correction that the decided pairs support."""

    def __init__(
        self, model: Scorer, decided: Mapping[tuple[int, int], tuple[bool, int]], policy: LearningPolicy, thresholds: DeconflictionThresholds
    ) -> None:
        """`model` is the one without a correction; `decided` is what `rules.decided_pairs` gives."""
        self._model, self._decided, self._policy, self._thresholds = model, decided, policy, thresholds
        self.correction: Correction | None = None
        self.learned: tuple[tuple[int, int, bool], ...] = ()
        self.effect = NO_EFFECT

    def __call__(self, a: Numbers, b: Numbers, raw: NDArray[np.float64], rows: F32) -> None:
        """Look at the judged pairs of a settling."""
        low, high = np.minimum(a, b).astype(np.int64), np.maximum(a, b).astype(np.int64)
        keys = low << 32 | high
        wanted = np.array(sorted(one << 32 | other for one, other in self._decided), np.int64)
        chosen = np.flatnonzero(np.isin(keys, wanted))
        # In the order of their numbers, so that no rounding depends on how the settling went through its pairs.
        chosen = chosen[np.argsort(keys[chosen])]
        pairs = list(zip(low[chosen].tolist(), high[chosen].tolist(), strict=True))
        same = np.array([self._decided[pair][0] for pair in pairs], bool)
        groups = _groups(self._decided, pairs)
        self.learned = tuple((one, other, alike) for (one, other), alike in zip(pairs, same.tolist(), strict=True))
        self.correction = fit_correction(self._model.digest, DecidedPairs(rows[chosen], raw[chosen], same, groups), self._policy)
        if self.correction.in_force:
            before = self._model.calibrate(raw, rows)
            self.effect = _effect(before, self._model.corrected(self.correction).calibrate(raw, rows), self._thresholds)


def _effect(before: F32, after: F32, thresholds: DeconflictionThresholds) -> Effect:
    counts = []
    for least in (thresholds.join_probability_min, thresholds.ask_probability_min):
        counts += [int(((after >= least) & (before < least)).sum()), int(((after < least) & (before >= least)).sum())]
    return Effect(len(before), *counts)


def _groups(decided: Mapping[tuple[int, int], tuple[bool, int]], pairs: list[tuple[int, int]]) -> NDArray[np.int64]:
    """For each pair a number that pairs share which must not be parted between fitting and judging.

    Pairs called the same are one flaw's, whoever said so; pairs held apart are one decision's, which is one opinion of its reports.
    """
    parent: dict[int, int] = {}

    def find(one: int) -> int:
        while parent.get(one, one) != one:
            one = parent[one]
        return one

    for one, other in sorted(pair for pair, (alike, _) in decided.items() if alike):
        left, right = find(one), find(other)
        parent[max(left, right)] = min(left, right)
    # Decisions are numbered below zero, so that none is taken for a report.
    return np.array([find(pair[0]) if decided[pair][0] else -1 - decided[pair][1] for pair in pairs], np.int64)
