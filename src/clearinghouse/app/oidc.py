"""Sign-in by an account elsewhere: OpenID Connect Core 1.0, code flow with PKCE (RFC 7636), over the guard for outgoing calls.

Providers are those the administrator wrote into the settings. Of what a provider says only issuer and subject
count; addresses and names it vouches for open nothing.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from clearinghouse.app.channels.outward import Outward
from clearinghouse.app.settings import ProviderSettings
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import NotFound, NotPermitted, Unavailable
from clearinghouse.parties.identity.credentials import accounts
from clearinghouse.parties.identity.credentials.records import Account, AccountState
from clearinghouse.parties.identity.sessions.records import Session, SignedIn

# Signatures by a key of the provider's only: with a shared secret or none, anybody could be the provider.
_ALGORITHMS = ["RS256", "PS256", "ES256"]
_SKEW_SECONDS = 60  # what two clocks may differ by; a bound on attack time too small to be a policy
_TEXT_CHARACTERS_MAX = 255  # the width of the columns (and of `sub`: OpenID Connect Core 1.0, 2)


class AccountRefused(NotPermitted):
    """The way back from the provider is not as it must be; nothing of it is believed."""

    def __init__(self, found: str) -> None:
        super().__init__(f"signing in elsewhere did not work ({found}); begin again")


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the browser goes, and what it keeps until it comes back."""

    url: str
    binding: str
    """For a cookie that only the way back is sent (HttpOnly, Secure, SameSite=Lax)."""


def begin(instance: Instance, name: str, redirect_uri: str, *, session: Session | None = None, guard: Outward) -> Departure:
    """The way to a provider.

    Args:
        redirect_uri: where the provider sends the browser back to; registered there, the same again in `finish`.
        session: the session whose party links an account; None to sign in.
    Raises:
        NotFound: the settings name no such provider.
        NotPermitted: the session did not begin recently.
        Unavailable: the provider does not answer as a provider.
    """
    provider = _provider(instance, name)
    place = _discover(provider, _allowing(guard, provider))
    with instance.database.write() as tx:
        state = accounts.begin_account(
            tx, provider.name, session=session, envelope=instance.envelope, policy=instance.policy.identity, now=instance.clock.now()
        )
    asked = {
        "response_type": "code", "client_id": provider.client_id, "redirect_uri": redirect_uri, "scope": "openid", "state": state.state,
        "nonce": state.nonce, "code_challenge": _challenge(state.verifier), "code_challenge_method": "S256",
    }
    start = place["authorization_endpoint"]
    return Departure(f"{start}{'&' if '?' in start else '?'}{urlencode(asked)}", state.binding)


def finish(
    instance: Instance, query: Mapping[str, str], binding: str, redirect_uri: str, *, session: Session | None = None,
    user_agent: str, replaces: str = "", guard: Outward,
) -> SignedIn | Account | None:
    """What came of it: a session, or the account that was linked; None where nobody linked this account.

    Args:
        query: of the address the browser came back to.
        binding: of the cookie.
        session: the session the browser is in; an account is linked only to the one that asked for it.
    Raises:
        AccountRefused: anything does not fit: state, browser, issuer, signature, audience, nonce or time.
        Conflict: the account is linked already.
        NotPermitted: the session that links it did not begin recently.
        Unavailable: the provider does not answer as a provider.
    """
    with instance.database.write() as tx:
        # Used up before the provider is asked, so that one way back is tried once.
        state = accounts.take_account_state(
            tx, query.get("state", ""), binding, envelope=instance.envelope, now=instance.clock.now()
        )
    if state is None:
        raise AccountRefused("it took too long, was used before, or began in another browser")
    provider = _provider(instance, state.provider)
    if query.get("iss", provider.issuer) != provider.issuer:
        raise AccountRefused("another provider answered")  # RFC 9207
    if not query.get("code"):
        raise AccountRefused("the provider gave no code")
    if state.session_id and (session is None or session.id != state.session_id):
        raise AccountRefused("the session that asked for it has ended")
    subject = _exchange(provider, state, query["code"], redirect_uri, _allowing(guard, provider), instance.clock.now())
    policy, now = instance.policy.identity, instance.clock.now()
    with instance.database.write() as tx:
        if session is not None and state.session_id:
            return accounts.link_account(tx, provider.issuer, subject, session=session, policy=policy, now=now)
        return accounts.sign_in(tx, provider.issuer, subject, user_agent=user_agent, replaces=replaces, policy=policy, now=now)


def _exchange(provider: ProviderSettings, state: AccountState, code: str, redirect_uri: str, guard: Outward, now: datetime) -> str:
    """The subject that a code stands for (OpenID Connect Core 1.0, 3.1.3)."""
    place = _discover(provider, guard)
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": state.verifier,
        "client_id": provider.client_id,
    }
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    if (secret := _secret(provider)) is not None:
        both = f"{quote(provider.client_id, safe='')}:{quote(secret, safe='')}".encode()
        headers["authorization"] = "Basic " + base64.b64encode(both).decode()
    answer = guard.post(place["token_endpoint"], urlencode(form).encode(), headers)
    if answer.status != 200:
        raise AccountRefused(f"the provider answered {answer.status} to the code")
    token = _object(answer.body).get("id_token")
    if not isinstance(token, str):
        raise AccountRefused("the provider gave no identity token")
    keys = _object(guard.get(place["jwks_uri"], {"accept": "application/json"}).body)
    return subject_of(token, keys, provider, state.nonce, now)


def subject_of(token: str, keys: Mapping[str, Any], provider: ProviderSettings, nonce: str, now: datetime) -> str:
    """The subject of an identity token (OpenID Connect Core 1.0, 3.1.3.7).

    Raises:
        AccountRefused: signature, issuer, audience, nonce or time is not as it must be.
    """
    from joserfc import jwt
    from joserfc.jwk import KeySet

    try:
        claims = jwt.decode(token, KeySet.import_key_set(dict(keys)), algorithms=_ALGORITHMS).claims  # type: ignore[arg-type]
    except Exception as error:
        # Whatever a reader of tokens and keys stumbles over, it stumbles over something from outside.
        raise AccountRefused(f"the signature does not verify, {type(error).__name__}") from None
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != provider.issuer:
        raise AccountRefused("the token is of another issuer")
    if provider.client_id not in audiences or ((len(audiences) > 1 or "azp" in claims) and claims.get("azp") != provider.client_id):
        raise AccountRefused("the token is for somebody else")
    if not compare_digest(str(claims.get("nonce", "")).encode("utf-8", "replace"), nonce.encode()):
        raise AccountRefused("the token answers another question")
    made, ends = _seconds(claims.get("iat")), _seconds(claims.get("exp"))
    if made is None or ends is None or not made - _SKEW_SECONDS <= now.timestamp() < ends + _SKEW_SECONDS:
        raise AccountRefused("the token is not of now")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _TEXT_CHARACTERS_MAX or not subject.isascii() or not subject.isprintable():
        raise AccountRefused("the token names no subject")
    return subject


def _discover(provider: ProviderSettings, guard: Outward) -> dict[str, str]:
    """Where a provider takes what (OpenID Connect Discovery 1.0, 4)."""
    found = _object(guard.get(provider.issuer.rstrip("/") + "/.well-known/openid-configuration", {"accept": "application/json"}).body)
    if found.get("issuer") != provider.issuer:
        raise Unavailable(f"the provider {provider.name!r} calls itself otherwise; `issuer` in the settings must be what it says of itself")
    places = {name: found.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    known: dict[str, str] = {name: place for name, place in places.items() if isinstance(place, str)}
    if len(known) < len(places):
        raise Unavailable(f"the provider {provider.name!r} does not say where it takes codes; it may be no OpenID Connect provider")
    for place in known.values():
        guard.check(place)
    return known


def _provider(instance: Instance, name: str) -> ProviderSettings:
    found = next((each for each in instance.settings.providers if each.name == name), None)
    if found is None:
        raise NotFound(f"no provider {name[:40]!r}; [sign_in.NAME] in the settings names those that there are")
    return found


def _allowing(guard: Outward, provider: ProviderSettings) -> Outward:
    """The guard that also lets the provider be inside: an administrator wrote it into the settings."""
    parts = urlsplit(provider.issuer)
    return guard.also_allowing(f"{parts.hostname}:{parts.port or (80 if parts.scheme == 'http' else 443)}")


def _secret(provider: ProviderSettings) -> str | None:
    if provider.client_secret_path is None:
        return None
    try:
        return provider.client_secret_path.read_text("utf-8").strip()
    except OSError as error:
        raise Unavailable(f"cannot read {provider.client_secret_path} ({error.strerror}), the secret for {provider.name!r}") from error


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Unavailable("the provider answered with something that is no JSON object")
    return found


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _seconds(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
