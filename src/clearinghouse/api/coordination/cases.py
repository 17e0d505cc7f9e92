"""Cases: opening one from reports, what is attached to it, its state and its decisions."""

from typing import Annotated

import msgspec
from litestar import Router, patch, post
from litestar.params import FromPath, JSONBody

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.api.coordination.shapes import Done, MarksShape, Reason, marks_of
from clearinghouse.core.ids import CaseId
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import DecisionKind

Title = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
Summary = Annotated[str, msgspec.Meta(max_length=4000)]


class NewCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a case is opened from."""

    reports: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=500)]
    title: Title
    summary: Summary = ""
    marks: MarksShape | None = None
    reason: Annotated[str, msgspec.Meta(max_length=4000)] = ""


class Opened(msgspec.Struct, frozen=True):
    """The case that was opened."""

    id: CaseId


class Attachment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A report to attach or detach, and why."""

    report: str
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


class CaseChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What changes; what is left out stays."""

    title: Title | None = None
    summary: Summary | None = None


class MarksChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """New handling marks, and why."""

    marks: MarksShape
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


class Judgement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A decision people record as such."""

    kind: DecisionKind
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
    subject: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Report or vulnerability it is about; the case itself where empty."""


class Written(msgspec.Struct, frozen=True):
    """The decision that was written down."""

    id: str


@post("/cases", opt={SCOPE: Scope.CASES_DECIDE}, sync_to_thread=True, summary="Open a case")
def open_case(instance: Acting, data: JSONBody[NewCase]) -> Opened:
    """A room for one flaw, from reports the caller may read. Their reporters take part from the start."""
    with instance.database.write() as tx:
        case_id = actions.open_case(
            tx, data.reports, data.title, summary=data.summary, marks=marks_of(data.marks), reason=data.reason,
            policy_version=instance.policy.version, actor=instance.actor.id, envelope=instance.envelope,
            limits=instance.policy.rooms, now=instance.clock.now(),
        )
    return Opened(case_id)


@patch("/cases/{case_id:str}", opt={SCOPE: Scope.CASES_DECIDE}, sync_to_thread=True, summary="Change title or summary")
def edit(instance: Acting, case_id: FromPath[str], data: JSONBody[CaseChange]) -> Done:
    """A coordinator of the case says better what it is about."""
    with instance.database.write() as tx:
        actions.edit_case(
            tx, case_id, title=data.title, summary=data.summary, actor=instance.actor.id, envelope=instance.envelope,
            now=instance.clock.now(),
        )
    return Done()


@post("/cases/{case_id:str}/marks", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Change handling marks")
def mark(instance: Acting, case_id: FromPath[str], data: JSONBody[MarksChange]) -> Done:
    """TLP and what travels with it, for the case as a whole."""
    marks = marks_of(data.marks)
    assert marks is not None, "the body requires them"
    with instance.database.write() as tx:
        actions.mark_case(
            tx, case_id, marks, data.reason, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now()
        )
    return Done()


@post("/cases/{case_id:str}/close", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Close a case")
def close(instance: Acting, case_id: FromPath[str], data: JSONBody[Reason]) -> Done:
    """Nothing is deleted; the room can still be read, and opened again."""
    with instance.database.write() as tx:
        actions.close_case(tx, case_id, data.reason, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now())
    return Done()


@post("/cases/{case_id:str}/reopen", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Open a case again")
def reopen(instance: Acting, case_id: FromPath[str], data: JSONBody[Reason]) -> Done:
    """Its reports are handled here again, unless another case took them meanwhile."""
    with instance.database.write() as tx:
        actions.reopen_case(tx, case_id, data.reason, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now())
    return Done()


@post("/cases/{case_id:str}/reports", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Attach a report")
def attach(instance: Acting, case_id: FromPath[str], data: JSONBody[Attachment]) -> Done:
    """Another report of the same flaw; its reporter takes part from now on."""
    with instance.database.write() as tx:
        actions.attach_report(
            tx, case_id, data.report, data.reason, actor=instance.actor.id, envelope=instance.envelope, limits=instance.policy.rooms,
            now=instance.clock.now(),
        )
    return Done()


@post("/cases/{case_id:str}/reports/detach", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Detach a report")
def detach(instance: Acting, case_id: FromPath[str], data: JSONBody[Attachment]) -> Done:
    """It turned out to be another flaw."""
    with instance.database.write() as tx:
        actions.detach_report(
            tx, case_id, data.report, data.reason, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now()
        )
    return Done()


@post("/cases/{case_id:str}/reports/withdraw", opt={SCOPE: Scope.CASES_READ}, status_code=200, sync_to_thread=True, summary="Withdraw one's report")
def withdraw(instance: Acting, case_id: FromPath[str], data: JSONBody[Attachment]) -> Done:
    """A finder takes its own report back; the others read "withdrawn by finder" and no longer its content."""
    with instance.database.write() as tx:
        state = actions.withdraw_report(
            tx, case_id, data.report, data.reason, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now()
        )
    return Done(state)


@post("/cases/{case_id:str}/reports/reinstate", opt={SCOPE: Scope.CASES_READ}, status_code=200, sync_to_thread=True, summary="Undo a withdrawal")
def reinstate(instance: Acting, case_id: FromPath[str], data: JSONBody[Attachment]) -> Done:
    """The finder hands its report in again."""
    with instance.database.write() as tx:
        state = actions.reinstate_report(
            tx, case_id, data.report, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now()
        )
    return Done(state)


@post("/cases/{case_id:str}/decisions", opt={SCOPE: Scope.CASES_DECIDE}, sync_to_thread=True, summary="Record a decision")
def decide(instance: Acting, case_id: FromPath[str], data: JSONBody[Judgement]) -> Written:
    """What was judged, and why, for whoever has to defend it later."""
    with instance.database.write() as tx:
        return Written(actions.record_decision(
            tx, case_id, data.kind, data.reason, subject=data.subject, actor=instance.actor.id, envelope=instance.envelope,
            now=instance.clock.now(),
        ))


@post("/cases/{case_id:str}/decisions/{decision_id:str}/undo", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Undo a decision of a case")
def undo(instance: Acting, case_id: FromPath[str], decision_id: FromPath[str]) -> Done:
    """It stays on the record as undone."""
    with instance.database.write() as tx:
        actions.undo_decision(tx, case_id, decision_id, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now())
    return Done()


ROUTER = Router(
    "/", tags=["cases"],
    route_handlers=[open_case, edit, mark, close, reopen, attach, detach, withdraw, reinstate, decide, undo],
)
