"""Forms of somebody else's page (CSRF): every form there is, sent without what only our own page can know."""

import dataclasses

import pytest

import leak_tables as tables
import walking
from walking import Question, Route
from world import World

ELSEWHERE = {
    "another origin": {"Origin": "https://evil.example"}, "no origin, of another site": {"Origin": "null", "Sec-Fetch-Site": "cross-site"}, "another site": {"Sec-Fetch-Site": "cross-site"},
    "a neighbour": {"Sec-Fetch-Site": "same-site"}, "an origin that looks like ours": {"Origin": "http://testserver.local.evil.example"},
    "an origin that is none": {"Origin": "http://["}, "an origin without a host": {"Origin": "file://"},
    "an origin with our name in it": {"Origin": "https://evil.example/testserver.local"},
}
OF_SCRIPTS = {"/account/passkeys/options", "/account/passkeys", "/sign-in/passkey/options", "/sign-in/passkey"}


def forms(world: World) -> list[Route]:
    """Every deed of a page."""
    return [
        route for route in walking.routes_of(world.application.app)
        if route.method not in ("GET", "HEAD") and tables.is_page(route.key) and route.method in ("POST", "PUT", "PATCH", "DELETE")
    ]


def asked(world: World, route: Route, fields: dict[str, str]) -> Question:
    """A form filled in as well as the tables know, its token among `fields`."""
    template = next(iter(tables.BODIES.get(route.key, [])), tables.Template(form={"a": "b"}))
    if template.form is None and template.json is None and not template.body:
        template = dataclasses.replace(template, form={})
    values = {
        place: next((thing.id for thing in world.things if thing.kind == tables.ALIASES.get(place, place)), "x_" + "a" * 26)
        for place in walking.places_of(route, template)
    }
    if route.path in OF_SCRIPTS:
        headers = {"Content-Type": "application/json", "X-CSRFToken": "".join(fields.values())}
        return Question(route.method, route.path, headers, b"{}")
    return walking.question(route, template, walking.Filling(values), more=fields)


def refused(world: World, route: Route, fields: dict[str, str], more: dict[str, str], who: str = "desk") -> str:
    """What went wrong with the refusal; empty where it was one."""
    before = world.application.events()
    each = asked(world, route, fields)
    answer = world.application.call(each.method, each.target, {**world.people[who].headers, **each.headers, **more}, each.body)
    done = world.application.events() - before
    return "" if answer.status in (403, 404, 422) and not done else f"{route.key}: {answer.status}, {done} events, {answer.text[:200]}"


@pytest.mark.parametrize("where", sorted(ELSEWHERE))
def test_form_of_another_site_does_nothing(world: World, where: str) -> None:
    token = world.people["desk"].form
    said = [refused(world, route, token, ELSEWHERE[where]) for route in forms(world)]
    assert [entry for entry in said if entry] == []
    assert len(said) > 40


@pytest.mark.parametrize("token", ["none", "empty", "of somebody else", "cut", "of no browser"])
def test_form_without_its_token_does_nothing(world: World, token: str) -> None:
    [(name, own)] = world.people["desk"].form.items()
    sent = {
        "none": {}, "empty": {name: ""}, "of somebody else": dict(world.people["finder"].form), "cut": {name: own[:-1]}, "of no browser": {name: own},
    }[token]
    more = {"Cookie": world.people["desk"].headers["Cookie"].split(";")[0]} if token == "of no browser" else {}
    said = [refused(world, route, sent, more) for route in forms(world)]
    assert [entry for entry in said if entry] == []


def test_form_of_our_own_page_does_something(world: World) -> None:
    """Else the tests above would hold for forms that nobody can send."""
    [route] = [route for route in forms(world) if route.path == "/cases/{case_id}/flaws"]
    for more in ({"Origin": "http://testserver.local", "Sec-Fetch-Site": "same-origin"}, {"Origin": "null", "Sec-Fetch-Site": "same-origin"}, {}):
        assert "303, 1 events" in refused(world, route, world.people["desk"].form, more)


def test_session_opens_no_route_of_the_api(world: World, case: str) -> None:
    cookie = {"Cookie": world.people["desk"].headers["Cookie"]}
    for method, target in (("GET", f"/api/v1/cases/{case}"), ("POST", f"/api/v1/cases/{case}/close"), ("GET", "/api/v1/reports")):
        assert world.application.call(method, target, cookie, b"{}" if method == "POST" else b"").status == 401


def test_cookies_are_for_this_site_and_no_script(world: World) -> None:
    answer = world.application.call("GET", "/sign-in", {})
    cookies = [value.lower() for name, value in answer.headers if name == "set-cookie"]
    assert cookies
    assert all("httponly" in value and "samesite=lax" in value and "domain=" not in value for value in cookies)


@pytest.mark.parametrize("override", [
    {"X-HTTP-Method-Override": "DELETE"}, {"X-Method-Override": "DELETE"}, {"X-HTTP-Method": "DELETE"},
])
def test_method_is_not_overridden(world: World, case: str, override: dict[str, str]) -> None:
    document = next(thing.id for thing in world.things if thing.kind == "document_id" and thing.parent == case)
    target = f"/api/v1/cases/{case}/documents/{document}"
    assert world.call("desk", "GET", target, headers=override).status == 200
    assert world.call("desk", "POST", target + "?_method=DELETE", headers=override).status == 405
    assert world.call("desk", "GET", target).status == 200
