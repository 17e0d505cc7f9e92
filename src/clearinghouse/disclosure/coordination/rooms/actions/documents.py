"""Documents: adding, withdrawing, and reading with the reading on record before a byte leaves."""

import hashlib
from dataclasses import replace
from datetime import datetime

from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import DocumentId, PartyId, new_id
from clearinghouse.core.marks import Marks, check_may_show, narrowest
from clearinghouse.core.policy import RoomLimits
from clearinghouse.disclosure.coordination.rooms import rules
from clearinghouse.disclosure.coordination.rooms.actions.entering import enter, hidden_among, nothing_found, take_part
from clearinghouse.disclosure.coordination.rooms.records import Document, DocumentKind, ThreadKind
from clearinghouse.disclosure.coordination.rooms.store import documents, threads
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties.records import Tier
from clearinghouse.storage import Database, Envelope, Transaction


def add_document(
    tx: Transaction, case_id: str, kind: DocumentKind, untrusted_name: str, body: bytes, *, media_type: str = "",
    thread_id: str | None = None, marks: Marks | None = None, actor: PartyId, envelope: Envelope, limits: RoomLimits, now: datetime,
) -> Document:
    """Keep a file with a case, or with a private thread of it, sealed.

    Raises:
        NotFound: the case or thread is not the actor's to see.
        NotPermitted: the actor takes no part, is read in below what it adds, or adds TLP:RED as an organisation.
        Invalid: the file is empty or too large.
        Conflict: the case is not open or holds its bound.
    """
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    rules.check_tier(room.standing, Tier.DOCUMENTS if rules.needs_everything(kind) else Tier.ROOM, f"a {kind}")
    if not body:
        raise Invalid("the file is empty")
    if len(body) > limits.document_bytes_max:
        raise Invalid(f"the file has {len(body)} bytes; {limits.document_bytes_max} are taken")
    if documents.system_count_documents(tx, room.id) >= limits.documents_max:
        raise Conflict("this case takes no further documents")
    thread = None if thread_id is None else threads.find_thread(tx, room, thread_id)
    if thread_id is not None and thread is None:
        raise nothing_found(thread_id)
    private = thread is not None and thread.kind is ThreadKind.PRIVATE
    kept = room.case.marks if marks is None else narrowest(room.case.marks, marks)
    rules.check_may_read_back(kept, room.standing)
    new = Document(
        DocumentId(new_id("doc")), thread.id if thread is not None and private else None, kind, rules.parse_file_name(untrusted_name),
        rules.parse_media_type(media_type), len(body), "sha256:" + hashlib.sha256(body).hexdigest(), now, actor, kept,
    )
    documents.add_document(tx, room, new, body)
    details: dict[str, Detail] = {"kind": str(kind), "size_bytes": new.size_bytes, "digest": new.digest}
    subjects = (new.id, new.thread) if new.thread is not None else (room.id, new.id)
    ledger.record(tx, Event("DocumentAdded", subjects, details), actor=actor, now=now)
    return new


def withdraw_document(tx: Transaction, case_id: str, document_id: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> None:
    """Take a document out of sight for everybody.

    Raises:
        NotFound: the document is not the actor's to see.
        NotPermitted: the actor neither added it nor coordinates the case.
        Conflict: the case is not open.
    """
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    found = documents.find_document(tx, room, document_id, now=now)
    if found is None:
        raise nothing_found(document_id)
    if found.added_by != actor and not room.standing.coordinates:
        raise NotPermitted("a document is withdrawn by who added it or by a coordinator of the case")
    documents.set_withdrawn(tx, room, found.id, now)
    subjects = (found.id, found.thread) if found.thread is not None else (room.id, found.id)
    ledger.record(tx, Event("DocumentWithdrawn", subjects), actor=actor, now=now)


def read_document(
    database: Database, case_id: str, document_id: str, *, envelope: Envelope, viewer: PartyId, now: datetime
) -> tuple[Document, bytes]:
    """A document and its bytes; that the viewer read it is committed before any byte is opened.

    Raises:
        NotFound: there is none that the viewer may see.
        NotPermitted: it is a reproducer and the viewer is read in below tier 3.
    """
    with database.write() as tx:
        room = enter(tx, case_id, envelope=envelope, viewer=viewer, now=now)
        found = documents.find_document(tx, room, document_id, now=now)
        if found is None:
            raise nothing_found(document_id)
        if rules.needs_everything(found.kind):
            rules.check_tier(room.standing, Tier.DOCUMENTS, "a reproducer")
        check_may_show(found.marks, room.standing.reach, now)
        hidden = hidden_among(tx, room, [found.added_by])
        ledger.record(tx, Event("SealedObjectRead", (found.id,), {"digest": found.digest}), actor=viewer, now=now)
    with database.read(viewer=viewer, now=now) as tx:
        return replace(found, added_by=PartyId("")) if hidden else found, documents.read_body(tx, room, found)


__all__ = ["add_document", "read_document", "withdraw_document"]
