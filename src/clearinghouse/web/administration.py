"""The administrator's page: policy, parties, sessions, how the work stands, and breaking the glass. It shows no case."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from litestar import Response, Router, get, post

from clearinghouse.app.settings import parse_policy
from clearinghouse.app.views.health import WorkHealth, work_health
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import ClearinghouseError, Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import PartyId
from clearinghouse.core.roles import Role, Scope
from clearinghouse.ledger import store as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties import store as party_store
from clearinghouse.parties.glass import actions as glass
from clearinghouse.parties.identity.enrolment import actions as enrolment
from clearinghouse.parties.identity.sessions import actions as sessions
from clearinghouse.parties.notices.records import NoticeState
from clearinghouse.parties.records import Party, PartyKind
from clearinghouse.storage import Transaction
from clearinghouse.web import pages
from clearinghouse.web.rendering import Flash
from clearinghouse.web.visitor import Form, Sent, Visiting, Visitor

_REFUSALS = (Invalid, Conflict, NotPermitted, NotFound)
_POLICIES_SHOWN = 10
_SESSIONS_SHOWN = 100
_SILENT_MINUTES = 5
ROLES = tuple(str(role) for role in Role if role is not Role.SYSTEM)
KINDS = tuple((str(kind), str(kind)) for kind in PartyKind)


@get("/admin", sync_to_thread=True, include_in_schema=False)
def admin(visitor: Visiting) -> Response[Any]:
    """All of it for an administrator; breaking the glass alone for whoever may take part in that."""
    return _show(visitor)


@post("/admin/policy", sync_to_thread=True, include_in_schema=False)
def policy(visitor: Visiting, form: Form) -> Response[Any]:
    """Put the next version of the policy in force; refused where somebody else did meanwhile."""
    instance = visitor.acting(Scope.PARTIES_MANAGE)
    try:
        if not form.text("version").isdecimal() or len(form.text("version")) > 9:
            raise Invalid("the form does not say which version it is; open the page again")
        version, document = int(form.text("version")), form.text("policy") + "\n"
        parse_policy(version, document)
        with instance.database.write() as tx:
            parties.put_policy(tx, version, document, actor=instance.actor.id, now=instance.clock.now())
    except _REFUSALS as error:
        return _show(visitor, form, {"policy": str(error)}, _status(error))
    return visitor.go("/admin", Flash("done", f"Version {version} is in force. Servers and workers that run read it when they are started again."))


@post("/admin/parties", sync_to_thread=True, include_in_schema=False)
def add(visitor: Visiting, form: Form) -> Response[Any]:
    """Add an organisation, a person, a program or a team."""
    instance = visitor.acting(Scope.PARTIES_MANAGE)
    try:
        if form.text("kind") not in set(PartyKind):
            raise Invalid(f"kinds are {', '.join(PartyKind)}")
        with instance.database.write() as tx:
            made = parties.add_party(
                tx, PartyKind(form.text("kind")), form.text("name"), _roles(form), organisation=_organisation(tx, form.text("organisation")),
                actor=instance.actor.id, now=instance.clock.now(),
            )
    except _REFUSALS as error:
        return _show(visitor, form, {"": str(error)}, _status(error))
    return visitor.go("/admin", Flash("done", f"Added {made.name}."))


@post("/admin/invitations", sync_to_thread=True, include_in_schema=False)
def invite(visitor: Visiting, form: Form) -> Response[Any]:
    """An invitation; its address is shown this once."""
    instance = visitor.acting(Scope.PARTIES_MANAGE)
    try:
        with instance.database.write() as tx:
            made, text = enrolment.invite(
                tx, _roles(form), organisation=_organisation(tx, form.text("organisation")), address=form.text("mail"),
                envelope=instance.envelope, policy=instance.policy.identity, actor=instance.actor.id, now=instance.clock.now(),
            )
    except _REFUSALS as error:
        return _show(visitor, form, {"": str(error)}, _status(error))
    if made.address and instance.settings.public_url:
        # Its text goes by mail and nowhere else: following it then proves that the address is read.
        return visitor.go("/admin", Flash("done", "The invitation is mailed to that address."))
    # In no address of ours and in no cookie: it stands on this one page.
    return _show(visitor, invitation=(f"{instance.settings.public_url}/enrol?invitation={quote(text)}", made.expires_at))


@post("/admin/sessions/end", sync_to_thread=True, include_in_schema=False)
def end_session(visitor: Visiting, form: Form) -> Response[Any]:
    """End anybody's session."""
    instance = visitor.acting(Scope.PARTIES_MANAGE)
    with instance.database.write() as tx:
        sessions.revoke_session(tx, form.text("session"), actor=instance.actor.id, now=instance.clock.now())
    return visitor.go("/admin", Flash("done", "Ended."))


@post("/admin/glass", sync_to_thread=True, include_in_schema=False)
def request_glass(visitor: Visiting, form: Form) -> Response[Any]:
    """Ask to read what nobody granted; nothing opens until somebody else confirms."""
    instance = visitor.acting(Scope.GLASS_BREAK)
    _, session, _ = visitor.signed_in()
    try:
        with instance.database.write() as tx:
            glass.request_break_glass(
                tx, form.text("object"), form.text("reason"), session=session.id, envelope=instance.envelope, policy=instance.policy.identity,
                actor=instance.actor.id, now=instance.clock.now(),
            )
    except _REFUSALS as error:
        return _show(visitor, form, {"": str(error)}, _status(error))
    return visitor.go("/admin", Flash("done", "Asked. It opens once a second person confirms it here, in a session of their own."))


@post("/admin/glass/confirm", sync_to_thread=True, include_in_schema=False)
def confirm_glass(visitor: Visiting, form: Form) -> Response[Any]:
    """Be the second person; the owners are told who both are."""
    instance = visitor.acting(Scope.GLASS_BREAK)
    _, session, _ = visitor.signed_in()
    try:
        with instance.database.write() as tx:
            grant = glass.confirm_break_glass(
                tx, form.text("request"), session=session.id, envelope=instance.envelope, policy=instance.policy.identity,
                actor=instance.actor.id, now=instance.clock.now(),
            )
    except _REFUSALS as error:
        return visitor.go("/admin", Flash("problem", str(error)))
    return visitor.go("/admin", Flash("done", f"Open to whoever asked until {grant.until:%Y-%m-%d %H:%M} UTC; its owners are told."))


def _roles(form: Sent) -> frozenset[Role]:
    return frozenset(Role(name) for name in form.texts("role") if name in ROLES)


def _organisation(tx: Transaction, untrusted_words: str) -> PartyId | None:
    """An organisation by its id or its exact name; None where nothing is said.

    Raises:
        NotFound: there is none.
    """
    if not untrusted_words:
        return None
    named = party_store.find_party_by_name(tx, untrusted_words, PartyKind.ORGANISATION)
    return named.id if named is not None else parties.get_party(tx, untrusted_words).id


def _status(error: ClearinghouseError) -> int:
    return 409 if isinstance(error, Conflict) else 403 if isinstance(error, NotPermitted) else 422


def _show(
    visitor: Visitor, form: Sent | None = None, errors: dict[str, str] | None = None, http_status: int = 200,
    invitation: tuple[str, datetime] | None = None,
) -> Response[Any]:
    instance = visitor.acting(Scope.GLASS_BREAK)
    manages = Scope.PARTIES_MANAGE in visitor.scopes
    shown = _all(visitor, instance) if manages else pages.Administration((), (), (), ())
    with instance.database.read() as tx:
        asked = glass.list_waiting(tx, envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
        names = party_store.name_parties(tx, sorted({one.asked_by for one in asked}))
    waiting = tuple(
        pages.GlassLine(
            one.id, one.object_id, names.get(one.asked_by, ("", None))[0], one.asked_at, one.lapses_at, one.reason,
            one.asked_by == instance.actor.id,
        )
        for one in asked
    )
    return visitor.render(
        "admin.html", http_status=http_status, at="/admin", admin=shown, glass=waiting, manages=manages, kinds=KINDS, roles=ROLES,
        invitation=invitation, form=(form or Sent({}, {})).back(errors),
    )


def _all(visitor: Visitor, instance: Instance) -> pages.Administration:
    now, health = instance.clock.now(), work_health(instance)
    with instance.database.read() as tx:
        policies = party_store.list_policies(tx, _POLICIES_SHOWN)
        everybody = party_store.list_parties(tx)
        alive = sessions.list_everybodys(
            tx, newest=_SESSIONS_SHOWN, viewer=instance.actor.id, policy=instance.policy.identity, now=now
        )
        leaves = ledger.tree_size(tx)
    known = {party.id: party for party in everybody}
    here = "" if visitor.session is None else visitor.session.id
    return pages.Administration(
        _checks(health, leaves, now),
        tuple(pages.PolicyLine(version, at, "", document) for version, document, at in policies),
        tuple(_party(party, known) for party in everybody),
        tuple(
            pages.SessionLine(
                one.id, f"{known[one.party].name}, {one.method}, {one.user_agent}", one.started_at, one.last_seen_at, one.expires_at, one.id == here
            )
            for one in alive
        ),
        (("parties", f"{len(everybody):,}"), ("living sessions", f"{len(alive):,}"), ("events on the ledger", f"{leaves:,}"),
         ("events waiting for the worker", f"{health.leaves_behind:,}")),
    )


def _party(party: Party, known: dict[PartyId, Party]) -> pages.PartyLine:
    home = known.get(party.organisation) if party.organisation is not None else None
    return pages.PartyLine(party.id, party.kind, party.name, "" if home is None else home.name, tuple(sorted(party.roles)), party.created_at)


def _checks(health: WorkHealth, leaves: int, now: datetime) -> tuple[pages.Check, ...]:
    if health.seen_at is None:
        worker = pages.Check("worker", "missing", "none ever ran: start one with `clearinghouse worker`, or serve with one beside")
    else:
        minutes = int((now - health.seen_at).total_seconds() // 60)
        words = f"last sign of life {minutes} minutes ago; {health.leaves_behind} events behind, {health.actions_waiting} follow-ups wait"
        worker = pages.Check("worker", "ok" if minutes < _SILENT_MINUTES else "broken", words)
    failed = "; ".join(f"{one.action} of {one.event}: {one.trouble}" for one in health.failed[:5])
    notices = ", ".join(f"{count} {state}" for state, count in sorted(health.notices.items())) or "none yet"
    lost = health.notices.get(NoticeState.FAILED, 0)
    return (
        worker,
        pages.Check("follow-ups", "ok" if not health.failed else "broken", failed or "none failed"),
        pages.Check("notices", "missing" if lost else "ok", notices),
        pages.Check(
            "incoming mail", "missing" if health.mail_refused else "ok",
            f"{health.mail_waiting} wait to be read, {health.mail_refused} could not be kept and lie aside",
        ),
        pages.Check("ledger", "ok", f"{leaves} leaves; anybody can verify it on the page of the ledger"),
    )


ROUTER = Router("/", route_handlers=[admin, policy, add, invite, end_session, request_glass, confirm_glass])
