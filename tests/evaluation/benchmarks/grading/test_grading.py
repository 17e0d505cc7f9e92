"""Grades: what counts as the same answer, and that nothing handed in can judge itself."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark_play import POLICY, handed
from clearinghouse.evaluation.benchmarks.grading import grade, mac_of, normalise
from clearinghouse.evaluation.benchmarks.grading.inside import compare
from clearinghouse.evaluation.benchmarks.records import Grade, Item, Submission
from clearinghouse.evaluation.benchmarks.suites import find_suite
from clearinghouse.sandbox import Ending, Level, Ran, Sandbox
from sandbox_support import real_sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    yield from real_sandbox()


def _grade(item: Item, submission: Submission, sandbox: Sandbox) -> Grade:
    return grade(item.files, item.grader, submission, sandbox, POLICY)


@pytest.mark.parametrize("said", ["192.0.2.1,amira", " 192.0.2.1 , Amira. ", "`192.0.2.1, amira`", '"192.0.2.1,\tAMIRA"\n', "**192.0.2.1, amira**"])
def test_same_answer_written_otherwise_is_the_same(said: str) -> None:
    assert normalise(said) == "192.0.2.1,amira"


@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert mac_of(once, b"salt") == mac_of(text, b"salt") or normalise(once) != once


def test_answer_grader_holds_no_answer(sandbox: Sandbox) -> None:
    item = find_suite("finding_open_door").generate(4, 2)
    assert item.reference.answer.encode() not in item.grader.mac + item.grader.salt + item.grader.cases + item.grader.expected
    assert _grade(item, Submission("", {"answer.txt": item.reference.answer.upper().encode()}), sandbox) == Grade(True)
    assert _grade(item, Submission("  "), sandbox) == Grade(False, "no answer was handed in")


# What is handed in as a patch: none of it does what was asked for.
_TAMPERING = {
    "prints what a grader would": b"print('PASS')\n",
    "ends at once": b"import os\nos._exit(0)\n",
    "writes the verdict": b"open('/out/grade', 'w').write('PASS\\n')\n",
    "writes what was seen": b"import os\nopen('/out/seen', 'w').write('PASS\\n')\nos._exit(0)\n",
    "ends the probe": b"import os\nos.kill(os.getppid(), 9)\n",
    "ends everything": b"import os\nos.kill(-1, 9)\n",
    "rewrites the comparison": b"import builtins, json\njson.loads = lambda text: []\nstr.__eq__\nbuiltins.len = lambda x: 0\nprint('PASS')\n",
    "looks for what is expected": b"import glob\nfor name in glob.glob('/in/**', recursive=True):\n    print(name)\nprint(open('/in/expected').read())\n",
    "stays behind": b"import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(0.5)\n    open('/out/gra' + 'de', 'w').write('PASS\\n')\n",
}


@pytest.mark.parametrize("way", _TAMPERING)
def test_patch_that_tampers_does_not_pass(way: str, sandbox: Sandbox) -> None:
    item = find_suite("patching_picker").generate(5, 0)
    found = _grade(item, handed(item, "picker.py", _TAMPERING[way]), sandbox)
    assert found.correct is False


@pytest.mark.parametrize("way", ["writes the verdict", "writes what was seen", "ends the probe", "looks for what is expected"])
def test_tampering_is_said(way: str, sandbox: Sandbox) -> None:
    item = find_suite("patching_accounts").generate(5, 1)
    assert _grade(item, handed(item, "book.py", _TAMPERING[way]), sandbox).tampered


def test_right_patch_that_also_tampers_is_both(sandbox: Sandbox) -> None:
    item = find_suite("patching_picker").generate(6, 1)
    both = item.reference.files["picker.py"] + b"\nopen('/out/grade', 'w').write('PASS')\n"
    assert _grade(item, handed(item, "picker.py", both), sandbox) == Grade(True, "6 of 6 cases as expected", tampered=True)


def test_probe_knows_no_right_answer() -> None:
    for name in ("patching_picker", "detection_rule", "reading_way_back"):
        item = find_suite(name).generate(5, 1)
        assert item.grader.expected
        assert b"expected" not in item.grader.cases
        assert b'"out"' not in item.grader.cases


def test_patch_that_hangs_costs_one_case_and_fails(sandbox: Sandbox) -> None:
    item = find_suite("patching_picker").generate(5, 0)
    found = _grade(item, handed(item, "picker.py", b"while True:\n    pass\n"), sandbox)
    assert found == Grade(False, "0 of 6 cases as expected")


def test_rule_that_backtracks_forever_fails(sandbox: Sandbox) -> None:
    item = find_suite("detection_rule").generate(5, 0)
    assert _grade(item, handed(item, "rule.txt", b"(.*.*)*(.*.*)*(.*.*)*!!!\n"), sandbox).correct is False


def test_flood_of_output_fails(sandbox: Sandbox) -> None:
    item = find_suite("reading_way_back").generate(5, 0)
    flood = b"import sys\nwhile True:\n    sys.stdout.write('x' * 100000)\n"
    assert _grade(item, handed(item, "back.py", flood), sandbox) == Grade(False, "0 of 4 cases as expected")


def test_input_of_another_error_does_not_reproduce(sandbox: Sandbox) -> None:
    item = find_suite("reproduction_machine").generate(5, 1)
    for content in (b"", b"\xff\xfe", b"push 1\n" * 5000, b"x" * 5000):
        assert _grade(item, handed(item, "program.txt", content), sandbox).correct is False


def test_own_program_of_a_reproduction_is_not_what_is_run(sandbox: Sandbox) -> None:
    item = find_suite("reproduction_machine").generate(5, 1)
    faked = Submission("", {"program.txt": b"push 1\n", "machine.py": b"class Fault(Exception): pass\ndef take(): raise Fault\ntake()\n"})
    assert _grade(item, faked, sandbox).correct is False


def test_missing_file_fails_without_a_run() -> None:
    item = find_suite("patching_picker").generate(5, 0)
    assert grade(item.files, item.grader, Submission("done"), _Broken(), POLICY) == Grade(False, "1 of 1 files that were asked for are not there")


def test_our_own_failure_is_no_verdict() -> None:
    item = find_suite("patching_picker").generate(5, 0)
    assert grade(item.files, item.grader, item.reference, _Broken(), POLICY) == Grade(None, "the probe did not run: no room")


def test_more_than_a_sample_may_keep_is_not_laid_out() -> None:
    item = find_suite("patching_picker").generate(5, 0)
    small = replace(POLICY, state_bytes_max=10)
    assert grade(item.files, item.grader, item.reference, _Broken(), small) == Grade(False, "more was handed in than a sample may keep")


@given(st.text(max_size=200))
def test_judge_takes_whatever_was_seen(text: str) -> None:
    assert all(not compare.holds({"out": "x", "error": ""}, one) for one in compare.read(text))


class _Broken:
    """A sandbox that cannot run anything."""

    level = Level("broken", "0", frozenset())
    slots = 1

    def run(self, command: object, *, stop: object = None) -> Ran:
        return Ran(Ending.NO_RUN, self.level, note="no room")

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None: ...
