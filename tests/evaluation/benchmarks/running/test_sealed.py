"""After a run, and in the middle of one, no byte of an item lies anywhere but sealed."""

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from clearinghouse.app.wiring import Instance
from clearinghouse.evaluation.benchmarks.engines import Engine
from clearinghouse.evaluation.benchmarks.engines.direct import DirectEngine
from clearinghouse.evaluation.benchmarks.engines.inspect import InspectEngine
from clearinghouse.evaluation.benchmarks.running import store
from clearinghouse.evaluation.benchmarks.running.jobs import Runner
from clearinghouse.evaluation.benchmarks.running.records import RunState
from clearinghouse.sandbox import Sandbox
from eval_support import CANARY, Asked, Said, ToyItems, grade_toy, plan_toy_run, scripted, solver, venue

_PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/run")


def found_in(folders: list[Path], since: set[Path]) -> list[str]:
    """Files with the canary, of those that were not there before."""
    found = []
    for folder in folders:
        for path in folder.rglob("*"):
            try:
                if path not in since and path.is_file() and not path.is_symlink() and CANARY.encode() in path.read_bytes():
                    found.append(str(path))
            except OSError:
                continue
    return found


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Every folder that a run or its engine could write to."""
    for name in ("TMPDIR", "HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "TMPDIR"))
    return [tmp_path]  # type: ignore[return-value]


@pytest.mark.parametrize("name", ["direct", "inspect"])
def test_no_canary_lies_outside_the_seal_during_and_after_a_run(
    sqlite_instance: Instance, sandbox: Sandbox, places: list[Path], capfd: pytest.CaptureFixture[str], name: str
) -> None:
    instance, items = sqlite_instance, ToyItems(3)
    engine: Engine = DirectEngine() if name == "direct" else InspectEngine(venue())
    before = {path for folder in _PLACES for path in Path(folder).glob("*")}
    during: list[str] = []

    def say(asked: Asked) -> Said:
        if asked.turn == 1:
            during.extend(found_in(places, set()))
        return solver(asked)

    with instance.database.write() as tx:
        run = plan_toy_run(
            tx, items, actor=instance.actor.id, envelope=instance.envelope, policy=instance.policy.benchmarks, now=instance.clock.now()
        )
    with scripted(say) as model:
        runner = Runner(instance.database, instance.envelope, instance.actor.id, instance.policy.benchmarks, instance.clock.now, sandbox, items, grade_toy)
        done = runner.work(run.id, engine, model.endpoint, threading.Event())
    assert done.state is RunState.DONE
    with instance.database.read() as tx:
        opened = store.system_transcripts(tx, run.id, store.system_key(tx, run.id, instance.envelope))
    assert all(CANARY.encode() in transcript for transcript in opened.values()), "something could leak"
    assert len(opened) == 3
    said = capfd.readouterr()
    assert (during, CANARY in said.out, CANARY in said.err) == ([], False, False)
    assert found_in(places, set()) == []
    new = [path for folder in _PLACES for path in Path(folder).glob("*") if path not in before and path.is_file()]
    assert [str(path) for path in new if CANARY.encode() in path.read_bytes()] == []
    assert not list((places[0] / "TMPDIR").iterdir()), "the folder of sockets goes with the run"
    (places[0] / "HOME" / "planted").write_text(CANARY)
    assert len(found_in(places, set())) == 1, "the scan finds what is there"
