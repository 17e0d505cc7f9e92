"""Intake of documents that arrive one by one, many at once: read side by side, committed together.

A commit waits for the disk (decision 10), so documents that arrive while one commit is under way share
the next one. Each stands in a savepoint of its own: one that fails takes no other along.
"""

import hashlib
import queue
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from clearinghouse.core.clock import Clock
from clearinghouse.core.errors import ClearinghouseError, Invalid, Unavailable
from clearinghouse.core.ids import PartyId
from clearinghouse.core.policy import IntakeLimits, RatePolicy
from clearinghouse.core.untrusted import clean_line
from clearinghouse.disclosure.intake import actions, rules, store
from clearinghouse.disclosure.intake.boundary import ParserProcess
from clearinghouse.disclosure.intake.parser import ReadItem
from clearinghouse.disclosure.intake.rates import TooManySubmissions, read_allowance
from clearinghouse.disclosure.intake.records import Cover, Note, Receipt
from clearinghouse.storage import Database, Envelope, Transaction

# How work is shared; none of it changes an outcome.
_TOGETHER_MAX = 64
_WAITING_MAX = 2_000
_PART_BYTES = 4 << 20
_NAME_CHARACTERS_MAX = 1000
_READER_SECONDS_MAX = 60.0
_PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Arrived:
    """One document as it came over a wire."""

    data: bytes
    name: str
    """Display text: the name its sender gave."""
    reporter: PartyId
    actor: PartyId
    cover: Cover = field(default_factory=Cover)
    source: str = ""
    """Source to read it with; empty to find out by sniffing."""
    idempotency_key: str = ""
    """The sender's key; empty to use the digest of the bytes."""
    single: bool = False
    """What came with it is about one report: a document of none or of several is refused before anything is kept."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A document read by a parser and not kept yet."""

    arrived: Arrived
    digest: str
    items: tuple[ReadItem, ...]
    notes: tuple[Note, ...]
    source: str
    version: str
    kept: "Future[Receipt]"

    @property
    def key(self) -> str:
        """The sender's idempotency key, or the digest where it sent none."""
        return self.arrived.idempotency_key or self.digest


class OnlineIntake:
    """Takes documents from many threads; `take` returns once its document is safely kept."""

    def __init__(
        self, database: Database, envelope: Envelope, limits: IntakeLimits, clock: Clock, *, desk: PartyId | None,
        openpgp_keys: tuple[bytes, ...] = (), readers: int = 1, rates: RatePolicy | None = None,
    ) -> None:
        """Start the readers and the committer.

        Args:
            desk: the team that may read what comes in, beside its sender.
            readers: parser processes that work side by side.
            rates: how much one sender may hand in; without it, as much as it likes.
        """
        self._database, self._envelope, self._limits, self._clock, self._desk = database, envelope, limits, clock, desk
        self._rates = rates
        self._readers: queue.LifoQueue[ParserProcess] = queue.LifoQueue()
        self._all = [ParserProcess(limits, openpgp_keys) for _ in range(readers)]
        for reader in self._all:
            self._readers.put(reader)
        self._waiting: queue.Queue[_Read | None] = queue.Queue(_WAITING_MAX)
        self._closed = False
        self._committer = threading.Thread(target=self._commit_forever, name="intake-committer", daemon=True)
        self._committer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Commit what waits, then end the readers."""
        if not self._closed:
            self._closed = True
            self._waiting.put(None)
            self._committer.join()
            for reader in self._all:
                reader.close()

    def take(self, arrived: Arrived) -> Receipt:
        """Read a document and keep it; gives its receipt.

        Raises:
            Invalid: it is larger than one document may be.
            Conflict: its idempotency key was used before for other bytes.
            TooManySubmissions: its sender has to wait.
            Unavailable: too much waits already, or the database cannot be written.
        """
        if len(arrived.data) > self._limits.document_bytes_max:
            raise Invalid(
                f"{len(arrived.data)} bytes; one document may have {self._limits.document_bytes_max}: "
                "send one JSON object a line (NDJSON) to the bulk address, or several documents"
            )
        read = self._read(arrived)
        if arrived.single:
            _check_single(read)
        try:
            self._waiting.put(read, timeout=1)
        except queue.Full:
            raise Unavailable("more documents wait than can be kept now; nothing of this one was kept, send it again later") from None
        return read.kept.result()

    def _read(self, arrived: Arrived) -> _Read:
        items: list[ReadItem] = []
        notes: list[Note] = []
        source = version = ""
        with self._reader() as reader:
            for answer in reader.read(arrived.name, arrived.data, arrived.source, arrived.cover):
                items += answer.items
                notes += answer.notes
                source, version = answer.source or source, answer.version or version
        digest = "sha256:" + hashlib.sha256(arrived.data).hexdigest()
        return _Read(arrived, digest, tuple(items), tuple(dict.fromkeys(notes)), source, version, Future())

    @contextmanager
    def _reader(self) -> Iterator[ParserProcess]:
        try:
            reader = self._readers.get(timeout=_READER_SECONDS_MAX)
        except queue.Empty:
            raise Unavailable("all readers are busy; nothing of this document was kept, send it again later") from None
        try:
            yield reader
        finally:
            self._readers.put(reader)

    def _commit_forever(self) -> None:
        while (first := self._waiting.get()) is not None:
            together = [first]
            ended = False
            while len(together) < _TOGETHER_MAX and not ended:
                try:
                    following = self._waiting.get_nowait()
                except queue.Empty:
                    break
                ended = following is None
                if following is not None:
                    together.append(following)
            self._commit(together)
            if ended:
                return
            # Others must get the one write lock of SQLite between two commits, and the next commit is the fuller for it.
            time.sleep(_PAUSE_SECONDS)

    def _commit(self, together: list[_Read]) -> None:
        done: list[tuple[_Read, Receipt]] = []
        try:
            with self._database.write() as tx:
                fresh, rest = self._part(tx, together)
                fresh = self._allowed(tx, fresh)
                try:
                    with tx.attempt():
                        done += zip(fresh, self._keep_whole(tx, fresh), strict=True)
                except Exception:
                    # Another process was quicker with one of the keys, for one: each for itself tells which.
                    rest, done = [*fresh, *rest], []
                for read in rest:
                    try:
                        with tx.attempt():
                            done.append((read, self._keep(tx, read)))
                    except ClearinghouseError as error:
                        read.kept.set_exception(error)
        except Exception as error:
            # Nothing of this commit was kept, so each of its senders must know.
            for read in together:
                if not read.kept.done():
                    read.kept.set_exception(error)
        else:
            for read, receipt in done:
                read.kept.set_result(receipt)

    def _part(self, tx: Transaction, together: list[_Read]) -> tuple[list[_Read], list[_Read]]:
        """Documents whose key is new, and those that something came before under the same key."""
        seen = store.used_keys(tx, [rules.bound_key(read.key) for read in together])
        fresh: list[_Read] = []
        rest: list[_Read] = []
        for read in together:
            key = (str(read.arrived.reporter), rules.bound_key(read.key))
            (rest if key in seen else fresh).append(read)
            seen.add(key)
        return fresh, rest

    def _allowed(self, tx: Transaction, fresh: list[_Read]) -> list[_Read]:
        """Of documents whose key is new, those that their senders may hand in; the others know at once."""
        if self._rates is None or not fresh:
            return fresh
        allowance = read_allowance(tx, {read.arrived.reporter for read in fresh}, self._rates, self._clock.now())
        allowed = []
        for read in fresh:
            try:
                allowance.check(read.arrived.reporter, len(read.arrived.data))
            except TooManySubmissions as error:
                read.kept.set_exception(error)
            else:
                allowed.append(read)
        return allowed

    def _keep_whole(self, tx: Transaction, fresh: list[_Read]) -> list[Receipt]:
        if not fresh:
            return []
        documents = [
            actions.Whole(
                clean_line(read.arrived.name, _NAME_CHARACTERS_MAX), read.digest, read.arrived.data, read.arrived.cover, read.key,
                read.arrived.reporter, read.arrived.actor, read.items, read.notes, read.source, read.version,
            )
            for read in fresh
        ]
        return actions.take_whole(
            tx, documents, desk=self._desk, envelope=self._envelope, part_bytes=_PART_BYTES, now=self._clock.now()
        )

    def _keep(self, tx: Transaction, read: _Read) -> Receipt:
        arrived, now = read.arrived, self._clock.now()
        submission = actions.begin_submission(
            tx, name=clean_line(arrived.name, _NAME_CHARACTERS_MAX), digest=read.digest, size_bytes=len(arrived.data),
            cover=arrived.cover, idempotency_key=read.key, reporter=arrived.reporter,
            actor=arrived.actor, desk=self._desk, envelope=self._envelope, now=now,
        )
        if not submission.finished:
            # A bulk intake of the same bytes may have been interrupted: this goes on where it ended.
            kept = store.count_original_parts(tx, submission.id)
            for part, start in list(enumerate(range(0, len(arrived.data), _PART_BYTES)))[kept:]:
                plain = arrived.data[start : start + _PART_BYTES]
                actions.keep_original(tx, submission, part, plain, actor=arrived.actor, now=now)
            if fresh := read.items[submission.items_done :]:
                submission, _ = actions.take_in(
                    tx, submission, fresh, source=read.source, version=read.version, actor=arrived.actor,
                    envelope=self._envelope, now=now,
                )
            submission = actions.finish_submission(tx, submission, read.notes, source=read.source, actor=arrived.actor, now=now)
        return actions.receipt_of(tx, submission)


def _check_single(read: _Read) -> None:
    found = sum(item.finding is not None for item in read.items)
    if found == 1 and len(read.items) == 1:
        return
    said = next((note.message for item in read.items for note in item.notes), next((note.message for note in read.notes), ""))
    why = f": {said}" if said and not found else "; send each report for itself"
    raise Invalid(f"one report was expected and {found} could be read in {len(read.items)} items{why}")
