"""What is done with one portion of records or pairs: the numpy code of a settling in memory, on what the portion needs.

Sums and ties come out as they would in memory: a portion's rows are put in the same order, and places keep their order when they
are numbered anew.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray

from clearinghouse.disclosure.deconfliction.background import Background
from clearinghouse.disclosure.deconfliction.clustering import EDGE_MIN, cluster
from clearinghouse.disclosure.deconfliction.context import bulk_context
from clearinghouse.disclosure.deconfliction.evidence import told
from clearinghouse.disclosure.deconfliction.features import LADDER
from clearinghouse.disclosure.deconfliction.matching import Matcher
from clearinghouse.disclosure.deconfliction.packing import F32, Pack, masses, pack
from clearinghouse.disclosure.deconfliction.relational.base import Schema, Table
from clearinghouse.disclosure.deconfliction.retrieval import ROWS, best_of, kinds_of, term_weights
from clearinghouse.disclosure.deconfliction.scoring import Scorer
from clearinghouse.disclosure.deconfliction.settling import pair_features
from clearinghouse.disclosure.deconfliction.signature import Signature

_TOP = np.uint64(1 << 63)
_PAIRS = 50_000
TERMS: Schema = {"record": "int", "term": "long"}
WEIGHTS: Schema = {"term": "long", "found": "long", "weight": "float", "worth": "float"}
BEST: Schema = {"one": "int", "other": "int", "score": "float"}
SIDES: Schema = {"record": "int", "signature": "binary", "weights": "binary", "masses": "binary", "ladder": "binary"}
_ENTRIES: Schema = {"catalogue_a": "long", "entry_a": "long", "catalogue_b": "long", "entry_b": "long"}
FIRST: Schema = {"part": "int", "a": "int", "b": "int", "first": "float", "features": "binary", **_ENTRIES}
SECOND: Schema = {"part": "int", "a": "int", "b": "int", "first": "float", "second": "float", "features": "binary", **_ENTRIES}
THIRD: Schema = {"a": "int", "b": "int", "first": "float", "second": "float", "raw": "double", "probability": "float", "told": "binary"}
LINKED: Schema = {"record": "int", "cluster": "int"}


def to_signed(terms: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Terms as engines hold them, which know no unsigned numbers: in the same order."""
    return (terms ^ _TOP).view(np.int64)


def from_signed(terms: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Terms as they are."""
    return terms.view(np.uint64) ^ _TOP


def explode(records: Table, _: Table | None = None) -> Table:
    """The terms of records, one a row."""
    signatures = _signatures(records)
    sizes = np.array([len(one.terms) for one in signatures], np.int64)
    terms = np.concatenate([np.zeros(0, np.uint64), *(one.terms for one in signatures)])
    return pa.table({"record": np.repeat(_column(records, "record"), sizes), "term": to_signed(terms)})


@dataclass(frozen=True)
class Weigh:
    """Gives each term of the vocabulary its weight."""

    background: Background
    records: int

    def __call__(self, vocabulary: Table, _: Table | None = None) -> Table:
        """Term, records that have it, weight, and what it is worth in retrieval when it is shared."""
        terms, found = from_signed(_column(vocabulary, "term")), _column(vocabulary, "found")
        weights = self.background.weights(terms, found, self.records)
        worth = term_weights(kinds_of(terms), found, weights)
        return pa.table({"term": vocabulary["term"], "found": found, "weight": weights, "worth": worth * worth})


@dataclass(frozen=True)
class Best:
    """Finds the best candidates of the records of a portion."""

    records: int
    """Of all portions."""

    def __call__(self, asked: Table, lists: Table | None) -> Table:
        """Candidates with their retrieval score, by the lists of the terms that are asked with."""
        assert lists is not None
        terms, places = np.unique(_column(asked, "term"), return_inverse=True)
        low = int(_column(asked, "record").min())
        rows = _column(asked, "record") - low
        high = int(rows.max()) + 1
        asking = sp.csr_matrix((_column(asked, "worth").astype(np.float64), (rows, places)), shape=(high, len(terms)))
        # Each term that is asked with has a list, so the lists in order of their terms are the rows as they are numbered.
        owned = _column(lists, "term")
        order = np.argsort(owned)
        owned, owners = owned[order], _column(lists, "record")[order]
        del order
        starts = np.append(np.flatnonzero(np.concatenate((np.ones(min(1, len(owned)), bool), owned[1:] != owned[:-1]))), len(owned))
        assert len(starts) == len(terms) + 1, "a term that is asked with has no list"
        del owned
        known = sp.csr_matrix((np.ones(len(owners)), owners, starts), shape=(len(terms), self.records))
        found = [best_of(asking[begin : begin + ROWS] @ known, low + begin) for begin in range(0, high, ROWS)]
        one, other, scores = (np.concatenate(part) for part in zip(*found, strict=True))
        return pa.table({"one": one, "other": other, "score": scores})


def profile(records: Table, _: Table | None = None) -> Table:
    """Of each record what a comparison needs beside its signature: weights of its terms, masses, ladder."""
    weights, ends = _lists(records["weights"])
    found = pack(_signatures(records))
    assert np.array_equal(ends, found.starts), "a record has not one weight for each term"
    ladder = np.stack([_column(records, f"rank_{rank}") for rank in LADDER], axis=1).astype(np.float32)
    return pa.table({
        "record": records["record"], "signature": records["signature"],
        "weights": _packed(weights, 4 * found.starts), "masses": _rows(masses(found, _of_vocabulary(found, weights))), "ladder": _rows(ladder),
    })


class _Scoring:
    """Portions that predict; the model travels to wherever they run, and its trees are read there once."""

    def __init__(self, scorer: Scorer) -> None:
        """Take the model."""
        self._scorer = scorer


class First(_Scoring):
    """The first stage."""

    def __call__(self, pairs: Table, sides: Table | None) -> Table:
        """Probability of each pair, and the features of those that go further."""
        assert sides is not None
        a, b, scores = _ordered(pairs, "score")
        records = _column(sides, "record")
        order = np.argsort(records)
        sides = sides.take(pa.array(order))
        records = records[order]
        packed = pack(_signatures(sides))
        weights = _of_vocabulary(packed, np.frombuffer(_joined(sides["weights"]), np.float32))
        mass = np.frombuffer(_joined(sides["masses"]), np.float32).reshape(len(records), -1)
        ladder = np.frombuffer(_joined(sides["ladder"]), np.float32).reshape(len(records), -1)
        matcher = Matcher(packed, weights)
        left, right = (np.searchsorted(records, ends).astype(np.int32) for ends in (a, b))
        first, rows = np.empty(len(a), np.float32), []
        for begin in range(0, len(a), _PAIRS):
            part = slice(begin, begin + _PAIRS)
            table = pair_features(packed, matcher, mass, ladder, left[part], right[part], scores[part])
            first[part] = self._scorer.sieve.predict(table)
            through = first[part] >= self._scorer.sieve_min
            rows.append(_rows(table[through], through))
        return pa.table({
            "part": pa.array(np.repeat(_column(pairs, "part")[:1], len(a))), "a": a, "b": b, "first": first, "features": pa.chunked_array(rows, pa.binary()),
            **{f"{name}_{side}": values[ends].view(np.int64) for side, ends in (("a", left), ("b", right))
               for name, values in (("catalogue", packed.catalogues), ("entry", packed.entries))},
        })


class Second(_Scoring):
    """The second stage, with the context the first one made."""

    def __call__(self, kept: Table, around: Table | None) -> Table:
        """Probability of each pair, and its features with the context behind them."""
        assert around is not None
        kept = _sorted(kept)
        features = np.hstack((_matrix(kept["features"]), _context(kept, around, "first")))
        second = np.concatenate([np.zeros(0), *(
            self._scorer.judge.predict(features[begin : begin + _PAIRS]) for begin in range(0, len(features), _PAIRS)
        )]).astype(np.float32)
        return kept.drop_columns(["features"]).append_column("second", pa.array(second)).append_column("features", _rows(features))


class Third(_Scoring):
    """The last stage, with the context of the second, and the calibration."""

    def __call__(self, kept: Table, around: Table | None) -> Table:
        """The probability of each pair, and what the rules read of its features."""
        assert around is not None
        kept = _sorted(kept)
        features = np.hstack((_matrix(kept["features"]), _context(kept, around, "second")))
        parts = [features[begin : begin + _PAIRS] for begin in range(0, len(features), _PAIRS)]
        raw = np.concatenate([np.zeros(0), *(self._scorer.appeal.predict(part) for part in parts)])
        return (
            kept.drop_columns(["features"]).append_column("raw", pa.array(raw))
            .append_column("probability", pa.array(self._scorer.calibrate(raw, features))).append_column("told", _rows(told(features)))
        )


@dataclass(frozen=True)
class Link:
    """Average linkage of whole components."""

    threshold: float
    must: frozenset[tuple[int, int]]
    """By place, as the ends of edges."""
    cannot: frozenset[tuple[int, int]]

    def __call__(self, edges: Table, _: Table | None = None) -> Table:
        """The cluster of each record, by its first member."""
        edges = _sorted(edges)
        a, b, weights = _column(edges, "a"), _column(edges, "b"), _column(edges, "probability")
        records, ends = np.unique(np.concatenate((a, b)), return_inverse=True)
        left, right = ends[: len(a)].astype(np.int32), ends[len(a) :].astype(np.int32)
        labels = np.full(len(records), -1, np.int32)
        labels[left], labels[right] = _column(edges, "named_a"), _column(edges, "named_b")
        place = {record: at for at, record in enumerate(records.tolist())}
        must, cannot = (
            [(place[one], place[other]) for one, other in pairs if one in place and other in place] for pairs in (self.must, self.cannot)
        )
        real = weights >= EDGE_MIN
        found = cluster(len(records), left[real], right[real], weights[real], self.threshold, must, cannot, labels)
        return pa.table({"record": records.astype(np.int32), "cluster": records[found].astype(np.int32)})


def _context(kept: Table, around: Table, stage: str) -> F32:
    """The context of some pairs, from all pairs of their records."""
    a, b = _column(around, "a"), _column(around, "b")
    size = int(max(b.max(initial=0), a.max(initial=0))) + 1
    keys, once = np.unique(a.astype(np.int64) * size + b, return_index=True)
    a, b, values = a[once], b[once], _column(around, stage)[once].astype(np.float64)
    records, ends = np.unique(np.concatenate((a, b)), return_inverse=True)
    catalogues, entries = np.zeros(len(records), np.uint64), np.zeros(len(records), np.uint64)
    for side, at in (("a", ends[: len(a)]), ("b", ends[len(a) :])):
        catalogues[at] = _column(around, f"catalogue_{side}")[once].view(np.uint64)
        entries[at] = _column(around, f"entry_{side}")[once].view(np.uint64)
    found = bulk_context(ends[: len(a)].astype(np.int32), ends[len(a) :].astype(np.int32), values, catalogues, entries)
    chosen: F32 = found[np.searchsorted(keys, _column(kept, "a").astype(np.int64) * size + _column(kept, "b"))]
    return chosen


def _of_vocabulary(packed: Pack, weights: NDArray[np.float32]) -> F32:
    """Weights of a vocabulary from those of each record's terms, one after the other."""
    found = np.zeros(len(packed.vocabulary), np.float32)
    found[packed.terms] = weights
    return found


def _signatures(rows: Table) -> list[Signature]:
    return [Signature.from_bytes(stored) for stored in rows["signature"].to_pylist()]


def _column(rows: Table, name: str) -> NDArray[Any]:
    return np.asarray(rows[name].to_numpy())


def _sorted(pairs: Table) -> Table:
    return pairs.sort_by([("a", "ascending"), ("b", "ascending")])


def _ordered(pairs: Table, value: str) -> tuple[NDArray[np.int32], NDArray[np.int32], F32]:
    ordered = _sorted(pairs)
    return _column(ordered, "a").astype(np.int32), _column(ordered, "b").astype(np.int32), _column(ordered, value).astype(np.float32)


def _joined(column: Table) -> bytes:
    return b"".join(column.to_pylist())


def _matrix(column: Table) -> F32:
    values = column.to_pylist()
    return np.frombuffer(b"".join(values), np.float32).reshape(len(values), -1)


def _lists(column: Table) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The values of lists one after the other, and where each begins and ends."""
    whole = column.combine_chunks()
    sizes = np.asarray(whole.value_lengths().fill_null(0).to_numpy(zero_copy_only=False), np.int64)
    return np.asarray(whole.flatten().to_numpy(zero_copy_only=False), np.float32), np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))


def _packed(values: NDArray[np.float32], ends: NDArray[np.int64]) -> Table:
    whole = values.tobytes()
    return pa.array([whole[low:high] for low, high in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)], pa.binary())


def _rows(values: F32, where: NDArray[np.bool_] | None = None) -> Table:
    """Each row as bytes; with `where` a row for each True and null for each False."""
    width = 4 * values.shape[1]
    whole = np.ascontiguousarray(values, np.float32).tobytes()
    parts = [whole[at : at + width] for at in range(0, len(whole), width)]
    if where is None:
        return pa.array(parts, pa.binary())
    following = iter(parts)
    return pa.array([next(following) if there else None for there in where.tolist()], pa.binary())
