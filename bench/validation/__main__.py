"""Run the planted flaws through the validation bench. `python -m bench.validation [--json] [--quick] [--programs NAME,...] [--keep] [--kept]`."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from bench.validation.measuring import group_program, growth, judge_program, sizes, summarise
from bench.validation.truth import contradictions, programs
from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.core.errors import Unavailable
from clearinghouse.sandbox import open_sandbox

RESULTS = Path(__file__).resolve().parents[1] / "results" / "validation.json"
_QUICK = ("records", "menus")


def main() -> None:
    """Print what the bench says beside what is true, program by program and together."""
    parser = argparse.ArgumentParser(prog="python -m bench.validation")
    parser.add_argument("--json", action="store_true", help="everything, as JSON")
    parser.add_argument("--quick", action="store_true", help="two programs, two trials of each case, no growth")
    parser.add_argument("--programs", default="", help="names, with commas between")
    parser.add_argument("--keep", action="store_true", help="write each program's figures to bench/results/validation.json as soon as it is done")
    parser.add_argument("--kept", action="store_true", help="run nothing: show what is kept there")
    given = parser.parse_args()
    known = programs()
    names = given.programs.split(",") if given.programs else list(_QUICK if given.quick else known)
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"no such program: {', '.join(unknown)}; there are {', '.join(known)}")
    if broken := [f"{name}: {each}" for name in names for each in contradictions(known[name])]:
        sys.exit("the truth does not hold together:\n" + "\n".join(broken))
    figures: dict[str, Any] = json.loads(RESULTS.read_text()) if (given.keep or given.kept) and RESULTS.exists() else {"programs": {}, "growth": []}
    if not given.kept:
        _run(figures, names, keep=given.keep, most=2 if given.quick else None, grow=not given.quick and not given.programs)
    figures["together"] = summarise(figures["programs"])
    if given.json:
        print(json.dumps(figures, indent=1))
    else:
        _show(figures)


def _run(figures: dict[str, Any], names: list[str], *, keep: bool, most: int | None, grow: bool) -> None:
    known, policy = programs(), parse_policy(1, default_policy_document())
    try:
        sandbox = open_sandbox()
    except Unavailable as error:
        sys.exit(f"nothing was measured: {error}")
    with sandbox:
        figures |= {"planted": sizes(list(known.values())), "sandbox": sandbox.level.render(), "slots": sandbox.slots, "runs_each": policy.bench.runs}
        for name in names:
            print(f"{name} ...", file=sys.stderr, flush=True)
            others = [one for one in known.values() if one.name != name]
            judged = judge_program(sandbox, known[name], others, policy, most=most)
            figures["programs"][name] = {"verdicts": judged.render(), "grouping": group_program(sandbox, known[name], policy).render()}
            _keep(figures, keep)
        if grow:
            figures["growth"] = growth(sandbox, known["tiles"], policy)
            _keep(figures, keep)


def _keep(figures: dict[str, Any], keep: bool) -> None:
    if keep:
        RESULTS.write_text(json.dumps(figures | {"together": summarise(figures["programs"])}, indent=1) + "\n")


def _show(figures: dict[str, Any]) -> None:
    together = figures["together"]
    print(f"Verdicts of {together['programs']} programs: {together['stable']['right']} of {together['stable']['of']} right on stable cases, "
          f"{together['flaky']['right']} of {together['flaky']['of']} flaky called flaky\n| case | right | of |\n|---|---|---|")
    for case, row in together["by_case"].items():
        print(f"| {case} | {row['right']} | {row['of']} |")
    print("what breaks in every other run was called:", ", ".join(f"{name} {count}" for name, count in together["every_other_run"].items()) or "nothing")
    print(f"\nGroups of {together['cost']['reports']} reports by {together['cost']['patches']} patches\n| by | precision | recall | F1 |\n|---|---|---|---|")
    rows = [*together["by_execution"].items(), *((f"not seen: {name}", row) for name, row in together["unseen"].items()), *together["by_stacks"].items()]
    for name, row in rows:
        print(f"| {name} | {row['precision']:.3f} | {row['recall']:.3f} | {row['f1']:.3f} |")
    print(f"Where each flaw has one patch, pairs proposed to a person: {together['proposed']['right']} rightly, {together['proposed']['wrong']} wrongly")
    print("\nCost:", ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in together["cost"].items()))
    for row in figures["growth"]:
        print(f"  {row['reproducers']} reproducers by {row['patches']} patches: {row['runs']} runs, {row['seconds']} s; "
              f"one reproducer more: {row['one_more_reproducer']['runs']} runs, {row['one_more_reproducer']['seconds']} s")
    print(*(f"WRONG {line}" for line in together["wrong"]), sep="\n")


if __name__ == "__main__":
    main()
