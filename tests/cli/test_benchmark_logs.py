"""`clearinghouse benchmark import-log`, on a log that Inspect itself wrote."""

import json
import threading
from pathlib import Path

import pytest

from clearinghouse.app.reviews.importing import ReadLog, keep_log
from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import NotFound
from clearinghouse.core.ids import new_id
from clearinghouse.core.roles import Role
from clearinghouse.evaluation.benchmarks.engines import Generation, Job, Opened, SampleLimits
from clearinghouse.evaluation.benchmarks.engines.inspect import InspectEngine
from clearinghouse.evaluation.benchmarks.running.importing import parse_map, read_records
from clearinghouse.evaluation.benchmarks.running.records import Purpose
from clearinghouse.evaluation.benchmarks.sessions import limits_of
from clearinghouse.parties.records import Basis, Grant
from eval_support import scripted, solver, venue
from party_factories import add, give
from sandbox_support import real_sandbox
from tests_support import Command

MAP = b'[map]\nscorer = "includes"\ncorrect = ["C"]\ndomain = "reading"\n'
RECORDS = json.dumps({
    "version": 1, "status": "success", "model": "m", "packages": {}, "planned_ids": ["a", "b"], "epochs": 1,
    "samples": [{"id": "a", "epoch": 1, "error": False, "limit": "", "stop_reason": "stop", "scores": {"includes": {"value": "C"}}, "metadata": {},
                 "prompt_tokens": 1, "completion_tokens": 1, "seconds": 1.0}],
}).encode()


def test_log_of_inspect_is_read_to_cells_with_nothing_kept(tmp_path: Path) -> None:
    logs: list[bytes] = []
    policy = parse_policy(1, default_policy_document()).benchmarks
    for sandbox in real_sandbox("python3", "bash"):
        with scripted(solver) as model:
            job = Job(
                "run_test", ("smp_a",), lambda sample: Opened("Read word.txt.", {"word.txt": b"alpha\n"}), model.endpoint, Generation(),
                SampleLimits(5_000, 12, 60.0, limits_of(policy)), sandbox, on_log=lambda log, records: logs.append(log),
            )
            InspectEngine(venue()).run(job, lambda result: None, threading.Event())
    (tmp_path / "a.eval").write_bytes(logs[0])
    (tmp_path / "map.toml").write_bytes(MAP)
    command = Command(tmp_path / "home")
    said = json.loads(command("benchmark", "import-log", tmp_path / "a.eval", "--map", tmp_path / "map.toml", "--python", venue().python, "--json"))
    assert said == {"run": "", "engine": "inspect-ai/0.3.285", "planned": 1, "found": 1, "states": {"unresolved": 1, "not_run": 0}}
    (tmp_path / "b.eval").write_bytes(b"nonsense")
    done = command.run("benchmark", "import-log", tmp_path / "b.eval", "--map", tmp_path / "map.toml", "--python", venue().python)
    assert done.returncode != 0
    assert "no archive" in done.stderr


def test_log_is_kept_with_a_review_that_the_actor_reads_and_with_no_other(sqlite_instance: Instance) -> None:
    instance, review = sqlite_instance, new_id("rev")
    evaluator = add(instance, "Evaluator", Role.EVALUATOR)
    found = ReadLog(read_records(RECORDS, parse_map(MAP)), b"log", RECORDS)
    with pytest.raises(NotFound):
        keep_log(instance.acting_as(evaluator), review, found, "m/1")
    give(instance, Grant(review, evaluator.id, Basis.PARTICIPANT))
    run = keep_log(instance.acting_as(evaluator), review, found, "m/1")
    assert (run.purpose, run.done, run.total) == (Purpose.IMPORTED, 1, 2)
