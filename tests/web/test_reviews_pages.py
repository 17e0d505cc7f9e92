"""A review on the workbench: begun, submitted, agreed, opened and withdrawn through forms; what each side is shown."""

import base64
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.evaluation.review import actions
from clearinghouse.evaluation.review.records import DocumentKind, Part, ReviewState
from clearinghouse.ledger.dsse import sign_payload
from clearinghouse.server.application import create_application
from review_support import AGREEMENT, ITEM_ROOT, PLAN, PLAN_DIGEST, Table
from web_support import Browser, signed_in


@pytest.fixture
def client(sqlite_instance: Instance) -> Iterator["TestClient[Any]"]:
    with TestClient(create_application(sqlite_instance, matcher_process=False), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def table(sqlite_instance: Instance, clock: FixedClock) -> Table:
    return Table(sqlite_instance, clock)


def browser(client: "TestClient[Any]", table: Table, name: str) -> Browser:
    return signed_in(client, table.instance, table.people[name])


def do(one: Browser, review_id: str, deed: str, **words: str) -> httpx.Response:
    here = f"/reviews/{review_id}"
    return one.post(f"{here}/deeds", {"deed": deed, "part": "overview", **words}, seen=here)


def sign(one: Browser, table: Table, review_id: str, kind: DocumentKind, name: str) -> None:
    document = table.documents(review_id, kind)[-1]
    do(one, review_id, "sign", document=document.id, signature=base64.b64encode(sign_payload(document.payload, table.keys[name])).decode())


def test_review_goes_from_draft_to_withdrawn_through_forms(client: "TestClient[Any]", table: Table) -> None:
    dora, edda, anna = (browser(client, table, name) for name in ("dora", "edda", "anna"))
    desk = table.houses["desk"].id
    assert "Begin a review" in dora.get("/reviews")
    assert "Begin a review" not in edda.get("/reviews")
    review_id = table.open()
    assert desk == table.see(review_id, "dora").review.desk
    assert "No reviews" in edda.get("/reviews")
    edda.get(f"/reviews/{review_id}", 404)
    do(dora, review_id, "submit")
    assert f'href="/reviews/{review_id}"' in edda.get("/reviews")
    do(anna, review_id, "draft-agreement", document=AGREEMENT)
    assert "clearinghouse review sign" in dora.get(f"/reviews/{review_id}?part=terms")
    sign(dora, table, review_id, DocumentKind.AGREEMENT, "dora")
    sign(anna, table, review_id, DocumentKind.AGREEMENT, "anna")
    assert table.state(review_id) is ReviewState.TERMS_SIGNED
    table.act(actions.freeze_plan, review_id, PLAN, PLAN_DIGEST, ITEM_ROOT, thresholds={}, pack="pck", by="edda")
    do(edda, review_id, "open-window")
    page = dora.get(f"/reviews/{review_id}")
    assert "left: the window ends" in page
    assert "0.0 of 720 hours" in page
    do(dora, review_id, "withdraw")
    assert table.state(review_id) is ReviewState.WITHDRAWN
    for part in ("overview", "terms", "run", "assessment", "partners", "record"):
        for one in (dora, edda, anna):
            assert "What you can do now" not in one.get(f"/reviews/{review_id}?part={part}")


def test_page_offers_what_its_viewer_can_do_and_what_it_cannot_is_refused_in_words(client: "TestClient[Any]", table: Table) -> None:
    review_id, _ = table.opened()
    dora, edda = browser(client, table, "dora"), browser(client, table, "edda")
    offered = {name: set(re.findall(r'name="deed" value="([a-z-]+)"', one.get(f"/reviews/{review_id}"))) for name, one in (("dora", dora), ("edda", edda))}
    assert {"withdraw", "pause", "plan-release"} <= offered["dora"]
    assert "withdraw" not in offered["edda"]
    assert "plan-release" not in offered["edda"]
    do(edda, review_id, "withdraw")
    assert "this is for the developer of the review" in edda.get(f"/reviews/{review_id}")
    do(edda, review_id, "pause")
    assert "reason is needed" in edda.get(f"/reviews/{review_id}")
    do(edda, review_id, "tell-finding", title="<script>alert(1)</script>", words="![x](http://evil.example/a.png) *em*")
    page = dora.get(f"/reviews/{review_id}")
    assert "<script>alert" not in page
    assert re.findall(r'<img[^>]*src="([^"]*)"', page) == re.findall(r'<img[^>]*src="(/static/[^"]*)"', page)


def test_developer_is_shown_no_consultation_no_conflict_and_no_unshared_determination(client: "TestClient[Any]", table: Table) -> None:
    review_id, document = table.drawn_up()
    table.act(actions.declare_conflict, review_id, "SecretCorp", "Former colleague.", recuse=False, by="axel")
    dora, anna = browser(client, table, "dora"), browser(client, table, "anna")
    pages = {name: "".join(one.get(f"/reviews/{review_id}?part={part}") for part in ("assessment", "record")) for name, one in (("dora", dora), ("anna", anna))}
    for word in ("Agency one", "SecretCorp", document.id, "The plan had too little power"):
        assert word in pages["anna"]
        assert word not in pages["dora"]
    dora.get(f"/reviews/{review_id}/documents/{document.id}", 404)
    assert table.sign(review_id, document, "anna", "axel")
    dora.get(f"/reviews/{review_id}/documents/{document.id}", 404)
    table.act(actions.share, review_id, by="anna")
    assert "The plan had too little power" in dora.get(f"/reviews/{review_id}?part=assessment")
    assert dora.request("GET", f"/reviews/{review_id}/documents/{document.id}").json()["payloadType"] == "application/vnd.in-toto+json"


def test_auditors_look_shows_up_for_the_developer(client: "TestClient[Any]", table: Table) -> None:
    review_id, _ = table.opened()
    table.join(review_id, "olga", Part.AUDITOR)
    browser(client, table, "olga").get(f"/reviews/{review_id}?part=record")
    assert "An auditor opened: the review." in browser(client, table, "dora").get(f"/reviews/{review_id}?part=record")


def test_public_figures_need_no_account_and_tell_no_small_number(client: "TestClient[Any]", table: Table, stranger: Browser) -> None:
    table.opened()
    table.wait(days=40)
    page = stranger.get("/reviews/figures")
    assert page.count("too few to tell") == 5
    assert "Lab" not in page
