"""Evaluates boosted trees with nothing but numpy, from the text LightGBM writes.

All trees stand in one table of nodes and every row walks all of them at once. For the few dozen rows
of one question this is quicker than LightGBM and needs no OpenMP library; for the rows of a whole
settling it is the slower stand-in where LightGBM cannot be loaded. Numerical splits without missing
values only, which is what training makes.
"""

import numpy as np
from numpy.typing import NDArray

from clearinghouse.disclosure.deconfliction.packing import F32

_WALKERS = 200_000
"""Rows times trees walked at once: bounds memory."""


class Forest:
    """A binary classifier of boosted trees. A leaf is a node that leads to itself."""

    def __init__(self, text: str) -> None:
        """Read a model in LightGBM's text form.

        Raises:
            ValueError: the text holds no trees.
        """
        blocks = [_fields(block) for block in text.split("\nTree=")[1:]]
        if not blocks:
            raise ValueError("no trees in the model text: was the artefact cut off?")
        feature: list[NDArray[np.int32]] = []
        threshold: list[NDArray[np.float64]] = []
        children: list[NDArray[np.int32]] = []
        values: list[NDArray[np.float64]] = []
        roots = []
        place = 0
        for block in blocks:
            leaves = np.array(block["leaf_value"].split(), np.float64)
            splits = len(leaves) - 1
            roots.append(place)
            numbers = np.arange(place, place + splits + len(leaves), dtype=np.int32)
            both = np.array([_ints(block, "left_child", splits), _ints(block, "right_child", splits)])
            # LightGBM counts leaves from -1 downwards; here they stand behind their tree's splits.
            inner = np.where(both < 0, ~both + splits, both) + place
            children.append(np.hstack((inner, np.tile(numbers[splits:], (2, 1)))).astype(np.int32))
            feature.append(np.concatenate((_ints(block, "split_feature", splits), np.zeros(len(leaves), np.int32))))
            threshold.append(np.concatenate((_floats(block, "threshold", splits), np.zeros(len(leaves)))))
            values.append(np.concatenate((_floats(block, "internal_value", splits), leaves)))
            place += splits + len(leaves)
        self._roots = np.array(roots, np.int32)
        self._feature, self._threshold = np.concatenate(feature), np.concatenate(threshold)
        self._left, self._right = np.hstack(children)
        self._value = np.concatenate(values)

    def predict(self, rows: F32) -> NDArray[np.float64]:
        """Probability for each row."""
        total = np.zeros(len(rows))
        step = max(1, _WALKERS // len(self._roots))
        for begin in range(0, len(rows), step):
            node = self._walk(rows[begin : begin + step], None)
            total[begin : begin + step] = self._value[node].sum(axis=1)
        return np.asarray(1.0 / (1.0 + np.exp(-total)))

    def contributions(self, rows: F32) -> NDArray[np.float64]:
        """Log-odds each feature added, the expectation in the last column; rows sum to the log-odds.

        What a split changes in the expected value on a row's way down is given to its feature.
        """
        found = np.zeros((len(rows), rows.shape[1] + 1))
        self._walk(rows, found)
        found[:, -1] = self._value[self._roots].sum()
        return found

    def _walk(self, rows: F32, found: NDArray[np.float64] | None) -> NDArray[np.int32]:
        node = np.tile(self._roots, (len(rows), 1))
        every = np.arange(len(rows))[:, None]
        while True:
            feature = self._feature[node]
            ahead = np.where(rows[every, feature] <= self._threshold[node], self._left[node], self._right[node])
            moved = ahead != node
            if not moved.any():
                return node
            if found is not None:
                gained = np.where(moved, self._value[ahead] - self._value[node], 0.0)
                columns = found.shape[1]
                flat = (feature + every * columns).ravel()
                found += np.bincount(flat, gained.ravel(), found.size).reshape(found.shape)
            node = ahead


def _fields(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _ints(block: dict[str, str], name: str, size: int) -> NDArray[np.int32]:
    return np.array(block.get(name, "").split(), np.int32)[:size]


def _floats(block: dict[str, str], name: str, size: int) -> NDArray[np.float64]:
    return np.array(block.get(name, "").split(), np.float64)[:size]
