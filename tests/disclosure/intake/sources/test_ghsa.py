"""GitHub's advisories and alerts in all their spellings come to the same facts."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from clearinghouse.core.product import Package
from clearinghouse.disclosure.intake.records import (
    CodeLocation,
    Credit,
    Finding,
    Identifier,
    IdentifierRole,
    Producer,
    Reference,
    ReferenceKind,
    SeverityClaim,
    VersionRange,
)

Read = Callable[..., Any]
VECTOR = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
FOO = Package("pypi", "foo-bar", "Foo_Bar")
REST: dict[str, Any] = {
    "ghsa_id": "GHSA-2222-3333-4444", "cve_id": "CVE-2026-0001", "summary": "Overflow", "description": "In parse().", "severity": "critical",
    "identifiers": [{"type": "GHSA", "value": "GHSA-2222-3333-4444"}, {"type": "CVE", "value": "CVE-2026-0001"}],
    "html_url": "https://h.example/advisories/1", "references": ["https://r.example/foo/commit/1"], "source_code_location": "https://r.example/foo",
    "published_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-02T00:00:00Z", "withdrawn_at": None,
    "vulnerabilities": [{
        "package": {"ecosystem": "pip", "name": "Foo_Bar"}, "vulnerable_version_range": ">= 1.0, < 1.5", "first_patched_version": "1.5",
        "vulnerable_functions": ["foo.parse"],
    }, {"package": {"ecosystem": "pip", "name": "Foo_Bar"}, "vulnerable_version_range": "= 0.9", "first_patched_version": None}],
    "cvss": {"vector_string": VECTOR, "score": 9.8}, "cwes": [{"cwe_id": "CWE-787", "name": "Out-of-bounds Write"}],
    "credits": [{"user": {"login": "ada"}, "type": "finder"}],
}
COMMON: dict[str, Any] = {
    "title": "Overflow", "description": "In parse().", "weaknesses": ("CWE-787",), "packages": (FOO,),
    "identifiers": (Identifier("GHSA-2222-3333-4444", IdentifierRole.OWN), Identifier("CVE-2026-0001", IdentifierRole.ALIAS)),
    "severities": (SeverityClaim("CVSS:3.1", VECTOR, 9.8, "", "GitHub"), SeverityClaim("label", label="critical", by="GitHub")),
    "published_at": datetime(2026, 1, 1, tzinfo=UTC), "modified_at": datetime(2026, 1, 2, tzinfo=UTC),
}
RANGES = (VersionRange(FOO, "ecosystem", ("1.0",), ("1.5",)), VersionRange(FOO, "ecosystem", versions=("0.9",)))
LINKS = (Reference("https://r.example/foo/commit/1", ReferenceKind.COMMIT), Reference("https://h.example/advisories/1", ReferenceKind.ADVISORY))
NODE: dict[str, Any] = {
    "ghsaId": "GHSA-2222-3333-4444", "summary": "Overflow", "description": "In parse().", "severity": "CRITICAL",
    "identifiers": [{"value": "GHSA-2222-3333-4444"}, {"value": "CVE-2026-0001"}], "permalink": "https://h.example/advisories/1",
    "references": [{"url": "https://r.example/foo/commit/1"}], "publishedAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-02T00:00:00Z",
    "withdrawnAt": None, "cvss": {"score": 9.8, "vectorString": VECTOR}, "cwes": {"nodes": [{"cweId": "CWE-787"}]},
    "vulnerabilities": {"nodes": [
        {"package": {"ecosystem": "PIP", "name": "Foo_Bar"}, "firstPatchedVersion": {"identifier": "1.5"}, "vulnerableVersionRange": ">= 1.0, < 1.5"},
        {"package": {"ecosystem": "PIP", "name": "Foo_Bar"}, "firstPatchedVersion": None, "vulnerableVersionRange": "= 0.9"},
    ]},
}
FULL = Finding(**COMMON, ranges=RANGES, references=LINKS, symbols=("foo.parse",), credits=(Credit("ada", "finder"),), repository="https://r.example/foo")


@pytest.mark.parametrize("value", [REST, [REST]])
def test_a_rest_advisory_keeps_its_facts(read: Read, value: Any) -> None:
    items, error = read("ghsa", json.dumps(value))
    assert error is None
    assert [item.notes for item in items] == [()]
    assert items[0].finding == Finding(**{**{name: getattr(FULL, name) for name in FULL.__slots__}, "place": items[0].place})


def test_a_graphql_node_says_the_same(read: Read) -> None:
    items, _ = read("ghsa", json.dumps(NODE))
    assert items[0].finding == Finding(**COMMON, ranges=RANGES, references=LINKS)


def test_a_withdrawn_advisory_says_so(read: Read) -> None:
    webhook = {"action": "withdrawn", "security_advisory": {**REST, "withdrawn_at": "2026-01-05T00:00:00Z"}}
    items, _ = read("ghsa", json.dumps(webhook))
    finding = items[0].finding
    assert (finding.place, finding.state, finding.withdrawn_at) == ("/security_advisory", "withdrawn", datetime(2026, 1, 5, tzinfo=UTC))


def test_a_dependency_alert_says_where(read: Read) -> None:
    alert = {
        "number": 3, "state": "fixed", "dependency": {"package": {"ecosystem": "pip", "name": "Foo_Bar"}, "manifest_path": "a/requirements.txt"},
        "security_advisory": {**REST, "credits": []}, "security_vulnerability": REST["vulnerabilities"][0],
    }
    items, error = read("ghsa", json.dumps({"action": "fixed", "alert": alert, "repository": {"html_url": "https://r.example/mine"}}))
    assert error is None
    finding = items[0].finding
    assert (finding.state, finding.locations, finding.ranges) == ("fixed", (CodeLocation("a/requirements.txt"),), RANGES)
    assert finding.repository == "https://r.example/foo"


def test_pages_of_alerts_are_found_wherever_the_query_put_them(read: Read) -> None:
    alert = {
        "createdAt": "2026-01-01T00:00:00Z", "vulnerableManifestPath": "pom.xml", "dismissedAt": "2026-01-02T00:00:00Z",
        "securityVulnerability": {
            "severity": "HIGH", "package": {"ecosystem": "MAVEN", "name": "a:b"}, "vulnerableVersionRange": "<= 2",
            "advisory": {"summary": "s", "identifiers": [{"value": "CVE-2026-0001"}, {"value": "GHSA-2222-3333-4444"}], "cvss": {"vectorString": None}},
        },
    }
    page = {"data": {"search": {"nodes": [{"nameWithOwner": "o/r", "vulnerabilityAlerts": {"pageInfo": {"hasNextPage": True}, "nodes": [alert, alert]}}]}}}
    items, error = read("ghsa", json.dumps(page))
    assert error is None
    package = Package("maven", "a:b", "a:b")
    assert items[0].finding == Finding(
        title="s", packages=(package,), ranges=(VersionRange(package, "ecosystem", last_affected=("2",)),), state="dismissed", repository="o/r",
        identifiers=(Identifier("GHSA-2222-3333-4444", IdentifierRole.OWN), Identifier("CVE-2026-0001", IdentifierRole.ALIAS)),
        severities=(SeverityClaim("label", label="high", by="GitHub"),), locations=(CodeLocation("pom.xml"),),
        place="/data/search/nodes/0/vulnerabilityAlerts/nodes/0",
        extra=(("alert createdAt", "2026-01-01T00:00:00Z"), ("alert dismissedAt", "2026-01-02T00:00:00Z")),
    )
    assert [[note.code for note in item.notes] for item in items] == [[], ["page.incomplete"]]


def test_a_code_scanning_alert_names_tool_rule_and_place(read: Read) -> None:
    payload = {
        "action": "created", "commit_oid": "abc", "repository": {"html_url": "https://r.example/mine"},
        "alert": {
            "number": 1, "state": "open", "created_at": "2026-01-01T00:00:00Z", "html_url": "https://r.example/mine/code-scanning/1",
            "rule": {"id": "js/x", "severity": "error", "description": "Bad", "full_description": "Very bad", "tags": ["external/cwe/cwe-079"]},
            "tool": {"name": "CodeQL", "version": "2"},
            "most_recent_instance": {"commit_sha": "def", "message": {"text": "here"}, "location": {"path": "a.js", "start_line": 3, "end_line": 4}},
        },
    }
    items, _ = read("ghsa", json.dumps(payload))
    assert items[0].finding == Finding(
        title="Bad", description="here\n\nVery bad", weaknesses=("CWE-79",), severities=(SeverityClaim("code scanning", label="error", by="CodeQL"),),
        locations=(CodeLocation("a.js", 3, 4),), references=(Reference("https://r.example/mine/code-scanning/1", ReferenceKind.REPORT),),
        producer=Producer("CodeQL", "2", rule="js/x"), repository="https://r.example/mine", commit="def", state="open", place="/alert",
        published_at=datetime(2026, 1, 1, tzinfo=UTC), extra=(("number", "1"), ("tag", "external/cwe/cwe-079")),
    )


def test_an_empty_page_is_no_report(read: Read) -> None:
    items, error = read("ghsa", '{"data": {"repository": {"vulnerabilityAlerts": {"nodes": []}}}}')
    assert items == []
    assert str(error).startswith("not a report: a page of GitHub alerts that holds none")


def test_what_is_nothing_of_the_kind_is_refused_and_sinks_no_other(read: Read) -> None:
    items, error = read("ghsa", json.dumps([{"a": 1}, 3, REST]))
    assert error is None
    assert [(item.place, item.finding is None) for item in items] == [("/0", True), ("/1", True), ("/2", False)]


def test_a_bound_that_is_none_is_kept_in_its_words(read: Read) -> None:
    odd = {**REST, "vulnerabilities": [{"package": {"ecosystem": "pip", "name": "Foo_Bar"}, "vulnerable_version_range": "> 1.0, <>"}]}
    items, _ = read("ghsa", json.dumps(odd))
    assert items[0].finding.ranges == (VersionRange(FOO, "ecosystem", versions=("> 1.0", "<>")),)
    assert [note.code for note in items[0].notes] == ["version.bound"]
