"""`clearinghouse patch` and `clearinghouse matrix`, as somebody with folders uses them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from clearinghouse.cli.main import app
from clearinghouse.core.errors import Invalid
from clearinghouse.sandbox import Sandbox
from sandbox_support import real_sandbox

RUNNER = CliRunner()
STUB = """--- a/strips.c
+++ b/strips.c
@@ -12,4 +12,5 @@
 int read_strips(const uint8_t *data, size_t size) {
+  return 0;
   if (size < 2 || data[0] != 'S') return -1;
   return read_strip(data, size);
 }
"""
OTHER = """--- a/strips.c
+++ b/strips.c
@@ -12,4 +12,5 @@
 int read_strips(const uint8_t *data, size_t size) {
+  if (size > 2 && (size_t)data[1] + 2 > size) return -3;
   if (size < 2 || data[0] != 'S') return -1;
   return read_strip(data, size);
 }
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    yield from real_sandbox("clang", "patch", "llvm-symbolizer")


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    place = tmp_path / "proof"
    assert RUNNER.invoke(app, ["recipe", "example", str(place)]).exit_code == 0
    return place


def rungs(output: str) -> dict[str, tuple[str, str | None]]:
    return {step["rung"]: (step["state"], step["reason"]) for step in json.loads(output)["steps"]}


def test_patch_is_told_how_far_it_came_and_never_that_it_fixes(sandbox: Sandbox, proof: Path) -> None:
    found = RUNNER.invoke(app, ["patch", str(proof), str(proof / "fix.diff"), "--search-seconds", "1"])
    assert found.exit_code == 0, found.output
    assert "it stops variants of the reproducer" in found.output
    assert "fixed" not in found.output.lower()
    told = RUNNER.invoke(app, ["patch", str(proof), str(proof / "fix.diff"), "--by-model", "--json", "--search-seconds", "1"])
    assert json.loads(told.stdout)["supplier"] == "model"
    assert rungs(told.stdout)["reviewed"] == ("not made", "not_reviewed")


def test_stub_is_quiet_and_gives_itself_away(sandbox: Sandbox, proof: Path) -> None:
    (proof / "stub.diff").write_text(STUB)
    found = RUNNER.invoke(app, ["patch", str(proof), str(proof / "stub.diff"), "--json", "--search-seconds", "1"])
    assert found.exit_code == 8
    assert rungs(found.stdout)["reproducer quiet"] == ("held", None)
    assert rungs(found.stdout)["behaviour unchanged"] == ("failed", "coverage_fell")


def test_regression_test_needs_its_command(proof: Path) -> None:
    found = RUNNER.invoke(app, ["patch", str(proof), str(proof / "fix.diff"), "--test-diff", str(proof / "fix.diff")])
    assert isinstance(found.exception, Invalid)


def test_two_reports_of_one_flaw_are_one_when_each_ones_patch_quiets_the_other(sandbox: Sandbox, proof: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    assert RUNNER.invoke(app, ["recipe", "example", str(second)]).exit_code == 0
    (second / "fix.diff").write_text(OTHER)
    (second / "crash.bin").write_bytes(b"S\xf0abcdef")
    assert RUNNER.invoke(app, ["recipe", "pin", str(second / "draft.toml")]).exit_code == 0
    found = RUNNER.invoke(app, ["matrix", str(proof), str(second)])
    assert found.exit_code == 0, found.output
    assert "strong    proof and second" in found.output
    assert "flaws     proof = second" in found.output
    told = json.loads(RUNNER.invoke(app, ["matrix", str(proof), str(second), "--json"]).stdout)
    assert [cell["state"] for cell in told["cells"]] == ["clean"] * 4
    assert told["groups"] == [["proof", "second"]]


def test_reports_of_several_components_have_no_matrix(proof: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    assert RUNNER.invoke(app, ["recipe", "example", str(second)]).exit_code == 0
    draft = (second / "draft.toml").read_text().replace("pkg:generic/strips", "pkg:generic/other")
    (second / "draft.toml").write_text(draft)
    assert RUNNER.invoke(app, ["recipe", "pin", str(second / "draft.toml")]).exit_code == 0
    assert isinstance(RUNNER.invoke(app, ["matrix", str(proof), str(second)]).exception, Invalid)
