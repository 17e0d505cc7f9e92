"""Attacks 1 to 24 of the table in `docs/reference/sandbox.md`, and each with its guard taken away where that is safe."""

import contextlib
import dataclasses
import json
import os
import pty
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clearinghouse.core.errors import Unavailable
from clearinghouse.sandbox import Command, Ending, Guard, Sandbox, SandboxSettings, open_sandbox
from clearinghouse.sandbox.preflight import ATTACKS, Answer, Attack, Finding, attempt, demand, examine
from clearinghouse.sandbox.preflight.base import PRELUDE
from sandbox.conftest import SMALL
from sandbox.weakened import Weakened, host_folder
from tests_support import lacking_feature

BY_NUMBER = {attack.number: attack for attack in ATTACKS}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="SKIPPED: what only root could do is tried")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of this machine that everybody may write to."""
    made = host_folder(f"clearinghouse-test-{secrets.token_hex(6)}")
    try:
        yield made
    finally:
        shutil.rmtree(made)


def succeeds(sandbox: Sandbox, number: int, seen_as: tuple[str, str] = ("", "")) -> str:
    """What the attack got at, which must be something."""
    attack = BY_NUMBER[number]
    with sandbox, attack.arrange() as arranged:
        environment = {name: value.replace(*seen_as) if seen_as[0] else value for name, value in arranged.items()}
        ran = sandbox.run(Command(("/usr/bin/python3", "-I", "-S", "-c", PRELUDE + attack.script), attack.limits, environment=environment))
    answer, detail = attack.judge(ran)
    assert answer is Answer.BROKEN, f"attack {number} failed although its guard was taken away: {answer} {detail}"
    return detail


def test_table_of_attacks_is_complete() -> None:
    assert sorted(BY_NUMBER) == list(range(1, 25))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.number}-{attack.title.replace(' ', '-')}")
def test_attack_is_held(sandbox: Sandbox, attack: Attack) -> None:
    if attack.guard not in sandbox.level.guards:
        lacking_feature({Guard.USER: "root"}.get(attack.guard, "cgroups"), f"this sandbox has no guard {attack.guard}")
    finding = attempt(sandbox, attack)
    assert (finding.answer, attack.title) == (Answer.HELD, attack.title), finding.detail


def test_own_network_is_what_keeps_a_port_away() -> None:
    assert "127.0.0.1" in succeeds(Weakened(apart=False), 1)


def test_own_network_is_what_keeps_abstract_sockets_away() -> None:
    assert succeeds(Weakened(apart=False), 2) == "abstract socket"


def test_mounts_are_what_keeps_sockets_and_files_away(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    wide = ["--ro-bind", str(folder), "/tmp/host"]
    assert "/tmp/host" in succeeds(Weakened(instead=wide), 3, (str(folder), "/tmp/host"))
    assert "/tmp/host" in succeeds(Weakened(instead=wide), 4, (str(folder), "/tmp/host"))


def test_mounts_are_what_keeps_writes_away(folder: Path) -> None:
    assert succeeds(Weakened(instead=["--bind", str(folder), "/usr/local"]), 13) == "/usr/local"
    assert (folder / "written").read_text() == "x"


@needs_root
def test_user_of_its_own_is_what_keeps_secrets_when_a_mount_is_too_wide() -> None:
    command = Command(("head", "-c", "1", "/tmp/host/shadow"), SMALL)
    with Weakened(instead=["--ro-bind", "/etc", "/tmp/host"]) as sandbox:
        assert sandbox.run(command).exit_code == 1
    with Weakened(instead=["--ro-bind", "/etc", "/tmp/host"], user=False) as sandbox:
        ran = sandbox.run(command)
        assert (ran.exit_code, len(ran.untrusted_stdout), Guard.USER in ran.level.guards) == (0, 1, False)


def bare(*words: str, tool: str, environment: dict[str, str] | None = None, **others: object) -> str:
    """Standard output of a program under bubblewrap as it is by itself."""
    found: str = subprocess.run(
        ["bwrap", "--ro-bind", "/", "/", "--proc", "/proc", "--unshare-pid", "--unshare-user", *words, "--", "/usr/bin/python3", "-I", "-c", tool],
        capture_output=True, text=True, timeout=30, check=True, env=environment or {}, **others,  # type: ignore[call-overload]
    ).stdout  # fmt: skip
    return found


def test_secrets_in_the_environment_would_be_seen() -> None:
    environment, show = {"SECRET": "told"}, "import os; print(sorted(os.environ), open('/proc/1/environ').read().split(chr(0))[0])"
    assert "'SECRET'" in bare(tool=show, environment=environment)
    # Clearing what the program gets leaves what the first process was started with: only starting with nothing helps.
    cleared = bare("--clearenv", tool=show, environment=environment)
    assert ("'SECRET'" in cleared, "SECRET=told" in cleared) == (False, True)
    assert "SECRET" not in bare("--clearenv", tool=show)


def test_file_left_open_would_be_seen(tmp_path: Path) -> None:
    with (tmp_path / "x").open("w") as file:
        assert str(tmp_path) in bare(tool="import os\nfor n in range(3, 20):\n  try: print(os.readlink(f'/proc/self/fd/{n}'))\n  except OSError: pass",
                                     pass_fds=(file.fileno(),))  # fmt: skip


def test_own_processes_are_what_ends_a_daemon(tmp_path: Path) -> None:
    number = tmp_path / "pid"
    script = f"setsid sleep 60 </dev/null >/dev/null 2>&1 & echo $! > {number}"
    subprocess.run(["bwrap", "--dev-bind", "/", "/", "--die-with-parent", "sh", "-c", script], check=True, timeout=30, env={})
    daemon = int(number.read_text())
    assert Path(f"/proc/{daemon}/comm").exists(), "a daemon dies although it shares our processes"
    os.kill(daemon, signal.SIGKILL)


def test_bound_on_processes_is_what_stops_a_fork_bomb() -> None:
    assert succeeds(Weakened(), 8).endswith("processes")
    assert succeeds(Weakened(), 9).endswith("threads")


def test_bound_on_memory_is_what_stops_a_memory_bomb(sandbox: Sandbox) -> None:
    # Less than the real bomb: nothing would stop that one.
    small = Command(("/usr/bin/python3", "-c", "x = b'x' * (200 << 20)"), dataclasses.replace(SMALL, memory_bytes=64 << 20))
    if Guard.MEMORY in sandbox.level.guards:
        ran = sandbox.run(small)
        assert (ran.ending, ran.memory_kills) == (Ending.MEMORY, 1)
    with Weakened() as weakened:
        ran = weakened.run(small)
        assert (ran.ending, ran.exit_code, ran.memory_kills) == (Ending.EXITED, 0, None)


def test_processor_time_is_bounded_for_all_together_by_cgroups_alone() -> None:
    attack = dataclasses.replace(BY_NUMBER[17].limits, wall_seconds=1.5)
    with Weakened() as weakened:
        ran = weakened.run(Command(("/usr/bin/python3", "-I", "-S", "-c", PRELUDE + BY_NUMBER[17].script), attack))
    assert ran.ending is Ending.WALL_TIME


def test_size_of_a_place_is_what_stops_filling_it() -> None:
    wide = dataclasses.replace(BY_NUMBER[11].limits, scratch_bytes_max=64 << 20, memory_bytes=1 << 30, files_max=5000)
    for number in (11, 12):
        with Weakened() as weakened:
            ran = weakened.run(Command(("/usr/bin/python3", "-I", "-S", "-c", PRELUDE + BY_NUMBER[number].script), wide))
        assert BY_NUMBER[number].judge(ran)[0] is Answer.BROKEN


def test_filter_is_what_stops_tracing() -> None:
    assert succeeds(Weakened(filters=False), 14)


def test_own_session_is_what_stops_typing_for_another() -> None:
    path = Path("/proc/sys/dev/tty/legacy_tiocsti")
    if path.exists() and path.read_text().strip() == "0":
        lacking_feature("legacy-tiocsti", "this kernel lets nobody type for another")
    script = "import fcntl; fcntl.ioctl(open('/dev/tty'), 0x5412, b'x'); print('typed')"

    def shown(*words: str) -> bytes:
        number, terminal = pty.fork()
        if number == 0:
            os.execve("/usr/bin/bwrap", ["bwrap", "--dev-bind", "/", "/", *words, "/usr/bin/python3", "-I", "-c", script], {})
        found = b""
        with contextlib.suppress(OSError):  # a terminal ends with an error
            while chunk := os.read(terminal, 4096):
                found += chunk
        os.waitpid(number, 0)
        os.close(terminal)
        return found

    assert b"typed" in shown()
    assert b"typed" not in shown("--new-session")


def test_filter_or_bubblewrap_is_what_stops_nested_namespaces() -> None:
    assert "user" in succeeds(Weakened(filters=False, without=[("--disable-userns",)]), 21)


def test_filter_is_what_stops_rare_calls() -> None:
    detail = succeeds(Weakened(filters=False), 22)
    assert all(name in detail for name in ("keyctl", "io_uring_setup", "netlink"))


def test_filter_is_what_stops_foreign_calls() -> None:
    with Weakened(filters=False) as weakened:
        finding = attempt(weakened, BY_NUMBER[23])
    if finding.detail.startswith("ended with"):
        lacking_feature("foreign-calls", "this kernel has no system calls of another architecture")
    assert finding.answer is Answer.BROKEN


def test_file_locks_say_nothing_to_another_sandbox(sandbox: Sandbox) -> None:
    """Attack 27: a lock on a file of /usr, held in one run and looked for in another."""
    hold = "import fcntl, time; f = open('/usr/bin/env'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); time.sleep(1.5)"
    look = """
import fcntl, json, struct
f, found = open('/usr/bin/env'), []
for attempt in (lambda: fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB), lambda: fcntl.lockf(f, fcntl.LOCK_SH | fcntl.LOCK_NB)):
    try:
        attempt()
        found.append('free')
    except OSError as error:
        found.append(error.errno)
print(json.dumps(found))
"""

    def both(one: Sandbox, other: Sandbox) -> list[object]:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(2) as pool:
            holding = pool.submit(one.run, Command(("/usr/bin/python3", "-c", hold), SMALL))
            time.sleep(0.6)
            seen = other.run(Command(("/usr/bin/python3", "-c", look), SMALL))
            assert holding.result().untrusted_stdout == b"held\n"
        found: list[object] = json.loads(seen.untrusted_stdout)
        return found

    assert both(sandbox, sandbox) == ["free", "free"]
    with Weakened(filters=False) as one, Weakened(filters=False) as other:
        assert both(one, other)[0] != "free"


def test_finding_that_a_wall_is_broken_forbids_running() -> None:
    held = Finding(1, "a", Guard.NETWORK, Answer.HELD)
    demand([held])
    with pytest.raises(Unavailable, match=r"attack 2 \(b\): reached"):
        demand([held, Finding(2, "b", Guard.FILES, Answer.BROKEN, "reached")])


def test_attack_on_a_guard_that_is_not_there_counts_as_untested() -> None:
    with Weakened() as weakened:
        finding = attempt(weakened, BY_NUMBER[8])
    assert (finding.answer, finding.detail) == (Answer.UNTESTED, "this sandbox does not have the guard")


def test_broken_wall_that_should_stand_is_told_as_broken() -> None:
    with Weakened(apart=False) as weakened:
        assert attempt(weakened, BY_NUMBER[2]).answer is Answer.BROKEN


@pytest.mark.long
def test_kernel_of_its_own_lets_no_attack_out() -> None:
    try:
        opened = open_sandbox(SandboxSettings(kind="runsc", slots=2, required=frozenset()))
    except Unavailable as error:
        pytest.skip(f"SKIPPED FOR WANT OF A PROGRAM THAT NOT EVERY VALIDATOR HAS: {error}")
    with opened:
        found = {finding.number: finding for finding in examine(opened, ATTACKS)}
    assert [finding for finding in found.values() if finding.answer is Answer.BROKEN] == []
    assert all(found[number].answer is Answer.HELD for number in (1, 2, 3, 4, 5, 7, 10, 16, 17, 18, 19))
