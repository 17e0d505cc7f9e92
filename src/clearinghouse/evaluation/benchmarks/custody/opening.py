"""Opening items: the record first, durably, and only then the key.

Whoever stops the process between the two leaves an exposure that was counted and an item that was not opened: the safe mistake.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from clearinghouse.core.errors import Invalid, NotFound, Unavailable
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, has_shape
from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.evaluation.benchmarks.custody import rules, store
from clearinghouse.evaluation.benchmarks.custody.actions import about_release
from clearinghouse.evaluation.benchmarks.custody.records import Exposure, Purpose, Release, ReleaseAsk
from clearinghouse.evaluation.benchmarks.packs import rules as pack_rules
from clearinghouse.evaluation.benchmarks.packs import store as pack_store
from clearinghouse.evaluation.benchmarks.packs.actions import share_digest
from clearinghouse.evaluation.benchmarks.packs.boxes import fingerprint, open_box
from clearinghouse.evaluation.benchmarks.packs.format import open_item
from clearinghouse.evaluation.benchmarks.packs.records import Pack, RetiredFor, SealedItem
from clearinghouse.evaluation.benchmarks.packs.sharing import combine
from clearinghouse.evaluation.benchmarks.records import Item
from clearinghouse.ledger import actions as ledger
from clearinghouse.storage import Database, Transaction

ITEMS_AT_ONCE_MAX = 1_000  # events of one transaction, and not a policy


@dataclass(frozen=True, slots=True)
class RunKey:
    """The key pair of one run: made by the process that will open items, and gone with it."""

    private: X25519PrivateKey = field(repr=False)

    @classmethod
    def generate(cls) -> "RunKey":
        """A fresh pair."""
        return cls(X25519PrivateKey.generate())

    @property
    def public(self) -> bytes:
        """What custodians put their shares in boxes for."""
        return self.private.public_key().public_bytes_raw()

    @property
    def fingerprint(self) -> str:
        """What the run shows and custodians compare."""
        return fingerprint(self.public)


def open_items(
    database: Database, ask_id: str, run_key: RunKey, item_ids: Sequence[str], *, actor: PartyId, policy: BenchmarkPolicy, now: datetime
) -> dict[str, Item]:
    """These items of the ask's pack, opened in this process; each was noted with its purpose before, and counted for its engagement.

    Raises:
        NotFound: there is no such ask of the actor, or it is not for this run's key, or an item is not in its pack.
        Conflict: the ask is over, too few custodians have released, or pack or item is retired.
        Invalid: nothing, or too much at once, was asked for.
        Unavailable: a share or an item was altered.
    """
    if not 0 < len(set(item_ids)) <= ITEMS_AT_ONCE_MAX:
        raise Invalid(f"1 to {ITEMS_AT_ONCE_MAX} items are opened at once; {len(set(item_ids))} were asked for")
    with database.write() as tx:
        ask, pack, releases = _released(tx, ask_id, run_key, actor, now)
        digests = _digests(tx, pack)
        if ask.purpose is Purpose.LEAK_SCAN:
            raise NotFound(f"nothing found under {ask_id[:40]!r}: for a leak scan, canaries are opened and no items")
        sealed = _locked(tx, pack, item_ids)
        _note(tx, ask, pack, sealed, actor, policy, now)
    # From here on the record stands; a pack key is put together for the length of this call.
    key = _pack_key(digests, ask, pack, releases, run_key)
    return {one.item.id: open_item(one.item.id, one.item_key, one.body, one.item.commitment, key)[0] for one in sealed}


def open_canaries(database: Database, ask_id: str, run_key: RunKey, *, actor: PartyId, now: datetime) -> dict[str, str]:
    """Canary to item id for a whole pack, for a leak scan: noted before; no engagement is counted, for no model is asked.

    Raises:
        NotFound: there is no such ask of the actor for a leak scan with this run's key.
        Conflict: the ask is over, or too few custodians have released.
        Unavailable: a share or an item was altered.
    """
    with database.write() as tx:
        ask, pack, releases = _released(tx, ask_id, run_key, actor, now)
        digests = _digests(tx, pack)
        if ask.purpose is not Purpose.LEAK_SCAN:
            raise NotFound(f"nothing found under {ask_id[:40]!r}: canaries are opened for a leak scan")
        # Retired items too: one that leaked is still looked for.
        sealed = pack_store.system_lock_items(tx, pack.id, pack_store.system_item_ids(tx, pack.id))
        details: dict[str, Detail] = {"purpose": str(ask.purpose), "items": len(sealed)}
        ledger.record(tx, Event("CanariesOpened", (ask.id, pack.id), details), actor=actor, now=now)
    key = _pack_key(digests, ask, pack, releases, run_key)
    return {open_item(one.item.id, one.item_key, one.body, one.item.commitment, key)[0].canary: one.item.id for one in sealed}


def _released(tx: Transaction, ask_id: str, run_key: RunKey, actor: PartyId, now: datetime) -> tuple[ReleaseAsk, Pack, list[Release]]:
    ask = store.system_ask(tx, ask_id) if has_shape(ask_id) else None
    if ask is None or ask.asked_by != actor or ask.recipient != run_key.public:
        raise NotFound(f"nothing found under {ask_id[:40]!r}")
    pack = pack_store.system_lock_pack(tx, ask.pack_id)
    assert pack is not None, "an ask names a pack that is kept"
    return ask, pack, rules.check_released(ask, pack, store.system_releases(tx, ask.id), now)


def _locked(tx: Transaction, pack: Pack, item_ids: Sequence[str]) -> list[SealedItem]:
    sealed = pack_store.system_lock_items(tx, pack.id, sorted(set(item_ids)))
    if missing := sorted(set(item_ids) - {one.item.id for one in sealed}):
        raise NotFound(f"nothing found under {missing[0][:40]!r} in this pack")
    return sealed


def _note(
    tx: Transaction, ask: ReleaseAsk, pack: Pack, sealed: Sequence[SealedItem], actor: PartyId, policy: BenchmarkPolicy, now: datetime
) -> None:
    counts = ask.purpose is Purpose.SEALED_RUN
    before = store.system_exposed(tx, [one.item.id for one in sealed], ask.review_id) if counts and ask.review_id else frozenset()
    events = []
    for one in sealed:
        item = one.item
        # An audit counts for no engagement; an item that engagements used up may still be audited.
        pack_rules.check_may_open(pack, item, seen_before=not counts or item.id in before, policy=policy)
        count = item.exposures
        if counts and item.id not in before:
            assert ask.review_id is not None, "a sealed run names its review"
            assert ask.run_id is not None, "a sealed run names itself"
            count += 1
            store.add_exposure(tx, Exposure(item.id, pack.id, ask.review_id, ask.run_id, now))
            pack_store.count_exposure(tx, item.id)
            if count >= policy.exposures_max and pack_store.retire_item(tx, item.id, RetiredFor.EXPOSURE, "", now, None):
                events.append(Event("PackItemRetired", (item.id, pack.id), {"for": str(RetiredFor.EXPOSURE)}))
        details: dict[str, Detail] = {
            "purpose": str(ask.purpose), "ask": ask.id, "run": ask.run_id, "review": ask.review_id, "exposures": count,
        }
        events.append(Event("ItemOpened", (item.id, pack.id), details))
    ledger.record_many(tx, events, actor=actor, now=now)


def _digests(tx: Transaction, pack: Pack) -> dict[int, bytes]:
    return {share.number: share.digest for share in pack_store.system_shares(tx, pack.id)}


def _pack_key(digests: dict[int, bytes], ask: ReleaseAsk, pack: Pack, releases: Sequence[Release], run_key: RunKey) -> bytes:
    shares: dict[int, bytes] = {}
    for release in releases:
        share = open_box(release.box, run_key.private, about_release(ask, release.number))
        if share_digest(pack.id, release.number, share) != digests.get(release.number):
            raise Unavailable(f"what custodian {release.party} released is not the share of this pack")
        shares[release.number] = share
    return combine(dict(list(shares.items())[: pack.threshold]))
