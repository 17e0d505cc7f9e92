"""The structure of Markdown, as far as a report needs it: headings, fields, code blocks, blocks between rules.

Nothing is rendered, so nothing here can inject anything; work is one pass over the lines.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

LINES_MAX = 50_000
_HEADING = re.compile(r"^\s{0,3}(?P<level>#{1,6})\s{1,8}(?P<text>.{1,400}?)\s{0,8}#{0,8}\s{0,8}$")
_UNDERLINE = re.compile(r"^\s{0,3}(?:(?P<one>=+)|(?P<two>-{2,}))\s{0,8}$")
_FENCE = re.compile(r"^\s{0,3}(?P<fence>`{3,40}|~{3,40})\s{0,4}(?P<info>[^`\n]{0,80})$")
_RULE = re.compile(r"^\s{0,3}(?:-{3,}|\*{3,}|_{3,})\s{0,8}$")
_FIELD = re.compile(
    r"^\s{0,6}(?:[-*+]\s{1,4})?(?:\*\*|__)?(?P<name>[A-Za-z][A-Za-z /_()-]{1,40}?)(?:\*\*|__)?\s?:(?:\*\*|__)?\s{1,8}(?P<value>\S.{0,2000})$"
)
_ROW = re.compile(r"^\s{0,3}\|\s{0,40}(?:\*\*)?(?P<name>[A-Za-z][A-Za-z /_()-]{1,40}?)(?:\*\*)?\s{0,40}\|(?P<value>[^|]{1,2000})\|\s{0,40}$")


@dataclass
class Section:
    """A heading and what stands under it, up to the next one."""

    heading: str
    level: int
    """1 to 6; 0 for what stands before the first heading."""
    line: int
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The body without blank lines around it."""
        return "\n".join(self.lines).strip("\n")


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A fenced block."""

    info: str
    text: str
    line: int


def split_sections(lines: Sequence[str], first_line: int = 1) -> list[Section]:
    """Sections in order; fenced code is body, whatever it looks like."""
    sections = [Section("", 0, first_line)]
    fence = ""
    for number, line in enumerate(lines[:LINES_MAX]):
        opened = _FENCE.match(line)
        if opened and not fence:
            fence = opened["fence"]
        elif opened and fence and opened["fence"].startswith(fence) and not opened["info"]:
            fence = ""
        elif not fence:
            if found := _HEADING.match(line):
                sections.append(Section(found["text"].strip(), len(found["level"]), first_line + number))
                continue
            body = sections[-1].lines
            if body and body[-1].strip() and (found := _UNDERLINE.match(line)) and (len(body) < 2 or not body[-2].strip()) and not body[-1].startswith(("-", "*", ">", "|")):
                heading = body.pop().strip()
                sections.append(Section(heading, 1 if found["one"] else 2, first_line + number - 1))
                continue
        sections[-1].lines.append(line)
    return sections


def find_code(text: str) -> Iterator[CodeBlock]:
    """The fenced blocks of a text, in order; one that is never closed runs to the end."""
    fence, info, begun = "", "", 0
    body: list[str] = []
    for number, line in enumerate(text.split("\n")[:LINES_MAX]):
        found = _FENCE.match(line)
        if found and not fence:
            fence, info, begun, body = found["fence"], found["info"].strip(), number + 1, []
        elif found and found["fence"].startswith(fence) and not found["info"]:
            yield CodeBlock(info, "\n".join(body), begun)
            fence = ""
        elif fence:
            body.append(line)
    if fence:
        yield CodeBlock(info, "\n".join(body), begun)


def without_code(text: str) -> str:
    """The text without its fenced blocks."""
    kept, fence = [], ""
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if found and not fence:
            fence = found["fence"]
        elif found and found["fence"].startswith(fence) and not found["info"]:
            fence = ""
        elif not fence:
            kept.append(line)
    return "\n".join(kept)


def find_fields(text: str) -> list[tuple[str, str]]:
    """(name in lower case, value) of the lines that read `Name: value`, `- **Name:** value` or `| Name | value |`."""
    fields = []
    for line in without_code(text).split("\n")[:LINES_MAX]:
        if ("|" in line or ":" in line) and (found := _FIELD.match(line[:2100]) or _ROW.match(line[:2100])):
            value = found["value"].strip().strip("*").strip()
            if value and not value.startswith("//"):
                fields.append((found["name"].strip().lower(), value.strip("`") if value.count("`") == 2 and value.startswith("`") else value))
    return fields


def split_blocks(lines: Sequence[str]) -> list[tuple[int, list[str]]]:
    """(first line, lines) of the blocks between thematic breaks that are no underlined headings and stand outside code."""
    blocks: list[tuple[int, list[str]]] = [(1, [])]
    fence = ""
    for number, line in enumerate(lines[:LINES_MAX], 1):
        found = _FENCE.match(line)
        if found and not fence:
            fence = found["fence"]
        elif found and fence and found["fence"].startswith(fence) and not found["info"]:
            fence = ""
        if not fence and _RULE.match(line) and not (blocks[-1][1] and blocks[-1][1][-1].strip()):
            blocks.append((number + 1, []))
        else:
            blocks[-1][1].append(line)
    return blocks
