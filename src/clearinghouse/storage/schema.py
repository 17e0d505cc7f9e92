"""The catalogue every store declares its tables in, and the column types they share."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, LargeBinary, MetaData, String, Text, TypeDecorator
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


Number = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit integer that SQLite accepts as an autoincrementing primary key."""

Id = String(32)
Digest = String(72)
Word = String(64)
Body = LargeBinary
Prose = Text
