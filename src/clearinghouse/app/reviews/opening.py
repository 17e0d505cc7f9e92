"""Opening a review, registering a key to sign with, and the signed statements as files that verify without us."""

from dataclasses import dataclass
from datetime import datetime

from clearinghouse.app.wiring import Instance, policy_of
from clearinghouse.core.errors import Invalid
from clearinghouse.core.ids import PartyId
from clearinghouse.evaluation.review import actions, documents, store
from clearinghouse.evaluation.review.actions.agreeing import SIGNING_SIDES, is_complete
from clearinghouse.evaluation.review.actions.entering import nothing_found
from clearinghouse.evaluation.review.records import Document, DocumentKind, Engagement, Part, Review, ReviewKind, ReviewState
from clearinghouse.ledger.dsse import render_envelope
from clearinghouse.parties import actions as parties
from clearinghouse.parties import store as party_store
from clearinghouse.storage import Transaction

_SHARED = (ReviewState.SHARED, ReviewState.CLOSED)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a developer comes with."""

    kind: ReviewKind
    name: str
    version: str
    question: str
    variant: str = "full"
    build_digest: str = ""
    open_weights: bool = False
    partner_release_at: datetime | None = None
    concerns: str = ""
    desk: str = ""
    """Id of the organisation asked; the one that runs this instance where it is empty."""


@dataclass(frozen=True, slots=True)
class StatementFile:
    """A statement as a file."""

    name: str
    body: bytes
    complete: bool
    """Whether everybody who has to has signed it."""


def read_kind(untrusted_kind: str) -> ReviewKind:
    """A kind of review by its name.

    Raises:
        Invalid: there is none of this name.
    """
    if untrusted_kind not in set(ReviewKind):
        raise Invalid(f"a review is one of {', '.join(ReviewKind)}; found {untrusted_kind[:40]!r}")
    return ReviewKind(untrusted_kind)


def open_review(instance: Instance, asked: Asked) -> Review:
    """A draft, which nobody but its author sees.

    Raises:
        NotPermitted, NotFound, Invalid: as for `actions.open_review`.
    """
    now = instance.clock.now()
    with instance.database.write() as tx:
        house = instance.actor.organisation
        name = "" if house is None else party_store.name_parties(tx, [house])[house][0]
        model = documents.parse_model(name, asked.name, asked.version, asked.variant, asked.build_digest, asked.open_weights)
        desk = PartyId(asked.desk) if asked.desk else _own_house(tx, instance)
        return actions.open_review(
            tx, asked.kind, model, asked.question, desk, partner_release_at=asked.partner_release_at, concerns=asked.concerns,
            policy_version=instance.policy.version, envelope=instance.envelope, actor=instance.actor.id, now=now,
        )


def register_key(instance: Instance, public_key: bytes, proof: bytes) -> str:
    """Register the actor's key to sign with; gives its id.

    Raises:
        Invalid, NotPermitted, Conflict: as for `actions.register_key`.
    """
    with instance.database.write() as tx:
        return actions.register_key(tx, public_key, proof, actor=instance.actor.id, now=instance.clock.now())


def is_shown(engagement: Engagement, document: Document, *, complete: bool, plan_shown: bool) -> bool:
    """Whether the viewer is shown a document: the desk's side every one, others what the developer is shown.

    That is no determination before it is shared, never one that was drawn up and not signed, and the plan where the agreement says so.
    """
    if not engagement.parts <= {Part.DEVELOPER}:
        return True
    if document.kind is DocumentKind.DETERMINATION:
        return complete and (engagement.review.state in _SHARED or document.round < engagement.review.round)
    return document.kind is not DocumentKind.PLAN or plan_shown


def statement_file(instance: Instance, engagement: Engagement, document_id: str) -> StatementFile:
    """A statement in its DSSE envelope, with the signatures it has.

    Raises:
        NotFound: there is none that the viewer is shown.
    """
    with instance.read() as tx:
        found = next((one for one in store.documents.list_of(tx, engagement) if one.id == document_id), None)
        if found is None or not _shown(tx, engagement, found):
            raise nothing_found(document_id)
        signed = store.documents.signatures(tx, engagement).get(found.id, [])
        complete = found.kind in (DocumentKind.PLAN, DocumentKind.ASSESSMENT) or is_complete(
            tx, engagement, found, policy_of(tx, engagement.review.policy_version).review
        )
    body = render_envelope(found.payload, {one.public_key: one.signature for one in signed})
    return StatementFile(f"{found.kind}-{found.id}.dsse.json", body, complete)


def payload_of(instance: Instance, engagement: Engagement, document_id: str) -> Document:
    """What is to be signed, byte for byte.

    Raises:
        NotFound: there is none that the viewer is shown.
    """
    with instance.read() as tx:
        found = next((one for one in store.documents.list_of(tx, engagement) if one.id == document_id), None)
        if found is None or not _shown(tx, engagement, found):
            raise nothing_found(document_id)
    return found


def _shown(tx: Transaction, engagement: Engagement, document: Document) -> bool:
    complete = is_complete(tx, engagement, document, policy_of(tx, engagement.review.policy_version).review) if document.kind in SIGNING_SIDES else True
    return is_shown(engagement, document, complete=complete, plan_shown=plan_is_shown(tx, engagement))


def plan_is_shown(tx: Transaction, engagement: Engagement) -> bool:
    """Whether the agreement lets the developer see the plan."""
    agreement = store.documents.latest(tx, engagement, DocumentKind.AGREEMENT)
    return agreement is not None and bool(documents.predicate_of(agreement)["plan_shown"])


def _own_house(tx: Transaction, instance: Instance) -> PartyId:
    house = parties.get_party(tx, instance.settings.actor).organisation
    if house is None:
        raise Invalid("this instance has no organisation that could review; name the desk")
    return house
