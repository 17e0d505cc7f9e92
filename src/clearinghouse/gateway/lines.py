"""A client's connection: a plain socket and a parser, with nothing in between that could hold a byte back and send it later.

Every byte goes through `push`, which looks at the clock, hands the socket what it takes now, and looks at the clock again. What a socket
does not take stays here, behind the next look. When an access is cut, what the system holds for a slow client is thrown away with the
connection (SO_LINGER 0), instead of being delivered after the end.
"""

import array
import asyncio
import contextlib
import fcntl
import socket
import struct
import termios
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import h11

from clearinghouse.gateway.requests import BadRequest
from clearinghouse.gateway.standing import Cut, Gate, Holding

_HEAD_BYTES_MAX = 65_536
_READ_BYTES = 65_536
_HELD_BYTES = 131_072
_DELIVERY_SECONDS, _LOOKED_SECONDS = 10.0, 0.05
_PARTING_SECONDS, _PARTING_BYTES_MAX = 1.0, 4_194_304
_LINGER_NONE = struct.pack("ii", 1, 0)
_REASONS = {200: b"OK", 400: b"Bad Request", 401: b"Unauthorized", 402: b"Payment Required", 403: b"Forbidden", 404: b"Not Found"}

Headers = Sequence[tuple[bytes, bytes]]


class Gone(Exception):
    """The client left."""


@dataclass(frozen=True, slots=True)
class Head:
    """The first part of a request."""

    method: str
    path: str
    headers: dict[bytes, bytes]
    """Names in small letters; of a name that comes twice the first one, but for what must not (h11 sees to that)."""


class Line:
    """One connection."""

    def __init__(self, sock: socket.socket, gate: Gate, on_late: Callable[[Holding], None], on_closed: "Callable[[Line], None]") -> None:
        sock.setblocking(False)
        if sock.family != socket.AF_UNIX:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            # What the system may hold for a client that does not take it; left alone it would grow to megabytes.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _HELD_BYTES)
        self._socket, self._gate, self._on_late, self._on_closed = sock, gate, on_late, on_closed
        self._loop = asyncio.get_running_loop()
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES_MAX)
        self._midway = False
        """Part of a piece has gone out: what comes next would not be read as what it is."""
        self._watched = False
        self.holding: Holding | None = None
        """For whose access bytes go over this line; what it carried for it may still lie with the system."""
        self.task: asyncio.Task[None] | None = None
        self._stopped = False
        self.cause = ""
        """Why it was cut."""
        self.idle_since = self._loop.time()
        """While no request is being read or answered; infinite otherwise."""
        self.closed = False
        self.sealed = False
        """Nothing more is written; it is about to be closed."""
        self.streaming = False
        """The head of a streamed answer has gone out."""
        self.delivering = False
        """Everything is said, and the client has yet to take what lies with the system."""
        self._bodiless = False
        """The request at hand wants the head of an answer alone (RFC 9110, 9.3.2)."""

    # Reading

    async def next_request(self, idle_seconds: float, head_seconds: float) -> Head | None:
        """The head of the next request; None where the client wants no more.

        Raises:
            BadRequest: what came is no request.
            Gone, TimeoutError: the client left, or took too long.
        """
        self.idle_since = self._loop.time()
        async with asyncio.timeout(idle_seconds) as limit:
            while True:
                event = self._event()
                if isinstance(event, h11.Request):
                    self.idle_since = float("inf")
                    self._bodiless = event.method == b"HEAD"
                    return _head(event)
                if isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                    return None
                data = await self._receive()
                self._parser.receive_data(data)
                if data and self.idle_since != float("inf"):
                    self.idle_since = float("inf")
                    limit.reschedule(self._loop.time() + head_seconds)

    async def read_body(self, bytes_max: int, seconds: float) -> bytes:
        """The body of the request.

        Raises:
            BadRequest: it is too long, or broken.
            Gone, TimeoutError: the client left, or took too long.
        """
        found: list[bytes] = []
        size = 0
        async with asyncio.timeout(seconds):
            while True:
                event = self._event()
                if isinstance(event, h11.Data):
                    found.append(bytes(event.data))
                    size += len(event.data)
                    if size > bytes_max:
                        raise BadRequest("request_too_large", f"a request has at most {bytes_max} bytes here", 413)
                elif isinstance(event, h11.EndOfMessage):
                    return found[0] if len(found) == 1 else b"".join(found)
                elif isinstance(event, h11.ConnectionClosed):
                    raise Gone
                else:
                    if self._parser.they_are_waiting_for_100_continue:
                        await self._write(self._rendered(h11.InformationalResponse(status_code=100, headers=[])))
                    data = await self._receive()
                    self._parser.receive_data(data)

    def _event(self) -> object:
        try:
            return self._parser.next_event()
        except h11.RemoteProtocolError as error:
            raise BadRequest("invalid_http", "this is no request of HTTP/1.1 that is understood here", error.error_status_hint) from None

    async def _receive(self) -> bytes:
        try:
            return await self._loop.sock_recv(self._socket, _READ_BYTES)
        except OSError:
            raise Gone from None

    def watch(self, left: Callable[[], None]) -> None:
        """Have it noticed when the client leaves while it is being answered."""
        def peek() -> None:
            try:
                there = self._socket.recv(1, socket.MSG_PEEK)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                there = b""
            self.unwatch()  # a further request that waits says nothing about leaving
            if not there:
                left()

        if not self._watched and not self.closed:
            self._loop.add_reader(self._socket.fileno(), peek)
            self._watched = True

    def unwatch(self) -> None:
        """No longer."""
        if self._watched and not self.closed:
            self._loop.remove_reader(self._socket.fileno())
        self._watched = False

    # Writing

    def push(self, data: memoryview) -> int:
        """Hand the socket what it takes now; gives how many bytes that were. The only place where bytes leave.

        Raises:
            Cut: none may be written for the access this line is bound to.
            Gone: the client left.
        """
        if self.sealed:
            raise Gone
        if self.holding is not None:
            self._gate.permit(self.holding)
        return self._hand_over(data)

    def _hand_over(self, data: memoryview) -> int:
        try:
            taken = self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            raise Gone from None
        if self.holding is not None and self._gate.is_over(self.holding):
            # Between the look and the system's return the process stood still for longer than the guard: say so, deliver nothing more.
            self._on_late(self.holding)
            self.abort()
            raise Gone
        return taken

    async def _write(self, data: bytes) -> None:
        unsent = memoryview(data)
        while unsent:
            taken = self.push(unsent)
            unsent = unsent[taken:]
            self._midway = bool(unsent) and (self._midway or taken > 0)
            if unsent:
                await self._writable()

    async def _writable(self) -> None:
        ready: asyncio.Future[None] = self._loop.create_future()
        handle = self._socket.fileno()

        def take() -> None:
            if not ready.done():
                ready.set_result(None)

        self._loop.add_writer(handle, take)
        try:
            await ready
        finally:
            if not self.closed:
                self._loop.remove_writer(handle)

    async def respond(self, status: int, body: bytes, more: Headers = ()) -> None:
        """Answer in one piece."""
        await self._write(self._whole(status, body, more))

    async def begin_stream(self, data: bytes) -> None:
        """Answer in events, the first of which are here."""
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]
        head = self._rendered(h11.Response(status_code=200, headers=headers, reason=b"OK"))
        await self._write(head + self._rendered(h11.Data(data=data)))
        self.streaming = True

    async def send(self, data: bytes) -> None:
        """Further events."""
        await self._write(self._rendered(h11.Data(data=data)))

    async def end_stream(self) -> None:
        """Say that the answer is whole."""
        self.streaming = False
        await self._write(self._rendered(h11.EndOfMessage()))

    def _whole(self, status: int, body: bytes, more: Headers) -> bytes:
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store"), *more]
        rendered = self._rendered(h11.Response(status_code=status, headers=headers, reason=_REASONS.get(status, b"")))
        sent = b"" if self._bodiless else self._rendered(h11.Data(data=body))
        return rendered + sent + self._rendered(h11.EndOfMessage())

    def _rendered(self, event: h11.Event) -> bytes:
        return self._parser.send(event) or b""

    @property
    def may_answer(self) -> bool:
        """Whether nothing was answered yet to the request at hand."""
        return self._parser.our_state is h11.SEND_RESPONSE or self._parser.our_state is h11.IDLE

    @property
    def answering(self) -> bool:
        """Whether an answer is owed or under way."""
        return self.streaming or self._parser.our_state is h11.SEND_RESPONSE or self._parser.our_state is h11.SEND_BODY

    @property
    def has_body_left(self) -> bool:
        """Whether the request was not read to its end."""
        return self._parser.their_state is h11.SEND_BODY

    def again(self) -> bool:
        """Make ready for a further request on this line; False where there can be none."""
        if self.closed or self.sealed or self._parser.our_state is not h11.DONE or self._parser.their_state is not h11.DONE:
            return False
        self._parser.start_next_cycle()
        return True

    # Binding and ending

    def stop(self) -> None:
        """Cancel what answers on this line, once: a second time could catch it while it lets go of the upstream, which would stay open."""
        if self.task is not None and not self._stopped:
            self._stopped = True
            self.task.cancel()

    def bind(self, holding: Holding) -> None:
        """From here on bytes go out for this access, and end with it."""
        self.holding = holding
        holding.lines.add(self)

    def unbind(self) -> bool:
        """Let go of the access of an earlier call; False where bytes of it still lie with the system."""
        if self.holding is not None:
            if self._queued():
                return False
            self.holding.lines.discard(self)
            self.holding = None
        return True

    def last_words(self, event: bytes, status: int, body: bytes, more: Headers = ()) -> None:
        """Say at once, or never, that the answer ends here; then nothing more is written.

        Args:
            event: where a stream has begun; without an end mark, so that no client takes what it has for a whole answer.
            body: where nothing was answered yet.
        """
        if self.closed or self.sealed:
            return
        if not self._midway and (self.holding is None or self._gate.permits_last_words(self.holding)):
            with contextlib.suppress(Gone, Cut, h11.LocalProtocolError):
                if self.streaming:
                    self._hand_over(memoryview(self._rendered(h11.Data(data=event))))
                elif self.may_answer:
                    self._hand_over(memoryview(self._whole(status, body, more)))
        if not self.closed:
            self.sealed = True
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)

    async def part(self) -> None:
        """Close in order, reading for a moment what the client is still sending: closed at once, it might not read our answer."""
        if not self.closed and not self.sealed and self._parser.their_state in (h11.SEND_BODY, h11.ERROR):
            self.sealed = True
            with contextlib.suppress(OSError, TimeoutError):
                self._socket.shutdown(socket.SHUT_WR)
                async with asyncio.timeout(_PARTING_SECONDS):
                    left = _PARTING_BYTES_MAX
                    while left > 0 and (data := await self._loop.sock_recv(self._socket, _READ_BYTES)):
                        left -= len(data)
        self.close()

    def abort(self) -> None:
        """Close at once; what the system still holds is thrown away."""
        if self.closed:
            return
        self.unwatch()
        handle = self._socket.fileno()
        self._loop.remove_reader(handle)
        self._loop.remove_writer(handle)
        self.closed = self.sealed = True
        if self._queued():
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
        self._socket.close()
        self._release()

    def close(self) -> None:
        """Write nothing more, and close when the client has what was written."""
        if self.closed:
            return
        self.unwatch()
        self.sealed = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        if self._queued():
            # Still bound, so that the end of the access ends this, too; and nobody is waited for without end.
            self.delivering = True
            self._deliver(self._loop.time() + _DELIVERY_SECONDS, _LOOKED_SECONDS)
        else:
            self._loop.remove_reader(self._socket.fileno())
            self.closed = True
            self._socket.close()
            self._release()

    def _deliver(self, until: float, pause: float) -> None:
        if self.closed or not self._queued() or self._loop.time() >= until:
            self.abort()
        else:
            self._loop.call_later(pause, self._deliver, until, pause * 2)

    def _release(self) -> None:
        self._on_closed(self)
        if self.holding is not None:
            self.holding.lines.discard(self)
            self.holding = None

    def _queued(self) -> int:
        """Bytes that the system holds and the client has not taken."""
        found = array.array("i", [0])
        with contextlib.suppress(OSError, ValueError):
            fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, found)
        return found[0]


def _head(event: h11.Request) -> Head:
    headers: dict[bytes, bytes] = {}
    for name, value in event.headers:
        headers.setdefault(name, value)
    return Head(event.method.decode("ascii", "replace"), event.target.decode("ascii", "replace").partition("?")[0], headers)
