"""Consistency files: that the log at one checkpoint continues the log at an older one, verified alone.

C2SP has a file for inclusion (tlog-proof) and none for this, so the form is ours and follows it:

    clearinghouse/consistency-proof@v1
    <hashes of the proof, base64, a line each, in the order of RFC 6962, 2.1.2>
    <empty line>
    <older checkpoint, verbatim>
    <empty line>
    <newer checkpoint, verbatim>

A checkpoint holds one empty line, before its signatures, so the parts cannot be confused.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from clearinghouse.core.errors import Invalid
from clearinghouse.ledger.checkpoint import Checkpoint, verify_checkpoint
from clearinghouse.ledger.note import NoteVerifier, parse_base64
from clearinghouse.ledger.tree import EMPTY_ROOT, HASH_BYTES, verify_consistency

_HEADER = "clearinghouse/consistency-proof@v1"
_TEXT_MAX = 2_000_000  # characters: a bound on what a parser of the format reads, not a policy
_PROOF_MAX = 64  # one hash for each level of a tree of 2^63 leaves, and one to start from


@dataclass(frozen=True, slots=True)
class ConsistencyFile:
    """A consistency file taken apart."""

    proof: tuple[bytes, ...]
    old_note: str
    new_note: str


def render_consistency(file: ConsistencyFile) -> str:
    """The text of a consistency file."""
    lines = [_HEADER, *(base64.b64encode(hashed).decode() for hashed in file.proof)]
    return "\n".join(lines) + "\n\n" + file.old_note + "\n" + file.new_note


def parse_consistency(untrusted_text: str) -> ConsistencyFile:
    """The parts of a consistency file; nothing is verified yet.

    Raises:
        Invalid: it has another form.
    """
    if len(untrusted_text) > _TEXT_MAX:
        raise Invalid(f"a consistency file of {len(untrusted_text)} characters is not read; at most {_TEXT_MAX}")
    head, *parts = untrusted_text.split("\n\n")
    header, *lines = head.split("\n")
    if header != _HEADER:
        raise Invalid(f"a consistency file begins with the line {_HEADER!r}")
    if len(parts) != 4:
        raise Invalid(f"a consistency file holds two checkpoints, which makes four empty lines; found {len(parts)}")
    if len(lines) > _PROOF_MAX:
        raise Invalid(f"a proof of {len(lines)} hashes; at most {_PROOF_MAX} can be right")
    proof = tuple(parse_base64(line, f"proof line {number}") for number, line in enumerate(lines, 1))
    if any(len(hashed) != HASH_BYTES for hashed in proof):
        raise Invalid("every line of the proof is 32 bytes in base64")
    old_text, old_signatures, new_text, new_signatures = parts
    return ConsistencyFile(proof, f"{old_text}\n\n{old_signatures}\n", f"{new_text}\n\n{new_signatures}")


def verify_consistency_file(
    untrusted_text: str, verifiers: Iterable[NoteVerifier], *, origin: str | None = None
) -> tuple[Checkpoint, Checkpoint]:
    """The older and the newer checkpoint, both signed, the newer proven to continue the older.

    Raises:
        Invalid: wrong form, signature or origin, or the proof does not lead from one root to the other.
    """
    file, keys = parse_consistency(untrusted_text), tuple(verifiers)
    old = verify_checkpoint(file.old_note, origin, keys)
    new = verify_checkpoint(file.new_note, old.origin, keys)
    if old.size == 0:
        # RFC 6962 has no proof from the empty tree, which every tree continues.
        continues = not file.proof and old.root == EMPTY_ROOT
    else:
        continues = verify_consistency(old.size, new.size, old.root, new.root, file.proof)
    if not continues:
        raise Invalid(
            f"the log at {new.size} leaves is not shown to continue the log at {old.size}: the proof was altered, "
            "or the log signed two histories"
        )
    return old, new
