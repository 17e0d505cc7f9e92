"""Attack 28 - sources that attack whoever compiles them - and that honest builds of every language still work."""

import dataclasses
import shutil
from collections.abc import Callable

import pytest

from clearinghouse.sandbox import Ending, Entry, Ran
from sandbox.conftest import SMALL
from tests_support import lacking

Run = Callable[..., Ran]
WIDE = dataclasses.replace(
    SMALL, wall_seconds=60, cpu_seconds=60, memory_bytes=2 << 30, processes_max=256, file_bytes_max=256 << 20, scratch_bytes_max=512 << 20, files_max=20_000
)
FLAW = b"#include <stdlib.h>\nint main(int n, char **v) { char *p = malloc(4); p[n > 1 ? 9 : 0] = 1; return p[0] - 1; }\n"


def needs(program: str) -> None:
    if shutil.which(program, path="/usr/bin") is None:
        lacking(f"/usr/bin has no {program}")


def compile_with_clang(run: Run, source: str, **limits: float) -> Ran:
    needs("clang")
    return run("clang", "-c", "/in/a.c", "-o", "/out/a.o", inputs=(Entry("a.c", source.encode()),), keep=("a.o",), limits=dataclasses.replace(WIDE, **limits))  # type: ignore[arg-type]


def test_including_a_secret_finds_no_such_file(run: Run) -> None:
    ran = compile_with_clang(run, '#include "/etc/shadow"\n')
    assert (ran.ending, ran.exit_code, b"file not found" in ran.untrusted_stderr, b"root:" in ran.untrusted_stderr) == (Ending.EXITED, 1, True, False)


def test_embedding_a_secret_finds_no_such_file(run: Run) -> None:
    ran = compile_with_clang(run, '__asm__(".incbin \\"/etc/shadow\\"");\nint main(void) { return 0; }\n')
    assert (ran.ending, ran.exit_code, ran.kept) == (Ending.EXITED, 1, {})


def test_macro_bomb_is_cut_by_time(run: Run) -> None:
    levels = "\n".join(f"#define A{n + 1} A{n} A{n} A{n} A{n} A{n} A{n} A{n} A{n} A{n} A{n}" for n in range(12))
    ran = compile_with_clang(run, f"#define A0 x\n{levels}\nint main(void) {{ A12 }}\n", wall_seconds=1.5)
    assert ran.ending in (Ending.WALL_TIME, Ending.MEMORY)
    assert ran.wall_seconds < 5


def test_huge_array_is_stopped(run: Run) -> None:
    ran = compile_with_clang(run, "char a[0x7ffffffffffff] = {1};\nint main(void) { return 0; }\n", wall_seconds=5, memory_bytes=256 << 20)
    assert (ran.ending, ran.exit_code) != (Ending.EXITED, 0)


def test_file_that_includes_itself_is_stopped(run: Run) -> None:
    ran = compile_with_clang(run, '#include "/in/a.c"\n')
    assert (ran.ending, ran.exit_code, b"nested too deeply" in ran.untrusted_stderr) == (Ending.EXITED, 1, True)


def test_sanitizer_finds_the_flaw_and_names_the_line(run: Run) -> None:
    needs("clang")
    needs("llvm-symbolizer")
    script = "clang -g -fsanitize=address,undefined /in/a.c -o a && ./a && echo quiet && ./a 1"
    ran = run("sh", "-c", script, inputs=(Entry("a.c", FLAW),), limits=WIDE, environment={"ASAN_OPTIONS": "detect_leaks=0:exitcode=77"})
    assert (ran.ending, ran.exit_code, ran.untrusted_stdout) == (Ending.EXITED, 77, b"quiet\n")
    assert b"heap-buffer-overflow" in ran.untrusted_stderr
    assert b"/in/a.c:2" in ran.untrusted_stderr


def test_sanitizer_that_wants_fixed_addresses_gets_them(run: Run) -> None:
    needs("clang")
    show = "import os; print([line.split('-')[0] for line in open('/proc/self/maps') if '[stack]' in line])"
    assert len({run("python3", "-c", show, fixed_addresses=True).untrusted_stdout for _ in range(3)}) == 1
    assert len({run("python3", "-c", show).untrusted_stdout for _ in range(3)}) == 3
    uninitialised = b"#include <stdlib.h>\nint main(void) { int *p = malloc(4); return *p ? 1 : 0; }\n"
    script = "clang -g -fsanitize=memory /in/a.c -o a && ./a"
    ran = run("sh", "-c", script, inputs=(Entry("a.c", uninitialised),), limits=WIDE, environment={"MSAN_OPTIONS": "exitcode=77"}, fixed_addresses=True)
    assert (ran.exit_code, b"use-of-uninitialized-value" in ran.untrusted_stderr) == (77, True)


@pytest.mark.parametrize(
    ("program", "script", "stdout"),
    [
        ("make", "printf 'all: a b\\na b:\\n\\t@echo $@\\n' > Makefile && make -s -j2 | sort", "a\nb\n"),
        ("python3", "python3 -c 'import sqlite3; d = sqlite3.connect(\"x.db\"); d.execute(\"create table a(b)\"); d.commit(); print(1)'", "1\n"),
        ("patch", "echo a > a; printf -- '--- a\\n+++ a\\n@@ -1 +1 @@\\n-a\\n+b\\n' | patch -s; cat a", "b\n"),
    ],
)
def test_tools_work_as_outside(run: Run, program: str, script: str, stdout: str) -> None:
    needs(program)
    ran = run("sh", "-c", script, inputs=(Entry("a.c", FLAW),), limits=WIDE)
    assert (ran.untrusted_stdout.decode(), ran.exit_code) == (stdout, 0), ran.untrusted_stderr


@pytest.mark.parametrize(
    ("program", "script", "stdout"),
    [
        ("gcc", "gcc /in/a.c -o a && ./a && echo 1", "1\n"),
        ("node", "node -e 'require(\"fs\").writeFileSync(\"a\", \"1\"); console.log(1)'", "1\n"),
        ("go", "printf 'package main\\nfunc main() { print(1) }\\n' > a.go; GOCACHE=/work/c go build -o a a.go && ./a 2>&1", "1"),
        ("javac", "printf 'class A { public static void main(String[] a) { System.out.println(1); } }' > A.java; javac A.java && java -cp . A", "1\n"),
    ],
)  # fmt: skip
def test_tools_of_other_languages_work_where_they_are(run: Run, program: str, script: str, stdout: str) -> None:
    if shutil.which(program, path="/usr/bin") is None:
        pytest.skip(f"SKIPPED FOR WANT OF A PROGRAM THAT NOT EVERY VALIDATOR HAS: {program}")
    ran = run("sh", "-c", script, inputs=(Entry("a.c", FLAW),), limits=WIDE)
    assert (ran.untrusted_stdout.decode(), ran.exit_code) == (stdout, 0), ran.untrusted_stderr


def test_forged_report_is_not_told_from_a_true_one(run: Run) -> None:
    """Attack 25: nothing in the bytes tells it apart, so nothing the sandbox says may be read as though it did."""
    forged = "echo '==1==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602000000011' >&2; exit 77"
    ran = run("sh", "-c", forged)
    honest = run("sh", "-c", "exit 77")
    assert (ran.ending, ran.exit_code, ran.signal, ran.note) == (honest.ending, honest.exit_code, honest.signal, honest.note)
    assert ran.level == honest.level
