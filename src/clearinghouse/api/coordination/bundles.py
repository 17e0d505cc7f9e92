"""A whole case to another instance and from one."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.concurrency import sync_to_thread
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.api.intake import body_within
from clearinghouse.api.problems import Problem
from clearinghouse.app.bundles import export_bundle, import_bundle
from clearinghouse.core.ids import CaseId
from clearinghouse.core.marks import Audience, Purpose, Reach
from clearinghouse.core.roles import Scope

MEDIA_TYPE = "application/x-ndjson"


class Imported(msgspec.Struct, frozen=True):
    """The case that holds what the bundle held."""

    id: CaseId


@get("/cases/{case_id:str}/bundle", opt={SCOPE: Scope.CASES_DECIDE}, sync_to_thread=True, summary="Export a whole case", media_type=MEDIA_TYPE)
def export(
    instance: Acting, case_id: FromPath[str],
    reach: Annotated[Reach, QueryParameter(description="How the receiver stands to those the case was shared with.")] = Reach.COMMUNITY,
    purpose: Annotated[Purpose, QueryParameter(description="What it is exported for.")] = Purpose.COORDINATION,
) -> Response[bytes]:
    """One canonical JSON document a line, and last a manifest of their SHA-256. The same case gives the same bytes.

    Refused where the marks of the case, or of anything in it, do not reach the receiver. The export is on the record before
    its first byte leaves.
    """
    rendered = export_bundle(instance, case_id, Audience(reach, purpose))
    return Response(rendered, media_type=MEDIA_TYPE, headers={"Content-Disposition": 'attachment; filename="case.ndjson"'})


@post(
    "/cases/bundle", opt={SCOPE: Scope.CASES_DECIDE}, summary="Import a whole case",
    responses={413: ResponseSpec(Problem, description="Larger than a bundle may be")},
)
async def take(request: "Request[Any, Any, Any]", instance: Acting) -> Imported:
    """The body is a bundle. Every hash is checked before anything is kept; the same bundle again gives the same case.

    The caller leads the case. Its parties become placeholders that nobody can act as: invite the people themselves.
    """
    body = await body_within(request, instance.policy.rooms.bundle_bytes_max, "export a smaller case")
    return Imported(await sync_to_thread(import_bundle, instance, body))


ROUTER = Router("/", tags=["cases"], route_handlers=[export, take])
