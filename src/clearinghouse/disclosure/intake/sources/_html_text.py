"""The readable text of HTML: one pass, nothing loaded, nothing run; what would have been is counted."""

import html
import re
from dataclasses import dataclass

_TAG = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9]{0,20})(?P<rest>[^<>]{0,20000})>")
_LINK = re.compile(r"\bhref\s{0,4}=\s{0,4}[\"']?(?P<url>https?://[^\s\"'<>]{1,1000})", re.IGNORECASE)
_BLOCKS = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "table", "ul", "ol", "hr", "section"})
_DROPPED = frozenset({"script", "style", "head", "title", "noscript", "template", "svg", "math", "object", "iframe"})
_REMOTE = frozenset({"img", "iframe", "script", "link", "object", "embed", "video", "audio", "source", "form"})
_SPACE = re.compile(r"[ \t\f\v]+")
_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


@dataclass(frozen=True, slots=True)
class HtmlText:
    """Text, and how many elements were left out because they load, run or send something."""

    text: str
    dropped: tuple[tuple[str, int], ...]


def read_html(untrusted_html: str, characters_max: int = 500_000) -> HtmlText:
    """The readable text of an HTML document."""
    source = untrusted_html[:characters_max]
    lower = source.lower()
    parts: list[str] = []
    dropped: dict[str, int] = {}
    position, comments = 0, True
    while (opened := source.find("<", position)) >= 0:
        parts.append(html.unescape(source[position:opened]))
        if source.startswith("<!--", opened):
            closed = source.find("-->", opened + 4) if comments else -1
            comments = closed >= 0  # where one comment does not end, no later one does: no second search
            position = closed + 3 if closed >= 0 else opened + 4
            continue
        found = _TAG.match(source, opened)
        if found is None:
            closing = source.startswith(("<!", "<?"), opened)
            parts.append("" if closing else "<")
            position = opened + 1
            continue
        name, position = found["name"].lower(), found.end()
        if name in _REMOTE and not found["close"]:
            dropped[name] = dropped.get(name, 0) + 1
        if name in _DROPPED and not found["close"]:
            end = lower.find(f"</{name}", position)
            position = len(source) if end < 0 else end
        elif name in _BLOCKS:
            parts.append("\n")
        elif name == "a" and (link := _LINK.search(found["rest"])):
            parts.append(f" {html.unescape(link['url'])} ")
    parts.append(html.unescape(source[position:]))
    text = _SPACE.sub(" ", "".join(parts).replace("\r", "\n").replace("\xa0", " "))
    return HtmlText(_LINES.sub("\n\n", text).strip(), tuple(sorted(dropped.items())))
