"""The administrator's page: what it shows and does, who may not, and that it opens no case by itself."""

import re
from html import unescape
from typing import Any

import httpx
import pytest

from clearinghouse.app.settings import default_policy_document
from clearinghouse.app.wiring import Instance
from clearinghouse.core.roles import Role
from clearinghouse.parties import actions as parties
from clearinghouse.parties.records import PartyKind
from web_support import Browser, signed_in


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def person(client: Any, instance: Instance, name: str, *roles: Role) -> Browser:
    """Somebody of the founding organisation, signed in."""
    with instance.database.write() as tx:
        made = parties.add_party(
            tx, PartyKind.PERSON, name, frozenset(roles), organisation=instance.actor.organisation, actor=instance.actor.id, now=instance.clock.now()
        )
    return signed_in(client, instance, made)


@pytest.fixture
def root(client: Any, instance: Instance) -> Browser:
    """An administrator and nothing else."""
    return person(client, instance, "Root", Role.ADMINISTRATOR)


def test_policy_is_put_in_force_once_and_wrong_ones_come_back(root: Browser) -> None:
    wrong = root.post("/admin/policy", {"version": "2", "policy": "[nonsense]\nx = 1"}, seen="/admin", status=422)
    assert "unknown tables nonsense" in words(wrong.text)
    assert "[nonsense]" in wrong.text
    root.post("/admin/policy", {"version": "2", "policy": default_policy_document()}, seen="/admin")
    assert "Version 2 in force" in words(root.get("/admin"))
    late = root.post("/admin/policy", {"version": "2", "policy": default_policy_document()}, seen="/admin", status=409)
    assert "the next policy version is 3" in words(late.text)


def test_party_is_added_and_somebody_invited(root: Browser, client: Any) -> None:
    root.post("/admin/parties", {"name": "Picture Makers", "kind": "organisation", "role": "vendor"}, seen="/admin")
    assert "Picture Makers organisation" in words(root.get("/admin"))
    shown = root.post("/admin/invitations", {"organisation": "Picture Makers", "role": "vendor"}, seen="/admin", status=200)
    address = re.search(r"/enrol\?invitation=([^<\s]+)</code>", shown.text)
    assert address is not None
    assert address[1] not in root.get("/admin")
    guest = Browser(client, httpx.Cookies())
    assert "Picture Makers" in words(guest.get(f"/enrol?invitation={address[1]}"))
    refused = root.post("/admin/invitations", {"organisation": "Picture Makers"}, seen="/admin", status=422)
    assert "an invitation names one or more of" in words(refused.text)


def test_glass_breaks_by_two_people_and_never_by_one(root: Browser, client: Any, instance: Instance, coordinator: Browser) -> None:
    coordinator.post(
        "/submit", {"product": "libpicture", "what": "Overflow in tiff_read_strip", "where": "tiff_read_strip"}, seen="/submit", files={"file": ("", b"")},
    )
    report = re.search(r'href="/reports/(rep_[a-z2-7]{26})"', coordinator.get("/inbox"))
    assert report is not None
    second = person(client, instance, "Second", Role.COORDINATOR)
    second.get(f"/reports/{report[1]}", status=404)
    second.post("/admin/glass", {"object": report[1], "reason": "a court <asks>"}, seen="/admin")
    asked = re.search(r'name="request" value="(brk_[a-z2-7]{26})"', root.get("/admin"))
    assert asked is not None
    assert "a court <asks>" in words(root.get("/admin"))
    second.post("/admin/glass/confirm", {"request": asked[1]}, seen="/admin")
    assert "takes two persons" in words(second.get("/admin"))
    second.get(f"/reports/{report[1]}", status=404)
    root.post("/admin/glass/confirm", {"request": asked[1]}, seen="/admin")
    assert "tiff_read_strip" in second.get(f"/reports/{report[1]}")
    assert "Picture" not in words(second.get("/admin"))


def test_session_of_anybody_is_ended(root: Browser, client: Any, instance: Instance) -> None:
    other = person(client, instance, "Other", Role.COORDINATOR)
    other.get("/queue")
    session = re.search(r'name="session" value="(ses_[a-z2-7]{26})">End<span class="hidden"> Other', root.get("/admin"))
    assert session is not None
    root.post("/admin/sessions/end", {"session": session[1]}, seen="/admin")
    other.get("/queue", status=303)


def test_administrator_reads_no_case_and_others_no_administration(root: Browser, client: Any, instance: Instance, stranger: Browser) -> None:
    root.get("/inbox", status=403)
    root.get("/cases", status=403)
    vendor = person(client, instance, "Pat", Role.VENDOR)
    vendor.get("/admin", status=403)
    stranger.get("/admin", status=303)
    looker = person(client, instance, "Seer", Role.OVERSEER)
    assert "Policy" not in words(looker.get("/admin"))
    looker.post("/admin/parties", {"name": "x", "kind": "organisation"}, seen="/admin", status=403)
