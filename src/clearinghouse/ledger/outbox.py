"""The events as an outbox: how far each consumer has come, and which action is still to follow on which event.

A consumer walks the leaves, not the numbers of rows: a number is given when a transaction begins and
may be committed after a higher one, a leaf is given to what is committed, one after the other. So
nothing is passed over, however many processes write.

All of it can be rebuilt from the events and the table of actions, hence no event of its own.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, Table, and_, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from clearinghouse.core.ids import EventId
from clearinghouse.ledger.store import LoggedEvent, events, find_event, tree_size
from clearinghouse.storage import Transaction
from clearinghouse.storage.schema import Id, Instant, Number, Word, metadata

WAITING, DONE, FAILED = "waiting", "done", "failed"

consumers = Table(
    "outbox_consumers", metadata,
    Column("consumer", Word, primary_key=True),
    Column("next_leaf", Number, nullable=False),
    Column("at", Instant),
    Column("lease", Id),
    Column("leased_until", Instant),
)
follow_ups = Table(
    "outbox_actions", metadata,
    Column("event_id", Id, primary_key=True),
    Column("action", Word, primary_key=True),
    Column("state", Word, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease", Id),
    Column("leased_until", Instant),
    Column("done_at", Instant),
    Column("trouble", Word),
    Index(None, "state", "due_at"),
)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """One action that is to follow on one event, claimed by whoever holds the lease."""

    event: LoggedEvent
    action: str
    attempts: int
    """This one included."""
    lease: str


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind the work is."""

    leaves: int
    """Leaves of the ledger nobody has looked at yet."""
    waiting: int
    failed: int
    """Actions that failed too often and wait for a person."""
    oldest_at: datetime | None
    """When the oldest waiting action was handed out."""


def insert_new(tx: Transaction, table: Table, rows: list[dict[str, Any]]) -> int:
    """Insert what is not there yet; gives how many were new. Derived data only."""
    if not rows:
        return 0
    dialect = postgresql if tx.dialect == "postgresql" else sqlite
    return sum(tx.derive(dialect.insert(table).values(row).on_conflict_do_nothing()) for row in rows)


def hand_out(tx: Transaction, consumer: str, wanted: Mapping[str, Collection[str]], *, limit: int, now: datetime) -> int:
    """Turn the next leaves into actions that wait; gives how many leaves were looked at.

    Args:
        wanted: actions by kind of event.
    """
    insert_new(tx, consumers, [{"consumer": consumer, "next_leaf": 0}])
    # On PostgreSQL the row's lock lets one hand out at a time; SQLite has one writer anyway.
    first = int(tx.value(select(consumers.c.next_leaf).where(consumers.c.consumer == consumer).with_for_update()) or 0)
    query = select(events.c.event_id, events.c.kind, events.c.leaf_index).where(events.c.leaf_index >= first)
    found = tx.rows(query.order_by(events.c.leaf_index).limit(limit))
    insert_new(tx, follow_ups, [
        {"event_id": row.event_id, "action": action, "state": WAITING, "created_at": now, "due_at": now, "attempts": 0}
        for row in found for action in wanted.get(row.kind, ())
    ])
    if found:
        tx.derive(update(consumers).where(consumers.c.consumer == consumer).values(next_leaf=found[-1].leaf_index + 1, at=now))
    return len(found)


def waiting_leaves(tx: Transaction, consumer: str) -> int:
    """How many leaves a consumer has not looked at yet."""
    return tree_size(tx) - int(tx.value(select(consumers.c.next_leaf).where(consumers.c.consumer == consumer)) or 0)


def claim(tx: Transaction, lease: str, *, limit: int, until: datetime, now: datetime) -> list[FollowUp]:
    """Actions that are due and that nobody is at; theirs who asks until `until`.

    A claim counts as an attempt: what kills its worker each time is given up like what fails each time.
    """
    free = is_free(follow_ups, until=until, now=now)
    query = select(follow_ups.c.event_id, follow_ups.c.action, follow_ups.c.attempts).where(
        follow_ups.c.state == WAITING, is_due(follow_ups, now), free
    ).order_by(follow_ups.c.due_at, follow_ups.c.event_id, follow_ups.c.action).limit(limit).with_for_update(skip_locked=True)
    claimed: list[FollowUp] = []
    for row in tx.rows(query):
        event = find_event(tx, row.event_id)
        assert event is not None, "events are never deleted"
        claimed.append(FollowUp(event, row.action, row.attempts + 1, lease))
        tx.derive(update(follow_ups).where(_is(row.event_id, row.action)).values(
            attempts=row.attempts + 1, lease=lease, leased_until=until
        ))
    return claimed


def any_due(tx: Transaction, *, until: datetime, now: datetime) -> bool:
    """Whether any action waits: asked often, and cheaper than claiming nothing."""
    query = select(follow_ups.c.event_id).where(follow_ups.c.state == WAITING, is_due(follow_ups, now), is_free(follow_ups, until=until, now=now))
    return tx.row(query.limit(1)) is not None


def complete(tx: Transaction, done: FollowUp, *, now: datetime) -> bool:
    """Note that an action was done, in the transaction of what it did; False where somebody else holds it by now."""
    return _end(tx, done, {"state": DONE, "done_at": now, "trouble": None})


def postpone(tx: Transaction, failed: FollowUp, trouble: str, due_at: datetime | None) -> bool:
    """Note that an action failed and is tried again at `due_at`, or (None) waits for a person."""
    values: dict[str, Any] = {"state": FAILED} if due_at is None else {"due_at": due_at}
    return _end(tx, failed, {**values, "trouble": trouble[:64]})


def retry_failed(tx: Transaction, *, now: datetime) -> int:
    """Let what failed too often be tried again from the beginning; gives how many."""
    return tx.derive(update(follow_ups).where(follow_ups.c.state == FAILED).values(state=WAITING, attempts=0, due_at=now))


def forget_done(tx: Transaction, before: datetime) -> int:
    """Forget what was done before an instant."""
    return tx.derive(delete(follow_ups).where(follow_ups.c.state == DONE, follow_ups.c.done_at < before))


def take_turn(tx: Transaction, turn: str, lease: str, *, until: datetime, now: datetime) -> bool:
    """Whether it is ours to do what only one worker at a time does, such as reading the folder of mail."""
    insert_new(tx, consumers, [{"consumer": turn, "next_leaf": 0}])
    free = or_(is_free(consumers, until=until, now=now), consumers.c.lease == lease)
    return tx.derive(update(consumers).where(consumers.c.consumer == turn, free).values(lease=lease, leased_until=until, at=now)) == 1


def turn_is_free(tx: Transaction, turn: str, *, until: datetime, now: datetime) -> bool:
    """Whether nobody has this turn: cheaper to ask than to take it in vain."""
    held: datetime | None = tx.value(select(consumers.c.leased_until).where(consumers.c.consumer == turn))
    return held is None or not now < held <= until


def is_free(table: Table, *, until: datetime, now: datetime) -> ColumnElement[bool]:
    """Whether nobody holds a row. A lease that ends later than one taken now was taken by a clock that was ahead: it binds nobody."""
    return or_(table.c.lease.is_(None), table.c.leased_until <= now, table.c.leased_until > until)


def is_due(table: Table, now: datetime) -> ColumnElement[bool]:
    """Whether a row's instant has come; a row from the future was made by a clock that was ahead, and waits for nothing."""
    return or_(table.c.due_at <= now, table.c.created_at > now)


def turn_taken_at(tx: Transaction, turn: str) -> datetime | None:
    """When somebody last took a turn; None where nobody ever did."""
    at: datetime | None = tx.value(select(consumers.c.at).where(consumers.c.consumer == turn))
    return at


def end_turn(tx: Transaction, turn: str, lease: str) -> None:
    """Let another worker have its turn."""
    tx.derive(update(consumers).where(consumers.c.consumer == turn, consumers.c.lease == lease).values(lease=None, leased_until=None))


def lag(tx: Transaction, consumer: str) -> Lag:
    """How far behind the work is, for the health page."""
    counted = {row.state: row for row in tx.rows(
        select(follow_ups.c.state, func.count().label("n"), func.min(follow_ups.c.created_at).label("oldest"))
        .where(follow_ups.c.state != DONE).group_by(follow_ups.c.state)
    )}
    waiting, failed = counted.get(WAITING), counted.get(FAILED)
    return Lag(
        waiting_leaves(tx, consumer), waiting.n if waiting else 0, failed.n if failed else 0, waiting.oldest if waiting else None
    )


def failed_actions(tx: Transaction, limit: int = 20) -> list[tuple[EventId, str, str]]:
    """(event, action, kind of error) of what waits for a person."""
    query = select(follow_ups.c.event_id, follow_ups.c.action, follow_ups.c.trouble).where(follow_ups.c.state == FAILED)
    return [(EventId(row.event_id), row.action, row.trouble or "") for row in tx.rows(query.order_by(follow_ups.c.created_at).limit(limit))]


def _end(tx: Transaction, ended: FollowUp, values: dict[str, Any]) -> bool:
    mine = and_(_is(ended.event.event_id, ended.action), follow_ups.c.lease == ended.lease, follow_ups.c.state == WAITING)
    return tx.derive(update(follow_ups).where(mine).values(lease=None, leased_until=None, **values)) == 1


def _is(event_id: str, action: str) -> Any:
    return and_(follow_ups.c.event_id == event_id, follow_ups.c.action == action)


__all__ = [
    "FollowUp", "Lag", "any_due", "claim", "complete", "end_turn", "failed_actions", "forget_done", "hand_out", "insert_new", "is_due", "is_free", "lag", "postpone",
    "retry_failed", "take_turn", "turn_is_free", "turn_taken_at", "waiting_leaves",
]
