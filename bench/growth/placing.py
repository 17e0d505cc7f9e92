"""What placing one finding costs while other workers place as well: `python -m bench.growth.placing HOME --workers 4 --json`.

Each worker is a process with connections of its own that compares findings with everything the instance holds, one after the other,
everything read from the database; nothing is kept, so that an instance can be measured again.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.growth.synthesis import read_donors, synthesise
from clearinghouse.app import process
from clearinghouse.app.settings import load_settings
from clearinghouse.app.wiring import open_instance
from clearinghouse.disclosure.deconfliction.asking import StoredIndex
from clearinghouse.disclosure.deconfliction.jobs import Matching
from clearinghouse.disclosure.deconfliction.placing import place
from clearinghouse.disclosure.deconfliction.traces import read_row, sign_traces
from clearinghouse.disclosure.intake.sources.ndjson import read_line

_WARM = 10
CORPUS = Path(__file__).resolve().parents[3] / "shared" / "data" / "deconfliction" / "dev.jsonl.gz"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth.placing", description=__doc__)
    parser.add_argument("home", type=Path, help="folder of an instance")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--single", type=int, default=300, help="findings each worker places")
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--corpus", type=Path, default=CORPUS if CORPUS.exists() else None, help="records to take words from")
    parser.add_argument("--json", action="store_true", help="print one JSON value")
    chosen = parser.parse_args(arguments)
    result = measure(chosen.home, chosen.workers, chosen.single, chosen.seed, chosen.corpus)
    sys.stdout.write(json.dumps(result, indent=1) + "\n" if chosen.json else f"{result}\n")
    return 0


def measure(home: Path, workers: int, single: int, seed: int, corpus: Path | None) -> dict[str, Any]:
    """Milliseconds of one finding, by the clock and of processor, over all workers."""
    if workers == 1:
        return summary([_alone(home, single, seed, corpus)])
    words = [] if corpus is None else ["--corpus", str(corpus)]
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.growth.placing", str(home), "--single", str(single), "--seed", str(seed + number), "--json", *words],
            stdout=subprocess.PIPE, env={**os.environ, "BENCH_RAW": "1"},
        )
        for number in range(workers)
    ]
    found = [json.loads(child.communicate()[0]) for child in children]
    return summary([one["raw"] for one in found])


def summary(found: list[dict[str, list[float]]]) -> dict[str, Any]:
    """Median and 99 % over what all workers measured."""
    if os.environ.get("BENCH_RAW"):
        return {"raw": found[0]}
    clock, processor = (np.concatenate([one[name] for one in found]) for name in ("clock", "processor"))
    return {
        "workers": len(found), "findings": len(clock), "load": round(os.getloadavg()[0], 1),
        **{name: {"median": round(float(np.median(values)), 2), "p99": round(float(np.percentile(values, 99)), 2)}
           for name, values in (("milliseconds", clock), ("processor_milliseconds", processor))},
    }


def _alone(home: Path, single: int, seed: int, corpus: Path | None) -> dict[str, list[float]]:
    instance = open_instance(load_settings(home))
    try:
        return one_by_one(process.matching(instance), list(synthesise(read_donors(corpus), single + _WARM, seed)))
    finally:
        instance.close()


def one_by_one(work: Matching, lines: Sequence[bytes]) -> dict[str, list[float]]:
    """Milliseconds from a parsed finding to its answer, with everything read from the database; the first ten warm up."""
    clock, processor = [], []
    for number, line in enumerate(lines):
        finding = read_line(line, "line 1", 1 << 20).finding
        assert finding is not None
        started, used = time.perf_counter(), time.process_time()
        signature, row = work.signer.sign(finding), read_row(sign_traces(finding, work.signer))
        with work.database.read() as tx:
            place(signature, StoredIndex(tx), work.model(tx), work.thresholds, locus=row)
        if number >= _WARM:
            clock.append((time.perf_counter() - started) * 1000)
            processor.append((time.process_time() - used) * 1000)
    return {"clock": clock, "processor": processor}


if __name__ == "__main__":
    raise SystemExit(main())
