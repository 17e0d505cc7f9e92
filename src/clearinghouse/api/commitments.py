"""Commitments: a digest now, what opens it later, and the figures of who followed through."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.concurrency import sync_to_thread
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.api.intake import body_within
from clearinghouse.api.problems import Problem
from clearinghouse.app import commitments
from clearinghouse.app.reception import Reception
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Invalid
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.intake.commitments import actions, rules, store
from clearinghouse.disclosure.intake.commitments.records import Claim, Commitment, OpenedSection, Tally

_PAGE_MAX = 500
# Base64 is a third longer, and names and nonces take their room.
_OVERHEAD = 1.5


class ClaimShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A commitment to be put on the record; docs/reference/commitments.md says how it is made."""

    digest: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    public_key: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    signature: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{128}$")]
    due_at: datetime | None = None
    """By when you will open it; what policy says where you name none."""


class CommitmentAnswer(msgspec.Struct, frozen=True):
    """A commitment and where it stands."""

    id: str
    at: datetime
    """The instant that counts, by our clock."""
    digest: str
    key: str
    due_at: datetime
    state: str
    repeats: bool
    """The same digest was on the record under another key before."""
    event_id: str
    """For `GET /ledger/proofs/{event_id}`: the leaf holds the digest itself."""
    sections: tuple[OpenedSection, ...]
    submission_id: str | None


@post("/commitments", opt={SCOPE: Scope.REPORTS_SUBMIT}, sync_to_thread=True, summary="Commit to a finding without telling it")
def record(instance: Acting, data: JSONBody[ClaimShape]) -> CommitmentAnswer:
    """The same claim again gives the first record of it. No date of yours counts: the record bears ours."""
    claim = Claim(bytes.fromhex(data.digest), bytes.fromhex(data.public_key), bytes.fromhex(data.signature))
    if data.due_at is not None and data.due_at.tzinfo is None:
        raise Invalid("due_at needs a zone, as in 2026-12-01T00:00:00Z")
    return _answer(instance, commitments.record(instance, claim, due_at=data.due_at))


@get("/commitments", opt={SCOPE: Scope.REPORTS_READ}, sync_to_thread=True, summary="Commitments you may see")
def listing(
    instance: Acting,
    before: Annotated[str, QueryParameter(max_length=64, description="Id of the last one seen.")] = "",
    size: Annotated[int, QueryParameter(ge=1, le=_PAGE_MAX)] = 100,
) -> list[CommitmentAnswer]:
    """Newest first: your own, and of others those that were opened to you."""
    with instance.read() as tx:
        found = store.list_commitments(tx, viewer=instance.actor.id, now=instance.clock.now(), before=before, limit=size)
    return [_answer(instance, each) for each in found]


@get("/commitments/figures", opt={SCOPE: Scope.LEDGER_READ}, sync_to_thread=True, summary="How many commitments were followed through")
def figures(instance: Acting) -> Tally:
    """Of all that were ever recorded here: shut and not due, opened in time, late, never, withdrawn."""
    return commitments.tally(instance)


@get("/commitments/{commitment_id:str}", opt={SCOPE: Scope.REPORTS_READ}, sync_to_thread=True, summary="One commitment")
def one(instance: Acting, commitment_id: FromPath[str]) -> CommitmentAnswer:
    """Where it stands."""
    with instance.read() as tx:
        found = actions.find(tx, commitment_id, viewer=instance.actor.id, now=instance.clock.now())
    return _answer(instance, found)


@get("/commitments/{commitment_id:str}/sections/{section:str}", opt={SCOPE: Scope.REPORTS_READ}, sync_to_thread=True,
     summary="The bytes of an opened section", media_type="application/octet-stream")
def section(instance: Acting, commitment_id: FromPath[str], section: FromPath[str]) -> Response[bytes]:
    """As they were committed to. The reading is on the record before the first byte leaves."""
    data = actions.read_section(
        instance.database, commitment_id, section, envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now()
    )
    return Response(data, media_type="application/octet-stream", headers={"Content-Disposition": 'attachment; filename="section.bin"'})


@post(
    "/commitments/{commitment_id:str}/open", opt={SCOPE: Scope.REPORTS_SUBMIT}, status_code=200, summary="Open a commitment, or sections of it",
    responses={413: ResponseSpec(Problem, description="Larger than an opening may be")},
)
async def open_it(request: "Request[Any, Any, State]", instance: Acting, commitment_id: FromPath[str]) -> CommitmentAnswer:
    """The body is an opening as `clearinghouse commit make` writes it, of all sections or of some. Its report is taken in as
    any other; the same opening again changes nothing."""
    policy = instance.policy.commitments
    body = await body_within(request, int(policy.sections_max * policy.section_bytes_max * _OVERHEAD), "open fewer sections at a time")
    reception: Reception = request.app.state.reception
    return await sync_to_thread(_open, reception, instance, commitment_id, body)


@post("/commitments/{commitment_id:str}/withdraw", opt={SCOPE: Scope.REPORTS_SUBMIT}, status_code=200, sync_to_thread=True,
      summary="Say that a commitment will not be opened")
def withdraw(instance: Acting, commitment_id: FromPath[str]) -> CommitmentAnswer:
    """It stays on the record and counts as withdrawn."""
    return _answer(instance, commitments.withdraw(instance, commitment_id))


def _open(reception: Reception, instance: Instance, commitment_id: str, body: bytes) -> CommitmentAnswer:
    try:
        opening = rules.parse_opening(msgspec.json.decode(body))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Invalid(f"an opening is one JSON object: {str(error)[:200]}") from None
    return _answer(instance, commitments.open_commitment(instance, commitment_id, opening, commitments.through(reception, instance)))


def _answer(instance: Instance, found: Commitment) -> CommitmentAnswer:
    return CommitmentAnswer(
        found.id, found.at, found.digest, found.key, found.due_at, rules.state_of(found, instance.clock.now()), found.repeats, found.event,
        found.sections, found.submission,
    )


ROUTER = Router("/", tags=["commitments"], route_handlers=[record, listing, figures, one, section, open_it, withdraw])
