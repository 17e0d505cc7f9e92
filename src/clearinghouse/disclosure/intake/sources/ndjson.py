"""Our own line format: one JSON object a line, one finding an object, 100,000 of them in a file.

The fields are those of `intake.records.Finding`, with shorthands for what is tedious to spell out
(`summary`, `details`, `aliases`, `cwe`, `severity`, `packages` as pairs or package URLs, `introduced`,
`fixed` and `affected` beside a package). `render_finding` writes the long form; reading it again gives
the same finding. The JSON Schema is `schemas/clearinghouse-report.schema.json`.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from clearinghouse.core.clock import parse_instant
from clearinghouse.core.product import Package, normalise_package, parse_purl
from clearinghouse.core.tlp import parse_tlp
from clearinghouse.core.weakness import parse_weakness
from clearinghouse.disclosure.intake.records import (
    CodeLocation,
    Consents,
    Crash,
    Credit,
    Finding,
    Identifier,
    IdentifierRole,
    Note,
    Producer,
    Reference,
    ReferenceKind,
    SeverityClaim,
    StatusClaim,
    VersionRange,
)
from clearinghouse.disclosure.intake.sources.base import Document, Item, Unreadable, refuse


class PackageLine(msgspec.Struct, frozen=True):
    """A package by ecosystem and name, or by its package URL."""

    ecosystem: str = ""
    name: str = ""
    purl: str = ""
    as_given: str = ""


class ReferenceLine(msgspec.Struct, frozen=True):
    """A link; an unknown kind is read as `other`."""

    url: str
    kind: str = "other"


class SeverityLine(msgspec.Struct, frozen=True):
    """Shorthand: a CVSS vector and a word."""

    cvss: str | None = None
    label: str | None = None


class RangeLine(msgspec.Struct, frozen=True):
    """A range of one package."""

    package: PackageLine | None = None
    kind: str = ""
    introduced: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    last_affected: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    repository: str = ""


class Line(msgspec.Struct, frozen=True):
    """One line as it may be written."""

    id: str | int = ""
    idempotency_key: str = ""
    title: str = ""
    summary: str | None = ""
    description: str = ""
    details: str | None = ""
    identifiers: tuple[Identifier, ...] = ()
    aliases: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    packages: tuple[tuple[str, str] | PackageLine | str, ...] = ()
    products: tuple[str, ...] = ()
    ranges: tuple[RangeLine, ...] = ()
    introduced: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    affected: tuple[str, ...] = ()
    references: tuple[ReferenceLine | str, ...] = ()
    weaknesses: tuple[str, ...] = ()
    cwe: tuple[str | int, ...] = ()
    severities: tuple[SeverityClaim, ...] = ()
    severity: SeverityLine | str | None = None
    statuses: tuple[StatusClaim, ...] = ()
    locations: tuple[CodeLocation, ...] = ()
    symbols: tuple[str, ...] = ()
    crash: Crash | None = None
    reproduction: str = ""
    impact: str = ""
    remediation: str = ""
    credits: tuple[Credit | str, ...] = ()
    producer: Producer = msgspec.field(default_factory=Producer)
    consents: Consents = msgspec.field(default_factory=Consents)
    repository: str = ""
    commit: str = ""
    published: str | None = None
    modified: str | None = None
    withdrawn: str | None = None
    proposed_disclosure: str | None = None
    publicly_known: bool | None = None
    exploited: bool | None = None
    language: str = ""
    tlp: str = ""
    state: str = ""
    reporter: str = ""
    attachments: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
    source: str = ""
    """Name of the database a record was taken from: two entries of one database are rarely one flaw. A tool's name
    belongs into `producer`."""
    catalogue: str = ""
    """The same, where the long form of a line is written."""
    entry: str = ""
    """What that database calls the record; `id` where it is left out."""
    blobs: tuple[tuple[str, str], ...] = ()
    """(path, digest of the file's content)."""


_FIELDS = frozenset(Line.__struct_fields__)
_DECODER = msgspec.json.Decoder(Line)
_NAMES = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODER = msgspec.json.Encoder()
_WHERE = re.compile(r" - at `\$\.?(.*)`$")
_KINDS = frozenset(ReferenceKind)
# Public names of vulnerabilities: their own ids are evidence, a sender's internal number is not.
_PUBLIC_ID = re.compile(
    r"(?:CVE-\d{4}-\d{4,}|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}|(?:PYSEC|RUSTSEC|GO|OSV|MAL|HSEC)-\d{4}-\d+)", re.IGNORECASE
)


class Ndjson:
    """The reader; `SOURCE` is its one object."""

    name = "ndjson"
    title = "Clearinghouse NDJSON"
    version = "1"

    def sniff(self, document: Document) -> float:
        first = document.head.split("\n", 1)[0].strip()
        if not first.startswith("{") or not first.endswith("}"):
            return 0.0
        try:
            names = set(_NAMES.decode(first))
        except (msgspec.DecodeError, RecursionError):
            return 0.0 if len(first) < 4000 else self._sniff_long(document)
        if names & {"title", "summary", "details", "description", "crash"} and names <= _FIELDS:
            return 0.9
        return 0.0

    def _sniff_long(self, document: Document) -> float:
        """A first line that is longer than what sniffing normally looks at."""
        line = document.text.lstrip().split("\n", 1)[0]
        if len(line.encode("utf-8", "ignore")) > document.limits.line_bytes_max:
            return 0.0
        try:
            names = set(_NAMES.decode(line))
        except (msgspec.DecodeError, RecursionError):
            return 0.0
        return 0.9 if names & {"title", "summary", "details", "description", "crash"} and names <= _FIELDS else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        data = document.data.removeprefix(b"\xef\xbb\xbf")
        if b"\0" in data[:4096]:
            raise Unreadable("NDJSON is UTF-8 text; found NUL bytes, as in UTF-16 or a binary file", "", "document.encoding")
        found = False
        for number, line in enumerate(data.split(b"\n"), 1):
            stripped = line.strip()
            if stripped:
                found = True
                yield read_line(stripped, f"line {number}", document.limits.line_bytes_max)
        if not found:
            raise Unreadable("no line holds anything; one JSON object a line would be right", "line 1", "document.empty")


def read_line(untrusted_line: bytes, place: str, bytes_max: int) -> Item:
    """The item of one line."""
    if len(untrusted_line) > bytes_max:
        return refuse(place, f"a line of {len(untrusted_line)} bytes; at most {bytes_max} are read", "limit.line")
    try:
        line = _DECODER.decode(untrusted_line)
        unknown = sorted(set(_NAMES.decode(untrusted_line)) - _FIELDS)
    except msgspec.ValidationError as error:
        message, where = str(error), ""
        if found := _WHERE.search(message):
            message, where = message[: found.start()], "/" + re.sub(r"[\[\].]+", "/", found[1]).strip("/")
        return refuse(f"{place} {where}".strip(), f"{message} (schema: clearinghouse-report)", "item.schema")
    except (msgspec.DecodeError, RecursionError) as error:
        return refuse(place, f"not a JSON object: {error}", "json.syntax")
    except UnicodeDecodeError:
        return refuse(place, "not UTF-8", "json.encoding")
    notes = [
        Note(place, f"unknown field {name[:60]!r} was not read; the original keeps it", "field.unknown") for name in unknown[:20]
    ]
    return Item(place, _finding(line, place, notes), tuple(notes))


def _finding(line: Line, place: str, notes: list[Note]) -> Finding:
    identifiers = list(line.identifiers)
    extra = list(line.extra)
    own = str(line.id)
    if own and _PUBLIC_ID.fullmatch(own):
        identifiers.append(Identifier(own.upper(), IdentifierRole.OWN))
    elif own:
        extra.append(("id", own))
    identifiers += [Identifier(alias.strip().upper(), IdentifierRole.ALIAS) for alias in line.aliases if alias.strip()]
    identifiers += [Identifier(other.strip().upper(), IdentifierRole.RELATED) for other in line.related if other.strip()]
    if line.source:
        extra.append(("source", line.source))
    if line.idempotency_key:
        extra.append(("idempotency_key", line.idempotency_key))
    packages = tuple(_package(package, place, notes) for package in line.packages)
    ranges = [
        VersionRange(
            None if r.package is None else _package(r.package, place, notes),
            r.kind, r.introduced, r.fixed, r.last_affected, r.versions, r.repository,
        )
        for r in line.ranges
    ]
    if line.introduced or line.fixed or line.affected:
        package = packages[0] if len(packages) == 1 else None
        ranges.append(VersionRange(package, "", line.introduced, line.fixed, (), line.affected))
    weaknesses = list(line.weaknesses)
    for value in line.cwe:
        if (weakness := parse_weakness(value)) is not None:
            weaknesses.append(weakness)
        else:
            notes.append(Note(f"{place} /cwe", f"{str(value)[:40]!r} is no CWE number such as CWE-79", "weakness.unknown"))
    return Finding(
        title=line.title or line.summary or "", description=line.description or line.details or "",
        identifiers=tuple(dict.fromkeys(identifiers)), packages=packages, products=line.products, ranges=tuple(ranges),
        references=tuple(_reference(reference) for reference in line.references),
        weaknesses=tuple(dict.fromkeys(weaknesses)), severities=(*line.severities, *_severity(line.severity)),
        statuses=line.statuses, locations=line.locations, symbols=line.symbols, crash=line.crash,
        reproduction=line.reproduction, impact=line.impact, remediation=line.remediation,
        credits=tuple(Credit(credit) if isinstance(credit, str) else credit for credit in line.credits),
        producer=line.producer, consents=line.consents, repository=line.repository, commit=line.commit,
        published_at=_instant(line.published, "published", place, notes),
        modified_at=_instant(line.modified, "modified", place, notes),
        withdrawn_at=_instant(line.withdrawn, "withdrawn", place, notes),
        proposed_disclosure_at=_instant(line.proposed_disclosure, "proposed_disclosure", place, notes),
        publicly_known=line.publicly_known, exploited=line.exploited, language=line.language,
        tlp=_tlp(line.tlp, place, notes), state=line.state, reporter=line.reporter, attachments=line.attachments,
        place=place, extra=tuple(extra), catalogue=line.catalogue or line.source, entry=line.entry or (own if line.source else ""),
        blobs=line.blobs,
    )


def _package(untrusted: tuple[str, str] | PackageLine | str, place: str, notes: list[Note]) -> Package:
    if isinstance(untrusted, tuple):
        return normalise_package(*untrusted)
    purl = untrusted if isinstance(untrusted, str) else untrusted.purl
    if purl:
        try:
            return parse_purl(purl)[0]
        except ValueError as error:
            notes.append(Note(f"{place} /packages", f"not a package URL, read as a bare name: {error}", "package.purl"))
            return normalise_package("", purl, purl)
    if isinstance(untrusted, str):
        return Package("", "")
    return normalise_package(untrusted.ecosystem, untrusted.name, untrusted.as_given)


def _reference(untrusted: ReferenceLine | str) -> Reference:
    if isinstance(untrusted, str):
        return Reference(untrusted)
    kind = untrusted.kind.lower()
    return Reference(untrusted.url, ReferenceKind(kind) if kind in _KINDS else ReferenceKind.OTHER)


def _severity(untrusted: SeverityLine | str | None) -> tuple[SeverityClaim, ...]:
    if untrusted is None:
        return ()
    if isinstance(untrusted, str):
        untrusted = SeverityLine(untrusted, None) if untrusted.upper().startswith("CVSS:") else SeverityLine(None, untrusted)
    claims = []
    if untrusted.cvss:
        start = untrusted.cvss.split("/", 1)[0].upper()
        claims.append(SeverityClaim(start if start.startswith("CVSS:") else "CVSS:2.0", untrusted.cvss))
    if untrusted.label:
        claims.append(SeverityClaim("label", label=untrusted.label))
    return tuple(claims)


def _instant(untrusted: str | None, name: str, place: str, notes: list[Note]) -> datetime | None:
    if not untrusted:
        return None
    try:
        return parse_instant(untrusted)
    except (ValueError, OverflowError):
        message = f"{untrusted[:40]!r} is no date; write 2026-11-21 or 2026-11-21T08:00:00Z"
        notes.append(Note(f"{place} /{name}", message, "date.unknown"))
        return None


def _tlp(untrusted: str, place: str, notes: list[Note]) -> str:
    if not untrusted:
        return ""
    label = parse_tlp(untrusted)
    if label is None:
        notes.append(Note(f"{place} /tlp", f"{untrusted[:20]!r} is no TLP 2.0 label; read as RED, the narrowest", "tlp.unknown"))
        return "RED"
    return label


def render_finding(finding: Finding) -> dict[str, Any]:
    """A finding in the long form of a line; reading the line again gives the same finding but for its place."""
    value: dict[str, Any] = msgspec.to_builtins(finding)
    for name in ("published", "modified", "withdrawn", "proposed_disclosure"):
        value[name] = value.pop(f"{name}_at")
    del value["place"]
    return {name: entry for name, entry in value.items() if entry not in ("", None, [], {})}


def render_line(finding: Finding) -> bytes:
    """A finding as one line, without the line end."""
    return _ENCODER.encode(render_finding(finding))


SOURCE = Ndjson()
