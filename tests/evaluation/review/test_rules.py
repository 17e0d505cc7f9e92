"""Window arithmetic and the other pure decisions of a review."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.ids import PartyId, ReviewCaseId
from clearinghouse.evaluation.review import rules
from clearinghouse.evaluation.review.records import (
    Part,
    PartnerId,
    PartnerState,
    PartnerVote,
    ReviewKind,
    ReviewState,
    Vote,
    Window,
    WindowId,
)
from clearinghouse.evaluation.review.states import REVIEW_TRANSITIONS

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
POLICY = parse_policy(1, default_policy_document()).review
INSTANTS = st.timedeltas(timedelta(), timedelta(days=365)).map(lambda passed: NOW + passed)
FORBIDDEN = ("approv", "permit", "licen", "clear", "authoriz", "authoris", "certif", "pass", "deni")


def window(starts_at: datetime, ends_at: datetime, ended_at: datetime | None = None) -> Window:
    return Window(WindowId("win"), ReviewCaseId("rev"), 1, starts_at, ends_at, 0, ended_at)


@given(st.lists(st.tuples(st.integers(1, 900), st.floats(0, 1), st.floats(0, 400)), max_size=30), st.integers(1, 720))
def test_windows_of_a_version_never_last_longer_than_720_hours_together(asked: list[tuple[int, float, float]], most: int) -> None:
    """Rule R1: at most 30 days from the start of a window, all re-openings of one model version together."""
    policy = replace(POLICY, window_hours_max=most)
    kept: list[Window] = []
    at = NOW
    for hours, share, gap in asked:
        try:
            ends_at = rules.end_of_window(at, hours, kept, None, policy)
        except (Conflict, Invalid):
            left = most * 3600 - rules.used_seconds(kept)
            assert hours > most or hours * 3600 > left
            continue
        ended_at = at + (ends_at - at) * share
        kept.append(window(at, ends_at, ended_at))
        assert ends_at - at <= timedelta(hours=720)
        at = max(at, ended_at) + timedelta(hours=gap)
    assert sum(((one.ended_at or one.ends_at) - one.starts_at for one in kept), timedelta()) <= timedelta(hours=most)


@given(INSTANTS, st.integers(1, 720), INSTANTS)
def test_window_never_ends_after_the_planned_release(starts_at: datetime, hours: int, release: datetime) -> None:
    """Rule R2."""
    if starts_at + timedelta(hours=hours) <= release:
        assert rules.end_of_window(starts_at, hours, [], release, POLICY) == starts_at + timedelta(hours=hours)
        return
    left = max(timedelta(), release - starts_at) // timedelta(hours=1)
    with pytest.raises(Conflict, match=f"at most {left} hours fit"):
        rules.end_of_window(starts_at, hours, [], release, POLICY)


@given(INSTANTS, st.timedeltas(timedelta(microseconds=1), timedelta(days=30)), INSTANTS)
def test_window_is_open_from_its_start_until_before_its_end(starts_at: datetime, length: timedelta, at: datetime) -> None:
    one = window(starts_at, starts_at + length)
    assert rules.is_open(one, at) == (starts_at <= at < starts_at + length)
    assert rules.is_open(one, starts_at)
    assert not rules.is_open(one, one.ends_at)
    assert rules.length_seconds(starts_at, one.ends_at) * timedelta(seconds=1) >= length


def test_early_end_gives_hours_back_and_an_open_window_takes_them_all() -> None:
    earlier = window(NOW, NOW + timedelta(hours=700), NOW + timedelta(hours=1))
    assert rules.end_of_window(NOW, 719, [earlier], None, POLICY) == NOW + timedelta(hours=719)
    with pytest.raises(Conflict, match="20 hours are left and 21 were asked"):
        rules.end_of_window(NOW, 21, [replace(earlier, ended_at=None)], None, POLICY)


def test_no_state_and_no_step_sounds_like_leave_to_release() -> None:
    """Rule R3: no workflow state may say or imply licence, permit, preclearance or approval."""
    words = {*ReviewState, *ReviewKind, *PartnerState, *(step.verb for table in REVIEW_TRANSITIONS.values() for step in table)}
    assert [word for word in words if any(bad in word.lower() for bad in FORBIDDEN)] == []


@pytest.mark.parametrize("kind", [ReviewKind.ACCESS, ReviewKind.UPDATE])
def test_developer_can_withdraw_from_every_state_before_signing(kind: ReviewKind) -> None:
    """Rule R4."""
    table = REVIEW_TRANSITIONS[kind]
    after = {ReviewState.DETERMINED, ReviewState.SHARED, ReviewState.CLOSED, ReviewState.WITHDRAWN}
    assert {step.start for step in table if step.verb == "withdraw"} == set(ReviewState) - after
    assert all(step.by == ("developer",) for step in table if step.verb == "withdraw")


@pytest.mark.parametrize("kind", list(ReviewKind))
def test_every_state_of_a_kind_leads_to_an_end(kind: ReviewKind) -> None:
    table = REVIEW_TRANSITIONS[kind]
    reached: set[str] = {ReviewState.CLOSED, ReviewState.WITHDRAWN}
    grown = 0
    while grown != len(reached):
        grown = len(reached)
        reached |= {step.start for step in table if step.end in reached}
    assert {step.start for step in table} | {step.end for step in table} <= reached
    assert not [step for step in table if step.start in (ReviewState.CLOSED, ReviewState.WITHDRAWN)]


def test_nobody_sits_on_both_sides_or_signs_what_it_ran() -> None:
    def join(part: Part, held: list[Part], ever: list[Part], developer: bool = False) -> None:
        rules.check_may_join(part, held, ever, of_developer=developer, of_desk=not developer)

    join(Part.CUSTODIAN, [Part.EVALUATOR], [Part.EVALUATOR])
    with pytest.raises(NotPermitted, match="two persons"):
        join(Part.AUTHORITY, [], [Part.EVALUATOR])
    with pytest.raises(NotPermitted, match="two persons"):
        join(Part.EVALUATOR, [Part.AUTHORITY], [Part.AUTHORITY])
    with pytest.raises(NotPermitted, match="own organisation"):
        join(Part.DEVELOPER, [], [])
    with pytest.raises(NotPermitted, match="desk's side"):
        join(Part.AUTHORITY, [], [], developer=True)
    with pytest.raises(NotPermitted, match="nothing else"):
        join(Part.AUDITOR, [Part.CUSTODIAN], [Part.CUSTODIAN])


def said(side: Part, answer: Vote, minutes: int) -> PartnerVote:
    return PartnerVote(PartnerId("ptn"), side, PartyId("pty"), NOW + timedelta(minutes=minutes), answer, "why")


def test_partner_is_chosen_by_both_sides_and_by_their_latest_word() -> None:
    developer, authority = Part.DEVELOPER, Part.AUTHORITY
    assert rules.outcome_of_votes([]) is PartnerState.PROPOSED
    assert rules.outcome_of_votes([said(developer, Vote.YES, 0), said(developer, Vote.YES, 1)]) is PartnerState.PROPOSED
    assert rules.outcome_of_votes([said(developer, Vote.YES, 0), said(authority, Vote.ABSTAIN, 1)]) is PartnerState.PROPOSED
    assert rules.outcome_of_votes([said(developer, Vote.YES, 0), said(authority, Vote.YES, 1)]) is PartnerState.CHOSEN
    assert rules.outcome_of_votes([said(authority, Vote.YES, 0), said(developer, Vote.YES, 1), said(authority, Vote.NO, 2)]) is PartnerState.DECLINED
