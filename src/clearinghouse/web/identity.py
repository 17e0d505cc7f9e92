"""Signing in and out, beginning an account, and one's own credentials, sessions and tokens."""

import io
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
import segno
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from markupsafe import Markup

from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import ClearinghouseError, Invalid, NotPermitted
from clearinghouse.core.roles import MAY, Scope
from clearinghouse.parties import actions as parties
from clearinghouse.parties import store as party_store
from clearinghouse.parties.identity.credentials import accounts, passkeys, passwords, rules
from clearinghouse.parties.identity.credentials import store as credentials
from clearinghouse.parties.identity.credentials.records import PasswordSetup, RelyingParty
from clearinghouse.parties.identity.enrolment import actions as enrolment
from clearinghouse.parties.identity.links import actions as links
from clearinghouse.parties.identity.links.records import LinkPurpose
from clearinghouse.parties.identity.sessions import actions as sessions
from clearinghouse.parties.identity.sessions.records import SignedIn
from clearinghouse.web import pages
from clearinghouse.web.rendering import Flash
from clearinghouse.web.visitor import Form, Sent, Visiting, Visitor, check_same_site, check_token, local_path

_WRONG = "Name, password and code do not fit together. Try again; after several tries you have to wait."


@get("/sign-in", sync_to_thread=True, include_in_schema=False)
def sign_in_page(visitor: Visiting, back: FromQuery[str] = "/queue") -> Response[Any]:
    """Asks who one is."""
    return _sign_in(visitor, Sent({}, {}), local_path(back))


@post("/sign-in", sync_to_thread=True, include_in_schema=False)
def sign_in(visitor: Visiting, form: Form) -> Response[Any]:
    """A new session for the right name, password and code; the same answer, after the same work, for everything wrong."""
    instance, back = visitor.instance, local_path(form.text("back") or "/queue")
    found = passwords.sign_in(
        instance.database, form.raw("name"), form.raw("password"), form.raw("code"), source=visitor.source, user_agent=visitor.user_agent,
        replaces=visitor.session_text, envelope=instance.envelope, policy=instance.policy.identity, clock=instance.clock,
    )
    if found is None:
        return _sign_in(visitor, form, back, {"": _WRONG}, 403)
    return visitor.go(back, session=found.text)


@get("/sign-in/link/{text:str}", sync_to_thread=True, include_in_schema=False)
def link_page(visitor: Visiting, text: FromPath[str]) -> Response[Any]:
    """Asks before a link is used up: whatever looks at an address before a person does, only looks."""
    instance = visitor.instance
    with instance.database.read() as tx:
        link = links.check_link(tx, text, LinkPurpose.SIGN_IN, now=instance.clock.now())
        party = parties.get_party(tx, link.party)
    return visitor.render("sign_in_link.html", at="/sign-in", name=party.name, text=text)


@post("/sign-in/link", sync_to_thread=True, include_in_schema=False)
def link_sign_in(visitor: Visiting, form: Form) -> Response[Any]:
    """A session for the link that the command line printed."""
    instance = visitor.instance
    with instance.database.write() as tx:
        found = links.sign_in_with_link(
            tx, form.raw("text"), user_agent=visitor.user_agent, replaces=visitor.session_text, policy=instance.policy.identity,
            now=instance.clock.now(),
        )
    return visitor.go("/queue", session=found.text)


@post("/sign-out", sync_to_thread=True, include_in_schema=False)
def sign_out(visitor: Visiting, form: Form) -> Response[Any]:
    """Ends this session at once."""
    instance, session, party = visitor.signed_in()
    with instance.database.write() as tx:
        sessions.revoke_session(tx, session.id, actor=party.id, now=instance.clock.now())
    return visitor.go("/", Flash("done", "You are signed out."), session="")


class Ceremony(msgspec.Struct, frozen=True):
    """What a passkey's script sends: options are asked for with nothing, answered with a credential."""

    credential: msgspec.Raw = msgspec.Raw(b"{}")
    challenge_id: str = ""
    name: str = ""
    back: str = "/queue"
    invitation: str = ""


@post("/sign-in/passkey/options", sync_to_thread=True, include_in_schema=False, status_code=200)
def passkey_options(request: "Request[Any, Any, Any]", visitor: Visiting, data: JSONBody[Ceremony]) -> Response[bytes]:
    """Options for `navigator.credentials.get`, the same for everybody."""
    _check_script(request, visitor)
    instance = visitor.instance
    with instance.database.write() as tx:
        challenge, options = passkeys.begin_sign_in(
            tx, relying_party(instance), source=visitor.source, open_max=instance.policy.rates.challenges_open_max,
            envelope=instance.envelope, policy=instance.policy.identity, now=instance.clock.now(),
        )
    return _options(challenge, options)


@post("/sign-in/passkey", sync_to_thread=True, include_in_schema=False, status_code=200)
def passkey_sign_in(request: "Request[Any, Any, Any]", visitor: Visiting, data: JSONBody[Ceremony]) -> Response[Any]:
    """A new session for a passkey that answered its challenge."""
    _check_script(request, visitor)
    instance = visitor.instance
    with instance.database.write() as tx:
        found = passkeys.finish_sign_in(
            tx, data.challenge_id, bytes(data.credential).decode(), relying_party(instance), source=visitor.source, user_agent=visitor.user_agent,
            replaces=visitor.session_text, envelope=instance.envelope, policy=instance.policy.identity, now=instance.clock.now(),
        )
    if found is None:
        raise NotPermitted("this passkey is not known here; sign in another way and add it to your account")
    return _located(visitor, local_path(data.back), found)


@get("/enrol", sync_to_thread=True, include_in_schema=False)
def enrol_page(visitor: Visiting, invitation: FromQuery[str] = "") -> Response[Any]:
    """What one was invited to, or a project of one's own."""
    return _enrol(visitor, Sent({}, {}), invitation)


@post("/enrol", sync_to_thread=True, include_in_schema=False)
def enrol(visitor: Visiting, form: Form) -> Response[Any]:
    """A new person, signed in for one thing: to set a password and its code, or a passkey."""
    try:
        found = _begin_account(visitor, form)
    except (Invalid, NotPermitted) as error:
        return _enrol(visitor, form, form.text("invitation"), {"": str(error)})
    return visitor.go("/account", Flash("note", "One step more: choose how you will sign in."), session=found.text)


@get("/account", sync_to_thread=True, include_in_schema=False)
def account_page(visitor: Visiting) -> Response[Any]:
    """One's sessions, passkeys, tokens and password."""
    return _account(visitor)


@post("/account/password", sync_to_thread=True, include_in_schema=False)
def password(visitor: Visiting, form: Form) -> Response[Any]:
    """Begins a new password: it holds once the first code of its authenticator is given back."""
    instance, session, party = visitor.signed_in()
    policy = instance.policy.identity
    if form.raw("password") != form.raw("password_again"):
        return _account(visitor, errors={"password_again": "The two are not the same; type the password twice."})
    try:
        cleaned = rules.parse_password(form.raw("password"), policy, words=(party.name,))
        hashed = rules.hash_password(cleaned, policy)
        with instance.database.write() as tx:
            setup = passwords.begin_password(
                tx, hashed, session=session, issuer=instance.settings.ledger_origin, envelope=instance.envelope, policy=policy,
                now=instance.clock.now(),
            )
    except Invalid as error:
        return _account(visitor, errors={"password": str(error)})
    return _account(visitor, setup=setup)


@post("/account/password/confirm", sync_to_thread=True, include_in_schema=False)
def password_confirm(visitor: Visiting, form: Form) -> Response[Any]:
    """The password holds from now on; recovery codes are shown this once."""
    instance, session, _ = visitor.signed_in()
    with instance.database.write() as tx:
        codes = passwords.finish_password(
            tx, form.text("setup"), form.text("code"), session=session, envelope=instance.envelope, policy=instance.policy.identity,
            now=instance.clock.now(),
        )
    return _account(visitor, codes=codes)


@post("/account/passkeys/options", sync_to_thread=True, include_in_schema=False, status_code=200)
def new_passkey_options(request: "Request[Any, Any, Any]", visitor: Visiting, data: JSONBody[Ceremony]) -> Response[bytes]:
    """Options for `navigator.credentials.create`."""
    _check_script(request, visitor)
    instance, session, _ = visitor.signed_in()
    with instance.database.write() as tx:
        challenge, options = passkeys.begin_registration(
            tx, relying_party(instance), session=session, open_max=instance.policy.rates.challenges_open_max, envelope=instance.envelope,
            policy=instance.policy.identity, now=instance.clock.now(),
        )
    return _options(challenge, options)


@post("/account/passkeys", sync_to_thread=True, include_in_schema=False, status_code=200)
def new_passkey(request: "Request[Any, Any, Any]", visitor: Visiting, data: JSONBody[Ceremony]) -> Response[Any]:
    """Keeps a passkey of one's own."""
    _check_script(request, visitor)
    instance, session, _ = visitor.signed_in()
    with instance.database.write() as tx:
        passkeys.finish_registration(
            tx, data.challenge_id, bytes(data.credential).decode(), data.name or "passkey", relying_party(instance), session=session,
            envelope=instance.envelope, policy=instance.policy.identity, now=instance.clock.now(),
        )
    return Response({"location": "/account"}, media_type="application/json")


@post("/account/passkeys/remove", sync_to_thread=True, include_in_schema=False)
def remove_passkey(visitor: Visiting, form: Form) -> Response[Any]:
    """Forgets a passkey."""
    instance, session, _ = visitor.signed_in()
    with instance.database.write() as tx:
        passkeys.remove_passkey(tx, form.text("passkey"), session=session, policy=instance.policy.identity, now=instance.clock.now())
    return visitor.go("/account", Flash("done", "The passkey is forgotten here; remove it from your device as well."))


@post("/account/sessions/end", sync_to_thread=True, include_in_schema=False)
def end_sessions(visitor: Visiting, form: Form) -> Response[Any]:
    """Ends one session, or all others."""
    instance, session, party = visitor.signed_in()
    with instance.database.write() as tx:
        if form.text("session") == "all":
            sessions.revoke_sessions(tx, party.id, spare=session.id, actor=party.id, now=instance.clock.now())
        else:
            sessions.revoke_session(tx, form.text("session"), actor=party.id, now=instance.clock.now())
    return visitor.go("/account", Flash("done", "Ended."))


@post("/account/tokens", sync_to_thread=True, include_in_schema=False)
def new_token(visitor: Visiting, form: Form) -> Response[Any]:
    """A token for a program that acts for this account; shown this once."""
    instance, _, party = visitor.signed_in()
    if not visitor.scopes:
        raise NotPermitted("this session is for setting up your account; sign in first")
    days = form.text("days")
    if not days.isdecimal() or not 1 <= int(days) <= 3650:
        return _account(visitor, errors={"days": "A whole number of days from 1 to 3650."})
    now = instance.clock.now()
    wanted = {text for text in form.texts("scope") if text in set(Scope)}
    try:
        with instance.database.write() as tx:
            _, text = parties.issue_token(
                tx, party.id, frozenset(Scope(name) for name in wanted), now + timedelta(days=int(days)), actor=party.id, now=now
            )
    except ClearinghouseError as error:
        return _account(visitor, errors={"": str(error)})
    return _account(visitor, token=text)


@post("/account/tokens/revoke", sync_to_thread=True, include_in_schema=False)
def revoke_token(visitor: Visiting, form: Form) -> Response[Any]:
    """Ends a token at once."""
    instance, _, party = visitor.signed_in()
    with instance.database.write() as tx:
        parties.revoke_token(tx, form.text("token"), actor=party.id, now=instance.clock.now())
    return visitor.go("/account", Flash("done", "The token is worth nothing any more."))


def relying_party(instance: Instance) -> RelyingParty:
    """Who passkeys are made for: the host of the public address."""
    address = instance.settings.public_url or "http://localhost:8000"
    return RelyingParty(urlsplit(address).hostname or "localhost", instance.settings.ledger_origin, address.rstrip("/"))


def _check_script(request: "Request[Any, Any, Any]", visitor: Visitor) -> None:
    check_same_site(request, visitor)
    check_token(visitor, request.headers.get("x-csrftoken", ""))


def _options(challenge: str, options: str) -> Response[bytes]:
    body = {"challenge_id": challenge, "publicKey": msgspec.Raw(options.encode())}
    return Response(msgspec.json.encode(body), media_type="application/json")


def _located(visitor: Visitor, place: str, found: SignedIn) -> Response[Any]:
    going = visitor.go(place, session=found.text)
    answer: Response[Any] = Response({"location": place}, media_type="application/json")
    answer.cookies.extend(going.cookies)
    return answer


def _sign_in(visitor: Visitor, form: Sent, back: str, errors: dict[str, str] | None = None, status: int = 200) -> Response[Any]:
    return visitor.render("sign_in.html", form=form.back(errors), providers=[(provider.name, provider.title) for provider in visitor.instance.settings.providers], back=back, http_status=status)


def _enrol(visitor: Visitor, form: Sent, invitation: str, errors: dict[str, str] | None = None) -> Response[Any]:
    instance, organisation, mail = visitor.instance, "", ""
    roles: tuple[str, ...] = ()
    if invitation:
        with instance.database.read() as tx:
            found = enrolment.check_invitation(tx, invitation, envelope=instance.envelope, now=instance.clock.now())
            party = None if found.organisation is None else party_store.find_party(tx, found.organisation)
        organisation, mail, roles = "" if party is None else party.name, found.address, tuple(str(role) for role in sorted(found.roles))
    return visitor.render(
        "enrol.html", form=form.back(errors), invitation=invitation, organisation=organisation, mail=mail, roles=roles, http_status=422 if errors else 200,
    )


def _begin_account(visitor: Visitor, form: Sent) -> SignedIn:
    instance = visitor.instance
    with instance.database.write() as tx:
        if form.text("invitation"):
            return enrolment.accept_invitation(
                tx, form.text("invitation"), name=form.text("name"), project=form.text("project"), user_agent=visitor.user_agent,
                replaces=visitor.session_text, envelope=instance.envelope, policy=instance.policy.identity, now=instance.clock.now(),
            )
        return enrolment.enrol_project(
            tx, project=form.text("project"), name=form.text("name"), source=visitor.source, user_agent=visitor.user_agent,
            replaces=visitor.session_text, envelope=instance.envelope, policy=instance.policy.identity, now=instance.clock.now(),
        )


def _account(
    visitor: Visitor, *, errors: dict[str, str] | None = None, setup: PasswordSetup | None = None, codes: tuple[str, ...] = (), token: str = ""
) -> Response[Any]:
    instance, session, party = visitor.signed_in()
    now, policy = instance.clock.now(), instance.policy.identity
    with instance.database.read() as tx:
        organisation = None if party.organisation is None else party_store.find_party(tx, party.organisation)
        alive = sessions.list_sessions(tx, party.id, viewer=party.id, policy=policy, now=now)
        keys = passkeys.list_passkeys(tx, party.id)
        tokens = party_store.list_tokens(tx, party.id)
        has_password = credentials.has_password(tx, party.id)
        linked = accounts.list_accounts(tx, party.id)
    shown = pages.Account(
        party.name, party.id, "" if organisation is None else organisation.name, (),
        tuple(
            pages.SessionLine(entry.id, f"{entry.method}, {entry.user_agent}", entry.started_at, entry.last_seen_at, entry.expires_at, entry.id == session.id)
            for entry in alive
        ),
        tuple(pages.PasskeyLine(key.key, key.name, key.added_at, key.used_at) for key in keys),
        tuple(
            pages.SessionLine(entry.id, ", ".join(sorted(entry.scopes)), entry.created_at, None, entry.expires_at)
            for entry in tokens if entry.revoked_at is None and entry.expires_at > now
        ),
        tuple(scope for scope in Scope if party.roles & MAY[scope]), has_password, has_password=has_password, new_token=token,
        linked=tuple(account.issuer for account in linked), setup_id="" if setup is None else setup.id,
        totp_setup_key="" if setup is None else setup.totp_secret, totp_picture="" if setup is None else _picture(setup.totp_uri),
        recovery_codes=codes, providers=tuple(provider.name for provider in instance.settings.providers),
    )
    return visitor.render("account.html", account=shown, form=Sent({}, {}).back(errors), http_status=422 if errors else 200)


def _picture(uri: str) -> Markup:
    """A QR code as SVG to stand in the page: its own attributes, no style, no address to fetch it from again."""
    drawn = io.BytesIO()
    segno.make(uri, error="m").save(drawn, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=2, dark="#000", light="#fff")
    return Markup(drawn.getvalue().decode())  # noqa: S704 - drawn by us from a key of ours


ROUTER = Router("/", route_handlers=[
    sign_in_page, sign_in, link_page, link_sign_in, sign_out, passkey_options, passkey_sign_in, enrol_page, enrol, account_page, password,
    password_confirm, new_passkey_options, new_passkey, remove_passkey, end_sessions, new_token, revoke_token,
])
