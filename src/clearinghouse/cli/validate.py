"""`clearinghouse validate` and `clearinghouse recipe`: run a recipe from a folder, without any instance; check and pin one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, progress, say, table, untrusted
from clearinghouse.core.untrusted import clean_text

if TYPE_CHECKING:  # heavy: imported when a command runs
    from clearinghouse.core.policy import BenchPolicy
    from clearinghouse.disclosure.validation.judging import Assessment
    from clearinghouse.disclosure.validation.recipes.records import Recipe

recipes = typer.Typer(help="Recipes of the validation bench: check one, pin its files by digest, print the format's schema.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="Folder with recipe.toml and, beside it, every file that it names by digest.")]
_FRAMES_SHOWN = 6
_LOG_CHARACTERS = 4_000


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(validate)
    app.add_typer(recipes, name="recipe")


def validate(
    ctx: typer.Context, folder: Folder,
    runs: Annotated[int | None, typer.Option(min=1, max=200, help="Runs of each input; as policy says by default.")] = None,
    statement: Annotated[Path | None, typer.Option(help="Write the evidence here, as an unsigned in-toto statement.")] = None,
    log: Annotated[bool, typer.Option("--log", help="Print the log of the reproducer on the vulnerable build.")] = False,
    json: Json = False,
) -> None:
    """Run a recipe in the sandbox and say what it showed. Needs no instance; nothing is kept but what you ask for.

    Exits with 0 where it is validated or reproduced, with 8 where it is not.
    """
    import dataclasses

    from clearinghouse.app.benching import bench_policy, bench_sandbox
    from clearinghouse.disclosure.validation.judging import assess
    from clearinghouse.disclosure.validation.workshop import FolderMaterials, Workshop

    policy = bench_policy().bench
    if runs is not None:
        policy = dataclasses.replace(policy, runs=runs)
    recipe = read_folder(folder, policy)
    materials = FolderMaterials(folder, policy.material_bytes_max)
    with bench_sandbox(context_of(ctx).folder()) as sandbox, Workshop(sandbox, materials, policy) as workshop, progress(json) as bars:
        task = bars.add_task("starting", total=None)
        found = assess(
            workshop, recipe, policy, lambda stage, done, total: bars.update(task, description=stage, completed=done, total=total)
        )
    document = _statement(recipe, found)
    if statement is not None:
        statement.write_bytes(document)
    if json:
        import json as reading

        print_json(reading.loads(document)["predicate"]["clearinghouse"])
    else:
        _show(recipe, found, log)
        if statement is not None:
            say(f"evidence written to {statement}; an instance signs what its own bench saw")
    if not found.verdict.confirms:
        raise typer.Exit(8)


@recipes.command()
def check(folder: Folder) -> None:
    """Read a recipe and say what it would build and run, and which files are missing; runs nothing."""
    from clearinghouse.app.benching import bench_policy
    from clearinghouse.core.errors import Invalid
    from clearinghouse.disclosure.validation.judging import trust_tier
    from clearinghouse.disclosure.validation.recipes.document import named_digests
    from clearinghouse.disclosure.validation.workshop import FolderMaterials

    policy = bench_policy().bench
    recipe = read_folder(folder, policy)
    names = FolderMaterials(folder, policy.material_bytes_max).names()
    missing = [digest for digest in named_digests(recipe) if digest not in names]
    out.print(f"recipe     {recipe.digest}", markup=False)
    out.print("title     ", untrusted(recipe.title))
    out.print("component ", untrusted(f"{recipe.component} ({recipe.language.value})"))
    out.print(f"builds     {', '.join(name.value for name in recipe.builds)}", markup=False)
    out.print(f"evidence   {trust_tier(recipe).value} at most", markup=False)
    if missing:
        raise Invalid(f"{len(missing)} files are not beside the recipe: {', '.join(missing[:5])}")
    say("every file that it names is there; next: clearinghouse validate " + str(folder))


@recipes.command()
def pin(
    draft: Annotated[Path, typer.Argument(help="A recipe in which files are named as `file:NAME`, by their path from its folder.")],
    to: Annotated[Path | None, typer.Option(help="Where the recipe goes; recipe.toml beside the draft by default.")] = None,
) -> None:
    """Write a recipe from a draft: every `file:NAME` becomes the digest of that file."""
    from clearinghouse.app.benching import bench_policy
    from clearinghouse.disclosure.validation.recipes.document import FILE_NAME, pin_document, read_recipe

    policy = bench_policy().bench
    folder = draft.parent
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size <= policy.material_bytes_max
    }
    pinned = pin_document(draft.read_text("utf-8"), files)
    recipe = read_recipe(pinned.encode(), policy)
    place = to or folder / FILE_NAME
    place.write_text(pinned, "utf-8")
    say(f"{place} is recipe {recipe.digest}; next: clearinghouse validate {place.parent}")


@recipes.command()
def example(folder: Annotated[Path, typer.Argument(help="A new folder.")]) -> None:
    """Write an example: a small made-up program with a planted flaw, its fix and its recipe, ready to be run."""
    from clearinghouse.core.errors import Conflict
    from clearinghouse.disclosure.validation.recipes.document import FILE_NAME, example_files, pin_document

    if folder.exists():
        raise Conflict(f"{folder} exists; name a folder that does not")
    folder.mkdir(parents=True)
    files = example_files()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / FILE_NAME).write_text(pin_document(files["draft.toml"].decode(), files), "utf-8")
    say(f"written; next: clearinghouse validate {folder}")


@recipes.command()
def schema() -> None:
    """The JSON Schema of the format."""
    from clearinghouse.disclosure.validation.recipes.document import schema_document

    print_json(schema_document())


def read_folder(folder: Path, policy: "BenchPolicy") -> "Recipe":
    """The recipe of a folder.

    Raises:
        NotFound: there is none.
        Invalid: it cannot be used.
    """
    from clearinghouse.core.errors import NotFound
    from clearinghouse.disclosure.validation.recipes.document import FILE_NAME, read_recipe

    place = folder / FILE_NAME
    if not place.is_file():
        raise NotFound(f"there is no {FILE_NAME} in {folder}; `clearinghouse recipe pin DRAFT` makes one")
    return read_recipe(place.read_bytes(), policy)


def _statement(recipe: "Recipe", found: "Assessment") -> bytes:
    import rfc8785

    from clearinghouse.core.clock import SystemClock
    from clearinghouse.disclosure.validation.evidence import statement_of

    return rfc8785.dumps(statement_of(recipe, found, validator="", about=(), now=SystemClock().now()))


def _show(recipe: "Recipe", found: "Assessment", log: bool) -> None:
    from clearinghouse.disclosure.validation.recipes.records import BuildName

    out.print(untrusted(recipe.title, style="bold"))
    out.print(f"verdict   {found.verdict.value}   (trust tier {found.tier.value}, {found.level.kind} {found.level.version})", markup=False)
    for reason in found.reasons:
        out.print(f"          {reason}", markup=False)
    shown = table("", "build", "ended", "reproducer", "runs", "shows", "in")
    for name, build in found.observed.builds.items():
        cell = found.observed.reproducer.get(name)
        if cell is None:
            shown.add_row(name.value, build.stage, "", "", "", "")
            continue
        run = cell.agreed
        times, of = cell.counts
        shown.add_row(
            name.value, build.stage, cell.outcome.value, f"{times}/{of}", untrusted(" ".join((run.kind, run.access)), 60),
            untrusted(" < ".join(run.frames[:_FRAMES_SHOWN]), 120),
        )
    out.print(shown)
    controls = table("", "control", "state", "")
    for control in found.controls:
        controls.add_row(control.name, control.state.value, control.wording)
    out.print(controls)
    lacking = found.level.lacking
    if lacking:
        say(f"walls this host does not have: {', '.join(lacking)}")
    first = found.observed.builds[BuildName.VULNERABLE]
    if not first.ok and first.untrusted_log:
        out.print(Text(clean_text(first.untrusted_log.decode("utf-8", "replace")[-_LOG_CHARACTERS:], _LOG_CHARACTERS)))
    if log and (cell := found.observed.reproducer.get(BuildName.VULNERABLE)) is not None:
        out.print(Text(clean_text(cell.agreed.untrusted_log.decode("utf-8", "replace"), _LOG_CHARACTERS)))
