"""Bugcrowd, in submissions of our own."""

import json
from typing import Any

from clearinghouse.disclosure.intake.records import CodeLocation, Credit, SeverityClaim

ENTRY = {
    "id": "a-1", "type": "submission",
    "attributes": {
        "bug_url": "https://shop.example/cart", "custom_fields": {"team": "web"}, "description": "Token accepts alg none in `verify_token()`.", "duplicate": False,
        "http_request": "GET /cart HTTP/1.1", "remediation_advice": "Check the algorithm.", "severity": 2, "state": "unresolved", "title": "JWT alg none",
        "vrt_id": "broken_authentication.bypass", "vulnerability_references": "* [https://example.org/jwt](https://example.org/jwt)",
    },
    "relationships": {"program": {"data": {"id": "p-1", "type": "program"}}, "target": {"data": None}},
}
COLUMNS = "reference_number,bounty_code,source,username,title,caption,priority,vrt_lineage,state,bug_url,description,target_name,remediation_advice\n"


def test_submission_as_a_whole(read: Any) -> None:
    items, error = read("bugcrowd", json.dumps([ENTRY]))
    assert error is None
    finding = items[0].finding
    assert items[0].notes == ()
    assert (items[0].place, finding.title, finding.state) == ("/0", "JWT alg none", "unresolved")
    assert finding.severities == (SeverityClaim("bugcrowd", label="P2"),)
    assert finding.locations == (CodeLocation(url="https://shop.example/cart"),)
    assert finding.symbols == ("verify_token",)
    assert (finding.remediation, finding.reproduction) == ("Check the algorithm.", "GET /cart HTTP/1.1")
    assert [reference.url for reference in finding.references] == ["https://example.org/jwt"]
    assert {"id": "a-1", "program": "p-1", "vrt_id": "broken_authentication.bypass", "custom_fields": "team: web"}.items() <= dict(finding.extra).items()


def test_a_broken_address_is_a_warning(read: Any) -> None:
    entry = {**ENTRY, "attributes": {**ENTRY["attributes"], "bug_url": "curl https://shop.example/"}}  # type: ignore[dict-item]
    items, _ = read("bugcrowd", json.dumps([entry]))
    assert [(note.place, note.code) for note in items[0].notes] == [("/0/attributes/bug_url", "location.url")]
    assert items[0].finding.locations == (CodeLocation(url="https://shop.example/"),)


def test_export_rows(read: Any) -> None:
    items, _ = read("bugcrowd", COLUMNS + 'r1,shop,platform,bo,XSS,,3,"XSS > Reflected",open,https://a.example/,"Two\nlines",Web,Encode\nr2,,,,,,,,,,,,\n')
    assert [(item.place, item.finding is None) for item in items] == [("line 2", False), ("line 4", True)]
    assert items[0].finding.credits == (Credit("bo", "finder"),)
    assert items[0].finding.products == ("Web",)


def test_nothing_found_is_no_error(read: Any) -> None:
    assert read("bugcrowd", COLUMNS) == ([], None)
    assert read("bugcrowd", "[]") == ([], None)
    assert read("bugcrowd", '{"x": 1}')[1].note.code == "bugcrowd.shape"
