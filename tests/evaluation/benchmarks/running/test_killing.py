"""kill -9 in the middle of a run: what was committed stays, what was not is run again, and nothing counts twice."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from clearinghouse.app.settings import Settings
from clearinghouse.app.wiring import create_instance
from clearinghouse.evaluation.benchmarks.running import store
from clearinghouse.evaluation.benchmarks.running.jobs import LEASE_SECONDS, cells_of, check
from clearinghouse.evaluation.benchmarks.running.records import RunState
from clearinghouse.evaluation.statistics.records import CellState
from clearinghouse.ledger import store as ledger_store
from eval_support import Asked, Said, ToyItems, plan_toy_run, scripted, solver

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.usefixtures("sandbox")
def test_run_whose_worker_is_killed_again_and_again_ends_with_every_cell_once(tmp_path: Path) -> None:
    home, items = tmp_path / "home", ToyItems(5)
    settings = Settings(home, f"sqlite:///{home / 'clearinghouse.db'}", "test.example/log", home / "witness" / "checkpoint", "")
    instance = create_instance(settings, organisation="Example CERT", person="Operator")
    with instance.database.write() as tx:
        run = plan_toy_run(tx, items, actor=instance.actor.id, envelope=instance.envelope, policy=instance.policy.benchmarks, now=instance.clock.now())
    enough = threading.Event()
    kill_at = {2, 5}

    def say(asked: Asked) -> Said:
        if asked.number in kill_at:
            enough.set()
            threading.Event().wait(1.0)  # the worker is killed while it waits for this answer
        return solver(asked)

    with scripted(say) as model:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT / "tests"), str(ROOT)))}
        for attempt in range(3):
            enough.clear()
            worker = subprocess.Popen(
                [sys.executable, str(Path(__file__).parent / "killed_worker.py"), str(home), run.id, model.url, str(attempt * (LEASE_SECONDS + 1))],
                env=environment, stdout=subprocess.PIPE, text=True,
            )
            if attempt < 2:
                assert enough.wait(60)
                os.kill(worker.pid, signal.SIGKILL)
            said, _ = worker.communicate(timeout=120)
        assert said.strip() == RunState.DONE
    with instance.database.read() as tx:
        samples, cells = store.system_samples(tx, run.id), cells_of(tx, run.id)
        found = store.system_run(tx, run.id)
        assert found is not None
        facts = check(tx, found, instance.envelope, deep=True)
        kinds = [[event.kind for event in ledger_store.events_about(tx, sample.id)] for sample in samples]
    assert [cell.state for cell in cells] == [CellState.SOLVED] * 5
    assert (found.state, found.done, facts) == (RunState.DONE, 5, ())
    assert sum(sample.attempts for sample in samples) == 5 + 2
    assert [each.count("SampleBegun") for each in kinds] == [sample.attempts for sample in samples]
    assert [each.count("SampleEnded") for each in kinds] == [1] * 5
    assert model.samples() == [sample.id for sample in samples], "in the order of the plan, whoever was killed"
    instance.close()
