"""The layers: who may import whom, and what every package says of itself."""

import ast
import configparser
from pathlib import Path

import pytest
from importlinter import cli

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "clearinghouse"
MODULES = sorted(SOURCE.rglob("*.py"))
PACKAGES = [path for path in MODULES if path.name == "__init__.py"]
DRAWERS = {"util", "utils", "helper", "helpers", "common", "misc", "shared", "lib"}


def layers() -> list[str]:
    """The top-level packages of the import contract, highest first."""
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    lines = contracts["importlinter:contract:layers"]["layers"].split("\n")
    return [name.strip() for line in lines for name in line.split("|") if name.strip()]


def test_import_contracts_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    ended = cli.lint_imports(config_filename=str(ROOT / ".importlinter"), no_cache=True, no_logo=True)
    assert ended == 0, capsys.readouterr().out


def test_every_layer_of_the_contract_is_a_package_and_every_package_a_layer() -> None:
    found = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert set(layers()) == found


def test_architecture_names_every_layer_in_the_order_of_the_contract() -> None:
    drawn = (ROOT / "ARCHITECTURE.md").read_text("utf-8").split("```")[1]
    places = [drawn.find(f"{name}/") for name in layers()]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: str(path.parent.relative_to(SOURCE.parent)))
def test_package_says_what_it_is_for(path: Path) -> None:
    said = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert said is not None
    assert len(said) > 20
    assert "to be written" not in said.lower()


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(SOURCE)) for path in MODULES
        if "migrations" not in path.parts and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert silent == []


def test_there_is_no_drawer_for_leftovers() -> None:
    assert [str(path.relative_to(SOURCE)) for path in MODULES if path.stem.strip("_") in DRAWERS or path.parent.name in DRAWERS] == []
