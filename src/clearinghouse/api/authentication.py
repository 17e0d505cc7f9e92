"""Who calls: an API token becomes the party it speaks for, once for each request.

A route names the scope it needs in its `opt`; a route without one is for everybody. Programs use tokens only: a
session's cookie opens no route here, so that no page of somebody else can call in its name.
"""

from typing import Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from clearinghouse.api.problems import Unauthenticated
from clearinghouse.app.wiring import Instance
from clearinghouse.core.roles import Scope
from clearinghouse.parties import actions as parties
from clearinghouse.parties.rules import TokenRefused

Acting = NamedDependency[SkipValidation[Instance]]
"""The instance as the calling party sees it, handed to a route by `caller`."""

SCOPE = "clearinghouse_scope"
"""Key of a route's `opt` that names the scope it needs."""


def caller(request: "Request[Any, Any, Any]") -> Instance:
    """The instance as the calling party sees it.

    Raises:
        Unauthenticated: no token, or none that is valid.
        NotPermitted: the token lacks the scope of the route.
    """
    instance: Instance = request.app.state.instance
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    # `Token` is the word of clients of the VINCE form.
    if scheme.lower() not in ("bearer", "token") or not text.strip():
        raise Unauthenticated("send a token: `Authorization: Bearer ch.tok_...`; `clearinghouse party token` issues one")
    scope: Scope = request.route_handler.opt[SCOPE]
    with instance.database.read() as tx:
        try:
            party = parties.check_token(tx, text.strip(), scope, now=instance.clock.now())
        except TokenRefused as error:
            raise Unauthenticated(str(error)) from None
    return instance.acting_as(party)
