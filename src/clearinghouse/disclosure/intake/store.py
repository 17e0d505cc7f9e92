"""Where intake keeps what it received: submissions, their original bytes, an outcome per item, and reports.

Bodies are sealed, each under a key of its own (see `storage.sealing`). Rows in, records out; every
read names its viewer, except those of the matcher (`system_...`), which shows nothing to anybody.
"""

import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
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
    Text,
    UniqueConstraint,
    and_,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    text,
)
from sqlalchemy import update as sql_update
from sqlalchemy.dialects import postgresql, sqlite

from clearinghouse.core.ids import PartyId, ReportId, SubmissionId
from clearinghouse.disclosure.intake.records import Cover, Finding, Note, Outcome, ReceiptItem, Report, Sent
from clearinghouse.parties.store import is_on_duty, is_readable, readable_objects
from clearinghouse.storage import Envelope, SealedBody, Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, Number, Prose, Word, listed, metadata
from clearinghouse.storage.sealing import open_with, seal_with

submissions = Table(
    "submissions", metadata,
    Column("submission_id", Id, primary_key=True),
    Column("received_at", Instant, nullable=False),
    Column("reporter", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("idempotency_key", Digest, nullable=False),
    Column("digest", Digest, nullable=False),
    Column("size_bytes", Number, nullable=False),
    Column("source", Word, nullable=False),
    Column("items_done", Integer, nullable=False),
    Column("finished", Boolean, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed_name", LargeBinary, nullable=False),
    Column("sealed_cover", LargeBinary, nullable=False),
    Column("sealed_notes", LargeBinary),
    UniqueConstraint("reporter", "idempotency_key"),
    Index(None, "reporter", "received_at"),
)
windows = Table(
    "intake_windows", metadata,
    Column("source", Digest, primary_key=True),  # keyed hash of an address
    Column("began_at", Instant, primary_key=True),
    Column("submissions", Integer, nullable=False),
    Column("size_bytes", Number, nullable=False),
)
original_parts = Table(
    "original_parts", metadata,
    Column("submission_id", Id, ForeignKey("submissions.submission_id"), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
)
reports = Table(
    "reports", metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("report_id", Id, nullable=False, unique=True),
    Column("submission_id", Id, ForeignKey("submissions.submission_id"), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("reporter", Id, nullable=False),
    Column("source", Word, nullable=False),
    Column("parser_version", Word, nullable=False),
    Column("digest", Digest, nullable=False),
    Column("public", Boolean, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "submission_id"),
    Index(None, "digest"),
    sqlite_autoincrement=True,
)
items = Table(
    "submission_items", metadata,
    Column("submission_id", Id, ForeignKey("submissions.submission_id"), primary_key=True),
    Column("item", Integer, primary_key=True, autoincrement=False),
    Column("place", Prose, nullable=False),
    Column("outcome", Word, nullable=False),
    Column("report_id", Id),
    Column("earlier", Boolean, nullable=False),
    Column("sealed_notes", LargeBinary),
)


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission as kept, with its data key opened for the time of one action."""

    id: SubmissionId
    received_at: datetime
    reporter: PartyId
    idempotency_key: str
    digest: str
    size_bytes: int
    source: str
    items_done: int
    finished: bool
    data_key: bytes
    name: str
    cover: Cover
    notes: tuple[Note, ...]


def add_submission(tx: Transaction, submission: Submission, envelope: Envelope) -> None:
    """Keep a submission that is about to be read."""
    add_submissions(tx, [submission], envelope)


def add_submissions(tx: Transaction, new: Sequence[Submission], envelope: Envelope) -> None:
    """Keep submissions, whether about to be read or read already."""
    tx.write(insert(submissions), [
        {
            "submission_id": submission.id, "received_at": submission.received_at, "reporter": submission.reporter,
            "idempotency_key": submission.idempotency_key, "digest": submission.digest, "size_bytes": submission.size_bytes,
            "source": submission.source, "items_done": submission.items_done, "finished": submission.finished,
            "wrapped_key": envelope.wrap(submission.data_key, submission.id),
            "sealed_name": seal_with(submission.data_key, submission.name.encode(), submission.id),
            "sealed_cover": seal_with(submission.data_key, msgspec.json.encode(submission.cover), submission.id),
            "sealed_notes": _seal_notes(submission.data_key, submission.notes, submission.id),
        }
        for submission in new
    ])


def used_keys(tx: Transaction, keys: Sequence[str]) -> set[tuple[str, str]]:
    """Of these idempotency keys, those used before, each with its reporter."""
    query = select(submissions.c.reporter, submissions.c.idempotency_key).where(submissions.c.idempotency_key.in_(list(keys)))
    return {(row.reporter, row.idempotency_key) for row in tx.rows(query)}


def find_submission(tx: Transaction, reporter: PartyId, idempotency_key: str, envelope: Envelope) -> Submission | None:
    """What this reporter sent before under this key."""
    row = tx.row(select(submissions).where(
        submissions.c.reporter == reporter, submissions.c.idempotency_key == idempotency_key
    ))
    return None if row is None else _submission(row, envelope)


def read_submission(
    tx: Transaction, submission_id: str, envelope: Envelope, *, viewer: PartyId, now: datetime
) -> Submission | None:
    """A submission, if the viewer may read it."""
    row = tx.row(select(submissions).where(
        submissions.c.submission_id == submission_id, submissions.c.submission_id.in_(readable_objects(viewer, now))
    ))
    return None if row is None else _submission(row, envelope)


def newest_submission(
    tx: Transaction, envelope: Envelope, *, reporter: PartyId, viewer: PartyId, now: datetime
) -> Submission | None:
    """The last submission of a reporter, if the viewer may read it."""
    query = select(submissions).where(
        submissions.c.reporter == reporter, submissions.c.submission_id.in_(readable_objects(viewer, now))
    ).order_by(submissions.c.received_at.desc(), submissions.c.submission_id).limit(1)
    row = tx.row(query)
    return None if row is None else _submission(row, envelope)


def unfinished_submissions(tx: Transaction, envelope: Envelope, *, viewer: PartyId, now: datetime) -> list[Submission]:
    """Submissions whose reading was interrupted, earliest first."""
    query = select(submissions).where(
        submissions.c.finished.is_(False), submissions.c.submission_id.in_(readable_objects(viewer, now))
    )
    return [_submission(row, envelope) for row in tx.rows(query.order_by(submissions.c.received_at))]


def advance_submission(
    tx: Transaction, submission: Submission, *, items_done: int, source: str, finished: bool, notes: tuple[Note, ...]
) -> bool:
    """Note how far reading came; False where another process came further meanwhile."""
    statement = sql_update(submissions).where(
        submissions.c.submission_id == submission.id, submissions.c.items_done == submission.items_done,
        submissions.c.finished.is_(False),
    ).values(
        items_done=items_done, source=source, finished=finished,
        sealed_notes=_seal_notes(submission.data_key, notes, submission.id),
    )
    return tx.write(statement) == 1


def add_original_part(tx: Transaction, submission: Submission, part: int, plain: bytes) -> None:
    """Keep one part of the original bytes, unchanged."""
    add_original_parts(tx, [(submission, part, plain)])


def add_original_parts(tx: Transaction, parts: Sequence[tuple[Submission, int, bytes]]) -> None:
    """Keep parts of original bytes, each of its submission."""
    tx.write(insert(original_parts), [
        {"submission_id": submission.id, "part": part, "sealed": seal_with(submission.data_key, plain, f"{submission.id}/{part}")}
        for submission, part, plain in parts
    ])


def count_original_parts(tx: Transaction, submission_id: SubmissionId) -> int:
    """How many parts are kept: parts are kept in order, so this is also the next one's number."""
    return int(tx.value(select(func.count()).where(original_parts.c.submission_id == submission_id)) or 0)


def read_original(tx: Transaction, submission: Submission) -> Iterator[bytes]:
    """The original bytes in order, part by part."""
    for part in range(count_original_parts(tx, submission.id)):
        sealed = tx.value(select(original_parts.c.sealed).where(
            original_parts.c.submission_id == submission.id, original_parts.c.part == part
        ))
        yield open_with(submission.data_key, bytes(sealed), f"{submission.id}/{part}")


@dataclass(frozen=True, slots=True)
class NewReport:
    """A report about to be kept."""

    id: ReportId
    submission_id: SubmissionId
    received_at: datetime
    reporter: PartyId
    source: str
    parser_version: str
    digest: str
    public: bool
    finding: Finding
    notes: tuple[Note, ...]


def add_reports(tx: Transaction, new: Sequence[NewReport], envelope: Envelope) -> None:
    """Keep reports, each sealed under a key of its own; they get their numbers in the order their transactions end."""
    rows = []
    for report in new:
        plain = zlib.compress(_JSON.encode(report.notes) + b"\n" + _JSON.encode(report.finding), 1)
        sealed = envelope.seal(plain, report.id)
        rows.append({
            "report_id": report.id, "submission_id": report.submission_id, "received_at": report.received_at,
            "reporter": report.reporter, "source": report.source, "parser_version": report.parser_version,
            "digest": report.digest, "public": report.public, "wrapped_key": sealed.wrapped_key, "sealed": sealed.body,
        })
    if tx.dialect == "postgresql" and rows:
        # A sequence gives its numbers at once and rows show at their commit: a lower number could turn up after a higher one
        # was read, and whoever reads on from the highest it knows (the matcher, the blind check) would never see it.
        tx.rows(text("select pg_advisory_xact_lock(:lock)"), {"lock": _NUMBERS_LOCK})
    tx.write(insert(reports), rows)


def sent_since(tx: Transaction, reporters: Collection[str], since: datetime) -> dict[str, Sent]:
    """How much each of these parties has sent after an instant, in one statement; nothing of those who sent nothing."""
    query = select(
        submissions.c.reporter, func.count().label("number"), func.sum(submissions.c.size_bytes).label("size"),
        func.min(submissions.c.received_at).label("oldest_at"),
    ).where(submissions.c.reporter.in_(sorted(reporters)), submissions.c.received_at > since).group_by(submissions.c.reporter)
    return {row.reporter: Sent(row.number, int(row.size), row.oldest_at) for row in tx.rows(query)}


def count_in_window(tx: Transaction, source: str, began_at: datetime, size_bytes: int) -> Sent:
    """Count a submission of strangers at a source; gives what they sent in this window with it. Earlier windows are dropped.

    Counts are no part of the record: they leave no event and may be lost.
    """
    tx.derive(delete(windows).where(windows.c.began_at < began_at))
    fresh: Any = (sqlite if tx.dialect == "sqlite" else postgresql).insert(windows)
    tx.derive(fresh.on_conflict_do_update(index_elements=["source", "began_at"], set_={
        "submissions": windows.c.submissions + 1, "size_bytes": windows.c.size_bytes + size_bytes,
    }), {"source": source, "began_at": began_at, "submissions": 1, "size_bytes": size_bytes})
    row = tx.row(select(windows).where(windows.c.source == source, windows.c.began_at == began_at))
    assert row is not None, "written in this transaction"
    return Sent(row.submissions, row.size_bytes, began_at)


def add_items(tx: Transaction, submission: Submission, first: int, outcomes: Sequence[ReceiptItem]) -> None:
    """Keep the outcome of each item, in order from number `first`."""
    add_items_of(tx, [(submission, first, outcomes)])


def add_items_of(tx: Transaction, several: Sequence[tuple[Submission, int, Sequence[ReceiptItem]]]) -> None:
    """Keep outcomes of several submissions, each in order from a number."""
    tx.write(insert(items), [
        {
            "submission_id": submission.id, "item": first + position, "place": item.place[:2000], "outcome": item.outcome,
            "report_id": item.report_id, "earlier": item.earlier,
            "sealed_notes": _seal_notes(submission.data_key, item.notes, submission.id),
        }
        for submission, first, outcomes in several
        for position, item in enumerate(outcomes)
    ])


def read_items(tx: Transaction, submission: Submission) -> list[ReceiptItem]:
    """The outcomes of a submission's items, in order."""
    rows = tx.rows(select(items).where(items.c.submission_id == submission.id).order_by(items.c.item))
    return [
        ReceiptItem(
            row.place, Outcome(row.outcome), None if row.report_id is None else ReportId(row.report_id),
            _open_notes(submission.data_key, row.sealed_notes, submission.id), row.earlier,
        )
        for row in rows
    ]


def find_by_digests(tx: Transaction, reporter: PartyId, digests: Sequence[str]) -> dict[str, ReportId]:
    """Reports this reporter sent before, by the digest of their finding."""
    found: dict[str, ReportId] = {}
    for start in range(0, len(digests), 500):
        query = select(reports.c.digest, reports.c.report_id).where(
            reports.c.digest.in_(digests[start : start + 500]), reports.c.reporter == reporter
        ).order_by(reports.c.number.desc())
        found.update({row.digest: ReportId(row.report_id) for row in tx.rows(query)})
    return found


def read_report(tx: Transaction, report_id: str, envelope: Envelope, *, viewer: PartyId, now: datetime) -> Report | None:
    """A report, if the viewer may read it."""
    row = tx.row(select(reports).where(reports.c.report_id == report_id, _readable(viewer, now)))
    return None if row is None else _report(row, envelope)


def read_reports_by_number(
    tx: Transaction, numbers: Sequence[int], envelope: Envelope, *, viewer: PartyId, now: datetime, duty: bool = False
) -> dict[int, Report]:
    """Of the reports with these numbers, those the viewer may read; with `duty`, for another reason than having sent them for others."""
    found: dict[int, Report] = {}
    for start in range(0, len(numbers), 500):
        allowed = _on_duty(viewer, now) if duty else _readable(viewer, now)
        query = select(reports).where(reports.c.number.in_(list(numbers[start : start + 500])), allowed)
        found.update({row.number: _report(row, envelope) for row in tx.rows(query)})
    return found


def read_reports(
    tx: Transaction, report_ids: Sequence[str], envelope: Envelope, *, viewer: PartyId, now: datetime
) -> dict[str, Report]:
    """Of the reports with these ids, those the viewer may read."""
    found: dict[str, Report] = {}
    for start in range(0, len(report_ids), 500):
        query = select(reports).where(reports.c.report_id.in_(list(report_ids[start : start + 500])), _readable(viewer, now))
        found.update({row.report_id: _report(row, envelope) for row in tx.rows(query)})
    return found


def list_reports(
    tx: Transaction, envelope: Envelope, *, viewer: PartyId, now: datetime, newest: int, submission: str | None = None
) -> list[Report]:
    """The newest reports the viewer may read, newest first."""
    query = select(reports.c.number).where(_readable(viewer, now)).order_by(reports.c.number.desc()).limit(newest)
    if submission is not None:
        query = query.where(reports.c.submission_id == submission)
    page = select(reports).where(reports.c.number.in_(query.subquery().select())).order_by(reports.c.number.desc())
    return [_report(row, envelope) for row in tx.rows(page)]


def count_reports(tx: Transaction, *, viewer: PartyId, now: datetime) -> int:
    """How many reports the viewer may read."""
    return int(tx.value(select(func.count()).select_from(reports).where(_readable(viewer, now))) or 0)


def readable_numbers(tx: Transaction, *, viewer: PartyId, now: datetime, duty: bool = False) -> dict[int, bool]:
    """The numbers of the reports the viewer may read, each with whether it is a public record."""
    query = select(reports.c.number, reports.c.public).where(_on_duty(viewer, now) if duty else _readable(viewer, now))
    return {row.number: row.public for row in tx.rows(query)}


def page_reports(
    tx: Transaction, envelope: Envelope, *, viewer: PartyId, now: datetime, size: int, before: int | None = None, source: str = "",
    among: Sequence[Select[Any]] = (), without: Sequence[Select[Any]] = (), duty: bool = False,
) -> list[Report]:
    """A page of the reports the viewer may read, newest first, in one statement.

    Args:
        before: number of the last report of the page before; None for the first page.
        among: subqueries of report numbers; only reports in each of them are shown.
        without: subqueries of report numbers; reports in any of them are left out.
        duty: only what the viewer reads for another reason than having sent it for somebody else.
    """
    # The numbers alone first: sorting whole reports to throw all but a page away would read every sealed body.
    query = select(reports.c.number).where(_on_duty(viewer, now) if duty else _readable(viewer, now))
    query = query.order_by(reports.c.number.desc()).limit(size)
    if before is not None:
        query = query.where(reports.c.number < before)
    if source:
        query = query.where(reports.c.source == source)
    for numbers in among:
        query = query.where(reports.c.number.in_(numbers))
    for numbers in without:
        query = query.where(reports.c.number.not_in(numbers))
    page = select(reports).where(reports.c.number.in_(query.subquery().select())).order_by(reports.c.number.desc())
    return [_report(row, envelope) for row in tx.rows(page)]


def duty_numbers(tx: Transaction, numbers: Sequence[int], *, viewer: PartyId, now: datetime) -> frozenset[int]:
    """Of these reports, those the viewer sent on its own behalf or reads for another reason than having sent them."""
    query = select(reports.c.number).where(reports.c.number.in_(listed(tx.dialect, numbers)), _on_duty(viewer, now))
    return frozenset(row.number for row in tx.rows(query))


def duty_ids(tx: Transaction, numbers: Sequence[int], *, viewer: PartyId, now: datetime) -> dict[int, str]:
    """The same with their ids."""
    query = select(reports.c.number, reports.c.report_id).where(reports.c.number.in_(listed(tx.dialect, numbers)), _on_duty(viewer, now))
    return {row.number: row.report_id for row in tx.rows(query)}


def readable_among(tx: Transaction, numbers: Select[Any], *, viewer: PartyId, now: datetime) -> frozenset[int]:
    """Of the reports whose numbers a subquery gives, those the viewer may read."""
    query = select(reports.c.number).where(reports.c.number.in_(numbers), _readable(viewer, now))
    return frozenset(row.number for row in tx.rows(query))


def received_by_day(
    tx: Transaction, *, viewer: PartyId, now: datetime, since: datetime, among: Select[Any] | None = None
) -> dict[str, int]:
    """How many reports, public records left out, came on each day (`2026-11-21`, UTC) of what the viewer reads on duty."""
    day = func.substr(cast(reports.c.received_at, Text), 1, 10)
    query = select(day.label("day"), func.count().label("total")).where(
        reports.c.received_at >= since, reports.c.public.is_(False), _on_duty(viewer, now)
    ).group_by(day)
    if among is not None:
        query = query.where(reports.c.number.in_(among))
    return {row.day: row.total for row in tx.rows(query)}


def received_instants(tx: Transaction, numbers: Select[Any], *, viewer: PartyId, now: datetime) -> dict[int, datetime]:
    """When the reports of a subquery that the viewer reads on duty came, public records left out."""
    query = select(reports.c.number, reports.c.received_at).where(
        reports.c.number.in_(numbers), reports.c.public.is_(False), _on_duty(viewer, now)
    )
    return {row.number: row.received_at for row in tx.rows(query)}


def system_receipts(tx: Transaction, numbers: Sequence[int]) -> "dict[int, Receival]":
    """Receipt data of these reports, for telling a finder since when its own is known once a person has said so (decision 2)."""
    query = select(*_RECEIVAL).where(reports.c.number.in_(listed(tx.dialect, numbers)))
    return {row.number: _receival(row) for row in tx.rows(query)}


def ids_of(tx: Transaction, numbers: Sequence[int]) -> Select[Any]:
    """A subquery of the ids of reports by number, for stores that keep ids."""
    return select(reports.c.report_id).where(reports.c.number.in_(listed(tx.dialect, numbers)))


def system_report_ids(tx: Transaction, numbers: Sequence[int]) -> dict[int, str]:
    """Ids of reports by number: an id alone opens nothing."""
    found: dict[int, str] = {}
    for start in range(0, len(numbers), 500):
        query = select(reports.c.number, reports.c.report_id).where(reports.c.number.in_(list(numbers[start : start + 500])))
        found.update({row.number: row.report_id for row in tx.rows(query)})
    return found


def system_number(tx: Transaction, report_id: str) -> int | None:
    """The number of a report, for finding its cluster; whoever shows anything asks again with its viewer."""
    number: int | None = tx.value(select(reports.c.number).where(reports.c.report_id == report_id))
    return number


def system_submission(tx: Transaction, report_id: str) -> str:
    """The submission a report came in, for finding whom it was granted to; empty where there is no such report."""
    return tx.value(select(reports.c.submission_id).where(reports.c.report_id == report_id)) or ""


def system_numbers(tx: Transaction, report_ids: Sequence[str]) -> list[int]:
    """Numbers of reports by id, for waiting until the matcher has placed them."""
    found: list[int] = []
    for start in range(0, len(report_ids), 500):
        query = select(reports.c.number).where(reports.c.report_id.in_(list(report_ids[start : start + 500])))
        found += [row.number for row in tx.rows(query)]
    return found


def count_after(tx: Transaction, number: int) -> int:
    """How many reports came after a number, for the matcher's progress."""
    return int(tx.value(select(func.count()).select_from(reports).where(reports.c.number > number)) or 0)


def system_findings(tx: Transaction, after: int, limit: int, envelope: Envelope) -> list[tuple[int, ReportId, Finding]]:
    """Findings in order of number, for the matcher (decision 1): it computes with them and shows none."""
    query = select(reports.c.number, reports.c.report_id, reports.c.wrapped_key, reports.c.sealed).where(
        reports.c.number > after
    ).order_by(reports.c.number).limit(limit)
    return [
        (row.number, ReportId(row.report_id), _open_report(row, envelope)[1])
        for row in tx.rows(query) if row.wrapped_key
    ]


def system_sort_keys(tx: Transaction) -> Iterator[tuple[int, str]]:
    """Number and sort key of every report, in order of number: its digest, and its id where two reporters sent the very same claim."""
    for portion in tx.stream(select(reports.c.number, reports.c.digest, reports.c.report_id).order_by(reports.c.number), 5000):
        for row in portion:
            yield row.number, row.digest + row.report_id


def system_findings_of(tx: Transaction, numbers: Sequence[int], envelope: Envelope) -> dict[int, Finding]:
    """The findings of these reports, for weighing what they hold; shown to nobody."""
    query = select(reports.c.number, reports.c.report_id, reports.c.wrapped_key, reports.c.sealed).where(
        reports.c.number.in_(listed(tx.dialect, numbers))
    )
    return {row.number: _open_report(row, envelope)[1] for row in tx.rows(query) if row.wrapped_key}


@dataclass(frozen=True, slots=True)
class Receival:
    """Of a report, what the matcher needs beside its finding."""

    number: int
    report_id: ReportId
    received_at: datetime
    reporter: PartyId
    public: bool
    digest: str


def system_private_findings(tx: Transaction, after: int, limit: int, envelope: Envelope) -> list[tuple[int, Finding]]:
    """Findings that are not public, in order of number, for the blind check: it makes tags of them and shows none."""
    query = select(reports.c.number, reports.c.report_id, reports.c.wrapped_key, reports.c.sealed).where(
        reports.c.number > after, reports.c.public.is_(False)
    ).order_by(reports.c.number).limit(limit)
    return [(row.number, _open_report(row, envelope)[1]) if row.wrapped_key else (row.number, Finding()) for row in tx.rows(query)]


def system_receivals(tx: Transaction) -> list[Receival]:
    """Every report's receipt data in order of number, for the matcher."""
    return [_receival(row) for row in tx.rows(select(*_RECEIVAL).order_by(reports.c.number))]


def readable_reports(viewer: PartyId, now: datetime) -> Select[Any]:
    """A subquery of the ids of reports a viewer may read, for stores of later steps that keep report ids."""
    return select(reports.c.report_id).where(_readable(viewer, now))


def duty_reports(viewer: PartyId, now: datetime) -> Select[Any]:
    """The same of those a viewer sent on its own behalf or reads for another reason than having sent them."""
    return select(reports.c.report_id).where(_on_duty(viewer, now))


def _readable(viewer: PartyId, now: datetime) -> Any:
    # Asked report by report: somebody may hold as many grants as there are reports, and a page needs a few of them.
    return or_(is_readable(reports.c.submission_id, viewer, now), is_readable(reports.c.report_id, viewer, now))


def _on_duty(viewer: PartyId, now: datetime) -> Any:
    itself = and_(reports.c.reporter == viewer, _readable(viewer, now))
    return or_(is_on_duty(reports.c.submission_id, viewer, now), is_on_duty(reports.c.report_id, viewer, now), itself)


_JSON = msgspec.json.Encoder()
_NUMBERS_LOCK = 0x6E756D  # "num": one number for this purpose in the whole database
_RECEIVAL = (reports.c.number, reports.c.report_id, reports.c.received_at, reports.c.reporter, reports.c.public, reports.c.digest)


def _receival(row: Row[Any]) -> Receival:
    return Receival(row.number, ReportId(row.report_id), row.received_at, PartyId(row.reporter), row.public, row.digest)


def _seal_notes(key: bytes, notes: tuple[Note, ...], about: str) -> bytes | None:
    return seal_with(key, _JSON.encode(notes), about + "/notes") if notes else None


def _open_notes(key: bytes, sealed: bytes | None, about: str) -> tuple[Note, ...]:
    if sealed is None:
        return ()
    return msgspec.json.decode(open_with(key, bytes(sealed), about + "/notes"), type=tuple[Note, ...])


def _submission(row: Row[Any], envelope: Envelope) -> Submission:
    key = envelope.unwrap(bytes(row.wrapped_key), row.submission_id)
    return Submission(
        SubmissionId(row.submission_id), row.received_at, PartyId(row.reporter), row.idempotency_key, row.digest,
        row.size_bytes, row.source, row.items_done, row.finished, key,
        open_with(key, bytes(row.sealed_name), row.submission_id).decode(),
        msgspec.json.decode(open_with(key, bytes(row.sealed_cover), row.submission_id), type=Cover),
        _open_notes(key, row.sealed_notes, row.submission_id),
    )


def _open_report(row: Row[Any], envelope: Envelope) -> tuple[tuple[Note, ...], Finding]:
    plain = zlib.decompress(envelope.open(SealedBody(bytes(row.wrapped_key), bytes(row.sealed)), row.report_id))
    notes, _, finding = plain.partition(b"\n")
    return msgspec.json.decode(notes, type=tuple[Note, ...]), msgspec.json.decode(finding, type=Finding)


def _report(row: Row[Any], envelope: Envelope) -> Report:
    notes, finding = _open_report(row, envelope)
    return Report(
        ReportId(row.report_id), row.number, SubmissionId(row.submission_id), row.received_at, PartyId(row.reporter),
        row.source, row.parser_version, row.digest, row.public, finding, notes,
    )
