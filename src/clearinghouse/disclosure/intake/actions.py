"""What intake does: begin a submission, take in what was read of it, finish it, and show receipts and reports.

A submission is kept in steps, each a transaction that leaves its events and says how far it came:
whatever happens between two steps, sending the same bytes again goes on where the last one ended.
"""

import dataclasses
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from clearinghouse.core.errors import Conflict, NotFound
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, ReportId, SubmissionId, has_shape, new_id
from clearinghouse.disclosure.intake import rules, store
from clearinghouse.disclosure.intake.parser import ReadItem
from clearinghouse.disclosure.intake.records import Cover, Note, Outcome, Receipt, ReceiptItem, Report
from clearinghouse.disclosure.intake.store import Submission
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import store as parties
from clearinghouse.parties.records import Basis, Grant
from clearinghouse.storage import Database, Envelope, Transaction


def begin_submission(
    tx: Transaction, *, name: str, digest: str, size_bytes: int, cover: Cover, idempotency_key: str,
    reporter: PartyId, actor: PartyId, envelope: Envelope, now: datetime, desk: PartyId | None = None,
) -> Submission:
    """A new submission, or the one that this reporter sent before under the same key.

    Args:
        desk: a team that may read it too: those who look at what comes in.
        digest: `sha256:HEX` of the bytes.
        idempotency_key: the sender's, or the digest where it sent none.
    Raises:
        Conflict: the key was used before for other bytes.
    """
    kept_key = rules.bound_key(idempotency_key)
    earlier = store.find_submission(tx, reporter, kept_key, envelope)
    if earlier is not None:
        if earlier.digest != digest:
            raise Conflict(
                f"idempotency key {idempotency_key[:80]!r} was used before for other bytes ({earlier.digest[:23]}...); "
                "use a new key for a new submission"
            )
        return earlier
    submission = Submission(
        SubmissionId(new_id("sub")), now, reporter, kept_key, digest, size_bytes, "", 0, False,
        secrets.token_bytes(32), name, cover, (),
    )
    store.add_submission(tx, submission, envelope)
    parties.add_grants(tx, _first_grants(submission.id, reporter, actor, desk))
    ledger.record(tx, _begun(submission), actor=actor, now=now)
    return submission


def take_in(
    tx: Transaction, submission: Submission, read: Sequence[ReadItem], *, source: str, version: str,
    actor: PartyId, envelope: Envelope, now: datetime,
) -> tuple[Submission, list[ReceiptItem]]:
    """Keep the next items of a submission: a report each, unless refused or sent before by the same reporter.

    Raises:
        Conflict: another process is reading the same submission.
    """
    known = store.find_by_digests(tx, submission.reporter, [item.digest for item in read if item.finding is not None])
    new, outcomes = _sort(submission, read, known, source, version, now)
    store.add_items(tx, submission, submission.items_done, outcomes)
    store.add_reports(tx, new, envelope)
    ledger.record_many(tx, (_received(report) for report in new), actor=actor, now=now)
    ledger.record_many(tx, _answered(submission, submission.items_done, outcomes, new), actor=actor, now=now)
    return _advance(tx, submission, submission.items_done + len(read), source, False, submission.notes), outcomes


@dataclass(frozen=True, slots=True)
class Whole:
    """A document that was read to its end before anything of it was kept."""

    name: str
    digest: str
    """`sha256:HEX` of the bytes."""
    data: bytes
    cover: Cover
    idempotency_key: str
    """The sender's, or the digest where it sent none; not used before by this reporter."""
    reporter: PartyId
    actor: PartyId
    read: tuple[ReadItem, ...]
    notes: tuple[Note, ...]
    source: str
    version: str


def take_whole(
    tx: Transaction, documents: Sequence[Whole], *, desk: PartyId | None, envelope: Envelope, part_bytes: int, now: datetime
) -> list[Receipt]:
    """Keep many documents at once: what `begin_submission`, `keep_original`, `take_in` and `finish_submission` do for one.

    The same rows and the same events, with as many statements for a hundred documents as for one.
    """
    submissions, receipts, parts, items = [], [], [], []
    grants: list[Grant] = []
    new: list[store.NewReport] = []
    acts: list[tuple[Event, PartyId]] = []
    known = {
        reporter: store.find_by_digests(tx, reporter, [
            item.digest for document in documents if document.reporter == reporter for item in document.read if item.finding is not None
        ])
        for reporter in dict.fromkeys(document.reporter for document in documents)
    }
    for document in documents:
        submission = Submission(
            SubmissionId(new_id("sub")), now, document.reporter, rules.bound_key(document.idempotency_key), document.digest,
            len(document.data), document.source, len(document.read), True, secrets.token_bytes(32), document.name,
            document.cover, document.notes,
        )
        submissions.append(submission)
        grants += _first_grants(submission.id, document.reporter, document.actor, desk)
        acts.append((_begun(submission), document.actor))
        for part, start in enumerate(range(0, len(document.data), part_bytes)):
            plain = document.data[start : start + part_bytes]
            parts.append((submission, part, plain))
            acts.append((_original_kept(submission, part, plain), document.actor))
        fresh, outcomes = _sort(submission, document.read, known[document.reporter], document.source, document.version, now)
        new += fresh
        items.append((submission, 0, outcomes))
        acts += [(_received(report), document.actor) for report in fresh]
        if document.read:
            acts += [(event, document.actor) for event in _answered(submission, 0, outcomes, fresh)]
        acts.append((_finished(submission, document.source, document.notes), document.actor))
        receipts.append(Receipt(
            submission.id, now, document.digest, document.name, document.source, True, tuple(outcomes), document.notes
        ))
    store.add_submissions(tx, submissions, envelope)
    parties.add_grants(tx, grants)
    store.add_original_parts(tx, parts)
    store.add_reports(tx, new, envelope)
    store.add_items_of(tx, items)
    ledger.record_each(tx, acts, now=now)
    return receipts


def finish_submission(
    tx: Transaction, submission: Submission, notes: tuple[Note, ...], *, source: str, actor: PartyId, now: datetime
) -> Submission:
    """Note that a submission has been read to its end, or as far as it can be.

    Raises:
        Conflict: another process is reading the same submission.
    """
    finished = _advance(tx, submission, submission.items_done, source, True, notes)
    ledger.record(tx, _finished(submission, source, notes), actor=actor, now=now)
    return finished


def keep_original(tx: Transaction, submission: Submission, part: int, plain: bytes, *, actor: PartyId, now: datetime) -> None:
    """Keep one part of the original bytes; the submission's digest covers all of them."""
    store.add_original_part(tx, submission, part, plain)
    ledger.record(tx, _original_kept(submission, part, plain), actor=actor, now=now)


def read_receipt(
    tx: Transaction, submission_id: str, *, envelope: Envelope, viewer: PartyId, now: datetime
) -> Receipt:
    """The receipt of a submission.

    Raises:
        NotFound: there is none that the viewer may see.
    """
    found = store.read_submission(tx, submission_id, envelope, viewer=viewer, now=now) if has_shape(submission_id) else None
    if found is None:
        raise NotFound(f"nothing found under {submission_id[:40]!r}")
    return receipt_of(tx, found)


def receipt_of(tx: Transaction, submission: Submission) -> Receipt:
    """The receipt of a submission at hand."""
    items = tuple(store.read_items(tx, submission))
    return Receipt(
        submission.id, submission.received_at, submission.digest, submission.name, submission.source, submission.finished,
        items, submission.notes,
    )


def read_original(database: Database, submission_id: str, *, envelope: Envelope, viewer: PartyId, now: datetime) -> bytes:
    """The original bytes of a submission; that they were read is on the record before the first byte is given.

    Raises:
        NotFound: there is none that the viewer may see.
    """
    with database.read(viewer=viewer, now=now) as tx:
        found = store.read_submission(tx, submission_id, envelope, viewer=viewer, now=now) if has_shape(submission_id) else None
    if found is None:
        raise NotFound(f"nothing found under {submission_id[:40]!r}")
    with database.write() as tx:
        ledger.record(tx, Event("SealedObjectRead", (found.id,), {"digest": found.digest}), actor=viewer, now=now)
    with database.read(viewer=viewer, now=now) as tx:
        return b"".join(store.read_original(tx, found))


def read_report(tx: Transaction, report_id: str, *, envelope: Envelope, viewer: PartyId, now: datetime) -> Report:
    """A report.

    Raises:
        NotFound: there is none that the viewer may see.
    """
    found = store.read_report(tx, report_id, envelope, viewer=viewer, now=now) if has_shape(report_id) else None
    if found is None:
        raise NotFound(f"nothing found under {report_id[:40]!r}")
    return found


def _first_grants(submission: SubmissionId, reporter: PartyId, actor: PartyId, desk: PartyId | None) -> list[Grant]:
    bases = {reporter: Basis.REPORTER}
    if actor != reporter:
        bases[actor] = Basis.PARTICIPANT
    if desk is not None:
        bases.setdefault(desk, Basis.DESK)
    return [Grant(submission, party, basis) for party, basis in bases.items()]


def _sort(
    submission: Submission, read: Sequence[ReadItem], known: dict[str, ReportId], source: str, version: str, now: datetime
) -> tuple[list[store.NewReport], list[ReceiptItem]]:
    """A report for each claim that is new, an outcome for each item; `known` learns the new ones."""
    new: list[store.NewReport] = []
    outcomes: list[ReceiptItem] = []
    for item in read:
        outcome = rules.outcome_of(item.finding, item.notes)
        earlier = known.get(item.digest) if item.finding is not None else None
        report_id = earlier
        if item.finding is not None and earlier is None:
            report_id = known[item.digest] = ReportId(new_id("rep"))
            new.append(store.NewReport(
                report_id, submission.id, now, submission.reporter, source, version, item.digest, submission.cover.public,
                item.finding, item.notes,
            ))
        outcomes.append(ReceiptItem(item.place, outcome, report_id, item.notes, earlier is not None))
    return new, outcomes


def _begun(submission: Submission) -> Event:
    details: dict[str, Detail] = {
        "digest": submission.digest, "size_bytes": submission.size_bytes, "reporter": submission.reporter, "public": submission.cover.public,
    }
    return Event("SubmissionReceived", (submission.id,), details)


def _original_kept(submission: Submission, part: int, plain: bytes) -> Event:
    return Event("OriginalKept", (submission.id,), {"part": part, "size_bytes": len(plain)})


def _answered(
    submission: Submission, first: int, outcomes: Sequence[ReceiptItem], new: Sequence[store.NewReport]
) -> list[Event]:
    """Nothing else would tell of a portion in which no report was new, or of what was refused."""
    refused = sum(item.outcome is Outcome.REFUSED for item in outcomes)
    if new and not refused:
        return []
    details: dict[str, Detail] = {"from": first, "items": len(outcomes), "refused": refused}
    return [Event("ItemsAnswered", (submission.id,), details)]


def _finished(submission: Submission, source: str, notes: tuple[Note, ...]) -> Event:
    details: dict[str, Detail] = {"items": submission.items_done, "source": source, "notes": [note.code for note in notes]}
    return Event("SubmissionRead", (submission.id,), details)


def _received(report: store.NewReport) -> Event:
    details: dict[str, Detail] = {"digest": report.digest, "source": report.source, "parser": report.parser_version}
    return Event("ReportReceived", (report.id, report.submission_id), details)


def _advance(
    tx: Transaction, submission: Submission, items_done: int, source: str, finished: bool, notes: tuple[Note, ...]
) -> Submission:
    if not store.advance_submission(tx, submission, items_done=items_done, source=source, finished=finished, notes=notes):
        raise Conflict(f"another process is reading submission {submission.id}; wait for it, then send the file again")
    return dataclasses.replace(submission, items_done=items_done, source=source, finished=finished, notes=notes)
