"""A server that speaks OpenAI's chat completions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec

from clearinghouse.gateway.providers.base import Lost, Unreached, UpstreamSettings
from clearinghouse.gateway.requests import Asked

_KEPT_SECONDS = 4.0  # less than servers keep an idle connection, so that none is used that is just being closed
_UNREACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class OpenAIProvider:
    """Asks by HTTP, without redirects, second tries, proxies of the environment, or anything of the client's headers."""

    length_field = "max_completion_tokens"
    extras: dict[str, Any] = {}  # noqa: RUF012 - what a kind adds to every body, never changed

    def __init__(self, settings: UpstreamSettings, *, connect_seconds: float, silence_seconds: float, connections_max: int) -> None:
        self.settings = settings
        self._length_field = settings.length_field or self.length_field
        self._url = httpx.URL(f"{settings.base_url.rstrip('/')}/chat/completions")
        authorization = {"authorization": f"Bearer {settings.key}"} if settings.key else {}
        self._headers = httpx.Headers({
            "host": self._url.netloc.decode(), "accept": "application/json, text/event-stream", "accept-encoding": "identity",
            "content-type": "application/json", "user-agent": "clearinghouse-gateway", **authorization,
        })
        self._timeout = httpx.Timeout(connect=connect_seconds, read=silence_seconds, write=silence_seconds, pool=connect_seconds).as_dict()
        # The transport, not a client: it knows no redirects, cookies, proxies or hooks, and costs half.
        self._transport = httpx.AsyncHTTPTransport(
            trust_env=False, retries=0,
            limits=httpx.Limits(max_connections=connections_max, max_keepalive_connections=connections_max, keepalive_expiry=_KEPT_SECONDS),
        )

    def render(self, asked: Asked, completion_tokens: int) -> bytes:
        document = {**asked.document, **self.extras, "model": self.settings.model, self._length_field: completion_tokens, "stream": asked.stream}
        if asked.stream:
            document["stream_options"] = {"include_usage": True}
        return msgspec.json.encode(document)

    @asynccontextmanager
    async def ask(self, body: bytes) -> AsyncIterator["HttpIncoming"]:
        headers = self._headers.copy()
        headers["content-length"] = str(len(body))
        request = httpx.Request("POST", self._url, headers=headers, content=body, extensions={"timeout": self._timeout})
        try:
            response = await self._transport.handle_async_request(request)
        except _UNREACHED as error:
            raise Unreached(type(error).__name__) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Lost(type(error).__name__) from error
        try:
            yield HttpIncoming(response)
        finally:
            await response.aclose()

    async def close(self) -> None:
        await self._transport.aclose()


class HttpIncoming:
    """An answer over HTTP."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        after = response.headers.get("retry-after", "")
        self.retry_after = after if after.isascii() and after.isdigit() and len(after) <= 4 else ""
        self.plain = response.headers.get("content-encoding", "identity") == "identity"

    async def chunks(self) -> AsyncIterator[bytes]:
        stream = self._response.stream
        assert isinstance(stream, httpx.AsyncByteStream), "the transport is an asynchronous one"
        try:
            async for chunk in stream:
                yield chunk
        except httpx.HTTPError as error:
            raise Lost(type(error).__name__) from error
