"""What the matrix speaks of: reproducers, patches, cells, guards, edges, groups."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from clearinghouse.disclosure.deconfliction.execution.records import Strength
from clearinghouse.disclosure.validation.recipes.records import Supplier


class CellState(StrEnum):
    """What a reproducer does on a build with one patch, next to what it does without."""

    SAME = "same"
    """It crashes as it did: the same kind, the same telling frames."""
    MOVED = "moved"
    """It crashes otherwise: another flaw behind the first, or a patch that only shifted this one."""
    CLEAN = "clean"
    FLAKY = "flaky"
    """Not the same often enough, with the patch or without."""
    UNKNOWN = "unknown"
    """The build failed, nothing ran, or what ran says neither."""


@dataclass(frozen=True, slots=True)
class Reproducer:
    """An input that makes a component misbehave, and what it was seen to do there without a patch."""

    id: str
    report: str
    """What it was sent for. Edges are between reports."""
    component: str
    """Package URL without a version."""
    kind: str = ""
    """Of crash, in the tool's own word."""
    frames: tuple[str, ...] = ()
    """Telling frames without a patch, innermost first."""
    stable: bool = True
    """Whether it did so often enough; one that did not is shown and proves nothing."""
    security: bool = True
    """Whether what it does is a breach rather than a failure (`rules.is_security`)."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A change, and what was measured of it apart from reproducers."""

    id: str
    component: str
    claimed_for: frozenset[str] = frozenset()
    """Reports it is said to remedy. Only a report's own patches speak for it."""
    supplier: Supplier = Supplier.PROJECT
    builds: bool = True
    tests_equal: bool | None = None
    """Whether the project's own tests end as they did without it; None: there are none."""
    benign_equal: bool | None = None
    """Whether benign inputs end as they did without it, with the same output; None: there are none."""
    coverage_share: float | None = None
    """Edges that benign inputs reach, as a share of those reached without it; None: not counted."""
    minimal: bool | None = None
    """Whether no part of it alone quiets any one report it is claimed for; None: not tried."""
    variants_quiet: bool | None = None
    """Whether mutated variants of what it is claimed for are quiet too; None: not tried."""
    part_of: str = ""
    """The patch it was cut from by the bench; empty for one that somebody supplied."""


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """One reproducer under one patch."""

    reproducer: str
    patch: str
    state: CellState
    kind: str = ""
    frames: tuple[str, ...] = ()
    """What it does with the patch, where it does something."""
    digest: str = ""
    """Key of the cell in the workshop: the runs behind it."""


Cells = Mapping[tuple[str, str], MatrixCell]
"""By reproducer and patch. A pair that is missing is unknown."""


class Guard(StrEnum):
    """Why a patch may say less than it seems to."""

    BUILD = "build"
    """It does not build."""
    OWN = "own"
    """It does not quiet all that it is claimed for; for what it does quiet it may speak."""
    TESTS = "tests"
    """The project's own tests end otherwise."""
    BENIGN = "benign"
    """Benign inputs end otherwise or print something else."""
    COVERAGE = "coverage"
    """Benign inputs reach less of the code: it may do nothing but return early."""
    COMPOSITE = "composite"
    """It stops everything that two others stop apart from each other: several fixes in one, or one that refuses too much."""
    PROMISCUOUS = "promiscuous"
    """It stops too many findings that are known to be distinct."""
    UNMEASURED = "unmeasured"
    """Neither tests nor benign inputs, or no count of edges: nobody knows what else it changes."""
    UNSPLIT = "unsplit"
    """A part of it alone would do, or nobody knows: it may be several fixes in one."""
    INDISCRIMINATE = "indiscriminate"
    """Of an edge: one patch speaks for both, and nothing else of the component is seen to fire under it."""
    MODEL = "model"
    """A model wrote it: a person has to look."""


SETS_ASIDE = frozenset({Guard.BUILD, Guard.TESTS, Guard.BENIGN, Guard.COVERAGE, Guard.PROMISCUOUS})
"""With one of these a patch says nothing of two reports. Composite does so too, unless the patch is minimal: then it proposes."""
GUARD_WORDS: dict[Guard, str] = {
    Guard.BUILD: "does not build",
    Guard.OWN: "does not quiet all that it is claimed for",
    Guard.TESTS: "the project's tests end otherwise",
    Guard.BENIGN: "benign inputs behave otherwise",
    Guard.COVERAGE: "benign inputs reach less of the code",
    Guard.COMPOSITE: "stops what other patches stop apart from each other",
    Guard.PROMISCUOUS: "stops too many findings known to be distinct",
    Guard.UNMEASURED: "side effects not measured",
    Guard.UNSPLIT: "a part of it may do alone",
    Guard.INDISCRIMINATE: "one patch for both, and nothing else fires under it",
    Guard.MODEL: "written by a model",
}
"""How people are told; quotes nothing."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a patch may say."""

    patch: str
    failures: tuple[Guard, ...]
    """Guards it did not pass, in the order of `Guard`; none: what it says joins."""
    stops: frozenset[str]
    """Reproducers that are clean under it."""

    @property
    def set_aside(self) -> bool:
        """Whether it says nothing at all."""
        composite = Guard.COMPOSITE in self.failures and Guard.UNSPLIT in self.failures
        return composite or not SETS_ASIDE.isdisjoint(self.failures)

    @property
    def joins(self) -> bool:
        """Whether it may take part in a strong edge."""
        return not set(self.failures) - {Guard.OWN}


@dataclass(frozen=True, slots=True)
class Edge:
    """What execution says of two reports, and by which runs."""

    one: str
    other: str
    """Rising: `one < other`."""
    strength: Strength
    component: str
    patches: tuple[str, ...] = ()
    """Those that say so, sorted."""
    cells: tuple[tuple[str, str], ...] = ()
    """Reproducer and patch of the cells it rests on, sorted."""
    guards: tuple[Guard, ...] = ()
    """MEDIUM: guards but for which the patches would have said more."""
    similarity: float = 0.0
    """WEAK: of the stacks."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Reports that strong edges chain together though two of them are different. Nothing of it is joined."""

    reports: tuple[str, ...]
    strong: tuple[tuple[str, str], ...]
    """Pairs whose strong edges lie between the two ends."""
    different: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a component's matrix amounts to."""

    edges: tuple[Edge, ...]
    """Sorted by both ends and strength. A pair may have a strong and a different edge: see `contradictions`."""
    groups: tuple[tuple[str, ...], ...]
    """All reports, each in one group, by strong edges that nothing contradicts; sorted."""
    contradictions: tuple[Contradiction, ...]
    standings: Mapping[str, Standing] = field(default_factory=dict)
    """By patch."""
