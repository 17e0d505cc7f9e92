"""Cost at several sizes, in bulk and one by one: `python -m bench.growth --sizes 1000,10000 --json`.

Prints seconds by stage, what one finding costs among so many stored, and the exponent with which the bulk grows.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from bench import stored_path
from bench.growth.synthesis import read_donors, synthesise
from clearinghouse.disclosure.deconfliction.asking import StoredIndex
from clearinghouse.disclosure.deconfliction.jobs import Matching
from clearinghouse.disclosure.deconfliction.placing import place
from clearinghouse.disclosure.deconfliction.traces import read_row, sign_traces
from clearinghouse.disclosure.intake.sources.ndjson import read_line

_CORPUS = Path(__file__).resolve().parents[3] / "shared" / "data" / "deconfliction" / "dev.jsonl.gz"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000,400000", help="numbers of records, rising")
    parser.add_argument("--corpus", type=Path, default=_CORPUS if _CORPUS.exists() else None, help="records to take words from")
    parser.add_argument("--single", type=int, default=300, help="findings placed one by one at each size")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print one JSON value")
    chosen = parser.parse_args(arguments)
    donors = read_donors(chosen.corpus)
    rows = []
    for size in (int(text) for text in chosen.sizes.split(",")):
        rows.append(measure(donors, size, chosen.single, chosen.seed))
        sys.stderr.write(f"{size}: {rows[-1]['seconds_total']} s\n")
    result = {"corpus": "shared" if chosen.corpus else "built in", "sizes": rows, "exponents": exponents(rows)}
    if chosen.json:
        json.dump(result, sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        for row in rows:
            single = row["single_milliseconds"]
            sys.stdout.write(
                f"{row['records']:>8} records: {row['seconds_total']:>8.1f} s, {row['records_per_second']:>7.0f} a second, "
                f"{row['peak_megabytes']:>5} MB; one finding: median {single['median']:.1f} ms, 99 % {single['p99']:.1f} ms\n"
            )
        sys.stdout.write(f"exponents: {result['exponents']}\n")
    return 0


def measure(donors: Sequence[dict[str, Any]], size: int, single: int, seed: int) -> dict[str, Any]:
    """Bulk and one-by-one cost at one size."""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "records.ndjson"
        with lines.open("wb") as file:
            file.writelines(line + b"\n" for line in synthesise(donors, size, seed))
        instance = stored_path.fresh_instance(Path(folder) / "home")
        stages, work = stored_path.run(instance, lines)
        milliseconds = _one_by_one(work, list(synthesise(donors, single, seed + 1)))
        megabytes = stored_path.peak_megabytes()
        database = (Path(folder) / "home" / "clearinghouse.db").stat().st_size
        instance.close()
    return {
        "records": size, "seconds": {name: round(value, 2) for name, value in stages.seconds.items()},
        "seconds_total": round(stages.total, 2), "records_per_second": round(size / stages.total, 1),
        "peak_megabytes": round(megabytes), "database_megabytes": round(database / 1e6),
        "single_milliseconds": {
            "median": round(float(np.median(milliseconds)), 2), "p99": round(float(np.percentile(milliseconds, 99)), 2),
            "max": round(max(milliseconds), 2), "count": len(milliseconds),
        },
    }


def exponents(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """With what power of the number of records the seconds grow, between neighbouring sizes and over all."""
    found = {}
    pairs = list(pairwise(rows))
    if len(rows) > 2:
        pairs.append((rows[1], rows[-1]))
    for low, high in pairs:
        ratio = np.log(high["seconds_total"] / low["seconds_total"]) / np.log(high["records"] / low["records"])
        found[f"{low['records']}-{high['records']}"] = round(float(ratio), 3)
    return found


def _one_by_one(work: Matching, lines: Sequence[bytes]) -> list[float]:
    """Milliseconds from a parsed finding to its answer, with everything read from the database; the first ten warm up."""
    milliseconds = []
    for number, line in enumerate(lines):
        finding = read_line(line, "line 1", 1 << 20).finding
        assert finding is not None
        started = time.perf_counter()
        signature, locus = work.signer.sign(finding), read_row(sign_traces(finding, work.signer))
        with work.database.read() as tx:
            place(signature, StoredIndex(tx), work.scorer, work.thresholds, locus=locus)
        if number >= 10:
            milliseconds.append((time.perf_counter() - started) * 1000)
    return milliseconds


if __name__ == "__main__":
    raise SystemExit(main())
