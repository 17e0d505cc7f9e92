"""The first pages over HTTP: a stranger's report and the way back to it, an account, the inbox, decisions and undo."""

import re
from html import unescape
from typing import Any

import pyotp
import pytest

from clearinghouse.app import process
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock

FORM = {"product": "libpicture 2.3.1", "what": "tiff_read_strip() writes past <b>its buffer</b>", "where": "tiff_read_strip", "share_with_vendor": "on"}


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_stranger_reports_and_comes_back_with_the_code(stranger: Any) -> None:
    sent = stranger.post("/submit", FORM, seen="/submit", status=200, files={"file": ("", b"")})
    code = re.search(r'<code class="code">([^<]+)</code>', sent.text)
    assert code is not None
    again = type(stranger)(stranger.client, type(stranger.cookies)())
    wrong = again.post("/status", {"code": "aaaa-bbbb"}, seen="/status", status=200)
    assert "No receipt has this code" in words(wrong.text)
    again.post("/status", {"code": code[1].upper()}, seen="/status")
    page = again.get("/status")
    assert "tiff_read_strip() writes past" in words(page)
    assert "received" in words(page)
    assert "<b>its buffer" not in page
    again.get("/queue", status=403)


def test_stranger_takes_a_report_back_by_its_code_before_anybody_looked(stranger: Any, coordinator: Any) -> None:
    sent = stranger.post("/submit", FORM, seen="/submit", status=200, files={"file": ("", b"")})
    code = re.search(r'<code class="code">([^<]+)</code>', sent.text)
    assert code is not None
    stranger.post("/status", {"code": code[1]}, seen="/status")
    assert "Reinstate" not in words(stranger.get("/status"))
    stranger.post("/status/withdraw", {"reason": "<i>wrong</i> branch"}, seen="/status")
    page = words(stranger.get("/status"))
    assert "taken back" in page
    assert "Withdraw the report" not in page
    inbox = coordinator.get("/inbox")
    assert "withdrawn" in words(inbox)
    report = re.search(r'href="(/reports/rep_[a-z2-7]{26})"', inbox)
    assert report is not None
    seen = coordinator.get(report[1])
    assert "Its sender took this report back" in words(seen)
    assert "wrong" in words(seen)
    assert "<i>wrong" not in seen
    assert 'action="/cases"' not in seen
    assert "/reinstate" not in seen
    stranger.post("/status/reinstate", {}, seen="/status")
    assert "taken back" not in words(stranger.get("/status"))
    assert 'action="/cases"' in coordinator.get(report[1])


def test_sender_takes_a_report_back_on_its_page(coordinator: Any) -> None:
    coordinator.post("/submit", {"product": "p", "what": "SQL injection in login"}, seen="/submit", files={"file": ("", b"")})
    report = re.search(r'href="(/reports/rep_[a-z2-7]{26})"', coordinator.get("/inbox"))
    assert report is not None
    coordinator.post(f"{report[1]}/withdraw", {"reason": "mine was wrong"}, seen=report[1])
    page = words(coordinator.get(report[1]))
    assert "You took this report back" in page
    assert "mine was wrong" in page
    coordinator.post(f"{report[1]}/reinstate", {}, seen=report[1])
    assert "You took this report back" not in words(coordinator.get(report[1]))


def test_report_without_words_is_sent_back_with_what_was_typed(stranger: Any) -> None:
    sent = stranger.post("/submit", {**FORM, "what": ""}, seen="/submit", status=422, files={"file": ("", b"")})
    assert "Say what is wrong" in words(sent.text)
    assert 'value="libpicture 2.3.1"' in sent.text


def test_coordinator_merges_in_two_clicks_and_undoes_in_one(coordinator: Any, instance: Instance) -> None:
    for text in ("SQL injection in login of the shop", "Overflow while reading a picture strip"):
        coordinator.post("/submit", {"product": "p", "what": text}, seen="/submit", files={"file": ("", b"")})
    process.deconflict(instance, settle=True)
    inbox = coordinator.get("/inbox")
    reports = list(dict.fromkeys(re.findall(r'href="/reports/(rep_[a-z2-7]{26})"', inbox)))
    assert len(reports) == 2
    compared = f"/reports/{reports[0]}/compare/{reports[1]}"
    assert "Same flaw: merge" in words(coordinator.get(compared))
    body = {"kind": "merge", "reports": reports, "reason": "one root cause", "back": compared}
    assert coordinator.post("/decisions", body, seen=compared).headers["location"] == compared
    page = coordinator.get(compared)
    assert "They are one flaw now" in words(page)
    decision = re.search(r'name="decision" value="(dec_[a-z2-7]{26})"', page)
    assert decision is not None
    coordinator.post("/decisions/undo", {"decision": decision[1], "back": compared}, seen=compared)
    assert "stands as it did before" in words(coordinator.get(compared))


def test_account_of_one_s_own_from_nothing_to_a_session(stranger: Any, clock: FixedClock) -> None:
    stranger.post("/enrol", {"name": "Ada", "project": "libpicture"}, seen="/enrol")
    secret_page = stranger.post(
        "/account/password", {"password": "a sentence that nobody knows", "password_again": "a sentence that nobody knows"}, seen="/account", status=200
    ).text
    key = re.search(r'<code class="id whole">([A-Z2-7]+)</code>', secret_page)
    setup = re.search(r'name="setup" value="([^"]+)"', secret_page)
    assert key is not None
    assert setup is not None
    code = pyotp.TOTP(key[1]).at(clock.now())
    done = stranger.post("/account/password/confirm", {"setup": setup[1], "code": code}, seen="/account", status=200)
    assert "recovery codes" in words(done.text)
    stranger.post("/sign-out", {}, seen="/account")
    assert stranger.request("GET", "/account").headers["location"].startswith("/sign-in?back=")


@pytest.mark.parametrize("path", ["/inbox", "/queue", "/account", "/reports/x"])
def test_pages_that_need_somebody_lead_to_the_sign_in_and_back(stranger: Any, path: str) -> None:
    answer = stranger.request("GET", path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?back={path}")


@pytest.mark.parametrize("back", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_nobody_is_led_off_this_site(stranger: Any, back: str) -> None:
    page = stranger.get("/sign-in?back=" + back)
    assert "evil" not in page
    assert stranger.post("/theme", {"theme": "dark", "back": back}, seen="/").headers["location"] == "/"


def test_form_of_another_site_does_nothing(coordinator: Any) -> None:
    token = re.search(r'name="_csrf_token" value="([0-9a-f]+)"', coordinator.get("/inbox"))
    assert token is not None
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = coordinator.request("POST", "/sign-out", data={"_csrf_token": token[1]}, headers=headers)
        assert answer.status_code == 403
    assert coordinator.request("POST", "/sign-out", data={"_csrf_token": "0" * 64}).status_code == 403
    coordinator.get("/inbox")


def test_what_is_not_there_and_what_is_nobody_s_are_one_page(coordinator: Any) -> None:
    pages = {coordinator.get(path, status=404) for path in ("/reports/rep_" + "a" * 26, "/reports/x", "/no/such/page", "/static/../secret")}
    assert len(pages) == 1
