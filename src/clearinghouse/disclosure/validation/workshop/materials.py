"""Bytes by digest, and what was seen before."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from clearinghouse.core.errors import Invalid, NotFound
from clearinghouse.disclosure.validation.observing.records import Cell
from clearinghouse.disclosure.validation.workshop.records import Build


class Materials(Protocol):
    """Where the bytes that a recipe names come from."""

    def read(self, digest: str) -> bytes:
        """The bytes of a digest.

        Raises:
            NotFound: there are none.
        """
        ...


class Cache(Protocol):
    """What was built and seen before, by key. Derived: losing it costs time."""

    def find_cell(self, key: str) -> Cell | None:
        """The cell of a key."""
        ...

    def keep_cell(self, cell: Cell) -> None:
        """Remember a cell."""
        ...

    def find_build(self, key: str) -> Build | None:
        """The build of a key."""
        ...

    def keep_build(self, build: Build) -> None:
        """Remember a build."""
        ...


class MemoryCache:
    """A cache as long as its process."""

    def __init__(self) -> None:
        self._cells: dict[str, Cell] = {}
        self._builds: dict[str, Build] = {}

    def find_cell(self, key: str) -> Cell | None:
        return self._cells.get(key)

    def keep_cell(self, cell: Cell) -> None:
        self._cells[cell.key] = cell

    def find_build(self, key: str) -> Build | None:
        return self._builds.get(key)

    def keep_build(self, build: Build) -> None:
        self._builds[build.key] = build


class FolderMaterials:
    """The files of a folder, by the digest of what is in them."""

    def __init__(self, folder: Path, bytes_max: int, files_max: int = 5_000) -> None:
        """Hash every file below a folder.

        Raises:
            Invalid: there are too many files, or one is too large.
        """
        self._paths: dict[str, Path] = {}
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
        if len(paths) > files_max:
            raise Invalid(f"{folder} holds {len(paths)} files; beside a recipe at most {files_max} are looked at")
        for path in paths:
            if path.stat().st_size > bytes_max:
                raise Invalid(f"{path} is larger than the {bytes_max} bytes that one file of a recipe may have")
            self._paths.setdefault(digest_of(path.read_bytes()), path)

    def read(self, digest: str) -> bytes:
        path = self._paths.get(digest)
        if path is None:
            raise NotFound(f"no file beside the recipe has the digest {digest[:80]}; put it there, or run `clearinghouse recipe pin`")
        content = path.read_bytes()
        if digest_of(content) != digest:
            raise NotFound(f"{path} was changed while we worked; run the same command again")
        return content

    def names(self) -> dict[str, str]:
        """Digest to path, for people."""
        return {digest: str(path) for digest, path in self._paths.items()}


def digest_of(content: bytes) -> str:
    """`sha256:HEX` of bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


class JoinedMaterials:
    """Materials of several places, asked one after the other."""

    def __init__(self, places: Sequence[Materials]) -> None:
        self._places = tuple(places)

    def read(self, digest: str) -> bytes:
        for place in self._places:
            with suppress(NotFound):
                return place.read(digest)
        raise NotFound(f"no file beside the recipes has the digest {digest[:80]}")


class MadeMaterials:
    """Materials of somebody else, and beside them what the bench itself makes: parts of patches, mutated inputs."""

    def __init__(self, below: Materials) -> None:
        self._below = below
        self._made: dict[str, bytes] = {}

    def add(self, content: bytes) -> str:
        """Keep bytes as long as this lives; gives their digest."""
        digest = digest_of(content)
        self._made[digest] = content
        return digest

    def read(self, digest: str) -> bytes:
        found = self._made.get(digest)
        return self._below.read(digest) if found is None else found
