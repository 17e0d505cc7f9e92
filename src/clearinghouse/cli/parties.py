"""`clearinghouse party` and `team`: who takes part, how they are reached and invited, their tokens and teams."""

from datetime import timedelta
from typing import Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say, table, untrusted

app = typer.Typer(help="Organisations, people, programs, teams: their tokens, invitations and contacts.", no_args_is_help=True)


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """All parties."""
    from clearinghouse.parties import store

    with context_of(ctx).instance() as instance, instance.read() as tx:
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
    kind: Annotated[str, typer.Option(help="organisation, person, program or team.")] = "person",
    organisation: Annotated[str, typer.Option(help="Id of the organisation of a person, program or team.")] = "",
    role: Annotated[list[str] | None, typer.Option(help="administrator, coordinator, reporter, vendor or overseer; may repeat.")] = None,
    json: Json = False,
) -> None:
    """Add an organisation, a person, a program or a team."""
    from clearinghouse.core.errors import Invalid
    from clearinghouse.core.ids import PartyId
    from clearinghouse.parties import actions
    from clearinghouse.parties.records import PartyKind
    from clearinghouse.parties.rules import parse_roles

    if kind not in set(PartyKind):
        raise Invalid(f"a party is one of {', '.join(PartyKind)}; {kind!r} was given")
    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        made = actions.add_party(
            tx, PartyKind(kind), name, parse_roles(tuple(role or ([] if kind == PartyKind.TEAM else ["reporter"]))),
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


@app.command()
def invite(
    ctx: typer.Context,
    role: Annotated[list[str], typer.Option(help="reporter, vendor, coordinator, overseer or administrator; may repeat.")],
    organisation: Annotated[str, typer.Option(help="Id of the organisation the person will belong to; a project of their own without it.")] = "",
    address: Annotated[str, typer.Option(help="E-mail address it is mailed to, if it is.")] = "",
    json: Json = False,
) -> None:
    """Invite somebody; the text that lets them in is shown this once."""
    from clearinghouse.core.ids import PartyId
    from clearinghouse.parties.identity.enrolment import actions
    from clearinghouse.parties.rules import parse_roles

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        made, text = actions.invite(
            tx, parse_roles(tuple(role)), organisation=PartyId(organisation) if organisation else None, address=address,
            envelope=instance.envelope, policy=instance.policy.identity, actor=instance.actor.id, now=instance.clock.now(),
        )
        mailed = bool(made.address and instance.settings.public_url)
    if mailed:
        # The text that is mailed takes the place of this one, so that it proves who reads the address.
        say(f"{made.id}: mailed to the address; it is good for one person until {made.expires_at:%Y-%m-%d}")
    elif json:
        print_json({"invitation": made, "text": text})
    else:
        out.print(text, markup=False)
        say(f"{made.id}: hand the text above to whom you invite; it is good for one person until {made.expires_at:%Y-%m-%d}")


@app.command()
def reset(ctx: typer.Context, party: Annotated[str, typer.Argument(help="Id of the person.")], json: Json = False) -> None:
    """Make a link by which somebody who lost every credential sets new ones; good for a day."""
    from clearinghouse.core.ids import PartyId
    from clearinghouse.parties.identity.enrolment import actions

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        made, text = actions.offer_reset(
            tx, PartyId(party), policy=instance.policy.identity, actor=instance.actor.id, now=instance.clock.now()
        )
    if json:
        print_json({"link": made, "text": text})
    else:
        out.print(text, markup=False)
        say(f"{made.id}: hand the text above to {party} alone: whoever has it becomes that person. Both of you stand on the record")


contacts = typer.Typer(help="Addresses at which a party is reached.", no_args_is_help=True)
app.add_typer(contacts, name="contact")


@contacts.command(name="add")
def contact_add(
    ctx: typer.Context,
    party: Annotated[str, typer.Argument(help="Id of the party.")],
    address: Annotated[str, typer.Argument(help="E-mail address.")],
    json: Json = False,
) -> None:
    """Add an address; nothing embargoed goes to it before its holder proved to read it."""
    from clearinghouse.core.ids import PartyId
    from clearinghouse.parties.contacts import actions

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        made = actions.add_contact(
            tx, PartyId(party), address, envelope=instance.envelope, actor=instance.actor.id, now=instance.clock.now()
        )
    if json:
        print_json(made)
    else:
        out.print(made.id, markup=False)


@contacts.command(name="list")
def contact_list(ctx: typer.Context, party: Annotated[str, typer.Argument(help="Id of the party.")], json: Json = False) -> None:
    """The addresses of a party."""
    from clearinghouse.core.ids import PartyId
    from clearinghouse.parties.contacts import actions

    with context_of(ctx).instance() as instance, instance.database.read() as tx:
        found = actions.list_contacts(tx, PartyId(party), envelope=instance.envelope, viewer=instance.actor.id)
    if json:
        print_json(found)
        return
    shown = table("Contacts", "id", "address", "verified")
    for contact in found:
        shown.add_row(contact.id, untrusted(contact.address, 254), f"{contact.verified_at:%Y-%m-%d}" if contact.verified_at else "not yet")
    out.print(shown)


@contacts.command(name="remove")
def contact_remove(
    ctx: typer.Context, contact_id: Annotated[str, typer.Argument(help="Id of the address (con_...).")], json: Json = False
) -> None:
    """Forget an address."""
    from clearinghouse.parties.contacts import actions

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        actions.remove_contact(tx, contact_id, envelope=instance.envelope, actor=instance.actor.id, now=instance.clock.now())
    if json:
        print_json({"removed": contact_id})
    else:
        say(f"{contact_id} is forgotten")


teams = typer.Typer(help="People who share what is granted to their team.", no_args_is_help=True)


@teams.command(name="list")
def team_list(ctx: typer.Context, json: Json = False) -> None:
    """The teams and who belongs to them."""
    from clearinghouse.parties import store
    from clearinghouse.parties.records import PartyKind

    with context_of(ctx).instance() as instance, instance.read() as tx:
        names = {party.id: party.name for party in store.list_parties(tx)}
        now = instance.clock.now()
        found = [
            (party, [each for each in store.list_memberships(tx, party.id) if each.until is None or each.until > now])
            for party in store.list_parties(tx) if party.kind is PartyKind.TEAM
        ]
    if json:
        print_json([{"team": team, "members": members} for team, members in found])
        return
    shown = table("Teams", "id", "name", "member", "until")
    for team, members in found:
        shown.add_row(team.id, untrusted(team.name, 60), "" if members else "nobody", "")
        for each in members:
            shown.add_row("", "", untrusted(f"{names.get(each.member, '')} ({each.member})", 100), f"{each.until:%Y-%m-%d %H:%MZ}" if each.until else "")
    out.print(shown)


@teams.command()
def join(
    ctx: typer.Context,
    team: Annotated[str, typer.Argument(help="Id of the team.")],
    member: Annotated[str, typer.Argument(help="Id of the person or program.")],
    days: Annotated[int, typer.Option(min=0, max=3650, help="Days until the membership ends; 0: until leaving.")] = 0,
    json: Json = False,
) -> None:
    """Let somebody join a team: from now on they read what the team may read."""
    from clearinghouse.core.ids import PartyId
    from clearinghouse.parties import actions

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        now = instance.clock.now()
        made = actions.join_team(
            tx, PartyId(team), PartyId(member), until=now + timedelta(days=days) if days else None, actor=instance.actor.id, now=now
        )
    if json:
        print_json(made)
    else:
        say(f"{member} belongs to {team}")


@teams.command()
def leave(
    ctx: typer.Context,
    team: Annotated[str, typer.Argument(help="Id of the team.")],
    member: Annotated[str, typer.Argument(help="Id of the person or program.")],
    json: Json = False,
) -> None:
    """End a membership at once."""
    from clearinghouse.core.ids import PartyId
    from clearinghouse.parties import actions

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        actions.leave_team(tx, PartyId(team), PartyId(member), actor=instance.actor.id, now=instance.clock.now())
    if json:
        print_json({"team": team, "left": member})
    else:
        say(f"{member} has left {team}")
