"""Where parties are kept: the only SQL of this capability, and the join that every read makes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Integer, Row, Select, Table, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from clearinghouse.core.ids import PartyId, TokenId
from clearinghouse.core.roles import Role, Scope
from clearinghouse.parties.records import Grant, Party, PartyKind, Token
from clearinghouse.storage import Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, Prose, Word, metadata

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
    Index(None, "party_id"),
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


def list_parties(tx: Transaction) -> list[Party]:
    """All parties in order of creation."""
    return [_party(tx, row) for row in tx.rows(select(parties).order_by(parties.c.created_at, parties.c.party_id))]


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


def revoke_token(tx: Transaction, token_id: TokenId, at: datetime) -> None:
    """End a token; ending it twice keeps the first instant."""
    tx.write(update(tokens).where(tokens.c.token_id == token_id, tokens.c.revoked_at.is_(None)).values(revoked_at=at))


def add_grants(tx: Transaction, grants: Sequence[Grant]) -> None:
    """Let parties read objects."""
    tx.write(insert(read_grants), [
        {"object_id": grant.object_id, "party_id": grant.party, "basis": grant.basis, "until": grant.until} for grant in grants
    ])


def readable_objects(viewer: PartyId, now: datetime) -> Select[Any]:
    """A subquery of the object ids a viewer may read at `now`: every store joins this on its reads.

    A grant to a person's organisation is a grant to the person.
    """
    organisation = select(parties.c.organisation_id).where(parties.c.party_id == viewer).scalar_subquery()
    alive: ColumnElement[bool] = or_(read_grants.c.until.is_(None), read_grants.c.until > now)
    mine = or_(read_grants.c.party_id == viewer, read_grants.c.party_id == organisation)
    return select(read_grants.c.object_id).where(mine, alive)


def latest_policy(tx: Transaction) -> tuple[int, str] | None:
    """Version and document of the policy in force."""
    row = tx.row(select(policies.c.version, policies.c.document).order_by(policies.c.version.desc()).limit(1))
    return None if row is None else (row.version, row.document)


def add_policy(tx: Transaction, version: int, document: str, in_force_at: datetime) -> None:
    """Keep a version of the policy; versions are never changed."""
    tx.write(insert(policies), {"version": version, "document": document, "in_force_at": in_force_at})


def _party(tx: Transaction, row: Row[Any]) -> Party:
    held = frozenset(Role(r.role) for r in tx.rows(select(roles.c.role).where(roles.c.party_id == row.party_id)))
    organisation = None if row.organisation_id is None else PartyId(row.organisation_id)
    return Party(PartyId(row.party_id), PartyKind(row.kind), row.name, organisation, row.created_at, held)
