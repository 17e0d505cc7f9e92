"""What every action on a review begins and ends with: entering it as the actor, taking a step of its table, leaving its event."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from clearinghouse.core.errors import Conflict, NotFound
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, has_shape, new_id
from clearinghouse.core.roles import Scope
from clearinghouse.core.states import step
from clearinghouse.evaluation.benchmarks.running import store as running
from clearinghouse.evaluation.review import rules, store
from clearinghouse.evaluation.review.access import end_person_access
from clearinghouse.evaluation.review.records import Engagement, Entry, EntryId, EntryKind, Part, ReviewState
from clearinghouse.evaluation.review.states import REVIEW_TRANSITIONS
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties import rules as party_rules
from clearinghouse.parties import store as party_store
from clearinghouse.parties.records import Basis
from clearinghouse.storage import Envelope, Transaction


def nothing_found(untrusted_id: str) -> NotFound:
    """The one answer for what is not there and what is not the viewer's."""
    return NotFound(f"nothing found under {untrusted_id[:40]!r}")


def enter(tx: Transaction, review_id: str, *, envelope: Envelope, viewer: PartyId, now: datetime) -> Engagement:
    """A review as the viewer may see it.

    Raises:
        NotFound: there is none that the viewer may see.
    """
    found = store.reviews.find(tx, review_id, envelope, viewer=viewer, now=now) if has_shape(review_id) else None
    if found is None:
        raise nothing_found(review_id)
    return found


def take_part(tx: Transaction, review_id: str, *wanted: Part, envelope: Envelope, actor: PartyId, now: datetime) -> Engagement:
    """A review in which the actor has one of these parts (any, where none is named); others wait until this transaction ends.

    Raises:
        NotFound: there is none that the actor may see.
        NotPermitted: the actor has none of these parts, was recused, or may not act in reviews at all.
    """
    if has_shape(review_id):
        store.reviews.lock(tx, review_id)
    engagement = enter(tx, review_id, envelope=envelope, viewer=actor, now=now)
    rules.check_part(engagement, *(wanted or (Part.DEVELOPER, Part.EVALUATOR, Part.CUSTODIAN, Part.AUTHORITY)))
    party_rules.check_may(parties.get_party(tx, actor), Scope.REVIEWS_ACT)
    return engagement


def move(
    tx: Transaction, engagement: Engagement, verb: str, *, now: datetime, by: str = "", round_number: int | None = None
) -> Engagement:
    """The review one step further.

    Args:
        by: `clock` where no person takes the step.
    Raises:
        Conflict: its table has no such step from its state, or somebody else took one in this moment.
        NotPermitted: the step is for others.
    """
    review = engagement.review
    end = ReviewState(step(REVIEW_TRANSITIONS[review.kind], verb, review.state, (by,) if by else sorted(engagement.parts)))
    if not store.reviews.move(tx, review, end, now, round_number=round_number):
        raise Conflict("somebody else moved this review in the same moment; look again")
    moved = replace(review, state=end, state_at=now, round=review.round if round_number is None else round_number)
    return replace(engagement, review=moved)


def leave(
    tx: Transaction, engagement: Engagement, kind: str, details: Mapping[str, Detail] | None = None, *, subjects: tuple[str, ...] = (),
    actor: PartyId, now: datetime,
) -> None:
    """The event of a deed on a review."""
    ledger.record(tx, Event(kind, (engagement.id, *subjects), details or {}), actor=actor, now=now)


def end_working(tx: Transaction, engagement: Engagement, party: PartyId, *, actor: PartyId, now: datetime) -> None:
    """A person asks nothing more of the model and opens nothing more of a run; what it reads of the review is another question."""
    for run in running.list_runs(tx, engagement.id, viewer=actor, now=now):
        party_store.end_grants(tx, run.id, party, (Basis.PARTICIPANT,), now)
    end_person_access(tx, engagement, party, actor=actor, now=now)


def write_entry(
    tx: Transaction, engagement: Engagement, kind: EntryKind, about: str, text: str, *, subject: str = "", actor: PartyId, now: datetime
) -> Entry:
    """Keep a word in the record; the deed leaves its own event."""
    new = Entry(EntryId(new_id("ent")), engagement.id, kind, now, actor, engagement.review.round, about, text, subject)
    store.entries.add(tx, engagement, new)
    return new
