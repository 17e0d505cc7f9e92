"""HackerOne, in reports of our own."""

import json
from typing import Any

from clearinghouse.disclosure.intake.records import CodeLocation, Credit, Identifier, IdentifierRole, SeverityClaim

REPORT = {
    "id": "77", "type": "report",
    "attributes": {
        "title": "IDOR in invoices", "state": "triaged", "created_at": "2030-02-02T04:05:06.000Z", "disclosed_at": "2030-03-02T00:00:00.000Z",
        "vulnerability_information": "## Steps To Reproduce\n\n1. GET /invoices/2\n\n## Impact\n\nOthers' invoices.", "cve_ids": ["cve-2030-12345"],
    },
    "relationships": {
        "reporter": {"data": {"type": "user", "attributes": {"username": "ada", "name": "Ada F"}}},
        "program": {"data": {"type": "program", "attributes": {"handle": "shop"}}},
        "severity": {"data": {"type": "severity", "attributes": {
            "rating": "high", "score": 8.7, "author_type": "User", "attack_complexity": "low", "attack_vector": "adjacent", "availability": "high",
            "confidentiality": "low", "integrity": "high", "privileges_required": "low", "user_interaction": "required", "scope": "changed",
        }}},
        "weakness": {"data": {"type": "weakness", "attributes": {"name": "IDOR", "external_id": "cwe-639"}}},
        "structured_scope": {"data": {"type": "structured-scope", "attributes": {"asset_identifier": "api.example.com", "asset_type": "url"}}},
    },
}
HEADER = "id,title,severity_rating,severity_score,state,substate,weakness,reported_at,public,reporter,structured_scope,cve_ids\n"


def test_report_as_a_whole(read: Any) -> None:
    items, error = read("hackerone", json.dumps({"data": [REPORT, {"type": "user"}]}))
    assert error is None
    assert [(item.place, item.finding is None) for item in items] == [("/data/0", False), ("/data/1", True)]
    finding = items[0].finding
    assert (finding.title, finding.state, finding.reporter) == ("IDOR in invoices", "triaged", "ada")
    assert finding.reproduction == "1. GET /invoices/2"
    assert finding.impact == "Others' invoices."
    assert finding.weaknesses == ("CWE-639",)
    assert finding.identifiers == (Identifier("CVE-2030-12345", IdentifierRole.ALIAS),)
    assert finding.severities[0].vector == "CVSS:3.0/AV:A/AC:L/PR:L/UI:R/S:C/C:L/I:H/A:H"
    assert finding.severities[1] == SeverityClaim("label", label="high", by="User")
    assert finding.locations == (CodeLocation(url="api.example.com"),)
    assert finding.credits == (Credit("Ada F", "finder", "ada"),)
    assert finding.publicly_known is True
    assert dict(finding.extra)["program"] == "shop"


def test_export_rows(read: Any) -> None:
    text = HEADER + "1,XSS in search,medium,5.4,open,triaged,CWE-79,2030-05-12 04:05:27 UTC,no,bo,shop.example,CVE-2030-11111\n2,,low,,open,new,,,,,,\n"
    items, _ = read("hackerone", text)
    finding = items[0].finding
    assert (items[0].place, finding.title, finding.weaknesses, finding.publicly_known) == ("line 2", "XSS in search", ("CWE-79",), False)
    assert finding.severities == (SeverityClaim("label", label="medium"), SeverityClaim("CVSS", "", 5.4))
    assert items[1].finding is None
    as_json, _ = read("hackerone", json.dumps({"findings": [dict(zip(HEADER.strip().split(","), text.split("\n")[1].split(","), strict=True))]}))
    assert as_json[0].finding.severities == finding.severities


def test_nothing_found_is_no_error(read: Any) -> None:
    assert read("hackerone", HEADER) == ([], None)
    assert read("hackerone", '{"findings": []}') == ([], None)


def test_not_ours(read: Any) -> None:
    assert read("hackerone", '{"data": 3}')[1].note.code == "hackerone.shape"
    assert read("hackerone", "a,b\n1,2\n")[1].note.code == "hackerone.columns"
    assert read.sniff(json.dumps({"data": [REPORT]}))["hackerone"] > 0.9
