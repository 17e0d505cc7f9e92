"""All routes of the API under one address, with what they share."""

from typing import Any

from litestar import Request, Router, get
from litestar.di import Provide

from clearinghouse.api import (
    blind,
    charters,
    claim_check,
    commitments,
    deconfliction,
    intake,
    ledger,
    model,
    problems,
    relay,
    reviews,
    vince,
    webhooks,
)
from clearinghouse.api.authentication import SCOPE, Acting, caller
from clearinghouse.api.coordination import (
    appeals,
    asks,
    bundles,
    cases,
    contact,
    embargo,
    erasure,
    participants,
    rooms,
    threads,
    trials,
    validations,
    vulnerabilities,
)
from clearinghouse.core.errors import NotFound
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.intake import actions


@get(["/", "/{anything:path}"], opt={SCOPE: Scope.LEDGER_READ}, include_in_schema=False, sync_to_thread=True)
def nothing(instance: Acting, request: "Request[Any, Any, Any]") -> None:
    """What is no route costs and says the same as what is nobody's (decision 5)."""
    with instance.read() as tx:
        actions.read_report(tx, "rep_" + "a" * 26, envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
    raise NotFound(request.url.path)


def api_routers() -> list[Router]:
    """The API, version 1, and the addresses of other people's clients."""
    own = Router(
        "/api/v1",
        route_handlers=[
            intake.ROUTER, commitments.ROUTER, deconfliction.ROUTER, model.ROUTER, rooms.ROUTER, cases.ROUTER, asks.ROUTER, appeals.ROUTER, erasure.ROUTER, bundles.ROUTER, participants.ROUTER, threads.ROUTER, trials.ROUTER, validations.ROUTER, vulnerabilities.ROUTER,
            embargo.ROUTER, contact.ROUTER, charters.ROUTER, relay.ROUTER, reviews.ROUTER, blind.ROUTER, webhooks.ROUTER, ledger.ROUTER, nothing,
        ],
        dependencies={"instance": Provide(caller, sync_to_thread=True)}, exception_handlers={Exception: problems.answer},
    )
    return [own, vince.ROUTER, claim_check.ROUTER]
