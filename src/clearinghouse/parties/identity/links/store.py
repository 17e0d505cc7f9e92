"""Where links and receipts are kept, with hashes of what opens them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, ForeignKey, Index, Row, Table, insert, or_, select, update

from clearinghouse.core.ids import LinkId, PartyId
from clearinghouse.parties.identity.links.records import Link, LinkPurpose, Receipt
from clearinghouse.storage import Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, Word, metadata

links = Table(
    "links", metadata,
    Column("link_id", Id, primary_key=True),
    Column("party_id", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("object_id", Id, nullable=False),
    Column("purpose", Word, nullable=False),
    Column("once", Boolean, nullable=False),
    Column("secret_hash", Digest, nullable=False),
    Column("made_by", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("revoked_at", Instant),
    Index(None, "object_id"),
    Index(None, "party_id"),
)
receipts = Table(
    "receipts", metadata,
    Column("code_hash", Digest, primary_key=True),
    Column("party_id", Id, ForeignKey("parties.party_id"), nullable=False, unique=True),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)


def add_link(tx: Transaction, link: Link, secret_hash: str) -> None:
    """Keep a link; its secret is stored nowhere."""
    tx.write(insert(links), {
        "link_id": link.id, "party_id": link.party, "object_id": link.object_id, "purpose": link.purpose, "once": link.once,
        "secret_hash": secret_hash, "made_by": link.made_by, "made_at": link.made_at, "expires_at": link.expires_at,
        "used_at": None, "revoked_at": None,
    })


def find_link(tx: Transaction, link_id: str) -> tuple[Link, str] | None:
    """A link and the hash of its secret."""
    row = tx.row(select(links).where(links.c.link_id == link_id))
    return None if row is None else (_link(row), row.secret_hash)


def links_of(tx: Transaction, party: PartyId, now: datetime) -> list[Link]:
    """A party's links that may still be followed, newest first."""
    open_ = (links.c.revoked_at.is_(None), links.c.expires_at > now, or_(links.c.once.is_(False), links.c.used_at.is_(None)))
    query = select(links).where(links.c.party_id == party, *open_).order_by(links.c.made_at.desc(), links.c.link_id)
    return [_link(row) for row in tx.rows(query)]


def use_link(tx: Transaction, link: Link, at: datetime) -> bool:
    """Note a use; False where a link for one use was used meanwhile."""
    statement = update(links).where(links.c.link_id == link.id, links.c.revoked_at.is_(None))
    if link.once:
        statement = statement.where(links.c.used_at.is_(None))
    return tx.write(statement.values(used_at=at)) == 1


def revoke_link(tx: Transaction, link_id: LinkId, at: datetime) -> None:
    """End a link; ending it twice keeps the first instant."""
    tx.write(update(links).where(links.c.link_id == link_id, links.c.revoked_at.is_(None)).values(revoked_at=at))


def add_receipt(tx: Transaction, receipt: Receipt, code_hash: str) -> None:
    """Keep an anonymous reporter's way back."""
    tx.write(insert(receipts), {
        "code_hash": code_hash, "party_id": receipt.party, "made_at": receipt.made_at, "expires_at": receipt.expires_at,
    })


def find_receipt(tx: Transaction, code_hash: str, now: datetime) -> Receipt | None:
    """The receipt of a code's hash, unless it expired."""
    row = tx.row(select(receipts).where(receipts.c.code_hash == code_hash, receipts.c.expires_at > now))
    return None if row is None else Receipt(PartyId(row.party_id), row.made_at, row.expires_at)


def _link(row: Row[Any]) -> Link:
    return Link(
        LinkId(row.link_id), PartyId(row.party_id), row.object_id, LinkPurpose(row.purpose), row.once, PartyId(row.made_by),
        row.made_at, row.expires_at, row.used_at, row.revoked_at,
    )
