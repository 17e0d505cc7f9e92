"""Grype, in matches of our own."""

import json
from typing import Any

from clearinghouse.core.product import Package
from clearinghouse.disclosure.intake.records import CodeLocation, Producer, SeverityClaim

MATCH = {
    "vulnerability": {"id": "GHSA-2222-3333-4444", "dataSource": "https://example.org/g", "namespace": "github:python", "severity": "High", "description": "Bypass.",
                      "cvss": [], "fix": {"versions": ["3.2.10"], "state": "fixed"}},
    "relatedVulnerabilities": [{"id": "CVE-2030-44420", "namespace": "nvd", "cvss": [{"vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:L", "metrics": {"baseScore": 7.3}}]}],
    "matchDetails": [{"matcher": "python-matcher", "found": {"versionConstraint": ">=3.2,<3.2.10 (python)"}}],
    "artifact": {"name": "Web", "version": "3.2.9", "type": "python", "locations": [{"path": "/usr/lib/python3/site-packages/web/METADATA"}], "purl": "pkg:pypi/Web@3.2.9", "language": "python"},
}


def test_match_as_a_whole(read: Any) -> None:
    items, error = read("grype", json.dumps({"matches": [MATCH], "descriptor": {"name": "grype", "version": "0.75"}, "source": {"target": {"userInput": "img:1"}}}))
    assert (error, items[0].notes) == (None, ())
    finding = items[0].finding
    assert (finding.title, finding.description) == ("GHSA-2222-3333-4444 in Web 3.2.9", "Bypass.")
    assert [identifier.value for identifier in finding.identifiers] == ["GHSA-2222-3333-4444", "CVE-2030-44420"]
    assert finding.packages == (Package("pypi", "web", "pkg:pypi/Web@3.2.9"),)
    assert (finding.ranges[0].fixed, finding.ranges[0].versions) == (("3.2.10",), ("3.2.9", ">=3.2,<3.2.10 (python)"))
    assert finding.severities[0] == SeverityClaim("label", label="High", by="github:python")
    assert (finding.severities[1].score, finding.severities[1].by) == (7.3, "nvd")
    assert finding.locations == (CodeLocation("web/METADATA"),)
    assert (finding.producer, finding.products) == (Producer("grype", "0.75", rule="GHSA-2222-3333-4444"), ("img:1",))
    assert {"fix_state": "fixed", "namespace": "github:python"}.items() <= dict(finding.extra).items()


def test_control_characters_in_a_version_are_a_warning(read: Any) -> None:
    artifact = {**MATCH["artifact"], "version": "17\x00-J"}  # type: ignore[dict-item]
    items, _ = read("grype", json.dumps({"matches": [{**MATCH, "artifact": artifact}]}))
    assert [(note.place, note.code) for note in items[0].notes] == [("/matches/0/artifact/version", "text.control")]


def test_nothing_found_and_nothing_ours(read: Any) -> None:
    assert read("grype", '{"matches": []}') == ([], None)
    assert read("grype", '{"matches": [{}]}')[0][0].notes[0].place == "/matches/0/vulnerability"
    assert read("grype", "{}")[1].note.place == "/matches"
