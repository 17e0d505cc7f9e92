"""Which records are worth comparing: candidates over rare shared terms, with bounded work per record.

A record asks with its rarest terms until the lists behind them hold `POSTINGS_MAX` numbers, and
never with a term of more than `COUNT_MAX` records, so that the cost of one question does not grow
with the number of records. Bulk and online retrieval choose and weigh terms by the same functions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from clearinghouse.disclosure.deconfliction.packing import F32, I32, Pack
from clearinghouse.disclosure.deconfliction.signature import KIND_SHIFT, Signature
from clearinghouse.disclosure.deconfliction.tokens import Kind

COUNT_MAX = 2_000
POSTINGS_MAX = 5_000
CANDIDATES_MAX = 40
_ROWS = 1_000

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
    have = sp.csr_matrix((weights[terms], (rows, terms)), shape=shape)
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
    asking = sp.csr_matrix((weights[terms[asked]], (rows[asked], terms[asked])), shape=shape)
    found: list[tuple[I32, I32, F32]] = [(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.float32))]
    for begin in range(0, records, _ROWS):
        product = asking[begin : begin + _ROWS] @ lists
        found.append(_best(product, begin))
        if progress is not None:
            progress(min(records, begin + _ROWS), records)
    left, right, scores = (np.concatenate(part) for part in zip(*found, strict=True))
    a, b = np.minimum(left, right), np.maximum(left, right)
    order = np.lexsort((-scores, b, a))
    a, b, scores = a[order], b[order], scores[order]
    first = np.ones(len(a), bool)
    first[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    return Candidates(a[first], b[first], scores[first])


def _best(product: sp.csr_matrix, begin: int) -> tuple[I32, I32, F32]:
    """The best candidates of some consecutive rows of a product, the rows themselves left out."""
    starts, columns, scores = product.indptr, product.indices, product.data
    keep: list[NDArray[np.intp]] = []
    sizes = np.zeros(product.shape[0], np.int64)
    for row in range(product.shape[0]):
        low, high = starts[row], starts[row + 1]
        if high - low > CANDIDATES_MAX + 1:
            chosen = low + np.argpartition(-scores[low:high], CANDIDATES_MAX)[: CANDIDATES_MAX + 1]
        else:
            chosen = np.arange(low, high)
        sizes[row] = len(chosen)
        keep.append(chosen)
    places = np.concatenate([np.zeros(0, np.intp), *keep])
    rows = (np.repeat(np.arange(product.shape[0]), sizes) + begin).astype(np.int32)
    others = columns[places].astype(np.int32)
    strange = rows != others
    return rows[strange], others[strange], scores[places][strange]
