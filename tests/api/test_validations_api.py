"""A validation over HTTP, over the pages and beside them: asked for, done by a bench, read by tier, told by notices."""

import json
from typing import Any

import pytest
from litestar.testing import TestClient

from api_support import headers_of
from bench_support import BENIGN, PATCH, REPRODUCER, SOURCE, Benches, Desk, desk_of, recipe_text
from clearinghouse.app.packets import queue_packet
from clearinghouse.app.views.packet import parse_packet
from clearinghouse.app.wiring import Instance
from clearinghouse.app.worker import worker_of
from clearinghouse.disclosure.coordination.capacity import store as capacity
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.coordination.rooms.records import CaseRole
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.parties.charters import Reproducer
from web_support import signed_in

Headers = dict[str, str]


@pytest.fixture
def desk(instance: Instance) -> Desk:
    return desk_of(instance)


def test_validation_from_upload_to_evidence(client: "TestClient[Any]", operator: Headers, instance: Instance, desk: Desk) -> None:
    base = f"/api/v1/cases/{desk.case}"
    for kind, body in (("source", SOURCE), ("patch", PATCH), ("reproducer", REPRODUCER), ("benign", BENIGN), ("recipe", recipe_text("By upload"))):
        made = client.post(f"{base}/materials?name=a.bin&kind={kind}", content=body, headers=operator)
        assert made.status_code == 201, made.text
    recipe = made.json()
    asked = client.post(f"{base}/validations", json={"report": desk.report, "recipe": recipe["digest"]}, headers=operator)
    assert asked.status_code == 201, asked.text
    path = f"{base}/validations/{asked.json()['id']}"
    assert client.get(path, headers=operator).json()["line"]["state"] == "queued"
    assert client.get(f"{path}/evidence", headers=operator).status_code == 404
    again = client.post(f"{base}/validations", json={"report": desk.report, "recipe": recipe["id"]}, headers=operator)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/conflict")
    assert client.post(f"{path}/cancel", headers=operator).json() == {"state": "cancelled"}
    assert client.post(f"{path}/resume", headers=operator).json() == {"state": "queued"}
    Benches(instance).of(desk.verifier).run_once()
    found = client.get(path, headers=operator).json()
    assert {name: found["line"][name] for name in ("state", "verdict", "trust", "level", "held", "failed")} == {
        "state": "done", "verdict": "validated", "trust": "T0", "level": "pretended", "held": 5, "failed": 0,
    }
    assert found["limits"].startswith("5 runs of the reproducer on each build, each of at most 10 s and 1024 MiB")
    assert [cell["outcome"] for cell in found["cells"]] == ["crash_sanitizer", "clean", "clean", "clean"]
    evidence = client.get(f"{path}/evidence", headers=operator)
    assert (evidence.status_code, json.loads(evidence.content)["payloadType"]) == (200, "application/vnd.in-toto+json")
    log = client.get(f"{path}/logs/{found['cells'][0]['logs'][0]}", headers=operator)
    assert log.headers["content-type"] == "application/octet-stream"
    assert b"AddressSanitizer" in log.content
    assert client.get(f"{path}/logs/sha256:{'0' * 64}", headers=operator).status_code == 404
    assert [line["id"] for line in client.get(f"{base}/validations", headers=operator).json()] == [asked.json()["id"]]


def test_who_may_see_and_do_what(client: "TestClient[Any]", instance: Instance, desk: Desk) -> None:
    cast, base = desk.cast, f"/api/v1/cases/{desk.case}"
    cast.join(desk.case, "roomer", CaseRole.OBSERVER, tier=2)
    other = cast.report(Finding(title="Same flaw"), "second")
    cast.write(rooms.attach_report, desk.case, other, reason="same")
    asked = desk.ask()
    Benches(instance).of(desk.verifier).run_once()
    path = f"{base}/validations/{asked.id}"
    told = {name: headers_of(instance, cast.party(name)) for name in ("finder", "second", "roomer", "stranger")}
    assert {name: client.get(path, headers=headers).status_code for name, headers in told.items()} == {
        "finder": 200, "second": 404, "roomer": 200, "stranger": 404,
    }
    assert client.get(f"{base}/validations", headers=told["second"]).json() == []
    shown = client.get(path, headers=told["roomer"]).json()
    assert (shown["line"]["verdict"], shown["may"], [build["untrusted_log"] for build in shown["builds"]]) == ("validated", [], ["", ""])
    assert client.get(f"{path}/logs/{shown['cells'][0]['logs'][0]}", headers=told["roomer"]).status_code == 403
    own = client.post(f"{base}/materials?name=recipe.toml&kind=recipe", content=recipe_text("Mine"), headers=told["finder"]).json()["id"]
    assert client.post(f"{base}/validations", json={"report": desk.report, "recipe": desk.recipe}, headers=told["finder"]).status_code == 404
    refused = client.post(f"{base}/validations", json={"report": desk.report, "recipe": own}, headers=told["finder"])
    assert refused.status_code == 403
    assert "verifier is never the finder" in refused.text


def test_pages_show_verdict_tier_level_and_counts_and_quote_nothing_unescaped(client: "TestClient[Any]", instance: Instance, desk: Desk) -> None:
    ada = signed_in(client, instance, instance.actor)
    part = f"/cases/{desk.case}?part=validation"
    page = ada.get(part)
    assert "Ask for a validation" in page
    assert "Nothing was validated yet" in page
    ada.post(f"/cases/{desk.case}/validations", {"report": desk.report, "recipe": desk.recipe}, seen=part)
    page = ada.get(part)
    assert "0 of 7 pieces of work" in page
    assert 'data-live="validation:val_' in page
    Benches(instance).of(desk.verifier).run_once()
    page = ada.get(part)
    assert "5 controls held" in page
    assert "validated, T0" in page
    where = page.split(f'href="/cases/{desk.case}/validations/', 1)[1].split('"', 1)[0]
    shown = ada.get(f"/cases/{desk.case}/validations/{where}")
    for words in ("validated, T0", "rests on its word", "read_row", "5 of 5", "Guards of the sandbox: files, network", "no proof that the flaw is gone"):
        assert words in shown
    for never in ("confirmed", "fixed.", "<script>alert"):
        assert never not in shown
    log = shown.split("/logs/", 1)[1].split('"', 1)[0]
    told = ada.get(f"/cases/{desk.case}/validations/{where}/logs/{log}")
    assert "&lt;script&gt;alert(1)" in told
    assert "<script>alert" not in told
    assert "validated, T0" in ada.get(f"/reports/{desk.report}")
    assert "validated, T0" in ada.get("/inbox")
    assert "validated, T0" in ada.get(f"/cases/{desk.case}")


def test_coordinators_and_finder_are_told_and_a_waiting_packet_counts_it(instance: Instance, desk: Desk) -> None:
    vendor = desk.cast.party("vendor")
    item = queue_packet(instance, vendor.id, desk.case)
    assert item.facts.reproducer is Reproducer.CLAIMED
    desk.ask()
    Benches(instance).of(desk.verifier).run_once()
    worker = worker_of(instance)
    worker.run_once()
    with instance.database.read() as tx:
        now = capacity.system_find_item(tx, item.id, instance.envelope)
        kept = json.loads(capacity.read_item_packet(tx, item.id, instance.envelope).body)
    assert now is not None
    assert now.facts.reproducer is Reproducer.CONFIRMED
    assert (parse_packet(kept["packet"]).validation, parse_packet(kept["packet"]).reproduction) == ("validated, T0", "validated")
    assert "validated, T0: run in a sandbox, with controls, by somebody other than the finder" in kept["text"]


def test_queueing_after_a_verdict_counts_it_at_once_and_one_that_is_none_does_not(instance: Instance, desk: Desk) -> None:
    vendor = desk.cast.party("vendor")
    asked = desk.ask()
    Benches(instance, broken=frozenset({"vulnerable"})).of(desk.verifier).run_once()
    assert queue_packet(instance, vendor.id, desk.case).facts.reproducer is Reproducer.CLAIMED
    assert asked.verdict == ""
    other = desk_of(instance, cast=desk.cast, title="Another flaw")
    other.ask()
    Benches(instance).of(desk.verifier).run_once()
    assert queue_packet(instance, vendor.id, other.case).facts.reproducer is Reproducer.CONFIRMED
