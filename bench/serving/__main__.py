"""Measures intake over HTTP against the framework's floor: python -m bench.serving [--seconds 10] [--records 0] [--json]."""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from bench.growth.synthesis import read_donors, synthesise
from bench.serving.load import Answered, offer, share
from bench.stored_path import fresh_instance, run
from clearinghouse.app.wiring import Instance
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.parties import actions as parties


@contextmanager
def serving(target: str, home: Path) -> Iterator[int]:
    """A server in a process of its own on a free port of the loopback address."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    code = (
        "from granian.constants import Interfaces\nfrom granian.server import Server\n"
        f"Server({target!r}, address='127.0.0.1', port={port}, interface=Interfaces.ASGI, factory=True, log_enabled=False, "
        "websockets=False).serve()"
    )
    server = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "CLEARINGHOUSE_HOME": str(home)})
    try:
        _wait_until_up(port)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def _wait_until_up(port: int) -> None:
    for _ in range(300):
        try:
            urlopen(f"http://127.0.0.1:{port}/alive", timeout=1).read()
        except OSError as error:
            if getattr(error, "code", None) == 404:
                return  # the floor has no such route, and is up
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the server did not come up")


def request(path: str, body: bytes, token: str) -> bytes:
    """A request as it goes over the wire."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def issue(instance: Instance) -> str:
    """A token of the founding person."""
    now = instance.clock.now()
    with instance.database.write() as tx:
        scopes = frozenset({Scope.REPORTS_SUBMIT, Scope.REPORTS_READ})
        return parties.issue_token(tx, instance.actor.id, scopes, now + timedelta(days=1), actor=instance.actor.id, now=now)[1]


def measured(answers: list[Answered]) -> dict[str, Any]:
    """What came back: shares of status and of time."""
    times = [answer.seconds * 1000 for answer in answers]
    span = max(answer.due + answer.seconds for answer in answers) - min(answer.due for answer in answers)
    return {
        "accepted": sum(answer.status == 201 for answer in answers), "of": len(answers), "per_second": round(len(answers) / span, 1),
        "ms_median": round(share(times, 0.5), 1), "ms_95": round(share(times, 0.95), 1), "ms_99": round(share(times, 0.99), 1),
    }


class Placed:
    """Watches how many reports were answered, and when."""

    def __init__(self, instance: Instance) -> None:
        self._instance, self._stop = instance, False
        self.seen: list[tuple[float, int]] = []
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop:
            with self._instance.database.read() as tx:
                self.seen.append((time.monotonic(), deconfliction.count_placements(tx)))
            time.sleep(0.25)

    def lags(self, before: int, answers: list[Answered], patience: float) -> list[float]:
        """Seconds from each acceptance to its answer, in order of receipt; what was never answered counts `patience`."""
        accepted = sorted(answer.due + answer.seconds for answer in answers if answer.status == 201)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and (not self.seen or self.seen[-1][1] < before + len(accepted)):
            time.sleep(0.2)
        self._stop = True
        self._thread.join()
        found = []
        for position, at in enumerate(accepted, 1):
            done = next((when for when, count in self.seen if count >= before + position), at + patience)
            found.append(max(0.0, done - at))
        return found


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.serving", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="length of each load")
    parser.add_argument("--records", type=int, default=0, help="records stored and settled before")
    parser.add_argument("--accept", type=float, default=200, help="requests a second without waiting for the answer")
    parser.add_argument("--answer", type=float, default=60, help="requests a second with the answer in the response")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    corpus = Path(__file__).resolve().parents[3] / "shared" / "data" / "deconfliction" / "dev.jsonl.gz"
    donors = read_donors(corpus if corpus.exists() else None)
    total = int(asked.seconds * (asked.accept + asked.answer))
    lines = list(islice(synthesise(donors, asked.records + total, 7), asked.records + total))
    with tempfile.TemporaryDirectory() as folder:
        instance = fresh_instance(Path(folder) / "home")
        if asked.records:
            stored = Path(folder) / "stored.ndjson"
            stored.write_bytes(b"\n".join(lines[: asked.records]))
            run(instance, stored)
        token, fresh = issue(instance), lines[asked.records :]
        results: dict[str, Any] = {"records_before": asked.records, "seconds": asked.seconds}
        first = int(asked.seconds * asked.accept)
        with serving("bench.serving.floor:application", instance.settings.home) as port:
            sent = [request("/api/v1/submissions", line, token) for line in fresh[:first]]
            results["floor"] = measured(asyncio.run(offer(port, sent, asked.accept)))
        with serving("clearinghouse.server.main:application", instance.settings.home) as port:
            asyncio.run(offer(port, [request("/api/v1/submissions?wait=10", b'{"title": "warm", "symbols": ["warm_up"]}', token)], 1))
            time.sleep(3)
            with instance.database.read() as tx:
                before = deconfliction.count_placements(tx)
            watch = Placed(instance)
            answers = asyncio.run(offer(port, sent, asked.accept))
            lags = watch.lags(before, answers, 120)
            results["accept"] = measured(answers) | {
                "answer_s_median": round(share(lags, 0.5), 2), "answer_s_95": round(share(lags, 0.95), 2), "answer_s_max": round(max(lags), 2),
            }
            sent = [request("/api/v1/submissions?wait=10", line, token) for line in fresh[first:]]
            answers = asyncio.run(offer(port, sent, asked.answer))
            told = sum(b'"answered":true' in answer.body for answer in answers)
            results["answer_in_response"] = measured(answers) | {"answered": told}
        instance.close()
    results["median_over_floor"] = round(results["accept"]["ms_median"] / results["floor"]["ms_median"], 1)
    if asked.json:
        print(json.dumps(results))
    else:
        for name, value in results.items():
            print(f"{name:20} {value}")


if __name__ == "__main__":
    main()
