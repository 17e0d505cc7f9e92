"""Accesses made up for a test, and whoever may read the review they belong to."""

from datetime import datetime, timedelta

from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import PartyId, ReviewCaseId, RunId, new_id
from clearinghouse.gateway import actions
from clearinghouse.gateway.records import Access
from clearinghouse.parties.records import Basis, Grant
from party_factories import give


def new_review(instance: Instance, *readers: PartyId) -> ReviewCaseId:
    """The id of a review that these parties may read."""
    review = ReviewCaseId(new_id("rvw"))
    for reader in readers:
        give(instance, Grant(review, reader, Basis.PARTICIPANT))
    return review


def grant(
    instance: Instance, review: ReviewCaseId | None = None, *, party: PartyId | None = None, purpose: str = "practice", upstream: str = "main",
    begins_at: datetime | None = None, lasts: timedelta = timedelta(hours=1), tokens_max: int = 1_000_000, calls_max: int = 1_000,
    run_id: RunId | None = None,
) -> tuple[Access, str]:
    """An access of the acting party and its key."""
    now = instance.clock.now()
    begins = begins_at or now
    with instance.database.write() as tx:
        return actions.grant_access(
            tx, review or ReviewCaseId(new_id("rvw")), party or instance.actor.id, purpose, upstream, begins, begins + lasts,
            run_id=run_id, tokens_max=tokens_max, calls_max=calls_max, actor=instance.actor.id, now=now,
        )
