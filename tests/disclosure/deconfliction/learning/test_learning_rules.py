"""Which decisions count, what departs, and that what is held back keeps every cluster people touched as it was."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.disclosure.deconfliction import rules
from clearinghouse.disclosure.deconfliction.graph import Graph
from clearinghouse.disclosure.deconfliction.learning.records import Difference, Proposal, ProposalKind
from clearinghouse.disclosure.deconfliction.learning.rules import Word, countable, decided_pairs, differences, held, narrowed
from clearinghouse.disclosure.deconfliction.records import DecisionKind

MERGE, SPLIT, NOT_SAME = DecisionKind.MERGE, DecisionKind.SPLIT, DecisionKind.NOT_SAME


def test_decision_that_speaks_of_a_report_under_embargo_teaches_nothing() -> None:
    words = [(MERGE, ((1, 2),)), (NOT_SAME, ((3,), (4, 5))), (SPLIT, ((6,), (7,)))]
    assert countable(words, {5}) == [words[0], words[2]]
    assert countable(words, set()) == words


def test_decided_pairs_follow_the_last_word() -> None:
    words = [(MERGE, ((1, 2, 3),)), (NOT_SAME, ((1,), (3,))), (NOT_SAME, ((4,), (5,)))]
    assert decided_pairs(words, 50) == {(1, 2): (True, 0), (2, 3): (True, 0), (1, 3): (False, 1), (4, 5): (False, 2)}


def test_one_decision_counts_for_a_bounded_number_of_pairs_spread_over_its_reports() -> None:
    found = decided_pairs([(MERGE, (tuple(range(40)),)), (NOT_SAME, ((50,), (51,)))], 10)
    assert len(found) == 11
    assert found[50, 51] == (False, 1)
    assert len({number for pair in found for number in pair}) > 12


def test_difference_names_what_leaves_what_joins_and_nothing_people_left_alone() -> None:
    before = {1: 1, 2: 1, 3: 1, 4: 4, 5: 4, 6: 6, 7: 6, 8: 8}
    after = {1: 1, 2: 1, 3: 3, 4: 1, 5: 1, 6: 6, 7: 7, 8: 6, 9: 1}
    assert differences(before, after, {2}) == [
        Difference(ProposalKind.JOIN, ((1, 2, 3), (4, 5))), Difference(ProposalKind.PART, ((3,), (1, 2))),
    ]
    assert differences(before, after, {5}) == [Difference(ProposalKind.JOIN, ((1, 2, 3), (4, 5)))]
    assert differences(before, after, set()) == []
    assert differences(before, before, set(before)) == []


def test_what_waits_holds_as_the_difference_does() -> None:
    join, part = Difference(ProposalKind.JOIN, ((1, 2), (3,))), Difference(ProposalKind.PART, ((4,), (5, 6)))
    waiting = [Proposal("prp_x", one, 1, 3, 0.1, 0.9, "a", "b", datetime(2026, 11, 21, tzinfo=UTC)) for one in (join, part)]
    assert held(waiting) == held([join, part]) == [(NOT_SAME, ((1, 2), (3,))), (MERGE, ((4, 5, 6),))]


@pytest.mark.parametrize(("difference", "clusters", "wanted"), [
    (Difference(ProposalKind.PART, ((3,), (1, 2))), {1: 1, 2: 1, 3: 1}, Difference(ProposalKind.PART, ((3,), (1, 2)))),
    # Somebody took 2 out: it is no longer asked whether it stays.
    (Difference(ProposalKind.PART, ((3,), (1, 2))), {1: 1, 2: 2, 3: 1}, Difference(ProposalKind.PART, ((3,), (1,)))),
    (Difference(ProposalKind.PART, ((3,), (1, 2))), {1: 1, 2: 1, 3: 3}, None),
    (Difference(ProposalKind.JOIN, ((1, 2), (3, 4))), {1: 1, 2: 2, 3: 3, 4: 3}, Difference(ProposalKind.JOIN, ((1,), (3, 4)))),
    (Difference(ProposalKind.JOIN, ((1, 2), (3, 4))), {1: 1, 2: 1, 3: 1, 4: 1}, None),
    (Difference(ProposalKind.JOIN, ((1, 2), (3, 4))), {1: 1, 2: 2, 3: 1, 4: 1}, None),
    (Difference(ProposalKind.JOIN, ((1, 2), (3, 4))), {1: 1, 2: 1, 3: 1, 4: 4}, None),
])
def test_what_is_left_of_a_difference_after_people_moved_reports(difference: Difference, clusters: dict[int, int], wanted: Difference | None) -> None:
    assert narrowed(difference, clusters) == wanted


def test_newcomers_are_no_difference() -> None:
    assert differences({1: 1}, {1: 1, 2: 1}, {1}) == []


numbers = st.integers(1, 12)
partitions = st.lists(st.integers(0, 4), min_size=12, max_size=12).map(
    lambda labels: {number: min(n for n in range(1, 13) if labels[n - 1] == labels[number - 1]) for number in range(1, 13)}
)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    pairs = draw(st.dictionaries(
        st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda pair: pair[0] < pair[1]), st.floats(0.05, 1.0), max_size=30
    ))
    ends = np.array(sorted(pairs), np.int32).reshape(-1, 2)
    return Graph(
        np.arange(1, 13, dtype=np.uint32), ends[:, 0], ends[:, 1], np.array([pairs[key] for key in sorted(pairs)], np.float32),
        np.full(12, -1, np.int32),
    )


def clusters(graph: Graph, words: Sequence[Word]) -> dict[int, int]:
    return dict(zip(graph.documents.tolist(), graph.clusters(0.4, *rules.bounds(words)).tolist(), strict=True))


def groups(of: Mapping[int, int], touched: set[int]) -> set[frozenset[int]]:
    """The clusters in which a touched report is."""
    return {frozenset(n for n in of if of[n] == of[one]) for one in touched}


@given(partitions, graphs(), st.sets(numbers, max_size=5))
def test_what_proposals_hold_keeps_every_touched_cluster_whatever_the_model_says(before: dict[int, int], graph: Graph, touched: set[int]) -> None:
    found: list[Difference] = []
    while fresh := [one for one in differences(before, clusters(graph, held(found)), touched) if one not in found]:
        found += fresh
    assert groups(clusters(graph, held(found)), touched) == groups(before, touched)


@given(partitions, graphs(), st.sets(numbers, min_size=1, max_size=5))
def test_a_persons_later_word_outranks_what_is_held(before: dict[int, int], graph: Graph, touched: set[int]) -> None:
    found = differences(before, clusters(graph, []), touched)
    for one in found:
        joined = tuple(sorted((*one.groups[0], *one.groups[1])))
        of = clusters(graph, [*held([one]), (MERGE, (joined,))])
        assert len({of[number] for number in joined}) == 1
        of = clusters(graph, [*held([one]), (SPLIT, one.groups)])
        assert not {of[number] for number in one.groups[0]} & {of[number] for number in one.groups[1]}
