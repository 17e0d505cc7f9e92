"""Several threads, more runs than slots, closing, clocks that jump, and what a slot leaves behind."""

import dataclasses
import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clearinghouse.core.errors import Unavailable
from clearinghouse.sandbox import Command, Ending, Guard, Sandbox, SandboxSettings, bubblewrap, open_sandbox
from clearinghouse.sandbox.cgroups.base import own_name
from sandbox.conftest import SMALL


def test_more_runs_than_slots_wait_and_do_not_see_each_other(sandbox: Sandbox) -> None:
    def one(number: int) -> tuple[Ending, bytes, list[bytes]]:
        script = f"ls /work /tmp /out; echo {number} > /work/x; echo {number} > /tmp/x; sleep 0.1; cat /work/x; cp /work/x /out/x"
        ran = sandbox.run(Command(("sh", "-c", script), SMALL, keep=("x",)))
        return ran.ending, ran.untrusted_stdout.splitlines()[-1], list(ran.kept.values())

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(one, range(12)))
    assert found == [(Ending.EXITED, str(number).encode(), [f"{number}\n".encode()]) for number in range(12)]


def test_waiting_for_a_slot_can_be_stopped() -> None:
    stop = threading.Event()
    with open_sandbox(SandboxSettings(slots=1, required=frozenset())) as one, ThreadPoolExecutor(1) as pool:
        busy = pool.submit(one.run, Command(("sleep", "2"), SMALL))
        time.sleep(0.5)
        threading.Timer(0.2, stop.set).start()
        begun = time.monotonic()
        assert one.run(Command(("true",), SMALL), stop=stop).ending is Ending.STOPPED
        assert time.monotonic() - begun < 1
        assert busy.result().ending is Ending.EXITED


def test_closing_ends_what_runs_and_refuses_what_comes() -> None:
    opened = open_sandbox(SandboxSettings(slots=1, required=frozenset()))
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(opened.run, Command(("sleep", "60"), SMALL))
        time.sleep(0.5)
        begun = time.monotonic()
        opened.close()
        assert (busy.result().ending, time.monotonic() - begun < 5) == (Ending.STOPPED, True)
    with pytest.raises(Unavailable, match="closed"):
        opened.run(Command(("true",), SMALL))


def test_clock_that_jumps_changes_nothing(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    jumps = iter(range(10**9, 10**12, 10**6))
    monkeypatch.setattr(time, "time", lambda: float(next(jumps)))
    ran = sandbox.run(Command(("sleep", "0.2"), SMALL))
    assert (ran.ending, 0.2 <= ran.wall_seconds < 5) == (Ending.EXITED, True)


def test_full_scratch_is_told_to_the_program_and_forgotten(sandbox: Sandbox) -> None:
    small = dataclasses.replace(SMALL, scratch_bytes_max=4 << 20)
    ran = sandbox.run(Command(("sh", "-c", "head -c 9000000 /dev/zero > /work/x; ls -s --block-size=1 /work"), small))
    assert b"No space left on device" in ran.untrusted_stderr
    ran = sandbox.run(Command(("sh", "-c", "head -c 3000000 /dev/zero > /work/x && echo room"), small))
    assert ran.untrusted_stdout == b"room\n"


def test_memory_that_one_run_used_is_there_for_the_next(sandbox: Sandbox) -> None:
    if Guard.MEMORY not in sandbox.level.guards:
        pytest.skip("SKIPPED: nobody bounds memory here")
    tight = dataclasses.replace(SMALL, memory_bytes=96 << 20)
    peaks = []
    for _ in range(4):
        ran = sandbox.run(Command(("sh", "-c", "head -c 60000000 /dev/zero > /work/x"), tight))
        assert (ran.ending, ran.memory_kills) == (Ending.EXITED, 0)
        peaks.append(ran.memory_peak_bytes)
    # What the kernel has not yet taken back of the run before is subtracted: on a busy machine a peak is told too small now and then.
    assert None in peaks or max(peak for peak in peaks if peak is not None) >= 50_000_000


def test_slot_whose_launcher_was_killed_is_made_anew() -> None:
    others = launchers_below(os.getpid())
    with open_sandbox(SandboxSettings(slots=1, required=frozenset())) as one, ThreadPoolExecutor(1) as pool:
        busy = pool.submit(one.run, Command(("sleep", "60"), SMALL))
        time.sleep(0.6)
        os.kill((set(launchers_below(os.getpid())) - set(others)).pop(), 9)
        ran = busy.result(timeout=20)
        assert (ran.ending, ran.note.startswith("the sandbox failed")) == (Ending.NO_RUN, True)
        assert one.run(Command(("true",), SMALL)).ending is Ending.EXITED


def launchers_below(pid: int) -> list[int]:
    """Launchers whose worker a process is, in order."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(path.read_text().rpartition(")")[2].split()[1]) == pid and b"launcher.py" in (path.parent / "cmdline").read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return sorted(found)


def group_folders() -> list[Path]:
    """The cgroups of this process' slots."""
    walked = os.walk("/sys/fs/cgroup")
    return [Path(folder, name) for folder, names, _ in walked if folder.endswith(own_name()) for name in names]


def test_sandbox_that_lacks_a_required_guard_is_not_opened() -> None:
    with pytest.raises(Unavailable, match=r"nothing is run: this machine lacks the guards kernel; install runsc"):
        open_sandbox(SandboxSettings(kind="bubblewrap", slots=1, required=frozenset((Guard.KERNEL,))))


def test_sandbox_that_cannot_start_anything_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "_find", lambda: ("/usr/bin/false", "0.8.0"))
    others = launchers_below(os.getpid())
    with pytest.raises(Unavailable, match=r"cannot start even `true`.*AppArmor"):
        open_sandbox(SandboxSettings(slots=1, required=frozenset()))
    assert launchers_below(os.getpid()) == others


def test_machine_without_the_program_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(Unavailable, match="apt-get install bubblewrap"):
        open_sandbox(SandboxSettings(slots=1, required=frozenset()))
    with pytest.raises(Unavailable, match="apt-get install runsc"):
        open_sandbox(SandboxSettings(kind="runsc", slots=1, required=frozenset()))


def test_nothing_is_left_when_it_is_closed() -> None:
    others = launchers_below(os.getpid())
    with open_sandbox(SandboxSettings(slots=2, required=frozenset())) as opened:
        assert opened.run(Command(("true",), SMALL)).ending is Ending.EXITED
        ours = sorted(set(launchers_below(os.getpid())) - set(others))
        assert len(ours) == 1
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(5):
            opened.run(Command(("sh", "-c", "exit 3"), SMALL, stdin=b"x", keep=("y",)))
        assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
        groups = [folder for folder in group_folders() if str(ours[0]) in (folder / "cgroup.procs").read_text().split()]
        assert bool(groups) is (Guard.MEMORY in opened.level.guards)
    assert (launchers_below(os.getpid()), [folder for folder in groups if folder.exists()]) == (others, [])
