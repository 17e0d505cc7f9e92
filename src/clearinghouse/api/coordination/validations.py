"""Validations of a case: materials for the bench, asking, watching, cancelling, and the signed evidence."""

from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath, JSONBody, QueryParameter

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.api.coordination.shapes import Done
from clearinghouse.api.intake import body_within
from clearinghouse.app import source_fetch, validating
from clearinghouse.app.views import validations
from clearinghouse.app.views.validations import ValidationLine, ValidationPage
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.validation.dockets.records import Material, MaterialKind

_BINARY = "application/octet-stream"


class ValidationAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which report of the case, by which recipe among its materials."""

    report: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    recipe: Annotated[str, msgspec.Meta(min_length=1, max_length=80, description="Id or digest of a material of kind recipe.")]


class ValidationMade(msgspec.Struct, frozen=True):
    """A validation that waits for the bench."""

    id: str
    units: int
    """Pieces of work."""


class SourceAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a source is to be fetched from by this instance."""

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    digest: Annotated[str, msgspec.Meta(max_length=80, description="sha256:HEX that it must have.")] = ""


@get("/cases/{case_id:str}/validations", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="Validations of a case")
def listed(instance: Acting, case_id: FromPath[str]) -> list[ValidationLine]:
    """Newest first, each with its verdict, tier and level, or how far it is. Who is here for its own report sees those about it."""
    return list(validations.read_bench(instance, case_id).lines)


@post("/cases/{case_id:str}/validations", opt={SCOPE: Scope.CASES_ACT}, status_code=201, sync_to_thread=True, summary="Ask for a validation")
def ask(instance: Acting, case_id: FromPath[str], data: JSONBody[ValidationAsked]) -> ValidationMade:
    """Never for the finder of the report nor its organisation. One of the same report and recipe at a time."""
    made = validating.ask(instance, case_id, data.report, data.recipe)
    return ValidationMade(made.id, made.total)


@get("/cases/{case_id:str}/validations/{validation_id:str}", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="One validation")
def one(instance: Acting, case_id: FromPath[str], validation_id: FromPath[str]) -> ValidationPage:
    """The verdict with every control, cell and limit it rests on. What tools wrote is given at tier 3."""
    return validations.read_validation(instance, case_id, validation_id)


@post("/cases/{case_id:str}/validations/{validation_id:str}/cancel", opt={SCOPE: Scope.CASES_ACT}, status_code=200, sync_to_thread=True, summary="Cancel a validation")
def cancel(instance: Acting, case_id: FromPath[str], validation_id: FromPath[str]) -> Done:
    """By who asked or a coordinator of the case; what runs is stopped."""
    return Done(validating.cancel(instance, case_id, validation_id).state)


@post("/cases/{case_id:str}/validations/{validation_id:str}/resume", opt={SCOPE: Scope.CASES_ACT}, status_code=200, sync_to_thread=True, summary="Resume a validation")
def resume(instance: Acting, case_id: FromPath[str], validation_id: FromPath[str]) -> Done:
    """One that was cancelled or failed; it goes on from what was seen."""
    return Done(validating.resume(instance, case_id, validation_id).state)


@get("/cases/{case_id:str}/validations/{validation_id:str}/evidence", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="Signed evidence",
     media_type="application/json")
def evidence(instance: Acting, case_id: FromPath[str], validation_id: FromPath[str]) -> Response[bytes]:
    """A DSSE envelope of an in-toto statement, byte for byte as it was signed; its digest is on the ledger."""
    found = validating.read_evidence(instance, case_id, validation_id)
    return Response(found.body, media_type="application/json", headers={"Content-Disposition": f'attachment; filename="{found.name}"'})


@get("/cases/{case_id:str}/validations/{validation_id:str}/logs/{log_digest:str}", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="A raw log",
     media_type=_BINARY)
def log(instance: Acting, case_id: FromPath[str], validation_id: FromPath[str], log_digest: FromPath[str]) -> Response[bytes]:
    """What the code under test wrote: hostile, and sent as something no browser runs. Needs tier 3; that it was read is on the record."""
    body = validating.read_log(instance, case_id, validation_id, log_digest)
    return Response(body, media_type=_BINARY, headers={"Content-Disposition": 'attachment; filename="log.txt"'})


@get("/cases/{case_id:str}/materials", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="Materials of the bench")
def materials(instance: Acting, case_id: FromPath[str]) -> list[Material]:
    """Recipes, reproducers, sources, patches: as lines, with who supplied each by what we know."""
    return list(validations.read_bench(instance, case_id).materials)


@post("/cases/{case_id:str}/materials", opt={SCOPE: Scope.CASES_ACT}, status_code=201, summary="Add a material")
async def add_material(
    request: "Request[Any, Any, Any]", instance: Acting, case_id: FromPath[str],
    name: Annotated[str, QueryParameter(name="name", min_length=1, max_length=300)],
    kind: Annotated[MaterialKind, QueryParameter(name="kind")],
    by_model: Annotated[bool, QueryParameter(name="by_model")] = False,
) -> Material:
    """The body is the file, sealed under the case's key; the same bytes are kept once. Needs tier 3."""
    data = await body_within(request, instance.policy.bench.material_bytes_max, "an archive of what is needed alone is smaller")
    return await sync_to_thread(lambda: validating.add_material(instance, case_id, kind, name, data, by_model=by_model))


@post("/cases/{case_id:str}/materials/fetch", opt={SCOPE: Scope.CASES_ACT}, status_code=201, sync_to_thread=True, summary="Fetch a source")
def fetch(instance: Acting, case_id: FromPath[str], data: JSONBody[SourceAddress]) -> Material:
    """From a host that the instance's settings name; only what was fetched so counts as the project's own."""
    return source_fetch.fetch_source(instance, case_id, data.url, data.digest)


@get("/cases/{case_id:str}/materials/{material_id:str}", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="The bytes of a material",
     media_type=_BINARY)
def read_material(instance: Acting, case_id: FromPath[str], material_id: FromPath[str]) -> Response[bytes]:
    """Needs tier 3; that it was read is on the record before the first byte leaves."""
    found, body = validating.read_material(instance, case_id, material_id)
    return Response(body, media_type=_BINARY, headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"})


ROUTER = Router(
    "/", tags=["validation"],
    route_handlers=[listed, ask, one, cancel, resume, evidence, log, materials, add_material, fetch, read_material],
)
