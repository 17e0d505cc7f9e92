"""Sealing a pack, retiring one or an item of it, and proving what was in it."""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PackId, PartyId, has_shape, new_id
from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.evaluation.benchmarks.packs import proofs, rules, store
from clearinghouse.evaluation.benchmarks.packs.boxes import KEY_BYTES, put_in_box
from clearinghouse.evaluation.benchmarks.packs.format import seal_item
from clearinghouse.evaluation.benchmarks.packs.records import (
    CustodianKey,
    Made,
    Pack,
    PackedItem,
    RetiredFor,
    SealedItem,
    SealedShare,
)
from clearinghouse.evaluation.benchmarks.packs.sharing import split
from clearinghouse.evaluation.benchmarks.records import Item
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties import rules as party_rules
from clearinghouse.parties import store as party_store
from clearinghouse.parties.records import Basis, Grant
from clearinghouse.storage import Envelope, Transaction


def about_share(pack_id: str, number: int) -> str:
    """What the box of a share is about."""
    return f"{pack_id}/share/{number}"


def share_digest(pack_id: str, number: int, share: bytes) -> bytes:
    """What a share is known by."""
    return hashlib.sha256(b"clearinghouse/share/v1\0" + about_share(pack_id, number).encode() + b"\0" + share).digest()


def seal_pack(
    tx: Transaction, items: Sequence[Item], untrusted_name: str, custodians: Sequence[CustodianKey], threshold: int, *, actor: PartyId,
    policy: BenchmarkPolicy, now: datetime,
) -> Made:
    """A pack that is opened by so many of its custodians together, and its root on the ledger.

    Items get new random ids, in a random order of places; the pack's key is not kept anywhere but in the custodians' boxes.

    Args:
        items: as a suite or an author made them; who holds them now holds them still, and answers for that.
    Raises:
        NotPermitted: the actor may not seal, or somebody may hold no share.
        Invalid: the name, the items, or the split is not as it must be.
    """
    rules.check_may_seal(parties.get_party(tx, actor))
    rules.check_items(items)
    rules.check_custodians(custodians, [parties.get_party(tx, key.party) for key in custodians], threshold, policy)
    name = rules.parse_pack_name(untrusted_name)
    pack_id, pack_key = PackId(new_id("pck")), secrets.token_bytes(KEY_BYTES)
    order = list(items)
    secrets.SystemRandom().shuffle(order)
    ids, sealed = {}, []
    for place, item in enumerate(order):
        ids[item.id] = new_id("itm")
        item_key, body, commitment = seal_item(replace(item, id=ids[item.id]), pack_key)
        sealed.append(SealedItem(PackedItem(ids[item.id], pack_id, place, item.family, item.domain, commitment), item_key, body))
    shares = []
    for (number, share), key in zip(split(pack_key, len(custodians), threshold).items(), custodians, strict=True):
        box = put_in_box(share, key.public_key, about_share(pack_id, number))
        shares.append(SealedShare(pack_id, key.party, number, key.id, box, share_digest(pack_id, number, share)))
    root = proofs.root_of([one.item for one in sealed])
    version = store.newest_version(tx, name) + 1
    made = Made(Pack(pack_id, name, version, now, actor, root, len(sealed), threshold, len(shares)), tuple(sealed), tuple(shares), ids)
    store.add_pack(tx, made)
    party_store.add_grants(tx, _grants(tx, made, actor, now))
    details: dict[str, Detail] = {
        "root": root.hex(), "items": len(sealed), "threshold": threshold, "custodians": [share.party for share in shares],
    }
    ledger.record(tx, Event("PackSealed", (pack_id,), details), actor=actor, now=now)
    return made


def retire_pack(tx: Transaction, pack_id: str, untrusted_reason: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> None:
    """Open a pack no more.

    Raises:
        NotFound: there is none that the actor may know of.
        NotPermitted: the actor may not retire packs.
        Invalid: no reason is given.
        Conflict: it was retired before.
    """
    rules.check_may_seal(parties.get_party(tx, actor))
    pack = find(tx, pack_id, viewer=actor, now=now)
    if not store.retire_pack(tx, pack.id, RetiredFor.PERSON, party_rules.parse_reason(untrusted_reason), now, envelope):
        raise Conflict(f"pack {pack.id} was retired before")
    ledger.record(tx, Event("PackRetired", (pack.id,), {"for": str(RetiredFor.PERSON)}), actor=actor, now=now)


def retire_items(
    tx: Transaction, item_ids: Collection[str], why: RetiredFor, untrusted_reason: str, *, actor: PartyId, envelope: Envelope, now: datetime
) -> int:
    """Open these items no more, because they leaked or somebody says so; gives how many were not retired before.

    Raises:
        NotFound: one is in no pack that the actor may know of.
        NotPermitted: the actor may not retire items.
        Invalid: no reason is given, or none of a person's kind.
    """
    rules.check_may_seal(parties.get_party(tx, actor))
    if why is RetiredFor.EXPOSURE:
        raise Invalid("an item is retired for exposure by being opened, not by hand")
    reason, done = party_rules.parse_reason(untrusted_reason), 0
    for item_id in sorted(item_ids):
        pack_id = store.find_pack_of(tx, item_id, viewer=actor, now=now) if has_shape(item_id) else None
        if pack_id is None:
            raise _nothing_found(item_id)
        if store.retire_item(tx, item_id, why, reason, now, envelope):
            ledger.record(tx, Event("PackItemRetired", (item_id, pack_id), {"for": str(why)}), actor=actor, now=now)
            done += 1
    return done


def find(tx: Transaction, pack_id: str, *, viewer: PartyId, now: datetime) -> Pack:
    """A pack that the viewer may know of.

    Raises:
        NotFound: there is none.
    """
    found = store.find_pack(tx, pack_id, viewer=viewer, now=now) if has_shape(pack_id) else None
    if found is None:
        raise _nothing_found(pack_id)
    return found


def prove(tx: Transaction, item_id: str, *, viewer: PartyId, now: datetime) -> proofs.Proof:
    """That an item is in a pack, without a word of the item: verifies with the root that `PackSealed` put on the ledger.

    Raises:
        NotFound: there is no such item in a pack that the viewer may know of.
    """
    pack_id = store.find_pack_of(tx, item_id, viewer=viewer, now=now) if has_shape(item_id) else None
    if pack_id is None:
        raise _nothing_found(item_id)
    return proofs.prove_item(store.list_items(tx, pack_id, viewer=viewer, now=now), item_id)


def allow_reading(tx: Transaction, pack_id: str, party: PartyId, *, until: datetime | None, actor: PartyId, now: datetime) -> None:
    """Let another party know of a pack: name, counts, families and root, so that it can plan with it; no item opens by that.

    Raises:
        NotFound: there is no such pack that the actor may know of, or no such party.
        NotPermitted: the actor may not seal packs, or the party acts for a developer of models.
    """
    rules.check_may_seal(parties.get_party(tx, actor))
    pack = find(tx, pack_id, viewer=actor, now=now)
    rules.check_may_seal(parties.get_party(tx, party))
    party_store.add_grants(tx, [Grant(pack.id, party, Basis.PARTICIPANT, until, None, actor, now)])
    ledger.record(tx, Event("PackShown", (pack.id, party)), actor=actor, now=now)


def _grants(tx: Transaction, made: Made, actor: PartyId, now: datetime) -> list[Grant]:
    """Who knows that a pack exists: who sealed it, and its custodians."""
    return [Grant(made.pack.id, party, Basis.PARTICIPANT, None, None, actor, now) for party in sorted({actor, *(share.party for share in made.shares)})]


def _nothing_found(untrusted_id: str) -> NotFound:
    return NotFound(f"nothing found under {untrusted_id[:40]!r}")
