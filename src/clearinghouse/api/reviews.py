"""Reviews of models: what the caller takes part in, and its deeds in them."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.app.reviews import deeds, opening
from clearinghouse.app.views import reviews
from clearinghouse.core.errors import Invalid
from clearinghouse.core.roles import Scope
from clearinghouse.evaluation.review.records import ReviewKind, Variant

_LINE = msgspec.Meta(max_length=300)
_TEXT = msgspec.Meta(max_length=20_000)
_DOCUMENT = msgspec.Meta(max_length=200_000)


class NewReview(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a developer comes with."""

    kind: ReviewKind
    model: Annotated[str, _LINE]
    version: Annotated[str, _LINE]
    question: Annotated[str, _TEXT]
    variant: Variant = Variant.FULL
    build_digest: Annotated[str, msgspec.Meta(max_length=80)] = ""
    open_weights: bool = False
    partner_release_at: datetime | None = None
    concerns: Annotated[str, msgspec.Meta(max_length=64)] = ""
    desk: Annotated[str, msgspec.Meta(max_length=64)] = ""


class DeedShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A deed by its name, and its words; `GET /reviews/{id}` lists what you can do now, with the fields of each."""

    deed: Annotated[str, msgspec.Meta(max_length=40)]
    words: dict[Annotated[str, msgspec.Meta(max_length=40)], Annotated[str, _DOCUMENT]] = {}


class FieldAnswer(msgspec.Struct, frozen=True):
    """One word of a deed."""

    name: str
    kind: str
    label: str
    hint: str
    required: bool


class DeedAnswer(msgspec.Struct, frozen=True):
    """Something you can do now."""

    name: str
    help: str
    fields: tuple[FieldAnswer, ...]


class Moved(msgspec.Struct, frozen=True):
    """Where a review stands after a deed, for you."""

    id: str
    state: str
    said: str


class ReviewAnswer(msgspec.Struct, frozen=True):
    """One review as far as your part in it goes."""

    id: str
    kind: str
    state: str
    state_at: datetime
    round: int
    developer: str
    desk: str
    model: str
    version: str
    variant: str
    question: str
    parts: tuple[str, ...]
    partner_release_at: datetime | None
    clock: reviews.ClockLine
    people: tuple[reviews.PersonLine, ...]
    documents: tuple[reviews.DocumentLine, ...]
    entries: tuple[reviews.EntryLine, ...]
    partners: tuple[reviews.PartnerLine, ...]
    accesses: tuple[reviews.AccessLine, ...]
    destruction_due: datetime | None
    can: tuple[DeedAnswer, ...]


@get("/reviews", opt={SCOPE: Scope.REVIEWS_READ}, sync_to_thread=True, summary="Reviews you take part in")
def listing(instance: Acting) -> list[reviews.ReviewLine]:
    """Newest first."""
    return reviews.list_reviews(instance)


@get("/reviews/figures", opt={SCOPE: Scope.LEDGER_READ}, sync_to_thread=True, summary="Windows opened, closed and withdrawn")
def figures(instance: Acting) -> reviews.PublicFigures:
    """As they stood when the month began; what is too few is not told."""
    return reviews.public_figures(instance)


@post("/reviews", opt={SCOPE: Scope.REVIEWS_ACT}, sync_to_thread=True, summary="Open a review, as a draft of your own")
def open_it(instance: Acting, data: JSONBody[NewReview]) -> Moved:
    """For people who act for a developer. Nobody else sees it before you submit it."""
    if data.partner_release_at is not None and data.partner_release_at.tzinfo is None:
        raise Invalid("partner_release_at needs a zone, as in 2026-12-01T00:00:00Z")
    try:
        at = None if data.partner_release_at is None else data.partner_release_at.astimezone(UTC)
    except OverflowError:
        raise Invalid("partner_release_at lies outside the years 1 to 9999 in UTC") from None
    made = opening.open_review(instance, opening.Asked(
        data.kind, data.model, data.version, data.question, data.variant, data.build_digest, data.open_weights, at, data.concerns, data.desk,
    ))
    return Moved(made.id, made.state, "A draft of yours.")


@get("/reviews/{review_id:str}", opt={SCOPE: Scope.REVIEWS_READ}, sync_to_thread=True, summary="One review")
def one(instance: Acting, review_id: FromPath[str]) -> ReviewAnswer:
    """As far as your part goes. An auditor's look leaves an event that both sides see."""
    page = reviews.read_review(instance, review_id)
    can = tuple(
        DeedAnswer(deed.name, deed.help, tuple(FieldAnswer(each.name, each.kind, each.label, each.hint, each.required) for each in deed.fields))
        for deed in page.deeds
    )
    return ReviewAnswer(
        page.id, page.kind, page.state, page.state_at, page.round, page.developer, page.desk, page.model, page.version, page.variant,
        page.question, page.parts, page.partner_release_at, page.clock, page.people, page.documents, page.entries, page.partners, page.accesses,
        page.destruction_due, can,
    )


@post("/reviews/{review_id:str}/deeds", opt={SCOPE: Scope.REVIEWS_ACT}, status_code=200, sync_to_thread=True, summary="Do something in a review")
def do(instance: Acting, review_id: FromPath[str], data: JSONBody[DeedShape]) -> Moved:
    """`{"deed": "pause", "words": {"reason": "..."}}`. What a deed takes, `can` of the review says."""
    deed, _ = deeds.perform(instance, review_id, data.deed, data.words)
    with instance.read() as tx:
        state = deeds.state_of(tx, instance, review_id)
    return Moved(review_id, state, deed.done)


@get("/reviews/{review_id:str}/documents/{review_document_id:str}", opt={SCOPE: Scope.REVIEWS_READ}, sync_to_thread=True,
     summary="A statement in its envelope", media_type="application/octet-stream")
def statement(instance: Acting, review_id: FromPath[str], review_document_id: FromPath[str]) -> Response[bytes]:
    """An in-toto statement in a DSSE envelope with the signatures it has; `clearinghouse review verify` or any DSSE tool checks it."""
    found = opening.statement_file(instance, deeds.find(instance, review_id), review_document_id)
    headers = {"Content-Disposition": f'attachment; filename="{found.name}"'}
    return Response(found.body, media_type="application/octet-stream", headers=headers)


ROUTER = Router("/", tags=["reviews"], route_handlers=[listing, figures, open_it, one, do, statement])
