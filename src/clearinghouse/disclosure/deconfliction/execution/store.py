"""Where edges are kept. They are numbers, words of ours and digests; whoever shows one asks first whether its viewer reads the reports."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Row, Table, and_, insert, or_, select, update

from clearinghouse.core.ids import PartyId
from clearinghouse.disclosure.deconfliction.execution.records import ExecutionEdge, Said, Strength
from clearinghouse.storage import Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, Number, Word, listed, metadata

execution_edges = Table(
    "execution_edges", metadata,
    Column("edge_id", Id, primary_key=True),
    Column("one", Number, nullable=False),
    Column("other", Number, nullable=False),
    Column("strength", Word, nullable=False),
    Column("evidence", Digest, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", Id, nullable=False),
    Column("withdrawn_at", Instant),
    Column("withdrawn_by", Id),
    Index(None, "one"),
    Index(None, "other"),
)


def system_standing(tx: Transaction) -> list[ExecutionEdge]:
    """All edges that stand, in an order that arrival has no part in; for computing with."""
    query = select(execution_edges).where(execution_edges.c.withdrawn_at.is_(None))
    return _ordered(tx.rows(query))


def system_of(tx: Transaction, numbers: Collection[int], *, standing_only: bool = True) -> list[ExecutionEdge]:
    """Edges that speak of any of these reports; whoever shows one asks whether its viewer reads both."""
    wanted = listed(tx.dialect, sorted(numbers))
    query = select(execution_edges).where(or_(execution_edges.c.one.in_(wanted), execution_edges.c.other.in_(wanted)))
    if standing_only:
        query = query.where(execution_edges.c.withdrawn_at.is_(None))
    return _ordered(tx.rows(query))


def find(tx: Transaction, edge_id: str) -> ExecutionEdge | None:
    """An edge by its id, withdrawn or not."""
    row = tx.row(select(execution_edges).where(execution_edges.c.edge_id == edge_id))
    return None if row is None else _edge(row)


def add(tx: Transaction, edges: Sequence[ExecutionEdge], actor: PartyId) -> None:
    """Keep edges."""
    tx.write(insert(execution_edges), [
        {
            "edge_id": edge.id, "one": edge.said.one, "other": edge.said.other, "strength": edge.said.strength, "evidence": edge.said.evidence,
            "at": edge.at, "actor": actor, "withdrawn_at": None, "withdrawn_by": None,
        } for edge in edges
    ])


def withdraw(tx: Transaction, edge_id: str, *, by: PartyId, at: datetime) -> bool:
    """Note that an edge no longer holds; False where it did not hold before."""
    standing = and_(execution_edges.c.edge_id == edge_id, execution_edges.c.withdrawn_at.is_(None))
    return tx.write(update(execution_edges).where(standing).values(withdrawn_at=at, withdrawn_by=by)) == 1


def _ordered(rows: Sequence[Row[Any]]) -> list[ExecutionEdge]:
    found = [_edge(row) for row in rows]
    return sorted(found, key=lambda edge: (edge.said.one, edge.said.other, edge.said.strength, edge.said.evidence, edge.id))


def _edge(row: Row[Any]) -> ExecutionEdge:
    return ExecutionEdge(row.edge_id, Said(row.one, row.other, Strength(row.strength), row.evidence), row.at, row.withdrawn_at)
