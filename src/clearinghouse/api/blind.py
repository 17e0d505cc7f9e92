"""The blind check over HTTP: the epoch and its key, the set of tags, and evaluating a batch."""

from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.app import blind_check
from clearinghouse.core.roles import Scope


class EpochAnswer(msgspec.Struct, frozen=True):
    """The current epoch, and what a batch looks like."""

    epoch: str
    context: str
    """Origin of this log, for the commitments that a batch cites."""
    public_key: str
    """32 bytes in hexadecimal; it stands in the leaf that `proof` proves."""
    proof: str
    batch_elements: int
    batch_findings: int


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Blinded elements, exactly as many as every batch has, and the commitments to the findings asked about."""

    elements: Annotated[list[Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]], msgspec.Meta(max_length=10_000)]
    commitments: Annotated[list[Annotated[str, msgspec.Meta(max_length=64)]], msgspec.Meta(max_length=1_000)]


class Output(msgspec.Struct, frozen=True):
    """Evaluated elements with their proof, in hexadecimal (RFC 9497, 3.3.2)."""

    output: str


@get("/blind/epoch", opt={SCOPE: Scope.REPORTS_SUBMIT}, sync_to_thread=True, summary="The epoch of the blind check")
def epoch(instance: Acting) -> EpochAnswer:
    """One key for everybody who asks: verify it against the ledger before anything is blinded for it."""
    found = blind_check.offer_of(instance)
    return EpochAnswer(found.epoch, found.context, found.public_key.hex(), found.proof, found.batch_elements, found.batch_findings)


@get("/blind/epochs/{epoch_id:str}/tags", opt={SCOPE: Scope.REPORTS_SUBMIT}, sync_to_thread=True, summary="Tags of what is held",
     media_type="application/octet-stream")
def tags(instance: Acting, epoch_id: FromPath[str]) -> Response[bytes]:
    """16 bytes each, sorted, filled up with random ones. Compare at home: a tag sent here would tell what was asked."""
    return Response(blind_check.set_of(instance, epoch_id), media_type="application/octet-stream")


@post("/blind/epochs/{epoch_id:str}/evaluate", opt={SCOPE: Scope.REPORTS_SUBMIT}, status_code=200, sync_to_thread=True, summary="Evaluate a batch")
def evaluate(instance: Acting, epoch_id: FromPath[str], data: JSONBody[Batch]) -> Output:
    """Charged to your organisation's budget, and on the record: who, when and how many; not what."""
    elements = [bytes.fromhex(element) for element in data.elements]
    return Output(blind_check.evaluate(instance, epoch_id, elements, data.commitments).hex())


ROUTER = Router("/", tags=["blind check"], route_handlers=[epoch, tags, evaluate])
