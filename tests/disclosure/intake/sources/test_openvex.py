"""OpenVEX: statements as findings, older string forms with a warning."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from clearinghouse.core.product import Package
from clearinghouse.disclosure.intake.records import (
    Finding,
    Identifier,
    IdentifierRole,
    Producer,
    Reference,
    StatusClaim,
    VersionRange,
)

Read = Callable[..., Any]
STATEMENT: dict[str, Any] = {
    "vulnerability": {"@id": "https://n.example/1", "name": "CVE-2026-0001", "aliases": ["GHSA-2222-3333-4444"], "description": "Overflow."},
    "products": [{"@id": "pkg:pypi/app@1.0", "subcomponents": [{"@id": "pkg:pypi/foo@2.0"}]}], "status": "affected",
    "action_statement": "Update.", "timestamp": "2026-01-02T00:00:00Z", "status_notes": "seen",
}
DOCUMENT: dict[str, Any] = {
    "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://a.example/vex-1", "author": "Acme", "role": "Vendor", "tooling": "vexctl",
    "version": 1, "timestamp": "2026-01-01T00:00:00Z", "statements": [STATEMENT],
}


def test_a_statement_keeps_its_facts(read: Read) -> None:
    items, error = read("openvex", json.dumps(DOCUMENT))
    assert error is None
    app, foo = Package("pypi", "app", "pkg:pypi/app@1.0"), Package("pypi", "foo", "pkg:pypi/foo@2.0")
    assert [(item.place, item.notes) for item in items] == [("/statements/0", ())]
    assert items[0].finding == Finding(
        title="CVE-2026-0001", description="Overflow.",
        identifiers=(Identifier("CVE-2026-0001", IdentifierRole.OWN), Identifier("GHSA-2222-3333-4444", IdentifierRole.ALIAS)),
        packages=(app, foo), products=("pkg:pypi/app@1.0",), ranges=(VersionRange(app, versions=("1.0",)), VersionRange(foo, versions=("2.0",))),
        references=(Reference("https://n.example/1"),), statuses=(StatusClaim("pkg:pypi/app@1.0", "affected"),), remediation="Update.",
        producer=Producer("vexctl"), reporter="Acme", published_at=datetime(2026, 1, 2, tzinfo=UTC), place="/statements/0",
        extra=(("status_notes", "seen"), ("document @id", "https://a.example/vex-1"), ("document role", "Vendor"), ("document version", "1")),
    )


def test_a_product_that_is_not_affected_has_its_reason(read: Read) -> None:
    statement = {
        "vulnerability": {"name": "CVE-2026-0001"}, "products": [{"@id": "pkg:pypi/app@1.0"}], "status": "not_affected",
        "justification": "component_not_present", "impact_statement": "Not built in.",
    }
    items, _ = read("openvex", json.dumps({**DOCUMENT, "statements": [statement]}))
    finding = items[0].finding
    assert finding.statuses == (StatusClaim("pkg:pypi/app@1.0", "not_affected", "component_not_present", "Not built in."),)
    assert (finding.ranges, finding.impact) == ((), "Not built in.")


def test_older_string_forms_are_read_with_a_warning(read: Read) -> None:
    old = {"vulnerability": "CVE-2026-0001", "products": ["pkg:pypi/app@1.0"], "status": "fixed"}
    items, error = read("openvex", json.dumps({**DOCUMENT, "statements": [STATEMENT, old, 3]}))
    assert error is None
    assert [item.finding is None for item in items] == [False, False, True]
    assert [(note.place, note.code) for note in items[1].notes] == [("/statements/1/vulnerability", "schema"), ("/statements/1/products/0", "schema")]
    app = Package("pypi", "app", "pkg:pypi/app@1.0")
    assert (items[1].finding.identifiers, items[1].finding.ranges) == ((Identifier("CVE-2026-0001", IdentifierRole.OWN),), (VersionRange(app, fixed=("1.0",)),))


@pytest.mark.parametrize(("value", "said"), [
    ({**DOCUMENT, "statements": []}, "at least one statement"), ({"@context": {"openvex": "x"}}, "not a report: a JSON-LD context"),
    ({"$schema": "x", "$id": "https://github.example/openvex/spec", "properties": {}}, "not a report: the JSON Schema of OpenVEX"), (["a"], "an OpenVEX document is"),
])
def test_what_is_no_document_says_so(read: Read, value: Any, said: str) -> None:
    items, error = read("openvex", json.dumps(value))
    assert items == []
    assert said in str(error)
