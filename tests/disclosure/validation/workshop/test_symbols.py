"""Addresses of a log become names, one frame for each function that was inlined there."""

from typing import Self

from clearinghouse.disclosure.intake.crashes import read_log
from clearinghouse.disclosure.validation.workshop.symbols import Symbols
from clearinghouse.sandbox.base import Command, Ending, Level, Ran
from validation_support import bench_policy

LOG = b"""==2==ERROR: AddressSanitizer: heap-use-after-free on address 0x1 at pc 0x4c2b3f bp 0x1 sp 0x1
READ of size 1 at 0x1 thread T0
    #0 0x4c2b3f  (/in/build/harness+0xc2b3f) (BuildId: 0011aa)
    #1 0x7f0011  (/lib/x86_64-linux-gnu/libc.so.6+0x27011)
    #2 0x4c2600  (/in/build/harness+0xc2600)

freed by thread T0 here:
    #0 0x4a0000  (/in/build/harness+0xa0000)
    #1 0x4c2b3f  (/in/build/harness+0xc2b3f)
"""


class Answering:
    """A sandbox in which the symboliser answers, and counts how often it is asked."""

    level, slots = Level("none", "", frozenset()), 1

    def __init__(self, ending: Ending = Ending.EXITED) -> None:
        self.asked: list[bytes] = []
        self.ending = ending

    def run(self, command: Command, *, stop: object = None) -> Ran:
        self.asked.append(command.stdin)
        answers = {b"0xc2b3f": b"inner\n./a.c:3:4\nouter\n./a.c:9:2\n\n", b"0xc2600": b"main\n./a.c:20:1\n\n", b"0xa0000": b"??\n??:0:0\n\n"}
        said = b"".join(answers[line.split()[-1]] for line in command.stdin.splitlines())
        return Ran(self.ending, self.level, 0, untrusted_stdout=said)

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None: ...


def test_frames_are_named_and_numbered_anew(tmp_path: object) -> None:
    sandbox = Answering()
    symbols = Symbols(sandbox, tmp_path, bench_policy())  # type: ignore[arg-type]
    named = symbols.name(LOG).decode()
    assert named.splitlines()[2:6] == [
        "    #0 0x4c2b3f in inner ./a.c:3:4", "    #1 0x4c2b3f in outer ./a.c:9:2",
        "    #2 0x7f0011  (/lib/x86_64-linux-gnu/libc.so.6+0x27011)", "    #3 0x4c2600 in main ./a.c:20:1",
    ]
    assert named.splitlines()[8:11] == [
        "    #0 0x4a0000  (/in/build/harness+0xa0000)", "    #1 0x4c2b3f in inner ./a.c:3:4", "    #2 0x4c2b3f in outer ./a.c:9:2",
    ]
    found = read_log(named, 2_048, 262_144)
    assert found is not None
    assert [frame.function for frame in found.crash.frames] == ["inner", "outer", "", "main"]
    symbols.name(LOG)
    assert len(sandbox.asked) == 1, "what was asked once is not asked again"


def test_log_without_addresses_is_left_alone(tmp_path: object) -> None:
    sandbox = Answering()
    assert Symbols(sandbox, tmp_path, bench_policy()).name(b"/in/build/x: nothing") == b"/in/build/x: nothing"  # type: ignore[arg-type]
    assert sandbox.asked == []


def test_symboliser_that_fails_costs_the_names_and_no_more(tmp_path: object) -> None:
    symbols = Symbols(Answering(Ending.WALL_TIME), tmp_path, bench_policy())  # type: ignore[arg-type]
    assert b"(/in/build/harness+0xc2b3f)" in symbols.name(LOG)
