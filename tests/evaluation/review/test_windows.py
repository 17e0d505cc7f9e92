"""Windows on both databases: what the program and what the database itself refuses."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import ClearinghouseError, Conflict
from clearinghouse.core.events import Event
from clearinghouse.core.ids import ReviewCaseId, new_id
from clearinghouse.evaluation.review import actions, store
from clearinghouse.evaluation.review.documents import version_key
from clearinghouse.evaluation.review.records import ReviewKind, ReviewState, Window, WindowId
from clearinghouse.ledger import actions as ledger
from review_support import AGREEMENT, Table


@pytest.fixture
def table(instance: Instance, clock: FixedClock) -> Table:
    return Table(instance, clock)


def reopened(table: Table, review_id: str, hours: int) -> Window:
    grant = table.act(actions.grant_window, review_id, hours, by="dora")
    table.sign(review_id, grant, "dora")
    return table.act(actions.open_window, review_id, by="edda")


def test_further_window_takes_the_developers_signature_each_time(table: Table) -> None:
    review_id = table.closed()
    with pytest.raises(Conflict, match="signed leave"):
        table.act(actions.open_window, review_id, by="edda")
    grant = table.act(actions.grant_window, review_id, 10, by="dora")
    with pytest.raises(Conflict, match="signed leave"):
        table.act(actions.open_window, review_id, by="edda")
    table.sign(review_id, grant, "dora")
    window = table.act(actions.open_window, review_id, by="edda")
    assert (window.ordinal, window.used_before_seconds, window.ends_at - window.starts_at) == (2, 3600, timedelta(hours=10))
    table.wait(hours=2)
    table.act(actions.end_window, review_id, by="dora")
    with pytest.raises(Conflict, match="was used"):
        table.act(actions.open_window, review_id, by="edda")


def test_hours_are_counted_over_all_reviews_of_one_version_however_it_is_typed(table: Table) -> None:
    month = AGREEMENT.replace("window_hours = 48", "window_hours = 700")
    first, _ = table.opened(agreement=month)
    table.wait(hours=690)
    table.act(actions.end_window, first, by="edda")
    update = table.frozen(kind=ReviewKind.UPDATE, concerns=first, version=" 1.0 ", variant="reduced", agreement=AGREEMENT)
    with pytest.raises(Conflict, match="30 hours are left and 48 were asked"):
        table.act(actions.open_window, update, by="edda")
    other = table.frozen(kind=ReviewKind.UPDATE, concerns=first, version="1.1", agreement=month)
    assert table.act(actions.open_window, other, by="edda").used_before_seconds == 0


def test_two_windows_of_one_version_are_never_open_at_once(table: Table) -> None:
    table.opened()
    second = table.frozen()
    with pytest.raises(Conflict, match="is open"):
        table.act(actions.open_window, second, by="edda")


def test_many_who_open_at_once_get_one_window(table: Table) -> None:
    reviews = [table.frozen() for _ in range(6)]

    def open_one(review_id: str) -> bool:
        try:
            table.act(actions.open_window, review_id, by="edda")
        except ClearinghouseError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(open_one, reviews)) == 1
    assert sum(table.state(review_id) is ReviewState.WINDOW_OPEN for review_id in reviews) == 1


def test_release_moved_nearer_shortens_the_window_and_one_that_is_past_ends_it(table: Table) -> None:
    review_id, window = table.opened()
    near = table.clock.now() + timedelta(hours=6)
    assert table.act(actions.plan_partner_release, review_id, near, by="dora") == near
    assert table.windows(review_id)[0].ends_at == near < window.ends_at
    # Moved away again, what was given up does not come back.
    table.act(actions.plan_partner_release, review_id, near + timedelta(days=9), by="dora")
    assert table.windows(review_id)[0].ends_at == near
    table.wait(hours=1)
    table.act(actions.plan_partner_release, review_id, table.clock.now() - timedelta(hours=2), by="dora")
    assert (table.windows(review_id)[0].ended_at, table.state(review_id)) == (table.clock.now(), ReviewState.WINDOW_CLOSED)


def test_window_that_ran_out_is_noted_once_by_any_number_of_workers(table: Table) -> None:
    review_id, window = table.opened()
    table.clock.at = window.ends_at - timedelta(microseconds=1)

    def sweep(_: int = 0) -> int:
        with table.instance.database.write() as tx:
            done = actions.end_over(tx, envelope=table.instance.envelope, actor=table.instance.system, now=table.clock.now())
            ledger.record(tx, Event("Tested", (review_id,)), actor=table.instance.system, now=table.clock.now())
            return done

    assert sweep() == 0
    table.clock.at = window.ends_at + timedelta(minutes=5)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(sweep, range(4)))
    ended = table.windows(review_id)[0]
    assert (ended.ended_at, ended.ended_by, table.state(review_id)) == (window.ends_at, "time", ReviewState.WINDOW_CLOSED)


@pytest.mark.parametrize("change", ["longer", "backwards", "sum", "after_release", "ended_late"])
def test_database_refuses_what_a_program_must_not_write(table: Table, change: str) -> None:
    review_id, window = table.opened()
    engagement = table.see(review_id, "edda")
    start = window.ends_at + timedelta(hours=1)
    length, used, release, ended = timedelta(hours=1), 3600, None, None
    if change == "longer":
        length = timedelta(hours=720, microseconds=1)
        used = 0
    elif change == "backwards":
        length = timedelta()
    elif change == "sum":
        used = 720 * 3600
    elif change == "after_release":
        release = start
    elif change == "ended_late":
        ended = start + timedelta(hours=2)
    bad = Window(WindowId(new_id("win")), ReviewCaseId(review_id), 9, start, start + length, used)
    with pytest.raises(IntegrityError), table.instance.database.write() as tx:
        store.windows.add(tx, bad, version_key(engagement.review.model, engagement.review.developer), release)
        if ended is not None:
            from sqlalchemy import update

            tables = store.tables.review_windows
            tx.write(update(tables).where(tables.c.window_id == bad.id).values(ended_us=store.windows.microseconds(ended)))
