"""Reading cases: the list, a whole room, one report as it was attached, invitations."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Router, get
from litestar.params import FromPath, QueryParameter

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.app.views import case_room
from clearinghouse.app.views.case_room import (
    DecisionLine,
    DocumentLine,
    InvitationLine,
    PacketLine,
    ParticipantLine,
    RoomLine,
    RoomPage,
    ThreadLine,
)
from clearinghouse.app.views.credit import CreditOrder
from clearinghouse.app.views.timeline import EventLine
from clearinghouse.core.ids import PartyId, VulnerabilityId
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.coordination.rooms.records import Case, CaseRole, CaseState, VendorStatus, Vulnerability
from clearinghouse.disclosure.intake.records import Finding


class Status(msgspec.Struct, frozen=True):
    """The newest word of a vendor on a vulnerability; a pair that is missing has not been answered."""

    vulnerability: VulnerabilityId
    party: PartyId
    status: VendorStatus
    said_at: datetime


class Room(msgspec.Struct, frozen=True):
    """A case as the caller may see it."""

    case: Case
    lead_name: str
    roles: list[CaseRole]
    """The caller's own; empty for somebody who reads without taking part."""
    tier: int
    participants: tuple[ParticipantLine, ...]
    vulnerabilities: tuple[Vulnerability, ...]
    statuses: list[Status]
    threads: tuple[ThreadLine, ...]
    documents: tuple[DocumentLine, ...]
    decisions: tuple[DecisionLine, ...]
    reports: tuple[PacketLine, ...]
    timeline: tuple[EventLine, ...]
    leading: str
    """Of the reports the caller is shown, the one to work from."""
    credit: CreditOrder
    """Of the reports whose senders are named to the caller: who was first, who found it independently, who came later, and why."""


class AttachedReport(msgspec.Struct, frozen=True):
    """A report as it was when it was attached."""

    line: PacketLine
    finding: Finding


@get("/cases", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="Cases")
def rooms(
    instance: Acting, size: Annotated[int, QueryParameter(name="size", ge=1, le=200)] = 50,
    before: Annotated[str, QueryParameter(name="before", max_length=64, description="Id of the last case of the page before.")] = "",
    only: Annotated[CaseState | None, QueryParameter(name="state")] = None,
) -> list[RoomLine]:
    """The cases the caller takes part in, newest first."""
    return list(case_room.list_rooms(instance, limit=size, before=before or None, state=only))


@get("/cases/{case_id:str}", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="One case")
def room(
    instance: Acting, case_id: FromPath[str],
    thread: Annotated[str, QueryParameter(name="thread", max_length=64, description="Messages of this thread alone.")] = "",
    before: Annotated[str, QueryParameter(name="before", max_length=64, description="Oldest message of the page before.")] = "",
) -> Room:
    """The whole room; what grows (messages, decisions, events) comes as its newest page."""
    found = case_room.read_room(instance, case_id, RoomPage(thread or None, before or None))
    statuses = [Status(flaw, party, said.status, said.said_at) for (flaw, party), said in found.statuses.items()]
    return Room(
        found.case, found.lead_name, sorted(found.standing.roles), int(found.standing.tier), found.participants, found.vulnerabilities,
        statuses, found.threads, found.documents, found.decisions, found.packets, found.timeline, found.leading, found.credit,
    )


@get("/cases/{case_id:str}/reports/{report_id:str}", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="A report of a case")
def packet(instance: Acting, case_id: FromPath[str], report_id: FromPath[str]) -> AttachedReport:
    """What the finder said, as far as the caller's tier goes."""
    return AttachedReport(*case_room.read_packet(instance, case_id, report_id))


@get("/invitations", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="Invitations")
def invitations(instance: Acting) -> list[InvitationLine]:
    """Cases the caller was asked to take part in and has not answered."""
    return list(case_room.list_invitations(instance))


ROUTER = Router("/", tags=["cases"], route_handlers=[rooms, room, packet, invitations])
