"""How much one sender may hand in: by submissions and bytes, agreed on by all processes, forgotten with the window."""

from dataclasses import replace
from datetime import timedelta

import pytest

from clearinghouse.api.problems import problem_of
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.ids import PartyId
from clearinghouse.core.policy import RatePolicy
from clearinghouse.disclosure.intake.online import Arrived, OnlineIntake
from clearinghouse.disclosure.intake.rates import TooManySubmissions, count_anonymous, read_allowance
from clearinghouse.disclosure.intake.records import Outcome
from party_factories import add

RATES = RatePolicy(
    window_minutes=10, submissions_max=3, megabytes_max=1, anonymous_submissions_max=2, anonymous_megabytes_max=1, challenges_open_max=3
)


def opened(instance: Instance, rates: RatePolicy = RATES) -> OnlineIntake:
    return OnlineIntake(instance.database, instance.envelope, instance.policy.intake, instance.clock, desk=None, rates=rates)


def document(number: int, findings: int = 1) -> bytes:
    lines = (f'{{"title": "Overflow {number} {each}", "symbols": ["read_{number}_{each}"]}}' for each in range(findings))
    return "\n".join(lines).encode() + b"\n"


def sent_by(party: PartyId, data: bytes) -> Arrived:
    return Arrived(data, "report.ndjson", party, party)


def test_sender_waits_after_so_many_and_others_do_not(instance: Instance, clock: FixedClock) -> None:
    sender, other = add(instance, "Sender").id, add(instance, "Other").id
    # Two processes of one server share nothing but the database.
    with opened(instance) as one, opened(instance) as two:
        for number in range(RATES.submissions_max):
            (one, two)[number % 2].take(sent_by(sender, document(number)))
        clock.at += timedelta(seconds=60)
        for intake in (one, two):
            with pytest.raises(TooManySubmissions) as refused:
                intake.take(sent_by(sender, document(7)))
            assert refused.value.headers == {"Retry-After": "540"}
        assert problem_of(refused.value).status == 429
        assert two.take(sent_by(other, document(8))).items
        clock.at += timedelta(seconds=540)
        assert one.take(sent_by(sender, document(7))).items


def test_same_bytes_again_get_their_receipt_and_cost_nothing(instance: Instance) -> None:
    sender = add(instance, "Sender").id
    with opened(instance) as intake:
        first = [intake.take(sent_by(sender, document(number))).submission_id for number in range(RATES.submissions_max)]
        assert [intake.take(sent_by(sender, document(number))).submission_id for number in range(RATES.submissions_max)] == first


def test_many_findings_in_one_document_are_one_submission(instance: Instance) -> None:
    sender = add(instance, "Sender").id
    with opened(instance) as intake:
        receipts = [intake.take(sent_by(sender, document(number, 50))) for number in range(RATES.submissions_max)]
    assert [sum(item.outcome is Outcome.ACCEPTED for item in receipt.items) for receipt in receipts] == [50, 50, 50]


def test_bytes_count_too(instance: Instance, clock: FixedClock) -> None:
    sender = add(instance, "Sender").id
    with instance.database.read() as tx:
        allowance = read_allowance(tx, {sender}, replace(RATES, submissions_max=100), clock.now())
    allowance.check(sender, 999_999)
    allowance.check(sender, 50_000_000)  # what came last may exceed it: its size is not known before
    with pytest.raises(TooManySubmissions):
        allowance.check(sender, 1)


def test_strangers_at_one_address_share_an_allowance(instance: Instance, clock: FixedClock) -> None:
    def send(source: str, size: int = 10) -> None:
        with instance.database.write() as tx:
            count_anonymous(tx, source, size, envelope=instance.envelope, policy=RATES, now=clock.now())

    send("192.0.2.7")
    send("192.0.2.7")
    with pytest.raises(TooManySubmissions):
        send("192.0.2.7")
    send("192.0.2.8", 2_000_000)
    with pytest.raises(TooManySubmissions):
        send("192.0.2.8")
    clock.at += timedelta(minutes=RATES.window_minutes)
    send("192.0.2.7")
