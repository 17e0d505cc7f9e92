"""Long intake: many files or very large ones, in steps that survive interruption at any point.

Documents are read in a child process (`boundary`) while this one writes; small documents share a
transaction, large ones are cut at line ends and kept as they are read.
"""

import dataclasses
import hashlib
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from clearinghouse.core.clock import Clock
from clearinghouse.core.ids import PartyId
from clearinghouse.core.policy import IntakeLimits
from clearinghouse.core.untrusted import clean_line
from clearinghouse.disclosure.intake import actions, rules, store
from clearinghouse.disclosure.intake.boundary import ParserProcess
from clearinghouse.disclosure.intake.parser import ReadItem
from clearinghouse.disclosure.intake.records import Cover, Note, Outcome, ReceiptItem
from clearinghouse.disclosure.intake.store import Submission
from clearinghouse.storage import Database, Envelope, Transaction

# How work is cut into transactions; what survives a crash does not depend on them.
_ITEMS_PER_COMMIT = 2000
_DOCUMENTS_PER_COMMIT = 64
_SEGMENT_BYTES = 8 << 20
_PART_BYTES = 4 << 20
_NAME_CHARACTERS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Incoming:
    """One file about to be taken in."""

    name: str
    """Display text: the path as given, or the name a sender gave."""
    path: Path
    source: str = ""
    """Source to read it with; empty to find out by sniffing."""
    idempotency_key: str = ""
    """The sender's key; empty to use the digest of the bytes."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job has come."""

    documents: int
    items: int
    bytes_read: int


@dataclass(slots=True)
class Taken:
    """What became of one file: enough for a summary; the receipt has every item."""

    name: str
    submission_id: str
    source: str = ""
    earlier: bool = False
    """The very same bytes were taken in, and read to the end, before."""
    counts: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    repeated: int = 0
    """Accepted items that the same reporter had sent before."""
    notes: tuple[Note, ...] = ()
    troubles: list[ReceiptItem] = field(default_factory=list)
    """The first items with warnings or refusals, for the summary."""


@dataclass(frozen=True, slots=True)
class IntakeJob:
    """Everything a bulk intake needs but the files."""

    database: Database
    envelope: Envelope
    limits: IntakeLimits
    clock: Clock
    reporter: PartyId
    actor: PartyId
    cover: Cover = field(default_factory=Cover)
    openpgp_keys: tuple[bytes, ...] = ()
    troubles_max: int = 20
    desk: PartyId | None = None
    """The team that may read what comes in, beside reporter and actor."""

    def run(self, incoming: Sequence[Incoming], progress: Callable[[Progress], None] = lambda state: None) -> Iterator[Taken]:
        """Take the files in, one after the other, and give what became of each once it is safely kept.

        Stopping between two files or in the midst of one loses nothing: run it again with the same files.
        Raises:
            Conflict: another process is reading one of the files; those before it are kept.
            Unavailable: the database cannot be written (for one, the disk is full).
        """
        with ParserProcess(self.limits, self.openpgp_keys) as parser:
            writer = _Writer(self)
            read_bytes = 0
            for count, document in enumerate(incoming, 1):
                try:
                    for segment_bytes in writer.take(document, parser):
                        read_bytes += segment_bytes
                        progress(Progress(count, writer.items, read_bytes))
                except _CannotOpen as error:
                    # One file that cannot be opened does not cost the others.
                    note = Note("", f"cannot be read: {error}; nothing of it was kept", "file.unreadable")
                    yield Taken(_display_name(document.name), "", notes=(note,))
                yield from writer.completed()
            writer.flush()
            yield from writer.completed()


Step = Callable[[Transaction], None]


class _Writer:
    """Collects steps and commits them together; a document's steps are always committed in order."""

    def __init__(self, job: IntakeJob) -> None:
        self.items = 0
        self._job = job
        self._steps: list[Step] = []
        self._waiting_items = 0
        self._waiting_documents: list[Taken] = []
        self._waiting_keys: set[str] = set()
        self._done: list[Taken] = []

    def completed(self) -> Iterator[Taken]:
        done, self._done = self._done, []
        yield from done

    def flush(self) -> None:
        """Commit what has been collected."""
        if self._steps:
            with self._job.database.write() as tx:
                for step in self._steps:
                    step(tx)
        self._steps.clear()
        self._waiting_keys.clear()
        self._waiting_items = 0
        self._done += self._waiting_documents
        self._waiting_documents = []

    def take(self, document: Incoming, parser: ParserProcess) -> Iterator[int]:
        """Read one document; gives the bytes read, segment by segment."""
        job = self._job
        # File names are bytes of anybody's choosing; what is kept of them is text that can be shown.
        document = dataclasses.replace(document, name=_display_name(document.name))
        with _opened(document.path) as file:
            digest, size = _digest(file)
            key = document.idempotency_key or digest
            if key in self._waiting_keys:
                self.flush()  # The very same bytes wait in this batch: what became of them is the answer.
            known = self._find(key)
            if known is not None and rules.worth_another_reading(known, document.source):
                key = f"{key} read as {document.source}" if document.source else f"{key} read again at {job.clock.now().isoformat()}"
                known = self._find(key)
            if known is not None and known.finished and known.digest == digest:
                self._done.append(self._remember(known, document.name))
                yield size
                return
            state = _State(job, document.name, digest, size, key)
            self._steps.append(state.begin)
            refusal = _refuse_unread(file, size, job.limits)
            if refusal is not None:
                state.notes = (refusal,)
                yield size
            else:
                yield from self._read(file, size, document, state, parser)
        self._steps.append(state.finish)
        self._waiting_documents.append(state.taken)
        self._waiting_keys.add(key)
        if len(self._waiting_documents) >= _DOCUMENTS_PER_COMMIT or size > _PART_BYTES:
            self.flush()

    def _find(self, key: str) -> Submission | None:
        with self._job.database.read() as tx:
            return store.find_submission(tx, self._job.reporter, rules.bound_key(key), self._job.envelope)

    def _read(self, file: BinaryIO, size: int, document: Incoming, state: "_State", parser: ParserProcess) -> Iterator[int]:
        for part, plain in enumerate(iter(lambda: file.read(_PART_BYTES), b"")):
            self._steps.append(state.keep(part, plain))
            if size > _PART_BYTES:
                self.flush()
        file.seek(0)
        for first_line, segment in _segments(file, size, self._job.limits):
            for answer in parser.read(document.name, segment, state.source or document.source, self._job.cover, first_line):
                state.source = answer.source or state.source
                state.notes += answer.notes
                if answer.items:
                    self._steps.append(state.items(answer.items, answer.source, answer.version))
                    self.items += len(answer.items)
                    self._waiting_items += len(answer.items)
                    if self._waiting_items >= _ITEMS_PER_COMMIT:
                        self.flush()
                        yield 0
            yield len(segment)

    def _remember(self, known: Submission, name: str) -> Taken:
        taken = Taken(name, known.id, known.source, earlier=True, notes=known.notes)
        with self._job.database.read() as tx:
            for item in store.read_items(tx, known):
                taken.counts[item.outcome] += 1
        return taken


class _State:
    """One document on its way: which steps remain, given what was kept before an interruption."""

    def __init__(self, job: IntakeJob, name: str, digest: str, size: int, key: str) -> None:
        self._job = job
        self._name, self._digest, self._size, self._key = name, digest, size, key
        self._submission: Submission | None = None
        self._skip = 0
        self._parts_kept = 0
        self.source = ""
        self.notes: tuple[Note, ...] = ()
        self.taken = Taken(name, "")

    def begin(self, tx: Transaction) -> None:
        job = self._job
        self._submission = actions.begin_submission(
            tx, name=self._name, digest=self._digest, size_bytes=self._size, cover=job.cover, idempotency_key=self._key,
            reporter=job.reporter, actor=job.actor, desk=job.desk, envelope=job.envelope, now=job.clock.now(),
        )
        self._skip = self._submission.items_done
        self._parts_kept = store.count_original_parts(tx, self._submission.id)
        self.taken.submission_id = self._submission.id
        if self._skip:
            for item in store.read_items(tx, self._submission):
                self._count(item)

    def keep(self, part: int, plain: bytes) -> Step:
        def step(tx: Transaction) -> None:
            if part >= self._parts_kept:
                actions.keep_original(tx, self._at_hand(), part, plain, actor=self._job.actor, now=self._job.clock.now())

        return step

    def items(self, read: tuple[ReadItem, ...], source: str, version: str) -> Step:
        def step(tx: Transaction) -> None:
            fresh = read[self._skip :]
            self._skip -= len(read) - len(fresh)
            if fresh:
                job = self._job
                self._submission, outcomes = actions.take_in(
                    tx, self._at_hand(), fresh, source=source, version=version, actor=job.actor, envelope=job.envelope,
                    now=job.clock.now(),
                )
                for item in outcomes:
                    self._count(item)

        return step

    def finish(self, tx: Transaction) -> None:
        notes = tuple(dict.fromkeys(self.notes))
        self._submission = actions.finish_submission(
            tx, self._at_hand(), notes, source=self.source, actor=self._job.actor, now=self._job.clock.now()
        )
        self.taken.source, self.taken.notes = self.source, notes

    def _at_hand(self) -> Submission:
        assert self._submission is not None, "a document's first step begins its submission"
        return self._submission

    def _count(self, item: ReceiptItem) -> None:
        self.taken.counts[item.outcome] += 1
        self.taken.repeated += item.earlier
        if item.notes and len(self.taken.troubles) < self._job.troubles_max:
            self.taken.troubles.append(item)


class _CannotOpen(Exception):
    """A file that is none, or that may not be read."""


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A regular file, open: a pipe or a device has no end to wait for."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _CannotOpen("not a regular file")
        file = path.open("rb")
    except OSError as error:
        raise _CannotOpen(error.strerror or str(error)) from None
    with file:
        yield file


def _display_name(untrusted_name: str) -> str:
    return clean_line(untrusted_name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"), _NAME_CHARACTERS_MAX)


def _digest(file: BinaryIO) -> tuple[str, int]:
    hashed, size = hashlib.sha256(), 0
    for portion in iter(lambda: file.read(1 << 20), b""):
        hashed.update(portion)
        size += len(portion)
    file.seek(0)
    return "sha256:" + hashed.hexdigest(), size


def _refuse_unread(file: BinaryIO, size: int, limits: IntakeLimits) -> Note | None:
    """Why a file is not even read; None where it is."""
    if size <= limits.document_bytes_max:
        return None
    start = file.read(1 << 16)
    file.seek(0)
    by_lines = start.lstrip()[:1] == b"{" and b"\n" in start and start.lstrip().split(b"\n", 1)[0].rstrip().endswith(b"}")
    if by_lines and size <= limits.bulk_bytes_max:
        return None
    allowed = limits.bulk_bytes_max if by_lines else limits.document_bytes_max
    message = (
        f"{size} bytes; at most {allowed} are read of {'a file with one JSON object a line' if by_lines else 'one document'}. "
        "Send one JSON object a line (NDJSON) or several files; the bytes were not kept"
    )
    return Note("", message, "limit.size")


def _segments(file: BinaryIO, size: int, limits: IntakeLimits) -> Iterator[tuple[int, bytes]]:
    """The file in portions that are documents of their own, each with the number of its first line."""
    if size <= limits.document_bytes_max:
        yield 1, file.read()
        return
    first_line, waiting = 1, b""
    while portion := file.read(_SEGMENT_BYTES):
        waiting += portion
        cut = waiting.rfind(b"\n") + 1
        if cut:
            yield first_line, waiting[:cut]
            first_line += waiting.count(b"\n", 0, cut)
            waiting = waiting[cut:]
        elif len(waiting) > limits.line_bytes_max:
            # One endless line: hand over what there is, the reader says what is wrong with it.
            yield first_line, waiting
            waiting = b""
    if waiting:
        yield first_line, waiting
