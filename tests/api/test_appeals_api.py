"""The life of a flaw over HTTP: two organisations, known since, the lead, credit, corroboration, an appeal and its answer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from litestar.testing import TestClient

from api_support import headers_of
from clearinghouse.app.process import deconflict
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.roles import Role
from clearinghouse.parties import actions as parties
from clearinghouse.parties import store as party_store
from clearinghouse.parties.records import Basis, Grant, PartyKind

Headers = dict[str, str]
PLAIN = b'{"title": "Heap overflow in tiff_read_strip", "symbols": ["tiff_read_strip"], "description": "The strip overflows"}\n'
BETTER = b'{"title": "Crash on odd palettes", "description": "Seen by a fuzzer", "reproduction": "thumb poc.tiff"}\n'


def sent(client: "TestClient[Any]", headers: Headers, line: bytes) -> str:
    answer = client.post("/api/v1/submissions", content=line, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["items"][0]["report_id"])


def second_coordinator(instance: Instance, report: str) -> Headers:
    with instance.database.write() as tx:
        party = parties.add_party(
            tx, PartyKind.PERSON, "Second", frozenset({Role.COORDINATOR}), organisation=instance.actor.organisation, actor=instance.actor.id,
            now=instance.clock.now(),
        )
        party_store.add_grants(tx, [Grant(report, party.id, Basis.READ_IN)])
    return headers_of(instance, party)


def told(client: "TestClient[Any]", headers: Headers, report: str) -> tuple[str, str | None]:
    line = client.get(f"/api/v1/reports/{report}", headers=headers).json()["line"]
    return line["answer"], line["known_since"]


def test_life_of_a_flaw(
    client: "TestClient[Any]", finder: Callable[[str], Headers], operator: Headers, instance: Instance, clock: FixedClock
) -> None:
    one, two = finder("One Ltd"), finder("Two Ltd")
    first = sent(client, one, PLAIN)
    first_at = clock.at
    clock.at += timedelta(hours=3)
    second = sent(client, two, BETTER)
    deconflict(instance, settle=True)
    assert (told(client, one, first), told(client, two, second)) == (("received", None), ("received", None))
    made = client.post("/api/v1/decisions", json={"kind": "merge", "reports": [first, second], "reason": "one copy"}, headers=operator)
    assert made.status_code == 201, made.text
    # Each is told of its own report, and of the other nothing: not who, not what, not even that there is one to the first.
    assert told(client, one, first) == ("reviewed", None)
    assert told(client, two, second) == ("duplicate", first_at.isoformat().replace("+00:00", "Z"))
    for headers, own, other in ((one, first, second), (two, second, first)):
        shown = client.get(f"/api/v1/reports/{own}", headers=headers)
        assert other not in shown.text
        assert client.get(f"/api/v1/clusters/case_{own[4:]}", headers=headers).status_code == 404
    cluster = client.get(f"/api/v1/clusters/case_{first[4:]}", headers=operator).json()
    assert cluster["lead"] == {"report_id": second, "because": "reproducer"}
    assert [(line["report_id"], line["place"]) for line in cluster["credit"]["lines"]] == [(first, "first"), (second, "independent")]
    assert cluster["credit"]["corroboration"]["organisations"] == 2
    named = client.post("/api/v1/decisions", json={"kind": "lead", "reports": [first], "reason": "it names the place"}, headers=operator).json()
    assert client.get(f"/api/v1/clusters/case_{first[4:]}", headers=operator).json()["lead"] == {"report_id": first, "because": "named"}
    assert client.post(f"/api/v1/decisions/{named['id']}/undo", headers=operator).status_code == 200
    # The case says the same to who may read those reports, and nothing to who is there for its own.
    case = client.post("/api/v1/cases", json={"reports": [first, second], "title": "A case"}, headers=operator).json()["id"]
    room = client.get(f"/api/v1/cases/{case}", headers=operator).json()
    assert (room["leading"], [line["place"] for line in room["credit"]["lines"]]) == (second, ["first", "independent"])
    seen = client.get(f"/api/v1/cases/{case}", headers=two).json()
    assert (seen["leading"], seen["credit"]) == (second, {"lines": [], "corroboration": None})
    _appeal(client, instance, two, one, operator, second)


def _appeal(client: "TestClient[Any]", instance: Instance, finder: Headers, stranger: Headers, decider: Headers, report: str) -> None:
    path = f"/api/v1/reports/{report}/appeals"
    assert client.post(path, json={"question": "everything", "reason": "x"}, headers=finder).status_code in (400, 422)
    made = client.post(path, json={"question": "duplicate", "reason": "another bound"}, headers=finder)
    assert made.status_code == 201, made.text
    appeal = f"/api/v1/appeals/{made.json()['id']}"
    assert client.post(path, json={"question": "duplicate", "reason": "again"}, headers=finder).status_code == 409
    foreign, unknown = client.get(appeal, headers=stranger), client.get(f"/api/v1/appeals/apl_{'a' * 26}", headers=stranger)
    assert (foreign.status_code, foreign.content) == (404, unknown.content)
    judge = second_coordinator(instance, report)
    assert [line["id"] for line in client.get("/api/v1/appeals", headers=judge).json()] == [made.json()["id"]]
    assert client.post(f"{appeal}/answer", json={"uphold": True, "reason": "yes"}, headers=decider).status_code == 403
    assert client.post(f"{appeal}/answer", json={"uphold": True, "reason": "yes"}, headers=finder).status_code == 403
    done = client.post(f"{appeal}/answer", json={"uphold": True, "reason": "the bound differs"}, headers=judge)
    assert (done.status_code, done.json()["state"]) == (200, "upheld"), done.text
    line = client.get(appeal, headers=finder).json()["line"]
    assert (line["state"], line["answer"]) == ("upheld", "the bound differs")
    assert told(client, finder, report)[0] == "reviewed"
    again = client.post(path, json={"question": "credit", "reason": "then I was first"}, headers=finder).json()["id"]
    assert client.post(f"/api/v1/appeals/{again}/withdraw", headers=finder).json() == {"state": "withdrawn"}
