"""CVE Records: versions, who said what, and scores that do not follow from their vectors."""

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
    Reference,
    ReferenceKind,
    SeverityClaim,
    VersionRange,
)

Read = Callable[..., Any]
ORGANISATION = "b3476cb9-2e3d-41a6-98d0-0f47421a65b6"
VECTOR = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
AFFECTED: dict[str, Any] = {
    "vendor": "Acme", "product": "Widget", "packageName": "Wid_Get", "collectionURL": "https://pypi.example", "repo": "https://r.example/w",
    "programFiles": ["src/w.c"], "programRoutines": [{"name": "w_open"}], "modules": ["core"], "defaultStatus": "unaffected",
    "versions": [
        {"version": "1.0", "lessThan": "1.6", "status": "affected", "versionType": "semver", "changes": [{"at": "1.5", "status": "unaffected"}]},
        {"version": "2.0", "status": "affected"}, {"version": "2.1", "status": "affected"}, {"version": "3.0", "status": "unaffected"},
        {"version": "aaaa", "lessThanOrEqual": "bbbb", "status": "affected", "versionType": "git"},
    ],
}
CNA: dict[str, Any] = {
    "providerMetadata": {"orgId": ORGANISATION, "shortName": "acme"}, "title": "Overflow in w_open", "affected": [AFFECTED],
    "descriptions": [{"lang": "de", "value": "Ein Überlauf."}, {"lang": "en", "value": "An overflow."}],
    "problemTypes": [{"descriptions": [{"lang": "en", "description": "CWE-787 Out-of-bounds Write", "cweId": "CWE-787", "type": "CWE"}]}],
    "references": [{"url": "https://r.example/w/commit/1", "tags": ["patch"]}, {"url": "https://a.example/x", "tags": ["vendor-advisory"]}],
    "metrics": [{"cvssV3_1": {"version": "3.1", "vectorString": VECTOR, "baseScore": 9.8, "baseSeverity": "CRITICAL"}}],
    "credits": [{"lang": "en", "value": "Ada", "type": "finder"}], "solutions": [{"lang": "en", "value": "Update."}],
    "exploits": [{"lang": "en", "value": "Seen."}], "impacts": [{"descriptions": [{"lang": "en", "value": "Code runs."}]}],
    "source": {"advisory": "GHSA-2222-3333-4444", "discovery": "EXTERNAL"},
}
RECORD: dict[str, Any] = {
    "dataType": "CVE_RECORD", "dataVersion": "5.1",
    "cveMetadata": {
        "cveId": "CVE-2026-0001", "assignerOrgId": ORGANISATION, "assignerShortName": "acme", "state": "PUBLISHED",
        "datePublished": "2026-01-01T00:00:00.000Z", "dateUpdated": "2026-01-02T00:00:00.000Z",
    },
    "containers": {"cna": CNA, "adp": [{
        "providerMetadata": {"orgId": ORGANISATION, "shortName": "CISA-ADP"},
        "metrics": [
            {"other": {"type": "ssvc", "content": {"options": [{"Exploitation": "active"}]}}},
            {"other": {"type": "kev", "content": {"dateAdded": "2026-01-02"}}},
        ],
    }]},
}
WIDGET = Package("pypi", "wid-get", "Wid_Get")


def test_a_record_keeps_its_facts(read: Read) -> None:
    items, error = read("cve", json.dumps(RECORD))
    assert error is None
    assert [(item.place, item.notes) for item in items] == [("", ())]
    finding = items[0].finding
    assert finding == Finding(
        title="Overflow in w_open", description="An overflow.", language="en",
        identifiers=(Identifier("CVE-2026-0001", IdentifierRole.OWN), Identifier("GHSA-2222-3333-4444", IdentifierRole.ALIAS)),
        packages=(WIDGET,), products=("Acme:Widget",),
        ranges=(
            VersionRange(WIDGET, "semver", ("1.0",), ("1.6", "1.5")),
            VersionRange(WIDGET, "git", ("aaaa",), (), ("bbbb",), (), "https://r.example/w"), VersionRange(WIDGET, versions=("2.0", "2.1")),
        ),
        references=(Reference("https://r.example/w/commit/1", ReferenceKind.COMMIT), Reference("https://a.example/x", ReferenceKind.ADVISORY)),
        weaknesses=("CWE-787",), severities=(SeverityClaim("CVSS:3.1", VECTOR, 9.8, "CRITICAL", "acme"),),
        locations=(CodeLocation("src/w.c"),), symbols=("w_open",), reproduction="Seen.", impact="Code runs.", remediation="Update.",
        credits=(Credit("Ada", "finder"),), repository="https://r.example/w", reporter="acme", state="published", publicly_known=True,
        exploited=True, published_at=datetime(2026, 1, 1, tzinfo=UTC), modified_at=datetime(2026, 1, 2, tzinfo=UTC), extra=finding.extra,
    )
    assert {
        ("unaffected version", "3.0"), ("affected Widget modules", '["core"]'), ("affected Widget default status", "unaffected"),
        ("source discovery", "EXTERNAL"), ("description de", "Ein Überlauf."),
        ("CISA-ADP ssvc", '{"options": [{"Exploitation": "active"}]}'), ("CISA-ADP kev", '{"dateAdded": "2026-01-02"}'),
    } <= set(finding.extra)


def test_where_all_versions_are_affected_the_others_are_fixes(read: Read) -> None:
    affected = {**AFFECTED, "defaultStatus": "affected", "versions": [{"version": "5.11", "status": "unaffected", "versionType": "custom"}]}
    items, _ = read("cve", json.dumps({**RECORD, "containers": {"cna": {**CNA, "affected": [affected]}}}))
    assert items[0].finding.ranges == (VersionRange(WIDGET, "custom", fixed=("5.11",)),)


def test_a_score_that_does_not_follow_is_kept_and_flagged(read: Read) -> None:
    metric = {"cvssV3_1": {"version": "3.1", "vectorString": VECTOR, "baseScore": 9.1, "baseSeverity": "CRITICAL"}}
    items, _ = read("cve", json.dumps({**RECORD, "containers": {"cna": {**CNA, "metrics": [metric]}}}))
    assert [claim.score for claim in items[0].finding.severities] == [9.1]
    assert [(note.place, note.code, note.message) for note in items[0].notes] == [(
        "/containers/cna/metrics/0/cvssV3_1", "severity.score_mismatch",
        "published score 9.1 does not follow from the vector, which gives 9.8",
    )]


@pytest.mark.parametrize(("change", "place", "code"), [
    ({"cveMetadata": {**RECORD["cveMetadata"], "cveId": "CVE-1"}}, "/cveMetadata/cveId", "schema"),
    ({"cveMetadata": {**RECORD["cveMetadata"], "state": "OPEN"}}, "/cveMetadata/state", "schema"),
    ({"containers": {"cna": {key: CNA[key] for key in CNA if key != "affected"}}}, "/containers/cna", "schema"),
    ({"containers": {"cna": {**CNA, "affected": [{**AFFECTED, "packageURL": "pkg:pypi/w@1"}]}}}, "/containers/cna/affected/0/packageURL", "cve.purl_version"),
])
def test_what_breaks_the_format_is_said_with_its_place(read: Read, change: dict[str, Any], place: str, code: str) -> None:
    items, error = read("cve", json.dumps({**RECORD, **change}))
    assert error is None
    assert (place, code) in [(note.place, note.code) for note in items[0].notes]


def test_a_rejected_record_keeps_the_reason(read: Read) -> None:
    rejected = {
        "dataType": "CVE_RECORD", "dataVersion": "5.1",
        "cveMetadata": {"cveId": "CVE-2026-0001", "assignerOrgId": ORGANISATION, "state": "REJECTED", "dateRejected": "2026-01-03T00:00:00Z"},
        "containers": {"cna": {
            "providerMetadata": {"orgId": ORGANISATION}, "rejectedReasons": [{"lang": "en", "value": "A duplicate."}], "replacedBy": ["CVE-2026-0002"],
        }},
    }
    items, _ = read("cve", json.dumps(rejected))
    finding = items[0].finding
    assert (finding.description, finding.state, finding.withdrawn_at) == ("A duplicate.", "rejected", datetime(2026, 1, 3, tzinfo=UTC))
    assert finding.identifiers == (Identifier("CVE-2026-0001", IdentifierRole.OWN), Identifier("CVE-2026-0002", IdentifierRole.RELATED))


def test_a_container_without_an_id_is_read(read: Read) -> None:
    items, _ = read("cve", json.dumps(CNA))
    assert (items[0].finding.title, items[0].finding.state, items[0].notes) == ("Overflow in w_open", "", ())


def test_the_schema_is_no_report(read: Any) -> None:
    _, error = read("cve", json.dumps({"$schema": "x", "$id": "https://c.example/CVE_Record_Format.json", "properties": {}}))
    assert str(error).startswith("not a report: the JSON Schema of CVE Records")
