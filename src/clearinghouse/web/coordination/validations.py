"""Validations of a case: the page of one, its logs and evidence, and the forms that ask, cancel and add materials."""

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

from litestar import Response, Router, get, post
from litestar.params import FromPath, QueryParameter

from clearinghouse.app import validating
from clearinghouse.app.views.validations import read_validation
from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.validation.dockets.rules import parse_kind
from clearinghouse.web.rendering import Flash
from clearinghouse.web.visitor import Form, Visiting, Visitor

_FILE_BYTES_MAX = 104 << 20
_BINARY = "application/octet-stream"


@get("/cases/{case_id:str}/validations/{validation_id:str}", sync_to_thread=True, include_in_schema=False)
def validation(visitor: Visiting, case_id: FromPath[str], validation_id: FromPath[str]) -> Response[Any]:
    """One validation: the verdict first, then everything it rests on."""
    return visitor.render("validation.html", found=read_validation(visitor.acting(Scope.CASES_READ), case_id, validation_id))


@get("/cases/{case_id:str}/validations/{validation_id:str}/evidence", sync_to_thread=True, include_in_schema=False)
def evidence(visitor: Visiting, case_id: FromPath[str], validation_id: FromPath[str]) -> Response[bytes]:
    """The signed evidence, byte for byte."""
    found = validating.read_evidence(visitor.acting(Scope.CASES_READ), case_id, validation_id)
    return Response(found.body, media_type=_BINARY, headers={"Content-Disposition": f'attachment; filename="{found.name}"'})


@get("/cases/{case_id:str}/validations/{validation_id:str}/logs/{log_digest:str}", sync_to_thread=True, include_in_schema=False)
def log(
    visitor: Visiting, case_id: FromPath[str], validation_id: FromPath[str], log_digest: FromPath[str],
    whole: Annotated[str, QueryParameter(name="all", max_length=3)] = "",
) -> Response[Any]:
    """A raw log, cut to what a person reads; or all of it as something no browser runs. Each reading is on the record."""
    instance = visitor.acting(Scope.CASES_READ)
    body = validating.read_log(instance, case_id, validation_id, log_digest)
    if whole:
        return Response(body, media_type=_BINARY, headers={"Content-Disposition": 'attachment; filename="log.txt"'})
    most = instance.policy.bench_queue.log_shown_bytes_max
    return visitor.render(
        "validation_log.html", case_id=case_id, validation_id=validation_id, digest=log_digest, log=body[:most].decode("utf-8", "replace"),
        cut=len(body) > most, size_bytes=len(body),
    )


@get("/cases/{case_id:str}/materials/{material_id:str}", sync_to_thread=True, include_in_schema=False)
def material(visitor: Visiting, case_id: FromPath[str], material_id: FromPath[str]) -> Response[bytes]:
    """A material; that it was read is on the record before its first byte leaves."""
    found, body = validating.read_material(visitor.acting(Scope.CASES_READ), case_id, material_id)
    return Response(body, media_type=_BINARY, headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"})


@post("/cases/{case_id:str}/validations", sync_to_thread=True, include_in_schema=False)
def ask(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """Put a validation in the queue."""
    instance = visitor.acting(Scope.CASES_ACT)
    return _do(visitor, f"/cases/{case_id}?part=validation", "It waits for the bench; its progress shows here.",
               lambda: validating.ask(instance, case_id, form.text("report"), form.text("recipe")))


@post("/cases/{case_id:str}/validations/{validation_id:str}/cancel", sync_to_thread=True, include_in_schema=False)
def cancel(visitor: Visiting, case_id: FromPath[str], validation_id: FromPath[str], form: Form) -> Response[Any]:
    """Stop it."""
    instance = visitor.acting(Scope.CASES_ACT)
    return _do(visitor, f"/cases/{case_id}/validations/{validation_id}", "Cancelled; what was seen is kept for the next one.",
               lambda: validating.cancel(instance, case_id, validation_id))


@post("/cases/{case_id:str}/validations/{validation_id:str}/resume", sync_to_thread=True, include_in_schema=False)
def resume(visitor: Visiting, case_id: FromPath[str], validation_id: FromPath[str], form: Form) -> Response[Any]:
    """Let it go on."""
    instance = visitor.acting(Scope.CASES_ACT)
    return _do(visitor, f"/cases/{case_id}/validations/{validation_id}", "It waits for the bench again.",
               lambda: validating.resume(instance, case_id, validation_id))


@post("/cases/{case_id:str}/materials", sync_to_thread=True, include_in_schema=False, request_max_body_size=_FILE_BYTES_MAX)
def add(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """Keep a material for the bench, sealed under the case's key."""
    instance = visitor.acting(Scope.CASES_ACT)

    def keep() -> object:
        name, data = form.files.get("file", ("", b""))
        if not data:
            raise Invalid("choose a file that is not empty")
        return validating.add_material(instance, case_id, parse_kind(form.text("kind")), name, data, by_model=form.text("by_model") == "yes")

    return _do(visitor, f"/cases/{case_id}?part=validation", "Added and sealed.", keep)


def _do(visitor: Visitor, back: str, words: str, deed: Callable[[], object]) -> Response[Any]:
    try:
        deed()
    except (Invalid, Conflict, NotPermitted) as error:
        return visitor.go(back, Flash("problem", str(error)))
    return visitor.go(back, Flash("done", words))


ROUTER = Router("/", route_handlers=[validation, evidence, log, material, ask, cancel, resume, add])
