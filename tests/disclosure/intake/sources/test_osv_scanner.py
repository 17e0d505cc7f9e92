"""osv-scanner, in a file of our own."""

import json
from typing import Any

from clearinghouse.core.product import Package
from clearinghouse.disclosure.intake.records import CodeLocation, IdentifierRole, Producer

RECORD = {
    "id": "GHSA-2222-3333-4444", "modified": "2030-01-01T00:00:00Z", "summary": "Prototype pollution", "aliases": ["CVE-2030-11111"],
    "affected": [{"package": {"ecosystem": "npm", "name": "axis"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.2.0"}]}]}],
}
REPORT = {"results": [{
    "source": {"path": "/tmp/components/yarn.lock", "type": "lockfile"},
    "packages": [{"package": {"name": "axis", "version": "0.9.0", "ecosystem": "npm"}, "vulnerabilities": [RECORD],
                  "groups": [{"ids": ["GHSA-2222-3333-4444"], "aliases": ["OSV-2030-7"], "max_severity": "7.5"}]}],
}]}


def test_record_under_a_package(read: Any) -> None:
    items, error = read("osv_scanner", json.dumps(REPORT))
    assert error is None
    finding = items[0].finding
    assert (items[0].place, finding.title) == ("/results/0/packages/0/vulnerabilities/0", "Prototype pollution")
    assert {(each.value, each.role) for each in finding.identifiers} == {
        ("GHSA-2222-3333-4444", IdentifierRole.ALIAS), ("CVE-2030-11111", IdentifierRole.ALIAS), ("OSV-2030-7", IdentifierRole.ALIAS),
    }
    assert finding.packages == (Package("npm", "axis", "axis"),)
    assert [(r.introduced, r.fixed, r.versions) for r in finding.ranges] == [(("0",), ("1.2.0",), ()), ((), (), ("0.9.0",))]
    assert finding.locations == (CodeLocation("components/yarn.lock"),)
    assert finding.producer == Producer("osv-scanner", rule="GHSA-2222-3333-4444")
    assert {"scanned_version": "0.9.0", "max_severity": "7.5"}.items() <= dict(finding.extra).items()


def test_one_bad_record_does_not_sink_the_rest(read: Any) -> None:
    package = {"package": {"name": "axis", "ecosystem": "npm"}, "vulnerabilities": [{"no": "id"}, RECORD]}
    items, _ = read("osv_scanner", json.dumps({"results": [{"source": {}, "packages": [package]}]}))
    assert [item.finding is None for item in items] == [True, False]


def test_nothing_found_and_nothing_ours(read: Any) -> None:
    assert read("osv_scanner", "") == ([], None)
    assert read("osv_scanner", '{"results": []}') == ([], None)
    assert read("osv_scanner", '{"results": 1}')[1].note.place == "/results"
    assert read.sniff(json.dumps(REPORT))["osv_scanner"] > 0.9
