"""The parent's side of the parser process: starts it, times it, ends it, and turns its failures into notes."""

import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import msgspec

from clearinghouse.core.errors import Unavailable
from clearinghouse.core.policy import IntakeLimits
from clearinghouse.disclosure.intake.parser import Answer, Request
from clearinghouse.disclosure.intake.records import Cover, Note

_START_SECONDS_MAX = 120.0  # a cold disk on a busy machine; reading a document has its own, tighter limit
_FRAME_BYTES_MAX = 1 << 30


class ParserProcess:
    """A child process that reads documents one after the other; replaced when one of them kills it."""

    def __init__(self, limits: IntakeLimits, keys: tuple[bytes, ...] = ()) -> None:
        self._limits = limits
        self._keys = keys
        self._child: subprocess.Popen[bytes] | None = None
        self._buffer = bytearray()
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe is not None:
                    pipe.close()
            self._child = None
            self._buffer.clear()

    def read(self, name: str, data: bytes, source: str = "", cover: Cover | None = None, first_line: int = 1) -> Iterator[Answer]:
        """The answers to one document; the last has `last` set. A document that breaks its limits gets a note that says so."""
        request = Request(name, source, self._limits, cover or Cover(), len(data), first_line, self._keys)
        child = self._ready()
        deadline = time.monotonic() + self._limits.parser_seconds_max
        done = False
        try:
            payload = self._encoder.encode(request)
            self._send(child, struct.pack(">I", len(payload)) + payload, deadline)
            self._send(child, data, deadline)
            while not done:
                answer = self._decoder.decode(self._frame(child, deadline))
                done = answer.last
                # Time counts from the last sign of life: a long file may take long, a stuck one may not.
                deadline = time.monotonic() + self._limits.parser_seconds_max
                yield answer
        except TimeoutError:
            message = f"reading took more than {self._limits.parser_seconds_max:g} seconds without progress and was ended"
            yield Answer(source, "", (), (Note("", message, "limit.seconds"),), last=True)
        except (EOFError, BrokenPipeError, msgspec.DecodeError):
            megabytes = self._limits.parser_memory_bytes_max // 1_000_000
            message = f"the reader ended before it was done, most likely for want of memory (limit {megabytes} MB)"
            yield Answer(source, "", (), (Note("", message, "limit.memory"),), last=True)
        finally:
            if not done:
                self.close()

    def _ready(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self.close()
            self._child = subprocess.Popen(
                [sys.executable, "-m", "clearinghouse.disclosure.intake.parser"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/", close_fds=True,
                # An empty environment but for what finds our own code: no address, key or token is inherited.
                env={"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry), "PYTHONDONTWRITEBYTECODE": "1"},
            )
            try:
                self._frame(self._child, time.monotonic() + _START_SECONDS_MAX)
            except (EOFError, TimeoutError):
                self.close()
                raise Unavailable("the parser process does not start; run `clearinghouse doctor`") from None
        return self._child

    def _send(self, child: subprocess.Popen[bytes], data: bytes, deadline: float) -> None:
        assert child.stdin is not None
        view, handle = memoryview(data), child.stdin.fileno()
        os.set_blocking(handle, False)
        while view:
            _, writable, _ = select.select([], [handle], [], max(0.0, deadline - time.monotonic()))
            if not writable:
                raise TimeoutError
            view = view[os.write(handle, view) :]

    def _frame(self, child: subprocess.Popen[bytes], deadline: float) -> bytes:
        size = struct.unpack(">I", self._take(child, 4, deadline))[0]
        if size > _FRAME_BYTES_MAX:
            raise EOFError
        return self._take(child, size, deadline)

    def _take(self, child: subprocess.Popen[bytes], size: int, deadline: float) -> bytes:
        assert child.stdout is not None
        handle = child.stdout.fileno()
        while len(self._buffer) < size:
            readable, _, _ = select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                raise TimeoutError
            portion = os.read(handle, 1 << 20)
            if not portion:
                raise EOFError
            self._buffer += portion
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken
