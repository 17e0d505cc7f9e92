"""`clearinghouse validate` and `clearinghouse recipe`, as somebody with a folder uses them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from clearinghouse.cli.main import app
from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.sandbox import Sandbox
from sandbox_support import real_sandbox

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    yield from real_sandbox("clang", "patch", "llvm-symbolizer")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "proof"
    assert RUNNER.invoke(app, ["recipe", "example", str(place)]).exit_code == 0
    return place


def test_example_is_validated_and_its_evidence_written(sandbox: Sandbox, folder: Path, tmp_path: Path) -> None:
    found = RUNNER.invoke(app, ["validate", str(folder), "--runs", "2", "--log", "--statement", str(tmp_path / "s.json")])
    assert found.exit_code == 0, found.output
    assert "verdict   validated   (trust tier T0, bubblewrap" in found.output
    assert "read_strip" in found.output
    assert "ERROR: AddressSanitizer" in found.output
    statement = json.loads((tmp_path / "s.json").read_bytes())
    assert statement["predicate"]["clearinghouse"]["verdict"] == "validated"


def test_what_is_not_reproduced_says_so_to_programs(sandbox: Sandbox, folder: Path) -> None:
    draft = (folder / "draft.toml").read_text().replace('reproducer = "file:crash.bin"', 'reproducer = "file:good.bin"')
    (folder / "draft.toml").write_text(draft)
    assert RUNNER.invoke(app, ["recipe", "pin", str(folder / "draft.toml")]).exit_code == 0
    found = RUNNER.invoke(app, ["validate", str(folder), "--runs", "2", "--json"])
    assert found.exit_code == 8
    assert json.loads(found.stdout)["verdict"] == "not_reproduced"


def test_recipe_is_checked_without_running_it(folder: Path) -> None:
    found = RUNNER.invoke(app, ["recipe", "check", str(folder)])
    assert found.exit_code == 0
    assert "builds     vulnerable, fixed" in found.stdout
    (folder / "fix.diff").write_text("changed")
    missing = RUNNER.invoke(app, ["recipe", "check", str(folder)])
    assert isinstance(missing.exception, Invalid)
    assert "1 files are not beside the recipe: sha256:" in str(missing.exception)


def test_folder_without_a_recipe_is_told_how_to_make_one(tmp_path: Path) -> None:
    found = RUNNER.invoke(app, ["validate", str(tmp_path)])
    assert isinstance(found.exception, NotFound)
    assert "clearinghouse recipe pin DRAFT" in str(found.exception)


def test_example_overwrites_nothing(folder: Path) -> None:
    assert isinstance(RUNNER.invoke(app, ["recipe", "example", str(folder)]).exception, Conflict)


def test_schema_is_what_recipes_are_held_against() -> None:
    found = RUNNER.invoke(app, ["recipe", "schema"])
    assert json.loads(found.stdout)["properties"]["format"] == {
        "description": "Version of this format. A reader that does not know it reads nothing.", "const": "clearinghouse-recipe/1"
    }
