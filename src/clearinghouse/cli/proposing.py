"""`clearinghouse propose`: what a configured model suggests for a report, in a file that a person then looks at."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say

if TYPE_CHECKING:  # heavy: imported when a command runs
    from clearinghouse.disclosure.validation.proposing import Kind

app = typer.Typer(help="Ask the model that [proposer] names; off by default. It proposes, and a person decides.", no_args_is_help=True)

Report = Annotated[str, typer.Argument(help="Report id (rep_...).")]
Output = Annotated[Path, typer.Option("--output", "-o", help="File to write; one that is there is not replaced.")]


@app.command()
def recipe(ctx: typer.Context, report: Report, output: Output = Path("proposed-recipe.toml"), json: Json = False) -> None:
    """A draft of a recipe, with the names of the files that you then supply."""
    from clearinghouse.disclosure.validation.proposing import Kind

    _propose(ctx, report, Kind.RECIPE, output, json)


@app.command()
def patch(ctx: typer.Context, report: Report, output: Output = Path("proposed.diff"), json: Json = False) -> None:
    """A diff that might remedy the flaw, made without a look at the source."""
    from clearinghouse.disclosure.validation.proposing import Kind

    _propose(ctx, report, Kind.PATCH, output, json)


def _propose(ctx: typer.Context, report: str, kind: "Kind", output: Path, json: bool) -> None:
    from clearinghouse.app.proposing import propose
    from clearinghouse.core.errors import Conflict

    if output.exists():
        raise Conflict(f"{output} is there already, and nothing was sent; name another file with --output")
    with context_of(ctx).instance() as instance:
        found = propose(instance, report, kind)
    with output.open("x", encoding="utf-8") as file:
        file.write(found.document)
    if json:
        print_json({
            "kind": found.kind.value, "file": str(output), "supplier": found.supplier.value, "tool": found.tool, "model": found.model,
            "sent": found.sent_digest, "received": found.received_digest,
        })
        return
    out.print(str(output), markup=False)
    say(f"proposed by the model {found.model}, looked at by nobody; read it before you use it")
    if kind.value == "recipe":
        say("then put the files it names beside it: clearinghouse recipe pin FOLDER, clearinghouse validate FOLDER")
