"""Addresses: what is one, whose it is, and that the database alone tells none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.roles import Role
from clearinghouse.parties.contacts import actions, rules, store
from clearinghouse.parties.contacts.records import Contact
from clearinghouse.parties.records import Party
from clearinghouse.storage import Envelope
from party_factories import add

ENVELOPE = Envelope(b"k" * 32)


def add_address(instance: Instance, party: Party, address: str, actor: Party | None = None) -> Contact:
    with instance.database.write() as tx:
        return actions.add_contact(
            tx, party.id, address, envelope=instance.envelope, actor=(actor or party).id, now=instance.clock.now()
        )


def verify(instance: Instance, contact: Contact, actor: Party) -> Contact:
    with instance.database.write() as tx:
        return actions.verify_contact(tx, contact.id, envelope=instance.envelope, actor=actor.id, now=instance.clock.now())


def test_address_is_found_by_its_keyed_hash_once_verified_and_stands_nowhere_in_the_database(instance: Instance) -> None:
    finder = add(instance, "Finder", Role.REPORTER)
    contact = add_address(instance, finder, " Ada@Example.ORG ")
    key = rules.lookup_of("ada@example.org", instance.envelope)
    with instance.database.read() as tx:
        assert store.system_party_of(tx, key) is None
    assert verify(instance, contact, finder).verified_at == instance.clock.now()
    with instance.database.read() as tx:
        assert store.system_party_of(tx, key) == finder.id
        assert [kept.address for kept in store.system_contacts(tx, finder.id, instance.envelope)] == ["Ada@example.org"]
        assert "example" not in str([tuple(row) for row in tx.rows(store.contacts.select())]).lower()


def test_address_is_verified_by_one_party_only(instance: Instance) -> None:
    first, second = add(instance, "First"), add(instance, "Second")
    verify(instance, add_address(instance, first, "shared@example.org"), first)
    other = add_address(instance, second, "shared@example.org")
    with pytest.raises(Conflict, match="another account"):
        verify(instance, other, second)
    with pytest.raises(NotFound):
        verify(instance, other, first)


def test_removed_address_is_forgotten(instance: Instance) -> None:
    finder = add(instance, "Finder")
    contact = verify(instance, add_address(instance, finder, "ada@example.org"), finder)
    with instance.database.write() as tx:
        actions.remove_contact(tx, contact.id, envelope=instance.envelope, actor=finder.id, now=instance.clock.now())
    with instance.database.read() as tx:
        assert store.system_contacts(tx, finder.id, instance.envelope) == []
        assert store.system_party_of(tx, rules.lookup_of("ada@example.org", instance.envelope)) is None
        row = tx.rows(store.contacts.select())[0]
    assert (bytes(row.wrapped_key), bytes(row.sealed_address), row.lookup) == (b"", b"", "")


def test_strangers_neither_add_nor_read_nor_remove_addresses(instance: Instance) -> None:
    finder, stranger = add(instance, "Finder"), add(instance, "Stranger", Role.COORDINATOR)
    contact = add_address(instance, finder, "ada@example.org", instance.actor)
    with pytest.raises(NotPermitted):
        add_address(instance, finder, "eve@example.org", stranger)
    with pytest.raises(NotPermitted), instance.database.read() as tx:
        actions.list_contacts(tx, finder.id, envelope=instance.envelope, viewer=stranger.id)
    with pytest.raises(NotPermitted), instance.database.write() as tx:
        actions.remove_contact(tx, contact.id, envelope=instance.envelope, actor=stranger.id, now=instance.clock.now())
    with pytest.raises(Conflict):
        add_address(instance, finder, "ADA@example.org")


@pytest.mark.parametrize("address", [
    "", "ada", "@example.org", "ada@", "a b@example.org", "ada@example..org", "ada@-x.org", "ada@example.org\nBcc: all@example.org",
    '"ada"@example.org', "ada@[127.0.0.1]", "x" * 65 + "@example.org", "ada@" + "x" * 64 + ".org", ".ada@example.org", "a..b@example.org",
    "ada\u202e@example.org", "ada@" + ".".join(["x" * 60] * 5),
])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Invalid, match="name@domain"):
        rules.parse_address(address)


def test_domain_in_another_script_is_one_address_however_it_is_spelt() -> None:
    assert rules.parse_address("ada@Bücher.example") == rules.parse_address("ada@xn--bcher-kva.EXAMPLE") == "ada@xn--bcher-kva.example"


@given(st.text(max_size=300))
def test_parsing_an_address_never_fails_otherwise_and_changes_nothing_twice(text: str) -> None:
    try:
        once = rules.parse_address(text)
    except Invalid:
        return
    assert rules.parse_address(once) == once
    assert "\n" not in once


def test_lookup_needs_the_key() -> None:
    assert rules.lookup_of("ada@example.org", ENVELOPE) == rules.lookup_of("ADA@example.org", ENVELOPE)
    assert rules.lookup_of("ada@example.org", ENVELOPE) != rules.lookup_of("ada@example.org", Envelope(b"j" * 32))
