"""Sending documents over HTTP: receipts, idempotency, the answer while the sender waits."""

import time
from collections.abc import Callable
from typing import Any

from litestar.testing import TestClient

from clearinghouse.app.wiring import Instance

Client = TestClient[Any]
Headers = dict[str, str]
REPORT = b'{"title": "Heap overflow in parse_chunk", "symbols": ["parse_chunk"], "packages": [["npm", "left-pad"]], "cwe": [122]}\n'
SAME = b'{"title": "parse_chunk writes past the buffer", "symbols": ["parse_chunk"], "packages": [["npm", "left-pad"]], "cwe": [122]}\n'


def test_document_is_kept_and_answered_in_the_response(client: Client, operator: Headers) -> None:
    answer = client.post("/api/v1/submissions?wait=10", content=REPORT, headers=operator)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["source"], body["accepted"], body["refused"], body["finished"], body["answered"]) == ("ndjson", 1, 0, True, True)
    assert [line["answer"] for line in body["answers"]] == ["new"]
    again = client.get(f"/api/v1/submissions/{body['submission_id']}", headers=operator).json()
    assert again["items"] == body["items"]


def test_same_key_and_bytes_give_the_same_submission(client: Client, operator: Headers) -> None:
    headers = operator | {"Idempotency-Key": "k1"}
    first, second = (client.post("/api/v1/submissions", content=REPORT, headers=headers).json() for _ in range(2))
    assert first["submission_id"] == second["submission_id"]
    clash = client.post("/api/v1/submissions", content=SAME, headers=headers)
    assert (clash.status_code, clash.headers["content-type"], clash.json()["title"]) == (409, "application/problem+json", "Conflict")


def test_original_bytes_come_back_and_the_reading_is_on_the_record(client: Client, operator: Headers, instance: Instance) -> None:
    from clearinghouse.ledger import store as ledger

    sent = client.post("/api/v1/submissions", content=REPORT, headers=operator).json()["submission_id"]
    answer = client.get(f"/api/v1/submissions/{sent}/original", headers=operator)
    assert answer.content == REPORT
    assert answer.headers["content-disposition"].startswith("attachment")
    with instance.database.read() as tx:
        assert [event.kind for event in ledger.events_about(tx, sent)][-1] == "SealedObjectRead"


def test_bulk_file_is_read_afterwards(client: Client, operator: Headers) -> None:
    lines = b"".join(f'{{"title": "Flaw {number}", "symbols": ["f_{number}"]}}\n'.encode() for number in range(1200))
    answer = client.post("/api/v1/submissions/bulk", content=lines, headers=operator)
    assert answer.status_code == 202, answer.text
    address = f"/api/v1/submissions/{answer.json()['submission_id']}"
    for _ in range(200):
        body = client.get(address, headers=operator).json()
        if body["finished"]:
            break
        time.sleep(0.1)
    assert (body["finished"], body["accepted"], len(body["items"])) == (True, 1200, 1000)
    assert len(client.get(address + "?from=1000", headers=operator).json()["items"]) == 200


def test_stranger_gets_the_same_404_for_what_is_not_there_and_what_is_not_his(
    client: Client, operator: Headers, finder: Callable[[str], Headers]
) -> None:
    stranger = finder("Stranger Labs")
    sent = client.post("/api/v1/submissions", content=REPORT, headers=operator).json()
    report = sent["items"][0]["report_id"]
    addresses = [
        f"/api/v1/submissions/{sent['submission_id']}", f"/api/v1/submissions/{sent['submission_id']}/original",
        f"/api/v1/reports/{report}", "/api/v1/reports/rep_" + "a" * 26, "/api/v1/reports/zzz", "/api/v1/no/such/route", "/api/v1",
        "/api/v1/submissions/sub_" + "a" * 26,
    ]
    answers = [client.get(address, headers=stranger) for address in addresses]
    assert {(answer.status_code, answer.content, answer.headers["content-type"]) for answer in answers} == {
        (404, answers[0].content, "application/problem+json")
    }


def test_token_is_asked_for_and_scopes_hold(client: Client, finder: Callable[[str], Headers]) -> None:
    assert client.get("/api/v1/reports").status_code == 401
    assert client.get("/api/v1/reports", headers={"Authorization": "Bearer ch.tok_x.y"}).status_code == 401
    refused = client.post("/api/v1/decisions", json={"kind": "merge", "reports": ["a", "b"], "reason": "x"}, headers=finder("F"))
    assert (refused.status_code, refused.json()["title"]) == (403, "Not permitted")


def test_every_answer_carries_the_headers_browsers_need(client: Client) -> None:
    for address in ("/alive", "/api/v1/reports", "/nothing", "/api/openapi.json"):
        headers = client.get(address).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]


def test_decision_moves_and_undo_moves_back(client: Client, operator: Headers) -> None:
    ids = []
    for data in (REPORT, b'{"title": "SQL injection in login", "locations": [{"path": "web/login.php", "parameter": "user"}]}\n'):
        ids.append(client.post("/api/v1/submissions?wait=10", content=data, headers=operator).json()["items"][0]["report_id"])
    early = client.post("/api/v1/decisions", json={"kind": "merge", "reports": ids, "reason": "same root cause"}, headers=operator)
    assert early.status_code == 409
    assert "settle" in early.json()["detail"]
