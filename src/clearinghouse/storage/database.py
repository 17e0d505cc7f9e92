"""Opening a database, and the one kind of transaction everything goes through.

A write that leaves no event cannot commit: the transaction counts both and refuses. Derived data
(index segments, tiles of the tree, placements) can be rebuilt from what has events, and is written
with `derive`.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine, Executable, Row, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Unavailable
from clearinghouse.storage import walls

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class UnloggedWrite(AssertionError):
    """Our own mistake: a transaction changed something and left no event."""


class Transaction:
    """What is read and written together. Made by `Database.read` and `Database.write` only."""

    def __init__(self, connection: Connection, *, writable: bool) -> None:
        self._connection = connection
        self._writable = writable
        self._writes = 0
        self._events = 0
        self._walled = False

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._connection.dialect.name

    def stand_behind_wall(self, viewer: str, now: datetime) -> None:
        """From here on the database gives content only as far as it was granted to this party; called by `Database.read`."""
        walls.become_reader(self._connection, viewer, render_instant(now))
        self._walled = True

    @contextmanager
    def beyond_wall(self) -> Iterator[None]:
        """A look of the machine's own within a viewer's read, for functions named `system_...`; a test lists who may take one.

        What is found is for computing with; what of it is shown, the caller answers for. Nothing where there is no wall.
        """
        if not self._walled:
            yield
            return
        walls.leave_reader(self._connection)
        self._walled = False
        try:
            yield
        except DBAPIError:
            # Nothing more can be asked of this transaction, and its role ends with it.
            raise
        except BaseException:
            self._return()
            raise
        self._return()

    def _return(self) -> None:
        walls.return_to_reader(self._connection)
        self._walled = True

    def rows(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[Row[Any]]:
        """All rows of a query."""
        return list(self._connection.execute(statement, parameters or {}))

    def stream(self, statement: Executable, size: int = 2000) -> Iterator[Sequence[Row[Any]]]:
        """The rows of a query in portions, without holding them all."""
        # The option goes with the statement: set on the connection it would outlive this query.
        with self._connection.execute(statement, execution_options={"stream_results": True}) as result:
            yield from result.partitions(size)

    def row(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Row[Any] | None:
        """The first row of a query, or None."""
        return self._connection.execute(statement, parameters or {}).first()

    def value(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Any:
        """The first column of the first row, or None."""
        row = self.row(statement, parameters)
        return None if row is None else row[0]

    def write(self, statement: Executable, parameters: Parameters | None = None) -> int:
        """Change what the record is about; the transaction must also leave an event. Gives the row count."""
        self._writes += 1
        return self._change(statement, parameters)

    def derive(self, statement: Executable, parameters: Parameters | None = None) -> int:
        """Change data that can be rebuilt from the rest (an index, a cache, a tree): no event of its own."""
        return self._change(statement, parameters)

    def leave_event(self, statement: Executable, parameters: Parameters) -> None:
        """Insert event rows; called by the ledger alone."""
        self._events += 1 if isinstance(parameters, Mapping) else len(parameters)
        self._change(statement, parameters)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part of the transaction that may fail alone: what it wrote is taken back, the rest stands (a savepoint)."""
        writes, events = self._writes, self._events
        try:
            with self._connection.begin_nested():
                yield
        except BaseException:
            self._writes, self._events = writes, events
            raise

    def driver_rows(self, sql: str, parameters: Iterable[Any] = ()) -> list[Any]:
        """Rows of a fixed statement straight from the driver, for hot paths in a store; `?` marks a parameter."""
        if self.dialect == "postgresql":
            sql = sql.replace("?", "%s")
        result = self._connection.exec_driver_sql(sql, tuple(parameters))
        try:
            # The cursor's own tuples: a result row object costs more than what is in it.
            return list(result.cursor.fetchall()) if result.cursor is not None else []
        finally:
            result.close()

    def driver_derive(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Many rows of derived data with one fixed statement straight to the driver; `?` marks a parameter."""
        assert self._writable, "a read transaction was asked to write"
        if not rows:
            return
        if self.dialect == "postgresql":
            sql = sql.replace("?", "%s")
        self._connection.exec_driver_sql(sql, list(rows))

    def _change(self, statement: Executable, parameters: Parameters | None) -> int:
        assert self._writable, "a read transaction was asked to write"
        if parameters is not None and not isinstance(parameters, Mapping) and not parameters:
            return 0
        return int(self._connection.execute(statement, parameters).rowcount)

    def check_logged(self) -> None:
        """Raise UnloggedWrite if something changed and no event says so."""
        if self._writes and not self._events:
            raise UnloggedWrite(f"{self._writes} statements changed the record and no event was left")


class Database:
    """A database of one instance; safe to share between threads of a process."""

    def __init__(self, url: str) -> None:
        """Open `sqlite:///PATH`, `sqlite://` (memory, for tests) or `postgresql+psycopg://...`; nothing is created.

        Raises:
            Unavailable: the URL names another kind of database.
        """
        if url.startswith("postgresql://"):
            url = "postgresql+psycopg://" + url.removeprefix("postgresql://")
        self.url = url
        self._wall = False
        if url.startswith("sqlite"):
            self.engine = _sqlite(url)
        elif url.startswith("postgresql+psycopg://"):
            self.engine = create_engine(url, pool_pre_ping=True, isolation_level="READ COMMITTED", pool_size=8, max_overflow=64)
        else:
            kind = url.split(":", 1)[0]
            raise Unavailable(f"cannot open a database of kind {kind!r}: use sqlite:///PATH or postgresql://...")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    @contextmanager
    def read(self, *, viewer: str | None = None, now: datetime | None = None) -> Iterator[Transaction]:
        """A transaction that only reads, on one consistent state.

        Args:
            viewer: whose read this is. On PostgreSQL the database itself then gives rows of content only as far as this
                party was granted them at `now` (see `storage.walls`); on SQLite, and where the wall is missing, the joins
                of the stores stand alone. Functions named `system_...` see no more than the viewer in here, but within
                `Transaction.beyond_wall`. Without a viewer it is the machine that reads; a test lists who may do so.
        """
        assert (viewer is None) == (now is None), "a viewer's grants are those of an instant"
        with self._connected() as connection:
            if self.engine.dialect.name == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin() as begun:
                tx = Transaction(connection, writable=False)
                if viewer is not None and now is not None and self._wall_stands(connection):
                    tx.stand_behind_wall(viewer, now)
                yield tx
                begun.rollback()

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that may write; on SQLite it holds the one write lock from the start.

        Raises:
            UnloggedWrite: it wrote and left no event; nothing is kept.
        """
        with self._connected() as connection:
            connection = connection.execution_options(clearinghouse_write=True)
            try:
                with connection.begin():
                    tx = Transaction(connection, writable=True)
                    yield tx
                    tx.check_logged()
            except DBAPIError as error:
                # A session that the server ended (it was restarted, or we rested too long on what we had locked) is no mistake of ours.
                if not isinstance(error, OperationalError) and not error.connection_invalidated:
                    raise
                raise Unavailable(
                    f"the database could not be written ({error.orig}); nothing of this step was kept: free space or wait, "
                    "then run the same command again"
                ) from error

    def has_wall(self) -> bool:
        """Whether the second wall stands."""
        with self._connected() as connection, connection.begin():
            return self._wall_stands(connection)

    def _wall_stands(self, connection: Connection) -> bool:
        # Asked once while it stands: it can be raised while a server runs, and comes down only by hand.
        if self.engine.dialect.name == "postgresql" and not self._wall:
            self._wall = walls.stands(connection)
        return self._wall

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            connection = self.engine.connect()
        except OperationalError as error:
            raise Unavailable(
                f"cannot reach the database ({error.orig}); check `database_url` in the settings and that it is running"
            ) from error
        with connection:
            yield connection


def _sqlite(url: str) -> Engine:
    memory = url in ("sqlite://", "sqlite:///:memory:")
    if not memory:
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    # A reader never waits for another: as many connections as a server has threads, opened as they are needed.
    pool = {} if memory else {"pool_size": 8, "max_overflow": 64}
    engine = create_engine(url, connect_args={"timeout": 60}, **pool)

    @event.listens_for(engine, "connect")
    def _configure(dbapi_connection: Any, _record: Any) -> None:
        # The driver must not open transactions of its own; `_begin` below says which kind we want.
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        # FULL: a commit answered is a commit on the disk, also when the power fails (decision 10).
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA cache_size=-65536")
        cursor.execute("PRAGMA temp_store=MEMORY")
        # Look-ups in a large index read pages all over the file; mapped, they cost no copy.
        cursor.execute("PRAGMA mmap_size=2147483648")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes the lock at once: a lock taken midway would fail instead of waiting.
        immediate = connection.get_execution_options().get("clearinghouse_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def copy_sqlite(database: Database, target: Path) -> None:
    """A copy of an SQLite database in one consistent state, without its write-ahead log and without holes."""
    source = sqlite3.connect(database.url.removeprefix("sqlite:///"), timeout=60, isolation_level=None)
    try:
        source.execute("VACUUM INTO ?", (str(target),))
    finally:
        source.close()


def ping(database: Database) -> str:
    """The database's own version text, for `doctor`."""
    with database.read() as tx:
        query = "select sqlite_version()" if tx.dialect == "sqlite" else "show server_version"
        return f"{tx.dialect} {tx.value(text(query))}"
