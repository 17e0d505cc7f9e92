"""The matrix of a case: its reproducers by patches, and what that says of its reports.

What other cases hold of the same component is shown to who coordinates alone, as "held" and by what a row of this case did; to
everybody else it is not there (decisions 1 and 2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from clearinghouse.app.validating import docket_of
from clearinghouse.app.views.reports import title_of
from clearinghouse.app.views.telling import coordinates
from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import ReportId
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.deconfliction.execution.records import Strength
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.validation.matrix import store
from clearinghouse.disclosure.validation.matrix.kept import KeptColumn, KeptMatrix
from clearinghouse.disclosure.validation.matrix.records import GUARD_WORDS, CellState, MatrixCell
from clearinghouse.disclosure.validation.recipes.records import Supplier

SYMBOLS: Mapping[CellState, str] = {
    CellState.CLEAN: "○", CellState.SAME: "●", CellState.MOVED: "◐", CellState.FLAKY: "~", CellState.UNKNOWN: "–",
}
WORDS: Mapping[CellState, str] = {
    CellState.CLEAN: "quiet", CellState.SAME: "fires as before", CellState.MOVED: "fires otherwise", CellState.FLAKY: "in some runs",
    CellState.UNKNOWN: "not known",
}
LEGEND: tuple[tuple[str, str, str], ...] = tuple((state.value, SYMBOLS[state], WORDS[state]) for state in WORDS)
_SAID: Mapping[Strength, str] = {
    Strength.STRONG: "one flaw: the patch for each stops the reproducer of the other",
    Strength.MEDIUM: "a person should look: the patch for one stops the reproducer of the other",
    Strength.DIFFERENT: "two flaws: the patch for one leaves the other as it was",
    Strength.WEAK: "the crashes are alike; nothing follows",
}
_SUPPLIERS: Mapping[Supplier, str] = {
    Supplier.PROJECT: "the project's", Supplier.DESK: "the desk's", Supplier.REPORTER: "a reporter's", Supplier.MODEL: "proposed by a model",
}


@dataclass(frozen=True, slots=True)
class Square:
    """One cell as it is drawn."""

    state: str
    symbol: str
    words: str
    detail: str = ""
    """Kind and innermost frame of a crash that moved, under a patch of the case."""


@dataclass(frozen=True, slots=True)
class ColumnHead:
    """A patch as it is drawn."""

    name: str
    held: bool
    digest: str
    supplier: str
    for_: tuple[str, ...]
    """Titles of the reports it is claimed for."""
    guards: tuple[str, ...]
    """What it did not pass, in words."""
    set_aside: bool


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A reproducer as it is drawn."""

    report_id: str
    title: str
    kind: str
    frame: str
    stable: bool
    squares: tuple[Square, ...]


@dataclass(frozen=True, slots=True)
class SaidLine:
    """What the runs say of two reports."""

    one: str
    other: str
    """Title, or "a held finding"."""
    strength: str
    words: str
    guards: tuple[str, ...]
    contradicted: bool


@dataclass(frozen=True, slots=True)
class MatrixPicture:
    """One component's matrix."""

    component: str
    at: datetime
    heads: tuple[ColumnHead, ...]
    rows: tuple[MatrixRow, ...]
    said: tuple[SaidLine, ...]


@dataclass(frozen=True, slots=True)
class MatrixPage:
    """The matrices of a case."""

    case_id: str
    case_title: str
    pictures: tuple[MatrixPicture, ...]


def read_matrix(instance: Instance, case_id: str) -> MatrixPage:
    """The matrices of a case, as far as the viewer is shown any.

    Raises:
        NotFound: the case is not the viewer's to see.
        Conflict: it was erased.
    """
    viewer, now = instance.actor.id, instance.clock.now()
    with instance.read() as tx:
        room = rooms.enter(tx, case_id, envelope=instance.envelope, viewer=viewer, now=now)
        found = store.list_of(tx, docket_of(tx, room), viewer=viewer, now=now)
        ids = sorted({ReportId(row.report) for _, kept in found for row in kept.rows})
        reports = intake.read_reports(tx, ids or [ReportId("")], instance.envelope, viewer=viewer, now=now)
        duty = intake.duty_numbers(tx, sorted(report.number for report in reports.values()) or [0], viewer=viewer, now=now)
    titles = {str(report.id): title_of(report.finding) for report in reports.values()}
    # Who coordinates every report here may know that others hold something; whoever sent one may not learn it by this way.
    everything = coordinates(instance) and len(reports) == len(ids) and all(report.number in duty for report in reports.values())
    return MatrixPage(room.id, room.case.title, tuple(draw(kept, at, titles, held=everything) for at, kept in found))


def draw(kept: KeptMatrix, at: datetime, titles: Mapping[str, str], *, held: bool) -> MatrixPicture:
    """A matrix as a picture.

    Args:
        titles: of the reports that the viewer reads, by id.
        held: whether what other cases hold is shown, as held.
    """
    own = [column for column in kept.columns if column.own]
    columns = [*own, *(column for column in kept.columns if held and not column.own)]
    cells = {(cell.reproducer, cell.patch): cell for cell in kept.cells}
    heads, patches, parts, others = [], 0, 0, 0
    for column in columns:
        if not column.own:
            others += 1
        elif column.part:
            parts += 1
        else:
            patches += 1
        name = f"held {others}" if not column.own else f"part {parts}" if column.part else f"patch {patches}"
        heads.append(_head(column, name, titles))
    rows = tuple(
        MatrixRow(
            row.report if row.report in titles else "", titles.get(row.report, "a report of this case"), row.kind, row.frames[0] if row.frames else "",
            row.stable, tuple(_square(cells.get((row.id, column.key)), own=column.own) for column in columns),
        )
        for row in kept.rows
    )
    return MatrixPicture(kept.component, at, tuple(heads), rows, tuple(_said(kept, titles, held=held)))


def _head(column: KeptColumn, name: str, titles: Mapping[str, str]) -> ColumnHead:
    if not column.own:
        return ColumnHead(name, True, "", "", (), (), False)
    claimed = tuple(titles.get(report, "a report of this case") for report in column.claimed_for)
    return ColumnHead(
        name, False, column.digest, _SUPPLIERS[column.supplier], claimed, tuple(GUARD_WORDS[guard] for guard in column.guards), column.set_aside
    )


def _square(cell: MatrixCell | None, *, own: bool) -> Square:
    state = CellState.UNKNOWN if cell is None else cell.state
    moved = cell is not None and state is CellState.MOVED and own
    detail = f"{cell.kind} in {cell.frames[0]}" if moved and cell is not None and cell.frames else ""
    return Square(state.value, SYMBOLS[state], WORDS[state], detail)


def _said(kept: KeptMatrix, titles: Mapping[str, str], *, held: bool) -> Sequence[SaidLine]:
    lines = []
    for edge in kept.edges:
        if not edge.other and not held:
            continue
        other = titles.get(edge.other, "a report of this case") if edge.other else "a held finding"
        contradicted = edge.strength is Strength.STRONG and (edge.one, edge.other) in kept.contradicted
        lines.append(SaidLine(
            titles.get(edge.one, "a report of this case"), other, edge.strength.value, _SAID[edge.strength],
            tuple(GUARD_WORDS[guard] for guard in edge.guards), contradicted,
        ))
    return lines
