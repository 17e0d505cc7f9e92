"""Taking a report back over the interface for programs and from the command line."""

from collections.abc import Callable
from typing import Any

from litestar.testing import TestClient

Headers = dict[str, str]
LINE = b'{"title": "Heap overflow in tiff_read_strip", "symbols": ["tiff_read_strip"]}\n'


def sent(client: "TestClient[Any]", headers: Headers) -> str:
    answer = client.post("/api/v1/submissions", content=LINE, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["items"][0]["report_id"])


def test_report_is_withdrawn_and_reinstated(client: "TestClient[Any]", finder: Callable[[str], Headers], operator: Headers) -> None:
    mine, other = finder("One Ltd"), finder("Two Ltd")
    report = sent(client, mine)
    path = f"/api/v1/reports/{report}"
    assert client.post(f"{path}/withdraw", json={"reason": ""}, headers=mine).status_code == 422
    assert client.post(f"{path}/reinstate", headers=mine).status_code == 409
    foreign = client.post(f"{path}/withdraw", json={"reason": "no"}, headers=other)
    unknown = client.post(f"/api/v1/reports/rep_{'a' * 26}/withdraw", json={"reason": "no"}, headers=other)
    assert (foreign.status_code, foreign.content) == (404, unknown.content)
    assert client.post(f"{path}/withdraw", json={"reason": "no"}, headers=operator).status_code == 403
    done = client.post(f"{path}/withdraw", json={"reason": "I was wrong"}, headers=mine)
    assert (done.status_code, done.json()) == (200, {"state": "withdrawn"})
    assert client.post(f"{path}/withdraw", json={"reason": "I was wrong"}, headers=mine).status_code == 409
    for reader in (mine, operator):
        document = client.get(path, headers=reader).json()
        assert document["withdrawn_because"] == "I was wrong"
        assert document["line"]["withdrawn_at"]
    refused = client.post("/api/v1/cases", json={"reports": [report], "title": "A case"}, headers=operator)
    assert (refused.status_code, "took this report back" in refused.text) == (409, True)
    assert client.post(f"{path}/reinstate", headers=mine).json() == {"state": "received"}
    assert client.get(path, headers=operator).json()["line"]["withdrawn_at"] is None


def test_case_that_handles_it_is_where_it_is_withdrawn(
    client: "TestClient[Any]", finder: Callable[[str], Headers], operator: Headers
) -> None:
    mine = finder("One Ltd")
    report = sent(client, mine)
    opened = client.post("/api/v1/cases", json={"reports": [report], "title": "A case"}, headers=operator).json()
    case = f"/api/v1/cases/{opened['id']}"
    assert client.post(f"/api/v1/reports/{report}/withdraw", json={"reason": "I was wrong"}, headers=mine).status_code == 200
    assert client.get(case, headers=operator).json()["case"]["state"] == "withdrawn"
    assert client.post(f"/api/v1/reports/{report}/reinstate", headers=mine).status_code == 200
    assert client.get(case, headers=operator).json()["case"]["state"] == "open"
