"""Erasing a closed case by destroying its key: one person asks, another confirms, and a legal hold forbids it."""

from datetime import datetime, timedelta

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Conflict, NotFound, NotPermitted
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import CaseId, ErasureId, PartyId, has_shape, new_id
from clearinghouse.core.policy import IdentityPolicy
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.coordination.rooms import rules
from clearinghouse.disclosure.coordination.rooms.actions.entering import coordinate, hold, nothing_found
from clearinghouse.disclosure.coordination.rooms.records import CaseState, Erasure, Hold
from clearinghouse.disclosure.coordination.rooms.states import CASE_TRANSITIONS, step
from clearinghouse.disclosure.coordination.rooms.store import cases, erasures
from clearinghouse.disclosure.validation.queue import actions as bench
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties import rules as party_rules
from clearinghouse.parties.notices.store import notices
from clearinghouse.parties.records import Party, PartyKind
from clearinghouse.storage import Envelope, Transaction


def request_erasure(
    tx: Transaction, case_id: str, reason: str, *, proven: bool, policy: IdentityPolicy, actor: PartyId, envelope: Envelope, now: datetime
) -> Erasure:
    """A request that a case be erased; nothing is lost until a second person confirms it.

    Args:
        proven: whether the actor has shown who it is, by a session or a token.
    Raises:
        NotFound, NotPermitted: the case is not the actor's to see, or to coordinate, or the actor is no person.
        Invalid: there is no reason.
        Conflict: the case is open, was erased, or a legal hold is on it.
    """
    _person(tx, actor)
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now, closed=True)
    _check_ended(room.id, room.case.state)
    _check_not_held(tx, room.id, envelope)
    lapses_at = now + timedelta(hours=policy.glass_request_hours)
    erasure = Erasure(ErasureId(new_id("era")), room.id, actor, proven, now, lapses_at, rules.parse_reason(reason))
    erasures.add_erasure(tx, erasure, envelope)
    details: dict[str, Detail] = {"asked_by": actor, "lapses_at": render_instant(lapses_at)}
    ledger.record(tx, Event("CaseErasureRequested", (room.id, erasure.id), details), actor=actor, now=now)
    return erasure


def confirm_erasure(
    tx: Transaction, erasure_id: str, *, proven: bool, actor: PartyId, envelope: Envelope, now: datetime
) -> CaseId:
    """The case, erased: its key is destroyed, and nothing that was sealed under it opens again. Its events and digests stay.

    Raises:
        NotFound: there is no such request.
        NotPermitted: the actor is no person who may, asked itself, or neither of the two has shown who it is.
        Conflict: the request was confirmed before or has lapsed, the case is open again or was erased, or a legal hold is on it.
    """
    _person(tx, actor)
    asked = erasures.system_erasure(tx, erasure_id, envelope) if has_shape(erasure_id) else None
    if asked is None:
        raise NotFound(f"no request {erasure_id[:40]!r}; `clearinghouse case erasures` shows those that wait")
    if asked.asked_by == actor:
        raise NotPermitted("erasing a case takes two persons; somebody else must confirm")
    if not (proven or asked.proven):
        raise NotPermitted(
            "at the command line nobody shows who they are, so one of the two has to: ask or confirm over the API with a token of one's own"
        )
    hold(tx, asked.case_id)
    if asked.confirmed_at is not None or now >= asked.lapses_at or not erasures.confirm_erasure(tx, asked.id, actor, now):
        raise Conflict(f"request {asked.id} was confirmed before or has lapsed; ask again, with the reason that holds now")
    state = cases.system_case_state(tx, asked.case_id)
    assert state is not None, "a request names a case, and no case is ever deleted"
    _check_ended(asked.case_id, state)
    _check_not_held(tx, asked.case_id, envelope)
    if not cases.system_destroy(tx, asked.case_id, now):
        raise Conflict("somebody else changed this case in the same moment; look again, then decide")
    bench.forget_case(tx, asked.case_id, now=now)
    notices.forget_about(tx, asked.case_id)
    details: dict[str, Detail] = {"asked_by": asked.asked_by, "confirmed_by": actor}
    ledger.record(tx, Event("CaseErased", (asked.case_id, asked.id), details), actor=actor, now=now)
    return asked.case_id


def list_erasures(tx: Transaction, *, envelope: Envelope, viewer: PartyId, now: datetime) -> list[Erasure]:
    """The requests that wait for a second person, for those who could be it.

    Raises:
        NotPermitted: the viewer could not.
    """
    _person(tx, viewer)
    return erasures.system_waiting(tx, envelope, now)


def hold_case(
    tx: Transaction, case_id: str, reason: str, *, unseen: bool = False, actor: PartyId, envelope: Envelope, now: datetime
) -> None:
    """Put a legal hold on a case: it is not erased while that stands.

    Args:
        unseen: let an administrator hold a case it may not see. For the machine's own command line, where its answer is
            no news: over HTTP it would tell which ids are cases with a hold.
    Raises:
        NotFound: the actor sees no such case, and may not hold one unseen.
        NotPermitted: the actor does not coordinate it.
        Invalid: there is no reason.
        Conflict: a hold stands already, or the case was erased before its coordinator asked.
    """
    found = _may_hold(tx, case_id, unseen=unseen, actor=actor, envelope=envelope, now=now)
    if not erasures.add_hold(tx, Hold(found, now, actor, rules.parse_reason(reason)), envelope):
        raise Conflict("a legal hold is on this case already")
    ledger.record(tx, Event("CaseHeld", (found,)), actor=actor, now=now)


def release_case(
    tx: Transaction, case_id: str, *, unseen: bool = False, actor: PartyId, envelope: Envelope, now: datetime
) -> None:
    """Lift the legal hold on a case.

    Raises:
        NotFound, NotPermitted: as for `hold_case`.
        Conflict: none stands.
    """
    found = _may_hold(tx, case_id, unseen=unseen, actor=actor, envelope=envelope, now=now)
    if not erasures.remove_hold(tx, found):
        raise Conflict("no legal hold is on this case")
    ledger.record(tx, Event("CaseReleased", (found,)), actor=actor, now=now)


def _may_hold(tx: Transaction, case_id: str, *, unseen: bool, actor: PartyId, envelope: Envelope, now: datetime) -> CaseId:
    """The case, for who coordinates it; or whatever an administrator names unseen, without a look whether there is one."""
    party = parties.get_party(tx, actor)
    party_rules.check_may(party, Scope.CASES_ERASE)
    if not (unseen and party_rules.may(party, Scope.PARTIES_MANAGE)):
        return coordinate(tx, case_id, envelope=envelope, actor=actor, now=now, closed=True).id
    if not has_shape(case_id):
        raise nothing_found(case_id)
    hold(tx, case_id)
    return CaseId(case_id)


def _check_ended(case_id: CaseId, state: CaseState) -> None:
    if state is CaseState.OPEN:
        raise Conflict(f"{case_id} is open; close it first, for an open case is still worked on")
    step(CASE_TRANSITIONS, "erase", state, ("coordinator",))


def _check_not_held(tx: Transaction, case_id: CaseId, envelope: Envelope) -> None:
    found = erasures.system_hold(tx, case_id, envelope)
    if found is not None:
        raise Conflict(f"a legal hold is on {case_id} since {found.held_at:%Y-%m-%d}; it is not erased before that is lifted")


def _person(tx: Transaction, actor: PartyId) -> Party:
    party = parties.get_party(tx, actor)
    party_rules.check_may(party, Scope.CASES_ERASE)
    if party.kind is not PartyKind.PERSON:
        raise NotPermitted(f"only people erase cases; {party.name} is of kind {party.kind}")
    return party
