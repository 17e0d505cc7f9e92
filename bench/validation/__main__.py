"""Run the planted flaws through the validation bench. `python -m bench.validation [--json] [--quick] [--programs NAME,...] [--keep]`."""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from bench.validation.measuring import group_all, growth, judge_all, sizes
from bench.validation.truth import contradictions, programs
from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.core.errors import Unavailable
from clearinghouse.sandbox import open_sandbox

RESULTS = Path(__file__).resolve().parents[1] / "results" / "validation.json"
_QUICK = ("records", "menus")


def main() -> None:
    """Print what the bench says beside what is true."""
    parser = argparse.ArgumentParser(prog="python -m bench.validation")
    parser.add_argument("--json", action="store_true", help="everything, as JSON")
    parser.add_argument("--quick", action="store_true", help="two programs, two trials of each case, no growth")
    parser.add_argument("--keep", action="store_true", help="write the figures to bench/results/validation.json")
    parser.add_argument("--programs", default="", help="names, with commas between")
    given = parser.parse_args()
    known = programs()
    names = given.programs.split(",") if given.programs else list(_QUICK if given.quick else known)
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"no such program: {', '.join(unknown)}; there are {', '.join(known)}")
    if broken := [f"{name}: {each}" for name in names for each in contradictions(known[name])]:
        sys.exit("the truth does not hold together:\n" + "\n".join(broken))
    chosen, policy = [known[name] for name in names], parse_policy(1, default_policy_document())
    try:
        sandbox = open_sandbox()
    except Unavailable as error:
        sys.exit(f"nothing was measured: {error}")
    with sandbox:
        began = time.monotonic()
        judged = judge_all(sandbox, chosen, list(known.values()), policy, most=2 if given.quick else None)
        judging_seconds = time.monotonic() - began
        grouped = group_all(sandbox, chosen, policy)
        grown = [] if given.quick else growth(sandbox, known["tiles"], policy)
        figures: dict[str, Any] = {
            "planted": sizes(chosen), "sandbox": sandbox.level.render(), "slots": sandbox.slots, "runs_each": policy.bench.runs,
            "verdicts": judged.render() | {"seconds": round(judging_seconds, 1)}, "grouping": grouped.render(), "growth": grown,
        }
    if given.keep:
        RESULTS.write_text(json.dumps(figures, indent=1) + "\n")
    if given.json:
        print(json.dumps(figures, indent=1))
    else:
        _show(figures)


def _show(figures: dict[str, Any]) -> None:
    verdicts, grouping = figures["verdicts"], figures["grouping"]
    print(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in figures["planted"].items()))
    print(f"\nVerdicts: {verdicts['stable']['right']} of {verdicts['stable']['of']} right on stable cases, "
          f"{verdicts['flaky']['right']} of {verdicts['flaky']['of']} flaky called flaky, {verdicts['seconds']} s")
    print("| case | right | of |\n|---|---|---|")
    for case, row in verdicts["by_case"].items():
        print(f"| {case} | {row['right']} | {row['of']} |")
    print("what breaks in every other run was called:", ", ".join(f"{name} {count}" for name, count in verdicts["every_other_run"].items()) or "nothing")
    print(*(f"  WRONG {line}" for line in verdicts["wrong"]), sep="\n")
    print(f"\nGrouping of {grouping['reports']} reports by {grouping['patches']} patches\n| by | precision | recall | F1 |\n|---|---|---|---|")
    shown = [*grouping["by_execution"].items(), *((f"not seen: {name}", row) for name, row in grouping["programs_not_seen"].items())]
    shown += [(name, row) for name, row in grouping["by_stacks"].items() if not name.startswith("similarity") or name == grouping["best_similarity"]]
    for name, row in shown:
        print(f"| {name} | {row['precision']:.3f} | {row['recall']:.3f} | {row['f1']:.3f} |")
    proposed = grouping["proposed_where_each_flaw_has_one_patch"]
    print(f"Where each flaw has one patch, {proposed['right'] + proposed['wrong']} pairs more are proposed to a person, {proposed['right']} of them rightly")
    print(*(f"  WELDED {line}" for line in grouping["wrong"]), *(f"  CONTRADICTED {line}" for line in grouping["contradictions"]), sep="\n")
    print("\nCost:", ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in grouping["cost"].items()))
    for row in figures["growth"]:
        print(f"  {row['reproducers']} reproducers by {row['patches']} patches: {row['runs']} runs, {row['seconds']} s; "
              f"one reproducer more: {row['one_more_reproducer']['runs']} runs, {row['one_more_reproducer']['seconds']} s")


if __name__ == "__main__":
    main()
