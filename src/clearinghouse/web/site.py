"""What belongs to no capability: the first page, colours, files, and the announcement that something is new."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath, FromQuery
from litestar.response import ServerSentEvent, ServerSentEventMessage

from clearinghouse.app.views.live import Watch, parse_topics, watch
from clearinghouse.core.errors import Invalid, NotFound
from clearinghouse.web import pages
from clearinghouse.web.rendering import STATIC, THEMES
from clearinghouse.web.visitor import THEME, Form, Visiting

_KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_LIVE_SECONDS = 3.0
_LIVE_SECONDS_MAX = 1_800  # a browser opens it again by itself


@get("/", sync_to_thread=True, include_in_schema=False)
def home(visitor: Visiting) -> Response[Any]:
    """What a stranger may do here; on to the queue for who is signed in."""
    if visitor.party is not None:
        return visitor.go("/queue")
    # No figures: whoever may see nothing must not learn from a number that something came in.
    return visitor.render("home.html", home=pages.Home(contact=visitor.instance.settings.mail.sender))


@get("/static/{name:str}", sync_to_thread=True, include_in_schema=False)
def static(name: FromPath[str]) -> Response[bytes]:
    """A file of ours; its address holds its digest, so it may be kept for ever."""
    kind = _KINDS.get(name.rpartition(".")[2])
    if kind is None or "/" in name or name not in {entry.name for entry in STATIC.iterdir()}:
        raise NotFound("no such file")
    body = (STATIC / name).read_bytes()
    return Response(body, media_type=kind, headers={"Cache-Control": "public, max-age=31536000, immutable"})


@post("/theme", sync_to_thread=True, include_in_schema=False)
def theme(visitor: Visiting, form: Form) -> Response[Any]:
    """Light, dark, or as the device says."""
    chosen = form.text("theme")
    if chosen not in THEMES:
        raise Invalid(f"colours are {', '.join(THEMES)}")
    answer = visitor.go(form.text("back"))
    answer.cookies.append(visitor.cookie(THEME, chosen, 400 * 86_400))
    return answer


@get("/live", include_in_schema=False)
async def live(request: "Request[Any, Any, Any]", visitor: Visiting, topics: FromQuery[str] = "") -> ServerSentEvent:
    """Says when something new is there to see for this viewer: how much, and nothing of what."""
    instance, _, _ = visitor.signed_in()
    asked = parse_topics(topics)

    async def changes() -> AsyncIterator[ServerSentEventMessage]:
        seen: Watch | None = None
        for _ in range(int(_LIVE_SECONDS_MAX / _LIVE_SECONDS)):
            now: Watch = await sync_to_thread(watch, instance, asked, seen)
            for change in [] if seen is None else now.since(seen):
                yield ServerSentEventMessage(data=json.dumps({"topic": change.topic, "count": change.count, "kind": change.kind}), event="change")
            seen = now
            yield ServerSentEventMessage(comment="still here")
            await asyncio.sleep(_LIVE_SECONDS)

    return ServerSentEvent(changes())


ROUTER = Router("/", route_handlers=[home, static, theme, live])
