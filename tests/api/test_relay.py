"""Relay between coordinators over HTTP: three hops there and back, mirrors, retries, alterations, hostile envelopes."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from api_support import Party, headers_of, party_of
from clearinghouse.app.settings import Settings, default_url
from clearinghouse.app.wiring import Instance, create_instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.ids import PartyId
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.intake.provenance import actions
from clearinghouse.ledger import store as ledger
from clearinghouse.parties import store as parties
from clearinghouse.parties.records import Basis, Grant
from clearinghouse.server.application import create_application

Client = TestClient[Any]
Headers = dict[str, str]
FINDING = {"title": "Heap overflow in parse_chunk", "symbols": ["parse_chunk"], "reproduction": "run poc", "tlp": "GREEN"}
CREDITS = '[ {"name":"Ada \\u00e9", "type":"finder","contact":"ada@x.example"},\t{"name": "agent-3", "kind": "ai", "type": "tool"} ]'
EMBARGO = '{"ends_at" : "2027-02-01T00:00:00Z","terms": "not before the fix \\/ 90 days", "x-own": [1, 2.50]}'


def block(origin: str = "F-7", chain: str = "[]", finders: str = CREDITS) -> str:
    """A block as a foreign program may spell it."""
    return (
        f'{{ "embargo": {EMBARGO},\n "credits": {finders}, "chain": {chain}, '
        f'"deduplication": [{{"by": "up.example", "says": "none_known"}}], "x-more": "kept", '
        f'"origin": {{"by": "lab.example", "id": "{origin}", "references": ["mid:1@lab.example"]}} }}'
    )


def envelope(provenance: str, finding: dict[str, Any] | None = None) -> bytes:
    """An envelope around a block, the block's bytes untouched."""
    head = json.dumps({"format": "clearinghouse-relay-1", "report": {"finding": finding or FINDING}})[:-1]
    return f'{head}, "provenance": {provenance}}}'.encode()


def hop(number: int, by: str = "up.example") -> str:
    """A hop of somebody else's."""
    return json.dumps({"by": by, "handling_id": f"U-{number}", "functions": ["routing"], "accepted_at": "2026-11-01T00:00:00Z"})


def ok(answer: Any, status: int = 200) -> Any:
    """The body of an answer that must have a status."""
    assert answer.status_code == status, answer.text
    return answer.json()


@dataclass
class House:
    """One coordinator's instance."""

    instance: Instance
    client: Client
    operator: Headers

    def party(self, name: str, *roles: Role) -> Party:
        """Somebody known there."""
        return party_of(self.instance, name, *roles)


@pytest.fixture
def house(instance: Instance, client: Client, operator: Headers) -> House:
    """The instance of most tests."""
    return House(instance, client, operator)


@pytest.fixture
def houses(house: House, tmp_path: Path, clock: FixedClock) -> Iterator[list[House]]:
    """Three instances that know nothing of each other."""
    with ExitStack() as stack:
        found = [house]
        for name in ("second", "third"):
            home = tmp_path / name
            settings = Settings(home, default_url(home), f"{name}.example/log", home / "witness" / "checkpoint", "")
            made = create_instance(settings, organisation=f"{name} CERT", person="Operator", clock=clock)
            stack.callback(made.close)
            client = stack.enter_context(TestClient(create_application(made), raise_server_exceptions=False))
            found.append(House(made, client, headers_of(made, made.actor)))
        yield found


def post(house: House, body: bytes, who: Headers, status: int = 201) -> Any:
    """What an instance answers to an envelope."""
    return ok(house.client.post("/api/v1/relay", content=body, headers=who), status)


def member(raw: str, name: str) -> str:
    """The characters of one member of a block."""
    import msgspec

    return bytes(msgspec.json.decode(raw, type=dict[str, msgspec.Raw])[name]).decode()


def test_three_hops_keep_every_credit_and_term_byte_for_byte_and_the_verdict_comes_back(houses: list[House]) -> None:
    first, second, third = houses
    lab = first.party("Lab", Role.REPORTER)
    sent = block()
    at_first = post(first, envelope(sent), lab.headers)
    handed = first.client.get(f"/api/v1/reports/{at_first['report_id']}/relay", headers=first.operator)
    peer = second.party("First CERT", Role.REPORTER)
    at_second = post(second, handed.content, peer.headers)
    further = second.client.get(f"/api/v1/reports/{at_second['report_id']}/relay", headers=second.operator)
    next_peer = third.party("Second CERT", Role.REPORTER)
    at_third = post(third, further.content, next_peer.headers)
    last = third.client.get(f"/api/v1/relay/{at_third['handling_id']}", headers=third.operator).json()["desk"]["provenance"]

    for name in ("credits", "embargo", "origin", "deduplication", "x-more"):
        assert member(last, name) == member(sent, name), name
    chain = json.loads(last)["chain"]
    assert [(entry["by"], entry["handling_id"]) for entry in chain] == [
        ("test.example/log", at_first["reporter_safe_id"]), ("second.example/log", at_second["reporter_safe_id"]),
    ]
    one, other = (json.dumps(entry, separators=(",", ":"), ensure_ascii=False) for entry in chain)
    assert last == sent.replace('"chain": []', f'"chain": [{one},{other}]')
    assert json.loads(further.content)["report"]["finding"] == json.loads(handed.content)["report"]["finding"]

    # The owner's verdict, given at the third hop, is fetched by each hop before and passed on.
    vendor = third.party("Acme", Role.VENDOR)
    with third.instance.database.write() as tx:
        from clearinghouse.core.events import Event
        from clearinghouse.ledger import actions as ledger_actions

        parties.add_grants(tx, [Grant(at_third["handling_id"], PartyId(vendor.id), Basis.PARTICIPANT)])
        ledger_actions.record(
            tx, Event("ReadGranted", (at_third["handling_id"], vendor.id)), actor=third.instance.actor.id, now=third.instance.clock.now()
        )
    given = {"verdict": "known_affected", "text": "we mend it"}
    ok(third.client.post(f"/api/v1/relay/{at_third['handling_id']}/verdict", json=given, headers=vendor.headers))
    told = ok(third.client.get(f"/api/v1/relay/{at_third['handling_id']}", headers=next_peer.headers))
    assert (told["verdict"]["verdict"], told["verdict"]["owner"], told["desk"]) == ("known_affected", "Acme", None)
    for house, at, before in ((second, at_second, peer), (first, at_first, lab)):
        passed = {"verdict": told["verdict"]["verdict"], "owner": told["verdict"]["owner"], "text": told["verdict"]["text"], "reference": "relay of the next hop"}
        ok(house.client.post(f"/api/v1/relay/{at['handling_id']}/verdict", json=passed, headers=house.operator))
        told = ok(house.client.get(f"/api/v1/relay/{at['handling_id']}", headers=before.headers))
        assert (told["verdict"]["owner"], told["verdict"]["text"], told["state"]) == ("Acme", "we mend it", "received")


def test_same_bytes_again_give_the_same_answer_and_change_nothing(house: House) -> None:
    peer = house.party("Peer", Role.REPORTER)
    body = envelope(block(chain=f"[{hop(1)}]"))
    first = post(house, body, peer.headers)
    with house.instance.database.read() as tx:
        before = ledger.count_events(tx)
    assert post(house, body, peer.headers) == first
    with house.instance.database.read() as tx:
        assert ledger.count_events(tx) == before
    again = post(house, body.replace(b", ", b",  "), peer.headers)
    assert (again["class"], again["handling_id"]) == ("known-to-you", first["handling_id"])


def test_same_report_by_another_route_is_a_mirror_and_both_chains_are_kept(house: House) -> None:
    one, other = house.party("One", Role.REPORTER), house.party("Other", Role.REPORTER)
    first = post(house, envelope(block(chain=f"[{hop(1)}]")), one.headers)
    second = post(house, envelope(block(chain=f"[{hop(2, 'side.example')}]")), other.headers)
    # A mere sender is not told what somebody else sent before a person has looked.
    assert (first["class"], second["class"]) == ("new", "new")
    assert first["report_id"] != second["report_id"]
    at_desk = [ok(house.client.get(f"/api/v1/relay/{each['handling_id']}", headers=house.operator)) for each in (first, second)]
    assert [(each["class"], each["desk"]["mirror_of"], each["desk"]["basis"]) for each in at_desk] == [
        ("new", "", ""), ("mirror", first["handling_id"], "both"),
    ]
    assert [json.loads(each["desk"]["provenance"])["chain"][0]["handling_id"] for each in at_desk] == ["U-1", "U-2"]
    # The public leaf of a mirror is like any other: subjects are no answer to a guess.
    with house.instance.database.read() as tx:
        events = [ledger.events_about(tx, each["handling_id"])[0] for each in (first, second)]
    assert [event.subjects for event in events] == [(each["handling_id"], each["report_id"]) for each in (first, second)]
    # Never another finder.
    with house.instance.database.read() as tx:
        reporters = {first["report_id"]: PartyId(one.id), second["report_id"]: PartyId(other.id)}
        assert set(actions.count_finders(tx, reporters).values()) == {one.id}
    ok(house.client.post(f"/api/v1/relay/{second['handling_id']}/assessment", json={"text": "holds"}, headers=house.operator))
    told = ok(house.client.get(f"/api/v1/relay/{second['handling_id']}", headers=other.headers))
    assert (told["class"], told["state"], told["desk"]) == ("mirror", "assessed", None)


def test_report_sent_directly_and_relayed_is_a_mirror(house: House) -> None:
    finder, peer = house.party("Finder", Role.REPORTER), house.party("Peer", Role.REPORTER)
    direct = ok(house.client.post("/api/v1/submissions", content=json.dumps(FINDING) + "\n", headers=finder.headers), 201)
    relayed = post(house, envelope(block()), peer.headers)
    seen = ok(house.client.get(f"/api/v1/relay/{relayed['handling_id']}", headers=house.operator))
    assert (seen["class"], seen["desk"]["mirror_of"], seen["desk"]["basis"]) == ("mirror", direct["items"][0]["report_id"], "content")


def test_altered_chain_is_refused_and_nothing_is_kept(house: House) -> None:
    peer, stranger = house.party("Peer", Role.REPORTER), house.party("Elsewhere", Role.REPORTER)
    first = post(house, envelope(block(chain=f"[{hop(1)},{hop(2)}]")), peer.headers)
    with house.instance.database.read() as tx:
        before = ledger.count_events(tx)
    changed = hop(1).replace("routing", "assessment")
    for chain in (f"[{changed},{hop(2)}]", f"[{hop(2)}]", f"[{hop(1)}]", "[]", f"[{hop(3)},{hop(1)},{hop(2)}]"):
        refused = house.client.post("/api/v1/relay", content=envelope(block(chain=chain), {"title": "other"}), headers=peer.headers)
        assert (refused.status_code, refused.json()["title"]) == (409, "Conflict"), chain
    renamed = envelope(block(chain=f"[{hop(1)},{hop(2)}]", finders='[{"name": "Mallory"}]'), {"title": "other"})
    assert house.client.post("/api/v1/relay", content=renamed, headers=peer.headers).status_code == 409
    # What left here comes back with an altered past, by way of somebody else.
    out = ok(house.client.get(f"/api/v1/reports/{first['report_id']}/relay", headers=house.operator))
    out["provenance"]["embargo"]["ends_at"] = "2026-11-22"
    for one in out["provenance"]["chain"]:
        one.pop("received", None)
    came = house.client.post("/api/v1/relay", content=json.dumps(out), headers=stranger.headers)
    assert (came.status_code, "what left here" in came.text) == (409, True)
    with house.instance.database.read() as tx:
        after = ledger.count_events(tx)
    assert {kind: count - before.get(kind, 0) for kind, count in after.items() if count != before.get(kind, 0)} == {"RelayHandedOn": 1}


def test_other_senders_different_past_is_no_oracle_and_is_marked_for_the_desk(house: House) -> None:
    one, other = house.party("One", Role.REPORTER), house.party("Other", Role.REPORTER)
    post(house, envelope(block(chain=f"[{hop(1)},{hop(2)}]")), one.headers)
    changed = hop(1).replace("routing", "assessment")
    told = post(house, envelope(block(chain=f"[{changed},{hop(2)}]"), {"title": "guess"}), other.headers)
    assert told["class"] == "new"
    seen = ok(house.client.get(f"/api/v1/relay/{told['handling_id']}", headers=house.operator))["desk"]
    assert (seen["disputed"], seen["basis"]) == (True, "origin")


@pytest.mark.parametrize("body", [
    b"", b"{}", b"[" * 100_000, b"\xff", b'"x"', b'{"format": "clearinghouse-relay-1"}', envelope("[]"), envelope("[" * 900 + "]" * 900),
    envelope('{"credits": "x", "chain": [], "origin": {}}'), envelope(block(chain='[{"by": 1}]')), envelope(block(), {"title": ""}),
    envelope(block()).replace(b'"finding"', b'"document"'), envelope(block(finders="[" + '{"name":"x"},' * 30_000 + '{"name":"y"}]')),
    json.dumps({"format": "clearinghouse-relay-1", "provenance": json.loads(block()), "report": {
        "document": base64.b64encode(b'{"title": "one"}\n{"title": "two"}\n').decode(), "source": "ndjson"}}).encode(),
    json.dumps({"format": "clearinghouse-relay-1", "provenance": json.loads(block()), "report": {"document": "AAAA"}}).encode(),
], ids=lambda body: str(len(body)))
def test_hostile_envelope_is_a_mistake_of_its_sender(house: House, body: bytes) -> None:
    refused = house.client.post("/api/v1/relay", content=body, headers=house.operator)
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    with house.instance.database.read() as tx:
        assert "SubmissionReceived" not in ledger.count_events(tx)


def test_document_of_another_format_is_relayed(house: House) -> None:
    log = b"==1==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x1\nREAD of size 4 at 0x1 thread T0\n    #0 0x1 in parse_chunk a.c:3\n"
    body = {"format": "clearinghouse-relay-1", "report": {"document": base64.b64encode(log).decode(), "name": "crash.log"}, "provenance": json.loads(block())}
    taken = post(house, json.dumps(body).encode(), house.operator)
    assert ok(house.client.get(f"/api/v1/reports/{taken['report_id']}", headers=house.operator))["line"]["source"] == "crashlog"


def test_stranger_gets_the_same_404(house: House, finder: Callable[[str], Headers]) -> None:
    peer, stranger = house.party("Peer", Role.REPORTER), party_of(house.instance, "Stranger", Role.COORDINATOR, Role.REPORTER)
    taken = post(house, envelope(block()), peer.headers)
    known, other = taken["handling_id"], "rly_" + "a" * 26
    answers = [
        house.client.request(method, f"/api/v1/relay/{each}{path}", json=body, headers=stranger.headers)
        for each in (known, other, taken["reporter_safe_id"], "x")
        for method, path, body in (
            ("GET", "", None), ("POST", "/verdict", {"verdict": "fixed", "owner": "Acme", "reference": "x"}), ("POST", "/assessment", {}),
            ("POST", "/end", {"reason": "public"}), ("POST", "/hardening", {}),
        )
    ]
    answers.append(house.client.get(f"/api/v1/reports/{taken['report_id']}/relay", headers=stranger.headers))
    answers.append(house.client.get("/api/v1/reports/rep_" + "a" * 26 + "/relay", headers=stranger.headers))
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}


def test_sender_reads_and_decides_nothing(house: House) -> None:
    peer = house.party("Peer", Role.REPORTER, Role.VENDOR, Role.COORDINATOR)
    at = f"/api/v1/relay/{post(house, envelope(block()), peer.headers)['handling_id']}"
    assert ok(house.client.get(at, headers=peer.headers))["state"] == "received"
    for path, body in (("/verdict", {"verdict": "fixed"}), ("/assessment", {}), ("/end", {"reason": "public"}), ("/hardening", {})):
        assert house.client.post(at + path, json=body, headers=peer.headers).status_code == 403, path


def test_hop_passes_a_verdict_and_makes_none(house: House) -> None:
    peer = house.party("Peer", Role.REPORTER)
    at = f"/api/v1/relay/{post(house, envelope(block(chain=f'[{hop(1)}]')), peer.headers)['handling_id']}"
    for owner in ("Example CERT", "Operator", "up.example", "test.example/log"):
        refused = house.client.post(at + "/verdict", json={"verdict": "known_not_affected", "owner": owner, "reference": "x"}, headers=house.operator)
        assert (refused.status_code, "belongs to whoever owns" in refused.text) == (403, True), owner
    assert house.client.post(at + "/end", json={"reason": "owner_decided"}, headers=house.operator).status_code == 409
    ok(house.client.post(at + "/verdict", json={"verdict": "hardening", "owner": "Acme", "reference": "mid:2@acme"}, headers=house.operator))
    assert house.client.post(at + "/end", json={"reason": "hardened"}, headers=house.operator).status_code == 409
    named = ok(house.client.post(at + "/hardening", json={}, headers=house.operator))["hardening"]
    assert (named["by"], named["public_issue"]) == ("test.example/log", "")
    elsewhere = {"by": "up.example", "handling_id": "U-1"}
    assert house.client.post(at + "/hardening", json=elsewhere, headers=house.operator).status_code == 409
    issue = {"public_issue": "https://acme.example/issues/7"}
    assert ok(house.client.post(at + "/hardening", json=issue, headers=house.operator))["hardening"] == named | issue
    ended = ok(house.client.post(at + "/end", json={"reason": "hardened", "text": "see the issue"}, headers=house.operator))
    told = ok(house.client.get(at, headers=peer.headers))
    assert told == ended | {"desk": None}
    assert (told["state"], told["ended"]["reason"], told["ended"]["text"]) == ("ended", "hardened", "see the issue")
    assert house.client.post(at + "/assessment", json={}, headers=house.operator).status_code == 409


def test_report_that_began_here_goes_out_under_its_marks_alone(house: House) -> None:
    finder = house.party("Finder", Role.REPORTER)
    unmarked = {"title": "Overflow in f", "symbols": ["f"], "credits": [{"name": "Ada"}], "producer": {"tool": "scan", "model": "model-1"}}
    sent = ok(house.client.post("/api/v1/submissions", content=json.dumps(unmarked) + "\n", headers=finder.headers), 201)
    at = f"/api/v1/reports/{sent['items'][0]['report_id']}/relay"
    refused = house.client.get(at, headers=house.operator)
    assert (refused.status_code, "AMBER+STRICT" in refused.json()["detail"]) == (403, True)
    assert house.client.get(at + "?reach=organisation&purpose=training", headers=house.operator).status_code == 403
    assert house.client.get(at, headers=finder.headers).status_code == 403
    first, second = (house.client.get(at + "?reach=organisation", headers=house.operator) for _ in range(2))
    assert first.content == second.content
    out = ok(first)
    assert out["provenance"]["credits"] == [
        {"name": "model-1", "type": "tool"}, {"name": "scan", "type": "tool"}, {"name": "Ada", "type": "finder"},
    ]
    assert [entry["by"] for entry in out["provenance"]["chain"]] == ["test.example/log"]
    assert sent["items"][0]["report_id"] not in first.text
    with house.instance.database.read() as tx:
        kinds = ledger.count_events(tx)
    assert (kinds["RelayBegun"], kinds["RelayHandedOn"]) == (1, 2)


def test_marks_of_its_case_bind_a_report_and_a_withdrawn_one_stays(house: House) -> None:
    peer = house.party("Peer", Role.REPORTER)
    taken = post(house, envelope(block()), peer.headers)
    at = f"/api/v1/reports/{taken['report_id']}/relay"
    ok(house.client.get(at, headers=house.operator))
    opened = ok(house.client.post("/api/v1/cases", json={"reports": [taken["report_id"]], "title": "Overflow"}, headers=house.operator), 201)
    refused = house.client.get(at, headers=house.operator)
    assert (refused.status_code, "AMBER+STRICT" in refused.json()["detail"]) == (403, True)
    marks = {"marks": {"tlp": "GREEN"}, "reason": "agreed"}
    ok(house.client.post(f"/api/v1/cases/{opened['id']}/marks", json=marks, headers=house.operator))
    ok(house.client.get(at, headers=house.operator))
    body = {"report": taken["report_id"], "reason": "mistaken"}
    ok(house.client.post(f"/api/v1/cases/{opened['id']}/reports/withdraw", json=body, headers=peer.headers))
    assert house.client.get(at, headers=house.operator).status_code == 409


def test_openapi_tells_the_form_of_an_envelope(house: House) -> None:
    described = house.client.get("/api/openapi.json").json()
    body = described["paths"]["/api/v1/relay"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    name = body["$ref"].removeprefix("#/components/schemas/")
    assert set(described["components"]["schemas"][name]["properties"]) == {"format", "report", "provenance", "hardening"}
    answer = described["paths"]["/api/v1/relay"]["post"]["responses"]["201"]["content"]["application/json"]["schema"]
    assert "class" in described["components"]["schemas"][answer["$ref"].removeprefix("#/components/schemas/")]["properties"]
