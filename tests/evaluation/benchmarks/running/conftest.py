"""A run over toy items, and a worker for it, on either database."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import new_id
from clearinghouse.evaluation.benchmarks.engines.direct import DirectEngine
from clearinghouse.evaluation.benchmarks.running.jobs import Runner
from clearinghouse.evaluation.benchmarks.running.records import Run
from clearinghouse.parties.records import Basis, Grant
from clearinghouse.sandbox import Sandbox
from eval_support import ScriptedModel, ToyItems, grade_toy, plan_toy_run
from party_factories import give

Plan = Callable[..., Run]
Work = Callable[..., Run]


@pytest.fixture
def review() -> str:
    """A review that nobody made: runs need its id alone."""
    return new_id("rev")


@pytest.fixture
def plan(instance: Instance, review: str) -> Plan:
    """Plans a run of this review; the instance's actor takes part in it."""
    give(instance, Grant(review, instance.actor.id, Basis.PARTICIPANT))

    def planning(items: ToyItems, **changes: Any) -> Run:
        values = {"review": review, **changes}
        with instance.database.write() as tx:
            return plan_toy_run(
                tx, items, actor=instance.actor.id, envelope=instance.envelope, policy=instance.policy.benchmarks, now=instance.clock.now(), **values
            )

    return planning


@pytest.fixture
def work(instance: Instance, sandbox: Sandbox) -> Work:
    """Works on a run with our own engine."""

    def working(run: Run, items: ToyItems, model: ScriptedModel, stop: threading.Event | None = None, **changes: Any) -> Run:
        grade = changes.pop("grade", grade_toy)
        runner = Runner(
            instance.database, instance.envelope, instance.actor.id, instance.policy.benchmarks, instance.clock.now, sandbox, items, grade,
            pause_seconds=0.01,
        )
        return runner.work(run.id, changes.pop("engine", None) or DirectEngine(), model.endpoint, stop or threading.Event(), **changes)

    return working
