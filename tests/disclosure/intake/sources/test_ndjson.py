"""Our own lines: every field, the shorthands, places in errors, and that what is written is read back."""

import gzip
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearinghouse.core.product import Package
from clearinghouse.disclosure.intake.records import (
    CodeLocation,
    Consents,
    Crash,
    Credit,
    Finding,
    Frame,
    HumanReview,
    Identifier,
    IdentifierRole,
    Note,
    Producer,
    Reference,
    ReferenceKind,
    SeverityClaim,
    StatusClaim,
    VersionRange,
)
from clearinghouse.disclosure.intake.sources import ndjson

CORPUS = Path(__file__).resolve().parents[4].parent / "shared" / "data" / "deconfliction" / "dev.jsonl.gz"
SCHEMA = json.loads(
    (resources.files("clearinghouse.disclosure.intake.sources") / "schemas" / "clearinghouse-report.schema.json").read_text()
)
VALIDATOR = jsonschema_rs.validator_for(SCHEMA)
Read = Callable[..., Any]

FULL: dict[str, Any] = {
    "id": "CVE-2026-0001", "idempotency_key": "k-1", "title": "Overflow in parse_header", "description": "A long header.",
    "identifiers": [{"value": "X-1", "role": "related"}], "aliases": ["ghsa-aaaa-bbbb-cccc"], "related": ["CVE-2026-0002"],
    "packages": [["PyPI", "Foo_Bar"], {"ecosystem": "npm", "name": "left"}, "pkg:cargo/a_b@1"], "products": ["v:p"],
    "ranges": [{"package": {"ecosystem": "PyPI", "name": "foo-bar"}, "kind": "ecosystem", "introduced": ["1"], "fixed": ["2"]}],
    "affected": ["< 2"], "references": ["https://a.example", {"url": "https://b.example/commit/1", "kind": "commit"}],
    "weaknesses": ["CWE-787"], "cwe": [79, "CWE-80"], "severities": [{"scheme": "label", "label": "high"}],
    "severity": {"cvss": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "label": None},
    "statuses": [{"product": "v:p", "status": "known_affected"}],
    "locations": [{"path": "src/a.c", "line_start": 3, "symbol": "parse_header", "parameter": "name"}], "symbols": ["parse_header"],
    "crash": {"tool": "AddressSanitizer", "kind": "heap-buffer-overflow", "access": "WRITE", "size_bytes": 4, "frames": [{"function": "parse_header", "line": 3}]},
    "reproduction": "send it", "impact": "code runs", "remediation": "update", "credits": ["A", {"name": "B", "role": "finder"}],
    "producer": {"tool": "t", "tool_version": "1", "model": "m", "harness": "h", "reviewer": "r", "review": "reproduced", "fingerprints": [["a", "b"]]}, "blobs": [["lib/a.c", "git:0123456"]],
    "consents": {"share_with_vendor": True, "share_name": False}, "repository": "https://r.example/a", "commit": "abc",
    "published": "2026-01-01", "modified": "2026-01-02T03:04:05+02:00", "withdrawn": None, "proposed_disclosure": "2026-03-01T00:00:00Z",
    "publicly_known": False, "exploited": None, "language": "en", "tlp": "TLP:WHITE", "state": "open", "reporter": "somebody",
    "attachments": ["sha256:00 a.bin"], "extra": [["k", "v"]], "source": "tool",
}
FOO = Package("pypi", "foo-bar", "Foo_Bar")


def lines(*values: Any) -> bytes:
    return b"\n".join(json.dumps(value).encode() for value in values)


def test_a_line_with_every_field_keeps_every_field(read: Read) -> None:
    items, error = read("ndjson", lines(FULL))
    assert error is None
    assert items[0].notes == ()
    assert items[0].finding == Finding(
        title="Overflow in parse_header", description="A long header.",
        identifiers=(
            Identifier("X-1", IdentifierRole.RELATED), Identifier("CVE-2026-0001", IdentifierRole.OWN),
            Identifier("GHSA-AAAA-BBBB-CCCC", IdentifierRole.ALIAS), Identifier("CVE-2026-0002", IdentifierRole.RELATED),
        ),
        packages=(FOO, Package("npm", "left", "left"), Package("crates.io", "a-b", "pkg:cargo/a_b@1")), products=("v:p",),
        ranges=(
            VersionRange(Package("pypi", "foo-bar", "foo-bar"), "ecosystem", ("1",), ("2",)), VersionRange(versions=("< 2",)),
        ),
        references=(Reference("https://a.example"), Reference("https://b.example/commit/1", ReferenceKind.COMMIT)),
        weaknesses=("CWE-787", "CWE-79", "CWE-80"),
        severities=(SeverityClaim("label", label="high"), SeverityClaim("CVSS:3.1", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")),
        statuses=(StatusClaim("v:p", "known_affected"),),
        locations=(CodeLocation("src/a.c", 3, None, "parse_header", "name"),), symbols=("parse_header",),
        crash=Crash("AddressSanitizer", "heap-buffer-overflow", "WRITE", 4, (Frame("parse_header", line=3),)),
        reproduction="send it", impact="code runs", remediation="update", credits=(Credit("A"), Credit("B", "finder")),
        producer=Producer("t", "1", "m", "h", "r", HumanReview.REPRODUCED, fingerprints=(("a", "b"),)),
        consents=Consents(share_with_vendor=True, share_name=False), repository="https://r.example/a", commit="abc",
        published_at=datetime(2026, 1, 1, tzinfo=UTC), modified_at=datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC),
        proposed_disclosure_at=datetime(2026, 3, 1, tzinfo=UTC), publicly_known=False, language="en", tlp="CLEAR", state="open",
        reporter="somebody", attachments=("sha256:00 a.bin",), place="line 1",
        extra=(("k", "v"), ("source", "tool"), ("idempotency_key", "k-1")), catalogue="tool", entry="CVE-2026-0001", blobs=(("lib/a.c", "git:0123456"),),
    )


def test_the_schema_names_the_fields_that_are_read() -> None:
    assert set(SCHEMA["properties"]) == set(ndjson.Line.__struct_fields__)
    assert not list(VALIDATOR.iter_errors(FULL))


def test_a_corpus_row_is_a_line(read: Read) -> None:
    row = {
        "affected": ["unspecified"], "cwe": [], "details": "d", "fixed": ["1.2"], "id": "R1", "introduced": [], "packages": [["Bitnami", "parse"]],
        "products": [], "published": None, "references": [{"kind": "other", "url": "https://a.example"}], "severity": {"cvss": None, "label": None},
        "source": "bitnami", "summary": None, "symbols": [],
    }
    items, error = read("ndjson", lines(row))
    assert (error, items[0].notes) == (None, ())
    parse = Package("bitnami", "parse", "parse")
    assert items[0].finding == Finding(
        description="d", packages=(parse,), ranges=(VersionRange(parse, fixed=("1.2",), versions=("unspecified",)),),
        references=(Reference("https://a.example"),), place="line 1", extra=(("id", "R1"), ("source", "bitnami")), catalogue="bitnami", entry="R1",
    )


@pytest.mark.parametrize(("line", "place", "code"), [
    (b'{"title": 3}', "line 1 /title", "item.schema"),
    (b'{"crash": {"tool": "t", "kind": "k", "size_bytes": "x"}}', "line 1 /crash/size_bytes", "item.schema"),
    (b'{"title": "a"', "line 1", "json.syntax"),
    (b"[1]", "line 1", "item.schema"),
    (b'{"title": "\xff"}', "line 1", "json.encoding"),
])
def test_a_bad_line_is_refused_with_its_place_and_the_next_is_read(read: Read, line: bytes, place: str, code: str) -> None:
    items, error = read("ndjson", line + b"\n" + lines({"title": "good"}))
    assert error is None
    assert items[0].finding is None
    assert (items[0].notes[0].place, items[0].notes[0].code) == (place, code)
    assert items[1].finding == Finding(title="good", place="line 2")


def test_what_is_not_understood_is_said(read: Read) -> None:
    items, _ = read("ndjson", lines({"title": "a", "colour": 1, "cwe": ["x"], "tlp": "PINK", "published": "soon", "packages": ["pkg:"]}))
    assert [(note.place, note.code) for note in items[0].notes] == [
        ("line 1", "field.unknown"), ("line 1 /packages", "package.purl"), ("line 1 /cwe", "weakness.unknown"),
        ("line 1 /published", "date.unknown"), ("line 1 /tlp", "tlp.unknown"),
    ]
    assert items[0].finding.tlp == "RED"


def test_an_empty_file_says_so(read: Read) -> None:
    items, error = read("ndjson", b"\n \n")
    assert (items, error.note) == ([], Note("line 1", "no line holds anything; one JSON object a line would be right", "document.empty"))


def test_sniffing_knows_its_lines_and_no_others(read: Any) -> None:
    assert read.sniff(lines({"title": "a"}, {"title": "b"}))["ndjson"] == 0.9
    assert "ndjson" not in read.sniff(lines({"foo": "a"}))


word = st.text(st.characters(codec="utf-8"), max_size=12)
name = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,12}(/[A-Za-z0-9][A-Za-z0-9._-]{0,8})?", fullmatch=True)
package = st.one_of(
    st.tuples(st.sampled_from(("PyPI", "npm", "Go", "Debian:12", "crates.io", "Maven")), name).map(list),
    st.fixed_dictionaries({"ecosystem": st.sampled_from(("PyPI", "npm")), "name": name}), word,
)
instants = st.one_of(st.none(), st.datetimes(min_value=datetime(1970, 1, 1)).map(lambda at: at.isoformat() + "Z"), word)  # noqa: DTZ001
maybe = st.one_of(st.none(), st.booleans())
line = st.fixed_dictionaries({}, optional={
    "id": st.one_of(word, st.integers(0, 2**40), st.just("cve-2026-0001")), "title": word, "summary": st.one_of(st.none(), word), "details": word,
    "aliases": st.lists(word, max_size=3), "related": st.lists(word, max_size=2), "packages": st.lists(package, max_size=3),
    "introduced": st.lists(word, max_size=2), "fixed": st.lists(word, max_size=2), "affected": st.lists(word, max_size=2),
    "references": st.lists(st.one_of(word, st.fixed_dictionaries({"url": word, "kind": st.sampled_from(("commit", "Issue", "x"))})), max_size=3),
    "cwe": st.lists(st.one_of(st.integers(0, 2000), word), max_size=3), "severity": st.one_of(st.none(), word, st.fixed_dictionaries({"cvss": word, "label": word})),
    "severities": st.lists(st.fixed_dictionaries({"scheme": word, "score": st.one_of(st.none(), st.floats(0, 10))}), max_size=2),
    "locations": st.lists(st.fixed_dictionaries({"path": word, "line_start": st.one_of(st.none(), st.integers(1, 9999))}), max_size=2),
    "crash": st.one_of(st.none(), st.fixed_dictionaries({"tool": word, "kind": word, "frames": st.lists(st.fixed_dictionaries({"function": word}), max_size=3)})),
    "credits": st.lists(st.one_of(word, st.fixed_dictionaries({"name": word})), max_size=2), "tlp": st.sampled_from(("", "WHITE", "AMBER+STRICT", "odd")),
    "producer": st.fixed_dictionaries({"tool": word, "review": st.sampled_from(("none", "reviewed")), "fingerprints": st.lists(st.tuples(word, word).map(list), max_size=2)}),
    "consents": st.fixed_dictionaries({"share_name": maybe}), "published": instants, "proposed_disclosure": instants, "exploited": maybe,
    "source": word, "idempotency_key": word, "extra": st.lists(st.tuples(word, word).map(list), max_size=2),
    "ranges": st.lists(st.fixed_dictionaries({"kind": word, "versions": st.lists(word, max_size=2), "package": st.one_of(st.none(), st.just({"ecosystem": "npm", "name": "a"}))}), max_size=2),
})


@settings(max_examples=300, deadline=None)
@given(value=line)
def test_what_is_read_written_and_read_again_is_the_same(value: dict[str, Any]) -> None:
    first = ndjson.read_line(json.dumps(value).encode(), "line 1", 10**6)
    assert first.finding is not None
    rendered = ndjson.render_line(first.finding)
    assert not list(VALIDATOR.iter_errors(json.loads(rendered)))
    again = ndjson.read_line(rendered, "line 1", 10**6)
    assert (again.finding, again.notes) == (first.finding, ())


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not beside this repository")
def test_every_row_of_the_corpus_is_read_and_survives_rendering(read: Read) -> None:
    began = time.monotonic()
    items, error = read("ndjson", gzip.decompress(CORPUS.read_bytes()))
    assert error is None
    assert all(item.finding is not None and not item.notes for item in items)
    assert len(items) > 40_000
    assert time.monotonic() - began < 12  # 100,000 in well under 30 s
    for item in items[:2_000]:
        assert ndjson.read_line(ndjson.render_line(item.finding), item.place, 10**7).finding == item.finding
