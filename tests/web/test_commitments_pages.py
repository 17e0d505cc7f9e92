"""Commitments on the workbench: record by form or file, open with the kept file, withdraw; and what a mistake is told."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar.testing import TestClient

from clearinghouse.app.wiring import Instance
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.intake.commitments import rules
from clearinghouse.server.application import create_application
from party_factories import add
from web_support import Browser, signed_in


@pytest.fixture
def client(sqlite_instance: Instance) -> Iterator["TestClient[Any]"]:
    with TestClient(create_application(sqlite_instance, matcher_process=False), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def finder(client: "TestClient[Any]", sqlite_instance: Instance) -> Browser:
    return signed_in(client, sqlite_instance, add(sqlite_instance, "Finder", Role.REPORTER))


def made() -> tuple[str, bytes]:
    """The claim as typed into the form, and the opening as kept in a file."""
    claim, opening = rules.make(
        {"report": b'{"title": "Overflow in strip_read"}\n'}, context="test.example/log", key=Ed25519PrivateKey.generate(),
        nonce=secrets.token_bytes(32), section_nonces={"report": secrets.token_bytes(32)},
    )
    sent = {"digest": claim.digest.hex(), "public_key": claim.public_key.hex(), "signature": claim.signature.hex()}
    return json.dumps(sent), json.dumps(rules.render_opening(opening)).encode()


def opening_of(page: str) -> str:
    """Where the first form to open something leads."""
    return "/commitments/cmt_" + page.split('action="/commitments/cmt_')[1].split('"')[0]


def test_commitment_is_recorded_and_opened_on_the_page(finder: Browser, client: "TestClient[Any]", sqlite_instance: Instance) -> None:
    claim, kept = made()
    assert "No commitment yet" in finder.get("/commitments")
    finder.post("/commitments", {"claim": claim}, seen="/commitments")
    page = finder.get("/commitments")
    assert "held" in page
    assert json.loads(claim)["digest"] in page
    finder.post(opening_of(page), {}, seen="/commitments", files={"file": ("kept.json", kept)})
    opened = finder.get("/commitments")
    assert "report opened" in opened
    assert "Open or withdraw" not in opened
    assert "Overflow in strip_read" in finder.get("/inbox")
    desk = signed_in(client, sqlite_instance, sqlite_instance.actor)
    assert "opened to you" in desk.get("/commitments")
    report = desk.get("/inbox").split('href="/reports/')[1].split('"')[0]
    assert "committed to" in desk.get(f"/reports/{report}")


def test_claim_may_come_as_a_file_and_be_withdrawn(finder: Browser) -> None:
    finder.post("/commitments", {}, seen="/commitments", files={"file": ("claim.json", made()[0].encode())})
    finder.post(opening_of(finder.get("/commitments")).replace("/open", "/withdraw"), {}, seen="/commitments")
    assert "withdrawn" in finder.get("/commitments")


@pytest.mark.parametrize("claim", ["", "{", "[1]", '{"digest": "00"}', '{"digest": "<script>alert(1)</script>"}', "\x00" * 100, "[" * 5000])
def test_claim_that_is_none_comes_back_with_a_word(finder: Browser, claim: str) -> None:
    answer = finder.post("/commitments", {"claim": claim}, seen="/commitments", status=200)
    assert "hexadecimal digits" in answer.text or "this is not a claim" in answer.text
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("file", [b"", b"{", b"[]", b"\xff", b'{"format": "x"}'])
def test_opening_that_is_none_leaves_it_shut(finder: Browser, file: bytes) -> None:
    finder.post("/commitments", {"claim": made()[0]}, seen="/commitments")
    finder.post(opening_of(finder.get("/commitments")), {}, seen="/commitments", files={"file": ("x", file)})
    page = finder.get("/commitments")
    assert "held" in page
    assert "an opening" in page


def test_commitment_of_somebody_else_is_not_there(finder: Browser, client: "TestClient[Any]", sqlite_instance: Instance) -> None:
    claim, kept = made()
    finder.post("/commitments", {"claim": claim}, seen="/commitments")
    path = opening_of(finder.get("/commitments"))
    other = signed_in(client, sqlite_instance, add(sqlite_instance, "Other", Role.REPORTER))
    assert json.loads(claim)["digest"] not in other.get("/commitments")
    other.post(path, {}, seen="/commitments", files={"file": ("x", kept)}, status=404)
    other.post(path.replace("/open", "/withdraw"), {}, seen="/commitments", status=404)
