"""`clearinghouse benchmark import-log`: a log of Inspect's that was made elsewhere, kept as what it is."""

from pathlib import Path
from typing import Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say, untrusted


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import-log")(import_log)


def import_log(
    ctx: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE.eval", help="The log.", exists=True, dir_okay=False)],
    how: Annotated[Path, typer.Option("--map", help="TOML that says whose score counts: docs/reference/runner.md.", exists=True, dir_okay=False)],
    review: Annotated[str, typer.Option(help="Review (rev_...) to keep it with; without one it is only read and shown.")] = "",
    model_version: Annotated[str, typer.Option("--model-version", help="What names the model's version in this instance.")] = "",
    python: Annotated[Path | None, typer.Option(help="Interpreter of an environment with Inspect; that of `make inspect` by default.")] = None,
    json: Json = False,
) -> None:
    """Read a log through Inspect's own API, in a namespace without network and within bounds; every planned cell counts, missing ones too."""
    from collections import Counter

    from clearinghouse.app.reviews.importing import keep_log, read_file
    from clearinghouse.core.errors import Invalid

    if review and not model_version:
        raise Invalid("to keep a log with a review, say which version of the model it is about: --model-version")
    found = read_file(file, how.read_bytes(), python)
    kept = ""
    if review:
        with context_of(ctx).instance() as instance:
            kept = keep_log(instance, review, found, model_version).id
    states = Counter(str(cell.state) for cell in found.log.cells)
    planned = len(found.log.grid.items) * found.log.grid.epochs
    states["not_run"] += planned - len(found.log.cells)
    if json:
        print_json({"run": kept, "engine": found.log.engine, "planned": planned, "found": len(found.log.cells), "states": dict(states)})
        return
    out.print(untrusted(f"{found.log.engine}, {found.log.model}: {len(found.log.cells)} of {planned} planned cells; the log says {found.log.status}", 300))
    for state, count in sorted(states.items()):
        if count:
            out.print(f"  {state:<15} {count}", markup=False)
    say(f"kept as {kept}, marked imported" if kept else "read and not kept; --review keeps it")
