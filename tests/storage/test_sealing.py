"""Sealing: what opens, what does not, and what a stolen part reveals."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.errors import Unavailable
from clearinghouse.storage.sealing import Envelope, SealedBody, create_key_file, key_id, read_envelope

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


@given(st.binary(max_size=200), st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable()))
def test_sealed_body_opens_to_what_was_sealed(plain: bytes, about: str) -> None:
    assert Envelope(KEY).open(Envelope(KEY).seal(plain, about), about) == plain


def test_same_body_never_looks_the_same() -> None:
    envelope = Envelope(KEY)
    assert envelope.seal(b"text", "a").body != envelope.seal(b"text", "a").body


@pytest.mark.parametrize("position", [0, 13, -1])
def test_altered_body_does_not_open(position: int) -> None:
    sealed = Envelope(KEY).seal(b"some text", "rep_1")
    body = bytearray(sealed.body)
    body[position] ^= 1
    with pytest.raises(Unavailable, match="altered"):
        Envelope(KEY).open(SealedBody(sealed.wrapped_key, bytes(body)), "rep_1")


def test_body_does_not_open_under_another_id() -> None:
    sealed = Envelope(KEY).seal(b"some text", "rep_1")
    with pytest.raises(Unavailable, match="rep_2"):
        Envelope(KEY).open(sealed, "rep_2")


def test_other_instance_key_is_named_by_id_only() -> None:
    sealed = Envelope(KEY).seal(b"some text", "rep_1")
    with pytest.raises(Unavailable, match=key_id(KEY).hex()):
        Envelope(OTHER).open(sealed, "rep_1")


def test_rotated_key_still_opens_and_keeps_the_index() -> None:
    sealed = Envelope(KEY).seal(b"some text", "rep_1")
    rotated = Envelope(OTHER, {key_id(KEY): KEY})
    assert rotated.open(sealed, "rep_1") == b"some text"
    assert rotated.index_key() == Envelope(KEY).index_key()


def test_destroyed_key_says_so() -> None:
    sealed = Envelope(KEY).seal(b"some text", "rep_1")
    with pytest.raises(Unavailable, match="erased"):
        Envelope(KEY).open(SealedBody(b"", sealed.body), "rep_1")


def test_key_file_is_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "instance.key"
    create_key_file(path)
    first = path.read_text()
    create_key_file(path)
    assert (path.read_text(), path.stat().st_mode & 0o777) == (first, 0o600)
    assert len(read_envelope(path).current) == 32


@pytest.mark.parametrize("content", ["", "zz", "00" * 31, "00" * 32 + "\nzz"])
def test_damaged_key_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "instance.key"
    path.write_text(content)
    with pytest.raises(Unavailable, match="64 hexadecimal"):
        read_envelope(path)
