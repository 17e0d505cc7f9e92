"""Crash logs of every family, in small samples of our own."""

import json
import time
from typing import Any

import pytest

from clearinghouse.core.policy import IntakeLimits
from clearinghouse.disclosure.intake.crashes import read_log
from clearinghouse.disclosure.intake.records import CodeLocation, Crash, Finding, Frame

ASAN = """\
Running: ./crash-1
=================================================================
==12==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602000000011 at pc 0x0000004c7 bp 0x7ffe sp 0x7ffe
READ of size 4 at 0x602000000011 thread T0
    #0 0x4c7a10 in __interceptor_memcpy /src/llvm-project/compiler-rt/lib/asan/asan_interceptors.cpp:63:3
    #1 0x51a44a in png::(anonymous namespace)::read_row<png::Line>(png::Line*, int) /src/libpng/pngread.c:120:9
    #2 0x51b44a in LLVMFuzzerTestOneInput /src/libpng/fuzz.cc:9:3
    #3 0x7f2c in __libc_start_main (/lib/x86_64-linux-gnu/libc.so.6+0x2082f)

0x602000000011 is located 0 bytes to the right of 1-byte region
allocated by thread T0 here:
    #0 0x4f8430 in malloc /src/llvm-project/compiler-rt/lib/asan/asan_malloc_linux.cpp:78
SUMMARY: AddressSanitizer: heap-buffer-overflow /src/libpng/pngread.c:120:9 in read_row
==12==ABORTING
artifact_prefix='./'; Test unit written to ./crash-2
"""


def crash_of(text: str) -> Crash:
    """The crash of a log, which must have one."""
    log = read_log(text, 2_048, 262_144)
    assert log is not None
    return log.crash


def test_asan_report_as_a_whole(read: Any) -> None:
    items, error = read("crashlog", ASAN)
    assert error is None
    (item,) = items
    assert item.notes == ()
    finding: Finding = item.finding
    assert finding.title == "heap-buffer-overflow READ of 4 bytes in png::read_row (AddressSanitizer)"
    assert finding.crash == Crash(
        "AddressSanitizer", "heap-buffer-overflow", "READ", 4,
        (
            Frame("__interceptor_memcpy", "/src/llvm-project/compiler-rt/lib/asan/asan_interceptors.cpp", 63),
            Frame("png::(anonymous namespace)::read_row<png::Line>(png::Line*, int)", "/src/libpng/pngread.c", 120),
            Frame("LLVMFuzzerTestOneInput", "/src/libpng/fuzz.cc", 9),
            Frame("__libc_start_main", "", None, "/lib/x86_64-linux-gnu/libc.so.6"),
        ),
    )
    assert finding.locations == (CodeLocation("libpng/pngread.c", 120, None, "png::read_row"),)
    assert finding.symbols == ("png::read_row",)
    assert finding.language == "c"
    assert finding.place == "line 3"
    assert dict(finding.extra)["artifact"] == "./crash-2"
    assert finding.description.startswith("==12==ERROR")
    assert "SUMMARY" in finding.description


def test_several_reports_the_first_complete_one_counts(read: Any) -> None:
    stackless = "==7==ERROR: AddressSanitizer: SEGV on unknown address 0x0 (pc 0x1 bp 0x2 sp 0x3 T0)\n\n"
    items, _ = read("crashlog", stackless + ASAN + ASAN.replace("heap-buffer-overflow", "double-free"))
    assert items[0].finding.crash.kind == "heap-buffer-overflow"
    assert items[0].finding.crash.reports_in_log == 3
    assert [note.code for note in items[0].notes] == ["crash.several_reports"]


def test_a_panic_and_the_abort_that_follows_are_one_report() -> None:
    log = (
        "panic: runtime error: index out of range [5] with length 3\n\ngoroutine 17 [running, locked to thread]:\n"
        "example.org/img.(*Reader).row(0xc000, {0x1, 0x2})\n\t/go/src/example.org/img/reader.go:46 +0x994\n"
        "main.LLVMFuzzerTestOneInput(0x6, 0x16)\n\texample.org/img/main.go:35 +0x66\n"
        "==1==ERROR: AddressSanitizer: ABRT on unknown address 0x1 (pc 0x5 bp 0x1 sp 0x1 T0)\n"
        "    #0 0x5c1a80 in runtime.raise runtime/sys_linux_amd64.s:149\n"
    )
    assert crash_of(log) == Crash("go", "index out of range", frames=(
        Frame("example.org/img.(*Reader).row", "/go/src/example.org/img/reader.go", 46),
        Frame("main.LLVMFuzzerTestOneInput", "example.org/img/main.go", 35),
    ))


@pytest.mark.parametrize(("log", "tool", "kind", "access", "size", "top"), [
    ("==1==WARNING: MemorySanitizer: use-of-uninitialized-value\n    #0 0x4a in f a.c:1:2\n", "MemorySanitizer", "use-of-uninitialized-value", "", None, "f"),
    ("WARNING: ThreadSanitizer: data race (pid=3)\n  Write of size 4 at 0x7b by thread T1:\n    #0 facade /src/a.c:10:5 (a.out+0x4a)\n",
     "ThreadSanitizer", "data race", "WRITE", 4, "facade"),
    ("==9==ERROR: LeakSanitizer: detected memory leaks\n\nIndirect leak of 8 byte(s) in 1 object(s) allocated from:\n    #0 0x1 in a a.c:1\n\n"
     "Direct leak of 16 byte(s) in 1 object(s) allocated from:\n    #0 0x1 in malloc m.c:1\n    #1 0x2 in b b.c:2\n", "LeakSanitizer", "direct-leak", "", 16, "b"),
    ("a/b.c:3:4: runtime error: load of misaligned address 0x60 for type 'int', which requires 4 byte alignment\n    #0 0x1 in g a/b.c:3:4\n",
     "UndefinedBehaviorSanitizer", "load of misaligned address", "READ", None, "g"),
    ("==2==ERROR: libFuzzer: out-of-memory (malloc(4278190080))\n    #0 0x1 in malloc m.c:1\n    #1 0x2 in h h.c:2\n", "libFuzzer", "out-of-memory", "", 4278190080, "h"),
    ("==2== ERROR: libFuzzer: timeout after 25 seconds\n    #0 0x1 in i i.c:1\n", "libFuzzer", "timeout", "", None, "i"),
    ("[   12.5] BUG: KASAN: slab-out-of-bounds in ipv6_gso+0x1/0x2\n[   12.5] Read of size 8 at addr ffff by task x/1\n[   12.5] Call Trace:\n"
     "[   12.5]  dump_stack_lvl+0x57/0x7d lib/dump_stack.c:106\n[   12.5]  ? stale+0x1/0x2\n[   12.5]  ipv6_gso+0x10/0x20 net/ipv6/gso.c:7\n",
     "KASAN", "slab-out-of-bounds", "READ", 8, "ipv6_gso+0x10/0x20"),
    ("thread 'main' panicked at src/lib.rs:22:17:\nindex out of bounds: the len is 3 but the index is 5\nstack backtrace:\n"
     "   0: rust_begin_unwind\n             at /rustc/1234567890abcdef12345/library/std/src/panicking.rs:645:5\n"
     "   1: img::decode::row\n             at ./src/lib.rs:22:17\n", "rust", "index out of bounds", "", None, "img::decode::row"),
    ("Exception in thread \"main\" java.lang.RuntimeException: wrapped\n\tat org.example.App.main(App.java:3)\n"
     "Caused by: java.lang.NullPointerException: x\n\tat org.example.Reader.read(Reader.java:44)\n\t... 1 more\n",
     "java", "java.lang.NullPointerException", "", None, "org.example.Reader.read"),
    ("Traceback (most recent call last):\n  File \"fuzz.py\", line 9, in run\n    go()\n  File \"pkg/mod.py\", line 4, in go\n    x[9]\nIndexError: list index out of range\n",
     "python", "IndexError", "", None, "go"),
    ("========= Timeout of 20 seconds exceeded; exiting\n", "centipede", "timeout", "", None, None),
    ("Program received signal SIGSEGV, Segmentation fault.\n#0  copy (dst=0x0, n=4 (four)) at src/copy.c:12\n#1  0x0000555 in main () at main.c:3\n", "gdb", "SIGSEGV", "", None, "copy"),
    ("WARNING: DATA RACE\nWrite at 0x00c0 by goroutine 7:\n  example.org/a.set()\n      /go/src/example.org/a/a.go:12 +0x38\n", "go race detector", "data race", "WRITE", None, "example.org/a.set"),
    ("prog: a.c:12: parse: Assertion `n > 0' failed.\n", "assertion", "Assertion failed", "", None, None),
])
def test_families(log: str, tool: str, kind: str, access: str, size: int | None, top: str | None) -> None:
    crash = crash_of(log)
    assert (crash.tool, crash.kind, crash.access, crash.size_bytes, crash.reports_in_log) == (tool, kind, access, size, 1)
    names = [frame.function for frame in crash.frames if frame.function not in ("malloc", "rust_begin_unwind", "dump_stack_lvl+0x57/0x7d")]
    assert (names[0] if names else None) == top


def test_chained_tracebacks_are_one_report() -> None:
    first = "Traceback (most recent call last):\n  File \"a.py\", line 1, in a\nKeyError: 'x'\n\n"
    second = "During handling of the above exception, another exception occurred:\n\n" + first.replace("KeyError", "ValueError")
    assert crash_of(first + second) == Crash("python", "KeyError", frames=(Frame("a", "a.py", 1),))


@pytest.mark.parametrize(("log", "code"), [
    ("Received signal 11 SEGV_MAPERR 7f6b0c580000\n[0x7f6b13882bf1]\n", "crash.no_stack"),
    ("==2==ERROR: AddressSanitizer: ABRT (pc 0x7 sp 0x7 bp 0x7 T0)\n    #0 0x7f86 (/lib/libc-2.15.so+0x36424)\n", "crash.no_symbols"),
    ("==2==ERROR: AddressSanitizer: SEGV on unknown address 0x0\n    #0 0x1 in a a.c:1\n    #4 0x1 in b a.c:2\n", "crash.truncated"),
    ("INFO: Seed: 1\n#2\tINITED cov: 7\nlibFuzzer says nothing\n", "crash.absent"),
])
def test_what_a_log_lacks_is_a_warning(read: Any, log: str, code: str) -> None:
    items, error = read("crashlog", log)
    assert error is None
    assert [note.code for note in items[0].notes] == [code]


def test_no_crash_at_all_is_refused(read: Any) -> None:
    items, error = read("crashlog", "hello\nworld\n")
    assert items == []
    assert error.note.code == "crash.absent"


def test_casr_report(read: Any) -> None:
    report = {
        "Date": "2021-08-10", "ExecutablePath": "/usr/bin/tiff2pdf", "ProcEnviron": ["TOKEN=secret"], "Package": "libtiff", "PackageVersion": "4.0",
        "CrashSeverity": {"Type": "EXPLOITABLE", "ShortDescription": "DestAv", "Description": "Access violation on destination operand", "Explanation": "."},
        "Stacktrace": ["#0  0x7ff in TIFFFreeDirectory (tif=tif@entry=0x5) at tif_dir.c:1013", "#1  0x7ff in main (argc=2) at main.c:3"],
        "CrashLine": "tif_dir.c:1013",
    }
    items, error = read("crashlog", json.dumps(report))
    assert error is None
    finding = items[0].finding
    assert finding.crash == Crash("CASR", "DestAv", "WRITE", None, (Frame("TIFFFreeDirectory", "tif_dir.c", 1013), Frame("main", "main.c", 3)))
    assert finding.packages[0].name == "libtiff"
    assert dict(finding.extra)["ExecutablePath"] == "/usr/bin/tiff2pdf"
    assert "secret" not in repr(finding)  # the environment of the finder's machine stays in the original


def test_width_and_length_are_bounded_and_said(read: Any, limits: IntakeLimits) -> None:
    items, _ = read("crashlog", ASAN + "x" * (limits.log_bytes_max + 1))
    assert "limit.log" in [note.code for note in items[0].notes]
    assert items[0].finding.crash.kind == "heap-buffer-overflow"


@pytest.mark.parametrize("sign", [
    "A", "(", " (", "#0 0x1 in ", "    #1 0x2 in a(", "\tat ", " at a.b(", "==1==ERROR: AddressSanitizer: ", "goroutine 1 [", "a.b.c",
    ": runtime error: ", "thread '' panicked at ", "', a:1:1", "[<", "BUG: KASAN: a ", "\n", "\n#0 a\n", "panic: \n", "/", ":", "a:1:1 ",
])
def test_hostile_lines_take_no_time(sign: str) -> None:
    begun = time.process_time()
    read_log(sign * (400_000 // len(sign)), 2_048, 262_144)
    read_log("==1==ERROR: AddressSanitizer: SEGV on unknown address\n#0 0x1 in " + sign * (400_000 // len(sign)), 2_048, 262_144)
    assert time.process_time() - begun < 4


def test_sniffing(read: Any) -> None:
    assert max(read.sniff(ASAN).items(), key=lambda entry: entry[1])[0] == "crashlog"
    assert "crashlog" not in read.sniff('{"a": "==1==ERROR: AddressSanitizer: x"}')
