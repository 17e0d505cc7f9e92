"""Whom to write to when a party is to be told something: its address, and its OpenPGP certificates."""

from datetime import datetime

from clearinghouse.app.channels.base import Recipient
from clearinghouse.core.ids import PartyId
from clearinghouse.parties import store as parties
from clearinghouse.parties.charters import store as charters
from clearinghouse.parties.contacts import rules as contact_rules
from clearinghouse.parties.contacts import store as contacts
from clearinghouse.parties.records import PartyKind
from clearinghouse.storage import Envelope, Transaction

_PERSONAL = frozenset({PartyKind.PERSON, PartyKind.PROGRAM})


def recipient(tx: Transaction, party: PartyId, envelope: Envelope) -> Recipient | None:
    """Where a party reads its mail: an address it proved to read, else the first it gave; None where it has none."""
    known = contacts.system_contacts(tx, party, envelope)
    chosen = next((contact for contact in known if contact.verified_at is not None), known[0] if known else None)
    if chosen is None:
        return None
    return Recipient(party, chosen.address, chosen.verified_at is not None, is_personal(tx, party), certificates(tx, party, envelope))


def told_parties(tx: Transaction, party: PartyId, envelope: Envelope, now: datetime) -> list[PartyId]:
    """Who is told when a party is: itself where it has an address or is a person, else the people of an organisation or team."""
    found = parties.find_party(tx, party)
    if found is None:
        return []
    if found.kind in _PERSONAL or contacts.system_contacts(tx, party, envelope):
        return [found.id]
    people = parties.system_people_of(tx, party, now)
    return people or [found.id]


def is_personal(tx: Transaction, party: PartyId) -> bool:
    """Whether what reaches a party reaches one person."""
    found = parties.find_party(tx, party)
    return found is not None and found.kind in _PERSONAL


def certificates(tx: Transaction, party: PartyId, envelope: Envelope) -> tuple[bytes, ...]:
    """The OpenPGP certificates of a party: those its charters state."""
    stated = (adopted.charter.openpgp for adopted in charters.charters_of(tx, party, envelope))
    return tuple(dict.fromkeys(text.encode() for text in stated if text))


def party_of_address(tx: Transaction, untrusted_address: str, envelope: Envelope) -> PartyId | None:
    """Whose verified address this is. Anybody can write it into a mail: it never proves who sent one."""
    return contacts.system_party_of(tx, contact_rules.lookup_of(untrusted_address.strip(), envelope))
