"""A worker that is killed in the middle of a run leaves no process, no mount, no cgroup and no file."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clearinghouse.sandbox import launcher
from clearinghouse.sandbox.cgroups.base import sweep

_MARK = f"777.{secrets.randbelow(10**12)}"
_LAUNCHERS: dict[int, set[int]] = {}
_WORKER = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background hands it on as ignored
from clearinghouse.sandbox import Command, Entry, Limits, SandboxSettings, open_sandbox
box = open_sandbox(SandboxSettings(slots=1, required=frozenset()))
limits = Limits(60, 60, 256 << 20, 32, 1 << 20, 8 << 20, 8 << 20, 100)
box.run(Command(("true",), limits))
print("ready", flush=True)
box.run(Command(("sh", "-c", "setsid sleep MARK & sleep MARK"), limits, inputs=(Entry("a", b"x"),), stdin=b"y"))
""".replace("MARK", _MARK)


def _state(worker: int) -> dict[str, list[str]]:
    """Everything of it that can be seen on this machine."""
    processes = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            line = (path / "cmdline").read_bytes()
            if _MARK.encode() in line.split(b"\0") or int(path.name) in _LAUNCHERS.get(worker, ()):
                processes.append(line.replace(b"\0", b" ").decode()[-60:])
        except OSError:
            continue
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if launcher.PLACE in line]
    walked = os.walk("/sys/fs/cgroup")  # unlike `rglob`, at peace with folders that go away
    groups = [f"{folder}/{name}" for folder, names, _ in walked for name in names if name.startswith(f"clearinghouse-{worker}-")]
    files = [str(path) for path in (Path(launcher.PLACE), Path(launcher.ROOT)) if path.exists()]
    return {"processes": processes, "mounts": mounts, "groups": groups, "files": files}


@pytest.fixture
def worker() -> Iterator["subprocess.Popen[str]"]:
    """A worker in the middle of a run."""
    started = subprocess.Popen([sys.executable, "-c", _WORKER], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "src"}, start_new_session=True)
    assert started.stdout is not None
    if started.stdout.readline() != "ready\n":
        pytest.skip("SKIPPED FOR WANT OF A SANDBOX")
    _LAUNCHERS[started.pid] = {int(path.name) for path in Path("/proc").glob("[0-9]*") if _is_launcher_of(path, started.pid)}
    deadline = time.monotonic() + 10
    while len(_state(started.pid)["processes"]) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    try:
        yield started
    finally:
        started.kill()
        started.wait()
        started.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_worker_that_is_ended_in_the_middle_leaves_nothing(worker: "subprocess.Popen[str]", number: signal.Signals) -> None:
    during = _state(worker.pid)
    assert len(during["processes"]) >= 3, "arranged too little to show anything"
    assert during["mounts"] == []
    os.kill(worker.pid, number)
    worker.wait(20)
    deadline = time.monotonic() + 10
    while any(_state(worker.pid).values()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _state(worker.pid) == {"processes": [], "mounts": [], "groups": [], "files": []}


def test_worker_and_launcher_killed_together_leave_only_empty_groups_that_the_next_start_removes(worker: "subprocess.Popen[str]") -> None:
    groups = _state(worker.pid)["groups"]
    process = next(int(path.name) for path in Path("/proc").glob("[0-9]*") if _is_launcher_of(path, worker.pid))
    os.kill(worker.pid, signal.SIGSTOP)  # so that it cannot tidy up
    os.kill(process, signal.SIGKILL)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait(20)
    deadline = time.monotonic() + 10
    while _state(worker.pid)["processes"] and time.monotonic() < deadline:
        time.sleep(0.05)
    left = _state(worker.pid)
    assert (left["processes"], left["mounts"], left["files"], left["groups"]) == ([], [], [], groups)
    for parent in {Path(group).parent for group in groups}:
        sweep(parent)
    assert _state(worker.pid)["groups"] == []


def _is_launcher_of(path: Path, worker: int) -> bool:
    try:
        return int((path / "stat").read_text().rpartition(")")[2].split()[1]) == worker and b"launcher.py" in (path / "cmdline").read_bytes()
    except OSError:
        return False
