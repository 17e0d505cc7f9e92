"""Reviews of models on the workbench: the list, one review with its clock and everything its viewer may see, and the public figures."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Response, Router, get, post
from litestar.params import FromPath, QueryParameter

from clearinghouse.app.reviews import deeds, opening
from clearinghouse.app.views import review_runs, reviews
from clearinghouse.core.clock import parse_instant
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.roles import Role, Scope
from clearinghouse.evaluation.review.documents import WORDS
from clearinghouse.evaluation.review.records import DocumentKind, Part, ReviewKind, Variant, Vote
from clearinghouse.web import rendering, review_plots
from clearinghouse.web.rendering import Flash
from clearinghouse.web.visitor import Form, Visiting, Visitor

PARTS = ("overview", "terms", "run", "assessment", "partners", "record")
CHOICES: Mapping[deeds.Kind, tuple[tuple[str, str], ...]] = {
    deeds.Kind.PART: tuple((part.value, part.value) for part in Part),
    deeds.Kind.VOTE: tuple((vote.value, vote.value) for vote in Vote),
    deeds.Kind.WORD: tuple((word, word.replace("_", " ")) for word in WORDS),
}


@get("/reviews", sync_to_thread=True, include_in_schema=False)
def listing(visitor: Visiting) -> Response[Any]:
    """What the viewer takes part in."""
    instance = visitor.acting(Scope.REVIEWS_READ)
    return _list(visitor, reviews.list_reviews(instance))


@post("/reviews", sync_to_thread=True, include_in_schema=False)
def open_it(visitor: Visiting, form: Form) -> Response[Any]:
    """A draft of the developer's own."""
    instance = visitor.acting(Scope.REVIEWS_ACT)
    try:
        at = form.text("partner_release_at")
        made = opening.open_review(instance, opening.Asked(
            opening.read_kind(form.text("kind")), form.text("model"), form.text("version"), form.text("question"), form.text("variant") or Variant.FULL,
            form.text("build_digest"), bool(form.text("open_weights")), _instant(at) if at else None, form.text("concerns"),
        ))
    except (Invalid, NotPermitted, NotFound, Conflict) as error:
        return _list(visitor, reviews.list_reviews(instance), form.back({"": str(error)}), status=422)
    return visitor.go(f"/reviews/{made.id}", Flash("done", "A draft of yours. Nobody else sees it before you submit it."))


@get("/reviews/figures", sync_to_thread=True, include_in_schema=False)
def figures(visitor: Visiting) -> Response[Any]:
    """For everybody: windows opened, closed and withdrawn, and the days they used."""
    return visitor.render("review_figures.html", figures=reviews.public_figures(visitor.instance))


@get("/reviews/{review_id:str}", sync_to_thread=True, include_in_schema=False)
def one(visitor: Visiting, review_id: FromPath[str], part: Annotated[str, QueryParameter(name="part", max_length=40)] = "overview") -> Response[Any]:
    """One review, a part of it at a time."""
    instance = visitor.acting(Scope.REVIEWS_READ)
    page = reviews.read_review(instance, review_id)
    return _page(visitor, page, part, review_runs.read_run(instance, review_id) if part == "run" else None)


@get("/reviews/{review_id:str}/transcripts/{sample_id:str}", sync_to_thread=True, include_in_schema=False)
def transcript(visitor: Visiting, review_id: FromPath[str], sample_id: FromPath[str]) -> Response[Any]:
    """One transcript, for who reads them; the opening is on the record first."""
    instance = visitor.acting(Scope.REVIEWS_READ)
    return visitor.render("transcript.html", shown=review_runs.open_transcript(instance, review_id, sample_id))


@post("/reviews/{review_id:str}/transcripts/{sample_id:str}", sync_to_thread=True, include_in_schema=False)
def say_of_transcript(visitor: Visiting, review_id: FromPath[str], sample_id: FromPath[str], form: Form) -> Response[Any]:
    """What a person found in it."""
    instance = visitor.acting(Scope.REVIEWS_ACT)
    back = f"/reviews/{review_id}?part=run"
    try:
        review_runs.say_of_transcript(instance, review_id, sample_id, form.text("finding"), form.text("reason"))
    except (Invalid, NotPermitted) as error:
        return visitor.go(back, Flash("problem", str(error)))
    return visitor.go(back, Flash("done", "On record; the latest finding stands, all stay."))


@post("/reviews/{review_id:str}/deeds", sync_to_thread=True, include_in_schema=False)
def do(visitor: Visiting, review_id: FromPath[str], form: Form) -> Response[Any]:
    """A deed, as the form names it."""
    instance = visitor.acting(Scope.REVIEWS_ACT)
    part = form.text("part") if form.text("part") in PARTS else "overview"
    name = form.text("deed")
    words = {field: values[0] for field, values in form.fields.items() if values and field not in ("deed", "part")}
    back = f"/reviews/{review_id}?part={part}"
    try:
        deed, _ = deeds.perform(instance, review_id, name, words)
    except (Invalid, Conflict, NotPermitted) as error:
        return visitor.go(back, Flash("problem", str(error)))
    # Who ended its own part has no page to go back to.
    with instance.read() as tx:
        still = bool(deeds.state_of(tx, instance, review_id))
    return visitor.go(back if still else "/reviews", Flash("done", deed.done))


@get("/reviews/{review_id:str}/documents/{review_document_id:str}", sync_to_thread=True, include_in_schema=False)
def statement(visitor: Visiting, review_id: FromPath[str], review_document_id: FromPath[str]) -> Response[bytes]:
    """A statement in its envelope, to keep and to verify without this server."""
    instance = visitor.acting(Scope.REVIEWS_READ)
    found = opening.statement_file(instance, deeds.find(instance, review_id), review_document_id)
    headers = {"Content-Disposition": f'attachment; filename="{found.name}"'}
    return Response(found.body, media_type="application/octet-stream", headers=headers)


def _list(visitor: Visitor, lines: list[reviews.ReviewLine], form: rendering.Form | None = None, *, status: int = 200) -> Response[Any]:
    opens = visitor.party is not None and Role.DEVELOPER in visitor.party.roles
    return visitor.render("reviews.html", lines=lines, opens=opens, asks=reviews.list_asks(visitor.instance), form=form or rendering.Form(), kinds=tuple(ReviewKind), http_status=status)


def _page(visitor: Visitor, page: reviews.ReviewPage, part: str, run: review_runs.RunPart | None) -> Response[Any]:
    beside = {about: [deed for deed in page.deeds if deed.about == about] for about in ("document", "partner", "finding")}
    return visitor.render(
        "review.html", review=page, part=part if part in PARTS else "overview", parts=PARTS, choices=CHOICES,
        deeds=[deed for deed in page.deeds if not deed.about], beside=beside, run=run, assessed=_assessed(page), review_plots=review_plots,
    )


def _assessed(page: reviews.ReviewPage) -> review_runs.Assessed | None:
    found = [one for one in page.documents if one.kind == DocumentKind.ASSESSMENT]
    return review_runs.assessed(found[-1].predicate) if found else None


def _instant(text: str) -> Any:
    try:
        return parse_instant(text)
    except ValueError:
        raise Invalid(f"the planned release must be an instant such as 2026-12-01T00:00; found {text[:40]!r}") from None


ROUTER = Router("/", route_handlers=[listing, open_it, figures, one, do, statement, transcript, say_of_transcript])
