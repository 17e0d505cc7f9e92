"""Asking to take part in a case one cannot see, and what its coordinators answer."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.api.coordination.shapes import Done, Reason
from clearinghouse.app.joining import ask_to_join
from clearinghouse.app.views.asks import Asks, read_asks
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.coordination.asks import actions
from clearinghouse.disclosure.coordination.rooms.records import CaseRole


class AskAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As what the asker is invited, and why."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
    role: CaseRole = CaseRole.FINDER


@post("/reports/{report_id:str}/ask", opt={SCOPE: Scope.REPORTS_SUBMIT}, status_code=202, sync_to_thread=True, summary="Ask to take part")
def ask(instance: Acting, report_id: FromPath[str], data: JSONBody[Reason]) -> Done:
    """If others work on the flaw of this report their coordinators are told; the answer is the same if nobody does."""
    ask_to_join(instance, report_id, data.reason)
    return Done("asked")


@get("/cases/{case_id:str}/asks", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="Who asks to take part")
def asks(instance: Acting, case_id: FromPath[str]) -> Asks:
    """What waits for the coordinators of a case; empty for its other participants."""
    return read_asks(instance, case_id)


@post("/cases/{case_id:str}/asks/{ask_id:str}/invite", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Invite who asks")
def invite(instance: Acting, case_id: FromPath[str], ask_id: FromPath[str], data: JSONBody[AskAnswer]) -> Done:
    """By the invitation everybody gets: nothing of the case is told before it is accepted."""
    with instance.database.write() as tx:
        actions.invite_asker(
            tx, case_id, ask_id, data.role, data.reason, actor=instance.actor.id, envelope=instance.envelope, limits=instance.policy.rooms,
            now=instance.clock.now(),
        )
    return Done("invited")


@post("/cases/{case_id:str}/asks/{ask_id:str}/decline", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Decline who asks")
def decline(instance: Acting, case_id: FromPath[str], ask_id: FromPath[str], data: JSONBody[Reason]) -> Done:
    """With a reason for those who coordinate the case; who asked is told nothing."""
    with instance.database.write() as tx:
        actions.decline_asker(
            tx, case_id, ask_id, data.reason, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now()
        )
    return Done("declined")


ROUTER = Router("/", route_handlers=[ask, asks, invite, decline], tags=["cases"])
