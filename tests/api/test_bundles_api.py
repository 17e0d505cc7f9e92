"""A whole case over HTTP, from one instance to another and on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from api_support import headers_of, party_of
from clearinghouse.app.settings import Settings, default_url
from clearinghouse.app.wiring import Instance, create_instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.roles import Role
from clearinghouse.ledger import store as ledger
from clearinghouse.server.application import create_application

Client = TestClient[Any]
Headers = dict[str, str]
REPORT = b'{"title": "Heap overflow in parse_chunk", "symbols": ["parse_chunk"], "reproduction": "run poc"}\n'
RELAYED = {
    "format": "clearinghouse-relay-1", "report": {"finding": {"title": "Heap overflow in parse_chunk", "symbols": ["parse_chunk"]}},
    "provenance": {"credits": [{"name": "Ada"}], "chain": [], "origin": {"by": "lab.example", "id": "F-1"}, "embargo": {"terms": "until fixed"}},
}


@pytest.fixture
def elsewhere(tmp_path: Path, clock: FixedClock) -> Iterator[tuple[Instance, Client]]:
    """Another instance, with its own people."""
    home = tmp_path / "elsewhere"
    settings = Settings(home, default_url(home), "elsewhere.example/log", home / "witness" / "checkpoint", "")
    made = create_instance(settings, organisation="Other CERT", person="Colleague", clock=clock)
    with TestClient(create_application(made), raise_server_exceptions=False) as opened:
        yield made, opened
    made.close()


@pytest.fixture
def case(client: Client, operator: Headers, instance: Instance) -> str:
    """A case of a report that was sent and one that was relayed, with a message and a file."""
    finder = party_of(instance, "Finder", Role.REPORTER)
    sent = client.post("/api/v1/submissions", content=REPORT, headers=finder.headers).json()["items"][0]["report_id"]
    relayed = client.post("/api/v1/relay", json=RELAYED, headers=party_of(instance, "Peer", Role.REPORTER).headers).json()["report_id"]
    opened = client.post(
        "/api/v1/cases", json={"reports": [sent, relayed], "title": "Overflow", "marks": {"tlp": "GREEN"}}, headers=operator
    )
    assert opened.status_code == 201, opened.text
    at = f"/api/v1/cases/{opened.json()['id']}"
    for path, body in (("/threads/official/messages", {"body": "hello"}), ("/vulnerabilities", {"title": "parse_chunk"})):
        assert client.post(at + path, json=body, headers=operator).status_code == 201
    assert client.post(at + "/documents?name=poc&kind=reproducer", content=b"\x00poc", headers=operator).status_code == 201
    return at


def manifest(bundle: bytes) -> dict[str, str]:
    """The hash of each part."""
    return {part["part"]: part["sha256"] for part in json.loads(bundle.splitlines()[-1])["value"]["parts"]}


def test_case_leaves_arrives_and_leaves_again_with_the_same_hashes(
    client: Client, operator: Headers, case: str, instance: Instance, elsewhere: tuple[Instance, Client]
) -> None:
    there, other = elsewhere
    colleague = headers_of(there, there.actor)
    first = client.get(case + "/bundle", headers=operator)
    assert (first.status_code, first.headers["content-type"]) == (200, "application/x-ndjson"), first.text
    assert client.get(case + "/bundle", headers=operator).content == first.content
    taken = other.post("/api/v1/cases/bundle", content=first.content, headers=colleague)
    assert taken.status_code == 201, taken.text
    assert other.post("/api/v1/cases/bundle", content=first.content, headers=colleague).json() == taken.json()
    again = other.get(f"/api/v1/cases/{taken.json()['id']}/bundle", headers=colleague)
    assert manifest(again.content) == manifest(first.content)
    assert again.content == first.content
    blocks = json.loads(next(line for line in first.content.splitlines() if b'"part":"provenance"' in line))["value"]
    assert [json.loads(block)["embargo"] for block in blocks] == [{"terms": "until fixed"}]
    assert [hop["by"] for hop in json.loads(blocks[0])["chain"]] == ["test.example/log"]
    with instance.database.read() as tx:
        assert ledger.count_events(tx)["CaseExported"] == 2


def test_altered_or_hostile_bundle_is_refused_and_nothing_is_kept(client: Client, operator: Headers, case: str, instance: Instance) -> None:
    bundle = client.get(case + "/bundle", headers=operator).content
    with instance.database.read() as tx:
        before = ledger.count_events(tx)
    for body in (bundle.replace(b"hello", b"hullo"), b"", b"{}", b"\xff\n", b"[" * 50_000, bundle[:-200], b"\n" * 20_000):
        answer = client.post("/api/v1/cases/bundle", content=body, headers=operator)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    with instance.database.read() as tx:
        assert ledger.count_events(tx) == before


def test_marks_hold_a_case_back(client: Client, operator: Headers, case: str) -> None:
    body = {"marks": {"tlp": "AMBER+STRICT"}, "reason": "asked for"}
    assert client.post(case + "/marks", json=body, headers=operator).status_code == 200
    assert client.get(case + "/bundle", headers=operator).status_code == 403
    assert client.get(case + "/bundle?reach=organisation&purpose=training", headers=operator).status_code == 403
    assert client.get(case + "/bundle?reach=organisation", headers=operator).status_code == 200
    assert client.get(case + "/bundle?reach=nobody", headers=operator).status_code in (400, 422)


def test_name_kept_back_takes_its_block_along_nowhere(client: Client, operator: Headers, instance: Instance) -> None:
    finding = RELAYED["report"] | {"finding": {"title": "Overflow in g", "symbols": ["g"], "consents": {"share_name": False}}}  # type: ignore[operator]
    peer = party_of(instance, "Peer", Role.REPORTER).headers
    relayed = client.post("/api/v1/relay", json=RELAYED | {"report": finding}, headers=peer).json()["report_id"]
    opened = client.post("/api/v1/cases", json={"reports": [relayed], "title": "g", "marks": {"tlp": "GREEN"}}, headers=operator).json()["id"]
    bundle = client.get(f"/api/v1/cases/{opened}/bundle", headers=operator).content
    assert b"Overflow in g" in bundle
    assert b"Ada" not in bundle


def test_strangers_export_nothing_and_import_nothing(client: Client, operator: Headers, case: str, instance: Instance) -> None:
    stranger = party_of(instance, "Stranger", Role.COORDINATOR)
    answers = [client.get(at + "/bundle", headers=stranger.headers) for at in (case, "/api/v1/cases/case_" + "a" * 26, "/api/v1/cases/x")]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}
    finder = party_of(instance, "Somebody", Role.REPORTER)
    assert client.get(case + "/bundle", headers=finder.headers).status_code == 403
    assert client.post("/api/v1/cases/bundle", content=b"{}", headers=finder.headers).status_code == 403
