"""The pair model on the workbench: what a newer one would have otherwise, and what was learned from decisions here."""

from collections.abc import Callable
from typing import Any

from litestar import Response, Router, get, post
from litestar.params import FromPath

from clearinghouse.app.process import matching
from clearinghouse.app.views import model as views
from clearinghouse.core.errors import Conflict, Invalid
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.deconfliction.learning import actions
from clearinghouse.disclosure.deconfliction.learning.records import Version
from clearinghouse.web.rendering import Flash
from clearinghouse.web.visitor import Form, Visiting, Visitor


@get("/model", sync_to_thread=True, include_in_schema=False)
def model(visitor: Visiting) -> Response[Any]:
    """For coordinators what waits for an answer, for administrators what was learned."""
    decides, manages = (scope in visitor.scopes for scope in (Scope.CASES_DECIDE, Scope.MODEL_MANAGE))
    instance = visitor.acting(Scope.CASES_DECIDE if decides else Scope.MODEL_MANAGE)
    proposals, total = views.list_proposals(instance) if decides else ((), 0)
    return visitor.render(
        "model.html", model=views.read_model(instance) if manages else None, proposals=proposals, total=total, decides=decides,
    )


@post("/model/proposals/{model_proposal_id:str}", sync_to_thread=True, include_in_schema=False)
def answer(visitor: Visiting, model_proposal_id: FromPath[str], form: Form) -> Response[Any]:
    """Do what is proposed, or keep the clusters as they are; the next page offers to undo it."""
    instance = visitor.acting(Scope.CASES_DECIDE)
    accept = form.text("answer") == "accept"
    try:
        with instance.database.write() as tx:
            done = actions.answer(
                tx, model_proposal_id, accept=accept, reason=form.text("reason"), actor=instance.actor.id, envelope=instance.envelope,
                thresholds=instance.policy.deconfliction, now=instance.clock.now(),
            )
    except (Invalid, Conflict) as error:
        return visitor.go("/model", Flash("problem", str(error)))
    words = "Done as proposed." if accept else "Kept as it is, now and in every later settling."
    return visitor.go("/model", Flash("done", words, "/decisions/undo", {"decision": done.id, "back": "/model"}))


@post("/model/corrections/{version_id:str}/adopt", sync_to_thread=True, include_in_schema=False)
def adopt(visitor: Visiting, version_id: FromPath[str], form: Form) -> Response[Any]:
    """Put a correction in force."""
    shipped = matching(visitor.acting(Scope.MODEL_MANAGE)).scorer.digest
    return _change(visitor, lambda tx, **who: actions.adopt(tx, version_id, shipped, **who), "In force. The next settling applies it to all.")


@post("/model/corrections/{version_id:str}/retire", sync_to_thread=True, include_in_schema=False)
def retire(visitor: Visiting, version_id: FromPath[str], form: Form) -> Response[Any]:
    """Take a correction out of force."""
    return _change(visitor, lambda tx, **who: actions.retire(tx, version_id, **who), "Out of force. The shipped model compares alone again.")


def _change(visitor: Visitor, act: Callable[..., Version], words: str) -> Response[Any]:
    instance = visitor.acting(Scope.MODEL_MANAGE)
    try:
        with instance.database.write() as tx:
            act(tx, actor=instance.actor.id, now=instance.clock.now())
    except Conflict as error:
        return visitor.go("/model", Flash("problem", str(error)))
    return visitor.go("/model", Flash("done", words))


ROUTER = Router("/", route_handlers=[model, answer, adopt, retire])
