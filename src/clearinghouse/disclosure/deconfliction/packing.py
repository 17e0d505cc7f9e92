"""Many signatures side by side: one sparse table of terms, and per record what can be summed up beforehand.

`Pack` holds a set of records as compressed rows; `weigh` gives every term its weight from how many
records have it; `Profiles` are the per-record sums that pair features divide by. A profile is
small and stored with the signature, so that one new record can be compared without asking how
common each word of its candidates is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clearinghouse.disclosure.deconfliction.signature import KIND_SHIFT, METRICS, Signature
from clearinghouse.disclosure.deconfliction.terms import Mark
from clearinghouse.disclosure.deconfliction.tokens import Kind

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
U64 = NDArray[np.uint64]



@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """Records as compressed rows over a vocabulary of their own."""

    starts: NDArray[np.int64]
    """Row `r` is entries `starts[r]:starts[r + 1]`."""
    terms: I32
    """Place of each entry's term in `vocabulary`; rising within a row."""
    marks: NDArray[np.uint8]
    vocabulary: NDArray[np.uint64]
    kinds: NDArray[np.uint8]
    """Kind of each term of the vocabulary."""
    counts: I32
    """Records that have each term of the vocabulary."""
    days: I32
    metrics: NDArray[np.int8]
    """Rows of `METRICS` columns."""
    lengths: I32
    """Title words and text words."""
    vulnerabilities: I32
    catalogues: U64
    """Of each record, as in `Signature`; 0 where it is not said."""
    entries: U64

    def __len__(self) -> int:
        """How many records."""
        return len(self.starts) - 1

    def rows(self) -> I32:
        """The record of each entry."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.starts))


def pack(signatures: Sequence[Signature]) -> Pack:
    """Put signatures side by side, in the order given."""
    sizes = np.fromiter((len(one.terms) for one in signatures), np.int64, len(signatures))
    starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))
    hashes = np.empty(starts[-1], np.uint64)
    marks = np.empty(starts[-1], np.uint8)
    for place, one in zip(starts, signatures, strict=False):
        hashes[place : place + len(one.terms)] = one.terms
        marks[place : place + len(one.terms)] = one.marks
    ordered = np.sort(hashes)
    fresh = np.concatenate((np.ones(min(1, len(ordered)), bool), ordered[1:] != ordered[:-1]))
    vocabulary = ordered[fresh]
    counts = np.diff(np.concatenate((np.flatnonzero(fresh), [len(ordered)]))).astype(np.int32)
    del ordered, fresh
    terms = np.empty(len(hashes), np.int32)
    for begin in range(0, len(hashes), _SEARCH_CHUNK):
        terms[begin : begin + _SEARCH_CHUNK] = np.searchsorted(vocabulary, hashes[begin : begin + _SEARCH_CHUNK])
    return Pack(
        starts, terms, marks, vocabulary, (vocabulary >> np.uint64(KIND_SHIFT)).astype(np.uint8), counts,
        np.fromiter((one.days for one in signatures), np.int32, len(signatures)),
        np.array([one.metrics for one in signatures], np.int8).reshape(-1, METRICS),
        np.array([(one.title_words, one.text_words) for one in signatures], np.int32).reshape(-1, 2),
        np.fromiter((one.vulnerabilities for one in signatures), np.int32, len(signatures)),
        np.fromiter((one.catalogue for one in signatures), np.uint64, len(signatures)),
        np.fromiter((one.entry for one in signatures), np.uint64, len(signatures)),
    )


def rarity(counts: NDArray[np.integer], records: int) -> F32:
    """Weight of terms that so many of so many records have: 1 for a term of one record, towards 0 for one of all."""
    scale = np.log1p(max(records, 2))
    found: F32 = (np.log((records + 1.0) / np.maximum(counts, 1)) / scale).clip(0.0, 1.0).astype(np.float32)
    return found


_SEARCH_CHUNK = 4_000_000

MASSES = (
    "word", "title", "lead", "name_word", "name", "code", "place", "version", "fixed", "number", "commit", "tracker",
    "link", "repository", "cwe", "weakness", "phrase", "frame", "square",
)
"""Columns of a profile's masses: summed weights of a record's terms by kind and mark."""


def masses(pack_: Pack, weights: F32) -> F32:
    """One row of `MASSES` for each record; `weights` belong to the vocabulary."""
    rows, kinds, weight, marks = pack_.rows(), pack_.kinds[pack_.terms], weights[pack_.terms], pack_.marks
    found = np.empty((len(pack_), len(MASSES)), np.float32)

    def column(name: str, chosen: NDArray[np.bool_], values: F32 = weight) -> None:
        found[:, MASSES.index(name)] = np.bincount(rows[chosen], values[chosen], len(pack_))

    word, code, version = kinds == Kind.WORD, kinds == Kind.CODE, kinds == Kind.VERSION
    column("word", word)
    column("title", word & (marks & Mark.TITLE > 0))
    column("lead", word & (marks & (Mark.LEAD | Mark.TITLE) > 0))
    column("name_word", word & (marks & Mark.NAME > 0))
    column("name", kinds == Kind.NAME)
    column("code", code)
    column("place", code & (marks & Mark.PLACE > 0))
    column("version", version)
    column("fixed", version & (marks & Mark.FIXED > 0))
    for name in ("number", "commit", "tracker", "link", "repository", "cwe", "weakness", "phrase", "frame"):
        column(name, kinds == Kind[name.upper()])
    column("square", word | code, weight * weight)
    return found
