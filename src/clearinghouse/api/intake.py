"""Sending reports: one document with its answer, or a large one whose receipt grows."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, QueryParameter

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.api.problems import Problem
from clearinghouse.app.reception import Reception
from clearinghouse.app.views.answers import read_answers
from clearinghouse.app.views.reports import ReportLine
from clearinghouse.core.errors import Invalid
from clearinghouse.core.ids import SubmissionId
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.intake import actions
from clearinghouse.disclosure.intake.records import Cover, Note, Outcome, Receipt, ReceiptItem

_ITEMS_PAGE = 1_000

IdempotencyKey = Annotated[
    str, HeaderParameter(name="Idempotency-Key", max_length=200, description="Sending the same key and bytes again gives the first receipt.")
]
FileName = Annotated[str, HeaderParameter(name="X-File-Name", max_length=1000, description="Name to show; it also helps to find the format.")]


class SubmissionAnswer(msgspec.Struct, frozen=True):
    """What became of a submission: its receipt, and the answer to each of its reports."""

    submission_id: SubmissionId
    received_at: str
    digest: str
    """`sha256:HEX` of the bytes as received."""
    source: str
    finished: bool
    """False while it is being read."""
    accepted: int
    """Items that became reports, with or without warnings."""
    refused: int
    items: tuple[ReceiptItem, ...]
    """At most a thousand; `from` asks for later ones."""
    notes: tuple[Note, ...]
    answers: tuple[ReportLine, ...] = ()
    """As far as this caller may know: `received` until a person looked, for a mere reporter."""
    answered: bool = True
    """False where some reports were not compared yet when this was written."""


@post(
    "/submissions", opt={SCOPE: Scope.REPORTS_SUBMIT}, status_code=201, summary="Send one document",
    responses={413: ResponseSpec(Problem, description="Larger than one document may be")},
)
async def send(
    request: "Request[Any, Any, State]", instance: Acting, idempotency_key: IdempotencyKey = "", name: FileName = "",
    source: Annotated[str, QueryParameter(max_length=64, description="Read it as this format; found out by looking where empty.")] = "",
    public: Annotated[bool, QueryParameter(description="It holds records that are public already.")] = False,
    wait: Annotated[float, QueryParameter(ge=0, le=10, description="Seconds to wait for the answer of deconfliction.")] = 0.0,
) -> SubmissionAnswer:
    """Send a document in any format of `GET /sources`: our own JSON, SARIF, OSV, CSAF, CVE, a crash log, Markdown, a mail...

    The answer comes once the document is safely kept. With `wait`, it also holds what deconfliction says, if that
    is done in time; else ask `GET /submissions/{id}` again.
    """
    from litestar.concurrency import sync_to_thread

    data = await body_within(
        request, instance.policy.intake.document_bytes_max, "send it to /api/v1/submissions/bulk, one JSON object a line"
    )
    reception: Reception = request.app.state.reception
    return await sync_to_thread(_take, reception, instance, data, name, public, source, idempotency_key, wait)


def _take(
    reception: Reception, instance: Acting, data: bytes, name: str, public: bool, source: str, key: str, wait: float
) -> SubmissionAnswer:
    receipt, answered = reception.take(
        data, name=name, reporter=instance.actor.id, cover=Cover(public=public), source=source, idempotency_key=key, wait_seconds=wait,
    )
    return _answer(instance, receipt, 0, answered=answered, look=wait > 0)


@post(
    "/submissions/bulk", opt={SCOPE: Scope.REPORTS_SUBMIT}, status_code=202, summary="Send a large file",
    responses={413: ResponseSpec(Problem, description="Larger than a bulk file may be")},
)
async def send_bulk(
    request: "Request[Any, Any, State]", instance: Acting, idempotency_key: IdempotencyKey = "", name: FileName = "",
    public: Annotated[bool, QueryParameter(description="It holds records that are public already.")] = False,
) -> SubmissionAnswer:
    """Send up to 100,000 findings in one file, one JSON object a line. It is read afterwards; its receipt says how far.

    A restart of the server goes on where reading ended.
    """
    from litestar.concurrency import sync_to_thread

    reception: Reception = request.app.state.reception
    spooled = await reception.spool(request.stream())
    receipt = await sync_to_thread(
        reception.take_spooled, spooled, name=name, reporter=instance.actor.id, cover=Cover(public=public),
        idempotency_key=idempotency_key,
    )
    return _answer(instance, receipt, 0, answered=False, look=False)


@get("/submissions/{submission_id:str}", opt={SCOPE: Scope.REPORTS_READ}, sync_to_thread=True, summary="The receipt of a submission")
def receipt(
    instance: Acting, submission_id: FromPath[str],
    first: Annotated[int, QueryParameter(name="from", ge=0, le=10_000_000, description="First item to show.")] = 0,
) -> SubmissionAnswer:
    """What became of each item, and what deconfliction says of the reports they became."""
    with instance.read() as tx:
        found = actions.read_receipt(tx, submission_id, envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
    return _answer(instance, found, first, answered=True, look=True)


@get("/submissions/{submission_id:str}/original", opt={SCOPE: Scope.REPORTS_READ}, sync_to_thread=True, summary="The original bytes",
     media_type="application/octet-stream")
def original(instance: Acting, submission_id: FromPath[str]) -> Response[bytes]:
    """The bytes as they were received. The reading is on the record before the first byte leaves."""
    data = actions.read_original(
        instance.database, submission_id, envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now()
    )
    # Whatever they are, they are shown as nothing a browser would run.
    return Response(data, media_type="application/octet-stream", headers={"Content-Disposition": 'attachment; filename="original.bin"'})


class SourceLine(msgspec.Struct, frozen=True):
    """A format that is read."""

    name: str
    title: str


@get("/sources", opt={SCOPE: Scope.REPORTS_SUBMIT}, sync_to_thread=True, summary="Formats that are read")
def sources(instance: Acting) -> list[SourceLine]:
    """Every format, by the name that `source` takes."""
    from clearinghouse.disclosure.intake.parser import load_sources

    return [SourceLine(source.name, source.title) for source in load_sources().values()]


def _answer(instance: Acting, found: Receipt, first: int, *, answered: bool, look: bool) -> SubmissionAnswer:
    page = found.items[first : first + _ITEMS_PAGE]
    ids = [item.report_id for item in page if item.report_id is not None]
    answers = read_answers(instance, ids) if look and ids else ()
    refused = found.count(Outcome.REFUSED)
    return SubmissionAnswer(
        found.submission_id, found.received_at.isoformat().replace("+00:00", "Z"), found.digest, found.source, found.finished,
        len(found.items) - refused, refused, page, found.notes, answers,
        answered and all(line.answer != "waiting" for line in answers),
    )


async def body_within(request: "Request[Any, Any, State]", limit: int, advice: str) -> bytes:
    """The body of a request, refused as soon as it is too long.

    Raises:
        Invalid: it has more than `limit` bytes; `advice` says what to do.
    """
    declared = request.headers.get("content-length", "")
    too_long = Invalid(f"more than {limit} bytes, the most there may be here: {advice}")
    if declared.isdigit() and int(declared) > limit:
        raise too_long
    body = bytearray()
    async for portion in request.stream():
        body += portion
        if len(body) > limit:
            raise too_long
    return bytes(body)


ROUTER = Router("/", route_handlers=[send, send_bulk, receipt, original, sources], tags=["intake"])
__all__ = ["ROUTER"]
