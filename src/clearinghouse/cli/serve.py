"""`clearinghouse serve`: the HTTP API and the workbench."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say

if TYPE_CHECKING:
    from clearinghouse.app.wiring import Instance


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(serve)
    app.command(name="sign-in")(sign_in)


def serve(
    ctx: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on; put a proxy with TLS before anything but loopback.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; more than one only over PostgreSQL.")] = 1,
) -> None:
    """Serve the API and the workbench until interrupted."""
    # Opened once before any worker is: what is wrong with the instance is said here, once.
    with context_of(ctx).instance() as instance:
        home = instance.settings.home
    serve_folder(str(home), host, port, workers)


def sign_in(
    ctx: typer.Context,
    address: Annotated[str, typer.Option(help="Address of the workbench; the settings' public_url by default.")] = "",
    json: Json = False,
) -> None:
    """Print a link that signs the party of the command line in, once, within ten minutes: the way in before there is a passkey."""
    with context_of(ctx).instance() as instance:
        link = link_of(instance, address or instance.settings.public_url or "http://127.0.0.1:8000")
    if json:
        print_json({"link": link})
    else:
        out.print(link, markup=False, soft_wrap=True)


def link_of(instance: "Instance", address: str) -> str:
    """A link that signs the instance's acting party in at an address."""
    from datetime import timedelta

    from clearinghouse.parties.identity.links.actions import make_link
    from clearinghouse.parties.identity.links.records import LinkPurpose

    now, me = instance.clock.now(), instance.actor.id
    with instance.database.write() as tx:
        _, text = make_link(
            tx, me, me, LinkPurpose.SIGN_IN, once=True, expires_at=now + timedelta(minutes=10), policy=instance.policy.identity,
            actor=me, now=now,
        )
    return f"{address.rstrip('/')}/sign-in/link/{text}"


def serve_folder(home: str, host: str, port: int, workers: int = 1) -> None:
    """Serve the instance of a folder until interrupted."""
    from granian.constants import Interfaces
    from granian.server import Server

    os.environ["CLEARINGHOUSE_HOME"] = home
    say(f"serving http://{host}:{port}/   (Ctrl-C ends it)")
    # Named, not imported: the command line and the server do not know each other.
    Server(
        "clearinghouse.server.main:application", address=host, port=port, interface=Interfaces.ASGI, workers=workers, factory=True,
        log_access=False, websockets=False, workers_kill_timeout=15,
    ).serve()
