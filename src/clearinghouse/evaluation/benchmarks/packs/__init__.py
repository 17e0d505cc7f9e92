"""Sealed packs: items encrypted singly, the pack's key split among custodians, and a root on the ledger that the pack can be held against.

Belongs here: the format of an item in a pack, splitting and boxes, sealing, retiring, proofs, practice packs in the clear. Does not belong here: who
releases a share and for what (`custody/`), where items come from (`suites/`), what is done with an opened one (`running/`).
"""

from clearinghouse.evaluation.benchmarks.packs.records import (
    CustodianKey,
    Pack,
    PackedItem,
    RetiredFor,
    SealedItem,
    SealedShare,
)

__all__ = ["CustodianKey", "Pack", "PackedItem", "RetiredFor", "SealedItem", "SealedShare"]
