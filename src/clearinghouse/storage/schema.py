"""The catalogue every store declares its tables in, and the column types they share."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    String,
    Text,
    TypeDecorator,
    bindparam,
    func,
    select,
)
from sqlalchemy.engine import Dialect

from clearinghouse.core.clock import parse_instant, render_instant

metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s"}
)


class Instant(TypeDecorator[datetime]):
    """An instant as RFC 3339 text: the same on both databases, and sorting as text sorts as time."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else render_instant(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else parse_instant(value)


class _Bounded(TypeDecorator[str]):
    """A short text. What a request holds is looked up as it came: characters no database keeps match nothing, and fail nowhere."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or (value.isascii() and "\0" not in value):
            return value
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


Number = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit integer that SQLite accepts as an autoincrementing primary key."""

Id = _Bounded(32)
Digest = _Bounded(72)
Word = _Bounded(64)
Body = LargeBinary
Prose = Text


def listed(dialect: str, numbers: Sequence[int]) -> Select[Any]:
    """A subquery of numbers handed in, however many, as one parameter: one statement whatever their count."""
    if dialect == "sqlite":
        rows = func.json_each(bindparam(None, json.dumps(list(numbers)), Text)).table_valued("value")
        return select(rows.c.value)
    return select(func.unnest(bindparam(None, list(numbers), ARRAY(BigInteger))).column_valued("value"))
