"""The calculator: the five worked examples, each rule by itself, and what must hold for any policies of any parties."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearinghouse.core.errors import Invalid
from clearinghouse.core.terms import CLOCK_STARTS, ENDINGS, Duty, DutyKind, Milestone, Rank, Terms, Weekend, complaint_about_terms
from clearinghouse.disclosure.coordination.embargo.calendar import business_days_after, render_in
from clearinghouse.disclosure.coordination.embargo.records import (
    Accord,
    Change,
    ChangeKind,
    ClockState,
    ConflictKind,
    DutyState,
    Facts,
    Timetable,
    TimetableState,
)
from clearinghouse.disclosure.coordination.embargo.rules import compute_timetable, leading_proposal, standing_accord
from clearinghouse.disclosure.coordination.embargo.scenarios import what_if
from docs.embargo_examples import EXAMPLES, POLICY, SHIPPED, Example

NOW = datetime(2026, 10, 21, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ALL = frozenset({"pty_a", "pty_b"})


def terms(name: str, rank: Rank, days: int | None = None, start: Milestone = Milestone.REPORTED, **more: object) -> Terms:
    return Terms(name, name, "https://example.org", rank, start, days=days, **more)  # type: ignore[arg-type]


def reported(days_ago: float = 0, **more: object) -> Facts:
    return Facts({Milestone.REPORTED: NOW - DAY * days_ago}, **more)  # type: ignore[arg-type]


def kinds(timetable: Timetable) -> set[ConflictKind]:
    return {conflict.kind for conflict in timetable.conflicts}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_worked_example_comes_out_as_told(example: Example) -> None:
    now = compute_timetable(example.facts, example.terms, example.now)
    assert (now.ends_at, now.rank, now.term_id) == (example.ends_at, example.rank, example.term_id)
    assert example.change is not None
    found = what_if(example.facts, example.terms, example.change, example.now)
    assert found.before == now
    assert (found.after.ends_at, found.after.rank) == (example.then_ends_at, example.then_rank)
    assert found.difference != ()


def test_list_before_lab_is_named_with_both_dates() -> None:
    example = EXAMPLES[0]
    found = compute_timetable(example.facts, example.terms, example.now)
    assert [(one.kind, one.between) for one in found.conflicts] == [
        (ConflictKind.LATER, ("labs-90-14", "linux-distros")),
    ]
    assert "2026-12-30 09:00 UTC" in found.conflicts[0].words


def test_extension_beyond_what_the_list_accepts_is_capped_and_named() -> None:
    example = EXAMPLES[0]
    assert example.change is not None
    after = what_if(example.facts, example.terms, example.change, example.now).after
    assert (ConflictKind.EXTENSION_CAPPED, ("what-if", "linux-distros")) in {(one.kind, one.between) for one in after.conflicts}


def test_unstarted_clock_says_what_it_waits_for() -> None:
    example = EXAMPLES[1]
    found = compute_timetable(example.facts, example.terms, example.now)
    [waiting] = [one for one in found.conflicts if one.kind is ConflictKind.NOT_STARTED]
    assert "binds 7 days after the fix is ready" in waiting.words


def test_kernel_extends_to_fourteen_days_and_no_further() -> None:
    at = {Milestone.REPORTED: NOW, Milestone.FIX_READY: NOW}
    accord = Accord("trm_1", NOW + 60 * DAY, NOW, ALL, ALL)
    kernel = [SHIPPED["kernel"]]
    assert compute_timetable(Facts(at), kernel, NOW).ends_at == NOW + 7 * DAY
    assert compute_timetable(Facts(at, accords=(accord,), parties=ALL), kernel, NOW).ends_at == NOW + 14 * DAY


def test_fix_that_comes_after_the_labs_clock_starts_the_charter_too_late() -> None:
    at = {Milestone.REPORTED: NOW, Milestone.VENDOR_CONTACTED: NOW, Milestone.FIX_READY: NOW + 95 * DAY}
    found = compute_timetable(Facts(at), [SHIPPED["kernel"], SHIPPED["labs-90-14"]], NOW + 96 * DAY)
    assert (found.ends_at, found.state) == (NOW + 90 * DAY, TimetableState.ENDED)
    assert ConflictKind.STARTS_TOO_LATE in kinds(found)


@pytest.mark.parametrize(("expected", "ready", "ends"), [
    (None, None, 90), (91, None, 104), (104, None, 104), (105, None, 90), (80, None, 90), (90, None, 90), (100, 85, 90),
])
def test_grace_is_for_a_fix_expected_within_it(expected: int | None, ready: int | None, ends: int) -> None:
    at = {Milestone.VENDOR_CONTACTED: NOW}
    if expected is not None:
        at[Milestone.FIX_EXPECTED] = NOW + expected * DAY
    if ready is not None:
        at[Milestone.FIX_READY] = NOW + ready * DAY
    assert compute_timetable(Facts(at), [SHIPPED["labs-90-14"]], NOW).ends_at == NOW + ends * DAY


def test_suspected_exploitation_leaves_seven_days_and_seven_more_for_a_fix() -> None:
    at = {Milestone.VENDOR_CONTACTED: NOW, Milestone.EXPLOITATION_SUSPECTED: NOW + 10 * DAY}
    lab = [SHIPPED["labs-90-14"]]
    assert compute_timetable(Facts(at), lab, NOW).ends_at == NOW + 17 * DAY
    with_fix = {**at, Milestone.FIX_EXPECTED: NOW + 20 * DAY}
    assert compute_timetable(Facts(with_fix), lab, NOW).ends_at == NOW + 24 * DAY


@pytest.mark.parametrize("ending", sorted(ENDINGS))
def test_what_is_public_or_exploited_binds_nobody_and_everybody_is_told(ending: Milestone) -> None:
    facts = Facts({Milestone.REPORTED: NOW - DAY, ending: NOW}, parties=ALL)
    found = compute_timetable(facts, [terms("charter", Rank.CHARTER, 30)], NOW)
    assert (found.state, found.ends_at, found.rank, found.ended_by, found.tell) == (
        TimetableState.ENDED, NOW, Rank.OVER, ending, ("pty_a", "pty_b"),
    )
    assert found.binding is None


def test_publication_after_the_clocks_ran_out_ended_nothing() -> None:
    facts = Facts({Milestone.REPORTED: NOW, Milestone.PUBLIC: NOW + 20 * DAY}, parties=ALL)
    found = compute_timetable(facts, [terms("list", Rank.BODY, 14)], NOW + 21 * DAY)
    assert (found.ends_at, found.term_id, found.tell) == (NOW + 14 * DAY, "list", ())


def test_exited_embargo_does_not_come_back_with_a_longer_charter() -> None:
    facts = replace(reported(40), exited_at=NOW - 10 * DAY)
    found = compute_timetable(facts, [terms("charter", Rank.CHARTER, 90), terms("default", Rank.DEFAULT, 30)], NOW)
    assert (found.ends_at, found.state, found.rank) == (NOW - 10 * DAY, TimetableState.ENDED, Rank.OVER)


def test_embargo_that_exited_when_its_clock_ran_out_keeps_who_bound_it() -> None:
    facts = replace(reported(40), exited_at=NOW - 10 * DAY)
    assert compute_timetable(facts, [terms("default", Rank.DEFAULT, 30)], NOW).term_id == "default"


def test_open_ended_binds_by_its_rank_and_the_fixed_date_is_named() -> None:
    found = compute_timetable(reported(), [terms("vendor", Rank.CHARTER, open_ended=True), terms("lab", Rank.FINDER, 90)], NOW)
    assert (found.state, found.ends_at, found.term_id) == (TimetableState.OPEN_ENDED, None, "vendor")
    assert kinds(found) == {ConflictKind.OPEN_AGAINST_FIXED}


def test_within_a_rank_a_fixed_date_goes_before_an_open_end() -> None:
    found = compute_timetable(reported(), [terms("a-lab", Rank.FINDER, open_ended=True), terms("b-lab", Rank.FINDER, 90)], NOW)
    assert found.term_id == "b-lab"


def test_finder_who_would_publish_before_the_charter_is_named() -> None:
    found = compute_timetable(reported(), [terms("charter", Rank.CHARTER, 120), terms("lab", Rank.FINDER, 90), terms("default", Rank.DEFAULT, 30)], NOW)
    assert [(one.kind, one.between) for one in found.conflicts] == [(ConflictKind.EARLIER, ("lab", "charter"))]


def test_default_contradicts_nobody_but_where_it_knows_no_embargo() -> None:
    default = SHIPPED["fallback-30"]
    found = compute_timetable(reported(found_with_public_ai=True), [terms("charter", Rank.CHARTER, 120), default], NOW)
    assert (found.term_id, kinds(found)) == ("charter", {ConflictKind.INELIGIBLE})


def test_extension_needs_every_party() -> None:
    asked = Accord("trm_1", NOW + 60 * DAY, NOW, ALL, frozenset({"pty_a"}))
    facts = reported(accords=(asked,), parties=ALL)
    found = compute_timetable(facts, [terms("default", Rank.DEFAULT, 30)], NOW)
    assert found.ends_at == NOW + 30 * DAY
    assert [(one.kind, "pty_b" in one.words) for one in found.conflicts] == [(ConflictKind.EXTENSION_ASKED, True)]
    agreed = replace(facts, accords=(replace(asked, accepted=ALL),))
    assert compute_timetable(agreed, [terms("default", Rank.DEFAULT, 30)], NOW).ends_at == NOW + 60 * DAY


def test_holder_who_did_not_agree_has_extended_nothing() -> None:
    charter = terms("charter", Rank.CHARTER, 30, party="pty_vendor")
    facts = reported(accords=(Accord("trm_1", NOW + 60 * DAY, NOW, ALL, ALL),), parties=ALL | {"pty_vendor"})
    found = compute_timetable(facts, [charter], NOW)
    assert found.ends_at == NOW + 30 * DAY
    assert kinds(found) == {ConflictKind.EXTENSION_CAPPED, ConflictKind.NOT_BOUND}
    with_vendor = replace(facts, accords=(Accord("trm_1", NOW + 60 * DAY, NOW, facts.parties, facts.parties),))
    extended = compute_timetable(with_vendor, [charter], NOW)
    assert (extended.ends_at, extended.term_id, extended.conflicts) == (NOW + 60 * DAY, "charter", ())


def test_after_a_merge_the_earliest_agreement_stands_and_the_shortest_proposal_leads() -> None:
    long, short = Accord("trm_1", NOW + 60 * DAY, NOW, ALL, ALL), Accord("trm_2", NOW + 20 * DAY, NOW, ALL, ALL)
    assert standing_accord([long, short]) == short
    asked = [replace(one, accepted=frozenset()) for one in (long, short)]
    assert leading_proposal([long, *asked]) == asked[1]


def test_details_are_due_after_the_patch_and_not_before() -> None:
    at = {Milestone.VENDOR_CONTACTED: NOW, Milestone.PATCH_RELEASED: NOW + 5 * DAY}
    found = compute_timetable(Facts(at), [SHIPPED["labs-90-14"]], NOW)
    assert [(row.terms.id, row.at) for row in found.details] == [("labs-90-14", NOW + 50 * DAY)]


def test_regulator_is_owed_24_and_72_hours_and_14_days_from_the_fix() -> None:
    at = {Milestone.REPORTED: NOW - 9 * DAY, Milestone.EXPLOITED_KNOWN: NOW, Milestone.FIX_READY: NOW + 2 * DAY}
    under = Facts(at, regimes={"eu-cra": frozenset({"pty_v"})})
    found = compute_timetable(under, [], NOW + 2 * DAY, POLICY.duties)
    due = {row.duty.id: (row.state, row.due_at) for row in found.duties if row.duty.kind is DutyKind.REGULATOR}
    assert {row.party for row in found.duties if row.duty.kind is DutyKind.REGULATOR} == {"pty_v"}
    assert due == {
        "cra-early-warning": (DutyState.OVERDUE, NOW + DAY), "cra-notification": (DutyState.DUE, NOW + 3 * DAY),
        "cra-final-report": (DutyState.DUE, NOW + 16 * DAY),
    }
    done = replace(under, done={"cra-early-warning/pty_v": NOW + DAY / 2, "cra-notification/pty_w": NOW})
    [met] = [row for row in compute_timetable(done, [], NOW + 2 * DAY, POLICY.duties).duties if row.duty.id == "cra-early-warning"]
    assert (met.state, met.done_at) == (DutyState.DONE, NOW + DAY / 2)


def test_regulator_is_owed_nothing_by_who_does_not_say_so() -> None:
    at = {Milestone.REPORTED: NOW - 9 * DAY, Milestone.EXPLOITED_KNOWN: NOW}
    found = compute_timetable(Facts(at, regimes={"another-law": frozenset({"pty_v"})}), [], NOW, POLICY.duties)
    assert [row for row in found.duties if row.duty.kind is DutyKind.REGULATOR] == []


def test_each_vendor_has_its_own_duty_from_its_own_fix() -> None:
    by_party = {
        "": {Milestone.EXPLOITED_KNOWN: NOW}, "pty_a": {Milestone.FIX_READY: NOW + DAY}, "pty_b": {Milestone.FIX_READY: NOW + 4 * DAY},
    }
    at = {Milestone.EXPLOITED_KNOWN: NOW, Milestone.FIX_READY: NOW + DAY}
    found = compute_timetable(
        Facts(at, by_party=by_party, regimes={"eu-cra": frozenset({"pty_c", "pty_b", "pty_a"})}), [], NOW + 5 * DAY, POLICY.duties
    )
    assert [(row.party, row.state, row.due_at) for row in found.duties if row.duty.id == "cra-final-report"] == [
        ("pty_a", DutyState.DUE, NOW + 15 * DAY), ("pty_b", DutyState.DUE, NOW + 18 * DAY), ("pty_c", DutyState.NOT_TRIGGERED, None),
    ]


def test_regulator_is_owed_nothing_before_the_law_is_in_force() -> None:
    early = datetime(2026, 9, 10, 21, 59, tzinfo=UTC)
    for at, state in ((early, DutyState.NOT_OWED), (early + timedelta(minutes=1), DutyState.DUE)):
        [row] = [
            row for row in compute_timetable(
                Facts({Milestone.EXPLOITED_KNOWN: at}, regimes={"eu-cra": frozenset({"pty_v"})}), [], at, POLICY.duties
            ).duties
            if row.duty.id == "cra-early-warning"
        ]
        assert row.state is state


@pytest.mark.parametrize(("start", "days", "weekend", "zone", "ends"), [
    ("2026-10-21T09:00", 2, Weekend.SATURDAY_SUNDAY, "UTC", "2026-10-23T09:00"),
    ("2026-10-23T09:00", 2, Weekend.SATURDAY_SUNDAY, "UTC", "2026-10-27T09:00"),
    ("2026-10-24T09:00", 1, Weekend.SATURDAY_SUNDAY, "UTC", "2026-10-26T09:00"),
    ("2026-10-22T09:00", 1, Weekend.FRIDAY_SATURDAY, "UTC", "2026-10-25T09:00"),
    ("2026-10-24T09:00", 3, Weekend.NONE, "UTC", "2026-10-27T09:00"),
    # Summer time ends on Sunday 25 October: 09:00 in Berlin is an hour later in UTC on Monday.
    ("2026-10-23T07:00", 1, Weekend.SATURDAY_SUNDAY, "Europe/Berlin", "2026-10-26T08:00"),
    # Friday evening in UTC is Saturday in Tokyo.
    ("2026-10-23T16:00", 1, Weekend.SATURDAY_SUNDAY, "Asia/Tokyo", "2026-10-25T16:00"),
    ("2026-10-23T09:00", 1, Weekend.SATURDAY_SUNDAY, "Nowhere/Atlantis", "2026-10-26T09:00"),
])
def test_business_days_leave_out_the_weekend_of_the_zone(start: str, days: int, weekend: Weekend, zone: str, ends: str) -> None:
    at = datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert business_days_after(at, days, weekend, zone) == datetime.fromisoformat(ends).replace(tzinfo=UTC)


def test_calendar_days_are_24_hours_across_summer_time() -> None:
    start = datetime(2026, 10, 20, 7, 0, tzinfo=UTC)
    berlin = terms("list", Rank.BODY, 14, zone="Europe/Berlin")
    found = compute_timetable(Facts({Milestone.REPORTED: start}), [berlin], start)
    assert found.ends_at == start + timedelta(hours=24 * 14)
    assert found.ends_at is not None
    assert render_in(found.ends_at, found.zone) == "2026-11-03 07:00 UTC (2026-11-03 08:00 Europe/Berlin)"


def test_nothing_known_means_no_clock_runs() -> None:
    found = compute_timetable(Facts(), [SHIPPED["fallback-30"]], NOW)
    assert (found.state, found.ends_at, found.rank) == (TimetableState.NOT_STARTED, None, None)
    assert kinds(found) == {ConflictKind.NOT_STARTED}


@pytest.mark.parametrize("change", [Change(ChangeKind.GOES_PUBLIC), Change(ChangeKind.VENDOR_JOINS), Change(ChangeKind.EXTENSION_ASKED)])
def test_what_if_without_its_instant_or_party_is_refused(change: Change) -> None:
    with pytest.raises(Invalid, match="say"):
        what_if(reported(), [], change, NOW)


def test_what_if_says_the_difference_in_words() -> None:
    found = what_if(
        replace(reported(parties=ALL), regimes={"eu-cra": frozenset({"pty_b"})}), [terms("default", Rank.DEFAULT, 30)],
        Change(ChangeKind.EXPLOITED, NOW + DAY), NOW, POLICY.duties,
    )
    text = "\n".join(found.difference)
    assert "the embargo ends at 2026-10-22 09:00 UTC, 29 days earlier" in text
    assert "early warning to the coordinating CSIRT and ENISA, by 2026-10-23 09:00 UTC (2026-10-23 11:00 Europe/Brussels)" in text
    assert "to be told at once: 2 parties" in text


def test_what_if_nothing_changes_says_nothing() -> None:
    found = what_if(reported(), [terms("default", Rank.DEFAULT, 30)], Change(ChangeKind.FIX_READY, NOW + DAY), NOW)
    assert found.difference == ()


_RANKS = [rank for rank in Rank if rank is not Rank.OVER]
_STARTS = sorted(CLOCK_STARTS)


@st.composite
def any_terms(draw: st.DrawFn) -> Terms:
    way = draw(st.sampled_from(["days", "days", "days", "open", "fixed"]))
    days = draw(st.integers(0, 120)) if way == "days" else None
    return Terms(
        draw(st.text("abcdef", min_size=1, max_size=3)), "holder", "https://example.org", draw(st.sampled_from(_RANKS)),
        draw(st.sampled_from(_STARTS)), days, way == "open", NOW + DAY * draw(st.integers(-50, 100)) if way == "fixed" else None,
        draw(st.sampled_from([0, 0, 14])), draw(st.sampled_from([None, 7])), draw(st.sampled_from([0, 7])),
        draw(st.sampled_from([None, 200])), draw(st.sampled_from([None, 45])), draw(st.booleans()),
    )


@st.composite
def any_facts(draw: st.DrawFn, *, ended: bool = False) -> Facts:
    possible = [one for one in Milestone if one not in ENDINGS]
    chosen = draw(st.sets(st.sampled_from(possible), max_size=len(possible)))
    at = {one: NOW + timedelta(hours=draw(st.integers(-2000, 1000))) for one in sorted(chosen)}
    if ended:
        at[draw(st.sampled_from(sorted(ENDINGS)))] = NOW + timedelta(hours=draw(st.integers(-2000, 1000)))
    accords = tuple(
        Accord(f"trm_{number}", NOW + timedelta(hours=draw(st.integers(-100, 3000))), NOW - DAY * draw(st.integers(0, 60)), ALL,
               draw(st.sampled_from([ALL, frozenset({"pty_a"}), frozenset()])))
        for number in range(draw(st.integers(0, 3)))
    )
    return Facts(at, draw(st.booleans()), accords, ALL | draw(st.sampled_from([frozenset(), frozenset({"pty_c"})])))


@given(any_facts(), st.lists(any_terms(), max_size=6), st.randoms())
def test_order_of_terms_never_matters(facts: Facts, given_terms: list[Terms], chance: object) -> None:
    shuffled = [*given_terms, *given_terms[:1]]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert compute_timetable(facts, shuffled, NOW, POLICY.duties) == compute_timetable(facts, given_terms, NOW, POLICY.duties)


@given(any_facts(), st.lists(any_terms(), max_size=6))
def test_binding_instant_is_the_earliest_within_the_best_rank_that_started_in_time(facts: Facts, given_terms: list[Terms]) -> None:
    found = compute_timetable(facts, given_terms, NOW)
    binding = found.binding
    started = [clock for clock in found.clocks if clock.started_at is not None]
    if binding is None:
        assert started == []
        return
    same = [clock.instant for clock in started if clock.terms.rank is binding.terms.rank and clock.instant is not None]
    assert found.ends_at == binding.instant == (min(same) if same else None)
    for clock in started:
        # Whoever ranks better and does not bind began only after some rank below had run out.
        if clock.terms.rank < binding.terms.rank:
            assert binding.instant is not None
            assert clock.started_at is not None
            assert clock.started_at > binding.instant


@given(any_facts(), st.lists(any_terms(), max_size=6))
def test_every_conflict_is_named(facts: Facts, given_terms: list[Terms]) -> None:
    found = compute_timetable(facts, given_terms, NOW)
    named = {one.between[0] for one in found.conflicts}
    for clock in found.clocks:
        claims = clock.terms.rank is not Rank.DEFAULT or found.rank is Rank.DEFAULT
        differs = claims and found.binding is not None and clock.instant != found.ends_at and clock.state is not ClockState.NOT_STARTED
        assert not differs or clock.terms.id in named
    for accord in facts.accords:
        if not accord.in_force:
            assert accord.id in named
        for party in facts.parties - accord.accepted if accord.in_force else ():
            assert party in named


@given(any_facts(), st.lists(any_terms(), max_size=5), any_terms())
def test_terms_of_a_better_rank_never_let_a_worse_one_bind(facts: Facts, given_terms: list[Terms], more: Terms) -> None:
    before = compute_timetable(facts, given_terms, NOW)
    after = compute_timetable(facts, [*given_terms, more], NOW)
    if before.rank is None or after.rank is None:
        return
    # Whoever binds afterwards either bound before, or is of the rank that was added: nobody worse is let in.
    if more.rank <= before.rank:
        assert after.rank <= before.rank
    assert after.rank in (before.rank, more.rank) or after.rank < before.rank
    if not any(clock.terms == more and clock.started_at is not None for clock in after.clocks):
        assert (after.ends_at, after.rank, after.term_id) == (before.ends_at, before.rank, before.term_id)


@given(any_facts(ended=True), st.lists(any_terms(), max_size=6))
def test_publication_or_exploitation_always_ends_it(facts: Facts, given_terms: list[Terms]) -> None:
    over = min(at for one, at in facts.at.items() if one in ENDINGS)
    found = compute_timetable(facts, given_terms, NOW)
    assert found.ends_at is not None
    assert found.ends_at <= over
    if found.rank is Rank.OVER:
        assert found.ends_at == over
        assert found.tell == tuple(sorted(facts.parties))
        assert found.conflicts == ()


@given(any_facts(), st.lists(any_terms(), max_size=5), st.sampled_from(sorted(ChangeKind)), st.integers(-30, 90))
@settings(max_examples=60)
def test_what_if_nothing_is_different_only_where_the_timetables_agree(
    facts: Facts, given_terms: list[Terms], kind: ChangeKind, days: int
) -> None:
    found = what_if(facts, given_terms, Change(kind, NOW + DAY * days, "pty_b"), NOW, POLICY.duties)
    same = (found.before.ends_at, found.before.rank, found.before.term_id, found.before.state) == (
        found.after.ends_at, found.after.rank, found.after.term_id, found.after.state
    )
    assert same or found.difference != ()


@pytest.mark.parametrize(("wrong", "word"), [
    (terms("x", Rank.BODY), "exactly one"), (terms("x", Rank.BODY, 5, open_ended=True), "exactly one"), (terms("x", Rank.OVER, 5), "rank a"),
    (terms("x", Rank.BODY, 5, Milestone.FIX_EXPECTED), "starts on"), (terms("x", Rank.BODY, 15, days_max=14), "below"),
    (terms("x", Rank.BODY, 10, grace_days=7, days_max=14), "beyond"), (terms("x", Rank.BODY, 5, zone="../../etc/passwd"), "zone"),
])
def test_terms_that_make_no_sense_are_explained(wrong: Terms, word: str) -> None:
    assert word in complaint_about_terms(wrong)


def test_duty_of_business_days_counts_from_the_later_of_its_two_starts() -> None:
    duty = Duty("d", DutyKind.RESPONSE, "desk", "answer", "https://example.org", Milestone.REPORTED, business_days=1, after=Milestone.FIX_READY)
    at = {Milestone.REPORTED: NOW, Milestone.FIX_READY: NOW + 2 * DAY}
    [row] = compute_timetable(Facts(at), [], NOW, [duty]).duties
    assert row.due_at == NOW + 5 * DAY
