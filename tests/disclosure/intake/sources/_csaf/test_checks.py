"""The tests of CSAF on a small document: it passes as it is, and each change breaks the rule it is meant to break."""

import copy
from typing import Any

import pytest

from clearinghouse.disclosure.intake.sources._csaf.checks import RULES, check_document
from clearinghouse.disclosure.intake.sources._csaf.dates import is_instant
from clearinghouse.disclosure.intake.sources._csaf.ranges import read_span
from clearinghouse.disclosure.intake.sources._csaf.tracking import file_name

V31 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
V40 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"


def product(number: int, version: str) -> dict[str, Any]:
    purl = f"pkg:pypi/widget@{version}"
    return {"category": "product_version", "name": version, "product": {
        "name": f"Widget {version}", "product_id": f"P{number}", "product_identification_helper": {"purls": [purl]},
    }}


CLEAN: dict[str, Any] = {
    "document": {
        "category": "csaf_security_advisory", "csaf_version": "2.1", "distribution": {"tlp": {"label": "CLEAR"}}, "lang": "en",
        "license_expression": "CC-BY-4.0", "publisher": {"category": "vendor", "name": "Acme", "namespace": "https://a.example"},
        "references": [{"category": "self", "summary": "here", "url": "https://a.example/acme-1.json"}], "title": "Widget",
        "tracking": {
            "current_release_date": "2026-01-02T00:00:00Z", "id": "ACME-1", "initial_release_date": "2026-01-01T00:00:00Z",
            "revision_history": [{"date": "2026-01-01T00:00:00Z", "number": "1", "summary": "a"}, {"date": "2026-01-02T00:00:00Z", "number": "2", "summary": "b"}],
            "status": "final", "version": "2",
        },
    },
    "product_tree": {"branches": [{"branches": [{"branches": [product(1, "1.0"), product(2, "2.0")], "category": "product_name", "name": "Widget"}], "category": "vendor", "name": "Acme"}]},
    "vulnerabilities": [{
        "cve": "CVE-2026-0001", "cwes": [{"id": "CWE-787", "name": "Out-of-bounds Write", "version": "4.17"}],
        "metrics": [{"content": {
            "cvss_v3": {"baseScore": 9.8, "baseSeverity": "CRITICAL", "vectorString": V31, "version": "3.1"},
            "cvss_v4": {"baseScore": 9.3, "baseSeverity": "CRITICAL", "vectorString": V40, "version": "4.0"},
        }, "products": ["P1"]}],
        "notes": [{"category": "summary", "text": "t"}], "product_status": {"fixed": ["P2"], "known_affected": ["P1"]},
        "remediations": [{"category": "vendor_fix", "details": "d", "product_ids": ["P1"]}],
    }],
}
FLAW = ("vulnerabilities", 0)
VERSIONS = ("product_tree", "branches", 0, "branches", 0, "branches")
TRACKING = ("document", "tracking")


def codes(value: dict[str, Any], version: str = "2.1") -> dict[str, str]:
    """Place by rule number."""
    return {note.code.removeprefix("csaf."): note.place for note in reversed(check_document(value, version, "acme-1.json"))}


def changed(path: tuple[Any, ...], new: Any) -> dict[str, Any]:
    value = copy.deepcopy(CLEAN)
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    if new is None:
        del holder[path[-1]]
    elif path[-1] == "+":
        holder.append(new)  # type: ignore[attr-defined]
    else:
        holder[path[-1]] = new
    return value


def test_a_clean_document_breaks_no_rule() -> None:
    assert codes(CLEAN) == {}


@pytest.mark.parametrize(("number", "path", "new", "place"), [
    ("6.1.1", (*FLAW, "product_status", "fixed", 0), "P9", "/vulnerabilities/0/product_status/fixed/0"),
    ("6.1.2", (*VERSIONS, 1, "product", "product_id"), "P1", "/product_tree/branches/0/branches/0/branches/1/product/product_id"),
    ("6.1.4", (*FLAW, "remediations", 0, "group_ids"), ["G"], "/vulnerabilities/0/remediations/0/group_ids/0"),
    ("6.1.6", (*FLAW, "product_status", "known_affected"), ["P1", "P2"], "/vulnerabilities/0/product_status"),
    ("6.1.7", (*FLAW, "metrics", "+"), CLEAN["vulnerabilities"][0]["metrics"][0], "/vulnerabilities/0"),
    ("6.1.8", (*FLAW, "metrics", 0, "content", "cvss_v3", "vectorString"), "CVSS:3.1/AV:N", "/vulnerabilities/0/metrics/0/content/cvss_v3/vectorString"),
    ("6.1.9", (*FLAW, "metrics", 0, "content", "cvss_v3", "baseScore"), 5.0, "/vulnerabilities/0/metrics/0/content/cvss_v3/baseScore"),
    ("6.1.10", (*FLAW, "metrics", 0, "content", "cvss_v3", "attackVector"), "LOCAL", "/vulnerabilities/0/metrics/0/content/cvss_v3/attackVector"),
    ("6.1.11", (*FLAW, "cwes", 0, "name"), "Something", "/vulnerabilities/0/cwes/0/name"),
    ("6.1.12", ("document", "lang"), "EZ", "/document/lang"),
    ("6.1.13", (*VERSIONS, 0, "product", "product_identification_helper", "purls", 0), "pkg:x", "/product_tree/branches/0/branches/0/branches/0/product/product_identification_helper/purls/0"),
    ("6.1.14", (*TRACKING, "revision_history", 0, "date"), "2026-01-03T00:00:00Z", "/document/tracking/revision_history/0/number"),
    ("6.1.16", (*TRACKING, "version"), "1", "/document/tracking/version"),
    ("6.1.17", (*TRACKING, "version"), "0", "/document/tracking/version"),
    ("6.1.21", (*TRACKING, "revision_history", 1, "number"), "3", "/document/tracking/revision_history"),
    ("6.1.22", (*TRACKING, "revision_history", 1, "number"), "1", "/document/tracking/revision_history/1/number"),
    ("6.1.23", ("vulnerabilities", "+"), {"cve": "CVE-2026-0001"}, "/vulnerabilities/1/cve"),
    ("6.1.26", ("document", "category"), "Security Advisory", "/document/category"),
    ("6.1.27.4", ("product_tree",), None, "/product_tree"),
    ("6.1.27.12", (*FLAW, "product_status", "known_affected"), None, "/vulnerabilities/0/product_status"),
    ("6.1.28", ("document", "source_lang"), "en", "/document/source_lang"),
    ("6.1.29", (*FLAW, "remediations", 0, "product_ids"), None, "/vulnerabilities/0/remediations/0"),
    ("6.1.30", (*TRACKING, "revision_history", 0, "number"), "1.0.0", "/document/tracking/version"),
    ("6.1.31", (*VERSIONS, 0, "name"), "all before 2.0", "/product_tree/branches/0/branches/0/branches/0/name"),
    ("6.1.37", (*FLAW, "disclosure_date"), "2026-02-30T00:00:00Z", "/vulnerabilities/0/disclosure_date"),
    ("6.1.45", (*FLAW, "disclosure_date"), "2026-02-01T00:00:00Z", "/vulnerabilities/0/disclosure_date"),
    ("6.1.54", ("document", "license_expression"), "do what you like", "/document/license_expression"),
    ("6.2.1", (*VERSIONS, "+"), product(3, "3.0"), "/product_tree/branches/0/branches/0/branches/2/product/product_id"),
    ("6.2.2", (*FLAW, "remediations"), [], "/vulnerabilities/0/remediations"),
    ("6.2.3", (*FLAW, "metrics"), [], "/vulnerabilities/0"),
    ("6.2.12", ("document", "lang"), None, "/document/lang"),
    ("6.2.13", ("document", "about"), {}, "/document"),
    ("6.2.16", (*VERSIONS, 0, "product", "product_identification_helper"), None, "/product_tree/branches/0/branches/0/branches/0/product"),
    ("6.2.22", ("document", "title"), "ACME-1: Widget", "/document/title"),
    ("6.2.44", ("document", "license_expression"), "GPL-2.0", "/document/license_expression"),
    ("6.3.4", (*FLAW, "cwes"), [], "/vulnerabilities/0"),
    ("6.3.11", (*VERSIONS, 0, "name"), "v1.0", "/product_tree/branches/0/branches/0/branches/0/name"),
    ("6.3.12", (*FLAW, "metrics", 0, "content", "cvss_v4"), None, "/vulnerabilities/0"),
])
def test_a_change_breaks_its_rule(number: str, path: tuple[Any, ...], new: Any, place: str) -> None:
    assert codes(changed(path, new)).get(number) == place


def test_the_name_of_the_file_follows_the_id() -> None:
    assert file_name("RHSA-2026:0001 (x)") == "rhsa-2026_0001_x_.json"
    assert [note.code for note in check_document(CLEAN, "2.1", "other.json")] == ["csaf.5.1"]
    assert check_document(CLEAN, "2.1", "-") == ()


def test_the_numbers_of_rules_are_distinct_in_each_version() -> None:
    for version in ("2.0", "2.1"):
        numbers = [rule.number for rule in RULES if version in rule.versions]
        assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(("text", "right"), [
    ("2026-01-01T00:00:00Z", True), ("2026-01-01T00:00:00.123456789+05:30", True), ("2024-02-29T00:00:00Z", True), ("2023-02-29T00:00:00Z", False),
    ("2026-01-01T00:00:00z", False), ("2026-01-01", False), ("2016-12-31T23:59:60Z", False), ("2026-01-01T00:00:00+24:00", False),
])
def test_instants_are_those_of_the_standard(text: str, right: bool) -> None:
    assert is_instant(text) is right


@pytest.mark.parametrize("name", ["", "vers:", "vers:pypi/", "<", "a|", "| |", "all versions", ">1 <2"])
def test_what_is_no_range_is_none(name: str) -> None:
    assert read_span("product_version_range", name) is None


def test_advice_is_given_once_and_demands_five_times() -> None:
    many = copy.deepcopy(CLEAN)
    many["vulnerabilities"][0]["product_status"]["fixed"] = [f"X{n}" for n in range(9)]
    many["product_tree"]["branches"][0]["branches"][0]["branches"] += [product(n, f"{n}.0") for n in range(10, 15)]
    found = [note.code for note in check_document(many, "2.1", "acme-1.json")]
    assert (found.count("csaf.6.1.1"), found.count("csaf.6.2.1")) == (5, 1)
