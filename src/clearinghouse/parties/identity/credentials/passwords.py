"""What is done with passwords: set one up with its one-time codes, sign in, begin anew.

Hashing takes tens of milliseconds and memory on purpose, so it happens between transactions, never within
one: an attempt is counted as failed first, then checked, then forgiven if it was right. Counting first also
means that a thousand guesses at one instant are a thousand counted guesses.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from clearinghouse.core.clock import Clock
from clearinghouse.core.errors import Conflict, Invalid
from clearinghouse.core.events import Event
from clearinghouse.core.ids import ChallengeId, PartyId, has_shape, new_id
from clearinghouse.core.policy import IdentityPolicy
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties.actions import get_party
from clearinghouse.parties.contacts.rules import lookup_of
from clearinghouse.parties.identity.credentials import rules, store
from clearinghouse.parties.identity.credentials.records import ChallengeKind, KeptPassword, PasswordSetup
from clearinghouse.parties.identity.sessions import actions as sessions
from clearinghouse.parties.identity.sessions import rules as session_rules
from clearinghouse.parties.identity.sessions import store as session_store
from clearinghouse.parties.identity.sessions.records import Session, SignedIn, SignInMethod
from clearinghouse.storage import Database, Envelope, Transaction


def begin_password(
    tx: Transaction, hashed: str, *, session: Session, issuer: str, envelope: Envelope, policy: IdentityPolicy, now: datetime
) -> PasswordSetup:
    """The one-time codes of a new password, which holds once the first of them is given back.

    Args:
        hashed: of `rules.hash_password(rules.parse_password(...))`, made before the transaction.
        issuer: name of this instance, as the authenticator shows it.
    Raises:
        NotPermitted: the session did not begin recently.
    """
    session_rules.check_may_change_credentials(session, policy, now)
    party = get_party(tx, session.party)
    setup_id, secret = ChallengeId(new_id("chl")), rules.new_totp_secret()
    payload = {"party": party.id, "session": session.id, "hashed": hashed, "totp": secret}
    store.add_challenge(
        tx, setup_id, ChallengeKind.PASSWORD_SETUP, payload, expires_at=now + timedelta(minutes=policy.challenge_minutes), now=now,
        envelope=envelope,
    )
    return PasswordSetup(setup_id, secret, rules.totp_uri(secret, account=party.name, issuer=issuer))


def finish_password(
    tx: Transaction, setup_id: str, code: str, *, session: Session, envelope: Envelope, policy: IdentityPolicy, now: datetime
) -> tuple[str, ...]:
    """The recovery codes, shown this once; from now on the password signs in, and every other session of the party is ended.

    Raises:
        NotPermitted: the session did not begin recently.
        Conflict: the setup is not of this session, is finished or has expired.
        Invalid: the code is not right; the setup stands.
    """
    session_rules.check_may_change_credentials(session, policy, now)
    payload = None
    if has_shape(setup_id):
        payload = store.peek_challenge(tx, setup_id, ChallengeKind.PASSWORD_SETUP, now=now, envelope=envelope)
    if payload is None or payload["session"] != session.id:
        raise Conflict("this setup has expired or is finished; begin again")
    step = rules.totp_step_of(code, payload["totp"], -1, policy, now)
    if step is None:
        raise Invalid("the code is not right; check that the clock of the device is, and give the code it shows now")
    if store.take_challenge(tx, setup_id, ChallengeKind.PASSWORD_SETUP, now=now, envelope=envelope) is None:
        raise Conflict("this setup has expired or is finished; begin again")
    store.put_password(tx, KeptPassword(session.party, payload["hashed"], payload["totp"], step, now), envelope)
    codes = rules.new_recovery_codes(policy)
    store.put_recovery_codes(tx, session.party, [rules.hash_recovery_code(session.party, each) for each in codes])
    ledger.record(tx, Event("PasswordSet", (session.party,)), actor=session.party, now=now)
    sessions.revoke_sessions(tx, session.party, spare=session.id, actor=session.party, now=now)
    return codes


def renew_recovery_codes(
    tx: Transaction, *, session: Session, policy: IdentityPolicy, now: datetime
) -> tuple[str, ...]:
    """New recovery codes, shown this once; the old ones are worth nothing.

    Raises:
        NotPermitted: the session did not begin recently.
        Conflict: the party has no password.
    """
    session_rules.check_may_change_credentials(session, policy, now)
    if not store.has_password(tx, session.party):
        raise Conflict("recovery codes go with a password, and there is none; set one up first")
    codes = rules.new_recovery_codes(policy)
    store.put_recovery_codes(tx, session.party, [rules.hash_recovery_code(session.party, each) for each in codes])
    ledger.record(tx, Event("RecoveryCodesRenewed", (session.party,)), actor=session.party, now=now)
    return codes


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that is counted and not checked yet."""

    kept: KeptPassword | None = field(repr=False)
    account_key: str
    source_key: str
    slowed: bool
    """Whether this attempt, if it fails, is the first that makes the next one wait."""


def sign_in(
    database: Database, untrusted_login: str, untrusted_password: str, untrusted_code: str, *, source: str, user_agent: str,
    replaces: str = "", envelope: Envelope, policy: IdentityPolicy, clock: Clock,
) -> SignedIn | None:
    """A session for a login, its password and a one-time or recovery code; None where anything is wrong, whatever it is.

    An account that does not exist costs the same statements and the same hashing.
    Args:
        untrusted_login: a verified address or a party's id.
        source: where the attempt comes from, as the edge knows it.
        replaces: the session text the device sent along, if any.
    Raises:
        TooManyAttempts: it has to wait.
    """
    now = clock.now()
    with database.write() as tx:
        attempt = begin_attempt(tx, untrusted_login, source=source, envelope=envelope, policy=policy, now=now)
    kept = attempt.kept
    password = rules.normal_password(untrusted_password, policy)
    right = rules.verify_password(password, None if kept is None else kept.hashed, policy)
    # Of nobody the code is worked out as well, under a seed nobody has.
    seed = kept.totp_secret if kept is not None else rules.new_totp_secret()
    step = rules.totp_step_of(untrusted_code, seed, kept.totp_step if kept is not None else -1, policy, now)
    rehashed = rules.hash_password(password, policy) if right and kept is not None and rules.needs_rehash(kept.hashed, policy) else ""
    with database.write() as tx:
        return finish_attempt(
            tx, attempt, right=right, step=step, code=untrusted_code, rehashed=rehashed, user_agent=user_agent, replaces=replaces,
            policy=policy, now=now,
        )


def begin_attempt(
    tx: Transaction, untrusted_login: str, *, source: str, envelope: Envelope, policy: IdentityPolicy, now: datetime
) -> Attempt:
    """An attempt, counted as failed until it is forgiven.

    Raises:
        TooManyAttempts: it has to wait; it is not counted then.
    """
    login = rules.parse_login(untrusted_login)
    kept = store.system_password(tx, login, lookup_of(login, envelope), envelope)
    source_key = rules.attempt_key("source", session_rules.parse_source(source), envelope)
    since = now - timedelta(days=policy.known_source_days)
    known = session_store.is_known_source(tx, "" if kept is None else kept.party, source_key, since)
    # Strangers slow each other down, not the owner at a desk that signed in before.
    account_key = rules.attempt_key("account", f"{login}\0{source_key if known else ''}", envelope)
    counted = session_store.read_attempts(tx, [account_key, source_key])
    session_rules.check_may_try(counted, policy, now)
    forgotten = now - timedelta(hours=policy.failures_forgotten_hours)
    session_store.count_attempt(tx, [account_key, source_key], now, forgotten_before=forgotten)
    before = {each.key: each.failures for each in counted if not session_rules.is_forgotten(each, policy, now)}
    return Attempt(kept, account_key, source_key, before.get(account_key, 0) == policy.failures_free)


def finish_attempt(
    tx: Transaction, attempt: Attempt, *, right: bool, step: int | None, code: str, rehashed: str, user_agent: str, replaces: str,
    policy: IdentityPolicy, now: datetime,
) -> SignedIn | None:
    """The session of an attempt that was right, forgiven; None for one that was not, which stays counted."""
    kept = attempt.kept
    party_id = PartyId("") if kept is None else kept.party
    # Both are asked of the database whatever the first answer is. What is right and nobody's changes no row.
    stepped = store.take_totp_step(tx, party_id if right else "", step if step is not None else -1)
    recovered = store.take_recovery_code(tx, party_id if right else "", rules.hash_recovery_code(party_id, code), now)
    if kept is None or not right or not (stepped or recovered):
        # Something is always left on the record, the same for an account that is none: how often is no secret, whose is.
        kind = "SignInsSlowed" if attempt.slowed else "SignInRefused"
        ledger.record(tx, Event(kind, (_subject(attempt.account_key),)), actor=PartyId(_subject(attempt.source_key)), now=now)
        return None
    session_store.forgive_attempt(tx, clear=attempt.account_key, keep=attempt.source_key)
    session_store.note_source(
        tx, kept.party, attempt.source_key, now, forgotten_before=now - timedelta(days=policy.known_source_days)
    )
    if rehashed:
        store.rehash(tx, kept.party, rehashed)
    method = SignInMethod.PASSWORD if stepped else SignInMethod.RECOVERY_CODE
    party = get_party(tx, kept.party)
    return sessions.start_session(tx, party, method, user_agent=user_agent, replaces=replaces, policy=policy, now=now)


def _subject(key: str) -> str:
    """A keyed hash short enough for a subject: it names no account to anybody without the key."""
    return "key_" + key.removeprefix("hmac:")[:26]
