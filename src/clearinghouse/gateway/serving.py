"""The gateway: takes connections, reads which accesses stand, answers, and ends what has to end.

No ASGI server stands between: each of them hands bytes to a transport that sends them when it can, which may be after the end (ADR 0038).
"""

import asyncio
import contextlib
import logging
import socket
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

from clearinghouse.core.errors import Invalid
from clearinghouse.gateway import rules
from clearinghouse.gateway.answers import error_body
from clearinghouse.gateway.calls import Call, Cut, Refused, Terms, refusal_answer
from clearinghouse.gateway.journal.entries import Entry, Kind, render_details
from clearinghouse.gateway.lines import Gone, Head, Line
from clearinghouse.gateway.providers.base import Provider
from clearinghouse.gateway.requests import BadRequest, parse_call
from clearinghouse.gateway.rules import Refusal
from clearinghouse.gateway.standing import AccessSource, Holding
from clearinghouse.gateway.timekeeping import instant

CHAT, MODELS, ALIVE = "/v1/chat/completions", "/v1/models", "/alive"
_IDLE_SECONDS = 300.0  # a client between two questions; a full house lets the longest idle one go sooner
_TICK_SECONDS = 0.025
_NOTED_SECONDS = 1.0
_KNOWN_DAYS = 1  # so long after its end an access is still answered by why it is refused
_SMALL_BODY = 1_048_576
_ABSENT = "0" * 64
_NOWHERE = BadRequest("not_found", f"there is nothing here; ask {CHAT} or {MODELS}", 404)
log = logging.getLogger("clearinghouse.gateway")


class Gateway:
    """One gateway, on one loop."""

    def __init__(self, terms: Terms, providers: Mapping[str, Provider], source: AccessSource) -> None:
        self._terms, self._gate, self._policy = terms, terms.gate, terms.policy
        self._providers, self._source = providers, source
        self._lines: set[Line] = set()
        self._refusals: Counter[tuple[str, str]] = Counter()
        self._read = asyncio.Event()
        self._jump = ""
        self._tasks: list[asyncio.Task[None]] = []
        self._listeners: list[socket.socket] = []

    async def start(self, *listeners: socket.socket) -> None:
        """Serve these sockets, which listen already; returns when the first reading of the accesses is in."""
        self._listeners = list(listeners)
        self._tasks = [
            asyncio.create_task(self._poll()), asyncio.create_task(self._tick_on()), asyncio.create_task(self._note_on()),
            *(asyncio.create_task(self._accept(listener)) for listener in listeners),
        ]
        await self._next_reading()

    async def stop(self, drain_seconds: float = 0) -> None:
        """Admit nothing more, let open calls end for a while, then cut them."""
        self._gate.ending = True
        for listener in self._listeners:
            self._loop_forget(listener)
        deadline = asyncio.get_running_loop().time() + drain_seconds
        while any(holding.account.calls_open for holding in self._gate.holdings()) and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(_TICK_SECONDS)
        tasks = [line.task for line in self._lines if line.task is not None] + self._tasks
        for line in list(self._lines):
            self.cut(line, Refusal.ENDING)
            line.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(self._gate.guard_ns / 1e9)
        for line in list(self._lines):
            line.abort()
        for provider in self._providers.values():
            await provider.close()
        self._note_refusals()

    @staticmethod
    def _loop_forget(listener: socket.socket) -> None:
        with contextlib.suppress(ValueError, OSError):
            asyncio.get_running_loop().remove_reader(listener.fileno())
        listener.close()

    # Connections

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, _ = await loop.sock_accept(listener)
            except OSError as error:
                if self._gate.ending:
                    return
                log.warning("a connection could not be taken: %s", error)
                await asyncio.sleep(0.1)
                continue
            self.take(sock)

    def take(self, sock: socket.socket) -> Line | None:
        """Serve a connection; None where the house is full."""
        if len(self._lines) >= self._policy.connections_max:
            idle = min(self._lines, key=lambda line: line.idle_since)
            if idle.idle_since == float("inf"):
                sock.close()
                return None
            idle.abort()
            idle.stop()
        line = Line(sock, self._gate, self._note_late, self._lines.discard)
        self._lines.add(line)
        line.task = asyncio.create_task(self._serve(line))
        return line

    async def _serve(self, line: Line) -> None:
        try:
            while True:
                head = await line.next_request(_IDLE_SECONDS, self._policy.header_seconds)
                if head is None:
                    return
                await self._answer(line, head)
                line.unwatch()
                if not line.again():
                    return
        except BadRequest as bad:
            with contextlib.suppress(Gone, Cut, OSError):
                await line.respond(bad.status, error_body(bad.code, bad.words, "invalid_request_error"))
        except (Gone, TimeoutError, OSError):
            pass
        except Cut as cut:
            self.cut(line, cut.refusal, itself=True)
        except asyncio.CancelledError:
            if not line.sealed and not self._gate.ending:
                line.abort()
        except Exception as error:
            # A mistake of ours on one line is not to take the others with it. A traceback could quote what was asked.
            log.error("a connection ended by a mistake of ours: %s", type(error).__name__)  # noqa: TRY400 - as said
            line.abort()
        finally:
            if not line.sealed:
                try:
                    await line.part()
                except asyncio.CancelledError:
                    line.abort()

    async def _answer(self, line: Line, head: Head) -> None:
        if not line.unbind():
            # The client asks again without having taken the last answer: what of it lies with the system could not be called back.
            raise Gone
        try:
            if head.path == ALIVE and head.method == "GET":
                await self._say_alive(line)
            elif head.path == MODELS and head.method == "GET":
                await self._list_models(line, await self._admit(line, head))
            elif head.path == CHAT and head.method == "POST":
                await self._complete(line, head)
            else:
                raise _NOWHERE
        except Refused as refused:
            self._refusals[refused.access_id, refused.refusal] += 1
            if line.may_answer:
                line.unbind()
                status, body, _ = refusal_answer(refused.refusal)
                await self._read_small(line, head)
                await line.respond(status, body)
        except BadRequest as bad:
            if not line.may_answer:
                raise
            await self._read_small(line, head)
            await line.respond(bad.status, error_body(bad.code, bad.words, "invalid_request_error"))

    async def _read_small(self, line: Line, head: Head) -> None:
        """Read what is left of a request that is refused, so that the connection can be used again; not where it is much."""
        length = head.headers.get(b"content-length", b"")
        if line.has_body_left and length.isdigit() and int(length) <= _SMALL_BODY:
            with contextlib.suppress(BadRequest):
                await line.read_body(_SMALL_BODY, self._policy.header_seconds)

    async def _say_alive(self, line: Line) -> None:
        closed = self._gate.closed()
        await line.respond(200 if closed is None else 503, b'{"state":"%s"}' % (closed or "open").encode())

    async def _list_models(self, line: Line, holding: Holding) -> None:
        name = holding.access.upstream
        body = b'{"object":"list","data":[{"id":"%s","object":"model","created":0,"owned_by":"gateway"}]}' % name.encode()
        await line.respond(200, body)

    async def _admit(self, line: Line, head: Head) -> Holding:
        scheme, _, untrusted_key = head.headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        access_id, secret = rules.read_key(untrusted_key.strip()) if scheme.lower() == "bearer" else ("", "")
        holding = self._gate.find(access_id)
        if holding is None or not rules.opens(secret, holding.secret_hash):
            rules.opens(secret, _ABSENT)
            # Granted a moment ago, perhaps: the next reading says so. Whoever guesses waits for it, too.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._next_reading(), self._policy.stale_milliseconds_max / 1000)
            holding = self._gate.find(access_id)
            if holding is None or not rules.opens(secret, holding.secret_hash):
                raise Refused(self._gate.closed() or Refusal.UNKNOWN_KEY)
        if (refusal := self._gate.refusal(holding)) is not None:
            raise Refused(refusal, access_id)
        return holding

    async def _complete(self, line: Line, head: Head) -> None:
        holding = await self._admit(line, head)
        access, policy = holding.access, self._policy
        try:
            sample = rules.read_sample(head.headers.get(b"x-clearinghouse-sample", b"").decode("latin-1"))
        except Invalid as error:
            raise BadRequest("invalid_field", str(error)) from None
        body = await line.read_body(policy.request_bytes_max, policy.header_seconds)
        provider = self._providers.get(access.upstream)
        if provider is None:
            raise Refused(Refusal.UPSTREAM, access.id)
        if provider.settings.purposes and access.purpose not in provider.settings.purposes:
            raise Refused(Refusal.PURPOSE, access.id)
        asked = parse_call(body, access.upstream, policy.completion_tokens_max)
        del body
        line.watch(line.stop)
        await Call(self._terms, line, holding, provider, asked, sample).run()

    # Ending

    def cut(self, line: Line, refusal: Refusal, *, itself: bool = False) -> None:
        """End what a line carries: say so where that is still allowed, write nothing more, and throw away what was not taken in time.

        Args:
            itself: the line's own task calls, and ends by itself.
        """
        if line.delivering:
            line.abort()
        if line.closed or line.sealed:
            return
        line.cause = line.cause or refusal
        status, body, event = refusal_answer(refusal)
        if line.holding is None or line.answering:
            line.last_words(event, status, body)
            asyncio.get_running_loop().call_later(self._gate.guard_ns / 1e9, line.abort)
        else:
            line.abort()
        if not itself:
            line.stop()

    def tick(self) -> None:
        """Look at every access that bytes go out for, and end what has to end now."""
        now, closed = self._gate.clock.now_ns(), self._gate.closed()
        for holding in list(self._gate.holdings()):
            if not holding.lines:
                continue
            refusal = closed or self._gate.refusal_of_open(holding)
            # Told a guard's length before the last moment, closed at the last moment.
            due = Refusal.WINDOW_CLOSED if now >= holding.last_ns - self._gate.guard_ns else None
            for line in list(holding.lines):
                if now >= holding.last_ns:
                    line.cause = line.cause or Refusal.WINDOW_CLOSED
                    line.abort()
                    line.stop()
                elif refusal or due:
                    self.cut(line, refusal or Refusal.WINDOW_CLOSED)

    async def _tick_on(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            self.tick()

    # Reading which accesses stand

    async def _next_reading(self) -> None:
        event = self._read
        await event.wait()

    async def _poll(self) -> None:
        told = False
        while True:
            began = self._gate.clock.boot_ns()
            try:
                seen = await self._source.read(instant(self._gate.clock.now_ns()) - timedelta(days=_KNOWN_DAYS))
            except Exception as error:
                # Whatever it was: it is tried again, and after a while the gateway closes by itself.
                if not told:
                    log.warning("which accesses stand could not be read (%s); trying again", type(error).__name__)
                told = True
            else:
                told = False
                self._gate.update(seen, began)
                self._mind_clock(seen.accepted)
                self.tick()
            self._read.set()
            self._read = asyncio.Event()
            await asyncio.sleep(self._policy.poll_milliseconds / 1000)

    def _mind_clock(self, accepted: frozenset[str]) -> None:
        clock = self._gate.clock
        clock.now_ns()
        if clock.jump_id and clock.jump_id in accepted:
            jump, differed = clock.jump_id, clock.differs_ns // 1_000_000
            clock.accept()
            self._jump = ""
            self._terms.journal.note(Entry(clock.now_ns(), Kind.CLOCK_ACCEPTED, details=render_details(jump=jump, milliseconds=differed)))
        elif clock.jump_id and clock.jump_id != self._jump:
            self._jump = clock.jump_id
            differs = clock.differs_ns // 1_000_000
            log.error("the wall clock differs by %s ms: closed until somebody vouches for it (`clearinghouse gateway clock`)", differs)
            self._terms.journal.note(Entry(clock.now_ns(), Kind.CLOCK_JUMPED, details=render_details(jump=clock.jump_id, milliseconds=differs)))

    # Noting

    async def _note_on(self) -> None:
        while True:
            await asyncio.sleep(_NOTED_SECONDS)
            self._note_refusals()

    def _note_refusals(self) -> None:
        counted, self._refusals = self._refusals, Counter()
        for (access_id, refusal), calls in sorted(counted.items()):
            self._terms.journal.note(Entry(self._gate.clock.now_ns(), Kind.REFUSED, access_id, calls=calls, outcome=refusal))

    def _note_late(self, holding: Holding) -> None:
        now = self._gate.clock.now_ns()
        log.error("the system came back from a write after the end of an access; the connection was closed")
        late = (now - holding.ends_ns) // 1_000_000
        self._terms.journal.note(Entry(now, Kind.LATE, holding.access.id, details=render_details(milliseconds=late)))
