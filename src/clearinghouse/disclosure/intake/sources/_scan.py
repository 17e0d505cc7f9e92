"""Readings scanners share: records in a stream, identifiers, weaknesses, packages, embedded OSV records."""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from typing import Any

from clearinghouse.core.product import Package, normalise_package, parse_purl
from clearinghouse.core.weakness import parse_weakness
from clearinghouse.disclosure.intake.records import Finding, Identifier, IdentifierRole, Note, SeverityClaim
from clearinghouse.disclosure.intake.sources import osv
from clearinghouse.disclosure.intake.sources.base import Document, Unreadable, pointer, text_of

_RECORDS_MAX = 1_000_000


def first_record(document: Document) -> Any:
    """The first JSON value of a document that is one value, a list of them, or one a line; None where there is none."""
    if not document.head.startswith(("{", "[")):
        return None
    if document.json_error is None:
        return document.json[0] if isinstance(document.json, list) and document.json else document.json
    line = document.text.lstrip().split("\n", 1)[0]
    if len(line) > document.limits.line_bytes_max or not line.rstrip().endswith("}"):
        return None
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def stream_records(document: Document) -> Iterator[tuple[str, Any]]:
    """(place, value) of a list, or of values that follow one another with or without line ends.

    Raises:
        Unreadable: what follows is no JSON.
    """
    if document.json_error is None:
        values = document.json if isinstance(document.json, list) else [document.json]
        for number, value in enumerate(values):
            yield (pointer(number) if isinstance(document.json, list) else ""), value
        return
    text, position, decoder = document.text.lstrip("\ufeff"), 0, json.JSONDecoder()
    for number in range(_RECORDS_MAX):
        while position < len(text) and text[position].isspace():
            position += 1
        if position >= len(text):
            return
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, position) + 1
            raise Unreadable(f"not JSON: {str(error)[:120]}", f"line {line}", "json.syntax") from None
        yield f"value {number + 1}", value


def identifiers_of(names: Iterable[Any]) -> tuple[Identifier, ...]:
    """Names a scanner gives one vulnerability: the finding is none of those records itself, so all are aliases."""
    cleaned = (text_of(name).strip().upper() for name in names)
    return tuple(dict.fromkeys(Identifier(name, IdentifierRole.ALIAS) for name in cleaned if name))


def weaknesses_of(values: Iterable[Any], place: str, notes: list[Note]) -> tuple[str, ...]:
    """CWE ids; a note for a value that is none."""
    found: dict[str, None] = {}
    for value in values:
        weakness = parse_weakness(value)
        if weakness is not None:
            found[weakness] = None
        elif value not in (None, "", 0, "0"):
            notes.append(Note(place, f"{str(value)[:40]!r} is no CWE number such as CWE-79", "weakness.unknown"))
    return tuple(found)


def package_of(purl: str, ecosystem: str, name: str, place: str, notes: list[Note]) -> Package:
    """The package of a package URL, or of an ecosystem and a name where there is none."""
    if purl:
        try:
            return parse_purl(purl)[0]
        except ValueError as error:
            notes.append(Note(place, f"not a package URL, read by name: {str(error)[:120]}", "package.purl"))
    return normalise_package(ecosystem, name)


def label(value: Any, by: str = "") -> tuple[SeverityClaim, ...]:
    """A severity in a word."""
    return (SeverityClaim("label", label=text_of(value), by=by),) if text_of(value) else ()


def read_osv(record: dict[str, Any], place: str, document: Document) -> tuple[Finding | None, tuple[Note, ...]]:
    """An OSV record inside a scanner's report, as a claim about a scanned place rather than as the record itself."""
    # Written without escapes, so that lone surrogates, which are no text, become question marks on the way.
    inner = Document(document.name, json.dumps(record, ensure_ascii=False).encode("utf-8", "replace"), document.limits)
    item = next(iter(osv.SOURCE.parse(inner)))
    notes = tuple(dataclasses.replace(note, place=place + note.place) for note in item.notes)
    if item.finding is None:
        return None, notes
    identifiers = tuple(
        Identifier(each.value, IdentifierRole.ALIAS if each.role is IdentifierRole.OWN else each.role) for each in item.finding.identifiers
    )
    return dataclasses.replace(item.finding, identifiers=identifiers, place=place), notes


def score_of(value: Any, most: float = 10.0) -> float | None:
    """A score from 0 to `most`, of a number or its text; None for anything else, infinities and huge integers included."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number <= most else None


def line_of(value: Any) -> int | None:
    """A line number; None for anything that cannot be one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1_000_000_000 else None


def texts(value: Any) -> list[str]:
    """The texts of a list, or the one text; `None` and other things are nothing."""
    if isinstance(value, str):
        return [value] if value else []
    return [entry for entry in value if isinstance(entry, str) and entry] if isinstance(value, list) else []


def kept(pairs: Iterable[tuple[str, Any]]) -> tuple[tuple[str, str], ...]:
    """(name, text) of what holds anything."""
    return tuple(
        (name, value if isinstance(value, str) else json.dumps(value, default=str)[:2_000] if isinstance(value, list | dict) else str(value))
        for name, value in pairs
        if value not in (None, "", [], {})
    )
