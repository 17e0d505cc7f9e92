"""No byte at or after the end (decision 17), for any schedule of requests, streams, slow clients, clock steps, stalls, restarts and suspensions.

The gateway is the real one, on a loop with a time of its own, with sockets that write down at which instant each byte was handed over.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.core.ids import AccessId, PartyId, ReviewCaseId, new_id
from clearinghouse.gateway import lines
from clearinghouse.gateway.accounts import Account
from clearinghouse.gateway.calls import Terms
from clearinghouse.gateway.journal.entries import Entry, Kind
from clearinghouse.gateway.journal.writer import JournalUnavailable
from clearinghouse.gateway.providers.base import UpstreamSettings
from clearinghouse.gateway.records import Access
from clearinghouse.gateway.requests import Asked
from clearinghouse.gateway.rules import hash_secret, render_key
from clearinghouse.gateway.serving import Gateway
from clearinghouse.gateway.standing import Gate, Seen
from clearinghouse.gateway.timekeeping import GatewayClock, KeptTime, instant, nanoseconds
from virtual_time import VirtualLoop

POLICY = replace(parse_policy(1, default_policy_document()).gateway, completion_tokens_max=500)
START = 1_700_000_000 * 10**9
WINDOW_SECONDS = 3.0
SECRET = "s" * 43


@dataclass
class World:
    """One machine: its true time, its wall clock, its access, and what went over its sockets."""

    loop: VirtualLoop
    step_ns: int = 0
    """How far the wall clock was set."""
    access: Access = field(init=False)
    sent: list[tuple[int, bytes]] = field(default_factory=list)
    """True instant and bytes of every write that carried something of a model, in order."""
    forwarded: list[bytes] = field(default_factory=list)
    recorded: set[str] = field(default_factory=set)
    entries: list[Entry] = field(default_factory=list)
    stall_within: float = 0.0
    """The process stands still for so long within the next write, before the system takes the bytes."""
    late: int = 0
    readable: bool = True
    writable: bool = True

    def __post_init__(self) -> None:
        begins = instant(START)
        self.access = Access(
            AccessId(new_id("acc")), ReviewCaseId(new_id("rvw")), PartyId(new_id("pty")), "practice", None, "main", begins,
            begins + timedelta(seconds=WINDOW_SECONDS), 20_000, 1_000, begins,
        )

    @property
    def true_ns(self) -> int:
        return START + self.loop.elapsed_ns

    def clock(self, kept: KeptTime | None) -> GatewayClock:
        return GatewayClock(
            POLICY.clock_jump_milliseconds_max, kept, wall_ns=lambda: self.true_ns + self.step_ns, boot_ns=lambda: self.loop.elapsed_ns + 10**12,
            boot_id="boot",
        )

    async def read(self, since: datetime) -> Seen:
        if not self.readable:
            raise OSError("the database is away")
        return Seen(((self.access, hash_secret(SECRET)),))

    async def append(self, entry: Entry) -> None:
        await asyncio.sleep(0.002)
        if not self.writable:
            raise JournalUnavailable
        self.note(entry)
        self.recorded.add(entry.call_id)

    def note(self, entry: Entry) -> None:
        self.entries.append(entry)


class RecordingSocket:
    """A socket that writes down what is handed to it, and when."""

    def __init__(self, real: socket.socket, world: World) -> None:
        self._real, self._world = real, world

    def send(self, data: memoryview) -> int:
        world = self._world
        if world.stall_within:
            world.loop.stall(world.stall_within)
            world.stall_within = 0.0
        taken = self._real.send(data)
        part = bytes(data[:taken])
        if b'"gateway_refusal"' not in part or b"data: " in part:
            world.sent.append((world.true_ns, part))
        return taken

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@dataclass
class Words:
    """A model that says words for six seconds, with so long between them."""

    world: World
    pauses: list[float]
    seconds: float = 6.0
    settings: UpstreamSettings = field(default_factory=lambda: UpstreamSettings("main", "openai", "http://x/v1", "m"))

    def render(self, asked: Asked, completion_tokens: int) -> bytes:
        return json.dumps(asked.document).encode()

    @asynccontextmanager
    async def ask(self, body: bytes) -> AsyncIterator["Words"]:
        assert self.world.entries[-1].kind is not Kind.SETTLED or self.world.recorded
        self.world.forwarded.append(body)
        yield self

    status, retry_after, plain = 200, "", True

    async def chunks(self) -> AsyncIterator[bytes]:
        spoken, turns = 0.0, cycle(self.pauses)
        while spoken < self.seconds:
            pause = max(next(turns), 0.02)
            spoken += pause
            await asyncio.sleep(pause)
            yield b'data: {"choices":[{"index":0,"delta":{"content":"' + b"w" * 20_000 + b'"},"finish_reason":null}]}\n\n'
        yield b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":5}}\n\n'
        yield b"data: [DONE]\n\n"

    async def close(self) -> None:
        return


class Machine:
    """The gateway on a world, started again at will."""

    def __init__(self, world: World, pauses: list[float], seconds: float) -> None:
        self.world, self.pauses, self.seconds = world, pauses, seconds
        self.gateway: Gateway | None = None
        self.clock: GatewayClock | None = None
        self.kept: KeptTime | None = None
        self.clients: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        world = self.world
        self.clock = world.clock(self.kept)
        used = sum(entry.prompt_tokens + entry.completion_tokens for entry in world.entries if entry.kind is Kind.SETTLED)
        gate = Gate(self.clock, POLICY, {world.access.id: Account(used)})
        self.gateway = Gateway(Terms(gate, POLICY, world, b"k"), {"main": Words(world, self.pauses, self.seconds)}, world)
        await self.gateway.start()

    async def stop(self) -> None:
        assert self.gateway is not None
        assert self.clock is not None
        await self.gateway.stop()
        self.kept = self.clock.keep()

    def ask(self, *, slow: bool, stream: bool = True) -> None:
        assert self.gateway is not None
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        theirs.setblocking(False)
        self.gateway.take(RecordingSocket(ours, self.world))  # type: ignore[arg-type]
        self.clients.append(asyncio.create_task(self._client(theirs, slow=slow, stream=stream)))

    async def _client(self, theirs: socket.socket, *, slow: bool, stream: bool) -> None:
        loop = asyncio.get_running_loop()
        body = json.dumps({"model": "main", "messages": [{"role": "user", "content": "x"}], "stream": stream, "max_tokens": 100}).encode()
        key = render_key(self.world.access.id, SECRET)
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with theirs, suppress(OSError):
            await loop.sock_sendall(theirs, head + body)
            while await loop.sock_recv(theirs, 500 if slow else 65_536):
                if slow:
                    await asyncio.sleep(0.05)


Step = tuple[str, float]
STEPS = st.lists(st.tuples(
    st.sampled_from(["ask", "ask_slowly", "wait", "wait", "wait", "stall", "stall_within", "set", "restart", "restart_set", "suspend", "restore", "shorten", "unreadable", "unwritable"]),
    st.floats(0.0, 1.5, allow_nan=False),
), min_size=1, max_size=14)


def play(steps: list[Step], pauses: list[float], seconds: float = 6.0) -> World:
    """A schedule to some time after the end of its access."""
    loop = VirtualLoop()
    world = World(loop)

    async def story() -> None:
        machine = Machine(world, pauses, seconds)
        await machine.start()
        for name, amount in steps:
            access = world.access
            if name in ("ask", "ask_slowly"):
                machine.ask(slow=name == "ask_slowly", stream=amount < 1.2)
                await asyncio.sleep(0.01)
            elif name == "wait":
                await asyncio.sleep(amount)
            elif name == "stall":
                loop.stall(amount)
                await asyncio.sleep(0)
            elif name == "stall_within":
                world.stall_within = amount
            elif name == "set":
                world.step_ns = int((amount - 0.75) * 4e9)
            elif name in ("restart", "restart_set"):
                await machine.stop()
                if name == "restart_set":
                    world.step_ns = int((amount - 0.75) * 4e9)
                await machine.start()
            elif name == "suspend":
                world.access = replace(access, suspended_at=instant(world.true_ns))
            elif name == "restore":
                world.access = replace(access, suspended_at=None)
            elif name == "shorten":
                world.access = replace(access, ends_at=min(access.ends_at, max(instant(START + 10**6), instant(world.true_ns + int(amount * 1e9)))))
            elif name == "unreadable":
                world.readable = not world.readable
            else:
                world.writable = not world.writable
        await asyncio.sleep(WINDOW_SECONDS + 2)
        assert machine.gateway is not None
        machine.ask(slow=False)
        await asyncio.sleep(2)
        await machine.gateway.stop()
        for client in machine.clients:
            client.cancel()
        await asyncio.gather(*machine.clients, return_exceptions=True)

    try:
        loop.run_until_complete(story())
    finally:
        loop.close()
    return world


@pytest.fixture(autouse=True)
def _short_send_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_HELD_BYTES", 4096)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@settings(max_examples=120)
@given(STEPS, st.lists(st.floats(0.0, 0.8, allow_nan=False), min_size=1, max_size=8))
@example([("ask", 0.0), ("wait", 1.5), ("wait", 1.5)], [0.4])
@example([("ask_slowly", 0.0), ("wait", 1.5), ("wait", 1.5)], [0.03])
@example([("ask", 0.0), ("wait", 1.5), ("set", 0.0), ("wait", 1.5)], [0.1])
@example([("ask", 0.0), ("wait", 1.4), ("restart", 0.0), ("ask", 0.0), ("wait", 1.5)], [0.2])
@example([("ask", 0.0), ("wait", 1.4), ("wait", 1.4), ("stall", 1.0)], [0.013, 0.021, 0.034])
@example([("ask", 0.0), ("wait", 1.5), ("set", 0.0), ("restart", 0.0), ("ask", 0.0), ("wait", 1.5), ("wait", 1.5)], [0.1])
@example([("ask", 0.0), ("wait", 1.5), ("wait", 0.6), ("set", 0.35), ("restart", 0.0), ("ask", 0.0), ("wait", 1.5), ("wait", 1.5)], [0.1])
@example([("wait", 1.5), ("wait", 1.0), ("restart_set", 0.2), ("ask", 0.0), ("wait", 1.5), ("wait", 1.5)], [0.1])
@example([("ask", 0.0), ("wait", 1.4), ("wait", 1.45), ("stall_within", 0.9)], [0.05])
def test_no_byte_of_a_model_at_or_after_the_end_whatever_happens(steps: list[Step], pauses: list[float]) -> None:
    world = play(steps, pauses)
    # The end may have been moved earlier while bytes were under way: what was handed over before the gateway could read so was in time.
    shortened = any(name == "shorten" for name, _ in steps)
    end = START + int(WINDOW_SECONDS * 1e9) if shortened else nanoseconds(world.access.ends_at)
    guard = POLICY.guard_milliseconds * 1_000_000
    late = [at for at, _ in world.sent if at >= end - guard]
    noted = [entry for entry in world.entries if entry.kind is Kind.LATE]
    if not any(name == "stall_within" for name, _ in steps):
        assert late == []
        assert noted == []
    else:
        # Where the process stood still between the look and the system: at most that one write, and where it passed the end it is noted.
        assert len(late) <= sum(name == "stall_within" for name, _ in steps)
        # Last words that say nothing of a model may have been late, too.
        assert sum(at >= end for at in late) <= len(noted) <= sum(name == "stall_within" for name, _ in steps) or shortened
    settled = [entry for entry in world.entries if entry.kind is Kind.SETTLED]
    assert sorted(entry.call_id for entry in settled) == sorted(world.recorded), "every call on record is settled, once"
    assert len(world.forwarded) <= len(world.recorded)
    assert sum(entry.prompt_tokens + entry.completion_tokens for entry in settled) <= world.access.tokens_max


def test_schedule_that_nothing_disturbs_hands_over_everything() -> None:
    """So that the property above is not kept by silence."""
    world = play([("ask", 0.0), ("wait", 1.0), ("wait", 1.0)], [0.1], 0.45)
    everything = b"".join(data for _, data in world.sent)
    assert everything.count(b"w") >= 5 * 20_000
    assert everything.endswith(b"0\r\n\r\n")
    assert b"[DONE]" in everything
    assert [entry.outcome for entry in world.entries if entry.kind is Kind.SETTLED] == ["complete"]


def test_stream_that_is_suspended_stops_within_a_second() -> None:
    world = play([("ask", 0.0), ("wait", 1.0), ("suspend", 0.0), ("wait", 1.5)], [0.05])
    suspended = START + 1_010_000_000
    assert [data for at, data in world.sent if at > suspended]
    assert [data for at, data in world.sent if at > suspended + 10**9] == []
