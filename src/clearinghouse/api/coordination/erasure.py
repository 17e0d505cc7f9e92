"""The end of what a case held: asking for it, confirming it as a second person, and the legal hold that forbids it."""

from datetime import datetime

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.api.coordination.shapes import Done, Reason
from clearinghouse.app.views.erasures import list_waiting
from clearinghouse.core.ids import CaseId, ErasureId, PartyId
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import CaseState


class Asked(msgspec.Struct, frozen=True):
    """A request to erase a case, which waits for a second person."""

    id: ErasureId
    case_id: CaseId
    asked_by: PartyId
    asked_at: datetime
    lapses_at: datetime
    reason: str


@post("/cases/{case_id:str}/erasure", opt={SCOPE: Scope.CASES_ERASE}, sync_to_thread=True, summary="Ask that a closed case be erased")
def ask(instance: Acting, case_id: FromPath[str], data: JSONBody[Reason]) -> Asked:
    """A coordinator of the case asks; nothing is lost until somebody else confirms it."""
    with instance.database.write() as tx:
        made = actions.request_erasure(
            tx, case_id, data.reason, proven=True, policy=instance.policy.identity, actor=instance.actor.id, envelope=instance.envelope,
            now=instance.clock.now(),
        )
    return Asked(made.id, made.case_id, made.asked_by, made.asked_at, made.lapses_at, made.reason)


@get("/erasures", opt={SCOPE: Scope.CASES_ERASE}, sync_to_thread=True, summary="Requests to erase")
def waiting(instance: Acting) -> list[Asked]:
    """What waits for a second person."""
    return [Asked(one.id, one.case_id, one.asked_by, one.asked_at, one.lapses_at, one.reason) for one in list_waiting(instance)]


@post("/erasures/{erasure_id:str}/confirm", opt={SCOPE: Scope.CASES_ERASE}, status_code=200, sync_to_thread=True, summary="Erase a case, as the second person")
def confirm(instance: Acting, erasure_id: FromPath[str]) -> Done:
    """Its key is destroyed, and nothing that was written in it opens again; events and digests stay."""
    with instance.database.write() as tx:
        actions.confirm_erasure(tx, erasure_id, proven=True, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now())
    return Done(CaseState.ERASED)


@post("/cases/{case_id:str}/hold", opt={SCOPE: Scope.CASES_ERASE}, status_code=200, sync_to_thread=True, summary="Put a legal hold on a case")
def hold(instance: Acting, case_id: FromPath[str], data: JSONBody[Reason]) -> Done:
    """A coordinator of the case forbids its erasure; at the command line an administrator may as well, unseen."""
    with instance.database.write() as tx:
        actions.hold_case(tx, case_id, data.reason, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now())
    return Done()


@post("/cases/{case_id:str}/hold/lift", opt={SCOPE: Scope.CASES_ERASE}, status_code=200, sync_to_thread=True, summary="Lift a legal hold")
def lift(instance: Acting, case_id: FromPath[str]) -> Done:
    """From now on the case may be erased by two persons."""
    with instance.database.write() as tx:
        actions.release_case(tx, case_id, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now())
    return Done()


ROUTER = Router("/", tags=["cases"], route_handlers=[ask, waiting, confirm, hold, lift])
