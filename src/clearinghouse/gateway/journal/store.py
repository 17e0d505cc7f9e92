"""The file of a journal: SQLite in WAL mode, a commit answered is a commit on the disk."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from clearinghouse.core.errors import Invalid, Unavailable
from clearinghouse.core.ids import has_shape
from clearinghouse.gateway.journal.entries import COLUMNS, first_hash
from clearinghouse.gateway.timekeeping import KeptTime

VERSION = 1
_SCHEMA = f"""
create table entries (
  number integer primary key, at_ns integer not null, kind text not null, access_id text not null, call_id text not null,
  sample text not null, upstream text not null, prompt_tokens integer not null, completion_tokens integer not null,
  calls integer not null, outcome text not null, request_digest text not null, answer_digest text not null, details text not null,
  hash text not null
) strict;
create index entries_by_access on entries (access_id, at_ns);
create table marks (name text primary key, value text not null) strict;
pragma user_version = {VERSION};
"""
_FIELDS = ", ".join(COLUMNS)
_ROOM_BYTES = 4_194_304  # SQLite's own bound on the length of its log, about
_DAY_NS, _HOUR_NS = 86_400_000_000_000, 3_600_000_000_000


def connect(path: Path) -> sqlite3.Connection:
    """The file, open for its one writer; made where it is missing.

    Raises:
        Unavailable: it cannot be opened or is no journal.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        found = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        found.execute("pragma journal_mode = wal")
        found.execute("pragma synchronous = full")
        if found.execute("pragma user_version").fetchone()[0] == 0:
            found.executescript(f"begin immediate; {_SCHEMA} commit;")
        _check(found, path)
        _make_room(found)
    except (sqlite3.Error, OSError) as error:
        raise Unavailable(f"cannot open the gateway's journal {path} ({error}); the gateway forwards nothing without it") from error
    return found


def _make_room(found: sqlite3.Connection) -> None:
    # A log that grows has the file system write down its new length at every commit; one that has its length is overwritten from
    # the start after a checkpoint. Grown once here, commits take half as long (bench/gateway).
    found.execute("insert or replace into marks values ('room', ?)", ("x" * _ROOM_BYTES,))
    found.execute("delete from marks where name = 'room'")
    found.execute("pragma wal_checkpoint(restart)")


def connect_reading(path: Path) -> sqlite3.Connection:
    """The file, open for somebody who reads beside the writer.

    Raises:
        Unavailable: there is none, or it cannot be read.
    """
    try:
        found = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=10, check_same_thread=False)
        _check(found, path)
    except sqlite3.Error as error:
        raise Unavailable(f"cannot read the gateway's journal {path} ({error}); `clearinghouse gateway serve` makes it") from error
    return found


def _check(found: sqlite3.Connection, path: Path) -> None:
    version = found.execute("pragma user_version").fetchone()[0]
    if version != VERSION:
        raise Unavailable(f"{path} is a journal of version {version}; this software knows {VERSION}")


def read_mark(connection: sqlite3.Connection, name: str) -> str:
    """What is noted under a name; empty where nothing is."""
    row = connection.execute("select value from marks where name = ?", (name,)).fetchone()
    return "" if row is None else str(row[0])


def put_mark(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Note something under a name; durable on return."""
    connection.execute("insert into marks values (?, ?) on conflict (name) do update set value = excluded.value", (name, value))


def gateway_of(connection: sqlite3.Connection) -> str:
    """The id of the gateway whose journal this is; empty before it was first taken up.

    Raises:
        Invalid: it was altered.
    """
    found = read_mark(connection, "gateway")
    if found and not has_shape(found):
        raise Invalid("the journal names no gateway; it was altered")
    return found


def keep_time(connection: sqlite3.Connection, kept: KeptTime) -> None:
    """Note a reading of the clock."""
    put_mark(connection, "time", json.dumps(asdict(kept)))


def kept_time(connection: sqlite3.Connection) -> KeptTime | None:
    """The last reading noted, or the instant of the last entry where that is later."""
    text = read_mark(connection, "time")
    return KeptTime(**json.loads(text)) if text else None


def last_at(connection: sqlite3.Connection) -> int:
    """The instant of the newest entry; 0 where there is none."""
    row = connection.execute("select at_ns from entries order by number desc limit 1").fetchone()
    return 0 if row is None else int(row[0])


def head(connection: sqlite3.Connection, gateway_id: str) -> tuple[int, str]:
    """How many entries there are, and the hash of the last one."""
    row = connection.execute("select number, hash from entries order by number desc limit 1").fetchone()
    return (0, first_hash(gateway_id)) if row is None else (int(row[0]), str(row[1]))


def hash_at(connection: sqlite3.Connection, number: int) -> str:
    """The hash of an entry; empty where there is no such entry."""
    row = connection.execute("select hash from entries where number = ?", (number,)).fetchone()
    return "" if row is None else str(row[0])


@lru_cache(maxsize=128)
def _insert(rows: int) -> str:
    marks = f"({', '.join('?' * (len(COLUMNS) + 2))})"
    return f"insert into entries (number, {_FIELDS}, hash) values {', '.join([marks] * rows)}"  # noqa: S608 - names of ours


def append(connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add numbered and hashed entries in one durable commit: one statement, which is a transaction by itself."""
    # One call into the library for the whole commit: between calls the writer would wait for its turn of the interpreter.
    connection.execute(_insert(len(rows)), [value for row in rows for value in row])


def stream(connection: sqlite3.Connection) -> Iterator[tuple[int, tuple[Any, ...], str]]:
    """Every entry in order: number, fields, hash."""
    for row in connection.execute(f"select number, {_FIELDS}, hash from entries order by number"):  # noqa: S608 - names of ours
        yield row[0], tuple(row[1:-1]), row[-1]


def totals(connection: sqlite3.Connection, access_id: str = "") -> list[tuple[str, int, int, int]]:
    """What accesses used: id, calls admitted, prompt and completion tokens charged."""
    chosen, given = ("where access_id = ?", (access_id,)) if access_id else ("where access_id != ''", ())
    return connection.execute(
        "select access_id, sum(case when kind = 'admitted' then calls else 0 end), "  # noqa: S608 - names of ours
        "sum(case when kind in ('settled', 'lost') then prompt_tokens else 0 end), "
        f"sum(case when kind in ('settled', 'lost') then completion_tokens else 0 end) from entries {chosen} group by access_id", given
    ).fetchall()


def unsettled(connection: sqlite3.Connection, access_id: str = "") -> list[tuple[str, str, str, str, int, int]]:
    """Calls that were admitted and not settled: access, call, sample, upstream, prompt and completion tokens reserved."""
    chosen, given = ("and access_id = ?", (access_id, access_id)) if access_id else ("", ())
    return connection.execute(
        "select access_id, call_id, sample, upstream, prompt_tokens, completion_tokens from entries "  # noqa: S608 - names of ours
        f"where kind = 'admitted' {chosen} and call_id not in "
        f"(select call_id from entries where kind in ('settled', 'lost') {chosen}) order by number", given
    ).fetchall()


def figures(connection: sqlite3.Connection, access_id: str) -> tuple[int, int, int, int, int, int, int | None, int | None]:
    """Of an access: calls, refused, cut, truncated, prompt and completion tokens, first and last instant."""
    return connection.execute(  # type: ignore[no-any-return]
        f"select {_SUMS}, min(at_ns), max(at_ns) from entries where access_id = ?", (access_id,)  # noqa: S608
    ).fetchone()


_SUMS = (
    "coalesce(sum(case when kind = 'admitted' then calls else 0 end), 0), coalesce(sum(case when kind = 'refused' then calls else 0 end), 0), "
    "coalesce(sum(kind in ('settled', 'lost') and outcome in ('cut', 'lost')), 0), "
    "coalesce(sum(kind in ('settled', 'lost') and details like '%\"truncated\":true%'), 0), "
    "coalesce(sum(case when kind in ('settled', 'lost') then prompt_tokens else 0 end), 0), "
    "coalesce(sum(case when kind in ('settled', 'lost') then completion_tokens else 0 end), 0)"
)


def by_time(connection: sqlite3.Connection, access_id: str, since_ns: int, *, days: bool) -> list[tuple[int, int, int, int, int, int, int]]:
    """The same by hour or by day since an instant: begin of the span, then the six figures."""
    span = _DAY_NS if days else _HOUR_NS
    return connection.execute(
        f"select at_ns / {span} * {span}, {_SUMS} from entries where access_id = ? and at_ns >= ? group by 1 order by 1", (access_id, since_ns)  # noqa: S608
    ).fetchall()


def by_sample(connection: sqlite3.Connection, access_id: str) -> list[tuple[str, int, int, int, int, int, int]]:
    """The same by sample, those without a name together under an empty one."""
    return connection.execute(
        f"select sample, {_SUMS} from entries where access_id = ? and kind != 'refused' group by 1 order by 1", (access_id,)  # noqa: S608
    ).fetchall()
