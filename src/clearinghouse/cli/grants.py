"""`clearinghouse grant`, `break-glass` and `session`: who may read what, for how long, and who is signed in."""

from datetime import timedelta
from typing import Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say, table, untrusted

grants = typer.Typer(help="Who may read an object, how far, why and until when.", no_args_is_help=True)
glass = typer.Typer(help="Read what nobody granted: one person asks, another confirms, the owners are told.", no_args_is_help=True)
sessions = typer.Typer(help="Who is signed in where.", no_args_is_help=True)

ObjectId = Annotated[str, typer.Argument(help="Id of a report, a submission or a case.")]


@grants.command()
def give(
    ctx: typer.Context,
    object_id: ObjectId,
    party: Annotated[str, typer.Argument(help="Id of the party that is read in.")],
    reason: Annotated[str, typer.Option(help="Why; kept sealed for those who may read the object.")],
    tier: Annotated[int, typer.Option(help="0 that something comes, 1 summary and dates, 2 the room, 3 its sealed documents too.")] = 2,
    days: Annotated[int, typer.Option(min=0, help="Days until it ends; 0: as policy says.")] = 0,
    json: Json = False,
) -> None:
    """Read somebody in."""
    from clearinghouse.app.views.grants import holders_of
    from clearinghouse.core.ids import PartyId
    from clearinghouse.parties import grants as actions
    from clearinghouse.parties.rules import parse_tier

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        now = instance.clock.now()
        made = actions.grant_read(
            tx, object_id, PartyId(party), tier=parse_tier(tier), reason=reason, until=now + timedelta(days=days) if days else None,
            within=holders_of(instance, tx, object_id), envelope=instance.envelope, policy=instance.policy.identity,
            actor=instance.actor.id, now=now,
        )
    if json:
        print_json(made)
    else:
        say(f"{party} may read {object_id} up to tier {tier} until {made.until:%Y-%m-%d %H:%MZ}")


@grants.command()
def revoke(
    ctx: typer.Context,
    object_id: ObjectId,
    party: Annotated[str, typer.Argument(help="Id of the party.")],
    reason: Annotated[str, typer.Option(help="Why; kept sealed.")],
    basis: Annotated[str, typer.Option(help="reporter, participant, read_in, desk or break_glass.")] = "read_in",
    json: Json = False,
) -> None:
    """End a grant at once."""
    from clearinghouse.app.views.grants import holders_of
    from clearinghouse.core.errors import Invalid
    from clearinghouse.core.ids import PartyId
    from clearinghouse.parties import grants as actions
    from clearinghouse.parties.records import Basis

    if basis not in set(Basis):
        raise Invalid(f"a grant stands on one of {', '.join(Basis)}; {basis!r} was given")
    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        actions.revoke_read(
            tx, object_id, PartyId(party), Basis(basis), reason=reason, within=holders_of(instance, tx, object_id),
            envelope=instance.envelope, actor=instance.actor.id, now=instance.clock.now(),
        )
    if json:
        print_json({"object": object_id, "revoked": party, "basis": basis})
    else:
        say(f"{party} reads {object_id} no more on the basis {basis}")


@grants.command(name="list")
def list_(ctx: typer.Context, object_id: ObjectId, json: Json = False) -> None:
    """Who may read an object, for those who may read it."""
    from clearinghouse.app.views.grants import holders_of
    from clearinghouse.parties import grants as actions

    with context_of(ctx).instance() as instance, instance.read() as tx:
        found = actions.list_grants(
            tx, object_id, within=holders_of(instance, tx, object_id), envelope=instance.envelope, viewer=instance.actor.id,
            now=instance.clock.now(),
        )
    if json:
        print_json(found)
        return
    shown = table(f"Grants of {object_id}", "id", "basis", "tier", "until", "given by", "reason")
    for grant in found:
        end = grant.revoked_at or grant.until
        shown.add_row(
            grant.party, grant.basis, "" if grant.tier is None else f"{grant.tier:d}",
            ("revoked " if grant.revoked_at else "") + (f"{end:%Y-%m-%d %H:%MZ}" if end else ""), grant.given_by or "",
            untrusted(grant.reason, 100),
        )
    out.print(shown)


@glass.command()
def request(
    ctx: typer.Context,
    object_id: ObjectId,
    reason: Annotated[str, typer.Option(help="Why it has to be read; its owners will see it.")],
    json: Json = False,
) -> None:
    """Ask to read what nobody granted; somebody else must confirm."""
    from clearinghouse.parties.glass import actions

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        made = actions.request_break_glass(
            tx, object_id, reason, envelope=instance.envelope, policy=instance.policy.identity, actor=instance.actor.id,
            now=instance.clock.now(),
        )
    if json:
        print_json(made)
    else:
        out.print(made.id, markup=False)
        say(f"somebody else confirms it before {made.lapses_at:%Y-%m-%d %H:%MZ} with `clearinghouse break-glass confirm {made.id}`")


@glass.command()
def confirm(
    ctx: typer.Context, glass_id: Annotated[str, typer.Argument(help="Id of the request (brk_...).")], json: Json = False
) -> None:
    """Confirm somebody else's request; it shows the object for hours, and its owners are told who you both are."""
    from clearinghouse.parties.glass import actions

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        made = actions.confirm_break_glass(
            tx, glass_id, envelope=instance.envelope, policy=instance.policy.identity, actor=instance.actor.id,
            now=instance.clock.now(),
        )
    if json:
        print_json(made)
    else:
        say(f"{made.party} may read {made.object_id} until {made.until:%Y-%m-%d %H:%MZ}")


@glass.command(name="list")
def glass_list(ctx: typer.Context, json: Json = False) -> None:
    """The requests that wait for a second person."""
    from clearinghouse.parties.glass import actions

    with context_of(ctx).instance() as instance, instance.database.read() as tx:
        found = actions.list_waiting(tx, envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
    if json:
        print_json(found)
        return
    shown = table("Waiting for a second person", "id", "object", "asked by", "lapses", "reason")
    for each in found:
        shown.add_row(each.id, each.object_id, each.asked_by, f"{each.lapses_at:%Y-%m-%d %H:%MZ}", untrusted(each.reason, 100))
    out.print(shown)


@sessions.command(name="list")
def session_list(
    ctx: typer.Context,
    party: Annotated[str, typer.Argument(help="Id of the party; whoever you act as without it.")] = "",
    json: Json = False,
) -> None:
    """The living sessions of a party."""
    from clearinghouse.core.ids import PartyId
    from clearinghouse.parties.identity.sessions import actions

    with context_of(ctx).instance() as instance, instance.database.read() as tx:
        found = actions.list_sessions(
            tx, PartyId(party) if party else instance.actor.id, viewer=instance.actor.id, policy=instance.policy.identity,
            now=instance.clock.now(),
        )
    if json:
        print_json(found)
        return
    shown = table("Sessions", "id", "by", "since", "last seen", "device")
    for each in found:
        shown.add_row(each.id, each.method, f"{each.started_at:%Y-%m-%d %H:%MZ}", f"{each.last_seen_at:%H:%MZ}", untrusted(each.user_agent, 60))
    out.print(shown)


@sessions.command(name="revoke")
def session_revoke(
    ctx: typer.Context,
    session_id: Annotated[str, typer.Argument(help="Id of the session (ses_...), or of a party to end all of its sessions.")],
    json: Json = False,
) -> None:
    """End a session, or all sessions of a party, at once."""
    from clearinghouse.core.ids import PartyId
    from clearinghouse.parties.identity.sessions import actions

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        ended = 1
        if session_id.startswith("pty_"):
            ended = actions.revoke_sessions(tx, PartyId(session_id), actor=instance.actor.id, now=instance.clock.now())
        else:
            actions.revoke_session(tx, session_id, actor=instance.actor.id, now=instance.clock.now())
    if json:
        print_json({"revoked": session_id, "sessions": ended})
    else:
        say(f"{ended} session{'' if ended == 1 else 's'} ended")
