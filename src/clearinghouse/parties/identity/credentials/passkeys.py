"""What is done with passkeys (WebAuthn level 3): register one, sign in with one, remove one.

The person is verified by the device (PIN, finger, face), so a passkey is two factors. A sign-in names no
account, so nothing can be asked about accounts.
"""

import json
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.core.events import Event
from clearinghouse.core.ids import ChallengeId, PartyId, has_shape, new_id
from clearinghouse.core.policy import IdentityPolicy
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties.actions import get_party
from clearinghouse.parties.identity.credentials import rules, store
from clearinghouse.parties.identity.credentials.records import ChallengeKind, Passkey, RelyingParty
from clearinghouse.parties.identity.sessions import actions as sessions
from clearinghouse.parties.identity.sessions import rules as session_rules
from clearinghouse.parties.identity.sessions import store as session_store
from clearinghouse.parties.identity.sessions.records import Session, SignedIn, SignInMethod
from clearinghouse.storage import Envelope, Transaction

_RESPONSE_CHARACTERS_MAX = 64_000  # an answer has one or two thousand; a bound on work, not a policy
_PASSKEYS_MAX = 50  # of one party; a bound on what one page and one set of options hold


def begin_registration(
    tx: Transaction, relying: RelyingParty, *, session: Session, open_max: int, envelope: Envelope, policy: IdentityPolicy, now: datetime
) -> tuple[ChallengeId, str]:
    """An id to come back with, and the options for `navigator.credentials.create` as JSON.

    Args:
        open_max: how many such registrations one person may have begun and not finished.
    Raises:
        TooManyAttempts: so many are open.
        NotPermitted: the session did not begin recently.
        Conflict: the party has more passkeys than anybody needs.
    """
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    session_rules.check_may_change_credentials(session, policy, now)
    party, held = get_party(tx, session.party), store.list_passkeys(tx, session.party)
    if len(held) >= _PASSKEYS_MAX:
        raise Conflict(f"{_PASSKEYS_MAX} passkeys are kept already; remove one first")
    challenge = secrets.token_bytes(32)
    options = generate_registration_options(
        rp_id=relying.id, rp_name=relying.name, user_id=party.id.encode(), user_name=party.name, challenge=challenge,
        timeout=policy.challenge_minutes * 60_000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each.credential_id) for each in held],
    )
    payload = {"challenge": challenge.hex(), "session": session.id}
    challenge_id = _keep(tx, ChallengeKind.PASSKEY_SETUP, payload, rules.attempt_key("begun", session.party, envelope), open_max, envelope, policy, now)
    return challenge_id, options_to_json(options)


def finish_registration(
    tx: Transaction, challenge_id: str, untrusted_response: str, label: str, relying: RelyingParty, *,
    session: Session, envelope: Envelope, policy: IdentityPolicy, now: datetime,
) -> Passkey:
    """The new passkey of the session's party.

    Raises:
        NotPermitted: the session did not begin recently.
        Conflict: the challenge is not of this session, was answered or has expired, or the passkey is kept already.
        Invalid: the answer does not verify.
    """
    from webauthn import verify_registration_response

    session_rules.check_may_change_credentials(session, policy, now)
    payload = _take(tx, challenge_id, ChallengeKind.PASSKEY_SETUP, envelope, now)
    if payload is None or payload["session"] != session.id:
        raise Conflict("this registration has expired or is finished; begin again")
    try:
        found = verify_registration_response(
            credential=_parse(untrusted_response), expected_challenge=bytes.fromhex(payload["challenge"]),
            expected_rp_id=relying.id, expected_origin=relying.origin, require_user_verification=True,
        )
    except Exception as error:
        # Whatever a reader of CBOR, JSON and keys stumbles over, it stumbles over an answer from outside.
        raise Invalid(f"the passkey's answer does not verify for {relying.origin} ({type(error).__name__}); begin again") from None
    key = _key_of(found.credential_id)
    if store.find_passkey(tx, key) is not None:
        raise Conflict("this passkey is kept already; use it, or take another device")
    passkey = Passkey(
        key, session.party, rules.parse_label(label), now, None, found.credential_id, found.credential_public_key, found.sign_count
    )
    store.add_passkey(tx, passkey)
    ledger.record(tx, Event("PasskeyAdded", (session.party,), {"passkey": key}), actor=session.party, now=now)
    return passkey


def begin_sign_in(
    tx: Transaction, relying: RelyingParty, *, source: str, open_max: int, envelope: Envelope, policy: IdentityPolicy, now: datetime
) -> tuple[ChallengeId, str]:
    """An id to come back with, and the options for `navigator.credentials.get` as JSON; the same for everybody.

    Raises:
        TooManyAttempts: this source has to wait after failures, or has begun as many sign-ins as may be open.
    """
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import UserVerificationRequirement

    challenge = secrets.token_bytes(32)
    options = generate_authentication_options(
        rp_id=relying.id, challenge=challenge, timeout=policy.challenge_minutes * 60_000,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    source_key = _source_key(source, envelope)
    session_rules.check_may_try(session_store.read_attempts(tx, [source_key]), policy, now)
    kept = _keep(tx, ChallengeKind.PASSKEY_SIGN_IN, {"challenge": challenge.hex()}, source_key, open_max, envelope, policy, now)
    return kept, options_to_json(options)


def finish_sign_in(
    tx: Transaction, challenge_id: str, untrusted_response: str, relying: RelyingParty, *, source: str, user_agent: str, replaces: str = "",
    envelope: Envelope, policy: IdentityPolicy, now: datetime,
) -> SignedIn | None:
    """A session for the passkey that answered; None where anything is wrong. The challenge is used up either way.

    What fails counts against the source, as a wrong password does: the account is not known until the answer verifies.
    Raises:
        TooManyAttempts: the source has to wait; it is not counted then, and the challenge stays.
    """
    from webauthn import verify_authentication_response
    from webauthn.helpers import base64url_to_bytes

    source_key = _source_key(source, envelope)
    session_rules.check_may_try(session_store.read_attempts(tx, [source_key]), policy, now)
    # Counted before anybody knows how it ends, and forgiven where it ends well.
    session_store.count_attempt(tx, [source_key], now, forgotten_before=now - timedelta(hours=policy.failures_forgotten_hours))
    payload = _take(tx, challenge_id, ChallengeKind.PASSKEY_SIGN_IN, envelope, now)
    if payload is None:
        return None
    try:
        response = _parse(untrusted_response)
        key = _key_of(base64url_to_bytes(response["rawId"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    passkey = store.find_passkey(tx, key)
    if passkey is None:
        return None
    try:
        found = verify_authentication_response(
            credential=response, expected_challenge=bytes.fromhex(payload["challenge"]), expected_rp_id=relying.id,
            expected_origin=relying.origin, credential_public_key=passkey.public_key,
            # Compared below, where a step back leaves an event.
            credential_current_sign_count=0, require_user_verification=True,
        )
    except Exception:
        return None  # As in `finish_registration`.
    counts = found.new_sign_count or passkey.sign_count
    if counts and found.new_sign_count <= passkey.sign_count:
        # WebAuthn level 3, 6.1.1: the key may exist twice. It opens nothing, and its owner can find out.
        ledger.record(tx, Event("PasskeyCloned", (passkey.party,), {"passkey": passkey.key}), actor=passkey.party, now=now)
        return None
    if not store.use_passkey(tx, passkey, found.new_sign_count, now):
        ledger.record(tx, Event("PasskeyRaced", (passkey.party,), {"passkey": passkey.key}), actor=passkey.party, now=now)
        return None
    session_store.forgive_attempt(tx, clear="", keep=source_key)
    party = get_party(tx, passkey.party)
    return sessions.start_session(tx, party, SignInMethod.PASSKEY, user_agent=user_agent, replaces=replaces, policy=policy, now=now)


def list_passkeys(tx: Transaction, party: PartyId) -> list[Passkey]:
    """A party's passkeys, for itself."""
    return [replace(passkey, public_key=b"", credential_id=b"") for passkey in store.list_passkeys(tx, party)]


def remove_passkey(tx: Transaction, key: str, *, session: Session, policy: IdentityPolicy, now: datetime) -> None:
    """Forget a passkey of one's own.

    Raises:
        NotPermitted: the session did not begin recently.
        NotFound: the party has no such passkey.
    """
    session_rules.check_may_change_credentials(session, policy, now)
    if not store.remove_passkey(tx, key, session.party):
        raise NotFound(f"no passkey {key[:80]!r} of yours")
    ledger.record(tx, Event("PasskeyRemoved", (session.party,), {"passkey": key}), actor=session.party, now=now)


def _parse(untrusted_response: str) -> dict[str, Any]:
    if len(untrusted_response) > _RESPONSE_CHARACTERS_MAX:
        raise ValueError("too long for an answer of a passkey")
    return dict(json.loads(untrusted_response))


def _key_of(credential_id: bytes) -> str:
    return "sha256:" + sha256(credential_id).hexdigest()


def _keep(
    tx: Transaction, kind: ChallengeKind, payload: dict[str, Any], source: str, open_max: int, envelope: Envelope, policy: IdentityPolicy,
    now: datetime,
) -> ChallengeId:
    waiting = store.open_challenges(tx, source, now)
    if len(waiting) >= open_max:
        raise session_rules.TooManyAttempts(waiting[0], now)
    challenge_id = ChallengeId(new_id("chl"))
    expires_at = now + timedelta(minutes=policy.challenge_minutes)
    store.add_challenge(tx, challenge_id, kind, payload, expires_at=expires_at, now=now, envelope=envelope, source=source)
    return challenge_id


def _source_key(untrusted_source: str, envelope: Envelope) -> str:
    return rules.attempt_key("source", session_rules.parse_source(untrusted_source), envelope)


def _take(tx: Transaction, challenge_id: str, kind: ChallengeKind, envelope: Envelope, now: datetime) -> dict[str, Any] | None:
    return store.take_challenge(tx, challenge_id, kind, now=now, envelope=envelope) if has_shape(challenge_id) else None
