"""A case by signed link, for whoever has no account: the address stands in a mail, and acts as the party it was sent to.

Looking uses nothing up, since whatever reads mail for its reader follows every address in it. What a link is good
for is its one case: nothing else of the party can be reached by it, and a link that is not good is the page that
everything is that is not there.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from litestar import Response, Router, get, post
from litestar.params import FromPath

from clearinghouse.app.channels.links import PATH
from clearinghouse.app.views import case_room, embargo_clock
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import ClearinghouseError, Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import ReportState, VendorStatus
from clearinghouse.parties.actions import get_party
from clearinghouse.parties.identity.links import actions as links
from clearinghouse.parties.identity.links.records import Link, LinkPurpose
from clearinghouse.parties.identity.links.rules import LinkRefused
from clearinghouse.storage import Transaction
from clearinghouse.web import pages, rendering
from clearinghouse.web.coordination.room import STATUSES, leading
from clearinghouse.web.coordination.shown import room_page
from clearinghouse.web.rendering import Flash
from clearinghouse.web.visitor import Form, Sent, Visiting, Visitor

_PURPOSE = LinkPurpose.ACT_ON_CASE
_REFUSALS = (Invalid, Conflict, NotPermitted)
_OFFERED = frozenset({"status", "message", "decline"})
Deed = Callable[[Instance, Transaction, str, datetime], object]
"""What is done: the instance as the link's party sees it, the transaction, the link's case, the instant."""


@get(PATH + "{token:str}", sync_to_thread=True, include_in_schema=False)
def look(visitor: Visiting, token: FromPath[str]) -> Response[Any]:
    """The case of a link, or the invitation to it."""
    return _show(visitor, token)


@post(PATH + "{token:str}/accept", sync_to_thread=True, include_in_schema=False)
def accept(visitor: Visiting, token: FromPath[str], form: Form) -> Response[Any]:
    """Take part."""
    return _do(visitor, token, form, "You take part now; this is what there is.", lambda instance, tx, case_id, now: actions.accept_invitation(
        tx, case_id, actor=instance.actor.id, now=now
    ))


@post(PATH + "{token:str}/refuse", sync_to_thread=True, include_in_schema=False)
def refuse(visitor: Visiting, token: FromPath[str], form: Form) -> Response[Any]:
    """Say no to an invitation."""
    return _do(visitor, token, form, "You declined the invitation. The coordinators are told why.", lambda instance, tx, case_id, now: actions.decline_invitation(
        tx, case_id, form.text("reason"), actor=instance.actor.id, envelope=instance.envelope, now=now
    ), last=True)


@post(PATH + "{token:str}/acknowledge", sync_to_thread=True, include_in_schema=False)
def acknowledge(visitor: Visiting, token: FromPath[str], form: Form) -> Response[Any]:
    """Say that it arrived."""
    return _do(visitor, token, form, "Thank you; the coordinators see that it arrived.", lambda instance, tx, case_id, now: actions.move_report_state(
        tx, case_id, "receive", actor=instance.actor.id, envelope=instance.envelope, now=now
    ))


@post(PATH + "{token:str}/status", sync_to_thread=True, include_in_schema=False)
def status(visitor: Visiting, token: FromPath[str], form: Form) -> Response[Any]:
    """How a vendor stands to a flaw."""

    def say(instance: Instance, tx: Transaction, case_id: str, now: datetime) -> None:
        if form.text("status") not in set(VendorStatus):
            raise Invalid(f"statuses are {', '.join(VendorStatus)}")
        actions.state_status(
            tx, case_id, form.text("vulnerability"), VendorStatus(form.text("status")), form.text("statement"),
            actor=instance.actor.id, envelope=instance.envelope, now=now,
        )

    return _do(visitor, token, form, "Said; every participant sees it.", say)


@post(PATH + "{token:str}/message", sync_to_thread=True, include_in_schema=False)
def message(visitor: Visiting, token: FromPath[str], form: Form) -> Response[Any]:
    """Say something to everybody of the case."""
    return _do(visitor, token, form, "Sent.", lambda instance, tx, case_id, now: actions.post_message(
        tx, case_id, None, form.text("body"), actor=instance.actor.id, envelope=instance.envelope, limits=instance.policy.rooms, now=now
    ))


@post(PATH + "{token:str}/decline", sync_to_thread=True, include_in_schema=False)
def decline(visitor: Visiting, token: FromPath[str], form: Form) -> Response[Any]:
    """End one's work on the case."""
    return _do(visitor, token, form, "You declined the case. The coordinators are told why and may ask others.", lambda instance, tx, case_id, now: actions.decline_case(
        tx, case_id, form.text("reason"), actor=instance.actor.id, envelope=instance.envelope, now=now
    ), last=True)


def _good(tx: Transaction, check: Callable[..., Link], token: str, now: datetime) -> Link:
    """The link, or the answer that is the same for everything that is not there."""
    try:
        return check(tx, token, _PURPOSE, now=now)
    except LinkRefused:
        raise NotFound("no link of this text is good for this") from None


def _do(visitor: Visitor, token: str, form: Sent, words: str, deed: Deed, *, last: bool = False) -> Response[Any]:
    """Use the link and do it, in one transaction; refused, the form comes back with what was typed.

    Args:
        last: after it there is nothing more to see by this link.
    """
    instance = visitor.instance
    now = instance.clock.now()
    try:
        with instance.database.write() as tx:
            link = _good(tx, links.use_link, token, now)
            deed(instance.acting_as(get_party(tx, link.party)), tx, link.object_id, now)
    except _REFUSALS as error:
        return _show(visitor, token, form.back({"": str(error)}), _status(error))
    if last:
        return visitor.render("message.html", at="/", status=200, heading="Your answer is kept", words=words, actions=[("/", "First page")])
    return visitor.go(PATH + token, Flash("done", words))


def _status(error: ClearinghouseError) -> int:
    return 409 if isinstance(error, Conflict) else 403 if isinstance(error, NotPermitted) else 422


def _show(visitor: Visitor, token: str, form: rendering.Form | None = None, http_status: int = 200) -> Response[Any]:
    now = visitor.instance.clock.now()
    with visitor.instance.database.read() as tx:
        link = _good(tx, links.check_link, token, now)
        party = get_party(tx, link.party)
    instance = visitor.instance.acting_as(party)
    asked = next((line for line in case_room.list_invitations(instance) if line.case_id == link.object_id), None)
    if asked is not None:
        act = pages.ToAct(
            party.name, "You are asked to take part in a case", "", None, (), None, link.expires_at, may=frozenset({"accept", "refuse"}),
            invitation=pages.Asked(asked.role, asked.invited_by_name, asked.invited_at, asked.reason),
        )
    else:
        act = _room(instance, link, party.name)
    return visitor.render("link_action.html", http_status=http_status, act=act, token=token, form=form or rendering.Form(), statuses=STATUSES)


def _room(instance: Instance, link: Link, name: str) -> pages.ToAct:
    found = case_room.read_room(instance, link.object_id)
    shown = room_page(
        found, embargo_clock.read_embargo(instance, link.object_id), leading(instance, found), None, "", coordinates=False
    )
    may = shown.may & _OFFERED
    if shown.may and any(line.mine and line.participant.report_state is ReportState.START for line in found.participants):
        may |= {"acknowledge"}
    if not shown.flaws:
        may -= {"status"}
    ends_at = None if shown.embargo is None else shown.embargo.ends_at
    return pages.ToAct(name, shown.title, shown.tlp, shown.packet, shown.flaws, ends_at, link.expires_at, shown.messages, may, state=shown.state)


ROUTER = Router("/", route_handlers=[look, accept, refuse, acknowledge, status, message, decline])
