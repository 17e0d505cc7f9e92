"""Appeals: a finder contests what it is told of its report, and another person than who decided answers."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.api.coordination.shapes import Done
from clearinghouse.app import appeals
from clearinghouse.app.views.appeals import AppealLine, AppealPage, list_appeals, read_appeal
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.coordination.appeals.records import Question


class AppealRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is contested, and why."""

    question: Question
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


class AppealAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Yes or no; who appealed reads the reason."""

    uphold: bool
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


class AppealMade(msgspec.Struct, frozen=True):
    """An appeal that waits."""

    id: str
    due_at: str


class AppealDone(msgspec.Struct, frozen=True):
    """What an answer did."""

    state: str
    done: tuple[str, ...]
    """What was undone, split off or taken out, each with its id."""


@post("/reports/{report_id:str}/appeals", opt={SCOPE: Scope.REPORTS_SUBMIT}, status_code=201, sync_to_thread=True, summary="Appeal")
def make(instance: Acting, report_id: FromPath[str], data: JSONBody[AppealRequest]) -> AppealMade:
    """Who sent a report contests what it is told of it, once a person has looked; one open appeal for each question."""
    made = appeals.make_appeal(instance, report_id, data.question, data.reason)
    return AppealMade(made.id, made.due_at.isoformat().replace("+00:00", "Z"))


@get("/appeals", opt={SCOPE: Scope.REPORTS_READ}, sync_to_thread=True, summary="Appeals")
def listed(instance: Acting) -> list[AppealLine]:
    """What waits for the caller's answer, the most urgent first, then its own appeals."""
    return list(list_appeals(instance))


@get("/appeals/{appeal_id:str}", opt={SCOPE: Scope.REPORTS_READ}, sync_to_thread=True, summary="One appeal")
def one(instance: Acting, appeal_id: FromPath[str]) -> AppealPage:
    """For who made it, and for who may answer it with what it is against."""
    return read_appeal(instance, appeal_id)


@post("/appeals/{appeal_id:str}/answer", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Answer an appeal")
def answer(instance: Acting, appeal_id: FromPath[str], data: JSONBody[AppealAnswer]) -> AppealDone:
    """By another person than who decided, where there is one. What an upheld appeal is against is undone in the same moment."""
    done = appeals.answer_appeal(instance, appeal_id, data.uphold, data.reason)
    return AppealDone("upheld" if data.uphold else "rejected", done)


@post("/appeals/{appeal_id:str}/withdraw", opt={SCOPE: Scope.REPORTS_SUBMIT}, status_code=200, sync_to_thread=True, summary="Take an appeal back")
def withdraw(instance: Acting, appeal_id: FromPath[str]) -> Done:
    """Before it is answered."""
    appeals.withdraw_appeal(instance, appeal_id)
    return Done("withdrawn")


ROUTER = Router("/", route_handlers=[make, listed, one, answer, withdraw], tags=["appeals"])
