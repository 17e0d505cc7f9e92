"""`clearinghouse patch` and `clearinghouse matrix`: how far a patch holds, and which reproducers one patch quiets, without any instance."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, progress, say, table

if TYPE_CHECKING:  # heavy: imported when a command runs
    from clearinghouse.disclosure.validation.matrix.records import Weighed
    from clearinghouse.disclosure.validation.matrix.running import Matrix

_SIGNS = {"same": "X same", "moved": "~ moved", "clean": "- clean", "flaky": "? flaky", "unknown": ". unknown"}
_COLUMN_CHARACTERS = 24


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(patch)
    app.command()(matrix)


def patch(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder with recipe.toml and its files: what the patch is tried on.")],
    diff: Annotated[Path, typer.Argument(help="The patch, a unified diff for `patch -p1`.")],
    by_model: Annotated[bool, typer.Option("--by-model", help="An AI model wrote it: it carries that label.")] = False,
    test_diff: Annotated[Path | None, typer.Option(help="A diff that adds a regression test; named together with --test.")] = None,
    test: Annotated[str, typer.Option(help="The command of that test, run in the folder of the build.")] = "",
    search_seconds: Annotated[float | None, typer.Option(min=0.1, max=3600, help="Length of the search for new crashes; as policy says by default.")] = None,
    json: Json = False,
) -> None:
    """Put a patch on the bench: rung after rung, and how high it came. Says what was seen, never that a flaw is fixed.

    Exits with 8 where a rung failed.
    """
    import dataclasses
    import shlex

    from clearinghouse.app.benching import bench_policy, bench_sandbox
    from clearinghouse.cli.validate import read_folder
    from clearinghouse.core.errors import Invalid
    from clearinghouse.disclosure.validation.patches.records import PatchUnderTest, RegressionTest, StepState
    from clearinghouse.disclosure.validation.patches.rules import REASON_WORDS, wording
    from clearinghouse.disclosure.validation.patches.running import PatchBench
    from clearinghouse.disclosure.validation.recipes.records import Supplier
    from clearinghouse.disclosure.validation.workshop import FolderMaterials, MadeMaterials, Workshop

    policy = bench_policy()
    search = policy.patches if search_seconds is None else dataclasses.replace(policy.patches, fuzz_seconds_max=search_seconds)
    if bool(test_diff) is not bool(test):
        raise Invalid("a regression test is a diff and a command: name both --test-diff and --test")
    recipe = read_folder(folder, policy.bench)
    made = MadeMaterials(FolderMaterials(folder, policy.bench.material_bytes_max))
    regression = RegressionTest(made.add(test_diff.read_bytes()), tuple(shlex.split(test))) if test_diff is not None else None
    tried = PatchUnderTest(made.add(diff.read_bytes()), Supplier.MODEL if by_model else Supplier.REPORTER, frozenset(), regression)
    with bench_sandbox(context_of(ctx).folder()) as sandbox, Workshop(sandbox, made, policy.bench) as workshop, progress(json) as bars:
        task = bars.add_task("starting", total=None)
        bench = PatchBench(
            workshop, made, search, policy.bench, policy.matrix,
            progress=lambda stage, done, total: bars.update(task, description=stage, completed=done, total=total),
        )
        climb = bench.climb(recipe, tried)
    if json:
        print_json(climb)
    else:
        shown = table("", "rung", "state", "tried", "held", "")
        for step in climb.steps:
            shown.add_row(
                step.rung.value, step.state.value, str(step.tried or ""), str(step.held or ""), REASON_WORDS[step.reason] if step.reason else ""
            )
        out.print(shown)
        out.print(wording(climb), markup=False)
        if climb.label:
            say(f"{climb.label}: a person who did not write it must answer for it")
    if any(step.state is StepState.FAILED for step in climb.steps):
        raise typer.Exit(8)


def matrix(
    ctx: typer.Context,
    folders: Annotated[list[Path], typer.Argument(help="Folders with recipes of one component; each is one report.")],
    patches: Annotated[list[Path] | None, typer.Option("--patch", help="A further patch, claimed for no report.")] = None,
    json: Json = False,
) -> None:
    """Run the reproducers of reports under each other's patches, and say which reports are one flaw and which are not.

    A report's own patches are those of its recipe's fixed build.
    """
    from clearinghouse.app.benching import bench_policy, bench_sandbox
    from clearinghouse.cli.validate import read_folder
    from clearinghouse.core.errors import Invalid
    from clearinghouse.disclosure.validation.matrix.rules import weigh
    from clearinghouse.disclosure.validation.matrix.running import Column, MatrixBench, Row
    from clearinghouse.disclosure.validation.recipes.records import BuildName
    from clearinghouse.disclosure.validation.workshop import FolderMaterials, JoinedMaterials, MadeMaterials, Workshop

    policy = bench_policy()
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        raise Invalid("two folders have the same name; a report is called by the name of its folder")
    rows = [Row(name, name, read_folder(folder, policy.bench)) for name, folder in zip(names, folders, strict=True)]
    if len({row.recipe.component for row in rows}) > 1:
        raise Invalid("these recipes are of several components; a matrix is of one: " + ", ".join(sorted({row.recipe.component for row in rows})))
    made = MadeMaterials(JoinedMaterials([FolderMaterials(folder, policy.bench.material_bytes_max) for folder in folders]))
    component = rows[0].recipe.component
    claimed: dict[str, set[str]] = {}
    for row in rows:
        fixed = row.recipe.builds.get(BuildName.FIXED)
        if fixed is not None and len(fixed.patches) == 1:
            claimed.setdefault(fixed.patches[0], set()).add(row.report)
    columns = [Column(f"fix of {', '.join(sorted(reports))}", digest, component, frozenset(reports)) for digest, reports in claimed.items()]
    columns += [Column(path.name, made.add(path.read_bytes()), component) for path in patches or ()]
    with bench_sandbox(context_of(ctx).folder()) as sandbox, Workshop(sandbox, made, policy.bench) as workshop, progress(json) as bars:
        task = bars.add_task("starting", total=None)
        bench = MatrixBench(
            workshop, made, policy.matrix, lambda stage, done, total: bars.update(task, description=stage, completed=done, total=total)
        )
        filled = bench.fill(rows, columns)
    weighed = weigh(filled.reproducers, filled.patches, filled.cells, policy=policy.matrix, coverage_share_min=policy.bench.coverage_share_min)
    if json:
        print_json({
            "cells": sorted(filled.cells.values(), key=lambda cell: (cell.reproducer, cell.patch)), "edges": weighed.edges,
            "groups": weighed.groups, "contradictions": weighed.contradictions,
            "guards": {name: list(standing.failures) for name, standing in weighed.standings.items()},
        })
    else:
        _show(filled, weighed)


def _show(filled: "Matrix", weighed: "Weighed") -> None:
    from clearinghouse.disclosure.validation.matrix.records import GUARD_WORDS

    cells: Mapping[tuple[str, str], object] = filled.cells
    columns = [column.id for column in filled.columns]
    shown = table("", "reproducer", *(name[:_COLUMN_CHARACTERS] for name in columns))
    for reproducer in filled.reproducers:
        found = [filled.cells.get((reproducer.id, column)) for column in columns]
        shown.add_row(reproducer.id, *("" if cell is None else _SIGNS[cell.state.value] for cell in found))
    out.print(shown)
    for name in columns:
        if failures := weighed.standings[name].failures:
            out.print(f"{name}: {'; '.join(GUARD_WORDS[guard] for guard in failures)}", markup=False)
    for edge in weighed.edges:
        out.print(f"{edge.strength.value:10}{edge.one} and {edge.other}", markup=False)
    for contradiction in weighed.contradictions:
        out.print(f"contradicted: {' and '.join(contradiction.different)} differ, and strong edges join them; nothing of it is joined", markup=False)
    out.print("flaws     " + " | ".join(" = ".join(group) for group in weighed.groups), markup=False)
    say(f"{len(cells)} cells; X fires as it did, ~ fires otherwise, - does nothing, ? not always, . could not be run")
