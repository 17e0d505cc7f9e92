"""What a review does to the accesses that were granted on its account: they end, rest or come back with it, in the same transaction."""

from datetime import datetime

from clearinghouse.core.ids import PartyId
from clearinghouse.evaluation.review.records import Engagement, Partner
from clearinghouse.gateway import actions as gateway
from clearinghouse.gateway import store as gateway_store
from clearinghouse.gateway.records import Access
from clearinghouse.storage import Transaction

_PARTNER = "partner"


def end_access(tx: Transaction, engagement: Engagement, cause: str, *, partners: bool = False, actor: PartyId, now: datetime) -> None:
    """What the desk was given ends, for good.

    Args:
        cause: one word of ours.
        partners: what partners were given ends, too; by itself it outlasts the window, and has an end of its own.
    """
    for access in gateway_store.system_of_review(tx, engagement.id):
        if partners or access.purpose != _PARTNER:
            gateway.end_access(tx, access, cause, actor=actor, now=now)


def grant_partner_access(tx: Transaction, engagement: Engagement, partner: Partner, upstream: str, *, actor: PartyId, now: datetime) -> tuple[Access, str]:
    """An access for a chosen partner and its key, shown once: from the planned release on, to the partner's own end and quota.

    Raises:
        Invalid: the partner's end lies before the planned release, or has passed.
        NotFound: its party is gone.
    """
    assert partner.party is not None, "the caller asked"
    begins_at = max(now, engagement.review.partner_release_at or now)
    return gateway.grant_access(
        tx, engagement.id, partner.party, _PARTNER, upstream, begins_at, partner.ends_at, tokens_max=partner.tokens_max, calls_max=partner.tokens_max,
        actor=actor, now=now,
    )


def suspend_access(tx: Transaction, engagement: Engagement, cause: str, *, actor: PartyId, now: datetime) -> None:
    """What the desk was given rests; what partners were given has suspensions of its own."""
    for access in gateway_store.system_of_review(tx, engagement.id):
        if access.purpose != _PARTNER and access.suspended_at is None:
            gateway.suspend_access(tx, access, cause, actor=actor, now=now)


def restore_access(tx: Transaction, engagement: Engagement, since: datetime, *, actor: PartyId, now: datetime) -> None:
    """What of the desk's a pause put to rest comes back; what rested before it, or for another reason, does not.

    Args:
        since: when the pause began.
    Raises:
        NotPermitted: the other side suspended them.
    """
    for access in gateway_store.system_of_review(tx, engagement.id):
        if access.purpose != _PARTNER and access.suspended_at == since:
            gateway.restore_access(tx, access, actor=actor, now=now)


def end_person_access(tx: Transaction, engagement: Engagement, party: PartyId, *, actor: PartyId, now: datetime) -> None:
    """What a person of the desk was given to work with ends with its part."""
    for access in gateway_store.system_of_review(tx, engagement.id):
        if access.party == party and access.purpose != _PARTNER:
            gateway.end_access(tx, access, "part_ended", actor=actor, now=now)


def shorten_access(tx: Transaction, engagement: Engagement, ends_at: datetime, *, actor: PartyId, now: datetime) -> None:
    """Nothing that the desk was given lasts longer than this."""
    for access in gateway_store.system_of_review(tx, engagement.id):
        if access.purpose != _PARTNER and access.begins_at < ends_at < access.ends_at:
            gateway.shorten_access(tx, access, ends_at, actor=actor, now=now)


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
    return [one for one in gateway_store.system_of_review(tx, engagement.id) if one.party == partner.party and one.purpose == _PARTNER]
