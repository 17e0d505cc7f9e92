"""What parties does: found an instance, add parties, let people join teams, issue and check tokens, put a policy in force."""

import hashlib
import secrets
from datetime import datetime

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, TokenId, has_shape, new_id
from clearinghouse.core.roles import Role, Scope
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import rules, store
from clearinghouse.parties.records import Membership, Party, PartyKind, Token
from clearinghouse.storage import Transaction


def add_party(
    tx: Transaction, kind: PartyKind, name: str, roles: frozenset[Role], *,
    organisation: PartyId | None = None, actor: PartyId | None, now: datetime,
) -> Party:
    """A new party. `actor` is None only for the first one, which founds the instance and acts for itself.

    Raises:
        Invalid: the name is empty, a person has no organisation, an organisation has one, or a team would have roles.
        NotPermitted: the actor may not manage parties.
        Conflict: the instance is founded already and no actor is named.
    """
    if actor is None and store.list_parties(tx):
        raise Conflict("this instance is founded already; name the administrator who adds a party")
    if actor is not None:
        rules.check_may(get_party(tx, actor), Scope.PARTIES_MANAGE)
    if (kind is PartyKind.ORGANISATION) != (organisation is None):
        raise Invalid("a person, program or team belongs to one organisation, and an organisation to none")
    if kind is PartyKind.TEAM and roles:
        raise Invalid("a team shares what it may see and does nothing itself: give roles to its members")
    party = Party(PartyId(new_id("pty")), kind, rules.parse_name(name), organisation, now, roles)
    store.add_party(tx, party)
    details: dict[str, Detail] = {"kind": str(kind), "roles": [str(role) for role in sorted(roles)]}
    ledger.record(tx, Event("PartyAdded", (party.id,), details), actor=actor or party.id, now=now)
    return party


def get_party(tx: Transaction, party_id: str) -> Party:
    """The party of an id.

    Raises:
        NotFound: there is none.
    """
    party = store.find_party(tx, party_id) if has_shape(party_id) else None
    if party is None:
        raise NotFound(f"no party {party_id[:40]!r}; `clearinghouse party list` shows the parties")
    return party


def join_team(
    tx: Transaction, team: PartyId, member: PartyId, *, until: datetime | None = None, actor: PartyId, now: datetime
) -> Membership:
    """A membership: from now on the member reads what the team may read, until it ends.

    Raises:
        NotFound: there is no such team or member.
        NotPermitted: the actor may not manage parties.
        Invalid: it is no team, the member is no person or program, or it would end in the past.
        Conflict: the member belongs to it already.
    """
    rules.check_may(get_party(tx, actor), Scope.PARTIES_MANAGE)
    rules.check_can_join(get_party(tx, team), get_party(tx, member))
    if until is not None and until <= now:
        raise Invalid(f"a membership must end in the future; {until.isoformat()} is past")
    if any(kept.team == team and (kept.until is None or kept.until > now) for kept in store.list_memberships(tx, member)):
        raise Conflict(f"{member} belongs to {team} already; end that membership first to change its end")
    membership = Membership(team, member, now, until)
    store.add_membership(tx, membership)
    details: dict[str, Detail] = {"until": None if until is None else render_instant(until)}
    ledger.record(tx, Event("TeamJoined", (team, member), details), actor=actor, now=now)
    return membership


def leave_team(tx: Transaction, team: PartyId, member: PartyId, *, actor: PartyId, now: datetime) -> None:
    """End a membership at once.

    Raises:
        NotFound: the member does not belong to the team.
        NotPermitted: the actor is neither the member nor may manage parties.
    """
    if actor != member:
        rules.check_may(get_party(tx, actor), Scope.PARTIES_MANAGE)
    if not store.end_membership(tx, team, member, now):
        raise NotFound(f"{member[:40]} does not belong to team {team[:40]}; `clearinghouse team list` shows who does")
    ledger.record(tx, Event("TeamLeft", (team, member)), actor=actor, now=now)


def issue_token(
    tx: Transaction, party_id: PartyId, scopes: frozenset[Scope], expires_at: datetime, *, actor: PartyId, now: datetime
) -> tuple[Token, str]:
    """A token and its text `ch_ID_SECRET`, which nobody can read again.

    Raises:
        NotPermitted: the actor is neither the party itself nor may manage parties, or the party's roles lack a scope.
        Invalid: it would expire in the past, or carries no scope.
    """
    party = get_party(tx, party_id)
    if actor != party_id:
        rules.check_may(get_party(tx, actor), Scope.PARTIES_MANAGE)
    if expires_at <= now:
        raise Invalid(f"a token must expire in the future; {expires_at.isoformat()} is past")
    if not scopes:
        raise Invalid(f"a token needs at least one scope of: {', '.join(Scope)}")
    for scope in sorted(scopes):
        rules.check_may(party, scope)
    token = Token(TokenId(new_id("tok")), party.id, scopes, now, expires_at)
    secret = secrets.token_urlsafe(32)
    store.add_token(tx, token, rules.hash_secret(secret))
    details: dict[str, Detail] = {"scopes": [str(scope) for scope in sorted(scopes)]}
    ledger.record(tx, Event("TokenIssued", (token.id, party.id), details), actor=actor, now=now)
    return token, f"ch.{token.id}.{secret}"


def check_token(tx: Transaction, untrusted_text: str, scope: Scope, *, now: datetime) -> Party:
    """The party a token's text speaks for.

    Raises:
        TokenRefused: it is no valid token.
        NotPermitted: it lacks the scope, or its party the role.
    """
    start, _, rest = untrusted_text.partition(".")
    token_id, _, secret = rest.partition(".")
    found = store.find_token(tx, token_id) if start == "ch" and has_shape(token_id) else None
    if found is None:
        raise rules.TokenRefused("this token is not valid (any more); ask an administrator for a new one")
    token, stored_hash = found
    rules.check_token(token, stored_hash, secret, scope, now)
    party = get_party(tx, token.party)
    rules.check_may(party, scope)
    return party


def revoke_token(tx: Transaction, token_id: str, *, actor: PartyId, now: datetime) -> None:
    """End a token at once.

    Raises:
        NotFound: there is no such token.
        NotPermitted: the actor is neither its party nor may manage parties.
    """
    found = store.find_token(tx, token_id)
    if found is None:
        raise NotFound(f"no token {token_id[:40]!r}")
    if found[0].party != actor:
        rules.check_may(get_party(tx, actor), Scope.PARTIES_MANAGE)
    store.revoke_token(tx, found[0].id, now)
    ledger.record(tx, Event("TokenRevoked", (found[0].id, found[0].party)), actor=actor, now=now)


def put_policy(tx: Transaction, version: int, document: str, *, actor: PartyId, now: datetime) -> None:
    """Put a version of the policy in force.

    Raises:
        Conflict: the version is not the next one.
        NotPermitted: the actor may not manage parties.
    """
    rules.check_may(get_party(tx, actor), Scope.PARTIES_MANAGE)
    latest = store.latest_policy(tx)
    due = 1 if latest is None else latest[0] + 1
    if version != due:
        raise Conflict(f"the next policy version is {due}; {version} was given")
    store.add_policy(tx, version, document, now)
    digest = hashlib.sha256(document.encode()).hexdigest()
    ledger.record(tx, Event("PolicyPutInForce", (actor,), {"version": version, "sha256": digest}), actor=actor, now=now)
