"""kill -9 at random points of a bulk import, then the same command again: nothing lost, nothing twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests_support import Command

_LINES = 12_000


@pytest.mark.long
def test_killed_anywhere_a_bulk_import_resumes(tmp_path: Path) -> None:
    chance = random.Random(3)
    flood = tmp_path / "flood.ndjson"
    with flood.open("w") as file:
        for number in range(_LINES):
            words = " ".join(f"w{chance.randrange(5000)}" for _ in range(40))
            file.write(json.dumps({"id": f"n{number}", "title": f"Flaw {number} in f{number}()", "description": words}) + "\n")
    command = Command(tmp_path / "home")
    command("init")
    kills = 0
    for _ in range(12):
        environment = {**os.environ, "CLEARINGHOUSE_HOME": str(command.home)}
        started = subprocess.Popen(
            [sys.executable, "-m", "clearinghouse", "intake", str(flood), "--no-deconflict"], env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(0.3, 3.0))
        if started.poll() is None:
            started.send_signal(signal.SIGKILL)
            kills += 1
        started.wait()
    [taken] = json.loads(command("intake", flood, "--json", "--no-deconflict"))
    assert kills >= 4, "the import was over before it could be killed"
    assert sum(taken["counts"].values()) == _LINES
    assert json.loads(command("reports", "--newest", "1", "--json"))["total"] == _LINES
    command("ledger", "checkpoint")
    state = json.loads(command("ledger", "verify", "--json"))
    assert state["valid"]
    assert state["waiting"] == 0


def test_killed_reader_or_writer_of_a_small_import_resumes(command: Command, tmp_path: Path) -> None:
    flood = tmp_path / "flood.ndjson"
    flood.write_text("".join(json.dumps({"id": f"n{n}", "title": f"Flaw {n} in f{n}()"}) + "\n" for n in range(3000)))
    command("init")
    environment = {**os.environ, "CLEARINGHOUSE_HOME": str(command.home)}
    for wait in (0.6, 1.2):
        started = subprocess.Popen(
            [sys.executable, "-m", "clearinghouse", "intake", str(flood), "--no-deconflict"], env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        time.sleep(wait)
        started.kill()
        started.wait()
    command("intake", flood, "--no-deconflict")
    assert json.loads(command("reports", "--newest", "1", "--json"))["total"] == 3000
    command("ledger", "checkpoint")
    assert json.loads(command("ledger", "verify", "--json"))["waiting"] == 0
