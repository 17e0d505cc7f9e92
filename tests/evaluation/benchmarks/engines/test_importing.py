"""Logs made elsewhere: read in a venue of their own, and hostile."""

import io
import json
import threading
import zipfile

import pytest

from clearinghouse.core.errors import Invalid
from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.evaluation.benchmarks.engines import Generation, Job, Opened, SampleLimits
from clearinghouse.evaluation.benchmarks.engines.inspect import InspectEngine
from clearinghouse.evaluation.benchmarks.engines.inspect.importing import check_archive, read_log
from clearinghouse.evaluation.benchmarks.sessions import limits_of
from clearinghouse.sandbox import Sandbox
from eval_support import scripted, solver, venue


def test_log_is_read_back_to_the_same_records_and_damage_is_refused(sandbox: Sandbox, benchmark_policy: BenchmarkPolicy) -> None:
    logs: list[tuple[bytes, bytes]] = []
    with scripted(solver) as model:
        job = Job(
            "run_test", ("smp_a", "smp_b"), lambda sample: Opened("Read word.txt.", {"word.txt": b"alpha\n"}), model.endpoint, Generation(),
            SampleLimits(5_000, 12, 60.0, limits_of(benchmark_policy)), sandbox, on_log=lambda log, records: logs.append((log, records)),
        )
        InspectEngine(venue()).run(job, lambda result: None, threading.Event())
    ((log, records),) = logs
    expected = {name: value for name, value in json.loads(records).items() if name != "log"}
    assert json.loads(read_log(venue(), log)) == expected
    with pytest.raises(Invalid, match="cannot be read"):
        read_log(venue(), _zip({"header.json": b"{}", "samples/1.json": b"[" * 100_000}))


def _zip(members: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def test_archives_that_are_none_or_say_they_are_too_large_are_refused_unread() -> None:
    check_archive(_zip({"header.json": b"{}"}))
    for content, words in ((b"PK nonsense", "no archive"), (b"", "no archive"), (_zip({f"{number}": b"\0" * (64 << 20) for number in range(17)}), "unpacks to")):
        with pytest.raises(Invalid, match=words):
            check_archive(content)
