"""What is done with accounts at OIDC providers: leave for one, come back, sign in, link, unlink.

An account opens a party's sessions only after the party linked it while signed in, or while enrolling by
invitation: an address that a provider vouches for opens nothing by itself.
"""

import secrets
from datetime import datetime, timedelta
from hmac import compare_digest

from clearinghouse.core.errors import Conflict, NotFound
from clearinghouse.core.events import Event
from clearinghouse.core.ids import ChallengeId, PartyId, has_shape, new_id
from clearinghouse.core.policy import IdentityPolicy
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties.actions import get_party
from clearinghouse.parties.identity.credentials import store
from clearinghouse.parties.identity.credentials.records import Account, AccountState, ChallengeKind
from clearinghouse.parties.identity.sessions import actions as sessions
from clearinghouse.parties.identity.sessions import rules as session_rules
from clearinghouse.parties.identity.sessions.records import Session, SignedIn, SignInMethod
from clearinghouse.storage import Envelope, Transaction


def begin_account(
    tx: Transaction, provider: str, *, session: Session | None = None, envelope: Envelope, policy: IdentityPolicy, now: datetime
) -> AccountState:
    """What goes with the browser to a provider and what stays behind (OpenID Connect Core 3.1.2.1, RFC 7636).

    Args:
        session: the session whose party wants to link an account; None to sign in.
    Raises:
        NotPermitted: the session did not begin recently.
    """
    if session is not None:
        session_rules.check_may_change_credentials(session, policy, now)
    state = AccountState(
        new_id("chl"), secrets.token_urlsafe(32), provider, secrets.token_urlsafe(32), secrets.token_urlsafe(48),
        "" if session is None else session.id,
    )
    payload = {
        "binding": state.binding, "provider": provider, "nonce": state.nonce, "verifier": state.verifier, "session": state.session_id,
    }
    store.add_challenge(
        tx, ChallengeId(state.state), ChallengeKind.ACCOUNT, payload, expires_at=now + timedelta(minutes=policy.challenge_minutes),
        now=now, envelope=envelope,
    )
    return state


def take_account_state(
    tx: Transaction, untrusted_state: str, untrusted_binding: str, *, envelope: Envelope, now: datetime
) -> AccountState | None:
    """What was kept when the browser left, used up; None where it expired, was used, or another browser comes back."""
    payload = None
    if has_shape(untrusted_state):
        payload = store.take_challenge(tx, untrusted_state, ChallengeKind.ACCOUNT, now=now, envelope=envelope)
    if payload is None or not compare_digest(payload["binding"].encode(), untrusted_binding.encode()):
        return None
    return AccountState(
        untrusted_state, payload["binding"], payload["provider"], payload["nonce"], payload["verifier"], payload["session"]
    )


def sign_in(
    tx: Transaction, issuer: str, subject: str, *, user_agent: str, replaces: str = "", policy: IdentityPolicy, now: datetime
) -> SignedIn | None:
    """A session for the party that linked this account; None where nobody did."""
    account = store.find_account(tx, issuer, subject)
    if account is None:
        return None
    party = get_party(tx, account.party)
    return sessions.start_session(tx, party, SignInMethod.ACCOUNT, user_agent=user_agent, replaces=replaces, policy=policy, now=now)


def link_account(
    tx: Transaction, issuer: str, subject: str, *, session: Session, policy: IdentityPolicy, now: datetime
) -> Account:
    """From now on the account opens sessions of the session's party.

    Raises:
        NotPermitted: the session did not begin recently.
        Conflict: the account is linked already, by whomever.
    """
    session_rules.check_may_change_credentials(session, policy, now)
    if store.find_account(tx, issuer, subject) is not None:
        raise Conflict("this account is linked already; unlink it there, or use another one")
    account = Account(issuer, subject, session.party, now)
    store.add_account(tx, account)
    ledger.record(tx, Event("AccountLinked", (session.party,), {"issuer": issuer}), actor=session.party, now=now)
    return account


def list_accounts(tx: Transaction, party: PartyId) -> list[Account]:
    """A party's accounts, for itself."""
    return store.list_accounts(tx, party)


def unlink_account(
    tx: Transaction, issuer: str, subject: str, *, session: Session, policy: IdentityPolicy, now: datetime
) -> None:
    """From now on the account opens nothing.

    Raises:
        NotPermitted: the session did not begin recently.
        NotFound: the party has no such account.
    """
    session_rules.check_may_change_credentials(session, policy, now)
    if not store.remove_account(tx, issuer, subject, session.party):
        raise NotFound("no such account of yours")
    ledger.record(tx, Event("AccountUnlinked", (session.party,), {"issuer": issuer}), actor=session.party, now=now)
