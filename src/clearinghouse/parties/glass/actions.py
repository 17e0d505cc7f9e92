"""What breaking the glass does: ask, and confirm as somebody else."""

from datetime import datetime, timedelta

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import GlassId, PartyId, has_shape, new_id
from clearinghouse.core.policy import IdentityPolicy
from clearinghouse.core.roles import Scope
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import rules
from clearinghouse.parties import store as parties
from clearinghouse.parties.actions import get_party
from clearinghouse.parties.glass import store
from clearinghouse.parties.glass.records import GlassRequest
from clearinghouse.parties.grants import seal_reason
from clearinghouse.parties.records import Basis, Grant, Party, PartyKind
from clearinghouse.storage import Envelope, Transaction


def request_break_glass(
    tx: Transaction, object_id: str, reason: str, *, session: str | None = None,
    envelope: Envelope, policy: IdentityPolicy, actor: PartyId, now: datetime,
) -> GlassRequest:
    """A request to read an object that nobody granted; it opens nothing until a second person confirms it.

    Whether there is such an object is not looked up, so that asking is no way to find out.
    Raises:
        NotPermitted: the actor is no person with a role that may.
        Invalid: no reason is given, or it is no id.
    """
    _check_person(get_party(tx, actor))
    if not has_shape(object_id):
        raise Invalid(f"{object_id[:40]!r} is no id; give the id of a report, a submission or a case")
    lapses_at = now + timedelta(hours=policy.glass_request_hours)
    request = GlassRequest(GlassId(new_id("brk")), object_id, actor, session, now, lapses_at, rules.parse_reason(reason))
    store.add_request(tx, request, envelope)
    details: dict[str, Detail] = {"asked_by": actor, "lapses_at": render_instant(lapses_at)}
    ledger.record(tx, Event("GlassBreakRequested", (object_id, request.id), details), actor=actor, now=now)
    return request


def confirm_break_glass(
    tx: Transaction, glass_id: str, *, session: str | None = None,
    envelope: Envelope, policy: IdentityPolicy, actor: PartyId, now: datetime,
) -> Grant:
    """The grant that lets whoever asked read the object for as many hours as policy says.

    Raises:
        NotFound: there is no such request.
        NotPermitted: the actor is no person with a role that may, asked itself, or uses the session it was asked in; or neither of
            the two was signed in, so that one person at the command line could be both.
        Conflict: it was confirmed before or has lapsed.
    """
    _check_person(get_party(tx, actor))
    request = store.system_request(tx, glass_id, envelope) if has_shape(glass_id) else None
    if request is None:
        raise NotFound(f"no request {glass_id[:40]!r}; `clearinghouse break-glass list` shows those that wait")
    if request.asked_by == actor or (session is not None and session == request.asked_session):
        raise NotPermitted("breaking the glass takes two persons, each in a session of their own; somebody else must confirm")
    if session is None and request.asked_session is None:
        raise NotPermitted(
            "at the command line nobody shows who they are, so one of the two has to be signed in: ask or confirm at the administrator's page"
        )
    if request.confirmed_at is not None or now >= request.lapses_at or not store.confirm_request(tx, request.id, actor, now):
        raise Conflict(f"request {request.id} was confirmed before or has lapsed; ask again, with the reason that holds now")
    grant = Grant(
        request.object_id, request.asked_by, Basis.BREAK_GLASS, now + timedelta(hours=policy.glass_hours), None, actor, now, None,
        request.reason,
    )
    parties.put_grant(tx, grant, seal_reason(grant, envelope))
    assert grant.until is not None, "broken glass is whole again after a while"
    details: dict[str, Detail] = {"asked_by": request.asked_by, "confirmed_by": actor, "until": render_instant(grant.until)}
    ledger.record(tx, Event("GlassBroken", (request.object_id, request.id), details), actor=actor, now=now)
    return grant


def list_waiting(tx: Transaction, *, envelope: Envelope, viewer: PartyId, now: datetime) -> list[GlassRequest]:
    """The requests that wait for a second person, for those who could be it.

    Raises:
        NotPermitted: the viewer may not break the glass.
    """
    _check_person(get_party(tx, viewer))
    return store.system_waiting(tx, envelope, now)


def _check_person(party: Party) -> None:
    rules.check_may(party, Scope.GLASS_BREAK)
    if party.kind is not PartyKind.PERSON:
        raise NotPermitted(f"only people break the glass; {party.name} is of kind {party.kind}")
