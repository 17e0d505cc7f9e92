"""Fills a component's matrix through the workshop: what is missing, and nothing twice.

Every build and every cell has a key over its content, so the workshop's cache answers for what was run before, whoever asks.
A patch goes on top of a reproducer's own vulnerable build: sources, driver and flags stay the same on both sides.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from clearinghouse.core.policy import MatrixPolicy
from clearinghouse.disclosure.validation.matrix import rules
from clearinghouse.disclosure.validation.matrix.records import Cells, CellState, MatrixCell, Patch, Reproducer
from clearinghouse.disclosure.validation.matrix.splitting import Part, parse_diff, reduce_parts
from clearinghouse.disclosure.validation.observing.records import Cell, Observation, Outcome
from clearinghouse.disclosure.validation.recipes.records import BuildName, BuildPlan, Recipe, Supplier
from clearinghouse.disclosure.validation.workshop import Build, MadeMaterials
from clearinghouse.sandbox.base import Ending, Ran

Progress = Callable[[str, int, int], None]
"""Told the stage, how much is done and of how much."""


class Shop(Protocol):
    """What of a workshop the matrix needs."""

    def build(self, recipe: Recipe, plan: BuildPlan) -> Build:
        """Sources and patches, built."""
        ...

    def observe(self, recipe: Recipe, build: Build, input_digest: str) -> Cell:
        """An input on a build, run several times."""
        ...

    def output(self, recipe: Recipe, build: Build, input_digest: str) -> tuple[Observation, bytes]:
        """One run of an input, and what it wrote to standard output."""
        ...

    def coverage(self, recipe: Recipe, build: Build) -> int | None:
        """What benign inputs reach together."""
        ...

    def run_tests(self, recipe: Recipe, build: Build) -> tuple[Ran, ...]:
        """The project's own tests on a build."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """A reproducer that can be run: its recipe says on what and how."""

    id: str
    report: str
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class Column:
    """A patch that can be applied."""

    id: str
    digest: str
    """`sha256:HEX` of the unified diff, applied with `patch -p1` on top of the vulnerable build."""
    component: str
    claimed_for: frozenset[str] = frozenset()
    supplier: Supplier = Supplier.PROJECT
    part_of: str = ""
    minimal: bool | None = None
    """Known of a part that the bench cut out; else None."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a patch changes of one recipe beside its reproducer."""

    builds: bool
    stage: str = "built"
    """Where the build ended."""
    tests_equal: bool | None = None
    benign_equal: bool | None = None
    coverage_share: float | None = None


@dataclass(frozen=True, slots=True)
class Matrix:
    """One component's matrix as far as it was run."""

    reproducers: tuple[Reproducer, ...]
    patches: tuple[Patch, ...]
    cells: Cells
    columns: tuple[Column, ...]
    """Patches as they were handed in, and the parts that were cut out of them."""


class TooManyBuilds(Exception):
    """Trying a patch in parts took all the builds it may."""


class MatrixBench:
    """Runs what a matrix needs."""

    def __init__(self, workshop: Shop, made: MadeMaterials, policy: MatrixPolicy, progress: Progress = lambda stage, done, total: None) -> None:
        """Work with a workshop.

        Args:
            made: what the workshop reads its materials from.
        """
        self._workshop, self._made, self._policy, self._progress = workshop, made, policy, progress

    def fill(
        self, rows: Iterable[Row], columns: Iterable[Column], known: Cells | None = None, measured: Mapping[str, Patch] | None = None
    ) -> Matrix:
        """The matrix of some rows and columns, those of one component against each other alone.

        Called again with one row or column more it runs that row or column.

        Args:
            known: cells that were kept; they are not asked for again.
            measured: patches that were measured, and tried in parts, before; a part needs no entry.
        Raises:
            NotFound: bytes that a recipe names, or a diff, are missing.
            Stopped: we were asked to stop; what was done is in the workshop's cache.
        """
        rows, asked = sorted(rows, key=lambda row: row.id), sorted(columns, key=lambda column: column.id)
        patches: dict[str, Patch] = {}
        complete: list[Column] = []
        for number, column in enumerate(asked):
            self._progress("patches", number, len(asked))
            mine = [row for row in rows if row.recipe.component == column.component]
            before = (measured or {}).get(column.id)
            minimal, parts = (before.minimal, ()) if before is not None else self.take_apart(column, mine)
            for each in (column, *parts):
                complete.append(each)
                if before is None or each is not column:
                    patches[each.id] = self.patch(each, mine, minimal if each is column else each.minimal)
                else:
                    patches[each.id] = replace(before, claimed_for=column.claimed_for)
        reproducers = [self.reproducer(row) for row in rows]
        cells = dict(known or {})
        by_row, by_column = {row.id: row for row in rows}, {column.id: column for column in complete}
        wanted = rules.missing(reproducers, patches.values(), cells)
        for number, (row, column_id) in enumerate(wanted):
            self._progress("cells", number, len(wanted))
            cells[row, column_id] = self.cell(by_row[row], by_column[column_id])
        self._progress("cells", len(wanted), len(wanted))
        return Matrix(tuple(reproducers), tuple(patches[column.id] for column in complete), cells, tuple(complete))

    def reproducer(self, row: Row) -> Reproducer:
        """What a reproducer does without a patch."""
        build = self._workshop.build(row.recipe, row.recipe.builds[BuildName.VULNERABLE])
        if not build.ok:
            return Reproducer(row.id, row.report, row.recipe.component, stable=False)
        cell = self._workshop.observe(row.recipe, build, row.recipe.reproducer)
        seen = cell.agreed
        return Reproducer(
            row.id, row.report, row.recipe.component, seen.kind, seen.frames, cell.outcome.is_effect and cell.outcome is not Outcome.FLAKY,
            rules.is_security(seen.outcome, seen.kind),
        )

    def cell(self, row: Row, column: Column) -> MatrixCell:
        """What a reproducer does under a patch."""
        before = self._workshop.build(row.recipe, row.recipe.builds[BuildName.VULNERABLE])
        after = self._patched(row.recipe, column.digest)
        if not before.ok or not after.ok:
            return MatrixCell(row.id, column.id, CellState.UNKNOWN)
        was, now = self._observed(row, before), self._observed(row, after)
        flaky = Outcome.FLAKY in (was.outcome, now.outcome)
        found = rules.state(was.agreed, now.agreed, flaky=flaky, policy=self._policy)
        seen = now.agreed
        fires = found in (CellState.SAME, CellState.MOVED)
        return MatrixCell(row.id, column.id, found, seen.kind if fires else "", seen.frames if fires else (), now.key)

    def patch(self, column: Column, rows: Sequence[Row], minimal: bool | None = None) -> Patch:
        """What a patch changes beside reproducers, at its worst over the recipes of its component."""
        # A recipe that does not build without the patch says nothing of the patch.
        measured = [
            self.measure(column, recipe) for recipe in _different(rows)
            if self._workshop.build(recipe, recipe.builds[BuildName.VULNERABLE]).ok
        ]
        shares = [one.coverage_share for one in measured if one.coverage_share is not None]
        return Patch(
            column.id, column.component, column.claimed_for, column.supplier, bool(measured) and all(one.builds for one in measured),
            _together(one.tests_equal for one in measured), _together(one.benign_equal for one in measured),
            min(shares, default=None), minimal, None, column.part_of,
        )

    def measure(self, column: Column, recipe: Recipe) -> Measured:
        """What a patch changes of one recipe beside its reproducer: tests, benign inputs with their output, how far those reach."""
        before, after = self._workshop.build(recipe, recipe.builds[BuildName.VULNERABLE]), self._patched(recipe, column.digest)
        if not before.ok or not after.ok:
            return Measured(False, after.stage if before.ok else before.stage)
        reached, reaches = self._workshop.coverage(recipe, before), self._workshop.coverage(recipe, after)
        return Measured(
            True, after.stage, self._tests_equal(recipe, before, after), benign_equal(self._workshop, recipe, before, after),
            reaches / reached if reached and reaches is not None else None,
        )

    def take_apart(self, column: Column, rows: Sequence[Row]) -> tuple[bool | None, tuple[Column, ...]]:
        """Whether no part of a patch alone quiets any one report it is claimed for, and the parts that do so and what is left without each.

        None where that was not found out: it is claimed for nothing that is here, has too many parts, or takes too many builds.
        """
        diff = parse_diff(self._made.read(column.digest))
        parts = diff.parts(self._policy.split_parts_max)
        claimed = sorted({row.report for row in rows} & column.claimed_for)
        if not parts or not claimed:
            return None, ()
        if len(parts) == 1:
            return True, ()
        left = self._policy.split_builds_max
        tried: dict[tuple[str, tuple[Part, ...]], bool] = {}
        built: set[tuple[Part, ...]] = set()

        def quiets(report: str, chosen: tuple[Part, ...]) -> bool:
            nonlocal left
            if (report, chosen) not in tried:
                if chosen not in built:
                    if left == 0:
                        raise TooManyBuilds
                    built.add(chosen)
                    left -= 1
                digest = self._made.add(diff.render(chosen))
                mine = [row for row in rows if row.report == report]
                tried[report, chosen] = all(self._quiet(row, digest) for row in mine)
            return tried[report, chosen]

        cores: dict[tuple[Part, ...], set[str]] = {}
        try:
            for report in claimed:
                if quiets(report, parts):
                    def enough(chosen: tuple[Part, ...], report: str = report) -> bool:
                        return quiets(report, chosen)

                    cores.setdefault(reduce_parts(parts, enough), set()).add(report)
        except TooManyBuilds:
            return None, ()
        if not cores:
            return None, ()
        if set(cores) == {parts}:
            return True, ()
        found: dict[str, Column] = {}
        for core, reports in sorted(cores.items()):
            if core != parts:
                self._add_part(found, column, diff.render(core), frozenset(reports), minimal=True)
                rest = tuple(part for part in parts if part not in core)
                self._add_part(found, column, diff.render(rest), frozenset(), minimal=None)
        return False, tuple(found.values())

    def _add_part(self, found: dict[str, Column], column: Column, diff: bytes, claimed: frozenset[str], *, minimal: bool | None) -> None:
        digest = self._made.add(diff)
        name = f"{column.id}/{digest.removeprefix('sha256:')[:12]}"
        before = found.get(name)
        # What is left without one part may be another: then it is that one.
        if before is None or (minimal and not before.minimal):
            found[name] = Column(name, digest, column.component, claimed, column.supplier, column.id, minimal)

    def _quiet(self, row: Row, digest: str) -> bool:
        build = self._patched(row.recipe, digest)
        return build.ok and self._observed(row, build).outcome is Outcome.CLEAN

    def _observed(self, row: Row, build: Build) -> Cell:
        return self._workshop.observe(row.recipe, build, row.recipe.reproducer)

    def _patched(self, recipe: Recipe, digest: str) -> Build:
        return self._workshop.build(recipe, patched(recipe, digest))

    def _tests_equal(self, recipe: Recipe, before: Build, after: Build) -> bool | None:
        if not recipe.tests:
            return None
        was, now = self._workshop.run_tests(recipe, before), self._workshop.run_tests(recipe, after)
        if any(ran.ending is Ending.NO_RUN for ran in (*was, *now)):
            return None
        if not any(ran.ending is Ending.EXITED and ran.exit_code == 0 for ran in was):
            return None
        return results_of(was) == results_of(now)


def patched(recipe: Recipe, digest: str) -> BuildPlan:
    """The vulnerable build of a recipe with a patch on top."""
    plan = recipe.builds[BuildName.VULNERABLE]
    return replace(plan, patches=(*plan.patches, digest))


def results_of(ran: Sequence[Ran]) -> tuple[tuple[Ending, int | None], ...]:
    """How tests ended."""
    return tuple((one.ending, one.exit_code) for one in ran)


def benign_equal(workshop: Shop, recipe: Recipe, before: Build, after: Build) -> bool | None:
    """Whether benign inputs end alike on two builds, with the same standard output; None where there are none.

    What an input prints otherwise from run to run of one build is not held against the other.
    """
    if not recipe.benign:
        return None
    for digest in recipe.benign:
        was, said = workshop.output(recipe, before, digest)
        now, says = workshop.output(recipe, after, digest)
        if was.outcome is not now.outcome:
            return False
        if said != says and workshop.output(recipe, before, digest)[1] == said:
            return False
    return True


def _different(rows: Iterable[Row]) -> list[Recipe]:
    """Of the recipes of rows, one for each that measures something else."""
    found: dict[object, Recipe] = {}
    for row in rows:
        recipe = row.recipe
        key = (recipe.builds[BuildName.VULNERABLE], recipe.build_steps, recipe.harness, recipe.sanitizer, recipe.benign, recipe.tests)
        found.setdefault(key, recipe)
    return list(found.values())


def _together(said: Iterable[bool | None]) -> bool | None:
    """False where one says so, True where none does and one says that, else None."""
    known = [one for one in said if one is not None]
    return all(known) if known else None

