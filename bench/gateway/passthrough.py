"""The plainest proxy that people write: Starlette and httpx, no key, no limit, no record. Run by uvicorn in an environment of its own."""

import os
from collections.abc import AsyncIterator

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

_UPSTREAM = os.environ["UPSTREAM"]
_CLIENT = httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=512, max_keepalive_connections=512), trust_env=False)


async def pass_on(request: Request) -> Response:
    """Send the body on and the answer back."""
    body = await request.body()
    asked = _CLIENT.build_request("POST", f"{_UPSTREAM}/chat/completions", content=body, headers={"content-type": "application/json"})
    answered = await _CLIENT.send(asked, stream=True)
    kind = answered.headers.get("content-type", "")
    if kind.startswith("text/event-stream"):
        async def events() -> AsyncIterator[bytes]:
            async for chunk in answered.aiter_raw():
                yield chunk
            await answered.aclose()

        return StreamingResponse(events(), media_type="text/event-stream")
    found = await answered.aread()
    await answered.aclose()
    return Response(found, answered.status_code, media_type=kind)


app = Starlette(routes=[Route("/v1/chat/completions", pass_on, methods=["POST"])])
