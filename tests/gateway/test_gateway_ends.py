"""The end of an access over real sockets and real time: streams are cut, told why, and nothing comes after; suspension holds within a second."""

import asyncio
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clearinghouse.app import gateway as assembled
from clearinghouse.app.gateway import Opened, running_gateway
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict
from clearinghouse.gateway import actions
from clearinghouse.gateway.journal import reading
from clearinghouse.gateway.journal.writer import Journal
from clearinghouse.gateway.records import Access
from clearinghouse.gateway.timekeeping import GatewayClock
from gateway_support import ask, ask_plainly, code_of, entries_of, gateway_process, grant, serving_instance
from simulators.upstream import Upstream, upstream


def connect(opened: Opened, key: str, words: str, *, stream: bool = True, receive_bytes: int = 0, more: str = "") -> socket.socket:
    """A client that has asked and not read yet."""
    host, port = opened.address.removeprefix("http://").split(":")
    body = json.dumps({"model": "main", "messages": [{"role": "user", "content": words}], "stream": stream, "max_tokens": 100}).encode()
    connection = socket.socket()
    if receive_bytes:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    connection.settimeout(20)
    connection.connect((host, int(port)))
    connection.sendall(
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body
    )
    return connection


def read_on(connection: socket.socket) -> list[tuple[datetime, bytes]]:
    """Everything that comes, with the instant at which it was there; to the end of the connection."""
    found: list[tuple[datetime, bytes]] = []
    while True:
        try:
            data = connection.recv(65_536)
        except ConnectionResetError:
            return found
        if not data:
            return found
        found.append((datetime.now(UTC), data))


@contextmanager
def served(instance: Instance, folder: Path, **changed: Any) -> Iterator[tuple[Instance, Opened, Upstream]]:
    with upstream() as server:
        own = serving_instance(instance, server.url, folder, **changed)
        with running_gateway(own) as opened:
            yield own, opened, server


@pytest.mark.parametrize("how", ["long", "silent", "quiet"])
def test_stream_is_cut_before_the_end_and_told_so(sqlite_instance: Instance, tmp_path: Path, how: str) -> None:
    with served(sqlite_instance, tmp_path) as (instance, opened, server):
        access, key = grant(instance, lasts=timedelta(seconds=1.2))
        with connect(opened, key, how) as connection:
            got = read_on(connection)
        everything = b"".join(data for _, data in got)
        assert got[-1][0] < access.ends_at
        assert b"window_closed" in everything
        assert b"[DONE]" not in everything
        assert not everything.endswith(b"0\r\n\r\n")
        assert (b"word0" in everything) == (how != "silent")
        time.sleep(0.2)
        assert code_of(ask(opened, key, "hello")) == (403, "window_closed")
        for _ in range(40):
            if server.open == 0:
                break
            time.sleep(0.05)
        assert server.open == 0, "the upstream was let go as well"
        assert entries_of(instance.settings.gateway.journal)[:2] == [("admitted", ""), ("settled", "cut")]
        found = reading.meter_of(instance.settings.gateway.journal, access.id)
        assert (found.cut, found.truncated, found.reserved_tokens) == (1, 1, 0)


def test_slow_client_gets_nothing_that_was_taken_from_us_before_the_end(sqlite_instance: Instance, tmp_path: Path) -> None:
    with served(sqlite_instance, tmp_path) as (instance, opened, _):
        access, key = grant(instance, lasts=timedelta(seconds=1.5))
        with connect(opened, key, "huge", receive_bytes=4096) as connection:
            assert connection.recv(1000)
            while datetime.now(UTC) < access.ends_at + timedelta(milliseconds=100):
                time.sleep(0.02)
            rest = read_on(connection)
        # What lay in the client's own buffer it had before the end; of some two million bytes it is a small part, and the rest was thrown away.
        assert sum(len(data) for _, data in rest) < 400_000
        assert entries_of(instance.settings.gateway.journal) == [("admitted", ""), ("settled", "cut")]


def test_idle_connection_ends_with_the_access(sqlite_instance: Instance, tmp_path: Path) -> None:
    with served(sqlite_instance, tmp_path) as (instance, opened, _):
        access, key = grant(instance, lasts=timedelta(seconds=0.8))
        with connect(opened, key, "hello", stream=False) as connection:
            got = read_on(connection)
        assert b"an answer" in b"".join(data for _, data in got)
        assert got[-1][0] < access.ends_at <= datetime.now(UTC) + timedelta(milliseconds=200)


@pytest.mark.parametrize(("deed", "code"), [("suspend", "suspended"), ("end", "ended"), ("shorten", "window_closed")])
def test_stream_ends_within_a_second_of_a_word(instance: Instance, tmp_path: Path, deed: str, code: str) -> None:
    with served(instance, tmp_path) as (own, opened, _):
        access, key = grant(own)
        with connect(opened, key, "long") as connection:
            assert connection.recv(1000)
            began = time.monotonic()
            _do(own, access, deed)
            got = b"".join(data for _, data in read_on(connection))
            took = time.monotonic() - began
        assert took < 1.0
        # An end that was moved to this very moment leaves none for last words.
        assert (f'"code":"{code}"'.encode() in got) == (deed != "shorten")
        assert b"[DONE]" not in got
        assert code_of(ask(opened, key, "hello")) == (403, code)
        if deed == "suspend":
            resting = _read(own, access)
            with own.database.write() as tx:
                actions.restore_access(tx, resting, actor=own.actor.id, now=own.clock.now())
            time.sleep(0.5)
            assert ask(opened, key, "hello").status_code == 200


@pytest.mark.parametrize("deed", ["suspend", "end"])
def test_answer_that_still_lies_with_the_system_goes_with_its_access(sqlite_instance: Instance, tmp_path: Path, deed: str) -> None:
    with served(sqlite_instance, tmp_path) as (own, opened, _):
        access, key = grant(own)
        with connect(opened, key, "large", stream=False, receive_bytes=4096, more="Connection: close\r\n") as connection:
            for _ in range(100):  # all of it was handed over, and the connection closed but for what the client has to take
                if entries_of(own.settings.gateway.journal) == [("admitted", ""), ("settled", "complete")]:
                    break
                time.sleep(0.02)
            time.sleep(0.1)
            _do(own, access, deed)
            time.sleep(1.0)
            got = sum(len(data) for _, data in read_on(connection))
        assert 0 < got < 100_000


def _do(instance: Instance, access: Access, deed: str) -> None:
    with instance.database.write() as tx:
        if deed == "suspend":
            actions.suspend_access(tx, access, "incident", actor=instance.actor.id, now=instance.clock.now())
        elif deed == "end":
            actions.end_access(tx, access, "withdrawn", actor=instance.actor.id, now=instance.clock.now())
        else:
            actions.shorten_access(tx, access, instance.clock.now(), actor=instance.actor.id, now=instance.clock.now())


def _read(instance: Instance, access: Access) -> Access:
    with instance.database.read() as tx:
        return actions.find(tx, access.id, viewer=instance.actor.id, now=instance.clock.now())


def test_database_that_cannot_be_read_closes_the_gateway_within_a_second(
    sqlite_instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = threading.Event()
    look = assembled._DatabaseSource._look

    def hanging(source: Any, since: datetime) -> Any:
        while hangs.is_set():
            time.sleep(0.02)
        return look(source, since)

    monkeypatch.setattr(assembled._DatabaseSource, "_look", hanging)
    with served(sqlite_instance, tmp_path) as (instance, opened, _):
        _, key = grant(instance)
        with connect(opened, key, "long") as connection:
            assert connection.recv(1000)
            began = time.monotonic()
            hangs.set()
            got = b"".join(data for _, data in read_on(connection))
            assert time.monotonic() - began < 1.3
        assert b"accesses_unreadable" in got
        assert code_of(ask(opened, key, "hello")) == (503, "accesses_unreadable")
        hangs.clear()
        time.sleep(0.5)
        assert ask(opened, key, "hello").status_code == 200


def test_clock_that_is_set_closes_the_gateway_until_somebody_vouches(
    sqlite_instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead_ns = 0

    def wall_ns() -> int:
        return time.time_ns() + ahead_ns

    monkeypatch.setattr(assembled, "GatewayClock", lambda most, kept: GatewayClock(most, kept, wall_ns=wall_ns))
    with served(sqlite_instance, tmp_path) as (instance, opened, _):
        _, key = grant(instance)
        with connect(opened, key, "long") as connection:
            assert connection.recv(1000)
            ahead_ns = -3600 * 10**9
            assert b"[DONE]" not in b"".join(data for _, data in read_on(connection))
        assert code_of(ask(opened, key, "hello")) == (503, "clock_jumped")
        time.sleep(1.3)
        assert code_of(ask(opened, key, "hello")) == (503, "clock_jumped")
        ahead_ns = 0
        assert code_of(ask(opened, key, "hello")) == (503, "clock_jumped")
        state = assembled.accept_clock(instance)
        assert state.time is not None
        assert state.time.jump_id
        with pytest.raises(Conflict), instance.database.write() as tx:
            actions.accept_clock(tx, state.gateway_id, state.time.jump_id, actor=instance.actor.id, now=instance.clock.now())
        time.sleep(0.5)
        assert ask(opened, key, "hello").status_code == 200
        kinds = [kind for kind, _ in entries_of(instance.settings.gateway.journal)]
        assert [kind for kind in kinds if kind.startswith("clock")] == ["clock_jumped", "clock_accepted"]


def test_stalled_loop_writes_nothing_after_the_end(sqlite_instance: Instance, tmp_path: Path) -> None:
    """The whole process of the gateway is stopped before the end and goes on after it."""
    with upstream() as server:
        instance = serving_instance(sqlite_instance, server.url, tmp_path)
        server.pause_seconds = 0.01
        with gateway_process(instance, server) as (process, opened):
            access, key = grant(instance, lasts=timedelta(seconds=2))
            with connect(opened, key, "long") as connection:
                assert connection.recv(1000)
                process.send_signal(signal.SIGSTOP)
                while datetime.now(UTC) < access.ends_at + timedelta(milliseconds=50):
                    time.sleep(0.01)
                # Everything that is there now was handed over before the end.
                connection.setblocking(False)
                _drain(connection)
                connection.setblocking(True)
                process.send_signal(signal.SIGCONT)
                assert read_on(connection) == []
            assert code_of(ask(opened, key, "hello")) == (403, "window_closed")


def _drain(connection: socket.socket) -> None:
    try:
        while connection.recv(65_536):
            pass
    except BlockingIOError:
        return


def _kill_once(instance: Instance, server: Upstream, key: str, number: int) -> None:
    with gateway_process(instance, server) as (process, opened):
        def client(name: int) -> None:
            try:
                while True:
                    ask_plainly(opened, key, f"call-{number}-{name}-{time.monotonic_ns()}", stream=name % 2 == 0, timeout=5)
            except Exception:
                return

        threads = [threading.Thread(target=client, args=(name,), daemon=True) for name in range(6)]
        for thread in threads:
            thread.start()
        time.sleep(0.5 + 0.07 * (number % 7))
        process.kill()
        process.wait(10)
        for thread in threads:
            thread.join(10)


def _check_killed(instance: Instance, server: Upstream, access: Access, kills: int) -> None:
    journal = instance.settings.gateway.journal
    with reading.reading(journal) as connection:
        admitted = connection.execute("select count(*) from entries where kind = 'admitted'").fetchone()[0]
        digests = {row[0] for row in connection.execute("select request_digest from entries where kind = 'admitted'")}
        settled = connection.execute("select count(*), count(distinct call_id) from entries where kind in ('settled', 'lost')").fetchone()
    assert len(server.received) > 10 * kills, "something was going on when it was killed"
    import hashlib

    keyed = bytes.fromhex(instance.settings.gateway_key_path.read_text().strip())
    for body in server.received:
        rendered = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        assert hashlib.blake2b(rendered, key=keyed, digest_size=16).hexdigest() in digests, "forwarded, and on record before"
    assert admitted >= len(server.received)
    assert settled == (admitted, admitted), "what was open counts in full at the next start, once"
    found = reading.meter_of(journal, access.id)
    assert found.reserved_tokens == 0
    assert found.prompt_tokens + found.completion_tokens <= access.tokens_max
    state, heads = assembled.verify_journal(instance)
    assert state.entries >= admitted
    assert heads >= 1


@pytest.mark.parametrize("kills", [2, pytest.param(40, marks=pytest.mark.long)])
def test_killed_at_any_point_everything_forwarded_is_on_record(sqlite_instance: Instance, tmp_path: Path, kills: int) -> None:
    with upstream() as server:
        instance = serving_instance(sqlite_instance, server.url, tmp_path)
        access, key = grant(instance, lasts=timedelta(hours=2), tokens_max=10**9, calls_max=10**9)
        for number in range(kills):
            _kill_once(instance, server, key, number)
        with gateway_process(instance, server):
            time.sleep(0.7)
        _check_killed(instance, server, access, kills)


def test_journal_that_stops_means_503_and_nothing_forwarded(sqlite_instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journals: list[Any] = []
    def noted(path: Path, commit_max: int) -> Journal:
        journals.append(Journal(path, commit_max))
        return journals[-1]  # type: ignore[no-any-return]

    monkeypatch.setattr(assembled, "Journal", noted)
    with served(sqlite_instance, tmp_path) as (instance, opened, server):
        access, key = grant(instance)
        assert ask(opened, key, "hello").status_code == 200

        def broken(entries: Any) -> None:
            raise OSError("the disk went away")

        journals[0].commit = broken
        assert [code_of(ask(opened, key, "hello")) for _ in range(3)] == [(503, "journal_unavailable")] * 3
        assert len(server.received) == 1
        assert not journals[0].alive
        assert reading.meter_of(instance.settings.gateway.journal, access.id).calls == 1


def test_another_journal_in_the_place_of_the_old_one_is_refused(sqlite_instance: Instance, tmp_path: Path) -> None:
    with upstream() as server:
        instance = serving_instance(sqlite_instance, server.url, tmp_path)
        _, key = grant(instance)
        with running_gateway(instance) as opened:
            ask(opened, key, "hello")
        moved = replace(instance, settings=replace(instance.settings, gateway=replace(instance.settings.gateway, journal=tmp_path / "other.db")))
        with pytest.raises(Conflict, match="begin-anew"), running_gateway(moved):
            pass

        async def anew() -> None:
            stop = asyncio.Event()
            await assembled.serve(moved, stop, lambda opened: stop.set(), anew=True)

        asyncio.run(anew())
        with running_gateway(moved), pytest.raises(Conflict, match="another gateway writes"), running_gateway(moved):
            pass
