"""Where accesses are kept, apart from the hashes of their keys; and what gateways say of their journals and clocks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Row, Table, insert, or_, select, update

from clearinghouse.core.ids import AccessId, PartyId, ReviewCaseId, RunId
from clearinghouse.gateway.records import Access, JournalHead
from clearinghouse.parties.store import own_parties, readable_objects
from clearinghouse.storage import Transaction
from clearinghouse.storage.schema import Id, Instant, Word, metadata

accesses = Table(
    "model_accesses", metadata,
    Column("access_id", Id, primary_key=True),
    Column("review_id", Id, nullable=False),
    Column("party_id", Id, nullable=False),
    Column("purpose", Word, nullable=False),
    Column("run_id", Id),
    Column("upstream", Word, nullable=False),
    Column("begins_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("tokens_max", BigInteger, nullable=False),
    Column("calls_max", BigInteger, nullable=False),
    Column("granted_at", Instant, nullable=False),
    Column("suspended_at", Instant),
    Column("suspended_by", Id),
    Column("ended_at", Instant),
    CheckConstraint("begins_at < ends_at", name="ck_model_accesses_window"),
    Index(None, "review_id", "granted_at"),
    Index(None, "ends_at"),
)

keys = Table(
    "model_access_keys", metadata,
    Column("access_id", Id, ForeignKey("model_accesses.access_id"), primary_key=True),
    Column("secret_hash", Word, nullable=False),
)

heads = Table(
    "gateway_heads", metadata,
    Column("gateway_id", Id, primary_key=True),
    Column("entries", BigInteger, primary_key=True, autoincrement=False),
    Column("head", Word, nullable=False),
    Column("noted_at", Instant, nullable=False),
)

clock_words = Table(
    "gateway_clock_words", metadata,
    Column("jump_id", Id, primary_key=True),
    Column("gateway_id", Id, nullable=False),
    Column("accepted_at", Instant, nullable=False),
    Column("accepted_by", Id, nullable=False),
    Index(None, "gateway_id"),
)


def add_access(tx: Transaction, new: Access, secret_hash: str) -> None:
    """Keep an access and the hash of its key's secret; the secret itself is never stored."""
    tx.write(insert(accesses), {
        "access_id": new.id, "review_id": new.review_id, "party_id": new.party, "purpose": new.purpose, "run_id": new.run_id,
        "upstream": new.upstream, "begins_at": new.begins_at, "ends_at": new.ends_at, "tokens_max": new.tokens_max,
        "calls_max": new.calls_max, "granted_at": new.granted_at, "suspended_at": None, "suspended_by": None, "ended_at": None,
    })
    tx.write(insert(keys), {"access_id": new.id, "secret_hash": secret_hash})


def suspend(tx: Transaction, access_id: AccessId, by: PartyId, at: datetime) -> bool:
    """Suspend a living access; False where it is suspended or ended."""
    living = (accesses.c.access_id == access_id, accesses.c.suspended_at.is_(None), accesses.c.ended_at.is_(None))
    return tx.write(update(accesses).where(*living).values(suspended_at=at, suspended_by=by)) == 1


def restore(tx: Transaction, access_id: AccessId, by: PartyId | None) -> bool:
    """Take the suspension of this party back; False where there is none, somebody else's by now, or the access ended."""
    chosen = (accesses.c.access_id == access_id, accesses.c.suspended_at.is_not(None), accesses.c.suspended_by == by, accesses.c.ended_at.is_(None))
    return tx.write(update(accesses).where(*chosen).values(suspended_at=None, suspended_by=None)) == 1


def end(tx: Transaction, access_id: AccessId, at: datetime) -> bool:
    """End an access for good; False where it has ended."""
    return tx.write(update(accesses).where(accesses.c.access_id == access_id, accesses.c.ended_at.is_(None)).values(ended_at=at)) == 1


def shorten(tx: Transaction, access_id: AccessId, ends_at: datetime) -> bool:
    """Move the end of an access to an earlier instant; False where that would not be earlier, or it ended."""
    chosen = (accesses.c.access_id == access_id, accesses.c.ended_at.is_(None), accesses.c.ends_at > ends_at, accesses.c.begins_at < ends_at)
    return tx.write(update(accesses).where(*chosen).values(ends_at=ends_at)) == 1


def find_access(tx: Transaction, access_id: str, *, viewer: PartyId, now: datetime) -> Access | None:
    """An access, for who may read its review and for whom it was given to."""
    row = tx.row(select(accesses).where(accesses.c.access_id == access_id, _seen(viewer, now)))
    return None if row is None else _access(row)


def list_of_review(tx: Transaction, review_ids: Sequence[str], *, viewer: PartyId, now: datetime) -> list[Access]:
    """The accesses of these reviews that the viewer may read, oldest first."""
    query = select(accesses).where(accesses.c.review_id.in_(list(review_ids)), accesses.c.review_id.in_(readable_objects(viewer, now)))
    return [_access(row) for row in tx.rows(query.order_by(accesses.c.granted_at, accesses.c.access_id))]


def list_seen(tx: Transaction, *, viewer: PartyId, now: datetime, limit: int) -> list[Access]:
    """The accesses that the viewer may read or was given, newest first."""
    query = select(accesses).where(_seen(viewer, now)).order_by(accesses.c.granted_at.desc(), accesses.c.access_id).limit(limit)
    return [_access(row) for row in tx.rows(query)]


def system_find(tx: Transaction, access_id: str) -> Access | None:
    """An access, for an administrator who stops it without reading its review, and for the machine."""
    row = tx.row(select(accesses).where(accesses.c.access_id == access_id))
    return None if row is None else _access(row)


def system_list(tx: Transaction, limit: int) -> list[Access]:
    """The newest accesses, for an administrator who stops them in need."""
    rows = tx.rows(select(accesses).order_by(accesses.c.granted_at.desc(), accesses.c.access_id).limit(limit))
    return [_access(row) for row in rows]


def system_of_review(tx: Transaction, review_id: ReviewCaseId) -> list[Access]:
    """The living accesses of a review, for what happens to all of them at once."""
    query = select(accesses).where(accesses.c.review_id == review_id, accesses.c.ended_at.is_(None))
    return [_access(row) for row in tx.rows(query.order_by(accesses.c.granted_at, accesses.c.access_id))]


def system_accesses(tx: Transaction, since: datetime) -> list[tuple[Access, str]]:
    """Every access whose window reaches past `since`, with the hash of its secret: for the gateway."""
    query = select(accesses, keys.c.secret_hash).join_from(accesses, keys, keys.c.access_id == accesses.c.access_id)
    rows = tx.rows(query.where(accesses.c.ends_at > since).order_by(accesses.c.access_id))
    return [(_access(row), row.secret_hash) for row in rows]


def add_head(tx: Transaction, head: JournalHead) -> None:
    """Note how far a journal reached."""
    tx.write(insert(heads), {"gateway_id": head.gateway_id, "entries": head.entries, "head": head.head, "noted_at": head.noted_at})


def list_heads(tx: Transaction, gateway_id: str) -> list[JournalHead]:
    """The heads noted of a journal, earliest first; hashes and counts alone."""
    query = select(heads).where(heads.c.gateway_id == gateway_id).order_by(heads.c.entries)
    return [JournalHead(row.gateway_id, row.entries, row.head, row.noted_at) for row in tx.rows(query)]


def gateways_noted(tx: Transaction) -> frozenset[str]:
    """The gateways of which a head was ever noted."""
    return frozenset(row.gateway_id for row in tx.rows(select(heads.c.gateway_id).distinct()))


def accept_clock(tx: Transaction, jump_id: str, gateway_id: str, by: PartyId, at: datetime) -> None:
    """Note that somebody vouches for the wall clock after a jump."""
    tx.write(insert(clock_words), {"jump_id": jump_id, "gateway_id": gateway_id, "accepted_at": at, "accepted_by": by})


def system_accepted(tx: Transaction, gateway_id: str) -> frozenset[str]:
    """The jumps of a gateway's clock that somebody vouched for."""
    return frozenset(row.jump_id for row in tx.rows(select(clock_words.c.jump_id).where(clock_words.c.gateway_id == gateway_id)))


def _seen(viewer: PartyId, now: datetime) -> Any:
    return or_(accesses.c.review_id.in_(readable_objects(viewer, now)), accesses.c.party_id.in_(own_parties(viewer, now)))


def _access(row: Row[Any]) -> Access:
    return Access(
        AccessId(row.access_id), ReviewCaseId(row.review_id), PartyId(row.party_id), row.purpose,
        None if row.run_id is None else RunId(row.run_id), row.upstream, row.begins_at, row.ends_at, row.tokens_max, row.calls_max,
        row.granted_at, row.suspended_at, row.ended_at, None if row.suspended_by is None else PartyId(row.suspended_by),
    )
