"""govulncheck, in messages of our own."""

import json
from typing import Any

from clearinghouse.disclosure.intake.records import CodeLocation, Producer

OSV = {"id": "GO-2030-1840", "modified": "2030-01-01T00:00:00Z", "summary": "Unsafe read", "aliases": ["CVE-2030-29403"],
       "affected": [{"package": {"ecosystem": "Go", "name": "example.org/a"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.2.0"}]}]}]}
CALL = {"module": "example.org/a", "version": "v1.1.0", "package": "example.org/a/b", "function": "Read", "receiver": "*Reader"}
OWN = {"module": "example.org/me", "package": "example.org/me", "function": "main", "position": {"filename": "/home/ada/me/main.go", "line": 13}}
MESSAGES = [
    {"config": {"scanner_name": "govulncheck", "scanner_version": "v1.0.0", "go_version": "go1.20"}}, {"progress": {"message": "..."}}, {"osv": OSV},
    {"finding": {"osv": "GO-2030-1840", "fixed_version": "v1.2.0", "trace": [{"module": "example.org/a", "version": "v1.1.0"}]}},
    {"finding": {"osv": "GO-2030-1840", "fixed_version": "v1.2.0", "trace": [CALL, OWN]}},
]


def test_one_finding_for_module_package_and_call(read: Any) -> None:
    items, error = read("govulncheck", json.dumps(MESSAGES))
    assert error is None
    (item,) = items
    finding = item.finding
    assert (item.place, finding.title) == ("/3", "Unsafe read")
    assert finding.symbols == ("example.org/a/b.Reader.Read",)
    assert finding.locations == (CodeLocation("me/main.go", 13, symbol="example.org/me.main"),)
    assert finding.ranges[-1].versions == ("1.1.0",)
    assert finding.ranges[-1].fixed == ("1.2.0",)
    assert [identifier.value for identifier in finding.identifiers] == ["GO-2030-1840", "CVE-2030-29403"]
    assert finding.producer == Producer("govulncheck", "v1.0.0", rule="GO-2030-1840")
    assert dict(finding.extra)["called"] == "yes"


def test_stream_of_indented_objects(read: Any) -> None:
    stream = "\n".join(json.dumps(message, indent=2) for message in MESSAGES)
    assert [(item.place, item.finding.title) for item in read("govulncheck", stream)[0]] == [("value 4", "Unsafe read")]
    assert read.sniff(stream)["govulncheck"] > 0.8
    items, error = read("govulncheck", stream + "{")
    assert (items, error.note.code) == ([], "json.syntax")


def test_nothing_found_and_nothing_ours(read: Any) -> None:
    assert read("govulncheck", json.dumps(MESSAGES[:3])) == ([], None)
    assert read("govulncheck", '{"Calls": {}, "Imports": {}, "Requires": {}, "Vulns": null}') == ([], None)
    assert read("govulncheck", '{"x": 1}')[1].note.code == "govulncheck.message"
