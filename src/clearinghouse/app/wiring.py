"""An instance put together: its database, keys, clock, policy and the party that acts."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache

from clearinghouse.app.settings import (
    SETTINGS_NAME,
    Settings,
    default_policy_document,
    default_url,
    load_settings,
    parse_policy,
    render_settings,
)
from clearinghouse.core.clock import Clock, SystemClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, Unavailable
from clearinghouse.core.ids import PartyId
from clearinghouse.core.policy import Policy
from clearinghouse.core.roles import Role
from clearinghouse.ledger import actions as ledger
from clearinghouse.ledger.note import Ed25519Signer
from clearinghouse.ledger.witness import FileKeeper
from clearinghouse.parties import actions as parties
from clearinghouse.parties import store as party_store
from clearinghouse.parties.records import Party, PartyKind
from clearinghouse.storage import Database, Envelope, Transaction
from clearinghouse.storage.migrate import check_schema, upgrade
from clearinghouse.storage.sealing import create_key_file, read_envelope

SYSTEM_NAME = "matcher"
DESK_NAME = "Intake desk"


@dataclass(frozen=True)
class Instance:
    """One running instance as one party sees it."""

    settings: Settings
    clock: Clock
    actor: Party
    """Who acts and views."""
    policy: Policy
    database: Database
    envelope: Envelope

    @cached_property
    def signer(self) -> Ed25519Signer:
        """What signs checkpoints."""
        return read_signer(self.settings)

    @cached_property
    def keeper(self) -> FileKeeper:
        """The second store of the last checkpoint."""
        return FileKeeper(self.settings.witness_path)

    @cached_property
    def system(self) -> PartyId:
        """The matcher's own party, under whose name machine decisions are recorded."""
        with self.database.read() as tx:
            found = party_store.find_party_by_name(tx, SYSTEM_NAME, PartyKind.PROGRAM)
        if found is None:
            raise Unavailable("this instance has no party for the matcher; it was not made by `clearinghouse init`")
        return found.id

    @cached_property
    def desk(self) -> PartyId:
        """The team that looks after what came without a coordinator at hand."""
        with self.database.read() as tx:
            found = party_store.find_party_by_name(tx, DESK_NAME, PartyKind.TEAM)
        if found is None:
            raise Unavailable(f"this instance has no team {DESK_NAME!r}; run `clearinghouse upgrade`, which makes it")
        return found.id

    @cached_property
    def openpgp_keys(self) -> tuple[bytes, ...]:
        """Secret keys for encrypted mail."""
        folder = self.settings.openpgp_folder
        return tuple(path.read_bytes() for path in sorted(folder.glob("*"))) if folder.is_dir() else ()

    def read(self) -> AbstractContextManager[Transaction]:
        """A transaction that reads as this instance's party: behind both walls."""
        return self.database.read(viewer=self.actor.id, now=self.clock.now())

    def acting_as(self, party: Party) -> "Instance":
        """The same instance as another party sees it; both share the database."""
        return replace(self, actor=party)

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()


def create_instance(settings: Settings, *, organisation: str, person: str, clock: Clock | None = None) -> Instance:
    """A fresh instance: keys, schema, first organisation and person, the matcher, policy version 1, first checkpoint.

    Interrupted and run again it goes on; keys that exist are kept.
    Raises:
        Conflict: the instance exists.
    """
    path = settings.home / SETTINGS_NAME
    if path.exists():
        raise Conflict(f"there is an instance in {settings.home} already; set CLEARINGHOUSE_HOME to make another one")
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    create_key_file(settings.instance_key_path)
    create_key_file(settings.ledger_key_path)
    clock = clock or SystemClock()
    database = Database(settings.database_url)
    upgrade(database)
    with database.write() as tx:
        if (found := party_store.find_party_by_name(tx, person, PartyKind.PERSON)) is None:
            if party_store.list_parties(tx):
                raise Conflict("the database belongs to an instance already, but its settings file is missing; restore it")
            everything = frozenset({Role.ADMINISTRATOR, Role.COORDINATOR, Role.REPORTER})
            founding = parties.add_party(
                tx, PartyKind.ORGANISATION, organisation, frozenset({Role.ADMINISTRATOR}), actor=None, now=clock.now()
            )
            found = parties.add_party(
                tx, PartyKind.PERSON, person, everything, organisation=founding.id, actor=founding.id, now=clock.now()
            )
            parties.add_party(
                tx, PartyKind.PROGRAM, SYSTEM_NAME, frozenset({Role.SYSTEM}), organisation=founding.id, actor=found.id,
                now=clock.now(),
            )
            parties.put_policy(tx, 1, default_policy_document(), actor=found.id, now=clock.now())
            make_desk(tx, found, clock.now())
    # Last, so that an interrupted `init` can simply be run again.
    url = None if settings.database_url == default_url(settings.home) else settings.database_url
    text = render_settings(database_url=url, ledger_origin=settings.ledger_origin, actor=found.id)
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)
    instance = _assemble(load_settings(settings.home), database, clock, found.id)
    ledger.checkpoint(database, settings.ledger_origin, instance.signer, instance.keeper, now=clock.now())
    return instance


def policy_of(tx: Transaction, version: int) -> Policy:
    """The policy of a version: a case keeps the one it began under.

    Raises:
        NotFound: there is no such version.
    """
    document = party_store.find_policy(tx, version)
    if document is None:
        raise NotFound(f"there is no version {version} of the policy")
    return _parsed(version, document)


_parsed = lru_cache(maxsize=32)(parse_policy)


def make_desk(tx: Transaction, person: Party, now: datetime) -> None:
    """Make the team that looks after the inbox, with one person in it, where there is none yet."""
    if party_store.find_party_by_name(tx, DESK_NAME, PartyKind.TEAM) is None:
        desk = parties.add_party(
            tx, PartyKind.TEAM, DESK_NAME, frozenset(), organisation=person.organisation, actor=person.id, now=now
        )
        parties.join_team(tx, desk.id, person.id, actor=person.id, now=now)


def open_instance(settings: Settings, *, acting_as: str | None = None, clock: Clock | None = None) -> Instance:
    """The instance of a folder.

    Args:
        acting_as: id of the party to act and view as; the settings' actor by default.
    Raises:
        Unavailable: keys, database or schema are missing.
        ForkDetected: the database is an older copy than the checkpoint kept beside it.
    """
    database = Database(settings.database_url)
    check_schema(database)
    instance = _assemble(settings, database, clock or SystemClock(), acting_as or settings.actor)
    ledger.check_continues(database, instance.keeper, [instance.signer.verifier])
    return instance


def read_signer(settings: Settings) -> Ed25519Signer:
    """The ledger's signer.

    Raises:
        Unavailable: its key is missing or damaged.
    """
    try:
        seed = bytes.fromhex(settings.ledger_key_path.read_text().strip())
    except OSError as error:
        raise Unavailable(f"cannot read the ledger key {settings.ledger_key_path} ({error.strerror}); restore it") from error
    except ValueError:
        seed = b""
    if len(seed) != 32:
        raise Unavailable(f"{settings.ledger_key_path} must hold 64 hexadecimal digits; restore it from a backup")
    return Ed25519Signer(settings.ledger_origin, seed)


def _assemble(settings: Settings, database: Database, clock: Clock, actor_id: str) -> Instance:
    with database.read() as tx:
        actor = parties.get_party(tx, actor_id)
        latest = party_store.latest_policy(tx)
    if latest is None:
        raise Invalid("no policy is in force; put one in force with `clearinghouse policy put FILE`")
    return Instance(
        settings, clock, actor, parse_policy(*latest), database, read_envelope(settings.instance_key_path)
    )


def verifier_text(instance: Instance) -> str:
    """The ledger's verifier key as others need it."""
    return instance.signer.verifier.render()


__all__ = ["Instance", "create_instance", "open_instance", "policy_of", "read_signer", "verifier_text"]
