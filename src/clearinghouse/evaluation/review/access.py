"""What a review does to the accesses that were granted on its account: they end, rest or come back with it, in the same transaction."""

from datetime import datetime

from clearinghouse.core.ids import PartyId
from clearinghouse.evaluation.review.records import Engagement, Partner
from clearinghouse.gateway import actions as gateway
from clearinghouse.gateway import store as gateway_store
from clearinghouse.gateway.records import Access
from clearinghouse.storage import Transaction


def end_access(tx: Transaction, engagement: Engagement, cause: str, *, actor: PartyId, now: datetime) -> None:
    """All of them end, for good.

    Args:
        cause: one word of ours.
    """
    gateway.end_all_of_review(tx, engagement.id, cause, actor=actor, now=now)


def suspend_access(tx: Transaction, engagement: Engagement, cause: str, *, actor: PartyId, now: datetime) -> None:
    """All of them rest."""
    gateway.suspend_all_of_review(tx, engagement.id, cause, actor=actor, now=now)


def restore_access(tx: Transaction, engagement: Engagement, *, actor: PartyId, now: datetime) -> None:
    """All that rest come back.

    Raises:
        NotPermitted: the other side suspended them.
    """
    gateway.restore_all_of_review(tx, engagement.id, actor=actor, now=now)


def shorten_access(tx: Transaction, engagement: Engagement, ends_at: datetime, *, actor: PartyId, now: datetime) -> None:
    """None of them lasts longer than this."""
    gateway.shorten_all_of_review(tx, engagement.id, ends_at, actor=actor, now=now)


def end_partner_access(tx: Transaction, engagement: Engagement, partner: Partner, *, actor: PartyId, now: datetime) -> None:
    """What one partner was given ends, for good."""
    for access in _of(tx, engagement, partner):
        gateway.end_access(tx, access, "partner_declined", actor=actor, now=now)


def suspend_partner_access(tx: Transaction, engagement: Engagement, partner: Partner, *, actor: PartyId, now: datetime) -> None:
    """What one partner was given rests."""
    for access in _of(tx, engagement, partner):
        if access.suspended_at is None:
            gateway.suspend_access(tx, access, "partner_suspended", actor=actor, now=now)


def restore_partner_access(tx: Transaction, engagement: Engagement, partner: Partner, *, actor: PartyId, now: datetime) -> None:
    """What one partner was given comes back."""
    for access in _of(tx, engagement, partner):
        if access.suspended_at is not None:
            gateway.restore_access(tx, access, actor=actor, now=now)


def _of(tx: Transaction, engagement: Engagement, partner: Partner) -> list[Access]:
    return [one for one in gateway_store.system_of_review(tx, engagement.id) if one.party == partner.party and one.purpose == "partner"]
