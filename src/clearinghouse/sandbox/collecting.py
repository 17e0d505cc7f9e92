"""Reading the files that are to be kept, when nothing of the run is left but its folder.

The folder is a file system in memory that only our open descriptor still holds. What the run put there is hostile: links
that lead out, pipes that never answer, a terabyte of nothing, names made to be shown. So only the exact names that were
asked for are opened, step by step, never through a link, never waiting, and never for more than was allowed.
"""

import os
import stat
from collections.abc import Sequence

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def collect(folder: int, names: Sequence[str], *, file_bytes_max: int, total_bytes_max: int) -> tuple[dict[str, bytes], dict[str, str]]:
    """Name to bytes of each plain file, and name to our own words for each that is not one."""
    kept: dict[str, bytes] = {}
    refused: dict[str, str] = {}
    left = total_bytes_max
    for name in names:
        found = _read(folder, name, min(file_bytes_max, left))
        if isinstance(found, bytes):
            kept[name] = found
            left -= len(found)
        else:
            refused[name] = found
    return kept, refused


def _read(folder: int, name: str, bytes_max: int) -> bytes | str:
    *parents, last = name.split("/")
    here = os.dup(folder)
    try:
        for parent in parents:
            below = os.open(parent, _FOLDER, dir_fd=here)
            os.close(here)
            here = below
        file = os.open(last, _FILE, dir_fd=here)
    except FileNotFoundError:
        return "was not written"
    except OSError:
        return "is a link, or not to be opened"
    finally:
        os.close(here)
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            return "is no plain file"
        if found.st_nlink != 1:
            return "has a second name"
        if found.st_size > bytes_max:
            return f"is larger than {bytes_max} bytes"
        return _content(file, found.st_size)
    finally:
        os.close(file)


def _content(file: int, size: int) -> bytes:
    content = bytearray(size)
    view, done = memoryview(content), 0
    while done < size and (count := os.preadv(file, [view[done:]], done)):
        done += count
    view.release()
    return bytes(content[:done])
