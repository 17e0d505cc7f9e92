"""What the queue decides: properties of fair shares, who may verify, and what work a recipe takes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench_support import recipe_text
from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.core.errors import NotPermitted
from clearinghouse.core.ids import CaseId, PartyId
from clearinghouse.disclosure.validation.queue import rules
from clearinghouse.disclosure.validation.queue.records import UnitKind, Waiting
from clearinghouse.disclosure.validation.recipes.document import read_recipe

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
POLICY = parse_policy(1, default_policy_document())
SHARES = POLICY.bench_queue


def waits(name: str, ago: float = 0.0, used: float = 0.0, served: float | None = None) -> Waiting:
    at = None if served is None else NOW - timedelta(seconds=served)
    return Waiting(CaseId(name), NOW - timedelta(seconds=ago), used, NOW, at)


def order(*cases: Waiting) -> list[str]:
    return [one.case_id for one in rules.in_order(cases, SHARES, NOW)]


def test_case_that_used_least_lately_goes_next() -> None:
    assert order(waits("large", 5, used=60, served=0), waits("new")) == ["new", "large"]


def test_whoever_waits_longest_of_those_who_used_nothing_goes_next_and_ids_settle_the_rest() -> None:
    assert order(waits("b", 1), waits("a", 1), waits("c", 2)) == ["c", "a", "b"]


def test_large_backlog_is_no_merit() -> None:
    """Ten thousand cells that have waited for hours give no turn before a newcomer once the case is being served."""
    assert order(waits("backlog", 7_200, used=1, served=0.5), waits("new")) == ["new", "backlog"]


def test_use_is_forgiven_by_halves() -> None:
    hour = timedelta(seconds=SHARES.use_half_life_seconds)
    assert [rules.used_lately(80, NOW, SHARES, NOW + hours * hour) for hours in range(3)] == [80, 40, 20]
    assert rules.used_lately(80, NOW + hour, SHARES, NOW) == 80, "a clock that was ahead neither charges nor forgives"


@given(st.lists(st.builds(waits, st.uuids().map(str), st.floats(0, 1e5), st.floats(0, 1e5), st.none() | st.floats(0, 1e5)), max_size=20))
def test_order_is_total_and_the_same_however_the_cases_are_listed(cases: list[Waiting]) -> None:
    expected = rules.in_order(cases, SHARES, NOW)
    assert rules.in_order(list(reversed(cases)), SHARES, NOW) == expected
    assert sorted(one.case_id for one in expected) == sorted(one.case_id for one in cases)


@given(
    used=st.floats(0, 5_000), newcomers=st.integers(0, 3), cost=st.floats(0.5, 30), backlog=st.integers(0, 5_000),
)
def test_no_case_starves_whoever_keeps_coming(used: float, newcomers: int, cost: float, backlog: int) -> None:
    """However much a case used, however many newcomers arrive at each turn and whatever else is queued, its turn comes.

    The bound: it has waited as long as it used, plus one turn of each who stood before it.
    """
    now, turn = NOW, 0
    patient = Waiting(CaseId("patient"), NOW, used, NOW, NOW)
    heavy_used = 0.0
    while True:
        fresh = [Waiting(CaseId(f"new{turn}-{number}"), now) for number in range(newcomers)]
        heavy = [Waiting(CaseId("heavy"), NOW, heavy_used, now, now)] if backlog else []
        first = rules.in_order([patient, *heavy, *fresh], SHARES, now)[0]
        if first.case_id == "patient":
            break
        if first.case_id == "heavy":
            heavy_used = rules.used_lately(heavy_used, now, SHARES, now) + cost
        now += timedelta(seconds=cost)
        turn += 1
        assert (now - NOW).total_seconds() <= used + 2 * cost, "it waited longer than it ever used"


@given(cells=st.integers(2, 10_000), cost=st.floats(0.01, 5))
def test_case_with_one_cell_waits_for_at_most_one_turn_of_a_case_with_many(cells: int, cost: float) -> None:
    heavy = Waiting(CaseId("heavy"), NOW - timedelta(hours=3), cost, NOW, NOW)
    single = Waiting(CaseId("single"), NOW)
    assert rules.in_order([heavy, single], SHARES, NOW)[0].case_id == "single"


SELF, HOUSE, OTHER, FINDER = (PartyId(name) for name in ("self", "house", "other", "finder"))


@pytest.mark.parametrize(("finder", "finder_house", "is_finder"), [
    (SELF, None, True), (HOUSE, None, True), (FINDER, HOUSE, True), (FINDER, SELF, True), (FINDER, OTHER, False), (FINDER, None, False),
])
def test_verifier_is_never_the_finder(finder: PartyId, finder_house: PartyId | None, is_finder: bool) -> None:
    assert rules.is_finder({SELF, HOUSE}, HOUSE, finder, finder_house) is is_finder
    if is_finder:
        with pytest.raises(NotPermitted, match="never the finder"):
            rules.check_not_finder({SELF, HOUSE}, HOUSE, finder, finder_house)
    else:
        rules.check_not_finder({SELF, HOUSE}, HOUSE, finder, finder_house)


def test_two_without_an_organisation_are_not_of_one_house() -> None:
    assert not rules.is_finder({SELF}, None, FINDER, None)


def test_work_of_a_recipe_is_each_build_each_input_on_each_and_the_judging() -> None:
    planned = rules.plan(read_recipe(recipe_text(benign=2), POLICY.bench))
    assert [unit.kind for unit in planned].count(UnitKind.CELL) == 2 * 3
    assert [(unit.kind, unit.build) for unit in planned if unit.kind is not UnitKind.CELL] == [
        (UnitKind.BUILD, "vulnerable"), (UnitKind.BUILD, "fixed"), (UnitKind.JUDGE, ""),
    ]
