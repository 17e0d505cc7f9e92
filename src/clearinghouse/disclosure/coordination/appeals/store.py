"""Where appeals are kept, their words and answers sealed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Row, Table, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from clearinghouse.core.ids import PartyId, ReportId
from clearinghouse.disclosure.coordination.appeals.records import Appeal, AppealId, AppealState, Question
from clearinghouse.disclosure.intake.store import duty_reports
from clearinghouse.parties.store import own_parties
from clearinghouse.storage import Envelope, SealedBody, Transaction
from clearinghouse.storage.schema import Id, Instant, Word, metadata

appeals = Table(
    "appeals", metadata,
    Column("appeal_id", Id, primary_key=True),
    Column("report_id", Id, ForeignKey("reports.report_id"), nullable=False),
    Column("question", Word, nullable=False),
    Column("appellant", Id, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("state", Word, nullable=False),
    Column("open_key", Word, unique=True),  # report and question while the appeal is open: one of each at a time
    Column("answered_at", Instant),
    Column("answered_by", Id),
    Column("overdue_at", Instant),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("answer_wrapped_key", LargeBinary),
    Column("sealed_answer", LargeBinary),
    Index(None, "report_id"),
    Index(None, "state", "due_at"),
)


def add_appeal(tx: Transaction, new: Appeal, envelope: Envelope) -> bool:
    """Keep an appeal; False where one about the same is open."""
    sealed = envelope.seal(new.words.encode(), new.id)
    into = postgresql.insert(appeals) if tx.dialect == "postgresql" else sqlite.insert(appeals)
    # Not a look first: the same button may be pressed twice in the same moment.
    return tx.write(into.on_conflict_do_nothing().execution_options(preserve_rowcount=True), {
        "appeal_id": new.id, "report_id": new.report_id, "question": new.question, "appellant": new.appellant, "made_at": new.made_at,
        "due_at": new.due_at, "state": new.state, "open_key": f"{new.report_id}/{new.question}", "answered_at": None, "answered_by": None,
        "overdue_at": None, "wrapped_key": sealed.wrapped_key, "sealed": sealed.body, "answer_wrapped_key": None, "sealed_answer": None,
    }) == 1


def end_appeal(tx: Transaction, appeal: Appeal, state: AppealState, words: str, by: PartyId, at: datetime, envelope: Envelope) -> bool:
    """Note what became of an appeal; False where somebody else was faster."""
    sealed = envelope.seal(words.encode(), f"{appeal.id}/answer") if words else None
    return tx.write(update(appeals).where(appeals.c.appeal_id == appeal.id, appeals.c.state == AppealState.OPEN).values(
        state=state, open_key=None, answered_at=at, answered_by=by,
        answer_wrapped_key=None if sealed is None else sealed.wrapped_key, sealed_answer=None if sealed is None else sealed.body,
    )) == 1


def find_appeal(tx: Transaction, appeal_id: str, envelope: Envelope, *, viewer: PartyId, now: datetime) -> Appeal | None:
    """An appeal, for who made it and for who is on duty for its report."""
    row = tx.row(select(appeals).where(appeals.c.appeal_id == appeal_id, _seen(viewer, now)))
    return None if row is None else _appeal(row, envelope)


def list_of_reports(tx: Transaction, report_ids: Sequence[str], envelope: Envelope, *, viewer: PartyId, now: datetime) -> list[Appeal]:
    """The appeals about these reports that the viewer may see, oldest first."""
    query = select(appeals).where(appeals.c.report_id.in_(list(report_ids)), _seen(viewer, now))
    return [_appeal(row, envelope) for row in tx.rows(query.order_by(appeals.c.made_at, appeals.c.appeal_id))]


def list_open(tx: Transaction, envelope: Envelope, *, viewer: PartyId, now: datetime, limit: int) -> list[Appeal]:
    """The open appeals of others about reports that the viewer is on duty for, the most urgent first."""
    query = select(appeals).where(
        appeals.c.state == AppealState.OPEN, appeals.c.report_id.in_(duty_reports(viewer, now)), appeals.c.appellant.not_in(own_parties(viewer, now)),
    )
    return [_appeal(row, envelope) for row in tx.rows(query.order_by(appeals.c.due_at, appeals.c.appeal_id).limit(limit))]


def list_own(tx: Transaction, envelope: Envelope, *, viewer: PartyId, now: datetime, limit: int) -> list[Appeal]:
    """The viewer's own appeals, newest first."""
    query = select(appeals).where(appeals.c.appellant.in_(own_parties(viewer, now)))
    return [_appeal(row, envelope) for row in tx.rows(query.order_by(appeals.c.made_at.desc(), appeals.c.appeal_id).limit(limit))]


def system_overdue(tx: Transaction, now: datetime, limit: int) -> list[tuple[AppealId, ReportId]]:
    """Open appeals whose day has passed and was not noted, for the sweep."""
    query = select(appeals.c.appeal_id, appeals.c.report_id).where(
        appeals.c.state == AppealState.OPEN, appeals.c.due_at <= now, appeals.c.overdue_at.is_(None)
    )
    rows = tx.rows(query.order_by(appeals.c.due_at, appeals.c.appeal_id).limit(limit))
    return [(AppealId(row.appeal_id), ReportId(row.report_id)) for row in rows]


def note_overdue(tx: Transaction, appeal_id: AppealId, at: datetime) -> bool:
    """Note that the day of an appeal passed; False where another worker did."""
    return tx.write(update(appeals).where(appeals.c.appeal_id == appeal_id, appeals.c.overdue_at.is_(None)).values(overdue_at=at)) == 1


def _seen(viewer: PartyId, now: datetime) -> Any:
    return or_(appeals.c.appellant.in_(own_parties(viewer, now)), appeals.c.report_id.in_(duty_reports(viewer, now)))


def _appeal(row: Row[Any], envelope: Envelope) -> Appeal:
    words = envelope.open(SealedBody(bytes(row.wrapped_key), bytes(row.sealed)), row.appeal_id).decode()
    answer = ""
    if row.sealed_answer is not None:
        answer = envelope.open(SealedBody(bytes(row.answer_wrapped_key), bytes(row.sealed_answer)), f"{row.appeal_id}/answer").decode()
    return Appeal(
        AppealId(row.appeal_id), ReportId(row.report_id), Question(row.question), PartyId(row.appellant), row.made_at, row.due_at, words,
        AppealState(row.state), row.answered_at, None if row.answered_by is None else PartyId(row.answered_by), answer, row.overdue_at,
    )
