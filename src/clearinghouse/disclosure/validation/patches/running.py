"""Climbs: puts a patch on the bench and asks rung after rung, until one fails.

A rung that cannot be tried (no tests, no benign inputs) leaves a gap: the climb goes on for what can still be learnt, and
the highest rung stays below the gap.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice

from clearinghouse.core.policy import BenchPolicy, MatrixPolicy, PatchPolicy
from clearinghouse.disclosure.validation.drivers import driver_of
from clearinghouse.disclosure.validation.matrix.running import benign_equal, patched, results_of
from clearinghouse.disclosure.validation.observing.records import Cell, Outcome
from clearinghouse.disclosure.validation.patches import mutation, rules
from clearinghouse.disclosure.validation.patches.records import Climb, PatchUnderTest, Reason, Review, Rung, Step, StepState
from clearinghouse.disclosure.validation.recipes.records import BuildName, Recipe
from clearinghouse.disclosure.validation.workshop import Build, MadeMaterials, Workshop
from clearinghouse.sandbox.base import Ending

Progress = Callable[[str, int, int], None]
"""Told the stage, how much is done and of how much."""
_BATCH = 64  # inputs of the search that share a run
_SHOWN_MAX = 8  # inputs that fired, kept by digest


class PatchBench:
    """Tries patches on recipes."""

    def __init__(
        self, workshop: Workshop, made: MadeMaterials, patches: PatchPolicy, bench: BenchPolicy, matrix: MatrixPolicy, *,
        progress: Progress = lambda stage, done, total: None, seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """Work with a workshop.

        Args:
            made: what the workshop reads its materials from.
        """
        self._workshop, self._made, self._policy, self._bench, self._matrix = workshop, made, patches, bench, matrix
        self._progress, self._seconds = progress, seconds

    def climb(self, recipe: Recipe, patch: PatchUnderTest, reviews: Iterable[Review] = ()) -> Climb:
        """How far a patch holds on a recipe.

        Raises:
            NotFound: bytes that the recipe or the patch names are missing.
            Stopped: we were asked to stop.
        """
        steps: list[Step] = []
        before = self._workshop.build(recipe, recipe.builds[BuildName.VULNERABLE])
        after = self._workshop.build(recipe, patched(recipe, patch.digest))
        cells: list[Cell] = []
        rungs: tuple[Callable[[], Step], ...] = (
            lambda: self._applies(before, after),
            lambda: rules.step(Rung.BUILDS, None if after.ok else Reason.DOES_NOT_BUILD),
            lambda: self._quiet(recipe, before, after, cells),
            lambda: self._variants(recipe, before, after, cells[0]),
            lambda: self._tests(recipe, before, after),
            lambda: self._regression(recipe, patch),
            lambda: self._search(recipe, before, after, cells[0]),
            lambda: self._behaviour(recipe, before, after),
            lambda: rules.reviewed(patch, reviews),
        )
        for number, rung in enumerate(rungs):
            self._progress(rules.RUNGS[number].value, number, len(rungs))
            steps.append(rung())
            # Without a reproducer that fires nothing above says anything; else only a failure ends the climb.
            if steps[-1].state is StepState.FAILED or steps[-1].reason in (Reason.NOT_REPRODUCED, Reason.VULNERABLE_BUILD):
                break
        self._progress("done", len(rungs), len(rungs))
        return Climb(patch.digest, recipe.digest, patch.supplier, rules.completed(steps), self._workshop.sandbox.level, self._policy.seed)

    def _applies(self, before: Build, after: Build) -> Step:
        if not before.ok:
            return rules.step(Rung.APPLIES, Reason.VULNERABLE_BUILD, made=False)
        return rules.step(Rung.APPLIES, Reason.DOES_NOT_APPLY if after.stage in ("apply", "unpack") else None)

    def _quiet(self, recipe: Recipe, before: Build, after: Build, cells: list[Cell]) -> Step:
        cells += [self._workshop.observe(recipe, build, recipe.reproducer) for build in (before, after)]
        return rules.quiet(cells[0], cells[1], self._matrix)

    def _variants(self, recipe: Recipe, before: Build, after: Build, reproducer: Cell) -> Step:
        policy = self._policy
        content = self._made.read(recipe.reproducer)
        firing = [
            made for made in mutation.variants(content, policy.seed, policy.variants_max, policy.input_bytes_max)
            if rules.is_variant(reproducer.agreed, self._workshop.try_input(recipe, before, made), self._matrix)
        ]
        if len(firing) < policy.variants_fire_min:
            return rules.step(Rung.VARIANTS, Reason.FEW_VARIANTS, made=False, tried=len(firing))
        seen = [(made, self._workshop.try_input(recipe, after, made).outcome) for made in firing]
        loud = [made for made, outcome in seen if outcome.is_effect]
        clean = sum(outcome is Outcome.CLEAN for _, outcome in seen)
        # A program that ends otherwise on every variant was not shown to be quiet.
        reason = Reason.VARIANT_FIRES if loud else None if clean >= self._policy.variants_fire_min else Reason.NO_RUN
        return rules.step(
            Rung.VARIANTS, reason, made=bool(loud), tried=len(firing), held=clean, inputs=[self._made.add(made) for made in loud[:_SHOWN_MAX]],
        )

    def _tests(self, recipe: Recipe, before: Build, after: Build) -> Step:
        if not recipe.tests:
            return rules.step(Rung.TESTS, Reason.NO_TESTS, made=False)
        was, now = results_of(self._workshop.run_tests(recipe, before)), results_of(self._workshop.run_tests(recipe, after))
        if any(ending is Ending.NO_RUN for ending, _ in (*was, *now)):
            return rules.step(Rung.TESTS, Reason.NO_RUN, made=False, tried=len(was))
        if not any(ending is Ending.EXITED and code == 0 for ending, code in was):
            return rules.step(Rung.TESTS, Reason.TESTS_FAIL_BEFORE, made=False, tried=len(was))
        alike = sum(one == other for one, other in zip(was, now, strict=True))
        return rules.step(Rung.TESTS, None if was == now else Reason.TESTS_DIFFER, tried=len(was), held=alike)

    def _regression(self, recipe: Recipe, patch: PatchUnderTest) -> Step:
        test = patch.regression
        if test is None:
            return rules.step(Rung.REGRESSION, Reason.NO_REGRESSION_TEST, made=False)
        asked = replace(recipe, tests=(test.command,))
        passes = []
        for plan in (recipe.builds[BuildName.VULNERABLE], patched(recipe, patch.digest)):
            build = self._workshop.build(recipe, replace(plan, patches=(*plan.patches, test.diff)))
            if not build.ok:
                return rules.step(Rung.REGRESSION, Reason.REGRESSION_DOES_NOT_BUILD)
            [ran] = self._workshop.run_tests(asked, build)
            if ran.ending is Ending.NO_RUN:
                return rules.step(Rung.REGRESSION, Reason.NO_RUN, made=False)
            passes.append(ran.ending is Ending.EXITED and ran.exit_code == 0)
        if passes[0]:
            return rules.step(Rung.REGRESSION, Reason.REGRESSION_PASSES_BEFORE, tried=2)
        return rules.step(Rung.REGRESSION, None if passes[1] else Reason.REGRESSION_FAILS_AFTER, tried=2, held=1 + passes[1])

    def _search(self, recipe: Recipe, before: Build, after: Build, reproducer: Cell) -> Step:
        if driver_of(recipe.harness.kind, recipe.language) is None:
            return rules.step(Rung.FUZZED, Reason.NOT_SEARCHED, made=False)
        policy, began, tried, held = self._policy, self._seconds(), 0, 0
        seeds = [self._made.read(digest) for digest in (recipe.reproducer, *recipe.benign)]
        inputs = mutation.inputs_around(seeds, policy.seed + 1, policy.fuzz_runs_max, policy.input_bytes_max)
        while (batch := list(islice(inputs, _BATCH))) and self._seconds() - began < policy.fuzz_seconds_max:
            clean, found = self._workshop.first_effect(recipe, after, batch)
            tried, held = tried + len(batch), held + clean
            if found is not None:
                at, seen = found
                without = self._workshop.try_input(recipe, before, batch[at])
                reason = rules.found_by_search(reproducer.agreed, without, seen, self._matrix)
                return rules.step(Rung.FUZZED, reason, tried=tried, held=held, inputs=(self._made.add(batch[at]),))
        if not held:
            return rules.step(Rung.FUZZED, Reason.NO_RUN, made=False, tried=tried)
        return rules.step(Rung.FUZZED, tried=tried, held=held)

    def _behaviour(self, recipe: Recipe, before: Build, after: Build) -> Step:
        count = len(recipe.benign)
        equal = benign_equal(self._workshop, recipe, before, after)
        if equal is None:
            return rules.step(Rung.BEHAVIOUR, Reason.NO_BENIGN, made=False)
        if not equal:
            return rules.step(Rung.BEHAVIOUR, Reason.BEHAVIOUR_DIFFERS, tried=count)
        reached, reaches = self._workshop.coverage(recipe, before), self._workshop.coverage(recipe, after)
        if not reached or reaches is None:
            return rules.step(Rung.BEHAVIOUR, Reason.NOT_COUNTED, made=False, tried=count, held=count)
        fell = reaches < self._bench.coverage_share_min * reached
        return rules.step(Rung.BEHAVIOUR, Reason.COVERAGE_FELL if fell else None, tried=count, held=0 if fell else count)
