"""Commitments over HTTP: record, list, prove, open by section, refuse what is none."""

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar.testing import TestClient

from clearinghouse.disclosure.intake.commitments import rules

Client = TestClient[Any]
API = "/api/v1"


def made(report: bytes = b'{"title": "Overflow in strip_read"}\n') -> tuple[dict[str, str], dict[str, Any]]:
    """What is sent to record a commitment, and what opens it."""
    sections = {"report": report, "patch": b"--- a"}
    claim, opening = rules.make(
        sections, context="test.example/log", key=Ed25519PrivateKey.generate(), nonce=secrets.token_bytes(32),
        section_nonces={name: secrets.token_bytes(32) for name in sections},
    )
    sent = {"digest": claim.digest.hex(), "public_key": claim.public_key.hex(), "signature": claim.signature.hex()}
    return sent, rules.render_opening(opening)


def test_commitment_from_record_to_opening(client: Client, finder: Callable[[str], dict[str, str]], operator: dict[str, str]) -> None:
    headers = finder("Ada")
    sent, opening = made()
    recorded = client.post(f"{API}/commitments", headers=headers, json=sent)
    assert recorded.status_code == 201, recorded.text
    found = recorded.json()
    assert (found["state"], found["digest"], found["repeats"]) == ("held", f"sha3-256:{sent['digest']}", False)
    assert client.post(f"{API}/commitments", headers=headers, json=sent).json() == found
    assert client.get(f"{API}/ledger/proofs/{found['event_id']}", headers=headers).text.startswith("c2sp.org/tlog-proof")
    at = f"{API}/commitments/{found['id']}"
    assert client.get(at, headers=operator).status_code == 404
    patch = {**opening, "sections": {"patch": opening["sections"]["patch"]}}
    assert client.post(f"{at}/open", headers=headers, content=json.dumps(patch)).json()["state"] == "partly opened"
    opened = client.post(f"{at}/open", headers=headers, content=json.dumps(opening))
    assert (opened.status_code, opened.json()["state"]) == (200, "opened"), opened.text
    assert client.get(f"{API}/submissions/{opened.json()['submission_id']}", headers=headers).json()["accepted"] == 1
    seen = client.get(at, headers=operator).json()
    assert [section["name"] for section in seen["sections"]] == ["patch", "report"]
    data = client.get(f"{at}/sections/patch", headers=operator)
    assert (data.content, data.headers["content-type"]) == (b"--- a", "application/octet-stream")
    assert client.get(f"{API}/commitments/figures", headers=operator).json() == {"held": 0, "opened": 1, "late": 0, "never": 0, "withdrawn": 0}
    assert [each["id"] for each in client.get(f"{API}/commitments", headers=headers).json()] == [found["id"]]


def test_withdrawn_over_http(client: Client, finder: Callable[[str], dict[str, str]]) -> None:
    headers = finder("Ada")
    found = client.post(f"{API}/commitments", headers=headers, json=made()[0]).json()
    assert client.post(f"{API}/commitments/{found['id']}/withdraw", headers=finder("Eve")).status_code == 404
    assert client.post(f"{API}/commitments/{found['id']}/withdraw", headers=headers).json()["state"] == "withdrawn"
    assert client.post(f"{API}/commitments/{found['id']}/withdraw", headers=headers).status_code == 409


@pytest.mark.parametrize("body", [
    b"", b"[]", b"{", b'{"format": "clearinghouse-opening-1"}', b"[" * 100_000, b"\xff\xfe", b'{"format": 1e999}',
    b'{"format":"clearinghouse-opening-1","document":{},"nonce":"","sections":{}}',
])
def test_opening_that_is_none_is_refused(client: Client, finder: Callable[[str], dict[str, str]], body: bytes) -> None:
    headers = finder("Ada")
    found = client.post(f"{API}/commitments", headers=headers, json=made()[0]).json()
    answer = client.post(f"{API}/commitments/{found['id']}/open", headers=headers, content=body)
    assert answer.status_code == 422, answer.text
    assert len(answer.json()["detail"]) > 20


@pytest.mark.parametrize("change", [
    {"digest": "00" * 32}, {"digest": "zz"}, {"signature": ""}, {"due_at": "2026-11-21T10:00:00"}, {"due_at": "2000-01-01T00:00:00Z"},
    {"due_at": "2999-01-01T00:00:00Z"}, {"at": "2020-01-01T00:00:00Z"},
])
def test_claim_that_is_none_or_dates_itself_is_refused(client: Client, finder: Callable[[str], dict[str, str]], change: dict[str, str]) -> None:
    answer = client.post(f"{API}/commitments", headers=finder("Ada"), json={**made()[0], **change})
    assert answer.status_code in (400, 422), answer.text
