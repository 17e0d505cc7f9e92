"""OSV 1.7 records, in JSON (one, a list, or one a line) or YAML.

Source: ossf/osv-schema, version 1.7.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from clearinghouse.core.product import Package, normalise_package
from clearinghouse.core.weakness import parse_weakness
from clearinghouse.disclosure.intake.records import (
    Crash,
    Credit,
    Finding,
    Frame,
    IdentifierRole,
    Note,
    Reference,
    ReferenceKind,
    SeverityClaim,
    VersionRange,
)
from clearinghouse.disclosure.intake.sources._reading import (
    jsonable,
    keep_rest,
    read_cvss,
    read_identifier,
    read_instant,
    read_purl,
    read_records,
    read_reference,
)
from clearinghouse.disclosure.intake.sources._schema import check_schema
from clearinghouse.disclosure.intake.sources.base import Document, Item, Unreadable, dict_of, list_of, pointer, refuse, text_of

_SCHEMA = "osv-1.7.schema.json"
_KIND = {
    "FIX": ReferenceKind.COMMIT, "REPORT": ReferenceKind.REPORT, "ADVISORY": ReferenceKind.ADVISORY,
    "PACKAGE": ReferenceKind.PACKAGE, "EVIDENCE": ReferenceKind.REPORT, "DISCUSSION": ReferenceKind.ISSUE,
}
_YAML_ID = re.compile(r"^id: *['\"]?[A-Za-z]+-", re.MULTILINE)
_YAML_BODY = re.compile(r"^(?:affected|schema_version|modified):", re.MULTILINE)
# How OSS-Fuzz writes a crash into the details.
_CRASH = re.compile(r"^Crash type: (?P<kind>[^\n]{1,120})\nCrash state:\n(?P<frames>(?:[^\n`]{1,300}\n?){1,10})", re.MULTILINE)
_ACCESS = re.compile(r"^(?P<kind>.*?) ?(?P<access>READ|WRITE)? ?(?P<size>\d{1,9}|\{\*\})?$")
_MARKS = frozenset({"affected", "schema_version", "modified", "aliases", "references", "details", "summary", "database_specific"})
# Fields read below; whatever else a record holds is kept as text.
_READ = frozenset({
    "schema_version", "id", "modified", "published", "withdrawn", "aliases", "related", "upstream", "summary", "details",
    "severity", "affected", "references", "credits",
})


class Osv:
    """The reader; `SOURCE` is its one object."""

    name = "osv"
    title = "OSV 1.7"
    version = "1"

    def sniff(self, document: Document) -> float:
        if document.head[:1] in ("{", "["):
            first = next((value for _, value in _safe_records(document)), None)
            return 0.95 if _looks(first) else 0.0
        start = document.text[:100_000]
        return 0.9 if _YAML_ID.search(start) and _YAML_BODY.search(start) else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        records = read_records(document) if document.head[:1] in ("{", "[") else _yaml_records(document)
        for place, record in records:
            if isinstance(record, Note):
                yield Item(place, None, (record,))
            elif not isinstance(record, dict) or not text_of(record.get("id")):
                yield refuse(place, "an OSV record is an object with an `id`; found none (OSV schema, id)", "item.schema")
            else:
                yield _item(place, record)


def _item(place: str, record: dict[str, Any]) -> Item:
    notes = list(check_schema(_SCHEMA, jsonable(record), place))
    affected = [dict_of(entry) for entry in list_of(record.get("affected"))]
    packages: list[Package] = []
    ranges: list[VersionRange] = []
    severities = _severities(record.get("severity"), f"{place}/severity", notes)
    symbols: list[str] = []
    extra: list[tuple[str, str]] = []
    for number, entry in enumerate(affected):
        where = place + pointer("affected", number)
        package = _package(dict_of(entry.get("package")), where, notes)
        if package is not None:
            packages.append(package)
        ranges += _ranges(package, entry, where, notes)
        for range_ in map(dict_of, list_of(entry.get("ranges"))):
            limits = [str(dict_of(event)["limit"]) for event in list_of(range_.get("events")) if dict_of(event).get("limit")]
            extra += [(f"affected {number} range limit", limit) for limit in limits]
            extra += keep_rest(range_, {"type", "repo", "events"}, f"affected {number} range")
        severities += _severities(entry.get("severity"), f"{where}/severity", notes)
        specific = dict_of(entry.get("ecosystem_specific"))
        for imported in map(dict_of, list_of(specific.get("imports"))):
            path = text_of(imported.get("path"))
            symbols += [f"{path}.{symbol}" if path else symbol for symbol in list_of(imported.get("symbols")) if text_of(symbol)]
        functions = specific.get("affects")
        symbols += [text_of(name) for name in list_of(dict_of(functions).get("functions")) if text_of(name)]
        extra += keep_rest(entry, {"package", "ranges", "versions", "severity"}, f"affected {number}")
    identifiers = [read_identifier(text_of(record["id"]), IdentifierRole.OWN)]
    for name, role in (
        ("aliases", IdentifierRole.ALIAS), ("related", IdentifierRole.RELATED), ("upstream", IdentifierRole.RELATED)
    ):
        identifiers += [read_identifier(value, role) for value in list_of(record.get(name)) if text_of(value)]
    specific = dict_of(record.get("database_specific"))
    weaknesses = [weakness for holder in (record, *affected) for weakness in _weaknesses(dict_of(holder.get("database_specific")))]
    label = text_of(specific.get("severity"))
    if label:
        severities.append(SeverityClaim("label", label=label, by="database"))
    extra += keep_rest(record, _READ, "")
    return Item(place, Finding(
        title=text_of(record.get("summary")), description=text_of(record.get("details")),
        identifiers=tuple(dict.fromkeys(identifiers)), packages=tuple(dict.fromkeys(packages)), ranges=tuple(ranges),
        references=_references(record.get("references")), weaknesses=tuple(dict.fromkeys(weaknesses)),
        severities=tuple(severities), symbols=tuple(dict.fromkeys(symbols)), credits=_credits(record.get("credits")),
        crash=_crash(text_of(record.get("details"))),
        repository=next((r.repository for r in ranges if r.repository), ""),
        published_at=read_instant(record.get("published"), f"{place}/published", notes),
        modified_at=read_instant(record.get("modified"), f"{place}/modified", notes),
        withdrawn_at=read_instant(record.get("withdrawn"), f"{place}/withdrawn", notes),
        state="withdrawn" if record.get("withdrawn") else "", place=place, extra=tuple(extra),
    ), tuple(notes))


def _weaknesses(specific: dict[str, Any]) -> list[str]:
    """The CWE ids of a `database_specific`: numbers, names, or objects that hold one."""
    found = []
    for value in (*list_of(specific.get("cwe_ids")), *list_of(specific.get("cwes"))):
        known = dict_of(value)
        weakness = parse_weakness(known.get("cweId") or known.get("cwe_id") or known.get("id") if known else value)
        found += [weakness] if weakness else []
    return found


def _package(entry: dict[str, Any], place: str, notes: list[Note]) -> Package | None:
    ecosystem, name, purl = (text_of(entry.get(key)) for key in ("ecosystem", "name", "purl"))
    if ecosystem and name:
        return normalise_package(ecosystem, name, purl or name)
    if purl:
        return read_purl(purl, f"{place}/package/purl", notes)[0]
    return None


def _ranges(package: Package | None, entry: dict[str, Any], place: str, notes: list[Note]) -> Iterator[VersionRange]:
    versions = tuple(str(version) for version in list_of(entry.get("versions")))
    found = False
    for number, untrusted in enumerate(list_of(entry.get("ranges"))):
        range_ = dict_of(untrusted)
        events = [dict_of(event) for event in list_of(range_.get("events"))]
        bounds = {
            name: tuple(str(event[name]) for event in events if event.get(name) not in (None, ""))
            for name in ("introduced", "fixed", "last_affected")
        }
        if any(set(bounds["introduced"]) & set(bounds[name]) for name in ("fixed", "last_affected")):
            message = "the same version is introduced and fixed in one range; events must be distinct (OSV lint RNG)"
            notes.append(Note(place + pointer("ranges", number, "events"), message, "osv.distinct_events"))
        yield VersionRange(
            package, text_of(range_.get("type")).lower(), bounds["introduced"], bounds["fixed"], bounds["last_affected"],
            versions if not found else (), text_of(range_.get("repo")),
        )
        found = True
    if versions and not found:
        yield VersionRange(package, "", versions=versions)


def _severities(untrusted: Any, place: str, notes: list[Note]) -> list[SeverityClaim]:
    claims = []
    for number, entry in enumerate(map(dict_of, list_of(untrusted))):
        score, kind = text_of(entry.get("score")), text_of(entry.get("type"))
        if kind.startswith("CVSS_V"):
            claims.append(read_cvss(score, "", place + pointer(number, "score"), notes))
        elif score:
            claims.append(SeverityClaim(kind or "label", label=score))
    return claims


def _references(untrusted: Any) -> tuple[Reference, ...]:
    found = []
    for entry in map(dict_of, list_of(untrusted)):
        url, kind = text_of(entry.get("url")), _KIND.get(text_of(entry.get("type")))
        if url:
            shaped = read_reference(url)
            # A fix that is a pull request, or a report that is an issue, says so by its address.
            found.append(shaped if shaped.kind is not ReferenceKind.OTHER else read_reference(url, kind))
    return tuple(dict.fromkeys(found))


def _credits(untrusted: Any) -> tuple[Credit, ...]:
    return tuple(
        Credit(text_of(entry.get("name")), text_of(entry.get("type")), " ".join(map(text_of, list_of(entry.get("contact")))))
        for entry in map(dict_of, list_of(untrusted)) if text_of(entry.get("name"))
    )


def _crash(details: str) -> Crash | None:
    found = _CRASH.search(details[:20_000])
    if found is None:
        return None
    parts = _ACCESS.match(found["kind"].strip())
    kind, access, size = (parts["kind"], parts["access"] or "", parts["size"]) if parts else (found["kind"], "", None)
    frames = tuple(Frame(line.strip()) for line in found["frames"].splitlines() if line.strip())
    return Crash("OSS-Fuzz", kind.strip(), access, int(size) if size and size.isdigit() else None, frames)


def _looks(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("id"), str) or len(_MARKS & set(value)) < 2:
        return False
    affected = list_of(value.get("affected"))
    # Other formats list version texts under the same name; OSV lists objects.
    return "schema_version" in value or any(isinstance(entry, dict) for entry in affected) or (
        "modified" in value and "aliases" in value and not affected
    )


def _safe_records(document: Document) -> Iterator[tuple[str, Any]]:
    try:
        yield from read_records(document)
    except Unreadable:
        return


def _yaml_records(document: Document) -> Iterator[tuple[str, Any]]:
    if "&" in document.text and "*" in document.text and _has_anchor(document.text):
        raise Unreadable("YAML anchors and aliases are not read (they can make a small file huge)", "", "yaml.alias")
    number = -1
    try:
        for number, value in enumerate(yaml.load_all(document.text, Loader=_Loader)):
            yield ("" if number == 0 else f"document {number + 1}"), value
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1} column {mark.column + 1}" if mark else ""
        raise Unreadable(f"not YAML: {error.problem}", place, "yaml.syntax") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(f"not YAML: {type(error).__name__}", "", "yaml.syntax") from None
    if number < 0:
        raise Unreadable("the document is empty; an OSV record would be right", "", "document.empty")


def _has_anchor(text: str) -> bool:
    return any(isinstance(token, yaml.AnchorToken | yaml.AliasToken) for token in _tokens(text))


def _tokens(text: str) -> Iterator[Any]:
    try:
        yield from yaml.scan(text, Loader=_Loader)
    except yaml.YAMLError:
        return


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


SOURCE = Osv()
