"""The folder of sealed files of builds on a host: found by name, bounded in size, gone with their case."""

import hashlib
import os
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from clearinghouse.core.errors import Unavailable
from clearinghouse.disclosure.validation.dockets.records import Docket
from clearinghouse.storage.sealing import open_with, seal_with


@dataclass(frozen=True, slots=True)
class Folder:
    """Where this host keeps the files of builds. Losing it costs time and nothing else."""

    path: Path
    bytes_max: int

    def find(self, docket: Docket, key: str) -> bytes | None:
        """The files of a build; None where this host has none that open."""
        file = self._file(docket, key)
        try:
            body = file.read_bytes()
            os.utime(file)
            return open_with(docket.key, body, _about(docket, key))
        except (OSError, Unavailable):
            # Another host built it, it was cleared away, or a disk damaged it: it is built again.
            return None

    def keep(self, docket: Docket, key: str, body: bytes) -> None:
        """Keep the files of a build, and let the longest unused go where there are too many.

        Raises:
            Unavailable: the disk is full.
        """
        if len(body) > self.bytes_max:
            return
        file = self._file(docket, key)
        fresh = file.with_name(f"{file.name}.{os.getpid()}.new")
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh.write_bytes(seal_with(docket.key, body, _about(docket, key)))
            fresh.replace(file)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise Unavailable(f"the files of a build could not be kept below {self.path} ({error.strerror}); free space, the work goes on then") from error
        self._evict()

    def clear(self, cases: Callable[[], Collection[str]]) -> int:
        """Take away what belongs to no case of these, which are asked for after a look at the folder; gives how many cases went."""
        there = self._folders()
        kept = cases() if there else ()
        gone = [folder for folder in there if folder.name not in kept]
        for folder in gone:
            shutil.rmtree(folder, ignore_errors=True)
        return len(gone)

    def _evict(self) -> None:
        files = sorted(
            ((held.st_mtime, held.st_size, file) for folder in self._folders() for file in folder.iterdir() if (held := _held(file)) is not None),
            reverse=True,
        )
        total = 0
        for _, size, file in files:
            total += size
            if total > self.bytes_max:
                file.unlink(missing_ok=True)

    def _folders(self) -> list[Path]:
        return sorted(entry for entry in self.path.iterdir() if entry.is_dir()) if self.path.is_dir() else []

    def _file(self, docket: Docket, key: str) -> Path:
        return self.path / docket.case_id / hashlib.sha256(key.encode()).hexdigest()


def _held(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:
        return None


def _about(docket: Docket, key: str) -> str:
    return f"{docket.case_id}/files/{key}"
