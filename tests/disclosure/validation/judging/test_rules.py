"""A verdict is no better than the worst control, and says why."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.disclosure.validation.judging import ControlState, TrustTier, Verdict, judge, trust_tier
from clearinghouse.disclosure.validation.judging.records import Observed
from clearinghouse.disclosure.validation.judging.rules import matches, second_tier
from clearinghouse.disclosure.validation.observing.records import Cell, Observation, Outcome
from clearinghouse.disclosure.validation.recipes.records import BuildName, Effect, Expected, Recipe
from clearinghouse.disclosure.validation.workshop import Build
from clearinghouse.sandbox.base import Level
from validation_support import Bytes, bench_policy, strips

LEVEL = Level("bubblewrap", "0.8.0", frozenset())
CRASH = Observation(Outcome.CRASH_SANITIZER, "heap-buffer-overflow", "READ", ("read_strip", "read_file"))
CLEAN = Observation(Outcome.CLEAN)


def cell(run: Observation, outcome: Outcome | None = None, times: int = 5) -> Cell:
    return Cell("k", "b", "i", outcome or run.outcome, (run,) * times, LEVEL)


def seen(vulnerable: Cell, fixed: Cell | None, **changes: object) -> Observed:
    names = [BuildName.VULNERABLE] + ([BuildName.FIXED] if fixed is not None else [])
    canary = cell(replace(CRASH, frames=()), times=1)
    made = Observed(
        {name: Build(name.value, True, "built", b"", True) for name in names},
        {BuildName.VULNERABLE: vulnerable} | ({BuildName.FIXED: fixed} if fixed is not None else {}), dict.fromkeys(names, canary),
        {name: (cell(CLEAN, times=2),) for name in names}, dict.fromkeys(names, 20), LEVEL,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def verdict(observed: Observed, recipe: Recipe | None = None) -> tuple[Verdict, tuple[str, ...]]:
    found = judge(recipe or strips(Bytes()), observed, bench_policy())
    return found.verdict, found.reasons


GOOD = seen(cell(CRASH), cell(CLEAN))


def test_validated_needs_everything() -> None:
    found = judge(strips(Bytes()), GOOD, bench_policy())
    assert (found.verdict, found.reasons, found.tier) == (Verdict.VALIDATED, (), TrustTier.T0)
    assert [(control.name, control.state) for control in found.controls] == [
        (name, ControlState.HELD) for name in ("instrumented", "canary", "benign", "instrumented fixed", "canary fixed", "benign fixed", "coverage")
    ]


def test_without_a_fixed_build_it_is_reproduced_and_no_more() -> None:
    recipe = strips(Bytes(), fixed=None)
    assert verdict(seen(cell(CRASH), None), recipe) == (Verdict.REPRODUCED, ())
    bare = strips(Bytes(), fixed=None, benign=())
    without = seen(cell(CRASH), None, benign={BuildName.VULNERABLE: ()})
    assert verdict(without, bare) == (Verdict.UNPROVEN, ("no negative control: neither a fixed build nor a benign input",))


@pytest.mark.parametrize(
    ("observed", "expected", "why"),
    [
        (seen(cell(CLEAN), cell(CLEAN)), Verdict.NOT_REPRODUCED, "nothing happened in 5 runs"),
        (seen(cell(CRASH), cell(CRASH)), Verdict.STILL_FIRES, "on the fixed build: a sanitizer's report in 5 of 5 runs"),
        (seen(cell(CRASH), cell(CRASH, Outcome.FLAKY)), Verdict.STILL_FIRES, "on the fixed build something happens in some runs"),
        (seen(cell(CRASH, Outcome.FLAKY), cell(CLEAN)), Verdict.FLAKY, "something happened in 5 of 5 runs, and not always the same"),
        (seen(cell(replace(CRASH, outcome=Outcome.TIMEOUT_WALL)), cell(CLEAN)), Verdict.OTHER_EFFECT,
         "the effect is waiting without end, the claim is sanitizer"),
        (seen(cell(replace(CRASH, kind="SEGV")), cell(CLEAN)), Verdict.OTHER_EFFECT, "the kind of crash or exception differs from the claim"),
        (seen(cell(replace(CRASH, frames=("other",))), cell(CLEAN)), Verdict.OTHER_EFFECT, "the function claimed is not among the telling frames"),
        (seen(cell(replace(CLEAN, outcome=Outcome.NO_RUN, note="bwrap failed")), cell(CLEAN)), Verdict.NO_RUN, "bwrap failed"),
        (seen(cell(CRASH), cell(Observation(Outcome.FAILED))), Verdict.UNPROVEN, "on the fixed build the run did not come to its end"),
        (replace(GOOD, edges={BuildName.VULNERABLE: 29, BuildName.FIXED: 1}), Verdict.UNPROVEN,
         "benign inputs reach 1 edges of the fixed build, 29 of the vulnerable one"),
        (replace(GOOD, canaries={BuildName.VULNERABLE: cell(CRASH), BuildName.FIXED: cell(CLEAN)}), Verdict.UNPROVEN,
         "the planted crash of the fixed build was not noticed"),
        (replace(GOOD, builds={**GOOD.builds, BuildName.FIXED: Build("f", True, "built", b"", False)}), Verdict.UNPROVEN,
         "the fixed build does not hold the runtime of the address sanitizer"),
        (replace(GOOD, benign={**GOOD.benign, BuildName.FIXED: (cell(CRASH),)}), Verdict.UNPROVEN,
         "0 of 1 benign inputs did nothing on the fixed build"),
        (replace(GOOD, builds={**GOOD.builds, BuildName.VULNERABLE: Build("f", False, "compile")}, reproducer={}), Verdict.NO_RUN,
         "the vulnerable build ended at 'compile'"),
        (replace(GOOD, builds={**GOOD.builds, BuildName.FIXED: Build("f", False, "apply")}, reproducer={BuildName.VULNERABLE: cell(CRASH)}),
         Verdict.UNPROVEN, "the fixed build ended at 'apply'"),
    ],
)
def test_what_is_missing_decides(observed: Observed, expected: Verdict, why: str) -> None:
    assert verdict(observed) == (expected, (why,))


def test_three_points_of_history() -> None:
    recipe = strips(Bytes(), builds="[builds.head]\n[builds.introducing]\n[builds.parent]\n")
    builds = {**GOOD.builds, **{name: Build(name.value, True, "built", b"", True) for name in (BuildName.HEAD, BuildName.INTRODUCING, BuildName.PARENT)}}
    cells = {**GOOD.reproducer, BuildName.HEAD: cell(CRASH), BuildName.INTRODUCING: cell(CRASH), BuildName.PARENT: cell(CLEAN)}
    assert verdict(replace(GOOD, builds=builds, reproducer=cells), recipe) == (Verdict.VALIDATED, ())
    early = replace(GOOD, builds=builds, reproducer={**cells, BuildName.PARENT: cell(CRASH)})
    assert verdict(early, recipe) == (Verdict.UNPROVEN, ("on the parent build: crash_sanitizer",))


@pytest.mark.parametrize(
    ("expected", "run", "same"),
    [
        (Expected(Effect.EXCEPTION, "IndexError"), Observation(Outcome.EXCEPTION, "IndexError"), True),
        (Expected(Effect.EXCEPTION, "ArrayIndexOutOfBoundsException"), Observation(Outcome.EXCEPTION, "java.lang.ArrayIndexOutOfBoundsException"), True),
        (Expected(Effect.EXCEPTION, "KeyError"), Observation(Outcome.EXCEPTION, "IndexError"), False),
        (Expected(Effect.SANITIZER, "", "ns::read(int)"), Observation(Outcome.CRASH_SANITIZER, "SEGV", "", ("ns::read",)), True),
        (Expected(Effect.SANITIZER, "", "read"), Observation(Outcome.CRASH_SANITIZER, "SEGV", "", ("ns::read",)), True),
        (Expected(Effect.SANITIZER, "", "read"), Observation(Outcome.CRASH_SANITIZER, "SEGV"), False),
        (Expected(Effect.TIMEOUT), Observation(Outcome.TIMEOUT_CPU), True),
        (Expected(Effect.MARKER), Observation(Outcome.MARKER), True),
        (Expected(Effect.MEMORY), Observation(Outcome.OUT_OF_MEMORY), True),
        (Expected(Effect.SIGNAL, "SIGSEGV"), Observation(Outcome.CRASH_SIGNAL, "SIGSEGV"), True),
        (Expected(Effect.SIGNAL, "SIGSEGV"), Observation(Outcome.CRASH_SIGNAL, "SIGFPE"), False),
    ],
)
def test_effect_is_held_against_the_claim(expected: Expected, run: Observation, same: bool) -> None:
    assert (matches(expected, run) == "") is same


def test_tier_is_that_of_who_supplied_what_runs() -> None:
    assert trust_tier(strips(Bytes())) is TrustTier.T0
    assert trust_tier(strips(Bytes(), supplier="project")) is TrustTier.T1
    assert trust_tier(strips(Bytes(), supplier="desk", harness="project")) is TrustTier.T1
    materials = Bytes()
    patch = materials.add(b"plants it")
    planted = strips(materials, supplier="project", harness="project", builds=f'[builds.vulnerable]\npatches = ["{patch}"]\n')
    assert trust_tier(planted) is TrustTier.T0
    assert trust_tier(strips(Bytes(), supplier="project", harness="model")) is TrustTier.T1
    best = strips(Bytes(), supplier="project", harness="project")
    assert trust_tier(best) is TrustTier.T2
    first = judge(best, GOOD, bench_policy())
    assert second_tier(first, judge(best, GOOD, bench_policy())) is TrustTier.T3
    assert second_tier(first, judge(best, seen(cell(CLEAN), cell(CLEAN)), bench_policy())) is TrustTier.T2


_CELLS = st.sampled_from([cell(CRASH), cell(CLEAN), cell(CRASH, Outcome.FLAKY), cell(Observation(Outcome.NO_RUN)), cell(Observation(Outcome.FAILED))])


@given(_CELLS, _CELLS, st.booleans(), st.booleans(), st.integers(0, 30), _CELLS)
def test_validated_means_that_it_fires_and_the_fix_is_quiet_and_every_control_held(
    vulnerable: Cell, fixed: Cell, one: bool, two: bool, edges: int, benign: Cell,
) -> None:
    observed = seen(
        vulnerable, fixed, edges={BuildName.VULNERABLE: 20, BuildName.FIXED: edges}, benign=dict.fromkeys(GOOD.benign, (benign,)),
        builds={BuildName.VULNERABLE: Build("v", True, "built", b"", one), BuildName.FIXED: Build("f", True, "built", b"", two)},
    )
    found = judge(strips(Bytes()), observed, bench_policy())
    good = vulnerable.outcome is Outcome.CRASH_SANITIZER and fixed.outcome is benign.outcome is Outcome.CLEAN and one and two and edges >= 18
    assert (found.verdict is Verdict.VALIDATED) is good
    assert bool(found.reasons) is not good
