"""Signing in elsewhere, against a provider of our own that is honest, forgetful or hostile."""

import base64
import dataclasses
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from clearinghouse.app import oidc
from clearinghouse.app.channels.outward import Outward
from clearinghouse.app.settings import ProviderSettings, load_settings
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, Unavailable
from clearinghouse.parties.identity.credentials.records import Account
from clearinghouse.parties.identity.sessions.records import Session, SignedIn, SignInMethod
from identity_factories import invited
from simulators.oidc import Provider

BACK = "https://cert.example/sign-in/example/back"


@pytest.fixture
def provider(sqlite_instance: Instance, clock: FixedClock) -> Iterator[Provider]:
    with Provider(now=clock.now()) as running:
        yield running


@pytest.fixture
def here(sqlite_instance: Instance, provider: Provider) -> Instance:
    secret = sqlite_instance.settings.home / "keys" / "oidc"
    secret.write_text(provider.secret + "\n")
    known = (ProviderSettings("example", provider.issuer, provider.client_id, "Example", secret),)
    return dataclasses.replace(sqlite_instance, settings=dataclasses.replace(sqlite_instance.settings, providers=known))


def guard(here: Instance) -> Outward:
    return Outward(here.settings.outward, here.policy.outward)


def journey(
    here: Instance, provider: Provider, session: Session | None = None, *, back: str = BACK, changes: dict[str, str] | None = None
) -> SignedIn | Account | None:
    left = oidc.begin(here, "example", BACK, session=session, guard=guard(here))
    query = provider.authorise(left.url) | (changes or {})
    return oidc.finish(here, query, left.binding, back, session=session, user_agent="Test", guard=guard(here))


def test_account_is_linked_while_signed_in_and_then_signs_in(here: Instance, provider: Provider) -> None:
    enrolled = invited(here)
    assert journey(here, provider) is None, "nobody linked it yet"
    linked = journey(here, provider, enrolled.session)
    assert linked == Account(provider.issuer, "ada", enrolled.party.id, here.clock.now())
    opened = journey(here, provider)
    assert isinstance(opened, SignedIn)
    assert (opened.party.id, opened.session.method) == (enrolled.party.id, SignInMethod.ACCOUNT)
    provider.subject = "eve"
    assert journey(here, provider) is None
    provider.subject = "ada"
    with pytest.raises(Conflict):
        journey(here, provider, invited(here, name="Eve").session)


def test_address_to_the_provider_carries_what_it_must_and_no_secret(here: Instance, provider: Provider) -> None:
    left = oidc.begin(here, "example", BACK, guard=guard(here))
    assert left.url.startswith(f"{provider.issuer}/authorise?response_type=code&client_id=clearinghouse&")
    assert "code_challenge_method=S256" in left.url
    assert left.binding not in left.url
    assert provider.secret not in left.url


BENT: dict[str, Callable[[dict[str, Any]], None]] = {
    "issuer": lambda claims: claims.update(iss="https://evil.example"),
    "audience": lambda claims: claims.update(aud="somebody-else"),
    "several audiences without a party": lambda claims: claims.update(aud=["clearinghouse", "somebody-else"]),
    "another party": lambda claims: claims.update(azp="somebody-else"),
    "nonce": lambda claims: claims.update(nonce="another"),
    "no nonce": lambda claims: claims.pop("nonce"),
    "nonce of another kind": lambda claims: claims.update(nonce={"a": 1}),
    "expired": lambda claims: claims.update(exp=claims["iat"] - 61),
    "no end": lambda claims: claims.pop("exp"),
    "end in words": lambda claims: claims.update(exp="tomorrow"),
    "of the future": lambda claims: claims.update(iat=claims["iat"] + 61),
    "no subject": lambda claims: claims.pop("sub"),
    "empty subject": lambda claims: claims.update(sub=""),
    "long subject": lambda claims: claims.update(sub="x" * 256),
    "subject that is a list": lambda claims: claims.update(sub=["ada"]),
}


@pytest.mark.parametrize("what", BENT)
def test_token_that_says_something_else_is_refused(here: Instance, provider: Provider, what: str) -> None:
    journey(here, provider, invited(here).session)
    provider.bend = BENT[what]
    with pytest.raises(oidc.AccountRefused, match="begin again"):
        journey(here, provider)


def _without_signature(token: str) -> str:
    _, claims, _ = token.split(".")
    return base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode() + f".{claims}."


def _with_shared_secret(token: str) -> str:
    from joserfc import jwt
    from joserfc.jwk import OctKey

    claims = token.split(".")[1]
    said = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return jwt.encode({"alg": "HS256", "kid": "k1"}, said, OctKey.import_key("s3cret/+" * 8))


@pytest.mark.parametrize("forge", [
    _without_signature, _with_shared_secret, lambda token: token[:-8] + "AAAAAAAA", lambda token: "", lambda token: "a.b.c",
    lambda token: "x" * 100_000,
], ids=["none", "shared", "altered", "empty", "words", "long"])
def test_token_that_the_provider_did_not_sign_is_refused(here: Instance, provider: Provider, forge: Callable[[str], str]) -> None:
    journey(here, provider, invited(here).session)
    provider.forge = forge
    with pytest.raises(oidc.AccountRefused):
        journey(here, provider)


def test_way_back_is_taken_once_by_the_browser_that_left_and_in_time(here: Instance, provider: Provider, clock: FixedClock) -> None:
    journey(here, provider, invited(here).session)

    def back(query: dict[str, str], binding: str) -> object:
        return oidc.finish(here, query, binding, BACK, user_agent="Test", guard=guard(here))

    left, other = (oidc.begin(here, "example", BACK, guard=guard(here)) for _ in range(2))
    query = provider.authorise(left.url)
    with pytest.raises(oidc.AccountRefused):
        back(query, other.binding)
    left = oidc.begin(here, "example", BACK, guard=guard(here))
    query = provider.authorise(left.url)
    assert isinstance(back(query, left.binding), SignedIn)
    with pytest.raises(oidc.AccountRefused, match="used before"):
        back(query, left.binding)
    left = oidc.begin(here, "example", BACK, guard=guard(here))
    query = provider.authorise(left.url)
    clock.at += timedelta(minutes=here.policy.identity.challenge_minutes)
    with pytest.raises(oidc.AccountRefused, match="took too long"):
        back(query, left.binding)


def test_answer_of_another_provider_or_without_a_code_or_for_another_address_is_refused(here: Instance, provider: Provider) -> None:
    for changes in ({"iss": "https://evil.example"}, {"code": ""}, {"code": "guessed"}, {"state": "chl_x"}):
        with pytest.raises(oidc.AccountRefused):
            journey(here, provider, changes=changes)
    with pytest.raises(oidc.AccountRefused):
        journey(here, provider, back=BACK + "/elsewhere")


def test_account_is_linked_only_to_the_session_that_asked(here: Instance, provider: Provider) -> None:
    ada, eve = invited(here), invited(here, name="Eve")
    for returning in (None, eve.session):
        left = oidc.begin(here, "example", BACK, session=ada.session, guard=guard(here))
        with pytest.raises(oidc.AccountRefused, match="has ended"):
            oidc.finish(here, provider.authorise(left.url), left.binding, BACK, session=returning, user_agent="", guard=guard(here))


@pytest.mark.parametrize("says", [
    {"issuer": "https://evil.example"}, {"token_endpoint": None}, {"token_endpoint": "http://10.0.0.1/token"},
    {"jwks_uri": "file:///etc/passwd"}, {"authorization_endpoint": "javascript:alert(1)"},
])
def test_provider_that_is_not_what_it_says_or_leads_inside_is_not_used(here: Instance, provider: Provider, says: dict[str, Any]) -> None:
    provider.says = says
    with pytest.raises((Unavailable, Invalid)):
        oidc.begin(here, "example", BACK, guard=guard(here))


def test_provider_nobody_wrote_into_the_settings_is_none(here: Instance) -> None:
    with pytest.raises(NotFound, match="no provider"):
        oidc.begin(here, "other", BACK, guard=guard(here))


def test_settings_name_providers(sqlite_instance: Instance) -> None:
    home = sqlite_instance.settings.home
    path = home / "clearinghouse.toml"
    base = path.read_text()
    path.write_text(base + '[sign_in.example]\nissuer = "https://login.example"\nclient_id = "c"\nclient_secret_path = "keys/oidc"\n')
    assert load_settings(home).providers == (
        ProviderSettings("example", "https://login.example", "c", "example", home / "keys" / "oidc"),
    )
    for wrong in (
        '[sign_in]\nexample = 1\n', '[sign_in.example]\nissuer = "http://login.example"\nclient_id = "c"\n',
        '[sign_in.example]\nissuer = "https://login.example"\n', '[sign_in.Ex]\nissuer = "https://login.example"\nclient_id = "c"\n',
        '[sign_in.example]\nissuer = "https://login.example"\nclient_id = "c"\nother = 1\n',
    ):
        path.write_text(base + wrong)
        with pytest.raises(Invalid, match="sign_in"):
            load_settings(home)
