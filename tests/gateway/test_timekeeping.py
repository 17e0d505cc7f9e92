"""The gateway's clock: what it does when the wall clock is set, the machine sleeps, and the process starts again."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.gateway.timekeeping import GatewayClock, KeptTime, instant, nanoseconds

SECOND = 1_000_000_000


@dataclass
class Machine:
    """Two clocks of a machine, moved by a test."""

    wall: int = 1_000_000 * SECOND
    boot: int = 500 * SECOND
    name: str = "boot-1"

    def clock(self, kept: KeptTime | None = None) -> GatewayClock:
        return GatewayClock(2_000, kept, wall_ns=lambda: self.wall, boot_ns=lambda: self.boot, boot_id=self.name)

    def pass_(self, seconds: float) -> None:
        self.wall += int(seconds * SECOND)
        self.boot += int(seconds * SECOND)


def test_time_passes_as_on_the_wall() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.pass_(3.5)
    assert (clock.now_ns(), clock.jump_id) == (machine.wall, "")
    assert nanoseconds(instant(machine.wall)) == machine.wall


@pytest.mark.parametrize("seconds", [-3600, -2.1, 2.1, 3600])
def test_wall_clock_that_is_set_closes_until_somebody_vouches(seconds: float) -> None:
    machine = Machine()
    clock = machine.clock()
    before = clock.now_ns()
    machine.wall += int(seconds * SECOND)
    assert clock.now_ns() == before, "the anchored clock goes on"
    assert clock.jump_id
    machine.wall -= int(seconds * SECOND)
    clock.now_ns()
    assert clock.jump_id, "that it was set back again proves nothing"
    machine.wall += int(seconds * SECOND)
    clock.accept()
    assert (clock.now_ns(), clock.jump_id) == (machine.wall, "")


def test_small_steps_forward_count_at_once_and_small_steps_back_do_not() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += SECOND
    assert clock.now_ns() == machine.wall
    machine.wall -= 2 * SECOND
    assert clock.now_ns() == machine.wall + 2 * SECOND
    assert clock.jump_id == ""


def test_steps_too_small_to_be_seen_one_by_one_add_up() -> None:
    machine = Machine()
    clock = machine.clock()
    for _ in range(5):
        machine.wall -= SECOND // 2
        clock.now_ns()
    assert clock.jump_id


def test_restart_on_the_same_machine_goes_on_where_it_was() -> None:
    machine = Machine()
    kept = machine.clock().keep()
    machine.pass_(50)
    assert machine.clock(kept).now_ns() == machine.wall
    machine.wall -= 50 * SECOND
    set_back = machine.clock(kept)
    assert set_back.jump_id
    assert set_back.now_ns() == kept.wall_ns + 50 * SECOND


def test_restart_after_a_reboot_with_an_earlier_clock_stays_closed() -> None:
    machine = Machine()
    kept = machine.clock().keep()
    machine.name, machine.boot, machine.wall = "boot-2", 20 * SECOND, machine.wall - 3600 * SECOND
    clock = machine.clock(kept)
    assert clock.jump_id
    assert clock.now_ns() >= kept.wall_ns
    again = machine.clock(clock.keep())
    assert again.jump_id == clock.jump_id, "one jump, however often it starts"


def test_restart_after_a_reboot_believes_a_later_clock() -> None:
    machine = Machine()
    kept = machine.clock().keep()
    machine.name, machine.boot, machine.wall = "boot-2", 20 * SECOND, machine.wall + 3600 * SECOND
    clock = machine.clock(kept)
    assert (clock.jump_id, clock.now_ns()) == ("", machine.wall)


@given(st.lists(st.tuples(
    st.sampled_from(["pass", "set", "sleep", "restart", "reboot"]), st.floats(-100, 100, allow_nan=False)
), max_size=30))
def test_clock_never_goes_back_and_never_falls_behind_the_time_that_passed(steps: list[tuple[str, float]]) -> None:
    """Without anybody's word no schedule of steps and restarts makes an access last longer (rule R28 of the requirements: fail closed)."""
    machine = Machine()
    clock = machine.clock()
    start = last = clock.now_ns()
    passed = 0
    for kind, seconds in steps:
        if kind in ("pass", "sleep"):
            machine.pass_(abs(seconds))
            passed += int(abs(seconds) * SECOND)
        elif kind == "set":
            machine.wall += int(seconds * SECOND)
        elif kind == "restart":
            clock = machine.clock(clock.keep())
        else:
            machine.name, machine.boot = machine.name + "'", SECOND
            clock = machine.clock(clock.keep())
        found = clock.now_ns()
        assert found >= last
        assert found - start >= passed, "no step buys time"
        last = found
