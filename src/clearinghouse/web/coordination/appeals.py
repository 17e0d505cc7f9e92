"""Appealing from the page of a report or with a receipt, and the page on which a coordinator answers."""

from typing import Any

from litestar import Response, Router, get, post
from litestar.params import FromPath

from clearinghouse.app import appeals
from clearinghouse.app.views.appeals import read_appeal
from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.coordination.appeals.rules import QUESTIONS, parse_question
from clearinghouse.web.rendering import Flash
from clearinghouse.web.visitor import Form, Visiting

MADE = "Your appeal was received. Another person than who decided looks at it again and answers you."


@post("/reports/{report_id:str}/appeal", sync_to_thread=True, include_in_schema=False)
def make(visitor: Visiting, report_id: FromPath[str], form: Form) -> Response[Any]:
    """Contest what one is told of one's report."""
    instance = visitor.acting(Scope.REPORTS_SUBMIT)
    try:
        appeals.make_appeal(instance, report_id, parse_question(form.text("question")), form.text("reason"))
    except (Invalid, Conflict, NotPermitted) as error:
        return visitor.go(f"/reports/{report_id}", Flash("problem", str(error)))
    return visitor.go(f"/reports/{report_id}", Flash("done", MADE))


@get("/appeals/{appeal_id:str}", sync_to_thread=True, include_in_schema=False)
def appeal(visitor: Visiting, appeal_id: FromPath[str]) -> Response[Any]:
    """One appeal: what is contested, by which words, and against which decisions."""
    found = read_appeal(visitor.acting(Scope.REPORTS_READ), appeal_id)
    return visitor.render("appeal.html", appeal=found, question=QUESTIONS[found.line.question])


@post("/appeals/{appeal_id:str}/answer", sync_to_thread=True, include_in_schema=False)
def answer(visitor: Visiting, appeal_id: FromPath[str], form: Form) -> Response[Any]:
    """Uphold or reject, with a reason that who appealed reads."""
    instance, uphold = visitor.acting(Scope.CASES_DECIDE), form.text("answer") == "uphold"
    try:
        done = appeals.answer_appeal(instance, appeal_id, uphold, form.text("reason"))
    except (Invalid, Conflict, NotPermitted) as error:
        return visitor.go(f"/appeals/{appeal_id}", Flash("problem", str(error)))
    words = f"Upheld. {'; '.join(done).capitalize()}." if done else "Upheld." if uphold else "Rejected."
    return visitor.go(f"/appeals/{appeal_id}", Flash("done", f"{words} Who appealed is told, with your reason."))


@post("/appeals/{appeal_id:str}/withdraw", sync_to_thread=True, include_in_schema=False)
def withdraw(visitor: Visiting, appeal_id: FromPath[str], form: Form) -> Response[Any]:
    """Take one's appeal back."""
    instance = visitor.acting(Scope.REPORTS_READ)
    try:
        appeals.withdraw_appeal(instance, appeal_id)
    except Conflict as error:
        return visitor.go(f"/appeals/{appeal_id}", Flash("problem", str(error)))
    return visitor.go(f"/appeals/{appeal_id}", Flash("done", "Taken back; nobody has to answer it."))


ROUTER = Router("/", route_handlers=[make, appeal, answer, withdraw])
