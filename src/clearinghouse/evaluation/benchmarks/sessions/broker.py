"""Serving sessions to another process over a socket: it needs no file, no network and no right of its own.

A message is one line of JSON and, where it says how many, bytes after it; so is an answer. A connection may carry many, one after another. Everything is
bounded, because the other process handles what a model says. A message that makes no sense ends the connection.
"""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

from clearinghouse.core.errors import ClearinghouseError, Invalid

LINE_BYTES_MAX = 8 << 20
_CONNECTIONS_MAX = 64
_IDLE_SECONDS = 3_600.0


@contextmanager
def short_address(path: Path) -> Iterator[str]:
    """A name of a socket that fits: the kernel takes 107 bytes, and a folder for temporary files may be deeper."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    words: Mapping[str, Any]
    body: bytes = b""


Handler = Callable[[Mapping[str, Any], bytes], Reply]


class Broker:
    """Listens on a socket until it is closed; each connection has a thread."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler], *, body_bytes_max: int) -> None:
        """Listen.

        Args:
            path: of the socket, in a folder that only we can enter.
            handlers: by the word `do` of a message. One that raises an error of ours answers with the family of it, and never with its words.
        """
        self._handlers = handlers
        self._body_bytes_max = body_bytes_max
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with short_address(path) as address:
                self._socket.bind(address)
            path.chmod(0o600)
            self._socket.listen(_CONNECTIONS_MAX)
        except BaseException:
            self._socket.close()
            raise
        self._room = threading.BoundedSemaphore(_CONNECTIONS_MAX)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._accept, name="broker", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Listen no more, and end every connection."""
        with self._lock:
            self._closed = True
            waiting = list(self._open)
        for each in (self._socket, *waiting):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self._socket.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._room.acquire()
            with self._lock:
                if self._closed:
                    connection.close()
                    return
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), name="broker-connection", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(_IDLE_SECONDS)
            with connection, connection.makefile("rb") as reader, connection.makefile("wb") as writer:
                while (message := self._read(reader)) is not None:
                    reply = self._answer(*message)
                    writer.write(json.dumps({**reply.words, "bytes": len(reply.body)}).encode() + b"\n")
                    writer.write(reply.body)
                    writer.flush()
        except (OSError, Invalid):
            return  # the other side is gone, or talks nonsense: nobody to answer
        finally:
            with self._lock:
                self._open.discard(connection)
            self._room.release()

    def _read(self, reader: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
        line = reader.readline(LINE_BYTES_MAX)
        if not line:
            return None
        try:
            words = json.loads(line)
        except (ValueError, RecursionError):
            raise Invalid("no message") from None
        count = words.get("bytes", 0) if isinstance(words, dict) else -1
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= self._body_bytes_max:
            raise Invalid("no message")
        body = reader.read(count)
        if len(body) != count:
            raise Invalid("half a message")
        return words, body

    def _answer(self, words: Mapping[str, Any], body: bytes) -> Reply:
        handler = self._handlers.get(str(words.get("do")))
        if handler is None:
            return Reply({"error": "unknown"})
        try:
            return handler(words, body)
        except ClearinghouseError as error:
            return Reply({"error": type(error).__name__})
        except (KeyError, TypeError, ValueError):
            return Reply({"error": "Invalid"})
