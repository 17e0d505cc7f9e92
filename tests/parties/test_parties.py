"""Parties, roles, tokens and grants, on both databases."""

from datetime import timedelta

import pytest

from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import PartyId
from clearinghouse.core.roles import Role, Scope
from clearinghouse.ledger import store as ledger
from clearinghouse.parties import actions, store
from clearinghouse.parties.records import Basis, Grant, Party, PartyKind


def add(instance: Instance, name: str, *roles: Role) -> Party:
    with instance.database.write() as tx:
        organisation = actions.add_party(
            tx, PartyKind.ORGANISATION, name, frozenset(), actor=instance.actor.id, now=instance.clock.now()
        )
        return actions.add_party(
            tx, PartyKind.PERSON, name + "'s person", frozenset(roles), organisation=organisation.id,
            actor=instance.actor.id, now=instance.clock.now(),
        )


def test_added_party_reads_back(instance: Instance) -> None:
    added = add(instance, "Finder Ltd", Role.REPORTER)
    with instance.database.read() as tx:
        assert actions.get_party(tx, added.id) == added
        assert [event.kind for event in ledger.events_about(tx, added.id)] == ["PartyAdded"]


def test_reporter_may_not_add_parties(instance: Instance, clock: FixedClock) -> None:
    reporter = add(instance, "Finder Ltd", Role.REPORTER)
    with pytest.raises(NotPermitted, match="administrator"), instance.database.write() as tx:
        actions.add_party(tx, PartyKind.ORGANISATION, "Friend", frozenset(), actor=reporter.id, now=clock.now())


def test_instance_is_founded_once(instance: Instance, clock: FixedClock) -> None:
    with pytest.raises(Conflict, match="founded"), instance.database.write() as tx:
        actions.add_party(tx, PartyKind.ORGANISATION, "Second", frozenset(), actor=None, now=clock.now())


@pytest.mark.parametrize("name", ["", " \n", "\u202e\u200b"])
def test_unreadable_name_is_refused(instance: Instance, name: str) -> None:
    with pytest.raises(Invalid, match="name"), instance.database.write() as tx:
        actions.add_party(tx, PartyKind.ORGANISATION, name, frozenset(), actor=instance.actor.id, now=instance.clock.now())


@pytest.mark.parametrize("party_id", ["", "pty_x", "pty_" + "a" * 26, "'; drop table parties; --"])
def test_unknown_party_is_not_found(instance: Instance, party_id: str) -> None:
    with pytest.raises(NotFound), instance.database.read() as tx:
        actions.get_party(tx, party_id)


def test_token_speaks_for_its_party_until_it_expires(instance: Instance, clock: FixedClock) -> None:
    finder = add(instance, "Finder Ltd", Role.REPORTER)
    expires = clock.now() + timedelta(days=1)
    with instance.database.write() as tx:
        _, text = actions.issue_token(
            tx, finder.id, frozenset({Scope.REPORTS_SUBMIT}), expires, actor=instance.actor.id, now=clock.now()
        )
    with instance.database.read() as tx:
        assert actions.check_token(tx, text, Scope.REPORTS_SUBMIT, now=clock.now()) == finder
        with pytest.raises(NotPermitted, match="does not carry"):
            actions.check_token(tx, text, Scope.REPORTS_READ, now=clock.now())
        with pytest.raises(NotPermitted, match="not valid"):
            actions.check_token(tx, text, Scope.REPORTS_SUBMIT, now=expires)
        with pytest.raises(NotPermitted, match="not valid"):
            actions.check_token(tx, text[:-1] + ("A" if text[-1] != "A" else "B"), Scope.REPORTS_SUBMIT, now=clock.now())


def test_token_secret_is_stored_nowhere(instance: Instance, clock: FixedClock) -> None:
    with instance.database.write() as tx:
        _, text = actions.issue_token(
            tx, instance.actor.id, frozenset({Scope.REPORTS_READ}), clock.now() + timedelta(days=1),
            actor=instance.actor.id, now=clock.now(),
        )
    secret = text.rsplit(".", 1)[1]
    with instance.database.read() as tx:
        rows = [str(tuple(row)) for row in tx.rows(store.tokens.select())] + [str(tuple(row)) for row in tx.rows(ledger.events.select())]
    assert rows
    assert not any(secret in row for row in rows)


def test_revoked_token_is_dead(instance: Instance, clock: FixedClock) -> None:
    with instance.database.write() as tx:
        token, text = actions.issue_token(
            tx, instance.actor.id, frozenset({Scope.REPORTS_READ}), clock.now() + timedelta(days=1),
            actor=instance.actor.id, now=clock.now(),
        )
        actions.revoke_token(tx, token.id, actor=instance.actor.id, now=clock.now())
    with pytest.raises(NotPermitted, match="not valid"), instance.database.read() as tx:
        actions.check_token(tx, text, Scope.REPORTS_READ, now=clock.now())


def test_token_never_exceeds_its_party(instance: Instance, clock: FixedClock) -> None:
    finder = add(instance, "Finder Ltd", Role.REPORTER)
    with pytest.raises(NotPermitted, match="coordinator"), instance.database.write() as tx:
        actions.issue_token(
            tx, finder.id, frozenset({Scope.CASES_DECIDE}), clock.now() + timedelta(days=1), actor=instance.actor.id, now=clock.now()
        )


def test_grant_reaches_the_organisation_and_ends(instance: Instance, clock: FixedClock) -> None:
    ours, theirs = add(instance, "Ours", Role.REPORTER), add(instance, "Theirs", Role.REPORTER)
    assert ours.organisation is not None
    until = clock.now() + timedelta(hours=1)
    with instance.database.write() as tx:
        store.add_grants(tx, [Grant("sub_1", ours.organisation, Basis.PARTICIPANT, until)])
        from clearinghouse.core.events import Event
        from clearinghouse.ledger.actions import record

        record(tx, Event("Tested", ("sub_1",)), actor=instance.actor.id, now=clock.now())

    def sees(viewer: PartyId, hours: float) -> list[str]:
        with instance.database.read() as tx:
            return [row[0] for row in tx.rows(store.readable_objects(viewer, clock.now() + timedelta(hours=hours)))]

    assert (sees(ours.id, 0), sees(theirs.id, 0), sees(ours.id, 1)) == (["sub_1"], [], [])
    assert sees(instance.actor.id, 0) == [], "an administrator sees no more than others"
