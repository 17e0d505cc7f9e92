"""Patches of a case on trial: asking, the rungs each reached, a person's word, and the signed evidence."""

from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.api.coordination.shapes import Done
from clearinghouse.app import patch_trials
from clearinghouse.app.views import trials
from clearinghouse.app.views.trials import TrialLine
from clearinghouse.core.roles import Scope

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80, description="Id or digest of a material of the case.")]


class TrialAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which patch of the case on which recipe, and the regression test that came with it."""

    patch: _Name
    recipe: _Name
    test_diff: Annotated[str, msgspec.Meta(max_length=80)] = ""
    test: Annotated[list[Annotated[str, msgspec.Meta(max_length=1000)]], msgspec.Meta(max_length=100)] = []


class TrialMade(msgspec.Struct, frozen=True):
    """A trial that waits for the bench."""

    id: str


class PatchReview(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether who says so answers for the patch, and why."""

    accepts: bool
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


@get("/cases/{case_id:str}/trials", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="Patches on trial")
def listed(instance: Acting, case_id: FromPath[str]) -> list[TrialLine]:
    """Newest first, each with every rung, the highest reached without a gap, and what people said. It is never said that a flaw is fixed."""
    return list(trials.read_trials(instance, case_id))


@post("/cases/{case_id:str}/trials", opt={SCOPE: Scope.CASES_ACT}, status_code=201, sync_to_thread=True, summary="Try a patch")
def ask(instance: Acting, case_id: FromPath[str], data: JSONBody[TrialAsked]) -> TrialMade:
    """One of the same patch and recipe at a time. Needs tier 3."""
    return TrialMade(patch_trials.ask(instance, case_id, data.patch, data.recipe, test_diff=data.test_diff, test=tuple(data.test)).id)


@post("/cases/{case_id:str}/trials/{trial_id:str}/review", opt={SCOPE: Scope.CASES_ACT}, status_code=200, sync_to_thread=True, summary="Answer for a patch")
def review(instance: Acting, case_id: FromPath[str], trial_id: FromPath[str], data: JSONBody[PatchReview]) -> Done:
    """For a person who neither wrote the patch nor handed it in; a patch by a model never passes the last rung without one."""
    return Done(patch_trials.review(instance, case_id, trial_id, data.accepts, data.reason).trial.state)


@get("/cases/{case_id:str}/trials/{trial_id:str}/evidence", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="Signed evidence of a trial",
     media_type="application/json")
def evidence(instance: Acting, case_id: FromPath[str], trial_id: FromPath[str]) -> Response[bytes]:
    """A DSSE envelope of an in-toto statement, signed anew with each review."""
    found = patch_trials.read_evidence(instance, case_id, trial_id)
    return Response(found.body, media_type="application/json", headers={"Content-Disposition": f'attachment; filename="{found.name}"'})


ROUTER = Router("/", tags=["validation"], route_handlers=[listed, ask, review, evidence])
