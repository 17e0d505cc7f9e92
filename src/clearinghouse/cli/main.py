"""The `clearinghouse` command: its groups, its common options, and how errors end it."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from clearinghouse import __version__
from clearinghouse.cli import (
    appeals,
    bench,
    benchmark_logs,
    benchmarks,
    blind,
    charters,
    commitments,
    coordination,
    custody,
    deconfliction,
    demo,
    embargo,
    erasure,
    filling,
    gateway,
    grants,
    instance,
    intake,
    keys,
    ledger,
    model,
    parties,
    patching,
    proposing,
    review_demo,
    review_runs,
    reviews,
    serve,
    trials,
    validate,
    worker,
)
from clearinghouse.cli.context import Context
from clearinghouse.cli.exits import INTERRUPTED, MISTAKE, exit_code
from clearinghouse.core.errors import ClearinghouseError

app = typer.Typer(
    name="clearinghouse",
    help="Take in vulnerability reports, see which are the same flaw and why, and keep a record nobody can alter unnoticed.",
    epilog="Exit codes: 0 done, 2 usage, 3 invalid input, 4 not found, 5 not permitted, 6 conflict, 7 unavailable, "
    "8 done in part, 130 interrupted. State lives under $CLEARINGHOUSE_HOME.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"clearinghouse {__version__}")
        raise typer.Exit


@app.callback()
def common(
    ctx: typer.Context,
    home: Annotated[Path | None, typer.Option(help="Folder of the instance; $CLEARINGHOUSE_HOME by default.")] = None,
    acting_as: Annotated[str, typer.Option("--as", help="Party id to act and view as; the settings' actor by default.")] = "",
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Options before the command."""
    ctx.obj = Context(home, acting_as)


intake.register(app)
deconfliction.register(app)
validate.register(app)
patching.register(app)
filling.register(app)
erasure.register(coordination.app)
app.add_typer(coordination.app, name="case")
app.add_typer(embargo.app, name="embargo")
app.add_typer(trials.app, name="trial")
app.add_typer(model.app, name="model")
app.add_typer(appeals.app, name="appeal")
app.add_typer(bench.app, name="bench")
app.add_typer(bench.evidence, name="evidence")
review_runs.register(reviews.app)
review_demo.register(reviews.app)
app.add_typer(reviews.app, name="review")
app.add_typer(gateway.app, name="gateway")
benchmark_logs.register(benchmarks.app)
app.add_typer(benchmarks.app, name="benchmark")
app.add_typer(custody.app, name="custody")
app.add_typer(ledger.app, name="ledger")
app.add_typer(keys.app, name="key")
app.add_typer(parties.app, name="party")
app.add_typer(commitments.app, name="commit")
app.add_typer(proposing.app, name="propose")
blind.register(app)
app.add_typer(charters.charter_app, name="charter")
app.add_typer(charters.capacity_app, name="capacity")
app.add_typer(parties.teams, name="team")
app.add_typer(grants.grants, name="grant")
app.add_typer(grants.glass, name="break-glass")
app.add_typer(grants.sessions, name="session")
instance.register(app)
demo.register(app)
serve.register(app)
app.add_typer(worker.app, name="worker")
app.add_typer(worker.mail, name="mail")


def run() -> None:
    """The entry point: errors of the five families become a line and an exit code, never a traceback."""
    try:
        app(standalone_mode=True)
    except ClearinghouseError as error:
        sys.stderr.write(f"clearinghouse: {error}\n")
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.stderr.write("\nclearinghouse: interrupted; what was done is kept, run the same command again to go on\n")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has enough of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        sys.stderr.write(f"clearinghouse: {error.strerror or error}{f' ({error.filename})' if error.filename else ''}\n")
        sys.exit(7)
    except Exception as error:
        if os.environ.get("CLEARINGHOUSE_TRACEBACK"):
            raise
        where = f"{type(error).__name__}: {str(error)[:300]}"
        sys.stderr.write(f"clearinghouse: a mistake of ours, please report it ({where}); CLEARINGHOUSE_TRACEBACK=1 shows where\n")
        sys.exit(MISTAKE)
