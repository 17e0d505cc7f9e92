"""`clearinghouse worker` and `clearinghouse mail`: what happens by itself, and mail handed in by hand."""

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say, table, untrusted

app = typer.Typer(help="What happens by itself: follow-ups of events, notices, dates, incoming mail.", invoke_without_command=True)
mail = typer.Typer(help="Mail that came in.", no_args_is_help=True)


@app.callback()
def work(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Work until there is nothing left to do now, then end.")] = False,
    json: Json = False,
) -> None:
    """Work until interrupted. Any number of workers may run at once."""
    if ctx.invoked_subcommand is not None:
        return
    from clearinghouse.app.worker import worker_of

    with context_of(ctx).instance() as instance:
        worker = worker_of(instance)
        if once:
            done = worker.run_once()
            if json:
                print_json({name: getattr(done, name) for name in done.__slots__})
            else:
                say(f"{done.events} events looked at, {done.actions} actions done, {done.notices} notices sent or tried, {done.mails} mails read")
            return
        stop = threading.Event()
        for ending in (signal.SIGTERM, signal.SIGINT):
            signal.signal(ending, lambda number, frame: stop.set())
        say("working; interrupt to end")
        worker.run(stop)


@app.command()
def status(ctx: typer.Context, json: Json = False) -> None:
    """How far behind the work is, and what waits for a person."""
    from clearinghouse.app.views.health import work_health

    with context_of(ctx).instance() as instance:
        health = work_health(instance)
    if json:
        print_json(health)
        return
    shown = table("", "what", "how much")
    for name, value in (
        ("events not looked at", health.leaves_behind), ("actions that wait", health.actions_waiting),
        *((f"notices {state}", count) for state, count in sorted(health.notices.items())),
        ("mail to be read", health.mail_waiting), ("mail put aside", health.mail_refused), ("last look", health.seen_at or "never"),
    ):
        shown.add_row(name, str(value))
    out.print(shown)
    for failed in health.failed:
        say(f"{failed.action} on {failed.event} failed again and again ({failed.trouble}); `clearinghouse worker retry` tries it once more", "yellow")


@app.command()
def retry(ctx: typer.Context, json: Json = False) -> None:
    """Let what failed too often be tried again."""
    from clearinghouse.app.worker import retry_failed

    with context_of(ctx).instance() as instance:
        again = retry_failed(instance)
    if json:
        print_json({"again": again})
    else:
        out.print(f"{again} will be tried again by the next worker", markup=False)


@mail.command(name="in")
def mail_in(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A mail or an mbox; - reads standard input, as a mail server's pipe does.", allow_dash=True)],
    json: Json = False,
) -> None:
    """Take in mail: answers go to their rooms, the rest becomes reports."""
    from clearinghouse.app.channels.incoming import take_file, take_mail
    from clearinghouse.core.roles import Scope
    from clearinghouse.parties.rules import check_may

    with context_of(ctx).instance() as instance:
        check_may(instance.actor, Scope.REPORTS_SUBMIT)
        if str(file) == "-":
            # One byte more than is read, so that too much is seen to be too much.
            data = sys.stdin.buffer.read(instance.policy.intake.document_bytes_max + 1)
            kept = [take_mail(instance, data)]
        else:
            kept = list(take_file(instance, file))
    if json:
        print_json(kept)
        return
    shown = table("", "id", "became", "because", "signature")
    for each in kept:
        shown.add_row(each.id, each.disposition, each.reason, each.signature)
    out.print(shown)


@mail.command(name="desk")
def mail_desk(ctx: typer.Context, json: Json = False) -> None:
    """Mail that waits for a person, with what it claims to be about."""
    from clearinghouse.parties.notices.mail_records import Disposition
    from clearinghouse.parties.notices.store import mail as mail_store

    with context_of(ctx).instance() as instance, instance.read() as tx:
        found = mail_store.list_mail(
            tx, instance.envelope, viewer=instance.actor.id, now=instance.clock.now(), disposition=Disposition.DESK
        )
    if json:
        print_json([{"mail": kept, "letter": letter} for kept, letter in found])
        return
    shown = table("", "id", "received", "because", "sender", "subject")
    for kept, letter in found:
        shown.add_row(kept.id, f"{kept.received_at:%Y-%m-%d %H:%M}", kept.reason, untrusted(letter.sender, 60), untrusted(letter.subject, 80))
    out.print(shown)


@mail.command(name="done")
def mail_done(ctx: typer.Context, mail_id: Annotated[str, typer.Argument(help="Id of a mail of `mail desk`.")], json: Json = False) -> None:
    """Note that you are done with a mail that waited."""
    from clearinghouse.parties.notices import actions

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        actions.settle_mail(tx, mail_id, envelope=instance.envelope, actor=instance.actor.id, now=instance.clock.now())
    if json:
        print_json({"settled": mail_id})
