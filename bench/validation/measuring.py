"""Running the planted flaws through the bench, and what it costs."""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from bench.validation.grouping import (
    SCENARIOS,
    Grouped,
    Score,
    by_stacks,
    claims,
    columns_of,
    group,
    materials_of,
    reports_of,
    rows_of,
    score,
)
from bench.validation.recipes import Case, Trial, trials
from bench.validation.truth import Program
from clearinghouse.core.policy import Policy
from clearinghouse.disclosure.validation.judging import Verdict, assess
from clearinghouse.disclosure.validation.matrix.running import Matrix, MatrixBench
from clearinghouse.disclosure.validation.workshop import MadeMaterials, Workshop
from clearinghouse.sandbox import Command, Level, Ran, Sandbox

SINGLE = "one patch for each flaw"
"""Only the first report of a flaw brings its patch: what others could join by is proposed at most."""
THRESHOLDS = tuple(round(0.30 + 0.05 * step, 2) for step in range(14))
_GROWTH = ((4, 2), (8, 2), (16, 2), (8, 4), (8, 8))
"""Reproducers and patches of one component."""


class Counted:
    """A sandbox that counts what it is asked."""

    def __init__(self, inner: Sandbox) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self.runs = 0

    @property
    def level(self) -> Level:
        return self._inner.level

    @property
    def slots(self) -> int:
        return self._inner.slots

    def run(self, command: Command, *, stop: threading.Event | None = None) -> Ran:
        with self._lock:
            self.runs += 1
        return self._inner.run(command, stop=stop)

    def close(self) -> None:
        self._inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


@dataclass(slots=True)
class Verdicts:
    """How the trials of a program went."""

    right: Counter[Case] = field(default_factory=Counter)
    trials: Counter[Case] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    by_chance: Counter[Verdict] = field(default_factory=Counter)
    """What inputs that break in every other run were called."""

    def note(self, trial: Trial, verdict: Verdict, reasons: Sequence[str]) -> None:
        """Count one."""
        if not trial.right:
            self.by_chance[verdict] += 1
            return
        self.trials[trial.case] += 1
        self.right[trial.case] += verdict in trial.right
        if verdict not in trial.right:
            told = " or ".join(sorted(each.value for each in trial.right))
            self.wrong.append(f"{trial.name}: {verdict.value}, {told} would be right ({'; '.join(reasons)})")

    def render(self) -> dict[str, Any]:
        """As the results keep it."""
        return {
            "by_case": {case.value: {"right": self.right[case], "of": self.trials[case]} for case in sorted(self.trials)},
            "every_other_run": {verdict.value: count for verdict, count in sorted(self.by_chance.items())}, "wrong": self.wrong,
        }


def judge_program(sandbox: Sandbox, program: Program, others: Sequence[Program], policy: Policy, *, most: int | None = None) -> Verdicts:
    """The verdicts of the bench on a program, beside those that are right.

    Args:
        others: where patches that do not fit are taken from.
        most: trials of each case; all where it is None.
    """
    found = Verdicts()
    with Workshop(sandbox, materials_of([program, *others]), policy.bench) as workshop:
        taken: Counter[Case] = Counter()
        for trial in trials(program, others, policy.bench):
            taken[trial.case] += 1
            if most is None or taken[trial.case] <= most:
                seen = assess(workshop, trial.recipe, policy.bench)
                found.note(trial, seen.verdict, seen.reasons)
    return found


@dataclass(slots=True)
class Groupings:
    """A program's reports grouped by execution in every scenario, and by stacks."""

    program: str
    unseen: bool
    reports: int
    patches: int
    scores: dict[str, Score] = field(default_factory=dict)
    stacks: dict[str, Score] = field(default_factory=dict)
    proposed: Score = field(default_factory=Score)
    """Pairs with medium evidence where each flaw has one patch."""
    contradicted: dict[str, int] = field(default_factory=dict)
    """Pairs that strong edges lead together though a patch tells them apart: shown to a person, and not joined."""
    welded: list[str] = field(default_factory=list)
    cells: int = 0
    runs: int = 0
    seconds: float = 0.0

    def render(self) -> dict[str, Any]:
        """As the results keep it."""
        return {
            "unseen": self.unseen, "reports": self.reports, "patches": self.patches, "cells": self.cells, "runs": self.runs,
            "seconds": round(self.seconds, 1), "by_execution": {name: one.render() for name, one in self.scores.items()},
            "by_stacks": {name: one.render() for name, one in self.stacks.items()},
            "proposed": {"right": self.proposed.right, "wrong": self.proposed.wrong}, "contradicted": self.contradicted, "welded": self.welded,
        }


def group_program(sandbox: Sandbox, program: Program, policy: Policy) -> Groupings:
    """Groups by execution and by stacks, against the truth."""
    found = Groupings(program.name, program.unseen, len(reports_of(program)), len(program.changes))
    counted = Counted(sandbox)
    with Workshop(counted, made := materials_of([program]), policy.bench) as workshop:
        before: Matrix | None = None
        for scenario, kinds in [*SCENARIOS.items(), (SINGLE, SCENARIOS["and releases and stubs"])]:
            grouped = group(program, workshop, made, policy, kinds, before, single=scenario == SINGLE)
            before = grouped.matrix
            _note(found, scenario, grouped)
            if scenario == SINGLE:
                # What is put before a person beside what is joined: pair by pair, nothing follows from a chain of them.
                found.proposed = score(grouped.proposed, grouped.truth)
        found.runs = counted.runs
        for rule, groups in by_stacks(grouped.matrix.reproducers, THRESHOLDS).items():
            found.stacks[rule] = score(groups, grouped.truth)
    return found


def _note(found: Groupings, scenario: str, grouped: Grouped) -> None:
    groups = grouped.weighed.groups
    told = found.scores[scenario] = score(groups, grouped.truth)
    found.cells += grouped.cells
    found.seconds += grouped.seconds
    if grouped.weighed.contradictions:
        found.contradicted[scenario] = len(grouped.weighed.contradictions)
    if told.wrong:
        mixed = [sorted(members) for members in groups if len({grouped.truth[member] for member in members}) > 1]
        found.welded.append(f"{found.program}, {scenario}: {mixed}")


def growth(sandbox: Sandbox, program: Program, policy: Policy) -> list[dict[str, Any]]:
    """What filling a component's matrix costs, by its size, and what one more row and column cost once it is filled."""
    rows = rows_of(program, policy)
    named = claims(program, SCENARIOS["right fixes"])
    columns = columns_of(program, ("fix", "second", "partial", "stub"))
    found = []
    for reproducers, patches in _GROWTH:
        counted = Counted(sandbox)
        chosen, applied = rows[:: max(1, len(rows) // reproducers)][:reproducers], sorted(columns, key=lambda one: one.id not in named)[:patches]
        with Workshop(counted, made := MadeMaterials(materials_of([program])), policy.bench) as workshop:
            bench = MatrixBench(workshop, made, policy.matrix)
            began = time.monotonic()
            bench.fill(chosen[:-1], applied)
            first, first_runs = time.monotonic() - began, counted.runs
            began = time.monotonic()
            filled = bench.fill(chosen, applied)
            found.append({
                "reproducers": reproducers, "patches": patches, "cells": len(filled.cells), "seconds": round(first, 2), "runs": first_runs,
                "one_more_reproducer": {"seconds": round(time.monotonic() - began, 2), "runs": counted.runs - first_runs},
            })
    return found


def summarise(documents: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The figures of all programs together, from those of each."""
    by_case: dict[str, Counter[str]] = {}
    chance: Counter[str] = Counter()
    wrong: list[str] = []
    execution: dict[str, Score] = {}
    unseen: dict[str, Score] = {}
    stacks: dict[str, Score] = {}
    cost: Counter[str] = Counter()
    proposed: Counter[str] = Counter()
    for document in documents.values():
        verdicts, grouping = document["verdicts"], document["grouping"]
        for case, row in verdicts["by_case"].items():
            by_case.setdefault(case, Counter()).update(row)
        chance.update(verdicts["every_other_run"])
        wrong += [*verdicts["wrong"], *grouping["welded"]]
        proposed.update(grouping["proposed"])
        for into, rows in ((execution, grouping["by_execution"]), (unseen, grouping["by_execution"] if grouping["unseen"] else {}), (stacks, grouping["by_stacks"])):
            for name, row in rows.items():
                into[name] = into.get(name, Score()) + Score(row["right"], row["wrong"], row["missed"])
        cost.update({name: grouping[name] for name in ("reports", "patches", "cells", "runs", "seconds")})
        cost["pairs_within_components"] += grouping["reports"] * grouping["patches"]
    stable = [row for case, row in by_case.items() if case != Case.FLAKY]
    best = max((name for name in stacks if name.startswith("similarity")), key=lambda name: stacks[name].f1, default="")
    return {
        "programs": len(documents),
        "stable": {"right": sum(row["right"] for row in stable), "of": sum(row["of"] for row in stable)},
        "flaky": dict(by_case.get(Case.FLAKY, Counter({"right": 0, "of": 0}))),
        "by_case": {case: dict(row) for case, row in sorted(by_case.items())}, "every_other_run": dict(chance), "wrong": wrong,
        "by_execution": {name: one.render() for name, one in execution.items()}, "unseen": {name: one.render() for name, one in unseen.items()},
        "by_stacks": {name: one.render() for name, one in stacks.items() if not name.startswith("similarity") or name == best},
        "proposed": dict(proposed), "cost": {
            **{name: round(value, 1) for name, value in cost.items()}, "pairs_across_components": cost["reports"] * cost["patches"],
            "cells_per_second": round(cost["cells"] / cost["seconds"], 2) if cost["seconds"] else None,
            "runs_per_second": round(cost["runs"] / cost["seconds"], 1) if cost["seconds"] else None,
        },
    }


def sizes(programs: Sequence[Program]) -> dict[str, int]:
    """What is planted."""
    return {
        "programs": len(programs), "flaws": sum(len(program.flaws) for program in programs),
        "inputs": sum(len(program.triggers) for program in programs), "patches": sum(len(program.changes) for program in programs),
        "reports_grouped": sum(len(reports_of(program)) for program in programs),
    }
