"""By signed link and without an account: a packet answered once, a charter written, an address confirmed; on both databases."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from clearinghouse.app.channels.links import CHARTER_PATH, CONTACT_PATH, PACKET_PATH, PersonalLinks
from clearinghouse.app.packets import deliver_waiting, queue_packet
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.ids import PartyId
from clearinghouse.core.product import normalise_package
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.coordination.capacity.records import ReplyKind
from clearinghouse.disclosure.coordination.capacity.store import read_delivery
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.parties import actions as parties
from clearinghouse.parties.charters.actions import vouch
from clearinghouse.parties.charters.store import charters_of
from clearinghouse.parties.contacts import actions as contacts
from clearinghouse.parties.identity.links.actions import make_link, revoke_link
from clearinghouse.parties.identity.links.records import Link, LinkPurpose
from clearinghouse.parties.records import Party, PartyKind
from room_cast import Cast

CHARTER = 'charter = 1\n[project]\nname = "lib"\npackages = ["pkg:pypi/lib"]\n[capacity]\nper_week = 2\n'


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.fixture
def house(instance: Instance) -> Party:
    """A vendor that nobody signs in for, whose package a coordinator vouched for."""
    now, me = instance.clock.now(), instance.actor.id
    with instance.database.write() as tx:
        found = parties.add_party(tx, PartyKind.ORGANISATION, "Lib Makers", frozenset({Role.VENDOR}), actor=me, now=now)
        vouch(tx, found.id, "pkg:pypi/lib", "known to us", actor=me, envelope=instance.envelope, now=now)
    return found


@pytest.fixture
def delivery(instance: Instance, house: Party) -> str:
    """A packet that was delivered to it."""
    cast = Cast(instance)
    report = cast.report(Finding(
        title="Flaw <b>in</b> lib", description="It is here.", packages=(normalise_package("pypi", "lib"),), reproduction="run it",
    ))
    queue_packet(instance, house.id, cast.open(report), reproducer_confirmed=True)
    [made] = deliver_waiting(instance)
    return made.id


def mailed(instance: Instance, party: PartyId, about: str, purpose: LinkPurpose, *, once: bool = True, **other: Any) -> tuple[Link, str]:
    with instance.database.write() as tx:
        return make_link(
            tx, party, about, purpose, once=once, policy=instance.policy.identity, actor=instance.system, now=instance.clock.now(), **other
        )


def replied(instance: Instance, house: Party, delivery: str) -> tuple[ReplyKind, str] | None:
    with instance.database.read() as tx:
        found = read_delivery(tx, delivery, instance.envelope, viewer=house.id, now=instance.clock.now())
    assert found is not None
    return None if found[2] is None else (found[2].kind, found[2].reason)


@pytest.mark.parametrize(("deed", "reason"), [("accept", ""), ("more", "which version?"), ("decline", "not ours")])
def test_packet_is_read_and_answered_once(stranger: Any, instance: Instance, house: Party, delivery: str, deed: str, reason: str) -> None:
    path = PACKET_PATH + mailed(instance, house.id, delivery, LinkPurpose.ANSWER_DELIVERY)[1]
    for _ in range(2):
        page = stranger.get(path)
        assert "Flaw in lib" in words(page).replace("<b>", "").replace("</b>", "")
        assert "<b>in</b>" not in page
    assert replied(instance, house, delivery) is None
    if reason:
        refused = stranger.post(f"{path}/{deed}", {"reason": ""}, seen=path, status=422)
        assert "reason" in words(refused.text)
        assert replied(instance, house, delivery) is None
    stranger.post(f"{path}/{deed}", {"reason": reason}, seen=path, status=200)
    assert replied(instance, house, delivery) == (ReplyKind(deed), reason)
    nothing = stranger.get("/nothing", status=404)
    assert stranger.get(path, status=404) == nothing
    assert stranger.post(f"{path}/decline", {"reason": "again"}, seen="/submit", status=404).text == nothing
    assert replied(instance, house, delivery) == (ReplyKind(deed), reason)


def test_link_that_is_not_good_is_the_page_of_nothing(stranger: Any, instance: Instance, house: Party, delivery: str) -> None:
    nothing = stranger.get("/nothing", status=404)
    with instance.database.write() as tx:
        outsider = parties.add_party(
            tx, PartyKind.ORGANISATION, "Others", frozenset({Role.VENDOR}), actor=instance.actor.id, now=instance.clock.now()
        )
        added = contacts.add_contact(
            tx, house.id, "pat@lib.example", envelope=instance.envelope, actor=house.id, now=instance.clock.now()
        )
    good, text = mailed(instance, house.id, delivery, LinkPurpose.ANSWER_DELIVERY)
    revoked, revoked_text = mailed(instance, house.id, delivery, LinkPurpose.ANSWER_DELIVERY)
    with instance.database.write() as tx:
        revoke_link(tx, revoked.id, actor=instance.actor.id, now=instance.clock.now())
    soon = instance.clock.now() + timedelta(seconds=1)
    texts = {
        PACKET_PATH: [
            "x", f"clh.{good.id}.aaaa", revoked_text, mailed(instance, house.id, delivery, LinkPurpose.ACT_ON_CASE)[1],
            mailed(instance, outsider.id, delivery, LinkPurpose.ANSWER_DELIVERY)[1],
            mailed(instance, house.id, house.id, LinkPurpose.ANSWER_DELIVERY)[1],
        ],
        CHARTER_PATH: [
            text, mailed(instance, outsider.id, house.id, LinkPurpose.EDIT_CHARTER)[1],
            mailed(instance, house.id, delivery, LinkPurpose.EDIT_CHARTER)[1],
        ],
        CONTACT_PATH: [text, mailed(instance, outsider.id, added.id, LinkPurpose.VERIFY_CONTACT)[1]],
        "/act/": [text],
    }
    deeds = {PACKET_PATH: ("accept", "more", "decline"), CHARTER_PATH: ("adopt", "claim"), CONTACT_PATH: ("confirm",), "/act/": ("accept",)}
    data = {"reason": "because", "charter": CHARTER, "repository": "https://github.com/example/lib"}
    for base, tried in texts.items():
        for one in tried:
            assert stranger.get(base + one, status=404) == nothing
            for deed in deeds[base]:
                assert stranger.post(f"{base}{one}/{deed}", data, seen="/submit", status=404).text == nothing
    short = [PACKET_PATH + mailed(instance, house.id, delivery, LinkPurpose.ANSWER_DELIVERY, expires_at=soon)[1],
             CHARTER_PATH + mailed(instance, house.id, house.id, LinkPurpose.EDIT_CHARTER, expires_at=soon)[1],
             CONTACT_PATH + mailed(instance, house.id, added.id, LinkPurpose.VERIFY_CONTACT, expires_at=soon)[1]]
    assert isinstance(instance.clock, FixedClock)
    instance.clock.at += timedelta(seconds=2)
    for path in short:
        assert stranger.get(path, status=404) == nothing
    assert replied(instance, house, delivery) is None
    with instance.database.read() as tx:
        assert charters_of(tx, house.id, instance.envelope) == []
        assert [one.verified_at for one in contacts.list_contacts(tx, house.id, envelope=instance.envelope, viewer=house.id)] == [None]


def test_form_of_another_page_does_nothing(stranger: Any, instance: Instance, house: Party, delivery: str) -> None:
    path = PACKET_PATH + mailed(instance, house.id, delivery, LinkPurpose.ANSWER_DELIVERY)[1]
    assert stranger.request("POST", f"{path}/accept", data={}).status_code == 403
    assert replied(instance, house, delivery) is None
    stranger.post(f"{path}/accept", {}, seen=path, status=200)


def test_charter_is_written_by_link(stranger: Any, instance: Instance, house: Party) -> None:
    path = CHARTER_PATH + mailed(instance, house.id, house.id, LinkPurpose.EDIT_CHARTER, once=False)[1]
    assert "Lib Makers" in stranger.get(path)
    refused = stranger.post(f"{path}/adopt", {"charter": CHARTER.replace("= 2", "= -3")}, seen=path, status=422)
    assert "Line 6 /capacity/per_week" in words(refused.text)
    assert "per_week = -3" in refused.text
    not_own = stranger.post(f"{path}/adopt", {"charter": CHARTER.replace("/lib", "/other")}, seen=path, status=403)
    assert "nothing that this charter names is proven" in words(not_own.text)
    stranger.post(f"{path}/adopt", {"charter": CHARTER}, seen=path)
    assert "lib, version 1" in words(stranger.get(path))
    stranger.post(f"{path}/adopt", {"charter": CHARTER}, seen=path, status=409)
    stranger.post(f"{path}/claim", {"repository": "pkg:pypi/x"}, seen=path, status=422)
    stranger.post(f"{path}/claim", {"repository": "https://github.com/example/lib"}, seen=path)
    assert "github.com/example/lib" in stranger.get(path)
    with instance.database.read() as tx:
        [adopted] = charters_of(tx, house.id, instance.envelope)
    assert (adopted.version, adopted.adopted_by, adopted.on_behalf) == (1, house.id, False)


def test_address_is_confirmed_by_who_reads_it(stranger: Any, instance: Instance, house: Party) -> None:
    now = instance.clock.now()
    with instance.database.write() as tx:
        added = contacts.add_contact(tx, house.id, "pat@lib.example", envelope=instance.envelope, actor=house.id, now=now)
    path = CONTACT_PATH + mailed(instance, house.id, added.id, LinkPurpose.VERIFY_CONTACT)[1]
    assert "pat@lib.example" in stranger.get(path)
    with instance.database.read() as tx:
        assert contacts.list_contacts(tx, house.id, envelope=instance.envelope, viewer=house.id)[0].verified_at is None
    stranger.post(f"{path}/confirm", {}, seen=path, status=200)
    with instance.database.read() as tx:
        assert contacts.list_contacts(tx, house.id, envelope=instance.envelope, viewer=house.id)[0].verified_at == now
    assert stranger.get(path, status=404) == stranger.get("/nothing", status=404)


def test_mail_about_a_packet_leads_to_it(instance: Instance, house: Party, delivery: str) -> None:
    from dataclasses import replace

    named = replace(instance, settings=replace(instance.settings, public_url="https://cases.example.net"))
    with instance.database.write() as tx:
        packet = PersonalLinks(named)(tx, house.id, delivery, now=instance.clock.now())
        other = PersonalLinks(named)(tx, house.id, house.id, now=instance.clock.now())
    assert packet.startswith("https://cases.example.net/packet/clh.lnk_")
    assert other == "https://cases.example.net/"
