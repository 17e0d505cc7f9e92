"""Where the blind check keeps epochs, tags and what was asked. The only SQL of this capability."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from clearinghouse.core.ids import CommitmentId, EpochId, EventId, PartyId
from clearinghouse.disclosure.deconfliction.blind.records import Epoch, OpenEpoch, Spent
from clearinghouse.disclosure.intake.commitments.store import commitments
from clearinghouse.storage import Envelope, SealedBody, Transaction
from clearinghouse.storage.schema import Id, Instant, Number, metadata

blind_epochs = Table(
    "blind_epochs", metadata,
    Column("epoch_id", Id, primary_key=True),
    Column("began_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("event_id", Id, nullable=False),
    Column("through", Number, nullable=False),
    Column("set_at", Instant),
    Column("set_through", Number, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "ends_at"),
)
blind_tags = Table(
    "blind_tags", metadata,
    Column("epoch_id", Id, ForeignKey("blind_epochs.epoch_id"), primary_key=True),
    Column("tag", LargeBinary, primary_key=True),
)
blind_sets = Table(
    "blind_sets", metadata,
    Column("epoch_id", Id, ForeignKey("blind_epochs.epoch_id"), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
blind_batches = Table(
    "blind_batches", metadata,
    Column("batch_id", Id, primary_key=True),
    Column("epoch_id", Id, ForeignKey("blind_epochs.epoch_id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("party_id", Id, nullable=False),
    Column("organisation_id", Id, nullable=False),
    Column("elements", Integer, nullable=False),
    Index(None, "organisation_id", "epoch_id", "at"),
)
blind_citations = Table(
    "blind_citations", metadata,
    Column("batch_id", Id, ForeignKey("blind_batches.batch_id"), primary_key=True),
    Column("commitment_id", Id, ForeignKey("commitments.commitment_id"), primary_key=True),
    Index(None, "commitment_id"),
)

claim_hashes = Table(
    "claim_hashes", metadata,
    Column("salt_id", LargeBinary, primary_key=True),
    Column("hash", LargeBinary, primary_key=True),
)
claim_progress = Table(
    "claim_progress", metadata,
    Column("salt_id", LargeBinary, primary_key=True),
    Column("through", Number, nullable=False),
)


def add_epoch(tx: Transaction, new: OpenEpoch, envelope: Envelope) -> None:
    """Keep a new epoch, its seed sealed."""
    sealed = envelope.seal(new.seed, new.epoch.id)
    tx.write(insert(blind_epochs), {
        "epoch_id": new.epoch.id, "began_at": new.epoch.began_at, "ends_at": new.epoch.ends_at, "public_key": new.epoch.public_key,
        "event_id": new.epoch.event, "through": 0, "set_through": 0, "wrapped_key": sealed.wrapped_key, "sealed": sealed.body,
    })


def current_epoch(tx: Transaction, now: datetime) -> Epoch | None:
    """The epoch that an instant falls into."""
    row = tx.row(select(blind_epochs).where(blind_epochs.c.ends_at > now).order_by(blind_epochs.c.ends_at.desc()).limit(1))
    return None if row is None else _epoch(row)


def system_open_epoch(tx: Transaction, epoch_id: str, envelope: Envelope) -> OpenEpoch | None:
    """An epoch with its seed, for evaluating."""
    row = tx.row(select(blind_epochs).where(blind_epochs.c.epoch_id == epoch_id))
    if row is None or not row.wrapped_key:
        return None
    return OpenEpoch(_epoch(row), envelope.open(SealedBody(bytes(row.wrapped_key), bytes(row.sealed)), row.epoch_id))


def lock_epoch(tx: Transaction, epoch: Epoch) -> None:
    """Let nobody else publish the set of an epoch until the transaction ends."""
    tx.rows(select(blind_epochs.c.epoch_id).where(blind_epochs.c.epoch_id == epoch.id).with_for_update(key_share=True))


def system_set_is_old(tx: Transaction, epoch: Epoch, before: datetime) -> bool:
    """Whether the set of an epoch lacks tags and was published before an instant, or never."""
    query = select(blind_epochs.c.epoch_id).where(
        blind_epochs.c.epoch_id == epoch.id,
        or_(blind_epochs.c.set_at.is_(None), and_(blind_epochs.c.set_at <= before, blind_epochs.c.set_through < blind_epochs.c.through)),
    )
    return tx.row(query) is not None


def system_add_tags(tx: Transaction, epoch: Epoch, tags: Sequence[bytes], through: int) -> None:
    """Keep tags of held findings, and how far they go. They follow from the reports and the key, and need no event."""
    if tags:
        dialect = postgresql if tx.dialect == "postgresql" else sqlite
        rows = [{"epoch_id": epoch.id, "tag": tag} for tag in sorted(set(tags))]
        tx.derive(dialect.insert(blind_tags).on_conflict_do_nothing(), rows)
    tx.derive(update(blind_epochs).where(blind_epochs.c.epoch_id == epoch.id, blind_epochs.c.through < through).values(through=through))


def system_tags(tx: Transaction, epoch: Epoch) -> list[bytes]:
    """Every tag of an epoch."""
    return [bytes(row.tag) for row in tx.rows(select(blind_tags.c.tag).where(blind_tags.c.epoch_id == epoch.id))]


def put_set(tx: Transaction, epoch: Epoch, body: bytes, at: datetime) -> None:
    """Publish the set of an epoch in place of the one before."""
    tx.write(delete(blind_sets).where(blind_sets.c.epoch_id == epoch.id))
    tx.write(insert(blind_sets), {"epoch_id": epoch.id, "body": body})
    tx.write(update(blind_epochs).where(blind_epochs.c.epoch_id == epoch.id).values(set_at=at, set_through=blind_epochs.c.through))


def read_set(tx: Transaction, epoch_id: str) -> bytes | None:
    """The published set of an epoch."""
    body = tx.value(select(blind_sets.c.body).where(blind_sets.c.epoch_id == epoch_id))
    return None if body is None else bytes(body)


def spent(tx: Transaction, epoch: Epoch, organisation: PartyId, since: datetime) -> Spent:
    """What an organisation asked since an instant, and in this epoch."""
    # A new epoch gives no fresh day. A refusal is kept as a batch of no elements.
    done = blind_batches.c.elements > 0
    row = tx.row(select(
        func.coalesce(func.sum(case((and_(done, blind_batches.c.at > since), 1), else_=0)), 0).label("today"),
        func.coalesce(func.sum(case((and_(done, blind_batches.c.epoch_id == epoch.id), 1), else_=0)), 0).label("epoch"),
        func.coalesce(func.sum(case((and_(~done, blind_batches.c.at > since), 1), else_=0)), 0).label("refused"),
    ).where(blind_batches.c.organisation_id == organisation))
    return Spent(0, 0, 0) if row is None else Spent(int(row.today), int(row.epoch), int(row.refused))


def system_batches(tx: Transaction, organisations: Sequence[str], day: datetime, epoch: datetime) -> dict[str, tuple[int, int]]:
    """How many batches organisations had evaluated since each of two instants, for what else is charged to the same budget."""
    at = blind_batches.c.at
    query = select(
        blind_batches.c.organisation_id, func.sum(case((at > day, 1), else_=0)).label("today"),
        func.sum(case((at >= epoch, 1), else_=0)).label("epoch"),
    ).where(blind_batches.c.organisation_id.in_(list(organisations)), blind_batches.c.elements > 0, or_(at > day, at >= epoch)).group_by(
        blind_batches.c.organisation_id
    )
    return {row.organisation_id: (int(row.today), int(row.epoch)) for row in tx.rows(query)}


def standing_commitments(tx: Transaction, ids: Sequence[str], organisation: PartyId) -> set[str]:
    """Of these, the commitments of an organisation that were not withdrawn."""
    query = select(commitments.c.commitment_id).where(
        commitments.c.commitment_id.in_(list(ids)), commitments.c.organisation_id == organisation, commitments.c.withdrawn_at.is_(None)
    )
    return {row.commitment_id for row in tx.rows(query)}


def cited(tx: Transaction, epoch: Epoch, ids: Sequence[str]) -> dict[str, int]:
    """How many batches of an epoch cite each of these commitments."""
    query = select(blind_citations.c.commitment_id, func.count().label("batches")).join(
        blind_batches, blind_batches.c.batch_id == blind_citations.c.batch_id
    ).where(blind_citations.c.commitment_id.in_(list(ids)), blind_batches.c.epoch_id == epoch.id).group_by(blind_citations.c.commitment_id)
    return {row.commitment_id: int(row.batches) for row in tx.rows(query)}


def add_batch(
    tx: Transaction, batch_id: str, epoch: Epoch, ids: Sequence[CommitmentId], *, party: PartyId, organisation: PartyId, elements: int,
    at: datetime,
) -> None:
    """Keep that a batch was evaluated, and what it cites."""
    tx.write(insert(blind_batches), {
        "batch_id": batch_id, "epoch_id": epoch.id, "at": at, "party_id": party, "organisation_id": organisation, "elements": elements,
    })
    if ids:
        tx.write(insert(blind_citations), [{"batch_id": batch_id, "commitment_id": each} for each in ids])


def forget_ended(tx: Transaction, before: datetime) -> list[EpochId]:
    """Destroy keys, tags and sets of epochs that ended before an instant; gives which."""
    ended = [EpochId(row.epoch_id) for row in tx.rows(
        select(blind_epochs.c.epoch_id).where(blind_epochs.c.ends_at <= before, blind_epochs.c.wrapped_key != b"")
    )]
    if ended:
        for table in (blind_tags, blind_sets):
            tx.write(delete(table).where(table.c.epoch_id.in_(ended)))
        tx.write(update(blind_epochs).where(blind_epochs.c.epoch_id.in_(ended)).values(wrapped_key=b"", sealed=b""))
    return ended


def system_claims_through(tx: Transaction, salt_id: bytes) -> int:
    """Number of the newest report whose claim hashes are kept under a salt."""
    return int(tx.value(select(claim_progress.c.through).where(claim_progress.c.salt_id == salt_id)) or 0)


def system_add_claims(tx: Transaction, salt_id: bytes, keyed: Sequence[bytes], through: int) -> None:
    """Keep claim hashes, keyed, and how far they go. They follow from the reports and the salt, and need no event."""
    dialect = postgresql if tx.dialect == "postgresql" else sqlite
    if keyed:
        rows = [{"salt_id": salt_id, "hash": each} for each in sorted(set(keyed))]
        tx.derive(dialect.insert(claim_hashes).on_conflict_do_nothing(), rows)
    put = dialect.insert(claim_progress)
    tx.derive(put.on_conflict_do_update(index_elements=["salt_id"], set_={"through": put.excluded.through}), {"salt_id": salt_id, "through": through})


def system_has_claim(tx: Transaction, salt_id: bytes, keyed: bytes) -> bool:
    """Whether a finding with this hash is held."""
    return bool(tx.value(select(exists().where(claim_hashes.c.salt_id == salt_id, claim_hashes.c.hash == keyed))))


def _epoch(row: Row[Any]) -> Epoch:
    return Epoch(EpochId(row.epoch_id), row.began_at, row.ends_at, bytes(row.public_key), EventId(row.event_id), int(row.through))
