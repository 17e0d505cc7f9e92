"""kill -9 while the worker works: everything is told once it runs again, and nothing under two names."""

import json
import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest

from clearinghouse.app.settings import load_settings
from clearinghouse.app.wiring import Instance, open_instance
from clearinghouse.core.events import Event
from clearinghouse.core.ids import PartyId
from clearinghouse.ledger import actions as ledger
from clearinghouse.ledger import store as ledger_store
from clearinghouse.parties.contacts import actions as contacts
from clearinghouse.parties.notices.records import NoticeState
from clearinghouse.parties.notices.store import notices
from tests_support import Command


def fill(instance: Instance, events: int) -> PartyId:
    """Events that each lead to one mail."""
    me, now = instance.actor.id, datetime.now(UTC)
    with instance.database.write() as tx:
        contacts.add_contact(tx, me, "me@example.org", envelope=instance.envelope, actor=me, now=now)
        ledger.record_many(tx, [Event("WebhookDisabled", (f"hook_{number}", me)) for number in range(events)], actor=instance.system, now=now)
    return me


def kill_and_check(command: Command, events: int, kills: int, seed: int) -> None:
    command("init")
    # A lease as short as may be, so that what a killed worker held is free again soon.
    policy = Path(command.home) / "policy.toml"
    shown = command("policy", "show")
    policy.write_text(shown.replace("lease_seconds = 120.0", "lease_seconds = 1.0"))
    command("policy", "put", policy)
    instance = open_instance(load_settings(command.home))
    try:
        me = fill(instance, events)
        chance = random.Random(seed)
        environment = {**os.environ, "CLEARINGHOUSE_HOME": str(command.home)}
        killed = 0
        folder = command.home / "mail" / "out" / "new"
        for _ in range(kills):
            before = len(list(folder.glob("*"))) if folder.is_dir() else 0
            started = subprocess.Popen(
                [sys.executable, "-m", "clearinghouse", "worker"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            # Killed in the midst of sending, not while it starts.
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and started.poll() is None and (not folder.is_dir() or len(list(folder.glob("*"))) < min(before + 3, events)):
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.2))
            if started.poll() is None:
                started.kill()
                killed += 1
            started.wait()
        assert killed == kills
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            command("worker", "--once")
            with instance.database.read() as tx:
                counts = notices.count_notices(tx).by_state
            if counts == {NoticeState.SENT: events}:
                break
            time.sleep(1.1)
        with instance.database.read() as tx:
            told = notices.list_notices(tx, viewer=me, newest=10_000)
            kinds = [event.kind for event in ledger_store.stream_leaves(tx, 1_000_000)]
        assert counts == {NoticeState.SENT: events}
        assert len({notice.event_id for notice in told}) == len(told) == events
        assert kinds.count("NoticeSent") == events
        mails = [message_from_bytes(path.read_bytes()) for path in folder.iterdir()]
        assert len({mail["Message-ID"] for mail in mails}) == len(mails) == events
        command("ledger", "checkpoint")
        assert json.loads(command("ledger", "verify", "--json"))["valid"]
        status = json.loads(command("worker", "status", "--json"))
        assert (status["leaves_behind"], status["actions_waiting"], status["failed"]) == (0, 0, [])
    finally:
        instance.close()


def test_killed_worker_loses_and_doubles_nothing(command: Command) -> None:
    kill_and_check(command, events=60, kills=2, seed=1)


@pytest.mark.long
def test_worker_killed_again_and_again_loses_and_doubles_nothing(command: Command) -> None:
    kill_and_check(command, events=1500, kills=25, seed=2)
