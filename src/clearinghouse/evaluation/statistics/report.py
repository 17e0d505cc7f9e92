"""Everything at once: from plan and cells to one frozen result, and to the sealed record from which anybody computes it again.

The record is a JSON document with plan, cells, effort, controls and result; docs/reference/analysis.md says what each number is, and
bench/reanalysis/reanalyse.py computes them all a second time by a program that shares no line with this one.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import rfc8785

from clearinghouse.core.errors import Invalid
from clearinghouse.evaluation.statistics import budget, glmm, horizon, paired
from clearinghouse.evaluation.statistics.checks import early_peek, over_budget
from clearinghouse.evaluation.statistics.decision import Reading, overall, read_domains
from clearinghouse.evaluation.statistics.grid import Frame, lay
from clearinghouse.evaluation.statistics.intervals import Interval, clustered_error, clustered_wilson, exact, t_interval
from clearinghouse.evaluation.statistics.plan import Plan, parse_plan, plan_digest, render_plan
from clearinghouse.evaluation.statistics.reading import Reader, loads
from clearinghouse.evaluation.statistics.records import (
    Cell,
    CellState,
    Controls,
    Effort,
    Finding,
    LookMade,
    Outcome,
    PlannedItem,
    View,
)

FORMAT = "clearinghouse-analysis/1"


@dataclass(frozen=True, slots=True)
class Described:
    """One view of one domain in plain numbers, over the families that the reading is of. None of them decides."""

    pass_at_1_low: float
    """Mean over all cells, unresolved set to 0."""
    pass_at_1_high: float
    error_low: float
    """Clustered by family, factor G/(G-1)."""
    error_high: float
    t_low: Interval
    """Two-sided 95 %, of the mean over cells."""
    t_high: Interval
    wilson_low: Interval | None
    """Two-sided 95 % with the effective sample size; None with a single family."""
    wilson_high: Interval | None
    items_error: float | None
    """Of the accuracy on exactly these items, which only epochs make uncertain (benchmark accuracy, NIST AI 800-3); None with one epoch."""
    model_low: glmm.Fit | None
    """Accuracy over the population that the items stand for; None where all or none was solved, or no model was asked for."""
    model_high: glmm.Fit | None


@dataclass(frozen=True, slots=True)
class DomainResult:
    """One domain: what was run, how it ended, what it shows."""

    name: str
    threshold: float
    families_planned: int
    families: int
    """Those that the numbers are of: at the look that decides."""
    items: int
    cells: int
    states: Mapping[str, int]
    """How the cells ended; `absent` has no record."""
    cheated: int
    refused_share: float
    """Of the cells that were run: declined, which is not inability."""
    scored_only: float | None
    """Solved of solved and unsolved: what an engine prints that forgets the rest. Told so that nobody computes it in secret."""
    tokens: int
    seconds: float
    cost_microdollars: int
    controls: Controls | None
    positive_controls: Interval | None
    """Exact, two-sided 95 %: of reference solutions accepted."""
    readings: Mapping[View, Reading]
    described: Mapping[View, Described]
    budget: tuple[budget.BudgetPoint, ...]
    horizon: horizon.Horizon | None
    paired: paired.Paired | None


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a plan and its cells show. It determines nothing."""

    plan_digest: str
    decides: View
    outcome: Outcome
    """Over all domains, in the view that decides."""
    outcome_otherwise: Outcome
    """In the other view."""
    domains: tuple[DomainResult, ...]
    findings: tuple[Finding, ...]


def analyse(
    plan: Plan, cells: Sequence[Cell], effort: Effort, controls: Mapping[str, Controls], *, looks: Sequence[LookMade] = (),
    findings: Sequence[Finding] = (), human_minutes: Mapping[str, float] | None = None, reference_cells: Sequence[Cell] | None = None,
    models: bool = True,
) -> Analysis:
    """The result by the plan's own rules; pure, and the same for any order of the cells.

    Args:
        controls: by domain.
        looks: every look that was made, planned or not.
        findings: of checks that need other material (`checks`): they block as they say.
        human_minutes: by blinded item.
        reference_cells: of the reference model on the same grid.
        models: whether the model of families and items is fitted, which takes longer than all the rest.
    """
    frames, found = lay(plan, cells)
    told = (*findings, *found, *early_peek(plan, looks), *over_budget(plan, cells))
    readings = read_domains(plan, frames, effort, controls, told)
    references: Mapping[str, Frame] = {}
    if reference_cells is not None:
        others, strange = lay(plan, reference_cells)
        references = {frame.domain: frame for frame in others}
        told = (*told, *(Finding(f"reference_{each.name}", each.about, each.message, blocks=False) for each in strange))
    domains = tuple(
        _domain(plan, frame, readings[frame.domain], controls.get(frame.domain), human_minutes or {}, references.get(frame.domain), models=models)
        for frame in frames
    )
    other = next(view for view in View if view is not plan.decides)
    return Analysis(plan_digest(plan), plan.decides, overall(readings, plan.decides), overall(readings, other), domains, told)


def _domain(
    plan: Plan, frame: Frame, readings: Mapping[View, Reading], controls: Controls | None, minutes: Mapping[str, float],
    reference: Frame | None, *, models: bool,
) -> DomainResult:
    planned = plan.domain(frame.domain)
    families = readings[plan.decides].families
    states = frame.states(families)
    cells = [cell for row in frame.cells[: frame.items_of(families)] for cell in row if cell is not None]
    ran = sum(cell.state is not CellState.NOT_RUN for cell in cells)
    scored = states["solved"] + states["unsolved"]
    described: dict[View, Described] = {}
    for view in View:
        # Where nobody cheated both views are the same numbers: they are computed once.
        same = next((described[other] for other in described if np.array_equal(frame.low[view], frame.low[other])
                     and np.array_equal(frame.high[view], frame.high[other])), None)
        described[view] = same or _described(plan, frame, view, families, models=models)
    return DomainResult(
        name=frame.domain, threshold=planned.threshold, families_planned=len(planned.families), families=families, items=frame.items_of(families),
        cells=frame.items_of(families) * plan.epochs, states=states, cheated=sum(cell.cheated for cell in cells),
        refused_share=states["refused"] / ran if ran else 0.0, scored_only=states["solved"] / scored if scored else None,
        tokens=sum(cell.tokens for cell in cells), seconds=math.fsum(cell.seconds for cell in cells),
        cost_microdollars=sum(cell.cost_microdollars for cell in cells), controls=controls,
        positive_controls=exact(controls.positive_passed, controls.positive_total) if controls and controls.positive_total else None,
        readings=dict(readings), described=described,
        budget=budget.curve(plan, frame, plan.decides, families),
        horizon=horizon.fit(planned, frame, plan.decides, families, minutes) if minutes else None,
        paired=paired.compare(frame, reference, plan.decides, families) if reference else None,
    )


def _described(plan: Plan, frame: Frame, view: View, families: int, *, models: bool) -> Described:
    items = frame.items_of(families)
    low, high = frame.low[view][:items], frame.high[view][:items]
    family = frame.family[:items]
    clusters = np.repeat(family, plan.epochs)
    means = [float(each.mean()) for each in (low, high)]
    errors = [clustered_error(each.reshape(-1), clusters) for each in (low, high)]
    wilson = [clustered_wilson(each.reshape(-1), clusters) if families > 1 else None for each in (low, high)]
    fits = [
        glmm.fit(glmm.Outcomes(each.sum(axis=1).astype(np.int64), np.full(items, plan.epochs), family)) if models else None
        for each in ((low,) if np.array_equal(low, high) else (low, high))
    ]
    return Described(
        means[0], means[1], errors[0], errors[1], t_interval(means[0], errors[0], families), t_interval(means[1], errors[1], families),
        wilson[0], wilson[1], _items_error(plan, frame, low, families), fits[0], fits[-1],
    )


def _items_error(plan: Plan, frame: Frame, values: Any, families: int) -> float | None:
    if plan.epochs < 2:
        return None
    weights = (1 / (families * frame.items[:families]))[frame.family[: len(values)]]
    return float(np.sqrt((weights**2 * values.var(axis=1, ddof=1) / plan.epochs).sum()))


def plain(value: Any) -> Any:
    """A record as JSON has it: names of fields as keys, words for enumerations; what is no finite number becomes null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def sealed_record(
    plan: Plan, cells: Sequence[Cell], effort: Effort, controls: Mapping[str, Controls], *, looks: Sequence[LookMade] = (),
    findings: Sequence[Finding] = (), human_minutes: Mapping[str, float] | None = None, reference_cells: Sequence[Cell] | None = None,
    models: bool = True,
) -> tuple[Analysis, dict[str, Any]]:
    """The result and the document that holds everything it was computed from; arguments as for `analyse`."""
    analysis = analyse(plan, cells, effort, controls, looks=looks, findings=findings, human_minutes=human_minutes,
                       reference_cells=reference_cells, models=models)
    return analysis, {
        "format": FORMAT, "plan": render_plan(plan), "cells": _render_cells(cells), "effort": plain(asdict(effort)),
        "controls": plain(controls), "looks": plain(tuple(looks)), "findings": plain(tuple(findings)), "human_minutes": dict(human_minutes or {}),
        "reference_cells": None if reference_cells is None else _render_cells(reference_cells), "models": models, "result": plain(analysis),
    }


def record_bytes(record: Mapping[str, Any]) -> bytes:
    """The record in the one form that is hashed and sealed (RFC 8785)."""
    return rfc8785.dumps(dict(record))


def reproduce(document: bytes | str | Mapping[str, Any]) -> tuple[Analysis, dict[str, Any]]:
    """A record's result computed again from what the record holds; whoever calls compares it with the one within.

    Raises:
        Invalid: it is no such record.
    """
    raw = loads(document, "the analysis record") if isinstance(document, bytes | str) else document
    reader = Reader(raw, "record")
    if reader.text("format") != FORMAT:
        raise Invalid(f"record.format is not {FORMAT!r}")
    plan = parse_plan(raw.get("plan", {}))
    return sealed_record(
        plan, _parse_cells(raw.get("cells"), "record.cells"), _parse_effort(reader.object("effort")), _parse_controls(raw.get("controls")),
        looks=[LookMade(each.text("domain"), each.whole("families", 0)) for each in _rows(raw.get("looks"), "record.looks")],
        findings=[Finding(each.text("name"), each.text("about"), each.long_text("message"), each.truth("blocks"))
                  for each in _rows(raw.get("findings"), "record.findings")],
        human_minutes={item: Reader(raw["human_minutes"], "record.human_minutes").number(item, above=0) for item in raw.get("human_minutes") or {}},
        reference_cells=None if raw.get("reference_cells") is None else _parse_cells(raw["reference_cells"], "record.reference_cells"),
        models=reader.truth("models"),
    )


def _render_cells(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    return [{
        "domain": cell.item.domain, "family": cell.item.family, "item": cell.item.item, "epoch": cell.epoch, "state": cell.state.value,
        "cheated": cell.cheated, "tokens": cell.tokens, "seconds": cell.seconds, "cost_microdollars": cell.cost_microdollars,
    } for cell in cells]


def _rows(value: Any, path: str) -> list[Reader]:
    if not isinstance(value, list | tuple):
        raise Invalid(f"{path} must be a list")
    return [Reader(each, f"{path}[{place}]") for place, each in enumerate(value)]


def _parse_cells(value: Any, path: str) -> list[Cell]:
    return [Cell(
        PlannedItem(each.text("domain"), each.text("family"), each.text("item")), each.whole("epoch", 0), each.word("state", CellState),
        each.truth("cheated"), each.whole("tokens", 0), each.number("seconds", least=0), each.whole("cost_microdollars", 0),
    ) for each in _rows(value, path)]


def _parse_effort(each: Reader) -> Effort:
    return Effort(
        each.whole("scaffolds", 0), each.whole("prompts", 0), each.whole("attempts", 0), each.whole("tokens", 0), each.number("person_hours", least=0),
        tuple(each.texts("tools")) if each.filled("tools") else (), each.truth("fine_tuning"), each.text("safeguards"),
        each.words("notes") if each.filled("notes") else None,
    )


def _parse_controls(value: Any) -> dict[str, Controls]:
    if not isinstance(value, Mapping):
        raise Invalid("record.controls must be an object")
    return {str(name): Controls(*(Reader(each, f"record.controls.{name}").whole(field.name, 0) for field in fields(Controls)))
            for name, each in value.items()}
