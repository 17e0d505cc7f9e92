"""Sessions: alive until idle, old or revoked; a secret of their own at every sign-in; reaching what they were opened for."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import NotFound, NotPermitted
from clearinghouse.core.ids import new_id
from clearinghouse.core.roles import Role, Scope
from clearinghouse.ledger import store as ledger
from clearinghouse.parties.identity.sessions import actions, rules
from clearinghouse.parties.identity.sessions.records import Attempts, Session, SignedIn, SignInMethod
from clearinghouse.parties.records import Party
from party_factories import add

POLICY = parse_policy(1, default_policy_document()).identity
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def start(instance: Instance, party: Party, *, replaces: str = "", user_agent: str = "Test/1.0") -> SignedIn:
    with instance.database.write() as tx:
        return actions.start_session(
            tx, party, SignInMethod.PASSKEY, user_agent=user_agent, replaces=replaces, policy=POLICY, now=instance.clock.now()
        )


def alive(instance: Instance, opened: SignedIn) -> bool:
    with instance.database.read() as tx:
        try:
            return actions.check_session(tx, opened.text, policy=POLICY, now=instance.clock.now())[0].id == opened.session.id
        except rules.SignedOut:
            return False


def test_session_ends_when_idle_and_is_kept_by_use(instance: Instance, clock: FixedClock) -> None:
    opened = start(instance, instance.actor)
    idle = timedelta(minutes=POLICY.session_idle_minutes)
    clock.at = NOW + idle - timedelta(microseconds=1)
    assert alive(instance, opened)
    with instance.database.write() as tx:
        actions.touch_session(tx, opened.session, now=clock.now())
    clock.at += idle - timedelta(microseconds=1)
    assert alive(instance, opened)
    clock.at += timedelta(microseconds=1)
    assert not alive(instance, opened)


def test_session_ends_after_a_day_however_much_it_is_used(instance: Instance, clock: FixedClock) -> None:
    opened = start(instance, instance.actor)
    for _ in range(POLICY.session_hours_max * 2 - 1):
        clock.at += timedelta(minutes=30)
        assert alive(instance, opened)
        with instance.database.write() as tx:
            actions.touch_session(tx, opened.session, now=clock.now())
    clock.at = NOW + timedelta(hours=POLICY.session_hours_max)
    assert not alive(instance, opened)


def test_signing_in_gives_a_new_secret_and_ends_what_the_device_held(instance: Instance) -> None:
    attacker, victim = add(instance, "Attacker"), add(instance, "Victim")
    planted = start(instance, attacker)
    own = start(instance, victim, replaces=planted.text)
    assert own.text not in (planted.text, "")
    assert own.session.id != planted.session.id
    assert (alive(instance, planted), alive(instance, own)) == (False, True)
    with instance.database.read() as tx:
        assert [event.kind for event in ledger.events_about(tx, planted.session.id)] == ["SessionStarted", "SessionEnded"]


@pytest.mark.parametrize("text", ["", "chs", "chs..", "chs.ses_x.y", "chs.ses_" + "a" * 26 + ".secret", "\x00", "chs." * 200, "chs.é.é"])
def test_text_that_is_no_session_is_signed_out(instance: Instance, text: str) -> None:
    with pytest.raises(rules.SignedOut, match="sign in again"), instance.database.read() as tx:
        actions.check_session(tx, text, policy=POLICY, now=instance.clock.now())


def test_id_of_a_session_without_its_secret_is_nothing(instance: Instance) -> None:
    opened = start(instance, instance.actor)
    other = start(instance, instance.actor)
    mixed = f"chs.{opened.session.id}.{other.text.rsplit('.', 1)[1]}"
    with pytest.raises(rules.SignedOut), instance.database.read() as tx:
        actions.check_session(tx, mixed, policy=POLICY, now=instance.clock.now())


def test_sessions_are_listed_and_revoked_by_their_owner_and_by_who_manages_parties(instance: Instance) -> None:
    owner, stranger = add(instance, "Owner"), add(instance, "Stranger", Role.COORDINATOR)
    one, two, three = (start(instance, owner, user_agent="Browser \x1b[31m" + "x" * 500) for _ in range(3))
    now = instance.clock.now()
    with instance.database.read() as tx:
        listed = actions.list_sessions(tx, owner.id, viewer=owner.id, policy=POLICY, now=now)
        assert actions.list_sessions(tx, owner.id, viewer=instance.actor.id, policy=POLICY, now=now) == listed
        with pytest.raises(NotPermitted):
            actions.list_sessions(tx, owner.id, viewer=stranger.id, policy=POLICY, now=now)
    assert {session.id for session in listed} == {each.session.id for each in (one, two, three)}
    assert all(len(session.user_agent) <= 120 and "\x1b" not in session.user_agent for session in listed)
    said = []
    for session_id in (one.session.id, new_id("ses")):
        with pytest.raises(NotFound) as refused, instance.database.write() as tx:
            actions.revoke_session(tx, session_id, actor=stranger.id, now=now)
        said.append(str(refused.value).replace(session_id, ""))
    assert said[0] == said[1]
    with instance.database.write() as tx:
        actions.revoke_session(tx, one.session.id, actor=instance.actor.id, now=now)
        assert actions.revoke_sessions(tx, owner.id, spare=two.session.id, actor=owner.id, now=now) == 1
    assert [alive(instance, each) for each in (one, two, three)] == [False, True, False]


def test_organisations_and_teams_do_not_sign_in(instance: Instance) -> None:
    from clearinghouse.parties.actions import get_party

    with instance.database.read() as tx:
        team = get_party(tx, instance.desk)
    with pytest.raises(NotPermitted, match="people and programs"):
        start(instance, team)


def test_session_reaches_what_it_was_opened_for() -> None:
    party = Party(new_id("pty"), "person", "x", None, NOW, frozenset({Role.REPORTER, Role.ADMINISTRATOR}))  # type: ignore[arg-type]
    assert Scope.PARTIES_MANAGE in rules.scopes_of(SignInMethod.PASSWORD, party)
    assert Scope.CASES_DECIDE not in rules.scopes_of(SignInMethod.PASSWORD, party)
    assert rules.scopes_of(SignInMethod.RECEIPT, party) == {Scope.REPORTS_READ, Scope.THREADS_READ, Scope.THREADS_WRITE}
    assert rules.scopes_of(SignInMethod.INVITATION, party) == rules.scopes_of(SignInMethod.RESET_LINK, party) == frozenset()


def test_receipt_changes_no_credentials() -> None:
    session = Session(new_id("ses"), new_id("pty"), SignInMethod.RECEIPT, NOW, NOW, NOW, "")  # type: ignore[arg-type]
    with pytest.raises(NotPermitted, match="status page"):
        rules.check_may_change_credentials(session, POLICY, NOW)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.floats(0, 10**6))
def test_waiting_grows_with_failures_and_is_bounded(some: int, more: int, seconds: float) -> None:
    now = NOW + timedelta(seconds=seconds)
    less, most = (Attempts("k", failures, NOW) for failures in sorted((some, more)))
    assert rules.may_try_at(less, POLICY, now) <= max(now, rules.may_try_at(most, POLICY, now))
    assert rules.may_try_at(most, POLICY, now) <= max(now, NOW + timedelta(seconds=POLICY.failure_longest_seconds))
    assert rules.may_try_at(dataclasses.replace(most, failures=POLICY.failures_free), POLICY, now) == now


@pytest.mark.parametrize(("one", "other", "same"), [
    ("192.0.2.1", " 192.0.2.1", True), ("192.0.2.1", "::ffff:192.0.2.1", True), ("192.0.2.1", "192.0.2.2", False),
    ("2001:db8::1", "2001:db8::ffff:1", True), ("2001:db8::1", "2001:db8:0:1::1", False), ("fe80::1%eth0", "fe80::1%eth1", True),
    ("unknown", "unknown", True),
])
def test_source_is_counted_as_an_address_or_a_network(one: str, other: str, same: bool) -> None:
    assert (rules.parse_source(one) == rules.parse_source(other)) is same
