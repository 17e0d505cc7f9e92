"""Screens over everything the viewer may see: what needs it now, search, figures, the ledger."""

from typing import Annotated, Any

from litestar import Response, Router, get
from litestar.params import FromPath, QueryParameter

from clearinghouse.app.views import search as searches
from clearinghouse.app.views.inbox import lines_of
from clearinghouse.app.views.queue import read_queue
from clearinghouse.app.views.statistics import read_statistics
from clearinghouse.core.errors import NotFound
from clearinghouse.core.ids import has_shape
from clearinghouse.core.roles import Scope
from clearinghouse.ledger import actions as ledger
from clearinghouse.ledger import store as events
from clearinghouse.ledger.checkpoint import Checkpoint
from clearinghouse.web import pages
from clearinghouse.web.visitor import Visiting


@get("/queue", sync_to_thread=True, include_in_schema=False)
def queue(visitor: Visiting) -> Response[Any]:
    """What needs me now."""
    _, _, party = visitor.signed_in()
    instance = visitor.acting(Scope.CASES_READ if Scope.CASES_READ in visitor.scopes else Scope.LEDGER_READ)
    return visitor.render("queue.html", queue=read_queue(instance), hello=party.name.split(" ", 1)[0])


@get("/search", sync_to_thread=True, include_in_schema=False)
def search(
    visitor: Visiting, text: Annotated[str, QueryParameter(name="q", max_length=200)] = "",
    before: Annotated[str, QueryParameter(name="before", max_length=200)] = "",
) -> Response[Any]:
    """Over what the viewer may read, and nothing else."""
    instance = visitor.acting(Scope.REPORTS_READ)
    found = searches.search(instance, text, before=before)
    with instance.read() as tx:
        lines = lines_of(tx, instance, found.reports)
    return visitor.render("search.html", found=found, lines=lines)


@get("/statistics", sync_to_thread=True, include_in_schema=False)
def statistics(visitor: Visiting, days: Annotated[int, QueryParameter(name="days", ge=1, le=366)] = 30) -> Response[Any]:
    """Inflow, age of the queue, duplicates saved, time to a fix."""
    instance = visitor.acting(Scope.CASES_DECIDE)
    return visitor.render("statistics.html", figures=read_statistics(instance, days=days), days=days, scope="what you may see")


@get("/ledger", sync_to_thread=True, include_in_schema=False)
def ledger_page(visitor: Visiting, event: Annotated[str, QueryParameter(name="event", max_length=64)] = "") -> Response[Any]:
    """The signed tree as anybody may see and verify it: sizes, hashes and opaque ids."""
    instance = visitor.instance
    signed, note = _checkpoint(visitor)
    found = ""
    if event:
        known = has_shape(event) and event.startswith("evt_")
        with instance.read() as tx:
            kept = events.find_event(tx, event) if known else None
        found = "no such event is on the ledger" if kept is None else f"it is leaf {kept.leaf_index}, of the kind {kept.kind}"
    shown = pages.LedgerPage(
        signed.origin, instance.signer.verifier.render(), signed.size, signed.root.hex(), None, note, (), found,
        f"/ledger/proof/{event}" if found.startswith("it is") else "",
    )
    return visitor.render("ledger.html", ledger=shown, asked=event)


@get("/ledger/checkpoint", sync_to_thread=True, include_in_schema=False)
def checkpoint(visitor: Visiting) -> Response[str]:
    """The checkpoint as signed."""
    return Response(_checkpoint(visitor)[1], media_type="text/plain")


@get("/ledger/proof/{event_id:str}", sync_to_thread=True, include_in_schema=False)
def proof(visitor: Visiting, event_id: FromPath[str]) -> Response[str]:
    """The proof of one event, to keep and to verify without this server."""
    if not has_shape(event_id):
        raise NotFound(event_id)
    instance = visitor.instance
    text = ledger.prove(
        instance.database, event_id, instance.settings.ledger_origin, instance.signer, instance.keeper, now=instance.clock.now()
    )
    return Response(text, media_type="text/plain", headers={"Content-Disposition": 'attachment; filename="proof.txt"'})


def _checkpoint(visitor: Visiting) -> tuple[Checkpoint, str]:
    instance = visitor.instance
    return ledger.checkpoint(
        instance.database, instance.settings.ledger_origin, instance.signer, instance.keeper, now=instance.clock.now()
    )


ROUTER = Router("/", route_handlers=[queue, search, statistics, ledger_page, checkpoint, proof])
