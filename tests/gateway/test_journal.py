"""The journal: durable in groups, bound by hashes, one writer, and it fails closed."""

import asyncio
import contextlib
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clearinghouse.core.errors import Conflict, Invalid, Unavailable
from clearinghouse.core.ids import AccessId
from clearinghouse.gateway.journal import store
from clearinghouse.gateway.journal.entries import Entry, Kind, render_details
from clearinghouse.gateway.journal.reading import hours_of, meter_of, samples_of, state_of, verify
from clearinghouse.gateway.journal.writer import Journal, JournalUnavailable, settle_lost
from clearinghouse.gateway.records import JournalHead, Meter, Portion
from clearinghouse.gateway.timekeeping import GatewayClock, nanoseconds

AT = nanoseconds(datetime(2026, 11, 21, 8, 30, tzinfo=UTC))
HOUR = 3_600_000_000_000
ONE = AccessId("acc_" + "a" * 26)


@asynccontextmanager
async def written(path: Path, commit_max: int = 64) -> AsyncIterator[Journal]:
    journal = Journal(path, commit_max)
    journal.start(asyncio.get_running_loop(), GatewayClock(2_000).keep)
    try:
        yield journal
    finally:
        await asyncio.to_thread(journal.stop)


def admitted(call: str, **changed: object) -> Entry:
    entry = Entry(AT, Kind.ADMITTED, ONE, call, "s1", "main", 100, 50, calls=1)
    return replace(entry, **changed)  # type: ignore[arg-type]


def settled(call: str, **changed: object) -> Entry:
    entry = Entry(AT + 1, Kind.SETTLED, ONE, call, "s1", "main", 40, 10, outcome="complete")
    return replace(entry, **changed)  # type: ignore[arg-type]


def test_meter_hours_and_samples_are_read_beside_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def story() -> None:
        async with written(path) as journal:
            await journal.append(admitted("c1"))
            journal.note(settled("c1"))
            await journal.append(admitted("c2", sample="s2", at_ns=AT + HOUR))
            journal.note(settled("c2", sample="s2", at_ns=AT + HOUR, prompt_tokens=100, completion_tokens=50, outcome="cut", details=render_details(truncated=True)))
            journal.note(Entry(AT + 2 * HOUR, Kind.REFUSED, ONE, calls=7, outcome="budget_exhausted"))
            await journal.append(admitted("c3", sample="", at_ns=AT + 2 * HOUR))
            seen = await asyncio.to_thread(meter_of, path, ONE)
            assert seen == Meter(
                ONE, 3, 7, 1, 140, 60, 150, datetime(2026, 11, 21, 8, 30, tzinfo=UTC), datetime(2026, 11, 21, 10, 30, tzinfo=UTC), 1
            )

    asyncio.run(story())
    since = datetime(2026, 11, 1, tzinfo=UTC)
    assert hours_of(path, ONE, since) == [
        Portion("2026-11-21T08", 1, 0, 0, 0, 40, 10), Portion("2026-11-21T09", 1, 0, 1, 1, 100, 50), Portion("2026-11-21T10", 1, 7, 0, 0, 0, 0)
    ]
    assert hours_of(path, ONE, since, days=True) == [Portion("2026-11-21", 3, 7, 1, 1, 140, 60)]
    assert samples_of(path, ONE) == [Portion("", 1, 0, 0, 0, 0, 0), Portion("s1", 1, 0, 0, 0, 40, 10), Portion("s2", 1, 0, 1, 1, 100, 50)]
    assert meter_of(path, AccessId("acc_" + "b" * 26)) == Meter(AccessId("acc_" + "b" * 26), 0, 0, 0, 0, 0, 0)
    assert verify(path, []).entries == 6


def test_calls_that_wait_share_a_commit(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def story() -> int:
        commits = 0
        async with written(path) as journal:
            original = journal.commit

            def counting(entries: list[Entry]) -> None:
                nonlocal commits
                commits += 1
                original(entries)

            journal.commit = counting  # type: ignore[method-assign]
            await asyncio.gather(*(journal.append(admitted(f"c{number}")) for number in range(200)))
            assert journal.reached[0] == 200
        return commits

    assert asyncio.run(story()) < 100
    assert verify(path, []).entries == 200


def test_client_that_leaves_while_waiting_does_not_stop_the_writer(tmp_path: Path) -> None:
    async def story() -> None:
        async with written(tmp_path / "journal.db") as journal:
            for number in range(50):
                waiter = asyncio.create_task(journal.append(admitted(f"gone{number}")))
                await asyncio.sleep(0)
                waiter.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await waiter
            await asyncio.wait_for(journal.append(admitted("stays")), 5)
            assert journal.alive
            assert journal.reached[0] == 51

    asyncio.run(story())


def test_only_one_gateway_writes_a_journal(tmp_path: Path) -> None:
    first = Journal(tmp_path / "journal.db", 64)
    with pytest.raises(Conflict, match="another gateway"):
        Journal(tmp_path / "journal.db", 64)
    first.stop()
    second = Journal(tmp_path / "journal.db", 64)
    assert second.gateway_id == first.gateway_id
    second.stop()


def test_writer_that_died_refuses_who_waits_and_who_comes(tmp_path: Path) -> None:
    async def story() -> None:
        async with written(tmp_path / "journal.db") as journal:
            def broken(entries: list[Entry]) -> None:
                raise ValueError("a mistake of ours")

            journal.commit = broken  # type: ignore[method-assign]
            for _ in range(2):
                with pytest.raises(JournalUnavailable):
                    await asyncio.wait_for(journal.append(admitted("c1")), 5)
            assert not journal.alive

    asyncio.run(story())


def test_full_disk_refuses_calls_and_keeps_what_is_owed_until_there_is_room(tmp_path: Path) -> None:
    path, room = tmp_path / "journal.db", threading.Event()

    async def story() -> None:
        async with written(path) as journal:
            await journal.append(admitted("c1"))
            original = journal.commit

            def full(entries: list[Entry]) -> None:
                if not room.is_set():
                    raise sqlite3.OperationalError("database or disk is full")
                original(entries)

            journal.commit = full  # type: ignore[method-assign]
            journal.note(settled("c1"))
            with pytest.raises(JournalUnavailable):
                await journal.append(admitted("c2"))
            assert journal.failing == "database or disk is full"
            room.set()
            await journal.append(admitted("c3"))
            assert journal.failing == ""

    asyncio.run(story())
    with contextlib.closing(store.connect_reading(path)) as connection:
        assert [(values[1], values[3]) for _, values, _ in store.stream(connection)] == [("admitted", "c1"), ("settled", "c1"), ("admitted", "c3")]
    assert verify(path, []).entries == 3


def test_what_is_owed_after_a_long_outage_is_kept_in_portions(tmp_path: Path) -> None:
    path, room = tmp_path / "journal.db", threading.Event()

    async def story() -> None:
        journal = Journal(path, 64)
        journal.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 1_000)  # builds differ: 999, 32766, 250000
        original = journal.commit

        def full(entries: list[Entry]) -> None:
            if not room.is_set():
                raise sqlite3.OperationalError("database or disk is full")
            original(entries)

        journal.commit = full  # type: ignore[method-assign]
        journal.start(asyncio.get_running_loop(), GatewayClock(2_000).keep)
        for number in range(300):
            journal.note(Entry(AT, Kind.REFUSED, ONE, calls=number, outcome="journal_unavailable"))
        with pytest.raises(JournalUnavailable):
            await asyncio.wait_for(journal.append(admitted("c1")), 5)
        room.set()
        await asyncio.wait_for(journal.append(admitted("c2")), 5)
        await asyncio.to_thread(journal.stop)

    asyncio.run(story())
    with contextlib.closing(store.connect_reading(path)) as connection:
        found = [(values[1], values[8]) for _, values, _ in store.stream(connection)]
    assert found == [*(("refused", number) for number in range(300)), ("admitted", 1)]


@pytest.mark.parametrize("failing", ["time", "commit"])
def test_settled_call_is_charged_once_though_a_write_beside_it_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    path, failures = tmp_path / "journal.db", [1]

    def fail_once(kind: str, done: Callable[[], None]) -> None:
        done()
        if failing == kind and failures and failures.pop():
            raise sqlite3.OperationalError("disk I/O error")

    keep_time, append = store.keep_time, store.append
    async def story() -> None:
        async with written(path) as journal:
            await journal.append(admitted("c1"))
            monkeypatch.setattr(store, "keep_time", lambda connection, kept: fail_once("time", lambda: keep_time(connection, kept)))
            monkeypatch.setattr(store, "append", lambda connection, rows: fail_once("commit", lambda: append(connection, rows)))
            journal.note(Entry(AT, Kind.CLOCK_JUMPED))  # with it a reading of the clock is kept at once
            journal.note(settled("c1"))
            for _ in range(100):
                await asyncio.sleep(0.02)
                if not failures and journal.reached[0] >= 3:
                    break
            await asyncio.wait_for(journal.append(admitted("c2")), 5)

    asyncio.run(story())
    assert failures == []
    with contextlib.closing(store.connect_reading(path)) as connection:
        assert store.totals(connection) == [(ONE, 2, 40, 10)]
    assert verify(path, []).entries == 4


_LIMITED = """
import asyncio, resource, signal, sys
from pathlib import Path
from clearinghouse.gateway.journal.entries import Entry, Kind
from clearinghouse.gateway.journal.writer import Journal, JournalUnavailable
from clearinghouse.gateway.timekeeping import GatewayClock

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

async def main():
    journal = Journal(Path(sys.argv[1]), 64)
    journal.start(asyncio.get_running_loop(), GatewayClock(2000).keep)
    kept = 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    try:
        for number in range(20_000):
            await journal.append(Entry(1, Kind.ADMITTED, "acc", str(number), calls=1))
            kept += 1
    except JournalUnavailable:
        print("refused after", kept)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await journal.append(Entry(2, Kind.ADMITTED, "acc", "again", calls=1))
    print("entries", journal.reached[0])
    journal.stop()

asyncio.run(main())
"""


def test_file_that_may_grow_no_further_refuses_and_goes_on_later(tmp_path: Path) -> None:
    assert resource.RLIMIT_FSIZE is not None
    assert signal.SIGXFSZ is not None
    path = tmp_path / "journal.db"
    done = subprocess.run([sys.executable, "-c", _LIMITED, str(path)], capture_output=True, text=True, timeout=60, check=True)
    words = done.stdout.split()
    kept = int(words[2])
    assert kept > 10
    assert verify(path, []).entries == int(words[4]) >= kept + 1


@pytest.mark.parametrize(("change", "said"), [
    ("update entries set prompt_tokens = 1 where number = 3", "entry 3"),
    ("update entries set at_ns = at_ns - 1 where number = 5", "entry 5"),
    ("update entries set hash = (select hash from entries where number = 2) where number = 4", "entry 4"),
    ("delete from entries where number = 2", "entry 2 of the journal is missing"),
    ("delete from entries where number > 6", "cut off"),
    ("update marks set value = 'gwy_aaaaaaaaaaaaaaaaaaaaaaaaaa' where name = 'gateway'", "entry 1"),
])
def test_altered_journal_is_noticed(tmp_path: Path, change: str, said: str) -> None:
    path = tmp_path / "journal.db"
    head = asyncio.run(_eight(path))
    verify(path, [head])
    with sqlite3.connect(path) as connection:
        connection.execute(change)
    with pytest.raises(Invalid, match=said):
        verify(path, [head])


def test_journal_written_anew_is_noticed_by_the_heads_on_the_ledger(tmp_path: Path) -> None:
    head = asyncio.run(_eight(tmp_path / "journal.db"))
    asyncio.run(_eight(tmp_path / "other.db"))
    verify(tmp_path / "other.db", [])
    with pytest.raises(Invalid, match="written anew"):
        verify(tmp_path / "other.db", [head])


async def _eight(path: Path) -> JournalHead:
    async with written(path) as journal:
        for number in range(8):
            await journal.append(admitted(f"c{number}"))
        return JournalHead(journal.gateway_id, *journal.reached, datetime.now(UTC))


def test_calls_open_at_a_kill_count_in_full_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def story() -> None:
        async with written(path) as journal:
            await journal.append(admitted("c1"))
            journal.note(settled("c1"))
            await journal.append(admitted("c2"))

    asyncio.run(story())
    journal = Journal(path, 64)
    assert settle_lost(journal, AT + 5) == 1
    assert settle_lost(journal, AT + 5) == 0
    assert store.totals(journal.connection) == [(ONE, 2, 140, 60)]
    journal.stop()
    assert (meter_of(path, ONE).reserved_tokens, meter_of(path, ONE).cut) == (0, 1)
    assert verify(path, []).entries == 4


def test_what_is_no_journal_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("something else entirely, and long enough to be no empty file" * 20)
    for opening in (lambda: Journal(tmp_path / "text.db", 64), lambda: state_of(tmp_path / "none.db")):
        _refused(opening)
    assert not (tmp_path / "none.db").exists()
    assert (tmp_path / "text.db").stat().st_size > 1000


def _refused(opening: Callable[[], object]) -> None:
    with pytest.raises(Unavailable, match="journal"):
        opening()
