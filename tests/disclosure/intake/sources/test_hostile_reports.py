"""Whatever bytes come, a source answers with items or with one of two errors, in bounded time: valid samples, mutated."""

import json
import random
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clearinghouse.core.policy import IntakeLimits
from clearinghouse.disclosure.intake.parser import load_sources
from clearinghouse.disclosure.intake.rules import clean_finding, digest_finding
from clearinghouse.disclosure.intake.sources.base import Document, Unreadable

OURS = (
    "bugcrowd", "cargo_audit", "crashlog", "garak", "govulncheck", "grype", "hackerone", "mail", "markdown", "nessus", "nuclei", "openvas", "osv_scanner",
    "other_documents", "pip_audit", "semgrep", "trivy", "vince", "zap",
)
SOURCES = load_sources()
SHARED = Path(__file__).resolve().parents[4].parent / "shared" / "data" / "samples"
FOLDERS = {
    "bugcrowd": "reports/bugcrowd-*", "cargo_audit": "scanners/cargo-audit", "crashlog": "sanitizer/clusterfuzz", "garak": "scanners/garak",
    "govulncheck": "scanners/govulncheck", "grype": "scanners/grype", "hackerone": "reports/hackerone", "mail": "mail", "markdown": "reports/markdown-*",
    "nessus": "scanners/nessus", "nuclei": "scanners/nuclei", "openvas": "scanners/openvas", "osv_scanner": "scanners/osv-scanner", "pip_audit": "scanners/pip-audit",
    "semgrep": "scanners/semgrep-json", "trivy": "scanners/trivy", "zap": "scanners/zap",
}
RECORD = {"id": "GHSA-2222-3333-4444", "modified": "2030-01-01T00:00:00Z", "affected": [{"package": {"ecosystem": "npm", "name": "a"}}]}
TREES: dict[str, Any] = {
    "bugcrowd": [{"id": "a", "type": "submission", "attributes": {"title": "t", "description": "d `f()`", "severity": 2, "bug_url": "https://a.example", "custom_fields": {"a": 1}},
                  "relationships": {"program": {"data": {"id": "p"}}}}],
    "cargo_audit": {"database": {}, "lockfile": {}, "vulnerabilities": {"list": [{"advisory": {"id": "RUSTSEC-2030-1", "aliases": ["a"], "cvss": "CVSS:3.1/AV:N", "date": "2030"},
                    "versions": {"patched": [">=1"]}, "affected": {"functions": {"a": []}}, "package": {"name": "a", "version": "1"}}]}, "warnings": {"yanked": [{"package": {"name": "b"}}]}},
    "crashlog": {"CrashSeverity": {"Type": "x", "ShortDescription": "DestAv"}, "Stacktrace": ["#0  0x1 in f (a=1) at a.c:3"], "CrashLine": "a.c:3", "Registers": {"a": 1},
                 "PythonReport": ["Traceback (most recent call last):", "  File \"a.py\", line 1, in f", "E: x"], "Source": ["x"], "Package": "p", "Exception": {"ShortDescription": "E"}},
    "garak": {"probe": "a.B", "detector": "c", "goal": "g", "prompt": {"turns": [{"role": "user", "content": {"text": "x"}}]}, "output": {"text": "y"}, "score": 1.0, "triggers": ["t"]},
    "govulncheck": [{"config": {"scanner_version": "1"}}, {"osv": {**RECORD, "id": "GO-2030-1"}}, {"finding": {"osv": "GO-2030-1", "fixed_version": "v1", "trace": [
        {"module": "m", "version": "v0", "function": "f", "receiver": "*T", "position": {"filename": "a.go", "line": 3}}]}}],
    "grype": {"matches": [{"vulnerability": {"id": "CVE-2030-1111", "cvss": [{"vector": "CVSS:3.1/AV:N", "metrics": {"baseScore": 1}}], "fix": {"versions": ["1"]}},
                           "relatedVulnerabilities": [{"id": "x", "cwes": [{"cwe": "CWE-1"}]}], "matchDetails": [{"found": {"versionConstraint": "<1"}}],
                           "artifact": {"name": "a", "version": "1", "purl": "pkg:pypi/a@1", "locations": [{"path": "/a"}]}}], "source": {"target": {"userInput": "i"}}},
    "hackerone": {"data": [{"id": 1, "type": "report", "attributes": {"title": "t", "vulnerability_information": "## Impact\n\nx", "cve_ids": ["CVE-2030-1111"]}, "relationships": {
        "severity": {"data": {"attributes": {"rating": "high", "score": 1.0, "attack_vector": "network"}}}, "bounties": {"data": [{"attributes": {"amount": 1}}]},
        "structured_scope": {"data": {"attributes": {"asset_type": "url", "asset_identifier": "a.example"}}}}}]},
    "nuclei": [{"template-id": "t", "info": {"name": "n", "severity": "low", "reference": ["https://a.example"], "classification": {"cve-id": ["c"], "cwe-id": ["cwe-1"], "cvss-score": 1}}}],
    "osv_scanner": {"results": [{"source": {"path": "/a/b.lock"}, "packages": [{"package": {"name": "a", "version": "1", "ecosystem": "npm"}, "vulnerabilities": [RECORD],
                                                                               "groups": [{"ids": ["GHSA-2222-3333-4444"], "aliases": ["a"]}]}]}]},
    "pip_audit": {"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "PYSEC-2030-1", "fix_versions": ["2"], "aliases": ["b"], "description": "x"}]}]},
    "semgrep": {"version": "1", "results": [{"check_id": "a.b", "path": "x.py", "start": {"line": 1}, "end": {"line": 2}, "extra": {
        "message": "m", "fingerprint": "f", "metadata": {"cwe": ["CWE-1"], "references": ["https://a.example"]}}}]},
    "trivy": {"SchemaVersion": 2, "ArtifactName": "a", "Results": [{"Target": "t", "Class": "config", "Type": "pip", "Vulnerabilities": [
        {"VulnerabilityID": "CVE-2030-1111", "PkgName": "p", "FixedVersion": "1, 2", "CVSS": {"nvd": {"V3Vector": "CVSS:3.1/AV:N", "V3Score": 1}}, "PkgIdentifier": {"PURL": "pkg:pypi/p"}}],
        "Misconfigurations": [{"ID": "i", "Title": "t", "CauseMetadata": {"StartLine": 1, "Code": {"Lines": [{"Content": "x"}]}}}], "Secrets": [{"RuleID": "r", "StartLine": 1}]}]},
    "vince": {"vul_description": "x `f()`", "product_name": "p", "product_version": "1.0", "vul_public": "yes", "public_references": "https://a.example", "first_contact": "2030-01-01",
              "disclosure_plans": "2030-01-01", "coord_status": ["a", "b"]},
    "other_documents": {"spdxVersion": "2", "metadata": {"langID": "x"}, "targets": {"in_scope": []}, "@context": "spdx.org/rdf", "type": "bundle", "objects": []},
}
TEXTS: dict[str, list[bytes]] = {
    "crashlog": [
        b"==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x1\nREAD of size 8 at 0x1\n    #0 0x1 in ns::f<int>(int) /src/a.c:3:1\n    #1 0x2 (/lib/b.so+0x1)\nSUMMARY: x\n",
        b"panic: runtime error: index out of range [1]\n\ngoroutine 1 [running]:\na.b(0x1)\n\t/go/src/a/b.go:3 +0x1\n",
        b"thread 'main' panicked at src/a.rs:1:2:\nx\nstack backtrace:\n   0: a::b\n             at ./a.rs:1:2\n", b"BUG: KASAN: slab-out-of-bounds in f+0x1/0x2\nCall Trace:\n f+0x1/0x2 a.c:3\n",
        b"java.lang.Error: x\n\tat a.B.c(B.java:3)\nCaused by: a.D: y\n\tat a.E.f(E.java:9)\n", b"Traceback (most recent call last):\n  File \"a.py\", line 3, in f\nKeyError: 'x'\n",
    ],
    "mail": [
        b"From: =?utf-8?q?A?= <a@example.org>\nSubject: x\nDate: Tue, 12 May 2026 08:00:00 +0000\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b\"\n\n--b\nContent-Type: text/plain;"
        b" charset=utf-8\n\nf() in a.c line 3\n--b\nContent-Type: text/html\n\n<p>x<img src=a></p>\n--b\nContent-Type: text/x; name*=utf-8''%41.txt\nContent-Transfer-Encoding: base64\n\neA==\n--b--\n",
        b"From: a@example.org\nSubject: x\n\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nx\n-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n",
        b"From: a@example.org\nSubject: x\nContent-Type: multipart/signed; boundary=b\n\n--b\n\nx\n--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n",
        b"From: a@example.org\nSubject: x\nContent-Type: multipart/encrypted; boundary=b\n\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b\n\n-----BEGIN PGP MESSAGE-----\n\nx\n-----END PGP MESSAGE-----\n--b--\n",
    ],
    "markdown": [
        b"```toml\n[advisory]\nid = \"RUSTSEC-2030-0001\"\npackage = \"a\"\ndate = \"2030-01-01\"\n[versions]\npatched = [\">= 1\"]\n[affected.functions]\n\"a::b\" = [\"< 1\"]\n```\n\n# T\n\n`f()` in a/b.c:3\n",
        b"---\ntitle: x\ncwe: [79]\nreferences:\n  - https://a.example\naffected_versions: < 2\n---\n\nBody CVE-2030-1111 CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N\n",
        b"Title\n=====\n\nAFFECTED VERSIONS\n-----------------\n\n- Affected versions: 1.0 to and including 2.0\n- Introduced-in: https://a.example/b/c/commit/0123456789\n\n| Severity | High |\n",
    ],
    "nessus": [b"<NessusClientData_v2><Report><ReportHost name=\"a\"><ReportItem port=\"1\" pluginName=\"x\" severity=\"1\"><cve>CVE-2030-1111</cve><xref>CWE:79</xref></ReportItem></ReportHost></Report></NessusClientData_v2>",
               b"Plugin ID,Risk,Host,Name,Plugin Output,CVSS\n1,High,a,x,\"y\nz\",5.0\n"],
    "openvas": [b"<report><results><result><name>x</name><host>a</host><nvt oid=\"1\"><tags>cvss_base_vector=AV:N|summary=x</tags><refs><ref type=\"cve\" id=\"c\"/></refs></nvt></result></results></report>",
                b"IP,NVT Name,NVT OID,Specific Result,CVSS\na,x,1,\"y\",5.0\n"],
    "zap": [b"<OWASPZAPReport><site name=\"a\"><alerts><alertitem><name>x</name><cweid>79</cweid><instances><instance><uri>https://a</uri></instance></instances></alertitem></alerts></site></OWASPZAPReport>"],
    "hackerone": [b"id,title,severity_rating,severity_score,substate,weakness,reported_at,structured_scope\n1,x,low,1.0,new,CWE-79,2030-01-01 00:00:00 UTC,a.b\n"],
    "bugcrowd": [b"reference_number,bounty_code,vrt_lineage,bug_url,title,priority\n1,a,b,https://a,x,3\n"],
    "vince": [b"vul_description=x&product_name=p&share_release=yes&vul_impact=%41"],
    "other_documents": [b"Contact: mailto:a@b\nExpires: x\n", b"title: x\nlogsource: y\ndetection: z\n", b"PK\x03\x04langspec.json", b"#model_version:1\ncve,epss\n"],
}
JUNK: st.SearchStrategy[Any] = st.sampled_from([
    None, True, False, 0, -1, 1e308, 10**30, 10**400, "", "x", "\0", "\ud800", "9" * 400, "CVSS:3.1/" + "A:" * 50, "pkg:", "pkg:pypi/%", "²", "2030-13-99", "https://[", "file:///" + "a/" * 200, "`" * 50, "a" * 5_000,
    [], {}, [[]], [{}], {"": {}}, [None], {"id": []}, ["x", 1, {}],
])


def answer(name: str, data: bytes, limits: IntakeLimits) -> None:
    """Read some bytes with a source as the parser process does; anything but the two errors goes up."""
    document = Document("x", data, limits, ())
    assert 0 <= SOURCES[name].sniff(document) <= 1
    refused: Unreadable | None = None
    try:
        for item in SOURCES[name].parse(document):
            assert item.finding is not None or item.notes
            if item.finding is not None:
                cleaned = clean_finding(item.finding, limits)[0]
                digest_finding(cleaned)
                msgspec.msgpack.encode(cleaned)  # how it leaves the parser process
    except Unreadable as error:
        refused = error
    assert refused is None or refused.note.message


def samples_of(name: str) -> list[bytes]:
    """Valid samples of a source."""
    return [*([json.dumps(TREES[name]).encode()] if name in TREES else []), *TEXTS.get(name, [])]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in a JSON value something stands."""
    found = [path]
    for key, entry in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += places(entry, (*path, key))
    return found


def replaced(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    """The value with junk at a place."""
    if not path:
        return junk
    if isinstance(value, dict):
        return {key: replaced(entry, path[1:], junk) if key == path[0] else entry for key, entry in value.items()}
    return [replaced(entry, path[1:], junk) if number == path[0] else entry for number, entry in enumerate(value)]


@pytest.mark.parametrize("name", OURS)
def test_samples_are_read(name: str, limits: IntakeLimits) -> None:
    for sample in samples_of(name):
        answer(name, sample, limits)


@pytest.mark.parametrize("name", sorted(TREES))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_at_any_place(name: str, limits: IntakeLimits, data: st.DataObject) -> None:
    tree = TREES[name]
    for _ in range(data.draw(st.integers(1, 3))):
        tree = replaced(tree, data.draw(st.sampled_from(places(tree))), data.draw(JUNK))
    answer(name, json.dumps(tree).encode("utf-8", "surrogatepass"), limits)


@pytest.mark.parametrize("name", OURS)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bytes_anywhere(name: str, limits: IntakeLimits, data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(samples_of(name)))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(sample)))
        end = data.draw(st.integers(start, min(len(sample), start + 60)))
        sample = sample[:start] + data.draw(st.binary(max_size=20)) + sample[end:]
    answer(name, sample, limits)


@pytest.mark.parametrize("name", OURS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sample=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_noise(name: str, limits: IntakeLimits, sample: bytes) -> None:
    answer(name, sample, limits)


@pytest.mark.parametrize("name", sorted(FOLDERS))
@pytest.mark.skipif(not SHARED.exists(), reason="the shared samples are not here")
def test_real_samples_cut_and_spliced(name: str, limits: IntakeLimits) -> None:
    chance = random.Random(name)  # the same cuts on every run
    files = sorted(path for path in SHARED.glob(FOLDERS[name] + "/*") if path.is_file() and path.stat().st_size < 60_000)
    for _ in range(25):
        first, second = (chance.choice(files).read_bytes() for _ in range(2))
        cut = first[: chance.randrange(len(first) + 1)]
        if chance.random() < 0.5:
            cut += second[chance.randrange(len(second) + 1) :]
        answer(name, cut, limits)


@pytest.mark.parametrize("name", OURS)
def test_large_hostile_input_takes_little_time(name: str, limits: IntakeLimits) -> None:
    begun = time.process_time()
    for sign in (b"[", b"{\"a\":", b"\"", b"<a>", b"<a ", b",", b"\n", b"# a\n", b"- a: b\n", b"--b\n", b"`", b"a/", b"\\"):
        answer(name, (sign * 100_000)[:200_000], limits)
    assert time.process_time() - begun < 20
