"""What is kept beside a record's signature so that one newcomer can be compared with it alone.

Sums over its terms, how its best candidates scored, and its nearest records: everything a pair feature
needs that would otherwise take a question about the whole corpus. Written by each settling, and by
`place` for a newcomer until the next settling.
"""

import numpy as np
from numpy.typing import NDArray

from clearinghouse.disclosure.deconfliction.features import LADDER
from clearinghouse.disclosure.deconfliction.packing import F32, I32, MASSES

NEAREST = 6
STANDING = np.dtype([
    ("masses", "<f4", (len(MASSES),)),
    ("ladder", "<f4", (len(LADDER),)),
    ("near", "<u4", (NEAREST,)),
    ("near_probability", "<f4", (NEAREST,)),
    ("total", "<f4"),
])
"""`near` are document numbers with first-stage probabilities, best first; `total` sums all of them."""


def standings(masses: F32, ladder: F32, documents: NDArray[np.uint32], a: I32, b: I32, probabilities: F32) -> NDArray[np.void]:
    """The standing of each record; `a`, `b` and `probabilities` are the pairs the first stage let through."""
    records = len(masses)
    found = np.zeros(records, STANDING)
    found["masses"], found["ladder"] = masses, ladder
    left, right = np.concatenate((a, b)), np.concatenate((b, a))
    both = np.concatenate((probabilities, probabilities))
    order = np.lexsort((right, -both, left))
    left, right, both = left[order], right[order], both[order]
    found["total"] = np.bincount(left, both, records)
    rank = np.arange(len(left)) - np.searchsorted(left, left)
    near = rank < NEAREST
    found["near"][left[near], rank[near]] = documents[right[near]]
    found["near_probability"][left[near], rank[near]] = both[near]
    return found


def read_standings(stored: list[bytes]) -> NDArray[np.void]:
    """Standings of records from their stored form; zeros where one has none yet."""
    blank = bytes(STANDING.itemsize)
    return np.frombuffer(b"".join(one if len(one) == STANDING.itemsize else blank for one in stored), STANDING)
