"""What capacity does: queue, deliver what may go, take a vendor's answer, and let two persons override an opt-out.

Every action that changes a queue first locks its vendor, so that two workers deliver no more than one would.
"""

import dataclasses
from collections.abc import Mapping
from datetime import datetime, timedelta

from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, ReportId, has_shape, new_id
from clearinghouse.core.policy import CapacityPolicy
from clearinghouse.core.roles import Role, Scope
from clearinghouse.disclosure.coordination.capacity import rules, store
from clearinghouse.disclosure.coordination.capacity.facts import facts_of
from clearinghouse.disclosure.coordination.capacity.queue import Queue, assemble, due, lines_of, standing
from clearinghouse.disclosure.coordination.capacity.records import (
    Delivery,
    DeliveryId,
    Facts,
    Item,
    ItemId,
    Override,
    OverrideId,
    Packet,
    QueueLine,
    Reply,
    State,
    Waiting,
)
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake.provenance import actions as relays
from clearinghouse.disclosure.intake.records import Report
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import store as party_store
from clearinghouse.parties.actions import get_party
from clearinghouse.parties.charters import Allowed, Held, Reproducer, answer
from clearinghouse.parties.charters import store as charters
from clearinghouse.parties.charters.actions import speaks_for
from clearinghouse.parties.charters.rules import parse_reason
from clearinghouse.parties.records import Basis, Grant, PartyKind
from clearinghouse.parties.rules import may
from clearinghouse.storage import Envelope, Transaction


def enqueue(
    tx: Transaction, vendor: PartyId, object_id: str, facts: Facts, packet: Packet, reports: Mapping[ReportId, PartyId], *,
    actor: PartyId, envelope: Envelope, now: datetime,
) -> Item:
    """A case or report put before a vendor; one that is open there already is brought up to date instead.

    Args:
        reports: the reports it consists of, each with the party that sent it.
    Raises:
        NotPermitted: the actor neither coordinates the case nor is this instance's own program.
        NotFound: there is no such vendor, or no such object that the actor may read.
        Invalid: it consists of no report.
        Conflict: the case is closed.
    """
    get_party(tx, vendor)
    _check_works(tx, actor, object_id, envelope, now, closed=False)
    if not reports:
        raise Invalid("what is put before a vendor consists of at least one report; none was given")
    # The same report by two routes is one finder's, however many coordinators passed it on.
    reports = relays.count_finders(tx, reports)
    party_store.lock_party(tx, vendor)
    earlier = store.find_open_item(tx, vendor, object_id, envelope)
    if earlier is not None:
        # What a person confirmed stays confirmed when new reports come in.
        kept = dataclasses.replace(
            facts, exploited=facts.exploited or earlier.facts.exploited,
            reproducer=Reproducer.CONFIRMED if earlier.facts.reproducer is Reproducer.CONFIRMED else facts.reproducer,
        )
        fresh = dataclasses.replace(earlier, facts=kept, finders=tuple(sorted({*earlier.finders, *reports.values()})))
        store.refresh_item(tx, fresh, envelope, packet=packet, reports=reports)
        ledger.record(tx, Event("QueuedPacketRefreshed", (earlier.id, object_id), {"reports": len(reports)}), actor=actor, now=now)
        return fresh
    item = Item(ItemId(new_id("itm")), vendor, object_id, State.WAITING, now, facts, tuple(sorted(set(reports.values()))))
    store.add_item(tx, item, packet, reports, envelope)
    details: dict[str, Detail] = {"reports": len(reports), "exploited": facts.exploited}
    ledger.record(tx, Event("QueuedForVendor", (item.id, object_id, vendor), details), actor=actor, now=now)
    return item


def deliver_next(
    tx: Transaction, vendor: PartyId, *, actor: PartyId, envelope: Envelope, policy: CapacityPolicy, now: datetime
) -> tuple[Delivery, ...]:
    """What may go to a vendor now, delivered; called again at the same instant it delivers nothing more.

    Raises:
        NotPermitted: the actor neither coordinates nor is this instance's own program.
    """
    if not _is_program(tx, actor):
        _check_coordinates(tx, actor)
    party_store.lock_party(tx, vendor)
    made: list[Delivery] = []
    for lane, place, allowed in due(system_queue(tx, vendor, envelope=envelope, policy=policy, now=now), now):
        item = place.item
        delivery = Delivery(
            DeliveryId(new_id("dlv")), item.id, vendor, item.object_id, lane.id, now, not allowed.passes_cap, place.ranked.turn
        )
        store.add_delivery(tx, delivery, len(made), store.read_item_packet(tx, item.id, envelope), envelope)
        store.set_state(tx, item, State.DELIVERED)
        party_store.add_grants(tx, [Grant(delivery.id, vendor, Basis.PARTICIPANT)])
        details: dict[str, Detail] = {
            "counted": delivery.counted, "public": allowed.public, "channel": str(allowed.contacts[0].channel),
            "charter": None if lane.adopted is None else lane.adopted.digest, "reasons": [reason.code for reason in allowed.reasons],
        }
        ledger.record(tx, Event("PacketDelivered", (delivery.id, item.id, item.object_id, vendor), details), actor=actor, now=now)
        made.append(delivery)
    return tuple(made)


def answer_delivery(
    tx: Transaction, delivery_id: str, untrusted_reply: Reply, *, actor: PartyId, envelope: Envelope, policy: CapacityPolicy, now: datetime
) -> Item:
    """A vendor's answer to a delivery, and the item as it stands after it; a coordinator may write down one that came by mail.

    Raises:
        NotFound: there is no such delivery for the actor.
        NotPermitted: the actor may read of it, but is neither its vendor nor coordinates the case.
        Invalid, Conflict: as `rules.check_reply`.
    """
    delivery = store.find_delivery(tx, delivery_id, viewer=actor, now=now) if has_shape(delivery_id) else None
    if delivery is None:
        raise NotFound(f"nothing found under {delivery_id[:40]!r}")
    own = party_store.may_read(tx, delivery.id, actor, now)
    if not own:
        _check_works(tx, actor, delivery.object_id, envelope, now)
    party_store.lock_party(tx, delivery.vendor)
    item = _item(tx, delivery.item_id, envelope)
    latest = store.system_latest_delivery(tx, item.id)
    if latest is None or latest.id != delivery.id:
        raise Conflict("a newer delivery of the same packet is open; answer that one")
    adopted = rules.governing(charters.charters_of(tx, delivery.vendor, envelope), item.facts, now)
    reply = rules.check_reply(untrusted_reply, item.state, None if adopted is None else adopted.charter, policy, now)
    store.set_reply(tx, delivery, reply, envelope, now)
    state = rules.AFTER[reply.kind]
    store.set_state(tx, item, state, reply.until)
    details: dict[str, Detail] = {"reply": str(reply.kind), "exclusion": reply.exclusion or None, "on_behalf": not own}
    ledger.record(tx, Event("DeliveryAnswered", (delivery.id, item.id, item.object_id, delivery.vendor), details), actor=actor, now=now)
    return dataclasses.replace(item, state=state, not_before=reply.until)


def get_item(tx: Transaction, item_id: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> Item:
    """An item, for whoever works on it.

    Raises:
        NotFound, NotPermitted: as for `enqueue`.
    """
    return _found(tx, item_id, actor, envelope, now)


def supply(
    tx: Transaction, item_id: str, facts: Facts, packet: Packet, reports: Mapping[ReportId, PartyId], *,
    actor: PartyId, envelope: Envelope, now: datetime,
) -> Delivery:
    """What a vendor asked for, put in the place of what it got; it costs no token, for the question was the vendor's.

    Raises:
        NotFound, NotPermitted: as for `enqueue`.
        Conflict: the vendor has not asked for more.
    """
    item = _found(tx, item_id, actor, envelope, now)
    party_store.lock_party(tx, item.vendor)
    item = _item(tx, item.id, envelope)
    delivery = store.system_latest_delivery(tx, item.id)
    if item.state is not State.ASKED or delivery is None:
        raise Conflict(f"nothing more was asked for: this item is {item.state}")
    store.refresh_item(tx, dataclasses.replace(item, facts=facts), envelope, packet=packet, reports=reports)
    store.replace_packet(tx, delivery, packet, envelope)
    store.set_state(tx, item, State.DELIVERED)
    ledger.record(tx, Event("PacketSupplemented", (delivery.id, item.id, item.object_id, item.vendor)), actor=actor, now=now)
    return dataclasses.replace(delivery, reply=None, replied_at=None)


def withdraw(tx: Transaction, item_id: str, untrusted_reason: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> None:
    """An open item taken out of the queue, or back from its vendor.

    Raises:
        NotFound, NotPermitted: as for `enqueue`.
        Invalid: no reason is given.
        Conflict: it is open no more.
    """
    item = _found(tx, item_id, actor, envelope, now)
    reason = parse_reason(untrusted_reason, "withdrawing")
    party_store.lock_party(tx, item.vendor)
    item = _item(tx, item.id, envelope)
    if item.state not in (State.WAITING, State.DELIVERED, State.ASKED):
        raise Conflict(f"this item is {item.state}; there is nothing to withdraw")
    store.set_state(tx, item, State.WITHDRAWN)
    store.add_words(tx, item.id, "WithdrawnFromVendor", actor, reason, envelope, now)
    ledger.record(tx, Event("WithdrawnFromVendor", (item.id, item.object_id, item.vendor)), actor=actor, now=now)


def confirm_reproducer(tx: Transaction, item_id: str, untrusted_how: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> Item:
    """An item whose flaw the actor reproduced.

    Raises:
        NotFound, NotPermitted: as for `enqueue`; also where the actor, or its organisation, is one of the finders.
        Invalid: it is not said how.
    """
    return _confirm(tx, item_id, untrusted_how, "ReproducerConfirmed", actor, envelope, now)


def confirm_exploited(tx: Transaction, item_id: str, untrusted_how: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> Item:
    """An item whose flaw the actor knows to be exploited: it passes the cap from now on.

    Raises:
        NotFound, NotPermitted: as for `enqueue`; also where the actor, or its organisation, is one of the finders.
        Invalid: it is not said how that is known.
    """
    return _confirm(tx, item_id, untrusted_how, "ExploitationConfirmed", actor, envelope, now)


def ask_override(tx: Transaction, item_id: str, untrusted_reason: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> Override:
    """One person's wish to tell an opted-out vendor of an exploited flaw; nothing moves before another person agrees.

    Raises:
        NotFound, NotPermitted: as for `enqueue`; also where the actor is no person.
        Invalid: no reason is given.
        Conflict: exploitation is not confirmed.
    """
    item = _found(tx, item_id, actor, envelope, now)
    _check_person(tx, actor)
    reason = parse_reason(untrusted_reason, "overriding an opt-out")
    if not item.facts.exploited:
        raise Conflict("an opt-out is overridden for a flaw whose exploitation is confirmed, and for no other")
    override = Override(OverrideId(new_id("ovr")), item.id, actor, now)
    store.add_override(tx, override, reason, envelope)
    ledger.record(tx, Event("OptOutOverrideAsked", (override.id, item.id, item.object_id, item.vendor)), actor=actor, now=now)
    return override


def agree_override(
    tx: Transaction, override_id: str, *, actor: PartyId, envelope: Envelope, policy: CapacityPolicy, now: datetime
) -> Override:
    """A second person's word: the item passes the opt-out for `override_days`.

    Raises:
        NotFound, NotPermitted: as for `enqueue`; also where the actor is no person, or the one who asked.
        Conflict: it is agreed already.
    """
    override = store.find_override(tx, override_id, viewer=actor, now=now) if has_shape(override_id) else None
    if override is None:
        raise NotFound(f"nothing found under {override_id[:40]!r}")
    item = _found(tx, override.item_id, actor, envelope, now)
    _check_person(tx, actor)
    if actor == override.asked_by:
        raise NotPermitted("an override needs two persons: somebody else has to agree")
    expires_at = now + timedelta(days=policy.override_days)
    if not store.agree_override(tx, override.id, actor, now, expires_at):
        raise Conflict("this override is agreed already")
    event = Event("OptOutOverrideAgreed", (override.id, item.id, item.object_id, item.vendor), {"days": policy.override_days})
    ledger.record(tx, event, actor=actor, now=now)
    return dataclasses.replace(override, agreed_by=actor, agreed_at=now, expires_at=expires_at)


def system_queue(tx: Transaction, vendor: PartyId, *, envelope: Envelope, policy: CapacityPolicy, now: datetime) -> Queue:
    """All that waits before a vendor, to compute with and to show to nobody as it is; six statements, whatever waits."""
    return assemble(
        vendor, store.system_waiting(tx, vendor, envelope), charters.charters_of(tx, vendor, envelope),
        store.system_deliveries(tx, vendor, rules.horizon(policy, now)), store.system_overridden(tx, vendor, now), policy, now,
    )


def read_queue(
    tx: Transaction, vendor: PartyId, *, viewer: PartyId, envelope: Envelope, policy: CapacityPolicy, now: datetime
) -> tuple[QueueLine, ...]:
    """What waits before a vendor: all of it, without content, for the vendor; for a coordinator what it may read, without positions.

    Raises:
        NotFound: there is no such vendor for the viewer.
    """
    # Before anybody looks whether there is such a vendor: who may not know costs as much for one as for none.
    own = speaks_for(tx, viewer, vendor, now)
    if not (own or may(get_party(tx, viewer), Scope.CASES_DECIDE)) or not has_shape(vendor) or party_store.find_party(tx, vendor) is None:
        raise NotFound(f"nothing found under {vendor[:40]!r}")
    with tx.beyond_wall():
        queue = system_queue(tx, vendor, envelope=envelope, policy=policy, now=now)
    readable = frozenset() if own else store.readable_waiting(tx, vendor, viewer=viewer, now=now)
    return lines_of(queue, None if own else readable, policy, now)


def read_waiting(
    tx: Transaction, report: Report, *, envelope: Envelope, policy: CapacityPolicy, now: datetime
) -> Waiting | None:
    """What whoever may read a report is told of its way to the vendor; None before anybody put it in a queue.

    Nothing of other reports enters: no position, a wait in doubling bands, and what is asked is asked of this report.
    """
    items = store.system_items_of_report(tx, report.id, envelope)
    if not items:
        return None
    item = next((one for one in items if one.state is State.WAITING), items[-1])
    match item.state:
        case State.WAITING:
            place = system_queue(tx, item.vendor, envelope=envelope, policy=policy, now=now).place(item.id)
            assert place is not None, "what waits stands in its vendor's queue"
            words = standing(place, policy, now)
            if isinstance(place.answer, Allowed):
                return Waiting("waiting", words)
            adopted = rules.governing(charters.charters_of(tx, item.vendor, envelope), item.facts, now)
            mine = answer(None if adopted is None else adopted.charter, rules.approach_of(facts_of([report]), override=False), now)
            return Waiting("held", words, mine.asks if isinstance(mine, Held) else ())
        case State.WITHDRAWN:
            return Waiting("withdrawn", "taken back by a coordinator")
        case State.DELIVERED | State.ASKED:
            return Waiting("delivered", "sent to the vendor")
        case _:
            return Waiting("answered", "the vendor has answered")


def _confirm(
    tx: Transaction, item_id: str, untrusted_how: str, kind: str, actor: PartyId, envelope: Envelope, now: datetime
) -> Item:
    item = _found(tx, item_id, actor, envelope, now)
    how = parse_reason(untrusted_how, "a confirmation")
    if {actor, get_party(tx, actor).organisation} & set(item.finders):
        raise NotPermitted("a finder does not confirm its own finding; somebody else has to")
    party_store.lock_party(tx, item.vendor)
    item = _item(tx, item.id, envelope)
    facts = (
        dataclasses.replace(item.facts, exploited=True) if kind == "ExploitationConfirmed"
        else dataclasses.replace(item.facts, reproducer=Reproducer.CONFIRMED)
    )
    item = dataclasses.replace(item, facts=facts)
    store.refresh_item(tx, item, envelope)
    store.add_words(tx, item.id, kind, actor, how, envelope, now)
    ledger.record(tx, Event(kind, (item.id, item.object_id, item.vendor)), actor=actor, now=now)
    return item


def _found(tx: Transaction, item_id: str, actor: PartyId, envelope: Envelope, now: datetime) -> Item:
    if not has_shape(item_id):
        item = None
    elif _is_program(tx, actor):
        item = store.system_find_item(tx, item_id, envelope)
    else:
        item = store.find_item(tx, item_id, envelope, viewer=actor, now=now)
    if item is None:
        raise NotFound(f"nothing found under {item_id[:40]!r}")
    _check_works(tx, actor, item.object_id, envelope, now)
    return item


def _item(tx: Transaction, item_id: ItemId, envelope: Envelope) -> Item:
    item = store.system_find_item(tx, item_id, envelope)
    assert item is not None, "the item was found in this transaction"
    return item


def _check_works(
    tx: Transaction, actor: PartyId, object_id: str, envelope: Envelope, now: datetime, *, closed: bool = True
) -> None:
    """Whoever works on a queue coordinates the case, or may read the report and coordinates; or is this instance's own program."""
    if _is_program(tx, actor):
        return
    if object_id.startswith("rep_"):
        intake.read_report(tx, object_id, envelope=envelope, viewer=actor, now=now)
        _check_coordinates(tx, actor)
    else:
        rooms.coordinate(tx, object_id, envelope=envelope, actor=actor, now=now, closed=closed)


def _is_program(tx: Transaction, actor: PartyId) -> bool:
    return Role.SYSTEM in get_party(tx, actor).roles


def _check_coordinates(tx: Transaction, actor: PartyId) -> None:
    if not may(get_party(tx, actor), Scope.CASES_DECIDE):
        raise NotPermitted("only a coordinator may do this")


def _check_person(tx: Transaction, actor: PartyId) -> None:
    if get_party(tx, actor).kind is not PartyKind.PERSON:
        raise NotPermitted("an override is a decision of two persons; a program or an organisation cannot take it")

