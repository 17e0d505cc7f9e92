"""CSAF: every vulnerability a finding, products by name, TLP 1 and 2, and what is of the family but no advisory."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from clearinghouse.core.product import Package
from clearinghouse.disclosure.intake.records import (
    Credit,
    Finding,
    Identifier,
    IdentifierRole,
    Reference,
    ReferenceKind,
    SeverityClaim,
    StatusClaim,
    VersionRange,
)

Read = Callable[..., Any]
VECTOR = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
NOTE = {"category": "summary", "text": "A long header overflows."}
VULNERABILITY: dict[str, Any] = {
    "acknowledgments": [{"names": ["Ada"], "organization": "Lab"}], "cve": "CVE-2026-0001",
    "cwe": {"id": "CWE-787", "name": "Out-of-bounds Write"}, "discovery_date": "2025-12-01T00:00:00Z",
    "flags": [{"label": "component_not_present", "product_ids": ["P3"]}],
    "ids": [{"system_name": "tracker", "text": "GHSA-2222-3333-4444"}, {"system_name": "bugs", "text": "#7"}],
    "notes": [NOTE, {"category": "faq", "text": "Why?", "title": "Q"}],
    "product_status": {"fixed": ["P2"], "known_affected": ["P1"], "known_not_affected": ["P3"]},
    "references": [{"category": "external", "summary": "fix", "url": "https://r.example/w/commit/1"}],
    "remediations": [{"category": "vendor_fix", "details": "Update.", "product_ids": ["P1"], "url": "https://a.example/2"}],
    "scores": [{"cvss_v3": {"baseScore": 9.8, "baseSeverity": "CRITICAL", "vectorString": VECTOR, "version": "3.1"}, "products": ["P1"]}],
    "threats": [{"category": "impact", "details": "Not built in.", "product_ids": ["P3"]}, {"category": "exploit_status", "details": "None seen."}],
}
ADVISORY: dict[str, Any] = {
    "document": {
        "acknowledgments": [{"organization": "CERT"}], "aggregate_severity": {"text": "Critical"}, "category": "csaf_security_advisory",
        "csaf_version": "2.0", "distribution": {"tlp": {"label": "WHITE"}}, "lang": "en",
        "notes": [{"category": "legal_disclaimer", "text": "As is."}], "publisher": {"category": "vendor", "name": "Acme", "namespace": "https://a.example"},
        "references": [{"category": "self", "summary": "here", "url": "https://a.example/acme-1.json"}], "title": "Acme Widget",
        "tracking": {
            "current_release_date": "2026-01-02T00:00:00Z", "id": "ACME-1", "initial_release_date": "2026-01-01T00:00:00Z",
            "revision_history": [{"date": "2026-01-01T00:00:00Z", "number": "1", "summary": "first"}, {"date": "2026-01-02T00:00:00Z", "number": "2", "summary": "second"}],
            "status": "final", "version": "2",
        },
    },
    "product_tree": {"branches": [{"branches": [{"branches": [
        {"category": "product_version", "name": "1.0", "product": {"name": "Widget 1.0", "product_id": "P1", "product_identification_helper": {"purl": "pkg:pypi/widget@1.0"}}},
        {"category": "product_version", "name": "2.0", "product": {"name": "Widget 2.0", "product_id": "P2", "product_identification_helper": {"purl": "pkg:pypi/widget@2.0"}}},
        {"category": "product_version", "name": "0.9", "product": {"name": "Widget 0.9", "product_id": "P3", "product_identification_helper": {"purl": "pkg:pypi/widget@0.9"}}},
    ], "category": "product_name", "name": "Widget"}], "category": "vendor", "name": "Acme"}]},
    "vulnerabilities": [VULNERABILITY],
}


def package(version: str) -> Package:
    return Package("pypi", "widget", f"pkg:pypi/widget@{version}")


def test_a_vulnerability_keeps_its_facts(read: Read) -> None:
    items, error = read("csaf", json.dumps(ADVISORY), "acme-1.json")
    assert error is None
    assert [item.place for item in items] == ["/vulnerabilities/0"]
    finding = items[0].finding
    assert finding == Finding(
        title="Acme Widget", description="A long header overflows.",
        identifiers=(
            Identifier("CVE-2026-0001", IdentifierRole.OWN), Identifier("GHSA-2222-3333-4444", IdentifierRole.ALIAS),
            Identifier("ACME-1", IdentifierRole.ALIAS),
        ),
        packages=(package("1.0"),), products=("Acme:Widget",),
        ranges=(VersionRange(package("1.0"), versions=("1.0",)), VersionRange(package("2.0"), fixed=("2.0",))),
        references=(
            Reference("https://r.example/w/commit/1", ReferenceKind.COMMIT), Reference("https://a.example/acme-1.json", ReferenceKind.ADVISORY),
        ),
        weaknesses=("CWE-787",),
        severities=(SeverityClaim("CVSS:3.1", VECTOR, 9.8, "CRITICAL", "Acme"), SeverityClaim("label", label="Critical", by="Acme")),
        statuses=(
            StatusClaim("Widget 2.0", "fixed"), StatusClaim("Widget 1.0", "known_affected"),
            StatusClaim("Widget 0.9", "known_not_affected", "component_not_present", "Not built in."),
        ),
        impact="Not built in.", remediation="vendor_fix: Update. https://a.example/2", credits=(Credit("Ada", "", "Lab"), Credit("CERT")),
        published_at=datetime(2026, 1, 1, tzinfo=UTC), modified_at=datetime(2026, 1, 2, tzinfo=UTC), language="en", tlp="CLEAR", state="final",
        reporter="Acme", place="/vulnerabilities/0", extra=finding.extra,
    )
    assert {
        ("id bugs", "#7"), ("note faq Q", "Why?"), ("threat exploit_status", "None seen."), ("discovery_date", "2025-12-01T00:00:00Z"),
        ("document note legal_disclaimer", "As is."), ("document category", "csaf_security_advisory"), ("tracking version", "2"),
    } <= set(finding.extra)


def test_an_advisory_about_several_flaws_is_an_umbrella(read: Read) -> None:
    items, _ = read("csaf", json.dumps({**ADVISORY, "vulnerabilities": [VULNERABILITY, {**VULNERABILITY, "cve": "CVE-2026-0002", "ids": []}]}))
    assert [item.finding.identifiers for item in items][1] == (
        Identifier("CVE-2026-0002", IdentifierRole.OWN), Identifier("ACME-1", IdentifierRole.RELATED),
    )
    assert items[1].finding.title == "Out-of-bounds Write"


def test_version_2_1_is_read_with_its_metrics_ranges_and_dates(read: Read) -> None:
    value = copy.deepcopy(ADVISORY)
    value["document"].update(csaf_version="2.1", distribution={"tlp": {"label": "AMBER+STRICT"}})
    value["document"]["tracking"]["status"] = "draft"
    value["product_tree"]["branches"][0]["branches"][0]["branches"][0].update(category="product_version_range", name="vers:pypi/>=1.0|<2.0")
    content = {"cvss_v3": {"vectorString": VECTOR, "baseScore": 9.8}, "epss": {"probability": "0.2"}, "qualitative_severity_rating": "high"}
    vulnerability = {key: VULNERABILITY[key] for key in ("cve", "product_status", "notes")}
    value["vulnerabilities"] = [{
        **vulnerability, "cwes": [{"id": "CWE-787", "name": "Out-of-bounds Write", "version": "4.17"}], "disclosure_date": "2026-03-01T00:00:00Z",
        "metrics": [{"content": content, "products": ["P1"], "source": "https://s.example"}],
        "first_known_exploitation_dates": [{"date": "2026-01-01T00:00:00Z", "exploitation_date": "2025-12-31T00:00:00Z"}],
    }]
    items, _ = read("csaf", json.dumps(value))
    finding = items[0].finding
    assert finding.ranges[0] == VersionRange(package("1.0"), "pypi", ("1.0",), ("2.0",))
    assert finding.severities[:3] == (
        SeverityClaim("CVSS:3.1", VECTOR, 9.8, "", "https://s.example"), SeverityClaim("label", label="high", by="https://s.example"),
        SeverityClaim("EPSS", score=0.2, by="https://s.example"),
    )
    assert (finding.weaknesses, finding.tlp, finding.exploited, finding.state) == (("CWE-787",), "AMBER+STRICT", True, "draft")
    assert finding.proposed_disclosure_at == datetime(2026, 3, 1, tzinfo=UTC)


def test_a_document_without_vulnerabilities_is_one_finding(read: Read) -> None:
    value = {key: ADVISORY[key] for key in ("document", "product_tree")}
    items, error = read("csaf", json.dumps(value))
    assert (error, [item.place for item in items]) == (None, [""])
    finding = items[0].finding
    assert (finding.title, finding.description, finding.identifiers) == ("Acme Widget", "As is.", (Identifier("ACME-1", IdentifierRole.OWN),))


def test_an_unknown_label_is_read_as_the_narrowest(read: Read) -> None:
    value = copy.deepcopy(ADVISORY)
    value["document"]["distribution"]["tlp"]["label"] = "PINK"
    items, _ = read("csaf", json.dumps(value))
    assert items[0].finding.tlp == "RED"
    assert ("/document/distribution/tlp/label", "tlp.unknown") in [(note.place, note.code) for note in items[0].notes]


@pytest.mark.parametrize(("value", "said"), [
    ({"metadata_version": "2.0", "publisher": {}}, "CSAF provider metadata"), ({"aggregator_version": "2.0"}, "a CSAF aggregator"),
    ({"feed": {}}, "a ROLIE feed"), ({"service": {}}, "a ROLIE service document"), ({"categories": {}}, "a ROLIE category document"),
    ({"$schema": "x", "$id": "https://d.example/csaf.json", "properties": {}}, "a JSON Schema"), ({"testschema_version": "2.1"}, "a list of test cases"),
])
def test_what_is_of_the_family_and_no_advisory_says_what_it_is(read: Read, value: dict[str, Any], said: str) -> None:
    items, error = read("csaf", json.dumps(value))
    assert items == []
    assert str(error).startswith(f"not a report: {said}")
    assert "; use" in str(error)


def test_signature_and_hash_beside_an_advisory_are_no_reports(read: Any) -> None:
    for name, data in (("a.json.asc", "-----BEGIN PGP SIGNATURE-----\n"), ("a.json.sha512", "ab" * 64 + "  a.json\n")):
        assert max(read.sniff(data, name).items(), key=lambda entry: entry[1])[0] == "csaf"
        _, error = read("csaf", data, name)
        assert str(error).startswith("not a report: the detached signature or hash")


def test_another_version_is_refused(read: Read) -> None:
    items, error = read("csaf", '{"document": {"csaf_version": "1.0"}}')
    assert (items, error.note.place, error.note.code) == ([], "/document/csaf_version", "csaf.version")
