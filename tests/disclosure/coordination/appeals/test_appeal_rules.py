"""What may be appealed, how often, and who answers; the table of states."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.ids import PartyId, ReportId
from clearinghouse.core.policy import AppealPolicy
from clearinghouse.disclosure.coordination.appeals import rules
from clearinghouse.disclosure.coordination.appeals.records import Appeal, AppealId, AppealState, Question
from clearinghouse.disclosure.coordination.appeals.states import APPEAL_TRANSITIONS
from clearinghouse.disclosure.coordination.rooms.states import step

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
POLICY = AppealPolicy(14, 2)


def appeal(state: AppealState, name: str = "a") -> Appeal:
    return Appeal(AppealId(name), ReportId("r"), Question.CREDIT, PartyId("p"), NOW, NOW, "w", state)


def test_nothing_may_be_contested_that_is_not_told() -> None:
    assert rules.open_questions(looked=False, known=False, withdrawn=False) == ()
    assert rules.open_questions(looked=True, known=False, withdrawn=False) == (Question.NOT_SAME, Question.CREDIT)
    assert rules.open_questions(looked=True, known=True, withdrawn=False) == tuple(Question)
    assert rules.open_questions(looked=True, known=True, withdrawn=True) == ()


def test_one_open_appeal_and_as_many_answers_as_policy_says() -> None:
    rules.check_may_appeal(Question.CREDIT, tuple(Question), [], POLICY)
    rules.check_may_appeal(Question.CREDIT, tuple(Question), [appeal(AppealState.REJECTED), appeal(AppealState.WITHDRAWN), appeal(AppealState.WITHDRAWN)], POLICY)
    with pytest.raises(Conflict, match="is open"):
        rules.check_may_appeal(Question.CREDIT, tuple(Question), [appeal(AppealState.OPEN)], POLICY)
    with pytest.raises(Conflict, match="2 times"):
        rules.check_may_appeal(Question.CREDIT, tuple(Question), [appeal(AppealState.REJECTED), appeal(AppealState.UPHELD)], POLICY)
    with pytest.raises(Conflict, match="what you are told"):
        rules.check_may_appeal(Question.KNOWN, (Question.CREDIT,), [], POLICY)


def test_decider_answers_only_where_nobody_else_can() -> None:
    me, other = PartyId("me"), PartyId("other")
    rules.check_may_answer(me, own=False, deciders=[other], others=[])
    rules.check_may_answer(me, own=False, deciders=[me], others=[])
    with pytest.raises(NotPermitted, match="another coordinator"):
        rules.check_may_answer(me, own=False, deciders=[me], others=[other])
    with pytest.raises(NotPermitted, match="of its own"):
        rules.check_may_answer(me, own=True, deciders=[], others=[])


def test_words_and_questions_are_given() -> None:
    assert rules.parse_question("known") is Question.KNOWN
    with pytest.raises(Invalid, match="one of: known"):
        rules.parse_question("everything")
    with pytest.raises(Invalid, match="reason"):
        rules.parse_words(" \u200b ")
    assert set(rules.QUESTIONS) == set(Question)


@given(st.sampled_from(AppealState), st.sampled_from(["uphold", "reject", "withdraw"]))
def test_what_is_answered_stays_answered(state: AppealState, verb: str) -> None:
    by = ("coordinator",) if verb != "withdraw" else ("finder",)
    if state is AppealState.OPEN:
        assert step(APPEAL_TRANSITIONS, verb, state, by) is not AppealState.OPEN
        with pytest.raises(NotPermitted):
            step(APPEAL_TRANSITIONS, verb, state, ("vendor",))
    else:
        with pytest.raises(Conflict):
            step(APPEAL_TRANSITIONS, verb, state, by)
