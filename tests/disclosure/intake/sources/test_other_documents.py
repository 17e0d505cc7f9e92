"""What is no report is told what it is, in samples of our own."""

import json
from typing import Any

import pytest

from clearinghouse.disclosure.intake.sources.base import NotAReport

SAMPLES: list[tuple[str, bytes | str]] = [
    ("SPDX", "SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\n"), ("SPDX", json.dumps({"spdxVersion": "SPDX-2.3", "packages": []})),
    ("SPDX", json.dumps({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": []})),
    ("Nmap", '<?xml version="1.0"?>\n<nmaprun scanner="nmap"></nmaprun>'), ("masscan", '[\n{ "ip": "192.0.2.3", "timestamp": "17", "ports": [ {"port": 80} ] }\n]'),
    ("Sigma", "title: Child process\nstatus: test\nlogsource:\n    product: windows\ndetection:\n    condition: x\n"),
    ("event of a log", json.dumps({"Event": {"System": {"EventID": 1}, "EventData": {}}})),
    ("bug-bounty", json.dumps([{"name": "Shop", "targets": {"in_scope": [], "out_of_scope": []}}])), ("bug-bounty", "*.a.example\n*-prod.b.example\nc.example\n"),
    ("known exploited", json.dumps({"title": "KEV", "catalogVersion": "2030.01.01", "vulnerabilities": [{"cveID": "CVE-2030-1111"}]})),
    ("EPSS", "#model_version:v1,score_date:2030-01-01T00:00:00Z\ncve,epss,percentile\nCVE-2030-1111,0.1,0.2\n"), ("EPSS", "CVE-2030-1111,0.1,0.2\n"),
    ("SSVC", json.dumps({"namespace": "ssvc", "key": "E", "version": "1.0.0", "values": []})), ("SSVC", json.dumps({"timestamp": "2030-01-01T00:00:00Z", "selections": []})),
    ("security.txt", "# Ours: security reports\nContact: mailto:security@example.org\nExpires: 2030-03-01T00:00:00Z\n"),
    ("probing.txt", "Contact: mailto:lab@example.net\nExpires: 2030-12-31T18:37:07Z\nDescription: survey of TLS\n second line\n"),
    ("STIX", json.dumps({"type": "bundle", "id": "bundle--1", "objects": []})), ("TAXII", json.dumps({"/discovery": {"title": "x", "api_roots": []}})),
    ("labels", json.dumps({"namespace": "tlp", "predicates": []})), ("package URLs", json.dumps({"$schema": "https://packageurl.org/schemas/purl-test.schema-0.2.json", "tests": []})),
    ("version ranges", json.dumps({"$schema": "https://packageurl.org/schemas/vers-test.schema-0.2.json", "tests": []})),
    ("OCSF", json.dumps({"caption": "CVE", "description": "x", "extends": "object", "attributes": {}})),
    ("attack-graph", json.dumps({"metadata": {"langID": "org.example"}, "assets": {}})), ("attack-graph", "lang_file: a.mar\nmodel_file: b.yml\n"),
    ("attack-graph", b"PK\x03\x04" + b"\0" * 26 + b"langspec.json"), ("evaluation log", json.dumps({"version": 2, "status": "success", "eval": {}})),
    ("evaluation log", b"PK\x03\x04" + b"\0" * 26 + b"_journal/start.json"), ("CWE", json.dumps({"weaknesses": [{"id": "CWE-79"}]})),
    ("JSON Schema", json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"})), ("exposures", "party,purl,osv_id\na,b,c\n"),
    ("requirements", "# security pins\ndjango==3.2.4\npillow>=8.1.0 ; python_version > '3.8'\n"), ("key", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxsDN\n"),
    ("HTML", "<!doctype html><title>Not found</title>"), ("PNG", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), ("gzip", b"\x1f\x8b\x08\0"), ("ZIP", b"PK\x03\x04\x14\0\0\0"),
    ("program", b"\x7fELF\x02\x01\x01"), ("PDF", b"%PDF-1.7\n"), ("binary", b"abc\0def" * 10),
]


@pytest.mark.parametrize(("what", "data"), SAMPLES)
def test_recognised_and_answered(read: Any, what: str, data: bytes | str) -> None:
    sure = read.sniff(data)
    assert max(sure, key=lambda name: sure[name]) == "other_documents", sure
    items, error = read("other_documents", data)
    assert items == []
    assert isinstance(error, NotAReport)
    assert error.note.message.startswith("not a report: ")
    assert what in error.note.message
    assert "; use " in error.note.message


@pytest.mark.parametrize("data", [
    '{"runs": []}', "# Overflow in decode\n\nA security report about `decode()`.\n", "From: a@example.org\nSubject: vulnerability\n\nx\n",
    "==1==ERROR: AddressSanitizer: double-free on 0x1\n    #0 0x1 in f a.c:1\n", "plain words",
])
def test_reports_are_not_taken(read: Any, data: str) -> None:
    assert "other_documents" not in read.sniff(data)
    assert read("other_documents", data)[1].note.code == "document.unknown"
