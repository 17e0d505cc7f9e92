"""Sending reports by a form, coming back to them with a receipt, and reading what came in."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, QueryParameter

from clearinghouse.app import appeals
from clearinghouse.app.reception import Reception
from clearinghouse.app.views import case_room
from clearinghouse.app.views import inbox as inboxes
from clearinghouse.app.views import report as reports
from clearinghouse.app.views.around import badge_of, room_of
from clearinghouse.app.views.receipt import Received, read_received
from clearinghouse.app.wiring import Instance
from clearinghouse.app.withdrawing import reinstate_reports, withdraw_reports
from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.coordination.appeals.rules import QUESTIONS, parse_question
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.intake import actions
from clearinghouse.disclosure.intake.rates import count_anonymous
from clearinghouse.disclosure.intake.records import Consents, Cover, Outcome, Producer, Receipt
from clearinghouse.parties.identity.links import actions as links
from clearinghouse.parties.identity.sessions.rules import parse_source
from clearinghouse.web import pages
from clearinghouse.web.rendering import Flash
from clearinghouse.web.visitor import Form, Sent, Visiting, Visitor

_UPLOAD_BYTES_MAX = 24 << 20
_TAKEN_BACK = "Withdrawn; those who look after it see that, and why. You can reinstate it."
_STANDS = "Reinstated; it stands as before."
Cursor = Annotated[str, QueryParameter(name="before", max_length=200)]


@get("/submit", sync_to_thread=True, include_in_schema=False)
def submit_page(visitor: Visiting) -> Response[Any]:
    """The public report form."""
    return _submit(visitor, Sent({}, {}))


@post("/submit", sync_to_thread=True, include_in_schema=False, request_max_body_size=_UPLOAD_BYTES_MAX)
def submit(request: "Request[Any, Any, Any]", visitor: Visiting, form: Form) -> Response[Any]:
    """Keep what was typed or uploaded; a stranger gets a code to come back with, shown this once."""
    document, name, wrong = _document(form)
    if wrong:
        return _submit(visitor, form, errors=wrong)
    instance, code = visitor.instance, ""
    if visitor.party is not None:
        reporter = visitor.acting(Scope.REPORTS_SUBMIT).actor.id
    else:
        with instance.database.write() as tx:
            count_anonymous(
                tx, parse_source(visitor.source), len(document), envelope=instance.envelope, policy=instance.policy.rates, now=instance.clock.now()
            )
            party, code = links.make_receipt(tx, policy=instance.policy.identity, actor=instance.system, now=instance.clock.now())
        reporter = party.id
    reception: Reception = request.app.state.reception
    receipt, _ = reception.take(document, name=name, reporter=reporter, cover=_cover(form), source="" if form.files else "ndjson")
    if not code:
        accepted = sum(item.outcome is not Outcome.REFUSED for item in receipt.items)
        words = f"Received: {accepted} of {len(receipt.items)} findings became reports." if receipt.items else _why(receipt)
        return visitor.go("/inbox", Flash("done" if accepted else "problem", words))
    return _submit(visitor, Sent({}, {}), receipt=pages.Sent(code, receipt.received_at, len(receipt.items)))


@get("/status", sync_to_thread=True, include_in_schema=False)
def status_page(visitor: Visiting) -> Response[Any]:
    """Asks for the code of a receipt; with a session of one, shows what became of the report."""
    return visitor.render("status.html", form=Sent({}, {}).back(), status=_status(visitor))


@post("/status", sync_to_thread=True, include_in_schema=False)
def status(visitor: Visiting, form: Form) -> Response[Any]:
    """Opens a session that reaches this one receipt and nothing else."""
    instance = visitor.instance
    with instance.database.write() as tx:
        signed_in = links.sign_in_with_receipt(
            tx, form.text("code"), source=visitor.source, user_agent=visitor.user_agent, replaces=visitor.session_text,
            envelope=instance.envelope, policy=instance.policy.identity, now=instance.clock.now(),
        )
    if signed_in is None:
        return visitor.render(
            "status.html", status=None, form=form.back({"code": "No receipt has this code. It has groups of letters and digits; look at it once more."}),
        )
    return visitor.go("/status", session=signed_in.text)


@post("/status/message", sync_to_thread=True, include_in_schema=False)
def status_message(visitor: Visiting, form: Form) -> Response[Any]:
    """A word to those who work on it."""
    instance = visitor.acting(Scope.REPORTS_READ)
    case_id = _room(visitor, read_received(instance))
    try:
        with instance.database.write() as tx:
            rooms.post_message(
                tx, case_id, None, form.text("body"), actor=instance.actor.id, envelope=instance.envelope,
                limits=instance.policy.rooms, now=instance.clock.now(),
            )
    except (Invalid, Conflict) as error:
        return visitor.go("/status", Flash("problem", str(error)))
    return visitor.go("/status", Flash("done", "Sent."))


@post("/status/withdraw", sync_to_thread=True, include_in_schema=False)
def status_withdraw(visitor: Visiting, form: Form) -> Response[Any]:
    """Take back what was sent under this receipt."""
    instance, standing, _ = _sent_reports(visitor)
    if not standing:
        return visitor.go("/status", Flash("problem", "There is nothing left to take back: it was withdrawn before."))
    try:
        withdraw_reports(instance, standing, form.text("reason"))
    except (Invalid, Conflict) as error:
        return visitor.go("/status", Flash("problem", str(error)))
    return visitor.go("/status", Flash("done", _TAKEN_BACK))


@post("/status/reinstate", sync_to_thread=True, include_in_schema=False)
def status_reinstate(visitor: Visiting, form: Form) -> Response[Any]:
    """Undo what was withdrawn under this receipt."""
    instance, _, gone = _sent_reports(visitor)
    if not gone:
        return visitor.go("/status", Flash("problem", "Nothing sent under this receipt is withdrawn."))
    try:
        reinstate_reports(instance, gone)
    except Conflict as error:
        return visitor.go("/status", Flash("problem", str(error)))
    return visitor.go("/status", Flash("done", _STANDS))


@post("/status/appeal", sync_to_thread=True, include_in_schema=False)
def status_appeal(visitor: Visiting, form: Form) -> Response[Any]:
    """Contest what one is told of a report sent under this receipt."""
    instance = visitor.acting(Scope.REPORTS_READ)
    try:
        appeals.make_appeal(instance, form.text("report"), parse_question(form.text("question")), form.text("reason"))
    except (Invalid, Conflict, NotPermitted) as error:
        return visitor.go("/status", Flash("problem", str(error)))
    return visitor.go("/status", Flash("done", "Your appeal was received. Another person than who decided looks at it again; the answer stands here."))


@get("/inbox", sync_to_thread=True, include_in_schema=False)
def inbox(
    visitor: Visiting, before: Cursor = "",
    answer: Annotated[str, QueryParameter(name="answer", max_length=40)] = "",
    source: Annotated[str, QueryParameter(name="source", max_length=40)] = "",
    text: Annotated[str, QueryParameter(name="text", max_length=200)] = "",
) -> Response[Any]:
    """Reports, newest first, the answer beside each."""
    instance = visitor.acting(Scope.REPORTS_READ)
    filters = inboxes.parse_filters(answer, source, text)
    return visitor.render(
        "inbox.html", inbox=inboxes.list_inbox(instance, before=before, filters=filters), answers=inboxes.ANSWERS, sources=inboxes.source_names(),
    )


@get("/reports/{report_id:str}", sync_to_thread=True, include_in_schema=False)
def report(visitor: Visiting, report_id: FromPath[str]) -> Response[Any]:
    """One report: the packet first, the prose below."""
    instance = visitor.acting(Scope.REPORTS_READ)
    opened = reports.read_report(instance, report_id)
    finding = opened.report.finding
    lead = next((candidate.id for candidate in opened.candidates if candidate.id is not None and not candidate.withdrawn), "")
    room = room_of(instance, opened.report.id)
    return visitor.render(
        "report.html", opened=opened, packet=pages.packet_of(finding), product=inboxes.product_of(finding), finder=inboxes.finder_of(finding),
        lead_id=lead, room_id=room[0], room_title=room[1], badge=badge_of(instance, opened.report.id), downloads=True,
        questions=tuple((str(each), QUESTIONS[each]) for each in opened.questions),
    )


@post("/reports/{report_id:str}/withdraw", sync_to_thread=True, include_in_schema=False)
def withdraw(visitor: Visiting, report_id: FromPath[str], form: Form) -> Response[Any]:
    """Take a report back that one sent, wherever it is handled."""
    instance = visitor.acting(Scope.REPORTS_SUBMIT)
    try:
        withdraw_reports(instance, [report_id], form.text("reason"))
    except (Invalid, Conflict, NotPermitted) as error:
        return visitor.go(f"/reports/{report_id}", Flash("problem", str(error)))
    return visitor.go(f"/reports/{report_id}", Flash("done", _TAKEN_BACK))


@post("/reports/{report_id:str}/reinstate", sync_to_thread=True, include_in_schema=False)
def reinstate(visitor: Visiting, report_id: FromPath[str], form: Form) -> Response[Any]:
    """Undo that."""
    instance = visitor.acting(Scope.REPORTS_SUBMIT)
    try:
        reinstate_reports(instance, [report_id])
    except (Conflict, NotPermitted) as error:
        return visitor.go(f"/reports/{report_id}", Flash("problem", str(error)))
    return visitor.go(f"/reports/{report_id}", Flash("done", _STANDS))


@get("/submissions/{submission_id:str}/original", sync_to_thread=True, include_in_schema=False)
def original(visitor: Visiting, submission_id: FromPath[str]) -> Response[bytes]:
    """The bytes as they came, as a file no browser runs; the reading is on the record first."""
    instance = visitor.acting(Scope.REPORTS_READ)
    data = actions.read_original(
        instance.database, submission_id, envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now()
    )
    return Response(data, media_type="application/octet-stream", headers={"Content-Disposition": 'attachment; filename="original.bin"'})


def _submit(
    visitor: Visitor, form: Sent, *, errors: dict[str, str] | None = None, receipt: pages.Sent | None = None
) -> Response[Any]:
    return visitor.render(
        "submit.html", form=form.back(errors), receipt=receipt, formats=inboxes.source_names(),
        size_max=visitor.instance.policy.intake.document_bytes_max, http_status=422 if errors else 200,
    )


def _document(form: Sent) -> tuple[bytes, str, dict[str, str]]:
    """The document a form amounts to, its name, and what is wrong with the form."""
    if "file" in form.files:
        name, data = form.files["file"]
        return data, name, {} if data else {"file": "The file is empty; choose another one."}
    what, product = form.text("what"), form.text("product")
    wrong = {}
    if not what:
        wrong["what"] = "Say what is wrong, in a sentence or two, or choose a file."
    if not product:
        wrong["product"] = "Name the product, package or project it is in."
    line: dict[str, Any] = {
        "title": what.split("\n", 1)[0][:200], "description": what, "products": [product], "reproduction": form.text("reproduce"),
        "reporter": form.text("contact"), "tlp": form.text("tlp"),
    }
    if where := form.text("where"):
        line["description"] += f"\n\nWhere: {where}"
        line["symbols"] = [where] if where.replace("_", "a").replace("::", "a").replace(".", "a").isalnum() else []
    if form.text("name"):
        line["credits"] = [{"name": form.text("name"), "role": "finder"}]
    return msgspec.json.encode(line) + b"\n", "form.json", wrong


def _cover(form: Sent) -> Cover:
    return Cover(
        producer=Producer(tool=form.text("tool") if form.text("ai") else ""),
        consents=Consents(share_with_vendor=bool(form.text("share_with_vendor")), share_name=bool(form.text("share_name")), train_models=False),
    )


def _why(receipt: Receipt) -> str:
    return "Nothing in it could be read as a report: " + (receipt.notes[-1].message if receipt.notes else "no format fits")


def _status(visitor: Visitor) -> pages.StatusPage | None:
    if visitor.party is None:
        return None
    found = read_received(visitor.acting(Scope.REPORTS_READ))
    if found is None:
        return None
    items = []
    for item in found.receipt.items[:200]:
        line = found.lines.get(str(item.report_id))
        notes = tuple(note.message for note in item.notes)
        items.append(pages.ReceiptItemLine(
            item.place, item.outcome, "" if line is None else line.title, "received" if line is None else line.answer,
            None if line is None else line.known_since, notes, None if line is None else line.withdrawn_at,
            str(item.report_id or ""), tuple((str(each), QUESTIONS[each]) for each in found.questions.get(str(item.report_id), ())),
            found.appeals.get(str(item.report_id), ()),
        ))
    receipt = found.receipt
    gone = [line.withdrawn_at is not None for line in found.lines.values()]
    case_id = _room(visitor, found)
    messages = () if not case_id else tuple(
        pages.RoomMessage(line.message.id, line.author_name, line.message.at, line.message.body, line.message.via, line.mine)
        for thread in case_room.read_room(visitor.instance, case_id).threads if thread.thread.kind == "official" for line in thread.messages
    )
    return pages.StatusPage("", receipt.received_at, receipt.finished, receipt.digest, tuple(items), messages, not all(gone), any(gone), case_id)


def _room(visitor: Visitor, found: Received | None) -> str:
    """The case that handles what was sent under this receipt; empty before there is one."""
    instance = visitor.acting(Scope.REPORTS_READ)
    rooms_of = (room_of(instance, report_id)[0] for report_id in ({} if found is None else found.lines))
    return next((room for room in rooms_of if room), "")


def _sent_reports(visitor: Visitor) -> tuple[Instance, list[str], list[str]]:
    """What was sent under this receipt: reports that stand, and reports that are withdrawn."""
    instance = visitor.acting(Scope.REPORTS_READ)
    found = read_received(instance)
    lines = [] if found is None else list(found.lines.values())
    standing = [line.id for line in lines if line.withdrawn_at is None]
    return instance, standing, [line.id for line in lines if line.withdrawn_at is not None]


ROUTER = Router("/", route_handlers=[
    submit_page, submit, status_page, status, status_message, status_withdraw, status_reinstate, status_appeal, inbox, report, withdraw, reinstate, original,
])
