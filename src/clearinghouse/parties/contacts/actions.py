"""What contacts does: add an address, note that its holder proved to read it, forget it."""

from datetime import datetime

from clearinghouse.core.errors import Conflict, NotFound
from clearinghouse.core.events import Event
from clearinghouse.core.ids import ContactId, PartyId, has_shape, new_id
from clearinghouse.core.roles import Scope
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import rules as party_rules
from clearinghouse.parties.actions import get_party
from clearinghouse.parties.contacts import rules, store
from clearinghouse.parties.contacts.records import Contact
from clearinghouse.storage import Envelope, Transaction


def add_contact(
    tx: Transaction, party: PartyId, untrusted_address: str, *, envelope: Envelope, actor: PartyId, now: datetime
) -> Contact:
    """A new address of a party, not verified yet.

    Raises:
        NotFound: there is no such party.
        NotPermitted: the actor is neither the party nor may manage parties.
        Invalid: it is no address.
        Conflict: the party has it already.
    """
    owner = get_party(tx, party)
    _check_own_or_manages(tx, owner.id, actor)
    address = rules.parse_address(untrusted_address)
    if any(kept.address.casefold() == address.casefold() for kept in store.system_contacts(tx, owner.id, envelope)):
        raise Conflict("the party has this address already; verify or remove it")
    contact = Contact(ContactId(new_id("con")), owner.id, address, now)
    store.add_contact(tx, contact, rules.lookup_of(address, envelope), envelope)
    ledger.record(tx, Event("ContactAdded", (contact.id, owner.id)), actor=actor, now=now)
    return contact


def verify_contact(tx: Transaction, contact_id: str, *, envelope: Envelope, actor: PartyId, now: datetime) -> Contact:
    """The contact, from now on verified: called when its holder followed the link that was sent to it.

    Raises:
        NotFound: there is no such contact of the actor.
        Conflict: another party verified the same address before.
    """
    contact = store.system_contact(tx, contact_id, envelope) if has_shape(contact_id) else None
    if contact is None or contact.party != actor:
        raise NotFound(f"no contact {contact_id[:40]!r} of this party")
    holder = store.system_party_of(tx, rules.lookup_of(contact.address, envelope))
    if holder is not None and holder != contact.party:
        # Told to nobody but who reads the mailbox: only the link sent to it leads here.
        raise Conflict("another account verified this address before; sign in with that one, or remove the address there")
    store.verify_contact(tx, contact.id, now)
    ledger.record(tx, Event("ContactVerified", (contact.id, contact.party)), actor=actor, now=now)
    return Contact(contact.id, contact.party, contact.address, contact.added_at, contact.verified_at or now)


def remove_contact(tx: Transaction, contact_id: str, *, envelope: Envelope, actor: PartyId, now: datetime) -> None:
    """Forget an address.

    Raises:
        NotFound: there is no such contact.
        NotPermitted: the actor is neither its party nor may manage parties.
    """
    contact = store.system_contact(tx, contact_id, envelope) if has_shape(contact_id) else None
    if contact is None:
        raise NotFound(f"no contact {contact_id[:40]!r}")
    _check_own_or_manages(tx, contact.party, actor)
    store.remove_contact(tx, contact.id, now)
    ledger.record(tx, Event("ContactRemoved", (contact.id, contact.party)), actor=actor, now=now)


def list_contacts(tx: Transaction, party: PartyId, *, envelope: Envelope, viewer: PartyId) -> list[Contact]:
    """A party's addresses, for itself and for who manages parties.

    Raises:
        NotPermitted: the viewer is neither.
    """
    _check_own_or_manages(tx, party, viewer)
    return store.system_contacts(tx, party, envelope)


def _check_own_or_manages(tx: Transaction, party: PartyId, actor: PartyId) -> None:
    if actor != party:
        party_rules.check_may(get_party(tx, actor), Scope.PARTIES_MANAGE)
