"""Caps, fairness and forecasts: never too much, nobody starved, nothing promised that does not come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.core.errors import Conflict, Invalid
from clearinghouse.core.ids import PartyId
from clearinghouse.disclosure.coordination.capacity import rules
from clearinghouse.disclosure.coordination.capacity.queue import assemble, due, standing
from clearinghouse.disclosure.coordination.capacity.records import (
    Delivery,
    DeliveryId,
    Facts,
    Item,
    ItemId,
    LaneState,
    Rates,
    Reply,
    ReplyKind,
    State,
    Terms,
)
from clearinghouse.parties.charters import Adopted, Charter, Kind, Reproducer, ScopeKey
from clearinghouse.parties.charters.records import CharterId, Exclusion, OptOut

POLICY = parse_policy(1, default_policy_document()).capacity
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
WEEK, HOUR = timedelta(days=7), timedelta(hours=1)
VENDOR = PartyId("pty_vendor")
READY = Facts(reproducer=Reproducer.CONFIRMED, accountable_human=True, scores=(5.0,))


def item(name: str, finder: str = "a", facts: Facts = READY, queued_at: datetime = NOW, *more: str) -> Item:
    return Item(ItemId(name), VENDOR, f"case_{name}", State.WAITING, queued_at, facts, tuple(PartyId(one) for one in sorted({finder, *more})))


def adopted(charter: Charter, name: str = "chr_1", *covers: ScopeKey) -> Adopted:
    return Adopted(CharterId(name), 1, VENDOR, "sha256:0", NOW, VENDOR, False, "", charter, covers)


class Desk:
    """A vendor's queue played through time, as the actions play it, without a database."""

    def __init__(self, charter: Charter | None = None, answering: bool = True) -> None:
        self.charters = [] if charter is None else [adopted(charter)]
        self.items: list[Item] = []
        self.deliveries: list[Delivery] = []
        self.answering = answering

    def at(self, now: datetime) -> list[str]:
        """Deliver what is due; gives the names of the items."""
        recent = [one for one in self.deliveries if one.delivered_at > rules.horizon(POLICY, now)]
        queue = assemble(VENDOR, self.items, self.charters, recent, frozenset(), POLICY, now)
        found = due(queue, now)
        for lane, place, allowed in found:
            name = DeliveryId(f"dlv_{len(self.deliveries)}")
            reply, at = (ReplyKind.ACCEPT, now) if self.answering else (None, None)
            self.deliveries.append(Delivery(
                name, place.item.id, VENDOR, place.item.object_id, lane.id, now, not allowed.passes_cap, place.ranked.turn, reply, at
            ))
        gone = {place.item.id for _, place, _ in found}
        self.items = [one for one in self.items if one.id not in gone]
        return [place.item.id for _, place, _ in found]


def test_thousand_reports_for_three_a_week_become_three_packets_best_first() -> None:
    desk = Desk(Charter("x", per_week=3))
    desk.items = [
        item(f"{number:04}", f"finder{number % 50}", replace(READY, scores=(number % 100 / 10,), patch=number % 7 == 0))
        for number in range(1000)
    ]
    scores = {one.id: rules.priority(one.facts, 1, NOW, POLICY, NOW) for one in desk.items}
    best_of_each = sorted(max(scores[one.id] for one in desk.items if one.finders == who) for who in {one.finders for one in desk.items})
    assert [scores[ItemId(name)] for name in desk.at(NOW)] == best_of_each[-3:][::-1]
    assert (desk.at(NOW), desk.at(NOW + WEEK - timedelta(microseconds=1))) == ([], [])
    assert len(desk.at(NOW + WEEK)) == 3


ARRIVALS = st.lists(
    st.tuples(st.integers(0, 21 * 24), st.sampled_from("abcde"), st.floats(0, 10), st.booleans()), min_size=1, max_size=60
)


@settings(max_examples=60, deadline=None)
@given(ARRIVALS, st.integers(0, 6), st.none() | st.integers(1, 6), st.none() | st.integers(1, 8), st.booleans())
def test_no_window_of_seven_days_sees_more_than_the_cap(
    arrivals: list[tuple[int, str, float, bool]], cap: int, burst: int | None, open_max: int | None, answering: bool
) -> None:
    desk = Desk(Charter("x", per_week=cap, burst=burst, open_max=open_max), answering)
    names = iter(range(1000))
    for hour in sorted({hour for hour, *_ in arrivals} | set(range(0, 35 * 24, 12))):
        now = NOW + hour * HOUR
        desk.items += [
            item(str(next(names)), finder, replace(READY, scores=(score,), exploited=exploited), now)
            for at, finder, score, exploited in arrivals if at == hour
        ]
        desk.at(now)
        again = desk.at(now)
        # An answer in between frees a place in hand, so what it held back may follow at the same instant.
        assert again == [] or (answering and open_max is not None), "delivering twice at one instant delivers nothing more"
    counted = [one.delivered_at for one in desk.deliveries if one.counted]
    assert all(sum(start <= at < start + WEEK for at in counted) <= cap for start in counted)
    assert all(sum(start <= at < start + 24 * HOUR for at in counted) <= (burst or max(cap, 1)) for start in counted)
    if not answering and open_max is not None:
        slot = timedelta(days=POLICY.slot_days)
        assert all(sum(start - slot < at <= start for at in counted) <= open_max for start in counted)
    left_exploited = [one for one in desk.items if one.facts.exploited]
    assert left_exploited == [], "an exploited flaw waits for no cap"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 10)), min_size=1, max_size=40), st.integers(1, 5))
def test_nothing_waits_while_there_is_capacity_and_everything_goes_in_the_end(found: list[tuple[str, float]], cap: int) -> None:
    desk = Desk(Charter("x", per_week=cap))
    desk.items = [item(str(number), finder, replace(READY, scores=(score,))) for number, (finder, score) in enumerate(found)]
    weeks = 0
    while desk.items:
        before = len(desk.items)
        assert len(desk.at(NOW + weeks * WEEK)) == min(cap, before)
        weeks += 1
    assert weeks == -(-len(found) // cap)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 10)), min_size=1, max_size=60),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3)),
)
def test_flood_of_one_finder_delays_another_by_no_more_than_its_share(found: list[tuple[str, float]], served: dict[str, int]) -> None:
    items = [item(f"{number:03}", finder, replace(READY, scores=(score,))) for number, (finder, score) in enumerate(found)]
    counts = {PartyId(finder): count for finder, count in served.items()}
    order = rules.rank(items, counts, POLICY, NOW)
    finders = {finder for finder, _ in found}
    for place, ranked in enumerate(order):
        assert place < len(finders) * (ranked.round + 1)
        assert ranked.turn in ranked.item.finders
    flood = [item(f"f{number:03}", "flood", replace(READY, scores=(10.0,), patch=True)) for number in range(100)]
    mine = [one.item.id for one in order]
    both = [one.item.id for one in rules.rank([*items, *flood], counts, POLICY, NOW)]
    assert [name for name in both if not name.startswith("f")] == mine, "the order among the others stays"
    rounds = {one.item.id: one.round for one in order}
    for place, name in enumerate(mine):
        assert both.index(name) - place <= rounds[name] + 1, "one of the flood for each round, and no more"


def test_joining_a_flooding_finders_case_delays_nobody() -> None:
    flood = [item(f"f{number:03}", "flood", replace(READY, scores=(10.0,))) for number in range(50)]
    shared = item("shared", "flood", replace(READY, scores=(1.0,)), NOW, "other")
    assert [one.item.id for one in rules.rank([*flood, shared], {}, POLICY, NOW)].index(ItemId("shared")) == 1


def test_nothing_is_overtaken_for_ever() -> None:
    desk = Desk(Charter("x", per_week=1))
    poor = item("poor", "z", Facts(reproducer=Reproducer.CONFIRMED, accountable_human=True))
    desk.items = [poor]
    for week in range(30):
        now = NOW + week * WEEK
        best = replace(READY, scores=(10.0,), patch=True)
        desk.items += [item(f"{week}.{number}", f"new{week}.{number}", best, now) for number in range(2)]
        if "poor" in desk.at(now):
            break
    assert desk.items
    assert week <= 20
    assert poor.id not in [one.id for one in desk.items]


@given(
    st.lists(st.integers(0, 10 * 24), max_size=8), st.integers(1, 5), st.integers(1, 5), st.integers(1, 12), st.integers(1, 20)
)
def test_forecast_by_the_cap_comes_true(spent: list[int], cap: int, burst: int, open_max: int, count: int) -> None:
    terms = Terms(cap, burst, open_max)
    state = LaneState(tuple(sorted(NOW - hours * HOUR for hours in spent)))
    instants = rules.next_instants(terms, state, NOW, count)
    assert instants == sorted(instants)
    for at in instants:
        assert rules.room(terms, state, at) >= 1
        assert at == NOW or rules.room(terms, state, at - timedelta(microseconds=1)) < 1 or at == instants[0]
        state = LaneState((*state.spent, at))
    assert len(instants) == count


def test_forecast_knows_no_date_where_nothing_is_taken() -> None:
    found = rules.forecasts(Terms(0, 1, 4), LaneState(), Rates(), 2, POLICY, NOW)
    assert [(one.position, one.earliest_at, one.expected_at) for one in found] == [(1, None, None), (2, None, None)]


def test_forecast_stretches_with_the_answers_that_do_not_come() -> None:
    terms, state = Terms(4, 4, 8), LaneState(tuple(NOW - HOUR for _ in range(4)))
    prompt = rules.forecasts(terms, state, Rates(8, 8, 8), 1, POLICY, NOW)[0]
    slow = rules.forecasts(terms, state, Rates(8, 4, 0), 1, POLICY, NOW)[0]
    silent = rules.forecasts(terms, state, Rates(8, 0, 0), 1, POLICY, NOW)[0]
    assert prompt.expected_at == prompt.earliest_at == NOW - HOUR + WEEK
    assert slow.expected_at == NOW + 2 * (WEEK - HOUR)
    assert silent.expected_at is not None
    assert silent.expected_at - NOW < 2.2 * WEEK, "places lapse, so even silence has an end"


@pytest.mark.parametrize(("weeks", "words"), [
    (0, "waiting for capacity, about a week at most"), (1, "waiting for capacity, about a week at most"),
    (1.5, "waiting for capacity, about 1 to 2 weeks"), (3, "waiting for capacity, about 2 to 4 weeks"),
    (16, "waiting for capacity, about 8 to 16 weeks"), (16.1, "waiting for capacity, more than 16 weeks"),
    (None, "waiting for capacity; the project takes nothing at present"),
])
def test_finder_is_told_a_band(weeks: float | None, words: str) -> None:
    assert rules.band_words(None if weeks is None else NOW + weeks * WEEK, POLICY, NOW) == words


def test_held_report_uses_up_nobodys_turn_and_exploited_goes_first() -> None:
    desk = Desk(Charter("x", per_week=1))
    held = item("held", "a", replace(READY, reproducer=Reproducer.NONE, scores=(10.0,)))
    desk.items = [held, item("ready", "a"), item("hot", "a", replace(READY, exploited=True, scores=()))]
    queue = assemble(VENDOR, desk.items, desk.charters, (), frozenset(), POLICY, NOW)
    assert [(place.item.id, place.ranked.round, standing(place, POLICY, NOW)) for place in queue.lanes[0].places] == [
        ("hot", 1, "waiting for capacity, about a week at most"), ("ready", 0, "waiting for capacity, about a week at most"),
        ("held", 0, "held until what the project requires is there"),
    ]
    assert desk.at(NOW) == ["hot", "ready"]


def test_opt_out_stops_the_queue_and_an_override_one_item() -> None:
    charter = adopted(Charter("x", opt_out=OptOut(contact=True)))
    items = [item("hot", "a", replace(READY, exploited=True)), item("hot2", "b", replace(READY, exploited=True)), item("ready")]
    closed = assemble(VENDOR, items, [charter], (), frozenset(), POLICY, NOW)
    opened = assemble(VENDOR, items, [charter], (), {ItemId("hot"), ItemId("ready")}, POLICY, NOW)
    assert due(closed, NOW) == []
    assert [place.item.id for _, place, _ in due(opened, NOW)] == ["hot"]


def test_uncovered_item_is_governed_by_the_strictest_charter() -> None:
    key = ScopeKey(Kind.PACKAGE, "pypi/x")
    lax, strict = adopted(Charter("lax", per_week=9), "chr_1", key), adopted(Charter("strict", per_week=1), "chr_2")
    closed = adopted(Charter("closed", opt_out=OptOut(contact=True)), "chr_3")
    assert rules.governing([lax, strict], Facts(keys=(key,)), NOW) == lax
    assert rules.governing([lax, strict], Facts(), NOW) == strict
    assert rules.governing([lax, strict, closed], Facts(), NOW) == closed
    assert rules.governing([], Facts(), NOW) is None


def test_what_went_before_a_charter_counts_in_its_lane() -> None:
    desk = Desk()
    desk.items = [item(str(number), f"f{number}") for number in range(9)]
    assert len(desk.at(NOW)) == POLICY.cap_per_week
    desk.charters = [adopted(Charter("x", per_week=5))]
    assert (desk.at(NOW + HOUR), len(desk.at(NOW + WEEK))) == ([], 4)


def test_confirmed_reproducer_patch_and_corroboration_raise_a_priority() -> None:
    base = rules.priority(replace(READY, reproducer=Reproducer.NONE), 1, NOW, POLICY, NOW)
    better = [
        rules.priority(replace(READY, reproducer=Reproducer.CLAIMED), 1, NOW, POLICY, NOW), rules.priority(READY, 1, NOW, POLICY, NOW),
        rules.priority(replace(READY, patch=True), 1, NOW, POLICY, NOW), rules.priority(replace(READY, patch=True), 2, NOW, POLICY, NOW),
        rules.priority(replace(READY, patch=True), 8, NOW, POLICY, NOW), rules.priority(replace(READY, patch=True), 8, NOW, POLICY, NOW + WEEK),
    ]
    assert [round(one - base, 3) for one in better] == [1.5, 3.0, 5.0, 6.0, 8.0, 9.0]
    assert rules.priority(READY, 9000, NOW, POLICY, NOW) == rules.priority(READY, 8, NOW, POLICY, NOW)


@pytest.mark.parametrize(("reply", "state", "error", "match"), [
    (Reply(ReplyKind.DECLINE), State.DELIVERED, Invalid, "reason"), (Reply(ReplyKind.MORE, " \u200b"), State.DELIVERED, Invalid, "reason"),
    (Reply(ReplyKind.NOT_A_VULNERABILITY), State.DELIVERED, Invalid, "one of asserts"),
    (Reply(ReplyKind.NOT_A_VULNERABILITY, "why", "unknown"), State.DELIVERED, Invalid, "one of asserts"),
    (Reply(ReplyKind.WAIT), State.DELIVERED, Invalid, "instant"), (Reply(ReplyKind.WAIT, until=NOW), State.DELIVERED, Invalid, "later than now"),
    (Reply(ReplyKind.WAIT, until=NOW + timedelta(days=181)), State.DELIVERED, Invalid, "by 2027-05-20"),
    (Reply(ReplyKind.ACCEPT), State.ACCEPTED, Conflict, "answers nothing"), (Reply(ReplyKind.ACCEPT), State.WITHDRAWN, Conflict, "none"),
    (Reply(ReplyKind.WAIT, until=NOW + WEEK), State.DECLINED, Conflict, "answers now"),
])
def test_answer_that_cannot_stand_is_refused(reply: Reply, state: State, error: type[Exception], match: str) -> None:
    charter = Charter("x", exclusions=(Exclusion("asserts", "An assertion."),))
    with pytest.raises(error, match=match):
        rules.check_reply(reply, state, charter, POLICY, NOW)


@pytest.mark.parametrize("reply", [
    Reply(ReplyKind.ACCEPT), Reply(ReplyKind.DECLINE, "not ours"), Reply(ReplyKind.NOT_A_VULNERABILITY, "", "asserts"),
    Reply(ReplyKind.NOT_A_VULNERABILITY, "works as meant"), Reply(ReplyKind.WAIT, "", "", NOW + timedelta(days=180)), Reply(ReplyKind.MORE, "version?"),
])
def test_answer_that_stands_is_kept_as_it_is(reply: Reply) -> None:
    assert rules.check_reply(reply, State.DELIVERED, Charter("x", exclusions=(Exclusion("asserts", "An assertion."),)), POLICY, NOW) == reply
