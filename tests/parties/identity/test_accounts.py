"""Accounts at providers: the way there and back is one browser's, once; only a link made while signed in opens anything."""

from datetime import timedelta

import pytest

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, NotFound, NotPermitted
from clearinghouse.core.ids import new_id
from clearinghouse.parties.identity.credentials import accounts
from clearinghouse.parties.identity.credentials.records import AccountState
from clearinghouse.parties.identity.sessions.records import SignInMethod
from identity_factories import invited

POLICY = parse_policy(1, default_policy_document()).identity
ISSUER = "https://login.example"


def begin(instance: Instance) -> AccountState:
    with instance.database.write() as tx:
        return accounts.begin_account(tx, "example", envelope=instance.envelope, policy=POLICY, now=instance.clock.now())


def back(instance: Instance, state: str, binding: str) -> AccountState | None:
    with instance.database.write() as tx:
        return accounts.take_account_state(tx, state, binding, envelope=instance.envelope, now=instance.clock.now())


def test_way_back_is_open_once(instance: Instance) -> None:
    left = begin(instance)
    assert back(instance, left.state, left.binding) == left
    assert back(instance, left.state, left.binding) is None


def test_way_back_is_closed_to_another_browser_and_after_a_while(instance: Instance, clock: FixedClock) -> None:
    victim, attacker = begin(instance), begin(instance)
    assert back(instance, attacker.state, victim.binding) is None
    assert back(instance, attacker.state, attacker.binding) is None, "used up by the attempt"
    clock.at += timedelta(minutes=POLICY.challenge_minutes)
    assert back(instance, victim.state, victim.binding) is None
    assert [back(instance, state, "x") for state in ("", "chl_x", new_id("chl"), "\x00" * 99)] == [None] * 4


def test_account_opens_sessions_of_the_party_that_linked_it_until_unlinked(instance: Instance) -> None:
    enrolled, other = invited(instance), invited(instance, name="Eve")
    now = instance.clock.now()
    with instance.database.write() as tx:
        assert accounts.sign_in(tx, ISSUER, "ada", user_agent="", policy=POLICY, now=now) is None
        accounts.link_account(tx, ISSUER, "ada", session=enrolled.session, policy=POLICY, now=now)
        with pytest.raises(Conflict, match="linked already"):
            accounts.link_account(tx, ISSUER, "ada", session=other.session, policy=POLICY, now=now)
        opened = accounts.sign_in(tx, ISSUER, "ada", user_agent="", policy=POLICY, now=now)
        assert opened is not None
        assert (opened.party.id, opened.session.method) == (enrolled.party.id, SignInMethod.ACCOUNT)
        assert accounts.sign_in(tx, ISSUER + "/", "ada", user_agent="", policy=POLICY, now=now) is None
        assert accounts.sign_in(tx, ISSUER, "Ada", user_agent="", policy=POLICY, now=now) is None
        with pytest.raises(NotFound):
            accounts.unlink_account(tx, ISSUER, "ada", session=other.session, policy=POLICY, now=now)
        accounts.unlink_account(tx, ISSUER, "ada", session=enrolled.session, policy=POLICY, now=now)
        assert accounts.sign_in(tx, ISSUER, "ada", user_agent="", policy=POLICY, now=now) is None


def test_old_session_links_nothing(instance: Instance, clock: FixedClock) -> None:
    enrolled = invited(instance)
    clock.at += timedelta(minutes=POLICY.recent_sign_in_minutes)
    with pytest.raises(NotPermitted), instance.database.write() as tx:
        accounts.link_account(tx, ISSUER, "ada", session=enrolled.session, policy=POLICY, now=clock.now())
    with pytest.raises(NotPermitted), instance.database.write() as tx:
        accounts.begin_account(tx, "example", session=enrolled.session, envelope=instance.envelope, policy=POLICY, now=clock.now())
