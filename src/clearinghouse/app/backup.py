"""Backups: a consistent copy of the database with a manifest, and bringing one back.

A backup holds no keys unless asked to: whoever holds database and keys reads everything. The kept
checkpoint is not brought back either: it is what notices that a restored database is an older one.
"""

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Conflict, Invalid, Unavailable
from clearinghouse.ledger import actions as ledger
from clearinghouse.storage.database import copy_sqlite

_MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Backup:
    """What was written."""

    folder: Path
    files: tuple[str, ...]
    leaves: int


def write_backup(instance: Instance, folder: Path, *, with_keys: bool) -> Backup:
    """Copy a running instance into an empty folder; writers are not disturbed.

    Raises:
        Conflict: the folder is not empty.
        Unavailable: PostgreSQL is used and `pg_dump` is not there.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty; a backup needs a folder of its own")
    signed, note = ledger.checkpoint(
        instance.database, instance.settings.ledger_origin, instance.signer, instance.keeper, now=instance.clock.now()
    )
    if instance.database.url.startswith("sqlite"):
        copy_sqlite(instance.database, folder / "clearinghouse.db")
    else:
        _dump(instance.database.url, folder / "clearinghouse.sql")
    shutil.copy2(instance.settings.home / "clearinghouse.toml", folder)
    (folder / "checkpoint").write_text(note)
    if with_keys:
        shutil.copytree(instance.settings.home / "keys", folder / "keys")
    files = tuple(sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()))
    manifest = {
        "made_at": render_instant(instance.clock.now()), "leaves": signed.size,
        "sha256": {name: _digest(folder / name) for name in files},
    }
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    return Backup(folder, files, signed.size)


def restore_backup(folder: Path, home: Path) -> tuple[str, ...]:
    """Bring a backup into an empty home; keys that the backup lacks are to be put there by hand.

    Raises:
        Invalid: the manifest is missing or a file is not as it was written.
        Conflict: there is an instance in the home already.
    """
    try:
        manifest = json.loads((folder / _MANIFEST).read_text())
        digests = dict(manifest["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        raise Invalid(f"{folder} is no backup: its {_MANIFEST} is missing or damaged") from None
    wrong = sorted(name for name, digest in digests.items() if not (folder / name).is_file() or _digest(folder / name) != digest)
    if wrong:
        raise Invalid(f"not as they were written: {', '.join(wrong)}; use another backup")
    if any(Path(name).is_absolute() or ".." in Path(name).parts for name in digests):
        raise Invalid(f"{folder / _MANIFEST} names files outside the backup")
    if (home / "clearinghouse.toml").exists() or (home / "clearinghouse.db").exists():
        raise Conflict(f"there is an instance in {home}; restore into an empty CLEARINGHOUSE_HOME")
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    brought = []
    for name in sorted(digests):
        if name == "checkpoint":
            continue  # The newest checkpoint is the one kept outside; an older one would hide a fork.
        target = home / name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copy2(folder / name, target)
        brought.append(name)
    return tuple(brought)


def _dump(url: str, target: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise Unavailable("pg_dump is not on the PATH; install PostgreSQL's client programs to back up this database")
    plain = "postgresql://" + url.removeprefix("postgresql+psycopg://")
    done = subprocess.run(  # noqa: S603 - a program of the PATH, our own settings as arguments
        [program, "--no-owner", "--no-privileges", "--file", str(target), "--dbname", plain], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Unavailable(f"pg_dump failed: {done.stderr.strip()[:300]}")


def _digest(path: Path) -> str:
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        for portion in iter(lambda: file.read(1 << 20), b""):
            hashed.update(portion)
    return hashed.hexdigest()
