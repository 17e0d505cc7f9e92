"""CycloneDX 1.2 to 1.7, JSON and XML: disclosure reports (VDR), VEX, and SBOMs that list vulnerabilities.

Every vulnerability is one finding. No schema of CycloneDX is bundled: the keys and types a
vulnerability needs are checked here, and what is missing or of another type is said with its place.

Source: ECMA-424 (CycloneDX); the vulnerability extension 1.0 for XML before 1.4.
"""

import re
from collections.abc import Iterator
from typing import Any

from clearinghouse.core.product import Package
from clearinghouse.core.weakness import parse_weakness
from clearinghouse.disclosure.intake.records import (
    Credit,
    Finding,
    IdentifierRole,
    Note,
    Producer,
    Reference,
    ReferenceKind,
    SeverityClaim,
    StatusClaim,
    VersionRange,
)
from clearinghouse.disclosure.intake.sources._cyclonedx_xml import read_xml
from clearinghouse.disclosure.intake.sources._reading import (
    is_schema,
    keep_rest,
    read_cvss,
    read_identifier,
    read_instant,
    read_purl,
    read_reference,
    read_vers,
    score_of,
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

_VERSIONS = frozenset({"1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7"})
_NAMESPACE = re.compile(r"cyclonedx\.org/schema/bom/(\d+\.\d+)")
_METHODS = {
    "CVSSV2": "", "CVSSV3": "CVSS:3.0/", "CVSSV30": "CVSS:3.0/", "CVSSV31": "CVSS:3.1/", "CVSSV4": "CVSS:4.0/", "CVSSV40": "CVSS:4.0/",
}
_BOM_LINK = re.compile(r"^urn:cdx:[^#]{1,200}#(.{1,500})$")
_READ = frozenset({
    "id", "source", "references", "ratings", "cwes", "description", "detail", "recommendation", "recommendations", "workaround",
    "advisories", "created", "published", "updated", "rejected", "credits", "tools", "analysis", "affects", "proofOfConcept",
    "bom-ref", "ref",
})
_TYPES: dict[str, type | tuple[type, ...]] = {
    "id": str, "source": dict, "references": list, "ratings": list, "cwes": list, "description": str, "detail": str,
    "recommendation": str, "advisories": list, "credits": dict, "analysis": dict, "affects": list, "tools": (list, dict),
    "published": str, "updated": str, "created": str,
}


class CycloneDx:
    """The reader; `SOURCE` is its one object."""

    name = "cyclonedx"
    title = "CycloneDX 1.2 to 1.7 (VDR, VEX, SBOM with vulnerabilities)"
    version = "1"

    def sniff(self, document: Document) -> float:
        if document.head.startswith("<"):
            return 0.97 if _NAMESPACE.search(document.head) else 0.0
        value = document.json
        if isinstance(value, dict):
            if text_of(value.get("bomFormat")).lower() == "cyclonedx":
                return 0.97
            return 0.9 if "cyclonedx" in text_of(value.get("$schema")).lower() or is_schema(value, "cyclonedx") else 0.0
        return 0.5 if document.json_error is not None and '"bomFormat"' in document.head else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        bom = _bom(document)
        place = ""
        components = _Components(bom)
        vulnerabilities = list(components.nested)
        stated = bom.get("vulnerabilities")
        if stated is not None and not isinstance(stated, list):
            raise Unreadable("`vulnerabilities` is a list", "/vulnerabilities", "cyclonedx.vulnerabilities")
        vulnerabilities += [(entry, f"{place}/vulnerabilities/{number}", "") for number, entry in enumerate(list_of(stated))]
        if not vulnerabilities:
            kind = "a bill of materials without vulnerabilities; use it to match exposure, and send a VDR or VEX as a report"
            raise NotAReport(f"not a report: {kind}")
        for entry, where, owner in vulnerabilities:
            if isinstance(entry, dict):
                yield _Vulnerability(entry, where, owner, bom, components).item()
            else:
                yield refuse(where, f"a vulnerability is an object; found {type(entry).__name__}", "item.schema")


def _bom(document: Document) -> dict[str, Any]:
    if document.head.startswith("<"):
        bom = read_xml(document.data, document.limits.json_depth_max)
        found = _NAMESPACE.search(text_of(bom.get("xmlns")))
        version = found[1] if found else ""
    else:
        value = document.json
        if not isinstance(value, dict):
            raise document.json_error or Unreadable("a CycloneDX document is an object", "", "cyclonedx.document")
        if is_schema(value, "cyclonedx") and "bomFormat" not in value:
            raise NotAReport("not a report: the JSON Schema of CycloneDX; use a document it describes")
        bom, version = value, text_of(value.get("specVersion"))
        if not version:
            raise Unreadable("no `specVersion`: a fragment; send the whole document, 1.2 to 1.7", "/specVersion", "cyclonedx.version")
    if version not in _VERSIONS:
        message = f"CycloneDX version {version[:20]!r}; 1.2 to 1.7 are read: convert the file"
        raise Unreadable(message, "/specVersion", "cyclonedx.version")
    return bom


class _Components:
    """The parts of a bill of materials by reference, nested ones included, and vulnerabilities written inside them."""

    def __init__(self, bom: dict[str, Any]) -> None:
        self._by_ref: dict[str, dict[str, Any]] = {}
        self.nested: list[tuple[Any, str, str]] = []
        metadata = dict_of(bom.get("metadata"))
        waiting: list[tuple[Any, str]] = [(metadata.get("component"), "/metadata/component")]
        waiting += [(entry, f"/{name}/{n}") for name in ("components", "services") for n, entry in enumerate(list_of(bom.get(name)))]
        waiting.reverse()
        while waiting:
            untrusted, place = waiting.pop()
            component = dict_of(untrusted)
            for name in ("bom-ref", "purl"):
                if text_of(component.get(name)):
                    self._by_ref.setdefault(text_of(component.get(name)), component)
            inside = component.get("vulnerabilities")
            reference = text_of(component.get("bom-ref")) or text_of(component.get("purl"))
            if isinstance(inside, list):
                if not reference:
                    reference = f"{place}"
                    self._by_ref.setdefault(reference, component)
                self.nested += [(entry, f"{place}/vulnerabilities/{n}", reference) for n, entry in enumerate(inside)]
            below = [(n, name, entry) for name in ("components", "services") for n, entry in enumerate(list_of(component.get(name)))]
            waiting += [(entry, place + pointer(name, n)) for n, name, entry in reversed(below)]

    def find(self, reference: str) -> dict[str, Any]:
        """The component of a reference, be it a `bom-ref`, a package URL or a BOM-Link; empty where the file holds none."""
        linked = _BOM_LINK.match(reference)
        return self._by_ref.get(reference) or (self._by_ref.get(linked[1], {}) if linked else {})


class _Vulnerability:
    """One vulnerability while it is read."""

    def __init__(self, entry: dict[str, Any], place: str, owner: str, bom: dict[str, Any], components: _Components) -> None:
        self._entry, self._place, self._owner, self._bom, self._components = entry, place, owner, bom, components
        self._notes: list[Note] = []

    def item(self) -> Item:
        entry, place = self._entry, self._place
        for name, wanted in _TYPES.items():
            if entry.get(name) not in (None, "") and not isinstance(entry[name], wanted):
                words = wanted.__name__ if isinstance(wanted, type) else " or ".join(kind.__name__ for kind in wanted)
                self._notes.append(Note(f"{place}/{name}", f"{name} is {type(entry[name]).__name__}; {words} would be right", "schema"))
        for number, target in enumerate(list_of(entry.get("affects"))):
            if not text_of(dict_of(target).get("ref")):
                self._notes.append(Note(f"{place}/affects/{number}", "what is affected has no `ref`", "schema"))
        name = text_of(entry.get("id"))
        identifiers = [read_identifier(name, IdentifierRole.OWN)] if name else []
        others = [dict_of(reference) for reference in list_of(entry.get("references"))]
        identifiers += [read_identifier(text_of(other.get("id")), IdentifierRole.ALIAS) for other in others if text_of(other.get("id"))]
        packages, products, ranges, statuses = self._affected()
        proof = dict_of(entry.get("proofOfConcept"))
        rejected = read_instant(entry.get("rejected"), f"{place}/rejected", self._notes)
        description = [text_of(entry.get("description")), text_of(entry.get("detail"))]
        advice = [text_of(entry.get("recommendation")), *map(text_of, list_of(entry.get("recommendations"))), text_of(entry.get("workaround"))]
        metadata = dict_of(self._bom.get("metadata"))
        supplier = dict_of(metadata.get("supplier")) or dict_of(metadata.get("manufacturer")) or dict_of(metadata.get("manufacture"))
        published = entry.get("published") or entry.get("created")
        return Item(place, Finding(
            title=name, description="\n\n".join(dict.fromkeys(filter(None, description))),
            identifiers=tuple({identifier.value: identifier for identifier in reversed(identifiers)}.values())[::-1],
            packages=tuple(dict.fromkeys(packages)), products=tuple(dict.fromkeys(products)), ranges=tuple(dict.fromkeys(ranges)),
            references=self._references(others), weaknesses=self._weaknesses(), severities=tuple(self._severities()),
            statuses=tuple(statuses), credits=self._credits(), producer=self._producer(metadata), reporter=text_of(supplier.get("name")),
            remediation="\n\n".join(dict.fromkeys(filter(None, advice))), reproduction=text_of(proof.get("reproductionSteps")),
            published_at=read_instant(published, f"{place}/published", self._notes),
            modified_at=read_instant(entry.get("updated"), f"{place}/updated", self._notes),
            withdrawn_at=rejected, state="rejected" if rejected else "", place=place, extra=tuple(self._extra(proof)),
        ), tuple(self._notes))

    def _extra(self, proof: dict[str, Any]) -> list[tuple[str, str]]:
        entry = self._entry
        source = dict_of(entry.get("source"))
        extra = keep_rest(entry, _READ | {"properties"})
        extra += [("source", text_of(source.get("name")))] if text_of(source.get("name")) else []
        extra += keep_rest(proof, {"reproductionSteps"}, "proof of concept")
        extra += keep_rest(dict_of(entry.get("analysis")), {"state", "justification", "detail", "responses"}, "analysis")
        extra += [("analysis response", text_of(response)) for response in list_of(dict_of(entry.get("analysis")).get("responses"))]
        if entry.get("created") and entry.get("published"):
            extra.append(("created", text_of(entry.get("created"))))
        if text_of(self._bom.get("serialNumber")):
            extra.append(("serial number", text_of(self._bom.get("serialNumber"))))
        return extra + [
            (f"property {text_of(known.get('name'))}", text_of(known.get("value")))
            for known in map(dict_of, list_of(entry.get("properties")))
        ]

    def _affected(self) -> tuple[list[Package], list[str], list[VersionRange], list[StatusClaim]]:
        packages: list[Package] = []
        products: list[str] = []
        ranges: list[VersionRange] = []
        statuses: list[StatusClaim] = []
        analysis = dict_of(self._entry.get("analysis"))
        state = text_of(analysis.get("state"))
        said = (text_of(analysis.get("justification")), text_of(analysis.get("detail")))
        targets = [dict_of(target) for target in list_of(self._entry.get("affects"))]
        targets += [{"ref": reference} for reference in (self._owner, text_of(self._entry.get("ref"))) if reference]
        for number, target in enumerate(targets):
            reference = text_of(target.get("ref"))
            component = self._components.find(reference)
            purl = text_of(component.get("purl")) or (reference if reference.startswith("pkg:") else "")
            package, purl_version = read_purl(purl, f"{self._place}/affects/{number}/ref", self._notes) if purl else (None, "")
            if package is not None:
                packages.append(package)
            label = _label(component) or reference
            if label:
                products.append(label)
            version = text_of(component.get("version")) or purl_version
            affected = state not in ("not_affected", "false_positive", "resolved", "resolved_with_pedigree")
            listed = False
            for known in map(dict_of, list_of(target.get("versions"))):
                listed = True
                text, status = text_of(known.get("range")) or text_of(known.get("version")), text_of(known.get("status"))
                if text and status in ("", "affected"):
                    ranges.append(read_vers(text, package))
                elif text:
                    statuses.append(StatusClaim(f"{label} {text}", status))
            if version and not listed and affected:
                ranges.append(VersionRange(package, versions=(version,)))
            if state:
                statuses.append(StatusClaim(f"{label} {version}".strip(), state, *said))
        if state and not targets:
            statuses.append(StatusClaim("", state, *said))
        return packages, products, ranges, statuses

    def _references(self, others: list[dict[str, Any]]) -> tuple[Reference, ...]:
        found = [read_reference(text_of(dict_of(other.get("source")).get("url")), ReferenceKind.ADVISORY) for other in others]
        source = text_of(dict_of(self._entry.get("source")).get("url"))
        found.insert(0, read_reference(source, ReferenceKind.ADVISORY))
        advisories = list_of(self._entry.get("advisories"))
        found += [read_reference(text_of(advisory) or text_of(dict_of(advisory).get("url"))) for advisory in advisories]
        return tuple(dict.fromkeys(reference for reference in found if reference.url))

    def _weaknesses(self) -> tuple[str, ...]:
        found = []
        for number, value in enumerate(list_of(self._entry.get("cwes"))):
            weakness = parse_weakness(value)
            if weakness is not None:
                found.append(weakness)
            else:
                self._notes.append(Note(f"{self._place}/cwes/{number}", f"{str(value)[:40]!r} is no CWE number", "weakness.unknown"))
        return tuple(dict.fromkeys(found))

    def _severities(self) -> Iterator[SeverityClaim]:
        for number, rating in enumerate(map(dict_of, list_of(self._entry.get("ratings")))):
            by = text_of(dict_of(rating.get("source")).get("name"))
            method, vector = text_of(rating.get("method")), text_of(rating.get("vector")).strip("() ")
            stated = rating.get("score")
            score = score_of(dict_of(stated).get("base") if isinstance(stated, dict) else stated)
            label = text_of(rating.get("severity"))
            start = _METHODS.get(method.upper())
            if vector and (start is not None or vector.startswith("CVSS:")):
                whole = vector if vector.startswith("CVSS:") or not start else start + vector
                where = f"{self._place}/ratings/{number}"
                claim = read_cvss(whole, by, where, self._notes, score, overall=True)
                yield SeverityClaim(claim.scheme, whole, score, label, by)
            elif vector or score is not None or label:
                scheme = f"CVSS:{start[5:8]}" if start else "CVSS:2.0" if start == "" else method
                yield SeverityClaim(scheme or "label", vector, score, label, by)

    def _credits(self) -> tuple[Credit, ...]:
        thanked = dict_of(self._entry.get("credits"))
        people = map(dict_of, list_of(thanked.get("individuals")))
        found = [Credit(text_of(person.get("name")), "", text_of(person.get("email"))) for person in people]
        for organisation in list_of(thanked.get("organizations")):
            url = dict_of(organisation).get("url")
            found.append(Credit(
                text_of(organisation) or text_of(dict_of(organisation).get("name")), "",
                text_of(url) or " ".join(text_of(entry) for entry in list_of(url)),
            ))
        return tuple(credit for credit in dict.fromkeys(found) if credit.name or credit.contact)

    def _producer(self, metadata: dict[str, Any]) -> Producer:
        """The tool that found the vulnerability, else the one that wrote the document."""
        for tools in (self._entry.get("tools"), metadata.get("tools")):
            listed = list_of(tools) or [*list_of(dict_of(tools).get("components")), *list_of(dict_of(tools).get("services"))]
            for tool in map(dict_of, listed):
                name = text_of(tool.get("name"))
                if name:
                    vendor = text_of(tool.get("vendor")) or text_of(tool.get("group"))
                    return Producer(tool=f"{vendor} {name}".strip(), tool_version=text_of(tool.get("version")))
        return Producer()


def _label(component: dict[str, Any]) -> str:
    group, name = text_of(component.get("group")), text_of(component.get("name"))
    return f"{group}:{name}" if group and name else name


SOURCE = CycloneDx()
