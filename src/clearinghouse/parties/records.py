"""What parties speaks of."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from clearinghouse.core.ids import PartyId, TokenId
from clearinghouse.core.roles import Role, Scope


class PartyKind(StrEnum):
    """What sort of party this is."""

    ORGANISATION = "organisation"
    PERSON = "person"
    PROGRAM = "program"
    """Software acting on its own: a finder's agent, the matcher of this instance."""
    TEAM = "team"
    """People who share what is granted to the team, each from joining until leaving."""


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who can act or be told."""

    id: PartyId
    kind: PartyKind
    name: str
    organisation: PartyId | None
    """The organisation a person, program or team belongs to; None for an organisation and an anonymous reporter."""
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
    """It came without a coordinator at hand, and this team looks after it."""
    BREAK_GLASS = "break_glass"
    """Two persons agreed that it had to be looked at; the owners were told."""


class Tier(IntEnum):
    """How much of an object a read-in shows."""

    EXISTENCE = 0
    """That something is coming: "prepare", and nothing else."""
    SUMMARY = 1
    """A summary and the dates."""
    ROOM = 2
    """The room: reports, threads, statuses."""
    DOCUMENTS = 3
    """The room and its sealed documents."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A party may read an object until an instant (None: until revoked)."""

    object_id: str
    party: PartyId
    basis: Basis
    until: datetime | None = None
    tier: Tier | None = None
    """None: all of it."""
    given_by: PartyId | None = None
    given_at: datetime | None = None
    revoked_at: datetime | None = None
    reason: str = ""
    """Of whoever gave it; sealed at rest."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Somebody belongs to a team from an instant until another (None: until leaving)."""

    team: PartyId
    member: PartyId
    since: datetime
    until: datetime | None = None
