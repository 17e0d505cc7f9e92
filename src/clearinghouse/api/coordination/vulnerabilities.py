"""The flaws of a case, and what each vendor says of each."""

from typing import Annotated

import msgspec
from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.api.coordination.shapes import Done
from clearinghouse.app.views import case_room
from clearinghouse.core.ids import VulnerabilityId
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import VendorStatement, VendorStatus, Vulnerability

Title = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
Identifiers = Annotated[tuple[Annotated[str, msgspec.Meta(max_length=100)], ...], msgspec.Meta(max_length=50)]
Reports = Annotated[tuple[str, ...], msgspec.Meta(max_length=500)]


class NewVulnerability(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A flaw and the reports that support it."""

    title: Title
    identifiers: Identifiers = ()
    reports: Reports = ()


class VulnerabilityChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What changes; what is left out stays."""

    title: Title | None = None
    identifiers: Identifiers | None = None
    reports: Reports | None = None


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a vendor stands to a flaw, in the words of VEX."""

    status: VendorStatus
    statement: Annotated[str, msgspec.Meta(max_length=20_000)] = ""
    party: str | None = None
    """The vendor, where a coordinator says it for one that answered elsewhere."""


class Added(msgspec.Struct, frozen=True):
    """The vulnerability that was added."""

    id: VulnerabilityId


@post("/cases/{case_id:str}/vulnerabilities", opt={SCOPE: Scope.CASES_DECIDE}, sync_to_thread=True, summary="Add a vulnerability")
def add(instance: Acting, case_id: FromPath[str], data: JSONBody[NewVulnerability]) -> Added:
    """A confirmed or suspected flaw; one case may hold several that are handled together."""
    with instance.database.write() as tx:
        return Added(actions.add_vulnerability(
            tx, case_id, data.title, identifiers=data.identifiers, report_ids=data.reports, actor=instance.actor.id,
            envelope=instance.envelope, limits=instance.policy.rooms, now=instance.clock.now(),
        ))


@patch("/cases/{case_id:str}/vulnerabilities/{vulnerability_id:str}", opt={SCOPE: Scope.CASES_DECIDE}, sync_to_thread=True, summary="Change a vulnerability")
def change(instance: Acting, case_id: FromPath[str], vulnerability_id: FromPath[str], data: JSONBody[VulnerabilityChange]) -> Vulnerability:
    """Title, identifiers or the reports that support it."""
    with instance.database.write() as tx:
        return actions.change_vulnerability(
            tx, case_id, vulnerability_id, title=data.title, identifiers=data.identifiers, report_ids=data.reports,
            actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now(),
        )


@delete("/cases/{case_id:str}/vulnerabilities/{vulnerability_id:str}", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Take a vulnerability off")
def remove(instance: Acting, case_id: FromPath[str], vulnerability_id: FromPath[str]) -> Done:
    """What vendors said of it is kept; it can be restored."""
    with instance.database.write() as tx:
        actions.remove_vulnerability(
            tx, case_id, vulnerability_id, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now()
        )
    return Done()


@post("/cases/{case_id:str}/vulnerabilities/{vulnerability_id:str}/restore", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Restore a vulnerability")
def restore(instance: Acting, case_id: FromPath[str], vulnerability_id: FromPath[str]) -> Done:
    """Undo a removal."""
    with instance.database.write() as tx:
        actions.restore_vulnerability(
            tx, case_id, vulnerability_id, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now()
        )
    return Done()


@post("/cases/{case_id:str}/vulnerabilities/{vulnerability_id:str}/statements", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="State a vendor's status")
def state(instance: Acting, case_id: FromPath[str], vulnerability_id: FromPath[str], data: JSONBody[Statement]) -> VendorStatement:
    """The newest word counts; all of them are kept."""
    with instance.database.write() as tx:
        return actions.state_status(
            tx, case_id, vulnerability_id, data.status, data.statement, party_id=data.party, actor=instance.actor.id,
            envelope=instance.envelope, now=instance.clock.now(),
        )


@get("/cases/{case_id:str}/vulnerabilities/{vulnerability_id:str}/statements", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="What vendors said")
def statements(instance: Acting, case_id: FromPath[str], vulnerability_id: FromPath[str]) -> list[VendorStatement]:
    """All of it, newest first."""
    return case_room.list_statements(instance, case_id, vulnerability_id)


ROUTER = Router("/", tags=["vulnerabilities"], route_handlers=[add, change, remove, restore, state, statements])
