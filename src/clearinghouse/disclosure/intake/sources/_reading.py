"""Readings that several formats share: instants, links, severities, files with one or many JSON records."""

import json
import re
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any
from urllib.parse import unquote, urlsplit

from clearinghouse.core.clock import parse_instant
from clearinghouse.core.product import Package, parse_purl
from clearinghouse.core.severity import base_score, possible_scores, scheme_of
from clearinghouse.core.tlp import Tlp, parse_tlp
from clearinghouse.disclosure.intake.records import (
    Identifier,
    IdentifierRole,
    Note,
    Reference,
    ReferenceKind,
    SeverityClaim,
    VersionRange,
)
from clearinghouse.disclosure.intake.sources.base import Document, Unreadable, pointer, text_of

# The short form of a commit page, as kernel.org and some forges write it.
_COMMIT = re.compile(r"/c/[0-9a-f]{7,40}$")


_PUBLIC = re.compile(r"(?<![A-Za-z0-9])(?:CVE-\d{4}-\d{4,19}|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3})(?![A-Za-z0-9])", re.IGNORECASE)


def read_instant(untrusted: Any, place: str, notes: list[Note]) -> datetime | None:
    """The instant of a text, or of what a YAML reader made of one; a note where it is no date."""
    if untrusted is None or untrusted == "":
        return None
    if isinstance(untrusted, datetime):
        try:
            return untrusted.replace(tzinfo=UTC) if untrusted.tzinfo is None else untrusted.astimezone(UTC)
        except OverflowError:
            notes.append(Note(place, "the date lies outside the years 1 to 9999", "date.unknown"))
            return None
    if isinstance(untrusted, date):
        return datetime(untrusted.year, untrusted.month, untrusted.day, tzinfo=UTC)
    try:
        return parse_instant(text_of(untrusted))
    except (ValueError, OverflowError):
        notes.append(Note(place, f"{str(untrusted)[:40]!r} is no date; RFC 3339 would be right", "date.unknown"))
        return None


def kind_of_url(url: str) -> ReferenceKind:
    """What a link points at, from its shape."""
    try:
        path = urlsplit(url).path.lower()
    except ValueError:
        return ReferenceKind.OTHER
    if _COMMIT.search(path) or "/commit/" in path or "/commits/" in path or "/changeset/" in path or "/rev/" in path or "/+/" in path:
        return ReferenceKind.COMMIT
    if "/pull/" in path or "/merge_requests/" in path:
        return ReferenceKind.PULL
    if "/issues/" in path or "show_bug" in path or "/bugs/" in path:
        return ReferenceKind.ISSUE
    if "/releases/" in path or "/tag/" in path or "changelog" in path:
        return ReferenceKind.RELEASE
    if "/advisories/" in path or "/advisory" in path:
        return ReferenceKind.ADVISORY
    return ReferenceKind.OTHER


def read_reference(url: str, kind: ReferenceKind | None = None) -> Reference:
    """A link; its kind from its shape where the source gives none that carries evidence."""
    return Reference(url, kind if kind not in (None, ReferenceKind.OTHER) else kind_of_url(url))


def read_cvss(
    vector: str, by: str, place: str, notes: list[Note], published_score: float | None = None, *, overall: bool = False
) -> SeverityClaim:
    """A CVSS claim, with a note where vector and published score disagree or the vector is none.

    Args:
        overall: the format publishes one score, whichever of base, temporal and environmental it may be.
    """
    scheme = scheme_of(vector)
    follows = base_score(vector)
    if follows is None:
        notes.append(Note(place, f"{vector[:80]!r} is no {scheme} vector", "severity.vector"))
    elif published_score is not None:
        right = possible_scores(vector) if overall else {follows}
        if not any(abs(score - published_score) <= 0.05 for score in right):
            message = f"published score {published_score} does not follow from the vector, which gives {follows}"
            notes.append(Note(place, message, "severity.score_mismatch"))
    return SeverityClaim(scheme, vector, published_score, "", by)


def read_vers(untrusted: str, package: Package | None = None, repository: str = "") -> VersionRange:
    """A range of a `vers:` expression; what is neither a lower nor an upper bound stays in its own words.

    Source: ECMA-428 draft (VERS).
    """
    kind, _, constraints = untrusted.removeprefix("vers:").partition("/") if untrusted.startswith("vers:") else ("", "", untrusted)
    introduced: list[str] = []
    fixed: list[str] = []
    last: list[str] = []
    versions: list[str] = []
    for part in filter(None, (unquote(part).strip() for part in constraints.split("|"))):
        for mark, bounds in ((">=", introduced), ("<=", last), ("<", fixed), ("=", versions)):
            if part.startswith(mark) and part[len(mark) :].strip():
                bounds.append(part[len(mark) :].strip())
                break
        else:
            versions.append(part)  # `2.0` is that version; `>1.2` and `!=1.3` have no field of their own
    return VersionRange(package, kind, tuple(introduced), tuple(fixed), tuple(last), tuple(versions), repository)


def jsonable(value: Any) -> Any:
    """A value with what YAML read as a date back as the text it was: RFC 3339 with Z."""
    if isinstance(value, dict):
        return {str(key): jsonable(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [jsonable(entry) for entry in value]
    if isinstance(value, date):
        instant = read_instant(value, "", [])
        assert instant is not None
        return instant.isoformat().replace("+00:00", "Z")
    return value if value is None or isinstance(value, str | int | float) else str(value)


def keep_rest(record: dict[str, Any], read: Collection[str], prefix: str = "") -> list[tuple[str, str]]:
    """(name, text) of the fields of a record that nothing else reads: shown, never matched."""
    return [
        (f"{prefix} {name}".strip(), value if isinstance(value, str) else json.dumps(jsonable(value), ensure_ascii=False))
        for name, value in record.items() if name not in read and value not in (None, "", [], {})
    ]


def read_purl(untrusted: str, place: str, notes: list[Note]) -> tuple[Package | None, str]:
    """The package of a package URL and its version; None and a note where it is none."""
    try:
        package, version = parse_purl(untrusted)
    except ValueError as error:
        notes.append(Note(place, f"not a package URL: {error}"[:300], "package.purl"))
        return None, ""
    return package, version or ""


def read_identifier(untrusted: str, role: IdentifierRole) -> Identifier:
    """A public name in the one spelling they are compared in: upper case, without white space around it."""
    return Identifier(untrusted.strip().upper(), role)


def find_identifiers(untrusted_text: str) -> tuple[str, ...]:
    """The CVE and GHSA ids a text holds, upper case, each once; for rule names and titles, not for prose."""
    return tuple(dict.fromkeys(found.upper() for found in _PUBLIC.findall(untrusted_text[:2_000])))


def is_schema(value: Any, *about: str) -> bool:
    """Whether a JSON value is a JSON Schema that speaks of one of these words in its address or title."""
    if not isinstance(value, dict) or not text_of(value.get("$schema")):
        return False
    if not {"properties", "definitions", "$defs", "allOf", "$vocabulary"} & set(value):
        return False
    named = " ".join(text_of(value.get(name)) for name in ("$id", "id", "title", "$schema")).lower()
    return any(word in named for word in about)


def read_tlp(untrusted: str, place: str, notes: list[Note]) -> str:
    """A TLP 2.0 label; one that is none is read as the narrowest, with a note."""
    label = parse_tlp(untrusted)
    if label is None and untrusted:
        notes.append(Note(place, f"{untrusted[:20]!r} is no TLP 2.0 label; read as RED, the narrowest", "tlp.unknown"))
        return Tlp.RED.value
    return "" if label is None else label.value


def score_of(untrusted: Any) -> float | None:
    """A score as a number, whether written as one or as text; None where it is neither."""
    if isinstance(untrusted, bool) or not isinstance(untrusted, int | float | str):
        return None
    try:
        score = float(untrusted)
    except (ValueError, OverflowError):
        return None
    return score if isfinite(score) else None


def read_records(document: Document) -> Iterator[tuple[str, Any]]:
    """(place, value) of a JSON document that is one record, a list of records, or one record a line.

    Raises:
        Unreadable: it is no JSON at all.
    """
    if document.json_error is None:
        if isinstance(document.json, list):
            if not document.json:
                raise Unreadable("the list is empty; at least one record would be right", "", "document.empty")
            for number, value in enumerate(document.json):
                yield pointer(number), value
        else:
            yield "", document.json
        return
    lines = document.text.splitlines()
    if len(lines) < 2 or not lines[0].lstrip().startswith("{") or not lines[0].rstrip().endswith("}"):
        raise document.json_error
    for number, line in enumerate(lines, 1):
        if line.strip():
            if len(line) > document.limits.line_bytes_max:
                yield f"line {number}", Note(f"line {number}", "the line is longer than this instance reads", "limit.line")
                continue
            try:
                yield f"line {number}", json.loads(line)
            except (ValueError, RecursionError) as error:
                yield f"line {number}", Note(f"line {number}", f"not JSON: {error}", "json.syntax")
