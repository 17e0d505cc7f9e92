"""Opening a review, naming who takes part, and the developer's own dates."""

import secrets
from datetime import datetime

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.ids import PartyId, ReviewCaseId, new_id
from clearinghouse.core.roles import Role, Scope
from clearinghouse.core.states import may_step
from clearinghouse.evaluation.benchmarks.running import store as running
from clearinghouse.evaluation.review import rules, store
from clearinghouse.evaluation.review.access import shorten_access
from clearinghouse.evaluation.review.actions.ending import withdraw
from clearinghouse.evaluation.review.actions.entering import end_working, enter, leave, move, take_part
from clearinghouse.evaluation.review.actions.windows import close_windows
from clearinghouse.evaluation.review.records import Engagement, ModelIdentity, Part, Participant, Review, ReviewKind, ReviewState
from clearinghouse.evaluation.review.states import REVIEW_TRANSITIONS
from clearinghouse.parties import actions as parties
from clearinghouse.parties import rules as party_rules
from clearinghouse.parties import store as party_store
from clearinghouse.parties.records import Basis, Grant, PartyKind
from clearinghouse.storage import Envelope, Transaction

_ROLE_OF = {Part.DEVELOPER: Role.DEVELOPER, Part.EVALUATOR: Role.EVALUATOR, Part.CUSTODIAN: Role.CUSTODIAN, Part.AUTHORITY: Role.AUTHORITY,
            Part.AUDITOR: Role.OVERSEER}
_ENDED = (ReviewState.CLOSED, ReviewState.WITHDRAWN)


def open_review(
    tx: Transaction, kind: ReviewKind, model: ModelIdentity, untrusted_question: str, desk: PartyId, *, partner_release_at: datetime | None = None,
    concerns: str = "", policy_version: int, envelope: Envelope, actor: PartyId, now: datetime,
) -> Review:
    """A draft of a developer, which nobody else sees before it is submitted.

    Args:
        desk: the organisation that is asked to review.
        concerns: for an update or a withdrawal, the review it is about.
    Raises:
        NotPermitted: the actor does not act for a developer.
        NotFound: the review it concerns is not the actor's to see.
        Invalid: nothing is asked, the planned release is past, or an update or a withdrawal concerns nothing.
    """
    who = parties.get_party(tx, actor)
    party_rules.check_may(who, Scope.REVIEWS_ACT)
    if Role.DEVELOPER not in who.roles or who.organisation is None or who.kind is not PartyKind.PERSON:
        raise NotPermitted("a review is opened by a person who acts for a developer; others may ask the developer to")
    if who.organisation == desk:
        raise Invalid("a developer does not review itself: name the organisation of the desk")
    if parties.get_party(tx, desk).kind is not PartyKind.ORGANISATION:
        raise Invalid("the desk is an organisation")
    question = rules.parse_text(untrusted_question, "a word on what is asked")
    if partner_release_at is not None and partner_release_at <= now:
        raise Invalid("the planned release to partners lies in the past")
    rules.check_instant(partner_release_at, "the planned release")
    if (kind in (ReviewKind.UPDATE, ReviewKind.WITHDRAWAL)) != bool(concerns):
        raise Invalid("an update or a withdrawal names the review that it is about; an inquiry or an access names none")
    about = None
    if concerns:
        earlier = enter(tx, concerns, envelope=envelope, viewer=actor, now=now)
        if Part.DEVELOPER not in earlier.parts:
            raise NotPermitted("only the developer's side comes back to a review")
        if earlier.review.kind not in (ReviewKind.ACCESS, ReviewKind.UPDATE):
            raise Invalid("an update or a withdrawal is about an access")
        about = earlier.id
    review = Review(
        ReviewCaseId(new_id("rev")), kind, ReviewState.DRAFT, now, now, actor, who.organisation, desk, policy_version, model, question,
        partner_release_at, about,
    )
    store.reviews.add(tx, review, secrets.token_bytes(32), secrets.token_bytes(32), envelope)
    _admit(tx, review.id, Participant(actor, Part.DEVELOPER, now))
    opened = enter(tx, review.id, envelope=envelope, viewer=actor, now=now)
    leave(tx, opened, "ReviewOpened", {"kind": str(kind), "variant": str(model.variant), "policy": policy_version}, actor=actor, now=now)
    return review


def submit(tx: Transaction, review_id: str, *, envelope: Envelope, actor: PartyId, now: datetime) -> Engagement:
    """Hand the draft to the desk: its evaluators and authorities see it from now on. A withdrawal takes effect in this moment.

    Raises:
        NotFound, NotPermitted: as for `take_part`; submitting is the developer's.
        Conflict: it was submitted before, or nobody at the desk could take it up.
    """
    engagement = take_part(tx, review_id, Part.DEVELOPER, envelope=envelope, actor=actor, now=now)
    moved = move(tx, engagement, "submit", now=now)
    review = moved.review
    held = {Role.EVALUATOR: Part.EVALUATOR, Role.AUTHORITY: Part.AUTHORITY}
    members = [parties.get_party(tx, one) for one in party_store.system_people_of(tx, review.desk, now)]
    named = 0
    for person in members:
        # Evaluator and authority are two persons: who holds both roles is an authority, and may be named otherwise.
        for role in (Role.AUTHORITY, Role.EVALUATOR):
            if role in person.roles:
                _admit(tx, review.id, Participant(person.id, held[role], now))
                named += 1
                break
    if not named:
        raise Conflict("the desk has nobody with the role evaluator or authority; it cannot take up a review")
    leave(tx, moved, "ReviewSubmitted", {"kind": str(review.kind)}, actor=actor, now=now)
    if review.kind is ReviewKind.WITHDRAWAL and review.concerns is not None:
        about = take_part(tx, review.concerns, Part.DEVELOPER, envelope=envelope, actor=actor, now=now)
        if may_step(REVIEW_TRANSITIONS[about.review.kind], "withdraw", about.review.state):
            withdraw(tx, review.concerns, envelope=envelope, actor=actor, now=now)
    return moved


def name_participant(
    tx: Transaction, review_id: str, party: PartyId, part: Part, *, envelope: Envelope, actor: PartyId, now: datetime
) -> None:
    """Let a named person take part from now on. Each side names its own people; the desk names the auditor.

    Raises:
        NotFound: there is no such review for the actor, or no such party.
        NotPermitted: the part does not fit the person, or is the other side's to give.
        Conflict: the person has it, was recused, or the review has ended.
    """
    engagement = take_part(tx, review_id, Part.DEVELOPER, Part.EVALUATOR, Part.AUTHORITY, envelope=envelope, actor=actor, now=now)
    review = engagement.review
    if review.state in _ENDED:
        raise Conflict(f"this review is {review.state}")
    if (part is Part.DEVELOPER) != (Part.DEVELOPER in engagement.parts):
        raise NotPermitted("each side names its own people")
    person = parties.get_party(tx, party)
    if person.kind is not PartyKind.PERSON:
        raise Invalid("named persons take part in a review, no organisation and no program")
    if _ROLE_OF[part] not in person.roles:
        raise NotPermitted(f"to be {part} takes the role {_ROLE_OF[part]}; {person.name} holds {', '.join(sorted(person.roles)) or 'none'}")
    here = [one for one in store.reviews.list_participants(tx, engagement) if one.party == party]
    if any(one.recused_at is not None for one in here):
        raise Conflict("this person declared a conflict of interest and was recused")
    lasting = [one.part for one in here if one.until is None]
    ever = [one.part for one in here]
    rules.check_may_join(part, lasting, ever, of_developer=person.organisation == review.developer, of_desk=person.organisation == review.desk)
    _admit(tx, review.id, Participant(party, part, now))
    if part is Part.EVALUATOR:
        # Who joins late reads the same incidents, and tells the developer of the same.
        kept = running.list_runs(tx, review.id, viewer=actor, now=now)
        party_store.add_grants(tx, [Grant(run.id, party, Basis.PARTICIPANT, given_by=actor, given_at=now) for run in kept])
    leave(tx, engagement, "ReviewParticipantNamed", {"part": str(part)}, subjects=(party,), actor=actor, now=now)


def end_part(tx: Transaction, review_id: str, party: PartyId, part: Part, *, envelope: Envelope, actor: PartyId, now: datetime) -> None:
    """End a person's part; what it could read of the review it cannot read any more, if that was its last.

    Raises:
        NotFound, NotPermitted: as for `take_part`; each side ends the parts of its own people, a person its own.
        Conflict: the person has no such part.
    """
    engagement = take_part(tx, review_id, envelope=envelope, actor=actor, now=now)
    if party != actor and (part is Part.DEVELOPER) != (Part.DEVELOPER in engagement.parts):
        raise NotPermitted("each side ends the parts of its own people")
    if not store.reviews.end_participant(tx, engagement.id, party, part, now):
        raise Conflict(f"this person is no {part} of the review now")
    if part is Part.EVALUATOR:
        end_working(tx, engagement, party, actor=actor, now=now)
    if not any(one.party == party and one.until is None for one in store.reviews.list_participants(tx, engagement)):
        party_store.end_grants(tx, engagement.id, party, (Basis.PARTICIPANT,), now)
    leave(tx, engagement, "ReviewParticipantEnded", {"part": str(part)}, subjects=(party,), actor=actor, now=now)


def plan_partner_release(
    tx: Transaction, review_id: str, at: datetime | None, *, envelope: Envelope, actor: PartyId, now: datetime
) -> datetime | None:
    """Set when the developer plans to release to other trusted partners. An open window that would outlast it is shortened at once.

    Gives the end of the window that is open, if any.
    Raises:
        NotFound, NotPermitted: as for `take_part`; the date is the developer's alone.
        Invalid: it is of another millennium.
        Conflict: the review has ended.
    """
    engagement = take_part(tx, review_id, Part.DEVELOPER, envelope=envelope, actor=actor, now=now)
    rules.check_instant(at, "the planned release")
    if engagement.review.state in _ENDED:
        raise Conflict(f"this review is {engagement.review.state}")
    store.reviews.set_partner_release(tx, engagement.id, at)
    ends_at = None
    for window in store.windows.list_of(tx, engagement):
        if window.ended_at is not None:
            continue
        ends_at = window.ends_at
        if at is not None and at < window.ends_at:
            ends_at = at
            if at <= now:
                # The release is here: the window is over.
                engagement = move(tx, engagement, "end_window", now=now)
                close_windows(tx, engagement, "developer", actor=actor, now=now)
                ends_at = now
            else:
                store.windows.shorten(tx, window, ends_at, at)
                shorten_access(tx, engagement, ends_at, actor=actor, now=now)
        else:
            store.windows.set_partner_release(tx, window, at)
    leave(
        tx, engagement, "PartnerReleasePlanned", {"at": None if at is None else render_instant(at),
        "window_ends_at": None if ends_at is None else render_instant(ends_at)}, actor=actor, now=now,
    )
    return ends_at


def _admit(tx: Transaction, review_id: ReviewCaseId, new: Participant) -> None:
    if not store.reviews.renew_participant(tx, review_id, new.party, new.part, new.since):
        store.reviews.add_participant(tx, review_id, new)
    party_store.add_grants(tx, [Grant(review_id, new.party, Basis.PARTICIPANT, given_at=new.since)])
