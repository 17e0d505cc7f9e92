"""The tables of rooms, and what several of their stores share: marks in columns, texts under the case's key."""

from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
    or_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from clearinghouse.core.marks import Marks
from clearinghouse.core.tlp import Tlp
from clearinghouse.disclosure.coordination.rooms.records import Standing
from clearinghouse.storage import Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, Number, Prose, Word, metadata
from clearinghouse.storage.sealing import open_with, seal_with

_T = TypeVar("_T")
_JSON = msgspec.json.Encoder()

cases = Table(
    "cases", metadata,
    Column("case_id", Id, primary_key=True),
    Column("opened_at", Instant, nullable=False),
    Column("opened_by", Id, nullable=False),
    Column("lead", Id, nullable=False),
    Column("state", Word, nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("tlp", Word, nullable=False),
    Column("expires_at", Instant),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
case_reports = Table(
    "case_reports", metadata,
    Column("case_id", Id, ForeignKey("cases.case_id"), primary_key=True),
    Column("report_id", Id, primary_key=True),
    # The report's id while it is handled here, else null: one open case at most, on both databases.
    Column("open_report_id", Id, unique=True),
    Column("attached_at", Instant, nullable=False),
    Column("attached_by", Id, nullable=False),
    Column("reporter", Id, nullable=False),
    Column("source", Word, nullable=False),
    Column("digest", Digest, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("share_with_vendor", Boolean, nullable=False),
    Column("share_name", Boolean, nullable=False),
    Column("detached_at", Instant),
    Column("withdrawn_at", Instant),
    Column("tlp", Word, nullable=False),
    Column("expires_at", Instant),
    Column("sealed_line", LargeBinary, nullable=False),
    Column("sealed_finding", LargeBinary, nullable=False),
)
case_participants = Table(
    "case_participants", metadata,
    Column("case_id", Id, ForeignKey("cases.case_id"), primary_key=True),
    Column("party_id", Id, ForeignKey("parties.party_id"), primary_key=True),
    Column("role", Word, nullable=False),
    Column("state", Word, nullable=False),
    Column("tier", Integer, nullable=False),
    Column("until", Instant),
    Column("report_state", Word, nullable=False),
    Column("report_state_at", Instant, nullable=False),
    Column("invited_at", Instant, nullable=False),
    Column("invited_by", Id, nullable=False),
    Column("joined_at", Instant),
    Column("ended_at", Instant),
    Column("unnamed", Boolean, nullable=False),
    Index(None, "party_id", "state"),
)
vulnerabilities = Table(
    "vulnerabilities", metadata,
    Column("vulnerability_id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.case_id"), nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("added_by", Id, nullable=False),
    Column("removed_at", Instant),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "case_id"),
)
vulnerability_reports = Table(
    "vulnerability_reports", metadata,
    Column("vulnerability_id", Id, ForeignKey("vulnerabilities.vulnerability_id"), primary_key=True),
    Column("report_id", Id, primary_key=True),
)
vendor_statements = Table(
    "vendor_statements", metadata,
    Column("statement_id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.case_id"), nullable=False),
    Column("vulnerability_id", Id, ForeignKey("vulnerabilities.vulnerability_id"), nullable=False),
    Column("party_id", Id, nullable=False),
    Column("status", Word, nullable=False),
    Column("said_at", Instant, nullable=False),
    Column("said_by", Id, nullable=False),
    Column("newest", Boolean, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "case_id", "newest"),
)
threads = Table(
    "threads", metadata,
    Column("thread_id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.case_id"), nullable=False),
    Column("kind", Word, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("opened_by", Id, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "case_id"),
)
thread_members = Table(
    "thread_members", metadata,
    Column("thread_id", Id, ForeignKey("threads.thread_id"), primary_key=True),
    Column("party_id", Id, primary_key=True),
    Column("added_at", Instant, nullable=False),
    Column("removed_at", Instant),
)
thread_reads = Table(
    "thread_reads", metadata,
    Column("thread_id", Id, ForeignKey("threads.thread_id"), primary_key=True),
    Column("party_id", Id, primary_key=True),
    Column("number", Number, nullable=False),
    Column("read_at", Instant, nullable=False),
)
messages = Table(
    "messages", metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("message_id", Id, nullable=False, unique=True),
    Column("thread_id", Id, ForeignKey("threads.thread_id"), nullable=False),
    Column("author", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("in_reply_to", Id),
    Column("via", Word, nullable=False),
    Column("tlp", Word, nullable=False),
    Column("expires_at", Instant),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "thread_id", "number"),
    sqlite_autoincrement=True,
)
documents = Table(
    "documents", metadata,
    Column("document_id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.case_id"), nullable=False),
    Column("thread_id", Id, ForeignKey("threads.thread_id")),
    Column("kind", Word, nullable=False),
    Column("size_bytes", Number, nullable=False),
    Column("digest", Digest, nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("added_by", Id, nullable=False),
    Column("withdrawn_at", Instant),
    Column("tlp", Word, nullable=False),
    Column("expires_at", Instant),
    Column("sealed_line", LargeBinary, nullable=False),
    Index(None, "case_id"),
)
document_bodies = Table(
    "document_bodies", metadata,
    Column("document_id", Id, ForeignKey("documents.document_id"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
case_decisions = Table(
    "case_decisions", metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("decision_id", Id, nullable=False, unique=True),
    Column("case_id", Id, ForeignKey("cases.case_id"), nullable=False),
    Column("kind", Word, nullable=False),
    Column("subject", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", Id, nullable=False),
    Column("undone_at", Instant),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "case_id", "number"),
    sqlite_autoincrement=True,
)
case_handles = Table(
    "case_handles", metadata,
    Column("object_id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.case_id"), nullable=False),
    Column("origin", Prose, nullable=False),
    Column("handle", Id, nullable=False),
    UniqueConstraint("origin", "handle"),
    Index(None, "case_id"),
)
"""The names that objects of an imported case have on the instance they came from."""
case_imports = Table(
    "case_imports", metadata,
    Column("case_id", Id, ForeignKey("cases.case_id"), primary_key=True),
    Column("origin", Prose, nullable=False),
    Column("digest", Digest, nullable=False),
    Column("imported_at", Instant, nullable=False),
    Column("imported_by", Id, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
"""Where an imported case came from, with the provenance of its bundle, verbatim."""
case_erasures = Table(
    "case_erasures", metadata,
    Column("erasure_id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.case_id"), nullable=False),
    Column("asked_by", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("proven", Boolean, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("lapses_at", Instant, nullable=False),
    Column("confirmed_by", Id, ForeignKey("parties.party_id")),
    Column("confirmed_at", Instant),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "case_id"),
)
"""Requests to erase a case. Their reasons outlive the case, so they are under keys of their own."""
case_holds = Table(
    "case_holds", metadata,
    # No reference: whether there is such a case is not looked up for an administrator.
    Column("case_id", Id, primary_key=True),
    Column("held_at", Instant, nullable=False),
    Column("held_by", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
"""Legal holds that stand; one that was lifted is on the ledger alone."""


def seal(key: bytes, value: Any, about: str) -> bytes:
    """A value as JSON under a case's key, bound to its object."""
    return seal_with(key, _JSON.encode(value), about)


def unseal(key: bytes, sealed: bytes, about: str, kind: type[_T]) -> _T:
    """What `seal` sealed."""
    return msgspec.json.decode(open_with(key, bytes(sealed), about), type=kind)


def shown(table: Table, standing: Standing, now: datetime) -> ColumnElement[bool]:
    """What of a table with marks a viewer in the room may be shown: TLP:RED to named persons, nothing that expired."""
    alive: ColumnElement[bool] = or_(table.c.expires_at.is_(None), table.c.expires_at > now)
    return alive if standing.named else alive & (table.c.tlp != Tlp.RED)


def dialect_insert(tx: Transaction, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that can give way to what is there, and says how many rows it wrote on either database."""
    insert = postgresql.insert(table) if tx.dialect == "postgresql" else sqlite.insert(table)
    return insert.execution_options(preserve_rowcount=True)


def mark_columns(marks: Marks) -> dict[str, Any]:
    """The marks that reads filter by; the whole of them is sealed with the text."""
    return {"tlp": marks.tlp, "expires_at": marks.expires_at}
