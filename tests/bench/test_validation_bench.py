"""The planted flaws: is what is said of them true, and are their inputs the same each time."""

import hashlib
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bench.validation.canaries import Canaries, disagreements
from bench.validation.grouping import SCENARIOS, Score, claims, score
from bench.validation.inputs import MAKERS, make_inputs
from bench.validation.measuring import group_program, judge_program, summarise
from bench.validation.truth import Program, contradictions, programs
from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.core.errors import Unavailable
from clearinghouse.disclosure.validation.recipes.records import Language
from clearinghouse.sandbox import Sandbox, open_sandbox

REQUIRED = bool(os.environ.get("REQUIRE_SYSTEM"))
COMPILED = {Language.C, Language.CXX}
# Those whose inputs run into a limit of time or memory take long; the rest is looked at whole.
LASTING = {"chunks", "dates", "tree"}
INPUTS_DIGEST = "e95f9a266aa6e8efd9b3aea51c3615118d50f196274b485be372e4e39b6b66f1"


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

    # Without a patch, so that it stays quick; under each of them in the long test.
    assert list(disagreements(program, [])) == []


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


def _sandbox() -> Sandbox:
    try:
        return open_sandbox()
    except Unavailable as error:
        if REQUIRED:
            raise
        pytest.skip(f"NOT CHECKED: {error}")


def test_bench_says_the_truth_of_a_few_in_the_real_sandbox() -> None:
    """A right fix, a partial one, a stub, a masking input, a wrong claim, a harmless input: one each, and their groups."""
    every, whole = list(programs().values()), programs()["sums"]
    chosen = ("total-1", "empty-mean-1", "empty-spread-1", "mask-total-empty-1")
    program = replace(
        whole, triggers={name: whole.triggers[name] for name in chosen}, flaws={name: whole.flaws[name] for name in ("total", "empty")},
        changes={name: change for name, change in whole.changes.items() if name != "fix-outside"},
    )
    policy = parse_policy(1, default_policy_document())
    policy = replace(policy, bench=replace(policy.bench, runs=3))
    with _sandbox() as sandbox:
        judged = judge_program(sandbox, program, [one for one in every if one.name != program.name], policy, most=1)
        grouped = group_program(sandbox, program, policy)

    assert (judged.wrong, sum(judged.right.values())) == ([], 9)
    assert {name: one.wrong for name, one in grouped.scores.items()} == dict.fromkeys(grouped.scores, 0)
    assert grouped.scores["right fixes"] == Score(right=1, wrong=0, missed=0)
    together = summarise({"sums": {"verdicts": judged.render(), "grouping": grouped.render()}})
    assert (together["stable"], together["by_execution"]["right fixes"]["f1"], together["wrong"]) == ({"right": 9, "of": 9}, 1.0, [])


def test_score_counts_pairs_and_leaves_out_what_holds_two_flaws() -> None:
    truth = {"a1": frozenset("a"), "a2": frozenset("a"), "b1": frozenset("b"), "both": frozenset("ab")}

    assert score([["a1", "b1", "both"], ["a2"]], truth) == Score(right=0, wrong=1, missed=1)
    assert score([["a1", "a2", "both"], ["b1"]], truth) == Score(right=1, wrong=0, missed=0)
    assert Score(3, 1, 2).render() == {"right": 3, "wrong": 1, "missed": 2, "precision": 0.75, "recall": 0.6, "f1": 0.6667}


@pytest.mark.parametrize("name", sorted(programs()))
def test_claims_look_at_no_more_than_a_finder_sees(name: str) -> None:
    program = programs()[name]
    for kinds in SCENARIOS.values():
        for change, reports in claims(program, kinds).items():
            kind = program.changes[change].kind
            assert all(kind == "stub" or not program.mended(report, change) for report in reports)
    single = claims(program, SCENARIOS["right fixes"], single=True)
    assert sum(len(reports) for reports in single.values()) == sum(flaw.stable == "stable" for flaw in program.flaws.values())
