"""The outbox: every leaf handed out once, claimed by one, given up after a time; on both databases."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest

from clearinghouse.core.clock import FixedClock
from clearinghouse.core.events import Event
from clearinghouse.core.ids import PartyId
from clearinghouse.ledger import actions as ledger
from clearinghouse.ledger import outbox
from clearinghouse.storage import Database

ACTOR = PartyId("pty_1")
WANTED = {"Wanted": ("tell", "sweep")}
MINUTE = timedelta(minutes=1)


def record(database: Database, clock: FixedClock, *kinds: str) -> None:
    with database.write() as tx:
        ledger.record_many(tx, [Event(kind, ("obj_1",)) for kind in kinds], actor=ACTOR, now=clock.now())
    ledger.sequence(database)


def hand_out(database: Database, clock: FixedClock, limit: int = 100) -> int:
    with database.write() as tx:
        return outbox.hand_out(tx, "process", WANTED, limit=limit, now=clock.now())


def claim(database: Database, clock: FixedClock, lease: str = "lse_1", limit: int = 100) -> list[outbox.FollowUp]:
    with database.write() as tx:
        return outbox.claim(tx, lease, limit=limit, until=clock.now() + MINUTE, now=clock.now())


def test_wanted_leaves_become_actions_and_the_rest_is_passed_over(database: Database, clock: FixedClock) -> None:
    record(database, clock, "Other", "Wanted", "Other")
    assert (hand_out(database, clock), hand_out(database, clock)) == (3, 0)
    claimed = claim(database, clock)
    assert [(each.event.kind, each.action, each.attempts) for each in claimed] == [("Wanted", "sweep", 1), ("Wanted", "tell", 1)]


def test_event_without_a_leaf_waits_for_the_sequencer(database: Database, clock: FixedClock) -> None:
    with database.write() as tx:
        ledger.record(tx, Event("Wanted", ("obj_1",)), actor=ACTOR, now=clock.now())
    assert hand_out(database, clock) == 0
    ledger.sequence(database)
    assert hand_out(database, clock) == 1


def test_portions_are_handed_out_in_order_and_lag_says_what_is_left(database: Database, clock: FixedClock) -> None:
    record(database, clock, *["Wanted"] * 5)
    with database.read() as tx:
        assert outbox.lag(tx, "process") == outbox.Lag(5, 0, 0, None)
    assert [hand_out(database, clock, 2) for _ in range(4)] == [2, 2, 1, 0]
    with database.read() as tx:
        assert outbox.lag(tx, "process") == outbox.Lag(0, 10, 0, clock.now())


def test_claim_holds_until_its_lease_ends(database: Database, clock: FixedClock) -> None:
    record(database, clock, "Wanted")
    hand_out(database, clock)
    first = claim(database, clock, "lse_1")
    assert claim(database, clock, "lse_2") == []
    clock.at += MINUTE
    second = claim(database, clock, "lse_2")
    assert [each.attempts for each in second] == [2, 2]
    with database.write() as tx:
        assert [outbox.complete(tx, each, now=clock.now()) for each in first] == [False, False]
        assert [outbox.complete(tx, each, now=clock.now()) for each in second] == [True, True]
    clock.at += MINUTE
    assert claim(database, clock) == []


def test_failed_action_is_due_again_and_at_last_waits_for_a_person(database: Database, clock: FixedClock) -> None:
    record(database, clock, "Wanted")
    hand_out(database, clock)
    again, over = claim(database, clock)
    with database.write() as tx:
        outbox.postpone(tx, again, "Unavailable", clock.now() + MINUTE)
        outbox.postpone(tx, over, "Unavailable", None)
    assert claim(database, clock) == []
    with database.read() as tx:
        assert outbox.failed_actions(tx) == [(over.event.event_id, over.action, "Unavailable")]
        assert outbox.lag(tx, "process") == outbox.Lag(0, 1, 1, clock.now())
    clock.at += MINUTE
    assert [each.action for each in claim(database, clock)] == [again.action]
    with database.write() as tx:
        assert outbox.retry_failed(tx, now=clock.now()) == 1
    assert [(each.action, each.attempts) for each in claim(database, clock)] == [(over.action, 1)]


def test_what_was_done_is_forgotten_after_a_time_and_not_handed_out_again(database: Database, clock: FixedClock) -> None:
    record(database, clock, "Wanted")
    hand_out(database, clock)
    claimed = claim(database, clock)
    with database.write() as tx:
        for each in claimed:
            outbox.complete(tx, each, now=clock.now())
        assert outbox.forget_done(tx, clock.now()) == 0
        assert outbox.forget_done(tx, clock.now() + MINUTE) == 2
    assert (hand_out(database, clock), claim(database, clock)) == (0, [])


def test_turn_is_one_workers_until_it_ends_it_or_dies(database: Database, clock: FixedClock) -> None:
    def take(lease: str) -> bool:
        with database.write() as tx:
            return outbox.take_turn(tx, "mail", lease, until=clock.now() + MINUTE, now=clock.now())

    assert (take("lse_1"), take("lse_2"), take("lse_1")) == (True, False, True)
    with database.write() as tx:
        outbox.end_turn(tx, "mail", "lse_1")
    assert take("lse_2")
    clock.at += MINUTE
    assert take("lse_1")


def test_clock_that_was_ahead_for_a_moment_holds_nothing_up(database: Database, clock: FixedClock) -> None:
    record(database, clock, "Wanted")
    clock.at += 400 * 24 * 60 * MINUTE
    hand_out(database, clock)
    held = claim(database, clock, "lse_1")
    with database.write() as tx:
        assert outbox.take_turn(tx, "mail", "lse_1", until=clock.now() + MINUTE, now=clock.now())
        outbox.postpone(tx, held[0], "Unavailable", clock.now() + MINUTE)
    clock.at -= 400 * 24 * 60 * MINUTE
    assert len(claim(database, clock, "lse_2")) == 2
    with database.write() as tx:
        assert outbox.take_turn(tx, "mail", "lse_2", until=clock.now() + MINUTE, now=clock.now())


def test_workers_at_once_claim_each_action_once(database: Database, clock: FixedClock) -> None:
    record(database, clock, *["Wanted"] * 40)
    claimed: list[tuple[str, str]] = []
    start = Barrier(4)

    def work(number: int) -> None:
        start.wait()
        for _ in range(20):
            hand_out(database, clock, 7)
            claimed.extend((each.event.event_id, each.action) for each in claim(database, clock, f"lse_{number}", 5))

    threads = [Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    claimed += [(each.event.event_id, each.action) for each in claim(database, clock, "lse_last")]
    assert len(claimed) == len(set(claimed)) == 80


def test_schema_of_an_older_instance_begins_at_its_present_end(database: Database) -> None:
    with database.read() as tx:
        assert outbox.waiting_leaves(tx, "process") == 0


@pytest.mark.postgresql
def test_number_committed_late_is_not_passed_over(postgresql_url: str, clock: FixedClock) -> None:
    import os

    import psycopg

    from clearinghouse.storage.migrate import upgrade

    name = "t" + os.urandom(8).hex()
    with psycopg.connect(postgresql_url + "postgres", autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    with Database(postgresql_url + name) as database:
        upgrade(database)
        with database.write() as slow:
            ledger.record(slow, Event("Wanted", ("obj_slow",)), actor=ACTOR, now=clock.now())
            record(database, clock, "Wanted")  # a higher number, committed first
            assert hand_out(database, clock) == 1
        ledger.sequence(database)
        assert hand_out(database, clock) == 1
        assert {each.event.subjects[0] for each in claim(database, clock)} == {"obj_slow", "obj_1"}
