"""What a command finds, and what comes back of it."""

import dataclasses
import signal
import threading
import time
from collections.abc import Callable

import pytest

from clearinghouse.core.errors import Invalid
from clearinghouse.sandbox import Command, Ending, Entry, Ran, Sandbox
from sandbox.conftest import SMALL

Run = Callable[..., Ran]


def test_program_finds_its_inputs_and_only_its_environment(run_any: Run) -> None:
    ran = run_any("sh", "-c", "cat; cat /in/a/b; env | sort; pwd", inputs=(Entry("a/b", b"below\n"),), environment={"X": "y"}, stdin=b"before\n")
    assert ran.untrusted_stdout.decode().splitlines() == ["before", "below", "HOME=/work", "LANG=C.UTF-8", "PATH=/usr/bin", "PWD=/work", "X=y", "/work"]
    assert (ran.ending, ran.exit_code, ran.signal, ran.untrusted_stderr) == (Ending.EXITED, 0, None, b"")


def test_exit_code_and_signal_are_told_apart(run_any: Run) -> None:
    assert (run_any("sh", "-c", "exit 77").ending, run_any("sh", "-c", "exit 77").exit_code) == (Ending.EXITED, 77)
    ran = run_any("sh", "-c", "kill -SEGV $$")
    assert (ran.ending, ran.exit_code, ran.signal) == (Ending.SIGNALLED, None, signal.SIGSEGV)


def test_program_that_is_not_there_never_ran(run_any: Run) -> None:
    ran = run_any("no-such-program")
    assert (ran.ending, ran.exit_code) == (Ending.NO_RUN, None)
    assert "no such file" in ran.note.lower()


def test_kept_files_are_the_plain_ones_that_were_named(run_any: Run) -> None:
    ran = run_any("sh", "-c", "mkdir /out/d; echo kept > /out/d/a; echo not > /out/b; ln -s /etc/shadow /out/c", keep=("d/a", "c", "e"))
    assert ran.kept == {"d/a": b"kept\n"}
    assert ran.refused == {"c": "is a link, or not to be opened", "e": "was not written"}


def test_wall_time_ends_what_ignores_signals(run_any: Run) -> None:
    ran = run_any("sh", "-c", "trap '' TERM INT HUP; while :; do sleep 1; done", limits=dataclasses.replace(SMALL, wall_seconds=0.5))
    assert (ran.ending, ran.exit_code, ran.signal) == (Ending.WALL_TIME, None, None)
    assert 0.5 <= ran.wall_seconds < 3


def test_stop_is_honoured_at_once(any_kind: Sandbox) -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    begun = time.monotonic()
    assert any_kind.run(Command(("sleep", "60"), SMALL), stop=stop).ending is Ending.STOPPED
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("argv", [(), ("",), ("./x",), ("a/b",), ("a", "b\0")])
def test_command_by_a_relative_path_or_with_zero_bytes_is_refused(any_kind: Sandbox, argv: tuple[str, ...]) -> None:
    with pytest.raises(Invalid):
        any_kind.run(Command(argv, SMALL))


@pytest.mark.parametrize("name", ["", "/a", "../a", "a/../b", "a//b", ".", "a\n", "x" * 256])
def test_input_and_file_to_keep_stay_below_their_folder(any_kind: Sandbox, name: str) -> None:
    with pytest.raises(Invalid):
        any_kind.run(Command(("true",), SMALL, inputs=(Entry(name, b""),)))
    with pytest.raises(Invalid):
        any_kind.run(Command(("true",), SMALL, keep=(name,)))


def test_no_signal_is_ignored_and_none_is_blocked(run: Run) -> None:
    """What the worker or an interpreter between ignores would be ignored by every program after it."""
    ran = run("grep", "-E", "Sig(Blk|Ign):", "/proc/self/status")
    shown = dict(line.split() for line in ran.untrusted_stdout.decode().splitlines())
    of_the_library = 0x180000000  # 32 and 33: glibc's own, ignored by whatever its posix_spawn starts, and set again by its threads
    assert {name: int(value, 16) & ~of_the_library for name, value in shown.items()} == {"SigBlk:": 0, "SigIgn:": 0}
