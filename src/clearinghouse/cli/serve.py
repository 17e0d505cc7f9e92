"""`clearinghouse serve`: the HTTP API and the workbench."""

import os
from typing import Annotated

import typer

from clearinghouse.cli.context import context_of
from clearinghouse.cli.output import say


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(serve)


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
