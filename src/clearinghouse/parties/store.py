"""Where parties are kept: the only SQL of this capability, and the join that every read makes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    Row,
    Select,
    Table,
    and_,
    exists,
    false,
    func,
    insert,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from clearinghouse.core.ids import PartyId, TokenId
from clearinghouse.core.roles import Role, Scope
from clearinghouse.parties.records import Basis, Grant, Membership, Party, PartyKind, Tier, Token
from clearinghouse.storage import SealedBody, Transaction
from clearinghouse.storage.schema import Body, Digest, Id, Instant, Prose, Word, metadata

parties = Table(
    "parties", metadata,
    Column("party_id", Id, primary_key=True),
    Column("kind", Word, nullable=False),
    Column("name", Prose, nullable=False),
    Column("organisation_id", Id, ForeignKey("parties.party_id")),
    Column("created_at", Instant, nullable=False),
)
roles = Table(
    "roles", metadata,
    Column("party_id", Id, ForeignKey("parties.party_id"), primary_key=True),
    Column("role", Word, primary_key=True),
    Column("granted_at", Instant, nullable=False),
)
tokens = Table(
    "tokens", metadata,
    Column("token_id", Id, primary_key=True),
    Column("party_id", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("secret_hash", Digest, nullable=False),
    Column("scopes", Prose, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)
read_grants = Table(
    "read_grants", metadata,
    Column("object_id", Id, primary_key=True),
    Column("party_id", Id, ForeignKey("parties.party_id"), primary_key=True),
    Column("basis", Word, primary_key=True),
    Column("until", Instant),
    Column("tier", Integer),
    Column("given_by", Id),
    Column("given_at", Instant),
    Column("revoked_at", Instant),
    Column("wrapped_key", Body),
    Column("sealed_reason", Body),
    Column("sealed_revocation", Body),
    Index(None, "party_id"),
)
memberships = Table(
    "memberships", metadata,
    Column("team_id", Id, ForeignKey("parties.party_id"), primary_key=True),
    Column("member_id", Id, ForeignKey("parties.party_id"), primary_key=True),
    Column("since", Instant, primary_key=True),
    Column("until", Instant),
    Index(None, "member_id"),
)
policies = Table(
    "policies", metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("document", Prose, nullable=False),
    Column("in_force_at", Instant, nullable=False),
)


def add_party(tx: Transaction, party: Party) -> None:
    """Keep a new party and its roles."""
    tx.write(insert(parties), {
        "party_id": party.id, "kind": party.kind, "name": party.name,
        "organisation_id": party.organisation, "created_at": party.created_at,
    })
    tx.write(insert(roles), [
        {"party_id": party.id, "role": role, "granted_at": party.created_at} for role in sorted(party.roles)
    ])


def find_party(tx: Transaction, party_id: str) -> Party | None:
    """The party of an id."""
    row = tx.row(select(parties).where(parties.c.party_id == party_id))
    return None if row is None else _party(tx, row)


def find_party_by_name(tx: Transaction, name: str, kind: PartyKind) -> Party | None:
    """The earliest party of a kind with exactly this name."""
    row = tx.row(
        select(parties).where(parties.c.name == name, parties.c.kind == kind).order_by(parties.c.created_at, parties.c.party_id)
    )
    return None if row is None else _party(tx, row)


def founding_organisation(tx: Transaction) -> str:
    """The name of the organisation that runs this instance: the first party there was."""
    query = select(parties.c.name).where(parties.c.kind == PartyKind.ORGANISATION).order_by(parties.c.created_at, parties.c.party_id)
    return str(tx.value(query.limit(1)) or "")


def list_named_like(tx: Transaction, name: str, limit: int) -> list[tuple[PartyId, str]]:
    """Parties whose name holds a text, by name, for who keeps the list of them; an empty text finds nobody."""
    query = select(parties.c.party_id, parties.c.name).where(
        parties.c.name != "", func.lower(parties.c.name).contains(name.lower(), autoescape=True) if name else false()
    ).order_by(parties.c.name, parties.c.party_id).limit(limit)
    return [(PartyId(row.party_id), row.name) for row in tx.rows(query)]


def list_parties(tx: Transaction) -> list[Party]:
    """All parties in order of creation; two statements however many."""
    held: dict[str, set[Role]] = {}
    for row in tx.rows(select(roles)):
        held.setdefault(row.party_id, set()).add(Role(row.role))
    return [
        _made(row, frozenset(held.get(row.party_id, ())))
        for row in tx.rows(select(parties).order_by(parties.c.created_at, parties.c.party_id))
    ]


def add_token(tx: Transaction, token: Token, secret_hash: str) -> None:
    """Keep a token; the secret itself is never stored."""
    tx.write(insert(tokens), {
        "token_id": token.id, "party_id": token.party, "secret_hash": secret_hash, "scopes": " ".join(sorted(token.scopes)),
        "created_at": token.created_at, "expires_at": token.expires_at, "revoked_at": None,
    })


def find_token(tx: Transaction, token_id: str) -> tuple[Token, str] | None:
    """A token and the hash of its secret."""
    row = tx.row(select(tokens).where(tokens.c.token_id == token_id))
    if row is None:
        return None
    scopes = frozenset(Scope(scope) for scope in row.scopes.split())
    token = Token(TokenId(row.token_id), PartyId(row.party_id), scopes, row.created_at, row.expires_at, row.revoked_at)
    return token, row.secret_hash


def list_tokens(tx: Transaction, party: PartyId) -> list[Token]:
    """A party's tokens in order of creation, those that ended among them."""
    return [
        Token(TokenId(row.token_id), PartyId(row.party_id), frozenset(Scope(scope) for scope in row.scopes.split()), row.created_at,
              row.expires_at, row.revoked_at)
        for row in tx.rows(select(tokens).where(tokens.c.party_id == party).order_by(tokens.c.created_at, tokens.c.token_id))
    ]


def revoke_token(tx: Transaction, token_id: TokenId, at: datetime) -> None:
    """End a token; ending it twice keeps the first instant."""
    tx.write(update(tokens).where(tokens.c.token_id == token_id, tokens.c.revoked_at.is_(None)).values(revoked_at=at))


def add_membership(tx: Transaction, membership: Membership) -> None:
    """Keep that somebody belongs to a team from now on."""
    tx.write(insert(memberships), {
        "team_id": membership.team, "member_id": membership.member, "since": membership.since, "until": membership.until,
    })


def end_membership(tx: Transaction, team: PartyId, member: PartyId, at: datetime) -> int:
    """End a live membership; gives how many there were."""
    live = (memberships.c.team_id == team, memberships.c.member_id == member, _lasts(memberships.c.until, at))
    return tx.write(update(memberships).where(*live).values(until=at))


def list_memberships(tx: Transaction, party: PartyId) -> list[Membership]:
    """The memberships of a team, or of a person, past ones too, earliest first."""
    query = select(memberships).where(or_(memberships.c.team_id == party, memberships.c.member_id == party))
    return [
        Membership(PartyId(row.team_id), PartyId(row.member_id), row.since, row.until)
        for row in tx.rows(query.order_by(memberships.c.since, memberships.c.member_id))
    ]


def system_people_with(tx: Transaction, held: Collection[Role]) -> list[PartyId]:
    """The people who hold one of these roles, earliest first: for whoever has to tell them something."""
    having = select(roles.c.party_id).where(roles.c.role.in_(sorted(held)))
    query = select(parties.c.party_id).where(parties.c.kind == PartyKind.PERSON, parties.c.party_id.in_(having))
    return [PartyId(row.party_id) for row in tx.rows(query.order_by(parties.c.created_at, parties.c.party_id))]


def system_people_on_duty(tx: Transaction, object_ids: Sequence[str], held: Collection[Role], now: datetime) -> list[PartyId]:
    """The people with one of these roles who read one of these objects for another reason than having sent it; one statement."""
    having = select(roles.c.party_id).where(roles.c.role.in_(sorted(held)))
    granted = select(read_grants.c.party_id).where(
        read_grants.c.object_id.in_(list(object_ids)), read_grants.c.basis != Basis.REPORTER, _alive(now),
        or_(read_grants.c.tier.is_(None), read_grants.c.tier >= Tier.ROOM),
    )
    members = select(memberships.c.member_id).where(
        memberships.c.team_id.in_(granted), memberships.c.since <= now, _lasts(memberships.c.until, now)
    )
    query = select(parties.c.party_id).where(
        parties.c.kind == PartyKind.PERSON, parties.c.party_id.in_(having),
        or_(parties.c.party_id.in_(granted), parties.c.organisation_id.in_(granted), parties.c.party_id.in_(members)),
    )
    return [PartyId(row.party_id) for row in tx.rows(query.order_by(parties.c.created_at, parties.c.party_id))]


def system_people_of(tx: Transaction, party: PartyId, now: datetime) -> list[PartyId]:
    """The people of an organisation, or who is in a team at `now`: for whoever has to tell them something."""
    members = select(memberships.c.member_id).where(
        memberships.c.team_id == party, memberships.c.since <= now, _lasts(memberships.c.until, now)
    )
    query = select(parties.c.party_id).where(
        parties.c.kind == PartyKind.PERSON, or_(parties.c.organisation_id == party, parties.c.party_id.in_(members))
    )
    return [PartyId(row.party_id) for row in tx.rows(query.order_by(parties.c.created_at, parties.c.party_id))]


def add_grants(tx: Transaction, grants: Sequence[Grant]) -> None:
    """Let parties read objects; what was granted before on the same basis is granted anew, revoked or not.

    The reasons of these grants are not kept: see `put_grant`.
    """
    tx.write(_upsert(tx), [_grant_values(grant, None) for grant in grants])


def put_grant(tx: Transaction, grant: Grant, reason: SealedBody) -> None:
    """The same for one grant with its sealed reason."""
    tx.write(_upsert(tx), [_grant_values(grant, reason)])


def end_grant(
    tx: Transaction, object_id: str, party: PartyId, basis: Basis, *, at: datetime, wrapped_key: bytes, sealed_revocation: bytes
) -> int:
    """Revoke a live grant, with the sealed reason; gives how many there were."""
    chosen = (read_grants.c.object_id == object_id, read_grants.c.party_id == party, read_grants.c.basis == basis)
    return tx.write(update(read_grants).where(*chosen, _alive(at)).values(
        revoked_at=at, wrapped_key=wrapped_key, sealed_revocation=sealed_revocation
    ))


@dataclass(frozen=True, slots=True)
class KeptGrant:
    """A grant as kept, its reason still sealed."""

    grant: Grant
    wrapped_key: bytes
    sealed_reason: bytes


def find_grant(tx: Transaction, object_id: str, party: PartyId, basis: Basis, now: datetime) -> KeptGrant | None:
    """A live grant, for whoever ends it."""
    row = tx.row(select(read_grants).where(
        read_grants.c.object_id == object_id, read_grants.c.party_id == party, read_grants.c.basis == basis, _alive(now)
    ))
    return None if row is None else _kept_grant(row)


def list_grants(tx: Transaction, object_ids: Sequence[str], *, viewer: PartyId, now: datetime) -> list[KeptGrant]:
    """All grants of these objects, ended ones too, for a viewer who may read one of them; empty for everybody else."""
    readable = or_(*(is_readable(object_id, viewer, now) for object_id in object_ids))
    query = select(read_grants).where(read_grants.c.object_id.in_(object_ids), readable)
    return [_kept_grant(row) for row in tx.rows(query.order_by(read_grants.c.given_at, read_grants.c.party_id, read_grants.c.basis))]


def system_readers(tx: Transaction, object_id: str, now: datetime, *, tier_min: Tier = Tier.ROOM) -> list[Grant]:
    """The live grants of an object, for whoever has to tell its readers something; shown to nobody."""
    query = select(read_grants).where(
        read_grants.c.object_id == object_id, _alive(now), or_(read_grants.c.tier.is_(None), read_grants.c.tier >= tier_min)
    )
    return [_kept_grant(row).grant for row in tx.rows(query.order_by(read_grants.c.party_id, read_grants.c.basis))]


def may_read(tx: Transaction, object_id: str, viewer: PartyId, now: datetime, *, tier_min: Tier = Tier.ROOM) -> bool:
    """Whether a viewer may read so much of an object at `now`."""
    return bool(tx.value(select(is_readable(object_id, viewer, now, tier_min=tier_min))))


def may_read_any(
    tx: Transaction, object_ids: Sequence[str], viewer: PartyId, now: datetime, *, tier_min: Tier = Tier.ROOM
) -> bool:
    """The same of any of several objects that hold one another."""
    return bool(tx.value(select(or_(*(is_readable(object_id, viewer, now, tier_min=tier_min) for object_id in object_ids)))))


def readable_objects(viewer: PartyId, now: datetime, *, tier_min: Tier = Tier.ROOM) -> Select[Any]:
    """A subquery of the object ids a viewer may read at `now`: every store joins this on its reads.

    A grant to a person's organisation, or to a team the person belongs to at `now`, is a grant to the person.

    Args:
        tier_min: what the read shows; a grant of a narrower tier does not count.
    """
    return select(read_grants.c.object_id).where(*_mine(viewer, now, tier_min))


def is_readable(
    object_id: ColumnElement[Any] | str, viewer: PartyId, now: datetime, *, tier_min: Tier = Tier.ROOM
) -> ColumnElement[bool]:
    """The same as a condition on a column: better where few of many rows are read, as for a page of a long list."""
    return exists().where(read_grants.c.object_id == object_id, *_mine(viewer, now, tier_min))


def lock_party(tx: Transaction, party: PartyId) -> None:
    """Let nobody else who asks for this count or spend what is a party's until the transaction ends."""
    # A row that always exists. SQLite's one writer needs no lock; PostgreSQL takes one that keeps no insert waiting.
    tx.rows(select(parties.c.party_id).where(parties.c.party_id == party).with_for_update(key_share=True))


def readable_among(tx: Transaction, object_ids: Sequence[str], viewer: PartyId, now: datetime) -> frozenset[str]:
    """Of these objects, those a viewer may read; one statement, also where there is none."""
    rows = tx.rows(readable_objects(viewer, now).where(read_grants.c.object_id.in_(list(object_ids))))
    return frozenset(row.object_id for row in rows)


def own_grants(viewer: PartyId, now: datetime) -> ColumnElement[bool]:
    """The same as a condition on `read_grants` itself, whatever the tier, for a read that must know which grant it stands on."""
    return and_(*_mine(viewer, now, Tier.EXISTENCE))


def acts_as(tx: Transaction, actor: PartyId, party: PartyId, now: datetime) -> bool:
    """Whether a party is the actor itself, its organisation, or a team it belongs to at `now`."""
    return bool(tx.row(own_parties(actor, now).where(parties.c.party_id == party)))


def own_parties(viewer: PartyId, now: datetime) -> Select[Any]:
    """A subquery of the parties whose grants count as the viewer's own at `now`, the viewer included."""
    itself = or_(
        parties.c.party_id == viewer,
        parties.c.party_id.in_(select(parties.c.organisation_id).where(parties.c.party_id == viewer, parties.c.organisation_id.is_not(None))),
        parties.c.party_id.in_(select(memberships.c.team_id).where(
            memberships.c.member_id == viewer, memberships.c.since <= now, _lasts(memberships.c.until, now)
        )),
    )
    return select(parties.c.party_id).where(itself)


def selves_of(tx: Transaction, viewer: PartyId, now: datetime) -> frozenset[PartyId]:
    """The same, read."""
    return frozenset(PartyId(row.party_id) for row in tx.rows(own_parties(viewer, now)))


def end_grants(tx: Transaction, object_id: str, party: PartyId, bases: Sequence[Basis], at: datetime) -> None:
    """End what a party may read of an object on these bases; the reason is with whoever ends it."""
    tx.write(update(read_grants).where(
        read_grants.c.object_id == object_id, read_grants.c.party_id == party, read_grants.c.basis.in_(list(bases)), _alive(at)
    ).values(revoked_at=at))


def name_parties(tx: Transaction, party_ids: Sequence[str]) -> dict[str, tuple[str, PartyId | None]]:
    """Name and organisation of parties by their ids, in one statement however many there are."""
    query = select(parties.c.party_id, parties.c.name, parties.c.organisation_id).where(parties.c.party_id.in_(list(party_ids)))
    return {
        row.party_id: (row.name, None if row.organisation_id is None else PartyId(row.organisation_id)) for row in tx.rows(query)
    }


def houses_of(tx: Transaction, party_ids: Sequence[str]) -> dict[PartyId, PartyId | None]:
    """The organisation that each of these parties is or belongs to; None for a person or a program of none."""
    query = select(parties.c.party_id, parties.c.kind, parties.c.organisation_id).where(parties.c.party_id.in_(list(party_ids)))
    alone = (PartyKind.PERSON, PartyKind.PROGRAM)
    return {
        PartyId(row.party_id): row.organisation_id or (None if row.kind in alone else PartyId(row.party_id)) for row in tx.rows(query)
    }


def _mine(viewer: PartyId, now: datetime, tier_min: Tier) -> tuple[ColumnElement[bool], ...]:
    organisation = select(parties.c.organisation_id).where(parties.c.party_id == viewer, parties.c.organisation_id.is_not(None))
    teams = select(memberships.c.team_id).where(
        memberships.c.member_id == viewer, memberships.c.since <= now, _lasts(memberships.c.until, now)
    )
    through = or_(read_grants.c.party_id == viewer, read_grants.c.party_id.in_(union_all(organisation, teams)))
    return through, _alive(now), or_(read_grants.c.tier.is_(None), read_grants.c.tier >= tier_min)


def _alive(now: datetime) -> ColumnElement[bool]:
    return and_(read_grants.c.revoked_at.is_(None), _lasts(read_grants.c.until, now))


def _lasts(until: ColumnElement[Any], now: datetime) -> ColumnElement[bool]:
    return or_(until.is_(None), until > now)


def _upsert(tx: Transaction) -> Any:
    fresh: Any = (sqlite if tx.dialect == "sqlite" else postgresql).insert(read_grants)
    keys = ("object_id", "party_id", "basis")
    renewed = {column.name: fresh.excluded[column.name] for column in read_grants.c if column.name not in keys}
    return fresh.on_conflict_do_update(index_elements=list(keys), set_=renewed)


def _grant_values(grant: Grant, reason: SealedBody | None) -> dict[str, Any]:
    return {
        "object_id": grant.object_id, "party_id": grant.party, "basis": grant.basis, "until": grant.until, "tier": grant.tier,
        "given_by": grant.given_by, "given_at": grant.given_at, "revoked_at": None, "sealed_revocation": None,
        "wrapped_key": None if reason is None else reason.wrapped_key, "sealed_reason": None if reason is None else reason.body,
    }


def _kept_grant(row: Row[Any]) -> KeptGrant:
    grant = Grant(
        row.object_id, PartyId(row.party_id), Basis(row.basis), row.until, None if row.tier is None else Tier(row.tier),
        None if row.given_by is None else PartyId(row.given_by), row.given_at, row.revoked_at,
    )
    return KeptGrant(grant, bytes(row.wrapped_key or b""), bytes(row.sealed_reason or b""))


def is_on_duty(object_id: ColumnElement[Any] | str, viewer: PartyId, now: datetime) -> ColumnElement[bool]:
    """Whether a viewer may read an object for another reason than having sent it, as a condition on a column.

    Who only sent an object is not told what others made of it (decision 2).
    """
    return exists().where(read_grants.c.object_id == object_id, read_grants.c.basis != Basis.REPORTER, *_mine(viewer, now, Tier.ROOM))


def latest_policy(tx: Transaction) -> tuple[int, str] | None:
    """Version and document of the policy in force."""
    row = tx.row(select(policies.c.version, policies.c.document).order_by(policies.c.version.desc()).limit(1))
    return None if row is None else (row.version, row.document)


def find_policy(tx: Transaction, version: int) -> str | None:
    """The document of one version of the policy."""
    found: str | None = tx.value(select(policies.c.document).where(policies.c.version == version))
    return found


def list_policies(tx: Transaction, newest: int) -> list[tuple[int, str, datetime]]:
    """Version, document and instant of the newest versions of the policy, the one in force first."""
    query = select(policies).order_by(policies.c.version.desc()).limit(newest)
    return [(row.version, row.document, row.in_force_at) for row in tx.rows(query)]


def add_policy(tx: Transaction, version: int, document: str, in_force_at: datetime) -> None:
    """Keep a version of the policy; versions are never changed."""
    tx.write(insert(policies), {"version": version, "document": document, "in_force_at": in_force_at})


def _party(tx: Transaction, row: Row[Any]) -> Party:
    return _made(row, frozenset(Role(r.role) for r in tx.rows(select(roles.c.role).where(roles.c.party_id == row.party_id))))


def _made(row: Row[Any], held: frozenset[Role]) -> Party:
    organisation = None if row.organisation_id is None else PartyId(row.organisation_id)
    return Party(PartyId(row.party_id), PartyKind(row.kind), row.name, organisation, row.created_at, held)
