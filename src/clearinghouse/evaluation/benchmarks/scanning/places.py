"""Going through files and what is packed in them: streaming, in bounded memory, naming each place."""

import bz2
import gzip
import io
import lzma
import os
import sqlite3
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol, cast

from clearinghouse.evaluation.benchmarks.scanning.canaries import OVERLAP_BYTES, Canaries, Sighting

PORTION_BYTES = 1 << 20
_NESTED_MAX = 4
_UNPACKED_BYTES_MAX = 2 << 30  # of one file with all that is packed in it: a bound on time, not a policy
_KEPT_BYTES_MAX = 8 << 20  # of a member of an archive, to be looked into again
_RUNNING_MAX = 16  # streams that go on into the next portion
_EMBEDDED_MAX = 200  # streams tried in one portion, each of which fails at its first bytes if it is none
_MAGIC_BYTES = 512
_SQLITE = b"SQLite format 3\x00"
_ZSTD = b"\x28\xb5\x2f\xfd"
_GZIP = b"\x1f\x8b\x08"
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_SPECIAL = ("/proc", "/sys", "/dev")


class _Readable(Protocol):
    """What gives its bytes one after the other."""

    def read(self, size: int, /) -> bytes: ...


class _Stream(_Readable, Protocol):
    """The same, and perhaps from the start again."""

    def seekable(self) -> bool: ...

    def seek(self, offset: int, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Leak:
    """A canary outside the vault."""

    place: str
    """Path, and what lies within what, with `!` between them."""
    offset: int
    """Of the portion it was found in, in what was unpacked; near enough to look."""
    sighting: Sighting


@dataclass(slots=True)
class Scan:
    """What a scan found and how much of it all it saw."""

    leaks: list[Leak] = field(default_factory=list)
    files: int = 0
    read_bytes: int = 0
    unread: list[tuple[str, str]] = field(default_factory=list)
    """Place and why nobody looked there: a scan with such places has not shown that there is nothing."""
    seen: set[tuple[str, Sighting]] = field(default_factory=set, repr=False)
    """What stands in `leaks`, to be found quickly."""


def scan_paths(
    paths: Iterable[Path], canaries: Canaries, progress: Callable[[int, int], None] = lambda files, read_bytes: None
) -> Scan:
    """Every canary in these files and folders, and in what is packed in them; links are not followed, nor other file systems' special files read."""
    scan = Scan()
    for path in paths:
        for file in _files(path, scan):
            _scan_file(file, canaries, scan)
            scan.files += 1
            progress(scan.files, scan.read_bytes)
    return scan


def _files(path: Path, scan: Scan) -> Iterator[Path]:
    try:
        kind = path.lstat().st_mode
    except OSError as error:
        scan.unread.append((str(path), error.strerror or "cannot be read"))
        return
    if stat.S_ISLNK(kind):
        scan.unread.append((str(path), "a link; name what it points to"))
    elif stat.S_ISREG(kind):
        yield path
    elif stat.S_ISDIR(kind):
        if str(path.absolute()).startswith(_SPECIAL):
            scan.unread.append((str(path), "a file system of the kernel's own"))
            return
        for folder, folders, names in os.walk(path, onerror=lambda error: scan.unread.append((str(error.filename), error.strerror or "cannot be read"))):
            folders.sort()
            for name in sorted(names):
                below = Path(folder, name)
                try:
                    if stat.S_ISREG(below.lstat().st_mode):
                        yield below
                except OSError:
                    continue  # gone since its folder was read


def _scan_file(path: Path, canaries: Canaries, scan: Scan) -> None:
    try:
        with path.open("rb") as file:
            _scan_stream(file, str(path), canaries, scan, _Budget(_UNPACKED_BYTES_MAX), _NESTED_MAX)
            file.seek(0)
            is_database = file.read(len(_SQLITE)) == _SQLITE
    except OSError as error:
        scan.unread.append((str(path), error.strerror or "cannot be read"))
        return
    if is_database:
        # Beside its bytes as they lie: a long value is spread over pages, and a break could fall into a canary.
        _scan_database(path, canaries, scan)


class _Budget:
    """How much may still be unpacked from one file."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, size: int) -> bool:
        self.left -= size
        return self.left >= 0


def _scan_stream(stream: _Stream, place: str, canaries: Canaries, scan: Scan, budget: _Budget, nested: int) -> None:
    tail, offset, head = b"", 0, b""
    embedded = _Embedded(place, canaries, scan, budget)
    while portion := stream.read(PORTION_BYTES):
        if not budget.take(len(portion)):
            scan.unread.append((place, f"more than {_UNPACKED_BYTES_MAX} bytes when unpacked"))
            return
        head = head or portion[:_MAGIC_BYTES]
        scan.read_bytes += len(portion)
        window = tail + portion
        _note(window, place, offset - len(tail), canaries, scan)
        if nested:
            embedded.look(portion, offset)
        offset += len(portion)
        tail = window[-OVERLAP_BYTES:]
    if nested:
        _scan_packed(stream, head, place, canaries, scan, budget, nested)


def _note(data: bytes, place: str, offset: int, canaries: Canaries, scan: Scan) -> None:
    for sighting in sorted(canaries.sightings(data), key=lambda one: (one.item_id, one.form)):
        # Once for each place and form: one find is enough to look there.
        if (place, sighting) not in scan.seen:
            scan.seen.add((place, sighting))
            scan.leaks.append(Leak(place, max(offset, 0), sighting))


def _scan_packed(stream: _Stream, head: bytes, place: str, canaries: Canaries, scan: Scan, budget: _Budget, nested: int) -> None:
    """What is packed in a stream that is an archive or a compressed file as a whole."""
    packed = head.startswith((b"PK", _GZIP, b"BZh", b"\xfd7zXZ\x00")) or head[257:262] == b"ustar"
    if not stream.seekable():
        if packed:
            scan.unread.append((place, f"an archive of more than {_KEPT_BYTES_MAX} bytes within another"))
        return
    stream.seek(0)
    try:
        if head.startswith(b"PK"):
            _scan_zip(stream, place, canaries, scan, budget, nested)
        elif head.startswith(_GZIP):
            with gzip.GzipFile(fileobj=cast("IO[bytes]", stream)) as opened:
                _scan_stream(_once(opened), f"{place}!gzip", canaries, scan, budget, nested - 1)
        elif head.startswith(b"BZh"):
            with bz2.BZ2File(cast("IO[bytes]", stream)) as unpacked:
                _scan_stream(_once(unpacked), f"{place}!bzip2", canaries, scan, budget, nested - 1)
        elif head.startswith(b"\xfd7zXZ\x00"):
            with lzma.LZMAFile(cast("IO[bytes]", stream)) as expanded:
                _scan_stream(_once(expanded), f"{place}!xz", canaries, scan, budget, nested - 1)
        elif head.startswith(_ZSTD):
            scan.unread.append((place, "zstd, which this Python cannot unpack"))
        elif head[257:262] == b"ustar":
            _scan_tar(stream, place, canaries, scan, budget, nested)
    except (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error) as error:
        scan.unread.append((place, f"cannot be unpacked ({type(error).__name__})"))


def _scan_zip(stream: _Stream, place: str, canaries: Canaries, scan: Scan, budget: _Budget, nested: int) -> None:
    with zipfile.ZipFile(cast("IO[bytes]", stream)) as archive:
        for member in archive.infolist():
            within = f"{place}!{_shown(member.filename)}"
            if member.is_dir():
                continue
            try:
                with archive.open(member) as opened:
                    _scan_stream(_once(opened), within, canaries, scan, budget, nested - 1)
            except NotImplementedError:
                # Method 93, as evaluation logs have it, among others.
                scan.unread.append((within, f"packed by method {member.compress_type}, which this Python cannot unpack"))
            except RuntimeError:
                scan.unread.append((within, "encrypted"))


def _scan_tar(stream: _Stream, place: str, canaries: Canaries, scan: Scan, budget: _Budget, nested: int) -> None:
    with tarfile.open(fileobj=cast("IO[bytes]", stream)) as archive:
        for member in archive:
            opened = archive.extractfile(member) if member.isfile() else None
            if opened is not None:
                with opened:
                    _scan_stream(_once(opened), f"{place}!{_shown(member.name)}", canaries, scan, budget, nested - 1)


def _once(opened: _Readable) -> "_Stream":
    """What was unpacked, read through once: only what is small is kept to be looked into again."""
    begun = opened.read(_KEPT_BYTES_MAX)
    rest = opened.read(1)
    return io.BytesIO(begun) if not rest else _Joined(begun + rest, opened)


class _Joined:
    """What was read of a stream already, and the rest of it; it cannot be read twice."""

    def __init__(self, begun: bytes, rest: _Readable) -> None:
        self._begun = io.BytesIO(begun)
        self._rest = rest

    def read(self, size: int = -1) -> bytes:
        return self._begun.read(size) or self._rest.read(size)

    def seekable(self) -> bool:
        return False

    def seek(self, offset: int) -> int:
        raise OSError("this was read through already")


class _Embedded:
    """Compressed streams that begin anywhere: in a value of a database, a core dump, a log of requests."""

    def __init__(self, place: str, canaries: Canaries, scan: Scan, budget: _Budget) -> None:
        self._place, self._canaries, self._scan, self._budget = place, canaries, scan, budget
        self._before = b""
        self._running: list[_Inflating] = []

    def look(self, portion: bytes, offset: int) -> None:
        """Go on with the streams that began before, and begin those that begin in this portion."""
        self._running = [one for one in self._running if self._feed(one, portion)]
        edge = len(self._before)
        data = self._before + portion
        window = memoryview(data)
        for magic in (_GZIP, *_ZLIB):
            at, tried = max(0, edge - len(magic) + 1), 0
            while (at := data.find(magic, at)) >= 0 and tried < _EMBEDDED_MAX:
                # A file that is gzip from its first byte on is read whole, elsewhere.
                if offset - edge + at > 0 or magic != _GZIP:
                    begun = _Inflating(offset - edge + at)
                    if self._feed(begun, window[at:]) and len(self._running) < _RUNNING_MAX:
                        self._running.append(begun)
                at += 1
                tried += 1
        self._before = portion[-len(_GZIP) :]

    def _feed(self, one: "_Inflating", data: bytes | memoryview) -> bool:
        """Whether more of a stream may come."""
        for piece in one.pieces(data):
            if not self._budget.take(len(piece)):
                return False
            _note(piece, f"{self._place}!deflate", one.offset, self._canaries, self._scan)
        return not one.over


class _Inflating:
    """One compressed stream, portion by portion."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.over = False
        self._stream = zlib.decompressobj(47)
        self._tail = b""

    def pieces(self, data: bytes | memoryview) -> Iterator[bytes]:
        """What these bytes unpack to; each piece begins with the end of the one before."""
        rest: bytes | memoryview = data
        while rest and not self.over:
            try:
                made = self._stream.decompress(rest, PORTION_BYTES)
            except zlib.error:
                self.over = True
                return
            rest = self._stream.unconsumed_tail
            self.over = self._stream.eof
            if made:
                yield self._tail + made
                self._tail = (self._tail + made)[-OVERLAP_BYTES:]


def _scan_database(path: Path, canaries: Canaries, scan: Scan) -> None:
    """Every value of an SQLite file, whole."""
    try:
        # Nobody's lock is waited for and nothing is written, not even a journal.
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    except sqlite3.Error:
        scan.unread.append((str(path), "an SQLite file that does not open"))
        return
    database.text_factory = bytes
    try:
        tables = [name.decode("utf-8", "replace") for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            quoted = table.replace('"', '""')
            for row in database.execute(f'select * from "{quoted}"'):  # noqa: S608 - a name from the file's own catalogue, quoted
                values = [value for value in row if isinstance(value, bytes)]
                for value in values:
                    place = f"{path}!table {_shown(table)}"
                    _note(value, place, 0, canaries, scan)
                    _Embedded(place, canaries, scan, _Budget(_UNPACKED_BYTES_MAX)).look(value, 1)
    except sqlite3.Error as error:
        scan.unread.append((str(path), f"an SQLite file that cannot be read through ({type(error).__name__})"))
    finally:
        database.close()


def _shown(name: str) -> str:
    """A name from inside an archive, fit for a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:120]
