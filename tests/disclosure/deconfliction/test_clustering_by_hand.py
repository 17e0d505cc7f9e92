"""Clustering against average linkage written out the slow way: every pair of groups, every time."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearinghouse.disclosure.deconfliction.clustering import EDGE_MIN, cluster

SIZE = 8
places = st.integers(0, SIZE - 1)
pairs = st.tuples(places, places).filter(lambda pair: pair[0] < pair[1])
# Sixteenths, so that sums are exact and a tie is a tie.
weights = st.integers(0, 16).map(lambda part: part / 16)
Pairs = set[tuple[int, int]]


def by_hand(edges: dict[tuple[int, int], float], threshold: float, must: Pairs, cannot: Pairs, names: list[int]) -> list[int]:
    """For each place the smallest of its group."""
    groups: list[set[int]] = [{place} for place in range(SIZE)]
    named = {place: names[place] for place in range(SIZE) if names[place] >= 0}

    def of(place: int) -> set[int]:
        return next(group for group in groups if place in group)

    def blocked(one: set[int], other: set[int]) -> bool:
        return any((a, b) in cannot or (b, a) in cannot for a in one for b in other)

    def join(one: set[int], other: set[int]) -> None:
        kept, gone = sorted((one, other), key=min)
        if min(gone) in named:
            named.setdefault(min(kept), named[min(gone)])
        groups.remove(gone)
        kept |= gone

    for a, b in sorted(must):
        if of(a) is not of(b) and not blocked(of(a), of(b)):
            join(of(a), of(b))
    while True:
        found = []
        for one, other in combinations(groups, 2):
            total = sum(edges.get((min(a, b), max(a, b)), 0.0) for a in one for b in other)
            left, right = sorted((min(one), min(other)))
            apart = blocked(one, other) or (left in named and right in named and named[left] != named[right])
            if total / (len(one) * len(other)) >= threshold and not apart:
                found.append((-total / (len(one) * len(other)), left, right))
        if not found:
            return [min(of(place)) for place in range(SIZE)]
        _, left, right = min(found)
        join(of(left), of(right))


@settings(max_examples=400)
@given(
    st.dictionaries(pairs, weights, max_size=20), st.sampled_from([1 / 16, 0.25, 0.375, 0.5, 0.75]), st.sets(pairs, max_size=4),
    st.sets(pairs, max_size=4), st.lists(st.integers(-1, 2), min_size=SIZE, max_size=SIZE),
)
def test_clusters_are_those_of_average_linkage(
    edges: dict[tuple[int, int], float], threshold: float, must: Pairs, cannot: Pairs, names: list[int]
) -> None:
    ends = sorted(edges)
    a, b = (np.array([pair[side] for pair in ends], np.int32) for side in (0, 1))
    found = cluster(
        SIZE, a, b, np.array([edges[pair] for pair in ends], np.float32), threshold, must, cannot, np.array(names, np.int32)
    )
    assert found.tolist() == by_hand(edges, threshold, must, cannot, names)


def test_edge_below_the_least_counts_as_none_and_one_at_the_threshold_joins() -> None:
    a, b = np.array([0, 1], np.int32), np.array([1, 2], np.int32)
    assert cluster(3, a, b, np.array([0.5, 0.49], np.float32), 0.5).tolist() == [0, 0, 2]
    low = np.array([EDGE_MIN * 0.9, EDGE_MIN * 0.9], np.float32)
    assert cluster(3, a, b, low, EDGE_MIN * 0.5).tolist() == [0, 1, 2]


def test_group_of_many_is_diluted_by_every_pair_that_disagrees() -> None:
    """Three that are one, and a fourth that resembles only one of them: a third of the mean is too little."""
    ends = [(0, 1), (0, 2), (1, 2), (2, 3)]
    a, b = (np.array([pair[side] for pair in ends], np.int32) for side in (0, 1))
    found = cluster(4, a, b, np.array([0.9, 0.9, 0.9, 0.8], np.float32), 0.4)
    assert found.tolist() == [0, 0, 0, 3]
    assert pytest.approx(0.267, abs=0.001) == 0.8 / 3


def two_and_two(last: float, *cannot: tuple[int, int]) -> list[int]:
    """Two twos that join first, and a fifth that resembles each of them by so much, the last of them not at all."""
    edges = {(0, 1): 1.0, (2, 3): 0.9, **{(a, b): 0.8 for a in (0, 1) for b in (2, 3)}, **{(a, 4): last for a in (0, 1, 2)}}
    ends = sorted(edges)
    a, b = (np.array([pair[side] for pair in ends], np.int32) for side in (0, 1))
    found: list[int] = cluster(5, a, b, np.array([edges[pair] for pair in ends], np.float32), 0.4, cannot=cannot).tolist()
    return found


def test_joined_groups_count_with_all_their_members() -> None:
    assert two_and_two(0.5) == [0, 0, 0, 0, 4], "three halves over four are less than .4"
    assert two_and_two(0.6) == [0, 0, 0, 0, 0]


def test_bound_of_any_member_binds_the_joined_group() -> None:
    assert two_and_two(0.6, (3, 4)) == [0, 0, 0, 0, 4]
