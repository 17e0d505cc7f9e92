import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.errors import Invalid
from clearinghouse.ledger.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint, verify_checkpoint
from clearinghouse.ledger.note import Ed25519Signer, parse_note, sign_note

SIGNER = Ed25519Signer("ledger.example", bytes(range(32)))
ROOT = bytes(range(32))
ROOT_TEXT = base64.b64encode(ROOT).decode()
# The example of c2sp.org/tlog-checkpoint.
EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def test_published_checkpoint_is_read() -> None:
    text = parse_note(EXAMPLE).text
    checkpoint = parse_checkpoint(text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.render() == text


@given(
    st.text(st.characters(codec="utf-8", min_codepoint=32), min_size=1), st.integers(0, (1 << 63) - 1),
    st.binary(min_size=32, max_size=32),
)
def test_a_signed_checkpoint_reads_back(origin: str, size: int, root: bytes) -> None:
    checkpoint = Checkpoint(origin, size, root)
    assert verify_checkpoint(sign_checkpoint(checkpoint, [SIGNER]), origin, [SIGNER.verifier]) == checkpoint


def test_extension_lines_are_signed_and_ignored() -> None:
    note = sign_note(f"ledger.example\n5\n{ROOT_TEXT}\nextension\nanother\n", [SIGNER])
    assert verify_checkpoint(note, None, [SIGNER.verifier]) == Checkpoint("ledger.example", 5, ROOT)
    with pytest.raises(Invalid, match="does not fit the text"):
        verify_checkpoint(note.replace("another", "other"), None, [SIGNER.verifier])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "three or more lines, none empty"),
        ("ledger.example\n5\n", "three or more lines, none empty: origin, size, root in base64; found 2"),
        (f"\n5\n{ROOT_TEXT}\n", "three or more lines, none empty"),
        (f"ledger.example\n5\n{ROOT_TEXT}", "three or more lines"),
        (f"ledger.example\n5\n{ROOT_TEXT}\n\nextension\n", "three or more lines, none empty"),
        (f"ledger.example\n05\n{ROOT_TEXT}\n", "the size of a checkpoint is a decimal number without leading zeros.*found '05'"),
        (f"ledger.example\n-5\n{ROOT_TEXT}\n", "found '-5'"),
        (f"ledger.example\n+5\n{ROOT_TEXT}\n", "found '.5'"),
        (f"ledger.example\n\u0665\n{ROOT_TEXT}\n", "the size of a checkpoint"),
        (f"ledger.example\n\u00b2\n{ROOT_TEXT}\n", "the size of a checkpoint"),
        (f"ledger.example\n{1 << 63}\n{ROOT_TEXT}\n", "below 2\\^63"),
        (f"ledger.example\n{'9' * 100_000}\n{ROOT_TEXT}\n", "below 2\\^63"),
        ("ledger.example\n5\nAAAA\n", "the root of a checkpoint is 32 bytes in base64; found 3 bytes"),
        ("ledger.example\n5\nnone\u00e4\n", "the root of a checkpoint is no base64"),
        (f"ledger.example\n5\n{ROOT_TEXT[:-2]}9=\n", "the root of a checkpoint is no canonical base64"),
    ],
)
def test_checkpoint_of_another_form_is_refused(text: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        parse_checkpoint(text)


def test_origin_must_be_the_one_expected() -> None:
    note = sign_checkpoint(Checkpoint("ledger.example", 5, ROOT), [SIGNER])
    with pytest.raises(Invalid, match=r"a checkpoint of the log 'ledger\.example'; 'other\.example' was expected"):
        verify_checkpoint(note, "other.example", [SIGNER.verifier])


@pytest.mark.parametrize("origin", ["", f"ledger.example\n7\n{ROOT_TEXT}", "two\nlines"])
def test_origin_that_would_sign_something_else_is_refused(origin: str) -> None:
    with pytest.raises(Invalid):
        sign_checkpoint(Checkpoint(origin, 5, ROOT), [SIGNER])
