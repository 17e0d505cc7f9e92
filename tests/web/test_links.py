"""A case by signed link: no account, no session, one case, and nothing used up by looking."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from clearinghouse.app.channels.links import PATH
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.coordination.rooms.records import CaseRole
from clearinghouse.parties import actions as parties
from clearinghouse.parties.identity.links.actions import make_link, revoke_link
from clearinghouse.parties.identity.links.records import Link, LinkPurpose
from clearinghouse.parties.identity.links.store import find_link
from clearinghouse.parties.records import Party, PartyKind


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.fixture
def house(instance: Instance) -> Party:
    """A vendor that nobody signs in for."""
    with instance.database.write() as tx:
        return parties.add_party(
            tx, PartyKind.ORGANISATION, "Picture Makers", frozenset({Role.VENDOR}), actor=instance.actor.id, now=instance.clock.now()
        )


@pytest.fixture
def case(coordinator: Any, instance: Instance, house: Party) -> str:
    """A case with one flaw to which the vendor is invited."""
    coordinator.post(
        "/submit", {"product": "libpicture", "what": "Overflow in tiff_read_strip", "where": "tiff_read_strip", "reproduce": "open poc.tiff"},
        seen="/submit", files={"file": ("", b"")},
    )
    report = re.search(r'href="/reports/(rep_[a-z2-7]{26})"', coordinator.get("/inbox"))
    assert report is not None
    now, me, envelope, limits = instance.clock.now(), instance.actor.id, instance.envelope, instance.policy.rooms
    with instance.database.write() as tx:
        found = rooms.open_case(
            tx, [report[1]], "Overflow in libpicture", policy_version=1, actor=me, envelope=envelope, limits=limits, now=now
        )
        rooms.add_vulnerability(tx, found, "tiff_read_strip", actor=me, envelope=envelope, limits=limits, now=now)
        rooms.invite(tx, found, house.id, CaseRole.VENDOR, "its parser", actor=me, envelope=envelope, limits=limits, now=now)
    return found


def mailed(instance: Instance, party: Party, case: str, **other: Any) -> tuple[Link, str]:
    with instance.database.write() as tx:
        link, text = make_link(
            tx, party.id, other.pop("about", case), other.pop("purpose", LinkPurpose.ACT_ON_CASE), once=False, policy=instance.policy.identity,
            actor=instance.system, now=instance.clock.now(), **other,
        )
    return link, PATH + text


def test_link_from_invitation_to_decline(coordinator: Any, stranger: Any, instance: Instance, house: Party, case: str) -> None:
    link, path = mailed(instance, house, case)
    page = words(stranger.get(path))
    assert "asks Picture Makers to take part as vendor" in page
    assert "tiff_read_strip" not in page
    stranger.post(f"{path}/accept", {}, seen=path)
    page = stranger.get(path)
    assert "Overflow in libpicture" in words(page)
    flaw = re.search(r'<option value="(vul_[a-z2-7]{26})"', page)
    assert flaw is not None
    stranger.post(f"{path}/status", {"vulnerability": flaw[1], "status": "known_affected", "statement": "since 2.0"}, seen=path)
    stranger.post(f"{path}/message", {"body": "we <script>alert(1)</script> *look*"}, seen=path)
    page = stranger.get(path)
    assert "<em>look</em>" in page
    assert "<script>alert" not in page
    assert "known affected" in words(coordinator.get(f"/cases/{case}"))
    stranger.get(f"/cases/{case}", status=303)
    refused = stranger.post(f"{path}/decline", {"reason": ""}, seen=path, status=422)
    assert "reason" in words(refused.text)
    assert "coordinators are told why" in words(stranger.post(f"{path}/decline", {"reason": "not ours"}, seen=path, status=200).text)
    assert stranger.get(path, status=404) == stranger.get("/nothing", status=404)
    with instance.database.read() as tx:
        kept = find_link(tx, link.id)
    assert kept is not None
    assert kept[0].used_at is not None


def test_looking_uses_nothing_up(stranger: Any, instance: Instance, house: Party, case: str) -> None:
    link, path = mailed(instance, house, case)
    stranger.get(path)
    stranger.get(path)
    with instance.database.read() as tx:
        kept = find_link(tx, link.id)
    assert kept is not None
    assert kept[0] == link


def test_invitation_is_declined_by_link_with_a_reason(coordinator: Any, stranger: Any, instance: Instance, house: Party, case: str) -> None:
    _, path = mailed(instance, house, case)
    stranger.post(f"{path}/refuse", {"reason": "not ours"}, seen=path, status=200)
    stranger.get(path, status=404)
    assert "declined" in words(coordinator.get(f"/cases/{case}?part=people"))


def test_link_that_is_not_good_is_the_page_of_nothing(stranger: Any, instance: Instance, house: Party, case: str) -> None:
    nothing = stranger.get("/nothing", status=404)
    other, wrong_purpose = mailed(instance, house, case, purpose=LinkPurpose.EDIT_CHARTER)
    _, no_case = mailed(instance, house, house.id)
    revoked, revoked_path = mailed(instance, house, case)
    _, short = mailed(instance, house, case, expires_at=instance.clock.now() + timedelta(seconds=1))
    with instance.database.write() as tx:
        revoke_link(tx, revoked.id, actor=instance.actor.id, now=instance.clock.now())
    for path in (f"{PATH}clh.{other.id}.aaaa", f"{PATH}x", wrong_purpose, no_case, revoked_path):
        assert stranger.get(path, status=404) == nothing
        assert stranger.post(f"{path}/accept", {}, seen="/submit", status=404).text == nothing
    assert isinstance(instance.clock, FixedClock)
    instance.clock.at += timedelta(seconds=2)
    assert stranger.get(short, status=404) == nothing


def test_link_needs_the_token_of_the_page(stranger: Any, instance: Instance, house: Party, case: str) -> None:
    _, path = mailed(instance, house, case)
    assert stranger.request("POST", f"{path}/accept", data={}).status_code == 403
    assert "asks Picture Makers" in words(stranger.get(path))
