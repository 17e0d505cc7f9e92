"""Where commitments are kept, and the sections that were opened. The only SQL of this capability."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    Select,
    Table,
    UniqueConstraint,
    and_,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from clearinghouse.core.ids import CommitmentId, EventId, PartyId, ReportId, SubmissionId
from clearinghouse.disclosure.intake.commitments.records import REPORT, Claim, Commitment, OpenedSection, Tally
from clearinghouse.disclosure.intake.store import items
from clearinghouse.parties.store import is_readable, readable_objects
from clearinghouse.storage import Envelope, SealedBody, Transaction
from clearinghouse.storage.schema import Id, Instant, Number, Word, metadata

commitments = Table(
    "commitments", metadata,
    Column("commitment_id", Id, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("party_id", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("organisation_id", Id, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("event_id", Id, nullable=False),
    Column("repeats", Boolean, nullable=False),
    Column("sections_total", Integer, nullable=False),
    Column("submission_id", Id, ForeignKey("submissions.submission_id")),
    Column("warned_at", Instant),
    Column("overdue_at", Instant),
    Column("withdrawn_at", Instant),
    UniqueConstraint("digest", "public_key"),
    Index(None, "organisation_id", "at"),
    Index(None, "public_key"),
    Index(None, "submission_id"),
    Index(None, "due_at"),
)
commitment_sections = Table(
    "commitment_sections", metadata,
    Column("commitment_id", Id, ForeignKey("commitments.commitment_id"), primary_key=True),
    Column("name", Word, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("size_bytes", Number, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)


def add_commitment(tx: Transaction, new: Commitment) -> None:
    """Keep a commitment."""
    tx.write(insert(commitments), {
        "commitment_id": new.id, "at": new.at, "party_id": new.party, "organisation_id": new.organisation, "digest": new.claim.digest,
        "public_key": new.claim.public_key, "signature": new.claim.signature, "due_at": new.due_at, "event_id": new.event,
        "repeats": new.repeats, "sections_total": 0,
    })


def find_same(tx: Transaction, claim: Claim) -> Commitment | None:
    """The commitment with this digest and key, for who proved to hold the key."""
    row = tx.row(select(commitments).where(commitments.c.digest == claim.digest, commitments.c.public_key == claim.public_key))
    return None if row is None else _commitment(row, _sections(tx, [row.commitment_id]))


def has_digest(tx: Transaction, digest: bytes) -> bool:
    """Whether anybody recorded this digest."""
    return bool(tx.value(select(exists().where(commitments.c.digest == digest))))


def key_owner(tx: Transaction, public_key: bytes) -> PartyId | None:
    """Whose commitments a key signs."""
    found = tx.value(select(commitments.c.party_id).where(commitments.c.public_key == public_key).limit(1))
    return None if found is None else PartyId(found)


def charged(tx: Transaction, organisation: PartyId, since: datetime) -> tuple[int, int]:
    """Recorded since an instant, and shut and not withdrawn at all, by an organisation."""
    shut = and_(commitments.c.withdrawn_at.is_(None), ~_is_open())
    row = tx.row(select(
        func.coalesce(func.sum(case((commitments.c.at > since, 1), else_=0)), 0).label("today"),
        func.coalesce(func.sum(case((shut, 1), else_=0)), 0).label("shut"),
    ).where(commitments.c.organisation_id == organisation))
    return (0, 0) if row is None else (int(row.today), int(row.shut))


def read_commitment(tx: Transaction, commitment_id: str, *, viewer: PartyId, now: datetime) -> Commitment | None:
    """A commitment that the viewer may read."""
    row = tx.row(select(commitments).where(
        commitments.c.commitment_id == commitment_id, is_readable(commitments.c.commitment_id, viewer, now)
    ))
    return None if row is None else _commitment(row, _sections(tx, [row.commitment_id]))


def list_commitments(tx: Transaction, *, viewer: PartyId, now: datetime, before: str = "", limit: int = 100) -> list[Commitment]:
    """The commitments that the viewer may read, newest first; from after `before` on, an id of the list."""
    query = select(commitments).where(commitments.c.commitment_id.in_(readable_objects(viewer, now)))
    mark = select(commitments.c.at).where(commitments.c.commitment_id == before, is_readable(before, viewer, now)).scalar_subquery()
    if before:
        query = query.where(or_(commitments.c.at < mark, and_(commitments.c.at == mark, commitments.c.commitment_id < before)))
    rows = tx.rows(query.order_by(commitments.c.at.desc(), commitments.c.commitment_id.desc()).limit(limit))
    sections = _sections(tx, [row.commitment_id for row in rows])
    return [_commitment(row, sections) for row in rows]


def add_section(tx: Transaction, commitment: Commitment, section: OpenedSection, data: bytes, envelope: Envelope) -> None:
    """Keep an opened section, sealed."""
    sealed = envelope.seal(data, _about(commitment.id, section.name))
    tx.write(insert(commitment_sections), {
        "commitment_id": commitment.id, "name": section.name, "at": section.at, "late": section.late, "size_bytes": section.size_bytes,
        "digest": bytes.fromhex(section.digest.removeprefix("sha3-256:")), "wrapped_key": sealed.wrapped_key, "sealed": sealed.body,
    })


def read_section(tx: Transaction, commitment_id: str, name: str, envelope: Envelope, *, viewer: PartyId, now: datetime) -> bytes | None:
    """The bytes of an opened section that the viewer may read."""
    row = tx.row(select(commitment_sections).where(
        commitment_sections.c.commitment_id == commitment_id, commitment_sections.c.name == name, is_readable(commitment_id, viewer, now)
    ))
    return None if row is None else envelope.open(SealedBody(bytes(row.wrapped_key), bytes(row.sealed)), _about(commitment_id, name))


def note_opening(tx: Transaction, commitment: Commitment, *, sections_total: int, submission: SubmissionId | None) -> None:
    """Note how many sections there are, and what the report became."""
    values: dict[str, Any] = {"sections_total": sections_total}
    if submission is not None:
        values["submission_id"] = submission
    tx.write(update(commitments).where(commitments.c.commitment_id == commitment.id).values(values))


def withdraw(tx: Transaction, commitment: Commitment, at: datetime) -> bool:
    """Note that it will not be opened; False where it was withdrawn before."""
    return tx.write(update(commitments).where(
        commitments.c.commitment_id == commitment.id, commitments.c.withdrawn_at.is_(None)
    ).values(withdrawn_at=at)) == 1


def system_due(tx: Transaction, now: datetime, warn_from: datetime, limit: int) -> list[Commitment]:
    """Shut commitments whose day has come and was not noted, and those whose day comes before `warn_from` and were not warned of."""
    rows = tx.rows(select(commitments).where(
        commitments.c.withdrawn_at.is_(None), commitments.c.overdue_at.is_(None), ~_is_open(),
        or_(commitments.c.due_at <= now, and_(commitments.c.due_at <= warn_from, commitments.c.warned_at.is_(None))),
    ).order_by(commitments.c.due_at, commitments.c.commitment_id).limit(limit))
    sections = _sections(tx, [row.commitment_id for row in rows])
    return [_commitment(row, sections) for row in rows]


def note_warned(tx: Transaction, commitment: Commitment, at: datetime) -> bool:
    """Note that its finder was warned; False where another worker did."""
    return tx.write(update(commitments).where(
        commitments.c.commitment_id == commitment.id, commitments.c.warned_at.is_(None)
    ).values(warned_at=at)) == 1


def note_overdue(tx: Transaction, commitment: Commitment, at: datetime) -> bool:
    """Note that its day passed; False where another worker did."""
    return tx.write(update(commitments).where(
        commitments.c.commitment_id == commitment.id, commitments.c.overdue_at.is_(None)
    ).values(overdue_at=at)) == 1


def system_by_report(tx: Transaction, report_ids: Sequence[str] | Select[Any]) -> dict[ReportId, tuple[Commitment, int]]:
    """Of these reports, those that came by an opened commitment, each with it and the number of reports it held."""
    # A report that was sent before answers for the item as well: it is the items that name it.
    every = items.alias("every")
    counted = select(func.count()).where(every.c.submission_id == commitments.c.submission_id, every.c.report_id.is_not(None)).scalar_subquery()
    rows = tx.rows(
        select(commitments, items.c.report_id.label("report"), counted.label("held"))
        .join(items, items.c.submission_id == commitments.c.submission_id).where(
            items.c.report_id.in_(report_ids if isinstance(report_ids, Select) else list(report_ids)))
    )
    sections = _sections(tx, [row.commitment_id for row in rows])
    return {ReportId(row.report): (_commitment(row, sections), int(row.held)) for row in rows}


def system_tally(tx: Transaction, now: datetime, organisation: PartyId | None = None) -> Tally:
    """How many were followed through; of one organisation or of all. Counts tell nobody's name and no date."""
    opened = select(commitment_sections.c.commitment_id, commitment_sections.c.late).where(commitment_sections.c.name == REPORT).subquery()
    state = case(
        (opened.c.late.is_(False), "opened"), (opened.c.late.is_(True), "late"), (commitments.c.withdrawn_at.is_not(None), "withdrawn"),
        (commitments.c.due_at <= now, "never"), else_="held",
    )
    query = select(state.label("state"), func.count().label("held")).select_from(commitments).join(
        opened, opened.c.commitment_id == commitments.c.commitment_id, isouter=True
    ).group_by(state)
    if organisation is not None:
        query = query.where(commitments.c.organisation_id == organisation)
    counts = {str(row.state): int(row.held) for row in tx.rows(query)}
    return Tally(*(counts.get(name, 0) for name in ("held", "opened", "late", "never", "withdrawn")))


def _is_open() -> Any:
    return exists().where(commitment_sections.c.commitment_id == commitments.c.commitment_id, commitment_sections.c.name == REPORT)


def _about(commitment_id: str, name: str) -> str:
    return f"{commitment_id}/{name}"


def _sections(tx: Transaction, ids: Sequence[str]) -> dict[str, list[OpenedSection]]:
    columns = commitment_sections.c
    query: Select[Any] = select(columns.commitment_id, columns.name, columns.at, columns.late, columns.size_bytes, columns.digest).where(
        columns.commitment_id.in_(list(ids))
    ).order_by(columns.at, columns.name)
    found: dict[str, list[OpenedSection]] = {}
    for row in tx.rows(query):
        found.setdefault(row.commitment_id, []).append(OpenedSection(row.name, row.at, row.late, row.size_bytes, "sha3-256:" + bytes(row.digest).hex()))
    return found


def _commitment(row: Row[Any], sections: dict[str, list[OpenedSection]]) -> Commitment:
    return Commitment(
        CommitmentId(row.commitment_id), row.at, PartyId(row.party_id), PartyId(row.organisation_id),
        Claim(bytes(row.digest), bytes(row.public_key), bytes(row.signature)), row.due_at, EventId(row.event_id), row.repeats,
        row.sections_total, tuple(sections.get(row.commitment_id, ())), None if row.submission_id is None else SubmissionId(row.submission_id),
        row.warned_at, row.overdue_at, row.withdrawn_at,
    )
