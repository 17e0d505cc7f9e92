"""`clearinghouse case`: case rooms, their people and what is said in them; a whole case out and in."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say, table, untrusted
from clearinghouse.core.marks import Marks, Purpose, Reach
from clearinghouse.core.tlp import Tlp

app = typer.Typer(help="Case rooms: open one, invite, talk, and pass a whole case on.", no_args_is_help=True)

CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="Case id (case_...), as `case list` shows it.")]
_MESSAGE_BYTES_MAX = 10_000_000  # of what is piped in; the policy's bound on a message is far below


@app.command(name="list")
def list_(
    ctx: typer.Context, state: Annotated[str, typer.Option(help="Only cases in this state: open, closed, withdrawn.")] = "",
    size: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 50, json: Json = False,
) -> None:
    """The cases you take part in, newest first."""
    from clearinghouse.app.views.case_room import list_rooms
    from clearinghouse.disclosure.coordination.rooms.records import CaseState

    only = CaseState(_one_of("state", state, list(CaseState))) if state else None
    with context_of(ctx).instance() as instance:
        rooms = list_rooms(instance, limit=size, state=only)
    if json:
        print_json(rooms)
        return
    shown = table("", "case", "state", "opened", "your part", "TLP", "unread", "title")
    for room in rooms:
        shown.add_row(
            room.id, room.state, f"{room.opened_at:%Y-%m-%d}", ", ".join(room.roles), room.tlp, str(room.unread or ""), untrusted(room.title, 90)
        )
    out.print(shown)
    if not rooms:
        say("no cases yet; next: clearinghouse case open REPORT... --title TITLE")


@app.command()
def show(ctx: typer.Context, case: CaseArgument, json: Json = False) -> None:
    """A case as you may see it: who takes part, what vendors say, the newest messages."""
    from clearinghouse.app.views.case_room import read_room

    with context_of(ctx).instance() as instance:
        room = read_room(instance, case)
    if json:
        statuses = [{"vulnerability": flaw, "party": party, "status": said.status, "said_at": said.said_at}
                    for (flaw, party), said in room.statuses.items()]
        print_json({
            "case": room.case, "lead_name": room.lead_name, "roles": sorted(room.standing.roles), "tier": int(room.standing.tier),
            "participants": room.participants, "vulnerabilities": room.vulnerabilities, "statuses": statuses, "threads": room.threads,
            "documents": room.documents, "decisions": room.decisions, "reports": room.packets, "timeline": room.timeline,
        })
        return
    out.print(untrusted(room.case.title, 300, "bold"))
    out.print(f"{room.case.id} {room.case.state} since {room.case.state_at:%Y-%m-%d %H:%M} UTC, TLP:{room.case.marks.tlp}", markup=False)
    people = table("", "party", "name", "part", "state", "report")
    for line in room.participants:
        one = line.participant
        people.add_row(one.party, untrusted(line.name, 60), one.role, one.state, one.report_state)
    out.print(people)
    for packet in room.packets:
        out.print(untrusted(f"report {packet.report.id} of {packet.reporter_name}: {packet.report.title}", 200))
    for flaw in room.vulnerabilities:
        said = ", ".join(f"{line.name}: {found.status}" for line in room.vendors if (found := room.status_of(flaw.id, line.participant.party)))
        out.print(untrusted(f"vulnerability {flaw.id} {flaw.title}: {said or 'no vendor has answered'}", 300))
    for thread in room.threads:
        out.print(untrusted(f"thread {thread.thread.id} {thread.thread.title or thread.thread.kind}", 200, "bold"))
        for message in thread.messages:
            out.print(untrusted(f"  {message.message.at:%Y-%m-%d %H:%M} {message.author_name}: {message.message.body}", 2000))


@app.command(name="open")
def open_(
    ctx: typer.Context, reports: Annotated[list[str], typer.Argument(metavar="REPORT...", help="Reports of one flaw (rep_...).")],
    title: Annotated[str, typer.Option(help="What to call it; all participants read it.")],
    summary: Annotated[str, typer.Option(help="A few sentences for whoever is read in.")] = "",
    tlp: Annotated[str, typer.Option(help="TLP 2.0 label.")] = str(Marks().tlp),
    reason: Annotated[str, typer.Option(help="Why these are one flaw.")] = "", json: Json = False,
) -> None:
    """Open a case from reports you can read; their reporters take part from the start."""
    from clearinghouse.disclosure.coordination.rooms import actions

    marks = Marks(Tlp(_one_of("label", tlp.upper(), list(Tlp))))
    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        case_id = actions.open_case(
            tx, reports, title, summary=summary, marks=marks, reason=reason, policy_version=instance.policy.version, actor=instance.actor.id,
            envelope=instance.envelope, limits=instance.policy.rooms, now=instance.clock.now(),
        )
    _print_id(case_id, json, f"next: clearinghouse case invite {case_id} PARTY --role vendor --reason REASON")


@app.command()
def invite(
    ctx: typer.Context, case: CaseArgument, party: Annotated[str, typer.Argument(help="Party id (pty_...).")],
    role: Annotated[str, typer.Option(help="coordinator, finder, reporter, vendor, deployer or observer.")],
    reason: Annotated[str, typer.Option(help="Why; the invited party reads it.")],
    tier: Annotated[int | None, typer.Option(min=0, max=3, help="How far an observer is read in.")] = None,
    until: Annotated[datetime | None, typer.Option(help="When its right to read ends (UTC).", formats=["%Y-%m-%d"])] = None, json: Json = False,
) -> None:
    """Invite a party; it reads nothing but the invitation until it accepts."""
    from datetime import UTC

    from clearinghouse.disclosure.coordination.rooms import actions
    from clearinghouse.disclosure.coordination.rooms.records import CaseRole

    part = CaseRole(_one_of("part", role, list(CaseRole)))
    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        found = actions.invite(
            tx, case, party, part, reason, tier=tier, until=None if until is None else until.replace(tzinfo=UTC), actor=instance.actor.id,
            envelope=instance.envelope, limits=instance.policy.rooms, now=instance.clock.now(),
        )
    if json:
        print_json(found)
    else:
        say(f"{found.party} is {found.state} as {found.role}", "green")


@app.command()
def accept(ctx: typer.Context, case: CaseArgument, json: Json = False) -> None:
    """Accept an invitation, for yourself, your organisation or your team."""
    from clearinghouse.disclosure.coordination.rooms import actions

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        found = actions.accept_invitation(tx, case, actor=instance.actor.id, now=instance.clock.now())
    if json:
        print_json(found)
    else:
        say(f"you take part as {found.role}", "green")


@app.command()
def message(
    ctx: typer.Context, case: CaseArgument, text: Annotated[str, typer.Argument(help="What to say, Markdown; `-` reads standard input.")],
    thread: Annotated[str, typer.Option(help="Thread id (thr_...); the thread of all participants by default.")] = "", json: Json = False,
) -> None:
    """Say something in a thread of a case."""
    from clearinghouse.disclosure.coordination.rooms import actions
    from clearinghouse.disclosure.coordination.rooms.records import Via

    body = sys.stdin.buffer.read(_MESSAGE_BYTES_MAX).decode("utf-8", "replace") if text == "-" else text
    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        message_id = actions.post_message(
            tx, case, thread or None, body, via=Via.API, actor=instance.actor.id, envelope=instance.envelope, limits=instance.policy.rooms,
            now=instance.clock.now(),
        )
    _print_id(message_id, json, "")


@app.command()
def export(
    ctx: typer.Context, case: CaseArgument, file: Annotated[Path, typer.Argument(help="File to write; it must not exist.")],
    reach: Annotated[str, typer.Option(help="How the receiver stands to those it was shared with: named, organisation, client, community, public.")] =
    str(Reach.COMMUNITY),
    purpose: Annotated[str, typer.Option(help="What for: coordination, training, regulation.")] = str(Purpose.COORDINATION), json: Json = False,
) -> None:
    """Write a whole case to a file, as far as its marks reach the receiver; it leaves an event."""
    from clearinghouse.app.bundles import export_bundle
    from clearinghouse.core.errors import Conflict
    from clearinghouse.core.marks import Audience
    from clearinghouse.disclosure.coordination.rooms.bundle import digest_bundle

    audience = Audience(Reach(_one_of("reach", reach, list(Reach))), Purpose(_one_of("purpose", purpose, list(Purpose))))
    if file.exists():
        raise Conflict(f"{file} exists; name another file")
    with context_of(ctx).instance() as instance:
        rendered = export_bundle(instance, case, audience)
    # Only its owner may read the file of embargoed text, from its first byte on.
    file.touch(mode=0o600, exist_ok=False)
    file.write_bytes(rendered)
    digest = digest_bundle(rendered)
    if json:
        print_json({"case": case, "file": str(file), "size_bytes": len(rendered), "digest": digest})
    else:
        say(f"wrote {file}: {len(rendered)} bytes, {digest}", "green")


@app.command(name="import")
def import_(
    ctx: typer.Context, file: Annotated[Path, typer.Argument(help="A bundle that another instance exported.", exists=True, dir_okay=False)],
    json: Json = False,
) -> None:
    """Take a whole case in; every hash is checked first, and the same bundle again gives the same case."""
    from clearinghouse.app.bundles import import_bundle
    from clearinghouse.core.errors import Invalid

    with context_of(ctx).instance() as instance:
        most = instance.policy.rooms.bundle_bytes_max
        if file.stat().st_size > most:
            raise Invalid(f"{file} has {file.stat().st_size} bytes; {most} are taken")
        case_id = import_bundle(instance, file.read_bytes())
    _print_id(case_id, json, f"next: clearinghouse case show {case_id}; its people are placeholders, invite them anew")


def _one_of(what: str, given: str, known: list[str]) -> str:
    from clearinghouse.core.errors import Invalid

    if given not in known:
        raise Invalid(f"a {what} is one of {', '.join(map(str, known))}; {given[:40]!r} was given")
    return given


def _print_id(object_id: str, json: bool, following: str) -> None:
    if json:
        print_json({"id": object_id})
        return
    out.print(object_id, markup=False)
    if following:
        say(following)
