"""Users of slots, where we are root: each number is held by a lock, so that two workers of one host never run as the same user.

What the kernel counts by user (pending signals, locked memory, pages of pipes) is then no budget that rival cases share.
"""

import fcntl
import os
import tempfile
import threading
from pathlib import Path

from clearinghouse.core.errors import Unavailable

_TRIED_MAX = 1_000


class Users:
    """Numbers of users, from a first one on, each held as long as this lives or until it is closed."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._held: dict[int, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def of(self, slot: int) -> int:
        """The user of a slot, the same for as long as this lives.

        Raises:
            Unavailable: others hold all that were tried, or the folder of locks belongs to somebody else.
        """
        with self._lock:
            if slot not in self._held:
                self._held[slot] = self._take()
            return self._held[slot][0]

    def close(self) -> None:
        """Let others have them."""
        with self._lock:
            for _, lock in self._held.values():
                os.close(lock)
            self._held.clear()

    def _take(self) -> tuple[int, int]:
        folder = _folder()
        for number in range(self._first, self._first + _TRIED_MAX):
            lock = os.open(folder / str(number), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(lock)
                continue
            return number, lock
        raise Unavailable(f"others hold all of {_TRIED_MAX} users for slots from {self._first} on; end a worker, or set first_uid in [sandbox]")


def _folder() -> Path:
    folder = (Path("/run") if Path("/run").is_dir() else Path(tempfile.gettempdir())) / "clearinghouse-sandbox"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise Unavailable(f"{folder} belongs to somebody else or may be written by others; remove it")
    return folder
