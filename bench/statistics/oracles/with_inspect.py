"""Clustered errors and intervals by Inspect: `python bench/statistics/oracles/with_inspect.py > tests/golden/statistics/inspect.json`.

Run it with the interpreter of an environment that holds inspect-ai; it needs nothing of this project but the cases beside it.
"""

import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from inspect_ai.scorer import SampleScore, Score, ci, ci_wilson, stderr

sys.path.insert(0, str(Path(__file__).parent))
from cases import cases  # type: ignore[import-not-found]  # beside this script


def main() -> None:
    """Print the numbers with the versions that made them."""
    done = []
    for case in cases():
        scores = [
            SampleScore(score=Score(value=value), sample_id=place, sample_metadata={"family": cluster})
            for place, (value, cluster) in enumerate(zip(case["values"], case["clusters"], strict=True))
        ]
        told = {name: metric(cluster="family")(scores) for name, metric in (("stderr", stderr), ("ci", ci), ("ci_wilson", ci_wilson))}
        done.append(case | {"stderr": float(told["stderr"])} | {name: [told[name]["lower"], told[name]["upper"]] for name in ("ci", "ci_wilson")})
    json.dump({"made_with": {"inspect_ai": version("inspect_ai"), "python": platform.python_version()}, "cases": done}, sys.stdout)


if __name__ == "__main__":
    main()
