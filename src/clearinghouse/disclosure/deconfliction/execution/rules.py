"""What edges do to clusters, next to what people decided. Pure, and a function of the sets: neither order nor number of runs matters.

1. A person's word outranks every edge of the same pair, and of a pair that people joined by a chain of merges.
2. DIFFERENT holds apart.
3. STRONG joins, unless the chain it is part of leads to two reports that are held apart: then the strong edges between those two
   join nothing, and a person is shown the pairs. What merely hangs on such a chain is joined as it would be.
4. MEDIUM asks a person. WEAK is shown.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Any, TypeVar

from clearinghouse.disclosure.deconfliction.execution.records import Effect, Effects, ExecutionEdge, Strength
from clearinghouse.disclosure.deconfliction.records import Evidence

Pair = tuple[int, int]
_End = TypeVar("_End", bound=Hashable)
_SAYS = {
    Strength.STRONG: "execution: the patch for each stops the reproducer of the other",
    Strength.MEDIUM: "execution: the patch for one stops the reproducer of the other",
    Strength.WEAK: "execution: the crashes are alike, and no patch speaks for it",
    Strength.DIFFERENT: "execution: the patch for one stops all its reproducers and leaves the other's as they were",
}
_BECAUSE = {
    (Strength.STRONG, Effect.OUTRANKED): "; a person held them apart",
    (Strength.STRONG, Effect.CONTRADICTED): "; not joined, for something else holds them or others of the chain apart",
    (Strength.MEDIUM, Effect.OUTRANKED): "; a person held them apart",
    (Strength.DIFFERENT, Effect.OUTRANKED): "; a person joined them all the same",
}
_WORTH = {Strength.STRONG: 6.0, Strength.MEDIUM: 1.5, Strength.WEAK: 0.5, Strength.DIFFERENT: -6.0}
"""Where a line stands among the evidence, as identifiers have it; the probability stays the model's."""


def effects(edges: Iterable[ExecutionEdge], must: Collection[Pair], cannot: Collection[Pair]) -> Effects:
    """What edges that stand do.

    Args:
        must, cannot: pairs that people joined and held apart.
    """
    edges = list(edges)
    merged = labels(must)
    held, joined_by_people = set(cannot), set(must)

    def together(pair: Pair) -> bool:
        return pair in joined_by_people or (pair[0] in merged and merged[pair[0]] == merged.get(pair[1]))

    apart = {edge.pair for edge in edges if edge.said.strength is Strength.DIFFERENT and not together(edge.pair)}
    strong = {edge.pair for edge in edges if edge.said.strength is Strength.STRONG} - held
    dropped = {pair for _, between in contradictions(strong, held | apart, must) for pair in between}
    joined = strong - dropped
    asked = ({edge.pair for edge in edges if edge.said.strength is Strength.MEDIUM} | dropped) - held - apart - joined
    of: dict[str, Effect] = {}
    for edge in edges:
        match edge.said.strength:
            case Strength.STRONG:
                of[edge.id] = Effect.OUTRANKED if edge.pair in held else Effect.JOINS if edge.pair in joined else Effect.CONTRADICTED
            case Strength.MEDIUM:
                of[edge.id] = Effect.OUTRANKED if edge.pair in held else Effect.ASKS
            case Strength.DIFFERENT:
                of[edge.id] = Effect.SEPARATES if edge.pair in apart else Effect.OUTRANKED
            case Strength.WEAK:
                of[edge.id] = Effect.SHOWN
    return Effects(frozenset(joined), frozenset(apart), frozenset(asked), of)


def contradictions(
    strong: Collection[tuple[_End, _End]], different: Iterable[tuple[_End, _End]], firm: Collection[tuple[_End, _End]] = ()
) -> list[tuple[tuple[_End, _End], list[tuple[_End, _End]]]]:
    """For each pair that is different and yet chained together: the pair, and the strong pairs that could lie between its ends.

    Args:
        firm: pairs that chain, too, and stay whatever is found.
    """
    strong = set(strong)
    label = labels([*strong, *firm])
    found = []
    for one, other in sorted(set(different), key=str):
        if one in label and label[one] == label.get(other):
            chain = {pair for pair in (*strong, *firm) if label[pair[0]] == label[one]}
            between = _between(one, other, chain) & strong
            if between:
                found.append(((one, other), sorted(between, key=str)))
    return found


def labels(pairs: Iterable[tuple[_End, _End]]) -> dict[_End, _End]:
    """For each end of some pairs, one that stands for all it is chained to."""
    parent: dict[_End, _End] = {}

    def find(one: _End) -> _End:
        while parent.setdefault(one, one) != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for one, other in pairs:
        first, second = find(one), find(other)
        if first != second:
            low, high = sorted((first, second), key=_order)
            parent[high] = low
    return {end: find(end) for end in list(parent)}


def evidence_of(edges: Iterable[ExecutionEdge], found: Effects, *, together: bool) -> list[Evidence]:
    """Lines of evidence for the edges of one pair.

    Args:
        together: whether the two are in one cluster: an edge that would join and did not was stopped by something else.
    """
    lines = {}
    for edge in edges:
        effect = found.of[edge.id]
        if effect is Effect.JOINS and not together:
            effect = Effect.CONTRADICTED
        strength = edge.said.strength
        lines[strength] = Evidence("execution", _SAYS[strength] + _BECAUSE.get((strength, effect), ""), None, _WORTH[strength])
    return [lines[strength] for strength in Strength if strength in lines]


def _order(end: Any) -> Any:
    return (0, end, "") if isinstance(end, int) else (1, 0, str(end))


def _between(one: _End, other: _End, chain: set[tuple[_End, _End]]) -> set[tuple[_End, _End]]:
    """Of pairs that hold together, those that could lie between two ends: what merely hangs on is left out."""
    left = set(chain)
    while True:
        degree = defaultdict[_End, int](int)
        for pair in left:
            for end in pair:
                degree[end] += 1
        hanging = {pair for pair in left if any(degree[end] == 1 and end not in (one, other) for end in pair)}
        if not hanging:
            return left
        left -= hanging


def overlaid(
    candidates: Sequence[tuple[int, float, int]], joined: Sequence[int], asked: Sequence[int], *, duplicate: int, unsure: int
) -> list[tuple[int, float, int]]:
    """Candidates as they read with what execution says: a pair that is joined is a duplicate, one that asks is at least unsure.

    Args:
        joined, asked: numbers of the reports that execution speaks of; those that text did not find come last, with probability 0.
        duplicate, unsure: how relations are numbered.
    """
    said = {**dict.fromkeys(asked, unsure), **dict.fromkeys(joined, duplicate)}
    found = []
    for number, probability, relation in candidates:
        over = said.pop(number, None)
        found.append((number, probability, relation if over is None or relation == duplicate else over))
    return [*found, *((number, 0.0, relation) for number, relation in sorted(said.items()))]
