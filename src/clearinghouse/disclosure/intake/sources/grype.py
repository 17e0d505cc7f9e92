"""Grype (JSON): one finding a match."""

import re
from collections.abc import Iterator
from typing import Any

from clearinghouse.core.crash import normalise_path
from clearinghouse.disclosure.intake.records import CodeLocation, Finding, Note, Producer, SeverityClaim, VersionRange
from clearinghouse.disclosure.intake.sources._reading import read_cvss, read_reference
from clearinghouse.disclosure.intake.sources._scan import identifiers_of, kept, label, package_of, score_of, texts, weaknesses_of
from clearinghouse.disclosure.intake.sources.base import Document, Item, Unreadable, dict_of, list_of, pointer, refuse, text_of

_ECOSYSTEMS = {"python": "pypi", "npm": "npm", "gem": "rubygems", "java-archive": "maven", "go-module": "go", "rust-crate": "crates.io", "php-composer": "packagist",
               "dotnet": "nuget", "deb": "debian", "apk": "alpine"}
_UNSEEN = re.compile(r"[\x00-\x1f\x7f]")


class Grype:
    """The reader; `SOURCE` is its one object."""

    name = "grype"
    title = "Grype (JSON)"
    version = "1"

    def sniff(self, document: Document) -> float:
        if not document.head.startswith("{") or not isinstance(value := document.json, dict) or not isinstance(value.get("matches"), list):
            return 0.0
        if dict_of(value.get("descriptor")).get("name") == "grype":
            return 0.97
        matches = value["matches"]
        return 0.9 if matches and {"vulnerability", "artifact"} <= set(dict_of(matches[0])) else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        value = document.json
        if not isinstance(value, dict) or not isinstance(value.get("matches"), list):
            raise document.json_error or Unreadable("an object with `matches` would be right", "/matches", "grype.shape")
        for number, match in enumerate(value["matches"]):
            yield _item(dict_of(match), value, pointer("matches", number))


def _item(match: dict[str, Any], report: dict[str, Any], place: str) -> Item:
    notes: list[Note] = []
    vulnerability, artifact = dict_of(match.get("vulnerability")), dict_of(match.get("artifact"))
    related = [dict_of(entry) for entry in list_of(match.get("relatedVulnerabilities"))]
    own, name, version = text_of(vulnerability.get("id")), text_of(artifact.get("name")), text_of(artifact.get("version"))
    if not own:
        return refuse(f"{place}/vulnerability", "a match has a vulnerability with an `id`; found none", "grype.id")
    if _UNSEEN.search(version):
        notes.append(Note(f"{place}/artifact/version", "the version holds control characters, as read out of a binary; they were dropped", "text.control"))
    kind = text_of(artifact.get("type"))
    package = package_of(_UNSEEN.sub("", text_of(artifact.get("purl"))), _ECOSYSTEMS.get(kind, kind), name, f"{place}/artifact/purl", notes)
    fix, descriptor = dict_of(vulnerability.get("fix")), dict_of(report.get("descriptor"))
    constraints = [text_of(dict_of(dict_of(detail).get("found")).get("versionConstraint")) for detail in list_of(match.get("matchDetails"))]
    version = _UNSEEN.sub("", version)
    sources = [vulnerability, *related]
    links = [url for entry in sources for url in (*texts(entry.get("dataSource")), *texts(entry.get("urls")))]
    target = dict_of(report.get("source")).get("target")
    subject = text_of(target) or text_of(dict_of(target).get("userInput"))
    description = next((text for entry in sources if (text := text_of(entry.get("description")))), "")
    weaknesses = [dict_of(cwe).get("cwe") if isinstance(cwe, dict) else cwe for entry in sources for cwe in list_of(entry.get("cwes"))]
    finding = Finding(
        title=f"{own} in {name} {version}".strip(), description=description, identifiers=identifiers_of([own, *(entry.get("id") for entry in related)]),
        packages=(package,), products=(subject,) if subject else (),
        ranges=(VersionRange(
            package, "", fixed=tuple(texts(fix.get("versions"))), versions=tuple(dict.fromkeys(text for text in (version, *constraints) if text and not text.startswith("none"))),
        ),),
        references=tuple(read_reference(url) for url in dict.fromkeys(links)), weaknesses=weaknesses_of(weaknesses, place, notes),
        severities=tuple(_severities(sources, place, notes)),
        locations=tuple(CodeLocation(normalise_path(path)) for entry in list_of(artifact.get("locations")) if (path := text_of(dict_of(entry).get("path")))),
        producer=Producer("grype", text_of(descriptor.get("version")), rule=own), language=text_of(artifact.get("language")), place=place,
        extra=kept([
            ("namespace", vulnerability.get("namespace")), ("fix_state", fix.get("state")), ("artifact_type", kind), ("cpes", artifact.get("cpes")),
            ("matchers", [text_of(dict_of(detail).get("matcher")) for detail in list_of(match.get("matchDetails"))]), ("epss", vulnerability.get("epss")),
            ("risk", vulnerability.get("risk")), ("known_exploited", vulnerability.get("knownExploited")), ("distro", text_of(dict_of(report.get("distro")).get("name"))),
            ("upstreams", artifact.get("upstreams")), ("licenses", artifact.get("licenses")), ("advisories", vulnerability.get("advisories")),
        ]),
    )
    return Item(place, finding, tuple(notes))


def _severities(sources: list[dict[str, Any]], place: str, notes: list[Note]) -> Iterator[SeverityClaim]:
    for entry in sources:
        for number, cvss in enumerate(list_of(entry.get("cvss"))):
            vector, score = text_of(dict_of(cvss).get("vector")), dict_of(dict_of(cvss).get("metrics")).get("baseScore")
            if vector:
                by = text_of(dict_of(cvss).get("source")) or text_of(entry.get("namespace"))
                yield read_cvss(vector, by, f"{place}/cvss/{number}", notes, score_of(score))
        yield from label(entry.get("severity"), text_of(entry.get("namespace")))


SOURCE = Grype()
