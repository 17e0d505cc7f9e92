import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearinghouse.core.errors import Invalid
from clearinghouse.ledger import tree
from clearinghouse.ledger.checkpoint import Checkpoint, sign_checkpoint
from clearinghouse.ledger.note import Ed25519Signer
from clearinghouse.ledger.proof import InclusionProof, parse_proof, render_proof, verify_proof

ORIGIN = "ledger.example"
SIGNER = Ed25519Signer(ORIGIN, bytes(range(32)))
LEAVES = [b'{"leaf":%d}' % number for number in range(300)]
HASHES = [tree.leaf_hash(leaf) for leaf in LEAVES]
TILES = tree.extend(lambda level, number: b"", 0, HASHES)


def read(level: int, number: int) -> bytes:
    return TILES.get((level, number), b"")


def proof_of(index: int, size: int, *, with_leaf: bool = True) -> str:
    note = sign_checkpoint(Checkpoint(ORIGIN, size, tree.root(read, size)), [SIGNER])
    path = tuple(tree.inclusion_proof(read, index, size))
    return render_proof(InclusionProof(LEAVES[index] if with_leaf else b"", index, path, note))


def verify(text: str, leaf: bytes | None = None) -> tuple[InclusionProof, Checkpoint]:
    return verify_proof(text, [SIGNER.verifier], leaf=leaf)


def test_proof_file_as_text() -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 3, tree.root(read, 3)), [SIGNER])
    path = [base64.b64encode(tree.node_hash(HASHES[0], HASHES[1])).decode()]
    extra = base64.b64encode(LEAVES[2]).decode()
    assert proof_of(2, 3) == "\n".join(["c2sp.org/tlog-proof@v1", f"extra {extra}", "index 2", *path, "", note])


@given(st.integers(1, len(LEAVES)), st.data())
@settings(max_examples=60, deadline=None)
def test_every_proof_file_verifies_and_reads_back(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    text = proof_of(index, size)
    proof, checkpoint = verify(text)
    assert render_proof(proof) == text
    assert (proof.leaf, proof.index, checkpoint) == (LEAVES[index], index, Checkpoint(ORIGIN, size, tree.root(read, size)))


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_no_character_of_a_proof_file_can_be_altered(data: st.DataObject) -> None:
    """One proof, one text: whatever character is replaced, dropped or added, the file no longer verifies."""
    text = proof_of(200, 300)
    place = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.sampled_from("ABQgwxyz0123456789+/= \n\r\x00\u2014\ud800") | st.characters())
    altered = data.draw(
        st.sampled_from([text[:place] + character + text[place + 1 :], text[:place] + text[place + 1 :],
                         text[:place] + character + text[place:]])
    )
    if altered != text:
        with pytest.raises(Invalid):
            verify(altered)


def test_every_character_of_a_proof_file_counts() -> None:
    text = proof_of(5, 9)
    for place, character in enumerate(text):
        with pytest.raises(Invalid):
            verify(text[:place] + ("B" if character == "A" else "A") + text[place + 1 :])


@given(st.integers(2, len(LEAVES)), st.data())
@settings(max_examples=100, deadline=None)
def test_altered_path_index_or_tree_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = parse_proof(proof_of(index, size))
    other = data.draw(st.integers(1, len(LEAVES)).filter(lambda n: n != size))
    note = sign_checkpoint(Checkpoint(ORIGIN, other, tree.root(read, other)), [SIGNER])
    forged = [
        InclusionProof(proof.leaf, (index + 1) % size, proof.path, proof.checkpoint_note),
        InclusionProof(proof.leaf + b" ", index, proof.path, proof.checkpoint_note),
        InclusionProof(proof.leaf, index, proof.path[:-1], proof.checkpoint_note),
        InclusionProof(proof.leaf, index, (*proof.path, HASHES[0]), proof.checkpoint_note),
        InclusionProof(proof.leaf, index, proof.path, note),
    ]
    for wrong in forged:
        with pytest.raises(Invalid, match=f"the path does not lead from leaf {wrong.index} to the signed root of"):
            verify(render_proof(wrong))


def test_leaf_is_handed_in_where_the_file_has_none() -> None:
    text = proof_of(7, 20, with_leaf=False)
    assert "extra" not in text
    assert verify(text, LEAVES[7])[0].index == 7
    with pytest.raises(Invalid, match=r"the file holds no leaf .no `extra` line., hand it in"):
        verify(text)
    with pytest.raises(Invalid, match="leaf, index or path was altered"):
        verify(text, LEAVES[8])


def test_leaf_handed_in_must_be_that_of_the_file() -> None:
    assert verify(proof_of(7, 20), LEAVES[7])[1].size == 20
    with pytest.raises(Invalid, match="the proof file is of another leaf"):
        verify(proof_of(7, 20), LEAVES[8])


def test_key_and_origin_must_be_those_expected() -> None:
    stranger = Ed25519Signer(ORIGIN, bytes(32)).verifier
    with pytest.raises(Invalid, match=r"none of which is a key that was given: ledger\.example"):
        verify_proof(proof_of(7, 20), [stranger])
    with pytest.raises(Invalid, match=r"'other\.example' was expected"):
        verify_proof(proof_of(7, 20), [SIGNER.verifier], origin="other.example")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("tlog-proof@v1", "tlog-proof@v2"), "begins with the line 'c2sp.org/tlog-proof@v1'"),
        (("index 7\n", ""), "needs a line `index N`"),
        (("index 7", "index 07"), "the index of a proof file is a decimal number without leading zeros"),
        (("index 7", "index -7"), "the index of a proof file"),
        (("index 7", "index " + "7" * 100_000), "below 2\\^63"),
        (("index 7\n", "index 7\nAAAA\n"), "every line of the path is 32 bytes"),
        (("index 7\n", "index 7\n" + "AAAA\n" * 64), "a path of 69 hashes; at most 63"),
        (("index 7\n", "index 7\n*\n"), "path line 1 is no base64"),
        (("extra ", "extra  "), "the extra line is no"),
        (("\n\n", "\n"), "holds an empty line before its checkpoint|signed note"),
    ],
)
def test_file_of_another_form_is_refused(change: tuple[str, str], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        verify(proof_of(7, 20).replace(*change))


def test_empty_extra_line_is_refused() -> None:
    text = proof_of(7, 20, with_leaf=False)
    with pytest.raises(Invalid, match="the extra line is empty"):
        parse_proof(text.replace("index 7", "extra \nindex 7"))


def test_endless_file_is_not_read() -> None:
    with pytest.raises(Invalid, match="a proof file of 1000001 characters is not read"):
        parse_proof("x" * 1_000_001)
