"""A case over HTTP, from reports to a closed room."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar.testing import TestClient

from api_support import Party, party_of
from clearinghouse.app.wiring import Instance
from clearinghouse.core.roles import Role
from clearinghouse.ledger import store as ledger

Client = TestClient[Any]
Headers = dict[str, str]
REPORT = b'{"title": "Heap overflow in parse_chunk", "symbols": ["parse_chunk"], "reproduction": "run poc"}\n'


@pytest.fixture
def people(instance: Instance) -> dict[str, Party]:
    """A finder, a vendor and a stranger, each an organisation with a token."""
    roles = {"finder": Role.REPORTER, "vendor": Role.VENDOR, "stranger": Role.VENDOR}
    return {name: party_of(instance, name, role) for name, role in roles.items()}


@pytest.fixture
def case(client: Client, operator: Headers, people: dict[str, Party]) -> str:
    """An open case of the finder's report."""
    sent = client.post("/api/v1/submissions", content=REPORT, headers=people["finder"].headers).json()
    opened = client.post(
        "/api/v1/cases", json={"reports": [sent["items"][0]["report_id"]], "title": "Overflow", "marks": {"tlp": "AMBER"}}, headers=operator
    )
    assert opened.status_code == 201, opened.text
    return str(opened.json()["id"])


def ok(answer: Any, status: int = 200) -> Any:
    """The body of an answer that must have a status."""
    assert answer.status_code == status, answer.text
    return answer.json()


def test_case_from_invitation_to_closing(client: Client, operator: Headers, people: dict[str, Party], case: str, instance: Instance) -> None:
    vendor, at = people["vendor"], f"/api/v1/cases/{case}"
    assert client.post(f"{at}/threads/official/messages", json={"body": "hello"}, headers=vendor.headers).status_code == 404
    invitation = {"party": vendor.id, "role": "vendor", "reason": "it is their parser"}
    assert ok(client.post(f"{at}/participants", json=invitation, headers=operator), 201) == {"state": "invited"}
    assert ok(client.post(f"{at}/accept", headers=vendor.headers)) == {"state": "joined"}
    said = ok(client.post(f"{at}/threads/official/messages", json={"body": "we *look*"}, headers=vendor.headers), 201)["id"]
    flaw = ok(client.post(f"{at}/vulnerabilities", json={"title": "parse_chunk"}, headers=operator), 201)["id"]
    stated = ok(client.post(f"{at}/vulnerabilities/{flaw}/statements", json={"status": "known_affected"}, headers=vendor.headers), 201)
    assert (stated["party"], stated["status"]) == (vendor.id, "known_affected")
    for verb, state in (("receive", "received"), ("validate", "valid"), ("accept", "accepted")):
        moved = client.post(f"{at}/report-state", json={"verb": verb, "reason": "looked"}, headers=vendor.headers)
        if moved.status_code == 200:
            assert moved.json() == {"state": state}
    file = ok(client.post(f"{at}/documents?name=poc.svg&kind=reproducer", content=b"<svg onload=alert(1)>", headers=operator), 201)
    read = client.get(f"{at}/documents/{file['id']}", headers=operator)
    assert read.content == b"<svg onload=alert(1)>"
    assert read.headers["content-type"] == "application/octet-stream"
    assert read.headers["content-disposition"].startswith("attachment")
    ok(client.post(f"{at}/decisions", json={"kind": "severity", "reason": "remote, no privileges"}, headers=operator), 201)
    ok(client.post(f"{at}/close", json={"reason": "fixed and released"}, headers=operator))
    assert client.post(f"{at}/threads/official/messages", json={"body": "late"}, headers=vendor.headers).status_code == 409
    with instance.database.read() as tx:
        kinds = [event.kind for event in ledger.events_about(tx, case)]
    assert kinds[0] == "CaseOpened"
    assert said.startswith("msg_")


def test_side_thread_is_nobody_else_s(client: Client, operator: Headers, people: dict[str, Party], case: str) -> None:
    at = f"/api/v1/cases/{case}"
    for name in ("vendor", "stranger"):
        ok(client.post(f"{at}/participants", json={"party": people[name].id, "role": "vendor", "reason": "x"}, headers=operator), 201)
        ok(client.post(f"{at}/accept", headers=people[name].headers))
    thread = ok(client.post(f"{at}/threads", json={"title": "credit", "members": [people["vendor"].id]}, headers=operator), 201)["id"]
    ok(client.post(f"{at}/threads/{thread}/messages", json={"body": "between us"}, headers=people["vendor"].headers), 201)
    assert [message["body"] for message in ok(client.get(f"{at}/threads/{thread}/messages", headers=operator))] == ["between us"]
    for foreign in (thread, "thr_" + "a" * 26):
        answer = client.get(f"{at}/threads/{foreign}/messages", headers=people["stranger"].headers)
        assert (answer.status_code, answer.json()["title"]) == (404, "Not found")


def test_finder_withdraws_and_the_case_ends_with_it(client: Client, people: dict[str, Party], case: str, operator: Headers) -> None:
    report = ok(client.get("/api/v1/reports", headers=people["finder"].headers))["reports"][0]["id"]
    body = {"report": report, "reason": "it is not exploitable after all"}
    assert ok(client.post(f"/api/v1/cases/{case}/reports/withdraw", json=body, headers=people["finder"].headers)) == {"state": "withdrawn"}
    assert ok(client.post(f"/api/v1/cases/{case}/reports/reinstate", json=body, headers=people["finder"].headers)) == {"state": "open"}


def test_vendor_declines_with_a_reason(client: Client, people: dict[str, Party], case: str, operator: Headers) -> None:
    vendor, at = people["vendor"], f"/api/v1/cases/{case}"
    ok(client.post(f"{at}/participants", json={"party": vendor.id, "role": "vendor", "reason": "x"}, headers=operator), 201)
    ok(client.post(f"{at}/accept", headers=vendor.headers))
    assert client.post(f"{at}/decline", json={}, headers=vendor.headers).status_code == 422
    ok(client.post(f"{at}/decline", json={"reason": "end of life"}, headers=vendor.headers))


def test_body_that_names_unknown_fields_is_refused(client: Client, operator: Headers, case: str, finder: Callable[[str], Headers]) -> None:
    answer = client.post(f"/api/v1/cases/{case}/close", json={"reason": "x", "force": True}, headers=operator)
    assert answer.status_code == 422
    assert "force" in answer.json()["detail"]


def test_room_is_read_as_far_as_the_caller_may(client: Client, operator: Headers, people: dict[str, Party], case: str) -> None:
    room = ok(client.get(f"/api/v1/cases/{case}", headers=operator))
    assert (room["case"]["title"], room["roles"], room["tier"]) == ("Overflow", ["coordinator"], 3)
    assert [line["id"] for line in ok(client.get("/api/v1/cases", headers=operator))] == [case]
    report = room["reports"][0]["report"]["id"]
    assert ok(client.get(f"/api/v1/cases/{case}/reports/{report}", headers=operator))["finding"]["symbols"] == ["parse_chunk"]
    assert client.get(f"/api/v1/cases/{case}", headers=people["stranger"].headers).status_code == 404
    assert ok(client.get("/api/v1/cases", headers=people["stranger"].headers)) == []
    invitation = {"party": people["vendor"].id, "role": "vendor", "reason": "it is their parser"}
    ok(client.post(f"/api/v1/cases/{case}/participants", json=invitation, headers=operator), 201)
    assert [line["case_id"] for line in ok(client.get("/api/v1/invitations", headers=people["vendor"].headers))] == [case]


def test_vendor_says_which_law_it_is_under_and_what_it_has_done(
    client: Client, operator: Headers, people: dict[str, Party], case: str, instance: Instance
) -> None:
    vendor, at = people["vendor"], f"/api/v1/cases/{case}"
    ok(client.post(f"{at}/participants", json={"party": vendor.id, "role": "vendor", "reason": "theirs"}, headers=operator), 201)
    ok(client.post(f"{at}/accept", headers=vendor.headers))
    now = instance.clock.now().isoformat()
    ok(client.post(f"{at}/embargo/facts", json={"milestone": "exploited_known", "at": now}, headers=operator), 201)
    law, stranger = {"regime": "eu-cra", "applies": True}, people["stranger"].headers
    assert client.post(f"{at}/embargo/regimes", json=law, headers=stranger).status_code == 404
    assert client.post(f"{at}/embargo/regimes", json={"regime": "no-law", "applies": True}, headers=vendor.headers).status_code == 422
    said = ok(client.post(f"{at}/embargo/regimes", json=law, headers=vendor.headers))
    due = {line["id"]: (line["holder"].partition(",")[0], line["state"]) for line in said["duties"] if line["regime"]}
    assert due == {"cra-early-warning": ("vendor", "due"), "cra-notification": ("vendor", "due"), "cra-final-report": ("vendor", "not_triggered")}
    assert client.post(f"{at}/embargo/duties/cra-early-warning", json={"at": now}, headers=stranger).status_code == 404
    met = ok(client.post(f"{at}/embargo/duties/cra-early-warning", json={"at": now}, headers=vendor.headers))
    assert {line["id"]: line["state"] for line in met["duties"] if line["regime"]}["cra-early-warning"] == "done"
