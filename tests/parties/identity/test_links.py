"""Signed links and receipt codes: one purpose, one party, until used, revoked or expired."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import PartyId, new_id
from clearinghouse.core.roles import Role
from clearinghouse.ledger import store as ledger
from clearinghouse.parties.identity.links import actions, rules, store
from clearinghouse.parties.identity.links.records import Link, LinkPurpose
from clearinghouse.parties.identity.sessions.records import SignInMethod
from clearinghouse.parties.identity.sessions.rules import TooManyAttempts
from clearinghouse.parties.records import Basis, Grant, Party
from party_factories import add, give, sees

POLICY = parse_policy(1, default_policy_document()).identity


def make(
    instance: Instance, party: Party, object_id: str, purpose: LinkPurpose = LinkPurpose.ACT_ON_CASE, *, once: bool = False,
    actor: PartyId | None = None,
) -> tuple[Link, str]:
    with instance.database.write() as tx:
        return actions.make_link(
            tx, party.id, object_id, purpose, once=once, policy=POLICY, actor=actor or instance.system, now=instance.clock.now()
        )


def good(instance: Instance, text: str, purpose: LinkPurpose = LinkPurpose.ACT_ON_CASE) -> bool:
    with instance.database.read() as tx:
        try:
            actions.check_link(tx, text, purpose, now=instance.clock.now())
        except rules.LinkRefused:
            return False
    return True


def use(instance: Instance, text: str, purpose: LinkPurpose = LinkPurpose.ACT_ON_CASE) -> bool:
    with instance.database.write() as tx:
        try:
            actions.use_link(tx, text, purpose, now=instance.clock.now())
        except rules.LinkRefused:
            return False
    return True


def test_link_is_for_one_purpose_until_it_expires(instance: Instance, clock: FixedClock) -> None:
    maintainer, case = add(instance, "Maintainer", Role.VENDOR), new_id("case")
    link, text = make(instance, maintainer, case)
    assert text.startswith("clh.lnk_")
    assert [purpose for purpose in LinkPurpose if good(instance, text, purpose)] == [LinkPurpose.ACT_ON_CASE]
    assert [use(instance, text), use(instance, text)] == [True, True]
    clock.at = link.expires_at - timedelta(microseconds=1)
    assert good(instance, text)
    clock.at = link.expires_at
    assert (good(instance, text), use(instance, text)) == (False, False)


def test_link_for_one_use_is_used_once_and_not_by_looking(instance: Instance) -> None:
    maintainer, case = add(instance, "Maintainer"), new_id("case")
    _, text = make(instance, maintainer, case, once=True)
    assert [good(instance, text) for _ in range(3)] == [True] * 3
    assert [use(instance, text), use(instance, text), good(instance, text)] == [True, False, False]
    with instance.database.read() as tx:
        assert [event.kind for event in ledger.events_about(tx, case)] == []
        assert store.links_of(tx, maintainer.id, instance.clock.now()) == []


def test_revoked_link_is_dead(instance: Instance) -> None:
    maintainer, stranger = add(instance, "Maintainer"), add(instance, "Stranger", Role.COORDINATOR)
    link, text = make(instance, maintainer, new_id("case"))
    said = []
    for link_id in (link.id, new_id("lnk")):
        with pytest.raises(NotFound) as refused, instance.database.write() as tx:
            actions.revoke_link(tx, link_id, actor=stranger.id, now=instance.clock.now())
        said.append(str(refused.value).replace(link_id, ""))
    assert said[0] == said[1]
    with instance.database.write() as tx:
        actions.revoke_link(tx, link.id, actor=maintainer.id, now=instance.clock.now())
    assert (good(instance, text), use(instance, text)) == (False, False)


def test_link_shows_no_more_than_its_party_was_granted(instance: Instance) -> None:
    maintainer, case = add(instance, "Maintainer"), new_id("case")
    make(instance, maintainer, case)
    assert sees(instance, maintainer.id) == []


def test_only_those_who_could_read_make_links_for_others(instance: Instance) -> None:
    maintainer, reporter = add(instance, "Maintainer"), add(instance, "Reporter", Role.REPORTER)
    coordinator, case = add(instance, "Coordinator", Role.COORDINATOR), new_id("case")
    with pytest.raises(NotFound):
        make(instance, maintainer, case, actor=coordinator.id)
    with pytest.raises(NotPermitted):
        make(instance, maintainer, case, actor=reporter.id)
    give(instance, Grant(case, coordinator.id, Basis.PARTICIPANT))
    assert good(instance, make(instance, maintainer, case, actor=coordinator.id)[1])
    for purpose in (LinkPurpose.RESET_CREDENTIALS, LinkPurpose.VERIFY_CONTACT):
        with pytest.raises(NotPermitted):
            make(instance, maintainer, maintainer.id, purpose, actor=coordinator.id)
    with pytest.raises(NotPermitted):
        make(instance, maintainer, maintainer.id, LinkPurpose.RESET_CREDENTIALS, actor=instance.system)
    with pytest.raises(Invalid):
        make(instance, maintainer, new_id("pty"), LinkPurpose.RESET_CREDENTIALS, actor=instance.actor.id)
    with pytest.raises(Invalid, match="no id"):
        make(instance, maintainer, "case")


@given(st.text(max_size=250))
def test_text_that_is_no_link_has_no_parts(text: str) -> None:
    from clearinghouse.parties.identity import secrets

    parsed = secrets.parse("clh", text)
    assert parsed is None or text.strip()[:200].startswith("clh.")


def test_anonymous_reporter_comes_back_by_code_and_reaches_the_status_alone(instance: Instance) -> None:
    submission = new_id("sub")
    with instance.database.write() as tx:
        party, code = actions.make_receipt(tx, policy=POLICY, actor=instance.system, now=instance.clock.now())
        other, _ = actions.make_receipt(tx, policy=POLICY, actor=instance.system, now=instance.clock.now())
    give(instance, Grant(submission, party.id, Basis.REPORTER))
    assert (party.organisation, party.roles) == (None, frozenset({Role.REPORTER}))
    assert (sees(instance, party.id), sees(instance, other.id)) == ([submission], [])
    for typed in (code, code.upper().replace("-", " "), f" {code}\n"):
        with instance.database.write() as tx:
            opened = actions.sign_in_with_receipt(
                tx, typed, source="192.0.2.1", user_agent="Test", envelope=instance.envelope, policy=POLICY, now=instance.clock.now()
            )
        assert opened is not None
        assert (opened.party, opened.session.method) == (party, SignInMethod.RECEIPT)
    with instance.database.read() as tx:
        rows = str([tuple(row) for row in tx.rows(store.receipts.select())])
    assert code not in rows
    assert code.replace("-", "") not in rows


def test_code_that_is_none_is_refused_and_counted_and_one_expires(instance: Instance, clock: FixedClock) -> None:
    with instance.database.write() as tx:
        _, code = actions.make_receipt(tx, policy=POLICY, actor=instance.system, now=clock.now())

    def try_(typed: str, source: str = "192.0.2.1") -> bool:
        with instance.database.write() as tx:
            return actions.sign_in_with_receipt(
                tx, typed, source=source, user_agent="", envelope=instance.envelope, policy=POLICY, now=clock.now()
            ) is not None

    assert [try_(code[:-1] + ("a" if code[-1] != "a" else "b")) for _ in range(POLICY.failures_free + 1)] == [False] * (POLICY.failures_free + 1)
    with pytest.raises(TooManyAttempts):
        try_(code)
    assert try_(code, "198.51.100.1")
    clock.at += timedelta(days=POLICY.receipt_days)
    assert not try_(code, "198.51.100.1")


def test_codes_are_long_and_never_the_same() -> None:
    codes = {rules.new_receipt_code() for _ in range(1000)}
    assert len(codes) == 1000
    assert all(len(code.replace("-", "")) * 5 >= 100 for code in codes)
