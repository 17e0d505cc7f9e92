"""How a review ends: withdrawn by the developer at any minute, closed, or lapsed; and the destruction of its materials."""

from datetime import datetime, timedelta

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Conflict
from clearinghouse.core.ids import PartyId
from clearinghouse.evaluation.benchmarks.running import store as running
from clearinghouse.evaluation.review import documents, rules, store
from clearinghouse.evaluation.review.actions.agreeing import draw_up
from clearinghouse.evaluation.review.actions.entering import leave, move, take_part
from clearinghouse.evaluation.review.actions.windows import close_windows
from clearinghouse.evaluation.review.records import Document, DocumentKind, Engagement, Part
from clearinghouse.storage import Envelope, Transaction


def withdraw(tx: Transaction, review_id: str, *, envelope: Envelope, actor: PartyId, now: datetime) -> None:
    """The developer withdraws: at once, without a reason, without a mark. Every access ends in this transaction.

    Raises:
        NotFound, NotPermitted: as for `take_part`; it is the developer's.
        Conflict: a determination was signed or the review has ended.
    """
    engagement = take_part(tx, review_id, Part.DEVELOPER, envelope=envelope, actor=actor, now=now)
    moved = move(tx, engagement, "withdraw", now=now)
    close_windows(tx, moved, "developer", partners=True, actor=actor, now=now)
    leave(tx, moved, "ReviewWithdrawn", actor=actor, now=now)


def close(tx: Transaction, review_id: str, *, envelope: Envelope, actor: PartyId, now: datetime) -> None:
    """End a review whose work is done.

    Raises:
        NotFound, NotPermitted: as for `take_part`; it is the desk's.
        Conflict: it is not where it can be closed.
    """
    engagement = take_part(tx, review_id, Part.EVALUATOR, Part.AUTHORITY, envelope=envelope, actor=actor, now=now)
    moved = move(tx, engagement, "close", now=now)
    close_windows(tx, moved, "desk", actor=actor, now=now)
    leave(tx, moved, "ReviewClosed", {"how": "closed"}, actor=actor, now=now)


def lapse(tx: Transaction, review_id: str, *, envelope: Envelope, actor: PartyId, now: datetime) -> None:
    """End a review without a statement: it says nothing about the model (rule R5).

    Raises:
        NotFound, NotPermitted: as for `take_part`; it is the desk's.
        Conflict: it is not where it can lapse.
    """
    engagement = take_part(tx, review_id, Part.EVALUATOR, Part.CUSTODIAN, Part.AUTHORITY, envelope=envelope, actor=actor, now=now)
    moved = move(tx, engagement, "lapse", now=now)
    close_windows(tx, moved, "desk", actor=actor, now=now)
    leave(tx, moved, "ReviewClosed", {"how": "without a statement"}, actor=actor, now=now)


def destruction_due(tx: Transaction, engagement: Engagement) -> datetime | None:
    """When the materials are to be destroyed by the agreement; None before a window has ended."""
    ended = [window.ended_at for window in store.windows.list_of(tx, engagement) if window.ended_at is not None]
    agreement = store.documents.latest(tx, engagement, DocumentKind.AGREEMENT)
    if not ended or agreement is None:
        return None
    return max(ended) + timedelta(days=int(documents.predicate_of(agreement)["transcripts_retained_days"]))


def certify_destruction(
    tx: Transaction, review_id: str, untrusted_words: str, *, envelope: Envelope, actor: PartyId, now: datetime
) -> Document:
    """Destroy the key of the materials, and draw up the certificate that authorities sign. What is sealed under it is gone for good.

    Raises:
        NotFound, NotPermitted: as for `take_part`.
        Conflict: a window is open, or they were destroyed before.
        Invalid: nothing is said of how.
    """
    engagement = take_part(tx, review_id, Part.EVALUATOR, Part.CUSTODIAN, Part.AUTHORITY, envelope=envelope, actor=actor, now=now)
    words = rules.parse_text(untrusted_words, "how and by whom copies outside were destroyed")
    if not engagement.materials_key:
        raise Conflict("the materials of this review were destroyed before")
    if any(window.ended_at is None for window in store.windows.list_of(tx, engagement)):
        raise Conflict("a window is open: materials are destroyed once it has ended")
    due = destruction_due(tx, engagement)
    store.reviews.forget_materials(tx, engagement.id)
    transcripts = running.forget_transcripts(tx, engagement.id)
    predicate = {
        "destroyed_at": render_instant(now), "due_at": None if due is None else render_instant(due), "transcripts": transcripts, "how": words,
        "means": "the key of transcripts and of the analysis record was destroyed; digests and signed documents stay",
    }
    return draw_up(tx, engagement, DocumentKind.DESTRUCTION, predicate, "MaterialsDestroyed", {"late": due is not None and now > due}, actor=actor, now=now)
