"""A component's matrix as one case keeps it: its own rows and columns in full, of other cases' patches that there is one and what a row did.

What of another case would tell who else knows (digests, reports, names) is not in here at all, so no page can show it.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from clearinghouse.disclosure.deconfliction.execution.records import Strength
from clearinghouse.disclosure.validation.matrix.records import CellState, Guard, MatrixCell, Reproducer, Weighed
from clearinghouse.disclosure.validation.matrix.running import Column, Matrix
from clearinghouse.disclosure.validation.recipes.records import Supplier


@dataclass(frozen=True, slots=True)
class KeptColumn:
    """A patch as a case knows it."""

    key: str
    """Keyed hash of its id: the same patch has the same key in every case, which nobody without the key can tell."""
    own: bool
    digest: str = ""
    """Of its own alone."""
    supplier: Supplier = Supplier.REPORTER
    claimed_for: tuple[str, ...] = ()
    """Reports of the case."""
    guards: tuple[Guard, ...] = ()
    set_aside: bool = False
    part: bool = False
    """Cut out by the bench."""


@dataclass(frozen=True, slots=True)
class KeptEdge:
    """What execution says of two reports of the case, or of one and a held finding."""

    one: str
    other: str
    """Empty: a held finding."""
    strength: Strength
    guards: tuple[Guard, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptMatrix:
    """A component's matrix, from where a case stands."""

    component: str
    rows: tuple[Reproducer, ...]
    columns: tuple[KeptColumn, ...]
    cells: tuple[MatrixCell, ...]
    """Their `patch` is a column's key."""
    edges: tuple[KeptEdge, ...]
    contradicted: tuple[tuple[str, str], ...] = ()
    """Pairs of the case's reports whose strong edges join nothing."""


def column_key(secret: bytes, column_id: str) -> str:
    """The key of a column."""
    return hmac.new(secret, b"clearinghouse/matrix-column/v1\0" + column_id.encode(), hashlib.sha256).hexdigest()[:32]


def kept_of(
    component: str, matrix: Matrix, weighed: Weighed, alone: Weighed, reports: Iterable[str], own: Mapping[str, Supplier], secret: bytes
) -> KeptMatrix:
    """A matrix as the case with these reports and these patches keeps it.

    Args:
        alone: what the case's own rows and columns amount to without others: guards, edges and contradictions among them are
            those of this, so that they do not tell what other cases hold.
        own: ids of the case's columns, with who supplied each as far as the case knows.
    """
    reports = frozenset(reports)
    rows = tuple(row for row in matrix.reproducers if row.report in reports)
    here = {row.id for row in rows}
    # A part that was cut for another case's report is that case's.
    columns = tuple(
        _column(column, alone, reports, own, secret) for column in matrix.columns
        if not column.part_of or column.part_of not in own or column.claimed_for & reports
    )
    cells = tuple(
        MatrixCell(row, column_key(secret, column), cell.state, cell.kind, cell.frames, cell.digest)
        for (row, column), cell in sorted(matrix.cells.items()) if row in here
    )
    edges = set()
    for edge in weighed.edges:
        ends = [end for end in (edge.one, edge.other) if end in reports]
        if len(ends) == 1 and edge.strength in (Strength.STRONG, Strength.MEDIUM):
            edges.add(KeptEdge(ends[0], "", edge.strength))
    edges |= {KeptEdge(edge.one, edge.other, edge.strength, edge.guards) for edge in alone.edges}
    contradicted = sorted({
        pair for contradiction in alone.contradictions for pair in contradiction.strong if set(pair) <= reports
    })
    return KeptMatrix(
        component, rows, columns, cells, tuple(sorted(edges, key=lambda edge: (edge.one, edge.other, edge.strength))), tuple(contradicted)
    )


def known_cells(kept: Iterable[KeptMatrix], columns: Mapping[str, str]) -> dict[tuple[str, str], MatrixCell]:
    """Cells that were kept, by row and id of column; those that say nothing yet are asked for again.

    Args:
        columns: ids of columns by their keys.
    """
    return {
        (cell.reproducer, columns[cell.patch]): MatrixCell(cell.reproducer, columns[cell.patch], cell.state, cell.kind, cell.frames, cell.digest)
        for one in kept for cell in one.cells if cell.patch in columns and cell.state is not CellState.UNKNOWN
    }


def render(kept: KeptMatrix) -> bytes:
    """As it is sealed."""
    return msgspec.json.encode(kept)


def parse(body: bytes) -> KeptMatrix:
    """What `render` rendered."""
    return msgspec.json.decode(body, type=KeptMatrix)


def _column(
    column: Column, alone: Weighed, reports: frozenset[str], own: Mapping[str, Supplier], secret: bytes
) -> KeptColumn:
    key = column_key(secret, column.id)
    if (column.part_of or column.id) not in own:
        return KeptColumn(key, own=False)
    standing = alone.standings.get(column.id)
    return KeptColumn(
        key, True, column.digest, own[column.part_of or column.id], tuple(sorted(column.claimed_for & reports)),
        () if standing is None else standing.failures, standing is not None and standing.set_aside, bool(column.part_of),
    )
