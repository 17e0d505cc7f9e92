"""Mail in folders (Maildir): where it goes when there is no server, and where it is read from.

A file is written beside the folder and moved in whole. Its name is that of the notice, so the same
mail written again after a crash takes the place of the first one instead of standing beside it.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clearinghouse.app.channels.base import Envelope, Unreachable

_SUFFIX = ".clearinghouse"
_BROKEN = "refused"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A folder that takes mail."""

    folder: Path

    def carry(self, mail: Envelope) -> None:
        """Put a mail into the folder.

        Raises:
            Unreachable: the folder cannot be written.
        """
        try:
            for name in ("tmp", "new", "cur"):
                (self.folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
            written = self.folder / "tmp" / (mail.name + _SUFFIX)
            with written.open("wb") as file:
                file.write(mail.message)
                file.flush()
                os.fsync(file.fileno())
            written.replace(self.folder / "new" / (mail.name + _SUFFIX))
            _sync(self.folder / "new")
        except OSError as error:
            raise Unreachable(f"the mail folder cannot be written ({error.strerror})") from error


def waiting_files(folder: Path) -> Iterator[Path]:
    """Mail that waits to be read: files dropped into the folder itself, or delivered into its `new` and `cur`. Links are not followed."""
    for place in (folder, folder / "new", folder / "cur"):
        if place.is_dir():
            yield from sorted(path for path in place.iterdir() if not path.name.startswith(".") and path.is_file() and not path.is_symlink())


def put_away(folder: Path, path: Path, *, read: bool) -> None:
    """Move a mail out of the way: what was read and kept is deleted, what could not be stays in `refused` for a person."""
    if read:
        path.unlink(missing_ok=True)
        return
    aside = folder / _BROKEN
    aside.mkdir(exist_ok=True, mode=0o700)
    path.replace(aside / path.name)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
