"""Plots: numbers are told in words and in a table, and never by colour or shape alone."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.disclosure.deconfliction.records import Evidence
from clearinghouse.web.plots import Bar, columns, evidence_chart, share, spark


def test_columns_have_a_name_a_description_and_a_table() -> None:
    drawn = columns("Inflow", [Bar("11-20", 4, 1), Bar("11-21", 7, 3)], unit="reports", second_unit="joined")
    assert 'role="img" aria-label="Inflow. 11 reports in all; most at 11-21 with 7"' in drawn
    assert '<tr><th scope="row">11-21</th><td>7</td><td>3</td></tr>' in drawn
    assert "style=" not in drawn


def test_number_too_small_to_tell_is_neither_drawn_nor_written() -> None:
    drawn = columns("Ages", [Bar("under 1 day", None), Bar("1 to 3 days", 9)], unit="proposals")
    assert "too few to tell" in drawn
    assert drawn.count('class="one"') == 1


def test_nothing_to_draw_says_so() -> None:
    assert "Nothing to draw yet" in columns("Time to fix", [Bar("under 7 days", 0)], unit="flaws")


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), min_size=1, max_size=100))
def test_columns_stay_within_the_picture(values: list[tuple[int, int]]) -> None:
    drawn = columns("x", [Bar(str(n), one, two) for n, (one, two) in enumerate(values)], unit="x", second_unit="y")
    for y, height in re.findall(r'<rect class="\w+" x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="([\d.]+)"', drawn):
        assert float(y) >= 0
        assert float(y) + float(height) <= 190


def test_evidence_speaks_right_for_and_left_against() -> None:
    drawn = evidence_chart([Evidence("words", "few <b>words</b>", None, -1.0), Evidence("code", "the same function", None, 2.0)], 0.7)
    assert drawn.index("the same function") < drawn.index("few &lt;b&gt;words")
    assert '<rect class="for" x="50.0" y="1.5" width="50.0" height="7"/>' in drawn
    assert '<rect class="against" x="25.0" y="1.5" width="25.0" height="7"/>' in drawn
    assert "+2.00<span class=\"hidden\"> for the same flaw" in drawn
    assert "Nothing counted" in evidence_chart([], 0.0)


@pytest.mark.parametrize(("part", "whole", "width"), [(3, 5, "60.0"), (9, 5, "100.0"), (1, 0, "0.0")])
def test_share_is_filled_in_part(part: int, whole: int, width: str) -> None:
    assert f'class="part" width="{width}"' in share(part, whole, "x")


def test_line_needs_two_numbers() -> None:
    assert spark([1], "x") == ""
    assert 'points="0.0,22.0 100.0,2.0"' in spark([0, 4], "x")
