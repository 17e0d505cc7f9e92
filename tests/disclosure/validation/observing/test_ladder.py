"""One word for a run: by what the kernel and the driver saw, and not by an exit code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.disclosure.intake.records import Frame
from clearinghouse.disclosure.validation.observing.ladder import Asked, observe
from clearinghouse.disclosure.validation.observing.records import Observation, Outcome
from clearinghouse.disclosure.validation.observing.rules import agree, is_settled
from clearinghouse.disclosure.validation.recipes.records import Effect
from clearinghouse.sandbox.base import Ending, Level, Ran
from validation_support import bench_policy

LEVEL = Level("bubblewrap", "0.8.0", frozenset())
WORD = "ab" * 16
REPORT = b"""=================================================================
==2==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602000000015 at pc 0x4c2b3f bp 0x7f sp 0x7f
READ of size 1 at 0x602000000015 thread T0
    #0 0x4c2b3f in read_strip ./strips.c:8:52
    #1 0x4c2a11 in read_file ./strips.c:15:10
    #2 0x4c2990 in LLVMFuzzerTestOneInput ./strips.c:19:9
    #3 0x4c2700 in hand_over /in/bench/driver.c:60:3
    #4 0x4c2600 in main /in/bench/driver.c:80:9

SUMMARY: AddressSanitizer: heap-buffer-overflow ./strips.c:8:52 in read_strip
==2==ABORTING
"""


def asked(effect: Effect = Effect.SANITIZER, **changes: object) -> Asked:
    return Asked(WORD, effect, **changes)  # type: ignore[arg-type]


def ran(ending: Ending = Ending.EXITED, code: int | None = None, **changes: object) -> Ran:
    return Ran(ending, LEVEL, code, **changes)  # type: ignore[arg-type]


def word(given_ran: Ran, given_asked: Asked | None = None) -> Outcome:
    return observe(given_ran, given_asked or asked(), bench_policy()).outcome


def end(edges: int = -1, said: str = WORD) -> bytes:
    return f"output\n\nCLEARINGHOUSE END {said} edges={edges}\n".encode()


def test_report_with_its_exit_is_a_crash_with_everything_it_rests_on() -> None:
    found = observe(ran(code=77, untrusted_stderr=REPORT, memory_kills=0, wall_seconds=0.5), asked(), bench_policy())
    assert found == Observation(
        Outcome.CRASH_SANITIZER, "heap-buffer-overflow", "READ", ("read_strip", "read_file"), "strips.c:8", 1, 77, None, 0, False, None, 0.5,
        None, found.log_digest, REPORT, "",
    )


def test_end_of_this_run_with_exit_0_is_clean_and_counts_edges() -> None:
    found = observe(ran(code=0, untrusted_stdout=end(29)), asked(), bench_policy())
    assert (found.outcome, found.reached_end, found.edges) == (Outcome.CLEAN, True, 29)
    assert observe(ran(code=0, untrusted_stdout=end()), asked(), bench_policy()).edges is None


@pytest.mark.parametrize(
    ("given_ran", "outcome"),
    [
        (ran(code=77), Outcome.FAILED),  # the exit alone
        (ran(code=1, untrusted_stderr=REPORT), Outcome.FAILED),  # the report alone
        (ran(code=77, untrusted_stderr=b"==2==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x1\n"), Outcome.FAILED),  # no stack
        (ran(code=0), Outcome.FAILED),  # no end
        (ran(code=0, untrusted_stdout=end(said="cd" * 16)), Outcome.FAILED),  # another run's end
        (ran(code=0, untrusted_stdout=end() + b"x" * 500), Outcome.FAILED),  # something came after it
        (ran(code=3, untrusted_stderr=b"CLEARINGHOUSE NO INPUT\n"), Outcome.NO_RUN),
        (ran(Ending.NO_RUN, note="bwrap: no"), Outcome.NO_RUN),
        (ran(code=127, untrusted_stderr=b"x: error while loading shared libraries: libx.so.1: cannot open"), Outcome.NO_RUN),
        (ran(Ending.WALL_TIME), Outcome.TIMEOUT_WALL), (ran(Ending.CPU_TIME), Outcome.TIMEOUT_CPU), (ran(Ending.OUTPUT), Outcome.OUTPUT_LIMIT),
        (ran(Ending.MEMORY, memory_kills=1), Outcome.OUT_OF_MEMORY),
        (ran(code=77, untrusted_stderr=REPORT, memory_kills=1), Outcome.OUT_OF_MEMORY),  # the kernel's count before any text
        (ran(code=77, untrusted_stderr=REPORT.replace(b"heap-buffer-overflow on", b"requested allocation size 0x1 exceeds")), Outcome.OUT_OF_MEMORY),
        (ran(Ending.SIGNALLED, signal=11), Outcome.CRASH_SIGNAL),
        (ran(Ending.SIGNALLED, signal=9, memory_kills=0), Outcome.FAILED),  # attack 24: it killed itself to look like want of memory
        (ran(Ending.SIGNALLED, signal=31), Outcome.FAILED),  # a system call that is refused
        (ran(Ending.SIGNALLED, signal=6, untrusted_stderr=b"a: a.c:3: f: Assertion `x > 0' failed.\n"), Outcome.ASSERTION),
        (ran(code=77, untrusted_stderr=b"h: a.c:3: f: Assertion `x > 0' failed.\n" + REPORT.replace(b"heap-buffer-overflow on", b"ABRT on unknown")),
         Outcome.ASSERTION),
        (ran(code=1, untrusted_stderr=b'Traceback (most recent call last):\n  File "/in/build/a.py", line 3, in f\n    x\nKeyError: 1\n'),
         Outcome.EXCEPTION),
        (ran(code=1, untrusted_stderr=b'Traceback (most recent call last):\n  File "/in/build/a.py", line 3, in f\n    x\nMemoryError\n'),
         Outcome.OUT_OF_MEMORY),
        (ran(code=70, untrusted_stderr=b"Uncaught exception: RangeError: short\n    at inner (/in/build/a.js:2:9)\n"), Outcome.EXCEPTION),
    ],
)
def test_word_for_a_run(given_ran: Ran, outcome: Outcome) -> None:
    assert word(given_ran) is outcome


def test_marker_counts_where_it_is_the_claim_and_holds_the_word_where_it_can() -> None:
    made = ran(code=0, untrusted_stdout=end(), kept={"marker": WORD.encode()})
    assert word(made, asked(Effect.MARKER, marker_word=True)) is Outcome.MARKER
    assert word(ran(code=0, kept={"marker": b"old"}), asked(Effect.MARKER, marker_word=True)) is Outcome.FAILED
    assert word(ran(code=0, kept={"marker": b""}), asked(Effect.MARKER)) is Outcome.MARKER
    assert word(made, asked(Effect.SANITIZER)) is Outcome.CLEAN


def test_program_of_its_own_ends_with_its_marker() -> None:
    assert word(ran(code=0, untrusted_stdout=b"x\nTHE END\n"), asked(end_marker="THE END")) is Outcome.CLEAN
    assert word(ran(code=0, untrusted_stdout=b"THE END\nx\n"), asked(end_marker="THE END")) is Outcome.FAILED


def test_forged_report_looks_like_one_and_two_are_counted() -> None:
    """Attack 25: whoever writes the program writes its report; only the tier tells. Two reports are at least visible."""
    assert word(ran(code=77, untrusted_stderr=REPORT)) is Outcome.CRASH_SANITIZER
    assert observe(ran(code=77, untrusted_stderr=REPORT + REPORT), asked(), bench_policy()).reports == 2


@pytest.mark.parametrize("sign", [b"A", b"(", b"#0 0x1 in ", b"{lambda(", b"\x00", b"\x1b[1m"])
def test_hostile_log_costs_little(sign: bytes) -> None:
    """Attack 30: a single line of 200 KB, and names with controls."""
    log = b"==1==ERROR: AddressSanitizer: SEGV on unknown address\n    #0 0x1 in " + sign * (200_000 // len(sign)) + b"\n"
    found = observe(ran(code=77, untrusted_stderr=log), asked(), bench_policy())
    assert all(len(frame) <= 4_096 and frame.isprintable() for frame in found.frames)


def test_frames_that_read_like_headers_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from clearinghouse.disclosure.intake.crashes import native

    frames, read, times = 2_000, native.read_frame, list[str]()

    def counting(untrusted_rest: str) -> Frame:
        times.append(untrusted_rest)
        return read(untrusted_rest)

    monkeypatch.setattr(native, "read_frame", counting)
    log = REPORT.splitlines()[1] + b"\n" + b"".join(b"    #%d 0x1 in ERROR: AddressSanitizer: x\n" % number for number in range(frames))
    observe(ran(code=77, untrusted_stderr=log), asked(), bench_policy())
    assert len(times) <= 2 * frames


@given(st.binary(max_size=400), st.sampled_from([*Ending]), st.none() | st.integers(0, 255), st.none() | st.integers(0, 70))
def test_only_the_drivers_end_makes_a_run_clean(noise: bytes, ending: Ending, code: int | None, signal: int | None) -> None:
    found = observe(ran(ending, code, signal=signal, untrusted_stdout=noise, untrusted_stderr=noise), asked(), bench_policy())
    assert found.outcome is not Outcome.CLEAN


def seen(outcome: Outcome, frame: str = "f", kind: str = "k") -> Observation:
    return Observation(outcome, kind, frames=(frame,))


def test_cell_is_what_enough_runs_show_in_the_same_way() -> None:
    crash, clean = seen(Outcome.CRASH_SANITIZER), seen(Outcome.CLEAN)
    assert agree([crash] * 5, 0.66) is Outcome.CRASH_SANITIZER
    assert agree([crash] * 3 + [clean] * 2, 0.66) is Outcome.FLAKY
    assert agree([crash] * 4 + [seen(Outcome.CRASH_SANITIZER, "g")] * 3, 0.66) is Outcome.FLAKY
    assert agree([clean, seen(Outcome.CLEAN, "g", "")], 1.0) is Outcome.CLEAN
    assert agree([clean] * 19 + [crash], 0.66) is Outcome.FLAKY, "what fires now and then is not silent"
    assert is_settled([crash] * 3)
    assert not is_settled([crash, clean])


def test_recursion_without_end_is_one_crash_wherever_the_stack_ran_out() -> None:
    """Found with a planted flaw: address randomisation moves the end of the stack, and with it the innermost frame."""
    here, there = (Observation(Outcome.CRASH_SANITIZER, "stack-overflow", frames=frames) for frames in (("term", "factor"), ("factor", "term")))
    nowhere = observe(ran(code=77, untrusted_stderr=b"==2==ERROR: AddressSanitizer: stack-overflow on address 0x7f\n    <empty stack>\n"), asked(), bench_policy())

    assert (nowhere.outcome, nowhere.kind, nowhere.frames) == (Outcome.CRASH_SANITIZER, "stack-overflow", ())
    assert agree([here, there, here, there, nowhere], 0.66) is Outcome.CRASH_SANITIZER
    assert is_settled([here, there, nowhere])
    assert agree([Observation(Outcome.CRASH_SANITIZER, "SEGV", frames=one.frames) for one in (here, there, here, there)], 0.66) is Outcome.FLAKY


@given(st.lists(st.sampled_from([Outcome.CLEAN, Outcome.CRASH_SANITIZER, Outcome.NO_RUN]), min_size=1, max_size=20), st.randoms())
def test_cell_does_not_depend_on_the_order_of_runs(outcomes: list[Outcome], random: object) -> None:
    runs = [seen(outcome) for outcome in outcomes]
    mixed = runs[:]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert agree(runs, 0.66) is agree(mixed, 0.66)
