"""cargo-audit, in a file of our own."""

import json
from typing import Any

from clearinghouse.core.product import Package
from clearinghouse.disclosure.intake.records import VersionRange

REPORT = {
    "database": {}, "lockfile": {}, "settings": {},
    "vulnerabilities": {"found": True, "count": 1, "list": [{
        "advisory": {"id": "RUSTSEC-2030-0091", "package": "swap", "title": "Dangling reference", "description": "x", "date": "2030-12-10", "aliases": ["CVE-2030-35711"],
                     "cvss": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N", "url": "https://github.com/example/swap/issues/45", "categories": ["memory-corruption"]},
        "versions": {"patched": [">=1.1.0"], "unaffected": ["<0.4.2"]}, "affected": {"functions": {"swap::Map": ["<1.1.0"]}}, "package": {"name": "swap", "version": "0.4.7"},
    }]},
    "warnings": {"yanked": [{"kind": "yanked", "package": {"name": "old", "version": "1.0.0"}, "advisory": None, "versions": None}]},
}


def test_vulnerabilities_and_warnings(read: Any) -> None:
    items, error = read("cargo_audit", json.dumps(REPORT))
    assert error is None
    assert [(item.place, item.finding.title) for item in items] == [("/vulnerabilities/list/0", "Dangling reference"), ("/warnings/yanked/0", "old 1.0.0 was yanked")]
    finding, package = items[0].finding, Package("crates.io", "swap", "swap")
    assert finding.ranges == (VersionRange(package, "semver", ("0.4.2",), ("1.1.0",), versions=("0.4.7",)),)
    assert [identifier.value for identifier in finding.identifiers] == ["RUSTSEC-2030-0091", "CVE-2030-35711"]
    assert (finding.symbols, finding.severities[0].scheme) == (("swap::Map",), "CVSS:3.1")
    assert {"categories": "memory-corruption", "patched": ">=1.1.0"}.items() <= dict(finding.extra).items()


def test_nothing_found_and_nothing_ours(read: Any) -> None:
    assert read("cargo_audit", json.dumps({**REPORT, "vulnerabilities": {"list": []}, "warnings": {}})) == ([], None)
    assert read("cargo_audit", '{"vulnerabilities": 1}')[1].note.place == "/vulnerabilities"
    assert read.sniff(json.dumps(REPORT))["cargo_audit"] > 0.9
