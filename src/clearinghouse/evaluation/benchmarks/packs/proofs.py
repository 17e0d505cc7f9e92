"""That an item was in a pack, or that a pack is the committed one: files that verify against the root on the ledger, and nothing else.

The tree is that of RFC 6962. A leaf is canonical JSON of the pack's id, the item's place and id, and the commitment to the item; a proof without the
item tells no word of it, one with the item and its salt shows that the item itself was committed to.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import rfc8785

from clearinghouse.core.errors import Invalid, NotFound
from clearinghouse.evaluation.benchmarks.packs.format import commitment_of
from clearinghouse.evaluation.benchmarks.packs.records import PackedItem
from clearinghouse.ledger import tree

FORMAT = 1
_PROOF_BYTES_MAX = 200_000_000
_PATH_MAX = 64


@dataclass(frozen=True, slots=True)
class Proof:
    """That an item is at its place in a pack."""

    pack_id: str
    root: bytes
    size: int
    place: int
    item_id: str
    commitment: bytes
    path: tuple[bytes, ...]
    salt: bytes = field(default=b"", repr=False)
    item: bytes = field(default=b"", repr=False)
    """As `format.render_item` writes it; empty where the proof shows the commitment alone."""


def leaf_of(pack_id: str, place: int, item_id: str, commitment: bytes) -> bytes:
    """The leaf of an item."""
    return rfc8785.dumps({"v": FORMAT, "pack": pack_id, "place": place, "item": item_id, "commitment": commitment.hex()})


def root_of(items: Sequence[PackedItem]) -> bytes:
    """The root over a whole pack, its items in their order."""
    whole = tree.CompactRange()
    for item in items:
        whole.append(leaf_of(item.pack_id, item.place, item.id, item.commitment))
    return whole.root()


def is_whole(items: Sequence[PackedItem], root: bytes) -> bool:
    """Whether these are all the items of the committed pack, in their order and none other."""
    return [item.place for item in items] == list(range(len(items))) and root_of(items) == root


def prove_item(items: Sequence[PackedItem], item_id: str, *, salt: bytes = b"", item: bytes = b"") -> Proof:
    """The proof for one item of a whole pack.

    Raises:
        NotFound: it is not in the pack.
    """
    found = next((one for one in items if one.id == item_id), None)
    if found is None:
        raise NotFound(f"{item_id[:40]!r} is no item of this pack")
    hashes = [tree.leaf_hash(leaf_of(one.pack_id, one.place, one.id, one.commitment)) for one in items]
    tiles = tree.extend(lambda level, number: b"", 0, hashes)
    path = tree.inclusion_proof(lambda level, number: tiles.get((level, number), b""), found.place, len(items))
    return Proof(found.pack_id, root_of(items), len(items), found.place, found.id, found.commitment, tuple(path), salt, item)


def verify_proof(proof: Proof, root: bytes) -> bool:
    """Whether a proof holds against the root that stands on the ledger, and the item in it, if any, is the committed one."""
    leaf = tree.leaf_hash(leaf_of(proof.pack_id, proof.place, proof.item_id, proof.commitment))
    if proof.root != root or not tree.verify_inclusion(leaf, proof.place, proof.size, proof.path, root):
        return False
    return not proof.item or commitment_of(proof.salt, proof.item) == proof.commitment


def render_proof(proof: Proof) -> bytes:
    """A proof as a file."""
    return json.dumps({
        "v": FORMAT, "pack": proof.pack_id, "root": proof.root.hex(), "size": proof.size, "place": proof.place, "item": proof.item_id,
        "commitment": proof.commitment.hex(), "path": [hashed.hex() for hashed in proof.path], "salt": proof.salt.hex(),
        "content": base64.b64encode(proof.item).decode(),
    }, indent=1).encode() + b"\n"


def parse_proof(untrusted_bytes: bytes) -> Proof:
    """The proof of a file.

    Raises:
        Invalid: it is none.
    """
    wrong = Invalid("this file is no proof that an item was in a pack")
    if len(untrusted_bytes) > _PROOF_BYTES_MAX:
        raise wrong
    try:
        read = json.loads(untrusted_bytes)
        path = tuple(bytes.fromhex(hashed) for hashed in read["path"])
        numbers = (read["size"], read["place"])
        right = read["v"] == FORMAT and len(path) <= _PATH_MAX and all(type(number) is int for number in numbers)
        proof = Proof(
            str(read["pack"]), bytes.fromhex(read["root"]), *numbers, str(read["item"]), bytes.fromhex(read["commitment"]), path,
            bytes.fromhex(read["salt"]), base64.b64decode(read["content"], validate=True),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, RecursionError):
        raise wrong from None
    if not right:
        raise wrong
    return proof
