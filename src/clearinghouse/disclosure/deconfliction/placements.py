"""Where reports stand: from the judged pairs and the decisions that stand to a cluster and a word for each."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from clearinghouse.disclosure.deconfliction import rules, store
from clearinghouse.disclosure.deconfliction.execution import store as execution
from clearinghouse.disclosure.deconfliction.execution.records import Effects, ExecutionEdge
from clearinghouse.disclosure.deconfliction.execution.rules import effects, overlaid
from clearinghouse.disclosure.deconfliction.graph import Graph
from clearinghouse.disclosure.deconfliction.learning.records import Difference, Proposal
from clearinghouse.disclosure.deconfliction.learning.rules import Word, held
from clearinghouse.disclosure.deconfliction.records import SAMENESS, DecisionKind, Verdict
from clearinghouse.disclosure.deconfliction.settling import RELATIONS
from clearinghouse.storage import Transaction

Pairs = set[tuple[int, int]]
_DUPLICATE, _UNSURE = RELATIONS.index(Verdict.DUPLICATE), RELATIONS.index(Verdict.UNSURE)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What holds reports together and apart, by their numbers: people's words first, then execution's, then what a newer model waits with."""

    must: Pairs = field(default_factory=set)
    cannot: Pairs = field(default_factory=set)
    joined: Pairs = field(default_factory=set)
    """By execution alone."""
    asked: Pairs = field(default_factory=set)
    """Execution would have a person look at them."""

    @property
    def together(self) -> Pairs:
        """All pairs that share a cluster."""
        return self.must | self.joined

    def reading(self) -> "Reading":
        """How candidates read under these."""
        return reading_of(self.joined, self.asked)


@dataclass(frozen=True, slots=True)
class Reading:
    """How candidates read with what execution says."""

    joined: Mapping[int, Sequence[int]]
    asked: Mapping[int, Sequence[int]]

    def of(self, number: int, candidates: Sequence[tuple[int, float, int]]) -> Sequence[tuple[int, float, int]]:
        """The candidates of a report."""
        if number not in self.joined and number not in self.asked:
            return candidates
        return overlaid(candidates, self.joined.get(number, ()), self.asked.get(number, ()), duplicate=_DUPLICATE, unsure=_UNSURE)


def words(decisions: Iterable[store.KeptDecision]) -> list[Word]:
    """Decisions about what is one flaw, without their reasons."""
    return [(DecisionKind(decision.kind), decision.groups) for decision in decisions if decision.kind in SAMENESS]


def reading_of(joined: Collection[tuple[int, int]], asked: Collection[tuple[int, int]]) -> Reading:
    """How candidates read where execution joins some pairs and would have a person look at others."""
    return Reading(partners(set(joined)), partners(set(asked)))


def bounds(decisions: Iterable[store.KeptDecision], proposals: Iterable[Proposal | Difference] = ()) -> tuple[Pairs, Pairs]:
    """Pairs of report numbers that standing decisions join, and those they hold apart.

    Args:
        proposals: those of a newer model that nobody answered yet; they hold what was, as far as no decision says otherwise.
    """
    return rules.bounds([*held(proposals), *words(decisions)])


def people_bounds(tx: Transaction) -> tuple[Pairs, Pairs]:
    """`bounds` of all that people decided, without opening their reasons."""
    standing = store.standing_words(tx)
    return rules.bounds([(DecisionKind(word.kind), word.groups) for word in standing if word.kind in SAMENESS])


def executed(tx: Transaction, numbers: Collection[int]) -> tuple[list[ExecutionEdge], Effects]:
    """Edges that speak of some reports, and what becomes of them; whoever shows one asks whether its viewer reads both reports."""
    spoken = execution.system_of(tx, numbers)
    return spoken, effects(execution.system_standing(tx), *people_bounds(tx)) if spoken else effects((), (), ())


def all_bounds(
    decisions: Iterable[store.KeptDecision], proposals: Iterable[Proposal | Difference] = (), edges: Iterable[ExecutionEdge] = ()
) -> Bounds:
    """The same with what execution says: it gives way to people's words and outranks what a newer model waits with."""
    must, cannot = rules.bounds(words(decisions))
    waiting, parted = rules.bounds(held(proposals))
    found = effects(edges, must, cannot)
    return Bounds(
        must | (waiting - cannot - found.apart), cannot | ((parted - must - found.joined) | found.apart), set(found.joined), set(found.asked)
    )


def word(
    number: int, cluster: int, candidates: Sequence[tuple[int, float, int]], must: Pairs, cannot: Pairs,
) -> tuple[Verdict, float]:
    """What is said of a report next to those received before it, and the probability behind it.

    The founding report of a cluster is `new`, however many follow it. Another is a `duplicate` where a person said so or
    the pair is sure enough, else `unsure`: in the cluster as a proposal.
    """
    earlier = [
        (other, probability, RELATIONS[relation]) for other, probability, relation in candidates
        if other < number and _pair(number, other) not in cannot
    ]
    if cluster != number:
        best = max((probability for _, probability, _ in earlier), default=0.0)
        if _pair(number, cluster) in must or any(_pair(number, other) in must for other, *_ in earlier):
            return Verdict.DUPLICATE, 1.0
        return (Verdict.DUPLICATE if any(said is Verdict.DUPLICATE for *_, said in earlier) else Verdict.UNSURE), best
    best = max((probability for _, probability, _ in earlier), default=0.0)
    said = {relation for *_, relation in earlier}
    if Verdict.DUPLICATE in said or Verdict.UNSURE in said:
        return Verdict.UNSURE, best
    for relation in (Verdict.VARIANT, Verdict.RELATED):
        if relation in said:
            return relation, best
    return Verdict.NEW, best


def provisional(
    number: int, candidates: Sequence[tuple[int, float, int]], clusters: Mapping[int, int], must: Mapping[int, Sequence[int]],
    cannot: Mapping[int, Sequence[int]],
) -> int:
    """The cluster of a report placed since the last settling: where the report it was found to repeat stands by now.

    Args:
        clusters: of the reports received before it, as far as they are placed.
        must, cannot: with whom people joined each report, and from whom they held it apart (`partners`).
    """
    # A "no" outlasts a "yes": not into a cluster that holds somebody it was held apart from.
    apart = {clusters[other] for other in cannot.get(number, ()) if other in clusters}
    joined = next(
        (clusters[other] for other, _, relation in candidates
         if RELATIONS[relation] is Verdict.DUPLICATE and other in clusters and clusters[other] not in apart), number,
    )
    told = (clusters[other] for other in must.get(number, ()) if other in clusters)
    return min([joined, *(cluster for cluster in told if cluster not in apart)])


def partners(pairs: Pairs) -> dict[int, list[int]]:
    """For each report of some pairs, those it is paired with."""
    found: dict[int, list[int]] = {}
    for one, other in pairs:
        found.setdefault(one, []).append(other)
        found.setdefault(other, []).append(one)
    return found


def replace(
    tx: Transaction, graph: Graph, threshold: float, decisions: Sequence[store.KeptDecision], proposals: Sequence[Proposal],
    edges: Sequence[ExecutionEdge],
) -> list[int]:
    """Bring every placement to what graph, decisions, edges and unanswered proposals say; gives the numbers of the reports that moved."""
    all_of = all_bounds(decisions, proposals, edges)
    founding = graph.clusters(threshold, all_of.must, all_of.cannot, all_of.joined)
    standing = all_bounds(decisions, (), edges)
    told, apart, reading = partners(standing.together), partners(standing.cannot), standing.reading()
    clusters = dict(zip(graph.documents.tolist(), founding.tolist(), strict=True))
    changed: list[store.Placement] = []
    moved: list[int] = []
    for kept in store.stream_placements(tx):
        candidates = store.unpack_candidates(kept.candidates)
        if kept.number not in clusters:
            clusters[kept.number] = kept.cluster if kept.settled else provisional(kept.number, candidates, clusters, told, apart)
        cluster = clusters[kept.number]
        said, probability = word(kept.number, cluster, reading.of(kept.number, candidates), standing.must, standing.cannot)
        if (cluster, said) != (kept.cluster, kept.verdict):
            changed.append(store.Placement(kept.number, cluster, said, probability, kept.settled, kept.candidates))
            if cluster != kept.cluster:
                moved.append(kept.number)
    store.write_placements(tx, changed)
    return moved


def _pair(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)
