"""Plots of a review: well-formed, named, escaped, and never a number that the analysis does not have."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from markupsafe import Markup

from clearinghouse.evaluation.statistics.plan import Plan
from clearinghouse.evaluation.statistics.records import Cell, CellState, View
from clearinghouse.evaluation.statistics.report import Analysis, analyse
from clearinghouse.web.review_plots import budget_curve, forest, path
from evaluation_support import EFFORT, all_cells, drawn_cells, good_controls, made_plan, planned_domain


def shown(plan: Plan, cells: list[Cell]) -> Analysis:
    return analyse(plan, cells, EFFORT, good_controls(plan), models=False)


def drawn(plan: Plan, cells: list[Cell]) -> list[Markup]:
    analysis = shown(plan, cells)
    return [forest(analysis), *(path(plan, domain.name, analysis) for domain in analysis.domains),
            *(budget_curve(domain.name, domain.budget) for domain in analysis.domains)]


PLAN = made_plan(planned_domain("finding"), planned_domain("patching", threshold=0.3, alternative=0.4))


@pytest.mark.parametrize("cells", [
    drawn_cells(PLAN, 0.7), drawn_cells(PLAN, 0.4, state=lambda n, solved: CellState.UNRESOLVED if n % 5 == 0 else CellState.SOLVED if solved else CellState.LIMIT),
    all_cells(PLAN, CellState.NOT_RUN), all_cells(PLAN, CellState.SOLVED), [],
], ids=["plain", "unresolved", "not run", "all", "none"])
def test_plots_are_well_formed_named_and_within_their_frame(cells: list[Cell]) -> None:
    for figure in drawn(PLAN, cells):
        svg = ET.fromstring(figure).find("svg")
        assert svg is not None
        assert svg.attrib["role"] == "img"
        assert svg.find("title") is not None
        assert len(svg.findtext("desc") or "") > 20
        width, height = (float(each) for each in svg.attrib["viewBox"].split()[2:])
        for element in svg.iter():
            for key, value in element.attrib.items():
                if key in {"x", "x1", "x2", "cx"}:
                    assert 0 <= float(value) <= width
                elif key in {"y", "y1", "y2", "cy"}:
                    assert 0 <= float(value) <= height
                elif key in {"width", "height"} and element is not svg:
                    assert float(value) >= 0
                elif key == "points":
                    assert all(0 <= float(point.split(",")[0]) <= width and 0 <= float(point.split(",")[1]) <= height for point in value.split())
        assert "nan" not in figure
        assert "inf" not in re.sub(r"<[^>]*>", "", figure)
        assert 'style="' not in figure


def test_names_of_domains_are_escaped() -> None:
    name = '<script>alert("x")</script>&'
    plan = made_plan(planned_domain(name, families=40))
    plan = replace(plan, domains=(replace(plan.domains[0], name=name),))
    for figure in drawn(plan, drawn_cells(plan, 0.6)):
        assert "<script" not in figure


def test_forest_tells_both_views_and_the_outcome() -> None:
    plan = made_plan()
    cells = [replace(cell, cheated=True) for cell in all_cells(plan, CellState.SOLVED)]
    figure = forest(shown(plan, cells))
    assert "not shown above" in figure
    assert "cheating removed (decides)" in figure
    assert figure.count("<circle") == len(View)


def test_path_marks_the_look_that_stopped_it() -> None:
    plan = made_plan()
    figure = path(plan, "finding", shown(plan, drawn_cells(plan, 0.8)))
    assert figure.count('class="stop"') == 1
    assert "looks made" in figure


def test_curve_without_points_says_so() -> None:
    assert "Nothing to draw yet" in budget_curve("finding", ())
