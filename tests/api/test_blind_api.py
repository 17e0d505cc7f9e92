"""The blind check over HTTP with the real client, and the salted hash that other people's clients ask with."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar.testing import TestClient

from clearinghouse.app import blind_check, claim_check
from clearinghouse.app.settings import ClaimCheckSettings
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict, NotFound, Unavailable
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.intake.records import CodeLocation, Finding
from clearinghouse.server.application import create_application
from party_factories import add
from views_support import send_as

Client = TestClient[Any]
SALT = b"sixteen bytes or more"


@dataclass
class Answer:
    """As the guard gives one."""

    status: int
    body: bytes


class Wire:
    """Stands in for the guarded way out: the test client, and all that went over the wire."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.sent: list[bytes] = []

    def get(self, url: str, headers: dict[str, str]) -> Answer:
        found = self.client.get(url.removeprefix("https://holder.example"), headers=headers)
        return Answer(found.status_code, found.content)

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        self.sent.append(body)
        found = self.client.post(url.removeprefix("https://holder.example"), content=body, headers=headers)
        return Answer(found.status_code, found.content)


def finding(name: str) -> Finding:
    """A finding that points at a function of a repository."""
    return Finding(
        title=f"Overflow in {name}", repository="https://github.com/example/libtiff.git", weaknesses=("CWE-787",),
        locations=(CodeLocation(path=f"src/{name}.c", symbol=name),),
    )


def there(client: Client, headers: dict[str, str]) -> tuple[blind_check.There, Wire]:
    """The holder, asked with somebody's token."""
    wire = Wire(client)
    return blind_check.There("https://holder.example/", headers["Authorization"].removeprefix("Bearer "), wire), wire  # type: ignore[arg-type]


def test_rival_asks_over_http(client: Client, instance: Instance, finder: Callable[[str], dict[str, str]], tmp_path: Path) -> None:
    send_as(instance, add(instance, "Finder", Role.REPORTER), [finding("strip_read")])
    blind_check.sweep(instance)
    holder, wire = there(client, finder("Rival"))
    found = blind_check.check(
        [finding("strip_read"), finding("png_row")], holder, key=Ed25519PrivateKey.generate(), log_key=instance.signer.verifier.render(),
        keep=tmp_path / "keep",
    )
    assert [bool(each.matched) for each in found] == [True, False]
    # Nothing that was sent says which product, function or file was asked about.
    assert not [word for word in (b"libtiff", b"strip_read", b"png_row", b"overflow") for body in wire.sent if word in body.lower()]
    assert {len(json.loads(body)["elements"]) for body in wire.sent if b"elements" in body} == {instance.policy.blind.batch_elements}


def test_who_holds_no_token_or_asks_too_much_is_told_so(
    client: Client, instance: Instance, finder: Callable[[str], dict[str, str]], tmp_path: Path
) -> None:
    blind_check.sweep(instance)
    holder, _ = there(client, {"Authorization": "Bearer nothing"})
    with pytest.raises(Unavailable, match="401"):
        holder.offer()
    holder, _ = there(client, finder("Rival"))
    with pytest.raises(NotFound):
        holder.tags("bep_" + "a" * 26)
    policy = replace(instance.policy.blind, batches_per_day=0)
    with TestClient(create_application(replace(instance, policy=replace(instance.policy, blind=policy)), matcher_process=False)) as strict:
        holder, _ = there(strict, finder("Other rival"))
        with pytest.raises(Conflict, match="within a day"):
            blind_check.check(
                [finding("x")], holder, key=Ed25519PrivateKey.generate(), log_key=instance.signer.verifier.render(), keep=tmp_path / "keep"
            )


@pytest.mark.parametrize("body", [
    {}, {"elements": [], "commitments": []}, {"elements": ["00"], "commitments": []}, {"elements": ["zz" * 32] * 64, "commitments": []},
    {"elements": ["00" * 32] * 64, "commitments": ["cmt_" + "a" * 26]}, {"elements": ["ff" * 32] * 20_000, "commitments": []},
    {"elements": "x", "commitments": "y"}, {"elements": [1], "commitments": [2]}, {"elements": ["00" * 32] * 64, "commitments": ["\x00'"]},
])
def test_batch_that_is_none_is_refused(client: Client, finder: Callable[[str], dict[str, str]], body: dict[str, Any]) -> None:
    headers = finder("Rival")
    epoch = client.get("/api/v1/blind/epoch", headers=headers).json()["epoch"]
    answer = client.post(f"/api/v1/blind/epochs/{epoch}/evaluate", headers=headers, json=body)
    assert answer.status_code in (400, 422), answer.text


@pytest.fixture
def federated(instance: Instance) -> Iterator[tuple[Client, Instance]]:
    """An instance whose settings name a salt."""
    settings = replace(instance.settings, claim_check=ClaimCheckSettings(SALT, "security@holder.example"))
    opened = replace(instance, settings=settings)
    with TestClient(create_application(opened, matcher_process=False), raise_server_exceptions=False) as client:
        yield client, opened


def salted(path: str, salt: bytes = SALT) -> str:
    """The hash, by the words of the other side's documentation."""
    return hashlib.sha256(b"\0".join((salt, b"https://github.com/example/libtiff", path.encode(), b"CWE-787"))).hexdigest()


def test_scrutineers_client_asks_unchanged(federated: tuple[Client, Instance]) -> None:
    client, instance = federated
    send_as(instance, add(instance, "Finder", Role.REPORTER), [finding("strip_read")])
    assert [claim_check.hash_held(instance), claim_check.hash_held(instance)] == [1, 0]
    assert client.post("/claim-check", json={"hash": salted("src/strip_read.c")}).json() == {"match": True, "contact": "security@holder.example"}
    assert client.post("/claim-check", json={"hash": salted("src/other.c")}).json() == {"match": False}
    assert client.post("/claim-check", json={"hash": salted("src/strip_read.c", b"another salt here")}).json() == {"match": False}
    assert client.get("/claim-check").status_code in (404, 405)
    with instance.database.engine.connect() as connection:
        kinds = [row[0] for row in connection.exec_driver_sql("select kind from events")]
        kept = [bytes(row[0]) for row in connection.exec_driver_sql("select hash from claim_hashes")]
    assert kinds.count("ClaimMatched") == 1
    assert bytes.fromhex(salted("src/strip_read.c")) not in kept, "who has salt and database has no list to try"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"hash": 3}', b'{"hash": "AB"}', b'{"hash": "' + b"z" * 64 + b'"}', b"\xff", b"[" * 500])
def test_claim_check_that_is_none_is_a_bad_request(federated: tuple[Client, Instance], body: bytes) -> None:
    assert federated[0].post("/claim-check", content=body).status_code == 400


def test_claim_check_meets_a_limit_per_address(federated: tuple[Client, Instance]) -> None:
    client, instance = federated
    most = instance.policy.rates.anonymous_submissions_max
    answers = [client.post("/claim-check", json={"hash": salted(f"src/{number}.c")}) for number in range(most + 1)]
    assert [answer.status_code for answer in answers] == [200] * most + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


def test_claim_check_is_not_there_without_a_salt(client: Client) -> None:
    there_is_none, other = client.post("/claim-check", json={"hash": "0" * 64}), client.post("/no-such-page", json={"hash": "0" * 64})
    assert there_is_none.status_code == 404
    assert other.status_code in (404, 405)
