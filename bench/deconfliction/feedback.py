"""What people's decisions are worth: three fifths of a left-out source decided, the other two fifths judged.

    python -m bench.deconfliction.feedback --records dev.jsonl.gz --truth dev.truth.jsonl.gz

For each source with enough HARD pairs, a model trains without it. The pairs that touch it and lie in folds 0 to 2 are
then handed back as decisions; those that touch folds 3 and 4 are judged, three ways: by the model as it was, with the
correction that `correction.fit_correction` makes of the decisions (only pairs the model would have asked about count as decided),
and by a model trained again with them. All other pairs keep their out-of-fold probabilities.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.deconfliction import fitting, folds, left_out
from bench.deconfliction.background_table import background_lines
from bench.deconfliction.scoring import f1, touching
from bench.deconfliction.train import _KEY
from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.disclosure.deconfliction.background import read_background
from clearinghouse.disclosure.deconfliction.correction import DecidedPairs, fit_correction
from clearinghouse.disclosure.deconfliction.signature import Signer

DECIDED_FOLDS = (0, 1, 2)
ASKED_MIN = 0.02
"""Raw probability from which a person would have looked at a pair."""
THRESHOLD = 0.4
WAYS = ("before", "corrected", "trained_again")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--reports", action="store_true", help="with no record's database known")
    asked = parser.parse_args(arguments)
    signer = Signer(_KEY)
    lines = background_lines(fitting.findings(asked.records), _KEY)
    signatures = [signer.sign(finding) for finding in fitting.findings(asked.records)]
    table = fitting.build_table(asked.records, asked.truth, signatures, read_background(lines, len(signatures), signer))
    json.dump(measure(table, reports=asked.reports), sys.stdout, indent=1)
    sys.stdout.write("\n")
    return 0


def measure(table: fitting.Table, *, reports: bool = False) -> dict[str, Any]:
    """Pooled and by source: F1 of the judged HARD pairs for each of `WAYS`, and how many pairs were decided."""
    started, policy = time.perf_counter(), parse_policy(1, default_policy_document()).learning
    view = table.blank if reports else table
    ((_, known),) = folds.out_of_fold(table, [view])
    of_a, of_b = table.folds[table.pairs.a], table.folds[table.pairs.b]
    decided_part = np.isin(of_a, DECIDED_FOLDS) & np.isin(of_b, DECIDED_FOLDS)
    scored = np.flatnonzero((table.components >= 0) & table.hard & ~np.isin(table.folds, DECIDED_FOLDS))
    total = {way: np.zeros(3) for way in WAYS}
    by_source: dict[str, dict[str, float]] = {}
    for source in left_out.sources(table):
        touches = (table.sources[table.pairs.a] == source) | (table.sources[table.pairs.b] == source)
        first, raw, kept, rows = fitting.predict_with_rows(view, fitting.fit(table, ~touches))
        del first
        asked = touches[kept] & decided_part[kept] & table.known[kept] & (raw[kept] >= ASKED_MIN)
        correction = fit_correction("", DecidedPairs(
            rows[asked], raw[kept][asked], table.same[kept][asked] == 1, table.components[table.pairs.a[kept][asked]]
        ), policy)
        corrected = raw.copy()
        corrected[kept] = correction.apply(raw[kept], rows)
        _, again = fitting.predict(view, fitting.fit(table, ~touches | decided_part))
        row: dict[str, float] = {"decided": int(asked.sum()), "in_force": float(correction.in_force)}
        for way, mine in zip(WAYS, (raw, corrected, again), strict=True):
            counts = _counts(table, np.where(touches, mine, known), scored, source)
            total[way] += counts
            row[way] = _f1(counts)
        by_source[source] = row
        sys.stderr.write(f"{time.perf_counter() - started:6.0f} s  {source}: {row}\n")
    return {
        "pooled": {way: _f1(counts) for way, counts in total.items()},
        "mean_of_sources": {way: round(float(np.mean([row[way] for row in by_source.values()])), 4) for way in WAYS},
        "by_source": by_source,
    }


def _counts(
    table: fitting.Table, probabilities: NDArray[np.float64], scored: NDArray[np.int64], source: str
) -> NDArray[np.float64]:
    clusters = fitting.clusters_of(table, probabilities, THRESHOLD)[scored]
    return touching(table.components[scored], clusters, table.sources[scored] == source)


def _f1(counts: NDArray[np.float64]) -> float:
    return round(f1(counts[0] / max(counts[1], 1), counts[0] / max(counts[2], 1)), 4)


if __name__ == "__main__":
    raise SystemExit(main())
