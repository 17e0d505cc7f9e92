"""A server of models that answers at once, as cheaply as Python can: python -m bench.gateway.dummy; prints its port."""

import asyncio
import sys

_ANSWER = (
    b'{"id":"x","object":"chat.completion","model":"dummy","choices":[{"index":0,"message":{"role":"assistant","content":"'
    + b"word " * 100 + b'"},"finish_reason":"stop"}],"usage":{"prompt_tokens":400,"completion_tokens":100,"total_tokens":500}}'
)
_WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(_ANSWER), _ANSWER)
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_EVENTS = 50


def _event(data: bytes) -> bytes:
    text = b"data: " + data + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(text), text)


_WORD = _event(b'{"id":"x","object":"chat.completion.chunk","model":"dummy","choices":[{"index":0,"delta":{"content":"word word "},"finish_reason":null}]}')
_LAST = (
    _event(b'{"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}')
    + _event(b'{"id":"x","choices":[],"usage":{"prompt_tokens":400,"completion_tokens":100,"total_tokens":500}}') + _event(b"[DONE]") + b"0\r\n\r\n"
)


class Dummy(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end]).lower()
            length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
            if len(self._buffer) < end + 4 + length:
                return
            body = bytes(self._buffer[end + 4 : end + 4 + length])
            del self._buffer[: end + 4 + length]
            if b'"stream":true' in body:
                asyncio.get_running_loop().create_task(self._stream())
            else:
                self._transport.write(_WHOLE)

    async def _stream(self) -> None:
        self._transport.write(_HEAD)
        for _ in range(_EVENTS):
            self._transport.write(_WORD)
            await asyncio.sleep(0)  # each event leaves by itself, as a model's words do
        self._transport.write(_LAST)


async def main() -> None:
    """Serve until ended."""
    server = await asyncio.get_running_loop().create_server(Dummy, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
