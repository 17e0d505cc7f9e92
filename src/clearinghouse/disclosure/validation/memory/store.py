"""Where cells and builds are kept; the files of a build lie in a folder of the host, sealed, and their line here."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, LargeBinary, Table, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from clearinghouse.core.ids import CaseId, PartyId
from clearinghouse.disclosure.validation.dockets.records import Docket
from clearinghouse.disclosure.validation.observing.records import Cell
from clearinghouse.parties.records import Tier
from clearinghouse.parties.store import is_readable
from clearinghouse.storage import Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, metadata
from clearinghouse.storage.sealing import open_with, seal_with

bench_cells = Table(
    "bench_cells", metadata,
    Column("case_id", Id, primary_key=True),
    Column("key", Digest, primary_key=True),
    Column("build", Digest, nullable=False),
    Column("input", Digest, nullable=False),
    Column("kept_at", Instant, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "case_id", "input"),
    Index(None, "case_id", "kept_at"),
)
bench_builds = Table(
    "bench_builds", metadata,
    Column("case_id", Id, primary_key=True),
    Column("key", Digest, primary_key=True),
    Column("kept_at", Instant, nullable=False),
    Column("used_at", Instant, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)


def put_cell(tx: Transaction, docket: Docket, cell: Cell, body: bytes, at: datetime) -> None:
    """Remember a cell; the first of two that say the same stays."""
    tx.derive(_into(tx, bench_cells).on_conflict_do_nothing(), {
        "case_id": docket.case_id, "key": cell.key, "build": cell.build, "input": cell.input, "kept_at": at,
        "sealed": seal_with(docket.key, body, f"{docket.case_id}/cell/{cell.key}"),
    })


def system_cell(tx: Transaction, docket: Docket, key: str) -> bytes | None:
    """A cell by its key, for the bench."""
    sealed = tx.value(select(bench_cells.c.sealed).where(bench_cells.c.case_id == docket.case_id, bench_cells.c.key == key))
    return None if sealed is None else open_with(docket.key, bytes(sealed), f"{docket.case_id}/cell/{key}")


def system_cells(tx: Transaction, docket: Docket, inputs: Collection[str] | None = None) -> list[bytes]:
    """The cells of a case, or those of some inputs, oldest first: for the bench, which compares cases and shows none to another."""
    return _cells(tx, docket, select(bench_cells).where(bench_cells.c.case_id == docket.case_id), inputs)


def list_cells(
    tx: Transaction, docket: Docket, inputs: Collection[str] | None = None, *, viewer: PartyId, now: datetime
) -> list[bytes]:
    """The same as a viewer may see it: in the room, and not to somebody who is here for its own report alone."""
    if docket.reports is not None or docket.tier < Tier.ROOM:
        return []
    readable = is_readable(bench_cells.c.case_id, viewer, now, tier_min=Tier.ROOM)
    return _cells(tx, docket, select(bench_cells).where(bench_cells.c.case_id == docket.case_id, readable), inputs)


def _cells(tx: Transaction, docket: Docket, query: Any, inputs: Collection[str] | None) -> list[bytes]:
    if inputs is not None:
        query = query.where(bench_cells.c.input.in_(sorted(inputs)))
    return [
        open_with(docket.key, bytes(row.sealed), f"{docket.case_id}/cell/{row.key}")
        for row in tx.rows(query.order_by(bench_cells.c.kept_at, bench_cells.c.key))
    ]


def put_build(tx: Transaction, docket: Docket, key: str, body: bytes, at: datetime) -> None:
    """Remember what is known of a build beside its files."""
    sealed = seal_with(docket.key, body, f"{docket.case_id}/build/{key}")
    values = {"case_id": docket.case_id, "key": key, "kept_at": at, "used_at": at, "sealed": sealed}
    tx.derive(_into(tx, bench_builds).on_conflict_do_update(index_elements=["case_id", "key"], set_={"sealed": sealed, "used_at": at}), values)


def system_build(tx: Transaction, docket: Docket, key: str) -> bytes | None:
    """What is known of a build, for the bench."""
    sealed = tx.value(select(bench_builds.c.sealed).where(bench_builds.c.case_id == docket.case_id, bench_builds.c.key == key))
    return None if sealed is None else open_with(docket.key, bytes(sealed), f"{docket.case_id}/build/{key}")


def note_used(tx: Transaction, docket: Docket, key: str, at: datetime) -> None:
    """Note that a build was of use again."""
    tx.derive(update(bench_builds).where(bench_builds.c.case_id == docket.case_id, bench_builds.c.key == key).values(used_at=at))


def forget_oldest_cells(tx: Transaction, case_id: CaseId, most: int) -> int:
    """Keep no more cells of a case than so many; gives how many went."""
    kept = int(tx.value(select(func.count()).where(bench_cells.c.case_id == case_id)) or 0)
    if kept <= most:
        return 0
    oldest = select(bench_cells.c.key).where(bench_cells.c.case_id == case_id).order_by(bench_cells.c.kept_at, bench_cells.c.key).limit(kept - most)
    return tx.derive(delete(bench_cells).where(bench_cells.c.case_id == case_id, bench_cells.c.key.in_(oldest)))


def forget_case(tx: Transaction, case_id: CaseId) -> None:
    """Take away all that is remembered of a case, now that its key is destroyed."""
    for table in (bench_cells, bench_builds):
        tx.derive(delete(table).where(table.c.case_id == case_id))


def system_cases_with_cells(tx: Transaction, more_than: int) -> list[CaseId]:
    """The cases with more cells than so many, for whoever lets the oldest go."""
    query = select(bench_cells.c.case_id).group_by(bench_cells.c.case_id).having(func.count() > more_than)
    return sorted(CaseId(row.case_id) for row in tx.rows(query))


def _into(tx: Transaction, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if tx.dialect == "postgresql" else sqlite.insert(table)
