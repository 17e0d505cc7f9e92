"""Where the queue before each vendor is kept. What says anything of a flaw is sealed; ids, instants and states are not."""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Row, Table, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from clearinghouse.core.ids import PartyId, ReportId
from clearinghouse.disclosure.coordination.capacity.records import (
    Delivery,
    DeliveryId,
    Facts,
    Item,
    ItemId,
    Override,
    OverrideId,
    Packet,
    Reply,
    ReplyKind,
    State,
)
from clearinghouse.disclosure.intake.store import readable_reports
from clearinghouse.parties.store import readable_objects
from clearinghouse.storage import Envelope, Transaction
from clearinghouse.storage.schema import Id, Instant, Prose, Word, metadata
from clearinghouse.storage.sealing import open_with, seal_with

items = Table(
    "capacity_items", metadata,
    Column("item_id", Id, primary_key=True),
    Column("vendor", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("object_id", Id, nullable=False),
    Column("state", Word, nullable=False),
    Column("queued_at", Instant, nullable=False),
    Column("not_before", Instant),
    Column("open_key", Prose, unique=True),  # vendor and object while the item is open: one of each at a time
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed_facts", LargeBinary, nullable=False),
    Column("sealed_packet", LargeBinary, nullable=False),
    Index(None, "vendor", "state"),
    Index(None, "object_id"),
)
item_reports = Table(
    "capacity_reports", metadata,
    Column("item_id", Id, ForeignKey("capacity_items.item_id"), primary_key=True),
    Column("report_id", Id, primary_key=True),
    Column("finder", Id, nullable=False),
    Index(None, "report_id"),
)
deliveries = Table(
    "deliveries", metadata,
    Column("delivery_id", Id, primary_key=True),
    Column("item_id", Id, ForeignKey("capacity_items.item_id"), nullable=False),
    Column("vendor", Id, nullable=False),
    Column("object_id", Id, nullable=False),
    Column("lane", Id, nullable=False),
    Column("delivered_at", Instant, nullable=False),
    Column("place", Integer, nullable=False),  # among those of one instant: the best first
    Column("counted", Boolean, nullable=False),
    Column("turn", Id),
    Column("reply", Word),
    Column("replied_at", Instant),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed_packet", LargeBinary, nullable=False),
    Column("sealed_reply", LargeBinary),
    Index(None, "vendor", "delivered_at"),
    Index(None, "item_id"),
)
overrides = Table(
    "capacity_overrides", metadata,
    Column("override_id", Id, primary_key=True),
    Column("item_id", Id, ForeignKey("capacity_items.item_id"), nullable=False),
    Column("asked_by", Id, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("agreed_by", Id),
    Column("agreed_at", Instant),
    Column("expires_at", Instant),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed_reason", LargeBinary, nullable=False),
    Index(None, "item_id"),
)
item_words = Table(
    "capacity_words", metadata,
    Column("item_id", Id, ForeignKey("capacity_items.item_id"), primary_key=True),
    Column("kind", Word, primary_key=True),  # of the event they belong to
    Column("actor", Id, primary_key=True),
    Column("said_at", Instant, primary_key=True),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
_JSON = msgspec.json.Encoder(order="deterministic")
_OPEN = (State.WAITING, State.DELIVERED, State.ASKED)


def add_item(tx: Transaction, item: Item, packet: Packet, reports: Mapping[ReportId, PartyId], envelope: Envelope) -> None:
    """Keep a new item."""
    data_key = secrets.token_bytes(32)
    tx.write(insert(items), {
        "item_id": item.id, "vendor": item.vendor, "object_id": item.object_id, "state": item.state,
        "queued_at": item.queued_at, "not_before": item.not_before, "open_key": _open_key(item),
        "wrapped_key": envelope.wrap(data_key, item.id), "sealed_facts": _seal_facts(data_key, item.facts, item.id),
        "sealed_packet": seal_with(data_key, packet.body, f"{item.id}/packet"),
    })
    _add_reports(tx, item.id, reports, frozenset())


def refresh_item(
    tx: Transaction, item: Item, envelope: Envelope, *, packet: Packet | None = None, reports: Mapping[ReportId, PartyId] | None = None
) -> None:
    """Keep an item's facts, and its packet and reports where given."""
    key = _data_key(tx, item.id, envelope)
    values: dict[str, Any] = {"sealed_facts": _seal_facts(key, item.facts, item.id)}
    if packet is not None:
        values["sealed_packet"] = seal_with(key, packet.body, f"{item.id}/packet")
    tx.write(update(items).where(items.c.item_id == item.id).values(**values))
    if reports is not None:
        known = frozenset(row.report_id for row in tx.rows(select(item_reports.c.report_id).where(item_reports.c.item_id == item.id)))
        _add_reports(tx, item.id, reports, known)


def set_state(tx: Transaction, item: Item, state: State, not_before: datetime | None = None) -> None:
    """Move an item to a state."""
    tx.write(update(items).where(items.c.item_id == item.id).values(
        state=state, not_before=not_before, open_key=f"{item.vendor}/{item.object_id}" if state in _OPEN else None
    ))


def system_find_item(tx: Transaction, item_id: str, envelope: Envelope) -> Item | None:
    """An item by its id, for this instance's own programs and for whoever was let in before."""
    return next(iter(_items(tx, items.c.item_id == item_id, envelope)), None)


def find_item(tx: Transaction, item_id: str, envelope: Envelope, *, viewer: PartyId, now: datetime) -> Item | None:
    """An item by its id, if the viewer may read what it is about."""
    return next(iter(_items(tx, (items.c.item_id == item_id) & _about_readable(items.c.object_id, viewer, now), envelope)), None)


def find_open_item(tx: Transaction, vendor: PartyId, object_id: str, envelope: Envelope) -> Item | None:
    """The open item of an object before a vendor."""
    return next(iter(_items(tx, items.c.open_key == f"{vendor}/{object_id}", envelope)), None)


def system_open_items(tx: Transaction, object_id: str, envelope: Envelope) -> list[Item]:
    """What is open of an object with any vendor: waiting, delivered or asked about."""
    return _items(tx, (items.c.object_id == object_id) & items.c.open_key.is_not(None), envelope)


def system_waiting(tx: Transaction, vendor: PartyId, envelope: Envelope) -> list[Item]:
    """All that waits before a vendor, for working out the order; two statements. Shows nothing to anybody by itself."""
    return _items(tx, (items.c.vendor == vendor) & (items.c.state == State.WAITING), envelope)


def system_items_of_report(tx: Transaction, report_id: str, envelope: Envelope) -> list[Item]:
    """The items a report went into, newest last, for telling its sender how it fares."""
    return _items(tx, items.c.item_id.in_(select(item_reports.c.item_id).where(item_reports.c.report_id == report_id)), envelope)


def readable_waiting(tx: Transaction, vendor: PartyId, *, viewer: PartyId, now: datetime) -> frozenset[str]:
    """Of the objects that wait before a vendor, those the viewer may read."""
    query = select(items.c.object_id).where(
        items.c.vendor == vendor, items.c.state == State.WAITING, _about_readable(items.c.object_id, viewer, now)
    )
    return frozenset(row.object_id for row in tx.rows(query))


def system_arrivals(tx: Transaction, vendor: PartyId, since: datetime) -> list[datetime]:
    """When items came before a vendor after an instant, for drawing its inflow."""
    query = select(items.c.queued_at).where(items.c.vendor == vendor, items.c.queued_at > since).order_by(items.c.queued_at)
    return [row.queued_at for row in tx.rows(query)]


def waiting_vendors(tx: Transaction) -> list[PartyId]:
    """Vendors before whom something waits, for the worker's round."""
    query = select(items.c.vendor).where(items.c.state == State.WAITING).distinct().order_by(items.c.vendor)
    return [PartyId(row.vendor) for row in tx.rows(query)]


def read_item_packet(tx: Transaction, item_id: ItemId, envelope: Envelope) -> Packet:
    """The packet an item holds."""
    row = tx.row(select(items.c.wrapped_key, items.c.sealed_packet).where(items.c.item_id == item_id))
    assert row is not None, "the item was read in this transaction"
    key = envelope.unwrap(bytes(row.wrapped_key), item_id)
    return Packet(open_with(key, bytes(row.sealed_packet), f"{item_id}/packet"))


def add_delivery(tx: Transaction, delivery: Delivery, place: int, packet: Packet, envelope: Envelope) -> None:
    """Keep a delivery with the packet as it was."""
    sealed = envelope.seal(packet.body, delivery.id)
    tx.write(insert(deliveries), {
        "delivery_id": delivery.id, "item_id": delivery.item_id, "vendor": delivery.vendor, "object_id": delivery.object_id,
        "lane": delivery.lane, "delivered_at": delivery.delivered_at, "place": place, "counted": delivery.counted, "turn": delivery.turn, "reply": None,
        "replied_at": None, "wrapped_key": sealed.wrapped_key, "sealed_packet": sealed.body, "sealed_reply": None,
    })


def replace_packet(tx: Transaction, delivery: Delivery, packet: Packet, envelope: Envelope) -> None:
    """Put a fuller packet in the place of the delivered one; the vendor's question is answered."""
    sealed = envelope.seal(packet.body, delivery.id)
    tx.write(update(deliveries).where(deliveries.c.delivery_id == delivery.id).values(
        wrapped_key=sealed.wrapped_key, sealed_packet=sealed.body, sealed_reply=None, reply=None, replied_at=None
    ))


def set_reply(tx: Transaction, delivery: Delivery, reply: Reply, envelope: Envelope, at: datetime) -> None:
    """Keep a vendor's answer; an earlier one it replaces is on the ledger."""
    wrapped = tx.value(select(deliveries.c.wrapped_key).where(deliveries.c.delivery_id == delivery.id))
    key = envelope.unwrap(bytes(wrapped), delivery.id)
    tx.write(update(deliveries).where(deliveries.c.delivery_id == delivery.id).values(
        reply=reply.kind, replied_at=at, sealed_reply=seal_with(key, _JSON.encode(reply), f"{delivery.id}/reply")
    ))


def find_delivery(tx: Transaction, delivery_id: str, *, viewer: PartyId, now: datetime) -> Delivery | None:
    """A delivery, if it was made to the viewer or is about an object the viewer may read."""
    row = tx.row(_PLAIN.where(deliveries.c.delivery_id == delivery_id, or_(
        deliveries.c.delivery_id.in_(readable_objects(viewer, now)), _about_readable(deliveries.c.object_id, viewer, now)
    )))
    return None if row is None else _delivery(row)


def read_deliveries(
    tx: Transaction, vendor: PartyId, envelope: Envelope, *, viewer: PartyId, now: datetime, newest: int
) -> list[tuple[Delivery, Packet, Reply | None]]:
    """The newest deliveries to a vendor that the viewer may read, newest first, with what was sent and what was answered."""
    query = select(deliveries, items.c.state.label("item_state")).join(items, items.c.item_id == deliveries.c.item_id)
    query = query.where(deliveries.c.vendor == vendor, deliveries.c.delivery_id.in_(readable_objects(viewer, now)))
    rows = tx.rows(query.order_by(deliveries.c.delivered_at.desc(), deliveries.c.place.desc()).limit(newest))
    return [_opened(row, envelope) for row in rows]


def read_delivery(
    tx: Transaction, delivery_id: str, envelope: Envelope, *, viewer: PartyId, now: datetime
) -> tuple[Delivery, Packet, Reply | None] | None:
    """One delivery that was made to the viewer, with what was sent and what was answered."""
    query = select(deliveries, items.c.state.label("item_state")).join(items, items.c.item_id == deliveries.c.item_id)
    row = tx.row(query.where(deliveries.c.delivery_id == delivery_id, deliveries.c.delivery_id.in_(readable_objects(viewer, now))))
    return None if row is None else _opened(row, envelope)


def system_deliveries(tx: Transaction, vendor: PartyId, since: datetime) -> list[Delivery]:
    """Deliveries to a vendor after an instant, for working out what may go."""
    query = _PLAIN.where(deliveries.c.vendor == vendor, deliveries.c.delivered_at > since)
    return [_delivery(row) for row in tx.rows(query.order_by(deliveries.c.delivered_at, deliveries.c.place))]


def system_latest_delivery(tx: Transaction, item_id: ItemId) -> Delivery | None:
    """The newest delivery of an item."""
    row = tx.row(
        _PLAIN.where(deliveries.c.item_id == item_id).order_by(deliveries.c.delivered_at.desc(), deliveries.c.delivery_id).limit(1)
    )
    return None if row is None else _delivery(row)


def add_words(
    tx: Transaction, item_id: ItemId, kind: str, actor: PartyId, words: str, envelope: Envelope, at: datetime
) -> None:
    """Keep the reason somebody gave for what they did with an item."""
    sealed = envelope.seal(words.encode(), f"{item_id}/{kind}")
    tx.write(insert(item_words), {
        "item_id": item_id, "kind": kind, "actor": actor, "said_at": at, "wrapped_key": sealed.wrapped_key, "sealed": sealed.body,
    })


def add_override(tx: Transaction, override: Override, reason: str, envelope: Envelope) -> None:
    """Keep one person's wish for an override."""
    sealed = envelope.seal(reason.encode(), override.id)
    tx.write(insert(overrides), {
        "override_id": override.id, "item_id": override.item_id, "asked_by": override.asked_by, "asked_at": override.asked_at,
        "agreed_by": None, "agreed_at": None, "expires_at": None, "wrapped_key": sealed.wrapped_key, "sealed_reason": sealed.body,
    })


def agree_override(tx: Transaction, override_id: OverrideId, agreed_by: PartyId, at: datetime, expires_at: datetime) -> bool:
    """Keep the second person's word; False where somebody was faster."""
    return tx.write(update(overrides).where(
        overrides.c.override_id == override_id, overrides.c.agreed_by.is_(None)
    ).values(agreed_by=agreed_by, agreed_at=at, expires_at=expires_at)) == 1


def find_override(tx: Transaction, override_id: str, *, viewer: PartyId, now: datetime) -> Override | None:
    """An override by its id, if the viewer may read what it is about."""
    query = select(overrides).join(items, items.c.item_id == overrides.c.item_id)
    row = tx.row(query.where(overrides.c.override_id == override_id, _about_readable(items.c.object_id, viewer, now)))
    return None if row is None else Override(
        OverrideId(row.override_id), ItemId(row.item_id), PartyId(row.asked_by), row.asked_at,
        None if row.agreed_by is None else PartyId(row.agreed_by), row.agreed_at, row.expires_at,
    )


def system_overridden(tx: Transaction, vendor: PartyId, now: datetime) -> frozenset[ItemId]:
    """Items of a vendor for which an override is agreed and alive."""
    query = select(overrides.c.item_id).join(items, items.c.item_id == overrides.c.item_id).where(
        items.c.vendor == vendor, overrides.c.agreed_at.is_not(None), overrides.c.expires_at > now
    )
    return frozenset(ItemId(row.item_id) for row in tx.rows(query))


_PLAIN = select(
    *(column for column in deliveries.c if column.name not in ("wrapped_key", "sealed_packet", "sealed_reply")),
    items.c.state.label("item_state"),
).join(items, items.c.item_id == deliveries.c.item_id)


def _about_readable(object_id: ColumnElement[Any], viewer: PartyId, now: datetime) -> ColumnElement[bool]:
    """That a viewer may read a case by a grant on it, or a report by a grant on it or on what it came with."""
    return or_(object_id.in_(readable_objects(viewer, now)), object_id.in_(readable_reports(viewer, now)))


def _add_reports(tx: Transaction, item_id: ItemId, reports: Mapping[ReportId, PartyId], known: frozenset[str]) -> None:
    tx.write(insert(item_reports), [
        {"item_id": item_id, "report_id": report, "finder": finder} for report, finder in reports.items() if report not in known
    ])


def _items(tx: Transaction, condition: Any, envelope: Envelope) -> list[Item]:
    columns = [column for column in items.c if column.name != "sealed_packet"]
    rows = tx.rows(select(*columns).where(condition).order_by(items.c.queued_at, items.c.item_id))
    finders: dict[str, set[str]] = defaultdict(set)
    query = select(item_reports.c.item_id, item_reports.c.finder).join(items, items.c.item_id == item_reports.c.item_id).where(condition)
    for row in tx.rows(query):
        finders[row.item_id].add(row.finder)
    return [_item(row, finders[row.item_id], envelope) for row in rows]


def _item(row: Row[Any], finders: Iterable[str], envelope: Envelope) -> Item:
    key = envelope.unwrap(bytes(row.wrapped_key), row.item_id)
    facts = msgspec.json.decode(open_with(key, bytes(row.sealed_facts), f"{row.item_id}/facts"), type=Facts)
    return Item(
        ItemId(row.item_id), PartyId(row.vendor), row.object_id, State(row.state), row.queued_at, facts,
        tuple(PartyId(finder) for finder in sorted(finders)), row.not_before,
    )


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        DeliveryId(row.delivery_id), ItemId(row.item_id), PartyId(row.vendor), row.object_id, row.lane, row.delivered_at, row.counted,
        None if row.turn is None else PartyId(row.turn), None if row.reply is None else ReplyKind(row.reply), row.replied_at,
        row.item_state == State.WITHDRAWN,
    )


def _data_key(tx: Transaction, item_id: ItemId, envelope: Envelope) -> bytes:
    wrapped = tx.value(select(items.c.wrapped_key).where(items.c.item_id == item_id))
    return envelope.unwrap(bytes(wrapped), item_id)


def _seal_facts(key: bytes, facts: Facts, item_id: ItemId) -> bytes:
    return seal_with(key, _JSON.encode(facts), f"{item_id}/facts")


def _open_key(item: Item) -> str | None:
    return f"{item.vendor}/{item.object_id}" if item.state in _OPEN else None


def _opened(row: Row[Any], envelope: Envelope) -> tuple[Delivery, Packet, Reply | None]:
    key = envelope.unwrap(bytes(row.wrapped_key), row.delivery_id)
    reply = None if row.sealed_reply is None else msgspec.json.decode(
        open_with(key, bytes(row.sealed_reply), f"{row.delivery_id}/reply"), type=Reply
    )
    return _delivery(row), Packet(open_with(key, bytes(row.sealed_packet), row.delivery_id)), reply
