"""Several workers place at once, on both databases: no match is lost, nothing is counted twice, nobody waits for ever."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from clearinghouse.app.process import matching
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Unavailable
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.deconfliction import store
from clearinghouse.disclosure.deconfliction.jobs import Matching
from clearinghouse.disclosure.deconfliction.records import Verdict
from clearinghouse.parties.records import Party
from clearinghouse.storage import Database, Transaction
from party_factories import add
from told_twice import told
from views_support import send_as

WORKERS, ROUNDS = 4, 25
@dataclass
class Workers:
    """Workers of one instance, each with connections of its own, and what went wrong in any of them."""

    instance: Instance
    stop: threading.Event = field(default_factory=threading.Event)
    troubles: list[BaseException] = field(default_factory=list)
    placed: Counter[int] = field(default_factory=Counter)

    @contextmanager
    def own(self) -> Iterator[Matching]:
        """A matcher with a database connection that no other has."""
        with Database(self.instance.database.url) as database:
            found = matching(self.instance)
            # What counts here is whom a report was compared with, not how sure the model is of made-up words.
            yield replace(found, database=database, thresholds=replace(found.thresholds, join_probability_min=0.71))

    def run(self, *acts: Callable[[], object]) -> list[threading.Thread]:
        """Begin acts in threads."""
        threads = [threading.Thread(target=self._noting, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        return threads

    def _noting(self, act: Callable[[], object]) -> None:
        try:
            act()
        except BaseException as error:
            self.troubles.append(error)

    def work(self) -> None:
        """Sign and place until told to stop, as the matcher's process does."""
        with self.own() as own:
            while not self.stop.is_set():
                own.sign_new()
                for number in own.place_new():
                    self.placed[number] += 1
                time.sleep(0.001)


def placed(instance: Instance) -> dict[int, store.Placement]:
    with instance.database.read() as tx:
        return {one.number: one for one in store.stream_placements(tx)}


def check_index(instance: Instance) -> None:
    """Each report is signed and stands in the index once, under each of its terms once."""
    with instance.database.read() as tx:
        numbers = [row.number for row in tx.rows(text("select number from reports order by number"))]
        signed = [number for number, _, _ in store.stream_signatures(tx)]
        assert signed == numbers
        assert not list(store.stream_signatures(tx, waiting=True))
        assert store.count_indexed(tx) == len(numbers) == sum(records for _, records in store.list_segments(tx))
        lists = tx.driver_rows("select term, count, numbers from index_postings")
        owners: dict[int, list[int]] = {}
        for term, count, packed in lists:
            found = np.frombuffer(bytes(packed), "<u4").tolist()
            assert count == len(found)
            owners.setdefault(term, []).extend(found)
    assert all(len(found) == len(set(found)) for found in owners.values())


@pytest.fixture
def finders(instance: Instance) -> list[Party]:
    return [add(instance, f"Finder {number}", Role.REPORTER) for number in range(2)]


def test_two_reports_of_one_flaw_sent_in_one_moment_always_meet(instance: Instance, finders: list[Party]) -> None:
    workers = Workers(instance)
    own = [replace(instance, database=Database(instance.database.url)) for _ in finders]
    threads = workers.run(*[workers.work] * WORKERS)
    try:
        for flaw in range(ROUNDS):
            gate = threading.Barrier(len(finders))

            def send(way: int, flaw: int = flaw, gate: threading.Barrier = gate) -> None:
                gate.wait(30)
                send_as(own[way], finders[way], [told(flaw, way)])

            for thread in workers.run(*[lambda way=way: send(way) for way in range(2)]):
                thread.join(30)
        limit = time.monotonic() + 60
        while len(placed(instance)) < 2 * ROUNDS and time.monotonic() < limit and not workers.troubles:
            time.sleep(0.02)
    finally:
        workers.stop.set()
        for thread in threads:
            thread.join(60)
        for one in own:
            one.close()
    assert workers.troubles == []
    found = placed(instance)
    assert sorted(found) == sorted(workers.placed)
    assert set(workers.placed.values()) == {1}, "a report was placed by two workers"
    members = Counter(one.cluster for one in found.values())
    assert members == {one.cluster: 2 for one in found.values()}, "a flaw was told twice and not found again"
    assert all((one.verdict == Verdict.DUPLICATE) == (one.cluster < number) for number, one in found.items())
    check_index(instance)


def test_report_whose_number_was_given_first_and_kept_last_is_not_passed_over(instance: Instance, finders: list[Party]) -> None:
    """The number of a report is given before its transaction ends: who reads on from the highest number must not leave it behind."""
    workers, kept, go = Workers(instance), threading.Event(), threading.Event()
    slow, quick = (replace(instance, database=_Held(instance.database.url, kept, go)), replace(instance, database=Database(instance.database.url)))
    threads = workers.run(lambda: send_as(slow, finders[0], [told(0, 0)]))
    assert kept.wait(30)
    threads += workers.run(lambda: send_as(quick, finders[1], [told(0, 1)]))
    try:
        with workers.own() as own:
            time.sleep(0.2)  # long enough for the other to be through, were it not held up
            own.sign_new()
            own.place_new()
            go.set()
            for thread in threads:
                thread.join(30)
            own.sign_new()
            own.place_new()
    finally:
        go.set()
        slow.close()
        quick.close()
    assert workers.troubles == []
    assert [(one.verdict, one.cluster) for _, one in sorted(placed(instance).items())] == [(Verdict.NEW, 1), (Verdict.DUPLICATE, 1)]
    check_index(instance)


class _Held(Database):
    """A database whose writes stay uncommitted until let go."""

    def __init__(self, url: str, kept: threading.Event, go: threading.Event) -> None:
        super().__init__(url)
        self._kept, self._go = kept, go

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        with super().write() as tx:
            yield tx
            self._kept.set()
            self._go.wait(30)


@dataclass(frozen=True)
class _Halting(Matching):
    """A worker that compares and then halts, holding what it claimed."""

    compared: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    dies: bool = False

    def _compare(self, *arguments: Any) -> Any:
        found = super()._compare(*arguments)
        if not self.compared.is_set():
            self.compared.set()
            self.go.wait(30)
            if self.dies:
                raise Unavailable("this worker is gone")
        return found


def halting(own: Matching, *, dies: bool = False) -> _Halting:
    return _Halting(own.database, own.envelope, own.clock, own.actor, own.thresholds, own.learning, dies=dies)


@pytest.mark.parametrize("flaws", [1, 3, 2])
def test_later_report_compared_before_the_earlier_was_kept_finds_it(instance: Instance, finders: list[Party], flaws: int) -> None:
    """One worker is at the first report, another at the second; the second was compared when the first was in no index."""
    workers = Workers(instance)
    with workers.own() as one, workers.own() as two:
        first, second = halting(one), halting(two)
        send_as(instance, finders[0], [told(flaws, 0)])
        one.sign_new()
        threads = workers.run(first.place_new)
        assert first.compared.wait(30)
        send_as(instance, finders[1], [told(flaws, 1), told(flaws + 1, 1)])
        two.sign_new()
        threads += workers.run(second.place_new)
        assert second.compared.wait(30)
        second.go.set()
        time.sleep(0.1)
        first.go.set()
        for thread in threads:
            thread.join(30)
        two.place_new()
    assert workers.troubles == []
    found = placed(instance)
    assert {number: one.cluster for number, one in found.items()} == {1: 1, 2: 1, 3: 3}
    assert found[2].verdict == Verdict.DUPLICATE
    assert store.unpack_candidates(found[2].candidates)[0][0] == 1
    assert 2 not in {other for other, *_ in store.unpack_candidates(found[1].candidates)}, "an earlier report is compared with no later one"
    check_index(instance)


def test_what_a_worker_that_died_had_claimed_is_placed_first(instance: Instance, finders: list[Party]) -> None:
    workers = Workers(instance)
    with workers.own() as one, workers.own() as two:
        first = halting(one, dies=True)
        send_as(instance, finders[0], [told(1, 0)])
        one.sign_new()
        threads = workers.run(first.place_new)
        assert first.compared.wait(30)
        send_as(instance, finders[1], [told(1, 1)])
        two.sign_new()
        threads += workers.run(two.place_new)
        time.sleep(0.2)
        first.go.set()
        for thread in threads:
            thread.join(30)
    assert [type(error) for error in workers.troubles] == [Unavailable]
    assert {number: (one.cluster, one.settled) for number, one in placed(instance).items()} == {1: (1, False), 2: (1, False)}
    check_index(instance)


def test_what_a_stopped_worker_had_claimed_is_given_to_others(
    instance: Instance, finders: list[Party], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A computer that sleeps holds its connections open; the database ends what rests too long."""
    monkeypatch.setattr(store, "_CLAIM_IDLE", "300ms")
    workers = Workers(instance)
    with workers.own() as one, workers.own() as two:
        first = halting(one)
        send_as(instance, finders[0], [told(1, 0)])
        one.sign_new()
        threads = workers.run(first.place_new)
        assert first.compared.wait(30)
        send_as(instance, finders[1], [told(1, 1)])
        two.sign_new()
        limit = time.monotonic() + 30
        while two.any_waiting() and time.monotonic() < limit:
            with suppress(Unavailable):
                two.place_new()
        first.go.set()
        for thread in threads:
            thread.join(30)
    assert all(isinstance(error, Unavailable) for error in workers.troubles), workers.troubles
    assert {number: one.cluster for number, one in placed(instance).items()} == {1: 1, 2: 1}
    check_index(instance)


def test_report_placed_while_everything_is_settled_follows_whom_it_repeats(instance: Instance, finders: list[Party]) -> None:
    workers = Workers(instance)
    send_as(instance, finders[0], [told(flaw, 0) for flaw in (1, 2, 3)])
    with workers.own() as own:
        own.sign_new()
        assert own.index_waiting() == 3
        moved = replace(own, progress=lambda stage, done, total: _send_and_place(workers, finders[1]) if (stage, done) == ("cluster", 0) else None)
        moved.settle()
    assert workers.troubles == []
    found = placed(instance)
    assert {number: (one.cluster, one.settled) for number, one in found.items()} == {1: (1, True), 2: (2, True), 3: (3, True), 4: (2, False)}
    assert found[4].verdict == Verdict.DUPLICATE
    check_index(instance)


def _send_and_place(workers: Workers, finder: Party) -> None:
    send_as(workers.instance, finder, [told(2, 1)])
    with workers.own() as own:
        own.sign_new()
        assert own.place_new() == [4]


def test_indexing_leaves_to_other_workers_what_they_are_at(instance: Instance, finders: list[Party]) -> None:
    workers = Workers(instance)
    with workers.own() as one, workers.own() as two:
        first = halting(one)
        send_as(instance, finders[0], [told(1, 0)])
        one.sign_new()
        threads = workers.run(first.place_new)
        assert first.compared.wait(30)
        send_as(instance, finders[1], [told(1, 1), told(2, 0)])
        two.sign_new()
        threads += workers.run(two.index_waiting)
        time.sleep(0.1)
        first.go.set()
        for thread in threads:
            thread.join(30)
        two.settle()
    assert workers.troubles == []
    assert {number: one.cluster for number, one in placed(instance).items()} == {1: 1, 2: 1, 3: 3}
    check_index(instance)
