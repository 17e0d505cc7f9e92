"""What a settling leaves behind so that a person's decision needs no new comparison: the judged pairs.

Clusters are a function of this graph and the decisions that stand. A merge and its undoing
therefore end exactly where they began, and cost a clustering, not a settling.
"""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from clearinghouse.disclosure.deconfliction.clustering import EDGE_MIN, cluster
from clearinghouse.disclosure.deconfliction.execution.rules import contradictions
from clearinghouse.disclosure.deconfliction.execution.rules import labels as chained
from clearinghouse.disclosure.deconfliction.packing import F32, I32

_HEAD = struct.Struct("<IQ")


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Records in the order of their content, and the pairs among them that were found probable."""

    documents: NDArray[np.uint32]
    """Document number of each place."""
    a: I32
    b: I32
    """Places of the ends of each edge."""
    probabilities: F32
    named: I32
    """For each place a number that stands for its one CVE id, -1 where it has none: different numbers never share a cluster."""

    def clusters(
        self, threshold: float, must: Iterable[tuple[int, int]] = (), cannot: Iterable[tuple[int, int]] = (),
        joined: Iterable[tuple[int, int]] = (),
    ) -> NDArray[np.uint32]:
        """For each place, the smallest document number of its cluster: the founding report.

        Args:
            must, cannot: pairs that share a cluster, whatever their numbers, and that never do.
            joined: pairs that execution joins; not across two CVE numbers.
        """
        place_of = {number: place for place, number in enumerate(self.documents.tolist())}
        musts, cannots, joins = (
            {(min(place_of[x], place_of[y]), max(place_of[x], place_of[y])) for x, y in pairs if x in place_of and y in place_of}
            for pairs in (must, cannot, joined)
        )
        joins -= self._across_names(joins, musts)
        labels = cluster(len(self.documents), self.a, self.b, self.probabilities, threshold, musts | joins, cannots, self.named)
        founding = np.full(len(self.documents), np.iinfo(np.uint32).max, np.uint32)
        np.minimum.at(founding, labels, self.documents)
        return np.asarray(founding[labels])

    def _across_names(self, joins: set[tuple[int, int]], musts: set[tuple[int, int]]) -> set[tuple[int, int]]:
        """Of pairs of places, those on a chain that leads from one CVE number to another."""
        chains: dict[int, list[int]] = {}
        for place, label in chained({*joins, *musts}).items():
            if self.named[place] >= 0:
                chains.setdefault(label, []).append(place)
        different = [
            (min(one, other), max(one, other)) for places in chains.values() for one, other in combinations(sorted(places), 2)
            if self.named[one] != self.named[other]
        ]
        return {pair for _, between in contradictions(joins, different, musts) for pair in between}

    def to_bytes(self) -> bytes:
        """The stored form, compressed; edges too weak to count are left out."""
        strong = self.probabilities >= EDGE_MIN
        a, b, probabilities = self.a[strong], self.b[strong], self.probabilities[strong]
        parts = (self.documents.astype("<u4"), self.named.astype("<i4"), a.astype("<i4"), b.astype("<i4"), probabilities.astype("<f4"))
        return _HEAD.pack(len(self.documents), len(a)) + zlib.compress(b"".join(part.tobytes() for part in parts), 1)

    @staticmethod
    def from_bytes(stored: bytes) -> "Graph":
        """The graph of its stored form."""
        records, edges = _HEAD.unpack_from(stored)
        plain = zlib.decompress(stored[_HEAD.size :])
        cuts = np.cumsum([0, 4 * records, 4 * records, 4 * edges, 4 * edges, 4 * edges]).tolist()
        types = ("<u4", "<i4", "<i4", "<i4", "<f4")
        documents, named, a, b, probabilities = (
            np.frombuffer(plain, kind, offset=begin, count=(end - begin) // 4)
            for kind, begin, end in zip(types, cuts[:-1], cuts[1:], strict=True)
        )
        return Graph(documents, a, b, probabilities, named)
