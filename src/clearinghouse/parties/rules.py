"""What parties decides: tokens, roles, teams, how far a read-in goes, and whether a name will do."""

import hashlib
import hmac
from datetime import datetime, timedelta

from clearinghouse.core.errors import Invalid, NotPermitted
from clearinghouse.core.policy import IdentityPolicy
from clearinghouse.core.roles import MAY, Role, Scope
from clearinghouse.core.untrusted import clean_line, clean_text
from clearinghouse.parties.records import Party, PartyKind, Tier, Token


class TokenRefused(NotPermitted):
    """The text is no token that is alive: who sent it is not known."""


_NAME_CHARACTERS_MAX = 200  # the width of the column, not a policy
_REASON_CHARACTERS_MAX = 2_000  # a bound on memory, not a policy


def may(party: Party, scope: Scope) -> bool:
    """Whether a party's roles allow what the scope names."""
    return bool(party.roles & MAY[scope])


def check_may(party: Party, scope: Scope) -> None:
    """Raise NotPermitted unless the party's roles allow what the scope names."""
    if not may(party, scope):
        needed = " or ".join(sorted(MAY[scope]))
        held = ", ".join(sorted(party.roles)) or "no role"
        raise NotPermitted(f"{scope} needs the role {needed}; {party.name} holds {held}")


def hash_secret(secret: str) -> str:
    """What is stored of a token's secret. 256 random bits need no slow hash (NIST SP 800-63B, 5.1.1.2 is for memorised ones)."""
    return hashlib.sha256(b"clearinghouse/token/v1\0" + secret.encode()).hexdigest()


def check_token(token: Token, stored_hash: str, secret: str, scope: Scope, now: datetime) -> None:
    """Raise TokenRefused unless the secret is the token's and it is alive at `now`, NotPermitted unless it carries the scope.

    One message for a wrong secret, an expired and a revoked token: the difference is nobody's business.
    """
    alive = now < token.expires_at and token.revoked_at is None
    if not (hmac.compare_digest(stored_hash, hash_secret(secret)) and alive):
        raise TokenRefused("this token is not valid (any more); ask an administrator for a new one")
    if scope not in token.scopes:
        raise NotPermitted(f"this token does not carry the scope {scope}; it carries {', '.join(sorted(token.scopes)) or 'none'}")


def parse_name(untrusted_name: str) -> str:
    """A party's name on one line.

    Raises:
        Invalid: nothing readable is left of it.
    """
    name = clean_line(untrusted_name, _NAME_CHARACTERS_MAX)
    if not name:
        raise Invalid("a name is needed; what was given is empty once unreadable characters are dropped")
    return name


def parse_roles(untrusted_roles: tuple[str, ...]) -> frozenset[Role]:
    """Roles by their names.

    Raises:
        Invalid: one is not a role.
    """
    unknown = sorted(set(untrusted_roles) - set(Role))
    if unknown:
        raise Invalid(f"no such role: {', '.join(unknown)}; roles are {', '.join(Role)}")
    return frozenset(Role(role) for role in untrusted_roles)


def parse_tier(untrusted_tier: int) -> Tier:
    """A read-in tier by its number.

    Raises:
        Invalid: there is no such tier.
    """
    if untrusted_tier not in set(Tier):
        raise Invalid(f"a read-in tier is one of {', '.join(f'{tier.value} ({tier.name.lower()})' for tier in Tier)}; {untrusted_tier} was given")
    return Tier(untrusted_tier)


def parse_reason(untrusted_reason: str) -> str:
    """A reason in words.

    Raises:
        Invalid: nothing readable is left of it.
    """
    reason = clean_text(untrusted_reason, _REASON_CHARACTERS_MAX).strip()
    if not reason:
        raise Invalid("say why; the reason is kept, sealed, for those who may read the object")
    return reason


def end_of_read_in(asked: datetime | None, now: datetime, policy: IdentityPolicy) -> datetime:
    """When a read-in ends: as asked, or as policy says.

    Raises:
        Invalid: it would end in the past or last longer than policy allows.
    """
    until = now + timedelta(days=policy.read_in_days) if asked is None else asked
    if not now < until <= now + timedelta(days=policy.read_in_days_max):
        raise Invalid(f"a read-in ends in the future and within {policy.read_in_days_max} days; {until.isoformat()} was asked for")
    return until


def check_can_join(team: Party, member: Party) -> None:
    """Raise Invalid unless the one is a team and the other somebody who can belong to one."""
    if team.kind is not PartyKind.TEAM:
        raise Invalid(f"{team.name} is no team but of kind {team.kind}; `clearinghouse team list` shows the teams")
    if member.kind not in (PartyKind.PERSON, PartyKind.PROGRAM):
        raise Invalid(f"only people and programs join a team; {member.name} is of kind {member.kind}")
