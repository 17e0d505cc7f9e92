"""Measures the gateway beside the bare upstream and a plain pass-through in the same run: python -m bench.gateway [--seconds 3] [--rounds 5] [--json].

The pass-through is Starlette, httpx and uvicorn in an environment of their own, made on first use in the user's cache (`--environment`).
"""

import argparse
import asyncio
import json
import os
import platform
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import platformdirs

from bench.stored_path import fresh_instance
from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import ReviewCaseId, new_id
from clearinghouse.gateway import actions

_PACKAGES = ("starlette", "uvicorn", "httpx")
_PROMPT = "x" * 2_000
_CLIENTS = (1, 50)
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Way:
    """One way to the upstream."""

    name: str
    port: int
    headers: str
    process: int
    """Whose memory is told."""


@dataclass(frozen=True)
class Measured:
    """One load on one way."""

    per_second: float
    ms_median: float
    ms_99: float
    failed: int


def request(path: Way, stream: bool) -> bytes:
    """A call as it goes over the wire."""
    body = json.dumps({
        "model": "main", "messages": [{"role": "user", "content": _PROMPT}], "stream": stream, "max_tokens": 200,
    }, separators=(",", ":")).encode()
    return (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n{path.headers}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


async def _client(port: int, sent: bytes, until: float, times: list[float]) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    failed = 0
    while time.perf_counter() < until:
        began = time.perf_counter()
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            whole = await reader.readuntil(b"0\r\n\r\n")
            good = b"[DONE]" in whole
        else:
            length = next(int(line[15:]) for line in lower.split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(length)
            good = True
        times.append(time.perf_counter() - began)
        failed += not (head.startswith(b"HTTP/1.1 200") and good)
    writer.close()
    return failed


async def offer(path: Way, clients: int, seconds: float, *, stream: bool) -> Measured:
    """A closed loop of so many clients for so long."""
    times: list[float] = []
    sent, began = request(path, stream), time.perf_counter()
    failed = sum(await asyncio.gather(*(_client(path.port, sent, began + seconds, times) for _ in range(clients))))
    took = time.perf_counter() - began
    ordered = sorted(times)
    return Measured(len(times) / took, statistics.median(ordered) * 1e3, ordered[int(len(ordered) * 0.99)] * 1e3, failed)


def free_port() -> int:
    """One that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(command: list[str], **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """A process of ours for the length of a block."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}, cwd=_ROOT)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


def _said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def _wait_for(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing listens on {port}")


def environment(folder: Path) -> Path:
    """The interpreter of an environment with Starlette, httpx and uvicorn."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *_PACKAGES], check=True)
    return python


def prepared(home: Path, upstream_port: int) -> tuple[Instance, str]:
    """An instance with a gateway set up, and the key of an access that no load exhausts."""
    instance = fresh_instance(home)
    (home / "main.key").write_text("upstream-key")
    (home / "main.key").chmod(0o600)
    settings = home / "clearinghouse.toml"
    settings.write_text(settings.read_text() + (
        f'[gateway]\nport = 0\njournal = "{home / "gateway" / "journal.db"}"\n[gateway.upstreams.main]\nkind = "openai"\n'
        f'base_url = "http://127.0.0.1:{upstream_port}/v1"\nmodel = "dummy"\nkey_file = "main.key"\n'
    ))
    now = instance.clock.now()
    with instance.database.write() as tx:
        _, key = actions.grant_access(
            tx, ReviewCaseId(new_id("rvw")), instance.actor.id, "practice", "main", now, now + timedelta(hours=2), tokens_max=10**15,
            calls_max=10**12, actor=instance.actor.id, now=now,
        )
    return instance, key


def memory_megabytes(process: int) -> float:
    """What a process has in memory."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) / 1024


def commit_milliseconds(folder: Path) -> float:
    """What this disk takes for one durable commit of an entry's length, at the median."""
    times = []
    with closing(sqlite3.connect(folder / "probe.db", isolation_level=None)) as probe:
        probe.executescript("pragma journal_mode = wal; pragma synchronous = full; create table probe (value blob)")
        for _ in range(100):
            began = time.perf_counter()
            probe.execute("insert into probe values (?)", (b"x" * 400,))
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e3


def measure(seconds: float, rounds: int, folder: Path) -> dict[str, Any]:
    """All ways under all loads, round by round in turn."""
    results: dict[str, Any] = {"python": platform.python_version(), "rounds": rounds, "seconds": seconds}
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        dummy = stack.enter_context(started([sys.executable, "-m", "bench.gateway.dummy"]))
        upstream = int(_said(dummy))
        instance, key = prepared(Path(place) / "home", upstream)
        plain_port = free_port()
        plain = stack.enter_context(started(
            [str(environment(folder)), "-m", "uvicorn", "bench.gateway.passthrough:app", "--port", str(plain_port), "--log-level", "warning"],
            UPSTREAM=f"http://127.0.0.1:{upstream}/v1", PYTHONPATH=str(_ROOT),
        ))
        gateway = stack.enter_context(started(
            [sys.executable, "-m", "clearinghouse", "gateway", "serve", "--json"], CLEARINGHOUSE_HOME=str(instance.settings.home)
        ))
        port = int(json.loads(_said(gateway))["address"].rsplit(":", 1)[1])
        _wait_for(plain_port)
        ways = [
            Way("direct", upstream, "", dummy.pid), Way("pass-through", plain_port, "", plain.pid),
            Way("gateway", port, f"Authorization: Bearer {key}\r\n", gateway.pid),
        ]
        for way in ways:
            asyncio.run(offer(way, 4, 0.5, stream=False))
        results["commit_ms"] = [round(commit_milliseconds(Path(place)), 2)]
        for clients in _CLIENTS:
            for stream in (False, True):
                found: dict[str, list[Measured]] = {way.name: [] for way in ways}
                for turn in range(rounds):
                    for way in ways[turn % 3 :] + ways[: turn % 3]:
                        found[way.name].append(asyncio.run(offer(way, clients, seconds, stream=stream)))
                results[f"{clients} client{'s' if clients > 1 else ''}, {'stream' if stream else 'whole'}"] = _told(found)
        results["commit_ms"].append(round(commit_milliseconds(Path(place) / "home"), 2))
        results["memory_megabytes"] = {way.name: round(memory_megabytes(way.process), 1) for way in ways}
        instance.close()
    return results


def _told(found: dict[str, list[Measured]]) -> dict[str, Any]:
    told: dict[str, Any] = {
        name: {
            "per_second": round(statistics.median(one.per_second for one in rounds)), "ms_median": round(statistics.median(one.ms_median for one in rounds), 2),
            "ms_99": round(statistics.median(one.ms_99 for one in rounds), 1), "failed": sum(one.failed for one in rounds),
        } for name, rounds in found.items()
    }
    pairs = list(zip(found["gateway"], found["pass-through"], strict=True))
    told["over_pass_through_ms"] = round(statistics.median(ours.ms_median - plain.ms_median for ours, plain in pairs), 2)
    told["share_of_pass_through"] = round(statistics.median(ours.per_second / plain.per_second for ours, plain in pairs), 2)
    return told


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3, help="length of each load")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--environment", type=Path, default=Path(platformdirs.user_cache_dir("clearinghouse")) / "bench-gateway")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    results = measure(asked.seconds, asked.rounds, asked.environment)
    if asked.json:
        print(json.dumps(results))
        return
    for name, value in results.items():
        if isinstance(value, dict) and "gateway" in value and isinstance(value["gateway"], dict):
            print(name)
            for way, said in value.items():
                print(f"    {way:22} {said}")
        else:
            print(f"{name:26} {value}")


if __name__ == "__main__":
    main()
