"""Which records are worth comparing: candidates over rare shared terms, with bounded work per record.

A record asks with its rarest terms until the lists behind them hold `POSTINGS_MAX` numbers, and
never with a term of more than `COUNT_MAX` records, so that the cost of one question does not grow
with the number of records. Bulk and online retrieval choose and weigh terms by the same functions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from clearinghouse.disclosure.deconfliction.packing import F32, I32, Pack
from clearinghouse.disclosure.deconfliction.signature import KIND_SHIFT, Signature
from clearinghouse.disclosure.deconfliction.tokens import Kind

COUNT_MAX = 2_000
POSTINGS_MAX = 5_000
CANDIDATES_MAX = 40
ROWS = 1_000
"""Records that ask at once."""

_KIND_WEIGHT = np.zeros(16, np.float32)
for _kind, _weight in {
    Kind.WORD: 1.0, Kind.NUMBER: 1.0, Kind.VERSION: 0.7, Kind.CODE: 1.2, Kind.NAME: 1.2, Kind.COMMIT: 1.5,
    Kind.TRACKER: 1.5, Kind.LINK: 1.2, Kind.REPOSITORY: 0.6, Kind.FRAME: 1.0, Kind.PHRASE: 0.5,
}.items():
    _KIND_WEIGHT[_kind] = _weight


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Unordered pairs worth comparing, `a < b`, sorted by `a` then `b`."""

    a: I32
    b: I32
    scores: F32
    """Retrieval score, the larger of both directions."""


def index_terms(signature: Signature) -> NDArray[np.uint64]:
    """The terms of a record that belong into the inverted index."""
    return signature.terms


def term_weights(kinds: NDArray[np.uint8], counts: NDArray[np.integer], rarities: F32) -> F32:
    """Weight of terms in retrieval; 0 for terms that may not be asked with. Identifiers are left to `identifiers`."""
    weight = rarities**1.5 * _KIND_WEIGHT[kinds]
    return np.where(counts > COUNT_MAX, 0.0, weight).astype(np.float32)


def choose_terms(weights: F32, counts: NDArray[np.integer]) -> NDArray[np.intp]:
    """Which of a record's terms to ask with: the rarest, until their lists are long enough together.

    Args:
        weights: of `term_weights`.
        counts: records that have each term, with the one that asks.
    """
    usable = np.flatnonzero((counts > 1) & (weights > 0))
    order = usable[np.argsort(counts[usable], kind="stable")]  # the terms come ordered by hash: the tie-break of `retrieve`
    return order[np.cumsum(counts[order]) <= POSTINGS_MAX]


def kinds_of(terms: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Kind of each term, from its upper bits."""
    return (terms >> np.uint64(KIND_SHIFT)).astype(np.uint8)


def retrieve(pack: Pack, rarities: F32, progress: Callable[[int, int], None] | None = None) -> Candidates:
    """Candidate pairs of all records at once; `rarities` are the weights of the vocabulary."""
    records = len(pack)
    weights = term_weights(pack.kinds, pack.counts, rarities)
    counts = pack.counts[pack.terms]
    usable = np.flatnonzero((counts > 1) & (weights[pack.terms] > 0))
    rows, terms, counts = pack.rows()[usable], pack.terms[usable], counts[usable]
    shape = (records, len(pack.vocabulary))
    # What a shared term is worth is rounded once and summed exactly enough to be the same in every order of summing.
    have = sp.csr_matrix(((weights * weights)[terms].astype(np.float64), (rows, terms)), shape=shape)
    lists = have.T.tocsr()
    # Rarest first within a row; the vocabulary is ordered by hash, which breaks ties the same way everywhere.
    order = np.lexsort((terms, counts, rows))
    rows, terms, counts = rows[order], terms[order], counts[order]
    del usable, order
    running = np.cumsum(counts, dtype=np.int64)
    begins = np.searchsorted(rows, np.arange(records + 1, dtype=np.int32))
    before = np.concatenate((np.zeros(1, np.int64), running))[begins[:-1]]
    asked = running - np.repeat(before, np.diff(begins)) <= POSTINGS_MAX
    del running, counts
    asking = sp.csr_matrix((np.ones(int(asked.sum())), (rows[asked], terms[asked])), shape=shape)
    found: list[tuple[I32, I32, F32]] = [(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.float32))]
    for begin in range(0, records, ROWS):
        product = asking[begin : begin + ROWS] @ lists
        found.append(best_of(product, begin))
        if progress is not None:
            progress(min(records, begin + ROWS), records)
    left, right, scores = (np.concatenate(part) for part in zip(*found, strict=True))
    a, b = np.minimum(left, right), np.maximum(left, right)
    order = np.lexsort((-scores, b, a))
    a, b, scores = a[order], b[order], scores[order]
    first = np.ones(len(a), bool)
    first[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    return Candidates(a[first], b[first], scores[first])


def best_of(product: sp.csr_matrix, begin: int) -> tuple[I32, I32, F32]:
    """The best candidates of some consecutive rows of a product, the rows themselves left out; of equals those in front."""
    rows = np.repeat(np.arange(product.shape[0], dtype=np.int32), np.diff(product.indptr))
    strange = product.indices != rows + begin
    rows, columns, scores = rows[strange], product.indices[strange].astype(np.int32), product.data[strange].astype(np.float32)
    starts = np.searchsorted(rows, np.arange(product.shape[0] + 1))
    keep: list[NDArray[np.intp]] = []
    for low, high in pairwise(starts.tolist()):
        if high - low <= CANDIDATES_MAX:
            keep.append(np.arange(low, high))
            continue
        ours = scores[low:high]
        least = np.partition(ours, high - low - CANDIDATES_MAX)[high - low - CANDIDATES_MAX]
        above, equal = np.flatnonzero(ours > least), np.flatnonzero(ours == least)
        equal = equal[np.argsort(columns[low + equal])]
        keep.append(low + np.concatenate((above, equal[: CANDIDATES_MAX - len(above)])))
    places = np.concatenate([np.zeros(0, np.intp), *keep])
    return rows[places] + np.int32(begin), columns[places], scores[places]
