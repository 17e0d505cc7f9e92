"""Vulnerabilities of a case, and what vendors say of each."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from clearinghouse.core.errors import Conflict, NotPermitted
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, ReportId, VulnerabilityId, new_id
from clearinghouse.core.policy import RoomLimits
from clearinghouse.disclosure.coordination.rooms import rules
from clearinghouse.disclosure.coordination.rooms.actions.entering import coordinate, enter, hidden_among, nothing_found, take_part
from clearinghouse.disclosure.coordination.rooms.records import (
    CaseRole,
    Participation,
    Room,
    VendorStatement,
    VendorStatus,
    Vulnerability,
)
from clearinghouse.disclosure.coordination.rooms.store import cases, participants, vulnerabilities
from clearinghouse.ledger import actions as ledger
from clearinghouse.storage import Envelope, Transaction


def add_vulnerability(
    tx: Transaction, case_id: str, title: str, *, identifiers: Sequence[str] = (), report_ids: Sequence[str] = (), actor: PartyId,
    envelope: Envelope, limits: RoomLimits, now: datetime,
) -> VulnerabilityId:
    """A new vulnerability of a case and the reports that support it.

    Raises:
        NotFound: the case is not the actor's to see, or has no such report.
        NotPermitted: the actor does not coordinate the case.
        Invalid: the title is empty, or there are too many identifiers.
        Conflict: the case is not open or holds its bound.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    if vulnerabilities.system_count_vulnerabilities(tx, room.id) >= limits.vulnerabilities_max:
        raise Conflict(f"this case holds its bound of {limits.vulnerabilities_max} vulnerabilities")
    new = Vulnerability(
        VulnerabilityId(new_id("vul")), now, actor, rules.parse_title(title), rules.parse_identifiers(identifiers),
        _supporting(tx, room, report_ids, now),
    )
    vulnerabilities.add_vulnerability(tx, room, new)
    ledger.record(tx, Event("VulnerabilityAdded", (room.id, new.id)), actor=actor, now=now)
    return new.id


def change_vulnerability(
    tx: Transaction, case_id: str, vulnerability_id: str, *, title: str | None = None, identifiers: Sequence[str] | None = None,
    report_ids: Sequence[str] | None = None, actor: PartyId, envelope: Envelope, now: datetime,
) -> Vulnerability:
    """Change what is given of a vulnerability.

    Raises:
        NotFound: the case is not the actor's to see, or has no such vulnerability or report.
        NotPermitted: the actor does not coordinate the case.
        Invalid: the title is empty, or there are too many identifiers.
        Conflict: the case is not open.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    known = _find(tx, room, vulnerability_id)
    changed = replace(
        known, title=known.title if title is None else rules.parse_title(title),
        identifiers=known.identifiers if identifiers is None else rules.parse_identifiers(identifiers),
        reports=known.reports if report_ids is None else _supporting(tx, room, report_ids, now),
    )
    vulnerabilities.save_vulnerability(tx, room, changed)
    details: dict[str, Detail] = {
        "title": changed.title != known.title, "identifiers": changed.identifiers != known.identifiers,
        "reports": changed.reports != known.reports,
    }
    ledger.record(tx, Event("VulnerabilityChanged", (room.id, known.id), details), actor=actor, now=now)
    return changed


def remove_vulnerability(tx: Transaction, case_id: str, vulnerability_id: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> None:
    """Take a vulnerability off a case; what vendors said of it is kept.

    Raises:
        NotFound: the case is not the actor's to see, or has no such vulnerability.
        NotPermitted: the actor does not coordinate the case.
        Conflict: the case is not open.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    known = _find(tx, room, vulnerability_id)
    vulnerabilities.set_removed(tx, room, known.id, now)
    ledger.record(tx, Event("VulnerabilityRemoved", (room.id, known.id)), actor=actor, now=now)


def restore_vulnerability(tx: Transaction, case_id: str, vulnerability_id: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> None:
    """Undo a removal.

    Raises:
        NotFound: the case is not the actor's to see, or never had such a vulnerability.
        NotPermitted: the actor does not coordinate the case.
        Conflict: the case is not open, or the vulnerability was not removed.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    known = vulnerabilities.find_vulnerability(tx, room, vulnerability_id, removed=True)
    if known is None:
        raise nothing_found(vulnerability_id)
    if not vulnerabilities.set_removed(tx, room, known.id, None):
        raise Conflict("this vulnerability was not removed")
    ledger.record(tx, Event("VulnerabilityRestored", (room.id, known.id)), actor=actor, now=now)


def state_status(
    tx: Transaction, case_id: str, vulnerability_id: str, status: VendorStatus, statement: str = "", *, party_id: str | None = None,
    actor: PartyId, envelope: Envelope, now: datetime,
) -> VendorStatement:
    """Say how a vendor stands to a vulnerability, in the words of VEX.

    Args:
        party_id: the vendor a coordinator speaks for, who then says in the statement how it knows; by default the vendor
            the actor acts for.
    Raises:
        NotFound: the case is not the actor's to see, or has no such vulnerability or vendor.
        NotPermitted: the actor acts for no vendor and does not coordinate the case.
        Conflict: the case is not open, or the party takes no part as a vendor.
        Invalid: a coordinator speaks for a vendor without saying how it knows.
    """
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    known = _find(tx, room, vulnerability_id)
    party = PartyId(party_id or room.standing.party)
    own = party in room.standing.parties
    if not own:
        rules.check_coordinates(room.standing)
    vendor = participants.find_participant(tx, room, party)
    if vendor is None:
        raise nothing_found(party)
    if vendor.role is not CaseRole.VENDOR:
        raise NotPermitted("a status is a vendor's to give; the party takes part in another role")
    if vendor.state not in (Participation.JOINED, Participation.INVITED) or (own and vendor.state is not Participation.JOINED):
        raise Conflict(f"this vendor has {vendor.state}")
    said = rules.parse_paragraph(statement) if own else rules.parse_reason(statement)
    new = VendorStatement(new_id("sta"), known.id, party, status, now, actor, said)
    vulnerabilities.add_statement(tx, room, new)
    details: dict[str, Detail] = {"status": str(status), "own": own}
    ledger.record(tx, Event("VendorStatusStated", (room.id, known.id, party), details), actor=actor, now=now)
    return new


def read_statements(
    tx: Transaction, case_id: str, vulnerability_id: str, party_id: str | None = None, *, envelope: Envelope, viewer: PartyId,
    now: datetime,
) -> list[VendorStatement]:
    """All that vendors, or one of them, ever said of a vulnerability, newest first.

    Raises:
        NotFound: the case is not the viewer's to see.
    """
    room = enter(tx, case_id, envelope=envelope, viewer=viewer, now=now)
    found = vulnerabilities.read_statements(tx, room, vulnerability_id, party_id)
    hidden = hidden_among(tx, room, (one.said_by for one in found))
    return [replace(one, said_by=PartyId("")) if one.said_by in hidden else one for one in found]


def _find(tx: Transaction, room: Room, vulnerability_id: str) -> Vulnerability:
    known = vulnerabilities.find_vulnerability(tx, room, vulnerability_id)
    if known is None:
        raise nothing_found(vulnerability_id)
    return known


def _supporting(tx: Transaction, room: Room, report_ids: Sequence[str], now: datetime) -> tuple[ReportId, ...]:
    held = {attached.id for attached in cases.list_reports(tx, room, now=now)}
    wanted = sorted(set(report_ids))
    for report_id in wanted:
        if report_id not in held:
            raise nothing_found(report_id)
    return tuple(ReportId(report_id) for report_id in wanted)


__all__ = [
    "add_vulnerability", "change_vulnerability", "read_statements", "remove_vulnerability", "restore_vulnerability", "state_status",
]
