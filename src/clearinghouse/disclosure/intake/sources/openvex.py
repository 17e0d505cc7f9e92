"""OpenVEX 0.2.0: every statement is one finding.

The string forms of earlier drafts for `vulnerability` and `products` are read, with a warning.

Source: OpenVEX specification 0.2.0.
"""

from collections.abc import Iterator
from typing import Any

from clearinghouse.core.product import Package
from clearinghouse.disclosure.intake.records import (
    Finding,
    IdentifierRole,
    Note,
    Producer,
    Reference,
    StatusClaim,
    VersionRange,
)
from clearinghouse.disclosure.intake.sources._reading import (
    is_schema,
    keep_rest,
    read_identifier,
    read_instant,
    read_purl,
    read_reference,
)
from clearinghouse.disclosure.intake.sources._schema import check_schema
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

_SCHEMA = "openvex-0.2.0.schema.json"
_STATEMENT_READ = frozenset({
    "vulnerability", "products", "status", "justification", "impact_statement", "action_statement", "timestamp",
    "last_updated", "supplier",
})
_PRODUCTS_MAX = 20_000


class OpenVex:
    """The reader; `SOURCE` is its one object."""

    name = "openvex"
    title = "OpenVEX 0.2.0"
    version = "1"

    def sniff(self, document: Document) -> float:
        value = document.json
        if not isinstance(value, dict):
            return 0.0
        context = _context(value)
        if "openvex" in context and "statements" in value:
            return 0.98
        if isinstance(value.get("@context"), dict) and "vex" in document.head.lower():
            return 0.9
        return 0.9 if is_schema(value, "openvex") or "openvex" in context else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        value = document.json
        if not isinstance(value, dict):
            raise document.json_error or Unreadable("an OpenVEX document is a JSON object with `statements`", "", "openvex.document")
        if is_schema(value, "openvex"):
            raise NotAReport("not a report: the JSON Schema of OpenVEX; use a document it describes")
        if isinstance(value.get("@context"), dict) and "statements" not in value:
            raise NotAReport("not a report: a JSON-LD context; use a document that refers to it")
        notes = check_schema(_SCHEMA, value)
        statements = value.get("statements")
        if not isinstance(statements, list) or not statements:
            raise Unreadable("an OpenVEX document makes at least one statement; found none", "/statements", "openvex.no_statement")
        for number, statement in enumerate(statements):
            place = pointer("statements", number)
            own = [note for note in notes if note.place == place or note.place.startswith(place + "/")]
            if number == 0:
                own = [note for note in notes if not note.place.startswith("/statements/")] + own
            if isinstance(statement, dict):
                yield _statement(statement, value, place, own)
            else:
                yield refuse(place, f"a statement is an object; found {type(statement).__name__}", "item.schema")


def _statement(statement: dict[str, Any], document: dict[str, Any], place: str, notes: list[Note]) -> Item:
    untrusted = statement.get("vulnerability")
    vulnerability = dict_of(untrusted)
    name = text_of(vulnerability.get("name")) or text_of(untrusted)
    identifiers = [read_identifier(name, IdentifierRole.OWN)] if name else []
    identifiers += [read_identifier(alias, IdentifierRole.ALIAS) for alias in list_of(vulnerability.get("aliases")) if text_of(alias)]
    link = text_of(vulnerability.get("@id"))
    references: tuple[Reference, ...] = (read_reference(link),) if link.startswith(("http://", "https://")) else ()
    status, detail = text_of(statement.get("status")), text_of(statement.get("impact_statement"))
    packages: list[Package] = []
    products: list[str] = []
    ranges: list[VersionRange] = []
    claims: list[StatusClaim] = []
    for product, where in _products(statement.get("products"), f"{place}/products"):
        label = text_of(product.get("@id")) or next((text_of(v) for v in dict_of(product.get("identifiers")).values() if text_of(v)), "")
        parts = [dict_of(part) for part in list_of(product.get("subcomponents"))]
        for component in (product, *parts):
            package, version = _package(component, where, notes)
            if package is not None:
                packages.append(package)
                if version and status in ("affected", "under_investigation"):
                    ranges.append(VersionRange(package, versions=(version,)))
                elif version and status == "fixed":
                    ranges.append(VersionRange(package, fixed=(version,)))
        products.append(label)
        claims.append(StatusClaim(label, status, text_of(statement.get("justification")), detail))
    if not claims and status:
        claims.append(StatusClaim("", status, text_of(statement.get("justification")), detail))
    at = statement.get("timestamp") or document.get("timestamp")
    changed = statement.get("last_updated") or document.get("last_updated")
    extra = keep_rest(statement, _STATEMENT_READ) + keep_rest(vulnerability, {"name", "aliases", "@id", "description"}, "vulnerability")
    extra += keep_rest(document, {"@context", "author", "timestamp", "last_updated", "statements", "tooling"}, "document")
    if text_of(statement.get("supplier")):
        extra.append(("supplier", text_of(statement.get("supplier"))))
    return Item(place, Finding(
        title=name, description=text_of(vulnerability.get("description")), identifiers=tuple(dict.fromkeys(identifiers)),
        packages=tuple(dict.fromkeys(packages)), products=tuple(dict.fromkeys(filter(None, products))), ranges=tuple(ranges),
        references=references, statuses=tuple(claims), impact=detail, remediation=text_of(statement.get("action_statement")),
        producer=Producer(tool=text_of(document.get("tooling"))), reporter=text_of(document.get("author")),
        published_at=read_instant(at, f"{place}/timestamp", notes), modified_at=read_instant(changed, f"{place}/last_updated", notes),
        place=place, extra=tuple(extra),
    ), tuple(notes))


def _products(untrusted: Any, place: str) -> Iterator[tuple[dict[str, Any], str]]:
    for number, product in enumerate(list_of(untrusted)[:_PRODUCTS_MAX]):
        where = f"{place}/{number}"
        if isinstance(product, str):
            yield {"@id": product}, where
        elif isinstance(product, dict):
            yield product, where


def _package(component: dict[str, Any], place: str, notes: list[Note]) -> tuple[Package | None, str]:
    named = text_of(dict_of(component.get("identifiers")).get("purl"))
    identifier = text_of(component.get("@id"))
    purl = named or (identifier if identifier.startswith("pkg:") else "")
    return read_purl(purl, place, notes) if purl else (None, "")


def _context(value: dict[str, Any]) -> str:
    context = value.get("@context")
    return " ".join(text_of(entry) for entry in context) if isinstance(context, list) else text_of(context)


SOURCE = OpenVex()
