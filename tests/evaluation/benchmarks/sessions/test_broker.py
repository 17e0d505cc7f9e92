"""The broker: what it answers, and that nonsense ends a connection and nothing else."""

import json
import os
import socket
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from clearinghouse.core.errors import NotPermitted
from clearinghouse.evaluation.benchmarks.sessions.broker import Broker, Reply


def echo(words: Mapping[str, Any], body: bytes) -> Reply:
    return Reply({"said": words["said"]}, body[::-1])


def refuse(words: Mapping[str, Any], body: bytes) -> Reply:
    raise NotPermitted("words about an item")


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / ("deep" * 40) / "tools.sock"
    place.parent.mkdir()
    with Broker(place, {"echo": echo, "refuse": refuse}, body_bytes_max=1_000):
        yield place


def connected(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    folder = os.open(path.parent, os.O_PATH)
    made.connect(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)
    made.settimeout(10)
    return made


def send(path: Path, line: bytes, body: bytes = b"") -> bytes:
    with connected(path) as client:
        client.sendall(line + b"\n" + body)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65_536), b""))


def test_messages_and_bytes_go_both_ways_and_errors_are_one_word(path: Path) -> None:
    line, body = send(path, b'{"do": "echo", "said": "x", "bytes": 3}', b"abc").split(b"\n", 1)
    assert (json.loads(line), body) == ({"said": "x", "bytes": 3}, b"cba")
    assert json.loads(send(path, b'{"do": "refuse"}')) == {"error": "NotPermitted", "bytes": 0}
    assert json.loads(send(path, b'{"do": "nothing"}')) == {"error": "unknown", "bytes": 0}
    assert json.loads(send(path, b'{"do": "echo"}')) == {"error": "Invalid", "bytes": 0}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"nonsense", b'{"do": "echo", "bytes": -1}', b'{"do": "echo", "bytes": 1001}', b'{"do": "echo", "bytes": true}', b'{"bytes": 5}', b"[" * 100_000]
)
def test_nonsense_ends_its_connection_alone(path: Path, line: bytes) -> None:
    assert send(path, line) == b""
    assert b"x" in send(path, b'{"do": "echo", "said": "x"}')


def test_closing_ends_what_waits(tmp_path: Path) -> None:
    broker = Broker(tmp_path / "s", {}, body_bytes_max=10)
    with connected(tmp_path / "s") as client:
        broker.close()
        assert client.recv(1) == b""
