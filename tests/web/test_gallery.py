"""Every page with sample records: rendered, harmless, within its width, and without a serious barrier in a real browser."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from clearinghouse.web.rendering import environment, render
from tests_support import lacking
from web.gallery import samples, served, write
from web.test_rendering import inline_parts

CHROMIUM = Path("/usr/bin/chromium")
NAMES = sorted(samples())


class _Ids(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.wanted: list[str] = []
        self.forms: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        if held.get("id"):
            self.ids.append(str(held["id"]))
        for name in ("for", "aria-labelledby", "aria-describedby"):
            self.wanted += str(held.get(name) or "").split()
        if tag == "form":
            self.forms.append((str(held.get("method") or "get"), str(held.get("action") or "")))


@pytest.mark.parametrize("name", NAMES)
def test_page_is_whole_and_harmless(name: str) -> None:
    template, frame, variables = samples()[name]
    html = render(template, frame, **variables)
    assert inline_parts(html) == []
    assert "<script>alert" not in html
    assert "\u202e" not in html
    assert html.count("<h1") == 1
    parser = _Ids()
    parser.feed(html)
    assert sorted(set(parser.wanted) - set(parser.ids)) == []
    assert len(parser.ids) == len(set(parser.ids))
    assert [action for method, action in parser.forms if method == "post" and not action.startswith("/")] == []
    posts = re.findall(r'<form[^>]*method="post".*?</form>', html, re.DOTALL)
    assert [form[:80] for form in posts if "_csrf_token" not in form] == []


def test_every_template_is_in_the_gallery() -> None:
    shown = {template for template, _, _ in samples().values()}
    assert {name for name in environment().list_templates() if name != "base.html" and not name.startswith("_")} == shown


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium."""
    if not CHROMIUM.exists():
        lacking("Chromium was not found at /usr/bin/chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The gallery behind a server that sends the content security policy."""
    folder = tmp_path_factory.mktemp("gallery")
    write(folder)
    with served(folder) as url:
        yield url


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [
    (390, "light"), (1280, "dark"), pytest.param(1280, "light", marks=pytest.mark.long), pytest.param(1920, "light", marks=pytest.mark.long),
])
def test_no_page_has_a_serious_barrier_or_leaves_its_width(browser: Any, address: str, width: int, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    axe, page = Axe(), browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    found: list[tuple[str, str, str]] = []
    for name in NAMES:
        page.goto(f"{address}/{name}.html")
        # What is folded away must be as good as the rest.
        page.evaluate("document.querySelectorAll('main details').forEach((entry) => { entry.open = true })")
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append((name, "wider than the window", str(wide)))
        for violation in axe.run(page).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                found.append((name, violation["id"], violation["nodes"][0]["html"][:160]))
    page.close()
    assert found == []
    assert said == []


@pytest.mark.browser
def test_keys_move_open_and_explain(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/inbox.html")
    first, second = (page.locator("[data-item] a.title").nth(place) for place in (0, 1))
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert second.evaluate("(link) => link === document.activeElement")
    page.keyboard.press("k")
    assert first.evaluate("(link) => link === document.activeElement")
    page.keyboard.press("/")
    page.keyboard.type("jk?")
    assert page.input_value("#bar-search") == "jk?"
    assert not page.locator("dialog#keys").evaluate("(dialog) => dialog.open")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.locator("dialog#keys").evaluate("(dialog) => dialog.open")
    page.keyboard.press("Escape")
    page.goto(f"{address}/compare.html")
    page.keyboard.press("m")
    assert page.locator("#reason-m").evaluate("(field) => field === document.activeElement")
    page.close()


@pytest.mark.browser
def test_page_without_scripts_shows_everything_it_needs(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/compare.html")
    page.locator("details.act summary").first.click()
    assert page.locator("#reason-m").is_visible()
    page.goto(f"{address}/sign-in.html")
    assert page.locator("#f-password").is_visible()
    assert not page.locator("form[data-passkey]").is_visible()
    context.close()


@pytest.mark.browser
def test_new_things_are_announced_and_move_nothing(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.route("**/live?*", lambda route: route.fulfill(
        content_type="text/event-stream", body='event: change\ndata: {"topic": "inbox", "count": 3}\n\nevent: change\ndata: {"topic": "cases"}\n\n'
    ))
    page.goto(f"{address}/inbox.html")
    page.wait_for_selector(".live:not([hidden])")
    assert page.locator(".live").inner_text() == "3 new: show"
    page.close()
