"""Candidates for trusted partners, and what both sides said of them."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, insert, select, update

from clearinghouse.core.ids import PartyId, ReviewCaseId, new_id
from clearinghouse.evaluation.review.records import Engagement, Part, Partner, PartnerId, PartnerState, PartnerVote, Vote
from clearinghouse.evaluation.review.store.tables import next_number, review_partners, review_votes
from clearinghouse.storage import Transaction
from clearinghouse.storage.sealing import open_with, seal_with


class _Text(msgspec.Struct, frozen=True):
    name: str
    sector: str
    tier: str
    terms: str
    why: str


def add(tx: Transaction, engagement: Engagement, new: Partner) -> None:
    """Keep a candidate."""
    text = _Text(new.name, new.sector, new.tier, new.terms, new.why)
    tx.write(insert(review_partners), {
        "partner_id": new.id, "review_id": new.review_id, "proposed_at": new.proposed_at, "proposed_by": new.proposed_by, "state": new.state,
        "state_at": new.state_at, "tokens_max": new.tokens_max, "ends_at": new.ends_at, "party_id": new.party,
        "small_operator": new.small_operator, "sealed": seal_with(engagement.key, msgspec.json.encode(text), new.id),
    })


def move(tx: Transaction, partner: Partner, state: PartnerState, at: datetime) -> bool:
    """Put a candidate into another state; False where somebody else was faster."""
    return tx.write(update(review_partners).where(
        review_partners.c.partner_id == partner.id, review_partners.c.state == partner.state
    ).values(state=state, state_at=at)) == 1


def list_of(tx: Transaction, engagement: Engagement) -> list[Partner]:
    """The candidates of a review, oldest first."""
    query = select(review_partners).where(review_partners.c.review_id == engagement.id)
    return [_partner(row, engagement) for row in tx.rows(query.order_by(review_partners.c.proposed_at, review_partners.c.partner_id))]


def add_vote(tx: Transaction, engagement: Engagement, new: PartnerVote) -> None:
    """Keep what a side says of a candidate."""
    vote_id = new_id("vot")
    tx.write(insert(review_votes).values(number=next_number(review_votes, engagement.id), vote_id=vote_id, partner_id=new.partner_id, review_id=engagement.id, side=new.side, by=new.by, at=new.at, vote=new.vote, sealed=seal_with(engagement.key, new.reason.encode(), vote_id)))


def votes_of(tx: Transaction, engagement: Engagement) -> list[PartnerVote]:
    """What was said of all candidates of a review, oldest first."""
    query = select(review_votes).where(review_votes.c.review_id == engagement.id).order_by(review_votes.c.number, review_votes.c.vote_id)
    return [
        PartnerVote(
            PartnerId(row.partner_id), Part(row.side), PartyId(row.by), row.at, Vote(row.vote),
            open_with(engagement.key, bytes(row.sealed), row.vote_id).decode(),
        ) for row in tx.rows(query)
    ]


def _partner(row: Row[Any], engagement: Engagement) -> Partner:
    text = msgspec.json.decode(open_with(engagement.key, bytes(row.sealed), row.partner_id), type=_Text)
    return Partner(
        PartnerId(row.partner_id), ReviewCaseId(row.review_id), row.proposed_at, PartyId(row.proposed_by), PartnerState(row.state), row.state_at,
        text.name, text.sector, text.tier, text.terms, text.why, row.tokens_max, row.ends_at,
        None if row.party_id is None else PartyId(row.party_id), row.small_operator,
    )
