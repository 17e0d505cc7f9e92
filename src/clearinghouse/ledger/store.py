"""Where the ledger is kept: events (each a leaf), tiles of the tree, signed checkpoints."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, LargeBinary, Row, Table, bindparam, func, insert, select, text, update

from clearinghouse.core.ids import EventId, PartyId
from clearinghouse.storage import Transaction
from clearinghouse.storage.schema import Id, Instant, Number, Prose, Word, metadata

events = Table(
    "events", metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("event_id", Id, nullable=False, unique=True),
    Column("kind", Word, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", Id, nullable=False),
    Column("subject", Id, nullable=False),
    Column("subjects", Prose, nullable=False),
    Column("details", Prose),
    Column("nonce", LargeBinary),
    Column("commitment", LargeBinary, nullable=False),
    Column("leaf_index", Number),
    Index(None, "subject"),
    Index(None, "leaf_index"),
    sqlite_autoincrement=True,
)
tiles = Table(
    "ledger_tiles", metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)
checkpoints = Table(
    "checkpoints", metadata,
    Column("size", Number, primary_key=True, autoincrement=False),
    Column("note", Prose, nullable=False),
    Column("at", Instant, nullable=False),
)

# The same number on every instance: it only keeps two sequencers of one database apart.
_SEQUENCER_LOCK = 0x636C6561


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as kept: what its leaf is rendered from, and what opens its commitment."""

    number: int
    event_id: EventId
    kind: str
    at: datetime
    actor: PartyId
    subjects: tuple[str, ...]
    details: str | None
    """Canonical JSON; None once erased."""
    nonce: bytes | None
    commitment: bytes
    leaf_index: int | None


def add_events(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Keep events, unnumbered as yet, in the transaction of the change they tell of."""
    tx.leave_event(insert(events), list(rows))


def lock_sequencer(tx: Transaction) -> None:
    """Be the only one who numbers leaves until the transaction ends."""
    if tx.dialect == "postgresql":
        tx.rows(text("select pg_advisory_xact_lock(:lock)"), {"lock": _SEQUENCER_LOCK})


def unnumbered(tx: Transaction, limit: int) -> list[LoggedEvent]:
    """Committed events that are no leaf yet, in order of writing."""
    query = select(events).where(events.c.leaf_index.is_(None)).order_by(events.c.number).limit(limit)
    return [_event(row) for row in tx.rows(query)]


def number_leaves(tx: Transaction, first: int, numbers: Sequence[int]) -> None:
    """Give events their places in the tree: `numbers[i]` becomes leaf `first + i`."""
    statement = update(events).where(events.c.number == bindparam("event_number")).values(leaf_index=bindparam("leaf"))
    tx.derive(statement, [{"event_number": number, "leaf": first + i} for i, number in enumerate(numbers)])


def tree_size(tx: Transaction) -> int:
    """How many leaves the tree has."""
    top = tx.value(select(func.max(events.c.leaf_index)))
    return 0 if top is None else int(top) + 1


def read_tile(tx: Transaction, level: int, number: int) -> bytes:
    """The hashes of a tile as far as it is filled; empty where there is none."""
    return bytes(tx.value(select(tiles.c.hashes).where(tiles.c.level == level, tiles.c.number == number)) or b"")


def write_tiles(tx: Transaction, changed: dict[tuple[int, int], bytes]) -> None:
    """Keep tiles, replacing the partial ones that grew."""
    tx.driver_derive(
        "insert into ledger_tiles (level, number, hashes) values (?, ?, ?) "
        "on conflict (level, number) do update set hashes = excluded.hashes",
        [(level, number, hashes) for (level, number), hashes in sorted(changed.items())],
    )


def find_event(tx: Transaction, event_id: str) -> LoggedEvent | None:
    """An event by its id."""
    row = tx.row(select(events).where(events.c.event_id == event_id))
    return None if row is None else _event(row)


def find_leaf(tx: Transaction, index: int) -> LoggedEvent | None:
    """The event that is leaf `index`."""
    row = tx.row(select(events).where(events.c.leaf_index == index))
    return None if row is None else _event(row)


def events_about(tx: Transaction, subject: str) -> list[LoggedEvent]:
    """The events whose first subject is this object, in order."""
    return [_event(row) for row in tx.rows(select(events).where(events.c.subject == subject).order_by(events.c.number))]


def newest_about(tx: Transaction, subject: str, limit: int) -> list[LoggedEvent]:
    """The newest events whose first subject is this object, newest first."""
    query = select(events).where(events.c.subject == subject).order_by(events.c.number.desc()).limit(limit)
    return [_event(row) for row in tx.rows(query)]


def stream_leaves(tx: Transaction, size: int) -> Iterator[LoggedEvent]:
    """The first `size` leaves in order."""
    query = select(events).where(events.c.leaf_index.is_not(None), events.c.leaf_index < size).order_by(events.c.leaf_index)
    for portion in tx.stream(query):
        yield from map(_event, portion)


def count_events(tx: Transaction) -> dict[str, int]:
    """How many events of each kind there are."""
    return {row.kind: row.n for row in tx.rows(select(events.c.kind, func.count().label("n")).group_by(events.c.kind))}


def latest_instant(tx: Transaction) -> datetime | None:
    """When the last event was written, by the clock of its time: for noticing a clock that went back."""
    at: datetime | None = tx.value(select(events.c.at).order_by(events.c.number.desc()).limit(1))
    return at


def latest_checkpoint(tx: Transaction) -> str | None:
    """The text of the newest checkpoint."""
    note: str | None = tx.value(select(checkpoints.c.note).order_by(checkpoints.c.size.desc()).limit(1))
    return note


def add_checkpoint(tx: Transaction, size: int, note: str, at: datetime) -> None:
    """Keep a signed checkpoint; one for each size."""
    tx.derive(insert(checkpoints), {"size": size, "note": note, "at": at})


def _event(row: Row[Any]) -> LoggedEvent:
    return LoggedEvent(
        row.number, EventId(row.event_id), row.kind, row.at, PartyId(row.actor), tuple(json.loads(row.subjects)),
        row.details, None if row.nonce is None else bytes(row.nonce), bytes(row.commitment), row.leaf_index,
    )
