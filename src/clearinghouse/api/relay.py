"""Relay between coordinators: accept a report with its provenance, tell the hop before what became of it, hand it on."""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.concurrency import sync_to_thread
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, Operation, Reference, RequestBody
from litestar.params import FromPath, JSONBody, QueryParameter

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.api.intake import body_within
from clearinghouse.api.problems import Problem
from clearinghouse.app import relaying
from clearinghouse.app.reception import Reception
from clearinghouse.app.views.relay import RelayView, read_relay
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import render_instant
from clearinghouse.core.ids import SubmissionId
from clearinghouse.core.marks import Audience, Purpose, Reach
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.intake.provenance import actions
from clearinghouse.disclosure.intake.provenance.records import Class, EndReason, HardeningRef, Step, Verdict

Text = Annotated[str, msgspec.Meta(max_length=4000)]
Line = Annotated[str, msgspec.Meta(max_length=2000)]


class CreditShape(msgspec.Struct, frozen=True):
    """Somebody to thank on the finder's side; a bot or an AI system has the type `tool`."""

    name: str
    type: str = ""
    kind: str = ""
    contact: str = ""


class HopShape(msgspec.Struct, frozen=True):
    """One coordinator of the chain."""

    by: str
    handling_id: str
    functions: list[str]
    accepted_at: str
    may_end: list[str] = []
    received: str = ""
    """Digest over everything before this hop: docs/reference/relay.md says over which bytes."""


class OriginShape(msgspec.Struct, frozen=True):
    """Where it began, and what it is called there."""

    by: str
    id: str
    references: list[str] = []


class EmbargoShape(msgspec.Struct, frozen=True):
    """Terms it was shared under, in the words of who set them."""

    ends_at: str | None = None
    policy: str = ""
    terms: str = ""


class ClaimShape(msgspec.Struct, frozen=True):
    """What a hop before says about duplicates: a hint."""

    by: str
    says: str
    of: list[str] = []
    at: str = ""


class ProvenanceShape(msgspec.Struct, frozen=True):
    """The block that travels with a report; members not named here are kept and passed on as they are."""

    credits: list[CreditShape]
    chain: list[HopShape]
    origin: OriginShape
    embargo: EmbargoShape | None = None
    deduplication: list[ClaimShape] = []


class ReportShape(msgspec.Struct, frozen=True):
    """One report: `finding`, an object of our own format, or `document`, a file of any format of `GET /sources` in base64."""

    finding: dict[str, Any] | None = None
    document: str | None = None
    name: str = ""
    source: str = ""


class HardeningShape(msgspec.Struct, frozen=True):
    """The one hop that sees to a hardening, and the public issue it ends in."""

    by: str
    handling_id: str
    public_issue: str = ""


class RelayEnvelope(msgspec.Struct, frozen=True):
    """What one hop hands to the next."""

    format: str
    """`clearinghouse-relay-1`."""
    report: ReportShape
    provenance: ProvenanceShape
    hardening: HardeningShape | None = None


class RelayReceipt(msgspec.Struct, frozen=True, rename={"as_class": "class"}):
    """The answer to a report that was handed over; the same bytes again give the same one."""

    handling_id: str
    """For `GET /relay/{handling_id}`; it resolves for those who may read it here and for nobody else."""
    reporter_safe_id: str
    """The name of this handling for everybody else, the finder first: it stands in the chain and is linked to nothing."""
    as_class: Class
    """`new`: you had not handed it over before, which says nothing of others; `known-to-you`; `mirror`, once you may know."""
    received_at: str
    submission_id: SubmissionId
    report_id: str
    envelope: str
    """`sha256:HEX` of the envelope as received."""


class VerdictShape(msgspec.Struct, frozen=True):
    """What the owner of the code said; this hop passes it on."""

    verdict: str
    owner: str
    at: str
    reference: str
    text: str


class EndShape(msgspec.Struct, frozen=True):
    """Why and when the handling ended here."""

    reason: str
    at: str
    text: str


class DeskShape(msgspec.Struct, frozen=True):
    """For those who handle it here: our own answer beside what came with it."""

    answer: str
    mirror_of: str
    basis: str
    disputed: bool
    provenance: str
    """The block as it came, character for character."""


class RelayStatus(msgspec.Struct, frozen=True, rename={"as_class": "class"}):
    """What became of a relayed report."""

    handling_id: str
    reporter_safe_id: str
    report_id: str
    as_class: Class
    state: str
    """`received`, `assessed` or `ended`."""
    received_at: str
    assessed_at: str | None
    verdict: VerdictShape | None
    ended: EndShape | None
    hardening: HardeningShape | None
    known_since: str | None
    desk: DeskShape | None = None


class PassedVerdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The owner's verdict and where it gave it; a vendor giving its own names nobody."""

    verdict: Verdict
    owner: Annotated[str, msgspec.Meta(max_length=200)] = ""
    reference: Line = ""
    text: Text = ""


class Assessment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That somebody looked, and what may be said of it to the hop before."""

    text: Text = ""


class Ending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the handling ends here."""

    reason: EndReason
    text: Text = ""


class Responsible(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The responsible hop, this one where none is named; and the public issue once there is one."""

    by: Annotated[str, msgspec.Meta(max_length=200)] = ""
    handling_id: Annotated[str, msgspec.Meta(max_length=200)] = ""
    public_issue: Line = ""


@dataclass
class _TakesEnvelope(Operation):
    """The body is read as the bytes it is, so its form is told by hand."""

    def __post_init__(self) -> None:
        form = Reference("#/components/schemas/RelayEnvelope")
        self.request_body = RequestBody({"application/json": OpenAPIMediaType(schema=form)}, required=True)


@post(
    "/relay", operation_class=_TakesEnvelope, opt={SCOPE: Scope.REPORTS_SUBMIT}, status_code=201, summary="Hand over a report with its provenance",
    responses={
        409: ResponseSpec(Problem, description="The block tells its past differently from what is known"),
        413: ResponseSpec(Problem, description="Larger than an envelope may be"),
    },
)
async def hand_over(request: "Request[Any, Any, State]", instance: Acting) -> RelayReceipt:
    """The body is a `RelayEnvelope` in JSON: one report and the block of provenance, which is kept byte for byte.

    Accepting it gives a handling identifier. What deconfliction says is not told here: ask for the status later.
    """
    body = await body_within(request, instance.policy.relay.envelope_bytes_max, "send the report by itself, and a smaller block")
    return await sync_to_thread(_hand_over, request.app.state.reception, instance, body)


def _hand_over(reception: Reception, instance: Instance, body: bytes) -> RelayReceipt:
    view, submission_id, digest = relaying.accept(instance, reception, body)
    return RelayReceipt(
        view.id, view.safe_id, view.as_class, render_instant(view.received_at), submission_id, view.report_id, digest
    )


@get("/relay/{handling_id:str}", opt={SCOPE: Scope.REPORTS_READ}, sync_to_thread=True, summary="What became of a relayed report")
def status(instance: Acting, handling_id: FromPath[str]) -> RelayStatus:
    """For the hop that handed it over: received, assessed, the owner's verdict, ended and why.

    Whether others sent the same is told once a person has looked, and not before.
    """
    return _status(read_relay(instance, handling_id))


@post(
    "/relay/{handling_id:str}/verdict", opt={SCOPE: Scope.CASES_ACT}, status_code=200, sync_to_thread=True,
    summary="Pass back the owner's verdict",
)
def verdict(instance: Acting, handling_id: FromPath[str], data: JSONBody[PassedVerdict]) -> RelayStatus:
    """The verdict belongs to whoever owns the code: a vendor gives its own, a coordinator passes one on with where it was given."""
    with instance.database.write() as tx:
        actions.pass_verdict(
            tx, handling_id, data.verdict, untrusted_owner=data.owner, untrusted_reference=data.reference, untrusted_text=data.text,
            actor=instance.actor.id, here=relaying.here_of(instance), now=instance.clock.now(),
        )
    return _status(read_relay(instance, handling_id))


@post(
    "/relay/{handling_id:str}/assessment", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True,
    summary="Say that a relayed report was looked at",
)
def assessment(instance: Acting, handling_id: FromPath[str], data: JSONBody[Assessment]) -> RelayStatus:
    """This hop's opinion, where assessing is what it does; never the verdict."""
    with instance.database.write() as tx:
        actions.assess(
            tx, handling_id, data.text, actor=instance.actor.id, here=relaying.here_of(instance), now=instance.clock.now()
        )
    return _status(read_relay(instance, handling_id))


@post(
    "/relay/{handling_id:str}/hardening", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True,
    summary="Say which hop sees to a hardening",
)
def hardening(instance: Acting, handling_id: FromPath[str], data: JSONBody[Responsible]) -> RelayStatus:
    """Exactly one hop is responsible; it ends with the address of a public issue."""
    with instance.database.write() as tx:
        actions.name_responsible(
            tx, handling_id, untrusted_by=data.by, untrusted_handling_id=data.handling_id, untrusted_issue=data.public_issue,
            actor=instance.actor.id, here=relaying.here_of(instance), now=instance.clock.now(),
        )
    return _status(read_relay(instance, handling_id))


@post(
    "/relay/{handling_id:str}/end", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True,
    summary="End the handling of a relayed report here",
)
def end(instance: Acting, handling_id: FromPath[str], data: JSONBody[Ending]) -> RelayStatus:
    """For a reason that our own hop in the chain names; anything else is for the owner or another hop."""
    with instance.database.write() as tx:
        actions.end(
            tx, handling_id, data.reason, data.text, actor=instance.actor.id, here=relaying.here_of(instance), now=instance.clock.now()
        )
    return _status(read_relay(instance, handling_id))


@get("/reports/{report_id:str}/relay", opt={SCOPE: Scope.CASES_DECIDE}, sync_to_thread=True, summary="The envelope for the next hop")
def outgoing(
    instance: Acting, report_id: FromPath[str],
    reach: Annotated[Reach, QueryParameter(description="How the next hop stands to those the report was shared with.")] = Reach.COMMUNITY,
    purpose: Annotated[Purpose, QueryParameter(description="What it is handed on for.")] = Purpose.COORDINATION,
) -> Response[RelayEnvelope]:
    """What came, byte for byte, with our own hop appended; refused where the marks of the report or its case forbid it.

    That it was handed on is on the record before the first byte leaves. It is given to whoever asks, not sent.
    """
    rendered: Any = relaying.hand_on(instance, report_id, Audience(reach, purpose))
    return Response(rendered, media_type="application/json")


def _status(view: RelayView) -> RelayStatus:
    desk = view.desk
    return RelayStatus(
        view.id, view.safe_id, view.report_id, view.as_class, view.state, render_instant(view.received_at),
        None if view.assessed_at is None else render_instant(view.assessed_at), _verdict(view.verdict), _ended(view.ended),
        _hardening(view.hardening), None if view.known_since is None else render_instant(view.known_since),
        None if desk is None else DeskShape(desk.answer, desk.mirror_of, desk.basis, desk.disputed, desk.block.decode()),
    )


def _verdict(step: Step | None) -> VerdictShape | None:
    return None if step is None else VerdictShape(step.word, step.owner, render_instant(step.at), step.reference, step.text)


def _ended(step: Step | None) -> EndShape | None:
    return None if step is None else EndShape(step.word, render_instant(step.at), step.text)


def _hardening(kept: HardeningRef | None) -> HardeningShape | None:
    return None if kept is None else HardeningShape(kept.by, kept.handling_id, kept.public_issue)


ROUTER = Router(
    "/", tags=["relay"], route_handlers=[hand_over, status, verdict, assessment, hardening, end, outgoing],
)
__all__ = ["ROUTER"]
