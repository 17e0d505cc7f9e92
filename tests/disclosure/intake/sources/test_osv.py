"""OSV: one record, many, YAML; facts kept, lint and schema said with their places."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from clearinghouse.core.product import Package
from clearinghouse.disclosure.intake.records import (
    Crash,
    Credit,
    Finding,
    Frame,
    Identifier,
    IdentifierRole,
    Reference,
    ReferenceKind,
    SeverityClaim,
    VersionRange,
)

Read = Callable[..., Any]
VECTOR = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
RECORD: dict[str, Any] = {
    "schema_version": "1.7.0", "id": "PYSEC-2026-1", "modified": "2026-01-02T00:00:00Z", "published": "2026-01-01T00:00:00Z",
    "withdrawn": "2026-01-03T00:00:00Z", "aliases": ["CVE-2026-0001"], "related": ["CVE-2026-0002"], "upstream": ["CVE-2026-0003"],
    "summary": "Overflow", "details": "In parse().",
    "affected": [{
        "package": {"ecosystem": "PyPI", "name": "Foo_Bar", "purl": "pkg:pypi/foo-bar"}, "versions": ["1.0", "1.1"],
        "ranges": [
            {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2"}]},
            {"type": "GIT", "repo": "https://r.example/foo", "events": [{"introduced": "0"}, {"last_affected": "a" * 40}]},
        ],
        "ecosystem_specific": {"imports": [{"path": "foo", "symbols": ["parse"]}]},
    }],
    "severity": [{"type": "CVSS_V3", "score": VECTOR}],
    "references": [{"type": "FIX", "url": "https://r.example/foo/commit/1"}, {"type": "WEB", "url": "https://w.example"}],
    "credits": [{"name": "Ada", "type": "FINDER", "contact": ["mailto:ada@example.org"]}],
    "database_specific": {"cwe_ids": ["CWE-787"], "severity": "HIGH"},
}
FOO = Package("pypi", "foo-bar", "pkg:pypi/foo-bar")
EXPECTED = Finding(
    title="Overflow", description="In parse().",
    identifiers=(
        Identifier("PYSEC-2026-1", IdentifierRole.OWN), Identifier("CVE-2026-0001", IdentifierRole.ALIAS),
        Identifier("CVE-2026-0002", IdentifierRole.RELATED), Identifier("CVE-2026-0003", IdentifierRole.RELATED),
    ),
    packages=(FOO,),
    ranges=(
        VersionRange(FOO, "ecosystem", ("0",), ("1.2",), (), ("1.0", "1.1")),
        VersionRange(FOO, "git", ("0",), (), ("a" * 40,), (), "https://r.example/foo"),
    ),
    references=(Reference("https://r.example/foo/commit/1", ReferenceKind.COMMIT), Reference("https://w.example")),
    weaknesses=("CWE-787",), severities=(SeverityClaim("CVSS:3.1", VECTOR), SeverityClaim("label", label="HIGH", by="database")),
    symbols=("foo.parse",), credits=(Credit("Ada", "FINDER", "mailto:ada@example.org"),), repository="https://r.example/foo",
    published_at=datetime(2026, 1, 1, tzinfo=UTC), modified_at=datetime(2026, 1, 2, tzinfo=UTC),
    withdrawn_at=datetime(2026, 1, 3, tzinfo=UTC), state="withdrawn",
    extra=(
        ("affected 0 ecosystem_specific", '{"imports": [{"path": "foo", "symbols": ["parse"]}]}'),
        ("database_specific", '{"cwe_ids": ["CWE-787"], "severity": "HIGH"}'),
    ),
)


def test_a_record_keeps_its_facts(read: Read) -> None:
    items, error = read("osv", json.dumps(RECORD))
    assert error is None
    assert [(item.place, item.finding, item.notes) for item in items] == [("", EXPECTED, ())]


@pytest.mark.parametrize(("data", "places"), [
    (json.dumps([RECORD, RECORD]), ["/0", "/1"]),
    (json.dumps(RECORD) + "\n" + json.dumps(RECORD), ["line 1", "line 2"]),
])
def test_several_records_are_several_items(read: Read, data: str, places: list[str]) -> None:
    items, error = read("osv", data)
    assert (error, [item.place for item in items], [item.finding.place for item in items]) == (None, places, places)


def test_yaml_gives_the_same_finding_and_its_dates_stay_instants(read: Read) -> None:
    text = "\n".join(f"{key}: {value if key in ('modified', 'published', 'withdrawn') else json.dumps(value)}" for key, value in RECORD.items())
    items, error = read("osv", text)
    assert error is None
    assert [(item.finding, item.notes) for item in items] == [(EXPECTED, ())]


def test_a_crash_in_the_details_is_read(read: Read) -> None:
    details = "OSS-Fuzz report: https://o.example/1\n\n```\nCrash type: Heap-buffer-overflow READ 4\nCrash state:\nparse\nmain\nrun\n```\n"
    items, _ = read("osv", json.dumps({**RECORD, "details": details}))
    frames = (Frame("parse"), Frame("main"), Frame("run"))
    assert items[0].finding.crash == Crash("OSS-Fuzz", "Heap-buffer-overflow", "READ", 4, frames)


def test_what_breaks_lint_or_schema_is_said_with_its_place(read: Read) -> None:
    events = [{"introduced": "1"}, {"fixed": "1"}]
    broken = {**RECORD, "affected": [{"package": FOO_JSON, "ranges": [{"type": "SEMVER", "events": events}]}], "modified": 3}
    items, _ = read("osv", json.dumps(broken))
    assert {(note.place, note.code) for note in items[0].notes} == {
        ("/affected/0/ranges/0/events", "osv.distinct_events"), ("/modified", "schema"), ("/modified", "date.unknown"),
    }


FOO_JSON = {"ecosystem": "PyPI", "name": "foo"}


@pytest.mark.parametrize(("data", "code"), [
    ("id: [", "yaml.syntax"), ("id: &a x\nother: *a", "yaml.alias"), ("{", "json.syntax"), ("[]", "document.empty"), ("# nothing", "document.empty"),
])
def test_what_is_no_record_is_refused(read: Read, data: str, code: str) -> None:
    items, error = read("osv", data)
    assert (items, error.note.code) == ([], code)


def test_a_bad_record_does_not_sink_its_list(read: Read) -> None:
    items, error = read("osv", json.dumps([{"summary": "no id"}, RECORD]))
    assert error is None
    assert [(item.place, item.finding is None) for item in items] == [("/0", True), ("/1", False)]
