"""The queue before a vendor on both databases: two workers, answers, overrides, and who may see what."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event as sql_event

from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import CaseId, PartyId, ReportId, new_id
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.coordination.capacity import actions, store
from clearinghouse.disclosure.coordination.capacity.records import Delivery, Facts, Item, Packet, Reply, ReplyKind, State
from clearinghouse.disclosure.coordination.rooms.records import CaseRole
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.ledger import store as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties.charters import Reproducer
from clearinghouse.parties.charters.actions import adopt_charter
from clearinghouse.parties.records import Party, PartyKind
from room_cast import Cast

READY = Facts(reproducer=Reproducer.CONFIRMED, accountable_human=True, scores=(5.0,))
CHARTER = 'charter = 1\n[project]\nname = "lib"\nrepositories = ["https://github.com/example/lib"]\n'
MARK = b'{"what": "MARKED words of a flaw"}'


def add(instance: Instance, name: str, *roles: Role) -> tuple[PartyId, Party]:
    now, actor = instance.clock.now(), instance.actor.id
    with instance.database.write() as tx:
        organisation = parties.add_party(tx, PartyKind.ORGANISATION, name, frozenset(), actor=actor, now=now)
        person = parties.add_party(tx, PartyKind.PERSON, f"{name}'s person", frozenset(roles), organisation=organisation.id, actor=actor, now=now)
    return organisation.id, person


def bring(instance: Instance, case_id: str, party: Party, role: CaseRole = CaseRole.COORDINATOR) -> None:
    cast = Cast(instance)
    cast.people["somebody"] = party
    cast.join(CaseId(case_id), "somebody", role)


def adopt(instance: Instance, vendor: PartyId, more: str = "") -> None:
    with instance.database.write() as tx:
        adopt_charter(
            tx, vendor, (CHARTER + more).encode(), untrusted_reason="They asked.", actor=instance.actor.id, envelope=instance.envelope,
            limits=instance.policy.charters, now=instance.clock.now(),
        )


def queue(instance: Instance, vendor: PartyId, facts: Facts = READY, finder: str = "pty_finder", object_id: str = "") -> Item:
    if not object_id:
        cast = Cast(instance)
        object_id = cast.open(cast.report(Finding(title=f"A flaw {new_id('obj')}", reproduction="run it")))
    with instance.database.write() as tx:
        return actions.enqueue(
            tx, vendor, object_id, facts, Packet(MARK), {ReportId(new_id("rep")): PartyId(finder)}, actor=instance.actor.id,
            envelope=instance.envelope, now=instance.clock.now(),
        )


def deliver(instance: Instance, vendor: PartyId) -> tuple[Delivery, ...]:
    with instance.database.write() as tx:
        return actions.deliver_next(
            tx, vendor, actor=instance.system, envelope=instance.envelope, policy=instance.policy.capacity, now=instance.clock.now()
        )


def reply(instance: Instance, delivery: Delivery, answer: Reply, actor: PartyId) -> Item:
    with instance.database.write() as tx:
        return actions.answer_delivery(
            tx, delivery.id, answer, actor=actor, envelope=instance.envelope, policy=instance.policy.capacity, now=instance.clock.now()
        )


def do(instance: Instance, action: Callable[..., object], *arguments: object, actor: PartyId | None = None, **more: object) -> object:
    with instance.database.write() as tx:
        return action(tx, *arguments, actor=actor or instance.actor.id, envelope=instance.envelope, now=instance.clock.now(), **more)


def test_cap_lets_three_go_and_the_rest_later(instance: Instance, clock: FixedClock) -> None:
    vendor, person = add(instance, "Vendor")
    adopt(instance, vendor, "[capacity]\nper_week = 3\n")
    for number in range(7):
        queue(instance, vendor, replace(READY, scores=(float(number),)), f"pty_{number}")
    first = deliver(instance, vendor)
    assert (len(first), deliver(instance, vendor)) == (3, ())
    with instance.database.read() as tx:
        sent = store.read_deliveries(tx, vendor, instance.envelope, viewer=person.id, now=clock.now(), newest=10)
        kinds = [one.kind for one in ledger.events_about(tx, first[0].id)]
    assert ({one.id for one, _, _ in sent}, {packet.body for _, packet, _ in sent}, kinds) == ({one.id for one in first}, {MARK}, ["PacketDelivered"])
    clock.at += timedelta(days=7) - timedelta(microseconds=1)
    assert deliver(instance, vendor) == ()
    clock.at += timedelta(microseconds=1)
    assert len(deliver(instance, vendor)) == 3


def test_many_workers_deliver_no_more_than_one_would(instance: Instance) -> None:
    vendor, _ = add(instance, "Vendor")
    adopt(instance, vendor, "[capacity]\nper_week = 3\n")
    for number in range(12):
        queue(instance, vendor, replace(READY, exploited=number < 2), f"pty_{number}")
    system = instance.system
    found: list[Delivery] = []
    failed: list[Exception] = []
    start = threading.Barrier(6)

    def work() -> None:
        try:
            start.wait()
            for _ in range(3):
                with instance.database.write() as tx:
                    found.extend(actions.deliver_next(
                        tx, vendor, actor=system, envelope=instance.envelope, policy=instance.policy.capacity, now=instance.clock.now()
                    ))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(one.counted for one in found) == [False, False, True, True, True]
    assert len({one.item_id for one in found}) == 5


def test_workers_enqueueing_at_once_make_one_item(instance: Instance) -> None:
    vendor, _ = add(instance, "Vendor")
    cast = Cast(instance)
    object_id = cast.open(cast.report(Finding(title="A flaw")))
    made: list[Item] = []
    failed: list[Exception] = []
    start = threading.Barrier(4)

    def work(number: int) -> None:
        try:
            start.wait()
            with instance.database.write() as tx:
                made.append(actions.enqueue(
                    tx, vendor, object_id, READY, Packet(MARK), {ReportId(new_id("rep")): PartyId(f"pty_{number}")}, actor=instance.actor.id,
                    envelope=instance.envelope, now=instance.clock.now(),
                ))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len({one.id for one in made}) == 1
    with instance.database.read() as tx:
        kept = store.find_open_item(tx, vendor, object_id, instance.envelope)
    assert kept is not None
    assert kept.finders == ("pty_0", "pty_1", "pty_2", "pty_3")


def test_accepted_leaves_the_queue_and_its_token_stays_spent(instance: Instance, clock: FixedClock) -> None:
    vendor, person = add(instance, "Vendor")
    adopt(instance, vendor, "[capacity]\nper_week = 1\n")
    queue(instance, vendor), queue(instance, vendor, finder="pty_other")
    delivery, = deliver(instance, vendor)
    assert reply(instance, delivery, Reply(ReplyKind.ACCEPT), person.id).state is State.ACCEPTED
    assert deliver(instance, vendor) == ()
    assert reply(instance, delivery, Reply(ReplyKind.DECLINE, "looked again"), person.id).state is State.DECLINED
    with instance.database.read() as tx:
        answers = [json.loads(one.details or "{}")["reply"] for one in ledger.events_about(tx, delivery.id) if one.kind == "DeliveryAnswered"]
        kept = store.read_deliveries(tx, vendor, instance.envelope, viewer=person.id, now=clock.now(), newest=1)[0][2]
    assert (answers, kept) == (["accept", "decline"], Reply(ReplyKind.DECLINE, "looked again"))


def test_unanswered_deliveries_hold_places_until_answered_or_lapsed(instance: Instance, clock: FixedClock) -> None:
    vendor, person = add(instance, "Vendor")
    adopt(instance, vendor, "[capacity]\nper_week = 5\nopen_max = 1\n")
    for number in range(4):
        queue(instance, vendor, finder=f"pty_{number}")
    first, = deliver(instance, vendor)
    assert deliver(instance, vendor) == ()
    reply(instance, first, Reply(ReplyKind.MORE, "Which version?"), person.id)
    assert deliver(instance, vendor) == (), "a question keeps the place"
    reply(instance, first, Reply(ReplyKind.DECLINE, "not ours"), person.id)
    second, = deliver(instance, vendor)
    do(instance, actions.withdraw, second.item_id, "It was ours to fix.")
    third, = deliver(instance, vendor)
    clock.at += timedelta(days=instance.policy.capacity.slot_days)
    assert [one.item_id for one in deliver(instance, vendor)] not in ([], [third.item_id])


def test_what_was_asked_for_is_supplied_without_a_token(instance: Instance, clock: FixedClock) -> None:
    vendor, person = add(instance, "Vendor")
    adopt(instance, vendor, "[capacity]\nper_week = 1\n")
    item = queue(instance, vendor)
    delivery, = deliver(instance, vendor)
    reports = {ReportId(new_id("rep")): PartyId("pty_finder")}
    with pytest.raises(Conflict, match="nothing more was asked"):
        do(instance, actions.supply, item.id, READY, Packet(b"{}"), reports)
    reply(instance, delivery, Reply(ReplyKind.MORE, "Which version?"), person.id)
    do(instance, actions.supply, item.id, READY, Packet(b'{"more": 1}'), reports)
    with instance.database.read() as tx:
        sent = store.read_deliveries(tx, vendor, instance.envelope, viewer=person.id, now=clock.now(), newest=9)
    assert [(one.id, packet.body, answer) for one, packet, answer in sent] == [(delivery.id, b'{"more": 1}', None)]
    assert reply(instance, delivery, Reply(ReplyKind.ACCEPT), person.id).state is State.ACCEPTED


def test_postponed_item_comes_again_and_costs_another_token(instance: Instance, clock: FixedClock) -> None:
    vendor, person = add(instance, "Vendor")
    adopt(instance, vendor, "[capacity]\nper_week = 1\n")
    item = queue(instance, vendor)
    delivery, = deliver(instance, vendor)
    until = clock.now() + timedelta(days=10)
    assert reply(instance, delivery, Reply(ReplyKind.WAIT, until=until), person.id).not_before == until
    clock.at = until - timedelta(microseconds=1)
    assert deliver(instance, vendor) == ()
    clock.at = until
    again, = deliver(instance, vendor)
    assert (again.item_id, again.counted) == (item.id, True)
    with pytest.raises(Conflict, match="newer delivery"):
        reply(instance, delivery, Reply(ReplyKind.ACCEPT), person.id)


def test_not_a_vulnerability_points_at_the_charter(instance: Instance) -> None:
    vendor, person = add(instance, "Vendor")
    adopt(instance, vendor, '[[scope.not_a_vulnerability]]\nid = "asserts"\nwords = "An assertion."\n')
    queue(instance, vendor)
    delivery, = deliver(instance, vendor)
    with pytest.raises(Invalid, match="one of asserts"):
        reply(instance, delivery, Reply(ReplyKind.NOT_A_VULNERABILITY, "", "other"), person.id)
    assert reply(instance, delivery, Reply(ReplyKind.NOT_A_VULNERABILITY, "", "asserts"), person.id).state is State.NOT_A_VULNERABILITY


def test_only_the_vendor_or_a_coordinator_answers(instance: Instance) -> None:
    vendor, _ = add(instance, "Vendor")
    _, stranger = add(instance, "Stranger", Role.REPORTER)
    _, participant = add(instance, "Finder", Role.REPORTER)
    _, coordinator = add(instance, "Other desk", Role.COORDINATOR)
    item = queue(instance, vendor)
    bring(instance, item.object_id, participant, CaseRole.FINDER)
    delivery, = deliver(instance, vendor)
    for actor in (stranger.id, coordinator.id):
        with pytest.raises(NotFound, match="nothing found"):
            reply(instance, delivery, Reply(ReplyKind.ACCEPT), actor)
    with pytest.raises(NotPermitted):
        reply(instance, delivery, Reply(ReplyKind.ACCEPT), participant.id)
    assert reply(instance, delivery, Reply(ReplyKind.ACCEPT), instance.actor.id).state is State.ACCEPTED
    with instance.database.read() as tx:
        told = [json.loads(one.details or "{}") for one in ledger.events_about(tx, delivery.id) if one.kind == "DeliveryAnswered"]
    assert told == [{"reply": "accept", "exclusion": None, "on_behalf": True}]


def test_only_who_may_read_the_case_works_on_it(instance: Instance) -> None:
    vendor, person = add(instance, "Vendor")
    _, coordinator = add(instance, "Other desk", Role.COORDINATOR)
    _, reporter = add(instance, "Finder", Role.REPORTER)
    item = queue(instance, vendor)
    reports = {ReportId(new_id("rep")): PartyId("pty_finder")}
    for actor, error in ((coordinator.id, NotFound), (reporter.id, NotFound), (person.id, NotFound)):
        with pytest.raises(error):
            do(instance, actions.enqueue, vendor, item.object_id, READY, Packet(b"{}"), reports, actor=actor)
        with pytest.raises(error):
            do(instance, actions.withdraw, item.id, "because", actor=actor)
        with pytest.raises(error):
            do(instance, actions.confirm_exploited, item.id, "because", actor=actor)
    with pytest.raises(NotPermitted), instance.database.write() as tx:
        actions.deliver_next(
            tx, vendor, actor=person.id, envelope=instance.envelope, policy=instance.policy.capacity, now=instance.clock.now()
        )
    with pytest.raises(NotFound):
        do(instance, actions.enqueue, vendor, new_id("rep"), READY, Packet(b"{}"), reports)
    with pytest.raises(Invalid, match="at least one report"):
        do(instance, actions.enqueue, vendor, item.object_id, READY, Packet(b"{}"), {})


def test_opt_out_stops_and_two_persons_override_it_for_an_exploited_flaw(instance: Instance, clock: FixedClock) -> None:
    vendor, _ = add(instance, "Vendor")
    _, second = add(instance, "Second desk", Role.COORDINATOR)
    adopt(instance, vendor, '[opt_out]\ncontact = true\nreason = "No capacity."\n')
    item = queue(instance, vendor)
    bring(instance, item.object_id, second)
    with pytest.raises(Conflict, match="exploitation is confirmed"):
        do(instance, actions.ask_override, item.id, "It is bad.")
    do(instance, actions.confirm_exploited, item.id, "Seen in two incident reports.", actor=second.id)
    assert deliver(instance, vendor) == ()
    asked = do(instance, actions.ask_override, item.id, "Attackers know it already.")
    number = asked.id  # type: ignore[attr-defined]
    assert deliver(instance, vendor) == ()
    with pytest.raises(NotPermitted, match="two persons"):
        do(instance, actions.agree_override, number, policy=instance.policy.capacity)
    with pytest.raises(NotFound):
        do(instance, actions.agree_override, number, actor=instance.system, policy=instance.policy.capacity)
    with pytest.raises(NotPermitted, match="a program"):
        do(instance, actions.ask_override, item.id, "because", actor=instance.system)
    do(instance, actions.agree_override, number, actor=second.id, policy=instance.policy.capacity)
    with pytest.raises(Conflict, match="agreed already"):
        do(instance, actions.agree_override, number, actor=second.id, policy=instance.policy.capacity)
    delivery, = deliver(instance, vendor)
    assert delivery.counted is False


def test_override_lapses(instance: Instance, clock: FixedClock) -> None:
    vendor, _ = add(instance, "Vendor")
    _, second = add(instance, "Second desk", Role.COORDINATOR)
    adopt(instance, vendor, "[opt_out]\ncontact = true\n")
    item = queue(instance, vendor, replace(READY, exploited=True))
    bring(instance, item.object_id, second)
    asked = do(instance, actions.ask_override, item.id, "Attackers know it already.")
    do(instance, actions.agree_override, asked.id, actor=second.id, policy=instance.policy.capacity)  # type: ignore[attr-defined]
    clock.at += timedelta(days=instance.policy.capacity.override_days)
    assert deliver(instance, vendor) == ()


def test_finder_does_not_confirm_its_own_reproducer(instance: Instance) -> None:
    vendor, _ = add(instance, "Vendor")
    assert instance.actor.organisation is not None
    item = queue(instance, vendor, replace(READY, reproducer=Reproducer.CLAIMED), instance.actor.organisation)
    with pytest.raises(NotPermitted, match="its own finding"):
        do(instance, actions.confirm_reproducer, item.id, "I ran it.")
    other = queue(instance, vendor, replace(READY, reproducer=Reproducer.CLAIMED))
    assert deliver(instance, vendor) == ()
    do(instance, actions.confirm_reproducer, other.id, "Ran it on 1.2.3: crashes.")
    assert [one.item_id for one in deliver(instance, vendor)] == [other.id]


def test_refreshed_item_keeps_its_place_and_what_was_confirmed(instance: Instance, clock: FixedClock) -> None:
    vendor, _ = add(instance, "Vendor")
    item = queue(instance, vendor, replace(READY, reproducer=Reproducer.CLAIMED))
    do(instance, actions.confirm_reproducer, item.id, "Ran it.")
    clock.at += timedelta(days=1)
    again = queue(instance, vendor, replace(READY, reproducer=Reproducer.NONE), "pty_second", item.object_id)
    assert (again.id, again.queued_at, again.facts.reproducer, again.finders) == (
        item.id, item.queued_at, Reproducer.CONFIRMED, ("pty_finder", "pty_second")
    )


def test_vendor_sees_no_content_before_delivery_and_a_coordinator_no_positions(instance: Instance) -> None:
    vendor, person = add(instance, "Vendor")
    _, stranger = add(instance, "Stranger", Role.REPORTER)
    _, coordinator = add(instance, "Other desk", Role.COORDINATOR)
    items = [queue(instance, vendor, finder=f"pty_{number}") for number in range(9)]
    bring(instance, items[3].object_id, coordinator)

    def seen(viewer: PartyId) -> list[tuple[bool, str, int | None]]:
        with instance.database.read() as tx:
            found = actions.read_queue(
                tx, vendor, viewer=viewer, envelope=instance.envelope, policy=instance.policy.capacity, now=instance.clock.now()
            )
        return sorted(
            ((bool(one.object_id), one.words, one.forecast.position if one.forecast else None) for one in found), key=lambda one: one[2] or 0
        )

    now = "waiting for capacity, about a week at most"
    assert seen(person.id) == [(False, now, position) for position in range(1, 10)]
    assert seen(coordinator.id) == [(True, now, None)]
    with pytest.raises(NotFound, match="nothing found"):
        seen(stranger.id)


def test_nothing_of_a_flaw_is_kept_in_the_clear(instance: Instance) -> None:
    vendor, person = add(instance, "Vendor")
    item = queue(instance, vendor, replace(READY, paths=("MARKED/path.c",)))
    delivery, = deliver(instance, vendor)
    reply(instance, delivery, Reply(ReplyKind.MORE, "MARKED question"), person.id)
    do(instance, actions.withdraw, item.id, "MARKED reason")
    with instance.database.read() as tx:
        tables = (store.items, store.item_reports, store.deliveries, store.item_words, store.overrides, ledger.events)
        rows = [repr(tuple(row)) for table in tables for row in tx.rows(table.select())]
    assert len(rows) > 5
    assert not any("MARKED" in row for row in rows)


def test_statements_of_a_queue_do_not_grow_with_it(instance: Instance) -> None:
    vendor, person = add(instance, "Vendor")

    def statements() -> int:
        count = 0

        def one(*_: object) -> None:
            nonlocal count
            count += 1

        sql_event.listen(instance.database.engine, "before_cursor_execute", one)
        with instance.database.read() as tx:
            actions.read_queue(
                tx, vendor, viewer=person.id, envelope=instance.envelope, policy=instance.policy.capacity, now=instance.clock.now()
            )
        sql_event.remove(instance.database.engine, "before_cursor_execute", one)
        return count

    empty = statements()
    for number in range(30):
        queue(instance, vendor, finder=f"pty_{number}")
    assert statements() == empty
