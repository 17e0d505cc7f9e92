"""Where an engine works: a folder that says by its name what is settled in it, for one process at a time.

What a settling left when it was interrupted is there for the next one of the same records and the same model; what belongs
to others is cleared away by whoever comes next.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clearinghouse.core.errors import Unavailable


@contextmanager
def workplace(base: Path, name: str) -> Iterator[Path]:
    """The folder of a settling; removed when the block ends well, left for the next attempt when it does not.

    Raises:
        Unavailable: another process settles the same records there.
    """
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (base / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Unavailable("another process settles the same reports; wait for it, or end it first") from None
        _clear(base, name)
        folder = base / name
        folder.mkdir(exist_ok=True, mode=0o700)
        yield folder
        shutil.rmtree(folder)
        (base / f"{name}.lock").unlink()


def _clear(base: Path, name: str) -> None:
    for other in base.glob("*.lock"):
        if other.stem == name:
            continue
        with suppress(OSError), other.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(base / other.stem, ignore_errors=True)
            other.unlink()
