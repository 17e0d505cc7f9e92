"""A case room as pages: opened from a report, answered by a vendor, and nothing for who is not of it."""

import re
from html import unescape
from typing import Any

import pytest

from clearinghouse.app.wiring import Instance
from clearinghouse.core.roles import Role
from clearinghouse.parties import actions as parties
from clearinghouse.parties.records import PartyKind
from web_support import signed_in


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.fixture
def vendor(client: Any, instance: Instance) -> Any:
    """Somebody of a vendor, signed in."""
    now = instance.clock.now()
    with instance.database.write() as tx:
        house = parties.add_party(tx, PartyKind.ORGANISATION, "Picture Makers", frozenset({Role.VENDOR}), actor=instance.actor.id, now=now)
        person = parties.add_party(
            tx, PartyKind.PERSON, "Pat", frozenset({Role.VENDOR}), organisation=house.id, actor=instance.actor.id, now=now
        )
    return signed_in(client, instance, person)


@pytest.fixture
def case(coordinator: Any) -> str:
    """A case of one report."""
    coordinator.post(
        "/submit", {"product": "libpicture", "what": "Overflow in tiff_read_strip", "where": "tiff_read_strip", "reproduce": "open poc.tiff"},
        seen="/submit", files={"file": ("", b"")},
    )
    report = re.search(r'href="/reports/(rep_[a-z2-7]{26})"', coordinator.get("/inbox"))
    assert report is not None
    opened = coordinator.post("/cases", {"reports": report[1], "title": "Overflow in libpicture"}, seen=f"/reports/{report[1]}")
    return str(opened.headers["location"])


def test_room_from_invitation_to_a_vendor_s_word(coordinator: Any, vendor: Any, case: str) -> None:
    vendor.get(case, status=404)
    coordinator.post(f"{case}/participants", {"party": "Picture Makers", "role": "vendor", "reason": "its parser"}, seen=f"{case}?part=people")
    coordinator.post(f"{case}/flaws", {"title": "tiff_read_strip", "identifiers": "CVE-2026-1234"}, seen=case)
    assert "asks Picture Makers to take part as vendor" in words(vendor.get("/cases"))
    vendor.post(f"{case}/accept", {}, seen="/cases")
    page = vendor.get(case)
    flaw = re.search(r'<option value="(vul_[a-z2-7]{26})"', page)
    assert flaw is not None
    vendor.post(f"{case}/status", {"vulnerability": flaw[1], "status": "known_affected", "statement": "since *2.0* <b>2.0</b>"}, seen=case)
    thread = re.search(r'name="thread" value="(thr_[a-z2-7]{26})"', vendor.get(f"{case}?part=threads"))
    assert thread is not None
    vendor.post(f"{case}/messages", {"thread": thread[1], "body": "we <script>alert(1)</script> *look*"}, seen=f"{case}?part=threads")
    page = coordinator.get(f"{case}?part=threads")
    assert "<script>alert" not in page
    assert "<em>look</em>" in page
    assert "known affected" in words(coordinator.get(case))
    assert "<summary>Statement</summary>" in coordinator.get(case)
    assert "since <b>2.0" not in coordinator.get(case)
    assert "since <em>2.0</em>" in coordinator.get(case)
    for part in ("people", "documents", "record"):
        assert "Overflow in libpicture" in words(vendor.get(f"{case}?part={part}"))


def test_room_says_what_is_new_and_that_it_was_read(coordinator: Any, vendor: Any, case: str) -> None:
    coordinator.post(f"{case}/participants", {"party": "Picture Makers", "role": "vendor", "reason": "its parser"}, seen=f"{case}?part=people")
    vendor.post(f"{case}/accept", {}, seen="/cases")
    assert ">new: show</a>" in vendor.get(case)
    thread = re.search(r'name="thread" value="(thr_[a-z2-7]{26})"', coordinator.get(f"{case}?part=threads"))
    assert thread is not None
    for body in ("one", "two"):
        coordinator.post(f"{case}/messages", {"thread": thread[1], "body": body}, seen=f"{case}?part=threads")
    bar = re.search(r'<p class="live"([^>]*)><a class="live-link" href="([^"]*)">([^<]*)</a>', vendor.get(case))
    assert bar is not None
    assert (" hidden" in bar[1], bar[2], bar[3]) == (False, f"{case}?part=threads", "2 new messages: show")
    last = re.findall(r'name="message" value="(msg_[a-z2-7]{26})"', vendor.get(f"{case}?part=threads"))
    vendor.post(f"{case}/read", {"thread": thread[1], "message": last[0]}, seen=f"{case}?part=threads")
    assert ">new: show</a>" in vendor.get(case)
    assert "Mark as read" not in vendor.get(f"{case}?part=threads")


def test_document_is_sent_as_something_no_browser_runs(coordinator: Any, case: str) -> None:
    coordinator.post(
        f"{case}/documents", {"kind": "reproducer", "tlp": "AMBER"}, seen=f"{case}?part=documents", files={"file": ('a"\r\nb.svg', b"<svg onload=alert(1)>")}
    )
    link = re.search(rf'href="({case}/documents/doc_[a-z2-7]{{26}})"', coordinator.get(f"{case}?part=documents"))
    assert link is not None
    answer = coordinator.request("GET", link[1])
    assert (answer.content, answer.headers["content-type"]) == (b"<svg onload=alert(1)>", "application/octet-stream")
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")


def test_what_if_and_proposal_stand_beside_every_part(coordinator: Any, case: str) -> None:
    page = coordinator.get(f"{case}?part=record&what_if=2026-12-01T10:00")
    assert "What would follow" in page
    coordinator.post(f"{case}/embargo/propose", {"ends_at": "2026-12-20T10:00", "reason": "time to test"}, seen=case)
    assert "2026-12-20" in coordinator.get(case)
    assert "no date and time" in words(coordinator.get(f"{case}?what_if=soon"))


def test_refused_message_comes_back_with_its_text(coordinator: Any, case: str) -> None:
    thread = re.search(r'name="thread" value="(thr_[a-z2-7]{26})"', coordinator.get(f"{case}?part=threads"))
    assert thread is not None
    coordinator.post(f"{case}/close", {"reason": "done"}, seen=case)
    token = re.search(r'name="_csrf_token" value="([0-9a-f]+)"', coordinator.get(case))
    assert token is not None
    late = coordinator.request("POST", f"{case}/messages", data={"_csrf_token": token[1], "thread": thread[1], "body": "a long thought"})
    assert late.status_code == 409
    assert "not open" in words(late.text) or "closed" in words(late.text)
