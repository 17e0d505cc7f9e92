"""Where contacts are kept: an address sealed under a key of its own, and a keyed hash of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Row, Table, insert, select, update

from clearinghouse.core.ids import ContactId, PartyId
from clearinghouse.parties.contacts.records import Contact
from clearinghouse.storage import Envelope, SealedBody, Transaction
from clearinghouse.storage.schema import Body, Digest, Id, Instant, metadata

contacts = Table(
    "contacts", metadata,
    Column("contact_id", Id, primary_key=True),
    Column("party_id", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("lookup", Digest, nullable=False),
    Column("wrapped_key", Body, nullable=False),
    Column("sealed_address", Body, nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("verified_at", Instant),
    Column("removed_at", Instant),
    Index(None, "lookup"),
    Index(None, "party_id"),
)


def add_contact(tx: Transaction, contact: Contact, lookup: str, envelope: Envelope) -> None:
    """Keep an address."""
    sealed = envelope.seal(contact.address.encode(), contact.id)
    tx.write(insert(contacts), {
        "contact_id": contact.id, "party_id": contact.party, "lookup": lookup, "wrapped_key": sealed.wrapped_key,
        "sealed_address": sealed.body, "added_at": contact.added_at, "verified_at": contact.verified_at, "removed_at": None,
    })


def system_contact(tx: Transaction, contact_id: str, envelope: Envelope) -> Contact | None:
    """A contact that is not removed, for whoever acts on it; the action asks who may."""
    row = tx.row(select(contacts).where(contacts.c.contact_id == contact_id, contacts.c.removed_at.is_(None)))
    return None if row is None else _contact(row, envelope)


def system_contacts(tx: Transaction, party: PartyId, envelope: Envelope) -> list[Contact]:
    """A party's contacts, earliest first: for whoever writes to it, and for the action that shows a party its own."""
    query = select(contacts).where(contacts.c.party_id == party, contacts.c.removed_at.is_(None))
    return [_contact(row, envelope) for row in tx.rows(query.order_by(contacts.c.added_at, contacts.c.contact_id))]


def system_party_of(tx: Transaction, lookup: str) -> PartyId | None:
    """Whose verified address has this keyed hash: at most one party's."""
    found = tx.value(verified(lookup))
    return None if found is None else PartyId(found)


def verified(lookup: str) -> Any:
    """A subquery of the party whose verified address has this keyed hash."""
    return select(contacts.c.party_id).where(
        contacts.c.lookup == lookup, contacts.c.verified_at.is_not(None), contacts.c.removed_at.is_(None)
    )


def verify_contact(tx: Transaction, contact_id: ContactId, at: datetime) -> None:
    """Note that the holder proved to read it; the first proof counts."""
    tx.write(update(contacts).where(contacts.c.contact_id == contact_id, contacts.c.verified_at.is_(None)).values(verified_at=at))


def remove_contact(tx: Transaction, contact_id: ContactId, at: datetime) -> None:
    """Forget an address: its key and its keyed hash are destroyed, that there was one stays."""
    tx.write(update(contacts).where(contacts.c.contact_id == contact_id).values(
        removed_at=at, wrapped_key=b"", sealed_address=b"", lookup=""
    ))


def _contact(row: Row[Any], envelope: Envelope) -> Contact:
    address = envelope.open(SealedBody(bytes(row.wrapped_key), bytes(row.sealed_address)), row.contact_id).decode()
    return Contact(ContactId(row.contact_id), PartyId(row.party_id), address, row.added_at, row.verified_at)
