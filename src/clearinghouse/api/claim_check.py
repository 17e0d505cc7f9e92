"""`POST /claim-check` as Scrutineer's users ask it: no token, one hash, a match with a contact or none."""

from typing import Any

import msgspec
from litestar import Request, Response, Router, post
from litestar.concurrency import sync_to_thread

from clearinghouse.api import problems
from clearinghouse.app import claim_check
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import NotFound
from clearinghouse.disclosure.deconfliction.blind.claim_hash import HASH

_BODY_BYTES_MAX = 1_000


class Held(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whether such a finding is held, and whom to ask about it."""

    match: bool
    contact: str = ""


@post("/claim-check", status_code=200, request_max_body_size=_BODY_BYTES_MAX, tags=["blind check"], summary="Ask with a salted hash", security=[])
async def ask(request: "Request[Any, Any, Any]") -> Response[Any]:
    """The body is `{"hash": "64 hexadecimal digits"}`. Where no salt is configured there is no such address."""
    instance: Instance = request.app.state.instance
    settings = instance.settings.claim_check
    if not settings.salt:
        raise NotFound(request.url.path)
    try:
        found = msgspec.json.decode(await request.body(), type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        found = {}
    asked = found.get("hash")
    if not isinstance(asked, str) or not HASH.fullmatch(asked):
        return Response({"error": "the body is {\"hash\": \"...\"} with 64 hexadecimal digits"}, status_code=400)
    source = request.client.host if request.client is not None else ""
    if await sync_to_thread(claim_check.is_claimed, instance, bytes.fromhex(asked), source):
        return Response(Held(True, settings.contact))
    return Response(Held(False))


ROUTER = Router("/", route_handlers=[ask], exception_handlers={Exception: problems.answer})
