"""Wrapping data keys again under another instance key: portions of a table, in the order of its primary key.

Only the wrapping changes: no body is opened, and no event is due for a row. A key destroyed meanwhile stays destroyed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, LargeBinary, Table, bindparam, func, literal, select, text, tuple_, update
from sqlalchemy.sql.elements import ColumnElement

from clearinghouse.storage.database import Transaction
from clearinghouse.storage.sealing import KEY_ID_BYTES, Envelope, key_id


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A column of wrapped data keys, and how the object each belongs to is named."""

    column: Column[Any]
    about: str
    """The name bound into the wrapping, with the row's columns in braces."""

    @property
    def table(self) -> Table:
        """Where the column is."""
        table = self.column.table
        assert isinstance(table, Table), "a column of a declared table"
        return table


@dataclass(frozen=True, slots=True)
class Portion:
    """What became of one portion."""

    rewrapped: int
    last: tuple[Any, ...] | None
    """Primary key of the last row looked at; None at the end of the table."""


def count_by_key(tx: Transaction, wrapped: Iterable[WrappedKey]) -> dict[bytes, int]:
    """How many data keys each instance key wraps, by its key id."""
    found: dict[bytes, int] = {}
    for each in wrapped:
        named = _named(each.column).label("named")
        for row in tx.rows(select(named, func.count().label("n")).where(func.length(each.column) > 0).group_by(named)):
            found[bytes(row.named)] = found.get(bytes(row.named), 0) + int(row.n)
    return found


def rewrap_portion(tx: Transaction, wrapped: WrappedKey, envelope: Envelope, after: tuple[Any, ...] | None, size: int) -> Portion:
    """Wrap up to `size` keys again that are not under the key in use; rows that others change in this moment are left for later.

    Raises:
        Unavailable: a key does not open with the keys at hand.
    """
    table, column = wrapped.table, wrapped.column
    keys = list(table.primary_key.columns)
    query = select(table).with_only_columns(*_named_in(wrapped), *keys, column.label("wrapped")).where(
        func.length(column) > 0, _named(column) != key_id(envelope.current)
    )
    if after is not None:
        place = [literal(value, key.type) for key, value in zip(keys, after, strict=True)]
        query = query.where(tuple_(*keys) > tuple_(*place))
    # Never waits for a row, so it is never part of a deadlock; SQLite has one writer and no such locks.
    query = query.order_by(*keys).limit(size).with_for_update(key_share=True, skip_locked=True)
    rows = tx.rows(query)
    if not rows:
        return Portion(0, None)
    fresh = []
    for row in rows:
        about = wrapped.about.format_map(row._mapping)
        before = bytes(row.wrapped)
        values = {f"at_{key.name}": row._mapping[key.name] for key in keys}
        fresh.append({**values, "before": before, "wrapped": envelope.wrap(envelope.unwrap(before, about), about)})
    statement = update(table).where(
        *(key == bindparam(f"at_{key.name}", type_=key.type) for key in keys), column == bindparam("before", type_=LargeBinary)
    ).values({column.name: bindparam("wrapped", type_=LargeBinary)})
    # Derived: the record speaks of what is sealed, not of the key it is wrapped under.
    done = tx.derive(statement, fresh)
    last = tuple(rows[-1]._mapping[key.name] for key in keys)
    return Portion(len(rows) if done < 0 else done, last if len(rows) == size else None)


def others_at_work(tx: Transaction, since: str | None) -> tuple[str, bool]:
    """The instant of now by the database's clock, and whether a transaction that began before `since` is still open.

    On SQLite there is none: whoever writes is alone, and this is asked by a writer.
    """
    if tx.dialect != "postgresql":
        return "", False
    now = str(tx.value(text("select clock_timestamp()::text")))
    count = text(
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() "
        "and backend_type = 'client backend' and xact_start < cast(:since as timestamptz)"
    )
    return now, bool(since) and bool(tx.value(count, {"since": since}))


def _named(column: Column[Any]) -> ColumnElement[Any]:
    return func.substr(column, 1, KEY_ID_BYTES, type_=LargeBinary)


def _named_in(wrapped: WrappedKey) -> list[Column[Any]]:
    table = wrapped.table
    primary = {key.name for key in table.primary_key.columns}
    return [column for column in table.columns if f"{{{column.name}}}" in wrapped.about and column.name not in primary]
