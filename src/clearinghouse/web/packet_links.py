"""What a mail leads to beside a case: one packet to answer, a project's charter to write, an address to confirm.

A link is good for its one purpose and its one object, until it expires, is revoked or, where one use is all it is for,
is used. Opening a page never acts, since whatever reads mail for its reader follows every address in it; and a link
that is not good is the page that everything is that is not there.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from litestar import Response, Router, get, post
from litestar.params import FromPath

from clearinghouse.app.channels.links import CHARTER_PATH, CONTACT_PATH, PACKET_PATH
from clearinghouse.app.views.maintainer import read_delivered
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import ClearinghouseError, Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import PartyId
from clearinghouse.disclosure.coordination.capacity import Reply, ReplyKind
from clearinghouse.disclosure.coordination.capacity import actions as capacity
from clearinghouse.parties.actions import get_party
from clearinghouse.parties.charters import actions as charters
from clearinghouse.parties.charters import store as charter_store
from clearinghouse.parties.charters.document import read_document
from clearinghouse.parties.charters.records import Problem
from clearinghouse.parties.charters.rendering import render_toml
from clearinghouse.parties.contacts import actions as contacts
from clearinghouse.parties.contacts import store as contact_store
from clearinghouse.parties.identity.links import actions as links
from clearinghouse.parties.identity.links.records import Link, LinkPurpose
from clearinghouse.parties.identity.links.rules import LinkRefused
from clearinghouse.storage import Transaction
from clearinghouse.web import rendering
from clearinghouse.web.charters import STARTER
from clearinghouse.web.rendering import Flash
from clearinghouse.web.visitor import Form, Sent, Visiting, Visitor

_REFUSALS = (Invalid, Conflict, NotPermitted)
_SAID = {
    ReplyKind.ACCEPT: "You take it. The coordinators see that, and go on with you.",
    ReplyKind.MORE: "You asked for more. It comes by another mail, with a link of its own.",
    ReplyKind.DECLINE: "You declined it. The coordinators are told why.",
}
Deed = Callable[[Instance, Transaction, Link, datetime], object]


@get(PACKET_PATH + "{token:str}", sync_to_thread=True, include_in_schema=False)
def packet(visitor: Visiting, token: FromPath[str]) -> Response[Any]:
    """The packet of a link, on one screen."""
    return _packet(visitor, token)


@post(PACKET_PATH + "{token:str}/accept", sync_to_thread=True, include_in_schema=False)
def accept(visitor: Visiting, token: FromPath[str], form: Form) -> Response[Any]:
    """Take it on."""
    return _answer(visitor, token, form, ReplyKind.ACCEPT)


@post(PACKET_PATH + "{token:str}/more", sync_to_thread=True, include_in_schema=False)
def more(visitor: Visiting, token: FromPath[str], form: Form) -> Response[Any]:
    """Ask for more."""
    return _answer(visitor, token, form, ReplyKind.MORE)


@post(PACKET_PATH + "{token:str}/decline", sync_to_thread=True, include_in_schema=False)
def decline(visitor: Visiting, token: FromPath[str], form: Form) -> Response[Any]:
    """Decline it, with a reason."""
    return _answer(visitor, token, form, ReplyKind.DECLINE)


@get(CHARTER_PATH + "{token:str}", sync_to_thread=True, include_in_schema=False)
def charter(visitor: Visiting, token: FromPath[str]) -> Response[Any]:
    """The charters of the project of a link, to be written."""
    return _charter(visitor, token)


@post(CHARTER_PATH + "{token:str}/adopt", sync_to_thread=True, include_in_schema=False)
def adopt(visitor: Visiting, token: FromPath[str], form: Form) -> Response[Any]:
    """Put a charter in force, or send it back with each problem at its line."""
    text, limits = form.text("charter").encode(), visitor.instance.policy.charters
    problems = read_document(text, limits, visitor.instance.clock.now()).problems

    def put(instance: Instance, tx: Transaction, link: Link, now: datetime) -> None:
        charters.adopt_charter(
            tx, _project(tx, instance, link, now), text, actor=link.party, envelope=instance.envelope, limits=limits, now=now
        )

    try:
        _use(visitor, token, LinkPurpose.EDIT_CHARTER, put)
    except _REFUSALS as error:
        return _charter(visitor, token, form.back({"": str(error)}), problems, _status(error))
    return visitor.go(CHARTER_PATH + token, Flash("done", "In force; it binds every sender from now on."))


@post(CHARTER_PATH + "{token:str}/claim", sync_to_thread=True, include_in_schema=False)
def claim(visitor: Visiting, token: FromPath[str], form: Form) -> Response[Any]:
    """Begin to prove that a repository is one's own."""
    try:
        _use(visitor, token, LinkPurpose.EDIT_CHARTER, lambda instance, tx, link, now: charters.open_claim(
            tx, _project(tx, instance, link, now), form.text("repository"), actor=link.party, envelope=instance.envelope, now=now
        ))
    except _REFUSALS as error:
        return _charter(visitor, token, form.back({"": str(error)}), http_status=_status(error))
    return visitor.go(CHARTER_PATH + token, Flash("done", "Claimed; put the number below into the charter in that repository."))


@get(CONTACT_PATH + "{token:str}", sync_to_thread=True, include_in_schema=False)
def contact(visitor: Visiting, token: FromPath[str]) -> Response[Any]:
    """The address of a link, to be confirmed."""
    return _contact(visitor, token)


@post(CONTACT_PATH + "{token:str}/confirm", sync_to_thread=True, include_in_schema=False)
def confirm(visitor: Visiting, token: FromPath[str], form: Form) -> Response[Any]:
    """Confirm that one reads the address."""
    try:
        _use(visitor, token, LinkPurpose.VERIFY_CONTACT, lambda instance, tx, link, now: contacts.verify_contact(
            tx, link.object_id, envelope=instance.envelope, actor=link.party, now=now
        ))
    except _REFUSALS as error:
        return _contact(visitor, token, form.back({"": str(error)}), _status(error))
    return _done(visitor, "The address is confirmed", "What is for your eyes alone may be mailed to it from now on.")


def _good(tx: Transaction, check: Callable[..., Link], token: str, purpose: LinkPurpose, now: datetime) -> Link:
    """The link, or the answer that is the same for everything that is not there."""
    try:
        return check(tx, token, purpose, now=now)
    except LinkRefused:
        raise NotFound("no link of this text is good for this") from None


def _use(visitor: Visitor, token: str, purpose: LinkPurpose, deed: Deed) -> None:
    """Use a link and do what it is for, in one transaction: what is refused uses nothing up."""
    instance = visitor.instance
    now = instance.clock.now()
    with instance.database.write() as tx:
        link = _good(tx, links.use_link, token, purpose, now)
        deed(instance.acting_as(get_party(tx, link.party)), tx, link, now)


def _look(visitor: Visitor, token: str, purpose: LinkPurpose) -> tuple[Instance, Link]:
    with visitor.instance.database.read() as tx:
        link = _good(tx, links.check_link, token, purpose, visitor.instance.clock.now())
        return visitor.instance.acting_as(get_party(tx, link.party)), link


def _answer(visitor: Visitor, token: str, form: Sent, kind: ReplyKind) -> Response[Any]:
    try:
        _use(visitor, token, LinkPurpose.ANSWER_DELIVERY, lambda instance, tx, link, now: capacity.answer_delivery(
            tx, link.object_id, Reply(kind, form.text("reason")), actor=link.party, envelope=instance.envelope,
            policy=instance.policy.capacity, now=now,
        ))
    except _REFUSALS as error:
        return _packet(visitor, token, form.back({"": str(error)}), _status(error))
    return _done(visitor, "Your answer is kept", _SAID[kind])


def _packet(visitor: Visitor, token: str, form: rendering.Form | None = None, http_status: int = 200) -> Response[Any]:
    instance, link = _look(visitor, token, LinkPurpose.ANSWER_DELIVERY)
    return visitor.render(
        "packet_link.html", http_status=http_status, delivered=read_delivered(instance, link.object_id), party=instance.actor.name,
        link_ends_at=link.expires_at, token=token, form=form or rendering.Form(),
    )


def _charter(
    visitor: Visitor, token: str, form: rendering.Form | None = None, problems: tuple[Problem, ...] = (), http_status: int = 200
) -> Response[Any]:
    instance, link = _look(visitor, token, LinkPurpose.EDIT_CHARTER)
    with instance.database.read(viewer=instance.actor.id, now=instance.clock.now()) as tx:
        project = _project(tx, instance, link, instance.clock.now())
        name, claims = get_party(tx, project).name, charter_store.claims_of(tx, project)
        kept = [
            (one, charter_store.read_document(tx, one.id, one.version, instance.envelope) or b"{}")
            for one in charter_store.charters_of(tx, project, instance.envelope) if link.object_id in (project, one.id)
        ]
    texts = tuple((one.charter.name, one.version, render_toml(document)) for one, document in kept)
    return visitor.render(
        "charter_link.html", http_status=http_status, party=name, charters=texts, claims=tuple(claims), problems=problems,
        starter=STARTER.format(name=name.replace("\\", "").replace('"', "")[:80]), link_ends_at=link.expires_at, token=token,
        form=form or rendering.Form(), untyped=rendering.Form(),
    )


def _contact(visitor: Visitor, token: str, form: rendering.Form | None = None, http_status: int = 200) -> Response[Any]:
    instance, link = _look(visitor, token, LinkPurpose.VERIFY_CONTACT)
    with instance.database.read() as tx:
        found = contact_store.system_contact(tx, link.object_id, instance.envelope)
    if found is None or found.party != link.party:
        raise NotFound("no link of this text is good for this")
    return visitor.render(
        "contact_link.html", http_status=http_status, party=instance.actor.name, address=found.address, token=token,
        form=form or rendering.Form(),
    )


def _project(tx: Transaction, instance: Instance, link: Link, now: datetime) -> PartyId:
    """The project of a link to a charter, or to the project's party, for which the link's party speaks."""
    kept = charter_store.find_charter(tx, link.object_id, instance.envelope)
    project = PartyId(link.object_id) if kept is None else kept.party
    if not charters.speaks_for(tx, link.party, project, now):
        raise NotFound("no link of this text is good for this")
    return project


def _done(visitor: Visitor, heading: str, words: str) -> Response[Any]:
    return visitor.render("message.html", at="/", status=200, heading=heading, words=words, actions=[("/", "First page")])


def _status(error: ClearinghouseError) -> int:
    return 409 if isinstance(error, Conflict) else 403 if isinstance(error, NotPermitted) else 422


ROUTER = Router("/", route_handlers=[packet, accept, more, decline, charter, adopt, claim, contact, confirm])
