"""Passkeys: registered and used on this origin, by a verified person, once for each challenge."""

from datetime import timedelta

import pytest

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import new_id
from clearinghouse.ledger import store as ledger
from clearinghouse.parties.identity.credentials import passkeys
from clearinghouse.parties.identity.credentials.records import Passkey, RelyingParty
from clearinghouse.parties.identity.sessions.records import SignedIn, SignInMethod
from clearinghouse.parties.identity.sessions.rules import TooManyAttempts
from identity_factories import invited
from simulators.authenticator import Authenticator

HERE = RelyingParty("cert.example", "Example CERT", "https://cert.example")
SOURCE = "192.0.2.7"
POLICY = parse_policy(1, default_policy_document()).identity


def begin(instance: Instance, enrolled: SignedIn) -> tuple[str, str]:
    with instance.database.write() as tx:
        return passkeys.begin_registration(
            tx, HERE, session=enrolled.session, open_max=3, envelope=instance.envelope, policy=POLICY, now=instance.clock.now()
        )


def finish(instance: Instance, enrolled: SignedIn, challenge_id: str, answer: str) -> Passkey:
    with instance.database.write() as tx:
        return passkeys.finish_registration(
            tx, challenge_id, answer, "My \x1b[1mkey", HERE, session=enrolled.session, envelope=instance.envelope, policy=POLICY,
            now=instance.clock.now(),
        )


def challenge(instance: Instance) -> tuple[str, str]:
    with instance.database.write() as tx:
        return passkeys.begin_sign_in(tx, HERE, source=SOURCE, open_max=3, envelope=instance.envelope, policy=POLICY, now=instance.clock.now())


def answer_with(instance: Instance, challenge_id: str, answer: str) -> SignedIn | None:
    with instance.database.write() as tx:
        return passkeys.finish_sign_in(
            tx, challenge_id, answer, HERE, source=SOURCE, user_agent="Test/1.0", envelope=instance.envelope, policy=POLICY,
            now=instance.clock.now(),
        )


def registered(instance: Instance, device: Authenticator) -> SignedIn:
    enrolled = invited(instance)
    challenge_id, options = begin(instance, enrolled)
    finish(instance, enrolled, challenge_id, device.register(options))
    return enrolled


@pytest.mark.parametrize("counts", [True, False])
def test_passkey_signs_its_owner_in(instance: Instance, counts: bool) -> None:
    device = Authenticator(HERE.origin, counts=counts)
    enrolled = registered(instance, device)
    for _ in range(2):
        challenge_id, options = challenge(instance)
        opened = answer_with(instance, challenge_id, device.sign_in(options))
        assert opened is not None
        assert (opened.party.id, opened.session.method) == (enrolled.party.id, SignInMethod.PASSKEY)
    with instance.database.read() as tx:
        assert [(each.name, each.used_at) for each in passkeys.list_passkeys(tx, enrolled.party.id)] == [
            ("My [1mkey", instance.clock.now())
        ]


def test_answer_to_a_challenge_is_taken_once(instance: Instance) -> None:
    device = Authenticator(HERE.origin, counts=False)
    registered(instance, device)
    challenge_id, options = challenge(instance)
    answer = device.sign_in(options)
    assert answer_with(instance, challenge_id, answer) is not None
    assert answer_with(instance, challenge_id, answer) is None
    other, _ = challenge(instance)
    assert answer_with(instance, other, answer) is None, "an answer to another challenge"


def test_wrong_answer_uses_the_challenge_up(instance: Instance) -> None:
    device = Authenticator(HERE.origin)
    registered(instance, device)
    challenge_id, options = challenge(instance)
    assert answer_with(instance, challenge_id, "{}") is None
    assert answer_with(instance, challenge_id, device.sign_in(options)) is None


def test_challenge_expires(instance: Instance, clock: FixedClock) -> None:
    device = Authenticator(HERE.origin)
    enrolled = registered(instance, device)
    challenge_id, options = challenge(instance)
    setup_id, setup = begin(instance, enrolled)
    clock.at += timedelta(minutes=POLICY.challenge_minutes)
    assert answer_with(instance, challenge_id, device.sign_in(options)) is None
    with pytest.raises(Conflict, match="expired"):
        finish(instance, enrolled, setup_id, Authenticator(HERE.origin).register(setup))


@pytest.mark.parametrize("origin", ["https://cert.example.evil.example", "http://cert.example", "https://cert.example:8443", "null"])
def test_answer_from_another_origin_is_nothing(instance: Instance, origin: str) -> None:
    device = Authenticator(HERE.origin)
    enrolled = registered(instance, device)
    device.origin = origin
    challenge_id, options = challenge(instance)
    assert answer_with(instance, challenge_id, device.sign_in(options)) is None
    setup_id, setup = begin(instance, enrolled)
    with pytest.raises(Invalid, match="does not verify"):
        finish(instance, enrolled, setup_id, Authenticator(origin).register(setup))


def test_answer_for_another_host_or_without_looking_who_is_there_is_nothing(instance: Instance) -> None:
    device = Authenticator(HERE.origin)
    registered(instance, device)
    challenge_id, options = challenge(instance)
    assert answer_with(instance, challenge_id, device.sign_in(options.replace(HERE.id, "evil.example"))) is None
    device.verifies = False
    challenge_id, options = challenge(instance)
    assert answer_with(instance, challenge_id, device.sign_in(options)) is None


def test_key_that_counts_backwards_opens_nothing_and_leaves_an_event(instance: Instance) -> None:
    device = Authenticator(HERE.origin)
    enrolled = registered(instance, device)
    device.sign_count = 0
    challenge_id, options = challenge(instance)
    assert answer_with(instance, challenge_id, device.sign_in(options)) is None
    with instance.database.read() as tx:
        assert "PasskeyCloned" in [event.kind for event in ledger.events_about(tx, enrolled.party.id)]


def test_key_of_somebody_else_under_ones_id_is_nothing(instance: Instance) -> None:
    device = Authenticator(HERE.origin)
    registered(instance, device)
    thief = Authenticator(HERE.origin, credential_id=device.credential_id, sign_count=50)
    challenge_id, options = challenge(instance)
    assert answer_with(instance, challenge_id, thief.sign_in(options)) is None


@pytest.mark.parametrize("answer", ["", "[]", "null", "{}", '{"rawId": 5}', '{"rawId": "AA", "response": {}}', "x" * 100_000, "[" * 5000, '"\\ud800"'])
def test_hostile_answer_is_nothing(instance: Instance, answer: str) -> None:
    enrolled = registered(instance, Authenticator(HERE.origin))
    challenge_id, _ = challenge(instance)
    assert answer_with(instance, challenge_id, answer) is None
    assert answer_with(instance, answer[:60], "{}") is None
    setup_id, _ = begin(instance, enrolled)
    with pytest.raises(Invalid, match="does not verify"):
        finish(instance, enrolled, setup_id, answer)


def test_registration_is_finished_by_the_session_that_began_it_and_one_key_is_kept_once(instance: Instance) -> None:
    device = Authenticator(HERE.origin)
    enrolled = registered(instance, device)
    other = invited(instance, name="Eve")
    setup_id, options = begin(instance, enrolled)
    with pytest.raises(Conflict, match="begin again"):
        finish(instance, other, setup_id, Authenticator(HERE.origin).register(options))
    setup_id, options = begin(instance, other)
    with pytest.raises(Conflict, match="kept already"):
        finish(instance, other, setup_id, device.register(options))


def test_old_session_registers_nothing(instance: Instance, clock: FixedClock) -> None:
    enrolled = invited(instance)
    clock.at += timedelta(minutes=POLICY.recent_sign_in_minutes)
    with pytest.raises(NotPermitted, match="sign in again"):
        begin(instance, enrolled)


def test_removed_passkey_opens_nothing(instance: Instance) -> None:
    device = Authenticator(HERE.origin)
    enrolled = registered(instance, device)
    with instance.database.read() as tx:
        key = passkeys.list_passkeys(tx, enrolled.party.id)[0].key
    other = invited(instance, name="Eve")
    with pytest.raises(NotFound), instance.database.write() as tx:
        passkeys.remove_passkey(tx, key, session=other.session, policy=POLICY, now=instance.clock.now())
    with instance.database.write() as tx:
        passkeys.remove_passkey(tx, key, session=enrolled.session, policy=POLICY, now=instance.clock.now())
    challenge_id, options = challenge(instance)
    assert answer_with(instance, challenge_id, device.sign_in(options)) is None
    assert answer_with(instance, new_id("chl"), device.sign_in(options)) is None


def test_failed_answers_slow_their_source_and_a_right_one_is_forgiven(instance: Instance, clock: FixedClock) -> None:
    device = Authenticator(HERE.origin)
    registered(instance, device)
    for _ in range(POLICY.failures_free + 1):
        assert answer_with(instance, challenge(instance)[0], "{}") is None
    with pytest.raises(TooManyAttempts):
        challenge(instance)
    clock.at += timedelta(seconds=POLICY.failure_longest_seconds)
    for _ in range(2):
        challenge_id, options = challenge(instance)
        assert answer_with(instance, challenge_id, device.sign_in(options)) is not None
        # What was failed before stays counted, what was right is not added to it.
        clock.at += timedelta(seconds=POLICY.failure_longest_seconds)


def test_source_leaves_only_so_many_sign_ins_open(instance: Instance, clock: FixedClock) -> None:
    for _ in range(3):
        challenge(instance)
    with pytest.raises(TooManyAttempts):
        challenge(instance)
    with instance.database.write() as tx:
        elsewhere = passkeys.begin_sign_in(
            tx, HERE, source="192.0.2.8", open_max=3, envelope=instance.envelope, policy=POLICY, now=instance.clock.now()
        )
    assert elsewhere
    clock.at += timedelta(minutes=POLICY.challenge_minutes)
    challenge(instance)


def test_person_leaves_only_so_many_registrations_open(instance: Instance) -> None:
    enrolled = invited(instance)
    for _ in range(3):
        begin(instance, enrolled)
    with pytest.raises(TooManyAttempts):
        begin(instance, enrolled)
