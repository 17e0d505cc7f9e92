"""Who may put a charter in force, what it then binds, and that every version stays."""

import json

import pytest

from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import PartyId, new_id
from clearinghouse.core.product import parse_purl
from clearinghouse.core.roles import Role
from clearinghouse.ledger import store as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties.charters import actions, store
from clearinghouse.parties.charters.actions import Fetched
from clearinghouse.parties.charters.document import Read
from clearinghouse.parties.charters.matching import keys_of, repository_key
from clearinghouse.parties.charters.records import Adopted, ClaimBasis
from clearinghouse.parties.records import Party, PartyKind

REPOSITORY = "https://github.com/example/libexample"
CHARTER = '''charter = 1
[project]
name = "libexample"
packages = ["pkg:pypi/libexample", "pkg:golang/github.com/example/libexample"]
repositories = ["https://github.com/example/libexample"]
claims = [CLAIM]
[[contact]]
channel = "email"
address = "mark-security@example.org"
[capacity]
per_week = 3
'''


def vendor(instance: Instance, name: str = "Libexample") -> tuple[PartyId, Party]:
    now, actor = instance.clock.now(), instance.actor.id
    with instance.database.write() as tx:
        organisation = parties.add_party(tx, PartyKind.ORGANISATION, name, frozenset(), actor=actor, now=now)
        person = parties.add_party(
            tx, PartyKind.PERSON, f"Maintainer of {name}", frozenset({Role.VENDOR}), organisation=organisation.id, actor=actor, now=now
        )
    return organisation.id, person


def adopt(instance: Instance, party: PartyId, text: str, actor: PartyId, reason: str = "") -> tuple[Adopted, Read]:
    with instance.database.write() as tx:
        return actions.adopt_charter(
            tx, party, text.replace("CLAIM", "").encode(), untrusted_reason=reason, actor=actor, envelope=instance.envelope,
            limits=instance.policy.charters, now=instance.clock.now(),
        )


def fetch(instance: Instance, claim_id: str, text: str, actor: PartyId, repository: str = REPOSITORY) -> Adopted:
    with instance.database.write() as tx:
        return actions.adopt_fetched(
            tx, claim_id, Fetched(repository, repository + "/disclosure-charter.toml", text.encode(), '"1"'), actor=actor,
            envelope=instance.envelope, limits=instance.policy.charters, now=instance.clock.now(),
        )[0]


def claim(instance: Instance, party: PartyId, actor: PartyId, scope: str = REPOSITORY) -> str:
    with instance.database.write() as tx:
        return actions.open_claim(tx, party, scope, actor=actor, envelope=instance.envelope, now=instance.clock.now()).id


def binding(instance: Instance, purl: str = "", repository: str = "") -> list[str]:
    packages = [parse_purl(purl)[0]] if purl else []
    with instance.database.read() as tx:
        return [found.charter.name for found in actions.charters_for(tx, keys_of(packages, [repository]), envelope=instance.envelope)]


def test_vendor_proves_a_repository_and_binds_it_alone(instance: Instance) -> None:
    party, person = vendor(instance)
    with pytest.raises(NotPermitted, match="nothing that this charter names is proven"):
        adopt(instance, party, CHARTER, person.id)
    number = claim(instance, party, person.id)
    assert claim(instance, party, person.id) == number
    with pytest.raises(Invalid, match="does not hold the claim's number"):
        fetch(instance, number, CHARTER.replace("CLAIM", ""), person.id)
    adopted = fetch(instance, number, CHARTER.replace("CLAIM", f'"{number}"'), person.id)
    assert (adopted.version, adopted.on_behalf, adopted.covers) == (1, False, (repository_key(REPOSITORY),))
    assert binding(instance, repository="git@github.com:Example/LibExample.git") == ["libexample"]
    assert binding(instance, "pkg:golang/github.com/example/libexample/v2@2.0.0") == ["libexample"]
    assert binding(instance, "pkg:pypi/libexample") == [], "a name in a fetched file proves no ownership of a package"
    with instance.database.read() as tx:
        assert [event.kind for event in ledger.events_about(tx, adopted.id)] == ["CharterAdopted"]
        assert store.find_etag(tx, REPOSITORY + "/disclosure-charter.toml") == '"1"'


def test_package_binds_once_a_coordinator_vouches(instance: Instance) -> None:
    party, person = vendor(instance)
    number = claim(instance, party, person.id)
    fetch(instance, number, CHARTER.replace("CLAIM", f'"{number}"'), person.id)
    with instance.database.write() as tx:
        made = actions.vouch(
            tx, party, "pkg:pypi/LibExample", "The registry names this repository.", actor=instance.actor.id, envelope=instance.envelope,
            now=instance.clock.now(),
        )
    assert made.basis is ClaimBasis.VOUCHED
    assert binding(instance, "pkg:pypi/libexample@1.0") == ["libexample"]
    with instance.database.write() as tx:
        actions.end_claim(tx, made.id, "It moved away.", actor=person.id, envelope=instance.envelope, now=instance.clock.now())
    assert binding(instance, "pkg:pypi/libexample@1.0") == []
    with pytest.raises(NotFound), instance.database.write() as tx:
        actions.end_claim(tx, made.id, "Again.", actor=person.id, envelope=instance.envelope, now=instance.clock.now())


def test_charter_of_one_project_loosens_nothing_about_another(instance: Instance) -> None:
    big, _ = vendor(instance, "Big")
    adopt(instance, big, CHARTER.replace("libexample", "django"), instance.actor.id, "They asked by mail.")
    party, person = vendor(instance, "Other")
    number = claim(instance, party, person.id, "https://github.com/other/thing")
    hostile = CHARTER.replace("libexample", "django").replace('"https://', '"https://github.com/other/thing", "https://', 1)
    adopted = fetch(
        instance, number, hostile.replace("CLAIM", f'"{number}"') + "[opt_out]\ncontact = true\n", person.id, "https://github.com/other/thing"
    )
    assert [key.value for key in adopted.covers] == ["github.com/other/thing"]
    with instance.database.read() as tx:
        bound = actions.charters_for(tx, keys_of([parse_purl("pkg:pypi/django")[0]]), envelope=instance.envelope)
    assert [(found.party, found.charter.opt_out.contact) for found in bound] == [(big, False)]
    with pytest.raises(Conflict, match="held by another party"):
        adopt(instance, party, CHARTER.replace("libexample", "django"), instance.actor.id, "I believe them.")


def test_coordinator_acts_on_behalf_with_a_reason(instance: Instance) -> None:
    party, _ = vendor(instance)
    with pytest.raises(Invalid, match="reason"):
        adopt(instance, party, CHARTER, instance.actor.id)
    adopted, read = adopt(instance, party, CHARTER, instance.actor.id, "They asked by mail.")
    assert (adopted.on_behalf, adopted.digest, len(adopted.covers)) == (True, read.digest, 3)
    assert binding(instance, "pkg:pypi/libexample") == ["libexample"]


def test_stranger_may_not_touch_a_charter(instance: Instance) -> None:
    party, _ = vendor(instance)
    _, stranger = vendor(instance, "Stranger")
    number = claim(instance, party, instance.actor.id)
    now, envelope = instance.clock.now(), instance.envelope
    with pytest.raises(NotPermitted):
        adopt(instance, party, CHARTER, stranger.id, "because")
    with pytest.raises(NotPermitted):
        claim(instance, party, stranger.id)
    with pytest.raises(NotPermitted):
        fetch(instance, number, CHARTER.replace("CLAIM", f'"{number}"'), stranger.id)
    with pytest.raises(NotPermitted), instance.database.write() as tx:
        actions.vouch(tx, party, "pkg:pypi/x", "because", actor=stranger.id, envelope=envelope, now=now)
    with pytest.raises(NotPermitted), instance.database.write() as tx:
        actions.end_claim(tx, number, "because", actor=stranger.id, envelope=envelope, now=now)


def test_every_version_is_kept_and_the_same_is_not_adopted_twice(instance: Instance, clock: FixedClock) -> None:
    party, _ = vendor(instance)
    first, _ = adopt(instance, party, CHARTER, instance.actor.id, "They asked.")
    with pytest.raises(Conflict, match="in force already"):
        adopt(instance, party, "# said otherwise\n" + CHARTER, instance.actor.id, "They asked.")
    second, _ = adopt(instance, party, CHARTER.replace("per_week = 3", "per_week = 1"), instance.actor.id, "They asked again.")
    assert (first.id, second.id, second.version) == (first.id, first.id, 2)
    with instance.database.read() as tx:
        versions = store.read_versions(tx, first.id, instance.envelope)
        assert [(one.version, one.charter.per_week) for one in versions] == [(2, 1), (1, 3)]
        assert store.read_original(tx, first.id, 1, instance.envelope) == CHARTER.replace("CLAIM", "").encode()
        assert [json.loads(event.details or "{}")["version"] for event in ledger.events_about(tx, first.id)] == [1, 2]


def test_fetched_charter_must_name_its_repository(instance: Instance) -> None:
    party, person = vendor(instance)
    number = claim(instance, party, person.id)
    text = CHARTER.replace("CLAIM", f'"{number}"')
    with pytest.raises(Invalid, match="another repository"):
        fetch(instance, number, text, person.id, "https://github.com/example/other")
    with pytest.raises(Invalid, match="does not name the repository"):
        fetch(instance, number, text.replace(REPOSITORY, REPOSITORY + "2"), person.id)


def test_matcher_renews_what_is_proven_and_proves_nothing(instance: Instance) -> None:
    party, person = vendor(instance)
    number = claim(instance, party, person.id)
    text = CHARTER.replace("CLAIM", f'"{number}"')
    with pytest.raises(NotPermitted):
        fetch(instance, number, text, instance.system)
    fetch(instance, number, text, person.id)
    assert fetch(instance, number, text.replace("= 3", "= 4"), instance.system).version == 2


def test_address_in_a_charter_is_sealed_at_rest(instance: Instance) -> None:
    party, _ = vendor(instance)
    adopt(instance, party, CHARTER, instance.actor.id, "They asked.")
    with instance.database.read() as tx:
        tables = (store.charters, store.charter_versions, store.charter_scopes, store.charter_claims, ledger.events)
        rows = [str(tuple(row)) for table in tables for row in tx.rows(table.select())]
    assert rows
    assert not any("mark-security" in row or "They asked" in row for row in rows)


def test_project_is_found_by_each_of_its_names(instance: Instance) -> None:
    party, _ = vendor(instance)
    adopted, _ = adopt(instance, party, CHARTER, instance.actor.id, "They asked.")
    with instance.database.read() as tx:
        for name in (adopted.id, "pkg:pypi/libexample", REPOSITORY, "LibExample"):
            assert actions.find_project(tx, name, envelope=instance.envelope) == [adopted]
        for name in (new_id("chr"), "pkg:pypi/other", "other"):
            with pytest.raises(NotFound):
                actions.find_project(tx, name, envelope=instance.envelope)
