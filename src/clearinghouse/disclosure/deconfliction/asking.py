"""The index as one newcomer asks it: what the database holds, and newcomers on top that are not kept yet."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from clearinghouse.disclosure.deconfliction import store
from clearinghouse.disclosure.deconfliction.placing import Stored
from clearinghouse.storage import Transaction


class StoredIndex:
    """The index in the database, as `placing.place` asks it."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    @cached_property
    def _count(self) -> int:
        return store.count_indexed(self._tx)

    def count(self) -> int:
        """How many records are indexed."""
        return self._count

    def document_frequencies(self, terms: NDArray[np.uint64]) -> NDArray[np.int64]:
        """How many records have each term."""
        return store.document_frequencies(self._tx, terms)

    def postings(self, terms: NDArray[np.uint64]) -> Sequence[NDArray[np.uint32]]:
        """Numbers of the records that have each term."""
        return store.read_postings(self._tx, terms)

    def stored(self, documents: NDArray[np.uint32]) -> Sequence[Stored]:
        """Signatures and standings, in the order asked."""
        found = store.read_signatures(self._tx, documents.tolist())
        return [Stored(*found[number]) for number in documents.tolist()]


class Overlay:
    """An index with a few records on top that are not kept yet: newcomers of one portion see those before them."""

    def __init__(self, below: StoredIndex) -> None:
        self._below = below
        self._postings: dict[int, list[int]] = {}
        self._stored: dict[int, Stored] = {}

    def add(self, number: int, terms: NDArray[np.uint64], stored: Stored) -> None:
        """Put a record on top."""
        self._stored[number] = stored
        for term in terms.tolist():
            self._postings.setdefault(term, []).append(number)

    def count(self) -> int:
        """How many records there are."""
        return self._below.count() + len(self._stored)

    def document_frequencies(self, terms: NDArray[np.uint64]) -> NDArray[np.int64]:
        """How many records have each term."""
        above = [len(self._postings.get(term, ())) for term in terms.tolist()]
        return self._below.document_frequencies(terms) + np.array(above, dtype=np.int64)

    def postings(self, terms: NDArray[np.uint64]) -> Sequence[NDArray[np.uint32]]:
        """Numbers of the records that have each term."""
        above = [np.array(self._postings.get(term, ()), np.uint32) for term in terms.tolist()]
        return [np.concatenate((low, high)) if len(high) else low for low, high in zip(self._below.postings(terms), above, strict=True)]

    def stored(self, documents: NDArray[np.uint32]) -> Sequence[Stored]:
        """Signatures and standings, in the order asked."""
        low = np.array([number for number in documents.tolist() if number not in self._stored], np.uint32)
        found = dict(zip(low.tolist(), self._below.stored(low), strict=True)) if len(low) else {}
        return [self._stored.get(number) or found[number] for number in documents.tolist()]
