"""Trains the pair model and writes the artefact that ships, with where it came from.

    python -m bench.deconfliction.train --records dev.jsonl.gz --truth dev.truth.jsonl.gz

Five folds and left-out sources are measured first; the calibration comes from the left-out sources,
because a new instance's databases are never those of the corpus. `--quick` skips both and keeps
the calibration of the artefact in place.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.deconfliction import fitting, folds, left_out, reliability
from bench.deconfliction.background_table import background_lines
from bench.deconfliction.corpus import digest
from bench.deconfliction.reliability import calibration
from bench.deconfliction.scoring import curve, score_both
from clearinghouse.disclosure.deconfliction.background import read_background
from clearinghouse.disclosure.deconfliction.context import ALL_FEATURES
from clearinghouse.disclosure.deconfliction.scoring import CALIBRATED, STAGES
from clearinghouse.disclosure.deconfliction.signature import FORMAT, Signer

MODEL = Path(__file__).resolve().parents[2] / "src/clearinghouse/disclosure/deconfliction/model"
CORPUS = Path(__file__).resolve().parents[3] / "shared/data/deconfliction"
PLOT = Path(__file__).resolve().parents[2] / "docs/images/reliability.svg"
THRESHOLDS = (0.3, 0.4, 0.5, 0.6)
PRECISIONS = (0.99, 0.98, 0.97, 0.95, 0.9, 0.8)
Knots = dict[str, list[list[float]]]
"""For each view, rows of raw and of calibrated probabilities."""
_KEY = b"terms of the training corpus"


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=Path, default=CORPUS / "dev.jsonl.gz")
    parser.add_argument("--truth", type=Path, default=CORPUS / "dev.truth.jsonl.gz")
    parser.add_argument("--model", type=Path, default=MODEL, help="folder to write the artefact to")
    parser.add_argument("--quick", action="store_true", help="no folds, no left-out sources")
    asked = parser.parse_args(arguments)
    if not asked.records.exists():
        parser.error(f"{asked.records} is not there: say where the corpus lies with --records and --truth")
    train(asked.records, asked.truth, asked.model, quick=asked.quick)
    return 0


def train(records: Path, truth: Path, model: Path, *, quick: bool) -> dict[str, Any]:
    """Write the artefact for a corpus and return its provenance."""
    started = time.perf_counter()
    signer = Signer(_KEY)
    lines = background_lines(fitting.findings(records), _KEY)
    signatures = [signer.sign(finding) for finding in fitting.findings(records)]
    background = read_background(lines, len(signatures), signer)
    table = fitting.build_table(records, truth, signatures, background)
    _say(started, f"{len(table.ids)} records, {len(table.same)} candidate pairs")
    earlier = json.loads((model / "provenance.json").read_text("utf-8")) if (model / "provenance.json").exists() else {}
    measured, knots = earlier.get("measured", {}), earlier.get("calibration", {name: [[0.0, 1.0], [0.0, 1.0]] for name in CALIBRATED})
    if not quick:
        measured, knots = measure(table, started)
        PLOT.write_text(reliability.plot(measured["calibration"]), "utf-8")
    fitted = fitting.fit(table, np.ones(len(table.same), bool))
    _say(started, "fitted on everything")
    return write(model, table, fitted, lines, knots, measured, records, truth)


def measure(table: fitting.Table, started: float) -> tuple[dict[str, Any], Knots]:
    """Five folds, left-out sources, and the calibration the latter give.

    Everything is measured twice by the same models: `entries` with the database of each record known, as of imported
    lists, and `reports` with none known, as between finders' reports.
    """
    views = {"entries": table, "reports": table.blank}
    folded = dict(zip(views, folds.out_of_fold(table, list(views.values())), strict=True))
    judged = dict(zip(views, left_out.leave_out(table, list(views.values()), list(folded.values())), strict=True))
    raw = {name: _hard_predictions(table, one) for name, one in judged.items()}
    knots = {name: calibration(one.raw, one.same) for name, one in raw.items()}
    measured = {name: _measure_view(table, started, name, *folded[name], judged[name], raw[name]) for name in views}
    measured["calibration"] = reliability.measure(raw)
    for name, one in measured["calibration"].items():
        _say(started, f"{name}: calibration error {one['ece']:.4f}, {one['ece_doubtful']:.4f} where .05 or more is said")
    measured["left_out_hard_pairs"] = {one.source: one.hard_pairs for one in judged["entries"]}
    return measured, knots


def _hard_predictions(table: fitting.Table, judged: list[left_out.LeftOut]) -> reliability.Predictions:
    """Predictions of hard pairs by models that do not know their source, and which source that is."""
    hard = table.hard[table.pairs.a] & table.hard[table.pairs.b] & table.known
    chosen = [one.touches & hard & (one.second > 0) for one in judged]
    return reliability.Predictions(
        np.concatenate([one.second[which] for one, which in zip(judged, chosen, strict=True)]),
        np.concatenate([table.same[which] for which in chosen]),
        np.concatenate([np.full(int(which.sum()), at) for at, which in enumerate(chosen)]),
    )


def _measure_view(
    table: fitting.Table, started: float, name: str, first: NDArray[np.float64], second: NDArray[np.float64],
    judged: list[left_out.LeftOut], raw: reliability.Predictions,
) -> dict[str, Any]:
    by_fold = {}
    for threshold in THRESHOLDS:
        clusters = fitting.clusters_of(table, second, threshold)
        scores = score_both(table.truth, dict(zip(table.ids, map(str, clusters.tolist()), strict=True)))
        by_fold[str(threshold)] = {part: one.as_dict() for part, one in scores.items()}
        _say(started, f"{name}: five folds, raw threshold {threshold}: F1 all {scores['all'].pair_f1:.4f}, hard {scores['hard'].pair_f1:.4f}")
    shown = {
        f"{what}_{part}_{most}": function(table, first, second, most, hard=part == "hard")
        for what, function in (("partner", folds.partner_shown), ("pairs", folds.pairs_shown))
        for part in ("all", "hard") for most in (10, 20)
    }
    _say(started, f"{name}: right partner among those shown: {shown}")
    apart = {str(threshold): left_out.pooled(table, judged, threshold) for threshold in THRESHOLDS}
    joins = curve(raw.raw, raw.same, float(sum(one.hard_pairs for one in judged)), PRECISIONS)
    for at, result in apart.items():
        _say(started, f"{name}: left-out sources, raw threshold {at}: hard F1 {result['f1']:.4f} [{result['f1_low']:.4f}, "
                      f"{result['f1_high']:.4f}], mean of sources {result['f1_mean_of_sources']:.4f}")
    for point in joins:
        _say(started, f"{name}: left-out sources, automatic joins: precision {point['precision_min']} at recall {point['recall']:.3f}"
                      f" from raw {point['probability_min']:.3f}")
    return {"five_folds": by_fold, "shown": shown, "left_out_sources": apart, "left_out_joins": joins}


def write(
    model: Path, table: fitting.Table, fitted: fitting.Fitted, lines: list[str], knots: Knots,
    measured: dict[str, Any], records: Path, truth: Path,
) -> dict[str, Any]:
    """Write the artefact: trees, background table, provenance."""
    model.mkdir(parents=True, exist_ok=True)
    files = {f"{stage}.txt": _text(getattr(fitted, stage)) for stage in STAGES} | {"background.txt": "\n".join(lines) + "\n"}
    for name, text in files.items():
        (model / name).write_text(text, "utf-8")
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(name.encode() + b"\0" + files[name].encode() + b"\0")
    whole.update(json.dumps(knots).encode())
    provenance = {
        "digest": "sha256:" + whole.hexdigest(),
        "corpus_digest": digest(records), "truth_digest": digest(truth), "records": len(table.ids),
        "background_records": len(table.ids), "signature_format": FORMAT, "sieve_min": fitting.SIEVE_MIN,
        "features": list(ALL_FEATURES), "calibration": knots, "measured": measured,
        "parameters": {"sieve": fitting.SIEVE, "sieve_rounds": fitting.SIEVE_ROUNDS, "judge": fitting.JUDGE,
                       "judge_rounds": fitting.JUDGE_ROUNDS, "appeal": fitting.APPEAL, "appeal_rounds": fitting.APPEAL_ROUNDS},
    }
    (model / "provenance.json").write_text(json.dumps(provenance, indent=1) + "\n", "utf-8")
    return provenance


def _text(booster: Any) -> str:
    """The trees alone: what follows them are parameters, which the provenance has."""
    return str(booster.model_to_string()).split("\nparameters:", 1)[0] + "\n"


def _say(started: float, text: str) -> None:
    sys.stderr.write(f"{time.perf_counter() - started:6.0f} s  {text}\n")


if __name__ == "__main__":
    raise SystemExit(main())
