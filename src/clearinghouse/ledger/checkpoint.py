"""Checkpoints: size and root of the log at one moment, signed (c2sp.org/tlog-checkpoint)."""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass

from clearinghouse.core.errors import Invalid
from clearinghouse.ledger.note import NoteSigner, NoteVerifier, parse_base64, sign_note, verify_note
from clearinghouse.ledger.tree import HASH_BYTES

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")

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
    """The checkpoint as a signed note.

    Raises:
        Invalid: the origin is empty or of several lines, or a signer's name could not be read back.
    """
    # Read back first: an origin with a line feed would sign another size and root than these.
    if parse_checkpoint(checkpoint.render()) != checkpoint:
        raise Invalid(f"the origin of a log is one line of text; found {checkpoint.origin!r}")
    return sign_note(checkpoint.render(), signers)


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint of a note's text; extension lines are allowed and ignored, empty ones are not.

    Raises:
        Invalid: a line is missing or has another form.
    """
    *lines, end = text.split("\n")
    if len(lines) < 3 or end or not all(lines):
        raise Invalid(f"a checkpoint has three or more lines, none empty: origin, size, root in base64; found {len(lines)}")
    size = parse_number(lines[1], "the size of a checkpoint")
    root = parse_base64(lines[2], "the root of a checkpoint")
    if len(root) != HASH_BYTES:
        raise Invalid(f"the root of a checkpoint is 32 bytes in base64; found {len(root)} bytes")
    return Checkpoint(lines[0], size, root)


def parse_number(untrusted_text: str, what: str) -> int:
    """A size or an index: ASCII decimal without leading zeros, below 2^63.

    Raises:
        Invalid: it has another form; the message begins with `what`.
    """
    # The length goes first: a number of a million digits is refused before it is read.
    if not _DECIMAL.fullmatch(untrusted_text) or int(untrusted_text) >= 1 << 63:
        raise Invalid(f"{what} is a decimal number without leading zeros, below 2^63; found {untrusted_text[:30]!r}")
    return int(untrusted_text)


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
