"""Semgrep's own JSON, in results of our own."""

import json
from typing import Any

from clearinghouse.disclosure.intake.records import CodeLocation, Finding, Producer, Reference, SeverityClaim

RESULT = {
    "check_id": "python.lang.dangerous-call", "path": "/home/ada/app/run.py", "start": {"line": 31}, "end": {"line": 32},
    "extra": {"message": "Data reaches a shell.", "severity": "ERROR", "fingerprint": "abc", "lines": "run(x)", "fix": "quote(x)",
              "metadata": {"cwe": ["CWE-78: OS Command Injection"], "references": ["https://example.org/r"], "confidence": "LOW"}},
}


def test_result_as_a_whole(read: Any) -> None:
    items, error = read("semgrep", json.dumps({"version": "1.1", "results": [RESULT], "errors": []}))
    assert (error, items[0].notes) == (None, ())
    assert items[0].finding == Finding(
        title="dangerous call", description="Data reaches a shell.", references=(Reference("https://example.org/r"),), weaknesses=("CWE-78",),
        severities=(SeverityClaim("label", label="ERROR", by="semgrep"),), locations=(CodeLocation("app/run.py", 31, 32, snippet="run(x)"),), remediation="quote(x)",
        producer=Producer("semgrep", "1.1", rule="python.lang.dangerous-call", fingerprints=(("fingerprint", "abc"),)), place="/results/0",
        extra=(("confidence", "LOW"),),
    )


def test_a_constant_fingerprint_is_flagged_and_dropped(read: Any) -> None:
    constant = {**RESULT, "extra": {**RESULT["extra"], "fingerprint": "requires login", "lines": "requires login"}}  # type: ignore[dict-item]
    items, _ = read("semgrep", json.dumps({"results": [constant]}))
    assert [note.code for note in items[0].notes] == ["fingerprint.constant"]
    assert items[0].finding.producer.fingerprints == ()
    assert items[0].finding.locations[0].snippet == ""
    elsewhere = {**RESULT, "path": "other.py"}
    items, _ = read("semgrep", json.dumps({"results": [RESULT, elsewhere]}))
    assert [[note.code for note in item.notes] for item in items] == [["fingerprint.constant"]] * 2


def test_nothing_found_and_nothing_ours(read: Any) -> None:
    assert read("semgrep", '{"results": [], "errors": []}') == ([], None)
    assert read("semgrep", '{"results": [3]}')[0][0].notes[0].place == "/results/0"
    assert read("semgrep", '{"results": 3}')[1].note.code == "semgrep.results"
    assert read.sniff('{"results": [], "errors": []}')["semgrep"] > 0.5
