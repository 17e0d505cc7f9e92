"""Everything that can be done in a case, each a form: it goes back to the room, saying what became of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from litestar import Response, Router, get, post
from litestar.params import FromPath

from clearinghouse.app.wiring import Instance, policy_of
from clearinghouse.core.clock import parse_instant
from clearinghouse.core.errors import ClearinghouseError, Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import has_shape
from clearinghouse.core.marks import Marks
from clearinghouse.core.roles import Scope
from clearinghouse.core.terms import Milestone
from clearinghouse.core.tlp import Tlp
from clearinghouse.disclosure.coordination.embargo import actions as embargo
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import CaseRole, DecisionKind, DocumentKind, VendorStatus
from clearinghouse.parties import store as party_store
from clearinghouse.parties.records import PartyKind
from clearinghouse.storage import Transaction
from clearinghouse.web.coordination.room import show
from clearinghouse.web.rendering import Flash
from clearinghouse.web.visitor import Form, Sent, Visiting, Visitor

_FILE_BYTES_MAX = 64 << 20
_REFUSALS = (Invalid, Conflict, NotPermitted)
Deed = Callable[[Instance, Transaction, datetime], object]


def _do(
    visitor: Visitor, case_id: str, form: Sent, part: str, words: str, deed: Deed, *, scope: Scope = Scope.CASES_READ, keep: bool = False
) -> Response[Any]:
    """Do it in one transaction and go back to the room.

    Args:
        keep: text that took long to type: where it is refused the form comes back with it.
    """
    instance = visitor.acting(scope)
    now = instance.clock.now()
    back = f"/cases/{case_id}?part={part}" + (f"&thread={quote(form.text('thread'))}" if form.text("thread") else "")
    try:
        with instance.database.write() as tx:
            deed(instance, tx, now)
    except NotFound:
        raise
    except _REFUSALS as error:
        if keep:
            return show(visitor, case_id, part=part, thread=form.text("thread"), form=form.back(), problem=str(error), http_status=_status(error))
        return visitor.go(back, Flash("problem", str(error)))
    return visitor.go(back, Flash("done", words))


def _status(error: ClearinghouseError) -> int:
    return 409 if isinstance(error, Conflict) else 403 if isinstance(error, NotPermitted) else 422


@post("/cases", sync_to_thread=True, include_in_schema=False)
def open_case(visitor: Visiting, form: Form) -> Response[Any]:
    """A room from reports."""
    instance = visitor.acting(Scope.CASES_DECIDE)
    reports = tuple(dict.fromkeys(form.texts("reports")))
    try:
        with instance.database.write() as tx:
            case_id = actions.open_case(
                tx, reports, form.text("title"), reason=form.text("reason"), policy_version=instance.policy.version,
                actor=instance.actor.id, envelope=instance.envelope, limits=instance.policy.rooms, now=instance.clock.now(),
            )
    except _REFUSALS as error:
        return visitor.go(f"/reports/{reports[0]}" if reports else "/inbox", Flash("problem", str(error)))
    return visitor.go(f"/cases/{case_id}", Flash("done", "The case is open. Its reporters take part; invite who can fix it."))


@post("/cases/{case_id:str}/accept", sync_to_thread=True, include_in_schema=False)
def accept(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """Take part."""
    return _do(visitor, case_id, form, "summary", "You take part now.", lambda instance, tx, now: actions.accept_invitation(
        tx, case_id, actor=instance.actor.id, now=now
    ))


@post("/cases/{case_id:str}/refuse", sync_to_thread=True, include_in_schema=False)
def refuse(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """Say no to an invitation."""
    instance = visitor.acting(Scope.CASES_READ)
    with instance.database.write() as tx:
        actions.decline_invitation(
            tx, case_id, form.text("reason"), actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now()
        )
    return visitor.go("/cases", Flash("done", "You declined; the coordinators are told why."))


@post("/cases/{case_id:str}/messages", sync_to_thread=True, include_in_schema=False)
def message(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """Say something in a thread."""
    return _do(visitor, case_id, form, "threads", "Sent.", lambda instance, tx, now: actions.post_message(
        tx, case_id, form.text("thread") or None, form.text("body"), actor=instance.actor.id, envelope=instance.envelope,
        limits=instance.policy.rooms, now=now,
    ), keep=True)


@post("/cases/{case_id:str}/read", sync_to_thread=True, include_in_schema=False)
def read(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """Say that one has read a thread as far as it was shown; what came before is news no longer."""
    return _do(visitor, case_id, form, "threads", "Marked as read.", lambda instance, tx, now: actions.mark_read(
        tx, case_id, form.text("thread"), form.text("message"), actor=instance.actor.id, envelope=instance.envelope, now=now
    ))


@post("/cases/{case_id:str}/threads", sync_to_thread=True, include_in_schema=False)
def thread(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """A private thread with its first message."""

    def begin(instance: Instance, tx: Transaction, now: datetime) -> None:
        made = actions.open_thread(
            tx, case_id, form.text("title"), form.texts("members"), actor=instance.actor.id, envelope=instance.envelope,
            limits=instance.policy.rooms, now=now,
        )
        actions.post_message(
            tx, case_id, made, form.text("first"), actor=instance.actor.id, envelope=instance.envelope, limits=instance.policy.rooms, now=now
        )

    return _do(visitor, case_id, form, "threads", "The thread is there; only its members know of it.", begin, keep=True)


@post("/cases/{case_id:str}/participants", sync_to_thread=True, include_in_schema=False)
def invite(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """Invite a party by its id or its name."""

    def ask(instance: Instance, tx: Transaction, now: datetime) -> None:
        if form.text("role") not in set(CaseRole):
            raise Invalid(f"roles are {', '.join(CaseRole)}")
        actions.invite(
            tx, case_id, _party(tx, form.text("party")), CaseRole(form.text("role")), form.text("reason"), actor=instance.actor.id,
            envelope=instance.envelope, limits=instance.policy.rooms, now=now,
        )

    return _do(visitor, case_id, form, "people", "Invited; nothing but the invitation can be read until somebody accepts.", ask, scope=Scope.CASES_DECIDE)


@post("/cases/{case_id:str}/flaws", sync_to_thread=True, include_in_schema=False)
def flaw(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """Add a vulnerability."""
    names = tuple(word for word in form.text("identifiers").replace(",", " ").split() if word)
    return _do(visitor, case_id, form, "summary", "Added.", lambda instance, tx, now: actions.add_vulnerability(
        tx, case_id, form.text("title"), identifiers=names, actor=instance.actor.id, envelope=instance.envelope,
        limits=instance.policy.rooms, now=now,
    ), scope=Scope.CASES_DECIDE)


@post("/cases/{case_id:str}/status", sync_to_thread=True, include_in_schema=False)
def status(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """How a vendor stands to a flaw."""

    def say(instance: Instance, tx: Transaction, now: datetime) -> None:
        if form.text("status") not in set(VendorStatus):
            raise Invalid(f"statuses are {', '.join(VendorStatus)}")
        actions.state_status(
            tx, case_id, form.text("vulnerability"), VendorStatus(form.text("status")), form.text("statement"),
            actor=instance.actor.id, envelope=instance.envelope, now=now,
        )

    return _do(visitor, case_id, form, "summary", "Said; every participant sees it.", say, keep=True)


@post("/cases/{case_id:str}/documents", sync_to_thread=True, include_in_schema=False, request_max_body_size=_FILE_BYTES_MAX)
def document(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """Add a file, sealed under the case's key."""

    def add(instance: Instance, tx: Transaction, now: datetime) -> None:
        name, data = form.files.get("file", ("", b""))
        if not data:
            raise Invalid("choose a file that is not empty")
        if form.text("kind") not in set(DocumentKind) or form.text("tlp") not in set(Tlp):
            raise Invalid("choose what kind of file it is, and a TLP label")
        actions.add_document(
            tx, case_id, DocumentKind(form.text("kind")), name, data, marks=Marks(Tlp(form.text("tlp"))), actor=instance.actor.id,
            envelope=instance.envelope, limits=instance.policy.rooms, now=now,
        )

    return _do(visitor, case_id, form, "documents", "Added and sealed.", add)


@get("/cases/{case_id:str}/documents/{document_id:str}", sync_to_thread=True, include_in_schema=False)
def download(visitor: Visiting, case_id: FromPath[str], document_id: FromPath[str]) -> Response[bytes]:
    """A file; that it was read is on the record before its first byte leaves."""
    instance = visitor.acting(Scope.CASES_READ)
    found, data = actions.read_document(
        instance.database, case_id, document_id, envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now()
    )
    disposition = f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"
    return Response(data, media_type="application/octet-stream", headers={"Content-Disposition": disposition})


@post("/cases/{case_id:str}/embargo/propose", sync_to_thread=True, include_in_schema=False)
def propose(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """Offer an instant."""
    return _do(visitor, case_id, form, "summary", "Proposed to all who are present.", lambda instance, tx, now: embargo.propose_embargo(
        tx, case_id, _instant(form.text("ends_at")), note=form.text("reason"), actor=instance.actor.id, envelope=instance.envelope,
        policy_of=policy_of, now=now,
    ))


@post("/cases/{case_id:str}/embargo/answer", sync_to_thread=True, include_in_schema=False)
def answer(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """Accept or decline a proposal."""

    def say(instance: Instance, tx: Transaction, now: datetime) -> None:
        if form.text("answer") == "accept":
            embargo.accept_embargo(
                tx, case_id, form.text("proposal"), actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of, now=now
            )
        else:
            embargo.decline_embargo(
                tx, case_id, form.text("proposal"), form.text("reason") or "declined in the room", actor=instance.actor.id,
                envelope=instance.envelope, policy_of=policy_of, now=now,
            )

    return _do(visitor, case_id, form, "summary", "Your word is kept.", say)


@post("/cases/{case_id:str}/embargo/fact", sync_to_thread=True, include_in_schema=False)
def fact(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """A milestone; some of them end the embargo for all."""

    def record(instance: Instance, tx: Transaction, now: datetime) -> None:
        if form.text("milestone") not in set(Milestone):
            raise Invalid(f"milestones are {', '.join(Milestone)}")
        at = _instant(form.text("at")) if form.text("at") else now
        embargo.record_fact(
            tx, case_id, Milestone(form.text("milestone")), at, note=form.text("note"), actor=instance.actor.id,
            envelope=instance.envelope, policy_of=policy_of, now=now,
        )

    return _do(visitor, case_id, form, "summary", "Recorded; the timetable follows it.", record)


@post("/cases/{case_id:str}/embargo/leak", sync_to_thread=True, include_in_schema=False)
def leak(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """Something of the case was seen elsewhere."""
    return _do(visitor, case_id, form, "summary", "The coordinators judge it within hours.", lambda instance, tx, now: embargo.record_leak(
        tx, case_id, form.text("where"), now, actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of, now=now,
    ))


@post("/cases/{case_id:str}/decisions", sync_to_thread=True, include_in_schema=False)
def decide(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """What was judged, and why."""
    kind = DecisionKind(form.text("kind")) if form.text("kind") in set(DecisionKind) else DecisionKind.OTHER
    words = "\n".join(part for part in (form.text("words"), form.text("reason")) if part)
    return _do(visitor, case_id, form, "record", "Recorded.", lambda instance, tx, now: actions.record_decision(
        tx, case_id, kind, words, actor=instance.actor.id, envelope=instance.envelope, now=now
    ), scope=Scope.CASES_DECIDE, keep=True)


@post("/cases/{case_id:str}/step", sync_to_thread=True, include_in_schema=False)
def step(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """A step of report management for oneself."""
    return _do(visitor, case_id, form, "people", "Noted.", lambda instance, tx, now: actions.move_report_state(
        tx, case_id, form.text("verb"), reason=form.text("reason"), actor=instance.actor.id, envelope=instance.envelope, now=now
    ))


@post("/cases/{case_id:str}/decline", sync_to_thread=True, include_in_schema=False)
def decline(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """A vendor ends its work on the case."""
    return _do(visitor, case_id, form, "people", "You declined the case; the coordinators are told why.", lambda instance, tx, now: actions.decline_case(
        tx, case_id, form.text("reason"), actor=instance.actor.id, envelope=instance.envelope, now=now
    ))


@post("/cases/{case_id:str}/withdraw", sync_to_thread=True, include_in_schema=False)
def withdraw(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """A finder takes its own report back."""
    return _do(visitor, case_id, form, "summary", "Withdrawn: the others see that, and no longer its content.", lambda instance, tx, now: actions.withdraw_report(
        tx, case_id, form.text("report"), form.text("reason"), actor=instance.actor.id, envelope=instance.envelope, now=now
    ))


@post("/cases/{case_id:str}/leave", sync_to_thread=True, include_in_schema=False)
def leave(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """Stop taking part."""
    instance = visitor.acting(Scope.CASES_READ)
    try:
        with instance.database.write() as tx:
            actions.leave(tx, case_id, form.text("reason"), actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now())
    except _REFUSALS as error:
        return visitor.go(f"/cases/{case_id}", Flash("problem", str(error)))
    return visitor.go("/cases", Flash("done", "You left the case."))


@post("/cases/{case_id:str}/close", sync_to_thread=True, include_in_schema=False)
def close(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """End the work; the room stays readable."""
    return _do(visitor, case_id, form, "record", "Closed; it can be reopened.", lambda instance, tx, now: actions.close_case(
        tx, case_id, form.text("reason"), actor=instance.actor.id, envelope=instance.envelope, now=now
    ), scope=Scope.CASES_DECIDE)


@post("/cases/{case_id:str}/reopen", sync_to_thread=True, include_in_schema=False)
def reopen(visitor: Visiting, case_id: FromPath[str], form: Form) -> Response[Any]:
    """Take the work up again."""
    return _do(visitor, case_id, form, "summary", "Open again.", lambda instance, tx, now: actions.reopen_case(
        tx, case_id, form.text("reason"), actor=instance.actor.id, envelope=instance.envelope, now=now
    ), scope=Scope.CASES_DECIDE)


def _party(tx: Transaction, untrusted_words: str) -> str:
    """The id of a party given by id or by its exact name."""
    if has_shape(untrusted_words):
        return untrusted_words
    for kind in (PartyKind.ORGANISATION, PartyKind.TEAM, PartyKind.PERSON):
        if (found := party_store.find_party_by_name(tx, untrusted_words, kind)) is not None:
            return found.id
    raise Invalid("no party has this name or id; add it first, or write it exactly as it is listed")


def _instant(untrusted_text: str) -> datetime:
    try:
        return parse_instant(untrusted_text)
    except (ValueError, OverflowError):
        raise Invalid("that is no date and time; write it as 2026-12-01T10:00, in UTC") from None


ROUTER = Router("/", route_handlers=[
    open_case, accept, refuse, message, read, thread, invite, flaw, status, document, download, propose, answer, fact, leak, decide, step,
    decline, withdraw, leave, close, reopen,
])
