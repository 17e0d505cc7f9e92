"""The state tables: closed, without two answers to one step, and drawn as they are."""

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.errors import Conflict, NotPermitted
from clearinghouse.disclosure.coordination.rooms.records import CaseState, Participation, ReportState
from clearinghouse.disclosure.coordination.rooms.states import (
    CASE_TRANSITIONS,
    PARTICIPATION_TRANSITIONS,
    REPORT_TRANSITIONS,
    Transition,
    may_step,
    render_table,
    step,
)

TABLES: list[tuple[type[StrEnum], tuple[Transition, ...]]] = [
    (CaseState, CASE_TRANSITIONS), (Participation, PARTICIPATION_TRANSITIONS), (ReportState, REPORT_TRANSITIONS)
]
VERBS = sorted({row.verb for _, table in TABLES for row in table})


@given(which=st.sampled_from(TABLES), verbs=st.lists(st.sampled_from(VERBS), max_size=30), by=st.sets(st.sampled_from(
    ["participant", "coordinator", "vendor", "finder", "reporter"]
)))
def test_no_walk_leaves_the_states_of_its_machine(which: tuple[type[StrEnum], tuple[Transition, ...]], verbs: list[str], by: set[str]) -> None:
    states, table = which
    at = next(iter(states))
    for verb in verbs:
        before = at
        try:
            at = step(table, verb, at, sorted(by))
        except (Conflict, NotPermitted):
            assert at == before
        assert at in states


@pytest.mark.parametrize(("states", "table"), TABLES)
def test_a_step_has_one_end_and_every_state_can_be_reached(states: type[StrEnum], table: tuple[Transition, ...]) -> None:
    assert len({(row.verb, row.start) for row in table}) == len(table)
    reached, waiting = set(), [next(iter(states))]
    while waiting:
        at = waiting.pop()
        if at not in reached:
            reached.add(at)
            waiting += [row.end for row in table if row.start == at]
    assert reached == set(states)


def test_report_management_has_the_steps_of_vultron() -> None:
    theirs = {(row.start[0].upper(), row.verb, row.end[0].upper()) for row in REPORT_TRANSITIONS if row.source == "Vultron RM"}
    assert theirs == {
        ("S", "receive", "R"), ("R", "invalidate", "I"), ("R", "validate", "V"), ("I", "validate", "V"), ("V", "accept", "A"),
        ("V", "defer", "D"), ("A", "defer", "D"), ("D", "accept", "A"), ("A", "close", "C"), ("D", "close", "C"), ("I", "close", "C"),
    }
    assert not may_step(REPORT_TRANSITIONS, "close", ReportState.RECEIVED)


def test_table_is_drawn_row_by_row() -> None:
    assert render_table(CASE_TRANSITIONS[:1]) == (
        "| From | Step | To | Who may | Source |\n|---|---|---|---|---|\n| open | close | closed | coordinator | ours |\n"
    )
