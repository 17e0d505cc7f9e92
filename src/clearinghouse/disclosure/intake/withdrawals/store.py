"""Where withdrawals are kept: a row for each, its reason sealed; at most one of a report stands at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Select, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite

from clearinghouse.core.ids import PartyId, ReportId, new_id
from clearinghouse.disclosure.intake.store import readable_reports, reports
from clearinghouse.disclosure.intake.withdrawals.records import Withdrawal
from clearinghouse.storage import Envelope, SealedBody, Transaction
from clearinghouse.storage.schema import Id, Instant, Number, listed, metadata

withdrawals = Table(
    "report_withdrawals", metadata,
    Column("withdrawal_id", Id, primary_key=True),
    Column("report_id", Id, ForeignKey("reports.report_id"), nullable=False),
    Column("number", Number, nullable=False),
    Column("standing_report_id", Id, unique=True),
    Column("withdrawn_at", Instant, nullable=False),
    Column("withdrawn_by", Id, nullable=False),
    Column("reinstated_at", Instant),
    Column("reinstated_by", Id),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "report_id"),
    Index(None, "number"),
)


def system_hold(tx: Transaction, report_id: str) -> int | None:
    """Have others who take this report back or into a case wait until this transaction ends; gives its number, where it is ours."""
    number: int | None = tx.value(select(reports.c.number).where(reports.c.report_id == report_id).with_for_update())
    return number


def add_withdrawal(tx: Transaction, withdrawal: Withdrawal, number: int, envelope: Envelope) -> bool:
    """Keep a withdrawal; False where one stands already."""
    withdrawal_id = new_id("wdr")
    sealed = envelope.seal(withdrawal.reason.encode(), withdrawal_id)
    into = postgresql.insert(withdrawals) if tx.dialect == "postgresql" else sqlite.insert(withdrawals)
    # Not a look first: the same button may be pressed twice in the same moment.
    return tx.write(into.on_conflict_do_nothing().execution_options(preserve_rowcount=True), {
        "withdrawal_id": withdrawal_id, "report_id": withdrawal.report_id, "number": number, "standing_report_id": withdrawal.report_id,
        "withdrawn_at": withdrawal.at, "withdrawn_by": withdrawal.by, "reinstated_at": None, "reinstated_by": None,
        "wrapped_key": sealed.wrapped_key, "sealed": sealed.body,
    }) == 1


def end_withdrawal(tx: Transaction, report_id: str, by: PartyId, at: datetime) -> bool:
    """Let a report stand again; False where it was not withdrawn."""
    return tx.write(update(withdrawals).where(withdrawals.c.standing_report_id == report_id).values(
        standing_report_id=None, reinstated_at=at, reinstated_by=by
    )) == 1


def find_withdrawal(tx: Transaction, report_id: str, envelope: Envelope, *, viewer: PartyId, now: datetime) -> Withdrawal | None:
    """The withdrawal of a report that stands, if the viewer may read the report."""
    row = tx.row(select(withdrawals).where(
        withdrawals.c.standing_report_id == report_id, withdrawals.c.report_id.in_(readable_reports(viewer, now))
    ))
    if row is None:
        return None
    reason = envelope.open(SealedBody(bytes(row.wrapped_key), bytes(row.sealed)), row.withdrawal_id).decode()
    return Withdrawal(ReportId(row.report_id), row.withdrawn_at, PartyId(row.withdrawn_by), reason)


def withdrawn_numbers() -> Select[Any]:
    """A subquery of the numbers of reports that are withdrawn, for narrowing a list of reports the viewer may read."""
    return select(withdrawals.c.number).where(withdrawals.c.standing_report_id.is_not(None))


def withdrawn_ids() -> Select[Any]:
    """The same by id."""
    return select(withdrawals.c.report_id).where(withdrawals.c.standing_report_id.is_not(None))


def system_withdrawn(tx: Transaction, numbers: Sequence[int]) -> dict[int, datetime]:
    """Of these reports, those that are withdrawn, and since when: they lead nothing and are told as known to nobody."""
    query = select(withdrawals.c.number, withdrawals.c.withdrawn_at).where(
        withdrawals.c.standing_report_id.is_not(None), withdrawals.c.number.in_(listed(tx.dialect, numbers))
    )
    return {row.number: row.withdrawn_at for row in tx.rows(query)}


def system_withdrawn_among(tx: Transaction, report_ids: Sequence[str]) -> frozenset[str]:
    """Of these reports, those that are withdrawn, to decide what a case may take up; shown to nobody."""
    query = select(withdrawals.c.standing_report_id).where(withdrawals.c.standing_report_id.in_(list(report_ids)))
    return frozenset(row.standing_report_id for row in tx.rows(query))
