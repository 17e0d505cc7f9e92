"""An assessment as an in-toto statement: subjects by digest, the result in test-result's words, and every input to it in ours.

Logs stay out; their digests stand in. What is left quotes nothing of what a payload printed but kinds and telling frames.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from clearinghouse.core.clock import render_instant
from clearinghouse.disclosure.validation.judging.records import Assessment, ControlState, Verdict
from clearinghouse.disclosure.validation.observing.records import Cell, Observation
from clearinghouse.disclosure.validation.recipes.records import Recipe

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
_RESULTS = {Verdict.VALIDATED: "PASSED", Verdict.REPRODUCED: "PASSED", Verdict.FLAKY: "WARNED", Verdict.UNPROVEN: "WARNED", Verdict.OTHER_EFFECT: "WARNED"}


def statement_of(recipe: Recipe, assessment: Assessment, *, validator: str, about: tuple[str, ...], now: datetime) -> dict[str, Any]:
    """The statement of an assessment, as plain values.

    Args:
        validator: who ran it, as an id.
        about: ids of the report and the case it is about; empty outside of an instance.
    """
    observed = assessment.observed
    subjects = [_resource("reproducer", recipe.reproducer), *(
        _resource(f"source {source.name}", source.digest) for source in recipe.builds[next(iter(recipe.builds))].sources
    )]
    controls = assessment.controls
    return {
        "_type": STATEMENT_TYPE,
        "subject": subjects,
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "result": _RESULTS.get(assessment.verdict, "FAILED"),
            "configuration": [_resource("recipe", recipe.digest)],
            "passedTests": [control.name for control in controls if control.state is ControlState.HELD],
            "warnedTests": [control.name for control in controls if control.state is ControlState.NOT_MADE],
            "failedTests": [control.name for control in controls if control.state is ControlState.FAILED],
            # Readers of the predicate pass over fields they do not know (in-toto, parsing rules).
            "clearinghouse": {
                "verdict": assessment.verdict.value, "tier": assessment.tier.value, "reasons": list(assessment.reasons),
                "controls": [{"name": each.name, "state": each.state.value, "wording": each.wording} for each in controls],
                "component": recipe.component, "sandbox": assessment.level.render(), "validator": validator, "about": list(about),
                "at": render_instant(now),
                "builds": {
                    name.value: {
                        "key": build.key, "stage": build.stage, "instrumented": build.instrumented, "toolchain": build.toolchain,
                        "patches": list(recipe.builds[name].patches),
                    } for name, build in observed.builds.items()
                },
                "edges": {name.value: count for name, count in observed.edges.items()},
                "cells": [_cell(label, cell) for label, cell in _cells(assessment)],
            },
        },
    }


def _cells(assessment: Assessment) -> Iterator[tuple[str, Cell]]:
    observed = assessment.observed
    for name, cell in observed.reproducer.items():
        yield f"reproducer on {name.value}", cell
    for name, cell in observed.canaries.items():
        yield f"canary on {name.value}", cell
    for name, cells in observed.benign.items():
        for cell in cells:
            yield f"benign on {name.value}", cell


def _cell(label: str, cell: Cell) -> dict[str, Any]:
    return {
        "name": label, "key": cell.key, "build": cell.build, "input": cell.input, "outcome": cell.outcome.value,
        "runs": [_run(run) for run in cell.runs],
    }


def _run(run: Observation) -> dict[str, Any]:
    found: dict[str, Any] = {
        "outcome": run.outcome.value, "log": run.log_digest, "exit": run.exit_code, "signal": run.signal, "memoryKills": run.memory_kills,
        "reachedEnd": run.reached_end, "milliseconds": round(run.wall_seconds * 1000), "kind": run.kind, "frames": list(run.frames),
        "reports": run.reports, "note": run.note,
    }
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def _resource(name: str, digest: str) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": digest.removeprefix("sha256:")}}
