"""A server of models that lives a whole life on a free port of the loopback address: well, slow, silent, broken or lying, as it is told.

The first word of the last message says how it behaves; everything it received is kept.
"""

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

_CHUNKS = 5
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass
class Upstream:
    """What it received, and how it speaks by itself."""

    port: int = 0
    received: list[dict[str, Any]] = field(default_factory=list)
    """Bodies, in order of arrival."""
    headers: list[str] = field(default_factory=list)
    open: int = 0
    """Connections that are being answered."""
    ended: int = 0
    """Answers given to their end."""
    pause_seconds: float = 0.05
    """Between events of a slow stream."""
    usage: tuple[int, int] = (12, 5)
    log: str = ""
    """A file in which each call's first user message is written down before it is answered."""

    @property
    def url(self) -> str:
        """Its base."""
        return f"http://127.0.0.1:{self.port}/v1"

    def answer(self, connection: socket.socket, body: dict[str, Any]) -> bool:
        """Answer one call; gives whether the connection can be used again."""
        said = body["messages"][-1]["content"] if body["messages"] else ""
        how = said.split(" ")[0] if isinstance(said, str) else ""
        return self._stream(connection, how) if body.get("stream") else self._whole(connection, how)

    def _whole(self, connection: socket.socket, how: str) -> bool:
        usage: dict[str, Any] | None = dict(zip(("prompt_tokens", "completion_tokens"), self.usage, strict=True))
        reason: str | None = "stop"
        text = "an answer"
        if how == "slow":
            time.sleep(self.pause_seconds * _CHUNKS)
        elif how == "silent":
            self._wait(connection)
            return False
        elif how == "lying":
            usage = {"prompt_tokens": 10**9, "completion_tokens": 10**9}
        elif how == "negative":
            usage = {"prompt_tokens": -5, "completion_tokens": True}
        elif how == "uncounted":
            usage = None
        elif how == "unfinished":
            reason = None
        elif how == "huge":
            text = "x" * 3_000_000
        elif how == "large":
            text = "x" * 120_000
        elif how == "nonsense":
            return self._send(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnot json!")
        elif how == "truncated":
            return self._send(connection, b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"choices": [') and False
        elif how == "compressed":
            return self._send(connection, b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}")
        elif how == "moved":
            return self._send(connection, b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        elif how.startswith("status"):
            words = json.dumps({"error": {"message": "you said: the sealed prompt"}}).encode()
            return self._send(
                connection, f"HTTP/1.1 {how[6:]} Refused\r\nRetry-After: 7\r\nX-Trick: yes\r\nContent-Length: {len(words)}\r\n\r\n".encode() + words
            )
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
        found: dict[str, Any] = {"id": "x", "object": "chat.completion", "model": "build-7", "choices": [choice]}
        if usage is not None:
            found["usage"] = usage
        answer = json.dumps(found).encode()
        self._send(connection, f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSet-Cookie: a=b\r\nContent-Length: {len(answer)}\r\n\r\n".encode() + answer)
        self.ended += 1
        return True

    def _stream(self, connection: socket.socket, how: str) -> bool:
        self._send(connection, _HEAD)
        if how == "silent":
            self._wait(connection)
            return False
        count = 200 if how == "long" else _CHUNKS
        for number in range(count):
            if how in ("slow", "long"):
                time.sleep(self.pause_seconds)
            if how == "truncated" and number == 3:
                return False
            if how == "broken" and number == 3:
                self._event(connection, {"error": {"message": "you said: the sealed prompt"}})
                self._send(connection, b"0\r\n\r\n")
                return True
            words = "x" * 400_000 if how == "huge" else f"word{number} "
            if not self._event(connection, {"choices": [{"index": 0, "delta": {"content": words}, "finish_reason": None}], "model": "build-7"}):
                return False
        if how == "quiet":
            self._wait(connection)
            return False
        if how != "unfinished":
            self._event(connection, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        if how != "uncounted":
            prompt, completion = (10**9, 10**9) if how == "lying" else self.usage
            self._event(connection, {"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": completion}})
        done = b": a comment of the server's\n\ndata: [DONE]\n\n"
        ended = self._send(connection, b"%x\r\n%s\r\n0\r\n\r\n" % (len(done), done))
        self.ended += ended
        return ended

    def _event(self, connection: socket.socket, found: dict[str, Any]) -> bool:
        data = b"data: " + json.dumps(found).encode() + b"\n\n"
        return self._send(connection, b"%x\r\n%s\r\n" % (len(data), data))

    @staticmethod
    def _send(connection: socket.socket, data: bytes) -> bool:
        try:
            connection.sendall(data)
        except OSError:
            return False
        return True

    @staticmethod
    def _wait(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.settimeout(60)
            connection.recv(1)

    def serve(self, connection: socket.socket) -> None:
        """One connection to its end."""
        buffer = b""
        with connection:
            while True:
                try:
                    while b"\r\n\r\n" not in buffer:
                        data = connection.recv(65_536)
                        if not data:
                            return
                        buffer += data
                    head, _, buffer = buffer.partition(b"\r\n\r\n")
                    length = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))[15:])
                    while len(buffer) < length:
                        data = connection.recv(65_536)
                        if not data:
                            return
                        buffer += data
                except OSError:
                    return
                body, buffer = json.loads(buffer[:length]), buffer[length:]
                self.received.append(body)
                self.headers.append(head.decode("latin-1"))
                if self.log:
                    with open(self.log, "a", encoding="utf-8") as file:  # noqa: PTH123 - appended to by threads, a line each
                        file.write(str(body["messages"][-1]["content"]) + "\n")
                        file.flush()
                        os.fsync(file.fileno())
                self.open += 1
                try:
                    again = self.answer(connection, body)
                finally:
                    self.open -= 1
                if not again:
                    return


@contextmanager
def upstream() -> Iterator[Upstream]:
    """A server that ends with the block."""
    found = Upstream()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    found.port = listener.getsockname()[1]
    connections: list[socket.socket] = []

    def take() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connections.append(connection)
            threading.Thread(target=found.serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        thread.join(5)
