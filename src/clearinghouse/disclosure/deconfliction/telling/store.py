"""Where it is kept which reports were looked at, and of which of them their senders are told. No viewer's read reaches it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, Table, and_, case, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from clearinghouse.core.ids import PartyId, ReportId, SubmissionId
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.deconfliction.telling.records import Waiting
from clearinghouse.disclosure.intake.store import reports
from clearinghouse.parties.store import parties, roles
from clearinghouse.storage import Transaction
from clearinghouse.storage.schema import Id, Instant, listed, metadata

tellings = Table(
    "tellings", metadata,
    Column("report_id", Id, ForeignKey("reports.report_id"), primary_key=True),
    Column("organisation_id", Id, nullable=False),
    Column("looked_at", Instant, nullable=False),
    Column("told_at", Instant),
    Index(None, "organisation_id", "told_at"),
    Index(None, "told_at"),
)


def note_looked(tx: Transaction, numbers: Sequence[int], at: datetime) -> None:
    """Note that a person looked at these reports. Not of public records, nor of what somebody sent who coordinates and is told everything."""
    house = func.coalesce(parties.c.organisation_id, parties.c.party_id)
    coordinating = select(roles.c.party_id).where(roles.c.role == Role.COORDINATOR)
    query = select(reports.c.report_id, house.label("house")).join(parties, parties.c.party_id == reports.c.reporter).where(
        reports.c.number.in_(listed(tx.dialect, numbers)), reports.c.public.is_(False), reports.c.reporter.not_in(coordinating),
    )
    rows = [{"report_id": row.report_id, "organisation_id": row.house, "looked_at": at, "told_at": None} for row in tx.rows(query)]
    if rows:
        dialect = postgresql if tx.dialect == "postgresql" else sqlite
        tx.write(dialect.insert(tellings).on_conflict_do_nothing(), rows)


def system_untold(tx: Transaction, report_ids: Sequence[str]) -> dict[str, PartyId]:
    """Of these reports, those whose senders are not told yet, each with the organisation whose budget it waits for."""
    query = select(tellings.c.report_id, tellings.c.organisation_id).where(
        tellings.c.report_id.in_(list(report_ids)), tellings.c.told_at.is_(None)
    )
    return {row.report_id: PartyId(row.organisation_id) for row in tx.rows(query)}


def system_waiting(tx: Transaction, organisations: Sequence[str] | None, most: int) -> list[Waiting]:
    """What waits to be told, the first looked at first; of each organisation (of these, or of all) at most so many."""
    place = func.row_number().over(partition_by=tellings.c.organisation_id, order_by=(tellings.c.looked_at, tellings.c.report_id))
    waiting = select(tellings, place.label("place")).where(tellings.c.told_at.is_(None))
    if organisations is not None:
        waiting = waiting.where(tellings.c.organisation_id.in_(list(organisations)))
    ranked = waiting.subquery()
    query = select(ranked, reports.c.number, reports.c.submission_id).join(reports, reports.c.report_id == ranked.c.report_id).where(
        ranked.c.place <= most
    ).order_by(ranked.c.organisation_id, ranked.c.place)
    return [
        Waiting(ReportId(row.report_id), row.number, SubmissionId(row.submission_id), PartyId(row.organisation_id), row.looked_at)
        for row in tx.rows(query)
    ]


def system_told(tx: Transaction, organisations: Sequence[str], day: datetime, epoch: datetime) -> dict[str, tuple[int, int]]:
    """How many reports organisations were told of since each of two instants."""
    since = tellings.c.told_at
    query = select(
        tellings.c.organisation_id, func.sum(case((since > day, 1), else_=0)).label("today"),
        func.sum(case((since >= epoch, 1), else_=0)).label("epoch"),
    ).where(tellings.c.organisation_id.in_(list(organisations)), or_(since > day, since >= epoch)).group_by(tellings.c.organisation_id)
    return {row.organisation_id: (int(row.today), int(row.epoch)) for row in tx.rows(query)}


def tell(tx: Transaction, report: ReportId, at: datetime) -> bool:
    """Note that the sender of a report is told from now on; False where it was before."""
    return tx.write(update(tellings).where(and_(tellings.c.report_id == report, tellings.c.told_at.is_(None))).values(told_at=at)) == 1


def system_forget(tx: Transaction, report: ReportId) -> None:
    """Let go of what waits and has nothing to tell any more: what people had said was undone."""
    tx.derive(delete(tellings).where(tellings.c.report_id == report, tellings.c.told_at.is_(None)))
