"""VINCE's report form: a client that knows only that form sends here by changing a base URL."""

import hashlib
from typing import Any

from litestar.testing import TestClient

from clearinghouse.app.wiring import Instance
from clearinghouse.disclosure.intake import actions

PATH = "/vince/comm/api/vulreport/"
FORM = {
    "contact_name": "Ada Finder", "contact_email": "ada@example.org", "share_release": "True", "credit_release": "True",
    "comm_attempt": "False", "why_no_attempt": "1", "multiplevendors": "False", "vendor_name": "Example", "product_name": "Widget",
    "product_version": "2.1", "vul_description": "parse_header() copies the name into 64 bytes.", "vul_exploit": "Send 65 bytes.",
    "vul_impact": "Code runs.", "vul_discovery": "Read the source.", "vul_public": "False", "vul_exploited": "False", "vul_disclose": "False",
    "ics_impact": "False", "ai_ml_system": "False", "cisa_please": "False",
}


def as_client_of_the_form(headers: dict[str, str]) -> dict[str, str]:
    return {"Authorization": headers["Authorization"].replace("Bearer", "Token")}


def test_client_of_the_form_gets_its_id_and_our_receipt(client: TestClient[Any], operator: dict[str, str], instance: Instance) -> None:
    proof = b"\x00\x01proof"
    sent = client.post(PATH, data=FORM, files={"user_file": ("../../poc.bin", proof, "application/octet-stream")}, headers=as_client_of_the_form(operator))
    assert sent.status_code == 201, sent.text
    body = sent.json()
    assert body["status"] == "success"
    assert body["vrf_id"].startswith("sub_")
    with instance.database.read() as tx:
        report = actions.read_report(tx, body["report_id"], envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
    assert report.source == "vince"
    assert report.finding.products == ("Example:Widget",)
    assert report.finding.attachments == (f"sha256:{hashlib.sha256(proof).hexdigest()} ../../poc.bin",)


def test_sending_the_form_again_gives_the_same_id(client: TestClient[Any], operator: dict[str, str]) -> None:
    ids = {client.post(PATH, data=FORM, files={}, headers=as_client_of_the_form(operator)).json()["vrf_id"] for _ in range(2)}
    assert len(ids) == 1


def test_missing_fields_are_named_as_the_form_names_them(client: TestClient[Any], operator: dict[str, str]) -> None:
    sent = client.post(PATH, data={**FORM, "vul_impact": "", "product_name": " "}, headers=as_client_of_the_form(operator))
    assert (sent.status_code, sent.json()) == (
        400, {"status": "error", "errors": {"product_name": ["This field is required."], "vul_impact": ["This field is required."]}}
    )


def test_unknown_token_is_refused(client: TestClient[Any]) -> None:
    assert client.post(PATH, data=FORM, headers={"Authorization": "Token nobody"}).status_code == 401


def test_upload_beyond_the_form_s_limit_is_refused(client: TestClient[Any], operator: dict[str, str]) -> None:
    sent = client.post(PATH, data=FORM, files={"user_file": ("big", b"x" * (12 << 20))}, headers=as_client_of_the_form(operator))
    assert sent.status_code == 413
