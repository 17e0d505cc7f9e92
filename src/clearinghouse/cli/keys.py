"""`clearinghouse key`: the instance's own keys, and bringing a new one into use."""

from typing import Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, progress, say, table

app = typer.Typer(help="The instance key, which wraps the key of every sealed object.", no_args_is_help=True)


@app.command()
def rotate(
    ctx: typer.Context,
    forget_old: Annotated[
        bool, typer.Option("--forget-old", help="In place of a new key: remove the earlier ones, once nothing is wrapped under them.")
    ] = False,
    json: Json = False,
) -> None:
    """Bring a new instance key into use and wrap every object's key again under it; interrupted, run it again to go on."""
    from clearinghouse.app.keys import forget_old_keys, rotate_key
    from clearinghouse.app.process import sign_checkpoint

    with context_of(ctx).instance() as instance, progress(json) as bars:
        bar = bars.add_task("wrapping keys again", total=None)
        work = forget_old_keys if forget_old else rotate_key
        done = work(instance, lambda made, of: bars.update(bar, completed=made, total=of))
        sign_checkpoint(instance)
    if json:
        print_json(done)
        return
    out.print(done.key, markup=False)
    say(f"{'went on with a run that was broken off: ' if done.resumed else ''}{done.rewrapped} keys wrapped again")
    if forget_old:
        say("earlier keys are forgotten: copies of the database from before need the key file of their time. Restart servers and workers, "
            "whose memory still holds the old keys, and copy keys/ to a safe place")
    else:
        say(f"{len(done.kept)} earlier key{'' if len(done.kept) == 1 else 's'} kept; copy keys/ to a safe place now, then "
            "`clearinghouse key rotate --forget-old` removes the earlier ones")


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """The keys of this instance by id, and how many object keys each wraps."""
    from clearinghouse.app.keys import list_keys

    with context_of(ctx).instance() as instance:
        found = list_keys(instance)
    if json:
        print_json(found)
        return
    shown = table("Instance keys", "id", "state", "wraps")
    for each in found:
        shown.add_row(each.key, each.state, str(each.wraps))
    out.print(shown)
