"""Patches on trial in the case room: the forms that ask for a trial and answer for a patch, and the evidence."""

from collections.abc import Callable
from typing import Any

from litestar import Response, Router, get, post
from litestar.params import FromPath

from clearinghouse.app import patch_trials
from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.roles import Scope
from clearinghouse.web.rendering import Flash
from clearinghouse.web.visitor import Form, Visiting, Visitor


@get("/cases/{case_id:str}/trials/{trial_id:str}/evidence", sync_to_thread=True, include_in_schema=False)
def evidence(visitor: Visiting, case_id: FromPath[str], trial_id: FromPath[str]) -> Response[bytes]:
    """The signed evidence, byte for byte."""
    found = patch_trials.read_evidence(visitor.acting(Scope.CASES_READ), case_id, trial_id)
    headers = {"Content-Disposition": f'attachment; filename="{found.name}"'}
    return Response(found.body, media_type="application/octet-stream", headers=headers)


@post("/cases/{case_id:str}/trials", sync_to_thread=True, include_in_schema=False)
def ask(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """Put a patch in the queue."""
    instance = visitor.acting(Scope.CASES_ACT)
    return _do(visitor, case_id, "It waits for the bench.", lambda: patch_trials.ask(instance, case_id, form.text("patch"), form.text("recipe")))


@post("/cases/{case_id:str}/trials/{trial_id:str}/review", sync_to_thread=True, include_in_schema=False)
def review(visitor: Visiting, case_id: FromPath[str], trial_id: FromPath[str], form: Form) -> Response[Any]:
    """A person's word about a patch."""
    instance = visitor.acting(Scope.CASES_ACT)
    accepts = form.text("says") == "accept"
    words = "Noted: you answer for it." if accepts else "Noted: you refuse it."
    return _do(visitor, case_id, words, lambda: patch_trials.review(instance, case_id, trial_id, accepts, form.text("reason")))


def _do(visitor: Visitor, case_id: str, words: str, deed: Callable[[], object]) -> Response[Any]:
    back = f"/cases/{case_id}?part=validation"
    try:
        deed()
    except (Invalid, Conflict, NotPermitted) as error:
        return visitor.go(back, Flash("problem", str(error)))
    return visitor.go(back, Flash("done", words))


ROUTER = Router("/", route_handlers=[evidence, ask, review])
