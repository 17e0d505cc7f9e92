"""Cost at several sizes, in bulk and one by one: `python -m bench.growth --sizes 1000,10000 --json`.

Prints seconds by stage, what one finding costs among so many stored, and the exponent with which the bulk grows.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from bench import stored_path
from bench.growth.placing import CORPUS, one_by_one, summary
from bench.growth.placing import measure as measure_placing
from bench.growth.synthesis import read_donors, synthesise
from clearinghouse.app.settings import ENGINES


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000,400000", help="numbers of records, rising")
    parser.add_argument("--corpus", type=Path, default=CORPUS if CORPUS.exists() else None, help="records to take words from")
    parser.add_argument("--single", type=int, default=300, help="findings placed one by one at each size")
    parser.add_argument("--workers", type=int, default=1, help="place by so many processes at once as well")
    parser.add_argument("--engine", default="memory", choices=ENGINES, help="what settles")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print one JSON value")
    chosen = parser.parse_args(arguments)
    rows = []
    for size in (int(text) for text in chosen.sizes.split(",")):
        rows.append(measure(chosen.corpus, size, chosen.single, chosen.seed, chosen.engine, chosen.workers))
        sys.stderr.write(f"{size}: {rows[-1]['seconds_total']} s\n")
    result = {"corpus": "shared" if chosen.corpus else "built in", "sizes": rows, "exponents": exponents(rows)}
    if chosen.json:
        json.dump(result, sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        for row in rows:
            single = row["single"]["milliseconds"]
            sys.stdout.write(
                f"{row['records']:>8} records: {row['seconds_total']:>8.1f} s, {row['records_per_second']:>7.0f} a second, "
                f"{row['peak_megabytes']:>5} MB; one finding: median {single['median']:.1f} ms, 99 % {single['p99']:.1f} ms\n"
            )
        sys.stdout.write(f"exponents: {result['exponents']}\n")
    return 0


def measure(corpus: Path | None, size: int, single: int, seed: int, engine: str = "memory", workers: int = 1) -> dict[str, Any]:
    """Bulk and one-by-one cost at one size."""
    donors = read_donors(corpus)
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "records.ndjson"
        with lines.open("wb") as file:
            file.writelines(line + b"\n" for line in synthesise(donors, size, seed))
        instance = stored_path.fresh_instance(Path(folder) / "home", engine)
        stages, work = stored_path.run(instance, lines)
        megabytes = stored_path.peak_megabytes()
        alone = summary([one_by_one(work, list(synthesise(donors, single, seed + 1)))])
        together = measure_placing(Path(folder) / "home", workers, single, seed + 1, corpus) if workers > 1 else None
        database = (Path(folder) / "home" / "clearinghouse.db").stat().st_size
        instance.close()
    return {
        "records": size, "engine": engine, "seconds": {name: round(value, 2) for name, value in stages.seconds.items()},
        "processor_seconds": {name: round(value, 2) for name, value in stages.processor.items()},
        "seconds_total": round(stages.total, 2), "records_per_second": round(size / stages.total, 1),
        "peak_megabytes": round(megabytes), "database_megabytes": round(database / 1e6), "single": alone,
        **({} if together is None else {"single_together": together}),
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


if __name__ == "__main__":
    raise SystemExit(main())
