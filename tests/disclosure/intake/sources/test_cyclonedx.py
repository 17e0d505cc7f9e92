"""CycloneDX: JSON and XML say the same, BOM-Links find their part, and a plain SBOM is no report."""

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
    Producer,
    Reference,
    ReferenceKind,
    SeverityClaim,
    StatusClaim,
    VersionRange,
)

Read = Callable[..., Any]
VECTOR = "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
FOO = Package("pypi", "foo", "pkg:pypi/foo@1.0")
VULNERABILITY: dict[str, Any] = {
    "id": "CVE-2026-0001", "source": {"name": "NVD", "url": "https://n.example/1"}, "references": [{"id": "SNYK-1", "source": {"name": "Snyk", "url": "https://s.example/1"}}],
    "ratings": [{"source": {"name": "NVD"}, "score": 9.8, "severity": "critical", "method": "CVSSv31", "vector": VECTOR}],
    "cwes": [787], "description": "Overflow.", "detail": "In parse().", "recommendation": "Update.",
    "advisories": [{"title": "fix", "url": "https://r.example/foo/commit/1"}], "published": "2026-01-01T00:00:00Z", "updated": "2026-01-02T00:00:00Z",
    "credits": {"organizations": [{"name": "Lab", "url": ["https://l.example"]}], "individuals": [{"name": "Ada", "email": "ada@example.org"}]},
    "tools": [{"vendor": "Acme", "name": "Finder", "version": "1"}],
    "analysis": {"state": "exploitable", "justification": "", "detail": "Reachable."},
    "affects": [{"ref": "foo", "versions": [{"range": "vers:pypi/>=1.0|<1.5", "status": "affected"}, {"version": "1.6", "status": "unaffected"}]}],
}
BOM: dict[str, Any] = {
    "bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"supplier": {"name": "Acme"}},
    "components": [{"bom-ref": "app", "name": "app", "components": [{"bom-ref": "foo", "name": "foo", "version": "1.0", "purl": "pkg:pypi/foo@1.0"}]}],
    "vulnerabilities": [VULNERABILITY],
}
XML = """<?xml version="1.0"?>
<bom xmlns="http://cyclonedx.org/schema/bom/1.4"><metadata><supplier><name>Acme</name></supplier></metadata>
<components><component bom-ref="app"><name>app</name><components>
  <component bom-ref="foo"><name>foo</name><version>1.0</version><purl>pkg:pypi/foo@1.0</purl></component></components></component></components>
<vulnerabilities><vulnerability><id>CVE-2026-0001</id><source><name>NVD</name><url>https://n.example/1</url></source>
<references><reference><id>SNYK-1</id><source><name>Snyk</name><url>https://s.example/1</url></source></reference></references>
<ratings><rating><source><name>NVD</name></source><score>9.8</score><severity>critical</severity><method>CVSSv31</method><vector>VECTOR</vector></rating></ratings>
<cwes><cwe>787</cwe></cwes><description>Overflow.</description><detail>In parse().</detail><recommendation>Update.</recommendation>
<advisories><advisory><title>fix</title><url>https://r.example/foo/commit/1</url></advisory></advisories>
<published>2026-01-01T00:00:00Z</published><updated>2026-01-02T00:00:00Z</updated>
<credits><organizations><organization><name>Lab</name><url>https://l.example</url></organization></organizations>
<individuals><individual><name>Ada</name><email>ada@example.org</email></individual></individuals></credits>
<tools><tool><vendor>Acme</vendor><name>Finder</name><version>1</version></tool></tools>
<analysis><state>exploitable</state><justification/><detail>Reachable.</detail></analysis>
<affects><target><ref>foo</ref><versions><version><range>vers:pypi/&gt;=1.0|&lt;1.5</range><status>affected</status></version>
<version><version>1.6</version><status>unaffected</status></version></versions></target></affects>
</vulnerability></vulnerabilities></bom>""".replace("VECTOR", VECTOR)
EXPECTED = Finding(
    title="CVE-2026-0001", description="Overflow.\n\nIn parse().",
    identifiers=(Identifier("CVE-2026-0001", IdentifierRole.OWN), Identifier("SNYK-1", IdentifierRole.ALIAS)),
    packages=(FOO,), products=("foo",), ranges=(VersionRange(FOO, "pypi", ("1.0",), ("1.5",)),),
    references=(
        Reference("https://n.example/1", ReferenceKind.ADVISORY), Reference("https://s.example/1", ReferenceKind.ADVISORY),
        Reference("https://r.example/foo/commit/1", ReferenceKind.COMMIT),
    ),
    weaknesses=("CWE-787",), severities=(SeverityClaim("CVSS:3.1", f"CVSS:3.1/{VECTOR}", 9.8, "critical", "NVD"),),
    statuses=(StatusClaim("foo 1.6", "unaffected"), StatusClaim("foo 1.0", "exploitable", "", "Reachable.")),
    credits=(Credit("Ada", "", "ada@example.org"), Credit("Lab", "", "https://l.example")), producer=Producer("Acme Finder", "1"),
    reporter="Acme", remediation="Update.", published_at=datetime(2026, 1, 1, tzinfo=UTC), modified_at=datetime(2026, 1, 2, tzinfo=UTC),
    place="/vulnerabilities/0", extra=(("source", "NVD"),),
)


@pytest.mark.parametrize("data", [json.dumps(BOM), XML])
def test_json_and_xml_keep_the_same_facts(read: Read, data: str) -> None:
    items, error = read("cyclonedx", data)
    assert error is None
    assert [(item.place, item.finding, item.notes) for item in items] == [("/vulnerabilities/0", EXPECTED, ())]


def test_the_extension_of_older_xml_is_read(read: Read) -> None:
    old = """<bom xmlns="http://cyclonedx.org/schema/bom/1.2" xmlns:v="http://cyclonedx.org/schema/ext/vulnerability/1.0"><components>
    <component bom-ref="foo"><name>foo</name><version>1.0</version><purl>pkg:pypi/foo@1.0</purl>
    <v:vulnerabilities><v:vulnerability ref="foo"><v:id>CVE-2026-0001</v:id><v:source name="NVD"><v:url>https://n.example/1</v:url></v:source>
    <v:ratings><v:rating><v:score><v:base>9.8</v:base></v:score><v:severity>Critical</v:severity><v:method>CVSSv3</v:method><v:vector>VECTOR</v:vector></v:rating></v:ratings>
    <v:cwes><v:cwe>787</v:cwe></v:cwes><v:recommendations><v:recommendation>Upgrade</v:recommendation></v:recommendations>
    <v:advisories><v:advisory>https://r.example/foo/issues/1</v:advisory></v:advisories></v:vulnerability></v:vulnerabilities></component></components></bom>"""
    items, error = read("cyclonedx", old.replace("VECTOR", VECTOR))
    assert error is None
    assert [(item.place, item.notes) for item in items] == [("/components/0/vulnerabilities/0", ())]
    assert items[0].finding == Finding(
        title="CVE-2026-0001", identifiers=(Identifier("CVE-2026-0001", IdentifierRole.OWN),), packages=(FOO,), products=("foo",),
        ranges=(VersionRange(FOO, versions=("1.0",)),),
        references=(Reference("https://n.example/1", ReferenceKind.ADVISORY), Reference("https://r.example/foo/issues/1", ReferenceKind.ISSUE)),
        weaknesses=("CWE-787",), severities=(SeverityClaim("CVSS:3.0", f"CVSS:3.0/{VECTOR}", 9.8, "Critical", ""),), remediation="Upgrade",
        place="/components/0/vulnerabilities/0", extra=(("source", "NVD"),),
    )


def test_a_link_into_a_bom_finds_the_part(read: Read) -> None:
    linked = {**VULNERABILITY, "affects": [{"ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#foo"}]}
    items, _ = read("cyclonedx", json.dumps({**BOM, "vulnerabilities": [linked]}))
    assert items[0].finding.ranges == (VersionRange(FOO, versions=("1.0",)),)


def test_an_environmental_score_follows_and_a_wrong_one_is_flagged(read: Read) -> None:
    environmental = {"method": "CVSSv31", "vector": VECTOR + "/MC:N/MI:N/MA:N", "score": 0.0}
    items, _ = read("cyclonedx", json.dumps({**BOM, "vulnerabilities": [{**VULNERABILITY, "ratings": [environmental]}]}))
    assert items[0].notes == ()
    items, _ = read("cyclonedx", json.dumps({**BOM, "vulnerabilities": [{**VULNERABILITY, "ratings": [{**environmental, "score": 3.3}]}]}))
    assert [(note.place, note.code) for note in items[0].notes] == [("/vulnerabilities/0/ratings/0", "severity.score_mismatch")]


def test_wrong_types_are_said_with_their_places(read: Read) -> None:
    items, error = read("cyclonedx", json.dumps({**BOM, "vulnerabilities": [{**VULNERABILITY, "ratings": {}, "affects": [{}]}, "x"]}))
    assert error is None
    assert [(note.place, note.code) for note in items[0].notes] == [("/vulnerabilities/0/ratings", "schema"), ("/vulnerabilities/0/affects/0", "schema")]
    assert (items[1].place, items[1].finding) == ("/vulnerabilities/1", None)


def test_a_bill_without_vulnerabilities_is_no_report(read: Read) -> None:
    items, error = read("cyclonedx", json.dumps({**BOM, "vulnerabilities": []}))
    assert items == []
    assert str(error).startswith("not a report: a bill of materials without vulnerabilities; use it to match exposure")


@pytest.mark.parametrize(("data", "code"), [
    ('{"bomFormat": "CycloneDX"}', "cyclonedx.version"), ('{"bomFormat": "CycloneDX", "specVersion": "9"}', "cyclonedx.version"),
    ('{"bomFormat": "CycloneDX", "specVersion": "1.6", "vulnerabilities": {}}', "cyclonedx.vulnerabilities"),
    ('<bom xmlns="http://cyclonedx.org/schema/bom/1.4"><a></bom>', "xml.syntax"),
    ('<!DOCTYPE a><bom xmlns="http://cyclonedx.org/schema/bom/1.4"/>', "xml.dtd"),
])
def test_what_cannot_be_read_says_why(read: Read, data: str, code: str) -> None:
    items, error = read("cyclonedx", data)
    assert (items, error.note.code) == ([], code)
