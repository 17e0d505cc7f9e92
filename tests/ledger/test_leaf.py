"""Leaves: canonical, without a word of the details, and opened by whoever holds the nonce."""

import hashlib
import json
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.clock import parse_instant
from clearinghouse.core.errors import Invalid
from clearinghouse.core.events import Detail
from clearinghouse.core.ids import new_id
from clearinghouse.ledger import leaf

NONCE = bytes(range(32))
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
DETAILS = st.dictionaries(
    TEXT,
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=5,
)


def test_leaf_as_text() -> None:
    at = datetime(2026, 11, 21, 8, 7, 59, 999_999, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    rendered = leaf.render_leaf("evt_a", "ReportReceived", at, "pty_b", ("rep_c", "sub_d"), bytes(32))
    assert rendered == (
        b'{"actor":"pty_b","at":"2026-11-21T02:22:00Z","commitment":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",'
        b'"event":"evt_a","kind":"ReportReceived","subjects":["rep_c","sub_d"],"v":1}'
    )


@given(TEXT, TEXT, st.datetimes(timezones=st.timezones()), TEXT, st.lists(TEXT, max_size=4), st.binary(min_size=32, max_size=32))
def test_leaf_is_canonical_json(
    event: str, kind: str, at: datetime, actor: str, subjects: list[str], commitment: bytes
) -> None:
    """The direct rendering is what RFC 8785 gives, whatever text the ids are."""
    try:
        at.astimezone(UTC)
    except OverflowError:  # an hour before the first year or after the last
        return
    rendered = leaf.render_leaf(event, kind, at, actor, tuple(subjects), commitment)
    assert rfc8785.dumps(json.loads(rendered)) == rendered


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9998, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_leaf_tells_the_minute_and_no_more(at: datetime) -> None:
    told = parse_instant(json.loads(leaf.render_leaf("e", "k", at, "a", (), bytes(32)))["at"])
    assert told == at.replace(second=0, microsecond=0)


def test_commitment_is_what_is_documented() -> None:
    """SHA3-256("clearinghouse/event/v1" || 0x00 || nonce(32) || canonical JSON of the details)."""
    details: dict[str, Detail] = {"b": 1, "a": "\u20ac"}
    expected = hashlib.sha3_256(b"clearinghouse/event/v1\x00" + NONCE + '{"a":"\u20ac","b":1}'.encode()).digest()
    assert leaf.commit(leaf.render_details(details), NONCE) == expected


@given(DETAILS, DETAILS, st.binary(min_size=32, max_size=32))
def test_commitment_opens_to_its_details_and_nonce_alone(
    details: dict[str, Detail], other: dict[str, Detail], nonce: bytes
) -> None:
    text, another = leaf.render_details(details), leaf.render_details(other)
    commitment = leaf.commit(text, NONCE)
    assert leaf.open_commitment(commitment, text, NONCE)
    assert leaf.open_commitment(commitment, another, NONCE) == (another == text)
    assert leaf.open_commitment(commitment, text, nonce) == (nonce == NONCE)


@given(DETAILS)
def test_order_of_details_does_not_matter(details: dict[str, Detail]) -> None:
    turned = dict(reversed(details.items()))
    assert leaf.render_details(details) == leaf.render_details(turned)


def test_guess_without_the_nonce_opens_nothing() -> None:
    """Whoever guesses the details right still cannot tell from the leaf: that takes 32 random bytes."""
    text = leaf.render_details({"sha256": "0" * 64})
    commitment = leaf.commit(text, NONCE)
    for guess in (b"", bytes(31), bytes(32), bytes(33), NONCE[:31]):
        assert not leaf.open_commitment(commitment, text, guess)


@pytest.mark.parametrize("value", [2**53, -(2**53), float("nan"), float("inf"), "\ud800"])
def test_details_without_a_canonical_form_are_refused(value: float | str) -> None:
    with pytest.raises(Invalid, match="the details of an event have no canonical form"):
        leaf.render_details({"value": value})


def test_twenty_thousand_leaves_take_less_than_a_second() -> None:
    at, event, actor, subjects = datetime(2026, 11, 21, tzinfo=UTC), new_id("evt"), new_id("pty"), (new_id("rep"), new_id("sub"))
    start = time.perf_counter()
    for _ in range(20_000):
        leaf.render_leaf(event, "ReportReceived", at, actor, subjects, NONCE)
    assert time.perf_counter() - start < 1
