"""Markdown: advisories with TOML or YAML front matter (RustSec, Haskell), advisories with fixed headings
(curl), reports by people, and files that hold many findings between rules.
"""

import dataclasses
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import yaml

from clearinghouse.disclosure.intake.crashes import has_crash
from clearinghouse.disclosure.intake.records import Finding, Note
from clearinghouse.disclosure.intake.sources._front_matter import apply_front_matter
from clearinghouse.disclosure.intake.sources._recognise import KINDS
from clearinghouse.disclosure.intake.sources._sections import find_fields, split_blocks
from clearinghouse.disclosure.intake.sources._tables import read_columns
from clearinghouse.disclosure.intake.sources._text_report import Context, read_text
from clearinghouse.disclosure.intake.sources.base import Document, Item, Unreadable, refuse

_KEY_PARTS_MAX = 40
_TOML_FENCE = re.compile(r"\A\s{0,20}```\s?toml\s*\n")
_MARKS = {"+++": "toml", "---": "yaml"}
_FRONT_CHARACTERS_MAX = 100_000
_HEADING = re.compile(r"(?m)^(?:\s{0,3}#{1,6}\s+\S|[^\n]{3,200}\n(?:={4,}|-{4,})\s*$)")
_MARKUP = re.compile(r"(?m)^```|^\s{0,3}[-*+] \S|\[[^\]\n]{1,200}\]\(https?://|\*\*[^*\n]{1,200}\*\*|`[^`\n]{1,200}`|^\|.{3,400}\|\s*$")
_SAYS = re.compile(r"vulnerab|security|exploit|overflow|injection|CVE-|CWE-|severity|attacker|affected|advisory|denial of service|bypass|crash|leak", re.IGNORECASE)
_CURL = re.compile(r"(?m)^Project (?P<product>[\w .-]{1,60}?) Security Advisory, (?P<date>[A-Z][a-z]{2,8} \d{1,2}(?:st|nd|rd|th)? \d{4})")
_MAIL = re.compile(r"(?m)\A(?:(?:From|Received|Return-Path|Delivered-To|Date|Subject|Message-ID|MIME-Version|To): )")
_OTHER = re.compile(r"\A\s{0,20}(?:<\?xml|<!DOCTYPE|<html|\{|\[\s{0,20}[\[{\"]|%PDF|PK\x03\x04|-----BEGIN PGP)", re.IGNORECASE)


class Markdown:
    """The reader; `SOURCE` is its one object."""

    name = "markdown"
    title = "Markdown advisories and reports"
    version = "1"

    def sniff(self, document: Document) -> float:
        sure = self._sniff(document)
        # Comments and rows may look like headings and prose: what is known to be something else is not taken.
        table = len(read_columns(document)) > 3 and ", " not in document.head.split("\n", 1)[0]
        other = 0 < sure < 0.85 and (table or any(kind.told_by(document) for kind in KINDS))
        return 0.0 if other else sure

    def _sniff(self, document: Document) -> float:
        head = document.head
        if _OTHER.match(head) or "\0" in head or _MAIL.match(head):
            return 0.0
        if _TOML_FENCE.match(head):
            return 0.95 if "[advisory]" in head else 0.6
        if head.startswith("+++") or (head.startswith("---\n") and "\n---" in head[4:]):
            return 0.85 if _SAYS.search(head) else 0.2
        named = document.name.lower().endswith((".md", ".markdown"))
        heading, markup, says = _HEADING.search(head), _MARKUP.search(head), _SAYS.search(head)
        if heading and says:
            return 0.8 if named or markup else 0.6
        if named and says:
            return 0.6
        if markup and says:
            return 0.35
        # Prose without markup is taken when nothing else knows it, as long as it speaks of a flaw.
        return 0.15 if says and "\n" in head.strip() and not has_crash(document.text) else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        text = document.text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
        if "\0" in text[:4096]:
            raise Unreadable("Markdown is text; found NUL bytes, as in a binary file", "", "document.encoding")
        if not text.strip():
            raise Unreadable("the file is empty: send a report with a title and a description", "", "document.empty")
        kind, front, body, first_line = split_front_matter(text)
        if kind:
            yield _with_front_matter(kind, front, body, first_line, document)
            return
        lines = text.split("\n")
        blocks = [(begun, block) for begun, block in split_blocks(lines) if any(line.strip() for line in block)]
        if len(blocks) < 2 or not _many(blocks):
            yield _plain(text, "", 1, document)
            return
        for begun, block in blocks:
            body = "\n".join(block)
            if _is_finding(body):
                yield _plain(body, f"line {begun}", begun, document)


def split_front_matter(text: str) -> tuple[str, str, str, int]:
    """(`toml` or `yaml` or nothing, front matter, what follows, number of its first line)."""
    if found := _TOML_FENCE.match(text):
        end = text.find("\n```", found.end() - 1)
        if end >= 0:
            after = text.find("\n", end + 1)
            return "toml", text[found.end() : end], text[after + 1 :] if after >= 0 else "", text.count("\n", 0, after) + 2
        return "toml", text[found.end() :], "", 1
    stripped = text.lstrip()
    mark = stripped[:3]
    if mark in _MARKS and stripped[3:4] == "\n":
        start = len(text) - len(stripped) + 4
        end = text.find(f"\n{mark}", start - 1)
        if end >= 0 and text[end + 4 : end + 5] in ("\n", "", " "):
            front = text[start:end]
            # A rule at the top of a report is no front matter: that begins with `name:` or `name =` or a table.
            if re.match(r"\s{0,20}(?:#|\[|[\w.-]{1,60}\s{0,4}[:=])", front):
                return _MARKS[mark], front, text[end + 4 :].lstrip("\n"), text.count("\n", 0, end + 4) + 2
    return "", "", text, 1


def read_front(kind: str, front: str) -> dict[str, Any]:
    """The front matter as a mapping.

    Raises:
        Unreadable: it is neither TOML nor YAML, or no mapping, or too long.
    """
    if len(front) > _FRONT_CHARACTERS_MAX:
        raise Unreadable(f"front matter of {len(front)} characters; at most {_FRONT_CHARACTERS_MAX} are read", "line 1", "limit.front_matter")
    try:
        value = _read_toml(front) if kind == "toml" else read_yaml(front)
    except (ValueError, TypeError, OverflowError, RecursionError, AttributeError, KeyError, yaml.YAMLError) as error:
        raise Unreadable(f"front matter is no {kind.upper()}: {str(error)[:200]}", "line 1", "front_matter.syntax") from error
    if not isinstance(value, dict):
        raise Unreadable(f"front matter is {kind.upper()} without names; `id: ...` or `[advisory]` would be right", "line 1", "front_matter.shape")
    return value


def _read_toml(text: str) -> Any:
    # A dotted key makes a table for each of its parts, and reading it takes the square of their number.
    if any(line.split("=", 1)[0].count(".") > _KEY_PARTS_MAX for line in text.splitlines()):
        raise ValueError(f"a key of more than {_KEY_PARTS_MAX} parts")
    return tomllib.loads(text)


def read_yaml(text: str) -> Any:
    """The value of a YAML text without aliases: they can make a small text a huge value, or one without an end.

    Raises:
        ValueError: it uses an alias.
        yaml.YAMLError: it is no YAML.
    """
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.CSafeLoader)):
        raise ValueError("aliases are not read")
    return yaml.load(text, Loader=yaml.CSafeLoader)


def _with_front_matter(kind: str, front: str, body: str, first_line: int, document: Document) -> Item:
    notes: list[Note] = []
    try:
        value = read_front(kind, front)
    except Unreadable as error:
        if not body.strip():
            return refuse(error.note.place, error.note.message, error.note.code)
        notes.append(error.note)
        value = {}
    context = Context("", document.limits, notes)
    finding = read_text(body, context, first_line=first_line) if body.strip() else Finding()
    return Item("", apply_front_matter(finding, value, context), tuple(notes))


def _plain(text: str, place: str, first_line: int, document: Document) -> Item:
    notes: list[Note] = []
    finding = read_text(text, Context(place, document.limits, notes), first_line=first_line)
    if found := _CURL.search(text[:2_000]):
        finding = dataclasses.replace(finding, products=(*finding.products, found["product"]), published_at=_english_date(found["date"]))
    return Item(place, finding, tuple(notes))


def _english_date(text: str) -> datetime | None:
    cleaned = re.sub(r"(?<=\d)(?:st|nd|rd|th)", "", text)
    for form in ("%B %d %Y", "%b %d %Y"):
        try:
            day = datetime.strptime(cleaned, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return day
    return None


def _many(blocks: list[tuple[int, list[str]]]) -> bool:
    """Whether blocks between rules are findings of their own: most of them begin with a heading and say what kind of thing they are."""
    return sum(_is_finding("\n".join(block)) for _, block in blocks) >= 2


def _is_finding(block: str) -> bool:
    names = {name for name, _ in find_fields(block)}
    begins = block.lstrip().startswith("#") or bool(names & {"title", "summary", "vulnerability"})
    telling = names & {"severity", "cwe", "cvss", "package", "component", "file", "location", "function", "status", "affected versions", "affected", "type"}
    return begins and bool(telling)


SOURCE = Markdown()
