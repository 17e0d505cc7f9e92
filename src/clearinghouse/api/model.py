"""The pair model: what was learned from decisions, and what a newer model proposes."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.api.deconfliction import DecisionAnswer
from clearinghouse.app.process import matching
from clearinghouse.app.views import model as views
from clearinghouse.app.views.model import Model, ProposalLine
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.deconfliction.learning import actions


class CorrectionAnswer(msgspec.Struct, frozen=True):
    """A correction and where it stands now."""

    id: str
    state: str


class Proposals(msgspec.Struct, frozen=True):
    """What a newer model would do, oldest first."""

    total: int
    proposals: tuple[ProposalLine, ...]


class ProposalRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer to a proposal."""

    accept: bool
    """True does what the model proposes; false keeps the clusters as they are."""
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


@get("/model", opt={SCOPE: Scope.MODEL_MANAGE}, sync_to_thread=True, summary="The pair model and what it learned")
def model(instance: Acting) -> Model:
    """Which model compares reports here, and every correction that settling fitted from decisions, newest first."""
    return views.read_model(instance)


@post("/model/corrections/{version_id:str}/adopt", opt={SCOPE: Scope.MODEL_MANAGE}, status_code=200, sync_to_thread=True, summary="Put a correction in force")
def adopt(instance: Acting, version_id: FromPath[str]) -> CorrectionAnswer:
    """Every comparison from now on reads it; the next settling applies it to all."""
    shipped = matching(instance).scorer.digest
    with instance.database.write() as tx:
        done = actions.adopt(tx, version_id, shipped, actor=instance.actor.id, now=instance.clock.now())
    return CorrectionAnswer(done.id, "in_force")


@post("/model/corrections/{version_id:str}/retire", opt={SCOPE: Scope.MODEL_MANAGE}, status_code=200, sync_to_thread=True, summary="Take a correction out of force")
def retire(instance: Acting, version_id: FromPath[str]) -> CorrectionAnswer:
    """The shipped model compares alone again."""
    with instance.database.write() as tx:
        done = actions.retire(tx, version_id, actor=instance.actor.id, now=instance.clock.now())
    return CorrectionAnswer(done.id, "retired")


@get("/model/proposals", opt={SCOPE: Scope.CASES_DECIDE}, sync_to_thread=True, summary="What a newer model would have otherwise")
def proposals(instance: Acting, size: Annotated[int, QueryParameter(name="size", ge=1, le=100, description="How many.")] = 10) -> Proposals:
    """Clusters that people have had their hands on stay as they were until somebody answers."""
    found, total = views.list_proposals(instance, most=size)
    return Proposals(total, found)


@post("/model/proposals/{model_proposal_id:str}", opt={SCOPE: Scope.CASES_DECIDE}, sync_to_thread=True, summary="Answer a proposal")
def answer(instance: Acting, model_proposal_id: FromPath[str], data: JSONBody[ProposalRequest]) -> DecisionAnswer:
    """The answer becomes a decision like any other; undoing that decision takes it back."""
    with instance.database.write() as tx:
        done = actions.answer(
            tx, model_proposal_id, accept=data.accept, reason=data.reason, actor=instance.actor.id, envelope=instance.envelope,
            thresholds=instance.policy.deconfliction, now=instance.clock.now(),
        )
    return DecisionAnswer(done.id, len(done.moved))


ROUTER = Router("/", route_handlers=[model, adopt, retire, proposals, answer], tags=["deconfliction"])
