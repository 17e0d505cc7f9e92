"""What appeals decide: what may be contested, how often, by when it is answered and by whom."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.ids import PartyId
from clearinghouse.core.policy import AppealPolicy
from clearinghouse.core.untrusted import clean_text
from clearinghouse.disclosure.coordination.appeals.records import Appeal, AppealState, Question

_CHARACTERS_MAX = 4_000

QUESTIONS = {
    Question.KNOWN: "It was not known before, or not since then",
    Question.DUPLICATE: "It is not the same flaw",
    Question.NOT_SAME: "It is the same flaw as another one",
    Question.CREDIT: "The order of credit",
}
"""For people who appeal, in their own words."""


def parse_question(untrusted_question: str) -> Question:
    """A question by its name.

    Raises:
        Invalid: there is none of this name.
    """
    if untrusted_question not in set(Question):
        raise Invalid(f"an appeal is about one of: {', '.join(Question)}")
    return Question(untrusted_question)


def parse_words(untrusted_words: str) -> str:
    """Why somebody appeals, or answers so.

    Raises:
        Invalid: nothing is said.
    """
    words = clean_text(untrusted_words, _CHARACTERS_MAX).strip()
    if not words:
        raise Invalid("give a reason: whoever reads this has to be able to follow it")
    return words


def open_questions(*, looked: bool, known: bool, withdrawn: bool) -> tuple[Question, ...]:
    """What may be contested of a report, by what its sender is told of it: nothing before a person has looked.

    What is not told cannot be contested either: otherwise the refusal would tell it (decision 2).
    """
    if withdrawn or not looked:
        return ()
    return tuple(Question) if known else (Question.NOT_SAME, Question.CREDIT)


def check_may_appeal(question: Question, allowed: Collection[Question], earlier: Sequence[Appeal], policy: AppealPolicy) -> None:
    """Raise Conflict unless a question may be raised now.

    Args:
        earlier: the appeals about this report and question so far.
    """
    if question not in allowed:
        raise Conflict("this cannot be appealed now: appeal what you are told of a report, once a person has looked at it and while it stands")
    if any(appeal.state is AppealState.OPEN for appeal in earlier):
        raise Conflict("an appeal about this is open; it is answered first")
    if sum(appeal.state is not AppealState.WITHDRAWN for appeal in earlier) >= policy.per_question_max:
        raise Conflict(f"this was appealed and answered {policy.per_question_max} times, as often as may be")


def due_at(policy: AppealPolicy, now: datetime) -> datetime:
    """By when an appeal made now is to be answered."""
    return now + timedelta(days=policy.answer_days)


def check_may_answer(actor: PartyId, *, own: bool, deciders: Collection[PartyId], others: Collection[PartyId]) -> None:
    """Raise NotPermitted where somebody else has to answer.

    Args:
        own: the actor sent the report, or acts for who did.
        deciders: who made the decisions that are contested, and who is of the house that appeals.
        others: who else could answer and decided none of them.
    """
    if own:
        raise NotPermitted("nobody answers an appeal of its own")
    if actor in deciders and others:
        raise NotPermitted("you decided what is contested here, or your organisation appeals; another coordinator who sees this report answers")
