"""The path of a reproducer as people walk it: by command line and HTTP, with the real sandbox; and a worker killed in the middle."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from clearinghouse.sandbox import Sandbox
from sandbox_support import real_sandbox
from tests_support import Command


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    yield from real_sandbox("clang", "patch", "llvm-symbolizer")


def run(command: Command, *words: str, code: int = 0) -> str:
    done = command.run(*words)
    assert done.returncode == code, done.stderr
    return str(done.stdout)


def value(command: Command, *words: str) -> Any:
    return json.loads(run(command, *words, "--json"))


def case_of(command: Command, folder: Path) -> tuple[str, str]:
    """A case from a report of another organisation's finder."""
    command.run("init", "--organisation", "Example CERT", "--person", "Ada")
    finder = value(command, "party", "add", "Finder Ltd", "--kind", "organisation", "--role", "reporter")["id"]
    report = folder / "report.ndjson"
    report.write_text('{"title": "Overflow in the example reader", "description": "reads past the end", "reproduction": "run it"}\n')
    # It names no place in the code, and so is told with a note.
    report_id = str(value(command, "intake", str(report), "--reporter", finder)[0]["items_with_notes"][0]["report_id"])
    return value(command, "case", "open", report_id, "--title", "Overflow in the example reader")["id"], report_id


def test_example_is_proven_on_an_instance_and_its_evidence_checked_offline(sandbox: Sandbox, command: Command, tmp_path: Path) -> None:
    case, report = case_of(command, tmp_path)
    run(command, "recipe", "example", str(tmp_path / "proof"))
    added = value(command, "bench", "add", case, str(tmp_path / "proof"))
    recipe = next(one["id"] for one in added if one["kind"] == "recipe")
    asked = value(command, "bench", "ask", case, report, recipe)["id"]
    assert run(command, "bench", "ask", case, report, recipe, code=6) == ""
    worked = command.run("bench", "work", "--once")
    assert worked.returncode == 0, worked.stderr
    assert "sandbox: bubblewrap" in worked.stderr
    found = value(command, "bench", "show", case, asked, "--save", str(tmp_path / "evidence.json"))
    assert (found["line"]["verdict"], found["line"]["trust"], found["line"]["level"]) == ("validated", "T0", "bubblewrap")
    assert found["cells"][0]["outcome"] == "crash_sanitizer"
    assert "AddressSanitizer" in run(command, "bench", "show", case, asked, "--log", found["cells"][0]["logs"][0])
    key = run(command, "evidence", "key").strip()
    checked = value(command, "evidence", "verify", str(tmp_path / "evidence.json"), "--key", key)
    assert checked["digest"] == found["statement_digest"]
    assert checked["statement"]["predicate"]["clearinghouse"]["about"] == [report, case]
    assert checked["statement"]["predicate"]["clearinghouse"]["sandbox"]["kind"] == "bubblewrap"
    forged = (tmp_path / "evidence.json").read_bytes().replace(b"payload", b"payl0ad", 1)
    (tmp_path / "forged.json").write_bytes(forged)
    run(command, "evidence", "verify", str(tmp_path / "forged.json"), "--key", key, code=3)
    run(command, "evidence", "verify", str(tmp_path / "evidence.json"), "--key", "00" * 32, code=3)
    # Asked again it comes from memory: nothing is built or run.
    again = value(command, "bench", "ask", case, report, recipe)["id"]
    began = time.monotonic()
    run(command, "bench", "work", "--once")
    assert time.monotonic() - began < 20
    assert [line["verdict"] for line in value(command, "bench", "list", case)] == ["validated", "validated"]
    assert again != asked
    assert run(command, "ledger", "verify")


def _worker(command: Command) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "CLEARINGHOUSE_HOME": str(command.home)}
    return subprocess.Popen(
        [sys.executable, "-m", "clearinghouse", "bench", "work"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )


def _seen(command: Command, done_min: int) -> tuple[str, int]:
    """Where the one validation stands as soon as it runs and so much of it is done, looked up without a command's start."""
    deadline = time.monotonic() + 60
    with closing(sqlite3.connect(command.home / "clearinghouse.db", timeout=10)) as database:
        while time.monotonic() < deadline:
            state, done = database.execute("select state, done from validations").fetchone()
            if state != "queued" and done >= done_min:
                return str(state), int(done)
            time.sleep(0.01)
    raise TimeoutError("no worker came so far")


@pytest.mark.long
def test_worker_killed_in_the_middle_loses_no_job_and_brings_no_result_twice(sandbox: Sandbox, command: Command, tmp_path: Path) -> None:
    case, report = case_of(command, tmp_path)
    run(command, "recipe", "example", str(tmp_path / "proof"))
    added = value(command, "bench", "add", case, str(tmp_path / "proof"))
    asked = value(command, "bench", "ask", case, report, next(one["id"] for one in added if one["kind"] == "recipe"))["id"]
    for done_min in (0, 1):
        worker = _worker(command)
        # Killed where it stands: once while it begins to build, once with some of it done.
        state, done = _seen(command, done_min)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait(10)
        assert (state, done >= done_min) == ("running", True)
    deadline = time.monotonic() + 120
    while value(command, "bench", "list", case)[0]["state"] != "done" and time.monotonic() < deadline:
        run(command, "bench", "work", "--once")
        time.sleep(2)
    found = value(command, "bench", "show", case, asked)
    assert (found["line"]["verdict"], found["line"]["done"]) == ("validated", found["line"]["total"])
    assert len(value(command, "bench", "list", case)) == 1
