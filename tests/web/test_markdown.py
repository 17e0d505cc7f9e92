"""Hostile Markdown: whatever is typed, nothing runs, nothing loads, and the answer comes soon."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearinghouse.web.markdown import CHARACTERS_MAX, link_target, render_markdown

_ALLOWED = {
    "div", "p", "a", "span", "pre", "code", "ul", "ol", "li", "em", "strong", "s", "blockquote", "hr", "br", "table", "thead", "tbody",
    "tr", "th", "td",
}
_ATTRIBUTES = {"class", "href", "rel", "tabindex", "start"}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Tags()
    parser.feed(html)
    parser.close()
    return parser.seen


def assert_harmless(html: str) -> None:
    for tag, attributes in tags(html):
        assert tag in _ALLOWED, html
        assert set(attributes) <= _ATTRIBUTES, html
        if "href" in attributes:
            assert re.match(r"(https?://|mailto:)", attributes["href"] or "", re.IGNORECASE), html
            assert attributes["rel"] == "noopener noreferrer nofollow"


@pytest.mark.parametrize("text", [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "[a](JaVaScRiPt:alert(1))",
    "[a](data:text/html;base64,PHNjcmlwdD4=)", "![a](data:image/svg+xml;base64,PHN2Zz4=)", "![x](https://evil.example/pixel.png)",
    "<https://evil.example/\"onmouseover=\"alert(1)>", "[a](/sign-out)", "[a](//evil.example)", "[a](https://good.example@evil.example/)",
    "[a](vbscript:x)", "[a](file:///etc/passwd)", "<svg onload=alert(1)>", "```\"><script>\nx\n```", "```js onclick=x\nx\n```",
    "| a |\n|:-:|\n| <b onclick=x>b</b> |", "[x]: javascript:alert(1)\n\n[x]", "[a](https://e.example \"t\" onclick=alert)", "&lt;script&gt;",
    "[a](https://e.example/\u202egnp.exe)", "<a href='https://e.example' style='position:fixed'>x</a>", "[![a](data:x)](javascript:y)",
    "[a](\x01javascript:alert(1))", "[a](&#x6A;avascript:alert(1))", "# <h1 onclick=x>", "a\n<style>*{display:none}</style>",
])
def test_nothing_of_a_known_trick_survives(text: str) -> None:
    assert_harmless(render_markdown(text))


@given(st.text(alphabet="[]()<>!*_`~#-+>|:/\\\"'&; \nabjscriptdat:https://e.x\u202e\u200b\x00", max_size=400))
@settings(max_examples=400, deadline=2000)
def test_nothing_of_any_text_survives(text: str) -> None:
    assert_harmless(render_markdown(text))


@pytest.mark.parametrize("text", [
    "[" * 50_000, "![" * 25_000, "*a **a " * 7_000, "`" * 40_000, " ".join("`" * n for n in range(1, 280)), "> " * 20_000 + "a",
    "- " * 20_000 + "a", "a**b" * 10_000, "_" * 40_000, "<" * 40_000, "<!--" * 10_000, "[a](<b" * 6_000, "[a]: u\n" * 5_000, "&" * 40_000,
    "\\" * 40_000, "|" * 20_000 + "\n" + "|-" * 10_000, "~" * 40_000, "[a][" * 10_000, "*" * 40_000 + "a", "1. " * 13_000 + "a",
    "\n".join(" " * n + "- a" for n in range(250)), "\n\n".join(["[" * 590] * 60), "\n\n".join(["*a **a " * 190] * 30), ("x" * 9 + "\n") * 4_000,
    "a  \n" * 10_000, "<a@" * 10_000, "http://" * 5_000, "]" * 40_000, "[](" * 12_000, "(" * 40_000, "\t" * 40_000 + "x", "-\n" * 20_000,
    "|a" * 200 + "\n" + "|-" * 200 + "\n" + ("|b" * 200 + "\n") * 90,
])
def test_nasty_text_is_rendered_within_a_second(text: str) -> None:
    started = time.process_time()
    html = render_markdown(text)
    assert time.process_time() - started < 1.5
    assert_harmless(html)


def test_link_says_where_it_leads() -> None:
    assert render_markdown("See [the advisory](https://example.org/a?b=1&c=2).") == (
        '<div class="prose"><p>See <a href="https://example.org/a?b=1&amp;c=2" rel="noopener noreferrer nofollow">the advisory</a> '
        '<span class="host">(example.org)</span>.</p>\n</div>'
    )


def test_image_is_a_link_and_never_loaded() -> None:
    html = render_markdown("![proof](https://evil.example/p.png)")
    assert "<img" not in html
    assert '[image not loaded: proof]</a> <span class="host">(evil.example)</span>' in html


def test_what_cannot_be_seen_is_written_out() -> None:
    assert "‹U+202E›txt.exe" in render_markdown("a\u202etxt.exe")


def test_long_text_is_cut_and_says_so() -> None:
    html = render_markdown("word " * CHARACTERS_MAX)
    assert "the text goes on in the original" in html
    assert len(html) < CHARACTERS_MAX + 500


@pytest.mark.parametrize(("url", "expected"), [
    ("https://example.org/x", ("https://example.org/x", "example.org")), ("mailto:a@example.org", ("mailto:a@example.org", "a@example.org")),
    ("https://user:pw@example.org", None), ("https://", None), ("http://[::1", None), ("https://a b", None), ("/x", None), ("", None),
    ("https://e.example\\@good.example", None), ("https://" + "a" * 3000, None), ("ftp://example.org", None),
])
def test_link_target(url: str, expected: tuple[str, str] | None) -> None:
    assert link_target(url) == expected
