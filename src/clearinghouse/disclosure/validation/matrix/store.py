"""Where the matrices of cases are kept, sealed under the case's key. Derived: losing one costs running it again."""

from datetime import datetime

from sqlalchemy import Column, LargeBinary, Table, and_, delete, or_, outerjoin, select
from sqlalchemy.dialects import postgresql, sqlite

from clearinghouse.core.ids import CaseId, PartyId
from clearinghouse.disclosure.validation.dockets.records import Docket, MaterialKind
from clearinghouse.disclosure.validation.dockets.store import bench_bodies, bench_materials
from clearinghouse.disclosure.validation.judging.records import Verdict
from clearinghouse.disclosure.validation.matrix.kept import KeptMatrix, parse, render
from clearinghouse.disclosure.validation.queue.records import ValidationState
from clearinghouse.disclosure.validation.queue.store import validations
from clearinghouse.parties.records import Tier
from clearinghouse.parties.store import is_readable
from clearinghouse.storage import Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, metadata
from clearinghouse.storage.sealing import open_with, seal_with

bench_matrices = Table(
    "bench_matrices", metadata,
    Column("case_id", Id, primary_key=True),
    Column("component_term", Digest, primary_key=True),
    Column("kept_at", Instant, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)


def put(tx: Transaction, docket: Docket, component_term: str, kept: KeptMatrix, at: datetime) -> None:
    """Keep a case's view of a component's matrix in place of the one before."""
    made = (postgresql if tx.dialect == "postgresql" else sqlite).insert(bench_matrices)
    tx.derive(
        made.on_conflict_do_update(
            index_elements=["case_id", "component_term"], set_={"kept_at": made.excluded.kept_at, "sealed": made.excluded.sealed}
        ),
        {
            "case_id": docket.case_id, "component_term": component_term, "kept_at": at,
            "sealed": seal_with(docket.key, render(kept), _about(docket, component_term)),
        },
    )


def system_find(tx: Transaction, docket: Docket, component_term: str) -> KeptMatrix | None:
    """A case's view of a matrix, for the bench."""
    query = select(bench_matrices.c.sealed).where(
        bench_matrices.c.case_id == docket.case_id, bench_matrices.c.component_term == component_term
    )
    sealed = tx.value(query)
    return None if sealed is None else parse(open_with(docket.key, bytes(sealed), _about(docket, component_term)))


def system_due(tx: Transaction) -> tuple[CaseId, str] | None:
    """A case and the term of a component whose matrix lacks a reproducer that was confirmed, or a patch that was handed in; for the bench.

    The one that waits longest.
    """
    confirmed = [verdict.value for verdict in Verdict if verdict.confirms]
    patches = select(bench_materials.c.added_at).where(
        bench_materials.c.case_id == validations.c.case_id, bench_materials.c.kind == MaterialKind.PATCH,
        bench_materials.c.added_at > bench_matrices.c.kept_at,
    )
    here = and_(bench_matrices.c.case_id == validations.c.case_id, bench_matrices.c.component_term == validations.c.component_term)
    query = select(validations.c.case_id, validations.c.component_term).select_from(outerjoin(validations, bench_matrices, here)).where(
        validations.c.state == ValidationState.DONE, validations.c.verdict.in_(confirmed),
        or_(bench_matrices.c.kept_at.is_(None), bench_matrices.c.kept_at < validations.c.state_at, patches.exists()),
        select(bench_bodies.c.digest).where(bench_bodies.c.case_id == validations.c.case_id).exists(),  # an erased case has none
    ).order_by(validations.c.state_at, validations.c.validation_id).limit(1)
    row = tx.row(query)
    return None if row is None else (CaseId(row.case_id), row.component_term)


def list_of(tx: Transaction, docket: Docket, *, viewer: PartyId, now: datetime) -> list[tuple[datetime, KeptMatrix]]:
    """The matrices of a case with the instants they are of: for the room, and not for somebody who is here for its own report alone."""
    if docket.reports is not None or docket.tier < Tier.ROOM:
        return []
    readable = is_readable(bench_matrices.c.case_id, viewer, now, tier_min=Tier.ROOM)
    rows = tx.rows(select(bench_matrices).where(bench_matrices.c.case_id == docket.case_id, readable))
    found = [(row.kept_at, parse(open_with(docket.key, bytes(row.sealed), _about(docket, row.component_term)))) for row in rows]
    return sorted(found, key=lambda one: one[1].component)


def forget_case(tx: Transaction, case_id: CaseId) -> None:
    """Take away what is kept of a case whose key is destroyed."""
    tx.derive(delete(bench_matrices).where(bench_matrices.c.case_id == case_id))


def _about(docket: Docket, component_term: str) -> str:
    return f"{docket.case_id}/matrix/{component_term}"
