"""What participants say: the official thread, private side threads, and files of a case."""

from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response, Router, delete, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath, JSONBody, QueryParameter

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.api.coordination.shapes import Done, MarksShape, marks_of
from clearinghouse.api.intake import body_within
from clearinghouse.app.views import case_room
from clearinghouse.core.ids import MessageId, ThreadId
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import Document, DocumentKind, Message, Via


class NewThread(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A private side thread."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    members: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=500)]


class NewMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be said."""

    body: Annotated[str, msgspec.Meta(min_length=1, max_length=200_000)]
    marks: MarksShape | None = None
    in_reply_to: str | None = None


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A participant of the case."""

    party: str


class ThreadOpened(msgspec.Struct, frozen=True):
    """The thread that was opened."""

    id: ThreadId


class MessagePosted(msgspec.Struct, frozen=True):
    """The message that was posted."""

    id: MessageId


class ReadMark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last message one has read."""

    message: str


@post("/cases/{case_id:str}/threads", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="Open a private side thread")
def open_thread(instance: Acting, case_id: FromPath[str], data: JSONBody[NewThread]) -> ThreadOpened:
    """Of named participants; nobody else learns that it exists."""
    with instance.database.write() as tx:
        return ThreadOpened(actions.open_thread(
            tx, case_id, data.title, data.members, actor=instance.actor.id, envelope=instance.envelope, limits=instance.policy.rooms,
            now=instance.clock.now(),
        ))


@get("/cases/{case_id:str}/threads/{thread_id:str}/messages", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="Messages of a thread")
def messages(
    instance: Acting, case_id: FromPath[str], thread_id: FromPath[str],
    before: Annotated[str, QueryParameter(name="before", max_length=64, description="Oldest message of the page before.")] = "",
    size: Annotated[int, QueryParameter(name="size", ge=1, le=200)] = 50,
) -> list[Message]:
    """The newest messages, oldest first; `before` pages back."""
    return case_room.list_messages(instance, case_id, thread_id, before=before or None, limit=size)


@post("/cases/{case_id:str}/threads/{thread_id:str}/messages", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="Say something")
def post_message(instance: Acting, case_id: FromPath[str], thread_id: FromPath[str], data: JSONBody[NewMessage]) -> MessagePosted:
    """Markdown, kept exactly as it came and never shown unescaped. `official` names the thread of all participants."""
    with instance.database.write() as tx:
        return MessagePosted(actions.post_message(
            tx, case_id, None if thread_id == "official" else thread_id, data.body, marks=marks_of(data.marks), in_reply_to=data.in_reply_to,
            via=Via.API, actor=instance.actor.id, envelope=instance.envelope, limits=instance.policy.rooms, now=instance.clock.now(),
        ))


@post("/cases/{case_id:str}/threads/{thread_id:str}/read", opt={SCOPE: Scope.CASES_READ}, status_code=200, sync_to_thread=True, summary="Mark as read")
def mark_read(instance: Acting, case_id: FromPath[str], thread_id: FromPath[str], data: JSONBody[ReadMark]) -> Done:
    """Up to a message; having read further before changes nothing."""
    with instance.database.write() as tx:
        actions.mark_read(
            tx, case_id, thread_id, data.message, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now()
        )
    return Done()


@post("/cases/{case_id:str}/threads/{thread_id:str}/members", opt={SCOPE: Scope.CASES_READ}, status_code=200, sync_to_thread=True, summary="Bring somebody into a side thread")
def add_member(instance: Acting, case_id: FromPath[str], thread_id: FromPath[str], data: JSONBody[Member]) -> Done:
    """It reads all of it."""
    with instance.database.write() as tx:
        actions.add_member(
            tx, case_id, thread_id, data.party, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now()
        )
    return Done()


@post("/cases/{case_id:str}/threads/{thread_id:str}/members/remove", opt={SCOPE: Scope.CASES_READ}, status_code=200, sync_to_thread=True, summary="Take somebody out of a side thread")
def remove_member(instance: Acting, case_id: FromPath[str], thread_id: FromPath[str], data: JSONBody[Member]) -> Done:
    """Oneself or, having opened it, somebody else."""
    with instance.database.write() as tx:
        actions.remove_member(
            tx, case_id, thread_id, data.party, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now()
        )
    return Done()


@post("/cases/{case_id:str}/documents", opt={SCOPE: Scope.CASES_READ}, summary="Add a file")
async def add_document(
    request: "Request[Any, Any, Any]", instance: Acting, case_id: FromPath[str],
    name: Annotated[str, QueryParameter(name="name", min_length=1, max_length=300)],
    kind: Annotated[DocumentKind, QueryParameter(name="kind")] = DocumentKind.OTHER,
    thread: Annotated[str, QueryParameter(name="thread", max_length=64, description="A private thread it belongs to.")] = "",
) -> Document:
    """The body is the file. It is sealed under the case's key; reading a reproducer needs tier 3."""
    data = await body_within(request, instance.policy.rooms.document_bytes_max, "split it, or link to where it lies")
    media_type = request.headers.get("content-type", "")[:100]

    def add() -> Document:
        with instance.database.write() as tx:
            return actions.add_document(
                tx, case_id, kind, name, data, media_type=media_type, thread_id=thread or None, actor=instance.actor.id,
                envelope=instance.envelope, limits=instance.policy.rooms, now=instance.clock.now(),
            )

    return await sync_to_thread(add)


@get("/cases/{case_id:str}/documents/{document_id:str}", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="The bytes of a file",
     media_type="application/octet-stream")
def read_document(instance: Acting, case_id: FromPath[str], document_id: FromPath[str]) -> Response[bytes]:
    """That it was read is on the record before the first byte leaves. It is sent as something no browser runs."""
    found, data = actions.read_document(
        instance.database, case_id, document_id, envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now()
    )
    return Response(
        data, media_type="application/octet-stream", headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"}
    )


@delete("/cases/{case_id:str}/documents/{document_id:str}", opt={SCOPE: Scope.CASES_READ}, status_code=200, sync_to_thread=True, summary="Withdraw a file")
def withdraw_document(instance: Acting, case_id: FromPath[str], document_id: FromPath[str]) -> Done:
    """Out of sight for everybody; that it was there stays on the record."""
    with instance.database.write() as tx:
        actions.withdraw_document(
            tx, case_id, document_id, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now()
        )
    return Done()


ROUTER = Router(
    "/", tags=["threads"],
    route_handlers=[open_thread, messages, post_message, mark_read, add_member, remove_member, add_document, read_document, withdraw_document],
)
