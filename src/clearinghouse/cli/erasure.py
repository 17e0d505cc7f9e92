"""`clearinghouse case erase`, `confirm-erasure`, `erasures`, `hold` and `lift`: the end of what a case held."""

from typing import Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say, table, untrusted

CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="Case id (case_...).")]


def register(app: typer.Typer) -> None:
    """Add these commands to those of cases."""
    app.command()(erase)
    app.command(name="confirm-erasure")(confirm)
    app.command(name="erasures")(list_)
    app.command()(hold)
    app.command()(lift)


def erase(
    ctx: typer.Context, case: CaseArgument,
    reason: Annotated[str, typer.Option(help="Why; kept beside the request, for whoever confirms it and for later.")], json: Json = False,
) -> None:
    """Ask that a closed case be erased; once somebody else confirms it, nothing written in it can be read again."""
    from clearinghouse.disclosure.coordination.rooms import actions

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        made = actions.request_erasure(
            tx, case, reason, proven=False, policy=instance.policy.identity, actor=instance.actor.id, envelope=instance.envelope,
            now=instance.clock.now(),
        )
    if json:
        print_json(made)
    else:
        out.print(made.id, markup=False)
        say(f"nothing is lost yet: somebody else confirms it over the API (POST /api/v1/erasures/{made.id}/confirm) before "
            f"{made.lapses_at:%Y-%m-%d %H:%MZ}, with a token of their own")


def confirm(ctx: typer.Context, erasure: Annotated[str, typer.Argument(help="Id of the request (era_...).")], json: Json = False) -> None:
    """Confirm somebody else's request, made over the API; it cannot be undone."""
    from clearinghouse.app.process import sign_checkpoint
    from clearinghouse.disclosure.coordination.rooms import actions

    with context_of(ctx).instance() as instance:
        with instance.database.write() as tx:
            erased = actions.confirm_erasure(
                tx, erasure, proven=False, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now()
            )
        sign_checkpoint(instance)
    if json:
        print_json({"erased": erased})
    else:
        say(f"{erased} is erased; copies in backups open until the instance key is rotated and the old one forgotten")


def list_(ctx: typer.Context, json: Json = False) -> None:
    """The requests that wait for a second person."""
    from clearinghouse.app.views.erasures import list_waiting

    with context_of(ctx).instance() as instance:
        found = list_waiting(instance)
    if json:
        print_json(found)
        return
    shown = table("Waiting for a second person", "id", "case", "asked by", "lapses", "reason")
    for each in found:
        shown.add_row(each.id, each.case_id, each.asked_by, f"{each.lapses_at:%Y-%m-%d %H:%MZ}", untrusted(each.reason, 100))
    out.print(shown)


def hold(
    ctx: typer.Context, case: CaseArgument, reason: Annotated[str, typer.Option(help="Why; kept sealed.")], json: Json = False
) -> None:
    """Put a legal hold on a case: while it stands the case is not erased."""
    from clearinghouse.disclosure.coordination.rooms import actions

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        actions.hold_case(tx, case, reason, unseen=True, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now())
    if json:
        print_json({"held": case})
    else:
        say(f"a legal hold is on {case}")


def lift(ctx: typer.Context, case: CaseArgument, json: Json = False) -> None:
    """Lift the legal hold on a case."""
    from clearinghouse.disclosure.coordination.rooms import actions

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        actions.release_case(tx, case, unseen=True, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now())
    if json:
        print_json({"lifted": case})
    else:
        say(f"no legal hold is on {case} any more")
