"""Inputs varied, as a function of a seed, the input and a number: two benches try the same, and one tries the same again.

Nothing here is clever: flips, cuts, repeats and numbers made larger or smaller. What a variant is worth is seen by running it.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence

_NUMBER = re.compile(rb"\d{1,18}")
_BYTES = (0x00, 0x01, 0x7F, 0x80, 0xFF, 0x20, 0x41, 0x0A)
_RUN_MAX = 64


class _Draws:
    """Numbers that follow from a text: the same on every machine and every version of the language."""

    def __init__(self, seed: int, content: bytes, number: int) -> None:
        self._state = hashlib.sha256(b"%d %d " % (seed, number) + hashlib.sha256(content).digest()).digest()
        self._left = b""

    def below(self, bound: int) -> int:
        """A number from 0 to one below the bound."""
        if len(self._left) < 8:
            self._state = hashlib.sha256(self._state).digest()
            self._left = self._state
        value, self._left = int.from_bytes(self._left[:8], "big"), self._left[8:]
        return value % bound


def variant(content: bytes, seed: int, number: int, bytes_max: int) -> bytes:
    """The variant of an input with this number; it may be the input itself."""
    draws = _Draws(seed, content, number)
    made = content
    # Small changes are the likely ones: they keep an input on the path that reaches the flaw.
    for _ in range(1 + draws.below(3) // 2):
        made = _OPERATIONS[draws.below(len(_OPERATIONS))](made, draws)
    return made[:bytes_max]


def variants(content: bytes, seed: int, count: int, bytes_max: int) -> Iterator[bytes]:
    """At most so many different variants of an input, the input itself aside."""
    known = {content}
    for number in range(count * 2):
        made = variant(content, seed, number, bytes_max)
        if made not in known:
            known.add(made)
            yield made
            if len(known) > count:
                return


def inputs_around(seeds: Sequence[bytes], seed: int, count: int, bytes_max: int) -> Iterator[bytes]:
    """Inputs for a search: variants of each of some inputs in turn, then variants of those variants."""
    if not seeds:
        return
    pool, known = list(dict.fromkeys(seeds)), set(seeds)
    for number in range(count):
        made = variant(pool[number % len(pool)], seed, number, bytes_max)
        if made in known:
            continue
        known.add(made)
        yield made
        if len(pool) < len(seeds) + count // 4:
            pool.append(made)


def _flip(content: bytes, draws: _Draws) -> bytes:
    if not content:
        return b"\x00"
    at = draws.below(len(content))
    return content[:at] + bytes([content[at] ^ (1 << draws.below(8))]) + content[at + 1 :]


def _set(content: bytes, draws: _Draws) -> bytes:
    if not content:
        return b"\xff"
    at = draws.below(len(content))
    return content[:at] + bytes([_BYTES[draws.below(len(_BYTES))]]) + content[at + 1 :]


def _truncate(content: bytes, draws: _Draws) -> bytes:
    return content[: draws.below(len(content) + 1)]


def _drop(content: bytes, draws: _Draws) -> bytes:
    at = draws.below(len(content) + 1)
    return content[:at] + content[at + 1 + draws.below(_RUN_MAX) :]


def _repeat(content: bytes, draws: _Draws) -> bytes:
    at = draws.below(len(content) + 1)
    piece = content[at : at + 1 + draws.below(_RUN_MAX)] or b"A"
    return content[:at] + piece * (1 + draws.below(16)) + content[at:]


def _insert(content: bytes, draws: _Draws) -> bytes:
    at = draws.below(len(content) + 1)
    return content[:at] + bytes([_BYTES[draws.below(len(_BYTES))]]) * (1 + draws.below(_RUN_MAX)) + content[at:]


def _append(content: bytes, draws: _Draws) -> bytes:
    return content + bytes([draws.below(256)]) * (1 + draws.below(_RUN_MAX))


def _number(content: bytes, draws: _Draws) -> bytes:
    """A decimal number in the text made larger, smaller or negative; a flip where there is none."""
    found = list(_NUMBER.finditer(content[:65_536]))
    if not found:
        return _flip(content, draws)
    match = found[draws.below(len(found))]
    value = int(match[0])
    others = (value + 1, max(value - 1, 0), value * 2, value * 16, 0, -1, 2**31 - 1, 2**31, 2**32 - 1, 65_535)
    return content[: match.start()] + b"%d" % others[draws.below(len(others))] + content[match.end() :]


def _add(content: bytes, draws: _Draws) -> bytes:
    """One byte a little larger or smaller: lengths and counts are often one byte."""
    if not content:
        return b"\x01"
    at, by = draws.below(len(content)), 1 + draws.below(16)
    return content[:at] + bytes([(content[at] + (by if draws.below(2) else -by)) % 256]) + content[at + 1 :]


_OPERATIONS: tuple[Callable[[bytes, _Draws], bytes], ...] = (_flip, _set, _truncate, _drop, _repeat, _insert, _append, _number, _add, _add)
