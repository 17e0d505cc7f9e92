"""What the patch bench speaks of: rungs, steps, climbs."""

from dataclasses import dataclass
from enum import StrEnum

from clearinghouse.core.ids import PartyId
from clearinghouse.disclosure.validation.recipes.records import Supplier
from clearinghouse.sandbox.base import Level


class Rung(StrEnum):
    """What is asked of a patch, the easiest first."""

    APPLIES = "applies"
    BUILDS = "builds"
    QUIET = "reproducer quiet"
    VARIANTS = "variants quiet"
    """Mutated variants of the reproducer that fire without the patch do nothing with it."""
    TESTS = "tests as before"
    REGRESSION = "regression test"
    """A new test fails without the patch and passes with it."""
    FUZZED = "searched around"
    """A bounded search from the reproducer and the benign inputs ended without a finding."""
    BEHAVIOUR = "behaviour unchanged"
    """Benign inputs end alike, print the same and reach as much."""
    REVIEWED = "reviewed"
    """A person who is not its author answers for it."""


class StepState(StrEnum):
    """How a rung went."""

    HELD = "held"
    FAILED = "failed"
    NOT_MADE = "not made"
    """There was nothing to try it with, or an earlier rung made it pointless."""


class Reason(StrEnum):
    """Why a rung was not reached."""

    NOT_REPRODUCED = "not_reproduced"
    """The reproducer does nothing on the vulnerable build, or not every time: a patch cannot be seen to stop it."""
    VULNERABLE_BUILD = "vulnerable_build"
    """The build without the patch does not work."""
    DOES_NOT_APPLY = "does_not_apply"
    DOES_NOT_BUILD = "does_not_build"
    STILL_FIRES = "still_fires"
    FIRES_OTHERWISE = "fires_otherwise"
    FLAKY = "flaky"
    NO_RUN = "no_run"
    FEW_VARIANTS = "few_variants"
    """Too few variants fire without the patch for their silence to mean anything."""
    VARIANT_FIRES = "variant_fires"
    NO_TESTS = "no_tests"
    TESTS_DIFFER = "tests_differ"
    TESTS_FAIL_BEFORE = "tests_fail_before"
    """None of them passes without the patch: that none does with it says nothing."""
    NO_REGRESSION_TEST = "no_regression_test"
    REGRESSION_DOES_NOT_BUILD = "regression_does_not_build"
    REGRESSION_PASSES_BEFORE = "regression_passes_before"
    REGRESSION_FAILS_AFTER = "regression_fails_after"
    NOT_SEARCHED = "not_searched"
    """A program that is started by itself takes no inputs from the bench's search."""
    SEARCH_FOUND_SAME = "search_found_same"
    """An input that crashes where the reproducer did."""
    SEARCH_FOUND_BEFORE = "search_found_before"
    """An input that crashes elsewhere, and did so without the patch."""
    SEARCH_FOUND_NEW = "search_found_new"
    """An input that crashes with the patch alone."""
    NO_BENIGN = "no_benign"
    BEHAVIOUR_DIFFERS = "behaviour_differs"
    COVERAGE_FELL = "coverage_fell"
    NOT_COUNTED = "not_counted"
    """Nothing counts what benign inputs reach."""
    NOT_REVIEWED = "not_reviewed"
    REVIEW_REFUSED = "review_refused"
    REVIEWER_WROTE_IT = "reviewer_wrote_it"
    REVIEWER_NO_PERSON = "reviewer_no_person"
    STOPPED_BELOW = "stopped_below"
    """A rung below failed."""


@dataclass(frozen=True, slots=True)
class RegressionTest:
    """A test that came with a patch, apart from it so that it can be run without."""

    diff: str
    """Digest of the unified diff that adds it."""
    command: tuple[str, ...]
    """Run in the folder of the build; it passes where it exits with 0."""


@dataclass(frozen=True, slots=True)
class Review:
    """A person's word about a patch."""

    reviewer: PartyId
    is_person: bool
    accepts: bool


@dataclass(frozen=True, slots=True)
class PatchUnderTest:
    """What is put on the bench."""

    digest: str
    """`sha256:HEX` of the unified diff."""
    supplier: Supplier
    authors: frozenset[PartyId] = frozenset()
    """Who wrote it, and who handed it in: none of them reviews it."""
    regression: RegressionTest | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of a climb."""

    rung: Rung
    state: StepState
    reason: Reason | None = None
    """Why it was not reached; None where it was."""
    tried: int = 0
    """Inputs, tests or runs, whatever the rung counts."""
    held: int = 0
    inputs: tuple[str, ...] = ()
    """Digests of inputs that fired."""
    cells: tuple[str, ...] = ()
    """Keys of the cells it rests on."""


@dataclass(frozen=True, slots=True)
class Climb:
    """How far a patch holds."""

    patch: str
    recipe: str
    """Digest of the recipe it was tried on."""
    supplier: Supplier
    steps: tuple[Step, ...]
    """One for each rung, the easiest first."""
    level: Level
    seed: int

    @property
    def highest(self) -> Rung | None:
        """The highest rung reached without a gap below it."""
        reached = None
        for step in self.steps:
            if step.state is not StepState.HELD:
                return reached
            reached = step.rung
        return reached

    @property
    def stopped_by(self) -> Step | None:
        """The first rung that was not reached; None where all were."""
        return next((step for step in self.steps if step.state is not StepState.HELD), None)

    @property
    def label(self) -> str:
        """What must stand beside the patch wherever it is shown; empty where nothing must."""
        return "proposed by a model" if self.supplier is Supplier.MODEL else ""

    @property
    def variants_quiet(self) -> bool | None:
        """Whether variants are quiet, as the matrix wants to know it; None where that was not found out."""
        states = {step.rung: step.state for step in self.steps}
        found = states.get(Rung.VARIANTS, StepState.NOT_MADE)
        return None if found is StepState.NOT_MADE else found is StepState.HELD
