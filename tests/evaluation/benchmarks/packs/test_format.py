"""Items as bytes, boxes and proofs: the same there and back, and nothing altered opens."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from clearinghouse.core.errors import Invalid, Unavailable
from clearinghouse.core.ids import PackId, new_id
from clearinghouse.evaluation.benchmarks.packs import format as formats
from clearinghouse.evaluation.benchmarks.packs import proofs
from clearinghouse.evaluation.benchmarks.packs.boxes import create_private_key, fingerprint, open_box, put_in_box, read_private_key
from clearinghouse.evaluation.benchmarks.packs.records import PackedItem
from clearinghouse.evaluation.benchmarks.records import Domain, Grader, GraderKind, Item, Submission
from clearinghouse.evaluation.benchmarks.suites import SUITES

_texts = st.text(st.characters(codec="utf-8"), max_size=30)
_files = st.dictionaries(st.from_regex(r"\A[a-z]{1,8}\.[a-z]{2,3}\Z"), st.binary(max_size=50), max_size=3)
_submissions = st.builds(Submission, _texts, _files)
_items = st.builds(
    Item, st.just("itm_" + "a" * 26), _texts, _texts, st.sampled_from(Domain), _texts, _files,
    st.builds(Grader, st.sampled_from(GraderKind), st.binary(max_size=16), st.binary(max_size=32), st.binary(max_size=20), st.tuples(_texts)),
    _submissions, _submissions, _texts, st.dictionaries(_texts, _texts, max_size=2), st.none() | st.floats(0, 1e6),
)  # fmt: skip


@given(_items)
def test_item_survives_being_written(item: Item) -> None:
    data = formats.render_item(item)
    assert formats.parse_item(data) == item
    assert formats.render_item(formats.parse_item(data)) == data


def test_every_shipped_item_survives_being_written() -> None:
    for suite in SUITES:
        item = suite.generate(1, 3)
        assert formats.parse_item(formats.render_item(item)) == item


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"v": 2}', b"\xff", b'{"v": 1, "grader": 3}'])
def test_bytes_that_are_no_item_are_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        formats.parse_item(data)


def test_sealed_item_opens_with_its_pack_key_under_its_own_id_alone() -> None:
    item = SUITES[0].generate(1, 0)
    item_key, body, commitment = formats.seal_item(item, b"k" * 32)
    assert item.canary.encode() not in body
    opened, salt = formats.open_item(item.id, item_key, body, commitment, b"k" * 32)
    assert opened == item
    assert formats.commitment_of(salt, formats.render_item(item)) == commitment
    other = new_id("itm")
    for wrong in (
        (item.id, item_key, body, commitment, b"l" * 32), (other, item_key, body, commitment, b"k" * 32),
        (item.id, item_key, body[:-1] + bytes([body[-1] ^ 1]), commitment, b"k" * 32), (item.id, item_key, body, b"c" * 32, b"k" * 32),
    ):  # fmt: skip
        with pytest.raises(Unavailable):
            formats.open_item(*wrong)


def test_item_of_another_place_does_not_open_in_its_stead() -> None:
    first, second = SUITES[0].generate(1, 0), SUITES[0].generate(1, 1)
    sealed = {item.id: formats.seal_item(item, b"k" * 32) for item in (first, second)}
    with pytest.raises(Unavailable):
        formats.open_item(first.id, sealed[first.id][0], sealed[second.id][1], sealed[first.id][2], b"k" * 32)
    with pytest.raises(Unavailable):
        formats.open_item(first.id, sealed[second.id][0], sealed[first.id][1], sealed[first.id][2], b"k" * 32)


@given(st.binary(max_size=100), st.text(max_size=20))
@settings(max_examples=30)
def test_box_opens_for_its_key_and_its_matter_alone(content: bytes, about: str) -> None:
    key, other = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    box = put_in_box(content, key.public_key().public_bytes_raw(), about)
    assert open_box(box, key, about) == content
    for wrong_key, wrong_about, wrong_box in ((other, about, box), (key, about + "x", box), (key, about, box[:-1] + bytes([box[-1] ^ 1])), (key, about, b"")):
        with pytest.raises(Unavailable):
            open_box(wrong_box, wrong_key, wrong_about)


def test_key_that_hides_nothing_gets_no_box() -> None:
    for weak in (bytes(32), b"\x01" + bytes(31), b"short"):
        with pytest.raises(Invalid):
            put_in_box(b"share", weak, "x")


def test_private_key_is_kept_in_a_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "key"
    made = create_private_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_private_key(path).private_bytes_raw() == made.private_bytes_raw()
    with pytest.raises(Invalid, match="exists"):
        create_private_key(path)
    assert len(fingerprint(made.public_key().public_bytes_raw())) == 39
    path.write_text("something else\n")
    with pytest.raises(Unavailable, match="holds no key"):
        read_private_key(path)
    with pytest.raises(Unavailable, match="cannot read"):
        read_private_key(tmp_path / "none")


def _pack(size: int) -> list[PackedItem]:
    pack = PackId(new_id("pck"))
    return [PackedItem(new_id("itm"), pack, place, "family", Domain.FINDING, bytes([place]) * 32) for place in range(size)]


@given(st.integers(1, 40), st.data())
@settings(max_examples=40)
def test_proof_holds_for_its_item_and_for_no_other(size: int, data: st.DataObject) -> None:
    items = _pack(size)
    root = proofs.root_of(items)
    place = data.draw(st.integers(0, size - 1))
    proof = proofs.parse_proof(proofs.render_proof(proofs.prove_item(items, items[place].id)))
    assert proofs.verify_proof(proof, root)
    assert not proofs.verify_proof(proof, b"r" * 32)
    assert not proofs.verify_proof(replace(proof, commitment=b"x" * 32), root)
    assert not proofs.verify_proof(replace(proof, item_id=new_id("itm")), root)
    assert not proofs.verify_proof(replace(proof, pack_id=new_id("pck")), root)
    if size > 1:
        assert not proofs.verify_proof(replace(proof, place=(place + 1) % size), root)


def test_proof_with_the_item_shows_that_it_was_the_committed_one() -> None:
    item = SUITES[1].generate(3, 2)
    item_key, body, commitment = formats.seal_item(item, b"k" * 32)
    _, salt = formats.open_item(item.id, item_key, body, commitment, b"k" * 32)
    packed = PackedItem(item.id, PackId(new_id("pck")), 0, item.family, item.domain, commitment)
    proof = proofs.prove_item([packed], item.id, salt=salt, item=formats.render_item(item))
    assert proofs.verify_proof(proof, proofs.root_of([packed]))
    assert not proofs.verify_proof(replace(proof, item=formats.render_item(replace(item, prompt="another"))), proofs.root_of([packed]))


def test_whole_pack_is_held_against_its_root() -> None:
    items = _pack(7)
    root = proofs.root_of(items)
    assert proofs.is_whole(items, root)
    for wrong in (items[:-1], items[1:], [*items[1:], items[0]], [replace(items[0], commitment=b"x" * 32), *items[1:]]):
        assert not proofs.is_whole(wrong, root)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"v": 9}', b"\xff\xfe"])
def test_file_that_is_no_proof_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid, match="no proof"):
        proofs.parse_proof(data)
