"""Charters over HTTP: how a project wants to be told, and the queue before a vendor."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath, JSONBody, QueryParameter

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.api.intake import body_within
from clearinghouse.core.ids import PartyId
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.coordination.capacity import actions as capacity
from clearinghouse.disclosure.coordination.capacity.records import QueueLine, Reply, ReplyKind, State
from clearinghouse.parties.charters import actions
from clearinghouse.parties.charters.records import Adopted, Charter, Problem


class CharterDocument(msgspec.Struct, frozen=True):
    """A charter in force."""

    id: str
    version: int
    party: str
    digest: str
    adopted_at: datetime
    on_behalf: bool
    """A coordinator put it in force for the project."""
    source_url: str
    covers: list[str]
    charter: Charter


class Read(msgspec.Struct, frozen=True):
    """A charter put in force, and what was noticed in reading it."""

    charter: CharterDocument
    problems: tuple[Problem, ...]


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A vendor's answer to what was delivered."""

    kind: ReplyKind
    reason: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    exclusion: Annotated[str, msgspec.Meta(max_length=100)] = ""
    """Of the charter, where it is no vulnerability for the project."""
    until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class Answered(msgspec.Struct, frozen=True):
    """Where the item stands after the answer."""

    state: State


def _document(found: Adopted) -> CharterDocument:
    return CharterDocument(
        found.id, found.version, found.party, found.digest, found.adopted_at, found.on_behalf, found.source_url,
        [f"{key.kind}:{key.value}" for key in found.covers], found.charter,
    )


@get("/charters", opt={SCOPE: Scope.REPORTS_SUBMIT}, sync_to_thread=True, summary="How a project wants to be told")
def find(
    instance: Acting,
    project: Annotated[str, QueryParameter(name="project", min_length=1, max_length=500, description="Package URL, repository, name or id.")],
) -> list[CharterDocument]:
    """Charters bind every sender, so every sender may read them."""
    with instance.read() as tx:
        return [_document(found) for found in actions.find_project(tx, project, envelope=instance.envelope)]


@post("/charters", opt={SCOPE: Scope.CHARTERS_WRITE}, summary="Put a charter in force")
async def adopt(
    request: "Request[Any, Any, Any]", instance: Acting,
    party: Annotated[str, QueryParameter(name="for", min_length=1, max_length=64, description="The vendor whose project it is.")],
    reason: Annotated[str, QueryParameter(name="reason", max_length=4000, description="Needed where a coordinator acts for the project.")] = "",
) -> Read:
    """The body is the charter. It covers only packages and repositories that the vendor has proven or was vouched for."""
    body = await body_within(request, instance.policy.charters.document_bytes_max, "a charter is a short file")

    def put() -> Read:
        with instance.database.write() as tx:
            adopted, read = actions.adopt_charter(
                tx, PartyId(party), body, untrusted_reason=reason, actor=instance.actor.id, envelope=instance.envelope,
                limits=instance.policy.charters, now=instance.clock.now(),
            )
        return Read(_document(adopted), tuple(read.problems))

    return await sync_to_thread(put)


@get("/vendors/{vendor_id:str}/queue", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="What waits before a vendor")
def queue(instance: Acting, vendor_id: FromPath[str]) -> list[QueueLine]:
    """All of it, without content, for the vendor; for a coordinator what it may read, without positions."""
    with instance.read() as tx:
        return list(capacity.read_queue(
            tx, PartyId(vendor_id), viewer=instance.actor.id, envelope=instance.envelope, policy=instance.policy.capacity,
            now=instance.clock.now(),
        ))


@post("/deliveries/{delivery_id:str}/answer", opt={SCOPE: Scope.CASES_READ}, status_code=200, sync_to_thread=True, summary="Answer a delivery")
def answer(instance: Acting, delivery_id: FromPath[str], data: JSONBody[Answer]) -> Answered:
    """Accept, decline with a reason, ask for more, or say that it is no vulnerability here."""
    with instance.database.write() as tx:
        item = capacity.answer_delivery(
            tx, delivery_id, Reply(data.kind, data.reason, data.exclusion, data.until), actor=instance.actor.id, envelope=instance.envelope,
            policy=instance.policy.capacity, now=instance.clock.now(),
        )
    return Answered(item.state)


ROUTER = Router("/", tags=["charters"], route_handlers=[find, adopt, queue, answer])
