import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.errors import Invalid
from clearinghouse.ledger.note import (
    Ed25519Signer,
    Note,
    NoteVerifier,
    parse_base64,
    parse_note,
    parse_signer,
    parse_verifier,
    sign_note,
    verify_note,
)

# The example of the Go package in which the format began: keys, text and note.
PETER_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
# An example of c2sp.org/signed-note: a key and what it signed.
FOO = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOO_NOTE = (
    "This is an example message.\n\n"
    "\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# The example at the head of c2sp.org/signed-note: a text with an empty line in it (its key is not published there).
POEM = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned \u00e8 subito sera.\n"
POEM_NOTE = (
    POEM + "\n\u2014 quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
OURS = Ed25519Signer("ledger.example/one", bytes(range(32)))
OTHER = Ed25519Signer("ledger.example/two", bytes(32))


def test_published_key_signs_the_published_note() -> None:
    signer = parse_signer(PETER_SECRET)
    assert sign_note(PETER_TEXT, [signer]) == PETER_TEXT + "\n" + PETER_LINE
    assert signer.verifier.render() == PETER
    assert signer.render_secret() == PETER_SECRET


@pytest.mark.parametrize(("key", "note"), [(PETER, PETER_TEXT + "\n" + PETER_LINE), (FOO, FOO_NOTE)])
def test_published_notes_verify(key: str, note: str) -> None:
    assert verify_note(note, [parse_verifier(key)]) == note[: note.rindex("\n\n") + 1]


def test_text_may_hold_empty_lines() -> None:
    note = parse_note(POEM_NOTE)
    assert (note.text, note.signatures[0][:2]) == (POEM, ("quasimodo.example/salvatore", bytes.fromhex("367ba04b")))
    assert verify_note(sign_note(POEM, [OURS]), [OURS.verifier]) == POEM


def test_signatures_of_unknown_keys_are_ignored() -> None:
    """signed-note: verifiers MUST ignore signatures from unknown keys, even if they share a name or an id."""
    stranger = Ed25519Signer(OURS.name, bytes([7] * 32))
    note = sign_note(PETER_TEXT, [stranger, OTHER, OURS])
    assert verify_note(note, [OURS.verifier]) == PETER_TEXT
    with pytest.raises(Invalid, match=r"signed by ledger\.example/two .*, none of which is a key that was given: ledger\.example/one"):
        verify_note(sign_note(PETER_TEXT, [OTHER]), [OURS.verifier])


def test_wrong_signature_of_a_known_key_refuses_the_note() -> None:
    """signed-note: if a signature from a known key fails to verify, clients SHOULD reject the whole note."""
    good = sign_note(PETER_TEXT, [OTHER])
    blob = base64.b64encode(OURS.verifier.key_id + bytes(64)).decode()
    with pytest.raises(Invalid, match=r"the signature of ledger\.example/one does not fit the text"):
        verify_note(good + f"\u2014 {OURS.name} {blob}\n", [OURS.verifier, OTHER.verifier])


@given(st.integers(0, len(PETER_TEXT) - 1), st.characters(codec="utf-8"))
def test_altered_text_does_not_verify(place: int, character: str) -> None:
    altered = PETER_TEXT[:place] + character + PETER_TEXT[place + 1 :]
    if altered != PETER_TEXT:
        with pytest.raises(Invalid):
            verify_note(altered + "\n" + PETER_LINE, [parse_verifier(PETER)])


@given(st.integers(2, len(PETER_LINE) - 2), st.sampled_from("ABCDEfgh019+/= \n"))
def test_altered_signature_line_does_not_verify(place: int, character: str) -> None:
    altered = PETER_LINE[:place] + character + PETER_LINE[place + 1 :]
    if altered != PETER_LINE:
        with pytest.raises(Invalid):
            verify_note(PETER_TEXT + "\n" + altered, [parse_verifier(PETER)])


@pytest.mark.parametrize(
    ("note", "message"),
    [
        ("", "a text, an empty line and one or more signature lines"),
        ("text\n", "a text, an empty line and one or more signature lines"),
        (PETER_TEXT + PETER_LINE, "a text, an empty line and one or more signature lines"),
        (PETER_TEXT + "\n" + PETER_LINE[:-1], "a text, an empty line and one or more signature lines"),
        (PETER_TEXT + "\n- PeterNeumann AAAAAAAA\n", "a signature line reads `\u2014 name base64`; found '- PeterNeumann"),
        (PETER_TEXT + "\n\u2014 Peter+Neumann AAAAAAAA\n", "a signature line reads"),
        (PETER_TEXT + "\n\u2014  AAAAAAAA\n", "a signature line reads"),
        (PETER_TEXT + "\n\u2014 Peter\u00a0Neumann AAAAAAAA\n", "a signature line reads"),
        (PETER_TEXT + "\n\u2014 PeterNeumann AAA*AAAA\n", "the signature of PeterNeumann is no base64"),
        (PETER_TEXT + "\n\u2014 PeterNeumann AAAAAAB=\n", "the signature of PeterNeumann is no canonical base64"),
        (PETER_TEXT + "\n\u2014 PeterNeumann AAAAAAA\u00e4\n", "the signature of PeterNeumann is no base64"),
        (PETER_TEXT + "\n\u2014 PeterNeumann AAAA\n", "is 3 bytes long; 5 or more"),
        (PETER_TEXT + "\r\n\n" + PETER_LINE, r"no control character but the line feed; found U\+000D"),
        ("\x00\n\n" + PETER_LINE, r"found U\+0000 at 0"),
        ("\ud800\n\n" + PETER_LINE, r"found U\+D800 at 0"),
        (PETER_TEXT + "\n" + PETER_LINE * 101, "101 signatures; at most 100 are read"),
        ("x" * 1_000_001, "a note of 1000001 characters is not read"),
    ],
)
def test_note_of_another_form_is_refused(note: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        parse_note(note)


def test_sixteen_signatures_are_read() -> None:
    """signed-note: verifiers MUST accept at least up to 16 signatures."""
    signers = [Ed25519Signer(f"ledger.example/{number}", bytes([number] * 32)) for number in range(16)]
    note = parse_note(sign_note(PETER_TEXT, signers))
    assert [name for name, _, _ in note.signatures] == [signer.name for signer in signers]


@given(st.text(st.characters(codec="utf-8", min_codepoint=32), min_size=1).map(lambda text: text + "\n"))
def test_a_signed_text_reads_back(text: str) -> None:
    note = sign_note(text, [OURS])
    signature = OURS.sign(text.encode())
    assert parse_note(note) == Note(text, ((OURS.name, OURS.verifier.key_id, signature),))
    assert verify_note(note, [OURS.verifier]) == text


@pytest.mark.parametrize("text", ["", "no line feed", "tab\t\n", "\ud800\n"])
def test_text_that_cannot_be_signed(text: str) -> None:
    with pytest.raises(Invalid, match="the text of a note ends with a line feed and holds no other control characters"):
        sign_note(text, [OURS])


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\nb", "a\x00b"])
def test_name_that_could_not_be_read_back(name: str) -> None:
    with pytest.raises(Invalid, match="the name of a key is not empty and holds no spaces"):
        sign_note(PETER_TEXT, [Ed25519Signer(name, bytes(32))])


def test_note_that_nobody_signs() -> None:
    with pytest.raises(Invalid, match="a note needs one signer or more"):
        sign_note(PETER_TEXT, [])


@pytest.mark.parametrize("parse", [parse_verifier, parse_signer])
@given(data=st.data())
def test_altered_keys_are_refused(parse: object, data: st.DataObject) -> None:
    """Any one character of a key text altered is found: by its form, or by its hash."""
    text, read = (PETER, parse_verifier) if parse is parse_verifier else (PETER_SECRET, parse_signer)
    place = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.sampled_from("Aa0+/=\u2014\x00\ud800").filter(lambda other: other != text[place]))
    with pytest.raises(Invalid):
        read(text[:place] + character + text[place + 1 :])


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "has the form name\\+hash\\+base64 .*; found 1 parts"),
        ("PeterNeumann+c74f20a3", "found 2 parts"),
        ("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==", "no canonical base64"),
        ("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "only Ed25519 keys are read"),
        ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "the key's hash is c74f20a3, the text says 'c74f20a4'"),
    ],
)
def test_verifier_key_of_another_form_is_refused(key: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        parse_verifier(key)


def test_signer_key_is_no_verifier_key() -> None:
    with pytest.raises(Invalid, match=r"a signer key has the form PRIVATE\+KEY\+name\+hash\+base64; it does not begin so"):
        parse_signer(PETER)
    with pytest.raises(Invalid):
        parse_verifier(PETER_SECRET)


def test_signer_does_not_show_its_seed() -> None:
    assert repr(OURS) == "Ed25519Signer(name='ledger.example/one')"


def test_verifier_with_a_key_that_is_none_verifies_nothing() -> None:
    assert not NoteVerifier("ledger.example", b"short").verify(b"text", bytes(64))


@given(st.binary())
def test_base64_has_one_spelling(data: bytes) -> None:
    text = base64.b64encode(data).decode()
    assert parse_base64(text, "it") == data
    for altered in (text + "=", text + "\n", " " + text, text.replace("=", "", 1) if "=" in text else text + "A"):
        with pytest.raises(Invalid, match="it is no"):
            parse_base64(altered, "it")
