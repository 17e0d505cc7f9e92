"""The gateway of an instance: put together from its settings, policy and database; and what people do to accesses."""

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from clearinghouse import __version__
from clearinghouse.app.gateway_settings import GatewaySettings, with_key
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict, NotPermitted, Unavailable
from clearinghouse.core.ids import AccessId
from clearinghouse.core.roles import Role, Scope
from clearinghouse.gateway import actions, store
from clearinghouse.gateway.accounts import Account
from clearinghouse.gateway.calls import Terms
from clearinghouse.gateway.journal import reading
from clearinghouse.gateway.journal import store as journal_store
from clearinghouse.gateway.journal.entries import Entry, Kind, render_details
from clearinghouse.gateway.journal.writer import Journal, settle_lost
from clearinghouse.gateway.providers.base import Provider, UpstreamSettings
from clearinghouse.gateway.providers.litellm import LiteLLMProvider
from clearinghouse.gateway.providers.openai import OpenAIProvider
from clearinghouse.gateway.records import Access, JournalHead, Meter
from clearinghouse.gateway.serving import Gateway
from clearinghouse.gateway.standing import Gate, Seen
from clearinghouse.gateway.timekeeping import GatewayClock
from clearinghouse.parties.rules import check_may
from clearinghouse.storage import Transaction
from clearinghouse.storage.sealing import create_key_file

_LISTED_MAX = 500
_BACKLOG = 1024
_OPENING_SECONDS = 30.0
log = logging.getLogger("clearinghouse.gateway")


@dataclass(frozen=True, slots=True)
class Opened:
    """A gateway that serves."""

    address: str
    """`http://HOST:PORT`; empty where it listens on no port."""
    socket: Path | None
    gateway_id: str


async def serve(instance: Instance, stop: asyncio.Event, opened: Callable[[Opened], None], *, anew: bool = False) -> None:
    """Serve until told to stop.

    Raises:
        Invalid: the key of an upstream cannot be read, or by others than its owner, too.
        Unavailable: no upstream is set up, an address cannot be listened on, or the journal cannot be opened.
        Conflict: another gateway writes the journal, or it is not the one that the ledger knows.
    """
    settings = instance.settings.gateway
    if not settings.upstreams:
        raise Unavailable("no model is set up to be asked: the settings need a table [gateway.upstreams.NAME]; see docs/reference/gateway.md")
    upstreams = [with_key(one) for one in settings.upstreams]
    journal = Journal(settings.journal, instance.policy.gateway.commit_calls_max)
    pool = ThreadPoolExecutor(1, "accesses")
    listeners: list[socket.socket] = []
    taken_up = False
    try:
        listeners = _listen(settings)
        clock, accounts = _take_up(instance, journal, anew=anew)
        taken_up = True
        gate = Gate(clock, instance.policy.gateway, accounts)
        terms = Terms(gate, instance.policy.gateway, journal, _digest_key(instance))
        gateway = Gateway(terms, {one.name: _provider(one, instance) for one in upstreams}, _DatabaseSource(instance, journal.gateway_id, pool))
        journal.start(asyncio.get_running_loop(), clock.keep)
        await gateway.start(*listeners)
        heads = asyncio.create_task(_note_heads(instance, journal, settings.head_seconds))
        opened(Opened(_address(listeners), settings.socket, journal.gateway_id))
        await stop.wait()
        heads.cancel()
        await gateway.stop(settings.drain_seconds)
        journal.note(Entry(clock.now_ns(), Kind.CLOSED))
    finally:
        for listener in listeners:
            listener.close()
        await asyncio.to_thread(journal.stop)
        pool.shutdown(wait=False, cancel_futures=True)
        if taken_up:  # one that does not go on from the ledger stays off it
            with contextlib.suppress(Exception):
                _note_head(instance, journal)
        if settings.socket is not None:
            settings.socket.unlink(missing_ok=True)


@contextmanager
def running_gateway(instance: Instance) -> Iterator[Opened]:
    """A gateway in a thread of this process, for as long as the block lasts: for a demonstration on one machine, and for tests."""
    loop = asyncio.new_event_loop()
    stop, found, failed = asyncio.Event(), [], []
    ready = threading.Event()

    def opened(one: Opened) -> None:
        found.append(one)
        ready.set()

    def run() -> None:
        try:
            loop.run_until_complete(serve(instance, stop, opened))
        except BaseException as error:
            failed.append(error)
        finally:
            loop.close()
            ready.set()

    thread = threading.Thread(target=run, name="gateway", daemon=True)
    thread.start()
    try:
        if not ready.wait(_OPENING_SECONDS) or not found:
            raise failed[0] if failed else Unavailable("the gateway did not open in time")
        yield found[0]
    finally:
        with contextlib.suppress(RuntimeError):  # it ended by itself
            loop.call_soon_threadsafe(stop.set)
        thread.join(_OPENING_SECONDS)


def _take_up(instance: Instance, journal: Journal, *, anew: bool) -> tuple[GatewayClock, dict[str, Account]]:
    with instance.database.write() as tx:
        actions.open_journal(
            tx, journal.gateway_id, lambda number: journal_store.hash_at(journal.connection, number), anew=anew, actor=instance.system,
            now=instance.clock.now(),
        )
    clock = GatewayClock(instance.policy.gateway.clock_jump_milliseconds_max, journal.kept_time)
    lost = settle_lost(journal, clock.now_ns())
    accounts = {
        access_id: Account(prompt + completion, calls)
        for access_id, calls, prompt, completion in journal_store.totals(journal.connection)
    }
    journal.commit([Entry(clock.now_ns(), Kind.OPENED, details=render_details(lost=lost, version=__version__, jump=clock.jump_id))])
    return clock, accounts


def _provider(settings: UpstreamSettings, instance: Instance) -> Provider:
    kind = {"openai": OpenAIProvider, "litellm": LiteLLMProvider}[settings.kind]
    policy = instance.policy.gateway
    return kind(
        settings, connect_seconds=policy.upstream_connect_seconds, silence_seconds=policy.upstream_silence_seconds,
        connections_max=policy.connections_max,
    )


def _listen(settings: GatewaySettings) -> list[socket.socket]:
    found = []
    try:
        if settings.host:
            family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
            listener = socket.socket(family, socket.SOCK_STREAM)
            found.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((settings.host, settings.port))
        if settings.socket is not None:
            settings.socket.parent.mkdir(parents=True, exist_ok=True)
            settings.socket.unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            found.append(listener)
            listener.bind(str(settings.socket))
    except OSError as error:
        for listener in found:
            listener.close()
        raise Unavailable(f"cannot listen on {settings.host}:{settings.port} or {settings.socket} ({error.strerror or error})") from error
    for listener in found:
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    return found


def _address(listeners: list[socket.socket]) -> str:
    for listener in listeners:
        if listener.family != socket.AF_UNIX:
            host, port = listener.getsockname()[:2]
            return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return ""


def _digest_key(instance: Instance) -> bytes:
    path = instance.settings.gateway_key_path
    if not path.exists():
        create_key_file(path)
    return bytes.fromhex(path.read_text().strip())


class _DatabaseSource:
    """Accesses as the instance's database has them, read in a thread of their own: a database that hangs hangs nothing else."""

    def __init__(self, instance: Instance, gateway_id: str, pool: ThreadPoolExecutor) -> None:
        self._instance, self._gateway_id, self._pool = instance, gateway_id, pool

    async def read(self, since: datetime) -> Seen:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._look, since)

    def _look(self, since: datetime) -> Seen:
        with self._instance.database.read() as tx:
            return Seen(tuple(store.system_accesses(tx, since)), store.system_accepted(tx, self._gateway_id))


async def _note_heads(instance: Instance, journal: Journal, pause_seconds: float) -> None:
    while True:
        try:
            await asyncio.to_thread(_note_head, instance, journal)
        except Exception as error:
            # The database may be away; the chain loses nothing, and the next head stands for all before it.
            log.warning("the head of the journal could not be put on the ledger (%s); trying again", type(error).__name__)
        await asyncio.sleep(pause_seconds)


def _note_head(instance: Instance, journal: Journal) -> None:
    now = instance.clock.now()
    entries, head = journal.reached
    with instance.database.write() as tx:
        actions.note_journal_head(tx, JournalHead(journal.gateway_id, entries, head, now), actor=instance.system, now=now)


# What people do


def list_accesses(instance: Instance) -> list[Access]:
    """The accesses that the actor may read or was given, newest first; all of them for an administrator, who stops them in need."""
    now = instance.clock.now()
    if Role.ADMINISTRATOR in instance.actor.roles:
        with instance.database.read() as tx:
            return store.system_list(tx, _LISTED_MAX)
    with instance.read() as tx:
        return store.list_seen(tx, viewer=instance.actor.id, now=now, limit=_LISTED_MAX)


def suspend_access(instance: Instance, access_id: str, cause: str) -> Access:
    """Let an access rest.

    Raises:
        NotFound: there is none that the actor may see.
        NotPermitted: the actor takes no part in reviews and is no administrator.
        Conflict, Invalid: as for `actions.suspend_access`.
    """
    return _change(instance, access_id, lambda tx, access: actions.suspend_access(tx, access, cause, actor=instance.actor.id, now=instance.clock.now()))


def restore_access(instance: Instance, access_id: str) -> Access:
    """Let a suspended access stand again.

    Raises:
        NotFound, NotPermitted: as for `suspend_access`; or another organisation suspended it.
        Conflict: it is not suspended.
    """
    return _change(instance, access_id, lambda tx, access: actions.restore_access(tx, access, actor=instance.actor.id, now=instance.clock.now()))


def end_access(instance: Instance, access_id: str, cause: str) -> Access:
    """End an access for good.

    Raises:
        NotFound, NotPermitted, Conflict, Invalid: as for `suspend_access`.
    """
    return _change(instance, access_id, lambda tx, access: actions.end_access(tx, access, cause, actor=instance.actor.id, now=instance.clock.now()))


def _change(instance: Instance, access_id: str, deed: Callable[[Transaction, Access], None]) -> Access:
    with instance.database.write() as tx:
        deed(tx, _found(tx, instance, access_id))
        changed = store.system_find(tx, access_id)
    assert changed is not None, "it was just changed"
    return changed


def _found(tx: Transaction, instance: Instance, access_id: str) -> Access:
    now = instance.clock.now()
    if Role.ADMINISTRATOR in instance.actor.roles:
        # Who keeps the machine can stop what goes over it without reading what it is for.
        found = store.system_find(tx, access_id)
        if found is None:
            raise actions.nothing_found(access_id)
        return found
    access = actions.find(tx, access_id, viewer=instance.actor.id, now=now)
    check_may(instance.actor, Scope.REVIEWS_ACT)
    return access


def meter_of(instance: Instance, access_id: str) -> tuple[Access, Meter]:
    """What an access used, for who may read its review, whom it was given to, and administrators.

    Raises:
        NotFound: there is none that the actor may see.
        Unavailable: the journal cannot be read from here.
    """
    if Role.ADMINISTRATOR in instance.actor.roles:
        with instance.database.read() as tx:
            access = _found(tx, instance, access_id)
    else:
        with instance.read() as tx:
            access = actions.find(tx, access_id, viewer=instance.actor.id, now=instance.clock.now())
    return access, reading.meter_of(instance.settings.gateway.journal, AccessId(access.id))


def verify_journal(instance: Instance) -> tuple[reading.JournalState, int]:
    """Walk the journal's chain against the heads on the ledger; gives how far it reaches, and how many heads there were.

    Raises:
        Invalid: something is missing or altered.
        Unavailable: the journal cannot be read from here.
    """
    path = instance.settings.gateway.journal
    gateway_id = reading.state_of(path).gateway_id
    with instance.database.read() as tx:
        noted = store.list_heads(tx, gateway_id)
    return reading.verify(path, noted), len(noted)


def read_clock(instance: Instance) -> reading.JournalState:
    """What the gateway last took for the time, and whether it waits for somebody's word.

    Raises:
        Unavailable: the journal cannot be read from here.
    """
    return reading.state_of(instance.settings.gateway.journal)


def accept_clock(instance: Instance) -> reading.JournalState:
    """Vouch for this machine's wall clock after a jump.

    Raises:
        NotPermitted: the actor is no administrator.
        Conflict: the gateway waits for nobody's word, or somebody gave it.
    """
    if Role.ADMINISTRATOR not in instance.actor.roles:
        raise NotPermitted("only an administrator vouches for the clock of the gateway")
    state = read_clock(instance)
    if state.time is None or not state.time.jump_id:
        raise Conflict("the gateway's clock has not jumped; nobody has to vouch for it")
    with instance.database.write() as tx:
        actions.accept_clock(tx, state.gateway_id, state.time.jump_id, actor=instance.actor.id, now=instance.clock.now())
    return state


def with_settings(instance: Instance, settings: GatewaySettings) -> Instance:
    """The same instance with other settings of the gateway."""
    return replace(instance, settings=replace(instance.settings, gateway=settings))

