"""The planted flaws: is what is said of them true, and are their inputs the same each time."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.validation.canaries import Canaries, disagreements
from bench.validation.inputs import MAKERS, make_inputs
from bench.validation.truth import Program, contradictions, programs
from clearinghouse.disclosure.validation.recipes.records import Language

REQUIRED = bool(os.environ.get("REQUIRE_SYSTEM"))
COMPILED = {Language.C, Language.CXX}
# Those whose inputs run into a limit of time or memory take long; the rest is looked at whole.
LASTING = {"chunks", "dates", "tree"}
INPUTS_DIGEST = "229effc8b305a3d21ebd464df48b856b7d6abf0cfe6cdd72ea56283cfa7a5dd2"


def _needs(program: Program) -> None:
    tool = "clang" if program.language in COMPILED else "node" if program.language is Language.NODE else "python3"
    missing = [name for name in (tool, "patch") if shutil.which(name) is None]
    if missing and not REQUIRED:
        pytest.skip(f"NOT CHECKED: {', '.join(missing)} is missing, so nobody looked whether the canaries of {program.name} sing")


def test_truth_holds_together() -> None:
    assert {name: list(contradictions(program)) for name, program in programs().items()} == {name: [] for name in programs()}
    assert set(programs()) == set(MAKERS)


def test_truth_covers_what_it_is_to_cover() -> None:
    flaws = [flaw for program in programs().values() for flaw in program.flaws.values()]
    kinds = {change.kind for program in programs().values() for change in program.changes.values()}

    assert len(flaws) >= 36
    assert {program.language for program in programs().values()} == {Language.C, Language.CXX, Language.PYTHON, Language.NODE}
    assert kinds == {"fix", "second", "partial", "release", "stub"}
    assert {flaw.effect.value for flaw in flaws} == {"sanitizer", "exception", "assertion", "marker", "timeout", "memory"}
    assert sum(flaw.stable == "flaky" for flaw in flaws) >= 2
    assert any(len(found) > 1 for program in programs().values() for found in program.triggers.values())
    assert any(program.silent for program in programs().values())


def test_inputs_are_the_same_each_time() -> None:
    every = [(program, name, content) for program in sorted(MAKERS) for name, content in sorted(make_inputs(program).items())]
    digest = hashlib.sha256(repr(every).encode()).hexdigest()

    assert every == [(program, name, content) for program in sorted(MAKERS) for name, content in sorted(make_inputs(program).items())]
    assert len({content for _, _, content in every}) == len(every)
    assert digest == INPUTS_DIGEST, "the inputs changed: say so in the results, and keep the new digest here"


@pytest.mark.parametrize("name", sorted(programs()))
def test_patches_apply_without_fuzz_and_differ(name: str, tmp_path: Path) -> None:
    program = programs()[name]
    _needs(program)
    made = {}
    for change in program.changes.values():
        folder = tmp_path / change.name
        folder.mkdir()
        shutil.copy(program.path, folder)
        told = subprocess.run(
            ["patch", "-p1", "--batch", "--forward", "--fuzz=0", "-i", str(change.path)], cwd=folder, capture_output=True, text=True, check=False
        )
        assert (told.returncode, "offset" in told.stdout) == (0, False), told.stdout
        made[change.name] = (folder / program.path.name).read_bytes()
    assert len({program.path.read_bytes(), *made.values()}) == len(made) + 1


@pytest.mark.parametrize("name", sorted(set(programs()) - LASTING))
def test_canaries_agree_with_truth(name: str) -> None:
    program = programs()[name]
    _needs(program)

    # Under two patches each, so that it stays quick; under all of them in the long test.
    assert list(disagreements(program, [change.name for change in program.changes.values() if change.kind in ("partial", "release")][:2])) == []


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(programs()))
def test_canaries_agree_with_truth_under_every_patch(name: str) -> None:
    program = programs()[name]
    _needs(program)

    assert list(disagreements(program)) == []


def test_canary_sings_only_where_the_flaw_is(tmp_path: Path) -> None:
    """The twin: with the flaw mended the same input triggers nothing, so what is compared above can differ."""
    program = programs()["menus"]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    assert Canaries(program, None, tmp_path / "a").triggered(program.inputs["number-1"]) == ["number"]
    assert Canaries(program, "fix-number", tmp_path / "b").triggered(program.inputs["number-1"]) == []
