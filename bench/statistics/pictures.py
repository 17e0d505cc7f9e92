"""Photograph the plots of a review for the documents: `python -m bench.statistics.pictures`. Outcomes are made up from a seed; no model was asked."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from clearinghouse.evaluation.statistics.plan import (
    Counting,
    Design,
    EffortFloor,
    Overshoot,
    Plan,
    PlannedDomain,
    PlannedFamily,
    Rule,
    SampleBudget,
    Spending,
    Split,
    draw_order,
)
from clearinghouse.evaluation.statistics.power import draw_families
from clearinghouse.evaluation.statistics.records import Cell, CellState, Controls, Effort, PlannedItem, View
from clearinghouse.evaluation.statistics.report import Analysis, analyse
from clearinghouse.web.review_plots import budget_curve, forest, path

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
STYLE = ROOT / "src" / "clearinghouse" / "web" / "static" / "workbench.css"
_DOMAINS = (("finding", 0.5, 0.55), ("patching", 0.3, 0.52), ("reading", 0.7, 0.5))


def made_up() -> tuple[Plan, Analysis]:
    """A plan of three domains and what its cells show."""
    domains = []
    for name, threshold, _ in _DOMAINS:
        families = tuple(PlannedFamily(f"{name}-{place}", ("easy", "hard")[place % 2], tuple(f"{name}-{place}-{item}" for item in range(5)))
                         for place in range(40))
        domains.append(PlannedDomain(name, threshold, threshold + 0.15, draw_order(families, "seed", name), (8, 16, 24, 32, 40)))
    plan = Plan(
        "example", "b" * 64, "full", "a" * 64, "seed", tuple(domains), 3, 0.05, 0.05, 0.7, Split.HOLM, Rule.GROUP_SEQUENTIAL, Spending.OBRIEN_FLEMING,
        View.CHEATING_REMOVED, Counting.ZERO, Counting.ZERO, 2, Overshoot.EXCLUDED, EffortFloor(1, 1, 1, 1, 1.0), SampleBudget(100_000, 40, 900.0),
        Design(1.5, 1.0),
    )
    rng = np.random.default_rng(4)
    cells = []
    for domain, (_, _, mean) in zip(plan.domains, _DOMAINS, strict=True):
        shares = draw_families(rng, 1, np.full(40, 5), 3, mean, plan.design)[0][0]
        for family, share in zip(domain.families, shares, strict=True):
            for item in family.items:
                for epoch in (1, 2, 3):
                    cell = Cell(PlannedItem(domain.name, family.id, item), epoch, CellState.SOLVED if rng.random() < share else CellState.UNSOLVED,
                                tokens=int(min(100_000, rng.lognormal(10.2, 0.9))))
                    if rng.random() < 0.06:
                        cell = replace(cell, state=CellState.UNRESOLVED)
                    elif cell.state is CellState.UNSOLVED and rng.random() < 0.3:
                        cell = replace(cell, state=CellState.LIMIT)
                    elif cell.state is CellState.SOLVED and rng.random() < 0.06:
                        cell = replace(cell, cheated=True)
                    cells.append(cell)
    controls = {domain.name: Controls(200, 200, 0, 200) for domain in plan.domains}
    return plan, analyse(plan, cells, Effort(2, 3, 40, 100_000, 10.0), controls, models=False)


def main() -> None:
    """Write docs/images/review-plots-1280.png and -390.png."""
    plan, analysis = made_up()
    figures = forest(analysis) + path(plan, "finding", analysis) + path(plan, "reading", analysis) + budget_curve("finding", analysis.domains[0].budget)
    page = f'<!doctype html><html lang="en" class="light"><style>{STYLE.read_text("utf-8")}</style><main><div class="plots">{figures}</div></main></html>'
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for width in (1280, 390):
            sheet = browser.new_page(viewport={"width": width, "height": 700})
            sheet.set_content(page)
            sheet.locator(".plots").screenshot(path=IMAGES / f"review-plots-{width}.png")
        browser.close()


if __name__ == "__main__":
    main()
