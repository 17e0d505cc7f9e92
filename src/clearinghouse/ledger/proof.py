"""Proof files that verify alone: an index, an audit path and a checkpoint (c2sp.org/tlog-proof@v1).

The leaf travels in the file's `extra` line, so that one file and the log's verifier key are all
that is needed to check that an event is on the record. A file of another log may come without it;
then the leaf is handed in.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from clearinghouse.core.errors import Invalid
from clearinghouse.ledger.checkpoint import Checkpoint, parse_number, verify_checkpoint
from clearinghouse.ledger.note import NoteVerifier, parse_base64
from clearinghouse.ledger.tree import HASH_BYTES, leaf_hash, verify_inclusion

_HEADER = "c2sp.org/tlog-proof@v1"
_TEXT_MAX = 1_000_000  # characters: a bound on what a parser of the format reads, not a policy
_PATH_MAX = 63  # RFC 6962 trees beyond 2^63 leaves do not exist


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """A proof file taken apart."""

    leaf: bytes
    """Empty where the file has no `extra` line."""
    index: int
    path: tuple[bytes, ...]
    checkpoint_note: str


def render_proof(proof: InclusionProof) -> str:
    """The text of a proof file."""
    lines = [_HEADER]
    if proof.leaf:
        lines.append(f"extra {base64.b64encode(proof.leaf).decode()}")
    lines.append(f"index {proof.index}")
    lines += [base64.b64encode(hashed).decode() for hashed in proof.path]
    return "\n".join(lines) + "\n\n" + proof.checkpoint_note


def parse_proof(untrusted_text: str) -> InclusionProof:
    """The parts of a proof file; nothing is verified yet.

    Raises:
        Invalid: it has another form.
    """
    if len(untrusted_text) > _TEXT_MAX:
        raise Invalid(f"a proof file of {len(untrusted_text)} characters is not read; at most {_TEXT_MAX}")
    head, separator, note = untrusted_text.partition("\n\n")
    lines = head.split("\n")
    if not separator or lines[0] != _HEADER:
        raise Invalid(f"a proof file begins with the line {_HEADER!r} and holds an empty line before its checkpoint")
    rest = lines[1:]
    leaf = b""
    if rest and rest[0].startswith("extra "):
        leaf = parse_base64(rest.pop(0).removeprefix("extra "), "the extra line")
        if not leaf:
            raise Invalid("the extra line is empty; where there is nothing to say it is left out")
    if not rest or not rest[0].startswith("index "):
        raise Invalid("a proof file needs a line `index N` after its first line, or after the `extra` line if there is one")
    index = parse_number(rest.pop(0).removeprefix("index "), "the index of a proof file")
    if len(rest) > _PATH_MAX:
        raise Invalid(f"a path of {len(rest)} hashes; at most {_PATH_MAX} can be right")
    path = tuple(parse_base64(line, f"path line {number}") for number, line in enumerate(rest, 1))
    if any(len(hashed) != HASH_BYTES for hashed in path):
        raise Invalid("every line of the path is 32 bytes in base64")
    return InclusionProof(leaf, index, path, note)


def verify_proof(
    untrusted_text: str, verifiers: Iterable[NoteVerifier], *, origin: str | None = None, leaf: bytes | None = None
) -> tuple[InclusionProof, Checkpoint]:
    """The proof and the checkpoint it leads to, both verified.

    Args:
        origin: the log it must be of; None takes any that the verifiers sign for.
        leaf: what must be on the record; None takes what the file says of itself.
    Raises:
        Invalid: wrong form, signature, origin or leaf, or the path does not lead from the leaf to the signed root.
    """
    proof = parse_proof(untrusted_text)
    checkpoint = verify_checkpoint(proof.checkpoint_note, origin, verifiers)
    if leaf is not None and proof.leaf and proof.leaf != leaf:
        raise Invalid(f"the proof file is of another leaf ({len(proof.leaf)} bytes) than the one handed in ({len(leaf)} bytes)")
    hashed = leaf_hash(proof.leaf if leaf is None else leaf)
    if not verify_inclusion(hashed, proof.index, checkpoint.size, proof.path, checkpoint.root):
        raise Invalid(
            f"the path does not lead from leaf {proof.index} to the signed root of {checkpoint.size} leaves: "
            + ("leaf, index or path was altered" if proof.leaf or leaf else "the file holds no leaf (no `extra` line), hand it in")
        )
    return proof, checkpoint
