"""Reviews and who takes part in them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, Select, func, insert, select, update

from clearinghouse.core.ids import PartyId, ReviewCaseId
from clearinghouse.evaluation.review.documents import version_key
from clearinghouse.evaluation.review.records import Engagement, ModelIdentity, Part, Participant, Review, ReviewKind, ReviewState
from clearinghouse.evaluation.review.store.tables import review_participants, reviews
from clearinghouse.parties.store import is_readable
from clearinghouse.storage import Envelope, Transaction
from clearinghouse.storage.sealing import open_with, seal_with


class _Text(msgspec.Struct, frozen=True):
    model: ModelIdentity
    question: str


def add(tx: Transaction, review: Review, key: bytes, materials_key: bytes, envelope: Envelope) -> None:
    """Keep a new review under its own keys."""
    tx.write(insert(reviews), {
        "review_id": review.id, "kind": review.kind, "state": review.state, "state_at": review.state_at, "opened_at": review.opened_at,
        "opened_by": review.opened_by, "developer": review.developer, "desk": review.desk, "policy_version": review.policy_version,
        "round": review.round, "partner_release_at": review.partner_release_at, "concerns": review.concerns,
        "version_key": version_key(review.model, review.developer), "wrapped_key": envelope.wrap(key, review.id),
        "wrapped_materials_key": envelope.wrap(materials_key, f"{review.id}/materials"),
        "sealed": seal_with(key, msgspec.json.encode(_Text(review.model, review.question)), review.id),
    })


def find(tx: Transaction, review_id: str, envelope: Envelope, *, viewer: PartyId, now: datetime) -> Engagement | None:
    """A review as one viewer may see it; one statement, whether there is none or it is not the viewer's."""
    rows = tx.rows(_seen(viewer, now).where(reviews.c.review_id == review_id))
    return _engagement(rows, envelope, viewer, now)


def list_seen(tx: Transaction, envelope: Envelope, *, viewer: PartyId, now: datetime, limit: int) -> list[Engagement]:
    """The reviews a viewer takes part in, newest first."""
    page = select(reviews.c.review_id).where(is_readable(reviews.c.review_id, viewer, now)).order_by(
        reviews.c.opened_at.desc(), reviews.c.review_id
    ).limit(limit).subquery()
    found: dict[str, list[Row[Any]]] = {}
    for row in tx.rows(_seen(viewer, now).where(reviews.c.review_id.in_(select(page.c.review_id))).order_by(
        reviews.c.opened_at.desc(), reviews.c.review_id
    )):
        found.setdefault(row.review_id, []).append(row)
    made = (_engagement(rows, envelope, viewer, now) for rows in found.values())
    return [one for one in made if one is not None]


def system_find(tx: Transaction, review_id: str, envelope: Envelope, actor: PartyId) -> Engagement | None:
    """A review for the machine at work: it acts for nobody and shows nothing."""
    row = tx.row(select(reviews).where(reviews.c.review_id == review_id))
    return None if row is None else Engagement(*_opened(row, envelope), actor, frozenset())


def lock(tx: Transaction, review_id: str) -> None:
    """Let nobody else act on a review until the transaction ends; tells nobody whether there is one."""
    tx.rows(select(reviews.c.review_id).where(reviews.c.review_id == review_id).with_for_update(key_share=True))


def move(tx: Transaction, review: Review, state: ReviewState, at: datetime, *, round_number: int | None = None) -> bool:
    """Put a review into another state; False where somebody else moved it first."""
    return tx.write(update(reviews).where(reviews.c.review_id == review.id, reviews.c.state == review.state).values(
        state=state, state_at=at, round=review.round if round_number is None else round_number
    )) == 1


def set_partner_release(tx: Transaction, review_id: ReviewCaseId, at: datetime | None) -> None:
    """Note when the developer plans to release to partners."""
    tx.write(update(reviews).where(reviews.c.review_id == review_id).values(partner_release_at=at))


def forget_materials(tx: Transaction, review_id: ReviewCaseId) -> None:
    """Destroy the key of a review's materials: what is sealed under it cannot be read again."""
    tx.write(update(reviews).where(reviews.c.review_id == review_id).values(wrapped_materials_key=None))


def add_participant(tx: Transaction, review_id: ReviewCaseId, new: Participant) -> None:
    """Keep that a person takes part."""
    tx.write(insert(review_participants), {
        "review_id": review_id, "party_id": new.party, "part": new.part, "since": new.since, "until": new.until, "recused_at": new.recused_at,
    })


def renew_participant(tx: Transaction, review_id: ReviewCaseId, party: PartyId, part: Part, at: datetime) -> bool:
    """Let a person take part again; False where it never did, or was recused."""
    chosen = (review_participants.c.review_id == review_id, review_participants.c.party_id == party, review_participants.c.part == part)
    return tx.write(update(review_participants).where(*chosen, review_participants.c.recused_at.is_(None)).values(since=at, until=None)) == 1


def end_participant(tx: Transaction, review_id: ReviewCaseId, party: PartyId, part: Part, at: datetime) -> bool:
    """End a person's part; False where it had none."""
    chosen = (review_participants.c.review_id == review_id, review_participants.c.party_id == party, review_participants.c.part == part)
    return tx.write(update(review_participants).where(*chosen, review_participants.c.until.is_(None)).values(until=at)) == 1


def recuse(tx: Transaction, review_id: ReviewCaseId, party: PartyId, at: datetime) -> int:
    """A person decides nothing any more in a review; gives how many parts that was."""
    return tx.write(update(review_participants).where(
        review_participants.c.review_id == review_id, review_participants.c.party_id == party, review_participants.c.recused_at.is_(None)
    ).values(recused_at=at))


def list_participants(tx: Transaction, engagement: Engagement) -> list[Participant]:
    """Everybody who takes or took part, earliest first."""
    return system_participants(tx, engagement.id)


def system_participants(tx: Transaction, review_id: str) -> list[Participant]:
    """The same for the machine, which tells them something."""
    query = select(review_participants).where(review_participants.c.review_id == review_id)
    return [
        Participant(PartyId(row.party_id), Part(row.part), row.since, row.until, row.recused_at)
        for row in tx.rows(query.order_by(review_participants.c.since, review_participants.c.party_id, review_participants.c.part))
    ]


def system_in_state(tx: Transaction, states: Sequence[ReviewState], before: datetime, limit: int) -> list[ReviewCaseId]:
    """Reviews that have been in one of these states since before an instant, longest first."""
    query = select(reviews.c.review_id).where(reviews.c.state.in_(list(states)), reviews.c.state_at <= before)
    return [ReviewCaseId(row.review_id) for row in tx.rows(query.order_by(reviews.c.state_at, reviews.c.review_id).limit(limit))]


def system_counts(tx: Transaction) -> dict[ReviewState, int]:
    """How many reviews of models stand in each state, for the public figures; inquiries apart from it."""
    kinds = (ReviewKind.ACCESS, ReviewKind.UPDATE)
    query = select(reviews.c.state, func.count().label("many")).where(reviews.c.kind.in_(kinds)).group_by(reviews.c.state)
    return {ReviewState(row.state): int(row.many) for row in tx.rows(query)}


def _seen(viewer: PartyId, now: datetime) -> Select[Any]:
    # The grant says that the viewer may read it at all, the parts what for; one row for each part of the viewer, or one without.
    joined = reviews.outerjoin(review_participants, (
        (review_participants.c.review_id == reviews.c.review_id) & (review_participants.c.party_id == viewer)
        & review_participants.c.until.is_(None)
    ))
    parts = (review_participants.c.part.label("own_part"), review_participants.c.recused_at.label("own_recused_at"))
    return select(reviews, *parts).select_from(joined).where(is_readable(reviews.c.review_id, viewer, now))


def _engagement(rows: Sequence[Row[Any]], envelope: Envelope, viewer: PartyId, now: datetime) -> Engagement | None:
    if not rows:
        return None
    recused = any(row.own_recused_at is not None and row.own_recused_at <= now for row in rows)
    parts = frozenset(Part(row.own_part) for row in rows if row.own_part is not None and row.own_recused_at is None)
    return replace(Engagement(*_opened(rows[0], envelope), viewer, parts), recused=recused)


def _opened(row: Row[Any], envelope: Envelope) -> tuple[Review, bytes, bytes]:
    key = envelope.unwrap(bytes(row.wrapped_key), row.review_id)
    materials = b"" if row.wrapped_materials_key is None else envelope.unwrap(bytes(row.wrapped_materials_key), f"{row.review_id}/materials")
    text = msgspec.json.decode(open_with(key, bytes(row.sealed), row.review_id), type=_Text)
    review = Review(
        ReviewCaseId(row.review_id), ReviewKind(row.kind), ReviewState(row.state), row.state_at, row.opened_at, PartyId(row.opened_by),
        PartyId(row.developer), PartyId(row.desk), row.policy_version, text.model, text.question, row.partner_release_at,
        None if row.concerns is None else ReviewCaseId(row.concerns), row.round,
    )
    return review, key, materials
