"""Verifying a whole log offline: its leaves in order against a signed checkpoint, in constant memory.

Needs the leaves, the checkpoint and the log's verifier key; no database and no tiles. A proof file
alone is verified by `proof.verify_proof`, two checkpoints by `consistency.verify_consistency_file`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from clearinghouse.core.errors import Invalid
from clearinghouse.ledger.checkpoint import Checkpoint, verify_checkpoint
from clearinghouse.ledger.note import NoteVerifier
from clearinghouse.ledger.tree import CompactRange


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification that succeeded has shown."""

    checkpoint: Checkpoint
    """The leaves up to its size are exactly those that were signed, in that order."""
    leaves_beyond: int
    """Leaves that came after those: the checkpoint says nothing of them."""


def verify_log(
    untrusted_leaves: Iterable[bytes], untrusted_note: str, verifiers: Iterable[NoteVerifier], *, origin: str | None = None
) -> Verdict:
    """That these are the leaves a checkpoint was signed for; they are read once and not kept.

    Raises:
        Invalid: wrong form, signature or origin, too few leaves, or other leaves than those signed.
    """
    signed = verify_checkpoint(untrusted_note, origin, verifiers)
    read, beyond = CompactRange(), 0
    for leaf in untrusted_leaves:
        if read.size < signed.size:
            read.append(leaf)
        else:
            beyond += 1
    if read.size < signed.size:
        raise Invalid(f"the checkpoint was signed for {signed.size} leaves; only {read.size} were handed in")
    if read.root() != signed.root:
        raise Invalid(
            f"the {signed.size} leaves have the root {read.root().hex()[:16]}..., {signed.root.hex()[:16]}... was signed: "
            "a leaf was altered, left out, added or moved"
        )
    return Verdict(signed, beyond)
