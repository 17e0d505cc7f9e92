"""Settles all records at once: candidates, probabilities, clusters.

The outcome is a function of the set of records and decisions (decision 13 of the design): records are
first put in the order of their sort keys, so the order of arrival cannot matter, not even to ties.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO

import numpy as np
from numpy.typing import NDArray

from clearinghouse.core.policy import DeconflictionThresholds
from clearinghouse.disclosure.deconfliction import rules
from clearinghouse.disclosure.deconfliction.context import bulk_context
from clearinghouse.disclosure.deconfliction.evidence import TOLD, agreement, told, widened
from clearinghouse.disclosure.deconfliction.features import FEATURES, Sides, features
from clearinghouse.disclosure.deconfliction.graph import Graph
from clearinghouse.disclosure.deconfliction.identifiers import Edges, umbrella_pairs, with_identifiers
from clearinghouse.disclosure.deconfliction.matching import Matcher, ladders
from clearinghouse.disclosure.deconfliction.packing import F32, I32, Pack, masses, pack
from clearinghouse.disclosure.deconfliction.records import Verdict
from clearinghouse.disclosure.deconfliction.retrieval import retrieve
from clearinghouse.disclosure.deconfliction.scoring import Scorer
from clearinghouse.disclosure.deconfliction.signature import Signature
from clearinghouse.disclosure.deconfliction.standing import standings
from clearinghouse.disclosure.deconfliction.weighing import SILENT, Spoken, with_traces

Progress = Callable[[str, int, int], None]
"""Told the stage, how much is done and of how much."""
Observer = Callable[[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.float64], F32], None]
"""Shown the judged pairs: numbers of both records, the model's probability before correction and calibration, what it read (0 where that is not in `evidence.TOLD`)."""
_PAIRS = 50_000
_ROWS_IN_MEMORY = 200_000_000
"""Bytes of features that wait in memory for the later stages; the rest waits in a file: at 400,000 records it is a gigabyte."""
_NAMED_RANKING = np.float32(0.005)
"""Where a bulletin stands among the candidates shown: behind what could be the same flaw."""
RELATIONS = (Verdict.NEW, Verdict.DUPLICATE, Verdict.VARIANT, Verdict.RELATED, Verdict.UNSURE)
"""How a relation is numbered where many are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Settlement:
    """Where every record stands, in the order the records were handed in."""

    clusters: NDArray[np.uint32]
    """Document number that names the record's cluster: that of its member with the smallest sort key."""
    candidates: NDArray[np.uint32]
    """Rows of document numbers, best first; `candidates_count` of each row count."""
    candidates_count: NDArray[np.int32]
    probabilities: F32
    """Calibrated, aligned with `candidates`."""
    relations: NDArray[np.uint8]
    """What each shown pair amounts to, as its place in `RELATIONS`; aligned with `candidates`."""
    standings: NDArray[np.void]
    """One `STANDING` a record; `.tobytes()` of an element is what `place` wants back."""
    graph: Graph
    """The judged pairs, from which clusters follow."""

    def arranged(self, order: NDArray[np.int64]) -> "Settlement":
        """The same for records in the order they had before they were put into `order`."""
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return Settlement(self.clusters[back], self.candidates[back], self.candidates_count[back], self.probabilities[back],
                          self.relations[back], self.standings[back], self.graph)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """All candidate pairs by place in the order of sort keys, and what the stages made of them."""

    a: I32
    b: I32
    first: F32
    kept: NDArray[np.int64]
    """Which candidates the first stage let through; what follows is of these."""
    second: F32
    """Second-stage probability."""
    raw: NDArray[np.float64]
    """Of the last stage, before correction and calibration."""
    probability: F32
    told: F32
    """What rules and observers read of the features; see `evidence.told`."""
    masses: F32
    """Of each record, as `ladder`."""
    ladder: F32


@dataclass(frozen=True, slots=True, eq=False)
class Ordered:
    """Records in the order of their sort keys."""

    numbers: NDArray[np.uint32]
    signatures: Sequence[Signature]
    """Names and identifiers are enough."""
    packed: Pack
    """The same."""
    says_where: Sequence[bool]
    """Of each whether it says where, as `Signature.has_locus`."""
    loci: Sequence[NDArray[np.uint64]] | None


def settle(
    signatures: Sequence[Signature],
    documents: NDArray[np.uint32],
    scorer: Scorer,
    thresholds: DeconflictionThresholds,
    sort_keys: Sequence[bytes] | Sequence[str],
    must: Iterable[tuple[int, int]] = (),
    cannot: Iterable[tuple[int, int]] = (),
    progress: Progress | None = None,
    loci: Sequence[NDArray[np.uint64]] | None = None,
    observer: Observer | None = None,
) -> Settlement:
    """Clusters, candidates and standings of a set of records.

    Args:
        loci: for each record its traces, hashed (see `traces`); None where they are not known.
        documents: numbers that callers know the records by; no two alike.
        sort_keys: one for each record, from content (a digest), no two alike.
        must, cannot: pairs of document numbers a person joined or held apart.
    """
    order = np.array(sorted(range(len(signatures)), key=sort_keys.__getitem__), np.int64)
    ordered = [signatures[place] for place in order]
    packed = pack(ordered)
    records = Ordered(documents[order].astype(np.uint32), ordered, packed, [one.has_locus() for one in ordered],
                      None if loci is None else [loci[place] for place in order])
    return conclude(records, judge_pairs(packed, scorer, progress), scorer, thresholds, must, cannot, progress, observer=observer).arranged(order)


def conclude(
    records: Ordered, judged: Judged, scorer: Scorer, thresholds: DeconflictionThresholds, must: Iterable[tuple[int, int]] = (),
    cannot: Iterable[tuple[int, int]] = (), progress: Progress | None = None,
    clustered: Callable[[Graph], NDArray[np.uint32]] | None = None, observer: Observer | None = None,
) -> Settlement:
    """What follows from judged pairs by rules and decisions; in the order of the records.

    Args:
        clustered: finds the clusters of the graph where that is done elsewhere; they are what `Graph.clusters` would find.
    """
    numbers, packed, a, b, kept = records.numbers, records.packed, judged.a, judged.b, judged.kept
    if observer is not None:
        observer(numbers[a[kept]], numbers[b[kept]], judged.raw, widened(judged.told))
    # Pairs the first stage dropped are ranked behind all it kept, and never linked.
    ranking = np.minimum(judged.first, np.float32(scorer.sieve_min)) * np.float32(0.01)
    edges, spoken = Edges(a[kept], b[kept], judged.probability), dict[tuple[int, int], Spoken]()
    if records.loci is not None:
        edges, spoken = with_traces(edges, records.signatures, records.loci, thresholds)
    edges, named = with_identifiers(packed, edges, thresholds.umbrella_identifiers_min)
    if progress is not None:
        progress("cluster", 0, 1)
    graph = Graph(numbers, edges.a, edges.b, edges.probabilities, named)
    clusters = graph.clusters(thresholds.cluster_probability_min, must, cannot) if clustered is None else clustered(graph)
    below = np.ones(len(a), bool)
    below[kept] = False
    # A pair that was dropped and then brought back by a rule is ranked by the rule.
    below &= ~np.isin(a.astype(np.int64) * len(packed) + b, edges.a.astype(np.int64) * len(packed) + edges.b)
    welded = umbrella_pairs(packed, thresholds.umbrella_identifiers_min)
    words = _relations(packed, edges, judged, records.says_where, named, spoken, welded, thresholds)
    # A bulletin is shown beside what it names although it joins nothing.
    welded = np.setdiff1d(welded, edges.a.astype(np.int64) * len(packed) + edges.b, assume_unique=True)
    below &= ~np.isin(a.astype(np.int64) * len(packed) + b, welded)
    top, count, values, amounts = _shown(
        len(packed), np.concatenate((edges.a, a[below], (welded // len(packed)).astype(np.int32))),
        np.concatenate((edges.b, b[below], (welded % len(packed)).astype(np.int32))),
        np.concatenate((edges.probabilities, ranking[below], np.full(len(welded), _NAMED_RANKING, np.float32))),
        np.concatenate((words, np.zeros(int(below.sum()), np.uint8), np.full(len(welded), RELATIONS.index(Verdict.RELATED), np.uint8))),
        thresholds.candidates_shown_max,
    )
    stand = standings(judged.masses, judged.ladder, numbers, a[kept], b[kept], judged.first[kept], judged.second,
                      packed.catalogues, packed.entries)
    if progress is not None:
        progress("cluster", 1, 1)
    return Settlement(clusters, numbers[top], count, values, amounts, stand, graph)


def judge_pairs(packed: Pack, scorer: Scorer, progress: Progress | None = None) -> Judged:
    """Candidates of a pack, what each stage made of them, and what the rules read of those that were judged."""
    weights = scorer.background.weights(packed.vocabulary, packed.counts, len(packed))
    found = retrieve(packed, weights, None if progress is None else lambda done, of: progress("retrieve", done, of))
    matcher, mass = Matcher(packed, weights), masses(packed, weights)
    ladder = ladders(len(packed), found.a, found.b, found.scores)
    first = np.empty(len(found.a), np.float32)
    kept: list[NDArray[np.int64]] = []
    with SpooledTemporaryFile(_ROWS_IN_MEMORY) as rows:
        for begin in range(0, len(found.a), _PAIRS):
            part = slice(begin, begin + _PAIRS)
            table = pair_features(packed, matcher, mass, ladder, found.a[part], found.b[part], found.scores[part])
            first[part] = scorer.sieve.predict(table)
            through = np.flatnonzero(first[part] >= scorer.sieve_min)
            kept.append(through + begin)
            rows.write(table[through].tobytes())
            if progress is not None:
                progress("compare", min(begin + _PAIRS, len(found.a)), len(found.a))
        chosen = np.concatenate(kept) if kept else np.zeros(0, np.int64)
        del matcher
        a, b = found.a[chosen], found.b[chosen]
        around = bulk_context(a, b, first[chosen].astype(np.float64), packed.catalogues, packed.entries)
        # Rounded: LightGBM and numpy add the trees up in another order, and equals must stay equal to be ranked alike.
        second = np.zeros(len(chosen), np.float32)
        for part, block in _read(rows, len(chosen)):
            second[part] = scorer.judge.predict(np.hstack((block, around[part])))
        again = bulk_context(a, b, second.astype(np.float64), packed.catalogues, packed.entries)
        raw, probability, told_ = np.zeros(len(chosen)), np.zeros(len(chosen), np.float32), np.zeros((len(chosen), len(TOLD)), np.float32)
        for part, block in _read(rows, len(chosen)):
            whole = np.hstack((block, around[part], again[part]))
            raw[part] = scorer.appeal.predict(whole)
            probability[part], told_[part] = scorer.calibrate(raw[part], whole), told(whole)
    return Judged(found.a, found.b, first, chosen, second, raw, probability, told_, mass, ladder)


def _read(rows: IO[bytes], count: int) -> Iterator[tuple[slice, F32]]:
    """The rows of features in portions, from the first."""
    rows.seek(0)
    for begin in range(0, count, _PAIRS):
        part = slice(begin, min(begin + _PAIRS, count))
        size = (part.stop - begin) * len(FEATURES)
        yield part, np.frombuffer(rows.read(4 * size), np.float32).reshape(-1, len(FEATURES))


def pair_features(packed: Pack, matcher: Matcher, mass: F32, ladder: F32, a: I32, b: I32, scores: F32) -> F32:
    """Pair features of some pairs of a pack."""

    def side(rows: I32) -> Sides:
        return Sides(mass[rows], packed.days[rows], packed.metrics[rows], packed.lengths[rows], ladder[rows],
                     packed.catalogues[rows], packed.entries[rows])

    return features(matcher.match(a, b), side(a), side(b), scores)


def _relations(
    packed: Pack, edges: Edges, judged: Judged, locus: Sequence[bool], named: I32, spoken: dict[tuple[int, int], Spoken],
    welded: NDArray[np.int64], thresholds: DeconflictionThresholds,
) -> NDArray[np.uint8]:
    """What each edge amounts to, by `rules.relation`."""
    most, records = thresholds.umbrella_identifiers_min, len(packed)
    kept = judged.a[judged.kept].astype(np.int64) * records + judged.b[judged.kept]
    wanted = edges.a.astype(np.int64) * records + edges.b
    order = np.argsort(kept)
    places = np.minimum(np.searchsorted(kept[order], wanted), max(len(kept) - 1, 0))
    rows = np.where(kept[order][places] == wanted, order[places], -1) if len(kept) else np.full(len(wanted), -1)
    shares = np.isin(wanted, welded).tolist()
    found = np.zeros(len(wanted), np.uint8)
    pairs = zip(edges.a.tolist(), edges.b.tolist(), edges.probabilities.tolist(), rows.tolist(), strict=True)
    for at, (one, other, probability, row) in enumerate(pairs):
        ours, theirs = int(named[one]), int(named[other])
        same = None if ours < 0 or theirs < 0 else ours == theirs
        umbrella = bool(packed.vulnerabilities[one] >= most or packed.vulnerabilities[other] >= most)
        said = spoken.get((one, other), SILENT)
        says = said.place or bool(locus[one] and locus[other])
        if row >= 0:
            agreed = agreement(judged.told[row], same_identifier=same, shares_name=shares[at], umbrella=umbrella, locus=says, kinship=said.kinship)
        else:
            # A pair that only a rule brought together: an identifier, or traces.
            traced = said is not SILENT
            agreed = rules.Agreement(True if same is None and not traced else same, not traced, umbrella, locus=says, kinship=said.kinship)
        found[at] = RELATIONS.index(rules.relation(probability, agreed, thresholds))
    return found


def _shown(
    records: int, a: I32, b: I32, ranking: F32, words: NDArray[np.uint8], shown: int
) -> tuple[I32, NDArray[np.int32], F32, NDArray[np.uint8]]:
    """The best candidates of each record."""
    left, right = np.concatenate((a, b)), np.concatenate((b, a))
    both, said = np.concatenate((ranking, ranking)), np.concatenate((words, words))
    order = np.lexsort((right, -both, left))
    left, right, both, said = left[order], right[order], both[order], said[order]
    rank = np.arange(len(left)) - np.searchsorted(left, left)
    near = rank < shown
    top, values = np.zeros((records, shown), np.int32), np.zeros((records, shown), np.float32)
    amounts = np.zeros((records, shown), np.uint8)
    top[left[near], rank[near]] = right[near]
    values[left[near], rank[near]] = both[near]
    amounts[left[near], rank[near]] = said[near]
    return top, np.minimum(np.bincount(left, minlength=records), shown).astype(np.int32), values, amounts
