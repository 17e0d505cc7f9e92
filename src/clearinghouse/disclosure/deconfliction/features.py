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
from clearinghouse.disclosure.deconfliction.terms import Mark
from clearinghouse.disclosure.deconfliction.tokens import Kind

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
    catalogues: NDArray[np.uint64]
    """Database the record is an entry of; 0 for a report."""
    entries: NDArray[np.uint64]


LADDER = (1, 2, 3, 5, 10, 20)
"""Ranks whose retrieval scores a profile keeps."""



@dataclass(frozen=True, slots=True)
class Family:
    """Features that speak of one thing, and the words for people."""

    name: str
    topic: str
    """What is compared, as a reader of an answer would say it."""
    agrees: str
    differs: str


FAMILIES = {
    family.name: family
    for family in (
        Family("words", "words of the description", "much of the wording is shared", "the wording has little in common"),
        Family("title", "title", "the title of one is found in the other", "the titles speak of different things"),
        Family("lead", "first sentences", "the first sentences say the same", "the first sentences differ"),
        Family("product", "product or package", "the same product or package is named", "the products differ, or are not named"),
        Family("code", "functions, files and parameters", "they name the same places in the code", "they name different places in the code, or none in common"),
        Family("version", "versions", "the same versions are named", "the versions named differ"),
        Family("commit", "commits", "they point at the same commit", "no commit in common"),
        Family("tracker", "issues, pull requests and reports", "they point at the same issue or report", "no issue or report in common"),
        Family("link", "other links", "they point at the same page", "no page in common"),
        Family("repository", "repository", "they point at the same repository", "no repository in common"),
        Family("weakness", "kind of weakness", "the kind of weakness is the same", "the kinds of weakness differ"),
        Family("phrase", "phrases", "the same words stand next to each other", "no telling phrase in common"),
        Family("rare", "rare terms", "terms are shared that few records have", "no rare term in common"),
        Family("date", "dates of publication", "published close together", "published far apart, or undated"),
        Family("severity", "severity metrics", "the severity metrics agree", "the severity metrics differ"),
        Family("length", "length and completeness", "both say enough to compare", "one of them says little"),
        Family("catalogue", "databases", "entries of two databases, or no entry of one", "two entries of one database, which enters a flaw once"),
        Family("rival", "other entries of the same database", "no other entry of that database comes as close",
               "another entry of that database comes closer"),
        Family("alternatives", "other candidates", "nothing else comes as close", "other records come as close"),
    )
}


@dataclass(frozen=True, slots=True)
class Feature:
    """One number about a pair."""

    name: str
    family: str
    meaning: str


_SIDES = (("most", "for the record where it is larger"), ("least", "for the record where it is smaller"))
_SHARES = {
    "word": ("words", "part of a record's words, by rarity, that the other shares"),
    "title_in_record": ("title", "part of a record's title found anywhere in the other"),
    "title_in_title": ("title", "part of a record's title found in the other's title"),
    "lead_in_record": ("lead", "part of a record's title and first words found anywhere in the other"),
    "lead_in_lead": ("lead", "part of a record's title and first words found in the other's"),
    "name_word_in_record": ("product", "part of the words of a record's product names found anywhere in the other"),
    "name_in_name": ("product", "part of the words of a record's product names found in the other's product names"),
    "name": ("product", "part of a record's whole product names, spelling levelled, that the other has"),
    "code": ("code", "part of a record's code terms that the other shares"),
    "place_in_record": ("code", "part of a record's declared or marked-up code terms found in the other"),
    "version": ("version", "part of a record's versions that the other shares"),
    "fixed_in_record": ("version", "part of a record's fixed versions found anywhere in the other"),
    "fixed_in_fixed": ("version", "part of a record's fixed versions that are fixed versions of the other"),
    "commit": ("commit", "part of a record's commits that the other names"),
    "tracker": ("tracker", "part of a record's tracker entries that the other names"),
    "link": ("link", "part of a record's other pages that the other names"),
    "repository": ("repository", "part of a record's repositories that the other names"),
    "cwe": ("weakness", "part of a record's CWE numbers that the other has"),
    "weakness": ("weakness", "part of a record's weakness classes that the other has"),
    "phrase": ("phrase", "part of a record's phrases that the other shares"),
}
_SINGLE = {
    "word_mass": ("words", "rarity of all shared words together"),
    "word_rest_least": ("words", "rarity of the words not shared, of the record with fewer"),
    "word_rest_most": ("words", "rarity of the words not shared, of the record with more"),
    "cosine": ("words", "cosine of words and code terms weighted by rarity"),
    "name_mass": ("product", "rarity of shared product names together"),
    "code_mass": ("code", "rarity of shared code terms together"),
    "code_rest_least": ("code", "rarity of code terms not shared, of the record with fewer"),
    "code_rest_most": ("code", "rarity of code terms not shared, of the record with more"),
    "version_mass": ("version", "rarity of shared versions together"),
    "commit_mass": ("commit", "rarity of shared commits together"),
    "tracker_mass": ("tracker", "rarity of shared tracker entries together"),
    "link_mass": ("link", "rarity of shared pages together"),
    "repository_mass": ("repository", "rarity of shared repositories together"),
    "cwe_mass": ("weakness", "rarity of shared CWE numbers together"),
    "weakness_mass": ("weakness", "rarity of shared weakness classes together"),
    "phrase_mass": ("phrase", "rarity of shared phrases together"),
    "number_mass": ("rare", "rarity of shared long numbers together"),
    "shared_terms": ("rare", "how many terms are shared"),
    "rarest_shared": ("rare", "rarity of the rarest shared term"),
    "rare_shared": ("rare", "rarity of shared terms, rare ones alone"),
    "rare_words_shared": ("rare", "rarity of shared words, rare ones alone"),
    "common_shared": ("words", "shared everyday words as part of the shorter record: a sign of one template"),
    "fields_alike": ("length", "how many fields both fill or both leave empty"),
    "days_apart": ("date", "logarithm of the days between the publications, -1 where unknown"),
    "metrics_equal": ("severity", "equal base metrics of the CVSS vectors, -1 where unknown"),
    "impacts_equal": ("severity", "equal impact metrics of the CVSS vectors, -1 where unknown"),
    "same_catalogue": ("catalogue", "1 for two entries of one database, 0 for entries of two, -1 where either is no entry or both are one"),
    "words_least": ("length", "logarithm of the words of the shorter record"),
    "words_most": ("length", "logarithm of the words of the longer record"),
    "score": ("rare", "retrieval score"),
    "rank_best": ("alternatives", "rank of the pair among one record's candidates, the better of both"),
    "rank_worst": ("alternatives", "rank of the pair among one record's candidates, the worse of both"),
    "gap_best": ("alternatives", "log ratio of the retrieval score to that of the next best candidate, the larger"),
    "gap_worst": ("alternatives", "log ratio of the retrieval score to that of the next best candidate, the smaller"),
}
_KNOWN = {"code": "code", "version": "version", "fixed": "version", "name_word": "product", "commit": "commit",
          "tracker": "tracker", "title": "title"}
FEATURES: dict[str, Feature] = {
    feature.name: feature
    for feature in (
        *(Feature(f"{name}_{side}", family, f"{meaning}, {which}; -1 where it has none")
          for name, (family, meaning) in _SHARES.items() for side, which in _SIDES),
        *(Feature(name, family, meaning) for name, (family, meaning) in _SINGLE.items()),
        *(Feature(f"{name}_known_least", family, f"rarity of all {name} terms of the record with fewer")
          for name, family in _KNOWN.items()),
    )
}
"""Every pair feature by name, in the order of the columns."""


def _ratio(shared: F32, mass: F32) -> F32:
    """Shared mass as a part of a whole; -1 where there is no whole."""
    return np.where(mass > _SMALL, shared / np.maximum(mass, _SMALL), -1.0).astype(np.float32)


def features(matched: Matched, a: Sides, b: Sides, scores: F32) -> F32:
    """One row of features for each pair; columns as in `FEATURES`."""
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
    for kind in (Kind.COMMIT, Kind.TRACKER, Kind.LINK, Kind.REPOSITORY, Kind.CWE, Kind.WEAKNESS, Kind.PHRASE):
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
    common = word & (weight < 0.35)
    columns["common_shared"] = _ratio(total(common), np.minimum(mass(a, "word"), mass(b, "word")))
    columns["fields_alike"] = ((a.masses > 0) == (b.masses > 0)).sum(axis=1).astype(np.float32)
    _conditions(columns, a, b)
    _standing(columns, a, b, scores)
    return np.stack([columns[name].astype(np.float32) for name in FEATURES], axis=1)


def _conditions(columns: dict[str, NDArray[np.floating]], a: Sides, b: Sides) -> None:
    known = (a.days >= 0) & (b.days >= 0)
    columns["days_apart"] = np.where(known, np.log1p(np.abs(a.days - b.days)), -1.0)
    present = (a.metrics >= 0) & (b.metrics >= 0)
    equal = present & (a.metrics == b.metrics)
    columns["metrics_equal"] = np.where(present.any(axis=1), equal.sum(axis=1), -1)
    columns["impacts_equal"] = np.where(present[:, 5:].any(axis=1), equal[:, 5:].sum(axis=1), -1)
    columns["same_catalogue"] = same_catalogue(a, b)
    words_a, words_b = a.lengths.sum(axis=1), b.lengths.sum(axis=1)
    columns["words_least"] = np.log1p(np.minimum(words_a, words_b))
    columns["words_most"] = np.log1p(np.maximum(words_a, words_b))
    for name in _KNOWN:
        place = MASSES.index(name)
        columns[name + "_known_least"] = np.minimum(a.masses[:, place], b.masses[:, place])


def same_catalogue(a: Sides, b: Sides) -> F32:
    """Whether both records are entries of one database: 1, of two: 0; -1 where that says nothing.

    A database enters a flaw once, so two of its entries are rarely the same. An entry imported again, and a report, say nothing.
    """
    same = a.catalogues == b.catalogues
    again = same & (a.entries == b.entries) & (a.entries != 0)
    return np.where((a.catalogues == 0) | (b.catalogues == 0) | again, -1.0, same).astype(np.float32)


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
