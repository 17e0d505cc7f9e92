"""Commitments on the workbench: what is on the record, what has to be opened when, and who followed through."""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, QueryParameter

from clearinghouse.app import commitments
from clearinghouse.app.reception import Reception
from clearinghouse.core.errors import Conflict, Invalid
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.intake.commitments import rules, store
from clearinghouse.disclosure.intake.commitments.records import Commitment, CommitmentState
from clearinghouse.web.rendering import Flash
from clearinghouse.web.visitor import Form, Sent, Visiting, Visitor

_PAGE = 100
_UPLOAD_BYTES_MAX = 50 << 20
_CLAIM_BYTES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Line:
    """A commitment as listed."""

    commitment: Commitment
    state: CommitmentState
    mine: bool
    openable: bool


@get("/commitments", sync_to_thread=True, include_in_schema=False)
def listing(visitor: Visiting, before: Annotated[str, QueryParameter(max_length=64)] = "") -> Response[Any]:
    """Those one may see, and the figures of all."""
    return _listing(visitor, Sent({}, {}), before=before)


@post("/commitments", sync_to_thread=True, include_in_schema=False)
def record(visitor: Visiting, form: Form) -> Response[Any]:
    """Put the claim of a file, or of the field, on the record."""
    instance = visitor.acting(Scope.REPORTS_SUBMIT)
    text = form.files["file"][1] if form.files.get("file", ("", b""))[1] else form.text("claim").encode()
    try:
        made = commitments.record(instance, rules.parse_claim(_object(text[:_CLAIM_BYTES_MAX], "a claim")))
    except (Invalid, Conflict) as error:
        return _listing(visitor, form, errors={"claim": str(error)})
    return visitor.go("/commitments", Flash("done", f"On the record since {made.at:%Y-%m-%d %H:%M} UTC; open it by {made.due_at:%Y-%m-%d}."))


@post("/commitments/{commitment_id:str}/open", sync_to_thread=True, include_in_schema=False, request_max_body_size=_UPLOAD_BYTES_MAX)
def open_it(request: "Request[Any, Any, Any]", visitor: Visiting, commitment_id: FromPath[str], form: Form) -> Response[Any]:
    """Open it with the file that was kept."""
    instance = visitor.acting(Scope.REPORTS_SUBMIT)
    reception: Reception = request.app.state.reception
    try:
        opening = rules.parse_opening(_object(form.files.get("file", ("", b""))[1], "an opening"))
        done = commitments.open_commitment(instance, commitment_id, opening, commitments.through(reception, instance))
    except (Invalid, Conflict) as error:
        return visitor.go("/commitments", Flash("problem", str(error)))
    late = any(section.late for section in done.sections)
    return visitor.go("/commitments", Flash("done", "Opened." if not late else "Opened, after its day: it gives no earlier instant."))


@post("/commitments/{commitment_id:str}/withdraw", sync_to_thread=True, include_in_schema=False)
def withdraw(visitor: Visiting, commitment_id: FromPath[str], form: Form) -> Response[Any]:
    """Say that it will not be opened."""
    instance = visitor.acting(Scope.REPORTS_SUBMIT)
    try:
        commitments.withdraw(instance, commitment_id)
    except (Invalid, Conflict) as error:
        return visitor.go("/commitments", Flash("problem", str(error)))
    return visitor.go("/commitments", Flash("done", "Withdrawn. It stays on the record and counts as withdrawn."))


def _listing(visitor: Visitor, form: Sent, *, before: str = "", errors: dict[str, str] | None = None) -> Response[Any]:
    instance = visitor.acting(Scope.REPORTS_READ)
    now = instance.clock.now()
    with instance.read() as tx:
        found = store.list_commitments(tx, viewer=instance.actor.id, now=now, before=before, limit=_PAGE + 1)
    lines = tuple(_line(visitor, each) for each in found[:_PAGE])
    return visitor.render(
        "commitments.html", lines=lines, after=found[_PAGE - 1].id if len(found) > _PAGE else "", first=not before,
        tally=commitments.tally(instance), form=form.back(errors or {}), may_commit=Scope.REPORTS_SUBMIT in visitor.scopes,
        origin=instance.settings.ledger_origin,
    )


def _line(visitor: Visitor, found: Commitment) -> Line:
    state = rules.state_of(found, visitor.instance.clock.now())
    mine = visitor.party is not None and found.party == visitor.party.id
    return Line(found, state, mine, mine and state not in (CommitmentState.OPENED, CommitmentState.WITHDRAWN))


def _object(data: bytes, what: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        found = None
    if not isinstance(found, dict):
        raise Invalid(f"this is not {what}: choose the JSON file that `clearinghouse commit make` wrote")
    return found


ROUTER = Router("/", route_handlers=[listing, record, open_it, withdraw])
