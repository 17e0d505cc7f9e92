"""Webhooks from event to receiver: signed, checked against what the party may read when it is sent, tried again, switched off."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import cast

import pytest

from clearinghouse.app.channels.outward import Outward
from clearinghouse.app.channels.sender import outward_of
from clearinghouse.app.settings import OutwardSettings
from clearinghouse.app.wiring import Instance
from clearinghouse.app.worker import worker_of
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Invalid
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.coordination.rooms.records import CaseRole
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.ledger import store as ledger
from clearinghouse.parties.notices import actions
from clearinghouse.parties.notices.store import hooks
from room_cast import Cast

MARKED = "a heap overflow in tiff_read_strip"


class Receiver:
    """Takes deliveries, or answers as a test asks."""

    def __init__(self) -> None:
        self.status = 204
        self.taken: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    started = Receiver()
    yield started
    started.server.shutdown()
    started.server.server_close()


@pytest.fixture
def world(instance: Instance, receiver: Receiver) -> Cast:
    settings = replace(instance.settings, outward=OutwardSettings(allowed_hosts=(receiver.place,)))
    return Cast(replace(instance, settings=settings))


def subscribe(world: Cast, receiver: Receiver, name: str, *kinds: str) -> tuple[str, str]:
    instance = world.instance
    party = world.id(name)
    with instance.database.write() as tx:
        hook, secret = actions.subscribe(
            tx, f"http://{receiver.place}/hook", kinds, party=party, check_url=outward_of(instance).check, envelope=instance.envelope,
            actor=party, now=instance.clock.now(),
        )
    return hook.id, secret


def work(world: Cast) -> None:
    worker_of(world.instance, matching=False).run_once()


def in_case(world: Cast, *names: str) -> str:
    case = world.open(world.report(Finding(title=MARKED), "finder"))
    for name in names:
        world.join(case, name)
    return case


def test_delivery_is_signed_and_holds_ids_and_kind_alone(world: Cast, receiver: Receiver) -> None:
    _, secret = subscribe(world, receiver, "vendor", "message.posted")
    case = in_case(world, "vendor")
    world.write(rooms.post_message, case, None, MARKED)
    work(world)
    [(headers, body)] = receiver.taken
    assert set(json.loads(body)) == {"type", "timestamp", "data"}
    assert (json.loads(body)["type"], json.loads(body)["data"]) == ("message.posted", {"about": case})
    signed = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    assert headers["webhook-signature"] == "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert MARKED.encode() not in body


def test_nobody_outside_a_case_is_called_about_it_nor_whoever_left(world: Cast, receiver: Receiver) -> None:
    subscribe(world, receiver, "stranger")
    subscribe(world, receiver, "vendor", "message.posted")
    case = in_case(world, "vendor")
    world.write(rooms.post_message, case, None, MARKED)
    worker = worker_of(world.instance, matching=False)
    worker._hand_out()
    worker._follow_up()
    world.write(rooms.leave, case, "no time", actor="vendor")
    work(world)
    assert receiver.taken == []


def test_failed_delivery_comes_again_with_the_same_id(world: Cast, receiver: Receiver) -> None:
    clock = cast("FixedClock", world.instance.clock)
    subscribe(world, receiver, "vendor", "message.posted")
    world.write(rooms.post_message, in_case(world, "vendor"), None, MARKED)
    for status in (500, 302, 204):
        receiver.status = status
        work(world)
        clock.at += timedelta(minutes=10)
    assert len({headers["webhook-id"] for headers, _ in receiver.taken}) == 1
    assert len({body for _, body in receiver.taken}) == 1
    assert len(receiver.taken) == 3


def test_receiver_that_is_gone_is_called_no_more_and_its_owner_told(world: Cast, receiver: Receiver) -> None:
    hook, _ = subscribe(world, receiver, "vendor", "message.posted")
    case = in_case(world, "vendor")
    receiver.status = 410
    world.write(rooms.post_message, case, None, MARKED)
    work(world)
    world.write(rooms.post_message, case, None, MARKED)
    work(world)
    assert len(receiver.taken) == 1
    with world.instance.database.read() as tx:
        kept = hooks.system_hook(tx, hook, world.instance.envelope)
        assert kept is not None
        assert not kept.active
        assert [event.kind for event in ledger.events_about(tx, hook)] == ["WebhookAdded", "WebhookDisabled"]


@pytest.mark.parametrize("url", ["http://example.org/", "https://127.0.0.1/", "https://169.254.169.254/latest/", "https://[::1]/", "https://user@example.org/"])
def test_address_inside_is_refused_when_it_is_subscribed(sqlite_instance: Instance, url: str) -> None:
    with pytest.raises(Invalid), sqlite_instance.database.write() as tx:
        actions.subscribe(
            tx, url, [], party=sqlite_instance.actor.id, check_url=outward_of(sqlite_instance).check, envelope=sqlite_instance.envelope,
            actor=sqlite_instance.actor.id, now=sqlite_instance.clock.now(),
        )


def test_name_that_leads_inside_later_is_not_called(sqlite_instance: Instance, receiver: Receiver) -> None:
    clock = cast("FixedClock", sqlite_instance.clock)
    world = Cast(sqlite_instance)
    party = world.id("vendor")
    with sqlite_instance.database.write() as tx:
        hook, _ = actions.subscribe(
            tx, "https://hooks.example.org/x", [], party=party, check_url=outward_of(sqlite_instance).check, envelope=sqlite_instance.envelope,
            actor=party, now=clock.now(),
        )
    world.write(rooms.invite, in_case(world), party, CaseRole.VENDOR, "look")
    worker = worker_of(sqlite_instance, matching=False)
    calls: list[str] = []

    def inside(host: str, port: int) -> list[str]:
        calls.append(host)
        return ["127.0.0.1"]

    worker.sender = replace(worker.sender, outward=Outward(sqlite_instance.settings.outward, sqlite_instance.policy.outward, inside))
    worker.run_once()
    assert set(calls) == {"hooks.example.org"}
    assert receiver.taken == []
    with sqlite_instance.database.read() as tx:
        kept = hooks.system_hook(tx, hook.id, sqlite_instance.envelope)
        assert kept is not None
        assert kept.active
