"""What sessions does: open one, say whose a text is, list and end them."""

from datetime import datetime, timedelta

from clearinghouse.core.errors import NotFound, NotPermitted
from clearinghouse.core.events import Event
from clearinghouse.core.ids import PartyId, SessionId, has_shape, new_id
from clearinghouse.core.policy import IdentityPolicy
from clearinghouse.core.roles import Scope
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import rules as party_rules
from clearinghouse.parties.actions import get_party
from clearinghouse.parties.identity import secrets
from clearinghouse.parties.identity.credentials import store as credentials
from clearinghouse.parties.identity.sessions import rules, store
from clearinghouse.parties.identity.sessions.records import Session, SignedIn, SignInMethod
from clearinghouse.parties.records import Party, PartyKind
from clearinghouse.storage import Transaction

_KIND = "chs"
_SIGNED_OUT = "you are signed out; sign in again"


def start_session(
    tx: Transaction, party: Party, method: SignInMethod, *, user_agent: str, replaces: str = "",
    policy: IdentityPolicy, now: datetime,
) -> SignedIn:
    """A session with a secret of its own.

    Args:
        replaces: the text the device sent along, if any: that session ends, whoever's it was, so that a text planted
            in somebody's browser never becomes theirs.
    Raises:
        NotPermitted: the party is an organisation or a team; people and programs sign in.
    """
    if party.kind not in (PartyKind.PERSON, PartyKind.PROGRAM):
        raise NotPermitted(f"people and programs sign in; {party.name} is of kind {party.kind}")
    if (old := _find(tx, replaces)) is not None and old.ended_at is None:
        _end(tx, [old], actor=old.party, now=now)
    lasting = timedelta(hours=policy.session_hours_max)
    session = Session(SessionId(new_id("ses")), party.id, method, now, now, now + lasting, rules.parse_user_agent(user_agent))
    secret = secrets.new_secret()
    store.add_session(tx, session, secrets.hash_secret(secret))
    ledger.record(tx, Event("SessionStarted", (session.id, party.id), {"method": str(method)}), actor=party.id, now=now)
    return SignedIn(session, party, secrets.render(_KIND, session.id, secret))


def check_session(tx: Transaction, untrusted_text: str, *, policy: IdentityPolicy, now: datetime) -> tuple[Session, Party]:
    """The session of a text and its party. Call `touch_session` where `rules.needs_touch` says so.

    Raises:
        SignedOut: there is none, or none that is alive; one message for every reason.
    """
    session = _find(tx, untrusted_text)
    if session is None or not rules.is_alive(session, policy, now):
        raise rules.SignedOut(_SIGNED_OUT)
    return session, get_party(tx, session.party)


def touch_session(tx: Transaction, session: Session, *, now: datetime) -> None:
    """Note that a session is in use, so that it does not end as idle."""
    store.touch_session(tx, session.id, now)


def list_sessions(
    tx: Transaction, party: PartyId, *, viewer: PartyId, policy: IdentityPolicy, now: datetime
) -> list[Session]:
    """A party's living sessions, newest first, for itself and for who manages parties.

    Raises:
        NotPermitted: the viewer is neither.
    """
    _check_own_or_manages(tx, party, viewer)
    return [session for session in store.list_sessions(tx, party) if rules.is_alive(session, policy, now)]


def list_everybodys(tx: Transaction, *, newest: int, viewer: PartyId, policy: IdentityPolicy, now: datetime) -> list[Session]:
    """Everybody's living sessions, newest first, for who manages parties.

    Raises:
        NotPermitted: the viewer does not.
    """
    party_rules.check_may(get_party(tx, viewer), Scope.PARTIES_MANAGE)
    return [session for session in store.newest_sessions(tx, newest) if rules.is_alive(session, policy, now)]


def revoke_session(tx: Transaction, session_id: str, *, actor: PartyId, now: datetime) -> None:
    """End a session at once.

    Raises:
        NotFound: there is none of that id that the actor may end.
    """
    found = store.find_session(tx, session_id) if has_shape(session_id) else None
    manages = party_rules.may(get_party(tx, actor), Scope.PARTIES_MANAGE)
    if found is None or not (manages or found[0].party == actor):
        raise NotFound(f"no session {session_id[:40]!r}")
    _end(tx, [found[0]], actor=actor, now=now)


def revoke_sessions(
    tx: Transaction, party: PartyId, *, spare: SessionId | None = None, actor: PartyId, now: datetime
) -> int:
    """End all sessions of a party, but one where it is named; gives how many.

    Raises:
        NotPermitted: the actor is neither the party nor may manage parties.
    """
    _check_own_or_manages(tx, party, actor)
    ended = [session for session in store.list_sessions(tx, party) if session.id != spare]
    _end(tx, ended, actor=actor, now=now)
    return len(ended)


def forget_ended(tx: Transaction, *, policy: IdentityPolicy, kept: timedelta, now: datetime) -> int:
    """Forget sessions that are long over, one-time codes and challenges that ran out, and failures long past; gives how many.

    For the instance's own timer. No event: what began and ended is on the record, and none of this opens anything any more.
    """
    before = now - kept
    gone = store.forget_ended(tx, before=before, idle_before=before - timedelta(minutes=policy.session_idle_minutes))
    return gone + credentials.forget_challenges(tx, now) + store.forget_attempts(
        tx, now - max(timedelta(days=1), timedelta(hours=policy.failures_forgotten_hours))
    )


def _end(tx: Transaction, sessions: list[Session], *, actor: PartyId, now: datetime) -> None:
    if sessions:
        store.end_sessions(tx, [session.id for session in sessions], now)
        ledger.record_many(tx, [Event("SessionEnded", (session.id, session.party)) for session in sessions], actor=actor, now=now)


def _find(tx: Transaction, untrusted_text: str) -> Session | None:
    parsed = secrets.parse(_KIND, untrusted_text)
    found = None if parsed is None else store.find_session(tx, parsed[0])
    if parsed is None or found is None or not secrets.is_secret(parsed[1], found[1]):
        return None
    return found[0]


def _check_own_or_manages(tx: Transaction, party: PartyId, actor: PartyId) -> None:
    if actor != party:
        party_rules.check_may(get_party(tx, actor), Scope.PARTIES_MANAGE)
