"""Measure rules over crash stacks: pairs right, wrong and missed. `python -m bench.stacks [SAMPLES] [--json]`; without samples one set of four."""

import json
import sys
from collections.abc import Callable, Sequence
from itertools import combinations
from math import exp
from pathlib import Path

from bench.stacks.synthesis import crashes
from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.core.crash import significant_frames
from clearinghouse.disclosure.deconfliction.signature import Signature, Signer
from clearinghouse.disclosure.deconfliction.traces import Traces, read_row, read_traces, sign_traces
from clearinghouse.disclosure.deconfliction.weighing import weigh
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.disclosure.intake.sources import crashlog, osv
from clearinghouse.disclosure.intake.sources.base import Document

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "samples"
_POLICY = parse_policy(1, default_policy_document())
_THRESHOLDS = _POLICY.deconfliction
_SIGNER = Signer(b"a key for measuring, thirty-two b")
Labelled = list[tuple[str, Finding]]
"""(what is one flaw, a crash)."""
Prepared = tuple[tuple[str, tuple[str, ...]], Traces, Signature]
"""Kind and first frames as they are, traces, signature."""


def _top(most: int) -> Callable[[Prepared, Prepared], bool]:
    def joined(one: Prepared, other: Prepared) -> bool:
        (kind, ours), (other_kind, theirs) = one[0], other[0]
        return bool(ours) and ours[:most] == theirs[:most] and kind == other_kind

    return joined


def _prepare(finding: Finding) -> Prepared:
    assert finding.crash is not None
    frames = significant_frames([f.function for f in finding.crash.frames], [f.path for f in finding.crash.frames], 3)
    return (finding.crash.kind.lower(), frames), read_traces(read_row(sign_traces(finding, _SIGNER))), _SIGNER.sign(finding)


def _worth(least: float) -> Callable[[Prepared, Prepared], bool]:
    def joined(one: Prepared, other: Prepared) -> bool:
        said = weigh(one[1], other[1], one[2], other[2], _THRESHOLDS)
        return any(1.0 / (1.0 + exp(-entry.contribution)) >= least - 1e-9 for entry in said.evidence)

    return joined


# Logs of this set that are one stack under several headers: made from each other for the tests of a parser.
_VARIED = {
    name: of for of, names in {
        "ill": ("asan_ill", "asan_ill_null_address", "ubsan_ill"), "fpe": ("asan_fpe", "ubsan_fpe"),
        "win": ("asan_null_dereference_win_read", "asan_null_dereference_win_write", "asan_unknown_win_read", "asan_unknown_win_write"),
        "unknown crash": ("asan_unknown_crash_read", "asan_unknown_crash_write"),
        "unknown": ("asan_unknown_read", "asan_null_dereference_read", "asan_unknown_write", "asan_null_dereference_write"),
        "go": ("golang_panic_runtime_error_index_out_of_range", "golang_panic_runtime_error_index_out_of_range_with_msan"),
        "go panic": ("golang_generic_panic_and_asan_abrt", "golang_generic_fatal_error_and_asan_abrt", "golang_new_crash_type_and_asan_abrt",
                     "golang_panic_runtime_error_slice_bounds_out_of_range"),
    }.items() for name in names
}


RULES: dict[str, Callable[[Prepared, Prepared], bool]] = {
    "top frame and kind": _top(1), "three top frames and kind": _top(3),
    "alike or better (a case, to be looked at)": _worth(_THRESHOLDS.evidence.stack_alike_probability),
    "whole stack (a case, to be looked at)": _worth(_THRESHOLDS.evidence.stack_same_probability),
    "whole stack and line (joined)": _worth(_THRESHOLDS.evidence.stack_exact_probability),
}


def measure(parts: Sequence[Labelled], rule: Callable[[Prepared, Prepared], bool]) -> dict[str, float]:
    """Pairs within each part that a rule joins rightly and wrongly, and those it misses."""
    right = wrong = missed = 0
    for part in parts:
        for (a, one), (b, other) in combinations([(label, _prepare(finding)) for label, finding in part], 2):
            joined, same = rule(one, other), a == b
            right += joined and same
            wrong += joined and not same
            missed += same and not joined
    return {
        "right": right, "wrong": wrong, "missed": missed, "precision": right / (right + wrong) if right + wrong else 1.0,
        "recall": right / (right + missed) if right + missed else 1.0,
    }


def _read(paths: Sequence[Path]) -> list[tuple[str, Finding]]:
    found = []
    for path in paths:
        source = osv.SOURCE if path.suffix == ".yaml" else crashlog.SOURCE
        items = source.parse(Document(path.name, path.read_bytes(), _POLICY.intake))
        found += [(path.stem, item.finding) for item in items if item.finding is not None and item.finding.crash is not None]
    return found


def sets(samples: Path) -> dict[str, list[Labelled]]:
    """The sets that are there."""
    found: dict[str, list[Labelled]] = {"simulated": [list(crashes(1))]}
    casr = samples / "sanitizer" / "casr"
    if casr.is_dir():
        # By its names, 2 and 20, 3 and 30, 4 and 40 are one each: nine flaws, as its source expects.
        small = [(name[:1] if name in ("20", "30", "40") else name, finding) for name, finding in _read(sorted((casr / "test_clustering_small").iterdir()))]
        pairs = [("a" if name in ("1", "2") else "b" if name in ("5", "6") else name, f) for name, f in _read(sorted((casr / "similarity_test").iterdir()))]
        dedup = [("hash" if name[-1] in "234" else "tiff", finding) for name, finding in _read(sorted((casr / "dedup").iterdir()))]
        found["CASR, C"] = [small, pairs, dedup]
        found["CASR, Python"] = [[
            (finding.crash.kind, finding) for _, finding in _read(sorted((casr / "test_clustering_python").iterdir())) if finding.crash is not None
        ]]
        logs = sorted((samples / "sanitizer" / "clusterfuzz").iterdir()) + sorted((samples / "osv" / "oss-fuzz").iterdir())
        found["strangers"] = [[(_VARIED.get(name, name), finding) for name, finding in _read(logs)]]
    return found


def main() -> None:
    """Print the table."""
    given = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    table = {name: {rule: measure(labelled, joined) for rule, joined in RULES.items()} for name, labelled in sets(Path(given[0]) if given else SAMPLES).items()}
    if "--json" in sys.argv:
        print(json.dumps(table, indent=1))
        return
    for name, rows in table.items():
        print(f"\n{name}\n| rule | right | wrong | missed | precision | recall |\n|---|---|---|---|---|---|")
        for rule, row in rows.items():
            print(f"| {rule} | {row['right']:.0f} | {row['wrong']:.0f} | {row['missed']:.0f} | {row['precision']:.2f} | {row['recall']:.2f} |")


if __name__ == "__main__":
    main()
