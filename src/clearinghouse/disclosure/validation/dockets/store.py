"""Where materials and their bodies are kept: lines for lists, bodies apart from them, one body for each digest of a case."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Column, Index, LargeBinary, Row, Table, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from clearinghouse.core.ids import CaseId, MaterialId, PartyId
from clearinghouse.disclosure.validation.dockets.records import Docket, Material, MaterialKind
from clearinghouse.disclosure.validation.recipes.records import Supplier
from clearinghouse.parties.records import Tier
from clearinghouse.parties.store import is_readable
from clearinghouse.storage import Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, Number, Word, metadata
from clearinghouse.storage.sealing import open_with, seal_with

# No reference to cases: their table belongs to a later step.
bench_materials = Table(
    "bench_materials", metadata,
    Column("material_id", Id, primary_key=True),
    Column("case_id", Id, nullable=False),
    Column("kind", Word, nullable=False),
    Column("digest", Digest, nullable=False),
    Column("size_bytes", Number, nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("added_by", Id, nullable=False),
    Column("supplier", Word, nullable=False),
    Column("sealed_line", LargeBinary, nullable=False),
    Index(None, "case_id", "digest"),
)
bench_bodies = Table(
    "bench_bodies", metadata,
    Column("case_id", Id, primary_key=True),
    Column("digest", Digest, primary_key=True),
    Column("kept_at", Instant, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
"""Bytes of materials, and raw logs of runs."""


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    origin: str


def add_material(tx: Transaction, docket: Docket, new: Material, body: bytes) -> None:
    """Keep a material; bytes that the case holds already are not kept twice."""
    tx.write(bench_materials.insert(), {
        "material_id": new.id, "case_id": docket.case_id, "kind": new.kind, "digest": new.digest, "size_bytes": new.size_bytes,
        "added_at": new.added_at, "added_by": new.added_by, "supplier": new.supplier,
        "sealed_line": seal_with(docket.key, msgspec.json.encode(_Line(new.name, new.origin)), new.id + "/line"),
    })
    tx.write(_into(tx, bench_bodies).on_conflict_do_nothing(), _body(docket, new.digest, body, new.added_at))


def keep_log(tx: Transaction, docket: Docket, digest: str, log: bytes, at: datetime) -> None:
    """Keep a raw log under its digest; it can be had again by running again."""
    tx.derive(_into(tx, bench_bodies).on_conflict_do_nothing(), _body(docket, digest, log, at))


def list_materials(
    tx: Transaction, docket: Docket, *, viewer: PartyId, now: datetime, kinds: Collection[MaterialKind] = tuple(MaterialKind)
) -> list[Material]:
    """The materials of a case that the viewer is told of, oldest first; to open one takes tier 3."""
    query = select(bench_materials).where(_shown(docket, viewer, now), bench_materials.c.kind.in_(sorted(kinds)))
    return [_material(row, docket) for row in tx.rows(query.order_by(bench_materials.c.added_at, bench_materials.c.material_id))]


def find_material(tx: Transaction, docket: Docket, untrusted_name: str, *, viewer: PartyId, now: datetime) -> Material | None:
    """One material by its id or by its digest, if the viewer is told of it."""
    named = or_(bench_materials.c.material_id == untrusted_name, bench_materials.c.digest == untrusted_name)
    query = select(bench_materials).where(_shown(docket, viewer, now), named)
    row = tx.row(query.order_by(bench_materials.c.added_at, bench_materials.c.material_id))
    return None if row is None else _material(row, docket)


def read_body(tx: Transaction, docket: Docket, digest: str, *, viewer: PartyId, now: datetime) -> bytes | None:
    """The bytes of a digest, for who may read all of the case. Called after the event of the reading is committed."""
    readable = is_readable(bench_bodies.c.case_id, viewer, now, tier_min=Tier.DOCUMENTS)
    sealed = tx.value(select(bench_bodies.c.sealed).where(bench_bodies.c.case_id == docket.case_id, bench_bodies.c.digest == digest, readable))
    return None if sealed is None else open_with(docket.key, bytes(sealed), _about(docket, digest))


def system_body(tx: Transaction, docket: Docket, digest: str) -> bytes | None:
    """The same for the bench, which shows it to nobody."""
    sealed = tx.value(select(bench_bodies.c.sealed).where(bench_bodies.c.case_id == docket.case_id, bench_bodies.c.digest == digest))
    return None if sealed is None else open_with(docket.key, bytes(sealed), _about(docket, digest))


def system_held(tx: Transaction, docket: Docket, digests: Collection[str]) -> dict[str, list[Material]]:
    """Which of these digests a case holds, each with its materials: what the bench may use is asked of the case, not of a viewer."""
    found: dict[str, list[Material]] = defaultdict(list)
    wanted = sorted(digests)
    for begin in range(0, len(wanted), 500):
        query = select(bench_materials).where(bench_materials.c.case_id == docket.case_id, bench_materials.c.digest.in_(wanted[begin : begin + 500]))
        for row in tx.rows(query.order_by(bench_materials.c.added_at, bench_materials.c.material_id)):
            found[row.digest].append(_material(row, docket))
    return dict(found)


def system_materials(tx: Transaction, docket: Docket, kinds: Collection[MaterialKind] = tuple(MaterialKind)) -> list[Material]:
    """All materials of a case, oldest first, for the bench; shown to nobody."""
    query = select(bench_materials).where(bench_materials.c.case_id == docket.case_id, bench_materials.c.kind.in_(sorted(kinds)))
    return [_material(row, docket) for row in tx.rows(query.order_by(bench_materials.c.added_at, bench_materials.c.material_id))]


def system_count(tx: Transaction, case_id: CaseId) -> int:
    """How many materials a case holds, for the bound."""
    return int(tx.value(select(func.count()).where(bench_materials.c.case_id == case_id)) or 0)


def forget_bodies(tx: Transaction, case_id: CaseId) -> None:
    """Take the bytes of a case away, now that its key is destroyed; the lines and digests stay as the record."""
    tx.write(delete(bench_bodies).where(bench_bodies.c.case_id == case_id))


def _shown(docket: Docket, viewer: PartyId, now: datetime) -> ColumnElement[bool]:
    here: ColumnElement[bool] = (bench_materials.c.case_id == docket.case_id) & is_readable(bench_materials.c.case_id, viewer, now, tier_min=Tier.ROOM)
    if docket.tier < Tier.ROOM:
        return here & bench_materials.c.case_id.is_(None)
    # Two that found one flaw learn of a duplicate, not of each other: a mere reporter sees what it handed in itself.
    return here if docket.reports is None else here & bench_materials.c.added_by.in_(sorted(docket.parties))


def _body(docket: Docket, digest: str, body: bytes, at: datetime) -> dict[str, Any]:
    return {"case_id": docket.case_id, "digest": digest, "kept_at": at, "sealed": seal_with(docket.key, body, _about(docket, digest))}


def _about(docket: Docket, digest: str) -> str:
    return f"{docket.case_id}/{digest}"


def _material(row: Row[Any], docket: Docket) -> Material:
    line = msgspec.json.decode(open_with(docket.key, bytes(row.sealed_line), row.material_id + "/line"), type=_Line)
    return Material(
        MaterialId(row.material_id), MaterialKind(row.kind), row.digest, row.size_bytes, row.added_at, PartyId(row.added_by),
        Supplier(row.supplier), line.name, line.origin,
    )


def _into(tx: Transaction, table: Table) -> postgresql.Insert | sqlite.Insert:
    made = postgresql.insert(table) if tx.dialect == "postgresql" else sqlite.insert(table)
    return made.execution_options(preserve_rowcount=True)
