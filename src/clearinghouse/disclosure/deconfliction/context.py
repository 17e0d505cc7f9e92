"""Features of the later stages: how probable a pair is next to everything else its two records could be.

Advisories are written from templates, so an absolute resemblance says little; that no other
record comes close says much. These columns stand behind the pair features of `features`.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from clearinghouse.disclosure.deconfliction.features import FEATURES, Feature
from clearinghouse.disclosure.deconfliction.packing import F32, I32, U64

CONTEXT: dict[str, Feature] = {
    name: Feature(name, family, meaning)
    for name, family, meaning in (
        ("first", "first", "log-odds of the first stage"),
        ("first_rank_best", "alternatives", "more probable pairs of one record, of the record with fewer"),
        ("first_rank_worst", "alternatives", "more probable pairs of one record, of the record with more"),
        ("first_gap_worst", "alternatives", "log-odds above the record's most probable other pair, the smaller"),
        ("first_gap_best", "alternatives", "log-odds above the record's most probable other pair, the larger"),
        ("first_other_least", "alternatives", "probability of the most probable other pair, the smaller"),
        ("first_other_most", "alternatives", "probability of the most probable other pair, the larger"),
        ("first_total_least", "alternatives", "summed probability of the other pairs, the smaller"),
        ("first_total_most", "alternatives", "summed probability of the other pairs, the larger"),
        ("shared_neighbours", "alternatives", "sum over third records of the probabilities with both, multiplied"),
        ("unshared_neighbours", "alternatives", "summed probability of other pairs that no shared third record explains"),
        ("first_rival_least", "rival", "probability of a record's best pair with another entry of the other's database, the smaller"),
        ("first_rival_most", "rival", "probability of a record's best pair with another entry of the other's database, the larger"),
        ("first_rival_gap_worst", "rival", "log-odds above a record's best pair with another entry of the other's database, the smaller"),
        ("first_rival_gap_best", "rival", "log-odds above a record's best pair with another entry of the other's database, the larger"),
    )
}
AGAIN: dict[str, Feature] = {
    name.replace("first", "second"): Feature(name.replace("first", "second"), one.family, one.meaning + ", by the second stage")
    for name, one in ((name if "first" in name else f"second_{name}", one) for name, one in CONTEXT.items())
}
"""The same once more, from the probabilities of the second stage."""
ALL_FEATURES = {**FEATURES, **CONTEXT, **AGAIN}
"""What the last stage reads of a pair, in the order of its columns."""
_FLOOR = 1e-4
_CHUNK = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class Around:
    """For one side of each pair: the other pairs of that record."""

    rank: NDArray[np.float64]
    """How many of them are more probable."""
    other: NDArray[np.float64]
    """The most probable of them."""
    total: NDArray[np.float64]
    """Their sum."""
    rival: NDArray[np.float64]
    """The most probable with another entry of the database that the pair's other record stands in; 0 without one.

    A database enters a flaw once, so at most one of its entries is this record's flaw."""


def context(first: NDArray[np.float64], a: Around, b: Around, shared: NDArray[np.float64]) -> F32:
    """One row of `CONTEXT` for each pair.

    Args:
        first: probability of the first stage.
        shared: sum over third records of the product of their probabilities with both sides.
    """
    gap_a, gap_b = _odds(first) - _odds(a.other), _odds(first) - _odds(b.other)
    columns = (
        _odds(first), np.minimum(a.rank, b.rank), np.maximum(a.rank, b.rank), np.minimum(gap_a, gap_b), np.maximum(gap_a, gap_b),
        np.minimum(a.other, b.other), np.maximum(a.other, b.other), np.minimum(a.total, b.total), np.maximum(a.total, b.total),
        shared, np.minimum(a.total, b.total) - shared,
        np.minimum(a.rival, b.rival), np.maximum(a.rival, b.rival),
        _odds(first) - _odds(np.maximum(a.rival, b.rival)), _odds(first) - _odds(np.minimum(a.rival, b.rival)),
    )
    return np.stack(columns, axis=1).astype(np.float32)


def _odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.log((probability + _FLOOR) / (1.0 - probability + _FLOOR)))


def bulk_context(a: I32, b: I32, first: NDArray[np.float64], catalogues: U64, entries: U64) -> F32:
    """Context of all pairs the first stage let through.

    Args:
        catalogues, entries: of each record, as in `Signature`.
    """
    records = len(catalogues)
    count = len(a)
    if not count:
        return np.zeros((0, len(CONTEXT)), np.float32)
    left, right = np.concatenate((a, b)), np.concatenate((b, a))
    both = np.concatenate((first, first))
    order = np.lexsort((right, -both, left))
    ordered_left, ordered = left[order], both[order]
    begins = np.searchsorted(ordered_left, ordered_left)
    places = np.arange(2 * count)
    second = np.minimum(begins + 1, 2 * count - 1)
    runner_up = np.where((ordered_left[second] == ordered_left) & (second > begins), ordered[second], 0.0)
    rank, other = np.empty(2 * count), np.empty(2 * count)
    # How many of the record's pairs are more probable: the place of the first with the same value.
    fresh = np.ones(2 * count, bool)
    fresh[1:] = (ordered_left[1:] != ordered_left[:-1]) | (ordered[1:] != ordered[:-1])
    rank[order] = np.maximum.accumulate(np.where(fresh, places, 0)) - begins
    other[order] = np.where(places == begins, runner_up, ordered[begins])
    total = np.bincount(left, both, records)[left] - both
    graph = sp.csr_matrix((both, (left, right)), shape=(records, records))
    shared = np.empty(count)
    for begin in range(0, count, _CHUNK):
        part = slice(begin, begin + _CHUNK)
        shared[part] = np.asarray(graph[a[part]].multiply(graph[b[part]]).sum(axis=1)).ravel()
    rival = _rivals(left, right, both, catalogues, entries)
    return context(first, Around(rank[:count], other[:count], total[:count], rival[:count]),
                   Around(rank[count:], other[count:], total[count:], rival[count:]), shared)


def _rivals(left: I32, right: I32, values: NDArray[np.float64], catalogues: U64, entries: U64) -> NDArray[np.float64]:
    """For each directed pair the highest value of its left record with another entry of its right record's database."""
    found = np.zeros(len(left))
    known = np.flatnonzero(catalogues[right] != 0)
    if not len(known):
        return found
    _, number = np.unique(catalogues[right[known]], return_inverse=True)
    group = left[known].astype(np.int64) * (int(number.max()) + 1) + number
    # An entry without a name is an entry of its own; the upper bit keeps it apart from the named.
    entry = np.where(entries[right[known]] != 0, entries[right[known]], right[known].astype(np.uint64) | np.uint64(1 << 63))
    order = np.lexsort((right[known], -values[known], group))
    group, entry, ordered = group[order], entry[order], values[known][order]
    first = np.ones(len(group), bool)
    first[1:] = group[1:] != group[:-1]
    place, begins = np.cumsum(first) - 1, np.flatnonzero(first)
    differs = entry != entry[begins][place]
    second = np.zeros(len(begins))
    np.maximum.at(second, place[differs], ordered[differs])
    found[known[order]] = np.where(differs, ordered[begins][place], second[place])
    return found
