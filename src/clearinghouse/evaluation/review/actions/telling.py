"""Words in the record: consultations, conflicts of interest, findings and answers, notices of incidents, an auditor's look."""

from datetime import datetime

from clearinghouse.core.errors import Conflict, NotPermitted
from clearinghouse.core.ids import PartyId
from clearinghouse.evaluation.review import rules, store
from clearinghouse.evaluation.review.actions.entering import end_working, enter, leave, move, take_part, write_entry
from clearinghouse.evaluation.review.records import Engagement, Entry, EntryKind, Part, ReviewKind, ReviewState
from clearinghouse.storage import Envelope, Transaction


def consult(
    tx: Transaction, review_id: str, untrusted_body: str, untrusted_words: str, *, envelope: Envelope, actor: PartyId, now: datetime
) -> Entry:
    """Put on record what a body said when it was asked. Written by an authority, who answers for it.

    Raises:
        NotFound, NotPermitted: as for `take_part`.
        Invalid: body or words are missing.
        Conflict: there is no analysis to be consulted on.
    """
    engagement = take_part(tx, review_id, Part.AUTHORITY, envelope=envelope, actor=actor, now=now)
    if engagement.review.state not in (ReviewState.ANALYSED, ReviewState.PREVIEWED):
        raise Conflict(f"bodies are consulted on an analysis, before a determination; this review is {engagement.review.state}")
    body = rules.parse_line(untrusted_body, "the name of the body that was asked")
    entry = write_entry(tx, engagement, EntryKind.CONSULTATION, body, rules.parse_text(untrusted_words, "what it said"), actor=actor, now=now)
    leave(tx, engagement, "ConsultationRecorded", subjects=(entry.id,), actor=actor, now=now)
    return entry


def declare_conflict(
    tx: Transaction, review_id: str, untrusted_entity: str, untrusted_words: str, *, recuse: bool, envelope: Envelope, actor: PartyId, now: datetime
) -> Entry:
    """A conflict of interest that a person declares of itself; with `recuse` it decides and runs nothing more in this review.

    Raises:
        NotFound, NotPermitted: as for `take_part`.
        Invalid: the entity or a word on it is missing.
    """
    engagement = take_part(tx, review_id, Part.EVALUATOR, Part.CUSTODIAN, Part.AUTHORITY, envelope=envelope, actor=actor, now=now)
    entity = rules.parse_line(untrusted_entity, "whom you are bound to")
    entry = write_entry(tx, engagement, EntryKind.CONFLICT, entity, rules.parse_text(untrusted_words, "how"), actor=actor, now=now)
    if recuse:
        store.reviews.recuse(tx, engagement.id, actor, now)
        end_working(tx, engagement, actor, actor=actor, now=now)
    leave(tx, engagement, "PersonRecused" if recuse else "ConflictDeclared", subjects=(entry.id, actor), actor=actor, now=now)
    return entry


def tell_finding(
    tx: Transaction, review_id: str, untrusted_title: str, untrusted_words: str, *, envelope: Envelope, actor: PartyId, now: datetime
) -> Entry:
    """Tell the developer what was found, while the engagement lasts.

    Raises:
        NotFound, NotPermitted: as for `take_part`.
        Invalid: title or words are missing.
    """
    engagement = take_part(tx, review_id, Part.EVALUATOR, envelope=envelope, actor=actor, now=now)
    title = rules.parse_line(untrusted_title, "a title")
    entry = write_entry(tx, engagement, EntryKind.FINDING, title, rules.parse_text(untrusted_words, "what was found"), actor=actor, now=now)
    leave(tx, engagement, "FindingTold", subjects=(entry.id,), actor=actor, now=now)
    return entry


def answer(
    tx: Transaction, review_id: str, untrusted_words: str, *, subject: str = "", envelope: Envelope, actor: PartyId, now: datetime
) -> Entry:
    """The developer's answer to a finding, or the desk's to an inquiry, which is then shared.

    Raises:
        NotFound: no such review, or no such finding.
        NotPermitted: as for `take_part`.
        Invalid: there are no words.
        Conflict: an inquiry was answered before.
    """
    engagement = take_part(tx, review_id, Part.DEVELOPER, Part.EVALUATOR, Part.AUTHORITY, envelope=envelope, actor=actor, now=now)
    words = rules.parse_text(untrusted_words, "an answer")
    inquiry = engagement.review.kind is ReviewKind.INQUIRY
    if inquiry and Part.DEVELOPER in engagement.parts:
        raise NotPermitted("the desk answers an inquiry")
    if not inquiry and not any(one.id == subject and one.kind is EntryKind.FINDING for one in store.entries.list_of(tx, engagement)):
        raise Conflict("name the finding that this answers, by its id")
    moved = move(tx, engagement, "share", now=now) if inquiry else engagement
    entry = write_entry(tx, moved, EntryKind.ANSWER, "", words, subject="" if inquiry else subject, actor=actor, now=now)
    leave(tx, moved, "InquiryAnswered" if inquiry else "FindingAnswered", subjects=(entry.id,), actor=actor, now=now)
    return entry


def give_notice(
    tx: Transaction, engagement: Engagement, untrusted_kind: str, untrusted_words: str, *, subject: str = "", actor: PartyId, now: datetime
) -> Entry:
    """Tell the developer of an incident, in words that quote nothing of an item. By the machine or by an evaluator."""
    kind = rules.parse_line(untrusted_kind, "a kind of incident")
    entry = write_entry(
        tx, engagement, EntryKind.INCIDENT_NOTICE, kind, rules.parse_text(untrusted_words, "what happened"), subject=subject, actor=actor, now=now
    )
    leave(tx, engagement, "IncidentNoticeGiven", {"incident": kind[:40]}, subjects=(entry.id,), actor=actor, now=now)
    return entry


def note_audit(tx: Transaction, review_id: str, what: str, *, envelope: Envelope, viewer: PartyId, now: datetime) -> Engagement:
    """The review for an auditor, whose look is on the record before anything is shown, and which both sides see (rule R35).

    Raises:
        NotFound: there is none that the viewer may see.
        NotPermitted: the viewer is no auditor of it.
    """
    engagement = enter(tx, review_id, envelope=envelope, viewer=viewer, now=now)
    rules.check_part(engagement, Part.AUDITOR)
    write_entry(tx, engagement, EntryKind.AUDIT, what, f"An auditor opened: {what}.", actor=viewer, now=now)
    leave(tx, engagement, "ReviewAudited", {"what": what}, actor=viewer, now=now)
    return engagement
