"""Runs the whole stored path on a corpus and scores what came out: `python -m bench.deconfliction --records R --truth T`.

Records go in as our own line format, are parsed, stored, signed, indexed, settled, each with its event on the ledger;
the truth is read by the scorer alone, after everything else.
"""

import argparse
import gzip
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from bench import stored_path
from bench.deconfliction.corpus import Truth, digest, read_truth
from bench.deconfliction.scoring import score_both
from clearinghouse.disclosure.deconfliction import store
from clearinghouse.disclosure.deconfliction.settling import RELATIONS

_POINTS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.deconfliction", description=__doc__)
    parser.add_argument("--records", type=Path, required=True, help="JSON lines, gzipped or not")
    parser.add_argument("--truth", type=Path, required=True, help="JSON lines with id, component, hard")
    parser.add_argument("--json", action="store_true", help="print one JSON value")
    parser.add_argument("--clusters", type=Path, help="also write {id, cluster} a line")
    chosen = parser.parse_args(arguments)
    result = measure(chosen.records, chosen.truth, chosen.clusters)
    if chosen.json:
        json.dump(result, sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        _print(result)
    return 0


def measure(records: Path, truth: Path, clusters: Path | None = None) -> dict[str, Any]:
    """Everything the benchmark says of one corpus."""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "records.ndjson"
        with (gzip.open if records.suffix == ".gz" else open)(records, "rb") as source, lines.open("wb") as target:
            shutil.copyfileobj(source, target)
        instance = stored_path.fresh_instance(Path(folder) / "home")
        stages, work = stored_path.run(instance, lines)
        megabytes = stored_path.peak_megabytes()
        ids, placed = stored_path.ids_by_number(instance), stored_path.placements(instance)
        model = work.scorer.digest
        instance.close()
    predicted = {ids[one.number]: str(one.cluster) for one in placed}
    if clusters is not None:
        clusters.write_text("".join(json.dumps({"id": one, "cluster": label}) + "\n" for one, label in predicted.items()))
    # Only now.
    known = read_truth(truth)
    provenance = json.loads((resources.files("clearinghouse.disclosure.deconfliction") / "model" / "provenance.json").read_text())
    scores = score_both([known[one] for one in predicted if one in known], predicted)
    in_sample = provenance["corpus_digest"] == digest(records)
    count, seconds = len(placed), stages.total
    return {
        "records": count, "model": model, "in_sample": in_sample,
        "note": "the shipped model was trained on this very corpus: read the figures of provenance.json instead" if in_sample else "",
        "all": scores["all"].as_dict(), "hard": scores["hard"].as_dict(),
        "shown": {name: _shown(placed, ids, known, hard=name == "hard") for name in ("all", "hard")},
        "automatic": {name: _automatic(placed, ids, known, hard=name == "hard") for name in ("all", "hard")},
        "seconds": {name: round(value, 2) for name, value in stages.seconds.items()}, "seconds_total": round(seconds, 2),
        "seconds_compute": round(stages.seconds["sign"] + stages.seconds["settle"], 2),
        "records_per_second": round(count / seconds, 1), "peak_megabytes": round(megabytes),
    }


def _scored(ids: dict[int, str], known: dict[str, Truth], hard: bool) -> dict[int, str]:
    found = {}
    for number, one in ids.items():
        truth = known.get(one)
        if truth is not None and truth.component and (truth.hard or not hard):
            found[number] = truth.component
    return found


def _shown(placed: list[store.Placement], ids: dict[int, str], known: dict[str, Truth], *, hard: bool) -> float:
    """Of the records that have a partner, the part whose candidates shown hold one."""
    component = _scored(ids, known, hard)
    sizes: dict[str, int] = {}
    for label in component.values():
        sizes[label] = sizes.get(label, 0) + 1
    asked = hit = 0
    for one in placed:
        own = component.get(one.number)
        if own is not None and sizes[own] > 1:
            asked += 1
            hit += any(component.get(other) == own for other, _, _ in store.unpack_candidates(one.candidates))
    return hit / asked if asked else 1.0


def _automatic(placed: list[store.Placement], ids: dict[int, str], known: dict[str, Truth], *, hard: bool) -> list[dict[str, float | str]]:
    """Precision and recall of joining every pair shown at or above a probability; the last point is policy's own word."""
    component = _scored(ids, known, hard)
    sizes: dict[str, int] = {}
    for label in component.values():
        sizes[label] = sizes.get(label, 0) + 1
    true = sum(size * (size - 1) // 2 for size in sizes.values())
    pairs: dict[tuple[int, int], tuple[float, bool]] = {}
    for one in placed:
        for other, probability, relation in store.unpack_candidates(one.candidates):
            if one.number in component and other in component:
                pairs[min(one.number, other), max(one.number, other)] = (probability, RELATIONS[relation] == "duplicate")
    same = np.array([component[a] == component[b] for a, b in pairs], bool)
    values = np.array([value for value, _ in pairs.values()], float)
    said = np.array([word for _, word in pairs.values()], bool)
    joins: list[tuple[float | str, Any]] = [(least, values >= least) for least in _POINTS]
    points: list[dict[str, float | str]] = []
    for name, chosen in [*joins, ("duplicate", said)]:
        hit = int((same & chosen).sum())
        points.append({
            "at": name, "precision": round(hit / max(1, int(chosen.sum())), 4), "recall": round(hit / max(1, true), 4),
            "joined": int(chosen.sum()),
        })
    return points


def _print(result: dict[str, Any]) -> None:
    write = sys.stdout.write
    if result["in_sample"]:
        write(f"IN SAMPLE: {result['note']}\n")
    for name in ("all", "hard"):
        score = result[name]
        write(f"{name:5} pairs P {score['pair_precision']:.3f} R {score['pair_recall']:.3f} F1 {score['pair_f1']:.3f}   "
              f"B-cubed F1 {score['bcubed_f1']:.3f}   partner shown {result['shown'][name]:.3f}\n")
    for point in result["automatic"]["hard"]:
        write(f"  hard, join at {point['at']}: precision {point['precision']:.3f} recall {point['recall']:.3f}\n")
    write(f"{result['records']} records, {result['seconds_total']} s ({result['seconds_compute']} s compute), "
          f"{result['records_per_second']} a second, {result['peak_megabytes']} MB; by stage {result['seconds']}\n")


if __name__ == "__main__":
    raise SystemExit(main())
