"""A maintainer's page: its charters, what waits with a forecast, what awaits an answer, what was decided.

One number of SQL statements, whatever there is to show.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from clearinghouse.app.views.packet import OneScreen, parse_packet
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import NotFound
from clearinghouse.core.ids import PartyId, has_shape
from clearinghouse.core.policy import CapacityPolicy
from clearinghouse.disclosure.coordination.capacity import Delivery, Reply, ReplyKind, actions, rules, store
from clearinghouse.disclosure.coordination.capacity.queue import Queue, lines_of
from clearinghouse.disclosure.coordination.capacity.records import QueueLine, Rates
from clearinghouse.disclosure.coordination.capacity.rules import WEEK
from clearinghouse.parties.actions import get_party
from clearinghouse.parties.charters import Adopted, Claim
from clearinghouse.parties.charters import store as charters
from clearinghouse.parties.charters.actions import speaks_for

_DELIVERIES_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Delivered:
    """A packet that came, and what was answered."""

    delivery: Delivery
    packet: OneScreen
    text: str
    """The packet as it was sent in plain text."""
    reply: Reply | None


@dataclass(frozen=True, slots=True)
class Week:
    """One week of a vendor's queue for a plot: as it was, or as it is forecast."""

    starts_at: datetime
    delivered: int
    arrived: int | None = None
    """None for weeks to come: nobody knows what finders will send."""
    answered: int | None = None
    waiting: int | None = None
    """At the end of the week, if nothing more arrives; for weeks to come."""


@dataclass(frozen=True, slots=True)
class MaintainerPage:
    """What a vendor sees of itself."""

    vendor: PartyId
    name: str
    charters: tuple[Adopted, ...]
    claims: tuple[Claim, ...]
    waiting: tuple[QueueLine, ...]
    open: tuple[Delivered, ...]
    """Awaiting an answer, or a supplement the vendor asked for; oldest first."""
    decided: tuple[Delivered, ...]
    """Answered, newest first."""
    rates: Rates
    weeks: tuple[Week, ...]


def read_maintainer(instance: Instance, vendor: str) -> MaintainerPage:
    """The page of a vendor, for whoever speaks for it.

    Raises:
        NotFound: there is no such vendor for the viewer.
    """
    viewer, now, policy = instance.actor.id, instance.clock.now(), instance.policy.capacity
    unknown = NotFound(f"nothing found under {vendor[:40]!r}")
    if not has_shape(vendor):
        raise unknown
    with instance.read() as tx:
        party = PartyId(vendor)
        if not speaks_for(tx, viewer, party, now):
            raise unknown
        name = get_party(tx, party).name
        with tx.beyond_wall():
            queue = actions.system_queue(tx, party, envelope=instance.envelope, policy=policy, now=now)
            recent = store.system_deliveries(tx, party, rules.horizon(policy, now))
            arrived = store.system_arrivals(tx, party, now - policy.forecast_weeks * WEEK)
        sent = store.read_deliveries(tx, party, instance.envelope, viewer=viewer, now=now, newest=_DELIVERIES_SHOWN)
        claims = charters.claims_of(tx, party)
    shown = [_delivered(delivery, packet.body, reply) for delivery, packet, reply in sent]
    pending = [one for one in shown if one.delivery.reply in (None, ReplyKind.MORE) and not one.delivery.withdrawn]
    return MaintainerPage(
        party, name, tuple(lane.adopted for lane in queue.lanes if lane.adopted is not None), tuple(claims),
        lines_of(queue, None, policy, now), tuple(reversed(pending)),
        tuple(one for one in shown if one.delivery.reply not in (None, ReplyKind.MORE)), queue.rates,
        weeks_of(queue, recent, arrived, policy, now),
    )


def read_delivered(instance: Instance, delivery_id: str) -> Delivered:
    """One packet as its vendor sees it.

    Raises:
        NotFound: none was sent to the viewer under this id, or it was taken back.
    """
    with instance.database.read() as tx:
        found = store.read_delivery(tx, delivery_id, instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
    if found is None or found[0].withdrawn:
        raise NotFound(f"nothing found under {delivery_id[:40]!r}")
    return _delivered(found[0], found[1].body, found[2])


def weeks_of(
    queue: Queue, deliveries: list[Delivery], arrived: list[datetime], policy: CapacityPolicy, now: datetime
) -> tuple[Week, ...]:
    """The last and the coming `forecast_weeks` weeks of a queue, counted from now."""
    found = []
    for number in range(-policy.forecast_weeks, 0):
        start, end = now + number * WEEK, now + (number + 1) * WEEK
        inside = [one for one in deliveries if start < one.delivered_at <= end]
        found.append(Week(start, len(inside), sum(start < at <= end for at in arrived), sum(one.reply is not None for one in inside)))
    going = [place.forecast.expected_at for lane in queue.lanes for place in lane.places if place.forecast is not None]
    left = sum(len(lane.places) for lane in queue.lanes)
    for number in range(policy.forecast_weeks):
        start, end = now + number * WEEK, now + (number + 1) * WEEK
        goes = sum(at is not None and (start < at <= end or (number == 0 and at <= start)) for at in going)
        left -= goes
        found.append(Week(start, goes, waiting=left))
    return tuple(found)


def _delivered(delivery: Delivery, body: bytes, reply: Reply | None) -> Delivered:
    document = json.loads(body)
    return Delivered(delivery, parse_packet(document["packet"]), document["text"], reply)
