"""Climbs: each rung is reached, and each reason stops where it should."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.core.ids import PartyId
from clearinghouse.disclosure.validation.patches import mutation
from clearinghouse.disclosure.validation.patches.records import (
    Climb,
    PatchUnderTest,
    Reason,
    RegressionTest,
    Review,
    Rung,
    Step,
    StepState,
)
from clearinghouse.disclosure.validation.patches.rules import RUNGS, completed, reviewed, step, with_reviews, wording
from clearinghouse.disclosure.validation.patches.running import PatchBench
from clearinghouse.disclosure.validation.patches.statement import statement_of_climb
from clearinghouse.disclosure.validation.recipes.records import HarnessKind, Recipe, Supplier
from toy_bench import LEVEL, PROGRAM, Toy

POLICY = parse_policy(1, default_policy_document())
FIX_A = (b"flaw a\n", b"good a\n")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
AUTHOR, OTHER = PartyId("pty_author"), PartyId("pty_other")
YES = Review(OTHER, is_person=True, accepts=True)


def put(toy: Toy, *changes: tuple[bytes, bytes], tested: bool = True, **other: object) -> PatchUnderTest:
    test = RegressionTest(toy.diff((b"end\n", b"keep tested\nend\n") if tested else (b"line 8\n", b"keep\n")), ("expect", "tested"))
    plain = PatchUnderTest(toy.diff(*changes), Supplier.PROJECT, frozenset({AUTHOR}), test)
    return replace(plain, **other)  # type: ignore[arg-type]


def climb(toy: Toy, recipe: Recipe, patch: PatchUnderTest, reviews: tuple[Review, ...] = (YES,), seconds: Callable[[], float] = lambda: 0.0) -> Climb:
    bench = PatchBench(toy.workshop, toy.made, POLICY.patches, POLICY.bench, POLICY.matrix, seconds=seconds)  # type: ignore[arg-type]
    return bench.climb(recipe, patch, reviews)


def regression(toy: Toy) -> RegressionTest:
    """A test that is there on both sides and passes where the line that fixes the flaw stands."""
    return RegressionTest(toy.diff((b"end\n", b"end\n# tested\n")), ("expect", "good"))


GOOD = (b"flaw a\n", b"keep good\n")


def test_a_patch_that_holds_everywhere_reaches_the_last_rung() -> None:
    toy = Toy()
    found = climb(toy, toy.recipe(b"a b a"), put(toy, GOOD, (b"flaw b\n", b"good b\n"), (b"flaw c\n", b"good c\n"), regression=regression(toy)))
    assert [(each.rung, each.state) for each in found.steps] == [(rung, StepState.HELD) for rung in RUNGS]
    assert (found.highest, found.stopped_by, found.variants_quiet) == (Rung.REVIEWED, None, True)


@pytest.mark.parametrize(("changes", "expected"), [
    (((b"flaw a\n", b"broken\n"),), (Rung.BUILDS, StepState.FAILED, Reason.DOES_NOT_BUILD)),
    (((b"line 1\n", b"line one\n"),), (Rung.QUIET, StepState.FAILED, Reason.STILL_FIRES)),
    (((b"flaw a\n", b"sometimes a\n"),), (Rung.QUIET, StepState.FAILED, Reason.FLAKY)),
    ((FIX_A, (b"keep parser\n", b"drop parser\n")), (Rung.TESTS, StepState.FAILED, Reason.TESTS_DIFFER)),
])
def test_what_fails_ends_the_climb(changes: tuple[tuple[bytes, bytes], ...], expected: tuple[Rung, StepState, Reason]) -> None:
    toy = Toy()
    found = climb(toy, toy.recipe(b"a x x a"), put(toy, *changes))
    stopped = found.stopped_by
    assert stopped is not None
    assert (stopped.rung, stopped.state, stopped.reason) == expected
    above = found.steps[RUNGS.index(stopped.rung) + 1 :]
    assert {each.reason for each in above} <= {Reason.STOPPED_BELOW}


def test_a_patch_of_something_else_does_not_apply() -> None:
    toy = Toy()
    other = Toy(b"nothing of this\nis in there\n")
    digest = toy.made.add(other.made.read(other.diff((b"nothing", b"something"))))
    found = climb(toy, toy.recipe(b"a"), PatchUnderTest(digest, Supplier.REPORTER))
    assert (found.highest, found.steps[0].reason) == (None, Reason.DOES_NOT_APPLY)


def test_a_patch_that_moves_the_crash_is_seen_to() -> None:
    toy = Toy()
    found = climb(toy, toy.recipe(b"a b"), put(toy, FIX_A))
    assert (found.highest, found.stopped_by) == (
        Rung.BUILDS, Step(Rung.QUIET, StepState.FAILED, Reason.FIRES_OTHERWISE, 5, 0, (), found.steps[2].cells)
    )


def test_a_reproducer_that_does_not_fire_proves_no_patch() -> None:
    toy = Toy()
    found = climb(toy, toy.recipe(b"nothing"), put(toy, FIX_A))
    assert [each.reason for each in found.steps] == [None, None, Reason.NOT_REPRODUCED, *[Reason.STOPPED_BELOW] * 6]


def test_a_stub_is_stopped_by_what_benign_inputs_print() -> None:
    toy = Toy()
    found = climb(toy, toy.recipe(b"a x x a"), put(toy, (b"start\n", b"start\nkeep good\nrefuse\n"), regression=regression(toy)))
    assert (found.highest, found.stopped_by and found.stopped_by.reason) == (Rung.FUZZED, Reason.BEHAVIOUR_DIFFERS)


def test_a_stub_that_prints_the_same_is_stopped_by_what_benign_inputs_reach() -> None:
    toy = Toy(PROGRAM.replace(b"say hello\n", b"").replace(b"start\n", b"start\nsay hello\n"))
    found = climb(toy, toy.recipe(b"a x x a"), put(toy, (b"keep parser\n", b"keep parser\nkeep good\nrefuse\n"), regression=regression(toy)))
    assert (found.highest, found.stopped_by and found.stopped_by.reason) == (Rung.FUZZED, Reason.COVERAGE_FELL)


def test_a_search_that_finds_another_crash_says_whether_it_was_there_before() -> None:
    toy = Toy()
    recipe = toy.recipe(b"a b")  # variants without the first word reach the second flaw
    only_first = climb(toy, replace(recipe, reproducer=toy.made.add(b"a x")), put(toy, GOOD, regression=regression(toy)))
    assert only_first.stopped_by is None or only_first.stopped_by.reason in (Reason.SEARCH_FOUND_BEFORE, Reason.SEARCH_FOUND_NEW)
    brings = climb(
        toy, replace(recipe, reproducer=toy.made.add(b"a x x")), put(toy, (b"flaw a\n", b"keep good\nflaw x\n"), regression=regression(toy))
    )
    assert (brings.stopped_by and brings.stopped_by.reason) in (Reason.FIRES_OTHERWISE, Reason.SEARCH_FOUND_NEW)


def test_the_search_ends_with_its_time() -> None:
    toy = Toy()
    clock = iter(float(number) for number in range(10_000))
    found = climb(toy, toy.recipe(b"a x x a"), put(toy, GOOD, regression=regression(toy)), seconds=lambda: next(clock))
    searched = found.steps[RUNGS.index(Rung.FUZZED)]
    assert 0 < searched.tried <= 64 * POLICY.patches.fuzz_seconds_max < POLICY.patches.fuzz_runs_max


@pytest.mark.parametrize(("change", "rung", "reason"), [
    ({"tests": ()}, Rung.TESTS, Reason.NO_TESTS), ({"benign": ()}, Rung.BEHAVIOUR, Reason.NO_BENIGN),
    ({"harness": None}, Rung.FUZZED, Reason.NOT_SEARCHED),
])
def test_a_gap_keeps_the_highest_rung_below_it_and_the_climb_goes_on(change: dict[str, object], rung: Rung, reason: Reason) -> None:
    toy = Toy()
    recipe = toy.recipe(b"a b a")
    change = {key: replace(recipe.harness, kind=HarnessKind.PROGRAM) if key == "harness" else value for key, value in change.items()}
    fix = put(toy, GOOD, (b"flaw b\n", b"good b\n"), (b"flaw c\n", b"good c\n"), regression=regression(toy))
    found = climb(toy, replace(recipe, **change), fix)  # type: ignore[arg-type]
    assert found.highest is RUNGS[RUNGS.index(rung) - 1]
    assert [(each.rung, each.reason) for each in found.steps if each.state is not StepState.HELD] == [(rung, reason)]


@pytest.mark.parametrize(("test", "state", "reason"), [
    (None, StepState.NOT_MADE, Reason.NO_REGRESSION_TEST),
    (("expect", "parser"), StepState.FAILED, Reason.REGRESSION_PASSES_BEFORE),
    (("expect", "nothing"), StepState.FAILED, Reason.REGRESSION_FAILS_AFTER),
])
def test_a_new_test_must_fail_before_and_pass_after(test: tuple[str, str] | None, state: StepState, reason: Reason) -> None:
    toy = Toy()
    asked = None if test is None else replace(regression(toy), command=test)
    found = climb(toy, toy.recipe(b"a x x a"), put(toy, GOOD, regression=asked))
    seen = found.steps[RUNGS.index(Rung.REGRESSION)]
    assert (seen.state, seen.reason) == (state, reason)


PATCH = PatchUnderTest("sha256:00", Supplier.MODEL, frozenset({AUTHOR}))


@pytest.mark.parametrize(("reviews", "state", "reason"), [
    ((), StepState.NOT_MADE, Reason.NOT_REVIEWED),
    ((Review(AUTHOR, is_person=True, accepts=True),), StepState.NOT_MADE, Reason.REVIEWER_WROTE_IT),
    ((Review(OTHER, is_person=False, accepts=True),), StepState.NOT_MADE, Reason.REVIEWER_NO_PERSON),
    ((YES, Review(PartyId("pty_third"), is_person=True, accepts=False)), StepState.FAILED, Reason.REVIEW_REFUSED),
    ((YES,), StepState.HELD, None),
])
def test_only_a_person_who_is_not_its_author_answers_for_a_patch(reviews: tuple[Review, ...], state: StepState, reason: Reason | None) -> None:
    assert (reviewed(PATCH, reviews).state, reviewed(PATCH, reviews).reason) == (state, reason)


def held_below() -> Climb:
    return Climb("sha256:00", "sha256:01", Supplier.MODEL, completed([step(rung) for rung in RUNGS[:-1]]), LEVEL, 1)


def test_a_review_is_put_on_top_without_running_anything() -> None:
    below = held_below()
    assert with_reviews(below, PATCH, ()).highest is Rung.BEHAVIOUR
    assert with_reviews(below, PATCH, (YES,)).highest is Rung.REVIEWED
    failed = replace(below, steps=completed([step(Rung.APPLIES, Reason.DOES_NOT_APPLY)]))
    assert with_reviews(failed, PATCH, (YES,)).highest is None


def test_what_is_said_of_a_model_s_patch_says_so_and_never_that_a_flaw_is_gone() -> None:
    said = [wording(with_reviews(held_below(), PATCH, reviews)) for reviews in ((), (YES,))]
    assert all("proposed by a model" in sentence and "fixed" not in sentence for sentence in said)
    assert said[0].endswith("then: nobody has reviewed it")


def test_the_statement_passes_only_where_every_rung_held() -> None:
    complete = with_reviews(held_below(), PATCH, (YES,))
    results = [
        statement_of_climb(each, validator="pty_bench", about=(), now=NOW)["predicate"]["result"]
        for each in (complete, with_reviews(complete, PATCH, ()), replace(complete, steps=completed([step(Rung.APPLIES, Reason.DOES_NOT_APPLY)])))
    ]
    assert results == ["PASSED", "WARNED", "FAILED"]


@given(st.binary(max_size=200), st.integers(0, 2**40), st.integers(0, 1000))
def test_a_variant_is_a_function_of_seed_input_and_number(content: bytes, seed: int, number: int) -> None:
    assert mutation.variant(content, seed, number, 64) == mutation.variant(content, seed, number, 64)
    assert len(mutation.variant(content, seed, number, 64)) <= 64


def test_variants_are_the_same_on_every_machine() -> None:
    assert [mutation.variant(b"length=12 hello", 7, number, 64) for number in range(6)] == [
        b"length=11 hello", b"length=192 heLlo", b"length=2147483648 hello",
        b"length=12 hello2 hello2 hello2 hello2 hello2 hello2 h" + b"\x01" * 11,
        b"length=12 hellongth=12 hellongth=12 hellongth=12 hellongth=12 he", b"leng",
    ]


@given(st.binary(min_size=1, max_size=100), st.integers(0, 1000))
def test_variants_differ_from_the_input_and_from_each_other(content: bytes, seed: int) -> None:
    made = list(mutation.variants(content, seed, 20, 200))
    assert len(set(made)) == len(made) <= 20
    assert content not in made


def test_a_search_goes_on_from_what_it_made() -> None:
    made = list(mutation.inputs_around([b"one", b"two"], 3, 200, 100))
    assert len(set(made)) == len(made) > 100
    assert {b"one", b"two"}.isdisjoint(made)
