"""Signing in with an account elsewhere: on to the provider, and what came of it.

The way out is a link and not a form: a form whose answer leads off this site is what our content security policy forbids.
"""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from clearinghouse.app import oidc
from clearinghouse.app.channels.sender import outward_of
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import NotPermitted
from clearinghouse.parties.identity.sessions.records import SignedIn
from clearinghouse.web.rendering import Flash
from clearinghouse.web.visitor import Form, Visiting, Visitor

_BINDING = "ch_account"
_SECONDS = 600


@get("/sign-in/with/{provider:str}", sync_to_thread=True, include_in_schema=False)
def begin(visitor: Visiting, provider: FromPath[str]) -> Response[Any]:
    """To the provider, with a state only this browser can bring back."""
    departure = oidc.begin(visitor.instance, provider, _back(visitor.instance), guard=outward_of(visitor.instance))
    answer: Response[Any] = Response(None, status_code=303, headers={"Location": departure.url})
    answer.cookies.append(visitor.cookie(_BINDING, departure.binding, _SECONDS))
    return answer


@post("/account/link", sync_to_thread=True, include_in_schema=False)
def link(visitor: Visiting, form: Form) -> Response[Any]:
    """The same to link an account to whoever is signed in; the page that comes offers the way as a link."""
    instance, session, _ = visitor.signed_in()
    departure = oidc.begin(instance, form.text("provider"), _back(instance), session=session, guard=outward_of(instance))
    answer = visitor.render(
        "message.html", status=200, heading="One step more", words="The provider asks who you are, then sends you back here.",
        actions=[(departure.url, f"On to {form.text('provider')}")],
    )
    answer.cookies.append(visitor.cookie(_BINDING, departure.binding, _SECONDS))
    return answer


@get("/sign-in/back", sync_to_thread=True, include_in_schema=False)
def back(request: "Request[Any, Any, Any]", visitor: Visiting) -> Response[Any]:
    """A session for who linked this account, a linked account for who asked for one."""
    instance = visitor.instance
    query = {name: str(value) for name, value in request.query_params.items()}
    found = oidc.finish(
        instance, query, request.cookies.get(_BINDING, ""), _back(instance), session=visitor.session, user_agent=visitor.user_agent,
        replaces=visitor.session_text, guard=outward_of(instance),
    )
    if found is None:
        raise NotPermitted("nobody here is linked to this account; sign in another way first and link it under Account")
    if isinstance(found, SignedIn):
        return _landed(visitor, visitor.go("/queue", session=found.text))
    return _landed(visitor, visitor.go("/account", Flash("done", "The account is linked; it signs you in from now on.")))


def _landed(visitor: Visitor, answer: Response[Any]) -> Response[Any]:
    answer.cookies.append(visitor.cookie(_BINDING, "", 0))
    return answer


def _back(instance: Instance) -> str:
    return (instance.settings.public_url or "http://localhost:8000").rstrip("/") + "/sign-in/back"


ROUTER = Router("/", route_handlers=[begin, link, back])
