import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearinghouse.core.errors import Invalid
from clearinghouse.ledger import tree
from clearinghouse.ledger.checkpoint import Checkpoint, sign_checkpoint
from clearinghouse.ledger.note import Ed25519Signer
from clearinghouse.ledger.verify import Verdict, verify_log

ORIGIN = "ledger.example"
SIGNER = Ed25519Signer(ORIGIN, bytes(range(32)))


def signed(leaves: list[bytes]) -> tuple[Checkpoint, str]:
    tiles = tree.extend(lambda level, number: b"", 0, [tree.leaf_hash(leaf) for leaf in leaves])
    checkpoint = Checkpoint(ORIGIN, len(leaves), tree.root(lambda level, number: tiles[level, number], len(leaves)))
    return checkpoint, sign_checkpoint(checkpoint, [SIGNER])


LEAVES = st.lists(st.binary(max_size=8), max_size=40)


@given(LEAVES, LEAVES)
@settings(deadline=None)
def test_the_leaves_that_were_signed_verify(leaves: list[bytes], later: list[bytes]) -> None:
    checkpoint, note = signed(leaves)
    assert verify_log([*leaves, *later], note, [SIGNER.verifier], origin=ORIGIN) == Verdict(checkpoint, len(later))


@given(LEAVES.filter(bool), st.data())
@settings(deadline=None)
def test_other_leaves_do_not(leaves: list[bytes], data: st.DataObject) -> None:
    """An altered, added, missing or moved leaf gives another root, or too few leaves."""
    _, note = signed(leaves)
    place = data.draw(st.integers(0, len(leaves) - 1))
    forged = data.draw(st.sampled_from([
        [*leaves[:place], leaves[place] + b"!", *leaves[place + 1 :]],
        [*leaves[:place], b"one more", *leaves[place:]],
        [*leaves[:place], *leaves[place + 1 :]],
        leaves[place:] + leaves[:place],
    ]))
    if forged[: len(leaves)] != leaves:
        with pytest.raises(Invalid, match=r"a leaf was altered, left out, added or moved|were handed in"):
            verify_log(forged, note, [SIGNER.verifier])


def test_missing_leaves_are_counted() -> None:
    _, note = signed([b"a", b"b", b"c"])
    with pytest.raises(Invalid, match="the checkpoint was signed for 3 leaves; only 2 were handed in"):
        verify_log([b"a", b"b"], note, [SIGNER.verifier])


def test_key_and_origin_are_checked_first() -> None:
    _, note = signed([b"a"])
    with pytest.raises(Invalid, match="none of which is a key that was given"):
        verify_log([b"a"], note, [Ed25519Signer(ORIGIN, bytes(32)).verifier])
    with pytest.raises(Invalid, match="was expected"):
        verify_log([b"a"], note, [SIGNER.verifier], origin="other.example")


def test_a_long_log_is_read_in_constant_memory() -> None:
    size = 20_000
    read = tree.CompactRange()
    for number in range(size):
        read.append(b"%01000d" % number)
    note = sign_checkpoint(Checkpoint(ORIGIN, size, read.root()), [SIGNER])

    def leaves() -> Iterator[bytes]:
        for number in range(size):
            yield b"%01000d" % number

    tracemalloc.start()
    try:
        verify_log(leaves(), note, [SIGNER.verifier])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200_000  # bytes; the leaves together are a hundred times that
