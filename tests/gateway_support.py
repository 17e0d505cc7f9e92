"""Accesses made up for a test, and whoever may read the review they belong to."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from clearinghouse.app.gateway import Opened, with_settings
from clearinghouse.app.gateway_settings import GatewaySettings
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import SystemClock
from clearinghouse.core.ids import PartyId, ReviewCaseId, RunId, new_id
from clearinghouse.gateway import actions
from clearinghouse.gateway.journal import reading
from clearinghouse.gateway.journal import store as journal_store
from clearinghouse.gateway.providers.base import UpstreamSettings
from clearinghouse.gateway.records import Access
from clearinghouse.parties.records import Basis, Grant
from party_factories import give
from simulators.upstream import Upstream


def new_review(instance: Instance, *readers: PartyId) -> ReviewCaseId:
    """The id of a review that these parties may read."""
    review = ReviewCaseId(new_id("rvw"))
    for reader in readers:
        give(instance, Grant(review, reader, Basis.PARTICIPANT))
    return review


def grant(
    instance: Instance, review: ReviewCaseId | None = None, *, party: PartyId | None = None, purpose: str = "practice", upstream: str = "main",
    begins_at: datetime | None = None, lasts: timedelta = timedelta(hours=1), tokens_max: int = 1_000_000, calls_max: int = 1_000,
    run_id: RunId | None = None,
) -> tuple[Access, str]:
    """An access of the acting party and its key."""
    now = instance.clock.now()
    begins = begins_at or now
    with instance.database.write() as tx:
        return actions.grant_access(
            tx, review or ReviewCaseId(new_id("rvw")), party or instance.actor.id, purpose, upstream, begins, begins + lasts,
            run_id=run_id, tokens_max=tokens_max, calls_max=calls_max, actor=instance.actor.id, now=now,
        )


def serving_instance(instance: Instance, url: str, folder: Path, **changed: Any) -> Instance:
    """The same instance, set up to ask a server of models; on the machine's own clock."""
    settings = GatewaySettings(
        port=0, socket=folder / "gateway.sock", journal=folder / "journal.db", drain_seconds=0,
        upstreams=(UpstreamSettings("main", "openai", url, "the-model", "upstream-key"),),
    )
    policy = replace(instance.policy, gateway=replace(instance.policy.gateway, **changed)) if changed else instance.policy
    return replace(with_settings(instance, settings), clock=SystemClock(), policy=policy)


def ask(opened: Opened, key: str, words: str, *, stream: bool = False, timeout: float = 20, **more: Any) -> httpx.Response:
    """One call, as a client makes it."""
    body = {"model": "main", "messages": [{"role": "user", "content": words}], "stream": stream, "max_tokens": 100, **more}
    return httpx.post(f"{opened.address}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"}, timeout=timeout)


def ask_plainly(opened: Opened, key: str, words: str, *, stream: bool = False, timeout: float = 20) -> int:
    """The same with as little of a client as there can be, for many at once; gives the status."""
    host, port = opened.address.removeprefix("http://").split(":")
    body = json.dumps({"model": "main", "messages": [{"role": "user", "content": words}], "stream": stream, "max_tokens": 100})
    client = http.client.HTTPConnection(host, int(port), timeout=timeout)
    try:
        client.request("POST", "/v1/chat/completions", body, {"authorization": f"Bearer {key}"})
        with client.getresponse() as response:
            response.read()
            return response.status
    finally:
        client.close()


def code_of(response: httpx.Response) -> tuple[int, str]:
    """Status and code of an error."""
    return response.status_code, response.json()["error"]["code"]


def entries_of(path: Path) -> list[tuple[str, str]]:
    """Kind and outcome of every entry of a journal but those of its own life."""
    with reading.reading(path) as connection:
        found = [(values[1], values[9]) for _, values, _ in journal_store.stream(connection)]
    return [one for one in found if one[0] not in ("opened", "closed")]


@contextmanager
def gateway_process(instance: Instance, server: Upstream) -> Iterator[tuple["subprocess.Popen[str]", Opened]]:
    """The command itself, on the settings of an instance."""
    home = instance.settings.home
    path = home / "clearinghouse.toml"
    journal = instance.settings.gateway.journal
    before = path.read_text().split("[gateway]")[0]
    (home / "main.key").write_text("upstream-key")
    (home / "main.key").chmod(0o600)
    path.write_text(before + (
        f'[gateway]\nport = 0\njournal = "{journal}"\nhead_seconds = 0.5\n[gateway.upstreams.main]\nkind = "openai"\nbase_url = "{server.url}"\n'
        'model = "the-model"\nkey_file = "main.key"\n'
    ))
    process = subprocess.Popen(
        [sys.executable, "-m", "clearinghouse", "gateway", "serve", "--json"], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "CLEARINGHOUSE_HOME": str(home)},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        said = json.loads(line)
        yield process, Opened(said["address"], None, said["gateway"])
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()
