"""A maintainer's page: a charter refused at its lines, put in force, opted out and in; a delivery answered; nothing of others."""

import re
from html import unescape
from typing import Any

import pytest

from clearinghouse.app.packets import deliver_waiting, queue_packet
from clearinghouse.app.wiring import Instance
from clearinghouse.core.product import normalise_package
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.parties import actions as parties
from clearinghouse.parties.charters.actions import vouch
from clearinghouse.parties.records import Party, PartyKind
from room_cast import Cast
from web_support import signed_in

CHARTER = 'charter = 1\n[project]\nname = "lib"\npackages = ["pkg:pypi/lib"]\n[capacity]\nper_week = 2\n'


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.fixture
def house(instance: Instance) -> Party:
    """A vendor whose package a coordinator vouched for."""
    now, me = instance.clock.now(), instance.actor.id
    with instance.database.write() as tx:
        found = parties.add_party(tx, PartyKind.ORGANISATION, "Lib Makers", frozenset({Role.VENDOR}), actor=me, now=now)
        vouch(tx, found.id, "pkg:pypi/lib", "known to us", actor=me, envelope=instance.envelope, now=now)
    return found


@pytest.fixture
def vendor(client: Any, instance: Instance, house: Party) -> Any:
    """Somebody who speaks for it."""
    with instance.database.write() as tx:
        person = parties.add_party(
            tx, PartyKind.PERSON, "Pat", frozenset({Role.VENDOR}), organisation=house.id, actor=instance.actor.id, now=instance.clock.now()
        )
    return signed_in(client, instance, person)


def test_charter_is_refused_at_its_line_and_then_put_in_force(vendor: Any, house: Party) -> None:
    base = f"/maintainer/{house.id}"
    refused = vendor.post(f"{base}/charter", {"charter": CHARTER.replace("= 2", "= -3")}, seen="/maintainer", status=422)
    assert "Line 6 /capacity/per_week" in words(refused.text)
    assert "per_week = -3" in refused.text
    vendor.post(f"{base}/charter", {"charter": CHARTER}, seen="/maintainer")
    page = vendor.get("/maintainer")
    assert "2 a week; exploited flaws pass" in words(page)
    again = vendor.post(f"{base}/charter", {"charter": CHARTER}, seen="/maintainer", status=409)
    assert "in force already" in words(again.text)
    charter = re.search(r'name="charter" value="(chr_[a-z2-7]{26})"', page)
    assert charter is not None
    vendor.post(f"{base}/opt-out", {"charter": charter[1], "reason": "we rest"}, seen="/maintainer")
    assert "opted out" in words(vendor.get("/maintainer"))
    vendor.post(f"{base}/opt-in", {"charter": charter[1]}, seen="/maintainer")
    assert "opted out" not in words(vendor.get("/maintainer"))


def test_delivery_is_answered_with_a_reason(vendor: Any, house: Party, instance: Instance) -> None:
    base = f"/maintainer/{house.id}"
    vendor.post(f"{base}/charter", {"charter": CHARTER}, seen="/maintainer")
    cast = Cast(instance)
    report = cast.report(Finding(title="Flaw", description="It is here.", packages=(normalise_package("pypi", "lib"),), reproduction="run it"))
    queue_packet(instance, house.id, cast.open(report), reproducer_confirmed=True)
    assert len(deliver_waiting(instance)) == 1
    delivery = re.search(r'name="delivery" value="(dlv_[a-z2-7]{26})"', vendor.get("/maintainer"))
    assert delivery is not None
    refused = vendor.post(f"{base}/answer", {"delivery": delivery[1], "answer": "decline", "reason": ""}, seen="/maintainer", status=422)
    assert "need a reason" in words(refused.text)
    vendor.post(f"{base}/answer", {"delivery": delivery[1], "answer": "decline", "reason": "Not ours."}, seen="/maintainer")
    assert "Not ours." in words(vendor.get("/maintainer"))


def test_claim_waits_for_its_proof(vendor: Any, house: Party) -> None:
    base = f"/maintainer/{house.id}"
    assert "no" in words(vendor.post(f"{base}/claim", {"repository": "pkg:pypi/x"}, seen="/maintainer", status=422).text)
    vendor.post(f"{base}/claim", {"repository": "https://github.com/example/lib"}, seen="/maintainer")
    page = vendor.get("/maintainer")
    claim = re.search(r'name="claim" value="(clm_[a-z2-7]{26})"', page)
    assert claim is not None
    assert "github.com/example/lib" in page
    vendor.post(f"{base}/fetch", {"claim": claim[1]}, seen="/maintainer")
    assert "problem" in vendor.get("/maintainer")


def test_vendor_of_somebody_else_is_the_page_of_nothing(coordinator: Any, vendor: Any, house: Party, instance: Instance) -> None:
    for deed in ("charter", "claim", "fetch", "opt-out", "answer"):
        coordinator.post(f"/maintainer/{house.id}/{deed}", {"charter": CHARTER}, seen="/maintainer", status=404)
    assert "Lib Makers" not in coordinator.get("/maintainer")
