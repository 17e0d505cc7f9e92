"""CVE Records, format 5.1 and 5.2, and bare CNA containers as they are sent before an id is assigned.

A record is one finding. What enriching parties add (ADP containers) is read with the name of the
party; an `affected` of theirs never replaces the assigner's.

Source: CVE Record Format 5.1.1 (bundled schema); the rules 5.2 adds for `packageURL` are checked here.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from clearinghouse.core.product import Package, normalise_package
from clearinghouse.core.weakness import find_weaknesses, parse_weakness
from clearinghouse.disclosure.intake.records import (
    CodeLocation,
    Credit,
    Finding,
    Identifier,
    IdentifierRole,
    Note,
    Reference,
    ReferenceKind,
    SeverityClaim,
    VersionRange,
)
from clearinghouse.disclosure.intake.sources._reading import (
    keep_rest,
    read_cvss,
    read_identifier,
    read_instant,
    read_purl,
    read_records,
    read_reference,
    score_of,
)
from clearinghouse.disclosure.intake.sources._schema import check_definition, check_schema
from clearinghouse.disclosure.intake.sources.base import Document, Item, NotAReport, dict_of, list_of, pointer, refuse, text_of

_SCHEMA = "cve-5.1.1-bundled.schema.json"
_CVSS = ("cvssV4_0", "cvssV3_1", "cvssV3_0", "cvssV2_0")
_TAGS = {
    "patch": ReferenceKind.COMMIT, "issue-tracking": ReferenceKind.ISSUE, "exploit": ReferenceKind.REPORT,
    "technical-description": ReferenceKind.REPORT, "vendor-advisory": ReferenceKind.ADVISORY,
    "third-party-advisory": ReferenceKind.ADVISORY, "vdb-entry": ReferenceKind.ADVISORY,
    "release-notes": ReferenceKind.RELEASE, "product": ReferenceKind.PACKAGE,
}
# A label in the host name of a `collectionURL` that gives the ecosystem away.
_COLLECTIONS = {
    "pypi": "pypi", "npmjs": "npm", "npm": "npm", "crates": "crates.io", "rubygems": "rubygems", "maven": "maven",
    "packagist": "packagist", "nuget": "nuget", "hex": "hex", "go": "go", "hackage": "hackage", "cpan": "cpan",
}
_UNSAID = frozenset({"", "n/a", "-", "unknown", "unspecified"})
_READ = frozenset({
    "title", "descriptions", "affected", "references", "problemTypes", "metrics", "credits", "solutions", "workarounds",
    "exploits", "impacts", "source", "rejectedReasons", "replacedBy",
    "x_legacyV4Record",  # the same record in the format before: every fact of it stands in the others
})
_ENTRY_READ = frozenset({
    "vendor", "product", "packageName", "collectionURL", "packageURL", "versions", "defaultStatus", "programFiles",
    "programRoutines", "repo",
})


class Cve:
    """The reader; `SOURCE` is its one object."""

    name = "cve"
    title = "CVE Record 5.1, 5.2"
    version = "1"

    def sniff(self, document: Document) -> float:
        value = document.json
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, dict):
            return 0.98 if _is_record(first) else 0.9 if _is_container(first) or _is_schema(first) else 0.0
        if document.json_error is not None and '"dataType"' in document.head and "CVE_RECORD" in document.head:
            return 0.9  # one record a line, or a broken one
        return 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        for place, record in read_records(document):
            if isinstance(record, Note):
                yield Item(place, None, (record,))
            elif not isinstance(record, dict):
                yield refuse(place, "a CVE Record is an object with `cveMetadata` and `containers`", "item.schema")
            elif _is_schema(record):
                raise NotAReport("not a report: the JSON Schema of CVE Records; use a record, which has `cveMetadata`")
            elif _is_container(record):
                notes = check_definition(_SCHEMA, "cnaPublishedContainer", record, place)
                yield _Record({"containers": {"cna": record}}, place, place, list(notes)).item()
            elif not _is_record(record):
                yield refuse(place, "a CVE Record is an object with `cveMetadata` and `containers`", "item.schema")
            else:
                yield _Record(record, place, place + pointer("containers", "cna"), list(_broken(record, place))).item()


class _Record:
    """One record while it is read: what it says piles up in lists, warnings among them."""

    def __init__(self, record: dict[str, Any], place: str, cna_place: str, notes: list[Note]) -> None:
        self._metadata = dict_of(record.get("cveMetadata"))
        self._place, self._cna_place, self._notes = place, cna_place, notes
        containers = dict_of(record.get("containers"))
        self._cna = dict_of(containers.get("cna"))
        self._containers = [(self._cna, cna_place)] + [
            (dict_of(container), f"{place}/containers/adp/{number}")
            for number, container in enumerate(list_of(containers.get("adp")))
        ]
        self._packages: list[Package] = []
        self._products: list[str] = []
        self._ranges: list[VersionRange] = []
        self._locations: list[CodeLocation] = []
        self._symbols: list[str] = []
        self._repositories: list[str] = []
        self._severities: list[SeverityClaim] = []
        self._weaknesses: list[str] = []
        self._references: list[Reference] = []
        self._exploited: bool | None = None
        self._extra: list[tuple[str, str]] = []

    def item(self) -> Item:
        for container, place in self._containers:
            who = text_of(dict_of(container.get("providerMetadata")).get("shortName"))
            # The assigner's own words need no prefix; what others add keeps their name.
            prefix = "" if container is self._cna else who or "adp"
            for number, entry in enumerate(list_of(container.get("affected"))):
                self._affected(dict_of(entry), place + pointer("affected", number), prefix)
            self._metrics(container, place, who)
            for problem in map(dict_of, list_of(container.get("problemTypes"))):
                for said in map(dict_of, list_of(problem.get("descriptions"))):
                    found = parse_weakness(said.get("cweId"))
                    self._weaknesses += [found] if found else find_weaknesses(text_of(said.get("description")))
                    if not found and not find_weaknesses(text_of(said.get("description"))) and text_of(said.get("description")):
                        self._extra.append((f"{prefix} problem type".strip(), text_of(said.get("description"))))
            self._references += [_reference(dict_of(entry)) for entry in list_of(container.get("references"))]
            self._extra += keep_rest(container, _READ, prefix)
        cna, metadata = self._cna, self._metadata
        state = text_of(metadata.get("state")).lower()
        source = dict_of(cna.get("source"))
        self._extra += keep_rest(source, frozenset(), "source")
        self._extra += keep_rest(metadata, {"cveId", "state", "datePublished", "dateUpdated"}, "metadata")
        descriptions = list_of(cna.get("descriptions")) or list_of(cna.get("rejectedReasons"))
        language, description, others = _prose(descriptions)
        self._extra += others
        updated = metadata.get("dateUpdated") or dict_of(cna.get("providerMetadata")).get("dateUpdated")
        published, place = metadata.get("datePublished") or cna.get("datePublic"), self._place
        title = text_of(cna.get("title")) or next((text_of(dict_of(c).get("title")) for c, _ in self._containers[1:]
                                                   if len(list_of(c.get("descriptions"))) > 0), "")
        return Item(place, Finding(
            title=title, description=description, language=language, identifiers=self._identifiers(source),
            packages=tuple(dict.fromkeys(self._packages)), products=tuple(dict.fromkeys(self._products)),
            ranges=tuple(dict.fromkeys(self._ranges)), locations=tuple(dict.fromkeys(self._locations)),
            symbols=tuple(dict.fromkeys(self._symbols)), weaknesses=tuple(dict.fromkeys(self._weaknesses)),
            references=tuple({reference.url: reference for reference in reversed(self._references) if reference.url}.values())[::-1],
            severities=tuple(dict.fromkeys(self._severities)), exploited=self._exploited, state=state,
            credits=tuple(
                Credit(text_of(entry.get("value")), text_of(entry.get("type")))
                for entry in map(dict_of, list_of(cna.get("credits"))) if text_of(entry.get("value"))
            ),
            impact=_texts(description for impact in map(dict_of, list_of(cna.get("impacts")))
                          for description in list_of(impact.get("descriptions"))),
            remediation=_texts((*list_of(cna.get("solutions")), *list_of(cna.get("workarounds")))),
            reproduction=_texts(list_of(cna.get("exploits"))),
            repository=next(iter(self._repositories), ""), reporter=text_of(metadata.get("assignerShortName")),
            published_at=read_instant(published, f"{place}/cveMetadata/datePublished", self._notes),
            modified_at=read_instant(updated, f"{place}/cveMetadata/dateUpdated", self._notes),
            withdrawn_at=read_instant(metadata.get("dateRejected"), f"{place}/cveMetadata/dateRejected", self._notes),
            publicly_known=True if state == "published" else None, place=place, extra=tuple(self._extra),
        ), tuple(self._notes))

    def _identifiers(self, source: dict[str, Any]) -> tuple[Identifier, ...]:
        found = [read_identifier(text_of(self._metadata.get("cveId")), IdentifierRole.OWN)] if self._metadata.get("cveId") else []
        advisory = text_of(source.get("advisory"))
        if advisory.upper().startswith("GHSA-"):
            found.append(read_identifier(advisory, IdentifierRole.ALIAS))
        found += [
            read_identifier(other, IdentifierRole.RELATED) for other in list_of(self._cna.get("replacedBy")) if text_of(other)
        ]
        return tuple(identifier for identifier in dict.fromkeys(found) if identifier.value)

    def _affected(self, entry: dict[str, Any], place: str, prefix: str) -> None:
        vendor, product, name = (text_of(entry.get(key)).strip() for key in ("vendor", "product", "packageName"))
        if product.lower() not in _UNSAID:
            self._products.append(f"{vendor}:{product}" if vendor.lower() not in _UNSAID else product)
        package = self._package(entry, name, place)
        if package is not None:
            self._packages.append(package)
        repository = text_of(entry.get("repo"))
        if repository:
            self._repositories.append(repository)
        self._locations += [CodeLocation(path=path) for path in list_of(entry.get("programFiles")) if text_of(path)]
        self._symbols += [
            text_of(routine.get("name")) for routine in map(dict_of, list_of(entry.get("programRoutines")))
            if text_of(routine.get("name"))
        ]
        self._versions(entry, package, repository)
        label = f"{prefix} affected".strip()
        self._extra += keep_rest(entry, _ENTRY_READ, f"{label} {product}".strip())
        if text_of(entry.get("defaultStatus")):
            self._extra.append((f"{label} {product} default status".replace("  ", " "), text_of(entry.get("defaultStatus"))))

    def _package(self, entry: dict[str, Any], name: str, place: str) -> Package | None:
        purl = text_of(entry.get("packageURL"))
        if purl:
            package, version = read_purl(purl, f"{place}/packageURL", self._notes)
            if version:
                message = f"the package URL names version {version[:60]}; versions belong in `versions` (CVE Record Format 5.2)"
                self._notes.append(Note(f"{place}/packageURL", message, "cve.purl_version"))
            if package is not None:
                return package
        if not name:
            return None
        try:
            labels = (urlsplit(text_of(entry.get("collectionURL"))).hostname or "").split(".")
        except ValueError:
            labels = []
        ecosystem = next((_COLLECTIONS[label] for label in labels if label in _COLLECTIONS), "")
        return normalise_package(ecosystem, name)

    def _versions(self, entry: dict[str, Any], package: Package | None, repository: str) -> None:
        """Each range on its own, the single versions of one kind together; what is said to be safe is kept as text.

        Where all but the versions named are affected (`defaultStatus`), a version that is not is where the flaw was fixed.
        """
        default = text_of(entry.get("defaultStatus"))
        single: dict[str, list[str]] = {}
        safe: dict[str, list[str]] = {}
        for version in map(dict_of, list_of(entry.get("versions"))):
            kind, status, start = (text_of(version.get(key)) for key in ("versionType", "status", "version"))
            below, last = text_of(version.get("lessThan")), text_of(version.get("lessThanOrEqual"))
            at = repository if kind == "git" else ""
            changes = [dict_of(change) for change in list_of(version.get("changes"))]
            turned = {
                wanted: [text_of(change.get("at")) for change in changes if text_of(change.get("status")) == wanted]
                for wanted in ("affected", "unaffected")
            }
            begins = [start] if start.lower() not in _UNSAID else []
            if status == "affected" and (below or last or changes):
                fixed = ([below] if below and below != "*" else []) + turned["unaffected"]
                self._ranges.append(VersionRange(
                    package, kind, tuple(begins + turned["affected"]), tuple(fixed), (last,) if last and last != "*" else (),
                    (), at,
                ))
            elif status == "affected" and begins:
                single.setdefault(kind, []).append(start)
            elif turned["affected"]:
                self._ranges.append(VersionRange(package, kind, tuple(turned["affected"]), tuple(turned["unaffected"]), (), (), at))
            elif status == "unaffected" and default == "affected" and start not in ("0", "") and not below:
                safe.setdefault(kind, []).append(start)
            if status in ("unaffected", "unknown") and start:
                text = " ".join(filter(None, [start, below and f"< {below}", last and f"<= {last}", kind and f"({kind})"]))
                self._extra.append((f"{status} version", text))
        for kind, versions in single.items():
            self._ranges.append(VersionRange(package, kind, versions=tuple(versions), repository=repository if kind == "git" else ""))
        for kind, versions in safe.items():
            self._ranges.append(VersionRange(package, kind, fixed=tuple(versions)))

    def _metrics(self, container: dict[str, Any], place: str, who: str) -> None:
        for number, metric in enumerate(map(dict_of, list_of(container.get("metrics")))):
            for name in _CVSS:
                stated = dict_of(metric.get(name))
                vector, published = text_of(stated.get("vectorString")), score_of(stated.get("baseScore"))
                where = place + pointer("metrics", number, name)
                label = text_of(stated.get("baseSeverity"))
                if vector:
                    claim = read_cvss(vector, who, where, self._notes, published)
                    self._severities.append(SeverityClaim(claim.scheme, vector, published, label, who))
                elif stated:
                    scheme = "CVSS:" + name.removeprefix("cvssV").replace("_", ".")
                    self._severities.append(SeverityClaim(scheme, "", published, label, who))
            other = dict_of(metric.get("other"))
            kind, content = text_of(other.get("type")), dict_of(other.get("content"))
            if kind.lower() == "kev":
                self._exploited = True
            if kind and text_of(content.get("value") or content.get("text")):
                label = text_of(content.get("value")) or text_of(content.get("text"))
                self._severities.append(SeverityClaim(kind, label=label, by=who))
            elif kind:
                self._extra += keep_rest({kind: content}, (), who)
            for scenario in map(dict_of, list_of(metric.get("scenarios"))):
                if text_of(scenario.get("value")) not in ("", "GENERAL"):
                    self._extra.append(("metric scenario", text_of(scenario.get("value"))))


def _reference(entry: dict[str, Any]) -> Reference:
    shaped = read_reference(text_of(entry.get("url")))
    if shaped.kind is not ReferenceKind.OTHER:
        return shaped
    tags = [_TAGS[tag] for tag in list_of(entry.get("tags")) if isinstance(tag, str) and tag in _TAGS]
    # "patch" on an address that is no commit points at an advisory or a release as often as at a change.
    return Reference(shaped.url, next((kind for kind in tags if kind is not ReferenceKind.COMMIT), ReferenceKind.OTHER))


def _prose(descriptions: list[Any]) -> tuple[str, str, list[tuple[str, str]]]:
    """(language, text, the other languages): English where there is some, else the first."""
    entries = [dict_of(entry) for entry in descriptions if text_of(dict_of(entry).get("value"))]
    if not entries:
        return "", "", []
    chosen = next((entry for entry in entries if text_of(entry.get("lang")).lower().startswith("en")), entries[0])
    language = text_of(chosen.get("lang"))
    same = [entry for entry in entries if text_of(entry.get("lang")) == language]
    rest = [(f"description {text_of(e.get('lang'))}".strip(), text_of(e.get("value"))) for e in entries if e not in same]
    return language, "\n\n".join(text_of(entry.get("value")) for entry in same), rest


def _texts(entries: Any) -> str:
    return "\n\n".join(dict.fromkeys(text_of(dict_of(entry).get("value")) for entry in entries if text_of(dict_of(entry).get("value"))))


def _broken(record: dict[str, Any], place: str) -> Iterator[Note]:
    """What of a record breaks the schema, said for the form it means to have."""
    state = text_of(dict_of(record.get("cveMetadata")).get("state"))
    notes = check_schema(_SCHEMA, record, place)
    if not notes:
        return
    # "is not valid under any of the given schemas" helps nobody: check the parts that the record's state calls for.
    if state not in ("PUBLISHED", "REJECTED"):
        yield Note(f"{place}/cveMetadata/state", f"{state[:40]!r} is no state; PUBLISHED or REJECTED would be right", "schema")
        return
    found = False
    rejected = state == "REJECTED"
    metadata, cna = ("cveMetadataRejected", "cnaRejectedContainer") if rejected else ("cveMetadataPublished", "cnaPublishedContainer")
    containers = dict_of(record.get("containers"))
    parts = [(metadata, record.get("cveMetadata"), "/cveMetadata"), (cna, containers.get("cna"), "/containers/cna")]
    parts += [("adpContainer", entry, f"/containers/adp/{n}") for n, entry in enumerate(list_of(containers.get("adp")))]
    for definition, value, where in parts:
        for note in check_definition(_SCHEMA, definition, value, place + where):
            found = True
            yield note
    if not found:
        yield from notes


def _is_record(value: dict[str, Any]) -> bool:
    return value.get("dataType") == "CVE_RECORD" or ("cveMetadata" in value and "containers" in value)


def _is_container(value: dict[str, Any]) -> bool:
    return "providerMetadata" in value and ("affected" in value or "problemTypes" in value) and "descriptions" in value


def _is_schema(value: dict[str, Any]) -> bool:
    about = f"{text_of(value.get('$id'))} {text_of(value.get('title'))}".lower()
    return "$schema" in value and ("definitions" in value or "properties" in value) and "cve" in about


SOURCE = Cve()
