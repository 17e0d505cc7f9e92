"""Where custody is kept: public keys, asks, releases in boxes, exposures. The only SQL of this capability."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Row, Table, and_, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from clearinghouse.core.ids import PackId, PartyId, ReviewCaseId, RunId
from clearinghouse.evaluation.benchmarks.custody.records import Exposure, Purpose, Release, ReleaseAsk, ReleaseAskId
from clearinghouse.evaluation.benchmarks.packs.records import CustodianKey
from clearinghouse.parties.store import is_readable
from clearinghouse.storage import Transaction
from clearinghouse.storage.schema import Id, Instant, Word, metadata

custodian_keys = Table(
    "custodian_keys", metadata,
    Column("key_id", Id, primary_key=True),
    Column("party_id", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("public_key", LargeBinary, nullable=False, unique=True),
    Column("registered_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Index(None, "party_id"),
)
release_asks = Table(
    "release_asks", metadata,
    Column("ask_id", Id, primary_key=True),
    Column("pack_id", Id, ForeignKey("packs.pack_id"), nullable=False),
    Column("purpose", Word, nullable=False),
    Column("recipient", LargeBinary, nullable=False),
    Column("asked_by", Id, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("run_id", Id),
    Column("review_id", Id),
    Column("developer", Id),
    Column("ended_at", Instant),
    Index(None, "pack_id", "until"),
    Index(None, "run_id"),
)
share_releases = Table(
    "share_releases", metadata,
    Column("ask_id", Id, ForeignKey("release_asks.ask_id"), primary_key=True),
    Column("party_id", Id, ForeignKey("parties.party_id"), primary_key=True),
    Column("pack_id", Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("box", LargeBinary, nullable=False),
    Column("released_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("ended_at", Instant),
)
exposures = Table(
    "exposures", metadata,
    Column("item_id", Id, ForeignKey("pack_items.item_id"), primary_key=True),
    Column("review_id", Id, primary_key=True),
    Column("pack_id", Id, nullable=False),
    Column("run_id", Id, nullable=False),
    Column("first_at", Instant, nullable=False),
    Index(None, "review_id"),
    Index(None, "pack_id"),
)


def add_key(tx: Transaction, key: CustodianKey) -> bool:
    """Keep a custodian's public key; False where somebody registered it before."""
    into = postgresql.insert(custodian_keys) if tx.dialect == "postgresql" else sqlite.insert(custodian_keys)
    return tx.write(into.on_conflict_do_nothing().execution_options(preserve_rowcount=True), {
        "key_id": key.id, "party_id": key.party, "public_key": key.public_key, "registered_at": key.registered_at, "ended_at": None,
    }) == 1


def end_keys(tx: Transaction, party: PartyId, at: datetime) -> int:
    """End a custodian's live keys for packs to come; gives how many there were."""
    return tx.write(update(custodian_keys).where(custodian_keys.c.party_id == party, custodian_keys.c.ended_at.is_(None)).values(ended_at=at))


def live_keys(tx: Transaction, parties: Sequence[PartyId]) -> dict[PartyId, CustodianKey]:
    """The key in use of each of these custodians who has one; public keys are told to whoever seals."""
    rows = tx.rows(select(custodian_keys).where(custodian_keys.c.party_id.in_(list(parties)), custodian_keys.c.ended_at.is_(None)))
    return {
        PartyId(row.party_id): CustodianKey(row.key_id, PartyId(row.party_id), bytes(row.public_key), row.registered_at, row.ended_at) for row in rows
    }


def add_ask(tx: Transaction, ask: ReleaseAsk) -> None:
    """Keep an ask."""
    tx.write(insert(release_asks), {
        "ask_id": ask.id, "pack_id": ask.pack_id, "purpose": ask.purpose, "recipient": ask.recipient, "asked_by": ask.asked_by,
        "asked_at": ask.asked_at, "until": ask.until, "run_id": ask.run_id, "review_id": ask.review_id, "developer": ask.developer, "ended_at": None,
    })


def end_ask(tx: Transaction, ask_id: str, at: datetime) -> bool:
    """End an ask and with it every release for it; False where it was ended before."""
    return tx.write(update(release_asks).where(release_asks.c.ask_id == ask_id, release_asks.c.ended_at.is_(None)).values(ended_at=at)) == 1


def find_ask(tx: Transaction, ask_id: str, *, viewer: PartyId, now: datetime) -> ReleaseAsk | None:
    """An ask, for who asked and for who may know of the pack."""
    row = tx.row(select(release_asks).where(release_asks.c.ask_id == ask_id, _shown(viewer, now)))
    return None if row is None else _ask(row)


def list_asks(tx: Transaction, *, viewer: PartyId, now: datetime) -> list[ReleaseAsk]:
    """The asks that stand and that the viewer may see, the newest first."""
    query = select(release_asks).where(release_asks.c.ended_at.is_(None), release_asks.c.until > now, _shown(viewer, now))
    return [_ask(row) for row in tx.rows(query.order_by(release_asks.c.asked_at.desc(), release_asks.c.ask_id))]


def list_releases(tx: Transaction, ask_ids: Sequence[str], *, viewer: PartyId, now: datetime) -> list[Release]:
    """Who released for these asks, ended ones too, for who may see the asks."""
    query = select(share_releases).join(release_asks, release_asks.c.ask_id == share_releases.c.ask_id).where(
        share_releases.c.ask_id.in_(list(ask_ids)), _shown(viewer, now)
    )
    return [_release(row) for row in tx.rows(query.order_by(share_releases.c.released_at, share_releases.c.party_id))]


def add_release(tx: Transaction, release: Release, pack_id: PackId) -> bool:
    """Keep a release; False where this custodian released for the ask before."""
    into = postgresql.insert(share_releases) if tx.dialect == "postgresql" else sqlite.insert(share_releases)
    return tx.write(into.on_conflict_do_nothing().execution_options(preserve_rowcount=True), {
        "ask_id": release.ask_id, "party_id": release.party, "pack_id": pack_id, "number": release.number, "box": release.box,
        "released_at": release.released_at, "until": release.until, "ended_at": None,
    }) == 1


def end_release(tx: Transaction, ask_id: str, party: PartyId, at: datetime) -> bool:
    """Take a release back; False where there is none that lives."""
    return tx.write(update(share_releases).where(
        share_releases.c.ask_id == ask_id, share_releases.c.party_id == party, share_releases.c.ended_at.is_(None)
    ).values(ended_at=at)) == 1


def system_ask(tx: Transaction, ask_id: str) -> ReleaseAsk | None:
    """An ask, held until the transaction ends: for the process that opens items under it."""
    row = tx.row(select(release_asks).where(release_asks.c.ask_id == ask_id).with_for_update())
    return None if row is None else _ask(row)


def system_releases(tx: Transaction, ask_id: str) -> list[Release]:
    """All releases for an ask, for the process that opens items under it."""
    return [_release(row) for row in tx.rows(select(share_releases).where(share_releases.c.ask_id == ask_id).order_by(share_releases.c.number))]


def system_exposed(tx: Transaction, item_ids: Sequence[str], review_id: str) -> frozenset[str]:
    """Which of these items an engagement opened before."""
    query = select(exposures.c.item_id).where(exposures.c.item_id.in_(list(item_ids)), exposures.c.review_id == review_id)
    return frozenset(row.item_id for row in tx.rows(query))


def add_exposure(tx: Transaction, exposure: Exposure) -> None:
    """Keep that an engagement opened an item; called under the lock of the item, for one it had not opened."""
    tx.write(insert(exposures), {
        "item_id": exposure.item_id, "review_id": exposure.review_id, "pack_id": exposure.pack_id, "run_id": exposure.run_id,
        "first_at": exposure.first_at,
    })


def list_exposures(tx: Transaction, pack_id: str, *, viewer: PartyId, now: datetime) -> list[Exposure]:
    """Which engagements opened which items of a pack, for who may know of the pack."""
    query = select(exposures).where(exposures.c.pack_id == pack_id, is_readable(exposures.c.pack_id, viewer, now))
    return [
        Exposure(row.item_id, PackId(row.pack_id), ReviewCaseId(row.review_id), RunId(row.run_id), row.first_at)
        for row in tx.rows(query.order_by(exposures.c.first_at, exposures.c.item_id))
    ]


def _shown(viewer: PartyId, now: datetime) -> Any:
    return or_(release_asks.c.asked_by == viewer, and_(is_readable(release_asks.c.pack_id, viewer, now)))


def _ask(row: Row[Any]) -> ReleaseAsk:
    return ReleaseAsk(
        ReleaseAskId(row.ask_id), PackId(row.pack_id), Purpose(row.purpose), bytes(row.recipient), PartyId(row.asked_by), row.asked_at, row.until,
        None if row.run_id is None else RunId(row.run_id), None if row.review_id is None else ReviewCaseId(row.review_id),
        None if row.developer is None else PartyId(row.developer), row.ended_at,
    )


def _release(row: Row[Any]) -> Release:
    return Release(ReleaseAskId(row.ask_id), PartyId(row.party_id), row.number, bytes(row.box), row.released_at, row.until, row.ended_at)
