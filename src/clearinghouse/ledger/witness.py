"""The last checkpoint, kept apart from the database, so that a restored backup cannot fork the log unseen.

Whoever can write both the database and this store can sign a split view; keep the file on another
volume, or at least out of the database's backup.
"""

import fcntl
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from clearinghouse.core.errors import Conflict, Unavailable
from clearinghouse.ledger.checkpoint import Checkpoint
from clearinghouse.ledger.tree import verify_consistency


class ForkDetected(Conflict):
    """The tree in the database does not continue the log that was signed before."""


class CheckpointKeeper(Protocol):
    """A store that remembers the newest signed checkpoint and swaps it only against the one it had."""

    def load(self) -> str | None:
        """The kept note, or None before the first."""
        ...

    def swap(self, old: str | None, new: str) -> None:
        """Replace `old` by `new`, durably.

        Raises:
            Conflict: something else than `old` is kept by now.
        """
        ...


class FileKeeper:
    """A keeper in one file: locked, swapped by rename, flushed to the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> str | None:
        try:
            # Bytes, not text: the locale and its line ends must not change what was signed.
            return self.path.read_bytes().decode()
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise Unavailable(f"the kept checkpoint {self.path} is damaged: it is no UTF-8; restore it") from error
        except OSError as error:
            raise Unavailable(f"cannot read the kept checkpoint {self.path}: {error.strerror}") from error

    def swap(self, old: str | None, new: str) -> None:
        try:
            folder = self.path.parent
            if not folder.is_dir():
                folder.mkdir(parents=True, exist_ok=True)
                _flush_folder(folder.parent)  # or a loss of power could take the folder, and with it the memory of what was signed
            with self.path.with_name(self.path.name + ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if self.load() != old:
                    raise Conflict("another process kept a newer checkpoint meanwhile; run the command again")
                fresh = self.path.with_name(self.path.name + ".new")
                with fresh.open("wb") as file:
                    file.write(new.encode())
                    file.flush()
                    os.fsync(file.fileno())
                fresh.replace(self.path)
                _flush_folder(folder)
        except OSError as error:
            raise Unavailable(f"cannot keep the checkpoint in {self.path}: {error.strerror}") from error


def check_may_sign(kept: Checkpoint | None, new: Checkpoint, prove: Callable[[int, int], Sequence[bytes]]) -> None:
    """Raise ForkDetected unless `new` continues `kept`; `prove(old, new)` gives the consistency proof of the tree at hand."""
    if kept is None:
        return
    advice = "restore the newest backup, or follow docs/how-to/restore.md to begin a new log"
    if kept.origin != new.origin:
        raise ForkDetected(f"the kept checkpoint is of the log {kept.origin!r}, this one is {new.origin!r}; {advice}")
    if kept.size == 0:
        return  # Every tree continues the empty one.
    if new.size < kept.size:
        raise ForkDetected(
            f"the database holds {new.size} leaves, but {kept.size} were signed before: it is an older copy; {advice}"
        )
    if not verify_consistency(kept.size, new.size, kept.root, new.root, prove(kept.size, new.size)):
        raise ForkDetected(f"the first {kept.size} leaves are not those that were signed before; {advice}")


def _flush_folder(folder: Path) -> None:
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
