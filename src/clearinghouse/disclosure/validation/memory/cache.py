"""The memory of one case while its work is done: what was seen is found, what is new waits for the transaction that notes the work as done."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from clearinghouse.core.errors import NotFound
from clearinghouse.disclosure.validation.dockets import store as dockets
from clearinghouse.disclosure.validation.dockets.records import Docket
from clearinghouse.disclosure.validation.memory import store
from clearinghouse.disclosure.validation.memory.folder import Folder
from clearinghouse.disclosure.validation.observing.records import Cell
from clearinghouse.disclosure.validation.workshop.records import Build
from clearinghouse.storage import Database, Transaction

_ENCODE = msgspec.json.Encoder().encode


def render_cell(cell: Cell) -> bytes:
    """A cell as kept: without its logs, which lie under their digests."""
    return _ENCODE(without_logs(cell))


def without_logs(cell: Cell) -> Cell:
    """A cell that names its logs by digest alone."""
    return replace(cell, runs=tuple(replace(run, untrusted_log=b"") for run in cell.runs))


def parse_cell(body: bytes) -> Cell:
    """What `render_cell` rendered."""
    return msgspec.json.decode(body, type=Cell)


@dataclass
class Memory:
    """Materials and memory of one case, as the bench asks for them. For one thread."""

    database: Database
    docket: Docket
    folder: Folder
    now: Callable[[], datetime]
    _cells: dict[str, Cell] = field(default_factory=dict)
    _builds: dict[str, Build] = field(default_factory=dict)
    _opened: dict[str, Build] = field(default_factory=dict)
    _bodies: dict[str, bytes] = field(default_factory=dict)

    def read(self, digest: str) -> bytes:
        """The bytes of a material.

        Raises:
            NotFound: the case holds none of this digest.
        """
        if digest not in self._bodies:
            with self.database.read() as tx:
                body = dockets.system_body(tx, self.docket, digest)
            if body is None:
                raise NotFound(f"the case holds no material {digest[:20]}...; add it first")
            self._bodies[digest] = body
        return self._bodies[digest]

    def find_cell(self, key: str) -> Cell | None:
        """A cell seen before."""
        if key in self._cells:
            return self._cells[key]
        with self.database.read() as tx:
            body = store.system_cell(tx, self.docket, key)
        return None if body is None else parse_cell(body)

    def keep_cell(self, cell: Cell) -> None:
        """Remember a cell once what it was for is noted as done."""
        self._cells[cell.key] = cell

    def find_build(self, key: str) -> Build | None:
        """A build made before, with its files where this host has them."""
        if (known := self._builds.get(key) or self._opened.get(key)) is not None:
            return known
        with self.database.read() as tx:
            line = store.system_build(tx, self.docket, key)
        if line is None:
            return None
        found = msgspec.json.decode(line, type=Build)
        if found.ok:
            files = self.folder.find(self.docket, key)
            if files is None:
                return None
            found = replace(found, artefact=files)
        self._opened[key] = found
        return found

    def keep_build(self, build: Build) -> None:
        """Remember a build: its files now, its line once what it was for is noted as done."""
        if build.artefact:
            self.folder.keep(self.docket, build.key, build.artefact)
        self._builds[build.key] = build

    def write(self, tx: Transaction) -> None:
        """Keep what is new, in the transaction that notes the work as done."""
        at = self.now()
        for cell in self._cells.values():
            store.put_cell(tx, self.docket, cell, render_cell(cell), at)
            for run in cell.runs:
                if run.log_digest and run.untrusted_log:
                    dockets.keep_log(tx, self.docket, run.log_digest, run.untrusted_log, at)
        for key, build in self._builds.items():
            line = _ENCODE(replace(build, artefact=b""))
            store.put_build(tx, self.docket, key, line, at)
        self._opened.update(self._builds)

    def forget_new(self) -> None:
        """Let go of what is new: it is kept by now, or what made it was stopped half way."""
        self._cells.clear()
        self._builds.clear()
