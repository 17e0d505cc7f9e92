"""Read-ins, teams and what ends them, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.app.wiring import DESK_NAME, Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.events import Event
from clearinghouse.core.ids import new_id
from clearinghouse.core.policy import IdentityPolicy
from clearinghouse.core.roles import Role
from clearinghouse.ledger import actions as ledger
from clearinghouse.ledger import store as ledger_store
from clearinghouse.parties import actions, grants, rules, store
from clearinghouse.parties.records import Basis, Grant, Membership, Party, PartyKind, Tier
from clearinghouse.storage import Transaction
from party_factories import add, give, sees

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def read_in(instance: Instance, tx: Transaction, object_id: str, party: Party, tier: Tier = Tier.ROOM, **changes: object) -> Grant:
    arguments: dict[str, object] = {
        "tier": tier, "reason": "knows the parser", "envelope": instance.envelope, "policy": instance.policy.identity,
        "actor": instance.actor.id, "now": instance.clock.now(),
    }
    return grants.grant_read(tx, object_id, party.id, **(arguments | changes))  # type: ignore[arg-type]


def test_read_in_shows_as_far_as_its_tier_until_it_ends(instance: Instance, clock: FixedClock) -> None:
    reader, report = add(instance, "Reader"), new_id("rep")
    give(instance, Grant(report, instance.actor.id, Basis.PARTICIPANT))
    with instance.database.write() as tx:
        granted = read_in(instance, tx, report, reader, Tier.SUMMARY)
    assert granted.until == clock.now() + timedelta(days=instance.policy.identity.read_in_days)
    seen = {tier: sees(instance, reader.id, tier_min=tier) for tier in Tier}
    assert seen == {Tier.EXISTENCE: [report], Tier.SUMMARY: [report], Tier.ROOM: [], Tier.DOCUMENTS: []}
    lasting = granted.until - clock.now()
    assert sees(instance, reader.id, tier_min=Tier.SUMMARY, after=lasting - timedelta(microseconds=1)) == [report]
    assert sees(instance, reader.id, tier_min=Tier.SUMMARY, after=lasting) == []


def test_read_in_is_told_with_its_reason_to_readers_and_to_nobody_else(instance: Instance) -> None:
    reader, stranger, report = add(instance, "Reader"), add(instance, "Stranger", Role.COORDINATOR, Role.ADMINISTRATOR), new_id("rep")
    own = Grant(report, instance.actor.id, Basis.PARTICIPANT)
    give(instance, own)
    with instance.database.write() as tx:
        granted = read_in(instance, tx, report, reader)
    with instance.database.read() as tx:
        for viewer in (instance.actor, reader):
            told = grants.list_grants(tx, report, envelope=instance.envelope, viewer=viewer.id, now=instance.clock.now())
            assert sorted(told, key=lambda grant: grant.basis) == [own, granted]
        with pytest.raises(NotFound) as theirs:
            grants.list_grants(tx, report, envelope=instance.envelope, viewer=stranger.id, now=instance.clock.now())
        with pytest.raises(NotFound) as nothing:
            grants.list_grants(tx, missing := new_id("rep"), envelope=instance.envelope, viewer=stranger.id, now=instance.clock.now())
        assert str(theirs.value).replace(report, "") == str(nothing.value).replace(missing, "")
        rows = [str(tuple(row)) for row in tx.rows(store.read_grants.select())]
        assert not any("parser" in row for row in rows), "a reason is sealed"
        kinds = {event.kind: event.subjects for event in ledger_store.events_about(tx, report)}
    assert kinds["ReadGranted"] == (report, reader.id)


def test_nobody_reads_others_into_what_it_does_not_read(instance: Instance) -> None:
    coordinator, finder, report = add(instance, "Coordinator", Role.COORDINATOR), add(instance, "Finder", Role.REPORTER), new_id("rep")
    give(instance, Grant(report, finder.id, Basis.REPORTER), Grant(report, instance.actor.id, Basis.READ_IN, tier=Tier.ROOM))
    with instance.database.write() as tx:
        for actor, tier, error in (
            (coordinator, Tier.EXISTENCE, NotFound), (finder, Tier.ROOM, NotPermitted), (instance.actor, Tier.DOCUMENTS, NotFound),
        ):
            with pytest.raises(error):
                read_in(instance, tx, report, coordinator, tier, actor=actor.id)
        ledger.record(tx, Event("Tested", (report,)), actor=instance.actor.id, now=instance.clock.now())
    assert sees(instance, coordinator.id, tier_min=Tier.EXISTENCE) == []


@pytest.mark.parametrize(("days", "reason"), [(0, "why"), (-1, "why"), (91, "why"), (1, " \u200b\n")])
def test_read_in_without_reason_or_with_an_end_policy_forbids_is_refused(instance: Instance, days: int, reason: str) -> None:
    reader, report = add(instance, "Reader"), new_id("rep")
    give(instance, Grant(report, instance.actor.id, Basis.PARTICIPANT))
    with pytest.raises(Invalid), instance.database.write() as tx:
        read_in(instance, tx, report, reader, reason=reason, until=instance.clock.now() + timedelta(days=days))


def test_revoked_read_in_is_over_at_once_and_can_be_given_again(instance: Instance, clock: FixedClock) -> None:
    reader, report = add(instance, "Reader"), new_id("rep")
    give(instance, Grant(report, instance.actor.id, Basis.PARTICIPANT))

    def revoke(actor: Party) -> None:
        with instance.database.write() as tx:
            grants.revoke_read(
                tx, report, reader.id, Basis.READ_IN, reason="left the firm", envelope=instance.envelope, actor=actor.id, now=clock.now()
            )

    with instance.database.write() as tx:
        read_in(instance, tx, report, reader)
    revoke(instance.actor)
    assert sees(instance, reader.id) == []
    with instance.database.read() as tx:
        told = grants.list_grants(tx, report, envelope=instance.envelope, viewer=instance.actor.id, now=clock.now())
    assert [(grant.revoked_at, grant.reason) for grant in told if grant.party == reader.id] == [(clock.now(), "knows the parser")]
    with pytest.raises(NotFound):
        revoke(instance.actor)
    with instance.database.write() as tx:
        read_in(instance, tx, report, reader)
    assert sees(instance, reader.id) == [report]


def test_stranger_ends_no_grant_and_learns_of_none(instance: Instance, clock: FixedClock) -> None:
    reader, stranger, report = add(instance, "Reader"), add(instance, "Stranger", Role.COORDINATOR), new_id("rep")
    give(instance, Grant(report, instance.actor.id, Basis.PARTICIPANT), Grant(report, reader.id, Basis.READ_IN))
    said = []
    with instance.database.read() as tx:
        for object_id in (report, new_id("rep")):
            with pytest.raises(NotFound) as refused:
                grants.revoke_read(
                    tx, object_id, reader.id, Basis.READ_IN, reason="x", envelope=instance.envelope, actor=stranger.id, now=clock.now()
                )
            said.append(str(refused.value).replace(object_id, ""))
    assert said[0] == said[1]
    assert sees(instance, reader.id) == [report]


def test_member_of_a_team_reads_what_the_team_may_from_joining_until_leaving(instance: Instance, clock: FixedClock) -> None:
    person, report = add(instance, "Person"), new_id("rep")
    give(instance, Grant(report, instance.desk, Basis.DESK))
    assert (sees(instance, instance.actor.id), sees(instance, person.id)) == ([report], [])
    with instance.database.write() as tx:
        actions.join_team(
            tx, instance.desk, person.id, until=clock.now() + timedelta(hours=1), actor=instance.actor.id, now=clock.now()
        )
        with pytest.raises(Conflict):
            actions.join_team(tx, instance.desk, person.id, actor=instance.actor.id, now=clock.now())
    edges = [sees(instance, person.id, after=timedelta(hours=hours)) for hours in (-0.001, 0, 0.999, 1)]
    assert edges == [[], [report], [report], []]
    with instance.database.write() as tx:
        actions.leave_team(tx, instance.desk, person.id, actor=person.id, now=clock.now() + timedelta(minutes=1))
    assert sees(instance, person.id, after=timedelta(minutes=1)) == []
    with pytest.raises(NotFound), instance.database.write() as tx:
        actions.leave_team(tx, instance.desk, person.id, actor=person.id, now=clock.now() + timedelta(minutes=2))
    with instance.database.read() as tx:
        assert store.list_memberships(tx, person.id) == [
            Membership(instance.desk, person.id, clock.now(), clock.now() + timedelta(minutes=1))
        ]


def test_only_who_manages_parties_lets_somebody_join(instance: Instance, clock: FixedClock) -> None:
    person = add(instance, "Person", Role.COORDINATOR)
    with pytest.raises(NotPermitted), instance.database.write() as tx:
        actions.join_team(tx, instance.desk, person.id, actor=person.id, now=clock.now())
    with pytest.raises(Invalid, match="no team"), instance.database.write() as tx:
        actions.join_team(tx, person.id, person.id, actor=instance.actor.id, now=clock.now())


def test_organisations_do_not_join_teams_and_teams_have_no_roles(instance: Instance, clock: FixedClock) -> None:
    person = add(instance, "Person")
    assert person.organisation is not None
    with pytest.raises(Invalid, match="people and programs"), instance.database.write() as tx:
        actions.join_team(tx, instance.desk, person.organisation, actor=instance.actor.id, now=clock.now())
    with pytest.raises(Invalid, match="roles to its members"), instance.database.write() as tx:
        actions.add_party(
            tx, PartyKind.TEAM, "Mighty", frozenset({Role.COORDINATOR}), organisation=person.organisation,
            actor=instance.actor.id, now=clock.now(),
        )


def test_fresh_instance_has_its_desk_with_whoever_founded_it(instance: Instance) -> None:
    with instance.database.read() as tx:
        desk = actions.get_party(tx, instance.desk)
        assert (desk.name, desk.kind, desk.organisation) == (DESK_NAME, PartyKind.TEAM, instance.actor.organisation)
        assert [kept.member for kept in store.list_memberships(tx, instance.desk)] == [instance.actor.id]


def test_granting_again_renews_a_grant_that_ended(instance: Instance, clock: FixedClock) -> None:
    reader, report = add(instance, "Reader"), new_id("rep")
    give(instance, Grant(report, reader.id, Basis.PARTICIPANT, clock.now() - timedelta(days=1)))
    assert sees(instance, reader.id) == []
    give(instance, Grant(report, reader.id, Basis.PARTICIPANT))
    assert sees(instance, reader.id) == [report]


@given(days=st.integers(-400, 400), asked=st.booleans())
def test_a_read_in_always_ends_within_policy(days: int, asked: bool) -> None:
    policy = shipped()
    wanted = START + timedelta(days=days) if asked else None
    try:
        until = rules.end_of_read_in(wanted, START, policy)
    except Invalid:
        assert asked
        assert not 0 < days <= policy.read_in_days_max
        return
    assert START < until <= START + timedelta(days=policy.read_in_days_max)


def shipped() -> IdentityPolicy:
    from clearinghouse.app.settings import default_policy_document, parse_policy

    return parse_policy(1, default_policy_document()).identity
