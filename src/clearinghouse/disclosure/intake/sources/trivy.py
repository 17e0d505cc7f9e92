"""Trivy (JSON): vulnerabilities, misconfigurations and secrets, of images, file systems and clusters, old form and new.

Licences are no claim of a vulnerability and are left out.
"""

from collections.abc import Iterator
from typing import Any

from clearinghouse.core.crash import normalise_path
from clearinghouse.disclosure.intake.records import CodeLocation, Finding, Note, Producer, Reference, SeverityClaim, VersionRange
from clearinghouse.disclosure.intake.sources._reading import read_cvss, read_instant, read_reference
from clearinghouse.disclosure.intake.sources._scan import (
    identifiers_of,
    kept,
    label,
    line_of,
    package_of,
    score_of,
    texts,
    weaknesses_of,
)
from clearinghouse.disclosure.intake.sources.base import (
    Document,
    Item,
    NotAReport,
    Unreadable,
    dict_of,
    list_of,
    pointer,
    refuse,
    text_of,
)

_ECOSYSTEMS = {
    "pip": "pypi", "pipenv": "pypi", "poetry": "pypi", "uv": "pypi", "python-pkg": "pypi", "conda-pkg": "conda", "npm": "npm", "yarn": "npm", "pnpm": "npm",
    "node-pkg": "npm", "composer": "packagist", "bundler": "rubygems", "rubygems": "rubygems", "gemspec": "rubygems", "cargo": "crates.io",
    "rust-binary": "crates.io", "gomod": "go", "gobinary": "go", "jar": "maven", "pom": "maven", "gradle": "maven", "nuget": "nuget", "dotnet-core": "nuget",
    "mix-lock": "hex", "pub": "pub", "swift": "swift", "conan": "conan", "cocoapods": "cocoapods",
}
_LEVELS = (("V40Vector", "V40Score"), ("V3Vector", "V3Score"), ("V2Vector", "V2Score"))
_EXTRA = ("Status", "PkgID", "PkgPath", "SeveritySource", "VendorSeverity", "VendorIDs", "DataSource", "Layer", "Custom")


class Trivy:
    """The reader; `SOURCE` is its one object."""

    name = "trivy"
    title = "Trivy (JSON)"
    version = "1"

    def sniff(self, document: Document) -> float:
        if not document.head.startswith(("{", "[")):
            return 0.3 if document.head.strip() == "null" else 0.0
        value = document.json
        if isinstance(value, dict):
            if "ClusterName" in value and ({"Vulnerabilities", "Misconfigurations", "Resources", "Findings"} & set(value)):
                return 0.95
            return 0.95 if "SchemaVersion" in value and {"ArtifactName", "ArtifactType", "Results"} & set(value) else 0.0
        results = list_of(value)
        return 0.9 if results and all("Target" in dict_of(result) for result in results[:20]) else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        value = document.json
        if document.json_error is not None:
            if document.text.strip() == "null":
                return  # how old versions said that they found nothing
            raise document.json_error
        if not isinstance(value, dict | list):
            raise Unreadable("an object with `Results` would be right", "", "trivy.shape")
        tool = text_of(dict_of(dict_of(value).get("Trivy")).get("Version"))
        found = licences = 0
        for place, result, subject in _results(value):
            licences += len(list_of(result.get("Licenses")))
            for kind, read in (("Vulnerabilities", _vulnerability), ("Misconfigurations", _misconfiguration), ("Secrets", _secret)):
                for number, entry in enumerate(list_of(result.get(kind))):
                    found += 1
                    yield read(dict_of(entry), result, subject, place + pointer(kind, number), tool)
        if licences and not found:
            raise NotAReport("not a report: licences of packages and no vulnerability; use the scanners `vuln`, `misconfig` or `secret`")


def _results(value: dict[str, Any] | list[Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """(place, result, what was scanned) in every form: a list, an object, and objects of a cluster."""
    if isinstance(value, list):
        for number, result in enumerate(value):
            yield pointer(number), dict_of(result), ""
        return
    subject = text_of(value.get("ArtifactName"))
    for number, result in enumerate(list_of(value.get("Results"))):
        yield pointer("Results", number), dict_of(result), subject
    for kind in ("Vulnerabilities", "Misconfigurations", "Resources", "Findings"):
        for number, resource in enumerate(list_of(value.get(kind))):
            entry = dict_of(resource)
            name = "/".join(part for part in (text_of(entry.get("Namespace")), text_of(entry.get("Kind")), text_of(entry.get("Name"))) if part)
            for inner, result in enumerate(list_of(entry.get("Results"))):
                yield pointer(kind, number, "Results", inner), dict_of(result), name


def _vulnerability(entry: dict[str, Any], result: dict[str, Any], subject: str, place: str, tool: str) -> Item:
    notes: list[Note] = []
    own, name = text_of(entry.get("VulnerabilityID")), text_of(entry.get("PkgName"))
    if not own and not name:
        return refuse(place, "a vulnerability has `VulnerabilityID` and `PkgName`; found neither", "trivy.vulnerability")
    kind, target = text_of(result.get("Type")), text_of(result.get("Target"))
    purl = text_of(dict_of(entry.get("PkgIdentifier")).get("PURL"))
    package = package_of(purl, _ECOSYSTEMS.get(kind, kind), name, f"{place}/PkgIdentifier/PURL", notes)
    installed = text_of(entry.get("InstalledVersion"))
    fixed = tuple(version.strip() for version in text_of(entry.get("FixedVersion")).split(",") if version.strip())
    severities: list[SeverityClaim] = []
    for by, scores in dict_of(entry.get("CVSS")).items():
        for vector, score in _LEVELS:
            if text_of(dict_of(scores).get(vector)):
                number = scores.get(score)
                severities.append(read_cvss(scores[vector], by, f"{place}/CVSS/{by}", notes, score_of(number)))
    path = text_of(entry.get("PkgPath")) or (target if text_of(result.get("Class")) == "lang-pkgs" or ("/" in target and "(" not in target) else "")
    finding = Finding(
        title=text_of(entry.get("Title")) or f"{own} in {name} {installed}".strip(), description=text_of(entry.get("Description")),
        identifiers=identifiers_of([own, *texts(entry.get("VendorIDs"))]), packages=(package,), products=(subject,) if subject else (),
        ranges=(VersionRange(package, "", fixed=fixed, versions=(installed,) if installed else ()),), references=_references(entry),
        weaknesses=weaknesses_of(texts(entry.get("CweIDs")), f"{place}/CweIDs", notes), severities=(*severities, *label(entry.get("Severity"), "trivy")),
        locations=(CodeLocation(normalise_path(path)),) if path and "." in path else (),
        producer=Producer("trivy", tool, rule=own, fingerprints=(("Fingerprint", text_of(entry["Fingerprint"])),) if text_of(entry.get("Fingerprint")) else ()),
        published_at=read_instant(entry.get("PublishedDate"), f"{place}/PublishedDate", notes),
        modified_at=read_instant(entry.get("LastModifiedDate"), f"{place}/LastModifiedDate", notes), place=place,
        extra=kept([("target", target), ("class", result.get("Class")), ("type", kind), *((name, entry.get(name)) for name in _EXTRA)]),
    )
    return Item(place, finding, tuple(notes))


def _references(entry: dict[str, Any]) -> tuple[Reference, ...]:
    links = [*texts(entry.get("PrimaryURL")), *texts(entry.get("References"))]
    return tuple(read_reference(url) for url in dict.fromkeys(links))


def _misconfiguration(entry: dict[str, Any], result: dict[str, Any], subject: str, place: str, tool: str) -> Item:
    cause, target = dict_of(entry.get("CauseMetadata")), text_of(result.get("Target"))
    start, end = cause.get("StartLine"), cause.get("EndLine")
    lines = [dict_of(line) for line in list_of(dict_of(cause.get("Code")).get("Lines"))]
    rule = text_of(entry.get("AVDID")) or text_of(entry.get("ID"))
    if not rule and not text_of(entry.get("Title")):
        return refuse(place, "a misconfiguration has `ID` and `Title`; found neither", "trivy.misconfiguration")
    finding = Finding(
        title=text_of(entry.get("Title")) or rule,
        description="\n\n".join(part for part in (text_of(entry.get("Description")), text_of(entry.get("Message"))) if part),
        products=(subject,) if subject else (), references=_references(entry), severities=label(entry.get("Severity"), "trivy"),
        locations=(CodeLocation(
            normalise_path(target), line_of(start), line_of(end),
            snippet="\n".join(text_of(line.get("Content")) for line in lines[:40]),
        ),) if target else (),
        remediation=text_of(entry.get("Resolution")), producer=Producer("trivy", tool, rule=rule), state=text_of(entry.get("Status")), place=place,
        extra=kept([("type", entry.get("Type")), ("namespace", entry.get("Namespace")), ("query", entry.get("Query")), ("resource", cause.get("Resource")),
                    ("provider", cause.get("Provider")), ("service", cause.get("Service"))]),
    )
    return Item(place, finding)


def _secret(entry: dict[str, Any], result: dict[str, Any], subject: str, place: str, tool: str) -> Item:
    start, end = entry.get("StartLine"), entry.get("EndLine")
    target = text_of(result.get("Target"))
    if not text_of(entry.get("RuleID")) and not text_of(entry.get("Title")):
        return refuse(place, "a secret has `RuleID` and `Title`; found neither", "trivy.secret")
    finding = Finding(
        title=f"{text_of(entry.get('Title')) or text_of(entry.get('RuleID'))} in {target}", description="A secret stands in a file.",
        products=(subject,) if subject else (), severities=label(entry.get("Severity"), "trivy"),
        locations=(CodeLocation(
            normalise_path(target), line_of(start), line_of(end), snippet=text_of(entry.get("Match")),
        ),), producer=Producer("trivy", tool, rule=text_of(entry.get("RuleID"))), place=place, extra=kept([("category", entry.get("Category"))]),
    )
    return Item(place, finding)


SOURCE = Trivy()
