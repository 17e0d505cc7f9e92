"""Who looks at a page, and what a browser must prove before a form of its counts.

A session's text stands in a cookie that no script reads. Every form carries a token bound to that cookie and to one
that marks the browser, and its request must come from here (Origin, Sec-Fetch-Site): a form of somebody else's page
does nothing, signed in or not.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from litestar import Request, Response
from litestar.datastructures import Cookie, UploadFile
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.params import SkipValidation

from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import NotPermitted
from clearinghouse.core.roles import Scope
from clearinghouse.core.untrusted import clean_text
from clearinghouse.parties.identity.sessions import actions as sessions
from clearinghouse.parties.identity.sessions import rules as session_rules
from clearinghouse.parties.identity.sessions.records import Session
from clearinghouse.parties.records import Party
from clearinghouse.web import rendering
from clearinghouse.web.rendering import CSRF_FIELD, THEMES, Flash, Page

SESSION, BROWSER, FLASH, THEME = "ch_session", "ch_browser", "ch_flash", "ch_theme"
_FIELD_CHARACTERS_MAX = 200_000
_FIELDS_MAX = 600
_FLASH_CHARACTERS_MAX = 1_500  # what a cookie holds; the message is ours and short


class SignedOutHere(Exception):
    """A page that needs somebody was asked for by nobody: on to the sign-in, and back afterwards."""

    def __init__(self, back: str) -> None:
        super().__init__("sign in first")
        self.back = back


@dataclass(frozen=True)
class Visitor:
    """One request of one browser."""

    instance: Instance
    """As the signed-in party sees it; of no use for reading where nobody is signed in."""
    session: Session | None
    party: Party | None
    scopes: frozenset[Scope]
    browser: str
    """What marks this browser; made up where it came without."""
    session_text: str = field(repr=False)
    path: str
    theme: str
    flashes: tuple[Flash, ...]
    secure: bool
    """Whether it came over TLS, as the address of this instance says: cookies are then for TLS alone."""
    organisation: str = ""
    source: str = ""
    """Network address of the other side, for counting attempts."""
    user_agent: str = ""

    def acting(self, scope: Scope) -> Instance:
        """The instance as the signed-in party sees it.

        Raises:
            SignedOutHere: nobody is signed in.
            NotPermitted: the session does not reach so far.
        """
        if self.party is None:
            raise SignedOutHere(self.path)
        if scope not in self.scopes:
            raise NotPermitted("this needs a role that your account does not hold; ask an administrator of this clearinghouse")
        return self.instance

    def signed_in(self) -> tuple[Instance, Session, Party]:
        """Who is signed in, whatever the session is for.

        Raises:
            SignedOutHere: nobody is.
        """
        if self.party is None or self.session is None:
            raise SignedOutHere(self.path)
        return self.instance, self.session, self.party

    @property
    def csrf(self) -> str:
        """The token every form of this browser and session carries."""
        return _mac(self.instance, "form", self.browser + "\n" + self.session_text)

    def page(self, path: str | None = None) -> Page:
        """What every page is handed."""
        viewer = None
        if self.party is not None:
            viewer = rendering.Viewer(self.party.name, self.party.roles, self.organisation, maintains="vendor" in self.party.roles)
        return Page(
            self.instance.clock.now(), self.path if path is None else path, viewer, self.csrf, self.theme, self.flashes,
            self.instance.settings.ledger_origin,
        )

    def render(self, template: str, *, http_status: int = 200, at: str | None = None, said: tuple[Flash, ...] = (), **context: object) -> Response[str]:
        """A page; a message said once is forgotten with it.

        Args:
            at: the path the page calls its own; that of the request by default.
            said: what to say on this page beside what the last form left to be said.
        """
        page = self.page(at)
        answer = Response(rendering.render(template, replace(page, flashes=page.flashes + said), **context), status_code=http_status, media_type=MediaType.HTML)
        return self._with_cookies(answer)

    def go(self, path: str, flash: Flash | None = None, *, session: str | None = None) -> Response[None]:
        """On to another page after a form (303), with what to say there.

        Args:
            session: the text of a new session; empty ends the one there is.
        """
        answer: Response[None] = Response(None, status_code=303, headers={"Location": local_path(path)})
        self._with_cookies(answer)
        if flash is not None:
            answer.cookies.append(self._cookie(FLASH, _seal_flash(self.instance, flash), 60))
        if session is not None:
            answer.cookies.append(self._cookie(SESSION, session, None if session else 0))
        return answer

    def cookie(self, name: str, value: str, seconds: int | None) -> Cookie:
        """A cookie no script reads; 0 seconds forget it, None keeps it until the browser is closed."""
        return self._cookie(name, value, seconds)

    def _with_cookies(self, answer: Response[Any]) -> Response[Any]:
        answer.cookies.append(self._cookie(BROWSER, self.browser, 400 * 86_400))
        if self.flashes:
            answer.cookies.append(self._cookie(FLASH, "", 0))
        return answer

    def _cookie(self, name: str, value: str, seconds: int | None) -> Cookie:
        return Cookie(key=name, value=value, max_age=seconds, httponly=True, secure=self.secure, samesite="lax", path="/")


Visiting = NamedDependency[SkipValidation[Visitor]]
"""The visitor, handed to a route by `visit`."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a form holds: text by name, and files. All of it is from outside."""

    fields: Mapping[str, tuple[str, ...]]
    files: Mapping[str, tuple[str, bytes]]
    """By field: the name its sender gave, and the bytes."""

    def text(self, name: str) -> str:
        """One field, cleaned; empty where it was not sent."""
        found = self.fields.get(name, ())
        return clean_text(found[0], _FIELD_CHARACTERS_MAX).strip() if found else ""

    def raw(self, name: str) -> str:
        """One field exactly as sent: passwords are not cleaned."""
        found = self.fields.get(name, ())
        return found[0][:_FIELD_CHARACTERS_MAX] if found else ""

    def texts(self, name: str) -> tuple[str, ...]:
        """Every value of a field."""
        return tuple(clean_text(value, _FIELD_CHARACTERS_MAX).strip() for value in self.fields.get(name, ()))

    def back(self, errors: Mapping[str, str] | None = None, *, without: tuple[str, ...] = ("password", "password_again", "code")) -> rendering.Form:
        """The form as it is sent back: what was typed, but for secrets."""
        return rendering.Form({name: values[0] for name, values in self.fields.items() if values and name not in without}, errors or {})


Form = NamedDependency[SkipValidation[Sent]]
"""A form of this browser's own, handed to a route by `read_form`."""


def visit(request: "Request[Any, Any, Any]") -> Visitor:
    """Who asks; a session that has ended is nobody."""
    instance: Instance = request.app.state.instance
    text = request.cookies.get(SESSION, "")
    now, policy = instance.clock.now(), instance.policy.identity
    session: Session | None = None
    party: Party | None = None
    organisation, scopes = "", frozenset[Scope]()
    if text:
        with instance.database.read() as tx:
            try:
                session, party = sessions.check_session(tx, text, policy=policy, now=now)
            except session_rules.SignedOut:
                text = ""
        if session is not None and party is not None:
            scopes = session_rules.scopes_of(session.method, party)
            if session_rules.needs_touch(session, now):
                with instance.database.write() as tx:
                    sessions.touch_session(tx, session, now=now)
    theme = request.cookies.get(THEME, "auto")
    browser = request.cookies.get(BROWSER, "")
    return Visitor(
        instance if party is None else instance.acting_as(party), session, party, scopes,
        browser if len(browser) == 43 and browser.isascii() else secrets.token_urlsafe(32), text, request.url.path,
        theme if theme in THEMES else "auto", _open_flashes(instance, request.cookies.get(FLASH, "")),
        instance.settings.public_url.startswith("https:"), organisation,
        request.client.host if request.client is not None else "", request.headers.get("user-agent", "")[:500],
    )


async def read_form(request: "Request[Any, Any, Any]", visitor: Visiting) -> Sent:
    """The fields and files of a form, once it is sure that it is one of ours.

    Raises:
        NotPermitted: it came from another site, or without the token of this browser.
    """
    check_same_site(request, visitor)
    form = await request.form()
    fields: dict[str, list[str]] = {}
    files: dict[str, tuple[str, bytes]] = {}
    for name, value in list(form.multi_items())[:_FIELDS_MAX]:
        if isinstance(value, UploadFile):
            data = await value.read()
            if data or value.filename:
                files[name] = (value.filename, data)
        else:
            fields.setdefault(name, []).append(str(value))
    check_token(visitor, (fields.pop(CSRF_FIELD, None) or [""])[0])
    return Sent({name: tuple(values) for name, values in fields.items()}, files)


def check_same_site(request: "Request[Any, Any, Any]", visitor: Visitor) -> None:
    """Raise NotPermitted unless the request comes from a page of ours, as far as the browser says."""
    fetch_site = request.headers.get("sec-fetch-site", "")
    origin = request.headers.get("origin", "")
    own = {request.headers.get("host", ""), urlsplit(visitor.instance.settings.public_url).netloc} - {""}
    # A page that sends no referrer, as ours do not, sends its forms with the origin `null`: whose it was, Sec-Fetch-Site
    # says where a browser sends it, and else the token alone.
    elsewhere = origin not in ("", "null") and origin.partition("://")[2] not in own
    if fetch_site not in ("", "same-origin", "none") or elsewhere:
        raise NotPermitted("this form came from another site; open the page here and send it again")


def check_token(visitor: Visitor, untrusted_token: str) -> None:
    """Raise NotPermitted unless the token is the one of this browser and session."""
    if not hmac.compare_digest(untrusted_token.encode(), visitor.csrf.encode()):
        raise NotPermitted("this form is too old, or was opened in another session; open the page again and send it once more")


def local_path(untrusted_path: str) -> str:
    """A path on this site to go to; the first page where it would lead elsewhere."""
    if not untrusted_path.startswith("/") or untrusted_path.startswith(("//", "/\\")) or any(letter < " " or letter == "\\" for letter in untrusted_path):
        return "/"
    # A header holds no letters beyond ASCII; an address spells them out.
    return quote(untrusted_path[:2000], safe="/?&=#%:;,+@!$~*'()-._", errors="replace")


def _mac(instance: Instance, purpose: str, text: str) -> str:
    key = HKDF(SHA256(), 32, None, b"clearinghouse/web/v1").derive(instance.envelope.index_key())
    return hmac.new(key, f"{purpose}\n{text}".encode(), hashlib.sha256).hexdigest()


def _seal_flash(instance: Instance, flash: Flash) -> str:
    body = json.dumps([flash.kind, flash.message[:600], flash.undo_action, dict(flash.undo_fields)])[:_FLASH_CHARACTERS_MAX]
    encoded = base64.urlsafe_b64encode(body.encode()).decode()
    return f"{encoded}.{_mac(instance, 'flash', encoded)}"


def _open_flashes(instance: Instance, cookie: str) -> tuple[Flash, ...]:
    encoded, _, mac = cookie.partition(".")
    if not encoded or not hmac.compare_digest(mac.encode(), _mac(instance, "flash", encoded).encode()):
        return ()
    try:
        kind, message, undo_action, undo_fields = json.loads(base64.urlsafe_b64decode(encoded))
    except ValueError:
        return ()
    return (Flash(kind, message, undo_action, undo_fields),)
