"""What is kept beside a record's signature so that one newcomer can be compared with it alone.

Sums over its terms, how its best candidates scored, and its nearest records: everything a pair feature
needs that would otherwise take a question about the whole corpus. Written by each settling, and by
`place` for a newcomer until the next settling.
"""

import numpy as np
from numpy.typing import NDArray

from clearinghouse.disclosure.deconfliction.features import LADDER
from clearinghouse.disclosure.deconfliction.packing import F32, I32, MASSES, U64

NEAREST = 6
STANDING = np.dtype([
    ("masses", "<f4", (len(MASSES),)),
    ("ladder", "<f4", (len(LADDER),)),
    ("near", "<u4", (NEAREST,)),
    ("near_probability", "<f4", (NEAREST,)),
    ("near_second", "<f4", (NEAREST,)),
    ("near_catalogue", "<u8", (NEAREST,)),
    ("near_entry", "<u8", (NEAREST,)),
    ("total", "<f4"),
    ("total_second", "<f4"),
])
"""`near` are document numbers, best first by the first stage, with the probabilities of the first and second stage and
the database and entry they are, as in `Signature`; the totals sum those of all pairs the first stage let through."""


def standings(
    masses: F32, ladder: F32, documents: NDArray[np.uint32], a: I32, b: I32, first: F32, second: F32, catalogues: U64, entries: U64
) -> NDArray[np.void]:
    """The standing of each record; `a` and `b` are the pairs the first stage let through."""
    records = len(masses)
    found = np.zeros(records, STANDING)
    found["masses"], found["ladder"] = masses, ladder
    left, right = np.concatenate((a, b)), np.concatenate((b, a))
    both, again = np.concatenate((first, first)), np.concatenate((second, second))
    order = np.lexsort((right, -both, left))
    left, right, both, again = left[order], right[order], both[order], again[order]
    found["total"], found["total_second"] = np.bincount(left, both, records), np.bincount(left, again, records)
    rank = np.arange(len(left)) - np.searchsorted(left, left)
    near = rank < NEAREST
    found["near"][left[near], rank[near]] = documents[right[near]]
    found["near_probability"][left[near], rank[near]] = both[near]
    found["near_second"][left[near], rank[near]] = again[near]
    found["near_catalogue"][left[near], rank[near]] = catalogues[right[near]]
    found["near_entry"][left[near], rank[near]] = entries[right[near]]
    return found


def read_standings(stored: list[bytes]) -> NDArray[np.void]:
    """Standings of records from their stored form; zeros where one has none yet."""
    blank = bytes(STANDING.itemsize)
    return np.frombuffer(b"".join(one if len(one) == STANDING.itemsize else blank for one in stored), STANDING)
