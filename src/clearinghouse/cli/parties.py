"""`clearinghouse party`: who takes part, and their tokens."""

from datetime import timedelta
from typing import Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say, table, untrusted

app = typer.Typer(help="Organisations, people, programs, and their API tokens.", no_args_is_help=True)


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """All parties."""
    from clearinghouse.parties import store

    with context_of(ctx).instance() as instance, instance.database.read() as tx:
        found = store.list_parties(tx)
    if json:
        print_json(found)
        return
    shown = table("Parties", "id", "kind", "name", "roles", "organisation")
    for party in found:
        shown.add_row(party.id, party.kind, untrusted(party.name, 60), ", ".join(sorted(party.roles)), party.organisation or "")
    out.print(shown)


@app.command()
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name as others will read it.")],
    kind: Annotated[str, typer.Option(help="organisation, person or program.")] = "person",
    organisation: Annotated[str, typer.Option(help="Id of the organisation of a person or program.")] = "",
    role: Annotated[list[str] | None, typer.Option(help="administrator, coordinator, reporter or overseer; may repeat.")] = None,
    json: Json = False,
) -> None:
    """Add an organisation, a person or a program."""
    from clearinghouse.core.errors import Invalid
    from clearinghouse.core.ids import PartyId
    from clearinghouse.parties import actions
    from clearinghouse.parties.records import PartyKind
    from clearinghouse.parties.rules import parse_roles

    if kind not in set(PartyKind):
        raise Invalid(f"a party is one of {', '.join(PartyKind)}; {kind!r} was given")
    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        made = actions.add_party(
            tx, PartyKind(kind), name, parse_roles(tuple(role or ["reporter"])),
            organisation=PartyId(organisation) if organisation else None, actor=instance.actor.id, now=instance.clock.now(),
        )
    if json:
        print_json(made)
    else:
        out.print(made.id, markup=False)


@app.command()
def token(
    ctx: typer.Context,
    party: Annotated[str, typer.Argument(help="Id of the party the token speaks for.")],
    scope: Annotated[list[str], typer.Option(help="reports:submit, reports:read, cases:read, cases:decide, ...; may repeat.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days until it expires.")] = 90,
    json: Json = False,
) -> None:
    """Issue an API token; its text is shown this once."""
    from clearinghouse.core.errors import Invalid
    from clearinghouse.core.ids import PartyId
    from clearinghouse.core.roles import Scope
    from clearinghouse.parties import actions

    unknown = sorted(set(scope) - set(Scope))
    if unknown:
        raise Invalid(f"no such scope: {', '.join(unknown)}; scopes are {', '.join(Scope)}")
    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        now = instance.clock.now()
        made, text = actions.issue_token(
            tx, PartyId(party), frozenset(Scope(name) for name in scope), now + timedelta(days=days), actor=instance.actor.id, now=now
        )
    if json:
        print_json({"token": made, "text": text})
    else:
        out.print(text, markup=False)
        say(f"{made.id}: keep the text above, it is not shown again; it expires {made.expires_at:%Y-%m-%d}")


@app.command()
def revoke(ctx: typer.Context, token_id: Annotated[str, typer.Argument(help="Id of the token (tok_...).")], json: Json = False) -> None:
    """End a token at once."""
    from clearinghouse.parties import actions

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        actions.revoke_token(tx, token_id, actor=instance.actor.id, now=instance.clock.now())
    if json:
        print_json({"revoked": token_id})
    else:
        say(f"{token_id} is revoked")
