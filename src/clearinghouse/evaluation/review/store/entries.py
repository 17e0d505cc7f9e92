"""What people said in a review, sealed under its key."""

from typing import Any

import msgspec
from sqlalchemy import Row, insert, select

from clearinghouse.core.ids import PartyId, ReviewCaseId
from clearinghouse.evaluation.review.records import Engagement, Entry, EntryId, EntryKind
from clearinghouse.evaluation.review.store.tables import next_number, review_entries
from clearinghouse.storage import Transaction
from clearinghouse.storage.sealing import open_with, seal_with


class _Text(msgspec.Struct, frozen=True):
    about: str
    text: str


def add(tx: Transaction, engagement: Engagement, new: Entry) -> None:
    """Keep an entry."""
    tx.write(insert(review_entries).values(number=next_number(review_entries, engagement.id), entry_id=new.id, review_id=new.review_id, kind=new.kind, at=new.at, by=new.by, round=new.round, subject=new.subject, sealed=seal_with(engagement.key, msgspec.json.encode(_Text(new.about, new.text)), new.id)))


def list_of(tx: Transaction, engagement: Engagement) -> list[Entry]:
    """The entries of a review, oldest first; which of them a viewer is shown, `rules.is_shown` says."""
    query = select(review_entries).where(review_entries.c.review_id == engagement.id)
    return [_entry(row, engagement) for row in tx.rows(query.order_by(review_entries.c.number, review_entries.c.entry_id))]


def _entry(row: Row[Any], engagement: Engagement) -> Entry:
    text = msgspec.json.decode(open_with(engagement.key, bytes(row.sealed), row.entry_id), type=_Text)
    return Entry(
        EntryId(row.entry_id), ReviewCaseId(row.review_id), EntryKind(row.kind), row.at, PartyId(row.by), row.round, text.about, text.text, row.subject
    )
