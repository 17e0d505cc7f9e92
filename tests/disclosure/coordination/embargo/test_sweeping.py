"""Deadlines: due once whoever sweeps, late ones marked, a restart across one, two sweepers at once, a sweeper that is killed, clocks that leap."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from clearinghouse.app.settings import default_policy_document, load_settings, parse_policy
from clearinghouse.app.timers import read_clock, refresh_embargo, sweep_deadlines
from clearinghouse.app.wiring import Instance, open_instance, policy_of
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.ids import CaseId
from clearinghouse.core.terms import Milestone
from clearinghouse.disclosure.coordination.embargo import actions
from clearinghouse.disclosure.coordination.embargo.readings import Reading, Trust, judge_reading
from clearinghouse.disclosure.coordination.embargo.records import DeadlineKind, EmbargoState, ExitReason
from clearinghouse.disclosure.coordination.embargo.store import deadlines, embargoes
from clearinghouse.disclosure.coordination.embargo.store.tables import deadlines as table
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.ledger import store as ledger
from docs.embargo_examples import SHIPPED
from room_cast import Cast

DAY = timedelta(days=1)
POLICY = parse_policy(1, default_policy_document()).embargo
START = datetime.fromisoformat("2026-11-21T08:00:00+00:00")


class Machine:
    """A machine whose monotonic clock goes along with the test's wall clock, unless told otherwise."""

    def __init__(self, boot: str = "boot-1") -> None:
        self.boot = boot
        self.asleep = timedelta()

    def __call__(self, instance: Instance) -> Reading:
        now = instance.clock.now()
        return Reading(now, (now - START - self.asleep).total_seconds(), self.boot)


def kinds(cast: Cast, case_id: CaseId) -> list[str]:
    with cast.instance.database.read() as tx:
        return [one.kind for one in ledger.events_about(tx, case_id)]


def embargo_of(cast: Cast, case_id: str) -> tuple[EmbargoState, ExitReason | None, datetime | None]:
    with cast.instance.database.write() as tx:
        found = embargoes.begin(tx, case_id)
        return found.state, found.exit_reason, found.exited_at


def test_embargo_runs_out_at_its_instant_and_warns_before(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    refresh_embargo(cast.instance, case_id)
    ends, machine = clock.now() + 30 * DAY, Machine()
    said = []
    while clock.now() <= ends:
        trust, handled = sweep_deadlines(cast.instance, machine)
        assert trust is Trust.STEADY
        said += [(one.kind, clock.now()) for one in handled if one.kind is not DeadlineKind.DUTY]
        clock.at += timedelta(hours=12)
    assert said == [
        (DeadlineKind.EMBARGO_WARNING, ends - 7 * DAY), (DeadlineKind.EMBARGO_WARNING, ends - DAY), (DeadlineKind.EMBARGO_ENDS, ends),
    ]
    assert embargo_of(cast, case_id) == (EmbargoState.EXITED, ExitReason.RAN_OUT, ends)
    assert [one for one in kinds(cast, case_id) if one.startswith("Embargo")] == ["EmbargoEndsSoon", "EmbargoEndsSoon", "EmbargoEnded"]


def test_restart_across_a_deadline_handles_it_once_and_marks_it_late(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    refresh_embargo(cast.instance, case_id)
    ends = clock.now() + 30 * DAY
    sweep_deadlines(cast.instance, Machine())
    clock.at = ends + timedelta(hours=5)
    after = Machine("boot-2")
    assert sweep_deadlines(cast.instance, after) == (Trust.DOUBTED, []), "a month passed since the last reading: it is looked at twice"
    clock.at += timedelta(seconds=40)
    trust, handled = sweep_deadlines(cast.instance, after)
    assert trust is Trust.CONFIRMED
    assert Counter(one.kind for one in handled) == {
        DeadlineKind.EMBARGO_WARNING: 2, DeadlineKind.EMBARGO_ENDS: 1, DeadlineKind.DUTY: 3,
    }
    assert embargo_of(cast, case_id) == (EmbargoState.EXITED, ExitReason.RAN_OUT, ends)
    with cast.instance.database.read() as tx:
        [ended] = [one for one in ledger.events_about(tx, case_id) if one.kind == "EmbargoEnded"]
        assert {row.late for row in tx.rows(select(table).where(table.c.done_at.is_not(None)))} == {True}
        assert deadlines.system_count_late(tx) == 6
    assert json.loads(ended.details or "{}")["late"] is True
    assert sweep_deadlines(cast.instance, after) == (Trust.STEADY, [])


def test_what_ran_out_unswept_is_not_rescued_by_a_fact_recorded_later(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    cast.write(actions.apply_terms, case_id, SHIPPED["kernel"])
    ends = clock.now() + 30 * DAY
    clock.at = ends + DAY
    cast.write(actions.record_fact, case_id, Milestone.FIX_READY, ends - DAY)
    sweep_deadlines(cast.instance, Machine())
    assert embargo_of(cast, case_id)[2] == ends


def test_open_end_is_looked_at_again_and_again_but_once_after_an_outage(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    cast.write(actions.apply_terms, case_id, SHIPPED["open-ended"])
    machine = Machine()
    sweep_deadlines(cast.instance, machine)
    asked = 0
    for days in (30, 30, 200):
        clock.at += days * DAY
        _, handled = sweep_deadlines(cast.instance, machine)
        asked += sum(one.kind is DeadlineKind.EMBARGO_REVIEW for one in handled)
    assert asked == 3


def test_unanswered_leak_is_told_after_a_day(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    leak = cast.write(actions.record_leak, case_id, "a rumour", clock.now(), actor="vendor")
    machine = Machine()
    sweep_deadlines(cast.instance, machine)
    clock.at += DAY
    _, handled = sweep_deadlines(cast.instance, machine)
    assert [one.object_id for one in handled] == [leak.id]
    assert "LeakUnanswered" in kinds(cast, case_id)


def test_clock_that_goes_back_undoes_nothing(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    refresh_embargo(cast.instance, case_id)
    machine = Machine()
    sweep_deadlines(cast.instance, machine)
    ends = clock.at + 30 * DAY
    clock.at = ends
    sweep_deadlines(cast.instance, machine)
    clock.at = ends - 20 * DAY
    assert sweep_deadlines(cast.instance, machine) == (Trust.BACKWARDS, [])
    refresh_embargo(cast.instance, case_id)
    assert embargo_of(cast, case_id) == (EmbargoState.EXITED, ExitReason.RAN_OUT, ends)
    clock.at = ends + timedelta(minutes=1)
    assert sweep_deadlines(cast.instance, machine)[1] == []


def test_clock_that_leaps_ends_no_embargo_until_a_second_reading_agrees(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    refresh_embargo(cast.instance, case_id)
    machine = Machine()
    sweep_deadlines(cast.instance, machine)
    clock.at += 40 * DAY
    machine.asleep = 40 * DAY
    assert sweep_deadlines(cast.instance, machine) == (Trust.DOUBTED, [])
    clock.at += timedelta(seconds=10)
    assert sweep_deadlines(cast.instance, machine) == (Trust.WAITING, [])
    assert embargo_of(cast, case_id)[0] is EmbargoState.NONE
    clock.at -= 40 * DAY
    machine.asleep = timedelta()
    clock.at += timedelta(seconds=60)
    assert sweep_deadlines(cast.instance, machine) == (Trust.STEADY, []), "the clock was set right: nothing was lost"
    clock.at += 40 * DAY
    machine.asleep = 40 * DAY
    sweep_deadlines(cast.instance, machine)
    clock.at += timedelta(seconds=31)
    assert sweep_deadlines(cast.instance, machine)[0] is Trust.CONFIRMED
    assert embargo_of(cast, case_id)[0] is EmbargoState.EXITED
    with cast.instance.database.read() as tx:
        told = [one.kind for one in ledger.events_about(tx, cast.instance.system)]
    assert [kind for kind in told if kind.startswith("Clock")] == ["ClockJumped", "ClockJumped", "ClockConfirmed"]


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.booleans())
def test_only_a_steady_or_confirmed_clock_acts_ahead_of_time_that_passed(moved: int, passed: int, same_boot: bool) -> None:
    """A first reading that moved further than time passed, by more than the bound, is never acted on."""
    last = Reading(START, 1000.0, "a")
    now = Reading(START + timedelta(seconds=moved), 1000.0 + passed if same_boot else 5.0, "a" if same_boot else "b")
    trust = judge_reading(last, None, now, POLICY)
    ahead = moved - passed if same_boot else moved
    assert trust is (Trust.STEADY if ahead <= POLICY.clock_jump_seconds_max else Trust.DOUBTED)


@pytest.mark.parametrize(("later", "monotonic", "boot", "trust"), [
    (40, 40.0, "a", Trust.CONFIRMED), (10, 10.0, "a", Trust.WAITING), (4000, 40.0, "a", Trust.DOUBTED), (40, 5.0, "b", Trust.CONFIRMED),
    (4000, 5.0, "b", Trust.DOUBTED), (-40, 5.0, "b", Trust.DOUBTED),
])
def test_second_reading_confirms_only_what_agrees_with_the_first(later: int, monotonic: float, boot: str, trust: Trust) -> None:
    held = Reading(START + 40 * DAY, 0.0, "a")
    now = Reading(held.at + timedelta(seconds=later), monotonic, boot)
    assert judge_reading(Reading(START, -60.0, "a"), held, now, POLICY) is trust


def test_this_machines_clock_is_read(sqlite_instance: Instance) -> None:
    first, second = read_clock(sqlite_instance), read_clock(sqlite_instance)
    assert first.boot == second.boot != ""
    assert second.monotonic_seconds >= first.monotonic_seconds


def many(cast: Cast, count: int) -> list[CaseId]:
    """Cases whose embargo runs out in 30 days."""
    opened = []
    for number in range(count):
        opened.append(cast.open(cast.report(Finding(title=f"Flaw {number} in f{number}()"))))
        with cast.instance.database.write() as tx:
            actions.refresh(tx, opened[-1], actor=cast.instance.system, envelope=cast.instance.envelope, policy_of=policy_of,
                            now=cast.instance.clock.now())
    return opened


def tally(cast: Cast, opened: list[CaseId]) -> Counter[tuple[int, int]]:
    """Of each case: how many times it ended, how many deadlines are not done."""
    with cast.instance.database.read() as tx:
        return Counter(
            (sum(one.kind == "EmbargoEnded" for one in ledger.events_about(tx, case_id)), len(deadlines.system_waiting(tx, case_id)))
            for case_id in opened
        )


def test_two_sweepers_at_once_do_everything_once(cast: Cast, clock: FixedClock) -> None:
    opened = many(cast, 25)
    machine = Machine()
    sweep_deadlines(cast.instance, machine)
    clock.at += 31 * DAY
    gate, done, failed = threading.Barrier(3), Counter[str](), []

    def work() -> None:
        gate.wait()
        try:
            for _ in range(3):
                done.update(one.id for one in sweep_deadlines(cast.instance, machine)[1])
        except Exception as error:
            failed.append(error)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert failed == []
    assert set(done.values()) == {1}
    assert tally(cast, opened) == {(1, 0): 25}


def test_sweep_and_a_person_at_once_leave_one_end(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    refresh_embargo(cast.instance, case_id)
    machine = Machine()
    sweep_deadlines(cast.instance, machine)
    clock.at += 30 * DAY
    gate, failed = threading.Barrier(2), []

    def publish() -> None:
        gate.wait()
        cast.write(actions.record_fact, case_id, Milestone.PUBLIC, clock.now())

    def run_out() -> None:
        gate.wait()
        try:
            sweep_deadlines(cast.instance, machine)
        except Exception as error:
            failed.append(error)

    workers = [threading.Thread(target=publish), threading.Thread(target=run_out)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert failed == []
    assert kinds(cast, case_id).count("EmbargoEnded") == 1


def test_killed_sweeper_loses_nothing_and_does_nothing_twice(cast: Cast, clock: FixedClock, tmp_path: Path) -> None:
    opened = many(cast, 12)
    home = cast.instance.settings.home
    marker = tmp_path / "midway"
    program = f"""
import sys, time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from clearinghouse.app.settings import load_settings
from clearinghouse.app.wiring import open_instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.app import timers
from clearinghouse.disclosure.coordination.embargo.actions import sweeping
from clearinghouse.disclosure.coordination.embargo.readings import Reading

instance = open_instance(load_settings(Path({str(home)!r})), clock=FixedClock(datetime.fromisoformat({(clock.now() + 31 * DAY).isoformat()!r})))
sweeping._BATCH = 7
seen = 0
end = sweeping.HANDLERS[sweeping.DeadlineKind.EMBARGO_ENDS]
def slow(tx, due):
    global seen
    end(tx, due)
    seen += 1
    if seen == 3:
        Path({str(marker)!r}).write_text("x")
        time.sleep(60)
sweeping.HANDLERS[sweeping.DeadlineKind.EMBARGO_ENDS] = slow
timers.sweep_deadlines(instance, lambda one: Reading(one.clock.now(), 1.0, "boot"))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "CLEARINGHOUSE_DATABASE_URL": cast.instance.database.url}
    trouble = tmp_path / "stderr"
    with trouble.open("wb") as errors, subprocess.Popen([sys.executable, "-c", program], env=environment, stderr=errors) as started:
        for _ in range(600):
            if marker.exists() or started.poll() is not None:
                break
            time.sleep(0.05)
        started.send_signal(signal.SIGKILL)
    assert marker.exists(), trouble.read_text()
    before = tally(cast, opened)
    assert sum(count for (ended, _), count in before.items() if ended > 1) == 0
    assert before[(1, 0)] < 12, "it was killed midway"
    clock.at += 31 * DAY
    sweep_deadlines(cast.instance, lambda one: Reading(one.clock.now(), 1.0, "boot"))
    assert tally(cast, opened) == {(1, 0): 12}


def test_reopened_instance_sweeps_where_the_last_one_stopped(sqlite_cast: Cast, sqlite_case: CaseId, clock: FixedClock) -> None:
    refresh_embargo(sqlite_cast.instance, sqlite_case)
    home = sqlite_cast.instance.settings.home
    sqlite_cast.instance.close()
    later = FixedClock(clock.now() + 30 * DAY)
    again = open_instance(load_settings(home), clock=later)
    try:
        _, handled = sweep_deadlines(again, Machine("another"))
        assert DeadlineKind.EMBARGO_ENDS in {one.kind for one in handled}
    finally:
        again.close()
