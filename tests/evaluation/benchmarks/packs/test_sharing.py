"""Splitting a key: enough shares give it back, fewer say nothing, and the field is the one of AES."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.errors import Invalid
from clearinghouse.evaluation.benchmarks.packs import sharing
from clearinghouse.evaluation.benchmarks.packs.sharing import SHARES_MAX, combine, split


@given(st.data())
def test_any_enough_shares_give_the_secret_back(data: st.DataObject) -> None:
    shares = data.draw(st.integers(2, SHARES_MAX))
    threshold = data.draw(st.integers(2, shares))
    secret = data.draw(st.binary(min_size=1, max_size=40))
    made = split(secret, shares, threshold)
    assert sorted(made) == list(range(1, shares + 1))
    chosen = data.draw(st.lists(st.sampled_from(sorted(made)), min_size=threshold, max_size=shares, unique=True))
    assert combine({number: made[number] for number in chosen}) == secret


def test_too_few_shares_are_consistent_with_every_secret() -> None:
    # For a threshold of 3, two shares of one byte: exactly one polynomial through them for each of the 256 secrets, so they tell none apart.
    first, second = 0x5A, 0xC3
    fitting = dict.fromkeys(range(256), 0)
    for secret in range(256):
        for linear in range(256):
            # secret + linear*x + square*x^2 at x = 1 and 2; the first equation fixes `square`.
            square = first ^ secret ^ linear
            if secret ^ sharing._times(linear, 2) ^ sharing._times(square, 4) == second:
                fitting[secret] += 1
    assert set(fitting.values()) == {1}


def test_too_few_shares_give_something_else() -> None:
    secret = bytes(range(32))
    made = split(secret, 5, 3)
    assert combine({1: made[1], 2: made[2]}) != secret


def test_field_is_that_of_aes() -> None:
    # FIPS 197, 4.2: {57} x {83} = {c1}, {57} x {13} = {fe}; 4.2.1 by xtime.
    assert [sharing._times(0x57, 0x83), sharing._times(0x57, 0x13), sharing._times(0x57, 0x02)] == [0xC1, 0xFE, 0xAE]
    assert all(sharing._times(value, sharing._inverse(value)) == 1 for value in range(1, 256))


def test_known_shares_give_the_known_secret() -> None:
    # f(x) = 0x2a + 0x07 x over one byte, worked out by hand: f(1) = 0x2d, f(2) = 0x24, f(3) = 0x23.
    points = {1: b"\x2d", 2: b"\x24", 3: b"\x23"}
    for left, right in ((1, 2), (1, 3), (2, 3)):
        assert combine({left: points[left], right: points[right]}) == b"\x2a"


@pytest.mark.parametrize(("shares", "threshold"), [(1, 1), (2, 1), (3, 4), (17, 2)])
def test_split_that_protects_nothing_is_refused(shares: int, threshold: int) -> None:
    with pytest.raises(Invalid, match="at least 2"):
        split(b"secret", shares, threshold)


@pytest.mark.parametrize("shares", [{}, {1: b"ab", 2: b"a"}, {0: b"a", 1: b"b"}, {1: b"a", 256: b"b"}])
def test_shares_that_do_not_belong_together_are_refused(shares: dict[int, bytes]) -> None:
    with pytest.raises(Invalid):
        combine(shares)
