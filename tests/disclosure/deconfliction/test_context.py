"""Context: what a pair is next to everything else, among it the other entries of the same database."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearinghouse.disclosure.deconfliction.context import CONTEXT, bulk_context
from clearinghouse.disclosure.deconfliction.features import LADDER, Sides, same_catalogue
from clearinghouse.disclosure.deconfliction.packing import MASSES

COLUMN = {name: place for place, name in enumerate(CONTEXT)}
PROBABILITIES = st.floats(0.001, 0.999)
EDGES = st.dictionaries(
    st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda pair: pair[0] < pair[1]), PROBABILITIES, min_size=1, max_size=20
)


def sides(catalogues: list[int], entries: list[int]) -> Sides:
    count = len(catalogues)
    return Sides(
        np.zeros((count, len(MASSES)), np.float32), np.zeros(count, np.int32), np.zeros((count, 8), np.int8),
        np.zeros((count, 2), np.int32), np.zeros((count, len(LADDER)), np.float32), np.array(catalogues, np.uint64),
        np.array(entries, np.uint64),
    )


@pytest.mark.parametrize(("one", "other", "wanted"), [
    ((5, 1), (5, 2), 1.0),  # two entries of one database
    ((5, 1), (6, 1), 0.0),  # entries of two
    ((5, 1), (5, 1), -1.0),  # one entry, imported twice
    ((5, 0), (5, 0), 1.0),  # entries without a name are two
    ((0, 0), (5, 1), -1.0),  # a report and an entry
    ((0, 0), (0, 0), -1.0),  # two reports
])
def test_two_entries_of_one_database(one: tuple[int, int], other: tuple[int, int], wanted: float) -> None:
    a, b = sides([one[0]], [one[1]]), sides([other[0]], [other[1]])
    assert (same_catalogue(a, b).tolist(), same_catalogue(b, a).tolist()) == ([wanted], [wanted])


def rival(edges: dict[tuple[int, int], float], record: int, partner: int, catalogues: list[int], entries: list[int]) -> float:
    """In words: the best pair of `record` with another entry of the database `partner` stands in."""
    best = 0.0
    for (one, other), probability in edges.items():
        if record not in (one, other):
            continue
        third = other if one == record else one
        named = entries[third] == entries[partner] and entries[partner] != 0
        if third != partner and catalogues[third] == catalogues[partner] != 0 and not named:
            best = max(best, probability)
    return best


@given(EDGES, st.lists(st.integers(0, 2), min_size=8, max_size=8), st.lists(st.integers(0, 3), min_size=8, max_size=8))
def test_rivals_are_the_other_entries_of_a_database(
    edges: dict[tuple[int, int], float], catalogues: list[int], entries: list[int]
) -> None:
    pairs = sorted(edges)
    a, b = (np.array([pair[side] for pair in pairs], np.int32) for side in (0, 1))
    values = np.array([edges[pair] for pair in pairs])
    found = bulk_context(a, b, values, np.array(catalogues, np.uint64), np.array(entries, np.uint64))
    for row, (one, other) in zip(found, pairs, strict=True):
        both = sorted((rival(edges, one, other, catalogues, entries), rival(edges, other, one, catalogues, entries)))
        assert [row[COLUMN["first_rival_least"]], row[COLUMN["first_rival_most"]]] == pytest.approx(both, abs=1e-6)
    # Which record of a pair is named first does not matter.
    again = bulk_context(b, a, values, np.array(catalogues, np.uint64), np.array(entries, np.uint64))
    np.testing.assert_allclose(again, found, atol=1e-6)


@given(EDGES)
def test_without_databases_nothing_rivals(edges: dict[tuple[int, int], float]) -> None:
    pairs = sorted(edges)
    a, b = (np.array([pair[side] for pair in pairs], np.int32) for side in (0, 1))
    found = bulk_context(a, b, np.array([edges[pair] for pair in pairs]), np.zeros(8, np.uint64), np.zeros(8, np.uint64))
    assert not found[:, [COLUMN["first_rival_least"], COLUMN["first_rival_most"]]].any()


def test_lone_pair_has_no_other() -> None:
    row = bulk_context(np.array([3], np.int32), np.array([5], np.int32), np.array([0.8]), np.zeros(6, np.uint64), np.zeros(6, np.uint64))[0]
    assert (row[COLUMN["first_other_most"]], row[COLUMN["first_rank_worst"]]) == (0.0, 0.0)
    assert row[COLUMN["first_gap_worst"]] == row[COLUMN["first_gap_best"]] > 5


@settings(deadline=None)
@given(EDGES)
def test_context_does_not_depend_on_how_records_are_numbered(edges: dict[tuple[int, int], float]) -> None:
    """As long as their order stays: a portion numbers its records anew."""
    a, b = (np.array(ends, np.int32) for ends in zip(*sorted(edges), strict=True))
    values = np.array([edges[pair] for pair in sorted(edges)])
    far = np.arange(8, dtype=np.int32) * 40_009
    few, many = np.zeros(8, np.uint64), np.zeros(int(far.max()) + 1, np.uint64)
    assert bulk_context(a, b, values, few, few).tolist() == bulk_context(far[a], far[b], values, many, many).tolist()
