"""The frame, the words and the chips of the workbench."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from clearinghouse.core.roles import Role
from clearinghouse.web import text
from clearinghouse.web.icons import icon, names
from clearinghouse.web.rendering import (
    ANSWERS,
    STATIC,
    Flash,
    Form,
    Page,
    Viewer,
    answer,
    asset,
    environment,
    outside_link,
    render,
    severity,
    tlp,
)

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
EVIL = "<script>alert(1)</script>\u202e"


def page(**changes: object) -> Page:
    return Page(**{"now": NOW, "path": "/queue", "csrf": "token", **changes})  # type: ignore[arg-type]


def message(shown: Page) -> str:
    return render("message.html", shown, status=404, heading="Nothing here", words="Nothing found.", actions=[("/", "First page")])


@pytest.mark.parametrize(("seconds", "words"), [
    (0, "just now"), (-59, "just now"), (30, "in less than a minute"), (-60, "1 minute ago"), (7200, "in 2 hours"), (-86_400, "1 day ago"),
    (86_400 * 45, "in 1 month"), (-86_400 * 800, "2 years ago"),
])
def test_relative_words(seconds: int, words: str) -> None:
    assert text.relative_words(NOW + timedelta(seconds=seconds), NOW) == words


def test_duration_words() -> None:
    assert [text.duration_words(s) for s in (5, 120, 86_400 * 12 + 3600 * 4 + 9, 86_400, 3600 * 5 + 60)] == [
        "less than a minute", "2 minutes", "12 days 4 hours", "1 day", "5 hours 1 minute"
    ]


def test_instant_is_utc_and_says_so() -> None:
    there = NOW.astimezone(datetime.now().astimezone().tzinfo)
    assert text.instant(there) == '<time datetime="2026-11-21T08:00:00Z">2026-11-21 08:00 UTC</time>'


@given(st.text(max_size=400), st.integers(1, 200))
def test_one_line_is_one_bounded_line_without_the_unseen(said: str, width: int) -> None:
    line = text.one_line(said, width)
    assert len(line) <= width
    assert not re.search(r"[\n\r\u202a-\u202e\u2066-\u2069\u200b-\u200f\x00-\x1f]", line)


def test_text_from_outside_is_escaped_everywhere_in_the_frame() -> None:
    viewer = Viewer(EVIL, frozenset(Role), EVIL, maintains=True, waiting=3)
    html = message(page(viewer=viewer, instance=EVIL, flashes=(Flash("done", EVIL, "/undo", {"decision": EVIL}),)))
    assert "<script>alert" not in html
    assert "\u202e" not in html.replace('value="' + "&lt;script&gt;alert(1)&lt;/script&gt;\u202e", "")


@pytest.mark.parametrize(("roles", "seen", "unseen"), [
    (frozenset({Role.REPORTER}), ["My reports", "Report", "Cases"], ["Inbox", "Administration", "Figures"]),
    (frozenset({Role.COORDINATOR}), ["Inbox", "Figures", "Cases"], ["Administration", "My projects"]),
    (frozenset({Role.ADMINISTRATOR}), ["Administration", "Ledger"], ["Inbox", "Figures"]),
    (frozenset({Role.OVERSEER}), ["Ledger"], ["Inbox", "Administration"]),
])
def test_navigation_follows_the_roles(roles: frozenset[Role], seen: list[str], unseen: list[str]) -> None:
    navigation = message(page(viewer=Viewer("Ada", roles))).split("<nav")[1].split("</nav>")[0]
    assert [word for word in seen if f">{word}" not in navigation] == []
    assert [word for word in unseen if f">{word}" in navigation] == []


def test_navigation_says_where_one_is() -> None:
    assert message(page(viewer=Viewer("Ada"))).count('href="/queue" aria-current="page"') == 1


def test_chosen_theme_stands_on_the_root() -> None:
    assert '<html lang="en" class="dark">' in message(page(theme="dark"))
    assert '<html lang="en">' in message(page())


def test_every_form_that_posts_carries_the_token() -> None:
    html = message(page(viewer=Viewer("Ada"), flashes=(Flash("done", "Merged.", "/decisions/undo", {"decision": "dec_x"}),)))
    forms = re.findall(r'<form[^>]*method="post".*?</form>', html, re.DOTALL)
    assert len(forms) == 3
    assert all('name="_csrf_token" value="token"' in form for form in forms)


def test_missing_variable_is_a_mistake_of_ours() -> None:
    with pytest.raises(UndefinedError):
        render("message.html", page(), status=404)


class _Inline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names_of = {name for name, _ in attrs}
        if tag == "style" or (tag == "script" and "src" not in names_of) or "style" in names_of or any(n.startswith("on") for n in names_of):
            self.found.append(f"{tag} {attrs}")
        for name, value in attrs:
            if name in ("src", "href", "action", "formaction") and value and re.match(r"\s*(data|javascript):", value, re.IGNORECASE):
                self.found.append(f"{tag} {name}={value}")


def inline_parts(html: str) -> list[str]:
    parser = _Inline()
    parser.feed(html)
    return parser.found


def test_templates_hold_nothing_that_the_policy_forbids() -> None:
    names_of = environment().list_templates()
    assert len(names_of) > 3
    for name in names_of:
        source, _, _ = environment().loader.get_source(environment(), name)  # type: ignore[union-attr]
        assert inline_parts(source) == [], name
        assert "| safe" not in source, name


def test_assets_are_named_by_their_bytes() -> None:
    assert re.fullmatch(r"/static/workbench\.css\?v=[0-9a-f]{12}", asset("workbench.css"))
    assert "url(" not in (STATIC / "workbench.css").read_text("utf-8")


def test_words_have_their_picture_and_do_not_rely_on_colour() -> None:
    assert answer("duplicate") == (
        f'<span class="chip blue" title="the same flaw as one received before">{icon("duplicate")}duplicate</span>'
    )
    assert tlp("TLP:AMBER+STRICT") == '<span class="tlp amber">TLP:AMBER+STRICT</span>'
    assert tlp(EVIL) == '<span class="chip quiet">no TLP label</span>'
    assert severity(9.8) == '<span class="chip bad">9.8 critical</span>'
    assert EVIL not in answer(EVIL)
    assert {word.picture for word in ANSWERS.values()} <= set(names())


def test_address_that_may_not_be_followed_is_text() -> None:
    assert outside_link("javascript:alert(1)") == "<code>javascript:alert(1)</code>"
    assert outside_link("https://example.org/") == '<a href="https://example.org/" rel="noopener noreferrer nofollow">https://example.org/</a>'


def test_form_that_was_sent_back_says_what_is_wrong_beside_the_field() -> None:
    html = render("sign_in.html", page(), form=Form({"name": EVIL, "password": "secret"}, {"code": "six digits are needed"}), providers=[], back="/")
    assert 'aria-describedby="f-hint-code f-e-code"' in html
    assert '<p class="error" id="f-e-code">six digits are needed</p>' in html
    assert "secret" not in html
