"""`clearinghouse fill-matrix`: the matrix of a case's components, run on this machine."""

from typing import Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import print_json, progress, say


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("fill-matrix")(fill_matrix)


def fill_matrix(
    ctx: typer.Context,
    case: Annotated[str, typer.Argument(help="A case with a validated reproducer.")],
    json: Json = False,
) -> None:
    """Run the reproducers and patches of a case's components against each other, over all cases about them, in this machine's sandbox.

    What it shows goes to deconfliction and stands in the case room; here only how much of the case's own was run.
    """
    from clearinghouse.app.benching import bench_sandbox
    from clearinghouse.app.matrix import fill_in
    from clearinghouse.app.views.matrix import read_matrix

    context = context_of(ctx)
    with context.instance() as instance, bench_sandbox(context.folder()) as sandbox, progress(json) as bars:
        task = bars.add_task("starting", total=None)
        fill_in(instance, sandbox, case, lambda stage, done, total: bars.update(task, description=stage, completed=done, total=total))
        found = read_matrix(instance, case)
    if json:
        print_json(found)
        return
    for picture in found.pictures:
        own = sum(not head.held for head in picture.heads)
        say(f"{picture.component}: {len(picture.rows)} reproducers of the case under {own} patches of it")
    if not found.pictures:
        say("nothing was run: no report of this case has a validated reproducer")
