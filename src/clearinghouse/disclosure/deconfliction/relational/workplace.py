"""Where an engine works: a folder that says by its name what is settled in it, for one process at a time.

What a settling left when it was interrupted is there for the next one of the same records and the same model; what belongs
to others is cleared away by whoever comes next.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from clearinghouse.core.errors import Unavailable


@contextmanager
def workplace(base: Path, name: str) -> Iterator[Path]:
    """The folder of a settling; removed when the block ends well, left for the next attempt when it does not.

    Raises:
        Unavailable: another process settles the same records there.
    """
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(base / f"{name}.lock"):
        _clear(base, name)
        folder = base / name
        folder.mkdir(exist_ok=True, mode=0o700)
        yield folder
        shutil.rmtree(folder)
        (base / f"{name}.lock").unlink()


def _locked(path: Path) -> IO[str]:
    while True:
        lock = path.open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Who was here before may have removed the file after we opened it: what we hold would then be nobody's door.
            if os.fstat(lock.fileno()).st_ino == path.stat().st_ino:
                return lock
        except FileNotFoundError:
            pass
        except OSError:
            lock.close()
            raise Unavailable("another process settles the same reports; wait for it, or end it first") from None
        lock.close()


def _clear(base: Path, name: str) -> None:
    for other in base.glob("*.lock"):
        if other.stem == name:
            continue
        with suppress(OSError), other.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(base / other.stem, ignore_errors=True)
            other.unlink()
