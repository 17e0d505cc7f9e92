"""Documents: lines for lists, and bodies apart from them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, func, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from clearinghouse.core.ids import CaseId, DocumentId, PartyId, ThreadId
from clearinghouse.core.marks import Marks
from clearinghouse.disclosure.coordination.rooms.records import Document, DocumentKind, Room
from clearinghouse.disclosure.coordination.rooms.store.tables import (
    document_bodies,
    documents,
    mark_columns,
    seal,
    shown,
    thread_members,
    unseal,
)
from clearinghouse.parties.records import Tier
from clearinghouse.storage import Transaction
from clearinghouse.storage.sealing import open_with, seal_with


@dataclass(frozen=True, slots=True)
class _Text:
    name: str
    media_type: str
    marks: Marks


def add_document(tx: Transaction, room: Room, new: Document, body: bytes) -> None:
    """Keep a document and its bytes."""
    tx.write(insert(documents), {
        "document_id": new.id, "case_id": room.id, "thread_id": new.thread, "kind": new.kind, "size_bytes": new.size_bytes,
        "digest": new.digest, "added_at": new.added_at, "added_by": new.added_by, "withdrawn_at": new.withdrawn_at,
        **mark_columns(new.marks), "sealed_line": seal(room.key, _Text(new.name, new.media_type, new.marks), new.id + "/line"),
    })
    tx.write(insert(document_bodies), {"document_id": new.id, "sealed": seal_with(room.key, body, new.id)})


def set_withdrawn(tx: Transaction, room: Room, document_id: DocumentId, withdrawn_at: datetime | None) -> bool:
    """Take a document out of sight, or (None) put it back; False where it is so already."""
    before = documents.c.withdrawn_at.is_not(None) if withdrawn_at is None else documents.c.withdrawn_at.is_(None)
    return tx.write(update(documents).where(
        documents.c.case_id == room.id, documents.c.document_id == document_id, before
    ).values(withdrawn_at=withdrawn_at)) == 1


def list_documents(tx: Transaction, room: Room, *, now: datetime, limit: int) -> list[Document]:
    """The newest documents a viewer is told of, oldest first; a reproducer is listed below tier 3 and not opened."""
    query = select(documents).where(_readable(room, now)).order_by(documents.c.added_at.desc(), documents.c.document_id).limit(limit)
    return [_document(row, room) for row in reversed(tx.rows(query))]


def find_document(tx: Transaction, room: Room, document_id: str, *, now: datetime) -> Document | None:
    """One document as a line, if the viewer is told of it."""
    row = tx.row(select(documents).where(documents.c.document_id == document_id, _readable(room, now)))
    return None if row is None else _document(row, room)


def read_body(tx: Transaction, room: Room, document: Document) -> bytes:
    """A document's bytes. Called after the event of the reading is committed."""
    sealed = tx.value(select(document_bodies.c.sealed).where(document_bodies.c.document_id == document.id))
    return open_with(room.key, bytes(sealed), document.id)


def system_count_documents(tx: Transaction, case_id: CaseId) -> int:
    """How many documents were ever added, for the bound."""
    return int(tx.value(select(func.count()).where(documents.c.case_id == case_id)) or 0)


def _readable(room: Room, now: datetime) -> ColumnElement[bool]:
    mine = select(thread_members.c.thread_id).where(
        thread_members.c.party_id.in_(sorted(room.standing.parties)), thread_members.c.removed_at.is_(None)
    )
    found = and_(
        documents.c.case_id == room.id, documents.c.withdrawn_at.is_(None), shown(documents, room.standing, now),
        or_(documents.c.thread_id.is_(None), documents.c.thread_id.in_(mine)),
    )
    return found if room.standing.tier >= Tier.ROOM else and_(found, documents.c.case_id.is_(None))


def _document(row: Row[Any], room: Room) -> Document:
    text = unseal(room.key, row.sealed_line, row.document_id + "/line", _Text)
    return Document(
        DocumentId(row.document_id), None if row.thread_id is None else ThreadId(row.thread_id), DocumentKind(row.kind), text.name,
        text.media_type, row.size_bytes, row.digest, row.added_at, PartyId(row.added_by), text.marks, row.withdrawn_at,
    )
