"""What parties speaks of."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.ids import PartyId, TokenId
from clearinghouse.core.roles import Role, Scope


class PartyKind(StrEnum):
    """What sort of party this is."""

    ORGANISATION = "organisation"
    PERSON = "person"
    PROGRAM = "program"
    """Software acting on its own: a finder's agent, the matcher of this instance."""


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who can act or be told."""

    id: PartyId
    kind: PartyKind
    name: str
    organisation: PartyId | None
    """The organisation a person or program belongs to; None for an organisation."""
    created_at: datetime
    roles: frozenset[Role] = frozenset()


@dataclass(frozen=True, slots=True)
class Token:
    """An API token without its secret, which is shown once and stored hashed."""

    id: TokenId
    party: PartyId
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


class Basis(StrEnum):
    """Why a party may read an object."""

    REPORTER = "reporter"
    PARTICIPANT = "participant"
    READ_IN = "read_in"
    DESK = "desk"
    """Member of the team that looks at what comes in."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A party may read an object until an instant (None: until revoked)."""

    object_id: str
    party: PartyId
    basis: Basis
    until: datetime | None = None
