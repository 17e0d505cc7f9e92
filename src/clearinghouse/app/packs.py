"""Packs and custody as one person uses them: sealing what suites make, asking, releasing, opening for a scan, retiring."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict, NotFound
from clearinghouse.core.ids import PartyId
from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.evaluation.benchmarks.custody import Purpose, Release, ReleaseAsk, RunKey, open_canaries
from clearinghouse.evaluation.benchmarks.custody import actions as custody
from clearinghouse.evaluation.benchmarks.custody import store as custody_store
from clearinghouse.evaluation.benchmarks.grading import ControlFailure, check_controls
from clearinghouse.evaluation.benchmarks.packs import CustodianKey, Pack, PackedItem, RetiredFor
from clearinghouse.evaluation.benchmarks.packs import actions as packs
from clearinghouse.evaluation.benchmarks.packs import store as pack_store
from clearinghouse.evaluation.benchmarks.packs.boxes import create_private_key, read_private_key
from clearinghouse.evaluation.benchmarks.packs.proofs import Proof
from clearinghouse.evaluation.benchmarks.records import Item
from clearinghouse.evaluation.benchmarks.scanning import Canaries, Scan, scan_paths
from clearinghouse.evaluation.benchmarks.suites import Suite
from clearinghouse.sandbox import Sandbox

SEED_BITS = 256

Progress = Callable[[int, int], None]


def check_all(
    items: Sequence[Item], sandbox: Sandbox, policy: BenchmarkPolicy, progress: Progress = lambda done, of: None
) -> Iterator[tuple[Item, tuple[ControlFailure, ...]]]:
    """Each item with the controls that failed, in their order; as many at once as the sandbox has slots."""
    with ThreadPoolExecutor(sandbox.slots) as pool:
        found = pool.map(lambda item: check_controls(item, sandbox, policy), items)
        for done, (item, failures) in enumerate(zip(items, found, strict=True), 1):
            progress(done, len(items))
            yield item, failures


def seal(
    instance: Instance, name: str, suites: Sequence[Suite], per_family: int, custodians: Sequence[str], threshold: int, sandbox: Sandbox,
    progress: Progress = lambda done, of: None,
) -> Pack:
    """A pack of fresh items, from a seed that is drawn here and forgotten here; every item's controls held before it was sealed.

    Raises:
        NotPermitted: the actor may not seal, or somebody may hold no share.
        NotFound: a custodian is not known or has no key in use.
        Conflict: a control did not hold.
        Invalid: as for `packs.actions.seal_pack`.
    """
    seed = secrets.randbits(SEED_BITS)
    items = [suite.generate(seed, number) for suite in suites for number in range(per_family)]
    failed = [failure for _, failures in check_all(items, sandbox, instance.policy.benchmarks, progress) for failure in failures]
    if failed:
        names = ", ".join(sorted({failure.suite for failure in failed}))
        raise Conflict(f"{len(failed)} controls of fresh items did not hold (in {names}); nothing was sealed: see `clearinghouse benchmark controls`")
    with instance.database.write() as tx:
        keys = custody_store.live_keys(tx, [PartyId(party) for party in custodians])
        if missing := [party for party in custodians if party not in keys]:
            raise NotFound(f"{missing[0][:40]} has no key in use; a custodian registers one by `clearinghouse custody key FILE`")
        held = [keys[PartyId(party)] for party in custodians]
        return packs.seal_pack(
            tx, items, name, held, threshold, actor=instance.actor.id, policy=instance.policy.benchmarks, now=instance.clock.now()
        ).pack


def list_packs(instance: Instance) -> list[Pack]:
    """The packs that the actor may know of, newest first."""
    with instance.read() as tx:
        return pack_store.list_packs(tx, viewer=instance.actor.id, now=instance.clock.now())


def show_pack(instance: Instance, pack_id: str) -> tuple[Pack, list[PackedItem]]:
    """A pack with what stands in the clear of its items.

    Raises:
        NotFound: there is none that the actor may know of.
    """
    with instance.read() as tx:
        pack = packs.find(tx, pack_id, viewer=instance.actor.id, now=instance.clock.now())
        return pack, pack_store.list_items(tx, pack.id, viewer=instance.actor.id, now=instance.clock.now())


def prove(instance: Instance, item_id: str) -> Proof:
    """That an item is in its pack, without a word of it.

    Raises:
        NotFound: there is no such item in a pack that the actor may know of.
    """
    with instance.read() as tx:
        return packs.prove(tx, item_id, viewer=instance.actor.id, now=instance.clock.now())


def retire(instance: Instance, object_id: str, reason: str, *, leaked: bool) -> None:
    """Open a pack or an item no more.

    Raises:
        NotFound: there is no such pack or item that the actor may know of.
        NotPermitted: the actor may not retire it.
        Invalid: no reason is given.
        Conflict: it was retired before.
    """
    actor, envelope, now = instance.actor.id, instance.envelope, instance.clock.now()
    with instance.database.write() as tx:
        if object_id.startswith("pck_"):
            packs.retire_pack(tx, object_id, reason, actor=actor, envelope=envelope, now=now)
            return
        why = RetiredFor.LEAK if leaked else RetiredFor.PERSON
        if not packs.retire_items(tx, [object_id], why, reason, actor=actor, envelope=envelope, now=now):
            raise Conflict(f"item {object_id[:40]} was retired before")


def register_key(instance: Instance, path: Path) -> CustodianKey:
    """The actor's key for packs to come; made in a file of its own where there is none.

    Raises:
        NotPermitted: the actor is no custodian.
        Conflict: it was registered before.
        Unavailable: the file holds no key.
    """
    private = read_private_key(path) if path.exists() else create_private_key(path)
    with instance.database.write() as tx:
        return custody.register_key(tx, private.public_key().public_bytes_raw(), actor=instance.actor.id, now=instance.clock.now())


def ask(instance: Instance, pack_id: str, purpose: Purpose, path: Path, hours: float) -> ReleaseAsk:
    """An ask for a scan or an audit; its key is made in a file of its own where there is none.

    Raises:
        NotFound: there is no such pack that the actor may know of.
        NotPermitted: the actor may not open packs.
        Invalid: a sealed run was asked for, which its runner asks for itself, or the end is not as it must be.
        Conflict: the pack is retired.
    """
    private = read_private_key(path) if path.exists() else create_private_key(path)
    with instance.database.write() as tx:
        return custody.ask_release(
            tx, pack_id, purpose, RunKey(private).public, instance.clock.now() + timedelta(hours=hours), actor=instance.actor.id,
            policy=instance.policy.benchmarks, now=instance.clock.now(),
        )


def list_asks(instance: Instance) -> list[tuple[ReleaseAsk, list[Release]]]:
    """The asks that stand and that the actor may see, each with its releases."""
    with instance.read() as tx:
        asks = custody_store.list_asks(tx, viewer=instance.actor.id, now=instance.clock.now())
        found = custody_store.list_releases(tx, [one.id for one in asks], viewer=instance.actor.id, now=instance.clock.now())
    return [(one, [release for release in found if release.ask_id == one.id]) for one in asks]


def release(instance: Instance, ask_id: str, path: Path, hours: float | None) -> Release:
    """The actor's release for an ask; the share is opened and put into the run's box here, where the key file is.

    Args:
        hours: how long; None: as long as the ask stands.
    Raises:
        NotFound: there is no such ask, or the actor holds no share of its pack.
        NotPermitted: the actor asked itself, or is of the developer's house.
        Conflict: the ask is over, or the actor released before.
        Unavailable: the key is not the one that the pack was sealed for.
    """
    private, now = read_private_key(path), instance.clock.now()
    with instance.read() as tx:
        asked = custody.find_ask(tx, ask_id, viewer=instance.actor.id, now=now)
        share = pack_store.find_share(tx, asked.pack_id, viewer=instance.actor.id, now=now)
    if share is None:
        raise NotFound(f"nothing found under {ask_id[:40]!r}")
    box = custody.reseal(share, asked, private)
    until = asked.until if hours is None else min(asked.until, now + timedelta(hours=hours))
    with instance.database.write() as tx:
        return custody.release_share(tx, asked.id, box, until, actor=instance.actor.id, now=instance.clock.now())


def withdraw_release(instance: Instance, ask_id: str) -> None:
    """Take the actor's release back.

    Raises:
        NotFound: there is no such ask.
        Conflict: the actor has no live release for it.
    """
    with instance.database.write() as tx:
        custody.withdraw_release(tx, ask_id, actor=instance.actor.id, now=instance.clock.now())


def scan_for_pack(instance: Instance, ask_id: str, path: Path, places: Sequence[Path], progress: Progress = lambda files, read_bytes: None) -> Scan:
    """A scan for the canaries of a pack, released for it; they are in this process's memory alone.

    Raises:
        NotFound: there is no such ask of the actor for a leak scan with this key.
        Conflict: too few custodians have released, or the ask is over.
        Unavailable: the key file holds no key.
    """
    known = open_canaries(instance.database, ask_id, RunKey(read_private_key(path)), actor=instance.actor.id, now=instance.clock.now())
    return scan_paths(places, Canaries.of(known), progress)


def retire_leaks(instance: Instance, found: Scan) -> int:
    """Retire the items whose canary a scan found; gives how many were not retired before.

    Raises:
        NotPermitted: the actor may not retire items.
    """
    leaked = {leak.sighting.item_id for leak in found.leaks}
    with instance.database.write() as tx:
        return packs.retire_items(
            tx, leaked, RetiredFor.LEAK, "its canary was found by a leak scan", actor=instance.actor.id, envelope=instance.envelope,
            now=instance.clock.now(),
        )
