"""Becoming a party: by invitation, by oneself, and again after losing everything."""

from dataclasses import replace
from datetime import timedelta

import pytest

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Invalid, NotFound, NotPermitted
from clearinghouse.core.roles import Role
from clearinghouse.ledger import store as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties.contacts import store as contacts
from clearinghouse.parties.identity.enrolment import actions, store
from clearinghouse.parties.identity.enrolment.records import Invitation
from clearinghouse.parties.identity.enrolment.rules import InvitationRefused
from clearinghouse.parties.identity.links.rules import LinkRefused
from clearinghouse.parties.identity.sessions import actions as sessions
from clearinghouse.parties.identity.sessions.records import SignedIn, SignInMethod
from clearinghouse.parties.identity.sessions.rules import SignedOut, TooManyAttempts, scopes_of
from clearinghouse.parties.records import Party, PartyKind
from identity_factories import PASSWORD, invited, sign_in, with_password
from party_factories import add

POLICY = parse_policy(1, default_policy_document()).identity


def invite(instance: Instance, actor: Party, *roles: Role, organisation: Party | None = None, address: str = "") -> tuple[Invitation, str]:
    with instance.database.write() as tx:
        return actions.invite(
            tx, frozenset(roles), organisation=None if organisation is None else organisation.id, address=address,
            envelope=instance.envelope, policy=POLICY, actor=actor.id, now=instance.clock.now(),
        )


def accept(instance: Instance, text: str, project: str = "A parser") -> SignedIn:
    with instance.database.write() as tx:
        return actions.accept_invitation(
            tx, text, name="Ada", project=project, user_agent="Test", envelope=instance.envelope, policy=POLICY, now=instance.clock.now()
        )


def enrol(instance: Instance, source: str = "192.0.2.1", **changes: bool | int) -> SignedIn:
    with instance.database.write() as tx:
        return actions.enrol_project(
            tx, project="A parser", name="Ada", source=source, user_agent="Test", envelope=instance.envelope,
            policy=replace(POLICY, **changes), now=instance.clock.now(),  # type: ignore[arg-type]
        )


def test_invited_person_has_the_roles_and_a_project_of_their_own_and_reaches_nothing_before_signing_in(instance: Instance) -> None:
    _, text = invite(instance, instance.actor, Role.VENDOR, Role.REPORTER)
    opened = accept(instance, text)
    with instance.database.read() as tx:
        home = parties.get_party(tx, str(opened.party.organisation))
    assert (opened.party.kind, opened.party.roles) == (PartyKind.PERSON, frozenset({Role.VENDOR, Role.REPORTER}))
    assert (home.kind, home.name, home.roles) == (PartyKind.ORGANISATION, "A parser", frozenset())
    assert opened.session.method is SignInMethod.INVITATION
    assert scopes_of(opened.session.method, opened.party) == frozenset()


def test_invitation_is_accepted_once_and_in_time(instance: Instance, clock: FixedClock) -> None:
    _, first = invite(instance, instance.actor, Role.REPORTER)
    made, second = invite(instance, instance.actor, Role.REPORTER)
    accept(instance, first)
    clock.at = made.expires_at - timedelta(microseconds=1)
    with instance.database.read() as tx:
        assert actions.check_invitation(tx, second, envelope=instance.envelope, now=clock.now()) == made
    clock.at = made.expires_at
    for text in (first, second, first[:-1], "", "chi.inv_x.y"):
        with pytest.raises(InvitationRefused):
            accept(instance, text)


def test_refused_name_leaves_the_invitation_good(instance: Instance) -> None:
    _, text = invite(instance, instance.actor, Role.REPORTER)
    with pytest.raises(Invalid, match="name"):
        accept(instance, text, project=" ")
    assert accept(instance, text).party.name == "Ada"


def test_revoked_invitation_is_refused(instance: Instance) -> None:
    made, text = invite(instance, instance.actor, Role.REPORTER)
    stranger = add(instance, "Stranger", Role.COORDINATOR)
    with pytest.raises(NotFound), instance.database.write() as tx:
        actions.revoke_invitation(tx, made.id, envelope=instance.envelope, actor=stranger.id, now=instance.clock.now())
    with instance.database.write() as tx:
        actions.revoke_invitation(tx, made.id, envelope=instance.envelope, actor=instance.actor.id, now=instance.clock.now())
    with pytest.raises(InvitationRefused):
        accept(instance, text)


def test_address_is_proved_only_by_the_text_that_was_mailed_to_it(instance: Instance) -> None:
    made, handed = invite(instance, instance.actor, Role.REPORTER, address="ada@example.org")
    by_hand = accept(instance, handed)
    made, old = invite(instance, instance.actor, Role.REPORTER, address="eve@example.org")
    with instance.database.write() as tx:
        _, mailed = actions.renew_invitation(
            tx, made.id, envelope=instance.envelope, actor=instance.system, now=instance.clock.now()
        )
    with pytest.raises(InvitationRefused):
        accept(instance, old)
    by_mail = accept(instance, mailed)
    with instance.database.read() as tx:
        kept = [contacts.system_contacts(tx, each.party.id, instance.envelope)[0] for each in (by_hand, by_mail)]
        rows = str([tuple(row) for row in tx.rows(store.invitations.select())])
    assert [contact.verified_at for contact in kept] == [None, instance.clock.now()]
    assert "example" not in rows


def test_mailed_invitation_takes_no_address_from_who_proved_it_before(instance: Instance) -> None:
    first = invited(instance, address="ada@example.org")
    second = invited(instance, address="ada@example.org", name="Eve")
    with instance.database.read() as tx:
        kept = [contacts.system_contacts(tx, each.party.id, instance.envelope)[0].verified_at for each in (first, second)]
    assert kept == [instance.clock.now(), None]


@pytest.mark.parametrize(("inviter", "roles", "home", "error"), [
    (Role.COORDINATOR, {Role.VENDOR}, False, None), (Role.COORDINATOR, {Role.REPORTER}, False, None),
    (Role.COORDINATOR, {Role.COORDINATOR}, False, NotPermitted), (Role.COORDINATOR, {Role.VENDOR, Role.OVERSEER}, False, NotPermitted),
    (Role.COORDINATOR, {Role.VENDOR}, True, NotPermitted), (Role.REPORTER, {Role.REPORTER}, False, NotPermitted),
    (Role.VENDOR, {Role.VENDOR}, True, NotPermitted), (Role.ADMINISTRATOR, {Role.COORDINATOR}, True, None),
    (Role.ADMINISTRATOR, {Role.SYSTEM}, False, Invalid), (Role.ADMINISTRATOR, set(), False, Invalid),
])
def test_who_may_invite_whom(instance: Instance, inviter: Role, roles: set[Role], home: bool, error: type[Exception] | None) -> None:
    who = add(instance, "Inviter", inviter)
    assert who.organisation is not None
    with instance.database.read() as tx:
        organisation = parties.get_party(tx, who.organisation) if home else None
    if error is None:
        assert invite(instance, who, *roles, organisation=organisation)[0].roles == roles
        return
    with pytest.raises(error):
        invite(instance, who, *roles, organisation=organisation)


def test_nobody_is_invited_into_a_person(instance: Instance) -> None:
    with pytest.raises(Invalid, match="organisations"):
        invite(instance, instance.actor, Role.REPORTER, organisation=instance.actor)


def test_one_person_project_enrols_itself_as_reporter_and_vendor_of_its_own(instance: Instance) -> None:
    opened = enrol(instance)
    assert opened.party.roles == {Role.REPORTER, Role.VENDOR}
    with instance.database.read() as tx:
        assert [event.kind for event in ledger.events_about(tx, opened.party.id)] == ["PartyAdded"]


def test_self_enrolment_is_off_where_policy_says_so_and_bounded_where_it_is_on(instance: Instance, clock: FixedClock) -> None:
    with pytest.raises(NotPermitted, match="by invitation"):
        enrol(instance, self_enrolment=False)
    for _ in range(2):
        enrol(instance, self_enrolments_per_source_max=2, self_enrolments_per_day_max=3)
    with pytest.raises(TooManyAttempts):
        enrol(instance, self_enrolments_per_source_max=2, self_enrolments_per_day_max=3)
    enrol(instance, "198.51.100.1", self_enrolments_per_source_max=2, self_enrolments_per_day_max=3)
    with pytest.raises(TooManyAttempts):
        enrol(instance, "198.51.100.2", self_enrolments_per_source_max=2, self_enrolments_per_day_max=3)
    clock.at += timedelta(days=1)
    enrol(instance, self_enrolments_per_source_max=2, self_enrolments_per_day_max=3)


def test_reset_link_forgets_every_credential_and_session(instance: Instance, clock: FixedClock) -> None:
    person = with_password(instance)
    clock.at += timedelta(minutes=2)
    opened = sign_in(instance, person.login, PASSWORD, person.code(instance))
    assert opened is not None
    with instance.database.write() as tx:
        _, text = actions.offer_reset(tx, person.party, policy=POLICY, actor=instance.actor.id, now=clock.now())
    with instance.database.write() as tx:
        again = actions.begin_reset(tx, text, user_agent="Test", policy=POLICY, now=clock.now())
    assert (again.party.id, again.session.method) == (person.party, SignInMethod.RESET_LINK)
    with pytest.raises(SignedOut), instance.database.read() as tx:
        sessions.check_session(tx, opened.text, policy=POLICY, now=clock.now())
    clock.at += timedelta(minutes=2)
    assert sign_in(instance, person.login, PASSWORD, person.code(instance)) is None
    assert sign_in(instance, person.login, PASSWORD, person.recovery_codes[0]) is None
    with pytest.raises(LinkRefused), instance.database.write() as tx:
        actions.begin_reset(tx, text, user_agent="Test", policy=POLICY, now=clock.now())
    with instance.database.read() as tx:
        assert "CredentialsReset" in [event.kind for event in ledger.events_about(tx, person.party)]


def test_nobody_resets_its_own_credentials_nor_without_managing_parties(instance: Instance) -> None:
    person = with_password(instance)
    for actor, error in ((instance.actor.id, NotPermitted), (person.party, NotPermitted)):
        with pytest.raises(error), instance.database.write() as tx:
            actions.offer_reset(tx, instance.actor.id, policy=POLICY, actor=actor, now=instance.clock.now())
