"""The report form of VINCE as a compatible endpoint: existing clients send by changing a base URL.

Same path, same fields, same answers for a client that knows only those (`vrf_id`, `errors` by field); our
receipt stands beside them. The token goes into `Authorization: Token ...`, as that form's clients send it.
"""

import base64
import hashlib
from typing import Any

import msgspec
from litestar import Request, Response, Router, post
from litestar.concurrency import sync_to_thread
from litestar.datastructures import UploadFile
from litestar.di import Provide

from clearinghouse.api.authentication import SCOPE, Acting, caller
from clearinghouse.app.reception import Reception
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.intake.records import Cover, Outcome, Receipt
from clearinghouse.disclosure.intake.sources.vince import FILE

_BODY_BYTES_MAX = 11 << 20
"""What the form itself allows (one file of 10 MiB) and room for its fields; the instance's own limits hold as well."""
_REQUIRED = {
    "product_name", "product_version", "vul_description", "vul_exploit", "vul_impact", "vul_discovery", "vul_public", "vul_exploited",
    "vul_disclose", "share_release", "credit_release", "comm_attempt", "multiplevendors",
}


class Accepted(msgspec.Struct, frozen=True):
    """What a client of the form looks for, and our receipt."""

    status: str
    vrf_id: str
    """The submission's id: `GET /api/v1/submissions/{id}` tells what became of it."""
    report_id: str
    digest: str
    notes: list[str]


class Refused(msgspec.Struct, frozen=True):
    """Which fields are wrong, and how."""

    status: str
    errors: dict[str, list[str]]


@post(
    "/vince/comm/api/vulreport/", opt={SCOPE: Scope.REPORTS_SUBMIT}, status_code=201, summary="Send a report with VINCE's form",
    request_max_body_size=_BODY_BYTES_MAX, tags=["intake"], responses={},
)
async def vulreport(request: "Request[Any, Any, Any]", instance: Acting) -> Response[Accepted | Refused]:
    """Multipart, as VINCE takes it: its text fields and one `user_file`. Sending the same again gives the same receipt."""
    form = await request.form()
    fields: dict[str, Any] = {}
    for name in dict.fromkeys(form.keys()):
        values = form.getall(name)
        if name == FILE and isinstance(values[0], UploadFile):
            data = await values[0].read()
            if data:
                fields[FILE] = {
                    "name": values[0].filename, "sha256": hashlib.sha256(data).hexdigest(), "base64": base64.b64encode(data).decode(),
                }
        elif texts := [value for value in values if isinstance(value, str)]:
            fields[name] = texts[0] if len(texts) == 1 else texts
    errors = {name: ["This field is required."] for name in sorted(_REQUIRED) if not str(fields.get(name, "")).strip()}
    if errors:
        return Response(Refused("error", errors), status_code=400)
    reception: Reception = request.app.state.reception
    document = msgspec.json.encode(fields, order="sorted")
    receipt, _ = await sync_to_thread(
        lambda: reception.take(document, name="vulreport.json", reporter=instance.actor.id, cover=Cover(), source="vince")
    )
    return _answer(receipt)


def _answer(receipt: Receipt) -> Response[Accepted | Refused]:
    taken = [item for item in receipt.items if item.outcome is not Outcome.REFUSED]
    said = [note.message for item in receipt.items for note in item.notes] + [note.message for note in receipt.notes]
    if not taken:
        return Response(Refused("error", {"vul_description": said or ["nothing in this form could be read as a report"]}), status_code=400)
    return Response(
        Accepted("success", receipt.submission_id, str(taken[0].report_id), receipt.digest, said), status_code=201,
    )


ROUTER = Router("/", route_handlers=[vulreport], dependencies={"instance": Provide(caller, sync_to_thread=True)})
