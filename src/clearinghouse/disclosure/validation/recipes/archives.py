"""Archives from outside, as plain trees: names that stay below, plain files, bounded while unpacking and not by what they say.

Links inside an archive become copies of what they name, so that nothing that leaves here points anywhere. Devices, pipes,
owners, times and set-user bits are lost. The result is the same bytes for the same tree.
"""

import io
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO, Any

from clearinghouse.core.errors import Invalid
from clearinghouse.core.untrusted import clean_line

ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".zip")
_CHUNK = 1 << 16
_BLOCK = 512
_EXTENDED_MAX = 1 << 16
_DIGITS_MAX = 64
_DIGITS = re.compile(rb"\d{65}")
_NAME_BYTES_MAX = 1_000
_PART_BYTES_MAX = 255
_LINKS_MAX = 20  # one to the next
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, NotImplementedError, ValueError, RuntimeError)

Tree = Mapping[str, tuple[bytes, bool]]
"""Relative path to (bytes, whether it may be executed)."""


def is_archive(name: str) -> bool:
    """Whether a source of this name is unpacked."""
    return name.lower().endswith(ENDINGS)


def read_archive(name: str, untrusted_bytes: bytes, *, bytes_max: int, files_max: int) -> dict[str, tuple[bytes, bool]]:
    """The files of an archive by relative path.

    Raises:
        Invalid: it is none, names a place outside, holds too much, or links to what is not in it.
    """
    budget = _Budget(name, bytes_max, files_max)
    try:
        if name.lower().endswith(".zip"):
            return _read_zip(untrusted_bytes, budget)
        return _read_tar(untrusted_bytes, budget)
    except _BROKEN as error:
        raise Invalid(f"{clean_line(name, 100)} cannot be unpacked: {clean_line(str(error), 160) or type(error).__name__}") from None


def write_tar(tree: Tree) -> bytes:
    """A tar archive of a tree: sorted, without owners and times."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(tree):
            content, executable = tree[path]
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(content), 0o755 if executable else 0o644
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


def lay_out(tree: Tree, folder: Path) -> None:
    """Write a tree below an empty folder of ours, readable by everybody who may enter it."""
    for path, (content, executable) in tree.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        with place.open("xb") as file:
            file.write(content)
        place.chmod(0o755 if executable else 0o644)


def safe_path(untrusted_name: str) -> str | None:
    """A name as a path below, or None where it is none: absolute, with `..`, without a name, too long or with a NUL."""
    name = untrusted_name.replace("\\", "/")
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\0" in name or ":" in parts[0][1:2]:
        return None
    if len(name.encode("utf-8", "surrogateescape")) > _NAME_BYTES_MAX:
        return None
    if any(len(part.encode("utf-8", "surrogateescape")) > _PART_BYTES_MAX or _odd(part) for part in parts):
        return None
    return "/".join(part for part in parts if part != ".") or None


def _odd(part: str) -> bool:
    return any(ord(sign) < 0x20 or 0x7F <= ord(sign) < 0xA0 or 0xD800 <= ord(sign) <= 0xDFFF for sign in part)


class _Budget:
    def __init__(self, name: str, bytes_max: int, files_max: int) -> None:
        self.name, self.bytes_max, self.files_max = name, bytes_max, files_max
        self.bytes = self.entries = 0

    def entry(self) -> None:
        self.entries += 1
        if self.entries > self.files_max:
            raise Invalid(f"{clean_line(self.name, 100)} holds more than {self.files_max} files")

    def read(self, file: IO[bytes]) -> bytes:
        parts = []
        while part := file.read(_CHUNK):
            self.spend(len(part))
            parts.append(part)
        return b"".join(parts)

    def spend(self, count: int) -> None:
        self.bytes += count
        if self.bytes > self.bytes_max:
            raise Invalid(f"{clean_line(self.name, 100)} unpacks to more than {self.bytes_max} bytes")

    def path(self, untrusted_name: str) -> str:
        path = safe_path(untrusted_name)
        if path is None:
            raise Invalid(
                f"{clean_line(self.name, 100)} holds the name {clean_line(untrusted_name, 100)!r}; names must be relative, without `..` and control characters"
            )
        return path


class _Bounded(io.RawIOBase):
    """A decompressor's output, counted: whoever reads headers of an archive must not be led to inflate without end."""

    def __init__(self, file: IO[bytes], limit: int, name: str) -> None:
        self._file, self._left, self._name = file, limit, name

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        found = self._file.read(_CHUNK if size is None or size < 0 else size)
        self._left -= len(found)
        if self._left < 0:
            raise Invalid(f"{clean_line(self._name, 100)} unpacks to more than this bench takes")
        return found


def _read_tar(untrusted_bytes: bytes, budget: _Budget) -> dict[str, tuple[bytes, bool]]:
    tree: dict[str, tuple[bytes, bool]] = {}
    links: dict[str, str] = {}
    _check_headers(_inflated(untrusted_bytes), budget)
    # Headers, padding and extended names count as well: a quarter more and a megabyte is ample.
    stream = _Bounded(_inflated(untrusted_bytes), budget.bytes_max + budget.bytes_max // 4 + budget.files_max * 1_536 + (1 << 20), budget.name)
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            budget.entry()
            if member.isdir():
                if PurePosixPath(member.name).parts not in ((), (".",)):
                    budget.path(member.name)
                continue
            path = budget.path(member.name)
            if member.isfile():
                file = archive.extractfile(member)
                tree[path] = (budget.read(file) if file is not None else b"", bool(member.mode & 0o100))
                links.pop(path, None)
            elif member.issym() or member.islnk():
                target = member.linkname if member.islnk() else str(PurePosixPath(path).parent / member.linkname)
                links[path] = target
                tree.pop(path, None)
            # Devices and pipes are left out: no source is one.
    return _resolve(tree, links, budget)


def _check_headers(stream: IO[bytes], budget: _Budget) -> None:
    """Refuse extended headers that a reader of them would work on for long: their number, their size, and digits without end.

    Some versions of Python search such headers in time that grows with the square of a run of digits.
    """
    entries, empty, spent = 0, False, 0
    while len(block := stream.read(_BLOCK)) == _BLOCK:
        spent += _BLOCK
        if not block.strip(b"\0"):
            if empty:
                return
            empty = True
            continue
        empty, entries = False, entries + 1
        size = tarfile.nti(block[124:136])  # type: ignore[attr-defined]  # of the library, and not among its names
        kind = block[156:157]
        if entries > 3 * budget.files_max + 10:
            raise Invalid(f"{clean_line(budget.name, 100)} holds more than {budget.files_max} files")
        if kind == b"S" or size < 0:
            raise Invalid(f"{clean_line(budget.name, 100)} holds a sparse file, or one of no size; pack it again without")
        if kind in (b"x", b"g", b"X", b"L", b"K"):
            if size > _EXTENDED_MAX:
                raise Invalid(f"{clean_line(budget.name, 100)} holds an extended header of {size} bytes; {_EXTENDED_MAX} are taken")
            body = stream.read(-(-size // _BLOCK) * _BLOCK)
            if _DIGITS.search(body):
                raise Invalid(f"{clean_line(budget.name, 100)} holds an extended header with a number of more than {_DIGITS_MAX} digits")
            spent += len(body)
            continue
        left = -(-size // _BLOCK) * _BLOCK
        while left and (part := stream.read(min(left, _CHUNK))):
            left -= len(part)
            spent += len(part)
            if spent > budget.bytes_max + budget.bytes_max // 4 + budget.files_max * 1_536 + (1 << 20):
                raise Invalid(f"{clean_line(budget.name, 100)} unpacks to more than {budget.bytes_max} bytes")


def _inflated(untrusted_bytes: bytes) -> Any:
    raw = io.BytesIO(untrusted_bytes)
    if untrusted_bytes[:2] == b"\x1f\x8b":
        import gzip

        return gzip.GzipFile(fileobj=raw)
    if untrusted_bytes[:6] == b"\xfd7zXZ\x00":
        import lzma

        return lzma.LZMAFile(raw)
    if untrusted_bytes[:3] == b"BZh":
        import bz2

        return bz2.BZ2File(raw)
    return raw


def _read_zip(untrusted_bytes: bytes, budget: _Budget) -> dict[str, tuple[bytes, bool]]:
    tree: dict[str, tuple[bytes, bool]] = {}
    links: dict[str, str] = {}
    with zipfile.ZipFile(io.BytesIO(untrusted_bytes)) as archive:
        for info in archive.infolist():
            budget.entry()
            if info.is_dir():
                continue
            path = budget.path(info.filename)
            mode = info.external_attr >> 16
            if info.flag_bits & 1:
                raise Invalid(f"{clean_line(budget.name, 100)} is encrypted; send it without a password")
            with archive.open(info) as file:
                content = budget.read(file)
            if stat.S_ISLNK(mode):
                links[path] = str(PurePosixPath(path).parent / content[:_NAME_BYTES_MAX].decode("utf-8", "replace"))
                continue
            tree[path] = (content, bool(mode & 0o100))
    return _resolve(tree, links, budget)


def _resolve(tree: dict[str, tuple[bytes, bool]], links: Mapping[str, str], budget: _Budget) -> dict[str, tuple[bytes, bool]]:
    """The tree with each link replaced by what it names; a link to a folder by a copy of the folder."""
    for path in sorted(links):
        target = path
        for _ in range(_LINKS_MAX):
            target = _normal(links[target])
            if target not in links:
                break
        else:
            raise Invalid(f"{clean_line(budget.name, 100)} holds a link that leads in a circle: {clean_line(path, 100)!r}")
        found = {target: tree[target]} if target in tree else {name: each for name, each in tree.items() if name.startswith(target + "/")}
        if target in ("", "..") or target.startswith(("../", "/")) or not found:
            raise Invalid(f"{clean_line(budget.name, 100)} holds a link to what is not in it: {clean_line(path, 100)!r}")
        if path == target or path.startswith(target + "/"):
            raise Invalid(f"{clean_line(budget.name, 100)} holds a link that leads in a circle: {clean_line(path, 100)!r}")
        for name, (content, executable) in list(found.items()):
            budget.entry()
            budget.spend(len(content))
            tree[path + name.removeprefix(target)] = (content, executable)
    _check_folders(tree, budget)
    return tree


def _check_folders(tree: Iterable[str], budget: _Budget) -> None:
    names = set(tree)
    for path in names:
        for parent in _parents(path):
            if parent in names:
                raise Invalid(f"{clean_line(budget.name, 100)} holds {clean_line(parent, 100)!r} as a file and as a folder")


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _normal(path: str) -> str:
    parts: list[str] = []
    for part in path.replace("\\", "/").split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return ("/" if path.startswith("/") else "") + "/".join(parts)
