"""False positives and power of the default rule beside naive ones: `python -m bench.statistics [--runs N] [--keep]`."""

import argparse
import json
from dataclasses import asdict
from html import escape
from pathlib import Path

from bench.statistics.rates import ALPHA, LOST, Rate, rates

RESULTS = Path(__file__).resolve().parents[1] / "results" / "statistics.json"
PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "false-positives.svg"
_SETTINGS = (
    # threshold, truth, cells lost
    (0.5, 0.5, 0.0), (0.5, 0.5, LOST), (0.3, 0.3, 0.0), (0.7, 0.7, 0.0), (0.7, 0.7, LOST), (0.5, 0.6, 0.0), (0.5, 0.7, 0.0), (0.5, 0.7, LOST),
)


def main() -> None:
    """Print a row per rule and a column per setting; say whether the default keeps its word."""
    parser = argparse.ArgumentParser(prog="python -m bench.statistics")
    parser.add_argument("--runs", type=int, default=20_000, help="made-up runs in each setting")
    parser.add_argument("--keep", action="store_true", help="write bench/results/statistics.json and the picture")
    given = parser.parse_args()
    found = [rates(threshold, mean, lost, runs=given.runs) for threshold, mean, lost in _SETTINGS]
    print(table(found))
    worst = max((rate for column in found for rate in column if rate.ours and rate.mean == rate.threshold), key=lambda rate: rate.shown)
    allowed = ALPHA + 3 * worst.error
    print(f"\nworst of ours where the truth lies on the threshold: {worst.shown:.2%} ({worst.rule}); "
          f"5 % + 3 Monte Carlo errors are {allowed:.2%}: {'kept' if worst.shown <= allowed else 'BROKEN'}")
    if given.keep:
        RESULTS.write_text(json.dumps({"runs": given.runs, "rates": [asdict(rate) for column in found for rate in column]}, indent=1) + "\n", "utf-8")
        PICTURE.write_text(picture(found[0], found[1]) + "\n", "utf-8")


def table(found: list[list[Rate]]) -> str:
    """As Markdown."""
    heads = [f"{'error' if column[0].mean == column[0].threshold else 'power'}: {column[0].mean:g} against {column[0].threshold:g}"
             + (f", {column[0].lost:.0%} lost" if column[0].lost else "") for column in found]
    rows = ["| rule | " + " | ".join(heads) + " |", "|---|" + "--:|" * len(heads)]
    for place, rate in enumerate(found[0]):
        name = f"**{rate.rule}**" if rate.ours else rate.rule
        rows.append(f"| {name} | " + " | ".join(f"{column[place].shown:.1%}" for column in found) + " |")
    return "\n".join(rows)


def picture(whole: list[Rate], lossy: list[Rate]) -> str:
    """Bars of the false positives of every rule, complete and with cells lost; readable in light and dark."""
    row, left, width = 46, 16, 640
    height = 72 + row * len(whole)
    scale = (width - left - 70) / 1.0
    parts = []
    allowed = left + ALPHA * scale
    for place, (one, other) in enumerate(zip(whole, lossy, strict=True)):
        y = 56 + place * row
        parts.append(f'<text x="{left}" y="{y}" class="{"ours" if one.ours else "rule"}">{escape(one.rule)}</text>')
        for below, rate, kind in ((6, one, "whole"), (19, other, "lossy")):
            length = max(rate.shown * scale, 1)
            parts.append(f'<rect class="{kind}" x="{left}" y="{y + below}" width="{length:.1f}" height="11" rx="1.5"/>'
                         f'<text x="{left + length + 5:.1f}" y="{y + below + 9}">{rate.shown:.1%}</text>')
        parts.append(f'<line class="line" x1="{allowed:.1f}" x2="{allowed:.1f}" y1="{y + 4}" y2="{y + 32}"/>')
    told = "; ".join(f"{one.rule}: {one.shown:.1%}, with cells lost {other.shown:.1%}" for one, other in zip(whole, lossy, strict=True))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="t d"><title id="t">False positives at the '
        f'threshold</title><desc id="d">Allowed are 5 %. {escape(told)}.</desc><style>text{{font:13px sans-serif;fill:#222}}.ours{{font-weight:700}}'
        ".whole{fill:#3f8792}.lossy{fill:#b3541e}.line{stroke:#222;stroke-dasharray:4 3}.paper{fill:#fff}@media(prefers-color-scheme:dark){text{fill:#eee}"
        f'.whole{{fill:#7fc3cd}}.lossy{{fill:#e69a5f}}.line{{stroke:#eee}}.paper{{fill:#16181a}}}}</style><rect class="paper" width="100%" height="100%"/>'
        f'<text x="{left}" y="18">How often a model that lies on the threshold is shown above it:</text>'
        f'<text x="{left}" y="35">upper bar with all cells, lower bar with 20 % of them lost, failures only</text>'
        f'<text x="{allowed + 4:.1f}" y="{height - 8}">5 % allowed</text>{"".join(parts)}</svg>'
    )


if __name__ == "__main__":
    main()
