import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearinghouse.core.errors import Invalid
from clearinghouse.ledger import tree
from clearinghouse.ledger.checkpoint import Checkpoint, sign_checkpoint
from clearinghouse.ledger.consistency import ConsistencyFile, parse_consistency, render_consistency, verify_consistency_file
from clearinghouse.ledger.note import Ed25519Signer

ORIGIN = "ledger.example"
SIGNER = Ed25519Signer(ORIGIN, bytes(range(32)))
HASHES = [tree.leaf_hash(b"%d" % number) for number in range(300)]
TILES = tree.extend(lambda level, number: b"", 0, HASHES)


def read(level: int, number: int) -> bytes:
    return TILES.get((level, number), b"")


def checkpoint(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, tree.root(read, size))


def file_of(old: int, new: int, origin: str = ORIGIN) -> str:
    proof = tuple(tree.consistency_proof(read, old, new)) if old else ()
    newer = Checkpoint(origin, new, tree.root(read, new))
    return render_consistency(
        ConsistencyFile(proof, sign_checkpoint(checkpoint(old), [SIGNER]), sign_checkpoint(newer, [SIGNER]))
    )


@given(st.integers(0, 300), st.data())
@settings(max_examples=80, deadline=None)
def test_every_file_verifies_and_reads_back(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, new))
    text = file_of(old, new)
    assert verify_consistency_file(text, [SIGNER.verifier], origin=ORIGIN) == (checkpoint(old), checkpoint(new))
    assert render_consistency(parse_consistency(text)) == text


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_no_character_of_a_file_can_be_altered(data: st.DataObject) -> None:
    text = file_of(100, 300)
    place = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.sampled_from("ABQgwxyz019+/= \n\r\x00\u2014\ud800"))
    altered = data.draw(st.sampled_from([text[:place] + character + text[place + 1 :], text[:place] + text[place + 1 :],
                                         text[:place] + character + text[place:]]))
    if altered != text:
        with pytest.raises(Invalid):
            verify_consistency_file(altered, [SIGNER.verifier])


def test_fork_is_refused() -> None:
    """Two checkpoints, both signed by the log, of which neither continues the other."""
    forged = tree.extend(lambda level, number: b"", 0, [tree.leaf_hash(b"another"), *HASHES[1:]])

    def read_forged(level: int, number: int) -> bytes:
        return forged.get((level, number), b"")

    newer = Checkpoint(ORIGIN, 300, tree.root(read_forged, 300))
    for proof in (tree.consistency_proof(read, 100, 300), tree.consistency_proof(read_forged, 100, 300)):
        file = ConsistencyFile(
            tuple(proof), sign_checkpoint(checkpoint(100), [SIGNER]), sign_checkpoint(newer, [SIGNER])
        )
        with pytest.raises(Invalid, match="the log at 300 leaves is not shown to continue the log at 100"):
            verify_consistency_file(render_consistency(file), [SIGNER.verifier])


@pytest.mark.parametrize(("root", "proof"), [(bytes(32), ()), (tree.EMPTY_ROOT, (bytes(32),))])
def test_only_the_empty_tree_has_no_leaves(root: bytes, proof: tuple[bytes, ...]) -> None:
    empty = sign_checkpoint(Checkpoint(ORIGIN, 0, root), [SIGNER])
    text = render_consistency(ConsistencyFile(proof, empty, sign_checkpoint(checkpoint(5), [SIGNER])))
    with pytest.raises(Invalid, match="the log at 5 leaves is not shown to continue the log at 0"):
        verify_consistency_file(text, [SIGNER.verifier])


def test_shrinking_log_is_refused() -> None:
    file = parse_consistency(file_of(100, 300))
    swapped = ConsistencyFile(file.proof, file.new_note, file.old_note)
    with pytest.raises(Invalid, match="the log at 100 leaves is not shown to continue the log at 300"):
        verify_consistency_file(render_consistency(swapped), [SIGNER.verifier])


def test_both_checkpoints_are_of_one_log() -> None:
    with pytest.raises(Invalid, match=r"a checkpoint of the log 'other\.example'; 'ledger\.example' was expected"):
        verify_consistency_file(file_of(100, 300, origin="other.example"), [SIGNER.verifier])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "begins with the line 'clearinghouse/consistency-proof@v1'"),
        ("clearinghouse/consistency-proof@v1\n\nx", "two checkpoints, which makes four empty lines; found 1"),
        (file_of(1, 2).replace("@v1\n", "@v1\n" + "AAAA\n" * 70), "a proof of 71 hashes; at most 64"),
        (file_of(1, 2).replace("@v1\n", "@v1\nAAAA\n"), "every line of the proof is 32 bytes"),
        ("x" * 2_000_001, "a consistency file of 2000001 characters is not read"),
    ],
)
def test_file_of_another_form_is_refused(text: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        parse_consistency(text)
