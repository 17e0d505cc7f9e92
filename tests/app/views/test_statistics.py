"""Figures of what one reads on duty, and small numbers left untold in public."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.app.views.queue import read_queue
from clearinghouse.app.views.statistics import histogram, read_statistics
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.roles import Role
from clearinghouse.parties.records import Party
from views_support import flaw, new_party, send_as

SAME = flaw("Heap overflow in tiff_read_strip", symbol="tiff_read_strip", cve="CVE-2026-1001")


def test_figures_count_what_is_read_on_duty(instance: Instance, finder: Party, settle: Callable[[], None], clock: FixedClock) -> None:
    send_as(instance, finder, [SAME], coordinator=instance.actor)
    clock.at += timedelta(days=2)
    send_as(instance, new_party(instance, "Two Ltd", Role.REPORTER), [SAME, flaw("Other", symbol="gif_frame")], coordinator=instance.actor)
    send_as(instance, new_party(instance, "Hidden Ltd", Role.REPORTER), [SAME])
    settle()
    found = read_statistics(instance, days=3)
    assert [(day.received, day.joined) for day in found.days] == [(1, 0), (0, 0), (2, 1)]
    assert (found.received, found.joined, found.joined_share, found.first_word_hours) == (3, 1, 1 / 3, None)
    nobody = read_statistics(instance.acting_as(finder), days=3)
    assert (nobody.received, nobody.joined, nobody.waiting) == (0, 0, 0)


def test_small_numbers_are_not_told_in_public(instance: Instance, finder: Party, settle: Callable[[], None]) -> None:
    send_as(instance, finder, [flaw(f"Flaw {n}", symbol=f"read_{n}") for n in range(4)], coordinator=instance.actor)
    settle()
    assert read_statistics(instance, days=1, public=True).received is None
    send_as(instance, finder, [flaw("Fifth", symbol="fifth")], coordinator=instance.actor)
    found = read_statistics(instance, days=1, public=True)
    assert (found.received, found.joined) == (5, 0)


@given(st.lists(st.floats(0, 4000)))
def test_histogram_counts_everything_once(ages: list[float]) -> None:
    assert sum(count for _, count in histogram(ages)) == len(ages)


def test_queue_shows_what_waits_and_for_whom(instance: Instance, finder: Party) -> None:
    send_as(instance, finder, [flaw(f"Flaw {n}") for n in range(10)], coordinator=instance.actor)
    [section] = read_queue(instance).sections
    assert (section.key, len(section.items), section.more) == ("waiting", 8, "/inbox?answer=waiting")
    assert read_queue(instance.acting_as(finder)).count == 0
