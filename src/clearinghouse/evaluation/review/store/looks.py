"""Looks at the identity of a model: digests and words, no content."""

from datetime import datetime

from sqlalchemy import func, insert, or_, select

from clearinghouse.core.ids import ReviewCaseId, new_id
from clearinghouse.evaluation.review.records import Engagement, Look, Sameness
from clearinghouse.evaluation.review.store.tables import review_looks, review_windows
from clearinghouse.storage import Transaction


def add(tx: Transaction, look: Look) -> None:
    """Keep a look."""
    tx.write(insert(review_looks), {
        "look_id": new_id("lok"), "review_id": look.review_id, "at": look.at, "digest": look.digest, "outcome": look.outcome, "how": look.how,
    })


def list_of(tx: Transaction, engagement: Engagement) -> list[Look]:
    """The looks of a review, oldest first."""
    query = select(review_looks).where(review_looks.c.review_id == engagement.id).order_by(review_looks.c.at, review_looks.c.look_id)
    return [Look(ReviewCaseId(row.review_id), row.at, row.digest, Sameness(row.outcome), row.how) for row in tx.rows(query)]


def system_unseen_since(tx: Transaction, since: datetime, limit: int) -> list[ReviewCaseId]:
    """Reviews with an open window whose model nobody looked at since an instant."""
    newest = select(func.max(review_looks.c.at)).where(review_looks.c.review_id == review_windows.c.review_id).scalar_subquery()
    query = select(review_windows.c.review_id).where(review_windows.c.ended_us.is_(None), or_(newest.is_(None), newest < since))
    return [ReviewCaseId(row.review_id) for row in tx.rows(query.order_by(review_windows.c.review_id).limit(limit))]
