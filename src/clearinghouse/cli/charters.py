"""`clearinghouse charter` and `clearinghouse capacity`: how projects want to be told, and what waits before them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say, table, untrusted

if TYPE_CHECKING:  # heavy: imported when a command runs
    from clearinghouse.parties.charters import Adopted
    from clearinghouse.parties.charters.document import Read

charter_app = typer.Typer(help="Disclosure charters: how a project wants to be told of flaws.", no_args_is_help=True)
capacity_app = typer.Typer(help="What waits before a vendor, under its charter's cap.", no_args_is_help=True)


@charter_app.command()
def check(file: Annotated[Path, typer.Argument(help="A charter in TOML or JSON.")], json: Json = False) -> None:
    """Check a charter and say what is wrong and where; needs no instance."""
    from clearinghouse.app.settings import default_policy_document, parse_policy
    from clearinghouse.core.clock import SystemClock
    from clearinghouse.core.errors import Invalid
    from clearinghouse.parties.charters.document import read_document

    limits = parse_policy(1, default_policy_document()).charters
    # One byte more than allowed is enough to see that there are too many.
    with file.open("rb") as opened:
        read = read_document(opened.read(limits.document_bytes_max + 1), limits, SystemClock().now())
    _show_read(read, json)
    if read.charter is None:
        raise Invalid(f"{len(read.errors)} error{'s' if len(read.errors) != 1 else ''}; a charter with errors is not read in part")


@charter_app.command()
def show(
    ctx: typer.Context,
    project: Annotated[str, typer.Argument(help="Name, package URL, repository, or id of a charter.")],
    toml: Annotated[bool, typer.Option("--toml", help="Print the document itself.")] = False,
    json: Json = False,
) -> None:
    """The charters in force for a project."""
    from clearinghouse.parties.charters import actions, store
    from clearinghouse.parties.charters.rendering import render_toml

    with context_of(ctx).instance() as instance, instance.read() as tx:
        found = actions.find_project(tx, project, envelope=instance.envelope)
        documents = [store.read_document(tx, one.id, one.version, instance.envelope) or b"{}" for one in found]
    if json:
        print_json(found)
    elif toml:
        for document in documents:
            out.print(render_toml(document), markup=False, soft_wrap=True)
    else:
        for one in found:
            _show_adopted(one)


@charter_app.command()
def claim(
    ctx: typer.Context,
    repository: Annotated[str, typer.Argument(help="https address of the repository.")],
    party: Annotated[str, typer.Option("--for", help="Id of the vendor whose it is.")],
    json: Json = False,
) -> None:
    """Claim a repository for a vendor; the number printed goes into the charter there as proof."""
    from clearinghouse.core.ids import PartyId
    from clearinghouse.parties.charters import actions

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        made = actions.open_claim(
            tx, PartyId(party), repository, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now()
        )
    if json:
        print_json(made)
    else:
        out.print(made.id, markup=False)
        if not made.holds:
            say(f'put claims = ["{made.id}"] into [project] of the charter there, then run: clearinghouse charter fetch {repository} --for {party}')


@charter_app.command()
def adopt(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A charter in TOML or JSON.")],
    party: Annotated[str, typer.Option("--for", help="Id of the vendor it is for.")],
    reason: Annotated[str, typer.Option(help="Why you act for the vendor; needed unless you belong to it. You vouch for all that the charter names.")] = "",
    json: Json = False,
) -> None:
    """Put a charter in force as the next version."""
    from clearinghouse.core.ids import PartyId
    from clearinghouse.parties.charters import actions

    with context_of(ctx).instance() as instance:
        limits = instance.policy.charters
        with file.open("rb") as opened:
            body = opened.read(limits.document_bytes_max + 1)
        with instance.database.write() as tx:
            adopted, read = actions.adopt_charter(
                tx, PartyId(party), body, untrusted_reason=reason, actor=instance.actor.id, envelope=instance.envelope, limits=limits,
                now=instance.clock.now(),
            )
    _show_done(adopted, read, json)


@charter_app.command()
def fetch(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(help="https address of a repository, or of a charter itself.")],
    party: Annotated[str, typer.Option("--for", help="Id of the vendor that claimed the repository: puts the charter in force.")] = "",
    json: Json = False,
) -> None:
    """Look what charter a repository holds; with --for, prove the claim and put it in force."""
    from clearinghouse.app.charter_fetch import look_at, prove_by_fetch
    from clearinghouse.core.errors import Invalid, NotFound
    from clearinghouse.core.ids import PartyId
    from clearinghouse.parties.charters import store
    from clearinghouse.parties.charters.matching import repository_key

    with context_of(ctx).instance() as instance:
        if not party:
            fetched, read = look_at(instance, address)
            if not json:
                say(f"found at {fetched.url}")
            _show_read(read, json)
            if read.charter is None:
                raise Invalid("this charter could not be put in force")
            return
        with instance.read() as tx:
            claims = store.claims_of(tx, PartyId(party))
        mine = next((one for one in claims if one.key == repository_key(address)), None)
        if mine is None:
            raise NotFound(f"this vendor has not claimed that repository; run: clearinghouse charter claim {address[:200]} --for {party[:40]}")
        adopted, read = prove_by_fetch(instance, mine.id, address)
    _show_done(adopted, read, json)


@charter_app.command()
def renew(ctx: typer.Context, json: Json = False) -> None:
    """Look at every repository a charter was fetched from, and put in force what changed."""
    from clearinghouse.app.charter_fetch import renew_charters

    with context_of(ctx).instance() as instance:
        found = renew_charters(instance)
    if json:
        print_json(found)
        return
    shown = table("Charters fetched before", "repository", "result")
    for one in found:
        result = one.trouble or (f"version {one.adopted.version} in force" if one.adopted is not None else "unchanged")
        shown.add_row(untrusted(one.claim.key.value, 80), untrusted(result, 200))
    out.print(shown)


@capacity_app.command()
def queue(ctx: typer.Context, vendor: Annotated[str, typer.Argument(help="Id of the vendor.")], json: Json = False) -> None:
    """What waits before a vendor: all of it for the vendor itself, for a coordinator what it may read."""
    from clearinghouse.core.ids import PartyId
    from clearinghouse.disclosure.coordination.capacity import actions

    with context_of(ctx).instance() as instance, instance.read() as tx:
        lines = actions.read_queue(
            tx, PartyId(vendor), viewer=instance.actor.id, envelope=instance.envelope, policy=instance.policy.capacity,
            now=instance.clock.now(),
        )
    if json:
        print_json(lines)
        return
    shown = table("Before this vendor", "id", "about", "queued", "severity", "expected", "standing")
    for line in lines:
        expected = line.forecast.expected_at if line.forecast is not None else None
        reasons = "; ".join(reason.words for reason in line.stopped.reasons) if line.stopped is not None else ""
        shown.add_row(
            line.item_id, line.object_id, f"{line.queued_at:%Y-%m-%d}", "EXPLOITED" if line.exploited else str(line.band or ""),
            f"{expected:%Y-%m-%d}" if expected is not None else "", untrusted(f"{line.words}{f' ({reasons})' if reasons else ''}", 200),
        )
    out.print(shown)


@capacity_app.command()
def put(
    ctx: typer.Context,
    vendor: Annotated[str, typer.Argument(help="Id of the vendor.")],
    about: Annotated[str, typer.Argument(help="Id of a case or of a single report.")],
    reproduced: Annotated[bool, typer.Option("--reproduced", help="You, or somebody you trust, reproduced it.")] = False,
    exploited: Annotated[bool, typer.Option("--exploited", help="You know it to be exploited: it passes the cap.")] = False,
    accountable: Annotated[bool, typer.Option("--accountable", help="A named person stands for what an AI system found.")] = False,
    embargo: Annotated[str, typer.Option(help="The packet's line about the embargo.")] = "",
    json: Json = False,
) -> None:
    """Put a case or a report before a vendor; it goes when the charter and its cap let it."""
    from clearinghouse.app.packets import queue_packet
    from clearinghouse.core.ids import PartyId

    with context_of(ctx).instance() as instance:
        item = queue_packet(
            instance, PartyId(vendor), about, exploited=exploited, reproducer_confirmed=reproduced, accountable_human=accountable, embargo=embargo
        )
    if json:
        print_json({"id": item.id, "vendor": item.vendor, "object_id": item.object_id, "state": item.state, "queued_at": item.queued_at})
    else:
        out.print(item.id, markup=False)


@capacity_app.command()
def deliver(ctx: typer.Context, json: Json = False) -> None:
    """Deliver what may go to any vendor now; safe to repeat."""
    from clearinghouse.app.packets import deliver_waiting
    from clearinghouse.core.roles import Scope
    from clearinghouse.parties.rules import check_may

    with context_of(ctx).instance() as instance:
        check_may(instance.actor, Scope.CASES_DECIDE)
        made = deliver_waiting(instance)
    if json:
        print_json([{"id": one.id, "vendor": one.vendor, "object_id": one.object_id, "counted": one.counted} for one in made])
    else:
        for one in made:
            out.print(f"{one.id} {one.object_id} -> {one.vendor}", markup=False)
        say(f"{len(made)} delivered")


def _show_read(read: "Read", json: bool) -> None:
    if json:
        print_json({"charter": read.charter, "problems": read.problems, "digest": read.digest if read.charter is not None else None})
        return
    for problem in read.problems:
        out.print(untrusted(str(problem), 500))
    if read.charter is not None:
        say(f"{read.charter.name}: this charter can be put in force")


def _show_done(adopted: "Adopted", read: "Read", json: bool) -> None:
    if json:
        print_json({"adopted": adopted, "problems": read.problems})
        return
    for problem in read.problems:
        say(str(problem))
    _show_adopted(adopted)


def _show_adopted(adopted: "Adopted") -> None:
    from clearinghouse.parties.charters.rules import named

    charter = adopted.charter
    shown = table(f"{charter.name} ({adopted.id}, version {adopted.version})", "what", "says")
    opt_out = " and ".join(what for what, said in (("contact", charter.opt_out.contact), ("scanning", charter.opt_out.scanning)) if said)
    unproven = sorted(key.value for key in named(charter) - set(adopted.covers))
    for what, says in (
        ("vendor", adopted.party), ("in force since", f"{adopted.adopted_at:%Y-%m-%d %H:%M} UTC{' (set by a coordinator)' if adopted.on_behalf else ''}"),
        ("covers", ", ".join(key.value for key in adopted.covers)), ("named, not proven", ", ".join(unproven)),
        ("takes", f"{charter.take} reports; found by AI: {charter.ai_take}, {'public' if charter.ai_public else 'private'}"),
        ("per week", "the instance's default" if charter.per_week is None else str(charter.per_week)),
        ("opted out of", opt_out), ("channels", ", ".join(f"{one.channel} {one.address}".strip() for one in charter.contacts)),
        ("valid until", "" if charter.valid_until is None else f"{charter.valid_until:%Y-%m-%d}"),
    ):
        if says:
            shown.add_row(what, untrusted(says, 400))
    out.print(shown)
