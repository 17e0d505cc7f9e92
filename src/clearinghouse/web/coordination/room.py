"""The list of cases, and the page of one."""

from typing import Annotated, Any

from litestar import Response, Router, get
from litestar.params import FromPath, QueryParameter

from clearinghouse.app.views import case_room, cases, embargo_clock, trials, validations
from clearinghouse.app.views.case_room import RoomPage
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import parse_instant
from clearinghouse.core.errors import Invalid
from clearinghouse.core.roles import Scope
from clearinghouse.core.tlp import Tlp
from clearinghouse.disclosure.coordination.embargo.records import Change, ChangeKind, WhatIf
from clearinghouse.disclosure.coordination.rooms.records import DocumentKind, VendorStatus
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.disclosure.validation.dockets.records import MaterialKind
from clearinghouse.web import pages
from clearinghouse.web.coordination.shown import room_page
from clearinghouse.web.rendering import Flash, Form
from clearinghouse.web.visitor import Visiting, Visitor

PARTS = ("summary", "validation", "threads", "people", "documents", "record")
_CLUSTERS = 30
STATUSES = tuple((str(status), status.replace("_", " ")) for status in VendorStatus)
KINDS = tuple((str(kind), str(kind)) for kind in DocumentKind)
MATERIAL_KINDS = tuple((str(kind), str(kind)) for kind in MaterialKind)
TLPS = tuple((str(label), f"TLP:{label}") for label in Tlp)


@get("/cases", sync_to_thread=True, include_in_schema=False)
def rooms(visitor: Visiting) -> Response[Any]:
    """The cases one takes part in, invitations, and for coordinators the flaws without a case."""
    instance = visitor.acting(Scope.CASES_READ)
    found = tuple(
        pages.RoomLine(line.id, line.title, line.state, line.tlp, ", ".join(line.roles), line.lead_name, line.unread, line.opened_at)
        for line in case_room.list_rooms(instance)
    )
    clusters, total = cases.list_cases(instance, largest=_CLUSTERS) if Scope.CASES_DECIDE in visitor.scopes else ([], 0)
    return visitor.render(
        "cases.html", rooms=found, invitations=case_room.list_invitations(instance), clusters=clusters, total=total,
    )


@get("/cases/{case_id:str}", sync_to_thread=True, include_in_schema=False)
def room(
    visitor: Visiting, case_id: FromPath[str],
    part: Annotated[str, QueryParameter(name="part", max_length=20)] = "summary",
    thread: Annotated[str, QueryParameter(name="thread", max_length=64)] = "",
    before: Annotated[str, QueryParameter(name="before", max_length=64)] = "",
    what_if: Annotated[str, QueryParameter(name="what_if", max_length=40)] = "",
) -> Response[Any]:
    """One case, part by part; the embargo's clock stands beside each."""
    return show(visitor, case_id, part=part, thread=thread, before=before, what_if=what_if)


def show(
    visitor: Visitor, case_id: str, *, part: str = "summary", thread: str = "", before: str = "", what_if: str = "",
    form: Form | None = None, problem: str = "", http_status: int = 200,
) -> Response[Any]:
    """The page of a case; with a form that is sent back, and why."""
    instance = visitor.acting(Scope.CASES_READ)
    # The page of messages before another one belongs to one thread.
    found = case_room.read_room(instance, case_id, RoomPage(thread or None, before or None if thread else None))
    clock = embargo_clock.read_embargo(instance, case_id)
    asked, wrong = _ask(instance, case_id, what_if)
    shown = room_page(
        found, clock, leading(instance, found) if part == "summary" else None, asked, thread,
        coordinates=Scope.CASES_DECIDE in visitor.scopes,
    )
    said = tuple(Flash("problem", words) for words in (problem, wrong) if words)
    bench = validations.read_bench(instance, case_id) if part in ("summary", "validation") else None
    return visitor.render(
        "case.html", http_status=http_status, said=said, room=shown, part=part if part in PARTS else "summary", form=form or Form(),
        bench=bench, material_kinds=MATERIAL_KINDS, trials=trials.read_trials(instance, case_id) if part == "validation" else (),
        patches=() if bench is None else tuple(one for one in bench.materials if one.kind is MaterialKind.PATCH),
        statuses=STATUSES, kinds=KINDS, tlps=TLPS, asked_at=what_if,
    )


def leading(instance: Instance, found: case_room.CaseRoom) -> Finding | None:
    """The finding of the report that leads, or of the first that is there to be read."""
    there = [line.report.id for line in found.packets if line.report.withdrawn_at is None and line.report.detached_at is None]
    chosen = found.leading if found.leading in there else next(iter(there), None)
    return None if chosen is None else case_room.read_packet(instance, found.case.id, chosen)[1]


def _ask(instance: Instance, case_id: str, what_if: str) -> tuple[WhatIf | None, str]:
    if not what_if:
        return None, ""
    try:
        return embargo_clock.ask_what_if(instance, case_id, Change(ChangeKind.GOES_PUBLIC, parse_instant(what_if))), ""
    except ValueError:
        return None, "That is no date and time; write it as 2026-12-01T10:00, in UTC."
    except Invalid as error:
        return None, str(error)


@get("/cases/{case_id:str}/reports/{report_id:str}", sync_to_thread=True, include_in_schema=False)
def packet(visitor: Visiting, case_id: FromPath[str], report_id: FromPath[str]) -> Response[Any]:
    """A report as it was when it was attached, as far as one's tier goes."""
    instance = visitor.acting(Scope.CASES_READ)
    line, finding = case_room.read_packet(instance, case_id, report_id)
    title = case_room.read_room(instance, case_id).case.title
    return visitor.render("attached.html", case_id=case_id, case_title=title, line=line, packet=pages.packet_of(finding), finding=finding)


ROUTER = Router("/", route_handlers=[rooms, room, packet])
