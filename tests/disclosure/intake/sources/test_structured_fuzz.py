"""Whatever bytes come, a structured source yields items or says why not; nothing else leaves it."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clearinghouse.disclosure.intake.rules import clean_finding
from clearinghouse.disclosure.intake.sources.base import Item

CVE: dict[str, Any] = {
    "dataType": "CVE_RECORD", "dataVersion": "5.2", "cveMetadata": {"cveId": "CVE-2026-0001", "state": "PUBLISHED", "datePublished": "2026-01-01"},
    "containers": {
        "cna": {
            "affected": [{
                "vendor": "v", "product": "p", "packageName": "n", "collectionURL": "https://pypi.example", "packageURL": "pkg:pypi/n@1",
                "versions": [{"version": "1", "lessThan": "2", "status": "affected", "changes": [{"at": "1.5", "status": "unaffected"}]}],
                "programRoutines": [{"name": "f"}], "programFiles": ["a.c"],
            }],
            "descriptions": [{"lang": "en", "value": "text"}], "references": [{"url": "https://a.example/1", "tags": ["patch"]}],
            "problemTypes": [{"descriptions": [{"cweId": "CWE-79", "description": "x"}]}],
            "metrics": [{"cvssV3_1": {"vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "baseScore": 9.8}}],
            "credits": [{"value": "A", "type": "finder"}], "source": {"advisory": "GHSA-aaaa-bbbb-cccc"},
        },
        "adp": [{"metrics": [{"other": {"type": "kev", "content": {"dateAdded": "x"}}}]}],
    },
}
OSV = {
    "schema_version": "1.7.0", "id": "OSV-2026-1", "modified": "2026-01-01T00:00:00Z", "aliases": ["CVE-2026-0001"], "details": "d",
    "affected": [{
        "package": {"ecosystem": "PyPI", "name": "n", "purl": "pkg:pypi/n"}, "versions": ["1"],
        "ranges": [{"type": "GIT", "repo": "https://r.example/a", "events": [{"introduced": "0"}, {"fixed": "abc"}]}],
        "ecosystem_specific": {"imports": [{"path": "p", "symbols": ["S"]}]}, "database_specific": {"cwes": [{"cweId": "CWE-1"}]},
    }],
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    "references": [{"type": "FIX", "url": "https://a.example/commit/1"}], "credits": [{"name": "A", "contact": ["m"]}],
}
SARIF = {
    "version": "2.1.0", "runs": [{
        "tool": {"driver": {"name": "t", "rules": [{"id": "R", "shortDescription": {"text": "s"}, "properties": {"tags": ["CWE-79"]}}]}},
        "originalUriBaseIds": {"A": {"uri": "src/", "uriBaseId": "B"}, "B": {"uri": "file:///w/x/"}},
        "results": [{
            "ruleId": "R", "ruleIndex": 0, "message": {"text": "m {0}", "arguments": ["a"]},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a.c", "uriBaseId": "A"}, "region": {"startLine": 3}}}],
            "codeFlows": [{"threadFlows": [{"locations": [{"location": {"physicalLocation": {"artifactLocation": {"uri": "b.c"}}}}]}]}],
            "suppressions": [{"kind": "inSource"}], "fingerprints": {"a": "b"}, "rank": 1.5,
        }],
    }],
}
CSAF = {
    "document": {
        "category": "csaf_vex", "csaf_version": "2.1", "title": "t", "lang": "en", "license_expression": "MIT OR (Apache-2.0 AND 0BSD)",
        "publisher": {"category": "vendor", "name": "n", "namespace": "https://n.example"},
        "distribution": {"tlp": {"label": "CLEAR"}, "sharing_group": {"id": "x", "name": "Public"}},
        "tracking": {
            "id": "A-1", "status": "final", "version": "2", "initial_release_date": "2026-01-01T00:00:00Z",
            "current_release_date": "2026-01-02T00:00:00Z",
            "revision_history": [{"date": "2026-01-01T00:00:00Z", "number": "1", "summary": "s"}],
        },
        "notes": [{"category": "summary", "text": "t"}], "references": [{"category": "self", "summary": "s", "url": "https://a.example/a-1.json"}],
        "acknowledgments": [{"names": ["N"], "organization": "O"}],
    },
    "product_tree": {
        "branches": [{"category": "vendor", "name": "V", "branches": [{"category": "product_name", "name": "P", "branches": [
            {"category": "product_version_range", "name": "vers:intdot/>=1|<2", "product": {
                "name": "P", "product_id": "P1", "product_identification_helper": {
                    "purls": ["pkg:pypi/p@1"], "cpe": "cpe:2.3:a:v:p:1:*:*:*:*:*:*:*", "hashes": [{"file_hashes": [{"algorithm": "md5", "value": "a"}]}],
                    "model_numbers": ["*a*"],
                },
            }},
            {"category": "product_version", "name": "2", "product": {"name": "P2", "product_id": "P2"}},
        ]}]}],
        "product_paths": [{"beginning_product_reference": "P1", "full_product_name": {"name": "J", "product_id": "P3"},
                           "subpaths": [{"category": "installed_on", "next_product_reference": "P2"}]}],
        "product_groups": [{"group_id": "G", "product_ids": ["P1", "P2"]}],
    },
    "vulnerabilities": [{
        "cve": "CVE-2026-0001", "cwes": [{"id": "CWE-79", "name": "x", "version": "4.13"}], "ids": [{"system_name": "s", "text": "t"}],
        "product_status": {"known_affected": ["P1"], "fixed": ["P2"], "known_not_affected": ["P3"]},
        "metrics": [{"products": ["P1"], "content": {
            "cvss_v3": {"version": "3.1", "vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "baseScore": 9.8, "baseSeverity": "HIGH"},
            "epss": {"percentile": "0.9", "probability": "0.1", "timestamp": "2026-01-01T00:00:00Z"},
            "ssvc_v2": {"schemaVersion": "2.0.0", "timestamp": "2026-01-01T00:00:00Z", "target_ids": ["x"],
                        "selections": [{"namespace": "ssvc", "key": "E", "version": "1.1.0", "values": [{"key": "A"}]}]},
        }}],
        "remediations": [{"category": "vendor_fix", "details": "d", "group_ids": ["G"]}], "flags": [{"label": "component_not_present", "product_ids": ["P3"]}],
        "threats": [{"category": "impact", "details": "d", "product_ids": ["P3"]}], "disclosure_date": "2026-01-01T00:00:00Z",
        "first_known_exploitation_dates": [{"date": "2026-01-01T00:00:00Z", "exploitation_date": "2026-01-01T00:00:00Z"}],
        "involvements": [{"party": "vendor", "status": "open", "date": "2026-01-01T00:00:00Z"}], "notes": [{"category": "summary", "text": "t"}],
    }],
    "x_extensions": [{"$schema": "https://x.example/documentation-1.json", "category": "essential", "critical": True, "content": {}}],
}
GHSA = {
    "action": "created", "repository": {"html_url": "https://r.example/a"},
    "alert": {
        "number": 1, "state": "open", "dependency": {"manifest_path": "a/b.txt"},
        "security_advisory": {
            "ghsa_id": "GHSA-aaaa-bbbb-cccc", "summary": "s", "identifiers": [{"type": "CVE", "value": "CVE-2026-0001"}],
            "vulnerabilities": [{"package": {"ecosystem": "pip", "name": "n"}, "vulnerable_version_range": ">= 1, < 2", "first_patched_version": {"identifier": "2"}}],
            "cvss": {"vector_string": None, "score": 0.0}, "cwes": [{"cwe_id": "CWE-1"}], "references": [{"url": "https://a.example"}],
        },
        "security_vulnerability": {"package": {"name": "n"}, "severity": "low"},
    },
}
GRAPHQL = {"data": {"repository": {"url": "https://r.example/a", "vulnerabilityAlerts": {"pageInfo": {"hasNextPage": True}, "nodes": [
    {"createdAt": "2026-01-01T00:00:00Z", "securityVulnerability": {"severity": "LOW", "package": {"name": "n", "ecosystem": "PIP"}, "advisory": {
        "summary": "s", "identifiers": [{"value": "GHSA-aaaa-bbbb-cccc"}], "cvss": {"vectorString": None}, "cwes": {"edges": [{"node": {"cweId": "CWE-1"}}]},
    }}},
]}}}}
CYCLONEDX = {
    "bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"component": {"bom-ref": "a", "name": "A", "version": "1"}, "tools": {"components": [{"name": "t"}]}},
    "components": [{"bom-ref": "b", "purl": "pkg:pypi/n@1", "name": "n", "version": "1", "components": [{"bom-ref": "c", "name": "m"}]}],
    "vulnerabilities": [{
        "id": "CVE-2026-0001", "source": {"name": "NVD", "url": "https://n.example"}, "cwes": [79], "references": [{"id": "X-1", "source": {"url": "https://x.example"}}],
        "ratings": [{"method": "CVSSv31", "score": 9.8, "vector": "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "severity": "critical"}],
        "affects": [{"ref": "urn:cdx:x/1#b", "versions": [{"range": "vers:pypi/>=1|<2", "status": "affected"}]}], "analysis": {"state": "exploitable", "response": ["update"]},
        "credits": {"individuals": [{"name": "N"}], "organizations": [{"name": "O", "url": ["https://o.example"]}]}, "proofOfConcept": {"reproductionSteps": "r"},
    }],
}
CYCLONEDX_XML = b"""<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.4"><components><component type="library" bom-ref="b"><name>n</name>
<version>1</version><purl>pkg:pypi/n@1</purl></component></components><vulnerabilities><vulnerability><id>CVE-2026-0001</id><cwes><cwe>79</cwe></cwes>
<affects><target><ref>b</ref><versions><version><range>vers:pypi/1</range></version></versions></target></affects></vulnerability></vulnerabilities></bom>"""
OPENVEX = {
    "@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": "a", "timestamp": "2026-01-01T00:00:00Z", "version": 1,
    "statements": [{"vulnerability": {"name": "CVE-2026-0001", "aliases": ["X"]}, "status": "affected", "action_statement": "update",
                    "products": [{"@id": "pkg:pypi/n@1", "subcomponents": [{"@id": "pkg:pypi/m@2"}]}]}],
}
LINE = {
    "id": "A-1", "summary": "s", "details": "d", "packages": [["PyPI", "n"], "pkg:pypi/m"], "introduced": ["1"], "fixed": ["2"], "cwe": [79],
    "severity": {"cvss": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "label": "high"}, "references": [{"kind": "commit", "url": "https://a.example"}],
    "published": "2026-01-01", "producer": {"tool": "t", "review": "reviewed"}, "locations": [{"path": "a.c", "line_start": 1}],
    "consents": {"share_name": True}, "crash": {"tool": "t", "kind": "k", "frames": [{"function": "f"}]}, "tlp": "GREEN",
}
SAMPLES: dict[str, list[Any]] = {
    "cve": [CVE, CVE["containers"]["cna"]], "osv": [OSV, [OSV, OSV]], "sarif": [SARIF],
    "csaf": [CSAF, json.loads(json.dumps(CSAF).replace("2.1", "2.0"))], "ghsa": [GHSA, GRAPHQL], "cyclonedx": [CYCLONEDX],
    "openvex": [OPENVEX], "ndjson": [LINE],
}
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.text(max_size=8), st.just([]), st.just({}), st.just([[]]),
    st.just([None]), st.just({"a": {}}), st.just(["x"]), st.just("2026-13-45T99:99:99Z"), st.just("0001-01-01T00:00:00+14:00"), st.just("pkg:/"),
    st.just("https://[::1"), st.just("file://[::1"), st.just("vers:||"), st.just("CVSS:3.1/AV:N"), st.just("\ud800"), st.just("*" * 3_000), st.just(10**400),
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of everything below a value."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        current = waiting.pop()
        keys = list(current) if isinstance(current, dict) else list(range(len(current))) if isinstance(current, list) else []
        found += [(current, key) for key in keys]
        waiting += [current[key] for key in keys]
    return found


@st.composite
def changed(draw: st.DrawFn, source: str) -> bytes:
    """A sample with some values replaced, removed or doubled, perhaps cut short."""
    value = copy.deepcopy(draw(st.sampled_from(SAMPLES[source])))
    for _ in range(draw(st.integers(0, 4))):
        known = places(value)
        if not known:
            break
        container, key = known[draw(st.integers(0, len(known) - 1))]
        match draw(st.sampled_from(("replace", "remove", "double"))):
            case "replace":
                container[key] = copy.deepcopy(draw(ODD))  # The drawn lists are changed later.
            case "remove":
                del container[key]
            case "double" if isinstance(container, list):
                container.append(copy.deepcopy(container[key]))
            case _:
                container[f"{key}_2"] = container[key]
    data = json.dumps(value).encode()
    return data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 9)) == 0 else data


def holds(read: Callable[..., Any], source: str, data: bytes) -> None:
    """The contract of a source, for any bytes at all."""
    for source_name in read.sniff(data):  # type: ignore[attr-defined]
        assert isinstance(source_name, str)
    items, error = read(source, data)
    assert items or error is not None
    for item in items:
        assert isinstance(item, Item)
        assert item.finding is not None or item.notes
        "".join((item.place, *(note.place + note.message for note in item.notes))).encode()  # Half a surrogate pair would end the reading process.
        if item.finding is not None:
            clean_finding(item.finding, read.limits)  # type: ignore[attr-defined]


@pytest.mark.parametrize("source", sorted(SAMPLES))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_changed_samples_are_read_or_refused(read: Callable[..., Any], source: str, data: st.DataObject) -> None:
    holds(read, source, data.draw(changed(source)))


@pytest.mark.parametrize("source", sorted(SAMPLES))
@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(read: Callable[..., Any], source: str, data: bytes) -> None:
    holds(read, source, data)


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, len(CYCLONEDX_XML) - 1), byte=st.integers(0, 255), cut=st.booleans())
def test_changed_xml_is_read_or_refused(read: Callable[..., Any], at: int, byte: int, cut: bool) -> None:
    holds(read, "cyclonedx", CYCLONEDX_XML[:at] if cut else CYCLONEDX_XML[:at] + bytes([byte]) + CYCLONEDX_XML[at + 1 :])


@pytest.mark.parametrize("data", [
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><bom xmlns="http://cyclonedx.org/schema/bom/1.4">&b;</bom>',
    b'<bom xmlns="http://cyclonedx.org/schema/bom/1.4">' + b"<a>" * 5_000 + b"</a>" * 5_000 + b"</bom>",
    b"\xff\xfe" + '<bom xmlns="http://cyclonedx.org/schema/bom/1.4"/>'.encode("utf-16-le"),
])
def test_hostile_xml_is_refused(read: Callable[..., Any], data: bytes) -> None:
    items, error = read("cyclonedx", data)
    assert items == []
    assert error is not None


@pytest.mark.parametrize("source", sorted(SAMPLES))
def test_deep_json_is_refused_with_the_depth(read: Callable[..., Any], source: str) -> None:
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    items, error = read(source, deep)
    assert [item.finding for item in items] in ([], [None])
    assert items or error is not None
