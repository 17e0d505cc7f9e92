"""Average linkage over a sparse graph of probabilities, with what people said as hard bounds.

Two groups join while the mean probability over all pairs between them reaches the threshold,
the most probable first. A pair without an edge was never a candidate and counts as 0. So one
wrong edge cannot chain two flaws together: it is diluted by all the pairs that disagree.

The result is a function of the set of edges: ties are broken by the records' sort keys (their
places, which callers assign in an order of content), never by order of arrival.
"""

import heapq
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from clearinghouse.disclosure.deconfliction.packing import F32, I32

EDGE_MIN = 0.01
"""Edges below count as 0, like pairs that were never candidates."""


class _Forest:
    """Union-find whose representative is always the smallest member."""

    def __init__(self, size: int) -> None:
        self.parent = list(range(size))

    def find(self, one: int) -> int:
        parent = self.parent
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    def join(self, one: int, other: int) -> None:
        a, b = self.find(one), self.find(other)
        self.parent[max(a, b)] = min(a, b)


def cluster(
    records: int,
    a: I32,
    b: I32,
    probabilities: F32,
    threshold: float,
    must: Iterable[tuple[int, int]] = (),
    cannot: Iterable[tuple[int, int]] = (),
    labels: I32 | None = None,
) -> NDArray[np.int32]:
    """A label for each record: the smallest place of its cluster.

    Args:
        a, b: places of the ends of each edge; an edge occurs once.
        threshold: mean probability at which groups still join; above `EDGE_MIN`.
        must: pairs a person joined. One that would break `cannot` is left out: a "no" outlasts a "yes".
        cannot: pairs that never share a cluster.
        labels: records with two different labels never share a cluster, unless a person joined them; -1 is none.
    """
    forest = _Forest(records)
    blocked: dict[int, set[int]] = {}
    for one, other in cannot:
        if one != other:
            blocked.setdefault(one, set()).add(other)
            blocked.setdefault(other, set()).add(one)
    state = _Groups(forest, blocked, {} if labels is None else {int(one): int(labels[one]) for one in np.flatnonzero(labels >= 0)})
    for one, other in sorted({(min(pair), max(pair)) for pair in must}):
        left, right = forest.find(one), forest.find(other)
        if left != right and not state.blocks(left, right):
            state.join(left, right)
    strong = probabilities >= EDGE_MIN
    edges_a, edges_b, weights = a[strong], b[strong], probabilities[strong].astype(np.float64)
    for group in _islands(forest, edges_a, edges_b, weights, threshold, records):
        state.settle(group, threshold)
    return np.fromiter((forest.find(one) for one in range(records)), np.int32, records)


def _islands(
    forest: _Forest, a: I32, b: I32, weights: NDArray[np.float64], threshold: float, records: int
) -> Iterable[list[tuple[int, int, float]]]:
    """Edges by island of edges that reach the threshold: a join between islands can never happen."""
    islands = _Forest(records)
    for one in range(records):
        root = forest.find(one)
        if root != one:
            islands.join(root, one)
    reach = weights >= threshold
    for one, other in zip(a[reach].tolist(), b[reach].tolist(), strict=True):
        islands.join(one, other)
    # A group joined by hand has pairs of its own that dilute; its mean still cannot exceed its best edge.
    roots = np.fromiter((islands.find(one) for one in range(records)), np.int64, records)
    inside = np.flatnonzero(roots[a] == roots[b])
    order = inside[np.lexsort((b[inside], a[inside], roots[a[inside]]))]
    if not len(order):
        return
    cuts = np.flatnonzero(np.diff(roots[a[order]])) + 1
    ends_a, ends_b, values = a[order].tolist(), b[order].tolist(), weights[order].tolist()
    edges = list(zip(ends_a, ends_b, values, strict=True))
    begin = 0
    for end in [*cuts.tolist(), len(edges)]:
        yield edges[begin:end]
        begin = end


class _Groups:
    """The groups of the settling, joined best pair first."""

    def __init__(self, forest: _Forest, blocked: dict[int, set[int]], labels: dict[int, int]) -> None:
        self.forest = forest
        self.labels = labels
        self.size: dict[int, int] = {}
        self.members: dict[int, list[int]] = {}
        self.blocked = blocked

    def forbids(self, left: int, right: int) -> bool:
        ours, theirs = self.labels.get(left, -1), self.labels.get(right, -1)
        return (ours >= 0 and theirs >= 0 and ours != theirs) or self.blocks(left, right)

    def blocks(self, left: int, right: int) -> bool:
        if not self.blocked:
            return False
        ours = self.members.get(left, [left])
        theirs = set(self.members.get(right, [right]))
        return any(not theirs.isdisjoint(self.blocked.get(one, ())) for one in ours)

    def join(self, left: int, right: int) -> int:
        kept, gone = min(left, right), max(left, right)
        self.size[kept] = self.size.get(kept, 1) + self.size.pop(gone, 1)
        self.members[kept] = self.members.get(kept, [kept]) + self.members.pop(gone, [gone])
        if gone in self.labels:
            self.labels.setdefault(kept, self.labels[gone])
        self.forest.join(kept, gone)
        return kept

    def settle(self, edges: list[tuple[int, int, float]], threshold: float) -> None:
        sums: dict[int, dict[int, float]] = {}
        for one, other, weight in edges:
            left, right = self.forest.find(one), self.forest.find(other)
            if left != right:
                mine, theirs = sums.setdefault(left, {}), sums.setdefault(right, {})
                mine[right] = theirs[left] = mine.get(right, 0.0) + weight
        heap = [
            (-total / (self.size.get(left, 1) * self.size.get(right, 1)), left, right)
            for left, around in sums.items()
            for right, total in around.items()
            if left < right
        ]
        heap = [entry for entry in heap if -entry[0] >= threshold]
        heapq.heapify(heap)
        while heap:
            mean, left, right = heapq.heappop(heap)
            around = sums.get(left)
            if around is None or right not in around:
                continue
            if -mean != around[right] / (self.size.get(left, 1) * self.size.get(right, 1)):
                continue  # an entry from before one of the two grew
            if self.forbids(left, right):
                del around[right], sums[right][left]
                continue
            kept, gone = self.join(left, right), right  # the smaller stands first in every entry, and is kept
            mine = sums[kept]
            del mine[gone]
            for other, total in sums.pop(gone).items():
                if other == kept:
                    continue
                del sums[other][gone]
                mine[other] = sums[other][kept] = mine.get(other, 0.0) + total
            for other, total in mine.items():
                value = total / (self.size.get(kept, 1) * self.size.get(other, 1))
                if value >= threshold:
                    heapq.heappush(heap, (-value, min(kept, other), max(kept, other)))
