"""What both sides sign before and during an engagement, the plan that is frozen, and the keys people sign with."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.events import Event
from clearinghouse.core.ids import DocumentId, PartyId, new_id
from clearinghouse.core.review_policy import ReviewPolicy
from clearinghouse.evaluation.review import documents, rules, store
from clearinghouse.evaluation.review.actions.entering import leave, move, nothing_found, take_part
from clearinghouse.evaluation.review.records import Document, DocumentKind, Engagement, Part, ReviewState, Signature
from clearinghouse.ledger import actions as ledger
from clearinghouse.ledger.dsse import key_id, signature_holds
from clearinghouse.parties import actions as parties
from clearinghouse.parties.records import PartyKind
from clearinghouse.storage import Envelope, Transaction

_PROOF = b"clearinghouse/signing-key/v1\0"
SIGNING_SIDES = {
    DocumentKind.AGREEMENT: (Part.DEVELOPER, Part.AUTHORITY), DocumentKind.WINDOW_GRANT: (Part.DEVELOPER,),
    DocumentKind.DETERMINATION: (Part.AUTHORITY,), DocumentKind.DESTRUCTION: (Part.AUTHORITY,),
}
"""Which sides sign a kind of document; what is not here is frozen, not signed."""


def proof_of_key(party: PartyId) -> bytes:
    """What a person signs with a new key to show that it holds it."""
    return _PROOF + party.encode()


def register_key(tx: Transaction, public_key: bytes, untrusted_proof: bytes, *, actor: PartyId, now: datetime) -> str:
    """A person's key for signing, in place of an earlier one; gives its id. The secret half never comes here.

    Raises:
        Invalid: the proof is no signature of this key over `proof_of_key`.
        NotPermitted: the actor is no person.
        Conflict: another party registered the same key.
    """
    if parties.get_party(tx, actor).kind is not PartyKind.PERSON:
        raise NotPermitted("persons sign, no programs and no organisations")
    if len(public_key) != 32 or not signature_holds(proof_of_key(actor), public_key, untrusted_proof):
        raise Invalid("this is no Ed25519 key with a signature of its own over the proof; `clearinghouse review key` makes one")
    if not store.documents.register_key(tx, actor, public_key, now):
        raise Conflict("another person registered this key; each signs with its own")
    ledger.record(tx, Event("SigningKeyRegistered", (actor,), {"key": key_id(public_key)}), actor=actor, now=now)
    return key_id(public_key)


def draft_agreement(
    tx: Transaction, review_id: str, untrusted_document: str, *, envelope: Envelope, policy: ReviewPolicy, actor: PartyId, now: datetime
) -> Document:
    """An agreement for both sides to sign; a later draft takes the place of an unsigned one.

    Raises:
        NotFound, NotPermitted: as for `take_part`.
        Invalid: the document is incomplete or out of bounds.
        Conflict: the review is not where terms are agreed.
    """
    engagement = take_part(tx, review_id, Part.DEVELOPER, Part.EVALUATOR, Part.AUTHORITY, envelope=envelope, actor=actor, now=now)
    rules.check_has_window(engagement.review.kind)
    if engagement.review.state is not ReviewState.SUBMITTED:
        raise Conflict(f"terms are agreed once a review is submitted and before they are signed; this one is {engagement.review.state}")
    predicate = documents.parse_agreement(untrusted_document, engagement.review, policy)
    return draw_up(tx, engagement, DocumentKind.AGREEMENT, predicate, "AgreementDrafted", actor=actor, now=now)


def freeze_plan(
    tx: Transaction, review_id: str, plan: Mapping[str, Any], plan_digest: str, item_root: str, *, thresholds: Mapping[str, float], pack: str,
    rehearsal: bool = False, envelope: Envelope, actor: PartyId, now: datetime,
) -> Document:
    """The analysis plan, fixed before anybody sees a result: its digest is on the ledger before the window opens.

    Args:
        plan: a plan that `statistics` checked, as plain values; `plan_digest` is its own digest.
        item_root: commitment to the sealed items of the pack.
        thresholds: by domain, as the plan has them.
        rehearsal: the plan does not promise what policy asks of one: it exercises everything, and supports no determination but `undetermined`.
    Raises:
        NotFound, NotPermitted: as for `take_part`; it is the evaluators'.
        Conflict: the terms are not signed, or a plan is frozen already.
    """
    engagement = take_part(tx, review_id, Part.EVALUATOR, envelope=envelope, actor=actor, now=now)
    moved = move(tx, engagement, "freeze_plan", now=now)
    predicate = {
        "plan": dict(plan), "plan_digest": plan_digest, "item_root": item_root, "thresholds": dict(thresholds), "pack": pack, "rehearsal": rehearsal,
    }
    details = {"plan": plan_digest, "item_root": item_root, "rehearsal": rehearsal}
    return draw_up(tx, moved, DocumentKind.PLAN, predicate, "PlanFrozen", details, actor=actor, now=now)


def grant_window(tx: Transaction, review_id: str, hours: int, *, envelope: Envelope, actor: PartyId, now: datetime) -> Document:
    """The developer's leave for a further window within the same hours; it counts once the developer's side signed it.

    Raises:
        NotFound, NotPermitted: as for `take_part`; only the developer grants.
        Conflict: no window was open before.
        Invalid: there are no hours.
    """
    engagement = take_part(tx, review_id, Part.DEVELOPER, envelope=envelope, actor=actor, now=now)
    if engagement.review.state is not ReviewState.WINDOW_CLOSED:
        raise Conflict(f"a further window is granted after one has ended; this review is {engagement.review.state}")
    if not 1 <= hours <= rules.HOURS_CEILING:
        raise Invalid(f"a window lasts 1 to {rules.HOURS_CEILING} hours; found {hours}")
    return draw_up(tx, engagement, DocumentKind.WINDOW_GRANT, {"hours": hours, "granted_at": render_instant(now)}, "WindowGranted", actor=actor, now=now)


def sign(
    tx: Transaction, review_id: str, document_id: str, untrusted_signature: bytes, *, envelope: Envelope, policy: ReviewPolicy, actor: PartyId,
    now: datetime,
) -> bool:
    """A person's signature under a document, made with the key it registered; gives whether the document is complete now.

    Raises:
        NotFound: there is no such review or document for the actor.
        NotPermitted: the actor does not sign for a side that signs this kind, or was recused.
        Invalid: it is no signature of the actor's key over the document.
        Conflict: the person or the key signed before, there is a newer document, or the review is not where it is signed.
    """
    engagement = take_part(tx, review_id, Part.DEVELOPER, Part.AUTHORITY, envelope=envelope, actor=actor, now=now)
    found = next((one for one in store.documents.list_of(tx, engagement) if one.id == document_id), None)
    side = rules.side_of(engagement.parts)
    if found is None or (side is Part.DEVELOPER and found.kind in (DocumentKind.DETERMINATION, DocumentKind.DESTRUCTION)):
        raise nothing_found(document_id)
    if found.kind not in SIGNING_SIDES or side not in SIGNING_SIDES[found.kind]:
        raise NotPermitted(f"a {found.kind} is signed by the {' and the '.join(SIGNING_SIDES.get(found.kind, ('nobody',)))}")
    if engagement.review.state in (ReviewState.CLOSED, ReviewState.WITHDRAWN) and found.kind is not DocumentKind.DESTRUCTION:
        raise Conflict(f"this review is {engagement.review.state}; nothing more is signed in it but certificates of destruction")
    newest = store.documents.latest(tx, engagement, found.kind)
    if newest is None or newest.id != found.id:
        raise Conflict("there is a newer draft of this document; read and sign that one")
    if found.kind is DocumentKind.DETERMINATION and found.round != engagement.review.round:
        raise Conflict(f"this determination is of round {found.round}; round {engagement.review.round} has none yet, and an earlier one sets nothing in it")
    key = store.documents.find_key(tx, actor)
    if key is None:
        raise Conflict("register a key to sign with first: clearinghouse review key FILE")
    if not signature_holds(found.payload, key, untrusted_signature):
        raise Invalid("this is no signature of your registered key over this document; sign the payload as it was shown")
    made = Signature(found.id, actor, side, key, untrusted_signature, now)
    if not store.documents.sign(tx, engagement, made):
        raise Conflict("you, or this key, signed this document before: one person signs once")
    leave(
        tx, engagement, "DocumentSigned", {"kind": str(found.kind), "digest": found.digest, "side": str(side), "key": key_id(key)},
        subjects=(found.id,), actor=actor, now=now,
    )
    return _complete(tx, engagement, found, policy, actor=actor, now=now)


def is_complete(tx: Transaction, engagement: Engagement, document: Document, policy: ReviewPolicy) -> bool:
    """Whether everybody who has to has signed a document."""
    sides = SIGNING_SIDES[document.kind]
    people = max(policy.signers_min, rules.SIGNERS_FLOOR) if document.kind is DocumentKind.DETERMINATION else len(sides)
    recused = {one.party: one.recused_at for one in store.reviews.list_participants(tx, engagement) if one.recused_at is not None}
    return rules.is_signed(store.documents.signatures(tx, engagement).get(document.id, []), sides=sides, people_min=people, recused=recused)


def draw_up(
    tx: Transaction, engagement: Engagement, kind: DocumentKind, predicate: Mapping[str, Any], event: str, details: dict[str, Any] | None = None, *,
    actor: PartyId, now: datetime,
) -> Document:
    """A new document of a review, its digest on the ledger."""
    payload = documents.statement(kind, engagement.review, predicate)
    earlier = store.documents.latest(tx, engagement, kind)
    new = Document(
        DocumentId(new_id("rdc")), engagement.id, kind, engagement.review.round, documents.digest_of(payload), now, actor,
        None if earlier is None else earlier.id, payload,
    )
    store.documents.add(tx, engagement, new)
    leave(tx, engagement, event, {"digest": new.digest, **(details or {})}, subjects=(new.id,), actor=actor, now=now)
    return new


def _complete(tx: Transaction, engagement: Engagement, document: Document, policy: ReviewPolicy, *, actor: PartyId, now: datetime) -> bool:
    if not is_complete(tx, engagement, document, policy):
        return False
    # One signature more than enough moves nothing.
    steps = {
        (DocumentKind.AGREEMENT, ReviewState.SUBMITTED): ("sign_terms", "TermsSigned"),
        (DocumentKind.DETERMINATION, ReviewState.PREVIEWED): ("determine", "DeterminationSigned"),
    }
    if step := steps.get((document.kind, engagement.review.state)):
        moved = move(tx, engagement, step[0], now=now)
        leave(tx, moved, step[1], {"digest": document.digest}, subjects=(document.id,), actor=actor, now=now)
    return True
