"""Where packs are kept: sealed bytes, digests and counts. The only SQL of this capability."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    UniqueConstraint,
    func,
    insert,
    or_,
    select,
    update,
)

from clearinghouse.core.ids import PackId, PartyId
from clearinghouse.evaluation.benchmarks.packs.records import Made, Pack, PackedItem, RetiredFor, SealedItem, SealedShare
from clearinghouse.evaluation.benchmarks.records import Domain
from clearinghouse.parties.store import is_readable, readable_objects
from clearinghouse.storage import Envelope, Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, Word, metadata

packs = Table(
    "packs", metadata,
    Column("pack_id", Id, primary_key=True),
    Column("name", Word, nullable=False),
    Column("version", Integer, nullable=False),
    Column("sealed_at", Instant, nullable=False),
    Column("sealed_by", Id, nullable=False),
    Column("root", Digest, nullable=False),
    Column("items", Integer, nullable=False),
    Column("threshold", Integer, nullable=False),
    Column("shares", Integer, nullable=False),
    Column("retired_at", Instant),
    Column("retired_for", Word),
    Column("wrapped_key", LargeBinary),
    Column("sealed_reason", LargeBinary),
    UniqueConstraint("name", "version"),
)
pack_items = Table(
    "pack_items", metadata,
    Column("item_id", Id, primary_key=True),
    Column("pack_id", Id, ForeignKey("packs.pack_id"), nullable=False),
    Column("place", Integer, nullable=False),
    Column("family", Word, nullable=False),
    Column("domain", Word, nullable=False),
    Column("commitment", Digest, nullable=False),
    # Under the pack's key, which this instance does not hold: nothing for a rotation of its own key.
    Column("item_key", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("exposures", Integer, nullable=False),
    Column("retired_at", Instant),
    Column("retired_for", Word),
    Column("wrapped_key", LargeBinary),
    Column("sealed_reason", LargeBinary),
    UniqueConstraint("pack_id", "place"),
)
pack_shares = Table(
    "pack_shares", metadata,
    Column("pack_id", Id, ForeignKey("packs.pack_id"), primary_key=True),
    Column("party_id", Id, ForeignKey("parties.party_id"), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("key_id", Id, nullable=False),
    Column("box", LargeBinary, nullable=False),
    Column("digest", Digest, nullable=False),
    Index(None, "party_id"),
)


def add_pack(tx: Transaction, made: Made) -> None:
    """Keep a pack with its items and shares."""
    pack = made.pack
    tx.write(insert(packs), {
        "pack_id": pack.id, "name": pack.name, "version": pack.version, "sealed_at": pack.sealed_at, "sealed_by": pack.sealed_by,
        "root": pack.root.hex(), "items": pack.items, "threshold": pack.threshold, "shares": pack.shares, "retired_at": None, "retired_for": None,
        "wrapped_key": None, "sealed_reason": None,
    })
    tx.write(insert(pack_items), [
        {
            "item_id": one.item.id, "pack_id": pack.id, "place": one.item.place, "family": one.item.family, "domain": one.item.domain,
            "commitment": one.item.commitment.hex(), "item_key": one.item_key, "body": one.body, "exposures": 0, "retired_at": None,
            "retired_for": None, "wrapped_key": None, "sealed_reason": None,
        }
        for one in made.items
    ])
    tx.write(insert(pack_shares), [
        {"pack_id": pack.id, "party_id": share.party, "number": share.number, "key_id": share.key_id, "box": share.box, "digest": share.digest.hex()}
        for share in made.shares
    ])


def newest_version(tx: Transaction, name: str) -> int:
    """The highest version of a pack's name; 0 where there is none."""
    return int(tx.value(select(func.coalesce(func.max(packs.c.version), 0)).where(packs.c.name == name)))


def find_pack(tx: Transaction, pack_id: str, *, viewer: PartyId, now: datetime) -> Pack | None:
    """A pack that the viewer may know of."""
    row = tx.row(select(packs).where(packs.c.pack_id == pack_id, is_readable(packs.c.pack_id, viewer, now)))
    return None if row is None else _pack(row)


def list_packs(tx: Transaction, *, viewer: PartyId, now: datetime) -> list[Pack]:
    """The packs that the viewer may know of, newest first."""
    query = select(packs).where(packs.c.pack_id.in_(readable_objects(viewer, now)))
    return [_pack(row) for row in tx.rows(query.order_by(packs.c.sealed_at.desc(), packs.c.pack_id))]


def list_items(tx: Transaction, pack_id: str, *, viewer: PartyId, now: datetime) -> list[PackedItem]:
    """What stands in the clear of a pack's items, in their order, for who may know of the pack."""
    query = select(*_CLEAR).where(pack_items.c.pack_id == pack_id, is_readable(pack_items.c.pack_id, viewer, now))
    return [_item(row) for row in tx.rows(query.order_by(pack_items.c.place))]


def find_share(tx: Transaction, pack_id: str, *, viewer: PartyId, now: datetime) -> SealedShare | None:
    """The viewer's own share of a pack that it may know of."""
    row = tx.row(select(pack_shares).where(
        pack_shares.c.pack_id == pack_id, pack_shares.c.party_id == viewer, is_readable(pack_shares.c.pack_id, viewer, now)
    ))
    return None if row is None else _share(row)


def find_pack_of(tx: Transaction, item_id: str, *, viewer: PartyId, now: datetime) -> PackId | None:
    """The pack of an item, for who may know of the pack."""
    found = tx.value(select(pack_items.c.pack_id).where(pack_items.c.item_id == item_id, is_readable(pack_items.c.pack_id, viewer, now)))
    return None if found is None else PackId(found)


def system_lock_pack(tx: Transaction, pack_id: str) -> Pack | None:
    """A pack, held until the transaction ends: for who retires it and for who opens of it."""
    row = tx.row(select(packs).where(packs.c.pack_id == pack_id).with_for_update())
    return None if row is None else _pack(row)


def system_lock_items(tx: Transaction, pack_id: str, item_ids: Sequence[str]) -> list[SealedItem]:
    """These items of a pack with their sealed bytes, held until the transaction ends, so that a count is made by one at a time."""
    # In one order for everybody: two who open the same items wait for each other and not in a circle.
    query = select(pack_items).where(pack_items.c.pack_id == pack_id, pack_items.c.item_id.in_(list(item_ids)))
    rows = tx.rows(query.order_by(pack_items.c.item_id).with_for_update())
    return [SealedItem(_item(row), bytes(row.item_key), bytes(row.body)) for row in rows]


def system_item_ids(tx: Transaction, pack_id: str) -> list[str]:
    """The ids of all items of a pack, in their order."""
    return [row.item_id for row in tx.rows(select(pack_items.c.item_id).where(pack_items.c.pack_id == pack_id).order_by(pack_items.c.place))]


def system_shares(tx: Transaction, pack_id: str) -> list[SealedShare]:
    """All shares of a pack, in their boxes."""
    return [_share(row) for row in tx.rows(select(pack_shares).where(pack_shares.c.pack_id == pack_id).order_by(pack_shares.c.number))]


def count_exposure(tx: Transaction, item_id: str) -> None:
    """One engagement more."""
    tx.write(update(pack_items).where(pack_items.c.item_id == item_id).values(exposures=pack_items.c.exposures + 1))


def retire_pack(tx: Transaction, pack_id: str, why: RetiredFor, reason: str, at: datetime, envelope: Envelope) -> bool:
    """Note that a pack is opened no more; False where it was retired before."""
    sealed = envelope.seal(reason.encode(), pack_id)
    return tx.write(update(packs).where(packs.c.pack_id == pack_id, packs.c.retired_at.is_(None)).values(
        retired_at=at, retired_for=why, wrapped_key=sealed.wrapped_key, sealed_reason=sealed.body
    )) == 1


def retire_item(tx: Transaction, item_id: str, why: RetiredFor, reason: str, at: datetime, envelope: Envelope | None) -> bool:
    """Note that an item is opened no more; False where it was retired before, but for one that was only used up.

    Args:
        envelope: what seals a person's reason; None where there is none.
    """
    sealed = None if envelope is None else envelope.seal(reason.encode(), item_id)
    fresh = pack_items.c.retired_at.is_(None)
    before = fresh if why is RetiredFor.EXPOSURE else or_(fresh, pack_items.c.retired_for == RetiredFor.EXPOSURE)
    return tx.write(update(pack_items).where(pack_items.c.item_id == item_id, before).values(
        retired_at=at, retired_for=why, wrapped_key=None if sealed is None else sealed.wrapped_key, sealed_reason=None if sealed is None else sealed.body
    )) == 1


_CLEAR = tuple(column for column in pack_items.c if column.name not in ("item_key", "body", "wrapped_key", "sealed_reason"))


def _pack(row: Row[Any]) -> Pack:
    return Pack(
        PackId(row.pack_id), row.name, row.version, row.sealed_at, PartyId(row.sealed_by), bytes.fromhex(row.root), row.items, row.threshold,
        row.shares, row.retired_at, None if row.retired_for is None else RetiredFor(row.retired_for),
    )


def _item(row: Row[Any]) -> PackedItem:
    return PackedItem(
        row.item_id, PackId(row.pack_id), row.place, row.family, Domain(row.domain), bytes.fromhex(row.commitment), row.exposures, row.retired_at,
        None if row.retired_for is None else RetiredFor(row.retired_for),
    )


def _share(row: Row[Any]) -> SealedShare:
    return SealedShare(PackId(row.pack_id), PartyId(row.party_id), row.number, row.key_id, bytes(row.box), bytes.fromhex(row.digest))
