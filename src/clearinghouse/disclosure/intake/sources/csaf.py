"""CSAF 2.0 and 2.1: security advisories and VEX documents; every vulnerability is one finding.

A document that lists no vulnerability (informational advisories) is one finding about the whole.
What breaks the schema or a test of the standard is a note with its place; nothing of that stops reading.

Source: OASIS CSAF 2.0 (OS) and CSAF 2.1 (csd04).
"""

import re
from collections.abc import Iterator
from typing import Any

from clearinghouse.core.product import Package
from clearinghouse.core.weakness import parse_weakness
from clearinghouse.disclosure.intake.records import (
    Credit,
    Finding,
    Identifier,
    IdentifierRole,
    Note,
    Reference,
    ReferenceKind,
    SeverityClaim,
    StatusClaim,
    VersionRange,
)
from clearinghouse.disclosure.intake.sources._csaf.checks import check_document
from clearinghouse.disclosure.intake.sources._csaf.tree import Product, Tree, read_tree
from clearinghouse.disclosure.intake.sources._reading import (
    is_schema,
    keep_rest,
    read_cvss,
    read_identifier,
    read_instant,
    read_purl,
    read_reference,
    read_tlp,
    read_vers,
    score_of,
)
from clearinghouse.disclosure.intake.sources._schema import check_schema
from clearinghouse.disclosure.intake.sources.base import Document, Item, NotAReport, Unreadable, dict_of, list_of, pointer, text_of

_SCHEMAS = {"2.0": "csaf-2.0.schema.json", "2.1": "csaf-2.1.schema.json"}
_AFFECTED = ("known_affected", "first_affected", "last_affected", "under_investigation")
_PROSE = ("summary", "description", "details")
_OWN_ID = re.compile(r"(?:CVE-\d{4}-\d{4,}|GHSA(?:-\w{4}){3}|[A-Z]{2,12}-\d{4}[-:]\d+)", re.IGNORECASE)
_DETACHED = re.compile(r"\A(?:-----BEGIN PGP SIGNATURE-----|[0-9a-fA-F]{64,128}\s+\*?\S{1,300}\s*\Z)")
_STATUS_CLAIMS_MAX = 20_000
_VULNERABILITY_READ = frozenset({
    "acknowledgments", "cve", "cwe", "cwes", "title", "notes", "references", "scores", "metrics", "product_status",
    "remediations", "threats", "flags", "ids", "disclosure_date", "release_date", "first_known_exploitation_dates",
})
_DOCUMENT_READ = frozenset({"title", "lang", "notes", "references", "acknowledgments", "csaf_version"})


class Csaf:
    """The reader; `SOURCE` is its one object."""

    name = "csaf"
    title = "CSAF 2.0, 2.1"
    version = "1"

    def sniff(self, document: Document) -> float:
        value = document.json
        if isinstance(value, dict):
            if "csaf_version" in dict_of(value.get("document")):
                return 0.98
            return 0.9 if _other_kind(value) else 0.0
        if document.json_error is not None and '"csaf_version"' in document.text[:200_000]:
            return 0.5
        # Beside an advisory lie its signature and its hash; whoever sends the folder sends these too.
        return 0.6 if re.search(r"\.json\.(?:asc|sha\d+)$", document.name) and _DETACHED.match(document.head) else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        value = document.json
        if not isinstance(value, dict):
            if _DETACHED.match(document.head):
                raise NotAReport("not a report: the detached signature or hash of a file; send the file it belongs to")
            raise document.json_error or Unreadable("a CSAF document is a JSON object", "", "csaf.document")
        if kind := _other_kind(value):
            raise NotAReport(f"not a report: {kind}")
        version = text_of(dict_of(value.get("document")).get("csaf_version"))
        if version not in _SCHEMAS:
            message = f"CSAF version {version[:20]!r}; 2.0 and 2.1 are read: convert the file"
            raise Unreadable(message, "/document/csaf_version", "csaf.version")
        notes = (*check_schema(_SCHEMAS[version], value), *check_document(value, version, document.name))
        yield from _Advisory(value, list(notes)).items()


class _Advisory:
    """One document: what all its vulnerabilities share, and the vulnerabilities."""

    def __init__(self, value: dict[str, Any], notes: list[Note]) -> None:
        self._value, self._notes = value, notes
        self._document = dict_of(value.get("document"))
        self._tracking = dict_of(self._document.get("tracking"))
        self._publisher = dict_of(self._document.get("publisher"))
        self._tree: Tree = read_tree(value)
        self._products = self._tree.by_id()
        self._groups = self._tree.members()
        self._vulnerabilities = list_of(value.get("vulnerabilities"))
        self._known_packages: dict[str, tuple[tuple[Package, str], ...]] = {}

    def items(self) -> Iterator[Item]:
        shared_notes: list[Note] = [note for note in self._notes if not note.place.startswith("/vulnerabilities/")]
        shared = self._shared(shared_notes)
        if not self._vulnerabilities:
            yield Item("", Finding(**self._whole(shared)), tuple(shared_notes))
        for number, untrusted in enumerate(self._vulnerabilities):
            place = pointer("vulnerabilities", number)
            own = [note for note in self._notes if note.place == place or note.place.startswith(place + "/")]
            finding = self._vulnerability(dict_of(untrusted), place, shared, own)
            yield Item(place, finding, (*(shared_notes if number == 0 else ()), *own))

    def _shared(self, notes: list[Note]) -> dict[str, Any]:
        """What the document says about each of its vulnerabilities."""
        document, tracking = self._document, self._tracking
        distribution = dict_of(document.get("distribution"))
        tlp = read_tlp(text_of(dict_of(distribution.get("tlp")).get("label")), "/document/distribution/tlp/label", notes)
        extra = [("document title", text_of(document.get("title")))] if document.get("title") else []
        extra += keep_rest(document, {*_DOCUMENT_READ, "tracking", "publisher"}, "document")
        extra += keep_rest(tracking, {"id", "initial_release_date", "current_release_date", "revision_history", "aliases"}, "tracking")
        extra += keep_rest(self._publisher, {"name"}, "publisher")
        for note in map(dict_of, list_of(document.get("notes"))):
            extra.append((f"document note {text_of(note.get('category'))} {text_of(note.get('title'))}".strip(), text_of(note.get("text"))))
        return {
            "references": _references(document), "tlp": tlp, "state": text_of(tracking.get("status")),
            "reporter": text_of(self._publisher.get("name")), "language": text_of(document.get("lang")),
            "published_at": read_instant(tracking.get("initial_release_date"), "/document/tracking/initial_release_date", notes),
            "modified_at": read_instant(tracking.get("current_release_date"), "/document/tracking/current_release_date", notes),
            "credits": _credits(document), "extra": tuple(extra),
        }

    def _whole(self, shared: dict[str, Any]) -> dict[str, Any]:
        """The finding of a document without vulnerabilities."""
        document = self._document
        identifiers = [read_identifier(text_of(self._tracking.get("id")), IdentifierRole.OWN)]
        identifiers += [read_identifier(text_of(alias), IdentifierRole.ALIAS) for alias in list_of(self._tracking.get("aliases"))]
        products = list(self._products.values())
        return {
            **shared, "title": text_of(document.get("title")), "description": _prose(document.get("notes"), everything=True),
            "identifiers": tuple(identifier for identifier in identifiers if identifier.value),
            "products": tuple(dict.fromkeys(_name(product) for product in products)),
            "packages": tuple(dict.fromkeys(package for product in products for package, _ in self._packages(product))),
        }

    def _vulnerability(self, entry: dict[str, Any], place: str, shared: dict[str, Any], notes: list[Note]) -> Finding:
        statuses = dict_of(entry.get("product_status"))
        affected = [product for name in _AFFECTED for product in list_of(statuses.get(name)) if text_of(product)]
        named = affected or [product for ids in statuses.values() for product in list_of(ids) if text_of(product)]
        products = [self._products[product] for product in dict.fromkeys(named) if product in self._products]
        packages = [package for product in products for package, _ in self._packages(product)]
        single = len(self._vulnerabilities) == 1
        weaknesses = [parse_weakness(dict_of(cwe).get("id")) for cwe in (entry.get("cwe"), *list_of(entry.get("cwes")))]
        exploited = bool(list_of(entry.get("first_known_exploitation_dates"))) or None
        disclosed = entry.get("disclosure_date") or entry.get("release_date")
        at = read_instant(disclosed, f"{place}/disclosure_date", notes)
        draft = self._tracking.get("status") == "draft"
        identifiers, others = self._identifiers(entry, single)
        extra = [*shared["extra"], *others, *keep_rest(entry, _VULNERABILITY_READ)]
        extra += [(f"note {text_of(note.get('category'))} {text_of(note.get('title'))}".strip(), text_of(note.get("text")))
                  for note in map(dict_of, list_of(entry.get("notes"))) if note.get("category") not in _PROSE]
        extra += [("threat " + text_of(threat.get("category")), text_of(threat.get("details")))
                  for threat in map(dict_of, list_of(entry.get("threats"))) if threat.get("category") != "impact"]
        extra += [("disclosed", text_of(disclosed))] if disclosed and not draft else []
        extra += [("first known exploitation", text_of(dict_of(known).get("exploitation_date")))
                  for known in list_of(entry.get("first_known_exploitation_dates"))]
        return Finding(**{
            **shared, "title": text_of(entry.get("title")) or self._title(entry, single),
            "description": _prose(entry.get("notes")) or (_prose(self._document.get("notes")) if single else ""),
            "identifiers": identifiers, "products": tuple(dict.fromkeys(_name(product) for product in products)),
            "packages": tuple(dict.fromkeys(packages)), "ranges": tuple(self._ranges(statuses)),
            "references": tuple(dict.fromkeys((*_references(entry), *shared["references"]))),
            "weaknesses": tuple(dict.fromkeys(weakness for weakness in weaknesses if weakness)),
            "severities": tuple(dict.fromkeys(self._severities(entry, place, notes))), "statuses": tuple(self._statuses(entry)),
            "credits": tuple(dict.fromkeys((*_credits(entry), *shared["credits"]))),
            "remediation": _remediation(entry), "exploited": exploited, "proposed_disclosure_at": at if draft else None,
            "impact": "\n\n".join(dict.fromkeys(
                text_of(threat.get("details")) for threat in map(dict_of, list_of(entry.get("threats")))
                if threat.get("category") == "impact"
            )),
            "place": place, "extra": tuple(extra),
        })

    def _title(self, entry: dict[str, Any], single: bool) -> str:
        cwe = dict_of(entry.get("cwe")) or dict_of(next(iter(list_of(entry.get("cwes"))), None))
        document = text_of(self._document.get("title"))
        return document if single and document else text_of(cwe.get("name")) or text_of(entry.get("cve")) or document

    def _identifiers(self, entry: dict[str, Any], single: bool) -> tuple[tuple[Identifier, ...], list[tuple[str, str]]]:
        """The vulnerability's names; the advisory's is another name of it only where it speaks of nothing else."""
        cve, tracking = text_of(entry.get("cve")), text_of(self._tracking.get("id"))
        role = IdentifierRole.RELATED if not single else IdentifierRole.ALIAS if cve else IdentifierRole.OWN
        found = [read_identifier(cve, IdentifierRole.OWN)] if cve else []
        others = []
        for named in map(dict_of, list_of(entry.get("ids"))):
            text = text_of(named.get("text"))
            if _OWN_ID.fullmatch(text):
                found.append(read_identifier(text, IdentifierRole.ALIAS))
            elif text:
                others.append((f"id {text_of(named.get('system_name'))}".strip(), text))
        if tracking:
            found.append(read_identifier(tracking, role))
        alias = IdentifierRole.RELATED if not single else IdentifierRole.ALIAS
        found += [read_identifier(text_of(other), alias) for other in list_of(self._tracking.get("aliases")) if text_of(other)]
        return tuple({identifier.value: identifier for identifier in reversed(found)}.values())[::-1], others

    def _packages(self, product: Product) -> tuple[tuple[Package, str], ...]:
        """(package, version) of a product, and of the products it was joined from; one that is none breaks test 6.1.13."""
        if product.id not in self._known_packages:
            found = []
            for known in (product, *(self._products[part] for part in product.parts if part in self._products)):
                purls = (known.helper.get("purl"), *list_of(known.helper.get("purls")))
                made = (read_purl(purl, known.place, []) for purl in purls if text_of(purl))
                found += [(package, version) for package, version in made if package is not None]
            self._known_packages[product.id] = tuple(found)
        return self._known_packages[product.id]

    def _ranges(self, statuses: dict[str, Any]) -> Iterator[VersionRange]:
        """Versions by product: what stands below a product name in the tree, or in a package URL."""
        bounds: dict[tuple[Package | None, str], dict[str, list[str]]] = {}
        words = {
            "known_affected": "versions", "first_affected": "introduced", "last_affected": "last_affected", "fixed": "fixed",
            "first_fixed": "fixed",
        }
        for status, where in words.items():
            for product_id in list_of(statuses.get(status)):
                product = self._products.get(text_of(product_id))
                if product is None:
                    continue
                packages = self._packages(product)
                package, purl_version = packages[0] if packages else (None, "")
                for known in (product, *(self._products[part] for part in product.parts if part in self._products)):
                    version = known.branch("product_version") or known.branch("product_version_range")
                    version = version or (purl_version if known is product else "")
                    if version.startswith("vers:") and status == "known_affected":
                        yield read_vers(version, package)
                    elif version:
                        entry = bounds.setdefault((package, _name(known)), {})
                        entry.setdefault(where, []).append(version)
        for (package, _), found in bounds.items():
            once = {name: tuple(dict.fromkeys(values)) for name, values in found.items()}
            yield VersionRange(
                package, "", once.get("introduced", ()), once.get("fixed", ()), once.get("last_affected", ()), once.get("versions", ())
            )

    def _ids_of(self, entry: dict[str, Any]) -> list[str]:
        ids = [product for product in list_of(entry.get("product_ids")) if text_of(product)]
        return ids + [product for group in list_of(entry.get("group_ids")) for product in self._groups.get(text_of(group), ())]

    def _statuses(self, entry: dict[str, Any]) -> Iterator[StatusClaim]:
        flags: dict[str, str] = {}
        details: dict[str, str] = {}
        for flag in map(dict_of, list_of(entry.get("flags"))):
            flags.update(dict.fromkeys(self._ids_of(flag), text_of(flag.get("label"))))
        for threat in map(dict_of, list_of(entry.get("threats"))):
            if threat.get("category") == "impact":
                details.update(dict.fromkeys(self._ids_of(threat), text_of(threat.get("details"))))
        claims = 0
        for status, ids in dict_of(entry.get("product_status")).items():
            for product_id in map(text_of, list_of(ids)):
                product = self._products.get(product_id)
                claims += 1
                if claims > _STATUS_CLAIMS_MAX:
                    return
                not_affected = status == "known_not_affected"
                yield StatusClaim(
                    product.name if product is not None and product.name else product_id, status,
                    flags.get(product_id, "") if not_affected else "", details.get(product_id, "") if not_affected else "",
                )

    def _severities(self, entry: dict[str, Any], place: str, notes: list[Note]) -> Iterator[SeverityClaim]:
        publisher = text_of(self._publisher.get("name"))
        stated = [(dict_of(score), publisher, f"{place}/scores/{n}") for n, score in enumerate(list_of(entry.get("scores")))]
        for number, metric in enumerate(map(dict_of, list_of(entry.get("metrics")))):
            by = text_of(metric.get("source")) or publisher
            stated.append((dict_of(metric.get("content")), by, f"{place}/metrics/{number}/content"))
        for content, by, where in stated:
            for name in ("cvss_v2", "cvss_v3", "cvss_v4"):
                cvss = dict_of(content.get(name))
                vector, score = text_of(cvss.get("vectorString")), score_of(cvss.get("baseScore"))
                label = text_of(cvss.get("baseSeverity"))
                if vector:
                    claim = read_cvss(vector, by, f"{where}/{name}", notes, score)
                    yield SeverityClaim(claim.scheme, vector, score, label, by)
                elif cvss:
                    yield SeverityClaim(f"CVSS:{text_of(cvss.get('version')) or name[-1]}", "", score, label, by)
            if text_of(content.get("qualitative_severity_rating")):
                yield SeverityClaim("label", label=text_of(content.get("qualitative_severity_rating")), by=by)
            epss = dict_of(content.get("epss"))
            if epss:
                yield SeverityClaim("EPSS", score=score_of(epss.get("probability")), by=by)
        aggregate = dict_of(self._document.get("aggregate_severity"))
        if text_of(aggregate.get("text")):
            yield SeverityClaim(text_of(aggregate.get("namespace")) or "label", label=text_of(aggregate.get("text")), by=publisher)


def _name(product: Product) -> str:
    vendor, name = product.branch("vendor"), product.branch("product_name")
    return f"{vendor}:{name}" if vendor and name else name or product.name


def _prose(notes: Any, *, everything: bool = False) -> str:
    """The notes that say what the flaw is, each once; all of them for a document that is nothing but notes."""
    texts = [
        text_of(note.get("text")) for note in map(dict_of, list_of(notes)) if everything or note.get("category") in _PROSE
    ]
    return "\n\n".join(dict.fromkeys(text for text in texts if text))


def _remediation(entry: dict[str, Any]) -> str:
    texts = []
    for remediation in map(dict_of, list_of(entry.get("remediations"))):
        details, url = text_of(remediation.get("details")), text_of(remediation.get("url"))
        texts.append(f"{text_of(remediation.get('category'))}: {details} {url}".strip())
    return "\n\n".join(dict.fromkeys(texts))


def _references(entry: dict[str, Any]) -> tuple[Reference, ...]:
    found = []
    for reference in map(dict_of, list_of(entry.get("references"))):
        url = text_of(reference.get("url"))
        if url:
            itself = reference.get("category") == "self"
            found.append(read_reference(url, ReferenceKind.ADVISORY if itself else None))
    return tuple(dict.fromkeys(found))


def _credits(entry: dict[str, Any]) -> tuple[Credit, ...]:
    found = []
    for thanks in map(dict_of, list_of(entry.get("acknowledgments"))):
        names = [text_of(name) for name in list_of(thanks.get("names")) if text_of(name)]
        organisation, urls = text_of(thanks.get("organization")), " ".join(text_of(url) for url in list_of(thanks.get("urls")))
        found += [Credit(name, text_of(thanks.get("summary")), organisation or urls) for name in names]
        if organisation and not names:
            found.append(Credit(organisation, text_of(thanks.get("summary")), urls))
    return tuple(dict.fromkeys(found))


def _other_kind(value: dict[str, Any]) -> str:
    """What of the CSAF family a JSON object is when it is no advisory, and what to send instead; empty otherwise."""
    if "metadata_version" in value and "publisher" in value:
        return "CSAF provider metadata; use an advisory of one of the distributions it names"
    if "aggregator_version" in value or "csaf_providers" in value:
        return "a CSAF aggregator; use an advisory of one of the providers it names"
    if isinstance(value.get("feed"), dict):
        return "a ROLIE feed; use the advisories its entries point at"
    if isinstance(value.get("service"), dict):
        return "a ROLIE service document; use the advisories of its collections"
    if isinstance(value.get("categories"), dict):
        return "a ROLIE category document; use the advisories of the feed it belongs to"
    if "testschema_version" in value:
        return "a list of test cases; use one of the documents it names"
    if "resultschema_version" in value:
        return "the result of a validator; use the document that was validated"
    if is_schema(value, "csaf", "cvss", "common vulnerability scoring", "ssvc", "decision point"):
        return "a JSON Schema; use a document it describes"
    return ""


SOURCE = Csaf()
