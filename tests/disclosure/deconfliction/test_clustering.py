"""Clusters depend on the set of edges, never on their order, and never break what a person said."""

from collections.abc import Iterable
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clearinghouse.disclosure.deconfliction.clustering import cluster

RECORDS = 9
PAIRS = [(a, b) for a in range(RECORDS) for b in range(a + 1, RECORDS)]
pairs = st.sampled_from(PAIRS)
edge_sets = st.dictionaries(pairs, st.floats(0.0, 1.0, width=32), max_size=25)


def labels(
    edges: dict[tuple[int, int], float], threshold: float = 0.5, must: Iterable[tuple[int, int]] = (),
    cannot: Iterable[tuple[int, int]] = (), labelled: NDArray[np.int32] | None = None,
) -> list[int]:
    ends = list(edges)
    found: list[int] = cluster(
        RECORDS, np.array([a for a, _ in ends], np.int32), np.array([b for _, b in ends], np.int32),
        np.array([edges[end] for end in ends], np.float32), threshold, must, cannot, labelled,
    ).tolist()
    return found


def test_a_chain_is_not_welded_by_its_links() -> None:
    # 0-1 and 1-2 are likely, 0-2 was never a candidate: the mean of (1-2, 0-2) is .4.
    assert labels({(0, 1): 0.9, (1, 2): 0.8}) == [0, 0, 2, 3, 4, 5, 6, 7, 8]


def test_the_most_probable_pair_joins_first() -> None:
    assert labels({(0, 1): 0.7, (1, 2): 0.9}) == [0, 1, 1, 3, 4, 5, 6, 7, 8]


def test_a_person_joins_what_no_edge_joins() -> None:
    assert labels({}, must=[(3, 5)]) == [0, 1, 2, 3, 4, 3, 6, 7, 8]


def test_a_no_outlasts_a_yes() -> None:
    assert labels({(0, 1): 1.0}, must=[(0, 1)], cannot=[(0, 1)]) == list(range(RECORDS))


def test_different_labels_stay_apart_through_a_third() -> None:
    named = np.array([7, -1, 8] + [-1] * 6, np.int32)
    found = labels({(0, 1): 0.95, (1, 2): 0.9, (0, 2): 0.9}, labelled=named)
    assert found[:3] == [0, 0, 2]


@given(edge_sets, st.randoms(use_true_random=False), st.floats(0.1, 0.9))
def test_order_of_edges_does_not_matter(edges: dict[tuple[int, int], float], random: Random, threshold: float) -> None:
    shuffled = list(edges)
    random.shuffle(shuffled)
    assert labels({end: edges[end] for end in shuffled}, threshold) == labels(edges, threshold)


@given(edge_sets, st.sets(pairs, max_size=6), st.sets(pairs, max_size=6))
def test_cannot_is_never_violated_and_must_only_by_cannot(edges: dict[tuple[int, int], float], must: set[tuple[int, int]], cannot: set[tuple[int, int]]) -> None:
    found = labels(edges, must=must, cannot=cannot)
    assert all(found[a] != found[b] for a, b in cannot)
    if not cannot:
        assert all(found[a] == found[b] for a, b in must)


@given(edge_sets, st.lists(st.integers(-1, 2), min_size=RECORDS, max_size=RECORDS))
def test_clusters_hold_one_label(edges: dict[tuple[int, int], float], named: list[int]) -> None:
    found = labels(edges, labelled=np.array(named, np.int32))
    for name in set(found):
        assert len({named[at] for at in range(RECORDS) if found[at] == name} - {-1}) <= 1


@settings(max_examples=50)
@given(edge_sets)
def test_joined_groups_have_reached_the_threshold_at_their_last_join(edges: dict[tuple[int, int], float]) -> None:
    found = labels(edges, 0.5)
    for name in set(found):
        members = [at for at in range(RECORDS) if found[at] == name]
        if len(members) == 2:
            assert edges[members[0], members[1]] >= 0.5
