"""Proof files that verify alone: an index, an audit path and a checkpoint (c2sp.org/tlog-proof@v1).

The leaf travels in the file's `extra` line, so that one file and the log's verifier key are all
that is needed to check that an event is on the record.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass

from clearinghouse.core.errors import Invalid
from clearinghouse.ledger.checkpoint import Checkpoint, verify_checkpoint
from clearinghouse.ledger.note import NoteVerifier
from clearinghouse.ledger.tree import HASH_BYTES, leaf_hash, verify_inclusion

_HEADER = "c2sp.org/tlog-proof@v1"
_PATH_MAX = 63  # RFC 6962 trees beyond 2^63 leaves do not exist


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """A proof file taken apart."""

    leaf: bytes
    index: int
    path: tuple[bytes, ...]
    checkpoint_note: str


def render_proof(proof: InclusionProof) -> str:
    """The text of a proof file."""
    lines = [_HEADER, f"extra {base64.b64encode(proof.leaf).decode()}", f"index {proof.index}"]
    lines += [base64.b64encode(hashed).decode() for hashed in proof.path]
    return "\n".join(lines) + "\n\n" + proof.checkpoint_note


def parse_proof(untrusted_text: str) -> InclusionProof:
    """The parts of a proof file; nothing is verified yet.

    Raises:
        Invalid: it has another form.
    """
    head, separator, note = untrusted_text.partition("\n\n")
    lines = head.split("\n")
    if not separator or lines[0] != _HEADER:
        raise Invalid(f"a proof file begins with the line {_HEADER!r} and holds an empty line before its checkpoint")
    rest = lines[1:]
    leaf = b""
    if rest and rest[0].startswith("extra "):
        leaf = _base64(rest.pop(0).removeprefix("extra "), "the extra line")
    if not rest or not rest[0].startswith("index ") or not _decimal(rest[0].removeprefix("index ")):
        raise Invalid("a proof file needs a line `index N` with a decimal number")
    index = int(rest.pop(0).removeprefix("index "))
    if len(rest) > _PATH_MAX:
        raise Invalid(f"a path of {len(rest)} hashes; at most {_PATH_MAX} can be right")
    path = tuple(_base64(line, f"path line {number}") for number, line in enumerate(rest, 1))
    if any(len(hashed) != HASH_BYTES for hashed in path):
        raise Invalid("every line of the path is 32 bytes in base64")
    return InclusionProof(leaf, index, path, note)


def verify_proof(untrusted_text: str, verifiers: Iterable[NoteVerifier]) -> tuple[InclusionProof, Checkpoint]:
    """The proof and the checkpoint it leads to, both verified.

    Raises:
        Invalid: wrong form or signature, or the path does not lead from the leaf to the signed root.
    """
    proof = parse_proof(untrusted_text)
    checkpoint = verify_checkpoint(proof.checkpoint_note, None, verifiers)
    if not verify_inclusion(leaf_hash(proof.leaf), proof.index, checkpoint.size, proof.path, checkpoint.root):
        raise Invalid(
            f"the path does not lead from leaf {proof.index} to the signed root of {checkpoint.size} leaves: "
            "leaf, index or path was altered"
        )
    return proof, checkpoint


def _decimal(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20 and (text == "0" or not text.startswith("0"))


def _base64(text: str, what: str) -> bytes:
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(f"{what} is no base64") from None
    if base64.b64encode(decoded).decode() != text:
        # One proof, one text: stray padding bits would let an altered file pass as the same.
        raise Invalid(f"{what} is no canonical base64")
    return decoded
