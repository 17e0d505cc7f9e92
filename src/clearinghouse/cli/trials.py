"""`clearinghouse trial`: patches of a case on the patch bench, and the people who answer for them."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say, table, untrusted

app = typer.Typer(help="Try a patch of a case, rung after rung, and have a person answer for it.", no_args_is_help=True)

Case = Annotated[str, typer.Argument(metavar="CASE", help="Case id (case_...).")]
Trial = Annotated[str, typer.Argument(metavar="TRIAL", help="Trial id (trl_...), as `trial list` shows it.")]


@app.command()
def ask(
    ctx: typer.Context, case: Case,
    patch: Annotated[str, typer.Argument(metavar="PATCH", help="Id (mat_...) or digest of a patch among the materials of the case.")],
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Id or digest of the recipe it is tried on.")],
    test_diff: Annotated[str, typer.Option(help="Id or digest of a diff that adds a regression test; named together with --test.")] = "",
    test: Annotated[str, typer.Option(help="The command of that test, run in the folder of the build.")] = "",
    json: Json = False,
) -> None:
    """Put a trial in the queue; a bench takes it up after the validations: clearinghouse bench work --once."""
    from clearinghouse.app.patch_trials import ask as ask_for

    with context_of(ctx).instance() as instance:
        found = ask_for(instance, case, patch, recipe, test_diff=test_diff, test=tuple(shlex.split(test)))
    if json:
        print_json({"trial": found.id, "state": found.state})
    else:
        out.print(found.id, markup=False)
        say(f"next: clearinghouse bench work --once   then: clearinghouse trial show {case} {found.id}")


@app.command(name="list")
def list_(ctx: typer.Context, case: Case, json: Json = False) -> None:
    """The patches of a case that were or will be tried, newest first."""
    from clearinghouse.app.views.trials import read_trials

    with context_of(ctx).instance() as instance:
        found = read_trials(instance, case)
    if json:
        print_json(found)
        return
    shown = table("", "id", "state", "highest rung", "label", "reviews", "patch")
    for line in found:
        said = ", ".join("accepts" if one.accepts else "refuses" for one in line.reviews)
        shown.add_row(line.id, line.state, line.highest or "-", line.label or "-", said or "-", untrusted(line.name, 60))
    out.print(shown)


@app.command()
def show(
    ctx: typer.Context, case: Case, trial: Trial, save: Annotated[Path | None, typer.Option(help="Write the signed evidence to this file.")] = None,
    json: Json = False,
) -> None:
    """One trial: every rung, what stopped it, and what people said."""
    from clearinghouse.app.patch_trials import read_evidence
    from clearinghouse.app.views.trials import read_trials
    from clearinghouse.core.errors import NotFound

    with context_of(ctx).instance() as instance:
        line = next((one for one in read_trials(instance, case) if one.id == trial), None)
        if line is None:
            raise NotFound(f"nothing found under {trial[:40]!r}")
        if save is not None:
            save.write_bytes(read_evidence(instance, case, trial).body)
    if json:
        print_json(line)
        return
    out.print(untrusted(line.name, 200, "bold"))
    out.print(f"{line.id}  {line.state}  {line.label}", markup=False)
    if line.trouble:
        out.print(untrusted(line.trouble, 400))
    if line.steps:
        shown = table("", "rung", "state", "tried", "held", "")
        for step in line.steps:
            shown.add_row(step.rung, step.state, str(step.tried or ""), str(step.held or ""), step.why)
        out.print(shown)
        out.print(line.words, markup=False)
    for one in line.reviews:
        out.print(untrusted(f"{one.at:%Y-%m-%d %H:%M} {one.by} {'accepts' if one.accepts else 'refuses'}: {one.reason}", 400))
    if line.label:
        say(f"{line.label}: a person who did not write it must answer for it")


@app.command()
def review(
    ctx: typer.Context, case: Case, trial: Trial, reason: Annotated[str, typer.Option(help="Why; others must be able to follow it.")],
    accept: Annotated[bool, typer.Option("--accept/--refuse", help="Whether you answer for the patch.")], json: Json = False,
) -> None:
    """Answer for a patch that was tried, or refuse to; for a person who neither wrote it nor handed it in."""
    from clearinghouse.app.patch_trials import review as review_it
    from clearinghouse.disclosure.validation.patches.rules import wording

    with context_of(ctx).instance() as instance:
        found = review_it(instance, case, trial, accept, reason)
    if json:
        print_json({"trial": found.trial.id, "highest": found.climb.highest})
    else:
        say(wording(found.climb))
