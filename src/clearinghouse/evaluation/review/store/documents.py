"""Documents, their signatures, people's signing keys, and the analysis a round rests on."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from clearinghouse.core.ids import DocumentId, PartyId, ReviewCaseId
from clearinghouse.evaluation.review.records import Document, DocumentKind, Engagement, Part, Signature
from clearinghouse.evaluation.review.store.tables import (
    next_number,
    review_analyses,
    review_documents,
    review_keys,
    review_signatures,
)
from clearinghouse.storage import Transaction
from clearinghouse.storage.sealing import open_with, seal_with


def add(tx: Transaction, engagement: Engagement, new: Document) -> None:
    """Keep a document; it is never changed."""
    tx.write(insert(review_documents).values(number=next_number(review_documents, engagement.id), document_id=new.id, review_id=engagement.id, kind=new.kind, round=new.round, digest=new.digest, made_at=new.made_at, made_by=new.made_by, supersedes=new.supersedes, sealed=seal_with(engagement.key, new.payload, new.id)))


def list_of(tx: Transaction, engagement: Engagement, *kinds: DocumentKind) -> list[Document]:
    """The documents of a review, oldest first; what a viewer is shown of them is for the rules."""
    query = select(review_documents).where(review_documents.c.review_id == engagement.id)
    if kinds:
        query = query.where(review_documents.c.kind.in_(sorted(kinds)))
    return [_document(row, engagement) for row in tx.rows(query.order_by(review_documents.c.number))]


def latest(tx: Transaction, engagement: Engagement, kind: DocumentKind) -> Document | None:
    """The newest document of a kind."""
    found = list_of(tx, engagement, kind)
    return found[-1] if found else None


def sign(tx: Transaction, engagement: Engagement, new: Signature) -> bool:
    """Keep a signature; False where this person or this key signed the document before."""
    made = (postgresql if tx.dialect == "postgresql" else sqlite).insert(review_signatures)
    return tx.write(made.on_conflict_do_nothing().execution_options(preserve_rowcount=True), {
        "document_id": new.document_id, "party_id": new.party, "review_id": engagement.id, "side": new.side, "public_key": new.public_key,
        "signature": new.signature, "at": new.at,
    }) == 1


def signatures(tx: Transaction, engagement: Engagement) -> dict[DocumentId, list[Signature]]:
    """The signatures under a review's documents, in the order they were given."""
    found: dict[DocumentId, list[Signature]] = {}
    query = select(review_signatures).where(review_signatures.c.review_id == engagement.id)
    for row in tx.rows(query.order_by(review_signatures.c.at, review_signatures.c.party_id)):
        document = DocumentId(row.document_id)
        found.setdefault(document, []).append(
            Signature(document, PartyId(row.party_id), Part(row.side), bytes(row.public_key), bytes(row.signature), row.at)
        )
    return found


def register_key(tx: Transaction, party: PartyId, public_key: bytes, at: datetime) -> bool:
    """Keep a person's public key for signing, in place of an earlier one; False where another party has the same."""
    held = tx.row(select(review_keys.c.party_id).where(review_keys.c.public_key == public_key))
    if held is not None and held.party_id != party:
        return False
    made = (postgresql if tx.dialect == "postgresql" else sqlite).insert(review_keys)
    tx.write(made.on_conflict_do_update(index_elements=["party_id"], set_={"public_key": public_key, "registered_at": at}), {
        "party_id": party, "public_key": public_key, "registered_at": at,
    })
    return True


def find_key(tx: Transaction, party: PartyId) -> bytes | None:
    """A person's public key: it says who can sign, and nothing else."""
    found = tx.value(select(review_keys.c.public_key).where(review_keys.c.party_id == party))
    return None if found is None else bytes(found)


def keep_analysis(tx: Transaction, engagement: Engagement, record: bytes, digest: str, plan_digest: str, by: PartyId, at: datetime) -> None:
    """Keep the sealed record of a round's analysis: plan, cells and every number. It ends with the materials."""
    review = engagement.review
    tx.write(insert(review_analyses), {
        "review_id": review.id, "round": review.round, "digest": digest, "plan_digest": plan_digest, "made_at": at, "made_by": by,
        "sealed": seal_with(engagement.materials_key, record, f"{review.id}/analysis/{review.round}"),
    })


def find_analysis(tx: Transaction, engagement: Engagement) -> tuple[bytes, str, str] | None:
    """The record of the round's analysis, its digest and its plan's digest; without the record once it was destroyed."""
    review = engagement.review
    row = tx.row(select(review_analyses).where(review_analyses.c.review_id == review.id, review_analyses.c.round == review.round))
    if row is None:
        return None
    record = open_with(engagement.materials_key, bytes(row.sealed), f"{review.id}/analysis/{row.round}") if engagement.materials_key else b""
    return record, row.digest, row.plan_digest


def _document(row: Row[Any], engagement: Engagement) -> Document:
    return Document(
        DocumentId(row.document_id), ReviewCaseId(row.review_id), DocumentKind(row.kind), row.round, row.digest, row.made_at, PartyId(row.made_by),
        None if row.supersedes is None else DocumentId(row.supersedes), open_with(engagement.key, bytes(row.sealed), row.document_id),
    )
