"""Where contact is kept: watches over parties that should answer, and the log of attempts. The only SQL of this capability."""

from typing import Any

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Row, Table, insert, select, update

from clearinghouse.disclosure.coordination.contact.records import Attempt, Channel, ContactState, Result, Watch
from clearinghouse.disclosure.coordination.rooms.records import Room
from clearinghouse.disclosure.coordination.rooms.store.tables import seal, unseal
from clearinghouse.storage import Transaction
from clearinghouse.storage.schema import Id, Instant, Word, metadata

contact_watches = Table(
    "contact_watches", metadata,
    Column("watch_id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.case_id"), nullable=False),
    Column("party_id", Id, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("begun_by", Id, nullable=False),
    Column("state", Word, nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("resort_at", Instant),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "case_id"),
)
contact_attempts = Table(
    "contact_attempts", metadata,
    Column("attempt_id", Id, primary_key=True),
    Column("watch_id", Id, ForeignKey("contact_watches.watch_id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("channel", Word, nullable=False),
    Column("result", Word, nullable=False),
    Column("actor", Id, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "watch_id"),
)


def add_watch(tx: Transaction, room: Room, watch: Watch) -> None:
    """Keep a watch."""
    tx.write(insert(contact_watches), {
        "watch_id": watch.id, "case_id": room.id, "party_id": watch.party, "begun_at": watch.begun_at, "begun_by": watch.begun_by,
        "state": watch.state, "state_at": watch.state_at, "resort_at": watch.resort_at, "sealed": seal(room.key, watch.whom, watch.id),
    })


def save_watch(tx: Transaction, before: Watch, after: Watch) -> bool:
    """Keep a changed watch; False where somebody else changed it meanwhile."""
    return tx.write(update(contact_watches).where(
        contact_watches.c.watch_id == before.id, contact_watches.c.state == before.state, contact_watches.c.state_at == before.state_at
    ).values(state=after.state, state_at=after.state_at, resort_at=after.resort_at)) == 1


def add_attempt(tx: Transaction, room: Room, watch: Watch, attempt: Attempt, recorded_at: Any) -> None:
    """Keep an attempt in the log."""
    tx.write(insert(contact_attempts), {
        "attempt_id": attempt.id, "watch_id": watch.id, "at": attempt.at, "channel": attempt.channel, "result": attempt.result,
        "actor": attempt.actor, "recorded_at": recorded_at, "sealed": seal(room.key, (attempt.hint, attempt.note), attempt.id),
    })


def list_watches(tx: Transaction, room: Room) -> list[Watch]:
    """The watches of a case with their logs, in order of being begun."""
    logged: dict[str, list[Attempt]] = {}
    log = select(contact_attempts).join(contact_watches, contact_watches.c.watch_id == contact_attempts.c.watch_id).where(
        contact_watches.c.case_id == room.id
    ).order_by(contact_attempts.c.at, contact_attempts.c.attempt_id)
    for row in tx.rows(log):
        hint, note = unseal(room.key, row.sealed, row.attempt_id, tuple[str, str])
        logged.setdefault(row.watch_id, []).append(
            Attempt(row.attempt_id, row.at, Channel(row.channel), Result(row.result), row.actor, hint, note)
        )
    query = select(contact_watches).where(contact_watches.c.case_id == room.id)
    return [
        _watch(row, unseal(room.key, row.sealed, row.watch_id, str), tuple(logged.get(row.watch_id, ())))
        for row in tx.rows(query.order_by(contact_watches.c.begun_at, contact_watches.c.watch_id))
    ]


def system_watch(tx: Transaction, watch_id: str) -> Watch | None:
    """A watch without its texts, for timers; shown to nobody."""
    row = tx.row(select(contact_watches).where(contact_watches.c.watch_id == watch_id).with_for_update())
    return None if row is None else _watch(row, "", ())


def _watch(row: Row[Any], whom: str, attempts: tuple[Attempt, ...]) -> Watch:
    return Watch(
        row.watch_id, row.case_id, row.party_id, whom, row.begun_at, row.begun_by, ContactState(row.state), row.state_at, row.resort_at, attempts
    )
