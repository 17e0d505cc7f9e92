"""Nuclei's three spellings, in results of our own."""

import json
from typing import Any

from clearinghouse.disclosure.intake.records import (
    CodeLocation,
    Finding,
    Identifier,
    IdentifierRole,
    Producer,
    Reference,
    SeverityClaim,
)

NEW = {
    "template-id": "CVE-2030-11111", "info": {
        "name": "Old login", "author": ["ada"], "tags": ["cve"], "severity": "medium", "description": "Login tells users apart.", "reference": ["https://example.org/a"],
        "remediation": "Update.", "classification": {"cve-id": ["cve-2030-11111"], "cwe-id": ["cwe-203"], "cvss-metrics": "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N", "cvss-score": 5.3},
    },
    "type": "http", "host": "https://a.example", "matched-at": "https://a.example/login", "curl-command": "curl https://a.example/login", "timestamp": "2030-01-01T00:00:00Z",
}
OLD = {"templateID": "old-tls", "info": {"name": "Old TLS", "severity": "info", "reference": "- https://example.org/b\n- https://example.org/c"}, "matched": "a.example:443"}


def test_result_as_a_whole(read: Any) -> None:
    items, error = read("nuclei", json.dumps(NEW))
    assert (error, items[0].notes) == (None, ())
    assert items[0].finding == Finding(
        title="Old login", description="Login tells users apart.", identifiers=(Identifier("CVE-2030-11111", IdentifierRole.ALIAS),),
        references=(Reference("https://example.org/a"),), weaknesses=("CWE-203",),
        severities=(SeverityClaim("CVSS:3.0", "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N", 5.3), SeverityClaim("label", label="medium", by="nuclei")),
        locations=(CodeLocation(url="https://a.example/login"),), reproduction="curl https://a.example/login", remediation="Update.",
        producer=Producer("nuclei", rule="CVE-2030-11111"),
        extra=(("type", "http"), ("host", "https://a.example"), ("timestamp", "2030-01-01T00:00:00Z"), ("author", "ada"), ("tags", "cve")),
    )


def test_lines_lists_and_old_keys(read: Any) -> None:
    items, _ = read("nuclei", json.dumps(NEW) + "\n" + json.dumps(OLD) + "\n{broken\n")
    assert [(item.place, item.finding is None) for item in items] == [("line 1", False), ("line 2", False), ("line 3", True)]
    assert [reference.url for reference in items[1].finding.references] == ["https://example.org/b", "https://example.org/c"]
    assert items[1].finding.locations == (CodeLocation(url="a.example:443"),)
    assert [item.place for item in read("nuclei", json.dumps([NEW, OLD]))[0]] == ["/0", "/1"]


def test_a_weakness_that_is_none_is_a_warning(read: Any) -> None:
    items, _ = read("nuclei", json.dumps({**OLD, "info": {"name": "x", "classification": {"cwe-id": ["nvd-cwe-other"]}}}))
    assert [(note.place, note.code) for note in items[0].notes] == [("/info/classification/cwe-id", "weakness.unknown")]


def test_nothing_found_and_nothing_ours(read: Any) -> None:
    assert read("nuclei", "") == ([], None)
    assert read("nuclei", "[{}]")[0][0].notes[0].code == "nuclei.result"
    assert read.sniff(json.dumps(OLD))["nuclei"] > 0.9
