"""A climb as an in-toto statement, to be signed as evidence like an assessment. It holds no input and no log, only their digests."""

from datetime import datetime
from typing import Any

from clearinghouse.core.clock import render_instant
from clearinghouse.disclosure.validation.evidence.statement import PREDICATE_TYPE, STATEMENT_TYPE
from clearinghouse.disclosure.validation.patches.records import Climb, StepState
from clearinghouse.disclosure.validation.patches.rules import wording


def statement_of_climb(climb: Climb, *, validator: str, about: tuple[str, ...], now: datetime) -> dict[str, Any]:
    """The statement of a climb, as plain values. The result is PASSED only where every rung held.

    Args:
        validator: who ran it, as an id.
        about: ids of the report and the case it is about; empty outside of an instance.
    """
    complete = climb.stopped_by is None
    failed = any(step.state is StepState.FAILED for step in climb.steps)
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": "patch", "digest": {"sha256": climb.patch.removeprefix("sha256:")}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "result": "PASSED" if complete else "FAILED" if failed else "WARNED",
            "configuration": [{"name": "recipe", "digest": {"sha256": climb.recipe.removeprefix("sha256:")}}],
            "passedTests": [step.rung.value for step in climb.steps if step.state is StepState.HELD],
            "warnedTests": [step.rung.value for step in climb.steps if step.state is StepState.NOT_MADE],
            "failedTests": [step.rung.value for step in climb.steps if step.state is StepState.FAILED],
            "clearinghouse": {
                "highest": None if climb.highest is None else climb.highest.value, "wording": wording(climb), "supplier": climb.supplier.value,
                "label": climb.label, "seed": climb.seed, "sandbox": climb.level.render(), "validator": validator, "about": list(about),
                "at": render_instant(now),
                "steps": [
                    {
                        "rung": step.rung.value, "state": step.state.value, "reason": None if step.reason is None else step.reason.value,
                        "tried": step.tried, "held": step.held, "inputs": list(step.inputs), "cells": list(step.cells),
                    } for step in climb.steps
                ],
            },
        },
    }
