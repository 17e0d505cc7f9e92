"""Finds the terms that pairs share, and how each record stands among its candidates."""

import numpy as np
import scipy.sparse as sp

from clearinghouse.disclosure.deconfliction.features import LADDER, Matched
from clearinghouse.disclosure.deconfliction.packing import F32, I32, Pack


class Matcher:
    """Matches terms of pairs of one pack."""

    def __init__(self, pack: Pack, weights: F32) -> None:
        """`weights` belong to the vocabulary of the pack."""
        shape = (len(pack), len(pack.vocabulary))
        if len(pack.terms) >= 2**31 - 1:
            raise ValueError(f"{len(pack.terms)} terms in one settling, at most {2**31 - 2} can be numbered: settle in parts")
        starts = pack.starts.astype(np.int32)
        # Two tables of the same shape: entries numbered from one, and all ones. Multiplying a row of the
        # first with a row of the second leaves, for each shared term, its place among the entries.
        self._places = sp.csr_array((np.arange(1, len(pack.terms) + 1, dtype=np.int32), pack.terms, starts), shape=shape)
        self._ones = sp.csr_array((np.ones(len(pack.terms), np.int8), pack.terms, starts), shape=shape)
        self._pack, self._weights = pack, weights

    def match(self, a: I32, b: I32) -> Matched:
        """Shared terms of the pairs `(a[k], b[k])`."""
        in_a = sp.csr_array(self._places[a].multiply(self._ones[b]))
        in_b = sp.csr_array(self._ones[a].multiply(self._places[b]))
        entries_a, entries_b = in_a.data - 1, in_b.data - 1
        pairs = np.repeat(np.arange(len(a), dtype=np.int32), np.diff(in_a.indptr))
        terms = self._pack.terms[entries_a]
        return Matched(pairs, self._weights[terms], self._pack.kinds[terms], self._pack.marks[entries_a],
                       self._pack.marks[entries_b])


def ladders(records: int, a: I32, b: I32, scores: F32) -> F32:
    """Retrieval scores of each record's candidates at the ranks of `LADDER`."""
    left = np.concatenate((a, b))
    both = np.concatenate((scores, scores))
    order = np.lexsort((-both, left))
    left, both = left[order], both[order]
    begins = np.searchsorted(left, np.arange(records + 1))
    found = np.zeros((records, len(LADDER)), np.float32)
    for column, rank in enumerate(LADDER):
        places = begins[:-1] + rank - 1
        there = places < begins[1:]
        found[there, column] = both[places[there]]
    return found
