"""Hostile Markdown to HTML that is safe to show: nothing is fetched, nothing runs, links say where they lead.

Raw HTML is text. Images are links that a person may follow. Only absolute `http`, `https` and `mailto` links stay links; each is
followed by its host, so that words cannot pretend another place, and carries `rel="noopener noreferrer nofollow"`. Headings become
bold paragraphs: a report does not take part in the outline of our page.
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup, escape

from clearinghouse.core.untrusted import clean_line
from clearinghouse.web.text import visible

CHARACTERS_MAX = 40_000
"""Of a text, what is rendered; the download has all of it."""
_NESTING_MAX = 24
# What can open inline constructs. A parser may look for the end of each of them over the rest of the paragraph, so the cost grows with
# their number squared: a paragraph with more than this is shown as it was typed.
_OPENERS_MAX = 600
_OPENERS = re.compile(r"[\[\]*_`~<!&\\]")
_BLANK = re.compile(r"\n[ \t]*\n")
_MARKED = re.compile(r"^([ \t>]*)(?:[-*+]|\d{1,9}[.)])[ \t]|^[ \t>]*>", re.MULTILINE)
_MARKERS_MAX = 1_500
_LINK_CHARACTERS_MAX = 2_000
_SCHEMES = frozenset({"http", "https", "mailto"})


def render_markdown(untrusted_text: str, characters_max: int = CHARACTERS_MAX) -> Markup:
    """The text as HTML in at most a second, whatever it holds."""
    text = visible(untrusted_text[: characters_max + 1])
    cut = len(untrusted_text) > characters_max
    if cut:
        text = text[:characters_max]
    body = _plain(text) if _costs_much(text) else _MARKDOWN.render(text)
    ending = '<p class="cut">Cut here: the text goes on in the original.</p>' if cut else ""
    return Markup(f'<div class="prose">{body}{ending}</div>')  # noqa: S704 - built by the rules below from escaped text


def link_target(untrusted_url: str) -> tuple[str, str] | None:
    """The address and the host to show for a link that may be followed; None for any other."""
    url = untrusted_url.strip()
    if len(url) > _LINK_CHARACTERS_MAX or any(ord(character) <= 32 or ord(character) == 127 for character in url):
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.username or parts.password:
            return None
    except ValueError:
        return None
    if parts.scheme.lower() not in _SCHEMES:
        return None
    if parts.scheme.lower() == "mailto":
        return url, clean_line(parts.path, 100)
    return (url, clean_line(host, 100)) if host and "\\" not in url else None


def _costs_much(text: str) -> bool:
    """Whether a text has more marks in one paragraph, or more nested list and quotation marks, than prose ever has."""
    if len(_MARKED.findall(text)) > _MARKERS_MAX:
        return True
    return any(len(_OPENERS.findall(paragraph)) > _OPENERS_MAX for paragraph in _BLANK.split(text))


def _plain(text: str) -> str:
    return f'<pre class="typed" tabindex="0">{escape(text)}</pre>'


class _Renderer(RendererHTML):
    """Renders only what this file allows."""

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        found = link_target(str(tokens[idx].attrGet("href") or ""))
        return "<span>" if found is None else f'<a href="{escape(found[0])}" rel="noopener noreferrer nofollow">'

    def link_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        depth, place = 1, idx
        while depth and place:
            place -= 1
            depth += {"link_close": 1, "link_open": -1}.get(tokens[place].type, 0)
        found = link_target(str(tokens[place].attrGet("href") or ""))
        return "</span>" if found is None else f'</a> <span class="host">({escape(found[1])})</span>'

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        found = link_target(str(token.attrGet("src") or ""))
        said = escape(clean_line(token.content, 200) or "no description")
        if found is None:
            return f'<span class="image">[image not shown: {said}]</span>'
        return (
            f'<a class="image" href="{escape(found[0])}" rel="noopener noreferrer nofollow">[image not loaded: {said}]</a> '
            f'<span class="host">({escape(found[1])})</span>'
        )

    def heading_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return '<p class="heading">'

    def heading_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</p>\n"

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<pre tabindex="0"><code>{escape(tokens[idx].content)}</code></pre>\n'

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return self.fence(tokens, idx, options, env)

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return '<div class="scroll" tabindex="0"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "<th>"  # the parser would align with a style attribute, which our policy forbids

    def td_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "<td>"


def _parser() -> MarkdownIt:
    options: Mapping[str, object] = {"html": False, "linkify": False, "typographer": False, "maxNesting": _NESTING_MAX}
    parser = MarkdownIt("commonmark", dict(options), renderer_cls=_Renderer).enable(["table", "strikethrough"])
    # The renderer decides what becomes a link; refused ones must still lose their brackets.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    return parser


_MARKDOWN = _parser()
