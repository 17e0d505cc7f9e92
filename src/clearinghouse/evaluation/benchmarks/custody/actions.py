"""Registering a key, asking for shares, releasing one and taking it back."""

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Conflict, NotFound, NotPermitted
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, ReviewCaseId, RunId, has_shape, new_id
from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.core.roles import Scope
from clearinghouse.evaluation.benchmarks.custody import rules, store
from clearinghouse.evaluation.benchmarks.custody.records import Purpose, Release, ReleaseAsk, ReleaseAskId
from clearinghouse.evaluation.benchmarks.packs import actions as packs
from clearinghouse.evaluation.benchmarks.packs import rules as pack_rules
from clearinghouse.evaluation.benchmarks.packs import store as pack_store
from clearinghouse.evaluation.benchmarks.packs.boxes import fingerprint, open_box, put_in_box
from clearinghouse.evaluation.benchmarks.packs.records import CustodianKey, SealedShare
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties import rules as party_rules
from clearinghouse.parties import store as party_store
from clearinghouse.storage import Transaction


def register_key(tx: Transaction, untrusted_key: bytes, *, actor: PartyId, now: datetime) -> CustodianKey:
    """The actor's key for packs to come; earlier packs stay with the key they were sealed for.

    Raises:
        NotPermitted: the actor is no custodian.
        Invalid: it is no public key.
        Conflict: somebody registered this key before.
    """
    rules.check_may_hold(parties.get_party(tx, actor))
    public_key = rules.parse_public_key(untrusted_key)
    # Tried before it is kept: a key for which no box can be made would be found out at sealing only.
    put_in_box(b"", public_key, "trial")
    store.end_keys(tx, actor, now)
    key = CustodianKey(new_id("ckk"), actor, public_key, now)
    if not store.add_key(tx, key):
        raise Conflict("this key was registered before; a custodian makes a new one")
    ledger.record(tx, Event("CustodianKeyRegistered", (key.id, actor), {"fingerprint": fingerprint(public_key)}), actor=actor, now=now)
    return key


def ask_release(
    tx: Transaction, pack_id: str, purpose: Purpose, untrusted_recipient: bytes, until: datetime, *, actor: PartyId, policy: BenchmarkPolicy,
    now: datetime, run_id: RunId | None = None, review_id: ReviewCaseId | None = None, developer: PartyId | None = None,
) -> ReleaseAsk:
    """An ask that custodians of the pack see; nothing opens by it.

    Args:
        untrusted_recipient: the run's own public key; custodians compare its fingerprint with the one that the run shows.
        developer: who or whose organisation developed the model; nobody of it may release.
    Raises:
        NotFound: there is no pack that the actor may know of.
        NotPermitted: the actor may not open packs, or is of the developer's house.
        Conflict: the pack is retired.
        Invalid: the end, the key, or what belongs to a sealed run is not as it must be.
    """
    party = parties.get_party(tx, actor)
    party_rules.check_may(party, Scope.REVIEWS_ACT)
    pack_rules.check_may_seal(party)
    pack = packs.find(tx, pack_id, viewer=actor, now=now)
    if developer is not None and _of_one_house(tx, actor, developer):
        raise NotPermitted("nobody of the developer whose model is reviewed asks for sealed items")
    recipient = rules.parse_public_key(untrusted_recipient)
    ask = ReleaseAsk(ReleaseAskId(new_id("rla")), pack.id, purpose, recipient, actor, now, until, run_id, review_id, developer)
    rules.check_ask(ask, pack, policy, now)
    put_in_box(b"", recipient, "trial")
    store.add_ask(tx, ask)
    details: dict[str, Detail] = {
        "purpose": str(purpose), "until": render_instant(until), "fingerprint": fingerprint(recipient), "run": run_id, "review": review_id,
    }
    ledger.record(tx, Event("ReleaseAsked", (ask.id, pack.id), details), actor=actor, now=now)
    return ask


def reseal(share: SealedShare, ask: ReleaseAsk, private_key: X25519PrivateKey) -> bytes:
    """A custodian's share in a box for the run: computed where the custodian's key is, and nowhere else.

    Raises:
        Unavailable: the key is another than the one the pack was sealed for.
    """
    opened = open_box(share.box, private_key, packs.about_share(share.pack_id, share.number))
    return put_in_box(opened, ask.recipient, about_release(ask, share.number))


def about_release(ask: ReleaseAsk, number: int) -> str:
    """What the box of a released share is about: no box of another ask opens in its place."""
    return f"{ask.id}/{packs.about_share(ask.pack_id, number)}"


def release_share(
    tx: Transaction, ask_id: str, box: bytes, until: datetime, *, actor: PartyId, now: datetime
) -> Release:
    """A custodian's release for one ask; the box passes through here unopened.

    Raises:
        NotFound: there is no such ask, or the actor holds no share of its pack.
        NotPermitted: the actor asked itself, or is of the developer's house.
        Conflict: the ask is over, or the actor released before.
        Invalid: the release would outlast the ask, or is no box.
    """
    ask = find_ask(tx, ask_id, viewer=actor, now=now)
    share = pack_store.find_share(tx, ask.pack_id, viewer=actor, now=now)
    if share is None:
        raise _nothing_found(ask_id)
    houses = party_store.houses_of(tx, [actor] if ask.developer is None else [actor, ask.developer])
    developer_house = None if ask.developer is None else houses.get(ask.developer)
    rules.check_may_release(ask, parties.get_party(tx, actor), houses.get(actor), developer_house, until, box, now)
    release = Release(ask.id, actor, share.number, box, now, until)
    if not store.add_release(tx, release, ask.pack_id):
        raise Conflict(f"you released for {ask.id} before")
    details: dict[str, Detail] = {
        "purpose": str(ask.purpose), "until": render_instant(until), "run": ask.run_id, "review": ask.review_id, "fingerprint": fingerprint(ask.recipient),
    }
    ledger.record(tx, Event("ShareReleased", (ask.id, ask.pack_id), details), actor=actor, now=now)
    return release


def withdraw_release(tx: Transaction, ask_id: str, *, actor: PartyId, now: datetime) -> None:
    """Take one's release back: what was opened stays opened, nothing more opens with it.

    Raises:
        NotFound: there is no such ask.
        Conflict: the actor has no live release for it.
    """
    ask = find_ask(tx, ask_id, viewer=actor, now=now)
    if not store.end_release(tx, ask.id, actor, now):
        raise Conflict(f"you have no release for {ask.id} that could be taken back")
    ledger.record(tx, Event("ShareWithdrawn", (ask.id, ask.pack_id)), actor=actor, now=now)


def end_ask(tx: Transaction, ask_id: str, *, actor: PartyId, now: datetime) -> None:
    """End an ask, with every release for it: when its run is over, or the engagement is.

    Raises:
        NotFound: there is no such ask.
        NotPermitted: the actor did not ask.
        Conflict: it was ended before.
    """
    ask = find_ask(tx, ask_id, viewer=actor, now=now)
    if ask.asked_by != actor:
        raise NotPermitted("who asked ends the ask; a custodian takes its own release back")
    if not store.end_ask(tx, ask.id, now):
        raise Conflict(f"{ask.id} was ended before")
    ledger.record(tx, Event("ReleaseAskEnded", (ask.id, ask.pack_id)), actor=actor, now=now)


def find_ask(tx: Transaction, ask_id: str, *, viewer: PartyId, now: datetime) -> ReleaseAsk:
    """An ask, for who asked and who may know of the pack.

    Raises:
        NotFound: there is none that the viewer may see.
    """
    found = store.find_ask(tx, ask_id, viewer=viewer, now=now) if has_shape(ask_id) else None
    if found is None:
        raise _nothing_found(ask_id)
    return found


def _of_one_house(tx: Transaction, one: PartyId, other: PartyId) -> bool:
    houses = party_store.houses_of(tx, [one, other])
    return one == other or houses.get(one) in (other, houses.get(other) or other)


def _nothing_found(untrusted_id: str) -> NotFound:
    return NotFound(f"nothing found under {untrusted_id[:40]!r}")
