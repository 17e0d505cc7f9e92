"""Where asks are kept, their words sealed: shown to the coordinators of the case they are for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, LargeBinary, Row, Table, insert, select, update

from clearinghouse.core.ids import PartyId, ReportId
from clearinghouse.disclosure.coordination.asks.records import Ask, AskState
from clearinghouse.disclosure.coordination.rooms.records import Room
from clearinghouse.storage import Envelope, SealedBody, Transaction
from clearinghouse.storage.schema import Id, Instant, Word, metadata

asks = Table(
    "case_asks", metadata,
    Column("ask_id", Id, primary_key=True),
    Column("case_id", Id, nullable=False),
    Column("report_id", Id, nullable=False),
    Column("asker", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("state", Word, nullable=False),
    Column("answered_at", Instant),
    Column("answered_by", Id),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "case_id"),
    Index(None, "report_id"),
)


def add_asks(tx: Transaction, new: Sequence[Ask], envelope: Envelope) -> None:
    """Keep asks; one statement however many cases they are for."""
    rows = []
    for one in new:
        sealed = envelope.seal(one.words.encode(), one.id)
        rows.append({
            "ask_id": one.id, "case_id": one.case_id, "report_id": one.report_id, "asker": one.asker, "at": one.at, "state": one.state,
            "answered_at": None, "answered_by": None, "wrapped_key": sealed.wrapped_key, "sealed": sealed.body,
        })
    tx.write(insert(asks), rows)


def system_asked_at(tx: Transaction, report_id: str, asker: PartyId) -> list[datetime]:
    """When a party asked about a report, for telling itself; not what became of it."""
    query = select(asks.c.at).where(asks.c.report_id == report_id, asks.c.asker == asker).distinct().order_by(asks.c.at)
    return [row.at for row in tx.rows(query)]


def system_cases_asked(tx: Transaction, report_id: str, asker: PartyId, at: datetime) -> list[str]:
    """The cases an ask was for, for telling their coordinators."""
    query = select(asks.c.case_id).where(asks.c.report_id == report_id, asks.c.asker == asker, asks.c.at == at, asks.c.case_id != "")
    return [row.case_id for row in tx.rows(query.order_by(asks.c.case_id))]


def list_open(tx: Transaction, rooms: Sequence[Room], envelope: Envelope) -> list[Ask]:
    """The asks that wait in those of these rooms that the viewer coordinates, oldest first."""
    led = [room.id for room in rooms if room.standing.coordinates]
    query = select(asks).where(asks.c.case_id.in_(led), asks.c.state == AskState.OPEN).order_by(asks.c.at, asks.c.ask_id)
    return [_ask(row, envelope) for row in tx.rows(query)]


def find_open(tx: Transaction, room: Room, ask_id: str, envelope: Envelope) -> Ask | None:
    """An ask that waits in a room, for who coordinates it."""
    row = tx.row(select(asks).where(asks.c.ask_id == ask_id, asks.c.case_id == room.id, asks.c.state == AskState.OPEN))
    return None if row is None else _ask(row, envelope)


def answer(tx: Transaction, ask: Ask, state: AskState, by: PartyId, at: datetime) -> bool:
    """Note the answer to all that waits of one asker in one case; False where somebody else was faster."""
    return tx.write(update(asks).where(
        asks.c.case_id == ask.case_id, asks.c.asker == ask.asker, asks.c.state == AskState.OPEN
    ).values(state=state, answered_at=at, answered_by=by)) >= 1


def _ask(row: Row[Any], envelope: Envelope) -> Ask:
    words = envelope.open(SealedBody(bytes(row.wrapped_key), bytes(row.sealed)), row.ask_id).decode()
    return Ask(row.ask_id, row.case_id, ReportId(row.report_id), PartyId(row.asker), row.at, words, AskState(row.state))
