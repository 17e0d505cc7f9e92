"""The workbench in a real browser against a real server: coordinator, vendor, maintainer by link, stranger; with and without scripts.

With CLEARINGHOUSE_SCREENSHOTS=1 the pictures of the documentation are made anew.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from clearinghouse.app.channels.links import PATH
from clearinghouse.app.demo.run import Result, run
from clearinghouse.app.views.case_room import read_room
from clearinghouse.app.views.report import compare, read_report
from clearinghouse.app.wiring import Instance
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.coordination.rooms.records import CaseRole
from clearinghouse.parties import actions as parties
from clearinghouse.parties.identity.links.actions import make_link
from clearinghouse.parties.identity.links.records import LinkPurpose
from clearinghouse.parties.identity.sessions.actions import start_session
from clearinghouse.parties.identity.sessions.records import SignInMethod
from clearinghouse.parties.records import Party, PartyKind
from clearinghouse.web.visitor import SESSION
from tests_support import lacking

pytestmark = pytest.mark.browser
CHROMIUM = Path("/usr/bin/chromium")
IMAGES = Path(__file__).resolve().parents[2] / "docs/images"
PICTURES = os.environ.get("CLEARINGHOUSE_SCREENSHOTS") == "1"
_SERVE = (
    "import sys\nfrom granian.constants import Interfaces\nfrom granian.server import Server\n"
    "Server('clearinghouse.server.main:application', address='127.0.0.1', port=int(sys.argv[1]), interface=Interfaces.ASGI, "
    "factory=True, log_enabled=False, websockets=False).serve()"
)


@dataclass
class World:
    """A served instance after its flood, and a browser."""

    shown: Result
    address: str
    browser: Any

    @property
    def instance(self) -> Instance:
        """The same instance in this process."""
        return self.shown.instance

    @property
    def case(self) -> str:
        """The case that the demonstration furnished."""
        assert self.shown.room is not None
        return self.shown.room.case_id

    def somebody(self, name: str, kind: PartyKind, role: Role, home: Party | None = None) -> Party:
        """A new party."""
        me, now = self.instance.actor.id, self.instance.clock.now()
        with self.instance.database.write() as tx:
            return parties.add_party(tx, kind, name, frozenset({role}), organisation=None if home is None else home.id, actor=me, now=now)

    def invite(self, party: Party) -> None:
        """Ask somebody into the case."""
        instance = self.instance
        with instance.database.write() as tx:
            rooms.invite(
                tx, self.case, party.id, CaseRole.VENDOR, "ships the same code", actor=instance.actor.id, envelope=instance.envelope,
                limits=instance.policy.rooms, now=instance.clock.now(),
            )

    @contextmanager
    def page(self, party: Party | None = None, *, scripts: bool = True, width: int = 1280) -> Iterator[Any]:
        """A page of somebody signed in, which must run without an error."""
        context = self.browser.new_context(
            base_url=self.address, viewport={"width": width, "height": 800 if width > 600 else 844}, java_script_enabled=scripts
        )
        if party is not None:
            with self.instance.database.write() as tx:
                found = start_session(
                    tx, party, SignInMethod.PASSKEY, user_agent="test", policy=self.instance.policy.identity, now=self.instance.clock.now()
                )
            context.add_cookies([{"name": SESSION, "value": found.text, "url": self.address}])
        page = context.new_page()
        page.set_default_timeout(20_000)
        said: list[str] = []
        page.on("pageerror", lambda error: said.append(str(error)))
        yield page
        context.close()
        assert said == []

    def pictures(self, name: str, path: str, party: Party | None = None) -> None:
        """The pictures of a page for the documentation, when they are asked for."""
        for width in (1280, 390) if PICTURES else ():
            with self.page(party, width=width) as page:
                page.set_viewport_size({"width": width, "height": 640 if width > 600 else 844})
                page.goto(path)
                page.screenshot(path=IMAGES / f"{name}-{width}.png")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A flood that was sorted, a case that was opened from it, a server and Chromium."""
    if not CHROMIUM.exists():
        lacking("Chromium was not found at /usr/bin/chromium")
    from playwright.sync_api import sync_playwright

    shown = run(tmp_path_factory.mktemp("workbench") / "home")
    with _serving(shown.instance.settings.home) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM))
        yield World(shown, address, browser)
        browser.close()
    shown.instance.close()


@contextmanager
def _serving(home: Path) -> Iterator[str]:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(port)], env={**os.environ, "CLEARINGHOUSE_HOME": str(home), "CLEARINGHOUSE_WORKER": "0"}
    )
    try:
        for _ in range(600):
            try:
                urlopen(f"http://127.0.0.1:{port}/alive", timeout=1).read()
                break
            except OSError:
                assert server.poll() is None, "the server ended by itself"
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(20)


def check(page: Any) -> None:
    """The page has no serious barrier and stays within its width."""
    from axe_playwright_python.sync_playwright import Axe

    found = [
        (page.url, violation["id"], violation["nodes"][0]["html"][:160])
        for violation in Axe().run(page).response["violations"] if violation["impact"] in ("serious", "critical")
    ]
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url


def pairs(world: World) -> list[tuple[str, str]]:
    """Reports that were compared and not joined, most alike first: none of the case that exists, the first of each no public record."""
    instance = world.instance
    taken = {str(packet.report.id) for packet in read_room(instance, world.case).packets}
    alike: list[tuple[float, str, str]] = []
    for shown in world.shown.cases:
        for line in shown.case.reports:
            for candidate in () if line.public or line.id in taken else read_report(instance, line.id).candidates:
                if candidate.id is None or candidate.id in taken:
                    continue
                both = compare(instance, line.id, candidate.id).explained
                if both.one.case_id != both.other.case_id:
                    alike.append((candidate.probability, line.id, candidate.id))
    found: list[tuple[str, str]] = []
    for _, one, other in sorted(alike, reverse=True):
        if not {one, other} & taken:
            found.append((one, other))
            taken |= {one, other}
    return found


def test_coordinator_works_by_keyboard_from_the_inbox_to_a_room(world: World) -> None:
    one, other = pairs(world)[0]
    me = world.instance.actor
    with world.page(me) as page:
        page.goto("/queue")
        check(page)
        page.keyboard.press("g")
        page.keyboard.press("i")
        page.wait_for_url("**/inbox")
        check(page)
        wanted = page.locator(f'[data-item] a.title[href="/reports/{one}"]')
        for _ in range(80):
            page.keyboard.press("j")
            if wanted.evaluate("(link) => link === document.activeElement"):
                break
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/reports/{one}")
        check(page)
        page.locator(f'a[href="/reports/{one}/compare/{other}"]').focus()
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/compare/{other}")
        check(page)
        page.keyboard.press("m")
        page.keyboard.type("one place, one fix")
        page.keyboard.press("Enter")
        page.get_by_text("They are one flaw now").wait_for()
        check(page)
        page.keyboard.press("u")
        page.get_by_text("stands as it did before").wait_for()
        assert page.locator("#reason-m").count() == 1
        page.goto(f"/reports/{one}")
        page.locator("#case-title").press("Enter")
        page.wait_for_url("**/cases/case_*")
        check(page)
        for part in ("threads", "people", "documents", "record"):
            page.goto(page.url.partition("?")[0] + f"?part={part}")
            check(page)
    world.pictures("inbox", "/inbox", me)
    world.pictures("compare", f"/reports/{one}/compare/{other}", me)
    world.pictures("room", f"/cases/{world.case}", me)


def test_coordinator_does_the_same_without_scripts(world: World) -> None:
    one, other = pairs(world)[-1]
    with world.page(world.instance.actor, scripts=False) as page:
        page.goto("/inbox")
        page.locator(f'[data-item] a.title[href="/reports/{one}"]').click()
        page.locator(f'a[href="/reports/{one}/compare/{other}"]').click()
        page.locator('details[data-key="m"] summary').click()
        page.locator("#reason-m").fill("one place, one fix")
        page.get_by_role("button", name="Merge", exact=True).click()
        page.get_by_text("They are one flaw now").wait_for()
        page.get_by_role("button", name="Undo").first.click()
        page.get_by_text("stands as it did before").wait_for()
        page.goto(f"/reports/{one}")
        page.get_by_role("button", name="Open a case").click()
        page.wait_for_url("**/cases/case_*")
        page.get_by_role("link", name="Threads").click()
        page.locator('textarea[name="body"]').first.fill("Who can look at this?")
        page.get_by_role("button", name="Send").first.click()
        page.get_by_text("Who can look at this?").first.wait_for()


def test_vendor_accepts_and_says_how_it_stands(world: World) -> None:
    house = world.somebody("Distro Nine", PartyKind.ORGANISATION, Role.VENDOR)
    person = world.somebody("Pat of Distro Nine", PartyKind.PERSON, Role.VENDOR, house)
    world.invite(house)
    with world.page(person, width=390) as page:
        assert page.goto(f"/cases/{world.case}").status == 404
        page.goto("/cases")
        check(page)
        page.get_by_role("button", name="Accept").click()
        page.wait_for_url("**/cases/case_*")
        check(page)
        page.get_by_text("Say how you stand").click()
        page.locator('select[name="status"]').select_option("known_affected")
        page.locator('textarea[name="statement"]').fill("All of our releases since 2024.")
        page.get_by_role("button", name="Say it").click()
        page.get_by_text("every participant sees it").wait_for()
        assert page.locator(".matrix tbody tr", has_text="Distro Nine").get_by_text("known affected").count() == 1
        page.goto("/maintainer")
        check(page)


def test_maintainer_acts_by_link_without_an_account(world: World) -> None:
    house = world.somebody("Thumbnail tools", PartyKind.ORGANISATION, Role.VENDOR)
    world.invite(house)
    instance = world.instance
    with instance.database.write() as tx:
        _, text = make_link(
            tx, house.id, world.case, LinkPurpose.ACT_ON_CASE, once=False, policy=instance.policy.identity, actor=instance.system,
            now=instance.clock.now(),
        )
    with world.page(width=390) as page:
        page.goto(PATH + text)
        check(page)
        page.get_by_role("button", name="Accept").click()
        page.get_by_text("You take part now").wait_for()
        check(page)
    world.pictures("by-link", PATH + text)
    with world.page(scripts=False) as page:
        page.goto(PATH + text)
        page.locator('select[name="status"]').select_option("under_investigation")
        page.get_by_role("button", name="Say it").click()
        page.get_by_text("every participant sees it").wait_for()
        page.locator("details.act summary", has_text="Decline").click()
        page.locator('input[name="reason"]').fill("Nobody here maintains it any more.")
        page.get_by_role("button", name="Decline the case").click()
        page.get_by_text("may ask others").wait_for()
        assert page.goto(PATH + text).status == 404


def test_stranger_finds_the_same_nothing_everywhere(world: World) -> None:
    person = world.somebody("Sam Stranger", PartyKind.PERSON, Role.REPORTER, world.somebody("Elsewhere", PartyKind.ORGANISATION, Role.REPORTER))
    report = world.shown.cases[0].case.reports[0].id
    other = world.shown.cases[1].case.reports[0].id
    hidden = (
        f"/reports/{report}", f"/reports/{report}/compare/{other}", f"/clusters/{world.shown.cases[0].case.line.id}", f"/cases/{world.case}",
        f"/cases/{world.case}?part=people", f"/cases/{world.case}/reports/{report}", PATH + "clh.lnk_" + "a" * 26 + ".secret",
    )
    with world.page(person) as page:
        assert page.goto("/no/such/page").status == 404
        check(page)
        nothing = page.context.request.get("/no/such/page").text()
        for path in hidden:
            answer = page.context.request.get(path)
            assert (answer.status, answer.text()) == (404, nothing), path
        for path in ("/queue", "/inbox", "/cases", "/account", "/submit", "/search?q=overflow"):
            page.goto(path)
            check(page)
            assert report not in page.content()
    with world.page() as page:
        for path in ("/", "/submit", "/status", "/sign-in", "/enrol", "/ledger"):
            page.goto(path)
            check(page)
        page.goto(f"/cases/{world.case}")
        assert "/sign-in" in page.url


def test_administrator_sees_how_it_runs_and_no_case(world: World) -> None:
    home = world.somebody("Operators", PartyKind.ORGANISATION, Role.OVERSEER)
    with world.page(world.somebody("Root Operator", PartyKind.PERSON, Role.ADMINISTRATOR, home)) as page:
        page.goto("/admin")
        check(page)
        assert page.goto("/inbox").status == 403
        page.goto("/admin")
        page.get_by_text("Ask to read something").click()
        page.locator("#g-object").fill(world.case)
        page.locator("#g-reason").fill("A court asks.")
        page.get_by_role("button", name="Ask", exact=True).click()
        page.get_by_text("yours: somebody else confirms").wait_for()
        check(page)
        assert page.goto(f"/cases/{world.case}").status in (403, 404)
    with world.page(world.instance.actor) as page:
        page.goto("/admin")
        page.get_by_role("button", name="Confirm").click()
        page.get_by_text("Open to whoever asked").wait_for()
