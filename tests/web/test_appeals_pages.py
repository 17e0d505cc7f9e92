"""Appeals on the workbench and with a receipt: made from the page of a report, answered from the queue, told on the status page."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from clearinghouse.app.process import deconflict
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.roles import Role
from clearinghouse.server.application import create_application
from party_factories import add
from views_support import flaw, send_as
from web_support import Browser, signed_in


@pytest.fixture
def client(sqlite_instance: Instance) -> Iterator["TestClient[Any]"]:
    with TestClient(create_application(sqlite_instance, matcher_process=False), raise_server_exceptions=False) as opened:
        yield opened


def test_appeal_goes_from_the_finder_through_the_queue_and_back(
    client: "TestClient[Any]", sqlite_instance: Instance, clock: FixedClock
) -> None:
    instance = sqlite_instance
    [first] = send_as(instance, add(instance, "Earlier", Role.REPORTER), [flaw("Heap overflow", symbol="one")], coordinator=instance.actor)
    clock.at += timedelta(hours=1)
    party = add(instance, "Finder", Role.REPORTER)
    [mine] = send_as(instance, party, [flaw("Palette overrun", symbol="two")], coordinator=instance.actor)
    deconflict(instance, settle=True)
    desk, finder = signed_in(client, instance, instance.actor), signed_in(client, instance, party)
    assert "What you contest" not in finder.get(f"/reports/{mine}")
    cluster = f"/clusters/case_{first[4:]}"
    desk.post("/decisions", {"kind": "merge", "reports": [first, mine], "reason": "one copy", "back": cluster}, seen=cluster)
    page = desk.get(cluster)
    assert "Reported independently by 2 organisations" in page
    assert "leads: first received, and none of the others has more" in page
    desk.post("/decisions", {"kind": "lead", "reports": mine, "reason": "clearer", "back": cluster}, seen=cluster)
    assert "leads: a person named it" in desk.get(cluster)
    told = finder.get(f"/reports/{mine}")
    assert "the same flaw as one first received at" in told
    assert "It is not the same flaw" in told
    finder.post(f"/reports/{mine}/appeal", {"question": "duplicate", "reason": "another bound <b>"}, seen=f"/reports/{mine}")
    assert "answer by" in finder.get(f"/reports/{mine}")
    queue = desk.get("/queue")
    assert "A finder appeals" in queue
    found = re.search(r"/appeals/apl_[a-z2-7]{26}", queue)
    assert found is not None
    shown = desk.get(found[0])
    assert "another bound &lt;b&gt;" in shown
    assert "one copy" in shown
    desk.post(f"{found[0]}/answer", {"answer": "uphold", "reason": "the bound differs"}, seen=found[0])
    assert "Upheld" in desk.get(found[0])
    assert "the bound differs" in finder.get(f"/reports/{mine}")
    assert "A finder appeals" not in desk.get("/queue")
    assert "Take it back" not in finder.get(found[0])


def test_holder_of_a_receipt_is_told_and_appeals(client: "TestClient[Any]", sqlite_instance: Instance, clock: FixedClock) -> None:
    instance = sqlite_instance
    [first] = send_as(instance, add(instance, "Earlier", Role.REPORTER), [flaw("Heap overflow", symbol="one")], coordinator=instance.actor)
    clock.at += timedelta(hours=1)
    stranger = Browser(client, httpx.Cookies())
    sent = stranger.post("/submit", {"what": "Palette overrun", "product": "libpicture"}, seen="/submit", status=200)
    code = re.search(r'<code class="code">([^<]+)</code>', sent.text)
    assert code is not None
    deconflict(instance, settle=True)
    desk = signed_in(client, instance, instance.actor)
    report = next(found for found in re.findall(r"/reports/(rep_[a-z2-7]{26})", desk.get("/inbox")) if found != first)
    desk.post("/decisions", {"kind": "merge", "reports": [first, report], "reason": "one copy", "back": "/inbox"}, seen="/inbox")
    stranger.post("/status", {"code": code[1]}, seen="/status")
    page = stranger.get("/status")
    assert "known, first received" in page
    stranger.post("/status/appeal", {"report": report, "question": "known", "reason": "nobody knew"}, seen="/status")
    assert "answer by" in stranger.get("/status")
    stranger.post("/status/appeal", {"report": first, "question": "known", "reason": "nobody knew"}, seen="/status", status=404)
