"""Grouping by execution against the truth, with every kind of patch in the set, beside grouping by stacks alone.

One report for each input that does something every time. Each brings one patch of its finder's, which is what a flood of machine-made
reports looks like: `claims` deals them out by name, right ones, partial ones, releases and stubs, without a look at the truth of others.
Inputs that come to two flaws bring none: whether they belong to the first or the second is not asked, but whatever they weld together counts.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from bench.validation.recipes import PlantedMaterials, recipe_of
from bench.validation.truth import Change, Program
from clearinghouse.core.policy import Policy
from clearinghouse.core.stacks import stack_similarity
from clearinghouse.disclosure.deconfliction.execution.records import Strength
from clearinghouse.disclosure.validation.matrix.records import Reproducer, Weighed
from clearinghouse.disclosure.validation.matrix.rules import weigh
from clearinghouse.disclosure.validation.matrix.running import Column, Matrix, MatrixBench, Row
from clearinghouse.disclosure.validation.workshop import MadeMaterials, Workshop
from clearinghouse.disclosure.validation.workshop.materials import digest_of

Groups = Iterable[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Score:
    """Pairs of reports joined rightly and wrongly, and missed; added up over programs."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / (self.precision + self.recall) if self.precision + self.recall else 0.0

    def render(self) -> dict[str, float | int]:
        """As the results keep it."""
        rounded = {name: round(getattr(self, name), 4) for name in ("precision", "recall", "f1")}
        return {"right": self.right, "wrong": self.wrong, "missed": self.missed, **rounded}


@dataclass(slots=True)
class Grouped:
    """What a program's matrix gave."""

    program: str
    matrix: Matrix
    weighed: Weighed
    truth: Mapping[str, frozenset[str]]
    seconds: float
    cells: int
    """Run for this, and not known before."""
    proposed: list[tuple[str, str]] = field(default_factory=list)
    """Pairs with medium evidence."""


SCENARIOS: dict[str, tuple[str, ...]] = {
    "right fixes": ("fix", "second"),
    "and releases and stubs": ("fix", "second", "release", "stub"),
    "and partial fixes": ("fix", "second", "partial", "release", "stub"),
}
"""What kinds of patch there are beside those that reports bring."""


def reports_of(program: Program) -> dict[str, frozenset[str]]:
    """Report (named as its input) to flaws, for inputs that do the same every time."""
    return {
        name: frozenset(found) for name, found in program.triggers.items()
        if name not in program.silent and all(program.flaws[flaw].stable == "stable" for flaw in found)
    }


def claims(program: Program, kinds: Sequence[str], *, single: bool = False) -> dict[str, set[str]]:
    """Patch to the reports it is claimed for.

    Every report brings a patch that its finder says remedies it: of the right ones in turn. Other kinds are claimed for whatever of
    the reports goes quiet under them, which is all that whoever sent them could have seen.

    Args:
        single: a right patch comes with the first report of a flaw alone; the others bring none.
    """
    found: dict[str, set[str]] = {change.name: set() for change in program.changes.values() if change.kind in kinds}
    turn: dict[str, int] = {}
    for report, flaws in sorted(reports_of(program).items()):
        if len(flaws) > 1:
            continue
        (flaw,) = flaws
        right = [change.name for change in program.changes.values() if change.kind in ("fix", "second") and change.fixes == (flaw,)]
        number = turn.get(flaw, 0)
        turn[flaw] = number + 1
        if single and number:
            continue
        found[right[number % len(right)]].add(report)
    for change in program.changes.values():
        if change.kind in kinds and change.kind not in ("fix", "second"):
            found[change.name] |= {report for report in reports_of(program) if _said_to_quiet(program, change, report)}
    return found


def _said_to_quiet(program: Program, change: Change, report: str) -> bool:
    if change.kind == "stub":
        return change.name == "stub-all"
    return not program.mended(report, change.name)


def columns_of(program: Program, kinds: Sequence[str], *, single: bool = False) -> list[Column]:
    """The patches of a scenario."""
    return [
        Column(name, digest_of(program.changes[name].content), f"pkg:generic/planted-{program.name}", frozenset(reports))
        for name, reports in claims(program, kinds, single=single).items()
    ]


def rows_of(program: Program, policy: Policy) -> list[Row]:
    """The reproducers of a program."""
    return [Row(report, report, recipe_of(program, report, None, policy.bench)) for report in reports_of(program)]


def group(
    program: Program, workshop: Workshop, made: MadeMaterials, policy: Policy, kinds: Sequence[str], known: Matrix | None = None, *, single: bool = False
) -> Grouped:
    """A program's reports grouped by execution.

    Args:
        known: of an earlier scenario; what it holds is not run again.
    """
    bench = MatrixBench(workshop, made, policy.matrix)
    began = time.monotonic()
    before = {} if known is None else known.cells
    matrix = bench.fill(rows_of(program, policy), columns_of(program, kinds, single=single), before)
    seconds = time.monotonic() - began
    weighed = weigh(matrix.reproducers, matrix.patches, matrix.cells, policy.matrix, coverage_share_min=policy.bench.coverage_share_min)
    proposed = [(edge.one, edge.other) for edge in weighed.edges if edge.strength is Strength.MEDIUM]
    return Grouped(program.name, matrix, weighed, reports_of(program), seconds, len(matrix.cells.keys() - before.keys()), proposed=proposed)


def score(groups: Groups, truth: Mapping[str, frozenset[str]]) -> Score:
    """Pairs, against the truth. A pair that shares one of several flaws is neither asked for nor held against anybody."""
    joined = {frozenset(pair) for members in groups for pair in combinations(members, 2)}
    right = wrong = missed = 0
    for pair in combinations(sorted(truth), 2):
        one, other = (truth[each] for each in pair)
        together = frozenset(pair) in joined
        if one == other and len(one) == 1:
            right, missed = right + together, missed + (not together)
        elif one.isdisjoint(other):
            wrong += together
    return Score(right, wrong, missed)


def _chained(names: Sequence[str], same: Callable[[str, str], bool]) -> list[list[str]]:
    """Groups by single linkage."""
    label = {name: name for name in names}
    for one, other in combinations(names, 2):
        if label[one] != label[other] and same(one, other):
            old, new = label[other], label[one]
            label = {name: new if at == old else at for name, at in label.items()}
    return [[name for name in names if label[name] == each] for each in dict.fromkeys(label.values())]


def by_stacks(reproducers: Sequence[Reproducer], thresholds: Sequence[float]) -> dict[str, list[list[str]]]:
    """Groups by stacks alone, by several rules."""
    seen = {one.report: one for one in reproducers}
    names = sorted(seen)

    def top(most: int, *, kind: bool) -> Callable[[str, str], bool]:
        def same(one: str, other: str) -> bool:
            a, b = seen[one], seen[other]
            return bool(a.frames) and a.frames[:most] == b.frames[:most] and (not kind or a.kind == b.kind)

        return same

    def alike(least: float) -> Callable[[str, str], bool]:
        return lambda one, other: stack_similarity(seen[one].frames, seen[other].frames) >= least

    found = {
        "top frame and kind": _chained(names, top(1, kind=True)), "three top frames": _chained(names, top(3, kind=False)),
        "three top frames and kind": _chained(names, top(3, kind=True)), "all frames and kind": _chained(names, top(99, kind=True)),
    }
    return found | {f"similarity {least:.2f}": _chained(names, alike(least)) for least in thresholds}


def materials_of(programs: Iterable[Program]) -> MadeMaterials:
    """Everything that is planted, and room for what the bench makes."""
    return MadeMaterials(PlantedMaterials(*programs))
