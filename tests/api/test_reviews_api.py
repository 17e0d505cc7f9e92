"""A review over HTTP: opened, submitted, agreed by both sides, and withdrawn; what each caller is shown and refused."""

from typing import Any

import pytest
from litestar.testing import TestClient

from api_support import headers_of
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.evaluation.review.records import DocumentKind
from clearinghouse.ledger.dsse import check_envelope, sign_payload
from review_support import AGREEMENT, Table

API = "/api/v1/reviews"
ASKED = {"kind": "access", "model": "Model", "version": "1.0", "question": "Please measure it."}


@pytest.fixture
def table(instance: Instance, clock: FixedClock) -> Table:
    return Table(instance, clock)


def test_review_over_http(client: "TestClient[Any]", table: Table) -> None:
    headers = {name: headers_of(table.instance, table.people[name]) for name in ("dora", "anna", "edda", "mallory")}

    def do(who: str, deed: str, status: int = 200, **words: str) -> dict[str, Any]:
        answer = client.post(f"{API}/{review}/deeds", json={"deed": deed, "words": words}, headers=headers[who])
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    made = client.post(API, json=ASKED | {"desk": table.houses["desk"].id}, headers=headers["dora"])
    assert (made.status_code, made.json()["state"]) == (201, "draft")
    review = made.json()["id"]
    unknown = client.get(f"{API}/rev_{'a' * 26}", headers=headers["anna"])
    assert (unknown.status_code, client.get(f"{API}/{review}", headers=headers["anna"]).text) == (404, unknown.text)
    assert do("dora", "submit")["state"] == "submitted"
    assert "draft-agreement" in {one["name"] for one in client.get(f"{API}/{review}", headers=headers["anna"]).json()["can"]}
    assert "lacks access_level" in do("anna", "draft-agreement", 422, document="window_hours = 1")["detail"]
    do("anna", "draft-agreement", document=AGREEMENT)
    [document] = client.get(f"{API}/{review}", headers=headers["dora"]).json()["documents"]
    found = table.documents(review, DocumentKind.AGREEMENT)[0]
    do("edda", "sign", 403, document=document["id"], signature=sign_payload(found.payload, table.keys["edda"]).hex())
    for name in ("dora", "anna"):
        moved = do(name, "sign", document=document["id"], signature=sign_payload(found.payload, table.keys[name]).hex())
    assert moved["state"] == "terms_signed"
    envelope = client.get(f"{API}/{review}/documents/{document['id']}", headers=headers["edda"])
    keys = [table.keys[name].public_key().public_bytes_raw() for name in ("dora", "anna")]
    assert len(check_envelope(envelope.content, keys).keys) == 2
    assert client.get(f"{API}/{review}", headers=headers["mallory"]).status_code == 404
    assert do("mallory", "withdraw", 404)["status"] == 404
    assert do("anna", "withdraw", 403)["title"] == "Not permitted"
    assert do("dora", "no-such-deed", 404)["status"] == 404
    assert do("dora", "withdraw")["state"] == "withdrawn"
    assert [line["state"] for line in client.get(API, headers=headers["edda"]).json()] == ["withdrawn"]
    assert client.get(f"{API}/figures", headers=headers["edda"]).json()["opened"] == 0
