"""What edges do next to people's words: they give way, they never chain through what is held apart, and no order matters."""

from datetime import UTC, datetime
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from clearinghouse.disclosure.deconfliction.execution.records import Effect, Effects, ExecutionEdge, Said, Strength
from clearinghouse.disclosure.deconfliction.execution.rules import contradictions, effects, evidence_of, overlaid
from clearinghouse.disclosure.deconfliction.graph import Graph

NOW = datetime(2026, 11, 21, tzinfo=UTC)
STRONG, MEDIUM, WEAK, DIFFERENT = Strength.STRONG, Strength.MEDIUM, Strength.WEAK, Strength.DIFFERENT


def edge(one: int, other: int, strength: Strength = STRONG, name: str = "") -> ExecutionEdge:
    return ExecutionEdge(name or f"{one}{strength.value[0]}{other}", Said(one, other, strength, "sha256:00"), NOW)


def plain(found: Effects) -> tuple[set[tuple[int, int]], ...]:
    """What is joined, held apart and asked."""
    return set(found.joined), set(found.apart), set(found.asked)


def test_each_strength_has_its_effect() -> None:
    found = effects([edge(1, 2), edge(3, 4, MEDIUM), edge(5, 6, WEAK), edge(7, 8, DIFFERENT)], (), ())
    assert plain(found) == ({(1, 2)}, {(7, 8)}, {(3, 4)})
    assert list(found.of.values()) == [Effect.JOINS, Effect.ASKS, Effect.SHOWN, Effect.SEPARATES]


def test_a_person_outranks_every_edge() -> None:
    found = effects([edge(1, 2), edge(3, 4, MEDIUM), edge(7, 8, DIFFERENT)], {(7, 8)}, {(1, 2), (3, 4)})
    assert plain(found) == (set(), set(), set())
    assert set(found.of.values()) == {Effect.OUTRANKED}


def test_a_difference_gives_way_to_merges_that_join_by_way_of_a_third() -> None:
    assert effects([edge(1, 3, DIFFERENT)], {(1, 2), (2, 3)}, ()).apart == frozenset()


def test_a_chain_through_a_difference_joins_nothing_between_and_asks() -> None:
    found = effects([edge(1, 2), edge(2, 3), edge(2, 9), edge(1, 3, DIFFERENT)], (), ())
    assert plain(found) == ({(2, 9)}, {(1, 3)}, {(1, 2), (2, 3)})
    assert found.of["1s2"] is Effect.CONTRADICTED


def test_a_chain_through_what_a_person_held_apart_joins_nothing_between() -> None:
    found = effects([edge(1, 2), edge(2, 3)], (), {(1, 3)})
    assert plain(found)[::2] == (set(), {(1, 2), (2, 3)})


def test_a_chain_over_a_merge_gives_way_and_the_merge_stays() -> None:
    # A person joined 2 and 3; runs say 1 is 2 and is not 3.
    found = effects([edge(1, 2), edge(1, 3, DIFFERENT)], {(2, 3)}, ())
    assert plain(found)[:2] == (set(), {(1, 3)})


def test_the_same_pair_strong_and_different_is_held_apart_and_shown() -> None:
    found = effects([edge(1, 2), edge(1, 2, DIFFERENT)], (), ())
    assert plain(found)[:2] == (set(), {(1, 2)})
    lines = [line.wording for line in evidence_of([edge(1, 2), edge(1, 2, DIFFERENT)], found, together=False)]
    assert lines == [
        "execution: the patch for each stops the reproducer of the other; not joined, for something else holds them or others of the chain apart",
        "execution: the patch for one stops all its reproducers and leaves the other's as they were",
    ]


def test_the_conflict_with_a_person_is_said() -> None:
    found = effects([edge(1, 2)], (), {(1, 2)})
    [line] = evidence_of([edge(1, 2)], found, together=False)
    assert line.wording.endswith("a person held them apart")


def test_what_execution_joins_reads_as_a_duplicate_and_what_it_asks_as_unsure() -> None:
    kept = [(7, 0.9, 1), (8, 0.4, 0), (9, 0.3, 4)]
    assert overlaid(kept, [8], [7, 9, 3], duplicate=1, unsure=4) == [(7, 0.9, 1), (8, 0.4, 1), (9, 0.3, 4), (3, 0.0, 4)]


pairs = st.sets(st.sampled_from(list(combinations(range(6), 2))), max_size=8)


@settings(max_examples=300)
@given(pairs, pairs, pairs, pairs, pairs, st.randoms(use_true_random=False))
def test_whatever_is_said_people_stand_and_order_does_not_matter(
    strong: set[tuple[int, int]], medium: set[tuple[int, int]], different: set[tuple[int, int]], must: set[tuple[int, int]],
    cannot: set[tuple[int, int]], random: object,
) -> None:
    cannot -= must
    edges = [edge(*pair, strength) for strength, found in ((STRONG, strong), (MEDIUM, medium), (DIFFERENT, different)) for pair in found]
    found = effects(edges, must, cannot)
    random.shuffle(edges)  # type: ignore[attr-defined]
    assert effects(edges, must, cannot) == found
    assert found.joined.isdisjoint(cannot | found.apart)
    assert found.apart.isdisjoint(must)
    assert found.asked.isdisjoint(found.joined | cannot | found.apart)
    # Nothing that execution joins leads from one end of what is held apart to the other.
    assert not contradictions(found.joined, cannot | found.apart, must)


def graph(named: list[int]) -> Graph:
    nothing = np.zeros(0, np.int32)
    return Graph(np.arange(len(named), dtype=np.uint32), nothing, nothing, np.zeros(0, np.float32), np.array(named, np.int32))


def test_execution_never_joins_two_numbers_of_different_names_and_a_person_may() -> None:
    named = graph([7, -1, 8, -1])
    assert named.clusters(0.5, joined={(0, 1), (1, 2)}).tolist() == [0, 1, 2, 3]
    assert named.clusters(0.5, joined={(0, 1), (1, 3)}).tolist() == [0, 0, 2, 0]
    assert named.clusters(0.5, must={(0, 2)}).tolist() == [0, 1, 0, 3]
