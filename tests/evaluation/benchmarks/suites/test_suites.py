"""The shipped families: the same from a seed, different by seed, solvable, and not by what only looks right."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark_play import POLICY
from clearinghouse.core.errors import NotFound
from clearinghouse.core.ids import has_shape
from clearinghouse.evaluation.benchmarks.grading import check_controls
from clearinghouse.evaluation.benchmarks.records import Domain, GraderKind, Item
from clearinghouse.evaluation.benchmarks.suites import CANARY_PREFIX, LEVELS, SUITES, Draws, Suite, find_suite
from clearinghouse.sandbox import Sandbox
from sandbox_support import real_sandbox

_BY_NAME = {suite.name: suite for suite in SUITES}
_PUBLIC_ADDRESS = re.compile(r"\b(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.\d{1,3}\b")
_DOCUMENTATION = {("192", "0", "2"), ("198", "51", "100"), ("203", "0", "113")}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    yield from real_sandbox()


def _whole(item: Item) -> tuple[object, ...]:
    return item, item.prompt, dict(item.files), item.grader.mac, item.grader.cases, item.grader.expected, item.reference.files, item.negative.files


def test_families_cover_every_domain() -> None:
    assert len(SUITES) >= 12
    assert len(_BY_NAME) == len(SUITES)
    counts = Counter(suite.domain for suite in SUITES)
    assert set(counts) == set(Domain)
    assert min(counts.values()) >= 2
    assert all(suite.name.startswith(f"{suite.domain}_") for suite in SUITES)


@pytest.mark.parametrize("name", _BY_NAME)
def test_item_follows_from_its_seed(name: str) -> None:
    suite = _BY_NAME[name]
    made = [suite.generate(7, number) for number in range(LEVELS)]
    assert [_whole(suite.generate(7, number)) for number in range(LEVELS)] == [_whole(item) for item in made]
    others = [suite.generate(seed, number) for seed in (8, 9, 10) for number in range(LEVELS)]
    every = [*made, *others]
    # Different through and through: structure, names and constants, not the canary alone.
    assert len({_without_canary(item) for item in every}) == len(every)
    assert len({item.canary for item in every}) == len(every)
    assert len({item.id for item in every}) == len(every)


def _without_canary(item: Item) -> str:
    return (item.prompt + repr(sorted(item.files.items()))).replace(item.canary, "")


@pytest.mark.parametrize("name", _BY_NAME)
def test_item_is_whole(name: str) -> None:
    for number in range(LEVELS):
        item = _BY_NAME[name].generate(2**127 + 5, number)
        assert has_shape(item.id)
        assert re.fullmatch(CANARY_PREFIX + "[a-z2-7]{32}", item.canary)
        assert item.prompt.count(item.canary) == 1
        assert any(item.canary.encode() in content for content in item.files.values())
        assert item.provenance == {"generator": name, "version": str(_BY_NAME[name].version), "level": str(number + 1)}
        assert item.suite == item.family == name
        assert set(item.grader.wanted) <= set(item.reference.files)
        assert all(f"/work/{wanted}" in item.prompt for wanted in item.grader.wanted)
        # The answer is in nothing that the model gets.
        if item.grader.kind is GraderKind.ANSWER and item.domain is Domain.READING:
            assert item.reference.answer.encode() not in b"\n".join(item.files.values())
        for file, content in item.files.items():
            if file.endswith(".py"):
                ast.parse(content)
        for found in _PUBLIC_ADDRESS.findall("\n".join(content.decode("latin-1") for content in item.files.values())):
            assert found in _DOCUMENTATION


def test_no_shipped_program_reaches_for_a_system() -> None:
    allowed = {"sys", "re", "store", "part_a", "part_b", "part_c", "part_d"}
    for suite in SUITES:
        for number in range(LEVELS):
            item = suite.generate(3, number)
            for content in [*item.files.values(), *item.reference.files.values(), *item.negative.files.values()]:
                if b"import" not in content:
                    continue
                tree = ast.parse(content)
                imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
                imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
                assert imported <= allowed
                called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
                assert not called & {"eval", "exec", "compile", "__import__"}


@pytest.mark.parametrize("name", _BY_NAME)
def test_controls_of_one_item_hold(name: str, sandbox: Sandbox) -> None:
    # Another level for every family; `test_controls_of_every_item_hold` has all.
    number = sorted(_BY_NAME).index(name) % LEVELS
    assert check_controls(_BY_NAME[name].generate(20, number), sandbox, POLICY) == ()


@pytest.mark.long
def test_controls_of_every_item_hold(sandbox: Sandbox) -> None:
    items = [suite.generate(seed, number) for suite in SUITES for seed in (21, 2**100 + 1) for number in range(2 * LEVELS)]
    with ThreadPoolExecutor(sandbox.slots) as pool:
        assert [failure for found in pool.map(lambda item: check_controls(item, sandbox, POLICY), items) for failure in found] == []


def test_controls_that_do_not_hold_are_named(sandbox: Sandbox) -> None:
    item = find_suite("reading_lock").generate(1, 0)
    swapped = replace(item, reference=item.negative, negative=item.reference)
    assert [(failure.control, failure.found.correct) for failure in check_controls(swapped, sandbox, POLICY)] == [("positive", False), ("negative", True)]


def test_unknown_suite_is_answered_with_those_there_are() -> None:
    with pytest.raises(NotFound, match="finding_missing_check"):
        find_suite("nothing")


@settings(max_examples=60)
@given(st.integers(0, 2**128), st.integers(1, 300))
def test_draws_stay_in_their_bounds_and_lose_nothing(seed: int, bound: int) -> None:
    draws = Draws("test", seed)
    assert 0 <= draws.below(bound) < bound
    assert bound <= draws.between(bound, bound + 5) <= bound + 5
    assert sorted(draws.shuffled(range(bound))) == list(range(bound))
    assert len(set(draws.some(range(bound), bound // 2))) == bound // 2


def test_draws_are_the_same_on_every_machine() -> None:
    draws = Draws("fixed", 1, 2)
    # The first eight bytes of SHA-256(SHA-256("fixed\\0" "1\\0" "2") || counter), modulo 1000: other values are another generator, and the
    # version of every suite must rise.
    assert [draws.below(1000) for _ in range(4)] == [730, 392, 400, 415]


def test_each_choice_is_as_likely_as_the_other() -> None:
    draws = Draws("fair")
    counts = Counter(draws.below(6) for _ in range(6_000))
    assert set(counts) == set(range(6))
    assert max(counts.values()) - min(counts.values()) < 250


def test_suite_of_the_how_to_is_one(sandbox: Sandbox) -> None:
    text = (Path(__file__).resolve().parents[4] / "docs" / "how-to" / "add-a-suite.md").read_text("utf-8")
    made: dict[str, Suite] = {}
    exec(re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)[0], made)
    assert check_controls(made["SUITE"].generate(3, 4), sandbox, POLICY) == ()


def test_suites_are_of_the_protocol() -> None:
    made: list[Suite] = list(SUITES)
    assert all(suite.version >= 1 and suite.summary for suite in made)
