"""Errors as problem documents (RFC 9457): the five families, and one body for everything that is not there.

An unknown route, an unknown object and an object of somebody else answer with the same bytes (decision 5).
"""

import logging
import traceback
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, InternalServerException, ValidationException

from clearinghouse.core.errors import ClearinghouseError, Conflict, Invalid, NotFound, NotPermitted, Unavailable
from clearinghouse.disclosure.intake.rates import TooManySubmissions

_LOG = logging.getLogger("clearinghouse")
PROBLEM = "application/problem+json"


class Problem(msgspec.Struct, frozen=True):
    """A problem document."""

    type: str
    """A URI reference that names the family; what it means is in docs/reference/api.md."""
    title: str
    status: int
    detail: str


class Unauthenticated(NotPermitted):
    """No token, or one that is not valid: who asks is not known."""


_FAMILIES: tuple[tuple[type[ClearinghouseError], int, str], ...] = (
    (Unauthenticated, 401, "Not signed in"),
    (NotPermitted, 403, "Not permitted"),
    (Invalid, 422, "Invalid"),
    (Conflict, 409, "Conflict"),
    (TooManySubmissions, 429, "Too many requests"),
    (Unavailable, 503, "Unavailable"),
)
NOT_THERE = Problem("/problems/not-found", "Not found", 404, "There is nothing here that you may see.")
_STATUS_TITLES = {
    400: "Bad request", 401: "Not signed in", 403: "Not permitted", 405: "Method not allowed", 413: "Too large",
    415: "Unsupported media type", 429: "Too many requests",
}


def problem_of(error: Exception) -> Problem:
    """The document of an error; a mistake of ours tells nothing of itself."""
    if isinstance(error, NotFound):
        return NOT_THERE
    for family, status, title in _FAMILIES:
        if isinstance(error, family):
            return Problem("/problems/" + title.lower().replace(" ", "-"), title, status, str(error))
    if isinstance(error, ValidationException):
        return Problem("/problems/invalid", "Invalid", 422, _validation(error))
    if isinstance(error, HTTPException):
        status = error.status_code
        if status == 404:
            return NOT_THERE
        if isinstance(error, InternalServerException) and "disconnected" in error.detail:
            # Litestar's word for a body that broke off; whoever breaks it off shall not fill our log of mistakes.
            return Problem("/problems/bad-request", "Bad request", 400, "the body ended before it was whole; send it again")
        title = _STATUS_TITLES.get(status, "Refused" if status < 500 else "Mistake of ours")
        detail = error.detail if status < 500 else "The mistake was noted; nothing of this request was kept."
        return Problem("/problems/" + title.lower().replace(" ", "-"), title, status, detail)
    return Problem("/problems/mistake-of-ours", "Mistake of ours", 500, "The mistake was noted; nothing of this request was kept.")


def answer(request: "Request[Any, Any, Any]", error: Exception) -> Response[bytes]:
    """The response to an error, for programs."""
    problem = problem_of(error)
    if problem.status >= 500 and not isinstance(error, Unavailable):
        note_mistake(request, error)
    headers = dict(getattr(error, "headers", None) or {}) if problem.status in (405, 429) else {}
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="clearinghouse"'
    return Response(msgspec.json.encode(problem), status_code=problem.status, media_type=PROBLEM, headers=headers)


def note_mistake(request: "Request[Any, Any, Any]", error: Exception) -> None:
    """Log where a mistake of ours happened: the route and the lines of code, never the message, which may quote a report."""
    handler = getattr(request, "route_handler", None)
    where = "".join(traceback.format_tb(error.__traceback__))
    _LOG.error("%s in %s %s\n%s", type(error).__name__, request.method, handler, where)


def _validation(error: ValidationException) -> str:
    """What was wrong where, in the words of the decoder: names of fields and types, not what was sent."""
    found = error.extra if isinstance(error.extra, list) else []
    said = [f"{entry.get('key', 'the request')}: {entry.get('message', '')}" for entry in found if isinstance(entry, dict)]
    return "; ".join(said)[:2000] or "the request does not have the form described in /api/openapi.json"


__all__ = ["NOT_THERE", "PROBLEM", "Problem", "Unauthenticated", "answer", "problem_of"]
