"""`clearinghouse gateway`: serve models to reviews, stop an access at once, read meters, check the journal and the clock."""

import asyncio
import signal
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say, table

if TYPE_CHECKING:
    from clearinghouse.app.gateway import Opened
    from clearinghouse.gateway.records import Access

app = typer.Typer(help="Access to models during a review: granted until an instant, metered, cut off in time.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ACCESS", help="Access id (acc_...).")]
Cause = Annotated[str, typer.Option(help="Why, in one word of small letters; it stands on the ledger.")]


@app.command()
def serve(
    ctx: typer.Context,
    begin_anew: Annotated[bool, typer.Option("--begin-anew", help="Begin a new journal though the ledger has one: budgets begin anew with it.")] = False,
    json: Json = False,
) -> None:
    """Serve the models of the settings until interrupted. One gateway writes a journal; where it cannot, it forwards nothing."""
    from json import dumps

    from clearinghouse.app.gateway import serve as serve_until

    def opened(one: "Opened") -> None:
        if json:
            # One line, for whoever waits for it: the command goes on.
            typer.echo(dumps({"address": one.address, "socket": None if one.socket is None else str(one.socket), "gateway": one.gateway_id}))
        else:
            say(f"serving {one.address or ''} {one.socket or ''} as {one.gateway_id}   (Ctrl-C ends it)")

    async def run() -> None:
        stop = asyncio.Event()
        for ending in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(ending, stop.set)
        await serve_until(instance, stop, opened, anew=begin_anew)

    with context_of(ctx).instance() as instance:
        asyncio.run(run())


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """Accesses, newest first: those you may read or were given; all of them for an administrator."""
    from clearinghouse.app.gateway import list_accesses
    from clearinghouse.gateway.rules import standing

    with context_of(ctx).instance() as instance:
        found, now = list_accesses(instance), instance.clock.now()
    if json:
        print_json(found)
        return
    shown = table("", "access", "state", "purpose", "upstream", "begins (UTC)", "ends (UTC)", "tokens", "calls", "review")
    for one in found:
        shown.add_row(
            one.id, standing(one, now) or "open", one.purpose, one.upstream, f"{one.begins_at:%Y-%m-%d %H:%M}", f"{one.ends_at:%Y-%m-%d %H:%M}",
            str(one.tokens_max), str(one.calls_max), one.review_id,
        )
    out.print(shown)


@app.command()
def suspend(ctx: typer.Context, access: Id, cause: Cause = "asked", json: Json = False) -> None:
    """Let an access rest: within a second calls are refused and open answers cut."""
    from clearinghouse.app.gateway import suspend_access
    from clearinghouse.app.process import sign_checkpoint

    with context_of(ctx).instance() as instance:
        found = suspend_access(instance, access, cause)
        sign_checkpoint(instance)
    _print(found, "suspended; its window goes on", json)


@app.command()
def restore(ctx: typer.Context, access: Id, json: Json = False) -> None:
    """Let a suspended access stand again, until the end it had. Who suspended it restores it."""
    from clearinghouse.app.gateway import restore_access
    from clearinghouse.app.process import sign_checkpoint

    with context_of(ctx).instance() as instance:
        found = restore_access(instance, access)
        sign_checkpoint(instance)
    _print(found, "restored", json)


@app.command()
def end(ctx: typer.Context, access: Id, cause: Cause = "asked", json: Json = False) -> None:
    """End an access for good, within a second."""
    from clearinghouse.app.gateway import end_access
    from clearinghouse.app.process import sign_checkpoint

    with context_of(ctx).instance() as instance:
        found = end_access(instance, access, cause)
        sign_checkpoint(instance)
    _print(found, "ended; it does not come back", json)


@app.command()
def meter(
    ctx: typer.Context, access: Id, hours: Annotated[bool, typer.Option("--hours", help="By the hour of the last two days instead of by the day.")] = False,
    json: Json = False,
) -> None:
    """What an access used: figures, and no word of what was asked or answered."""
    from clearinghouse.app.gateway import meter_of
    from clearinghouse.gateway.journal.reading import hours_of

    with context_of(ctx).instance() as instance:
        granted, found = meter_of(instance, access)
        since = instance.clock.now() - timedelta(days=2) if hours else granted.begins_at
        portions = hours_of(instance.settings.gateway.journal, granted.id, since, days=not hours)
    if json:
        print_json({"meter": found, "portions": portions})
        return
    used = found.prompt_tokens + found.completion_tokens
    out.print(f"{granted.id}  {used} of {granted.tokens_max} tokens, {found.calls} of {granted.calls_max} calls, {found.reserved_tokens} tokens held", markup=False)
    shown = table("", "UTC", "calls", "refused", "cut", "truncated", "prompt tokens", "completion tokens")
    for one in portions:
        shown.add_row(
            one.name, str(one.calls), str(one.refused), str(one.cut), str(one.truncated), str(one.prompt_tokens), str(one.completion_tokens)
        )
    out.print(shown)


@app.command()
def verify(ctx: typer.Context, json: Json = False) -> None:
    """Walk the chain of the journal and hold it against the heads on the ledger."""
    from clearinghouse.app.gateway import verify_journal

    with context_of(ctx).instance() as instance:
        found, heads = verify_journal(instance)
    if json:
        print_json({"gateway": found.gateway_id, "entries": found.entries, "head": found.head, "heads": heads})
        return
    say(f"{found.entries} entries of {found.gateway_id} hold together and with {heads} heads on the ledger")
    out.print(found.head, markup=False)


@app.command()
def clock(
    ctx: typer.Context, accept: Annotated[bool, typer.Option("--accept", help="This machine's clock is right: let the gateway go by it.")] = False,
    json: Json = False,
) -> None:
    """What the gateway takes for the time; after a jump, vouch for the machine's clock. Look at another clock first."""
    from clearinghouse.app.gateway import accept_clock, read_clock
    from clearinghouse.app.process import sign_checkpoint
    from clearinghouse.core.clock import render_instant
    from clearinghouse.gateway.timekeeping import instant

    with context_of(ctx).instance() as instance:
        found = accept_clock(instance) if accept else read_clock(instance)
        if accept:
            sign_checkpoint(instance)
        now = instance.clock.now()
    kept = "" if found.time is None else render_instant(instant(found.time.wall_ns))
    jump = "" if found.time is None else found.time.jump_id
    if json:
        print_json({"gateway": found.gateway_id, "last": kept, "machine": render_instant(now), "jump": jump, "accepted": accept})
        return
    out.print(f"gateway  {kept or 'has not run'}", markup=False)
    out.print(f"machine  {render_instant(now)}", markup=False)
    if accept:
        say("on record; the gateway goes by the machine's clock within a second")
    elif jump:
        say("the machine's clock was set while the gateway was looking: it is closed until somebody says --accept", "yellow")


def _print(access: "Access", words: str, json: bool) -> None:
    if json:
        print_json(access)
    else:
        say(f"{access.id}: {words}")
