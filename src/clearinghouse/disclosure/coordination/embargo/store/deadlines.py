"""Deadlines and readings of the clock: rows that say when something falls due, each done once, whoever does it.

They are kept for the machine, hence `system_`; the dates of a room are shown to who sees the room.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from clearinghouse.core.ids import new_id
from clearinghouse.disclosure.coordination.embargo.readings import Reading
from clearinghouse.disclosure.coordination.embargo.records import Deadline, DeadlineKind
from clearinghouse.disclosure.coordination.embargo.store.tables import clock_readings, deadlines
from clearinghouse.disclosure.coordination.rooms.records import Room
from clearinghouse.storage import Transaction

Wanted = tuple[DeadlineKind, str, datetime]
"""Kind, name and instant."""
_BELIEVED, _DOUBTED = 1, 2


def system_set_deadlines(tx: Transaction, object_id: str, kinds: Iterable[DeadlineKind], wanted: Iterable[Wanted]) -> None:
    """Make the waiting deadlines of an object, of these kinds, exactly those wanted; what is done stays done.

    Rows that wait follow from facts and terms that have events of their own, so they leave none.
    """
    named = sorted(kinds)
    goal = set(wanted)
    rows = tx.rows(select(deadlines).where(deadlines.c.object_id == object_id, deadlines.c.kind.in_(named)))
    known = {(DeadlineKind(row.kind), row.name, row.due_at) for row in rows}
    gone = [row.due_id for row in rows if row.done_at is None and (DeadlineKind(row.kind), row.name, row.due_at) not in goal]
    if gone:
        # Still only those that nobody has done meanwhile.
        tx.derive(delete(deadlines).where(deadlines.c.due_id.in_(gone), deadlines.c.done_at.is_(None)))
    fresh = [
        {"due_id": new_id("due"), "kind": kind, "object_id": object_id, "name": name, "due_at": due_at, "done_at": None, "late": False}
        for kind, name, due_at in sorted(goal - known)
    ]
    if fresh:
        into = (postgresql if tx.dialect == "postgresql" else sqlite).insert(deadlines).on_conflict_do_nothing()
        tx.derive(into, fresh)


def system_waiting(tx: Transaction, object_id: str) -> list[Deadline]:
    """The deadlines of an object that wait, earliest first."""
    query = select(deadlines).where(deadlines.c.object_id == object_id, deadlines.c.done_at.is_(None))
    return [_deadline(row) for row in tx.rows(query.order_by(deadlines.c.due_at, deadlines.c.due_id))]


def system_due(tx: Transaction, kinds: Iterable[DeadlineKind], now: datetime, limit: int) -> list[Deadline]:
    """What is due at `now` and not done, of these kinds, earliest first."""
    query = select(deadlines).where(deadlines.c.done_at.is_(None), deadlines.c.due_at <= now, deadlines.c.kind.in_(sorted(kinds)))
    return [_deadline(row) for row in tx.rows(query.order_by(deadlines.c.due_at, deadlines.c.due_id).limit(limit))]


def list_dates(tx: Transaction, rooms: Sequence[Room], until: datetime, limit: int) -> list[Deadline]:
    """What falls due in cases that the viewer sees, until an instant, earliest first; a date is told to everybody in the room."""
    told = (DeadlineKind.EMBARGO_ENDS, DeadlineKind.EMBARGO_REVIEW, DeadlineKind.DUTY, DeadlineKind.DETAILS)
    query = select(deadlines).where(
        deadlines.c.object_id.in_([room.id for room in rooms]), deadlines.c.done_at.is_(None), deadlines.c.due_at <= until,
        deadlines.c.kind.in_(told),
    )
    return [_deadline(row) for row in tx.rows(query.order_by(deadlines.c.due_at, deadlines.c.due_id).limit(limit))]


def system_claim(tx: Transaction, deadline: Deadline, now: datetime, *, late: bool) -> bool:
    """Mark a deadline as done; False where somebody else did, or it was set anew. What comes of it commits with the mark."""
    statement = update(deadlines).where(deadlines.c.due_id == deadline.id, deadlines.c.done_at.is_(None))
    return tx.write(statement.values(done_at=now, late=late)) == 1


def system_count_late(tx: Transaction) -> int:
    """How many deadlines were handled late, for the doctor."""
    return len(tx.rows(select(deadlines.c.due_id).where(deadlines.c.late.is_(True))))


def system_lock_sweep(tx: Transaction) -> None:
    """Let one sweep at a time go on: two would otherwise judge the clock by each other's half-written readings."""
    if tx.dialect == "postgresql":
        # SQLite has one writer at a time anyway. The number names this lock and nothing else.
        tx.rows(text("select pg_advisory_xact_lock(7120020)"))


def system_readings(tx: Transaction) -> tuple[Reading | None, Reading | None]:
    """The last reading that was believed, and the one that is doubted."""
    rows = {row.number: Reading(row.at, row.monotonic_seconds, row.boot) for row in tx.rows(select(clock_readings))}
    return rows.get(_BELIEVED), rows.get(_DOUBTED)


def system_keep_readings(tx: Transaction, believed: Reading | None, doubted: Reading | None) -> None:
    """Keep both; they are measurements of the machine, not part of the record."""
    tx.derive(delete(clock_readings))
    rows: Sequence[dict[str, Any]] = [
        {"number": number, "at": reading.at, "monotonic_seconds": reading.monotonic_seconds, "boot": reading.boot}
        for number, reading in ((_BELIEVED, believed), (_DOUBTED, doubted)) if reading is not None
    ]
    tx.derive(clock_readings.insert(), rows)


def _deadline(row: Row[Any]) -> Deadline:
    return Deadline(row.due_id, DeadlineKind(row.kind), row.object_id, row.name, row.due_at, row.done_at, bool(row.late))
