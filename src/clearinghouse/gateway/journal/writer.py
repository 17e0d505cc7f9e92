"""The writer of a journal: one thread, one commit for all that waits, and nothing forwarded that it did not keep."""

import asyncio
import contextlib
import fcntl
import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from clearinghouse.core.errors import Conflict, Unavailable
from clearinghouse.core.ids import new_id
from clearinghouse.gateway.journal import store
from clearinghouse.gateway.journal.entries import Entry, Kind, next_hash, render_details
from clearinghouse.gateway.timekeeping import KeptTime, advanced

_KEPT_SECONDS = 1.0  # how often a reading of the clock is kept
_HELD_SECONDS = 0.02  # how long an entry that nobody waits for may wait for one that somebody does
_OF_THE_CLOCK = (Kind.CLOCK_JUMPED, Kind.CLOCK_ACCEPTED)
_CLOSING_SECONDS = 10.0
log = logging.getLogger("clearinghouse.gateway")


class JournalUnavailable(Unavailable):
    """An entry could not be kept, so what it announces must not happen."""


class Journal:
    """A journal that this process writes, and no other while it does."""

    def __init__(self, path: Path, commit_max: int) -> None:
        """Take the file up; a fresh one gets an id of its own.

        Raises:
            Conflict: another gateway writes it.
            Unavailable: it cannot be opened, or is no journal.
        """
        self.path, self._commit_max = path, commit_max
        self._lock = _locked(path)
        self._connection = store.connect(path)
        self.gateway_id = store.gateway_of(self._connection)
        if not self.gateway_id:
            self.gateway_id = new_id("gwy")
            store.put_mark(self._connection, "gateway", self.gateway_id)
        self.reached = store.head(self._connection, self.gateway_id)
        """How many entries are on the disk, and the hash of the last one: in one word, for readers in other threads."""
        kept, last = store.kept_time(self._connection), store.last_at(self._connection)
        self.kept_time = advanced(kept, last) if kept is not None else KeptTime(last, 0, "") if last else None
        self.failing = ""
        """Why the last commit was refused; empty while commits succeed."""
        self._waiting: queue.SimpleQueue[tuple[Entry | None, asyncio.Future[None] | None]] = queue.SimpleQueue()
        self._owed: list[Entry] = []
        self._tried = (-1, "")
        """Where the chain would be after the commit that was tried last."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._keep: Callable[[], KeptTime] | None = None
        self._thread: threading.Thread | None = None
        self._over = False
        self._kept_at = 0.0

    @property
    def connection(self) -> sqlite3.Connection:
        """For what is read before the writer starts."""
        assert self._thread is None, "from then on the connection is the writer's"
        return self._connection

    @property
    def alive(self) -> bool:
        """Whether the writer runs."""
        return self._thread is not None and not self._over

    def start(self, loop: asyncio.AbstractEventLoop, keep: Callable[[], KeptTime]) -> None:
        """Let the writer run, answering to this loop.

        Args:
            keep: a reading of the clock, kept once a second for the next start.
        """
        self._loop, self._keep = loop, keep
        store.keep_time(self._connection, keep())
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    async def append(self, entry: Entry) -> None:
        """Return when an entry is on the disk.

        Raises:
            JournalUnavailable: it is not, and perhaps never will be.
        """
        if self._loop is None or not self.alive:
            raise JournalUnavailable("the journal's writer has stopped")
        kept: asyncio.Future[None] = self._loop.create_future()
        self._waiting.put((entry, kept))
        if self._over:
            self._refuse_all()  # the writer ended between the look and the word
        await kept

    def note(self, entry: Entry) -> None:
        """Have an entry kept as soon as that is possible; nobody waits for it."""
        self._waiting.put((entry, None))

    def stop(self) -> None:
        """Keep what waits, then let go of the file."""
        if self._thread is not None:
            self._waiting.put((None, None))
            self._thread.join(_CLOSING_SECONDS)
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        os.close(self._lock)

    def _run(self) -> None:
        try:
            while self._turn():
                pass
        except BaseException as error:
            # Whatever it was: without a writer nothing may be forwarded, and who waits must learn it.
            self.failing = f"{type(error).__name__}"
            log.exception("the journal's writer stopped")
        finally:
            self._over = True
            self._refuse_all()

    def _turn(self) -> bool:
        batch, going = self._gather()
        waiters = [kept for _, kept in batch if kept is not None]
        # What is owed may be much after an outage, and one statement takes only so many values.
        portions = [self._owed[start : start + self._commit_max] for start in range(0, len(self._owed), self._commit_max)]
        owed, done = len(portions), 0
        if batch:
            portions.append([entry for entry, _ in batch])
        try:
            for portion in portions:
                self._tried = (-1, "")
                self.commit(portion)
                done += 1
        except sqlite3.Error as error:
            self._say_failing(error)
            self._refuse(waiters)
            self._reread()
            if self.reached == self._tried:
                done += 1  # it happened all the same; told twice, it would be charged twice
            # What already happened must be told of once that is possible; what was to happen will not.
            self._owed = self._owed[done * self._commit_max :] + ([entry for entry, kept in batch if kept is None] if done <= owed else [])
            return going
        except BaseException:
            self._refuse(waiters)
            raise
        self.failing = ""
        self._owed = []
        if waiters:
            self._answer(waiters)
        if time.monotonic() - self._kept_at >= _KEPT_SECONDS or any(entry.kind in _OF_THE_CLOCK for portion in portions for entry in portion):
            self._keep_time()
        return going

    def _keep_time(self) -> None:
        assert self._keep is not None
        try:
            store.keep_time(self._connection, self._keep())
            self._kept_at = time.monotonic()
        except sqlite3.Error as error:
            # The entries before it stand; the reading is tried again with the next turn.
            self._kept_at = 0.0
            self._say_failing(error)

    def _say_failing(self, error: sqlite3.Error) -> None:
        if not self.failing:
            log.error("the journal could not be written: %s", error)
        self.failing = str(error)[:200]

    def _gather(self) -> tuple[list[tuple[Entry, asyncio.Future[None] | None]], bool]:
        found: list[tuple[Entry, asyncio.Future[None] | None]] = []
        patience, awaited = _KEPT_SECONDS / 2, False
        try:
            while True:
                entry, kept = self._waiting.get_nowait() if awaited else self._waiting.get(timeout=patience)
                if entry is None:
                    return found, False
                found.append((entry, kept))
                # What nobody waits for lets itself be kept with what the next call waits for: one commit a call instead of two.
                patience, awaited = _HELD_SECONDS, awaited or kept is not None
                if len(found) >= self._commit_max:
                    return found, True
        except queue.Empty:
            return found, True

    def commit(self, entries: list[Entry]) -> None:
        """Number, chain and keep entries at once: by the writer, or before it starts."""
        (number, head), rows = self.reached, []
        for entry in entries:
            number, values = number + 1, entry.values()
            head = next_hash(head, number, values)
            rows.append((number, *values, head))
        self._tried = number, head
        store.append(self._connection, rows)
        self.reached = number, head

    def _reread(self) -> None:
        # A commit that failed may have happened all the same: the chain goes on from what the file says.
        with contextlib.suppress(sqlite3.Error):
            self.reached = store.head(self._connection, self.gateway_id)

    def _answer(self, waiters: list[asyncio.Future[None]]) -> None:
        def settle() -> None:
            for kept in waiters:
                # Whoever asked may have gone: its entry stands, and the writer goes on.
                if not kept.done():
                    kept.set_result(None)

        self._tell(settle)

    def _refuse(self, waiters: list[asyncio.Future[None]]) -> None:
        def settle() -> None:
            for kept in waiters:
                if not kept.done():
                    kept.set_exception(JournalUnavailable("the journal could not be written"))

        if waiters:
            self._tell(settle)

    def _refuse_all(self) -> None:
        waiters = []
        with contextlib.suppress(queue.Empty):
            while True:
                _, kept = self._waiting.get_nowait()
                if kept is not None:
                    waiters.append(kept)
        self._refuse(waiters)

    def _tell(self, what: Callable[[], None]) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
            self._loop.call_soon_threadsafe(what)


def settle_lost(journal: Journal, at_ns: int) -> int:
    """Charge what was open when the last gateway stopped with all it had reserved; gives how many calls. Before the writer starts."""
    lost = [
        Entry(
            at_ns, Kind.LOST, access_id, call_id, sample, upstream, prompt, completion, outcome="lost", details=render_details(truncated=True)
        )
        for access_id, call_id, sample, upstream, prompt, completion in store.unsettled(journal.connection)
    ]
    for start in range(0, len(lost), 100):
        journal.commit(lost[start : start + 100])
    return len(lost)


def _locked(path: Path) -> int:
    lock = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(f"cannot open {lock} ({error.strerror}); the gateway forwards nothing without its journal") from error
    try:
        fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(found)
        raise Conflict(f"another gateway writes the journal {path}; only one may, or a budget would be spent twice") from None
    return found
