"""The oblivious protocol: RFC 9497's own vectors, what a transcript gives away, and what an answer must prove."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from voprf import ristretto

from clearinghouse.core.errors import Invalid
from clearinghouse.disclosure.deconfliction.blind.protocol import TAG_BYTES, Asker, Holder, pack_tags, unpack_tags

SEED, EPOCH, SIZE = bytes(range(32)), "bep_" + "a" * 26, 16


def test_library_gives_the_vectors_of_the_standard() -> None:
    """RFC 9497, A.1.2: ristretto255-SHA512, mode VOPRF."""
    evaluator = ristretto.Evaluator.from_seed(b"\xa3" * 32, b"test key")
    assert bytes(evaluator.public_key.serialize()).hex() == "c803e2cc6b05fc15064549b5920659ca4a77b2cca6f04f6b357009335476ad4e"
    assert bytes(evaluator.evaluate_known_input(b"\0")).hex() == (
        "b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7da4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c"
    )


@settings(max_examples=15, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=60), unique=True, max_size=SIZE), st.sets(st.integers(0, SIZE - 1)))
def test_asker_finds_what_is_held_and_nothing_else(forms: list[bytes], chosen: set[int]) -> None:
    holder = Holder(SEED, EPOCH)
    held = [form for place, form in enumerate(forms) if place in chosen]
    published = unpack_tags(pack_tags([holder.tag(form) for form in [*held, b"something else"]], 64))
    asker = Asker(forms, SIZE)
    tags = asker.finalize(holder.evaluate(asker.elements), holder.public_key)
    assert [tag in published for tag in tags] == [form in held for form in forms]


def test_transcript_tells_the_holder_a_size_and_nothing_of_the_forms() -> None:
    """With the key and every guess at hand, nothing that went over the wire can be laid beside a guess; twice the same is never the same."""
    holder = Holder(SEED, EPOCH)
    forms = [b"clearinghouse/fingerprint/v1|function|libtiff|strip_read"]
    asked = [Asker(forms, SIZE), Asker(forms, SIZE), Asker([], SIZE), Asker([b"x"] * SIZE, SIZE)]
    assert {len(each.elements) for each in asked} == {SIZE}
    assert {len(element) for each in asked for element in each.elements} == {32}
    assert len({element for each in asked for element in each.elements}) == len(asked) * SIZE
    outputs = [holder.evaluate(each.elements) for each in asked]
    assert len({len(output) for output in outputs}) == 1
    wire = b"".join(element for each in asked for element in each.elements) + b"".join(outputs)
    evaluator = ristretto.Evaluator.from_seed(SEED, b"clearinghouse/blind-check/v1\0" + EPOCH.encode())
    for guess in [*forms, b"clearinghouse/fingerprint/v1|function|libtiff|gif_frame"]:
        told = [holder.tag(guess), bytes(evaluator.evaluate_known_input(guess)), hashlib.sha512(guess).digest(), hashlib.sha256(guess).digest(), guess]
        assert not [each for each in told if each in wire or each[:8] in wire]


def test_published_set_tells_the_asker_nothing_without_the_key() -> None:
    """Tags are no function of the form that anybody without the key can compute, and their number comes in steps."""
    holder, other = Holder(SEED, EPOCH), Holder(SEED, "bep_" + "b" * 26)
    forms = [f"form {number}".encode() for number in range(100)]
    published = pack_tags([holder.tag(form) for form in forms], 64)
    assert len(published) == 128 * TAG_BYTES
    assert len(pack_tags([], 64)) == len(pack_tags([b"a" * 16] * 1, 64)) == len(pack_tags([holder.tag(form) for form in forms[:64]], 64)) == 64 * TAG_BYTES
    tags = unpack_tags(published)
    for form in forms:
        guesses = [hashlib.new(name, form).digest()[:TAG_BYTES] for name in ("sha256", "sha512", "sha3_256")]
        assert not tags & {*guesses, other.tag(form), form[:TAG_BYTES]}
    assert published != pack_tags([holder.tag(form) for form in forms], 64), "what fills it up is drawn anew"


def test_answer_under_another_key_is_refused() -> None:
    """A key of one's own for each asker would tell the holder who asked what."""
    asker = Asker([b"form"], SIZE)
    output = Holder(b"\x01" * 32, EPOCH).evaluate(asker.elements)
    with pytest.raises(Invalid, match="does not verify"):
        asker.finalize(output, Holder(SEED, EPOCH).public_key)


@pytest.mark.parametrize("spoil", [lambda output: b"", lambda output: output[:-1], lambda output: output[::-1], lambda output: bytes(len(output)),
                                   lambda output: output + output])
def test_spoiled_answer_is_refused(spoil: object) -> None:
    asker, holder = Asker([b"form"], SIZE), Holder(SEED, EPOCH)
    output = holder.evaluate(asker.elements)
    assert callable(spoil)
    with pytest.raises(Invalid, match="does not verify"):
        asker.finalize(spoil(output), holder.public_key)


def test_answer_to_somebody_elses_batch_is_refused() -> None:
    holder = Holder(SEED, EPOCH)
    one, other = Asker([b"form"], SIZE), Asker([b"form"], SIZE)
    with pytest.raises(Invalid, match="does not verify"):
        one.finalize(holder.evaluate(other.elements), holder.public_key)


@pytest.mark.parametrize("element", [b"", bytes(32), b"\xff" * 32, b"x" * 31, b"x" * 33, bytes(31) + b"\x80"])
def test_element_that_is_no_point_is_refused(element: bytes) -> None:
    with pytest.raises(Invalid):
        Holder(SEED, EPOCH).evaluate([element])
    with pytest.raises(Invalid, match="asks nothing"):
        Holder(SEED, EPOCH).evaluate([])


def test_more_forms_than_a_batch_holds_are_refused() -> None:
    with pytest.raises(Invalid, match="do not fit"):
        Asker([b"x"] * (SIZE + 1), SIZE)


def test_set_of_another_length_is_refused() -> None:
    with pytest.raises(Invalid, match="16 bytes for each"):
        unpack_tags(b"x" * 17)
