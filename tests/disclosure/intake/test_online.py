"""Documents that arrive one by one: kept together, failing alone, answered once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict, Invalid
from clearinghouse.disclosure.intake import store
from clearinghouse.disclosure.intake.online import Arrived, OnlineIntake
from clearinghouse.disclosure.intake.records import Outcome


@pytest.fixture
def online(instance: Instance) -> Iterator[OnlineIntake]:
    with OnlineIntake(instance.database, instance.envelope, instance.policy.intake, instance.clock, desk=None) as opened:
        yield opened


def line(number: int) -> bytes:
    return f'{{"title": "Overflow number {number}", "symbols": ["parse_{number}"]}}\n'.encode()


def arrived(instance: Instance, data: bytes, key: str = "") -> Arrived:
    return Arrived(data, "report.json", instance.actor.id, instance.actor.id, idempotency_key=key)


def test_documents_of_many_threads_are_each_kept_once(instance: Instance, online: OnlineIntake) -> None:
    with ThreadPoolExecutor(16) as pool:
        receipts = list(pool.map(lambda number: online.take(arrived(instance, line(number % 50))), range(100)))
    assert {item.outcome for receipt in receipts for item in receipt.items} == {Outcome.ACCEPTED}
    assert len({receipt.submission_id for receipt in receipts}) == 50
    with instance.database.read() as tx:
        assert store.count_reports(tx, viewer=instance.actor.id, now=instance.clock.now()) == 50


def test_same_key_and_bytes_give_the_first_receipt(instance: Instance, online: OnlineIntake) -> None:
    first = online.take(arrived(instance, line(1), "key-1"))
    assert online.take(arrived(instance, line(1), "key-1")) == first


def test_same_key_for_other_bytes_fails_alone(instance: Instance, online: OnlineIntake) -> None:
    online.take(arrived(instance, line(1), "key-1"))
    with ThreadPoolExecutor(4) as pool:
        bad = pool.submit(online.take, arrived(instance, line(2), "key-1"))
        good = [pool.submit(online.take, arrived(instance, line(number))) for number in range(10, 20)]
        assert all(future.result().finished for future in good)
        with pytest.raises(Conflict, match="used before for other bytes"):
            bad.result()


def test_unreadable_document_gets_a_receipt_that_says_why(instance: Instance, online: OnlineIntake) -> None:
    receipt = online.take(arrived(instance, b"\x00\x01 nothing anybody knows"))
    assert receipt.items == ()
    assert [note.code for note in receipt.notes] == ["document.not_a_report"]


def test_document_beyond_the_limit_is_refused_unread(instance: Instance, online: OnlineIntake) -> None:
    with pytest.raises(Invalid, match="one document may have"):
        online.take(arrived(instance, b"x" * (instance.policy.intake.document_bytes_max + 1)))
