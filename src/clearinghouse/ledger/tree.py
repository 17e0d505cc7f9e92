"""The Merkle tree of RFC 6962 over SHA-256, kept as tiles of 256 hashes.

A tile at level L holds, left to right, the hashes of complete subtrees of height 8 * L (C2SP
tlog-tiles). Roots and proofs are computed from tiles alone; growing the tree touches only the
tiles at its right edge.
"""

import hashlib
from collections.abc import Sequence
from typing import Protocol

from clearinghouse.core.errors import Invalid

HASH_BYTES = 32
_HEIGHT = 8
_WIDTH = 1 << _HEIGHT
EMPTY_ROOT = hashlib.sha256(b"").digest()


class TileReader(Protocol):
    """Whoever can hand out tiles."""

    def __call__(self, level: int, number: int) -> bytes:
        """The filled part of a tile: a multiple of 32 bytes, empty where nothing is stored yet."""
        ...


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf (RFC 6962, 2.1: a 00 byte goes before it)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node (RFC 6962, 2.1: a 01 byte goes before the two)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def extend(read: TileReader, size: int, leaf_hashes: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    """The tiles that change when leaves are appended to a tree of `size`: (level, number) to content.

    Raises:
        Invalid: a tile at the edge of the stored tree is shorter than `size` says; nothing may be built on it.
    """
    changed: dict[tuple[int, int], bytes] = {}
    level, first, new = 0, size, leaf_hashes
    while new:
        grown: list[bytes] = []
        taken = 0
        while taken < len(new):
            number, filled = divmod(first + taken, _WIDTH)
            end = min(len(new), taken + _WIDTH - filled)
            content = (_hashes(read, level, number, 0, filled) if filled else b"") + b"".join(new[taken:end])
            filled += end - taken
            assert len(content) == filled * HASH_BYTES, "a hash that is not of 32 bytes was handed in"
            changed[level, number] = content
            taken = end
            if filled == _WIDTH:
                grown.append(_fold(content))
        level, first, new = level + 1, first // _WIDTH, grown
    return changed


def root(read: TileReader, size: int) -> bytes:
    """The root of the first `size` leaves."""
    return EMPTY_ROOT if size == 0 else _range(read, 0, size)


def inclusion_proof(read: TileReader, index: int, size: int) -> list[bytes]:
    """The audit path of leaf `index` in the tree of `size` leaves, lowest first (RFC 6962, 2.1.1).

    Raises:
        Invalid: there is no such leaf.
    """
    if not 0 <= index < size:
        raise Invalid(f"leaf {index} is not in a tree of {size} leaves")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range(read, middle, end))
            end = middle
        else:
            path.append(_range(read, start, middle))
            start = middle
    return path[::-1]


def consistency_proof(read: TileReader, old: int, new: int) -> list[bytes]:
    """That the tree of `new` leaves begins with the tree of `old` leaves (RFC 6962, 2.1.2).

    Raises:
        Invalid: `old` is more than `new`, or nothing.
    """
    if not 0 < old <= new:
        raise Invalid(f"no consistency proof from {old} to {new} leaves: the first must be 1 or more and at most the second")
    proof: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end - start:
        k = _split(end - start)
        if old <= k:
            proof.append(_range(read, start + k, end))
            end = start + k
        else:
            proof.append(_range(read, start, start + k))
            start, old, whole = start + k, old - k, False
    if not whole:
        proof.append(_range(read, start, end))
    return proof[::-1]


def root_of_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that an audit path leads to from a leaf's hash; None where its length is wrong (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes(leaf, *path):
        return None
    number, last, result = index, size - 1, leaf
    for hashed in path:
        if last == 0:
            return None
        if number & 1 or number == last:
            result = node_hash(hashed, result)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            result = node_hash(result, hashed)
        number, last = number >> 1, last >> 1
    return result if last == 0 else None


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], expected_root: bytes) -> bool:
    """Whether the leaf with hash `leaf` is at `index` in the tree with that size and root."""
    return root_of_inclusion(leaf, index, size, path) == expected_root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree (`new`, `new_root`) begins with the tree (`old`, `old_root`) (RFC 9162, 2.1.4.2)."""
    if not 0 < old <= new or not _are_hashes(old_root, new_root, *proof):
        return False
    if old == new:
        return not proof and old_root == new_root
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    number, last = old - 1, new - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    first = second = path[0]
    for hashed in path[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            first, second = node_hash(hashed, first), node_hash(hashed, second)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            second = node_hash(second, hashed)
        number, last = number >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


class CompactRange:
    """The root of a stream of leaves in constant memory: for a verifier that reads a log once."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add the next leaf."""
        self.append_hash(leaf_hash(leaf))

    def append_hash(self, hashed_leaf: bytes) -> None:
        """Add the next leaf by its hash."""
        self._peaks.append(hashed_leaf)
        merged = self.size
        while merged & 1:
            right = self._peaks.pop()
            self._peaks.append(node_hash(self._peaks.pop(), right))
            merged >>= 1
        self.size += 1

    def root(self) -> bytes:
        """The root of what was added so far."""
        if not self._peaks:
            return EMPTY_ROOT
        result = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            result = node_hash(peak, result)
        return result


class TileAudit:
    """Stored tiles held against hashes computed anew, in constant memory: a full tile below the edge too."""

    def __init__(self, stored: TileReader) -> None:
        self._stored = stored
        self._edge: dict[tuple[int, int], bytes] = {}
        self._size = 0

    def append(self, leaf_hashes: Sequence[bytes]) -> None:
        """Compare the tiles that the next leaves belong to.

        Raises:
            Invalid: a stored tile differs.
        """
        changed = extend(lambda level, number: self._edge.get((level, number), b""), self._size, leaf_hashes)
        for (level, number), content in changed.items():
            if self._stored(level, number)[: len(content)] != content:
                raise Invalid(f"tile {number} of level {level} does not fit the events: it is damaged, or an event was altered")
        self._edge = {place: content for place, content in (self._edge | changed).items() if len(content) < _WIDTH * HASH_BYTES}
        self._size += len(leaf_hashes)


def _split(width: int) -> int:
    """The largest power of two below `width`, which is 2 or more."""
    return 1 << ((width - 1).bit_length() - 1)


def _range(read: TileReader, start: int, end: int) -> bytes:
    width = end - start
    if width & (width - 1) == 0 and start % width == 0:
        return _subtree(read, width.bit_length() - 1, start // width)
    middle = start + _split(width)
    return node_hash(_range(read, start, middle), _range(read, middle, end))


def _subtree(read: TileReader, height: int, index: int) -> bytes:
    level, above = divmod(height, _HEIGHT)
    number, offset = divmod(index << above, _WIDTH)
    return _fold(_hashes(read, level, number, offset, offset + (1 << above)))


def _hashes(read: TileReader, level: int, number: int, start: int, end: int) -> bytes:
    wanted = read(level, number)[start * HASH_BYTES : end * HASH_BYTES]
    if len(wanted) != (end - start) * HASH_BYTES:
        raise Invalid(
            f"tile {number} of level {level} holds {len(wanted) // HASH_BYTES} of its hashes {start} to {end - 1}: "
            "the stored tree is damaged"
        )
    return wanted


def _are_hashes(*hashes: bytes) -> bool:
    # Without this, moving a byte from one hash to its neighbour would leave what is hashed, and the proof, as good as before.
    return all(len(hashed) == HASH_BYTES for hashed in hashes)


def _fold(content: bytes) -> bytes:
    row = [content[i : i + HASH_BYTES] for i in range(0, len(content), HASH_BYTES)]
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]
