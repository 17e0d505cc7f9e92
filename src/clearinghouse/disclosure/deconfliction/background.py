"""How common terms are in advisories at large, so that a small instance knows "overflow" is no rare word.

The table ships with the model: terms of the training corpus that many of its records have. Under
an instance's key it becomes a table of hashes; a term's count is what the instance has seen plus
what the background says. As the instance grows, its own counts outweigh the table.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clearinghouse.disclosure.deconfliction.packing import F32, rarity
from clearinghouse.disclosure.deconfliction.signature import Signer
from clearinghouse.disclosure.deconfliction.terms import phrase
from clearinghouse.disclosure.deconfliction.tokens import Kind


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """Counts of common terms under one key."""

    terms: NDArray[np.uint64]
    """Sorted."""
    counts: NDArray[np.int64]
    records: int
    """How many records the counts are of."""

    def weights(self, terms: NDArray[np.uint64], counts: NDArray[np.integer], records: int) -> F32:
        """Weight of terms that so many of the instance's records have."""
        known = counts.astype(np.int64)
        if len(self.terms) and len(terms):
            places = np.minimum(np.searchsorted(self.terms, terms), len(self.terms) - 1)
            known += np.where(self.terms[places] == terms, self.counts[places], 0)
        return rarity(known, records + self.records)


NO_BACKGROUND = Background(np.zeros(0, np.uint64), np.zeros(0, np.int64), 0)


def read_background(lines: Iterable[str], records: int, signer: Signer) -> Background:
    """The table under a signer's key. Lines are `kind count text`; a phrase is two stems."""
    numbers: list[int] = []
    counts: list[int] = []
    for line in lines:
        kind, count, text = line.rstrip("\n").split(" ", 2)
        counts.append(int(count))
        if int(kind) == Kind.PHRASE:
            left, right = text.split(" ")
            numbers.append(phrase(signer.term(Kind.WORD, left), signer.term(Kind.WORD, right)))
        else:
            numbers.append(signer.term(Kind(int(kind)), text))
    terms = np.array(numbers, np.uint64)
    order = np.argsort(terms)
    return Background(terms[order], np.array(counts, np.int64)[order], records)
