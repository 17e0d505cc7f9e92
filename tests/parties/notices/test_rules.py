"""What notices decides: waits, what mail may tell, signatures of webhooks held against the standard's own words."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.core.errors import Invalid
from clearinghouse.core.ids import EventId, PartyId
from clearinghouse.core.marks import Marks
from clearinghouse.core.tlp import Tlp
from clearinghouse.parties.notices import rules
from clearinghouse.parties.notices.records import Draft, HookSecret, NoticeKind

POLICY = parse_policy(1, default_policy_document()).notices
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def test_waits_double_up_to_the_longest_and_end() -> None:
    waits = [rules.retry_at(attempts, POLICY, NOW) for attempts in range(1, 15)]
    seconds = [None if at is None else (at - NOW).total_seconds() for at in waits]
    assert seconds == [30, 60, 120, 240, 480, 960, 1920, 3840, 7680, 15360, 21600, 21600, 21600, None]


@given(st.integers(1, 10_000))
def test_wait_is_never_longer_than_policy_says(attempts: int) -> None:
    at = rules.retry_at(attempts, POLICY, NOW)
    assert at is None or NOW < at <= NOW + timedelta(seconds=POLICY.retry_seconds_max)


def draft(kind: NoticeKind, due_at: datetime | None = None) -> Draft:
    return Draft(EventId("evt_1"), "tell", kind, PartyId("pty_1"), "case_1", due_at=due_at)


def test_news_waits_for_the_last_mail_to_be_old_enough_and_the_rest_does_not() -> None:
    last = NOW - timedelta(minutes=10)
    assert rules.digest_due_at(draft(NoticeKind.MESSAGE_POSTED), last, POLICY, NOW) == NOW + timedelta(minutes=50)
    assert rules.digest_due_at(draft(NoticeKind.MESSAGE_POSTED), None, POLICY, NOW) == NOW
    assert rules.digest_due_at(draft(NoticeKind.EMBARGO_EXITED), last, POLICY, NOW) == NOW


@pytest.mark.parametrize(("tlp", "encrypted", "personal", "told"), [
    (Tlp.CLEAR, False, False, True), (Tlp.GREEN, False, False, True), (Tlp.AMBER, False, True, False), (Tlp.AMBER_STRICT, False, True, False),
    (Tlp.RED, False, True, False), (Tlp.AMBER, True, False, True), (Tlp.AMBER_STRICT, True, False, True), (Tlp.RED, True, False, False),
    (Tlp.RED, True, True, True),
])
def test_mail_tells_what_its_label_and_its_way_allow(tlp: Tlp, encrypted: bool, personal: bool, told: bool) -> None:
    assert rules.may_tell_in_mail(Marks(tlp), encrypted=encrypted, personal=personal, now=NOW) is told


def test_mail_tells_nothing_once_the_marks_have_expired() -> None:
    assert rules.may_tell_in_mail(Marks(Tlp.CLEAR, expires_at=NOW), encrypted=True, personal=True, now=NOW) is False


def test_delivery_is_signed_as_the_standard_says_by_each_secret_alive() -> None:
    old, new, dead = b"o" * 32, b"n" * 32, b"d" * 32
    secrets = (HookSecret(dead, NOW, NOW), HookSecret(old, NOW, NOW + timedelta(days=1)), HookSecret(new, NOW))
    headers = rules.sign_delivery("not_1", NOW, b'{"a":1}', secrets)
    signed = f'not_1.{int(NOW.timestamp())}.{{"a":1}}'.encode()
    expected = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in (old, new)]
    assert headers == {
        "content-type": "application/json", "webhook-id": "not_1", "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": f"v1,{expected[0]} v1,{expected[1]}",
    }


def test_signature_is_that_of_the_standards_own_example() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = rules.sign_delivery("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', [HookSecret(secret, at)])
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_reply_token_depends_on_the_key_and_cannot_be_read_off_the_id() -> None:
    one, other = rules.reply_token(b"k" * 32, "not_1"), rules.reply_token(b"l" * 32, "not_1")
    assert one != other
    assert rules.reply_token(b"k" * 32, "not_1") == one
    assert len(one) == 26
    assert set(one) <= set("abcdefghijklmnopqrstuvwxyz234567")
    assert rules.hash_token(one.upper()) == rules.hash_token(one)


def test_unknown_kind_is_refused_and_named() -> None:
    assert rules.parse_kinds([]) == frozenset()
    assert rules.parse_kinds(["case.opened"]) == {NoticeKind.CASE_OPENED}
    with pytest.raises(Invalid, match=r"case\.closed"):
        rules.parse_kinds(["case.closed"])
