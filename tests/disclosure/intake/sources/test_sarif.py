"""SARIF: facts of results, paths below the root, states, and one bad result among good ones."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from clearinghouse.disclosure.intake.records import (
    CodeLocation,
    Finding,
    Producer,
    Reference,
    ReferenceKind,
    SeverityClaim,
)

Read = Callable[..., Any]
RULE = {
    "id": "CA1", "name": "Injection", "shortDescription": {"text": "Shell injection"}, "fullDescription": {"text": "Never build shells."},
    "helpUri": "https://h.example/CA1", "messageStrings": {"m": {"text": "call of {0} with {1}"}},
    "properties": {"tags": ["external/cwe/cwe-078"], "security-severity": "8.8"}, "defaultConfiguration": {"level": "error"},
}
RESULT = {
    "ruleId": "CA1", "ruleIndex": 0, "message": {"id": "m", "arguments": ["run", "user input"]},
    "locations": [{
        "physicalLocation": {
            "artifactLocation": {"uri": "app.py", "uriBaseId": "SRC"}, "region": {"startLine": 7, "endLine": 8, "snippet": {"text": "run(x)"}},
        },
        "logicalLocations": [{"fullyQualifiedName": "app.main"}],
    }],
    "codeFlows": [{"threadFlows": [{"locations": [
        {"location": {"physicalLocation": {"artifactLocation": {"uri": f"{name}.py", "uriBaseId": "SRC"}}}} for name in "abc"
    ]}]}],
    "partialFingerprints": {"primary": "x:1"}, "workItemUris": ["https://i.example/1"], "rank": 20,
    "fixes": [{"description": {"text": "Use a list."}, "artifactChanges": [{"artifactLocation": {"uri": "app.py"}, "replacements": [{"deletedRegion": {"startLine": 1}}]}]}],
}


def log(*results: Any, **run: Any) -> str:
    return json.dumps({"version": "2.1.0", "runs": [{
        "tool": {"driver": {"name": "Checker", "semanticVersion": "1.2.3", "rules": [RULE]}},
        "originalUriBaseIds": {"SRC": {"uri": "src/", "uriBaseId": "ROOT"}, "ROOT": {"uri": "file:///home/ci/work/"}},
        "versionControlProvenance": [{"repositoryUri": "https://r.example/a", "revisionId": "abc"}],
        "invocations": [{"executionSuccessful": True, "endTimeUtc": "2026-01-01T00:00:00Z"}], "results": list(results), **run,
    }]})


def test_a_result_keeps_its_facts(read: Read) -> None:
    items, error = read("sarif", log(RESULT))
    assert error is None
    assert [(item.place, item.notes) for item in items] == [("/runs/0/results/0", ())]
    assert items[0].finding == Finding(
        title="Shell injection", description="call of run with user input\n\nNever build shells.", weaknesses=("CWE-78",),
        severities=(SeverityClaim("sarif level", label="error"), SeverityClaim("security-severity", score=8.8), SeverityClaim("sarif rank", score=20.0)),
        locations=(
            CodeLocation("src/app.py", 7, 8, "app.main", "", "", "run(x)"), CodeLocation("src/a.py"), CodeLocation("src/c.py"),
        ),
        references=(Reference("https://i.example/1", ReferenceKind.ISSUE), Reference("https://h.example/CA1")),
        producer=Producer("Checker", "1.2.3", rule="CA1"), remediation="Use a list.",
        repository="https://r.example/a", commit="abc", published_at=datetime(2026, 1, 1, tzinfo=UTC), place="/runs/0/results/0",
        # Of one result nobody can say whether the tool's fingerprints vary.
        extra=(("fixes", json.dumps(RESULT["fixes"])), ("fingerprint primary", "x:1")),
    )


@pytest.mark.parametrize(("uri", "path"), [
    ("file:///home/ci/work/src/a.py", "src/a.py"), ("/home/me/checkout/lib/a.py", "lib/a.py"), ("file:///C:/x/y/a.py", "x/y/a.py"),
    ("..\\lib\\a.py", "lib/a.py"), ("a%20b.py", "a b.py"), ("../../etc/passwd", "etc/passwd"), ("file://[::1/a.py", "[::1/a.py"),
])
def test_paths_are_below_the_root_of_the_repository(read: Read, uri: str, path: str) -> None:
    items, _ = read("sarif", log({**RESULT, "codeFlows": [], "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}}}]}))
    assert items[0].finding.locations == (CodeLocation(path),)


@pytest.mark.parametrize(("change", "state"), [
    ({"suppressions": [{"kind": "inSource"}]}, "suppressed"), ({"suppressions": [{"kind": "external", "status": "rejected"}]}, "suppression rejected"),
    ({"baselineState": "unchanged"}, "unchanged"), ({"kind": "pass"}, "pass"), ({}, ""),
])
def test_the_state_of_a_result_is_kept(read: Read, change: dict[str, Any], state: str) -> None:
    items, _ = read("sarif", log({**RESULT, **change}))
    assert items[0].finding.state == state


def test_a_fingerprint_that_never_varies_is_flagged(read: Read) -> None:
    items, _ = read("sarif", log(RESULT, RESULT))
    assert [[note.code for note in item.notes] for item in items] == [["fingerprint.constant"]] * 2
    items, _ = read("sarif", log({**RESULT, "fingerprints": {"matchBasedId/v1": "requires login"}}))
    assert [note.code for note in items[0].notes] == ["fingerprint.constant"]


def test_fingerprints_count_where_they_vary_between_places(read: Read) -> None:
    def results(*values: str) -> list[dict[str, Any]]:
        return [
            {"ruleId": "CA1", "message": {"text": "m"}, "partialFingerprints": {"line": value},
             "locations": [{"physicalLocation": {"artifactLocation": {"uri": f"f{n}.c"}}}]} for n, value in enumerate(values)
        ]

    items, _ = read("sarif", log(*results("a", "b", "c", "c")))
    assert [item.finding.producer.fingerprints for item in items] == [(("line", value),) for value in "abcc"]
    items, _ = read("sarif", log(*results("a", "a", "a", "b")))
    assert [(item.finding.producer.fingerprints, item.finding.extra, [note.code for note in item.notes]) for item in items] == [
        ((), (("fingerprint line", value),), ["fingerprint.constant"]) for value in "aaab"
    ]


def test_digests_of_the_files_pointed_into_are_kept(read: Read) -> None:
    place = {"physicalLocation": {"artifactLocation": {"uri": "lib/a.c", "index": 0}, "region": {"startLine": 3}}}
    artifacts = [
        {"location": {"uri": "lib/a.c"}, "hashes": {"sha-256": "AB" * 32, "md5": "00" * 16}, "contents": {"text": "hello\n"}},
        {"location": {"uri": "lib/b.c"}, "hashes": {"sha-256": "cd" * 32}},
    ]
    other = {"physicalLocation": {"artifactLocation": {"uri": "lib/b.c"}}}
    items, _ = read("sarif", log({**RESULT, "codeFlows": [], "locations": [place, other]}, artifacts=artifacts))
    assert items[0].finding.blobs == (("lib/a.c", "git:ce01362"), ("lib/a.c", "sha-256:" + "ab" * 32), ("lib/b.c", "sha-256:" + "cd" * 32))


def test_a_result_that_breaks_the_schema_is_read_with_a_warning_and_sinks_no_other(read: Read) -> None:
    items, error = read("sarif", log({"ruleId": "CA1"}, "no result", {**RESULT, "fingerprints": {"a": {"value": "b"}}}, RESULT))
    assert error is None
    assert [item.finding is None for item in items] == [False, True, False, False]
    assert [(note.place, note.code) for note in items[0].notes] == [("/runs/0/results/0", "schema")]
    assert items[0].finding.title == "Shell injection"
    assert [(note.place, note.code) for note in items[2].notes] == [("/runs/0/results/2/fingerprints/a", "schema")]
    assert items[2].finding.producer.fingerprints == (("a", "b"), ("primary", "x:1"))


@pytest.mark.parametrize(("data", "said"), [
    ('{"version": "2.1.0", "runs": null}', "no run"), ('{"version": "2.1.0", "runs": []}', "no run"), (log(), "the tool found nothing"),
    (log(invocations=[{"executionSuccessful": False}]), "the tool says that it failed"),
])
def test_a_log_without_results_is_no_report(read: Read, data: str, said: str) -> None:
    items, error = read("sarif", data)
    assert items == []
    assert str(error).startswith("not a report: ")
    assert said in str(error)


def test_a_byte_order_mark_is_no_obstacle(read: Read) -> None:
    items, error = read("sarif", b"\xef\xbb\xbf" + log(RESULT).encode())
    assert (len(items), error) == (1, None)


@pytest.mark.parametrize(("data", "place"), [('{"version": "2.0.0", "runs": []}', "/version"), ('{"version": "2.1.0", "runs": {}}', "/runs")])
def test_what_cannot_be_read_says_where(read: Read, data: str, place: str) -> None:
    items, error = read("sarif", data)
    assert (items, error.note.place) == ([], place)
