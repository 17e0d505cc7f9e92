"""The demonstration as a new user runs it, and its page in a real browser at two widths."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests_support import Command, lacking


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(Command(tmp_path_factory.mktemp("demo"))("demo", "--json"))
    return shown


def test_flood_becomes_cases_that_agree_with_the_truth(demo: dict[str, Any]) -> None:
    score = demo["score"]
    assert (score["reports"], score["flaws"]) == (39, 9)
    assert score["precision"] >= 0.95, "strangers were joined"
    assert score["recall"] >= 0.4, "reports of one flaw were not found"


def test_hostile_file_is_refused_with_a_reason(demo: dict[str, Any]) -> None:
    assert [entry["name"] for entry in demo["refused"]] == ["hostile.json"]
    assert demo["refused"][0]["notes"][0]["message"]


def test_same_seed_gives_the_same_cases(demo: dict[str, Any], tmp_path: Path) -> None:
    again = json.loads(Command(tmp_path)("demo", "--json"))
    sizes = [sorted(case["line"]["reports"] for case in run["cases"]) for run in (demo, again)]
    assert sizes[0] == sizes[1]
    assert demo["score"] == again["score"]


def test_demonstration_never_replaces_anything_else(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "precious").touch()
    ended = Command(tmp_path).run("demo", "--no-serve")
    assert (ended.returncode, (tmp_path / "demo" / "precious").exists()) == (6, True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        lacking("no chromium on the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
        )
        yield started
        started.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_page_stands_alone_and_fits(demo: dict[str, Any], browser: Any, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    asked: list[str] = []
    trouble: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: trouble.append(message.text))
    page.goto(Path(demo["page"]).as_uri())
    assert asked == [Path(demo["page"]).as_uri()], "the page loads something from elsewhere"
    assert trouble == []
    assert page.locator("h1").inner_text().startswith("39 reports")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".bar").count() > 10
    # Every case opens by keyboard.
    summary = page.locator("details.case > summary").nth(1)
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.case").nth(1).get_attribute("open") is not None
    assert page.locator("script").count() == 0
    page.close()
