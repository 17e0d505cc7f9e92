"""A one-person project over HTTP, from enrolling itself to its first answer: no administrator lifts a finger for it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from typing import Any

import pyotp
import pytest

from clearinghouse.app import charter_fetch
from clearinghouse.app.packets import deliver_waiting, queue_packet
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.ids import PartyId
from clearinghouse.core.product import normalise_package
from clearinghouse.disclosure.intake.records import Finding
from room_cast import Cast

CHARTER = 'charter = 1\n[project]\nname = "libpicture"\nrepositories = ["https://github.com/ada/libpicture"]\n'


@dataclass
class Answered:
    """What the repository's host says."""

    url: str
    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, words(text)
    return match[1]


def enrolled(stranger: Any, clock: FixedClock) -> None:
    """Somebody who enrolled a project, chose a password and signed in with it."""
    password = "a sentence that nobody knows"
    stranger.post("/enrol", {"name": "Ada", "project": "libpicture"}, seen="/enrol")
    page = stranger.post("/account/password", {"password": password, "password_again": password}, seen="/account", status=200).text
    totp = pyotp.TOTP(found(r'<code class="id whole">([A-Z2-7]+)</code>', page))
    setup = found(r'name="setup" value="([^"]+)"', page)
    stranger.post("/account/password/confirm", {"setup": setup, "code": totp.at(clock.now())}, seen="/account", status=200)
    login = found(r"(pty_[a-z2-7]{26})", stranger.get("/account"))
    stranger.post("/sign-out", {}, seen="/account")
    clock.at += timedelta(seconds=30)
    stranger.post("/sign-in", {"name": login, "password": password, "code": totp.at(clock.now())}, seen="/sign-in")


def test_project_enrols_writes_its_charter_and_answers(
    stranger: Any, instance: Instance, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolled(stranger, clock)
    assert "My projects" in words(stranger.get("/queue"))
    page = stranger.get("/maintainer")
    vendor = found(r'action="/maintainer/(pty_[a-z2-7]{26})/claim"', page)
    base = f"/maintainer/{vendor}"
    refused = stranger.post(f"{base}/charter", {"charter": CHARTER}, seen="/maintainer", status=403)
    assert "nothing that this charter names is proven" in words(refused.text)
    stranger.post(f"{base}/claim", {"repository": "https://github.com/ada/libpicture"}, seen="/maintainer")
    claim = found(r'name="claim" value="(clm_[a-z2-7]{26})"', stranger.get("/maintainer"))
    body = CHARTER.replace("repositories", f'claims = ["{claim}"]\nrepositories').encode()
    monkeypatch.setattr(charter_fetch, "fetch_of", lambda _: lambda url, headers: Answered(url, body))
    stranger.post(f"{base}/fetch", {"claim": claim}, seen="/maintainer")
    stranger.post(f"{base}/charter", {"charter": CHARTER + "[capacity]\nper_week = 1\n"}, seen="/maintainer")
    assert "1 a week; exploited flaws pass" in words(stranger.get("/maintainer"))
    cast = Cast(instance)
    flaw = Finding(
        title="Overflow in tiff_read_strip", repository="https://github.com/ada/libpicture", reproduction="run it",
        packages=(normalise_package("generic", "libpicture"),),
    )
    queue_packet(instance, PartyId(vendor), cast.open(cast.report(flaw)), reproducer_confirmed=True)
    assert len(deliver_waiting(instance)) == 1
    page = stranger.get("/maintainer")
    assert "Overflow in tiff_read_strip" in words(page)
    delivery = found(r'name="delivery" value="(dlv_[a-z2-7]{26})"', page)
    stranger.post(f"{base}/answer", {"delivery": delivery, "answer": "accept"}, seen="/maintainer")
    assert "accept" in words(stranger.get("/maintainer"))


def test_one_who_enrolled_speaks_for_no_other_project(stranger: Any, instance: Instance, clock: FixedClock) -> None:
    enrolled(stranger, clock)
    cast = Cast(instance)
    for deed in ("charter", "claim", "answer"):
        stranger.post(f"/maintainer/{cast.id('vendor' + chr(39) + 's')}/{deed}", {"charter": CHARTER}, seen="/maintainer", status=404)
    stranger.get("/admin", status=403)
