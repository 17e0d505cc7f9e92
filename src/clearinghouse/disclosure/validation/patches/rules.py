"""What a rung's observations amount to, and what may be said of a climb. Pure."""

from collections.abc import Iterable, Sequence

from clearinghouse.core.policy import MatrixPolicy
from clearinghouse.disclosure.validation.matrix.records import CellState
from clearinghouse.disclosure.validation.matrix.rules import state
from clearinghouse.disclosure.validation.observing.records import Cell, Observation, Outcome
from clearinghouse.disclosure.validation.patches.records import (
    Climb,
    PatchUnderTest,
    Reason,
    Review,
    Rung,
    Step,
    StepState,
)

HELD_WORDS: dict[Rung, str] = {
    Rung.APPLIES: "it applies",
    Rung.BUILDS: "it builds",
    Rung.QUIET: "it stops the reproducer",
    Rung.VARIANTS: "it stops variants of the reproducer",
    Rung.TESTS: "the project's tests end as before",
    Rung.REGRESSION: "a new test fails without it and passes with it",
    Rung.FUZZED: "a bounded search around it found nothing",
    Rung.BEHAVIOUR: "benign inputs behave as before",
    Rung.REVIEWED: "a person who did not write it answers for it",
}
REASON_WORDS: dict[Reason, str] = {
    Reason.NOT_REPRODUCED: "the reproducer does not fire every time without the patch",
    Reason.VULNERABLE_BUILD: "the build without the patch does not work",
    Reason.DOES_NOT_APPLY: "it does not apply",
    Reason.DOES_NOT_BUILD: "it does not build",
    Reason.STILL_FIRES: "the reproducer fires as before",
    Reason.FIRES_OTHERWISE: "the reproducer fires at another place or in another way",
    Reason.FLAKY: "the reproducer fires in some runs",
    Reason.NO_RUN: "the reproducer could not be run to its end",
    Reason.FEW_VARIANTS: "too few variants fire without the patch for their silence to mean anything",
    Reason.VARIANT_FIRES: "a variant of the reproducer still fires",
    Reason.NO_TESTS: "the recipe names no tests of the project",
    Reason.TESTS_DIFFER: "tests of the project end otherwise",
    Reason.TESTS_FAIL_BEFORE: "none of the project's tests passes without it",
    Reason.NO_REGRESSION_TEST: "no new test came with it",
    Reason.REGRESSION_DOES_NOT_BUILD: "the new test does not apply or build",
    Reason.REGRESSION_PASSES_BEFORE: "the new test passes without the patch",
    Reason.REGRESSION_FAILS_AFTER: "the new test fails with the patch",
    Reason.NOT_SEARCHED: "the harness takes no inputs from the bench's search",
    Reason.SEARCH_FOUND_SAME: "the search found an input that crashes where the reproducer did",
    Reason.SEARCH_FOUND_BEFORE: "the search found a crash that is there without the patch, too",
    Reason.SEARCH_FOUND_NEW: "the search found a crash that is there with the patch alone",
    Reason.NO_BENIGN: "the recipe names no benign inputs",
    Reason.BEHAVIOUR_DIFFERS: "a benign input ends otherwise or prints something else",
    Reason.COVERAGE_FELL: "benign inputs reach less of the code",
    Reason.NOT_COUNTED: "nothing counts what benign inputs reach",
    Reason.NOT_REVIEWED: "nobody has reviewed it",
    Reason.REVIEW_REFUSED: "a reviewer refused it",
    Reason.REVIEWER_WROTE_IT: "its author cannot review it",
    Reason.REVIEWER_NO_PERSON: "a review by a machine does not count",
    Reason.STOPPED_BELOW: "a rung below was not passed",
}
"""How people are told; quotes nothing."""
RUNGS = tuple(Rung)


def step(rung: Rung, reason: Reason | None = None, *, made: bool = True, tried: int = 0, held: int = 0, inputs: Iterable[str] = (),
         cells: Iterable[str] = ()) -> Step:
    """A rung that held where there is no reason against it, failed where there is, and was not made where nothing could be tried."""
    found = StepState.HELD if reason is None else StepState.FAILED if made else StepState.NOT_MADE
    return Step(rung, found, reason, tried, held, tuple(inputs), tuple(cells))


def completed(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Steps for all rungs: those above a failure are not made."""
    rest = RUNGS[len(steps) :]
    return (*steps, *(Step(rung, StepState.NOT_MADE, Reason.STOPPED_BELOW) for rung in rest))


def quiet(before: Cell, after: Cell, policy: MatrixPolicy) -> Step:
    """Whether a reproducer does nothing any more."""
    cells = (before.key, after.key)
    if before.outcome is Outcome.FLAKY or not before.outcome.is_effect:
        return step(Rung.QUIET, Reason.NOT_REPRODUCED, made=False, cells=cells)
    found = state(before.agreed, after.agreed, flaky=after.outcome is Outcome.FLAKY, policy=policy)
    reason = {
        CellState.CLEAN: None, CellState.SAME: Reason.STILL_FIRES, CellState.MOVED: Reason.FIRES_OTHERWISE, CellState.FLAKY: Reason.FLAKY,
        CellState.UNKNOWN: Reason.NO_RUN,
    }[found]
    return step(Rung.QUIET, reason, tried=len(after.runs), held=sum(run.outcome is Outcome.CLEAN for run in after.runs), cells=cells)


def is_variant(reproducer: Observation, seen: Observation, policy: MatrixPolicy) -> bool:
    """Whether a mutated input fires as the reproducer does: another crash of the same program is no variant of this flaw."""
    return state(reproducer, seen, flaky=False, policy=policy) is CellState.SAME


def found_by_search(reproducer: Observation, before: Observation, after: Observation, policy: MatrixPolicy) -> Reason:
    """Why an input that fires with the patch stops the climb.

    Args:
        reproducer: on the vulnerable build.
        before, after: the input without and with the patch.
    """
    if is_variant(reproducer, after, policy):
        return Reason.SEARCH_FOUND_SAME
    same = before.outcome.is_effect and state(before, after, flaky=False, policy=policy) is CellState.SAME
    return Reason.SEARCH_FOUND_BEFORE if same else Reason.SEARCH_FOUND_NEW


def reviewed(patch: PatchUnderTest, reviews: Iterable[Review]) -> Step:
    """Whether a person who is not its author answers for a patch; one refusal outweighs any number of others.

    It is the same for every supplier: what a model proposed has its proposer for an author, and a model reviews nothing.
    """
    reviews = list(reviews)
    counted = [review for review in reviews if review.is_person and review.reviewer not in patch.authors]
    if any(not review.accepts for review in counted):
        return step(Rung.REVIEWED, Reason.REVIEW_REFUSED, tried=len(counted))
    if counted:
        return step(Rung.REVIEWED, tried=len(counted), held=len(counted))
    if any(review.is_person for review in reviews):
        return step(Rung.REVIEWED, Reason.REVIEWER_WROTE_IT, made=False)
    return step(Rung.REVIEWED, Reason.REVIEWER_NO_PERSON if reviews else Reason.NOT_REVIEWED, made=False)


def with_reviews(climb: Climb, patch: PatchUnderTest, reviews: Iterable[Review]) -> Climb:
    """A climb with its last rung looked at anew; nothing is run."""
    below = climb.steps[:-1]
    failed = any(each.state is StepState.FAILED for each in below)
    last = Step(Rung.REVIEWED, StepState.NOT_MADE, Reason.STOPPED_BELOW) if failed else reviewed(patch, reviews)
    return Climb(climb.patch, climb.recipe, climb.supplier, (*below, last), climb.level, climb.seed)


def wording(climb: Climb) -> str:
    """A climb in one sentence for people: what was seen, and what stopped it."""
    reached = [HELD_WORDS[each.rung] for each in climb.steps if each.state is StepState.HELD]
    stopped = climb.stopped_by
    held = reached if stopped is None else [HELD_WORDS[each.rung] for each in climb.steps[: climb.steps.index(stopped)]]
    said = "; ".join(held) or "nothing of it was seen to hold"
    label = f" ({climb.label})" if climb.label else ""
    if stopped is None or stopped.reason is None:
        return f"{said}{label}"
    return f"{said}{label}; then: {REASON_WORDS[stopped.reason]}"
