"""All pages, with what they share: who visits, whether a form is one of ours, and errors as pages."""

from typing import Any

from litestar import Request, Response, Router, get
from litestar.di import Provide

from clearinghouse.core.errors import NotFound
from clearinghouse.disclosure.intake import actions
from clearinghouse.web import (
    administration,
    charters,
    commitments,
    deconfliction,
    identity,
    intake,
    links,
    model,
    oidc,
    overview,
    packet_links,
    problems,
    reviews,
    site,
)
from clearinghouse.web.coordination import appeals, asks, deeds, matrix, room, trials, validations
from clearinghouse.web.visitor import Visiting, read_form, visit

_FORM_BYTES_MAX = 2 << 20
"""Of a form without a file; routes that take files name their own bound."""


@get("/{anything:path}", sync_to_thread=True, include_in_schema=False)
def nothing(visitor: Visiting, request: "Request[Any, Any, Any]") -> Response[Any]:
    """What is no page costs and says the same as what is nobody's (decision 5)."""
    instance = visitor.instance
    with instance.read() as tx:
        actions.read_report(tx, "rep_" + "a" * 26, envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
    raise NotFound(request.url.path)


def web_router() -> Router:
    """The workbench."""
    return Router(
        "/",
        route_handlers=[
            site.ROUTER, identity.ROUTER, oidc.ROUTER, intake.ROUTER, commitments.ROUTER, deconfliction.ROUTER, model.ROUTER, overview.ROUTER, links.ROUTER, packet_links.ROUTER, charters.ROUTER, administration.ROUTER, reviews.ROUTER,
            room.ROUTER, asks.ROUTER, appeals.ROUTER, matrix.ROUTER, trials.ROUTER, validations.ROUTER, deeds.ROUTER, nothing,
        ],
        dependencies={"visitor": Provide(visit, sync_to_thread=True), "form": Provide(read_form)},
        exception_handlers={Exception: problems.answer}, request_max_body_size=_FORM_BYTES_MAX,
    )
