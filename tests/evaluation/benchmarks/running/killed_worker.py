"""A worker of a run in a process of its own, for a test that kills it."""

import sys
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from clearinghouse.app.settings import load_settings
from clearinghouse.app.wiring import open_instance
from clearinghouse.evaluation.benchmarks.engines import Endpoint
from clearinghouse.evaluation.benchmarks.engines.direct import DirectEngine
from clearinghouse.evaluation.benchmarks.running import store
from clearinghouse.evaluation.benchmarks.running.jobs import Runner
from clearinghouse.sandbox import open_sandbox
from eval_support import ToyItems, grade_toy, toy_item


def main(home: str, run_id: str, url: str, later_seconds: str) -> None:
    """Work on the run until it ends, or this process does."""
    instance = open_instance(load_settings(Path(home)))
    with instance.database.read() as tx:
        found = store.system_run(tx, run_id)
        assert found is not None
        plan, _ = store.system_plan(tx, found.id, instance.envelope)
    items = ToyItems(0, {item: replace(toy_item(int(name[1:])), id=item) for name, item in plan.items.items()})

    def now() -> datetime:
        return instance.clock.now() + timedelta(seconds=float(later_seconds))

    with open_sandbox() as sandbox:
        runner = Runner(instance.database, instance.envelope, instance.actor.id, instance.policy.benchmarks, now, sandbox, items, grade_toy)
        print(runner.work(run_id, DirectEngine(), Endpoint(url, "ch.acc_test.secret", "toy-model"), threading.Event()).state)


if __name__ == "__main__":
    main(*sys.argv[1:])
