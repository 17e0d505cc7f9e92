"""Splitting a key: any `threshold` of the shares give it back, fewer say nothing about it (Shamir, CACM 22(11), 1979).

Every byte is shared by itself, over the field with 256 elements and the polynomial of AES (x^8 + x^4 + x^3 + x + 1). Small and exact; it runs where
sealing and opening run, in one process of ours each, so that nobody measures how long it takes.
"""

import secrets
from collections.abc import Mapping

from clearinghouse.core.errors import Invalid

SHARES_MAX = 16
_POLYNOMIAL = 0x11B


def split(secret: bytes, shares: int, threshold: int) -> dict[int, bytes]:
    """Shares by number, from 1 on, each as long as the secret.

    Raises:
        Invalid: there would be too many shares, or a threshold that they cannot meet.
    """
    if not 2 <= threshold <= shares <= SHARES_MAX:
        raise Invalid(f"a key is split among at most {SHARES_MAX}, of whom at least 2 and at most all are needed; {threshold} of {shares} was asked for")
    # The secret is what every polynomial is at 0; its other coefficients are random.
    rows = [secret, *(secrets.token_bytes(len(secret)) for _ in range(threshold - 1))]
    return {number: _at(rows, number) for number in range(1, shares + 1)}


def combine(shares: Mapping[int, bytes]) -> bytes:
    """The secret of so many shares as are needed, or more; of fewer, or of one that was altered, something that means nothing.

    Raises:
        Invalid: the shares are of different lengths, or a number is none.
    """
    if not shares or len({len(share) for share in shares.values()}) != 1 or not all(1 <= number <= 255 for number in shares):
        raise Invalid("shares of one key are equally long and numbered from 1 to 255")
    secret = bytes(len(next(iter(shares.values()))))
    for number, share in shares.items():
        weight = 1
        for other in shares:
            if other != number:
                # Lagrange at 0; in this field a difference is the exclusive or.
                weight = _times(weight, _times(other, _inverse(other ^ number)))
        secret = bytes(left ^ _times(weight, right) for left, right in zip(secret, share, strict=True))
    return secret


def _at(rows: list[bytes], number: int) -> bytes:
    total = bytes(len(rows[0]))
    for row in reversed(rows):
        total = bytes(_times(left, number) ^ right for left, right in zip(total, row, strict=True))
    return total


def _times(left: int, right: int) -> int:
    product = 0
    while right:
        if right & 1:
            product ^= left
        left <<= 1
        if left & 0x100:
            left ^= _POLYNOMIAL
        right >>= 1
    return product


def _inverse(value: int) -> int:
    """The element that gives 1 with this one: its 254th power."""
    assert value, "0 has no inverse; two shares had one number"
    power = 1
    for _ in range(254):
        power = _times(power, value)
    return power
