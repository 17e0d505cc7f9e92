"""What the sandbox costs, against the same program started bare: python -m bench.sandbox [--pairs 60] [--json]."""

import argparse
import json
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from clearinghouse.sandbox import Command, Entry, Limits, Ran, Sandbox, SandboxSettings, open_sandbox

# A made-up flaw: the fifth byte of four, reached by an input that begins with two letters.
_SOURCE = b"""#include <stdint.h>
#include <stdlib.h>
#include <string.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 3 || memcmp(data, "ok", 2)) return 0;
  volatile char *four = malloc(4);
  four[data[2] % 8] = 1;
  free((void *)four);
  return 0;
}
"""
_INPUT = b"ok\x05"
_OPTIONS = "exitcode=77:detect_leaks=0:symbolize="
_LIMITS = Limits(20, 20, 1 << 30, 64, 1 << 20, 64 << 20, 256 << 20, 10_000)
_TRUTH = 77


def _reproducer(sandbox: Sandbox) -> bytes:
    """Built in the sandbox, as any reproducer is."""
    built = sandbox.run(
        Command(("clang", "-g", "-O1", "-fsanitize=address,fuzzer", "/in/a.c", "-o", "/out/a"), _LIMITS, (Entry("a.c", _SOURCE),), keep=("a",))
    )
    assert built.exit_code == 0, built.untrusted_stderr
    return built.kept["a"]


def _pairs(bare: Callable[[], int | None], inside: Callable[[], int | None], truth: int, pairs: int) -> dict[str, float]:
    """Alternating, so that a busy machine is as busy for both; times in milliseconds."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(pairs + 3):
        for which, call in sorted(enumerate((bare, inside)), reverse=bool(number % 2)):
            begun = time.perf_counter()
            assert call() == truth
            if number >= 3:  # the first ones fill caches
                times[which].append((time.perf_counter() - begun) * 1000)
    one, other = (sorted(each) for each in times)
    return {
        "bare_ms": round(statistics.median(one), 2), "bare_p95_ms": round(one[int(len(one) * 0.95)], 2),
        "sandbox_ms": round(statistics.median(other), 2), "sandbox_p95_ms": round(other[int(len(other) * 0.95)], 2),
        "ratio_of_medians": round(statistics.median(other) / statistics.median(one), 3),
        "median_of_ratios": round(statistics.median(b / a for a, b in zip(*times, strict=True)), 3),
    }  # fmt: skip


def _processor(bare: Callable[[], int | None], inside: Callable[[], Ran], runs: int) -> dict[str, float | None]:
    """Milliseconds of processor, which a busy machine stretches less: of the child, and of all that the slot did for the run."""
    alone, slot = [], []
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        bare()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        alone.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        slot.append(inside().cpu_seconds)
    counted = [seconds for seconds in slot if seconds is not None]
    bare_ms, slot_ms = statistics.median(alone) * 1000, statistics.median(counted) * 1000 if counted else None
    return {"bare_ms": round(bare_ms, 2), "sandbox_ms": slot_ms and round(slot_ms, 2), "ratio": slot_ms and round(slot_ms / bare_ms, 3)}


def _rate(call: Callable[[], int | None], truth: int, threads: int, runs: int) -> float:
    """Runs a second with several threads at once."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        assert set(pool.map(lambda _: call(), range(runs))) == {truth}
    return round(runs / (time.perf_counter() - begun), 1)


def measure(pairs: int, kind: str) -> dict[str, object]:
    """Everything the README's table has."""
    threads = os.cpu_count() or 1
    with open_sandbox(SandboxSettings(kind=kind, slots=threads, required=frozenset())) as sandbox, tempfile.TemporaryDirectory() as folder:
        binary = _reproducer(sandbox)
        program, poc = Path(folder, "a"), Path(folder, "poc")
        program.write_bytes(binary)
        program.chmod(0o755)
        poc.write_bytes(_INPUT)
        inputs = (Entry("a", binary, executable=True), Entry("poc", _INPUT))

        def bare(symbolise: bool) -> int:
            environment = {"ASAN_OPTIONS": f"{_OPTIONS}{int(symbolise)}", "PATH": "/usr/bin"}
            return subprocess.run([program, poc], env=environment, capture_output=True, check=False, cwd=folder).returncode

        def ran(symbolise: bool) -> Ran:
            return sandbox.run(Command(("/in/a", "/in/poc"), _LIMITS, inputs, {"ASAN_OPTIONS": f"{_OPTIONS}{int(symbolise)}"}))

        def inside(symbolise: bool) -> int | None:
            return ran(symbolise).exit_code

        nothing = Command(("true",), _LIMITS)
        return {
            "level": sandbox.level.render(), "reproducer_bytes": len(binary), "threads": threads,
            "true": _pairs(lambda: subprocess.run(["/usr/bin/true"], check=False).returncode, lambda: sandbox.run(nothing).exit_code, 0, pairs),
            "reproducer": _pairs(lambda: bare(False), lambda: inside(False), _TRUTH, pairs),
            "reproducer_processor": _processor(lambda: bare(False), lambda: ran(False), pairs),
            "reproducer_symbolised": _pairs(lambda: bare(True), lambda: inside(True), _TRUTH, max(10, pairs // 3)),
            "runs_per_second_bare": _rate(lambda: bare(False), _TRUTH, threads, pairs * 2),
            "runs_per_second_sandbox": _rate(lambda: inside(False), _TRUTH, threads, pairs * 2),
            "load_average": round(os.getloadavg()[0], 2),
        }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.sandbox", description=__doc__)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--kind", default="auto")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    found = measure(chosen.pairs, chosen.kind)
    if chosen.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:26} {value}")


if __name__ == "__main__":
    main()
