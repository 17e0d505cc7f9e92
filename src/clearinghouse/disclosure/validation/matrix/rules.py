"""From cells to edges and groups. Pure, and a function of the sets handed in: no order of arrival matters.

How to call it, from plain data::

    weigh(
        reproducers=[Reproducer("a1", report="A", component="pkg:generic/toy", kind="heap-buffer-overflow", frames=("copy", "parse"))],
        patches=[Patch("p", "pkg:generic/toy", claimed_for=frozenset({"A"}), tests_equal=True, benign_equal=True,
                       coverage_share=1.0, minimal=True)],
        cells={("a1", "p"): MatrixCell("a1", "p", CellState.CLEAN)},
        policy=policy.matrix, coverage_share_min=policy.bench.coverage_share_min,
    ).groups

A pair without a cell is unknown and proves nothing. `minimal` is True for a patch with one run of changed lines
(`splitting.Diff.parts` == 1); `running.take_apart` finds it out for the others and adds what it cut out as patches with `part_of`.

What two reports A and B of one component and class amount to:

1. STRONG: a patch of A and a patch of B, which may be one patch claimed for both, quiet every stable reproducer of both and pass
   every guard. One patch for both must leave something else of the component firing, or it tells nothing apart.
2. MEDIUM: a patch of one quiets something of the other and is not set aside, and no strong edge was found.
3. DIFFERENT: a patch of A quiets all of A, and every stable reproducer of B is as it was. Not from a patch that is set aside,
   written by a model, cut out by the bench, or known to leave variants; not from one that stops a part of what a patch that joins the two
   stops, where they crash in different places (a partial fix); not where another patch moves B's crash to A's frames:
   B holds A behind another flaw.
4. WEAK: similar stacks, one moved to the other's frames, or a security and another kind of crash that one patch stops.

Flaky and unknown cells are no support for 1 and 3. Groups are chains of strong edges; where two ends of a chain are different,
the edges between the ends join nothing and the contradiction is shown.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from clearinghouse.core.policy import MatrixPolicy
from clearinghouse.core.stacks import crash_kind, stack_similarity
from clearinghouse.disclosure.deconfliction.execution.records import Strength
from clearinghouse.disclosure.deconfliction.execution.rules import contradictions, labels
from clearinghouse.disclosure.validation.matrix.records import (
    Cells,
    CellState,
    Contradiction,
    Edge,
    Guard,
    Patch,
    Reproducer,
    Standing,
    Weighed,
)
from clearinghouse.disclosure.validation.observing.records import Observation, Outcome
from clearinghouse.disclosure.validation.observing.rules import ran_out_of_stack
from clearinghouse.disclosure.validation.recipes.records import Supplier

_FAILURES = frozenset({
    "abort", "divide by zero", "out of memory", "timeout", "stack overflow", "allocation size too big", "calloc overflow", "detected memory leaks",
    "memory leak", "leak", "integer overflow", "signed integer overflow", "unsigned integer overflow", "shift exponent", "undefined behavior",
})
"""Kinds of crash, as `crash_kind` spells them, that end a program and by themselves give nobody anything more."""
_BROKEN = frozenset({Guard.BUILD, Guard.TESTS, Guard.BENIGN, Guard.COVERAGE})
_BREACHES = frozenset({Outcome.CRASH_SANITIZER, Outcome.CRASH_SIGNAL, Outcome.MARKER})


def is_security(outcome: Outcome, kind: str) -> bool:
    """Whether what a reproducer does is a breach rather than a failure; the two are never joined by execution."""
    return outcome in _BREACHES and crash_kind(kind) not in _FAILURES


def state(before: Observation, after: Observation, *, flaky: bool, policy: MatrixPolicy) -> CellState:
    """What a reproducer does under a patch, from what it was seen to do without and with it.

    Args:
        flaky: whether either cell is.
    """
    if flaky or Outcome.FLAKY in (before.outcome, after.outcome):
        return CellState.FLAKY
    if after.outcome is Outcome.CLEAN:
        return CellState.CLEAN
    if not after.outcome.is_effect:
        return CellState.UNKNOWN
    if after.outcome is not before.outcome or crash_kind(after.kind) != crash_kind(before.kind):
        return CellState.MOVED
    if ran_out_of_stack(before):
        return CellState.SAME
    if not before.frames or not after.frames:
        return CellState.SAME if before.frames == after.frames else CellState.MOVED
    alike = stack_similarity(before.frames, after.frames) >= policy.same_similarity_min
    return CellState.SAME if alike and before.frames[0] == after.frames[0] else CellState.MOVED


def missing(reproducers: Iterable[Reproducer], patches: Iterable[Patch], cells: Cells) -> list[tuple[str, str]]:
    """Pairs of one component that nobody ran yet, sorted: never a pair across components."""
    of = defaultdict[str, list[str]](list)
    for patch in patches:
        of[patch.component].append(patch.id)
    return sorted((one.id, patch) for one in reproducers for patch in of[one.component] if (one.id, patch) not in cells)


def weigh(
    reproducers: Iterable[Reproducer], patches: Iterable[Patch], cells: Cells, policy: MatrixPolicy, *, coverage_share_min: float,
    apart: Iterable[tuple[str, str]] = (),
) -> Weighed:
    """What execution says of the reports that the reproducers were sent for, component by component.

    Args:
        apart: reports that are known to be two flaws whatever execution says; they count when a patch is looked at for stopping too many.
    """
    known_apart = frozenset(frozenset(pair) for pair in apart)
    rows, columns = defaultdict[str, list[Reproducer]](list), defaultdict[str, list[Patch]](list)
    for reproducer in sorted(reproducers, key=lambda one: one.id):
        rows[reproducer.component].append(reproducer)
    for patch in sorted(patches, key=lambda one: one.id):
        columns[patch.component].append(patch)
    edges: list[Edge] = []
    standings: dict[str, Standing] = {}
    for component, known in sorted(rows.items()):
        bench = _Bench(component, known, columns[component], cells, policy, coverage_share_min, known_apart)
        standings |= bench.standings
        edges += bench.edges()
    edges.sort(key=lambda edge: (edge.one, edge.other, edge.strength, edge.component))
    groups, contradictions = group({one.report for known in rows.values() for one in known}, edges)
    return Weighed(tuple(edges), groups, contradictions, standings)


def group(reports: Iterable[str], edges: Sequence[Edge]) -> tuple[tuple[tuple[str, ...], ...], tuple[Contradiction, ...]]:
    """Reports in groups by strong edges, and where strong edges lead from a report to one that is different from it."""
    strong = {(edge.one, edge.other) for edge in edges if edge.strength is Strength.STRONG}
    different = {(edge.one, edge.other) for edge in edges if edge.strength is Strength.DIFFERENT}
    found = contradictions(strong, different)
    label = labels(strong - {pair for _, between in found for pair in between})
    gathered = defaultdict[str, list[str]](list)
    for report in sorted(reports):
        gathered[label.get(report, report)].append(report)
    shown = tuple(
        Contradiction(tuple(sorted({end for pair in between for end in pair})), tuple(between), apart) for apart, between in found
    )
    return tuple(sorted(tuple(members) for members in gathered.values())), shown


@dataclass(slots=True)
class _Direction:
    """What the patches of one report do to another."""

    joins: list[str]
    """Patches that pass every guard and quiet all of both."""
    proposes: list[tuple[str, tuple[Guard, ...]]]
    separates: list[str]
    """Patches that quiet all of one and leave the other as it was."""


class _Bench:
    """One component's matrix."""

    def __init__(
        self, component: str, reproducers: Sequence[Reproducer], patches: Sequence[Patch], cells: Cells, policy: MatrixPolicy,
        coverage_share_min: float, apart: frozenset[frozenset[str]],
    ) -> None:
        self.component, self.policy, self.cells = component, policy, cells
        self.coverage_share_min, self.apart = coverage_share_min, apart
        self.reproducers = {one.id: one for one in reproducers}
        self.patches = {one.id: one for one in patches}
        self.rows: dict[str, list[str]] = {}
        """Reproducers of each report; the unstable ones are not among them."""
        self.security: dict[str, bool] = {}
        for one in reproducers:
            self.rows.setdefault(one.report, [])
            if one.stable:
                self.rows[one.report].append(one.id)
            self.security[one.report] = self.security.get(one.report, False) or one.security
        self.own: dict[str, list[str]] = {report: [] for report in self.rows}
        for patch in patches:
            for report in patch.claimed_for & self.rows.keys():
                self.own[report].append(patch.id)
        stable = [one for ids in self.rows.values() for one in ids]
        self.stops = {
            patch: frozenset(one for one in stable if self._state(one, patch) is CellState.CLEAN) for patch in self.patches
        }
        self.standings = self._standings()

    def _state(self, reproducer: str, patch: str) -> CellState:
        cell = self.cells.get((reproducer, patch))
        return CellState.UNKNOWN if cell is None else cell.state

    # ------------------------------------------------------------------ guards

    def _standings(self) -> dict[str, Standing]:
        plain = {column: self._plain_failures(patch) for column, patch in self.patches.items()}
        parts = [column for column, failures in plain.items() if self._may_be_part(self.patches[column], failures)]
        distinct = self._distinct({column for column in parts if not self.patches[column].part_of})
        found = {}
        for column in self.patches:
            failures = set(plain[column])
            if self._composite(column, parts):
                failures.add(Guard.COMPOSITE)
            if self._promiscuous(column, distinct):
                failures.add(Guard.PROMISCUOUS)
            found[column] = Standing(column, tuple(guard for guard in Guard if guard in failures), self.stops[column])
        return found

    def _plain_failures(self, patch: Patch) -> set[Guard]:
        """Guards that need no look at other patches."""
        failures = set()
        if not patch.builds:
            failures.add(Guard.BUILD)
        if any(not self._quiets(patch.id, report) for report in patch.claimed_for & self.rows.keys()):
            failures.add(Guard.OWN)
        if patch.tests_equal is False:
            failures.add(Guard.TESTS)
        if patch.benign_equal is False:
            failures.add(Guard.BENIGN)
        if patch.coverage_share is not None and patch.coverage_share < self.coverage_share_min:
            failures.add(Guard.COVERAGE)
        if patch.coverage_share is None or (patch.tests_equal is None and patch.benign_equal is None):
            failures.add(Guard.UNMEASURED)
        if not patch.minimal:
            failures.add(Guard.UNSPLIT)
        if patch.supplier is Supplier.MODEL:
            failures.add(Guard.MODEL)
        return failures

    def _may_be_part(self, patch: Patch, failures: set[Guard]) -> bool:
        """Whether what a patch stops counts when another is looked at for being several: a known partial fix is not one flaw's."""
        if not failures.isdisjoint(_BROKEN) or patch.variants_quiet is False or not self.stops[patch.id]:
            return False
        claimed = patch.claimed_for & self.rows.keys()
        return not claimed or any(self._quiets(patch.id, report) for report in claimed)

    def _composite(self, column: str, parts: Sequence[str]) -> bool:
        # Looser than "is a union of": an input that holds two flaws, or a flaw nobody else patched, must not hide a release.
        # A part that was cut from it counts too: that is what cutting is for.
        inside = [self.stops[part] for part in parts if part != column and self.stops[part] < self.stops[column]]
        return any(one.isdisjoint(other) for one, other in combinations(set(inside), 2))

    def _distinct(self, parts: set[str]) -> dict[frozenset[str], str]:
        """Pairs of reports that one patch tells apart, with that patch where it is only one."""
        found: dict[frozenset[str], str] = {}
        for report, other in combinations(sorted(self.rows), 2):
            by = {column for one, two in ((report, other), (other, report)) for column in self.own[one] if column in parts and self._separates(column, one, two)}
            pair = frozenset((report, other))
            if by or pair in self.apart:
                found[pair] = next(iter(by)) if len(by) == 1 and pair not in self.apart else ""
        return found

    def _promiscuous(self, column: str, distinct: Mapping[frozenset[str], str]) -> bool:
        chosen: list[str] = []
        for report in sorted(self.rows):
            if self.rows[report] and all(distinct.get(frozenset((report, one)), column) != column for one in chosen):
                chosen.append(report)
        if len(chosen) < self.policy.promiscuous_findings_min:
            return False
        stopped = sum(all(one in self.stops[column] for one in self.rows[report]) for report in chosen)
        return stopped > self.policy.promiscuous_share_max * len(chosen)

    def _tells_apart(self, column: str, one: str, other: str) -> bool:
        """Whether something of a third report still fires under a patch."""
        return any(
            self._state(reproducer, column) in (CellState.SAME, CellState.MOVED)
            for report, ids in self.rows.items() if report not in (one, other) for reproducer in ids
        )

    def _quiets(self, column: str, report: str) -> bool:
        """Whether a patch quiets all there is of a report, and there is something."""
        return bool(self.rows[report]) and self.stops[column].issuperset(self.rows[report])

    # ------------------------------------------------------------------- edges

    def edges(self) -> list[Edge]:
        """What there is to say of every two reports."""
        found: list[Edge] = []
        for one, other in combinations(sorted(self.rows), 2):
            found += self._pair(one, other)
        return found

    def _pair(self, one: str, other: str) -> list[Edge]:
        if not self.rows[one] or not self.rows[other]:
            return self._weak(one, other, ())
        there, back = self._direction(one, other), self._direction(other, one)
        separating = sorted({*there.separates, *back.separates})
        found = [self._edge(one, other, Strength.DIFFERENT, separating)] if separating else []
        stopping = sorted({*there.joins, *back.joins, *(column for column, _ in (*there.proposes, *back.proposes))})
        if self.security[one] != self.security[other]:
            return [*found, *self._weak(one, other, stopping)]
        # One patch for both is one word for both: it must be seen to leave something else firing.
        telling = [column for column in {*there.joins, *back.joins} if self._tells_apart(column, one, other)]
        shared = set(there.joins) & set(back.joins)
        if there.joins and back.joins and (len({*there.joins, *back.joins}) > 1 or shared.intersection(telling)):
            joining = sorted({*there.joins, *back.joins})
            whole = [column for column in separating if not self._is_partial(column, one, other, joining)]
            found = [self._edge(one, other, Strength.DIFFERENT, whole)] if whole else []
            return [*found, self._edge(one, other, Strength.STRONG, joining)]
        if stopping:
            guards = {guard for _, failures in (*there.proposes, *back.proposes) for guard in failures}
            if shared:
                guards.add(Guard.INDISCRIMINATE)
            return [*found, self._edge(one, other, Strength.MEDIUM, stopping, tuple(guard for guard in Guard if guard in guards))]
        return [*found, *self._weak(one, other, ())]

    def _is_partial(self, column: str, one: str, other: str, joining: Sequence[str]) -> bool:
        """Whether a patch is seen to remedy only a part of what another remedies whole.

        The other quiets both reports by one change, passes every guard, and stops all that this one stops and more; and the two crash in
        different places. In one and the same place that proves nothing: a check put where two flaws meet does the same.
        """
        places = [{self.reproducers[each].frames[:1] for each in self.rows[report]} for report in (one, other)]
        return places[0].isdisjoint(places[1]) and any(self.stops[column] < self.stops[whole] for whole in joining)

    def _direction(self, one: str, other: str) -> _Direction:
        """What the patches of `one` do to `other`."""
        found = _Direction([], [], [])
        for column in self.own[one]:
            standing = self.standings[column]
            if standing.set_aside or not self._quiets(column, one):
                continue
            if standing.joins and self._quiets(column, other):
                found.joins.append(column)
            elif not standing.stops.isdisjoint(self.rows[other]):
                found.proposes.append((column, standing.failures))
            if self._separates(column, one, other):
                found.separates.append(column)
        return found

    def _separates(self, column: str, one: str, other: str) -> bool:
        """Whether a patch quiets all of one report and leaves all of the other as it was."""
        patch = self.patches[column]
        if patch.supplier is Supplier.MODEL or patch.part_of or patch.variants_quiet is False:
            return False
        theirs = self.rows[other]
        return (
            bool(theirs) and self._quiets(column, one)
            and all(self._state(reproducer, column) is CellState.SAME for reproducer in theirs)
            and not any(self._hides(reproducer, one) for reproducer in theirs)
        )

    def _hides(self, reproducer: str, report: str) -> bool:
        """Whether a report's crash was seen behind a reproducer's own, once a patch took that away.

        Patches that may be several fixes in one do not count: what they uncover must not take a difference back.
        """
        return any(
            cell.state is CellState.MOVED and self._like(cell.kind, cell.frames, report) >= self.policy.stack_similarity_min
            for column, patch in self.patches.items()
            if patch.minimal and not patch.part_of and (cell := self.cells.get((reproducer, column))) is not None
        )

    def _like(self, kind: str, frames: tuple[str, ...], report: str) -> float:
        """How much a crash is like those of a report."""
        return max(
            (stack_similarity(frames, self.reproducers[one].frames) for one in self.rows[report]
             if crash_kind(kind) == crash_kind(self.reproducers[one].kind)), default=0.0,
        )

    def _weak(self, one: str, other: str, stopping: Sequence[str]) -> list[Edge]:
        similarity = max(
            (stack_similarity(self.reproducers[a].frames, self.reproducers[b].frames) for a in self.rows[one] for b in self.rows[other]),
            default=0.0,
        )
        moved = sorted(
            (reproducer, column)
            for ours, theirs in ((one, other), (other, one))
            for reproducer in self.rows[ours]
            for column in self.patches
            if (cell := self.cells.get((reproducer, column))) is not None and cell.state is CellState.MOVED
            and self._like(cell.kind, cell.frames, theirs) >= self.policy.stack_similarity_min
        )
        if similarity < self.policy.stack_similarity_min and not moved and not stopping:
            return []
        patches = sorted({*stopping, *(column for _, column in moved)})
        shown = {*moved, *((reproducer, column) for column in stopping for reproducer in (*self.rows[one], *self.rows[other]))}
        return [Edge(one, other, Strength.WEAK, self.component, tuple(patches), tuple(sorted(shown)), (), round(similarity, 6))]

    def _edge(self, one: str, other: str, strength: Strength, patches: Sequence[str], guards: tuple[Guard, ...] = ()) -> Edge:
        cells = sorted(
            (reproducer, column) for column in patches for reproducer in (*self.rows[one], *self.rows[other]) if (reproducer, column) in self.cells
        )
        return Edge(one, other, strength, self.component, tuple(patches), tuple(cells), guards)
