"""Vulnerabilities of a case, and what each vendor says of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, delete, func, insert, select, update

from clearinghouse.core.ids import CaseId, PartyId, ReportId, VulnerabilityId
from clearinghouse.disclosure.coordination.rooms.records import Room, VendorStatement, VendorStatus, Vulnerability
from clearinghouse.disclosure.coordination.rooms.store.tables import (
    case_reports,
    seal,
    unseal,
    vendor_statements,
    vulnerabilities,
    vulnerability_reports,
)
from clearinghouse.disclosure.intake.withdrawals.store import withdrawn_ids
from clearinghouse.parties.records import Tier
from clearinghouse.storage import Transaction


@dataclass(frozen=True, slots=True)
class _Text:
    title: str
    identifiers: tuple[str, ...]


def add_vulnerability(tx: Transaction, room: Room, new: Vulnerability) -> None:
    """Keep a new vulnerability and the reports that support it."""
    tx.write(insert(vulnerabilities), {
        "vulnerability_id": new.id, "case_id": room.id, "added_at": new.added_at, "added_by": new.added_by, "removed_at": None,
        "sealed": seal(room.key, _Text(new.title, new.identifiers), new.id),
    })
    _support(tx, new.id, new.reports)


def save_vulnerability(tx: Transaction, room: Room, changed: Vulnerability) -> None:
    """Keep a changed title, identifiers and support."""
    tx.write(update(vulnerabilities).where(
        vulnerabilities.c.case_id == room.id, vulnerabilities.c.vulnerability_id == changed.id
    ).values(sealed=seal(room.key, _Text(changed.title, changed.identifiers), changed.id)))
    tx.write(delete(vulnerability_reports).where(vulnerability_reports.c.vulnerability_id == changed.id))
    _support(tx, changed.id, changed.reports)


def set_removed(tx: Transaction, room: Room, vulnerability_id: VulnerabilityId, removed_at: datetime | None) -> bool:
    """Take a vulnerability off the case, or (None) put it back; False where it is so already."""
    before = vulnerabilities.c.removed_at.is_not(None) if removed_at is None else vulnerabilities.c.removed_at.is_(None)
    return tx.write(update(vulnerabilities).where(
        vulnerabilities.c.case_id == room.id, vulnerabilities.c.vulnerability_id == vulnerability_id, before
    ).values(removed_at=removed_at)) == 1


def list_vulnerabilities(tx: Transaction, room: Room, *, removed: bool = False) -> list[Vulnerability]:
    """The vulnerabilities of a case in order of addition, as far as the viewer is read in; two statements."""
    found = vulnerabilities.c.case_id == room.id
    if room.standing.tier < Tier.SUMMARY:
        found = found & vulnerabilities.c.case_id.is_(None)
    if not removed:
        found = found & vulnerabilities.c.removed_at.is_(None)
    rows = tx.rows(select(vulnerabilities).where(found).order_by(vulnerabilities.c.added_at, vulnerabilities.c.vulnerability_id))
    query = select(vulnerability_reports).join(
        vulnerabilities, vulnerabilities.c.vulnerability_id == vulnerability_reports.c.vulnerability_id
    ).where(found).order_by(vulnerability_reports.c.report_id)
    support: dict[str, list[ReportId]] = {}
    for row in tx.rows(query):
        support.setdefault(row.vulnerability_id, []).append(ReportId(row.report_id))
    return [_vulnerability(row, room, support.get(row.vulnerability_id, [])) for row in rows]


def list_over(tx: Transaction, rooms: Sequence[Room]) -> list[tuple[CaseId, Vulnerability]]:
    """The vulnerabilities of several rooms of one viewer, as far as it is read in to each, without their reports; one statement."""
    told = {room.id: room for room in rooms if room.standing.tier >= Tier.SUMMARY}
    query = select(vulnerabilities).where(vulnerabilities.c.case_id.in_(sorted(told)), vulnerabilities.c.removed_at.is_(None))
    rows = tx.rows(query.order_by(vulnerabilities.c.added_at.desc(), vulnerabilities.c.vulnerability_id))
    return [(CaseId(row.case_id), _vulnerability(row, told[CaseId(row.case_id)], ())) for row in rows]


def find_vulnerability(tx: Transaction, room: Room, vulnerability_id: str, *, removed: bool = False) -> Vulnerability | None:
    """One vulnerability of a case."""
    return next((one for one in list_vulnerabilities(tx, room, removed=removed) if one.id == vulnerability_id), None)


def system_count_vulnerabilities(tx: Transaction, case_id: CaseId) -> int:
    """How many vulnerabilities were ever added, for the bound."""
    return int(tx.value(select(func.count()).where(vulnerabilities.c.case_id == case_id)) or 0)


def add_statement(tx: Transaction, room: Room, new: VendorStatement) -> None:
    """Keep a vendor's word; earlier ones stay on record behind it."""
    tx.write(update(vendor_statements).where(
        vendor_statements.c.case_id == room.id, vendor_statements.c.vulnerability_id == new.vulnerability,
        vendor_statements.c.party_id == new.party, vendor_statements.c.newest,
    ).values(newest=False))
    tx.write(insert(vendor_statements), {
        "statement_id": new.id, "case_id": room.id, "vulnerability_id": new.vulnerability, "party_id": new.party,
        "status": new.status, "said_at": new.said_at, "said_by": new.said_by, "newest": True,
        "sealed": seal(room.key, new.statement or "", new.id),
    })


def list_statements(tx: Transaction, room: Room, *, texts: int = 0) -> list[VendorStatement]:
    """The newest word of each vendor on each vulnerability, the earliest said first.

    Args:
        texts: of how many of them, those said last, the statement itself is opened.
    """
    told = vendor_statements.c.case_id == (room.id if room.standing.tier >= Tier.SUMMARY else "")
    columns = [column for column in vendor_statements.c if texts or column.name != "sealed"]
    query = select(*columns).where(told, vendor_statements.c.newest)
    rows = tx.rows(query.order_by(vendor_statements.c.said_at, vendor_statements.c.statement_id))
    first = len(rows) - texts
    return [
        _statement(row, unseal(room.key, row.sealed, row.statement_id, str) if texts and place >= first else None)
        for place, row in enumerate(rows)
    ]


def read_statements(tx: Transaction, room: Room, vulnerability_id: str, party: str | None = None) -> list[VendorStatement]:
    """All that vendors, or one of them, ever said of a vulnerability, newest first, with the statements."""
    query = select(vendor_statements).where(
        vendor_statements.c.case_id == room.id, vendor_statements.c.vulnerability_id == vulnerability_id
    )
    if party is not None:
        query = query.where(vendor_statements.c.party_id == party)
    if room.standing.tier < Tier.SUMMARY:
        query = query.where(vendor_statements.c.case_id.is_(None))
    rows = tx.rows(query.order_by(vendor_statements.c.newest.desc(), vendor_statements.c.said_at.desc(), vendor_statements.c.statement_id))
    return [_statement(row, unseal(room.key, row.sealed, row.statement_id, str)) for row in rows]


def system_statuses(tx: Transaction, case_id: CaseId) -> list[VendorStatus]:
    """The newest words of all vendors, to decide what follows on a change; shown to nobody."""
    query = select(vendor_statements.c.status).join(
        vulnerabilities, vulnerabilities.c.vulnerability_id == vendor_statements.c.vulnerability_id
    ).where(vendor_statements.c.case_id == case_id, vendor_statements.c.newest, vulnerabilities.c.removed_at.is_(None))
    return [VendorStatus(row.status) for row in tx.rows(query)]


def system_beside(tx: Transaction, report_ids: Sequence[str]) -> dict[str, dict[ReportId, datetime]]:
    """For each of these reports, those that a person set beside it as one flaw and that stand, each with when it came."""
    own, peer = case_reports.alias("own"), case_reports.alias("peer")
    beside = vulnerability_reports.alias("beside")
    query = select(own.c.report_id, peer.c.report_id.label("peer_id"), peer.c.received_at).select_from(own).join(
        vulnerability_reports, vulnerability_reports.c.report_id == own.c.report_id
    ).join(vulnerabilities, and_(
        vulnerabilities.c.vulnerability_id == vulnerability_reports.c.vulnerability_id, vulnerabilities.c.case_id == own.c.case_id,
        vulnerabilities.c.removed_at.is_(None),
    )).join(beside, beside.c.vulnerability_id == vulnerabilities.c.vulnerability_id).join(peer, and_(
        peer.c.report_id == beside.c.report_id, peer.c.case_id == own.c.case_id, peer.c.detached_at.is_(None),
        peer.c.withdrawn_at.is_(None), peer.c.report_id.not_in(withdrawn_ids()), peer.c.report_id != own.c.report_id,
    )).where(own.c.report_id.in_(list(report_ids)), own.c.detached_at.is_(None))
    found: dict[str, dict[ReportId, datetime]] = {}
    for row in tx.rows(query):
        found.setdefault(row.report_id, {})[ReportId(row.peer_id)] = row.received_at
    return found


def system_beside_by(tx: Transaction, report_id: str) -> list[PartyId]:
    """Who added the vulnerabilities that set a report beside others, to decide who may answer for that."""
    beside = vulnerability_reports.alias("beside")
    query = select(vulnerabilities.c.added_by).join(
        vulnerability_reports, vulnerability_reports.c.vulnerability_id == vulnerabilities.c.vulnerability_id
    ).join(beside, and_(
        beside.c.vulnerability_id == vulnerabilities.c.vulnerability_id, beside.c.report_id != vulnerability_reports.c.report_id
    )).where(vulnerability_reports.c.report_id == report_id, vulnerabilities.c.removed_at.is_(None)).distinct()
    return [PartyId(row.added_by) for row in tx.rows(query)]


def list_fixes(tx: Transaction, rooms: Sequence[Room]) -> list[tuple[datetime, datetime]]:
    """Of the vulnerabilities of these rooms, as far as the viewer is shown them: when the case's first report came, and the first fix."""
    shown = [room.id for room in rooms if room.standing.tier >= Tier.SUMMARY]
    received = select(
        case_reports.c.case_id, func.min(case_reports.c.received_at, type_=case_reports.c.received_at.type).label("received_at")
    ).where(case_reports.c.detached_at.is_(None)).group_by(case_reports.c.case_id).subquery()
    fixed_at = func.min(vendor_statements.c.said_at, type_=vendor_statements.c.said_at.type)
    query = select(received.c.received_at, fixed_at.label("fixed_at")).join(
        vendor_statements, vendor_statements.c.case_id == received.c.case_id
    ).where(vendor_statements.c.case_id.in_(shown), vendor_statements.c.status == VendorStatus.FIXED).group_by(
        vendor_statements.c.vulnerability_id, received.c.received_at
    )
    return [(row.received_at, row.fixed_at) for row in tx.rows(query)]


def _support(tx: Transaction, vulnerability_id: VulnerabilityId, reports: Sequence[ReportId]) -> None:
    tx.write(insert(vulnerability_reports), [{"vulnerability_id": vulnerability_id, "report_id": report} for report in reports])


def _vulnerability(row: Row[Any], room: Room, reports: Sequence[ReportId]) -> Vulnerability:
    text = unseal(room.key, row.sealed, row.vulnerability_id, _Text)
    return Vulnerability(
        VulnerabilityId(row.vulnerability_id), row.added_at, PartyId(row.added_by), text.title, text.identifiers, tuple(reports)
    )


def _statement(row: Row[Any], text: str | None) -> VendorStatement:
    return VendorStatement(
        row.statement_id, VulnerabilityId(row.vulnerability_id), PartyId(row.party_id), VendorStatus(row.status), row.said_at,
        PartyId(row.said_by), text,
    )
