"""What two records have in common and what parts them, as numbers.

One function serves both ways of asking: all pairs of a settle in chunks, and one new record
against its candidates. It sees matched terms (their weight, kind, and marks on either side)
and per-record profiles, never a word. Every feature is symmetric: the smaller or larger of
the two sides, never "left" or "right".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clearinghouse.disclosure.deconfliction.packing import F32, I32, MASSES
from clearinghouse.disclosure.deconfliction.terms import Kind, Mark

KINDS = 16
_SMALL = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """The terms that pairs share, pair after pair."""

    pairs: I32
    """Which pair, rising from 0."""
    weights: F32
    kinds: NDArray[np.uint8]
    marks_a: NDArray[np.uint8]
    marks_b: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """What is known of one side of each pair: rows of equal number, one for each pair."""

    masses: F32
    days: I32
    metrics: NDArray[np.int8]
    lengths: I32
    ladder: F32
    """Retrieval scores of the record's candidates at `LADDER` ranks; 0 where it has fewer."""


LADDER = (1, 2, 3, 5, 10, 20)
"""Ranks whose retrieval scores a profile keeps."""

NAMES: list[str] = []


def _ratio(shared: F32, mass: F32) -> F32:
    """Shared mass as a part of a whole; -1 where there is no whole."""
    return np.where(mass > _SMALL, shared / np.maximum(mass, _SMALL), -1.0).astype(np.float32)


def features(matched: Matched, a: Sides, b: Sides, scores: F32) -> F32:
    """One row of features for each pair; columns as in `NAMES`."""
    count = len(scores)
    columns: dict[str, NDArray[np.floating]] = {}
    pairs, weight, kinds = matched.pairs, matched.weights, matched.kinds
    ma, mb = matched.marks_a, matched.marks_b
    flat = pairs.astype(np.int64) * KINDS + kinds
    sums = np.bincount(flat, weight, count * KINDS).reshape(count, KINDS).astype(np.float32)
    numbers = np.bincount(flat, minlength=count * KINDS).reshape(count, KINDS).astype(np.float32)

    def total(chosen: NDArray[np.bool_], values: F32 = weight) -> F32:
        return np.bincount(pairs[chosen], values[chosen], count).astype(np.float32)

    def mass(side: Sides, name: str) -> F32:
        return side.masses[:, MASSES.index(name)]

    def both(name: str, shared_a: F32, shared_b: F32, mass_name: str) -> None:
        ra, rb = _ratio(shared_a, mass(a, mass_name)), _ratio(shared_b, mass(b, mass_name))
        columns[name + "_most"], columns[name + "_least"] = np.maximum(ra, rb), np.minimum(ra, rb)

    word, code, version = kinds == Kind.WORD, kinds == Kind.CODE, kinds == Kind.VERSION
    both("word", sums[:, Kind.WORD], sums[:, Kind.WORD], "word")
    columns["word_mass"] = sums[:, Kind.WORD]
    columns["word_rest_least"] = np.minimum(mass(a, "word"), mass(b, "word")) - sums[:, Kind.WORD]
    columns["word_rest_most"] = np.maximum(mass(a, "word"), mass(b, "word")) - sums[:, Kind.WORD]
    square = total(word | code, weight * weight)
    columns["cosine"] = square / np.sqrt(np.maximum(mass(a, "square") * mass(b, "square"), _SMALL))
    title_a, title_b = (ma & Mark.TITLE) > 0, (mb & Mark.TITLE) > 0
    both("title_in_record", total(word & title_a), total(word & title_b), "title")
    both("title_in_title", both_titles := total(word & title_a & title_b), both_titles, "title")
    lead_a, lead_b = (ma & (Mark.LEAD | Mark.TITLE)) > 0, (mb & (Mark.LEAD | Mark.TITLE)) > 0
    both("lead_in_record", total(word & lead_a), total(word & lead_b), "lead")
    both("lead_in_lead", leads := total(word & lead_a & lead_b), leads, "lead")
    named_a, named_b = (ma & Mark.NAME) > 0, (mb & Mark.NAME) > 0
    both("name_word_in_record", total(word & named_a), total(word & named_b), "name_word")
    both("name_in_name", names := total(word & named_a & named_b), names, "name_word")
    both("name", sums[:, Kind.NAME], sums[:, Kind.NAME], "name")
    columns["name_mass"] = sums[:, Kind.NAME]
    both("code", sums[:, Kind.CODE], sums[:, Kind.CODE], "code")
    columns["code_mass"] = sums[:, Kind.CODE]
    columns["code_rest_least"] = np.minimum(mass(a, "code"), mass(b, "code")) - sums[:, Kind.CODE]
    columns["code_rest_most"] = np.maximum(mass(a, "code"), mass(b, "code")) - sums[:, Kind.CODE]
    both("place_in_record", total(code & ((ma & Mark.PLACE) > 0)), total(code & ((mb & Mark.PLACE) > 0)), "place")
    both("version", sums[:, Kind.VERSION], sums[:, Kind.VERSION], "version")
    fixed_a, fixed_b = (ma & Mark.FIXED) > 0, (mb & Mark.FIXED) > 0
    both("fixed_in_record", total(version & fixed_a), total(version & fixed_b), "fixed")
    both("fixed_in_fixed", fixes := total(version & fixed_a & fixed_b), fixes, "fixed")
    columns["version_mass"] = sums[:, Kind.VERSION]
    for kind in (Kind.COMMIT, Kind.TRACKER, Kind.LINK, Kind.REPOSITORY, Kind.CWE, Kind.WEAKNESS, Kind.PHRASE, Kind.FRAME):
        lower = kind.name.lower()
        both(lower, sums[:, kind], sums[:, kind], lower)
        columns[lower + "_mass"] = sums[:, kind]
    columns["number_mass"] = sums[:, Kind.NUMBER]
    columns["shared_terms"] = numbers.sum(axis=1)
    boundaries = np.searchsorted(pairs, np.arange(count))
    rarest = np.zeros(count, np.float32)
    has = boundaries < np.append(boundaries[1:], len(pairs))
    if has.any():
        rarest[has] = np.maximum.reduceat(weight, boundaries[has])
    columns["rarest_shared"] = rarest
    columns["rare_shared"] = total(weight > 0.6)
    columns["rare_words_shared"] = total(word & (weight > 0.6))
    _conditions(columns, a, b)
    _standing(columns, a, b, scores)
    if not NAMES:
        NAMES.extend(columns)
    return np.stack([column.astype(np.float32) for column in columns.values()], axis=1)


def _conditions(columns: dict[str, NDArray[np.floating]], a: Sides, b: Sides) -> None:
    known = (a.days >= 0) & (b.days >= 0)
    columns["days_apart"] = np.where(known, np.log1p(np.abs(a.days - b.days)), -1.0)
    present = (a.metrics >= 0) & (b.metrics >= 0)
    equal = present & (a.metrics == b.metrics)
    columns["metrics_equal"] = np.where(present.any(axis=1), equal.sum(axis=1), -1)
    columns["impacts_equal"] = np.where(present[:, 5:].any(axis=1), equal[:, 5:].sum(axis=1), -1)
    words_a, words_b = a.lengths.sum(axis=1), b.lengths.sum(axis=1)
    columns["words_least"] = np.log1p(np.minimum(words_a, words_b))
    columns["words_most"] = np.log1p(np.maximum(words_a, words_b))
    for name in ("code", "version", "fixed", "name_word", "commit", "tracker", "title"):
        place = MASSES.index(name)
        columns[name + "_known_least"] = np.minimum(a.masses[:, place], b.masses[:, place])


def _standing(columns: dict[str, NDArray[np.floating]], a: Sides, b: Sides, scores: F32) -> None:
    """How the pair stands against what else each record could be paired with."""
    ranks, gaps = [], []
    for side in (a, b):
        slack = scores * 1.0001 + _SMALL  # a stored score may have lost its last digits
        ranks.append((side.ladder > slack[:, None]).sum(axis=1))
        best_other = np.where(side.ladder[:, 0] > slack, side.ladder[:, 0], side.ladder[:, 1])
        gaps.append(np.log((scores + 0.01) / (best_other + 0.01)))
    columns["score"] = scores
    columns["rank_best"], columns["rank_worst"] = np.minimum(*ranks), np.maximum(*ranks)
    columns["gap_best"], columns["gap_worst"] = np.maximum(*gaps), np.minimum(*gaps)
