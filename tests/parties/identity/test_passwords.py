"""Passwords with one-time codes: what signs in, what does not, and that nobody can tell why."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.ids import new_id
from clearinghouse.ledger import store as ledger
from clearinghouse.parties.identity.credentials import passwords, rules, store
from clearinghouse.parties.identity.sessions import actions as sessions
from clearinghouse.parties.identity.sessions.records import SignInMethod
from clearinghouse.parties.identity.sessions.rules import SignedOut, TooManyAttempts
from identity_factories import PASSWORD, Person, invited, sign_in, with_password

POLICY = parse_policy(1, default_policy_document()).identity
STEP = timedelta(seconds=30)


def later(clock: FixedClock, steps: int = 2) -> None:
    """Past the codes that were used so far."""
    clock.at += STEP * steps


@pytest.fixture
def person(instance: Instance, clock: FixedClock) -> Person:
    made = with_password(instance)
    later(clock)
    return made


def test_password_and_code_open_a_session_of_the_party(instance: Instance, person: Person) -> None:
    for login in (person.login, person.login.upper(), person.party):
        opened = sign_in(instance, login, PASSWORD, person.code(instance))
        assert opened is not None
        assert (opened.party.id, opened.session.method, opened.session.user_agent) == (person.party, SignInMethod.PASSWORD, "Test/1.0")
        later(instance.clock)  # type: ignore[arg-type]
        with instance.database.read() as tx:
            session, party = sessions.check_session(tx, opened.text, policy=POLICY, now=instance.clock.now())
        assert (session.id, party.id) == (opened.session.id, person.party)


def test_code_is_taken_once_and_none_before_it_after_it(instance: Instance, person: Person, clock: FixedClock) -> None:
    now, next_ = person.code(instance), person.code(instance, 1)
    assert sign_in(instance, person.login, PASSWORD, next_) is not None
    assert sign_in(instance, person.login, PASSWORD, next_) is None, "replayed"
    assert sign_in(instance, person.login, PASSWORD, now) is None, "older than one that was taken"
    later(clock)
    assert sign_in(instance, person.login, PASSWORD, person.code(instance)) is not None


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_code_of_a_clock_that_is_off_by_one_step_is_taken(instance: Instance, person: Person, clock: FixedClock, steps: int, taken: bool) -> None:
    later(clock, 5)
    assert (sign_in(instance, person.login, PASSWORD, person.code(instance, steps)) is not None) is taken


def test_recovery_code_stands_in_once(instance: Instance, person: Person) -> None:
    code = person.recovery_codes[3]
    opened = sign_in(instance, person.login, PASSWORD, f" {code.upper().replace('-', ' ')} ")
    assert opened is not None
    assert opened.session.method is SignInMethod.RECOVERY_CODE
    assert sign_in(instance, person.login, PASSWORD, code) is None
    with instance.database.read() as tx:
        assert store.count_recovery_codes(tx, person.party) == POLICY.recovery_codes - 1


def test_either_factor_alone_is_nothing(instance: Instance, person: Person) -> None:
    assert sign_in(instance, person.login, PASSWORD, "") is None
    assert sign_in(instance, person.login, PASSWORD, "000000") is None
    assert sign_in(instance, person.login, PASSWORD + ".", person.code(instance)) is None
    assert sign_in(instance, person.login, "", person.recovery_codes[0]) is None


def test_recovery_code_of_somebody_else_is_nothing(instance: Instance, person: Person) -> None:
    other = with_password(instance, address="eve@example.org")
    assert sign_in(instance, person.login, PASSWORD, other.recovery_codes[0], source="192.0.2.7") is None
    assert sign_in(instance, other.login, PASSWORD, other.recovery_codes[0], source="192.0.2.7") is not None


@contextmanager
def watched(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements run and the passwords hashed, in order."""
    done: list[str] = []
    genuine = PasswordHasher.verify

    def verify(self: PasswordHasher, hashed: str | bytes, password: str | bytes) -> bool:
        done.append(f"argon2 {str(hashed).rsplit('$', 2)[0]}")
        return genuine(self, hashed, password)

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        done.append(statement)

    event.listen(instance.database.engine, "before_cursor_execute", note)
    monkeypatch.setattr(PasswordHasher, "verify", verify)
    yield done
    monkeypatch.undo()
    event.remove(instance.database.engine, "before_cursor_execute", note)


def test_account_that_is_none_costs_the_same_work_and_gets_the_same_answer(
    instance: Instance, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    work: list[tuple[int, list[str]]] = []
    for login in (person.login, "nobody@example.org", new_id("pty")):
        for attempt in range(POLICY.failures_free + 1):
            with watched(instance, monkeypatch) as done:
                assert sign_in(instance, login, "wrong password!", "123456", source=f"192.0.2.{len(work)}") is None
            work.append((attempt, list(done)))
    per_login = POLICY.failures_free + 1
    assert work[:per_login] == work[per_login : 2 * per_login] == work[2 * per_login :]
    assert all(sum(line.startswith("argon2") for line in lines) == 1 for _, lines in work)


def test_failures_make_the_next_attempt_wait_longer_and_longer_but_never_for_ever(instance: Instance, person: Person, clock: FixedClock) -> None:
    waits = []
    for failure in range(POLICY.failures_free + 14):
        source = f"198.51.100.{failure}"
        try:
            assert sign_in(instance, person.login, "wrong password!", "", source=source) is None
        except TooManyAttempts as refused:
            waits.append(refused.retry_after_seconds)
            clock.at = refused.retry_at
            assert sign_in(instance, person.login, "wrong password!", "", source=source) is None
    assert waits == sorted(waits)
    assert waits[-1] <= POLICY.failure_longest_seconds
    assert waits[:4] == [2, 4, 8, 16]
    clock.at += timedelta(seconds=POLICY.failure_longest_seconds)
    assert sign_in(instance, person.login, PASSWORD, person.code(instance), source="203.0.113.9") is not None


def test_owner_at_a_known_source_is_not_locked_out_by_strangers(instance: Instance, person: Person, clock: FixedClock) -> None:
    assert sign_in(instance, person.login, PASSWORD, person.code(instance), source="203.0.113.9") is not None
    later(clock)
    for failure in range(POLICY.failures_free + 1):
        assert sign_in(instance, person.login, "wrong password!", "", source=f"198.51.100.{failure}") is None
    with pytest.raises(TooManyAttempts):
        sign_in(instance, person.login, PASSWORD, person.code(instance), source="198.51.100.200")
    assert sign_in(instance, person.login, PASSWORD, person.code(instance), source="203.0.113.9") is not None


def test_source_that_tries_many_accounts_waits_and_an_account_of_its_own_does_not_wash_it_clean(instance: Instance, person: Person, clock: FixedClock) -> None:
    for number in range(POLICY.failures_free):
        assert sign_in(instance, f"somebody{number}@example.org", "wrong password!", "") is None
    assert sign_in(instance, person.login, PASSWORD, person.code(instance)) is not None
    later(clock)
    assert sign_in(instance, "another@example.org", "wrong password!", "") is None
    with pytest.raises(TooManyAttempts):
        sign_in(instance, person.login, PASSWORD, person.code(instance))


def test_attempt_is_counted_before_it_is_checked(instance: Instance, person: Person) -> None:
    """Guesses that run at the same instant cannot all be the first."""
    for _ in range(POLICY.failures_free + 1):
        with instance.database.write() as tx:
            passwords.begin_attempt(
                tx, person.login, source="192.0.2.1", envelope=instance.envelope, policy=POLICY, now=instance.clock.now()
            )
    with pytest.raises(TooManyAttempts):
        sign_in(instance, person.login, PASSWORD, person.code(instance))


def test_failures_are_forgotten_after_a_while(instance: Instance, person: Person, clock: FixedClock) -> None:
    for _ in range(POLICY.failures_free + 1):
        assert sign_in(instance, person.login, "wrong password!", "") is None
    clock.at += timedelta(hours=POLICY.failures_forgotten_hours)
    for _ in range(POLICY.failures_free):
        assert sign_in(instance, person.login, "wrong password!", "") is None
    assert sign_in(instance, person.login, PASSWORD, person.code(instance)) is not None


def test_setup_takes_effect_with_its_first_code_and_ends_other_sessions(instance: Instance, person: Person, clock: FixedClock) -> None:
    opened, other = (sign_in(instance, person.login, PASSWORD, person.code(instance, step)) for step in (0, 1))
    assert opened is not None
    assert other is not None
    hashed = rules.hash_password("another set of words", POLICY)
    with instance.database.write() as tx:
        setup = passwords.begin_password(
            tx, hashed, session=opened.session, issuer="Example CERT", envelope=instance.envelope, policy=POLICY, now=clock.now()
        )
    assert setup.totp_uri.startswith("otpauth://totp/")
    with pytest.raises(Invalid, match="code"), instance.database.write() as tx:
        passwords.finish_password(
            tx, setup.id, "123456", session=opened.session, envelope=instance.envelope, policy=POLICY, now=clock.now()
        )
    code = Person(person.party, "", setup.totp_secret, (), opened).code(instance)
    with pytest.raises(Conflict), instance.database.write() as tx:
        passwords.finish_password(tx, setup.id, code, session=other.session, envelope=instance.envelope, policy=POLICY, now=clock.now())
    with instance.database.write() as tx:
        codes = passwords.finish_password(
            tx, setup.id, code, session=opened.session, envelope=instance.envelope, policy=POLICY, now=clock.now()
        )
    assert len(set(codes)) == POLICY.recovery_codes
    with instance.database.read() as tx:
        sessions.check_session(tx, opened.text, policy=POLICY, now=clock.now())
        with pytest.raises(SignedOut):
            sessions.check_session(tx, other.text, policy=POLICY, now=clock.now())
    later(clock)
    assert sign_in(instance, person.login, PASSWORD, person.code(instance)) is None
    assert sign_in(instance, person.login, PASSWORD, person.recovery_codes[0]) is None


def test_credentials_are_changed_only_soon_after_signing_in(instance: Instance, person: Person, clock: FixedClock) -> None:
    opened = sign_in(instance, person.login, PASSWORD, person.code(instance))
    assert opened is not None
    clock.at += timedelta(minutes=POLICY.recent_sign_in_minutes)
    with pytest.raises(NotPermitted, match="sign in again"), instance.database.write() as tx:
        passwords.renew_recovery_codes(tx, session=opened.session, policy=POLICY, now=clock.now())


def test_setup_that_was_left_expires(instance: Instance, clock: FixedClock) -> None:
    enrolled = invited(instance)
    with instance.database.write() as tx:
        setup = passwords.begin_password(
            tx, "x", session=enrolled.session, issuer="x", envelope=instance.envelope, policy=POLICY, now=clock.now()
        )
    clock.at += timedelta(minutes=POLICY.challenge_minutes)
    with pytest.raises(Conflict, match="expired"), instance.database.write() as tx:
        passwords.finish_password(tx, setup.id, "0", session=enrolled.session, envelope=instance.envelope, policy=POLICY, now=clock.now())


def test_nothing_that_signs_in_stands_in_the_database(instance: Instance, person: Person) -> None:
    opened = sign_in(instance, person.login, PASSWORD, person.code(instance))
    assert opened is not None
    from clearinghouse.storage import metadata

    hidden = [PASSWORD, person.totp_secret, opened.text.rsplit(".", 1)[1], "ada@example", "192.0.2.1", *person.recovery_codes]
    with instance.database.read() as tx:
        everything = "\n".join(str(tuple(row)) for table in metadata.sorted_tables for row in tx.rows(table.select()))
        assert {event_.kind for event_ in ledger.events_about(tx, person.party)} >= {"PartyAdded", "PasswordSet"}
    assert [word for word in hidden if word in everything] == []


@pytest.mark.parametrize("password", [
    "short", "x" * 300, "password1234", "P@ssw0rd12345", "aaaaaaaaaaaaaa", "123456789012", "abcdefghijklm", "hunter2hunter2hunter2",
    "qwertyuiop12", "correcthorsebatterystaple", "LetMeInPlease!!", "examplecert2026",
])
def test_password_that_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(Invalid, match="password"):
        rules.parse_password(password, POLICY, words=("Example CERT",))


@pytest.mark.parametrize("password", [PASSWORD, "kein einziger Fisch", "密碼是這樣的長長長的句子啊", "tr0ub4dor&3 & co", "       spaced out      "])
def test_ordinary_password_will_do(password: str) -> None:
    assert rules.parse_password(password, POLICY, words=("Example CERT", "Ada"))


@given(st.text(min_size=12, max_size=64))
def test_password_is_the_same_however_its_signs_are_composed(text: str) -> None:
    import unicodedata

    try:
        parsed = rules.parse_password(text, POLICY)
    except Invalid:
        return
    assert rules.normal_password(unicodedata.normalize("NFD", text), POLICY) == parsed


def test_hash_under_old_numbers_still_opens_and_is_renewed(instance: Instance, person: Person) -> None:
    with instance.database.write() as tx:
        store.rehash(tx, person.party, PasswordHasher(1, 8_192, 1).hash(PASSWORD))
        from clearinghouse.core.events import Event
        from clearinghouse.ledger.actions import record

        record(tx, Event("Tested", (person.party,)), actor=instance.actor.id, now=instance.clock.now())
    assert sign_in(instance, person.login, PASSWORD, person.code(instance)) is not None
    with instance.database.read() as tx:
        kept = store.system_password(tx, person.party, "", instance.envelope)
    assert kept is not None
    assert not rules.needs_rehash(kept.hashed, POLICY)
