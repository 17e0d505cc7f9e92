"""`clearinghouse init`, `doctor`, `backup`, `restore`, `upgrade` and `policy`: the instance itself."""

from pathlib import Path
from typing import Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say, table


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (init, doctor, backup, restore, upgrade):
        app.command()(command)
    policies = typer.Typer(help="The numbers this instance runs under.", no_args_is_help=True)
    policies.command(name="show")(policy_show)
    policies.command(name="put")(policy_put)
    app.add_typer(policies, name="policy")


def init(
    ctx: typer.Context,
    organisation: Annotated[str, typer.Option(help="Name of the organisation that runs this instance.")] = "My organisation",
    person: Annotated[str, typer.Option(help="Name of the person at this command line.")] = "Operator",
    database_url: Annotated[str, typer.Option(help="postgresql://USER@HOST/NAME; an embedded SQLite file by default.")] = "",
    origin: Annotated[str, typer.Option(help="Name of the ledger, best a domain you own.")] = "clearinghouse.local",
    json: Json = False,
) -> None:
    """Make an instance: keys, database, first organisation and person, policy, first checkpoint."""
    from clearinghouse.app.settings import Settings, default_url
    from clearinghouse.app.wiring import create_instance
    from clearinghouse.core.errors import Invalid

    home = context_of(ctx).folder()
    if not origin or any(character.isspace() or character == "+" for character in origin):
        raise Invalid(f"the ledger's name must be without spaces and plus signs; {origin!r} was given")
    settings = Settings(home, database_url or default_url(home), origin, home / "witness" / "checkpoint", "")
    made = create_instance(settings, organisation=organisation, person=person)
    try:
        verifier = made.signer.verifier.render()
        if json:
            print_json({"home": str(home), "actor": made.actor, "ledger": verifier})
        else:
            out.print(f"instance made in {home}", markup=False)
            out.print(f"you act as   {made.actor.id} ({made.actor.name})", markup=False)
            out.print(f"ledger key   {verifier}", markup=False)
            say("next: clearinghouse intake FILE...   (back up the folder keys/ now, apart from the database)")
    finally:
        made.close()


def doctor(
    ctx: typer.Context,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Only the sandbox, each attack on it by itself.")] = False,
    json: Json = False,
) -> None:
    """Look at this machine and this instance, and say what to do about what is missing."""
    from clearinghouse.app.doctor import examine, examine_sandbox

    checks = list((examine_sandbox if sandbox else examine)(context_of(ctx).folder()))
    if json:
        print_json(checks)
    else:
        shown = table("", "check", "state", "found", "advice")
        styles = {"ok": "green", "missing": "yellow", "broken": "red"}
        for check in checks:
            shown.add_row(check.name, f"[{styles[check.state]}]{check.state}[/]", check.detail, check.advice if check.state != "ok" or check.advice else "")
        out.print(shown)
    if any(check.state == "broken" for check in checks):
        raise typer.Exit(7)


def backup(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Empty folder to write to.")],
    with_keys: Annotated[bool, typer.Option("--with-keys", help="Also copy the keys; keep such a backup under lock.")] = False,
    json: Json = False,
) -> None:
    """Copy the running instance into a folder, with digests of every file."""
    from clearinghouse.app.backup import write_backup
    from clearinghouse.core.roles import Scope
    from clearinghouse.parties.rules import check_may

    with context_of(ctx).instance() as instance:
        check_may(instance.actor, Scope.PARTIES_MANAGE)
        made = write_backup(instance, folder, with_keys=with_keys)
    if json:
        print_json({"folder": str(made.folder), "files": made.files, "leaves": made.leaves})
    else:
        out.print(f"{len(made.files)} files in {made.folder}, {made.leaves} leaves on the ledger", markup=False)
        if not with_keys:
            say("the keys are not in it: without keys/ a backup opens nothing; keep a copy of them elsewhere")


def restore(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder that `clearinghouse backup` wrote.")],
    json: Json = False,
) -> None:
    """Bring a backup into an empty CLEARINGHOUSE_HOME; refuses files that were altered."""
    from clearinghouse.app.backup import restore_backup

    home = context_of(ctx).folder()
    brought = restore_backup(folder, home)
    if json:
        print_json({"home": str(home), "files": brought})
        return
    out.print(f"{len(brought)} files brought to {home}", markup=False)
    if not (home / "keys" / "instance.key").exists():
        say(f"put the keys into {home / 'keys'}; the backup holds none", style="yellow")
    say("next: put the kept checkpoint (witness/checkpoint) back from its own store - or, if it is lost, "
        "`clearinghouse ledger adopt --reason ...` - then `clearinghouse ledger verify`")


def upgrade(ctx: typer.Context, json: Json = False) -> None:
    """Bring the database to the schema of this version."""
    from clearinghouse.app.settings import load_settings
    from clearinghouse.app.wiring import make_desk
    from clearinghouse.storage import Database
    from clearinghouse.storage.migrate import HEAD
    from clearinghouse.storage.migrate import upgrade as bring_up

    with Database(load_settings(context_of(ctx).folder()).database_url) as database:
        bring_up(database)
    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        # An instance that is older than the desk gets one, with whoever upgrades in it.
        make_desk(tx, instance.actor, instance.clock.now())
    if json:
        print_json({"schema": HEAD})
    else:
        out.print(f"the database has schema {HEAD}", markup=False)


def policy_show(ctx: typer.Context, json: Json = False) -> None:
    """The policy in force."""
    from clearinghouse.parties import store

    with context_of(ctx).instance() as instance:
        if json:
            print_json(instance.policy)
            return
        with instance.database.read() as tx:
            latest = store.latest_policy(tx)
        say(f"version {instance.policy.version}")
        out.print(latest[1] if latest else "", end="", markup=False)


def policy_put(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="TOML file with every number; begin from `policy show`.")],
    json: Json = False,
) -> None:
    """Put a changed policy in force as the next version."""
    from clearinghouse.app.settings import parse_policy
    from clearinghouse.core.errors import Invalid
    from clearinghouse.parties import actions

    with context_of(ctx).instance() as instance:
        version = instance.policy.version + 1
        try:
            document = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise Invalid(f"{file} is no UTF-8 text; a policy is a TOML file, begin from `clearinghouse policy show`") from None
        parse_policy(version, document)
        with instance.database.write() as tx:
            actions.put_policy(tx, version, document, actor=instance.actor.id, now=instance.clock.now())
    if json:
        print_json({"version": version})
    else:
        out.print(f"policy version {version} is in force", markup=False)
