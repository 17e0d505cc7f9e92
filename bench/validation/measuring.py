"""Running the planted flaws through the bench, and what it costs."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
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
    """How the trials of some programs went."""

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
        stable = [case for case in self.trials if case is not Case.FLAKY]
        return {
            "stable": {"right": sum(self.right[case] for case in stable), "of": sum(self.trials[case] for case in stable)},
            "flaky": {"right": self.right[Case.FLAKY], "of": self.trials[Case.FLAKY]},
            "by_case": {case.value: {"right": self.right[case], "of": self.trials[case]} for case in sorted(self.trials)},
            "every_other_run": {verdict.value: count for verdict, count in sorted(self.by_chance.items())}, "wrong": self.wrong,
        }


def judge_all(sandbox: Sandbox, programs: Sequence[Program], every: Sequence[Program], policy: Policy, *, most: int | None = None) -> Verdicts:
    """The verdicts of the bench, beside those that are right.

    Args:
        every: where patches that do not fit are taken from.
        most: trials of each case and program; all where it is None.
    """
    found = Verdicts()
    with Workshop(sandbox, materials_of(every), policy.bench) as workshop:
        for program in programs:
            taken: Counter[Case] = Counter()
            for trial in trials(program, [one for one in every if one is not program], policy.bench):
                taken[trial.case] += 1
                if most is None or taken[trial.case] <= most:
                    seen = assess(workshop, trial.recipe, policy.bench)
                    found.note(trial, seen.verdict, seen.reasons)
    return found


@dataclass(slots=True)
class Groupings:
    """Grouping by execution in every scenario, and by stacks."""

    scores: dict[str, Score] = field(default_factory=dict)
    by_program: dict[str, dict[str, Score]] = field(default_factory=dict)
    stacks: dict[str, Score] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    reports: int = 0
    patches: int = 0
    cells: int = 0
    pairs: int = 0
    """Reproducers by patches within components: what there is to run at most."""
    all_pairs: int = 0
    """Reproducers by patches of all components: what would be run without components."""
    seconds: float = 0.0
    runs: int = 0
    unseen: dict[str, Score] = field(default_factory=dict)
    proposed: Score = field(default_factory=Score)
    """Pairs with medium evidence where each flaw has one patch; `missed` counts all that are not proposed."""

    def render(self) -> dict[str, Any]:
        """As the results keep it."""
        stacks = {name: one.render() for name, one in self.stacks.items()}
        best = max((name for name in stacks if name.startswith("similarity")), key=lambda name: stacks[name]["f1"], default="")
        return {
            "reports": self.reports, "patches": self.patches,
            "by_execution": {name: one.render() for name, one in self.scores.items()},
            "proposed_where_each_flaw_has_one_patch": {"right": self.proposed.right, "wrong": self.proposed.wrong},
            "programs_not_seen": {name: one.render() for name, one in self.unseen.items()},
            "by_program": {name: {scenario: round(one.f1, 4) for scenario, one in found.items()} for name, found in self.by_program.items()},
            "by_stacks": stacks, "best_similarity": best, "contradictions": self.contradictions, "wrong": self.wrong,
            "cost": {
                "cells": self.cells, "runs": self.runs, "seconds": round(self.seconds, 1),
                "cells_per_second": round(self.cells / self.seconds, 2) if self.seconds else None,
                "runs_per_second": round(self.runs / self.seconds, 1) if self.seconds else None,
                "reproducers_by_patches_within_components": self.pairs, "reproducers_by_patches_across": self.all_pairs,
            },
        }


def group_all(sandbox: Sandbox, programs: Sequence[Program], policy: Policy) -> Groupings:
    """Groups by execution and by stacks, against the truth."""
    found = Groupings()
    counted = Counted(sandbox)
    total_reports = total_patches = 0
    with Workshop(counted, made := materials_of(programs), policy.bench) as workshop:
        for program in programs:
            before: Matrix | None = None
            grouped: Grouped | None = None
            for scenario, kinds in [*SCENARIOS.items(), ("one patch for each flaw", SCENARIOS["and releases and stubs"])]:
                single = scenario == "one patch for each flaw"
                grouped = group(program, workshop, made, policy, kinds, before, single=single)
                before = grouped.matrix
                _note(found, scenario, program, grouped, grouped.weighed.groups)
                if single:
                    # What is put before a person beside what is joined: pair by pair, nothing follows from a chain of them.
                    proposed = score(grouped.proposed, grouped.truth)
                    found.proposed = found.proposed + proposed
                found.cells += grouped.cells
                found.seconds += grouped.seconds
            assert grouped is not None
            reports, patches = len(grouped.truth), len(program.changes)
            total_reports, total_patches = total_reports + reports, total_patches + patches
            found.pairs += reports * patches
            for rule, groups in by_stacks(grouped.matrix.reproducers, THRESHOLDS).items():
                found.stacks[rule] = found.stacks.get(rule, Score()) + score(groups, grouped.truth)
    found.reports, found.patches, found.runs = total_reports, total_patches, counted.runs
    found.all_pairs = total_reports * total_patches
    return found


def _note(found: Groupings, scenario: str, program: Program, grouped: Grouped, groups: Sequence[Sequence[str]]) -> None:
    told = score(groups, grouped.truth)
    found.scores[scenario] = found.scores.get(scenario, Score()) + told
    found.by_program.setdefault(program.name, {})[scenario] = told
    if program.unseen:
        found.unseen[scenario] = found.unseen.get(scenario, Score()) + told
    if told.wrong:
        mixed = [sorted(members) for members in groups if len({grouped.truth[member] for member in members}) > 1]
        found.wrong.append(f"{program.name}, {scenario}: {mixed}")
    found.contradictions += [f"{program.name}, {scenario}: {', '.join(one.reports)}" for one in grouped.weighed.contradictions]


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


def sizes(programs: Sequence[Program]) -> dict[str, int]:
    """What is planted."""
    return {
        "programs": len(programs), "flaws": sum(len(program.flaws) for program in programs),
        "inputs": sum(len(program.triggers) for program in programs), "patches": sum(len(program.changes) for program in programs),
        "reports_grouped": sum(len(reports_of(program)) for program in programs),
    }
