"""Laying out what a command finds below `/in`: copies, so that no file of ours is shared with a run."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from clearinghouse.core.errors import Invalid
from clearinghouse.sandbox.base import Entry

_PAGE = 4096
_NAME_BYTES_MAX = 255


@dataclass(frozen=True, slots=True)
class Piece:
    """One file."""

    name: str
    content: bytes | Path
    size_bytes: int
    executable: bool


def check_name(name: str, what: str) -> None:
    """Nothing, if the name stays below where it is put.

    Raises:
        Invalid: it is absolute, empty, not in its plain form, or has a part that leads upwards.
    """
    plain = PurePosixPath(name)
    bad = not name or plain.is_absolute() or ".." in plain.parts or str(plain) != name or name == "." or not name.isprintable()
    if bad or any(len(part.encode()) > _NAME_BYTES_MAX for part in plain.parts):
        raise Invalid(f"{what} {name[:80]!r} is not the plain relative name of a file")


def plan(entries: Sequence[Entry]) -> list[Piece]:
    """Every file that is to lie below `/in`.

    Raises:
        Invalid: a name leads outside or comes twice, or a folder holds something else than plain files and folders.
    """
    pieces = []
    for entry in entries:
        check_name(entry.name, "the input")
        if isinstance(entry.content, bytes):
            pieces.append(Piece(entry.name, entry.content, len(entry.content), entry.executable))
        else:
            pieces.extend(_pieces(entry.name, entry.content, executable=entry.executable))
    names = [piece.name for piece in pieces]
    folders = {str(parent) for name in names for parent in PurePosixPath(name).parents}
    if len(set(names)) != len(names) or folders & set(names):
        raise Invalid("two inputs have the same name, or one lies below another that is a file")
    return pieces


def _pieces(name: str, path: Path, *, executable: bool) -> Iterator[Piece]:
    try:
        found = path.lstat()
    except OSError as error:
        raise Invalid(f"the input {name!r} cannot be read: {error.strerror}") from None
    if stat.S_ISREG(found.st_mode):
        yield Piece(name, path, found.st_size, executable or bool(found.st_mode & 0o111))
    elif stat.S_ISDIR(found.st_mode):
        for below in sorted(path.iterdir()):
            check_name(below.name, "the file")
            yield from _pieces(f"{name}/{below.name}", below, executable=False)
    else:
        raise Invalid(f"the input {name!r} is neither a plain file nor a folder of such")


def room(pieces: Sequence[Piece]) -> tuple[int, int]:
    """Bytes and files that a file system must have room for."""
    folders = {parent for piece in pieces for parent in PurePosixPath(piece.name).parents}
    size = sum(-(-piece.size_bytes // _PAGE) * _PAGE for piece in pieces)
    return size + _PAGE * (len(folders) + 1), len(pieces) + len(folders) + 1


def lay_out(pieces: Sequence[Piece], folder: int) -> None:
    """Write them below an open folder, readable by everybody.

    Raises:
        OSError: there is no room, or a file of ours cannot be read.
    """
    made: set[PurePosixPath] = set()
    for piece in pieces:
        for parent in reversed(PurePosixPath(piece.name).parents[:-1]):
            if parent not in made:
                os.mkdir(parent, 0o700, dir_fd=folder)
                os.chmod(parent, 0o755, dir_fd=folder)  # noqa: S103 - a run reads it as another user
                made.add(parent)
        target = os.open(piece.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
        try:
            if isinstance(piece.content, bytes):
                _write(target, piece.content)
            else:
                _copy(piece.content, target)
            os.fchmod(target, 0o555 if piece.executable else 0o444)
        finally:
            os.close(target)


def _write(target: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(target, rest) :]


def _copy(path: Path, target: int) -> None:
    source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        while os.sendfile(target, source, None, 1 << 24):
            pass
    finally:
        os.close(source)
