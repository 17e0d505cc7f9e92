"""`clearinghouse custody`: a custodian's key, what is asked of custodians, and their releases."""

from pathlib import Path
from typing import Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say, table

app = typer.Typer(help="Custody of sealed packs: your key, asks, releases.", no_args_is_help=True)

Ask = Annotated[str, typer.Argument(metavar="ASK", help="Id of an ask (rla_...).")]


@app.command()
def key(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Your private key; made where there is none. It stays with you.", dir_okay=False)],
    json: Json = False,
) -> None:
    """Register your key for packs to come. Whoever loses the file can release nothing that was sealed for it."""
    from clearinghouse.app.packs import register_key
    from clearinghouse.evaluation.benchmarks.packs.boxes import fingerprint

    with context_of(ctx).instance() as instance:
        made = register_key(instance, file)
    if json:
        print_json(made)
        return
    out.print(f"{made.id}  {fingerprint(made.public_key)}", markup=False)
    say(f"keep {file} safe and secret; who seals a pack names you: {made.party}")


@app.command()
def ask(
    ctx: typer.Context,
    pack: Annotated[str, typer.Argument(help="Id of a pack (pck_...).")],
    purpose: Annotated[str, typer.Option(help="leak_scan or audit; a sealed run asks by itself.")],
    key: Annotated[Path, typer.Option(help="Key file of this ask; made where there is none.", dir_okay=False)],
    hours: Annotated[float, typer.Option(min=0.1, help="How long the ask stands.")] = 24.0,
    json: Json = False,
) -> None:
    """Ask the custodians of a pack to release for a scan or an audit. Nothing opens by asking."""
    from clearinghouse.app.packs import ask as ask_them
    from clearinghouse.evaluation.benchmarks.custody.rules import parse_purpose
    from clearinghouse.evaluation.benchmarks.packs.boxes import fingerprint

    with context_of(ctx).instance() as instance:
        made = ask_them(instance, pack, parse_purpose(purpose), key, hours)
    if json:
        print_json(made)
        return
    out.print(made.id, markup=False)
    say(f"tell the custodians the fingerprint by another way: {fingerprint(made.recipient)}")


@app.command()
def asks(ctx: typer.Context, json: Json = False) -> None:
    """Asks that stand and concern you, and who released for them."""
    from clearinghouse.app.packs import list_asks
    from clearinghouse.evaluation.benchmarks.packs.boxes import fingerprint

    with context_of(ctx).instance() as instance:
        found = list_asks(instance)
    if json:
        # The boxes are of no use to anybody but the run.
        print_json([
            {"ask": one, "fingerprint": fingerprint(one.recipient), "released": [
                {"party": release.party, "released_at": release.released_at, "until": release.until, "ended_at": release.ended_at} for release in releases
            ]} for one, releases in found
        ])  # fmt: skip
        return
    shown = table("", "id", "pack", "purpose", "run", "review", "asked by", "until (UTC)", "released", "fingerprint of its key")
    for one, releases in found:
        released = sum(release.ended_at is None for release in releases)
        shown.add_row(
            one.id, one.pack_id, one.purpose, one.run_id or "", one.review_id or "", one.asked_by, f"{one.until:%Y-%m-%d %H:%M}", str(released),
            fingerprint(one.recipient),
        )
    out.print(shown)


@app.command()
def release(
    ctx: typer.Context,
    ask: Ask,
    key: Annotated[Path, typer.Option(help="Your private key.", exists=True, dir_okay=False)],
    hours: Annotated[float | None, typer.Option(min=0.1, help="How long; as long as the ask stands by default.")] = None,
    json: Json = False,
) -> None:
    """Release your share for one ask: opened here, and put into a box that the run alone opens.

    Compare the fingerprint with the one that the run shows before you do: what you release goes to whoever holds that key.
    """
    from clearinghouse.app.packs import release as release_it
    from clearinghouse.app.process import sign_checkpoint

    with context_of(ctx).instance() as instance:
        made = release_it(instance, ask, key, hours)
        sign_checkpoint(instance)
    if json:
        print_json({"ask": made.ask_id, "party": made.party, "until": made.until})
    else:
        say(f"released for {made.ask_id} until {made.until:%Y-%m-%d %H:%M} UTC; take it back with: clearinghouse custody withdraw {made.ask_id}")


@app.command()
def withdraw(ctx: typer.Context, ask: Ask, json: Json = False) -> None:
    """Take your release back: what was opened stays opened, nothing more opens with it."""
    from clearinghouse.app.packs import withdraw_release
    from clearinghouse.app.process import sign_checkpoint

    with context_of(ctx).instance() as instance:
        withdraw_release(instance, ask)
        sign_checkpoint(instance)
    if json:
        print_json({"withdrawn": ask})
    else:
        say(f"your release for {ask} is withdrawn")
