"""From everything seen to a verdict.

In this order: no build or no start (NO_RUN); fires in some runs (FLAKY); nothing (NOT_REPRODUCED); something else than claimed
(OTHER_EFFECT); the fixed build does it, too (STILL_FIRES); a control failed (UNPROVEN); nothing to compare with (REPRODUCED);
else VALIDATED. Without any negative control - no fixed build and no benign input - nothing is shown: UNPROVEN.
"""

from collections.abc import Iterator

from clearinghouse.core.crash import normalise_function
from clearinghouse.core.policy import BenchPolicy
from clearinghouse.core.stacks import crash_kind
from clearinghouse.disclosure.validation.judging.records import Assessment, Control, ControlState, Observed, TrustTier, Verdict
from clearinghouse.disclosure.validation.observing.records import Cell, Observation, Outcome
from clearinghouse.disclosure.validation.recipes.records import BuildName, Effect, Expected, Recipe, Supplier

_OUTCOMES = {
    Effect.SANITIZER: {Outcome.CRASH_SANITIZER}, Effect.SIGNAL: {Outcome.CRASH_SIGNAL}, Effect.EXCEPTION: {Outcome.EXCEPTION},
    Effect.ASSERTION: {Outcome.ASSERTION}, Effect.MARKER: {Outcome.MARKER}, Effect.TIMEOUT: {Outcome.TIMEOUT_CPU, Outcome.TIMEOUT_WALL},
    Effect.MEMORY: {Outcome.OUT_OF_MEMORY},
}
_OFFERED = {Outcome.CRASH_SANITIZER: "a sanitizer's report", Outcome.CRASH_SIGNAL: "a signal", Outcome.EXCEPTION: "an exception",
            Outcome.ASSERTION: "an assertion", Outcome.MARKER: "a marker", Outcome.OUT_OF_MEMORY: "want of memory",
            Outcome.TIMEOUT_CPU: "use of the processor without end", Outcome.TIMEOUT_WALL: "waiting without end",
            Outcome.OUTPUT_LIMIT: "output without end"}


def judge(recipe: Recipe, observed: Observed, policy: BenchPolicy) -> Assessment:
    """What a recipe showed."""
    controls = tuple(_controls(recipe, observed, policy))
    verdict, reasons = _verdict(recipe, observed, controls)
    return Assessment(verdict, trust_tier(recipe), reasons, controls, observed, recipe.digest)


def trust_tier(recipe: Recipe) -> TrustTier:
    """How far the evidence rests on others than the reporter. T3 is given by whoever holds two assessments together (`second_tier`)."""
    suppliers = {source.supplier for plan in recipe.builds.values() for source in plan.sources}
    # A patch on what is to be vulnerable could plant the flaw.
    planted = any(plan.patches for name, plan in recipe.builds.items() if name is not BuildName.FIXED)
    if planted or not suppliers <= {Supplier.PROJECT, Supplier.DESK}:
        return TrustTier.T0
    return TrustTier.T2 if suppliers == {Supplier.PROJECT} and recipe.harness.supplier is Supplier.PROJECT else TrustTier.T1


def second_tier(first: Assessment, second: Assessment) -> TrustTier:
    """The tier of one recipe assessed twice, by different validators on different hosts, which the caller has checked."""
    same = first.recipe == second.recipe and first.verdict is second.verdict and first.verdict.confirms
    return TrustTier.T3 if same and first.tier is TrustTier.T2 is second.tier else first.tier


def matches(expected: Expected, seen: Observation) -> str:
    """Empty where a run shows what is claimed; else what differs, in our own words."""
    if seen.outcome not in _OUTCOMES[expected.effect]:
        return f"the effect is {_OFFERED.get(seen.outcome, seen.outcome.value)}, the claim is {expected.effect.value}"
    if expected.name and seen.kind and not _same_kind(expected.name, seen.kind):
        return "the kind of crash or exception differs from the claim"
    if expected.function:
        wanted = normalise_function(expected.function)
        if seen.frames and not any(frame == wanted or frame.rsplit("::", 1)[-1] == wanted or frame.rsplit(".", 1)[-1] == wanted for frame in seen.frames):
            return "the function claimed is not among the telling frames"
        if not seen.frames and expected.effect in (Effect.SANITIZER, Effect.EXCEPTION):
            return "a function is claimed, and the log names none"
    return ""


def _same_kind(claimed: str, seen: str) -> bool:
    return crash_kind(claimed) == crash_kind(seen) or claimed.rsplit(".", 1)[-1] == seen.rsplit(".", 1)[-1]


def _verdict(recipe: Recipe, observed: Observed, controls: tuple[Control, ...]) -> tuple[Verdict, tuple[str, ...]]:
    build = observed.builds[BuildName.VULNERABLE]
    if not build.ok:
        return Verdict.NO_RUN, (f"the vulnerable build ended at {build.stage!r}{': ' + build.note if build.note else ''}",)
    cell = observed.reproducer[BuildName.VULNERABLE]
    shown = cell.agreed
    if cell.outcome in (Outcome.NO_RUN, Outcome.FAILED):
        return Verdict.NO_RUN, (shown.note or "it could not be started",)
    if cell.outcome is Outcome.FLAKY:
        fired = sum(run.outcome.is_effect for run in cell.runs)
        return (Verdict.FLAKY if fired else Verdict.NO_RUN), (f"something happened in {fired} of {len(cell.runs)} runs, and not always the same",)
    if cell.outcome is Outcome.CLEAN:
        return Verdict.NOT_REPRODUCED, (f"nothing happened in {len(cell.runs)} runs",)
    if difference := matches(recipe.expected, shown):
        return Verdict.OTHER_EFFECT, (difference,)
    reasons = [control.wording for control in controls if control.state is ControlState.FAILED]
    fixed_build, fixed = observed.builds.get(BuildName.FIXED), observed.reproducer.get(BuildName.FIXED)
    if fixed is not None and fixed.outcome.is_effect:
        return Verdict.STILL_FIRES, (f"on the fixed build: {_OFFERED.get(fixed.outcome, '')} in {fixed.counts[0]} of {fixed.counts[1]} runs",)
    if fixed is not None and fixed.outcome is Outcome.FLAKY:
        return Verdict.STILL_FIRES, ("on the fixed build something happens in some runs",)
    if fixed_build is not None and not fixed_build.ok:
        reasons.append(f"the fixed build ended at {fixed_build.stage!r}")
    elif fixed is not None and fixed.outcome is not Outcome.CLEAN:
        reasons.append("on the fixed build the run did not come to its end")
    if fixed is None and not recipe.benign:
        reasons.append("no negative control: neither a fixed build nor a benign input")
    if reasons:
        return Verdict.UNPROVEN, tuple(reasons)
    return (Verdict.VALIDATED if fixed is not None else Verdict.REPRODUCED), ()


def _controls(recipe: Recipe, observed: Observed, policy: BenchPolicy) -> Iterator[Control]:
    for name in (BuildName.VULNERABLE, BuildName.FIXED):
        if (build := observed.builds.get(name)) is not None and build.ok and recipe.sanitizer != "none":
            held = build.instrumented
            yield Control(
                "instrumented" + _on(name), ControlState.HELD if held else ControlState.FAILED,
                f"the {name.value} build {'holds' if held else 'does not hold'} the runtime of the {recipe.sanitizer} sanitizer",
            )
        if (canary := observed.canaries.get(name)) is not None:
            fired = canary.outcome in (Outcome.CRASH_SANITIZER, Outcome.EXCEPTION)
            applies = fired or recipe.sanitizer != "none" or recipe.language.memory_safe
            state = ControlState.HELD if fired else ControlState.FAILED if applies else ControlState.NOT_MADE
            yield Control("canary" + _on(name), state, f"the planted crash of the {name.value} build was {'' if fired else 'not '}noticed")
        if name in observed.builds and observed.builds[name].ok:
            yield _benign(name, observed.benign.get(name, ()))
    if BuildName.FIXED in observed.builds:
        yield _coverage(observed, policy)
    yield from _history(observed)


def _benign(name: BuildName, cells: tuple[Cell, ...]) -> Control:
    if not cells:
        return Control("benign" + _on(name), ControlState.NOT_MADE, "the recipe names no benign input")
    quiet = sum(cell.outcome is Outcome.CLEAN for cell in cells)
    state = ControlState.HELD if quiet == len(cells) else ControlState.FAILED
    return Control("benign" + _on(name), state, f"{quiet} of {len(cells)} benign inputs did nothing on the {name.value} build")


def _coverage(observed: Observed, policy: BenchPolicy) -> Control:
    before, after = observed.edges.get(BuildName.VULNERABLE), observed.edges.get(BuildName.FIXED)
    if not before or after is None:
        return Control("coverage", ControlState.NOT_MADE, "nothing counts what benign inputs reach on both builds")
    state = ControlState.HELD if after >= policy.coverage_share_min * before else ControlState.FAILED
    return Control("coverage", state, f"benign inputs reach {after} edges of the fixed build, {before} of the vulnerable one")


def _history(observed: Observed) -> Iterator[Control]:
    wanted = ((BuildName.HEAD, "head fires", True), (BuildName.INTRODUCING, "introducing fires", True), (BuildName.PARENT, "parent quiet", False))
    for name, control, fires in wanted:
        if name not in observed.builds:
            continue
        cell = observed.reproducer.get(name)
        if cell is None:
            yield Control(control, ControlState.NOT_MADE, f"the {name.value} build ended at {observed.builds[name].stage!r}")
            continue
        held = cell.outcome.is_effect if fires else cell.outcome is Outcome.CLEAN
        yield Control(control, ControlState.HELD if held else ControlState.FAILED, f"on the {name.value} build: {cell.outcome.value}")


def _on(name: BuildName) -> str:
    return "" if name is BuildName.VULNERABLE else f" {name.value}"
