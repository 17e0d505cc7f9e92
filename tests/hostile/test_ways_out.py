"""Ways out: redirects to elsewhere, and calls to hosts inside (SSRF)."""

import re
from html import unescape
from urllib.parse import quote, unquote

import msgspec
import pytest

from world import World

ELSEWHERE = (
    "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "///evil.example", "https:evil.example",
    "javascript:alert(1)", "data:text/html,x", " //evil.example", "/%0d%0aLocation:%20https://evil.example", "\r\nLocation: https://evil.example",
    "/x\r\nSet-Cookie: a=b", "http://testserver.local@evil.example", "/\x00//evil.example", "\u2215\u2215evil.example", "evil.example",
)
INSIDE = (
    "http://hooks.example/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://0.0.0.0/", "https://169.254.169.254/latest",
    "https://10.0.0.1/", "https://192.168.1.1/", "https://172.16.0.1/", "https://0x7f.1/", "https://2130706433/", "https://0177.0.0.1/",
    "https://[::ffff:127.0.0.1]/", "https://[fe80::1]/", "https://[fd00::1]/", "https://user:pw@hooks.example/", "https://hooks.example:22/",
    "ftp://hooks.example/", "file:///etc/passwd", "gopher://hooks.example/", "https://hooks.example\\@127.0.0.1/", "https://127.1/",
    "https://127.0.0.1.nip.io@127.0.0.1/", "https://100.64.0.1/", "https://224.0.0.1/", "https://[64:ff9b::7f00:1]/", "https://127.0.0.1%2f@hooks.example/",
    "https://metadata.google.internal/", "https://hooks.local/", "//hooks.example/", "https:///x", "https://",
)


def is_here(location: str) -> bool:
    """Whether a browser stays on this site."""
    return location.startswith("/") and not location.startswith(("//", "/\\")) and not re.search(r"[\x00-\x1f\\]", location)


@pytest.mark.parametrize("back", ELSEWHERE)
def test_going_back_leads_nowhere_else(world: World, back: str) -> None:
    page = world.application.call("GET", "/sign-in?back=" + quote(back, safe=""), {})
    assert page.status == 200
    kept = [unescape(value) for value in re.findall(r'name="back" value="([^"]*)"', page.text)]
    assert kept
    assert all(is_here(value) for value in kept), kept
    assert all(is_here(unescape(value)) for value in re.findall(r'(?:href|action)="([^"]*evil[^"]*)"', page.text))
    person = world.people["desk"]
    for path, fields in (("/theme", {"theme": "dark"}), ("/decisions", {"kind": "merge", "reason": "x"}), ("/decisions/undo", {"decision": "dec_x"})):
        body = "&".join(f"{name}={quote(value, safe='')}" for name, value in {**person.form, **fields, "back": back}.items()).encode()
        answer = world.application.call("POST", path, {**person.headers, "Content-Type": "application/x-www-form-urlencoded"}, body)
        assert answer.status in (303, 404, 422), (path, answer.status, answer.text[:300])
        if answer.status == 303:
            assert is_here(answer.header("location")), answer.header("location")
        assert sum(name == "location" for name, _ in answer.headers) <= 1
        assert not any(value.startswith("a=b") for name, value in answer.headers if name == "set-cookie")


def test_sign_in_is_asked_for_with_the_way_back_on_this_site(world: World) -> None:
    for path in ("/inbox", "//evil.example/inbox", "/%5cevil.example", "/cases/%2f%2fevil.example"):
        answer = world.application.call("GET", path, {})
        if answer.status == 303:
            location = answer.header("location")
            assert location.startswith("/sign-in?back=")
            page = world.application.call("GET", location, {})
            assert all(is_here(unescape(value)) for value in re.findall(r'name="back" value="([^"]*)"', page.text))


@pytest.mark.parametrize("bad", ["\U0001f4a9", "a%0d%0aX-Evil:%201", "%00", "%ff", "x" * 4000, "..%2f..%2fadmin", "a?b", "%2e%2e", "a b", "a;b"])
def test_id_that_is_none_stays_out_of_headers(world: World, bad: str) -> None:
    person = world.people["desk"]
    for path in ("embargo/fact", "participants", "documents", "status", "close", "leave"):
        body = "&".join(f"{name}={value}" for name, value in {**person.form, "reason": "x"}.items()).encode()
        headers = {**person.headers, "Content-Type": "application/x-www-form-urlencoded"}
        answer = world.application.call("POST", f"/cases/{bad}/{path}", headers, body)
        assert answer.status in (303, 404, 422), (path, answer.status, answer.text[:200])
        assert not any(name == "x-evil" for name, _ in answer.headers)
        if answer.status == 303:
            assert is_here(answer.header("location")), answer.header("location")


@pytest.mark.parametrize("url", INSIDE)
def test_webhook_to_a_host_inside_is_refused(world: World, url: str) -> None:
    before = world.application.events()
    answer = world.call("vendor", "POST", "/api/v1/webhooks", {"url": url, "kinds": ["case.updated"]})
    assert answer.status == 422, (url, answer.status, answer.text)
    assert world.application.events() == before


@pytest.mark.parametrize("url", ["https://127.0.0.1/x/y", "https://localhost/x/y", "file:///etc/passwd", "https://169.254.169.254/latest/meta-data",
                                 "https://github.com@127.0.0.1/x/y", "https://github.com.evil.example/x/y"])
def test_charter_is_fetched_from_no_host_inside(world: World, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    monkeypatch.setattr("socket.create_connection", lambda *arguments, **options: called.append(arguments))
    person, vendor = world.people["vendor"], world.id("vendor's")
    headers = {**person.headers, "Content-Type": "application/x-www-form-urlencoded"}
    form = "&".join(f"{name}={value}" for name, value in person.form.items())
    answer = world.application.call("POST", f"/maintainer/{vendor}/claim", headers, f"{form}&repository={quote(url, safe='')}".encode())
    claims = re.findall(r'name="claim" value="(clm_[a-z2-7]{26})"', world.application.call("GET", "/maintainer", person.headers).text)
    assert answer.status < 500
    for claim in claims:
        fetched = world.application.call("POST", f"/maintainer/{vendor}/fetch", headers, f"{form}&claim={claim}".encode())
        assert fetched.status < 500
    assert called == []


def test_host_header_moves_nothing(world: World) -> None:
    for host in ("evil.example", "evil.example:80", "testserver.local@evil.example", "", "a b"):
        for path in ("/", "/sign-in", "/submit", "/api/openapi.json", "/ledger"):
            answer = world.application.call("GET", path, {"Host": host, "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"})
            assert answer.status in (200, 400), (host, path, answer.status)
            assert b"evil.example" not in answer.everything()


def test_link_of_the_page_of_an_error_holds_nothing_of_the_address(world: World) -> None:
    answer = world.application.call("GET", "/no/such/%22%3E%3Cscript%3Ealert(1)%3C/script%3E", {})
    assert answer.status == 404
    assert b"alert(1)" not in answer.everything()
    assert unquote("%3Cscript%3E") not in answer.text


def test_problem_of_a_program_quotes_no_header(world: World) -> None:
    answer = world.call("desk", "POST", "/api/v1/decisions", {"kind": "<script>", "reports": ["a"], "reason": "x"})
    assert answer.status == 422
    assert answer.header("content-type") == "application/problem+json"
    assert msgspec.json.decode(answer.body)["status"] == 422
