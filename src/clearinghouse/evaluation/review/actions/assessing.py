"""From an analysis to a determination: what the developer is shown and replies, what people draw up and sign, and corrections."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from clearinghouse.core.errors import Conflict
from clearinghouse.core.ids import PartyId
from clearinghouse.core.review_policy import ReviewPolicy
from clearinghouse.evaluation.review import documents, rules, store
from clearinghouse.evaluation.review.actions.agreeing import draw_up
from clearinghouse.evaluation.review.actions.entering import leave, move, take_part, write_entry
from clearinghouse.evaluation.review.records import Document, DocumentKind, Engagement, Entry, EntryKind, Part, ReviewState
from clearinghouse.parties import store as party_store
from clearinghouse.storage import Envelope, Transaction


def frozen_plan(tx: Transaction, engagement: Engagement) -> dict[str, Any]:
    """The predicate of the plan that was frozen before the window.

    Raises:
        Conflict: there is none.
    """
    found = store.documents.latest(tx, engagement, DocumentKind.PLAN)
    if found is None:
        raise Conflict("no plan was frozen")
    return documents.predicate_of(found)


def keep_analysis(
    tx: Transaction, review_id: str, record: bytes, plan_digest: str, *, envelope: Envelope, actor: PartyId, now: datetime
) -> str:
    """Keep the sealed record of an analysis (plan, cells, every number); gives its digest, which is on the ledger.

    Raises:
        NotFound, NotPermitted: as for `take_part`; it is the evaluators'.
        Conflict: the window is not closed, the materials were destroyed, or the record follows another plan than the frozen one.
    """
    engagement = take_part(tx, review_id, Part.EVALUATOR, envelope=envelope, actor=actor, now=now)
    if not engagement.materials_key:
        raise Conflict("the materials of this review were destroyed; nothing is analysed any more")
    frozen = frozen_plan(tx, engagement)["plan_digest"]
    if frozen != plan_digest:
        raise Conflict(f"this analysis follows the plan {plan_digest[:19]}…; the frozen one is {frozen[:19]}…")
    # After a correction the review is analysed anew within its new round.
    if engagement.review.state is not ReviewState.ANALYSED:
        engagement = move(tx, engagement, "analyse", now=now)
    elif store.documents.find_analysis(tx, engagement) is not None:
        raise Conflict("this round has its analysis")
    digest = documents.digest_of(record)
    store.documents.keep_analysis(tx, engagement, record, digest, plan_digest, actor, now)
    leave(tx, engagement, "AnalysisKept", {"record": digest, "plan": plan_digest, "round": engagement.review.round}, actor=actor, now=now)
    return digest


def draw_up_assessment(
    tx: Transaction, review_id: str, assessment: Mapping[str, Any], *, envelope: Envelope, actor: PartyId, now: datetime
) -> Document:
    """Show the developer the assessment: figures by domain, effort, errors, exposure; no text and no name of an item.

    Raises:
        NotFound, NotPermitted: as for `take_part`; it is the evaluators'.
        Conflict: there is no analysis of this round.
    """
    engagement = take_part(tx, review_id, Part.EVALUATOR, envelope=envelope, actor=actor, now=now)
    found = store.documents.find_analysis(tx, engagement)
    if found is None:
        raise Conflict("there is no analysis of this round to assess")
    moved = move(tx, engagement, "preview", now=now)
    return draw_up(
        tx, moved, DocumentKind.ASSESSMENT, {**assessment, "record": found[1], "plan": found[2]}, "AssessmentPreviewed", actor=actor, now=now
    )


def reply(tx: Transaction, review_id: str, untrusted_words: str, *, envelope: Envelope, actor: PartyId, now: datetime) -> Entry:
    """The developer's reply to the preview; it goes wherever the assessment goes.

    Raises:
        NotFound, NotPermitted: as for `take_part`; it is the developer's.
        Invalid: there are no words.
        Conflict: there is no preview to reply to. A reply may also come after a determination was shared.
    """
    engagement = take_part(tx, review_id, Part.DEVELOPER, envelope=envelope, actor=actor, now=now)
    if engagement.review.state not in (ReviewState.PREVIEWED, ReviewState.DETERMINED, ReviewState.SHARED):
        raise Conflict(f"one replies to an assessment that was shown; this review is {engagement.review.state}")
    entry = write_entry(tx, engagement, EntryKind.REPLY, "", rules.parse_text(untrusted_words, "a reply"), actor=actor, now=now)
    leave(tx, engagement, "AssessmentReplied", {"round": engagement.review.round}, subjects=(entry.id,), actor=actor, now=now)
    return entry


def draw_up_determination(
    tx: Transaction, review_id: str, word: str, untrusted_reasons: str, *, envelope: Envelope, policy: ReviewPolicy, actor: PartyId, now: datetime
) -> Document:
    """A determination for authorities to sign: the word is theirs, whatever the engine found.

    Raises:
        NotFound, NotPermitted: as for `take_part`; only an authority draws one up.
        Conflict: the plan does not match, bodies were not consulted, or the developer may still reply.
        Invalid: the word is unknown or reasons are missing.
    """
    engagement = take_part(tx, review_id, Part.AUTHORITY, envelope=envelope, actor=actor, now=now)
    review = engagement.review
    if review.state is not ReviewState.PREVIEWED:
        raise Conflict(f"a determination follows on an assessment that the developer was shown; this review is {review.state}")
    plan = frozen_plan(tx, engagement)
    analysis = store.documents.find_analysis(tx, engagement)
    assessment = store.documents.latest(tx, engagement, DocumentKind.ASSESSMENT)
    assert analysis is not None, "a preview rests on an analysis"
    assert assessment is not None, "a preview is an assessment"
    entries = store.entries.list_of(tx, engagement)
    rules.check_may_determine(
        review, entries, assessment.made_at, plan_digest=plan["plan_digest"], analysed_plan_digest=analysis[2], policy=policy, now=now
    )
    consulted = [
        {"body": one.about, "at": one.at.isoformat(), "digest": documents.digest_of(one.text.encode())}
        for one in entries if one.kind is EntryKind.CONSULTATION and one.round == review.round
    ]
    if plan["rehearsal"] and word != "undetermined":
        raise Conflict("the plan of this review is a rehearsal: it promises too little to support any word but undetermined")
    desk = party_store.name_parties(tx, [review.desk])[review.desk][0]
    earlier = store.documents.latest(tx, engagement, DocumentKind.DETERMINATION)
    predicate = documents.determination_predicate(
        word, untrusted_reasons, threshold=plan["thresholds"], plan_digest=plan["plan_digest"], item_root=plan["item_root"],
        record_digest=analysis[1], assessment_digest=assessment.digest, consulted=consulted, authority=desk,
        supersedes=None if earlier is None else earlier.digest, now=now,
    )
    return draw_up(tx, engagement, DocumentKind.DETERMINATION, predicate, "DeterminationDrawnUp", actor=actor, now=now)


def share(tx: Transaction, review_id: str, *, envelope: Envelope, actor: PartyId, now: datetime) -> None:
    """Let the developer see the signed determination.

    Raises:
        NotFound, NotPermitted: as for `take_part`; it is an authority's.
        Conflict: it is not signed by as many as policy says.
    """
    engagement = take_part(tx, review_id, Part.AUTHORITY, envelope=envelope, actor=actor, now=now)
    moved = move(tx, engagement, "share", now=now)
    leave(tx, moved, "ReviewShared", {"round": moved.review.round}, actor=actor, now=now)


def correct(tx: Transaction, review_id: str, untrusted_reason: str, *, envelope: Envelope, actor: PartyId, now: datetime) -> int:
    """Begin a new round: a new analysis, preview and determination, which supersede and never edit; gives its number.

    Raises:
        NotFound, NotPermitted: as for `take_part`.
        Invalid: there is no reason.
        Conflict: nothing was shared that could be corrected.
    """
    engagement = take_part(tx, review_id, Part.EVALUATOR, Part.AUTHORITY, envelope=envelope, actor=actor, now=now)
    reason = rules.parse_text(untrusted_reason, "a reason")
    moved = move(tx, engagement, "correct", now=now, round_number=engagement.review.round + 1)
    write_entry(tx, moved, EntryKind.REASON, "correction", reason, actor=actor, now=now)
    leave(tx, moved, "AssessmentCorrected", {"round": moved.review.round}, actor=actor, now=now)
    return moved.review.round
