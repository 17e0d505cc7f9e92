"""Errors as pages: what happened and what to do. What is not there and what is not yours are the same page, byte for byte."""

import logging
import traceback
from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.exceptions import HTTPException

from clearinghouse.core.errors import ClearinghouseError, Conflict, Invalid, NotFound, NotPermitted, Unavailable
from clearinghouse.disclosure.intake.rates import TooManySubmissions
from clearinghouse.parties.identity.sessions.rules import TooManyAttempts
from clearinghouse.web.visitor import SignedOutHere, visit

_LOG = logging.getLogger("clearinghouse")
_WORDS: tuple[tuple[type[ClearinghouseError], int, str], ...] = (
    (TooManyAttempts, 429, "Too many attempts"),
    (NotPermitted, 403, "Not permitted"),
    (Invalid, 422, "Not as it should be"),
    (Conflict, 409, "Not possible now"),
    (TooManySubmissions, 429, "Too many at once"),
    (Unavailable, 503, "Not available"),
)
_NOT_THERE = "There is nothing at this address, or nothing that you may see. If somebody invited you, follow the link in the mail again."


def answer(request: "Request[Any, Any, Any]", error: Exception) -> Response[Any]:
    """The page of an error."""
    if isinstance(error, SignedOutHere):
        return Response(None, status_code=303, headers={"Location": "/sign-in?back=" + quote(error.back)})
    status, heading, words = _said(error)
    if status >= 500 and not isinstance(error, Unavailable):
        where = "".join(traceback.format_tb(error.__traceback__))
        _LOG.error("%s in %s %s\n%s", type(error).__name__, request.method, getattr(request, "route_handler", None), where)
    visitor = visit(request)
    signed_in = visitor.party is not None
    actions = [("/queue", "What needs me now") if signed_in else ("/", "First page"), ("/search", "Search") if signed_in else ("/sign-in", "Sign in")]
    # The address is not part of the page: it would make two pages of one answer.
    return visitor.render("message.html", http_status=status, at="/", status=status, heading=heading, words=words, actions=actions)


def _said(error: Exception) -> tuple[int, str, str]:
    if isinstance(error, NotFound) or (isinstance(error, HTTPException) and error.status_code in (404, 405)):
        return 404, "Nothing here", _NOT_THERE
    for family, status, heading in _WORDS:
        if isinstance(error, family):
            return status, heading, str(error)
    if isinstance(error, HTTPException) and error.status_code < 500:
        return error.status_code, "Not as it should be", "The request could not be read: " + error.detail[:300]
    return 500, "A mistake of ours", "It was noted, and nothing of this request was kept. Try again; if it stays, tell who runs this clearinghouse."
