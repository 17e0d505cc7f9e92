"""Telling finders within the budget of the blind check: what it costs, what waits, and that a guessed report is no oracle."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.app import blind_check, process, telling
from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.app.views.reports import ReportLine, list_reports
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict
from clearinghouse.core.ids import ReportId
from clearinghouse.core.policy import BlindPolicy
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.deconfliction import actions as deconfliction
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from clearinghouse.disclosure.deconfliction.telling import rules
from clearinghouse.disclosure.deconfliction.telling.records import Used
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.ledger import store as ledger
from clearinghouse.parties.records import Party
from views_support import counted, flaw, new_party, send_as

SHIPPED = parse_policy(1, default_policy_document()).blind


@given(st.integers(0, 40), st.integers(0, 60), st.integers(0, 300), st.integers(0, 300))
def test_batches_and_tellings_draw_on_one_budget(batches: int, batches_epoch: int, told: int, told_epoch: int) -> None:
    left = rules.tellings_left(Used(batches, batches_epoch, told, told_epoch), SHIPPED)
    assert left >= 0
    if left:
        assert batches * 8 + told + left <= 24
        assert batches_epoch * 8 + told_epoch + left <= 200
        assert rules.tellings_left(Used(batches, batches_epoch, told + 1, told_epoch + 1), SHIPPED) == left - 1
        assert rules.tellings_left(Used(batches + 1, batches_epoch + 1, told, told_epoch), SHIPPED) == max(0, left - 8)


def test_begun_batch_counts_as_a_whole_one() -> None:
    assert [rules.batches_told(told, SHIPPED) for told in (0, 1, 8, 9)] == [0, 1, 1, 2]


@pytest.fixture
def small(instance: Instance) -> Instance:
    """An instance that tells one organisation of two reports a day, and of five in an epoch."""
    blind: BlindPolicy = replace(instance.policy.blind, batch_findings=1, batches_per_day=2, batches_per_epoch=5)
    return replace(instance, policy=replace(instance.policy, blind=blind))


def settle(instance: Instance) -> None:
    work = process.matching(instance)
    work.sign_new()
    work.index_waiting()
    work.settle()


def decide(instance: Instance, kind: DecisionKind, *report_ids: str) -> str:
    viewer, now = instance.actor.id, instance.clock.now()
    with instance.database.write() as tx:
        found = intake.read_reports(tx, report_ids, instance.envelope, viewer=viewer, now=now)
        return deconfliction.decide(
            tx, kind, [found[report_id] for report_id in report_ids], "looked at both", actor=viewer, envelope=instance.envelope,
            thresholds=instance.policy.deconfliction, now=now,
        ).id


def undo(instance: Instance, decision: str) -> None:
    with instance.database.write() as tx:
        deconfliction.undo(
            tx, decision, actor=instance.actor.id, envelope=instance.envelope, thresholds=instance.policy.deconfliction, now=instance.clock.now()
        )


def lines(instance: Instance, party: Party) -> dict[str, ReportLine]:
    found, _ = list_reports(instance.acting_as(party), newest=50)
    return {line.id: line for line in found}


def answers(instance: Instance, party: Party, ids: Sequence[str]) -> list[str]:
    found = lines(instance, party)
    return [found[report].answer for report in ids]


def guessing(small: Instance, clock: FixedClock) -> tuple[Party, list[ReportId], list[ReportId]]:
    """Four reports that are held, and four guesses of another house, the first and third of which are the same as one held."""
    held = send_as(small, new_party(small, "Earlier Ltd", Role.REPORTER), [flaw(f"Overflow in reader_{n}", symbol=f"reader_{n}") for n in range(4)],
                   coordinator=small.actor)
    clock.at += timedelta(hours=1)
    guesser = new_party(small, "Guesser Ltd", Role.REPORTER)
    guesses = send_as(small, guesser, [flaw(f"Bad write number {n}", symbol=f"other_{n}") for n in range(4)], coordinator=small.actor)
    settle(small)
    return guesser, held, guesses


def told(instance: Instance) -> list[str]:
    """The reports whose senders were told, as the record has it."""
    with instance.database.read() as tx:
        from sqlalchemy import text

        rows = tx.rows(text("select event_id from events where kind = 'FinderTold' order by number"))
        return [event.subjects[0] for row in rows if (event := ledger.find_event(tx, row.event_id)) is not None]


def test_over_budget_known_and_not_known_look_alike_until_it_renews(small: Instance, clock: FixedClock) -> None:
    guesser, held, guesses = guessing(small, clock)
    for place, (kind, reports) in enumerate((
        (DecisionKind.MERGE, (guesses[0], held[0])), (DecisionKind.NOT_SAME, (guesses[1], held[1])),
        (DecisionKind.MERGE, (guesses[2], held[2])), (DecisionKind.NOT_SAME, (guesses[3], held[3])),
    )):
        clock.at += timedelta(minutes=place)
        decide(small, kind, *reports)
    assert answers(small, guesser, guesses) == ["duplicate", "reviewed", "received", "received"]
    assert lines(small, guesser)[guesses[0]].known_since == clock.at.replace(hour=8, minute=0)
    assert telling.sweep(small) == 4, "two of each house"
    assert {*told(small)} == {*guesses[:2], *held[:2]}
    assert answers(small, guesser, guesses) == ["duplicate", "reviewed", "received", "received"]
    assert telling.sweep(small) == 0
    clock.at += timedelta(days=1)
    assert answers(small, guesser, guesses) == ["duplicate", "reviewed", "duplicate", "reviewed"], "by itself"
    assert telling.sweep(small) == 4
    assert lines(small, guesser)[guesses[2]].known_since == lines(small, guesser)[guesses[0]].known_since


def test_epoch_has_a_budget_of_its_own(small: Instance, clock: FixedClock) -> None:
    blind_check.keep_epoch(small)
    guesser, held, guesses = guessing(small, clock)
    blind = replace(small.policy.blind, batches_per_day=2, batches_per_epoch=3)
    tight = replace(small, policy=replace(small.policy, blind=blind))
    for report, other in zip(guesses, held, strict=True):
        decide(tight, DecisionKind.NOT_SAME, report, other)
    for _ in range(3):
        telling.sweep(tight)
        clock.at += timedelta(days=2)
    assert answers(tight, guesser, guesses).count("reviewed") == 3
    clock.at += timedelta(days=small.policy.blind.epoch_days)
    blind_check.keep_epoch(tight)
    assert telling.sweep(tight) == 2
    assert answers(tight, guesser, guesses).count("reviewed") == 4


def test_asking_blindly_and_being_told_share_the_budget(small: Instance, clock: FixedClock) -> None:
    guesser, held, guesses = guessing(small, clock)
    epoch = blind_check.keep_epoch(small)
    with small.database.write() as tx:
        from clearinghouse.core.events import Event
        from clearinghouse.disclosure.deconfliction.blind import store as blind
        from clearinghouse.ledger import actions as record

        assert guesser.organisation is not None
        blind.add_batch(tx, "bat_" + "a" * 26, epoch, [], party=guesser.id, organisation=guesser.organisation, elements=64, at=clock.at)
        record.record(tx, Event("Tested", (guesser.id,)), actor=guesser.id, now=clock.at)
    for report, other in zip(guesses[:2], held[:2], strict=True):
        decide(small, DecisionKind.NOT_SAME, report, other)
    assert answers(small, guesser, guesses[:2]).count("reviewed") == 1
    assert telling.sweep(small) == 3
    # Now both halves are used: nothing more may be asked today.
    with pytest.raises(Conflict, match="worth 1 and 1 more"):
        _ask(small, guesser, epoch.id)


def test_what_is_shown_before_the_sweep_is_spent_for_asking_blindly(small: Instance, clock: FixedClock) -> None:
    guesser, held, guesses = guessing(small, clock)
    epoch = blind_check.keep_epoch(small)
    _ask(small, guesser, epoch.id)
    decide(small, DecisionKind.NOT_SAME, guesses[0], held[0])
    assert answers(small, guesser, guesses[:1]) == ["reviewed"], "shown, though no sweep has noted it"
    with pytest.raises(Conflict, match="worth 1 and 1 more"):
        _ask(small, guesser, epoch.id)


def _ask(small: Instance, guesser: Party, epoch: str) -> None:
    from clearinghouse.app import commitments
    from clearinghouse.disclosure.deconfliction.blind.protocol import Asker
    from clearinghouse.disclosure.intake.commitments import rules as committing

    me = small.acting_as(guesser)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    claim, _ = committing.make(
        {"report": b"{}"}, context=small.settings.ledger_origin, key=Ed25519PrivateKey.generate(), nonce=b"n" * 32, section_nonces={"report": b"m" * 32}
    )
    made = commitments.record(me, claim)
    asker = Asker([b"form"], small.policy.blind.batch_elements)
    blind_check.evaluate(me, epoch, asker.elements, [made.id])


def test_what_was_undone_before_it_was_told_is_let_go(small: Instance, clock: FixedClock) -> None:
    guesser, held, guesses = guessing(small, clock)
    decision = decide(small, DecisionKind.MERGE, guesses[0], held[0])
    undo(small, decision)
    assert answers(small, guesser, guesses[:1]) == ["received"]
    assert telling.sweep(small) == 0
    assert told(small) == []
    decide(small, DecisionKind.MERGE, guesses[0], held[0])
    assert answers(small, guesser, guesses[:1]) == ["duplicate"]


def test_case_is_a_look_as_well_and_charged_once(small: Instance, clock: FixedClock) -> None:
    guesser, held, guesses = guessing(small, clock)
    with small.database.write() as tx:
        rooms.open_case(
            tx, guesses[:1], "A flaw", policy_version=1, actor=small.actor.id, envelope=small.envelope, limits=small.policy.rooms, now=clock.now()
        )
    assert answers(small, guesser, guesses[:1]) == ["reviewed"]
    telling.sweep(small)
    decide(small, DecisionKind.MERGE, guesses[0], held[0])
    assert answers(small, guesser, guesses[:1]) == ["duplicate"]
    assert telling.sweep(small) == 1, "the other side of the merge; the first was told before"


def test_reports_of_who_coordinates_and_public_records_cost_nothing(small: Instance, clock: FixedClock) -> None:
    own = send_as(small, small.actor, [flaw(f"Own {n}", symbol=f"own_{n}") for n in range(4)])
    settle(small)
    decide(small, DecisionKind.MERGE, *own[:2])
    decide(small, DecisionKind.MERGE, *own[2:])
    assert telling.sweep(small) == 0


@contextmanager
def statements(instance: Instance, party: Party) -> Iterator[list[int]]:
    """How many statements a list of one's reports takes."""
    with counted(instance) as seen:
        list_reports(instance.acting_as(party), newest=50)
    yield [len(seen)]


def test_number_of_statements_tells_nothing_of_budget_and_answer(small: Instance, clock: FixedClock) -> None:
    guesser, held, guesses = guessing(small, clock)
    counts = []
    for kind, report, other in ((None, "", ""), (DecisionKind.MERGE, guesses[0], held[0]), (DecisionKind.NOT_SAME, guesses[1], held[1]),
                                (DecisionKind.MERGE, guesses[2], held[2])):
        if kind is not None:
            decide(small, kind, report, other)
        with statements(small, guesser) as taken:
            counts += taken
    assert len(set(counts)) == 1
