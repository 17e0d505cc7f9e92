"""What the ledger does: record an event, number leaves, sign a checkpoint, prove, verify."""

import json
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.core.events import Event
from clearinghouse.core.ids import EventId, PartyId, new_id
from clearinghouse.ledger import leaf, store, tree
from clearinghouse.ledger.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from clearinghouse.ledger.note import NoteSigner, NoteVerifier
from clearinghouse.ledger.proof import InclusionProof, render_proof
from clearinghouse.ledger.witness import CheckpointKeeper, ForkDetected, check_may_sign
from clearinghouse.storage import Database, Transaction

_BATCH = 10_000  # leaves numbered in one transaction: a bound on memory, not a policy
_AUDITED = 8192  # leaves held against their tiles at a time: whole tiles, and again a bound on memory


def record(tx: Transaction, event: Event, *, actor: PartyId, now: datetime) -> EventId:
    """Leave the event of a write, in the transaction of that write."""
    return record_many(tx, [event], actor=actor, now=now)[0]


def record_many(tx: Transaction, events: Iterable[Event], *, actor: PartyId, now: datetime) -> list[EventId]:
    """Leave the events of a batch of writes of one actor, in their order."""
    return record_each(tx, ((event, actor) for event in events), now=now)


def record_each(tx: Transaction, acts: Iterable[tuple[Event, PartyId]], *, now: datetime) -> list[EventId]:
    """Leave the events of a batch of writes of several actors, in their order."""
    rows, ids = [], []
    for event, actor in acts:
        event_id = EventId(new_id("evt"))
        details = leaf.render_details(event.details)
        nonce = secrets.token_bytes(leaf.NONCE_BYTES)
        ids.append(event_id)
        rows.append({
            "event_id": event_id, "kind": event.kind, "at": now, "actor": actor, "subject": event.subjects[0],
            "subjects": json.dumps(event.subjects), "details": details, "nonce": nonce,
            "commitment": leaf.commit(details, nonce), "leaf_index": None,
        })
    store.add_events(tx, rows)
    return ids


def sequence(database: Database) -> int:
    """Give every committed event its leaf; gives the size of the tree. Any number of processes may call it."""
    while True:
        with database.write() as tx:
            store.lock_sequencer(tx)
            size = store.tree_size(tx)
            waiting = store.unnumbered(tx, _BATCH)
            if not waiting:
                return size
            store.number_leaves(tx, size, [event.number for event in waiting])
            hashes = [tree.leaf_hash(render(event)) for event in waiting]
            store.write_tiles(tx, tree.extend(lambda level, number: store.read_tile(tx, level, number), size, hashes))


def render(event: store.LoggedEvent) -> bytes:
    """The leaf of a kept event."""
    return leaf.render_leaf(event.event_id, event.kind, event.at, event.actor, event.subjects, event.commitment)


def checkpoint(
    database: Database, origin: str, signer: NoteSigner, keeper: CheckpointKeeper, *, now: datetime
) -> tuple[Checkpoint, str]:
    """Number what waits, sign the tree and keep the checkpoint in both stores.

    Raises:
        ForkDetected: the tree does not continue the checkpoint kept outside the database, or that one is missing.
    """
    sequence(database)
    with database.write() as tx:
        store.lock_sequencer(tx)
        size = store.tree_size(tx)
        read = _cached_reader(tx)
        kept_note = keeper.load()
        _check_keeper(kept_note, store.latest_checkpoint(tx))
        kept = None if kept_note is None else verify_checkpoint(kept_note, None, [signer.verifier])
        new = Checkpoint(origin, size, tree.root(read, size))
        check_may_sign(kept, new, lambda old, size: tree.consistency_proof(read, old, size))
        note = kept_note if kept_note is not None and kept == new else sign_checkpoint(new, [signer])
        latest = store.latest_checkpoint(tx)
        if latest is None or verify_checkpoint(latest, None, [signer.verifier]).size < size:
            store.add_checkpoint(tx, size, note, now)
        if note != kept_note:
            # Kept before the commit: a crash between the two leaves a keeper that is ahead by
            # nothing, for the tree itself was committed by `sequence` already.
            keeper.swap(kept_note, note)
    return new, note


def adopt(
    database: Database, signer: NoteSigner, keeper: CheckpointKeeper, reason: str, *, actor: PartyId, now: datetime
) -> Checkpoint:
    """Put the database's own newest checkpoint where the kept one is missing: after a restore, a move or a loss.

    It vouches for less than the one that is gone, so it is an act of a person, with a reason, and an event.
    Raises:
        Conflict: there is a kept checkpoint, or the database has none.
        Invalid: no reason is given.
    """
    if not reason.strip():
        raise Invalid("say why the kept checkpoint is missing; the reason goes on the record")
    with database.write() as tx:
        latest = store.latest_checkpoint(tx)
        if latest is None or keeper.load() is not None:
            raise Conflict("there is nothing to adopt: a checkpoint is kept already, or none was ever signed")
        adopted = verify_checkpoint(latest, None, [signer.verifier])
        event = Event("CheckpointAdopted", (actor,), {"size": adopted.size, "root": adopted.root.hex(), "reason": reason.strip()[:2000]})
        record(tx, event, actor=actor, now=now)
        keeper.swap(None, latest)
    return adopted


def prove(
    database: Database, event_id: str, origin: str, signer: NoteSigner, keeper: CheckpointKeeper, *, now: datetime
) -> str:
    """A proof file for an event: it verifies with the log's verifier key and nothing else.

    Raises:
        NotFound: there is no such event.
        ForkDetected: as for `checkpoint`.
    """
    signed, note = checkpoint(database, origin, signer, keeper, now=now)
    with database.read() as tx:
        event = store.find_event(tx, event_id)
        if event is None or event.leaf_index is None:
            raise NotFound(f"no event {event_id[:40]!r} on the ledger; `clearinghouse show ID` lists the events of an object")
        path = tree.inclusion_proof(_cached_reader(tx), event.leaf_index, signed.size)
        return render_proof(InclusionProof(render(event), event.leaf_index, tuple(path), note))


@dataclass(frozen=True, slots=True)
class LedgerState:
    """What a full verification found."""

    leaves: int
    waiting: int
    """Committed events that are no leaf yet."""
    root: bytes
    signed: int | None
    """Size of the newest checkpoint that was checked; None where none was signed yet."""


def verify(
    database: Database, origin: str | None, verifiers: Sequence[NoteVerifier], keeper: CheckpointKeeper,
    progress: Callable[[int], None] = lambda leaves: None,
) -> LedgerState:
    """Recompute the whole tree from the events and hold it against tiles, commitments and both checkpoints.

    Raises:
        Invalid: a leaf is missing, an event was altered, or the tiles do not fit.
        Conflict: the database's own newest checkpoint is of another tree.
        ForkDetected: the kept checkpoint is.
    """
    # Before the database: a checkpoint signed by another process in between must not look like a fork.
    note = keeper.load()
    kept = None if note is None else verify_checkpoint(note, origin, verifiers)
    with database.read() as tx:
        size = store.tree_size(tx)
        waiting = len(store.unnumbered(tx, _BATCH))
        own = store.latest_checkpoint(tx)
        found = {kept, None if own is None else verify_checkpoint(own, origin, verifiers)}
        signed = sorted((c for c in found if c is not None), key=lambda c: c.size)
        if signed and signed[-1].size > size:
            raise ForkDetected(f"the database holds {size} leaves, but {signed[-1].size} were signed: it is an older copy")
        range_ = tree.CompactRange()
        audit = tree.TileAudit(lambda level, number: store.read_tile(tx, level, number))
        hashes: list[bytes] = []
        for event in store.stream_leaves(tx, size):
            if event.leaf_index != range_.size:
                raise Invalid(f"leaf {range_.size} is missing: the next one found is leaf {event.leaf_index}")
            _check_commitment(event)
            hashes.append(tree.leaf_hash(render(event)))
            range_.append_hash(hashes[-1])
            for due in signed:
                if due.size == range_.size and due.root != range_.root():
                    raise (ForkDetected if due == kept else Conflict)(
                        f"the checkpoint signed at {due.size} leaves has another root: an event before it was altered"
                    )
            if len(hashes) == _AUDITED:
                audit.append(hashes)
                hashes.clear()
                progress(range_.size)
        audit.append(hashes)
        if range_.size != size:
            raise Invalid(f"{size - range_.size} leaves are missing at the end")
    return LedgerState(size, waiting, range_.root(), signed[-1].size if signed else None)


def check_continues(database: Database, keeper: CheckpointKeeper, verifiers: Sequence[NoteVerifier]) -> None:
    """Raise ForkDetected if the database is an older copy than the kept checkpoint: cheap enough for every start."""
    note = keeper.load()
    if note is None:
        return  # `checkpoint` refuses to sign then, unless nothing was ever signed; reading goes on.
    kept = verify_checkpoint(note, None, verifiers)
    with database.read() as tx:
        size = store.tree_size(tx)
        read = _cached_reader(tx)
        at_hand = Checkpoint(kept.origin, size, tree.root(read, size))
        check_may_sign(kept, at_hand, lambda old, new: tree.consistency_proof(read, old, new))


def _check_keeper(kept: str | None, latest: str | None) -> None:
    if kept is None and latest is not None:
        raise ForkDetected(
            "the kept checkpoint is missing although the database was signed before: nothing could tell an older copy from "
            "the newest; put the file back, or after a restore run `clearinghouse ledger adopt --reason ...`"
        )


def _check_commitment(event: store.LoggedEvent) -> None:
    if event.details is None or event.nonce is None:
        return  # Erased on purpose: the leaf stands, what it commits to is gone.
    if not leaf.open_commitment(event.commitment, event.details, event.nonce):
        raise Invalid(f"event {event.event_id} (leaf {event.leaf_index}) was altered: its details do not fit its commitment")


def _cached_reader(tx: Transaction) -> tree.TileReader:
    known: dict[tuple[int, int], bytes] = {}

    def read(level: int, number: int) -> bytes:
        if (level, number) not in known:
            known[level, number] = store.read_tile(tx, level, number)
        return known[level, number]

    return read
