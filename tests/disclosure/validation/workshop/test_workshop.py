"""Recipes run in the real sandbox: one planted flaw, built, run, controlled and judged."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from clearinghouse.core.errors import Conflict, NotFound
from clearinghouse.disclosure.validation.judging import ControlState, Verdict, assess
from clearinghouse.disclosure.validation.observing.records import Outcome
from clearinghouse.disclosure.validation.recipes.document import read_recipe
from clearinghouse.disclosure.validation.recipes.records import BuildName, Recipe
from clearinghouse.disclosure.validation.workshop import MemoryCache, Stopped, Workshop
from clearinghouse.sandbox import Command, Ran, Sandbox
from sandbox_support import real_sandbox
from validation_support import BENIGN, CRASHING, NO_FIX, OTHER_FILE, STRIPS, STUB, Bytes, bench_policy, strips, tar_of

POLICY = replace(bench_policy(), runs=3)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    yield from real_sandbox("clang", "patch", "llvm-symbolizer", "python3", "node")


class Counting:
    """A sandbox that counts its runs."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox, self.runs = sandbox, 0
        self.level, self.slots = sandbox.level, sandbox.slots

    def run(self, command: Command, *, stop: threading.Event | None = None) -> Ran:
        self.runs += 1
        return self._sandbox.run(command, stop=stop)

    def close(self) -> None: ...

    def __enter__(self) -> "Counting":  # noqa: PYI034 - no subclass
        return self

    def __exit__(self, *error: object) -> None: ...


def verdict(sandbox: Sandbox, materials: Bytes, recipe: Recipe) -> tuple[Verdict, tuple[str, ...]]:
    with Workshop(sandbox, materials, POLICY) as workshop:
        found = assess(workshop, recipe, POLICY)
    return found.verdict, found.reasons


def test_planted_flaw_is_validated_with_every_input_to_it(sandbox: Sandbox) -> None:
    materials = Bytes()
    recipe = strips(materials)
    steps: list[tuple[str, int, int]] = []
    with Workshop(sandbox, materials, POLICY) as workshop:
        found = assess(workshop, recipe, POLICY, lambda *step: steps.append(step))
    assert (found.verdict, found.reasons) == (Verdict.VALIDATED, ())
    crash = found.observed.reproducer[BuildName.VULNERABLE]
    assert (crash.outcome, crash.counts) == (Outcome.CRASH_SANITIZER, (3, 3))
    shown = crash.agreed
    assert (shown.kind, shown.access, shown.frames, shown.place, shown.exit_code) == (
        "heap-buffer-overflow", "READ", ("read_strip", "read_file"), "strips.c:8", 77
    )
    assert {control.name: control.state for control in found.controls} == dict.fromkeys(
        ("instrumented", "canary", "benign", "instrumented fixed", "canary fixed", "benign fixed", "coverage"), ControlState.HELD
    )
    assert steps[0] == ("build vulnerable", 0, 10)
    assert steps[-1] == ("judging", 10, 10)


@pytest.mark.parametrize(
    ("fixed", "expected", "why"),
    [
        (STUB, Verdict.UNPROVEN, "benign inputs reach"), (NO_FIX, Verdict.STILL_FIRES, "on the fixed build: a sanitizer's report in 3 of 3 runs"),
        (OTHER_FILE, Verdict.UNPROVEN, "the fixed build ended at 'apply'"),
    ],
)
def test_patch_that_is_none_is_seen(sandbox: Sandbox, fixed: bytes, expected: Verdict, why: str) -> None:
    materials = Bytes()
    found, reasons = verdict(sandbox, materials, strips(materials, fixed=fixed))
    assert found is expected
    assert reasons[0].startswith(why)


def test_input_that_does_nothing_is_not_reproduced_and_says_no_more(sandbox: Sandbox) -> None:
    materials = Bytes()
    assert verdict(sandbox, materials, strips(materials, reproducer=BENIGN)) == (Verdict.NOT_REPRODUCED, ("nothing happened in 3 runs",))


def test_sources_that_do_not_compile_are_no_run_with_the_log(sandbox: Sandbox) -> None:
    materials = Bytes()
    recipe = strips(materials, source=b"int main( {")
    with Workshop(sandbox, materials, POLICY) as workshop:
        build = workshop.build(recipe, recipe.builds[BuildName.VULNERABLE])
        assert (build.ok, build.stage) == (False, "compile")
        assert b"strips.c:1" in build.untrusted_log
        with pytest.raises(Conflict, match="ended at 'compile'"):
            workshop.observe(recipe, build, recipe.reproducer)


def test_compiler_that_includes_a_file_of_the_host_finds_none(sandbox: Sandbox) -> None:
    materials = Bytes()
    recipe = strips(materials, source=b'#include "/etc/shadow"\n' + STRIPS)
    with Workshop(sandbox, materials, POLICY) as workshop:
        build = workshop.build(recipe, recipe.builds[BuildName.VULNERABLE])
    assert (build.ok, build.stage) == (False, "compile")
    assert b"root:" not in build.untrusted_log


def test_coin_is_flaky(sandbox: Sandbox) -> None:
    coin = STRIPS.replace(b"static volatile int sum;", b"#include <sys/random.h>\nstatic volatile int sum;").replace(
        b"  if (size < 2) return -1;", b"  unsigned char coin = 0;\n  getrandom(&coin, 1, 0);\n  if (coin & 1) return 0;\n  if (size < 2) return -1;"
    )
    materials = Bytes()
    recipe = strips(materials, source=coin, fixed=None)
    policy = replace(POLICY, runs=12)
    with Workshop(sandbox, materials, policy) as workshop:
        found = assess(workshop, recipe, policy)
    assert found.verdict is Verdict.FLAKY
    assert len(found.observed.reproducer[BuildName.VULNERABLE].runs) == 48, "where the first disagree, three times as many follow"


def test_what_was_seen_before_is_not_run_again(sandbox: Sandbox) -> None:
    materials, cache, counting = Bytes(), MemoryCache(), Counting(sandbox)
    recipe = strips(materials)
    with Workshop(counting, materials, POLICY, cache=cache) as workshop:
        first = assess(workshop, recipe, POLICY)
    runs = counting.runs
    with Workshop(counting, materials, POLICY, cache=cache) as workshop:
        second = assess(workshop, recipe, POLICY)
        assert counting.runs == runs
        assert second == first
        workshop.observe(recipe, first.observed.builds[BuildName.VULNERABLE], materials.add(b"S\xfe123"))
    assert counting.runs > runs


def test_stopped_work_goes_on_from_where_it_was(sandbox: Sandbox) -> None:
    materials, cache, counting, stop = Bytes(), MemoryCache(), Counting(sandbox), threading.Event()
    recipe = strips(materials)
    with Workshop(counting, materials, POLICY, cache=cache, stop=stop) as workshop:
        def stopping(stage: str, done: int, total: int) -> None:
            if done == 4:
                stop.set()

        with pytest.raises(Stopped):
            assess(workshop, recipe, POLICY, stopping)
    before = counting.runs
    with Workshop(counting, materials, POLICY, cache=cache) as workshop:
        assert assess(workshop, recipe, POLICY).verdict is Verdict.VALIDATED
    fresh = Counting(sandbox)
    with Workshop(fresh, materials, POLICY) as workshop:
        assess(workshop, recipe, POLICY)
    assert counting.runs - before < fresh.runs


def test_search_shares_runs_and_finds_the_first_that_does_something(sandbox: Sandbox) -> None:
    materials, counting = Bytes(), Counting(sandbox)
    recipe = strips(materials)
    with Workshop(counting, materials, POLICY) as workshop:
        build = workshop.build(recipe, recipe.builds[BuildName.VULNERABLE])
        before = counting.runs
        assert workshop.first_effect(recipe, build, [BENIGN] * 64) == (64, None)
        assert counting.runs == before + 1
        inputs = [BENIGN] * 40 + [CRASHING, BENIGN, CRASHING]
        clean, found = workshop.first_effect(recipe, build, inputs)
        assert found is not None
        assert (clean, found[0], found[1].outcome, found[1].frames[0]) == (40, 40, Outcome.CRASH_SANITIZER, "read_strip")
        assert workshop.first_effect(recipe, build, []) == (0, None)


def test_input_that_ends_the_program_hides_no_other_and_counts_as_neither(sandbox: Sandbox) -> None:
    materials = Bytes()
    leaving = STRIPS.replace(b"#include <stddef.h>", b"#include <stddef.h>\n#include <stdlib.h>").replace(b"if (data[0] != 'S') return -2;", b"if (data[0] != 'S') exit(1);")
    recipe = strips(materials, source=leaving, fixed=None)
    with Workshop(sandbox, materials, POLICY) as workshop:
        build = workshop.build(recipe, recipe.builds[BuildName.VULNERABLE])
        clean, found = workshop.first_effect(recipe, build, [BENIGN, b"Xx", BENIGN, CRASHING])
        assert (clean, found is not None and found[0]) == (2, 3)
        assert workshop.first_effect(recipe, build, [b"Xx"] * 4) == (0, None)


def test_missing_bytes_are_named(sandbox: Sandbox) -> None:
    materials = Bytes()
    recipe = strips(materials)
    del materials.kept[recipe.reproducer]
    with Workshop(sandbox, materials, POLICY) as workshop, pytest.raises(NotFound, match="sha256:"):
        assess(workshop, recipe, POLICY)


def test_sources_that_cannot_be_unpacked_are_no_run(sandbox: Sandbox) -> None:
    materials = Bytes()
    recipe = strips(materials)
    for digest, content in list(materials.kept.items()):
        if content[:2] == b"\x1f\x8b":
            materials.kept[digest] = tar_of({"../../escape.c": STRIPS})
    found, reasons = verdict(sandbox, materials, recipe)
    assert found is Verdict.NO_RUN
    assert "names must be relative" in reasons[0]


def test_projects_own_tests_run_in_a_writable_copy(sandbox: Sandbox) -> None:
    materials = Bytes()
    recipe = strips(materials, extra='tests = [["sh", "-c", "echo made > new && test -f strips.c"], ["false"]]\n')
    with Workshop(sandbox, materials, POLICY) as workshop:
        build = workshop.build(recipe, recipe.builds[BuildName.VULNERABLE])
        assert [ran.exit_code for ran in workshop.run_tests(recipe, build)] == [0, 1]


@pytest.mark.parametrize(("sanitizer", "source", "kind"), [
    ("undefined", STRIPS.replace(b"int total = 0;", b"int total = 2147483647;"), "signed integer overflow"),
    ("memory", STRIPS.replace(b"int total = 0;", b"int total; volatile int *never = &total; if (*never) sum = 3;"), "use-of-uninitialized-value"),
])
def test_other_sanitizers_and_their_canaries(sandbox: Sandbox, sanitizer: str, source: bytes, kind: str) -> None:
    materials = Bytes()
    recipe = strips(
        materials, source=source, fixed=None, reproducer=b"S\x01\x01", name=kind, extra=f'sanitizer = "{sanitizer}"\n', benign=(b"T\x01\x01",)
    )
    with Workshop(sandbox, materials, POLICY) as workshop:
        found = assess(workshop, recipe, POLICY)
    assert (found.verdict, found.reasons) == (Verdict.REPRODUCED, ())
    assert found.observed.reproducer[BuildName.VULNERABLE].agreed.frames[0] == "read_strip"


PYTHON = b"""
import os

def inner(data):
    return data[5]

def reproduce(data):
    if data[:1] == b"a":
        assert data[1] == 98, "no"
    if data[:1] == b"$":
        os.system("echo " + data[1:].decode())
        return
    inner(data)
"""
NODE = b"""
function inner(data) { if (data.length < 5) throw new RangeError("short"); }
exports.reproduce = (data) => inner(data);
"""
JAVA = b"""
import java.nio.file.*;
public class Main {
  static int inner(byte[] data) { return data[5]; }
  public static void main(String[] words) throws Exception { inner(Files.readAllBytes(Path.of(words[0]))); System.out.println("THE END"); }
}
"""
GO = b"""package main
import ("fmt"; "os")
func inner(data []byte) byte { return data[5] }
func main() { data, _ := os.ReadFile(os.Args[1]); inner(data); fmt.Println("THE END") }
"""


def other_language(materials: Bytes, language: str, name: str, source: bytes, reproducer: bytes, expected: str, harness: str, build: str = "[]") -> Recipe:
    """A recipe for a program of a memory-safe language."""
    return read_recipe(f"""
format = "clearinghouse-recipe/1"
title = "Short input"
component = "pkg:generic/short"
language = "{language}"
build = {build}
reproducer = "{materials.add(reproducer)}"
benign = ["{materials.add(b"long enough")}"]
[[sources]]
name = "{name}"
digest = "{materials.add(source)}"
[harness]
{harness}
[expected]
{expected}
[environment]
GOCACHE = "/tmp/go"
""".encode(), bench_policy())


@pytest.mark.parametrize(
    ("language", "name", "source", "reproducer", "expected", "harness", "frames"),
    [
        ("python", "short.py", PYTHON, b"xyz", 'effect = "exception"\nname = "IndexError"\nfunction = "inner"', 'kind = "module"\nfile = "short.py"',
         ("inner", "reproduce")),
        ("python", "short.py", PYTHON, b"axz", 'effect = "assertion"', 'kind = "module"\nfile = "short.py"', ("reproduce",)),
        ("python", "short.py", PYTHON, b"$x; echo {{CLEARINGHOUSE-WORD}} > /out/marker", 'effect = "marker"', 'kind = "module"\nfile = "short.py"', ()),
        ("node", "short.js", NODE, b"xyz", 'effect = "exception"\nname = "RangeError"\nfunction = "inner"', 'kind = "module"\nfile = "short.js"',
         ("inner", "exports.reproduce")),
    ],
)
def test_memory_safe_languages(
    sandbox: Sandbox, language: str, name: str, source: bytes, reproducer: bytes, expected: str, harness: str, frames: tuple[str, ...],
) -> None:
    materials = Bytes()
    recipe = other_language(materials, language, name, source, reproducer, expected, harness)
    with Workshop(sandbox, materials, POLICY) as workshop:
        found = assess(workshop, recipe, POLICY)
    assert (found.verdict, found.reasons) == (Verdict.REPRODUCED, ())
    assert found.observed.reproducer[BuildName.VULNERABLE].agreed.frames == frames


@pytest.mark.parametrize(
    ("program", "name", "source", "build", "argv", "function"),
    [
        ("javac", "Main.java", JAVA, '[["javac", "Main.java"]]', '["java", "-cp", "{build}", "Main", "{input}"]', "Main.inner"),
        ("go", "main.go", GO, '[["go", "build", "-o", "short", "main.go"]]', '["{build}/short", "{input}"]', "main.inner"),
    ],
)
def test_compiled_memory_safe_languages_where_they_are_installed(
    sandbox: Sandbox, program: str, name: str, source: bytes, build: str, argv: str, function: str,
) -> None:
    import shutil

    if shutil.which(program, path="/usr/bin") is None:
        pytest.skip(f"{program} is not installed")
    materials = Bytes()
    language = "java" if program == "javac" else "go"
    recipe = other_language(
        materials, language, name, source, b"xyz", f'effect = "exception"\nfunction = "{function}"',
        f'kind = "program"\nargv = {argv}\nend_marker = "THE END"', build,
    )
    with Workshop(sandbox, materials, POLICY) as workshop:
        found = assess(workshop, recipe, POLICY)
    assert (found.verdict, found.reasons) == (Verdict.REPRODUCED, ())
