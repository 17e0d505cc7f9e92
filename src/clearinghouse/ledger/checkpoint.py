"""Checkpoints: size and root of the log at one moment, signed (c2sp.org/tlog-checkpoint)."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass

from clearinghouse.core.errors import Invalid
from clearinghouse.ledger.note import NoteSigner, NoteVerifier, sign_note, verify_note
from clearinghouse.ledger.tree import HASH_BYTES


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself."""

    origin: str
    size: int
    root: bytes

    def render(self) -> str:
        """The text that is signed: origin, size and root, a line each."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def sign_checkpoint(checkpoint: Checkpoint, signers: Iterable[NoteSigner]) -> str:
    """The checkpoint as a signed note."""
    return sign_note(checkpoint.render(), signers)


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint of a note's text; extension lines are allowed and ignored.

    Raises:
        Invalid: a line is missing or has another form.
    """
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0]:
        raise Invalid("a checkpoint has three lines: origin, size, and root in base64")
    if not lines[1].isascii() or not lines[1].isdigit() or (lines[1] != "0" and lines[1].startswith("0")):
        raise Invalid(f"the size of a checkpoint is a decimal number without leading zeros; found {lines[1][:30]!r}")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except (binascii.Error, ValueError):
        root = b""
    if len(root) != HASH_BYTES:
        raise Invalid("the root of a checkpoint is 32 bytes in base64")
    return Checkpoint(lines[0], int(lines[1]), root)


def verify_checkpoint(untrusted_note: str, origin: str | None, verifiers: Iterable[NoteVerifier]) -> Checkpoint:
    """The checkpoint of a note signed by one of the verifiers.

    Args:
        origin: the log it must be of; None takes any.
    Raises:
        Invalid: wrong form, signature or origin.
    """
    checkpoint = parse_checkpoint(verify_note(untrusted_note, verifiers))
    if origin is not None and checkpoint.origin != origin:
        raise Invalid(f"a checkpoint of the log {checkpoint.origin!r}; {origin!r} was expected")
    return checkpoint
