"""Places one finding among all that are stored, at a cost that does not grow with their number.

The index is asked three questions (how common are these terms, who has the rare ones, what is
stored of the candidates); the rest is arithmetic on some forty signatures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clearinghouse.core.policy import DeconflictionThresholds
from clearinghouse.disclosure.deconfliction import identifiers, rules
from clearinghouse.disclosure.deconfliction.context import Around, context
from clearinghouse.disclosure.deconfliction.evidence import agreement, evidence, told
from clearinghouse.disclosure.deconfliction.features import LADDER, Matched, Sides, features
from clearinghouse.disclosure.deconfliction.locus import GROUP_MAX
from clearinghouse.disclosure.deconfliction.packing import F32, Pack, masses, pack
from clearinghouse.disclosure.deconfliction.records import KINSHIP_WORDS, Answer, Candidate, Evidence, Kinship
from clearinghouse.disclosure.deconfliction.retrieval import choose_terms, kinds_of, term_weights
from clearinghouse.disclosure.deconfliction.scoring import Scorer
from clearinghouse.disclosure.deconfliction.signature import Signature
from clearinghouse.disclosure.deconfliction.standing import NEAREST, STANDING, read_standings
from clearinghouse.disclosure.deconfliction.tokens import Kind
from clearinghouse.disclosure.deconfliction.traces import indexed, read_row, read_traces
from clearinghouse.disclosure.deconfliction.weighing import Spoken, weigh

Documents = NDArray[np.uint32]
Loci = NDArray[np.uint64]
NOWHERE: Loci = np.zeros(0, np.uint64)
_SILENT = 0.05
"""A correction that moves a pair by less is not worth a line."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the index keeps of a record."""

    signature: bytes
    standing: bytes = b""
    """Empty until the record was settled or placed."""
    locus: bytes = b""
    """Its traces, hashed; see `traces`."""


class Lookup(Protocol):
    """The index, asked by `place`: each method at most twice, with bounded arguments."""

    def count(self) -> int:
        """How many records are indexed."""
        ...

    def document_frequencies(self, terms: NDArray[np.uint64]) -> NDArray[np.int64]:
        """How many records have each term; 0 for unknown ones."""
        ...

    def postings(self, terms: NDArray[np.uint64]) -> Sequence[Documents]:
        """Document numbers of the records that have each term."""
        ...

    def stored(self, documents: Documents) -> Sequence[Stored]:
        """What is kept of records, in the order asked."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What a finding asked the index with, so that it can be said of a record that came later whether it would have been a candidate."""

    terms: NDArray[np.uint64]
    """Sorted; with those of its own that no other record had."""
    worth: F32
    """What a record that shares the term is lifted by in retrieval."""
    exact: NDArray[np.uint64]
    """Identifiers and traces: whoever shares one is a candidate whatever the rest."""
    least: float
    """Retrieval score of the last candidate that policy let in; 0 where there was room for more."""

    def would_meet(self, terms: NDArray[np.uint64], sizes: NDArray[np.int64]) -> bool:
        """Whether any of some records could have been a candidate; never False for one that would have been.

        Args:
            terms: of the index, record after record, `sizes` of each.
        """
        if np.isin(self.exact, terms).any():
            return True
        if not len(self.terms):
            return False
        places = np.minimum(np.searchsorted(self.terms, terms), len(self.terms) - 1)
        shared = np.flatnonzero(self.terms[places] == terms)
        owners = np.repeat(np.arange(len(sizes)), sizes)[shared]
        scores = np.bincount(owners, self.worth[places[shared]], len(sizes))
        # Not quite the score itself: sums in another order may differ in the last bits.
        return bool(((scores > 0) & (scores >= self.least * 0.999)).any())


@dataclass(frozen=True, slots=True)
class Placed:
    """One finding among all that are stored."""

    answer: Answer
    standing: bytes
    """To be kept with it."""
    asked: Asked


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """A newcomer against its candidates, before words are found for it."""

    asked: Asked
    documents: Documents
    signatures: list[Signature]
    rows: F32
    probabilities: F32
    standing: bytes
    spoken: list[Spoken]
    """What the traces of newcomer and candidate have in common."""
    shifts: NDArray[np.float64]
    """Log-odds by which the correction in force moved each."""


def place(
    signature: Signature, lookup: Lookup, scorer: Scorer, thresholds: DeconflictionThresholds, *, own: int | None = None,
    locus: Loci = NOWHERE, with_evidence: bool = True,
) -> Placed:
    """The answer for one finding, the standing to keep with it, and what it was found by.

    Args:
        with_evidence: False leaves the evidence of the candidates empty: where nobody looks, it is a third of the work.
        locus: its traces, hashed (see `traces`).
        own: document number of the finding where it is indexed already, so that it is no candidate of its own.
    """
    compared = _ask(signature, lookup, scorer, thresholds, own, None, locus)
    known = lookup.count() - (own is not None)
    answer = _answer(signature, compared, known, scorer, thresholds, with_evidence=with_evidence)
    return Placed(answer, compared.standing, compared.asked)


def compare(
    one: Signature, other: int, lookup: Lookup, scorer: Scorer, thresholds: DeconflictionThresholds, *, own: int | None = None,
    locus: Loci = NOWHERE,
) -> Candidate:
    """What one record and another of the index amount to, with all evidence.

    Args:
        own: document number of `one` when it is indexed itself, so that it is no alternative of its own.
    """
    compared = _ask(one, lookup, scorer, thresholds, own, other, locus)
    at = int(np.flatnonzero(compared.documents == other)[0])
    return _render(one, compared, [at], scorer, thresholds, with_evidence=True)[0]


def _ask(
    signature: Signature, lookup: Lookup, scorer: Scorer, thresholds: DeconflictionThresholds, own: int | None, other: int | None,
    locus: Loci,
) -> _Compared:
    counts, records = lookup.document_frequencies(signature.terms), lookup.count()
    if own is None:
        counts, records = counts + 1, records + 1  # as if it were indexed: settling counts it too
    weights = scorer.background.weights(signature.terms, counts, records)
    # One more than policy allows: the finding itself may be among them.
    documents, scores, asked = _candidates(signature, counts, weights, lookup, thresholds.candidates_max + (own is not None), locus)
    if own is not None:
        documents, scores = documents[documents != own], scores[documents != own]
    if other is not None and other not in documents:
        documents, scores = np.append(documents, np.uint32(other)), np.append(scores, np.float32(0))
    return _compare(signature, weights, documents, scores, asked, lookup, scorer, own, locus, thresholds)


def _candidates(
    signature: Signature, counts: NDArray[np.int64], rarities: F32, lookup: Lookup, most: int, locus: Loci
) -> tuple[Documents, F32, Asked]:
    """Document numbers and retrieval scores; those that share an identifier or a trace come first."""
    kinds = kinds_of(signature.terms)
    weights = term_weights(kinds, counts, rarities)
    chosen = choose_terms(weights, counts)
    named = np.flatnonzero((kinds == Kind.IDENTIFIER) & (counts > 1) & (counts <= identifiers.GROUP_MAX))
    traced = indexed(locus)
    asked = np.concatenate((signature.terms[chosen], signature.terms[named], traced))
    lists = list(lookup.postings(asked)) if len(asked) else []
    exact = len(named) + len(traced)
    lists = [one if at < len(chosen) + len(named) or len(one) <= GROUP_MAX else one[:0] for at, one in enumerate(lists)]
    alone = np.flatnonzero((counts == 1) & (weights > 0))
    could = np.sort(np.concatenate((chosen, alone)))
    asking = (signature.terms[could], weights[could] ** 2, np.concatenate((signature.terms[kinds == Kind.IDENTIFIER], traced)))
    if not any(len(one) for one in lists):
        return np.zeros(0, np.uint32), np.zeros(0, np.float32), Asked(*asking, 0.0)
    owners = np.concatenate([np.asarray(one, np.uint32) for one in lists])
    worth = np.repeat(np.concatenate((weights[chosen] ** 2, np.zeros(exact, np.float32))), [len(one) for one in lists])
    documents, places = np.unique(owners, return_inverse=True)
    scores = np.bincount(places, worth, len(documents)).astype(np.float32)
    first = np.isin(documents, np.concatenate(lists[len(chosen):])) if exact else np.zeros(len(documents), bool)
    order = np.lexsort((documents, -scores, ~first))[:most]
    # The last by score, which need not be the last in order: identifiers go before scores.
    least = float(scores[order].min()) if len(order) == most else 0.0
    return documents[order], scores[order], Asked(*asking, least)


def _compare(
    signature: Signature, weights: F32, documents: Documents, scores: F32, asked: Asked, lookup: Lookup, scorer: Scorer, own: int | None,
    locus: Loci, thresholds: DeconflictionThresholds,
) -> _Compared:
    alone = pack([signature])
    mass = masses(alone, weights)
    stored = lookup.stored(documents) if len(documents) else []
    others = [Signature.from_bytes(one.signature) for one in stored]
    standings = read_standings([one.standing for one in stored])
    together = pack(others)
    number = len(others)
    lacking = ~standings["masses"].any(axis=1)
    other_masses = standings["masses"].copy()
    if lacking.any():
        # Never settled and never placed: terms the finding does not share are taken for rare ones.
        known = dict(zip(signature.terms.tolist(), weights.tolist(), strict=True))
        guess = np.array([known.get(term, 1.0) for term in together.vocabulary.tolist()], np.float32)
        other_masses[lacking] = masses(together, guess)[lacking]
    ladder = _ladder(scores)
    a = Sides(np.repeat(mass, number, 0), np.repeat(alone.days, number), np.repeat(alone.metrics, number, 0),
              np.repeat(alone.lengths, number, 0), np.repeat(ladder[None], number, 0),
              np.repeat(alone.catalogues, number), np.repeat(alone.entries, number))
    b = Sides(other_masses, together.days, together.metrics, together.lengths,
              standings["ladder"] if own is not None else _insert(standings["ladder"], scores), together.catalogues, together.entries)
    rows = features(_match(signature, weights, others), a, b, scores)
    first = scorer.sieve.predict(rows)
    kept = first >= scorer.sieve_min
    judged = np.hstack((rows, _context(first * kept, documents, standings, own, "near_probability", "total", alone, together)))
    second = np.zeros(number)
    second[kept] = scorer.judge.predict(judged[kept])
    rows = np.hstack((judged, _context(second, documents, standings, own, "near_second", "total_second", alone, together)))
    probabilities = np.minimum(first, scorer.sieve_min).astype(np.float32) * np.float32(0.01)
    raw = scorer.appeal.predict(rows[kept])
    probabilities[kept] = scorer.calibrate(raw, rows[kept])
    shifts = np.zeros(number)
    if scorer.correction is not None:
        shifts[kept] = scorer.correction.shifts(raw, rows[kept])
    ours = read_traces(locus)
    spoken = [
        weigh(ours, read_traces(read_row(one.locus)), signature, other, thresholds) for one, other in zip(stored, others, strict=True)
    ]
    return _Compared(asked, documents, others, rows, probabilities, _standing(mass[0], ladder, documents, first * kept, second, together), spoken, shifts)


def _match(signature: Signature, weights: F32, others: Sequence[Signature]) -> Matched:
    sizes = np.array([len(one.terms) for one in others], np.int64)
    terms = np.concatenate([one.terms for one in others]) if others else np.zeros(0, np.uint64)
    marks = np.concatenate([one.marks for one in others]) if others else np.zeros(0, np.uint8)
    if not len(signature.terms):
        terms, marks, sizes = terms[:0], marks[:0], sizes * 0
    places = np.minimum(np.searchsorted(signature.terms, terms), max(len(signature.terms) - 1, 0))
    shared = np.flatnonzero(signature.terms[places] == terms)
    at = places[shared]
    pairs = np.repeat(np.arange(len(others), dtype=np.int32), sizes)[shared]
    return Matched(pairs, weights[at], kinds_of(terms[shared]), signature.marks[at], marks[shared])


def _ladder(scores: F32) -> F32:
    ordered = -np.sort(-scores)
    return np.array([ordered[rank - 1] if rank <= len(ordered) else 0.0 for rank in LADDER], np.float32)


def _insert(ladders: F32, scores: F32) -> F32:
    """Ladders of the candidates as if the newcomer stood among their own candidates."""
    found = ladders.copy()
    found[:, :3] = -np.sort(-np.hstack((ladders[:, :3], scores[:, None])), axis=1)[:, :3]
    return found


def _context(
    first: NDArray[np.float64], documents: Documents, standings: NDArray[np.void], own: int | None, values_of: str, total_of: str,
    alone: Pack, together: Pack,
) -> F32:
    count = len(first)
    if not count:
        return context(first, _nobody(), _nobody(), first)
    order = np.argsort(-first, kind="stable")
    rank = np.empty(count)
    rank[order] = np.searchsorted(-first[order], -first[order])
    best = np.full(count, first[order[0]])
    best[order[0]] = first[order[1]] if count > 1 else 0.0
    ours = Around(rank, best, first.sum() - first, _own_rivals(first, together))
    near, values = standings["near"], standings[values_of].astype(np.float64)
    itself = (near == own) & (values > 0) if own is not None else np.zeros(near.shape, bool)
    known = np.where(itself, 0.0, values)
    theirs = Around((known > first[:, None]).sum(axis=1).astype(np.float64), known.max(axis=1),
                    standings[total_of].astype(np.float64) - np.where(itself, values, 0.0).sum(axis=1),
                    _their_rivals(standings, known, alone))
    by_document = np.argsort(documents)
    places = np.minimum(np.searchsorted(documents[by_document], near), count - 1)
    at = by_document[places]
    with_us = np.where((documents[at] == near) & (known > 0), first[at], 0.0)
    return context(first, ours, theirs, (with_us * known).sum(axis=1))


def _own_rivals(first: NDArray[np.float64], together: Pack) -> NDArray[np.float64]:
    """For each candidate, the most probable of the others that are another entry of its database."""
    catalogues, entries = together.catalogues, together.entries
    places = np.arange(len(first), dtype=np.uint64)
    named = np.where(entries != 0, entries, places | np.uint64(1 << 63))
    rival = (catalogues[:, None] == catalogues) & (catalogues[:, None] != 0) & (named[:, None] != named)
    return np.asarray(np.where(rival, first, 0.0).max(axis=1))


def _their_rivals(standings: NDArray[np.void], known: NDArray[np.float64], alone: Pack) -> NDArray[np.float64]:
    """For each candidate, the most probable of its nearest that are another entry of the newcomer's database."""
    catalogue, entry = alone.catalogues[0], alone.entries[0]
    if not catalogue:
        return np.zeros(len(known))
    rival = (standings["near_catalogue"] == catalogue) & ((standings["near_entry"] != entry) | (entry == 0))
    return np.asarray(np.where(rival, known, 0.0).max(axis=1))


def _nobody() -> Around:
    return Around(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))


def _standing(
    mass: F32, ladder: F32, documents: Documents, first: NDArray[np.float64], second: NDArray[np.float64], together: Pack
) -> bytes:
    found = np.zeros(1, STANDING)
    found["masses"], found["ladder"], found["total"], found["total_second"] = mass, ladder, first.sum(), second.sum()
    best = np.argsort(-first, kind="stable")[:NEAREST]
    found["near"][0, : len(best)] = np.where(first[best] > 0, documents[best], 0)
    found["near_probability"][0, : len(best)] = first[best]
    found["near_second"][0, : len(best)] = second[best]
    found["near_catalogue"][0, : len(best)] = together.catalogues[best]
    found["near_entry"][0, : len(best)] = together.entries[best]
    return found.tobytes()


def _answer(
    signature: Signature, compared: _Compared, known: int, scorer: Scorer, thresholds: DeconflictionThresholds, *, with_evidence: bool
) -> Answer:
    probabilities = [_with_rules(signature, compared, at) for at in range(len(compared.documents))]
    order = sorted(range(len(probabilities)), key=lambda at: (-probabilities[at], int(compared.documents[at])))
    shown = _render(signature, compared, order[: thresholds.candidates_shown_max], scorer, thresholds, with_evidence=with_evidence)
    best = shown[0].probability if shown else 0.0
    return Answer(rules.verdict(shown), best, tuple(shown), len(compared.documents), known, scorer.digest)


def _with_rules(one: Signature, compared: _Compared, at: int) -> float:
    """The model's probability with what traces and identifiers say; identifiers have the last word."""
    probability = compared.spoken[at].add_to(float(compared.probabilities[at]))
    said = identifiers.compare(one, compared.signatures[at])
    if said is None:
        return probability
    return max(probability, identifiers.SAME_PROBABILITY) if said else 0.0


def _render(
    signature: Signature, compared: _Compared, chosen: Sequence[int], scorer: Scorer, thresholds: DeconflictionThresholds, *,
    with_evidence: bool,
) -> list[Candidate]:
    """Candidates with their evidence; contributions are computed for these alone."""
    if not len(chosen):
        return []
    contributions = scorer.contributions(compared.rows[list(chosen)]) if with_evidence else [None] * len(chosen)
    says_where = signature.has_locus()
    found = []
    for at, counted in zip(chosen, contributions, strict=True):
        other, row = compared.signatures[at], compared.rows[at]
        said = identifiers.compare(signature, other)
        shares = identifiers.share(signature, other)
        least = thresholds.umbrella_identifiers_min
        umbrella = signature.vulnerabilities >= least or other.vulnerabilities >= least
        probability, spoken = _with_rules(signature, compared, at), compared.spoken[at]
        agreed = agreement(told(row[None])[0], same_identifier=said, shares_name=shares, umbrella=umbrella,
                           locus=spoken.place or (says_where and other.has_locus()), kinship=spoken.kinship)
        relation = rules.relation(probability, agreed, thresholds)
        kinship = rules.kinship(relation, agreed)
        lines: tuple[Evidence, ...] = ()
        if counted is not None:
            lines = (*_rule_lines(said, shares, umbrella, spoken, kinship), *_learned(float(compared.shifts[at])), *evidence(row, counted))
        found.append(Candidate(int(compared.documents[at]), probability, relation, lines, kinship))
    return found


def _rule_lines(said: bool | None, shares: bool, umbrella: bool, spoken: Spoken, kinship: Kinship | None) -> list[Evidence]:
    lines = []
    if kinship is not None:
        lines.append(Evidence("relation", f"relation: {KINSHIP_WORDS[kinship]}", None, 0.0))
    if said is True:
        lines.append(Evidence("identifier", "identifiers: both bear the same name", 1.0, 6.0))
    elif said is False:
        lines.append(Evidence("identifier", "identifiers: two different CVE numbers", 0.0, -6.0))
    elif shares and umbrella:
        lines.append(Evidence("identifier", "identifiers: one is among the several vulnerabilities the other names", 1.0, 0.0))
    return [*lines, *spoken.evidence]


def _learned(shift: float) -> list[Evidence]:
    """What people's decisions here added or took."""
    if abs(shift) < _SILENT:
        return []
    wording = "what people here decided of pairs like this: " + ("more often one flaw" if shift > 0 else "more often two flaws")
    return [Evidence("learned", wording, None, round(shift, 3))]
