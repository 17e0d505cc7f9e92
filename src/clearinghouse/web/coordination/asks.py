"""Asking to take part from the page of a report, and the page on which coordinators answer."""

from typing import Any

from litestar import Response, Router, get, post
from litestar.params import FromPath

from clearinghouse.app.joining import ask_to_join
from clearinghouse.app.views.asks import read_asks
from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.coordination.asks import actions
from clearinghouse.disclosure.coordination.rooms.records import CaseRole
from clearinghouse.web.rendering import Flash
from clearinghouse.web.visitor import Form, Visiting


@post("/reports/{report_id:str}/ask", sync_to_thread=True, include_in_schema=False)
def ask(visitor: Visiting, report_id: FromPath[str], form: Form) -> Response[Any]:
    """Ask to take part in whatever others make of the flaw."""
    try:
        ask_to_join(visitor.acting(Scope.REPORTS_SUBMIT), report_id, form.text("reason"))
    except (Invalid, Conflict) as error:
        return visitor.go(f"/reports/{report_id}", Flash("problem", str(error)))
    return visitor.go(f"/reports/{report_id}", Flash("done", "Asked. If others work on it you may be invited; of anything else you are told nothing."))


@get("/cases/{case_id:str}/asks", sync_to_thread=True, include_in_schema=False)
def asks(visitor: Visiting, case_id: FromPath[str]) -> Response[Any]:
    """Who asks to take part."""
    found = read_asks(visitor.acting(Scope.CASES_READ), case_id)
    return visitor.render("asks.html", case_id=found.case_id, title=found.title, asks=found.asks)


@post("/cases/{case_id:str}/asks/{ask_id:str}/invite", sync_to_thread=True, include_in_schema=False)
def invite(visitor: Visiting, case_id: FromPath[str], ask_id: FromPath[str], form: Form) -> Response[Any]:
    """Ask in who asked."""
    instance = visitor.acting(Scope.CASES_DECIDE)
    try:
        with instance.database.write() as tx:
            actions.invite_asker(
                tx, case_id, ask_id, CaseRole.FINDER, form.text("reason"), actor=instance.actor.id, envelope=instance.envelope,
                limits=instance.policy.rooms, now=instance.clock.now(),
            )
    except (Invalid, Conflict, NotPermitted) as error:
        return visitor.go(f"/cases/{case_id}/asks", Flash("problem", str(error)))
    return visitor.go(f"/cases/{case_id}/asks", Flash("done", "Invited."))


@post("/cases/{case_id:str}/asks/{ask_id:str}/decline", sync_to_thread=True, include_in_schema=False)
def decline(visitor: Visiting, case_id: FromPath[str], ask_id: FromPath[str], form: Form) -> Response[Any]:
    """Say no; who asked is told nothing."""
    instance = visitor.acting(Scope.CASES_DECIDE)
    try:
        with instance.database.write() as tx:
            actions.decline_asker(
                tx, case_id, ask_id, form.text("reason"), actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now()
            )
    except (Invalid, Conflict, NotPermitted) as error:
        return visitor.go(f"/cases/{case_id}/asks", Flash("problem", str(error)))
    return visitor.go(f"/cases/{case_id}/asks", Flash("done", "Declined; who asked is told nothing."))


ROUTER = Router("/", route_handlers=[ask, asks, invite, decline])
