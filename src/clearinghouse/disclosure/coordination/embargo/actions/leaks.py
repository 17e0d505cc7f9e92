"""Leaks: something of a case seen where it should not be. What is confirmed to be public ends the embargo for all."""

from datetime import datetime, timedelta

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Conflict, Invalid
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, new_id
from clearinghouse.core.terms import Milestone
from clearinghouse.disclosure.coordination.embargo.actions.keeping import PolicyOf, end_embargo, recompute
from clearinghouse.disclosure.coordination.embargo.records import DeadlineKind, ExitReason, Fact, Leak, LeakState, Timetable
from clearinghouse.disclosure.coordination.embargo.store import deadlines, embargoes
from clearinghouse.disclosure.coordination.rooms.actions import coordinate, take_part
from clearinghouse.disclosure.coordination.rooms.actions.entering import nothing_found
from clearinghouse.disclosure.coordination.rooms.records import Room
from clearinghouse.disclosure.coordination.rooms.rules import parse_reason
from clearinghouse.ledger import actions as ledger
from clearinghouse.storage import Envelope, Transaction


def record_leak(
    tx: Transaction, case_id: str, where: str, seen_at: datetime, *, actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime
) -> Leak:
    """That something of the case was seen elsewhere; every participant may say so. A coordinator judges it within `leak_hours`.

    Args:
        where: address or words; sealed.
    Raises:
        NotFound: there is no case that the actor may see.
        NotPermitted: the actor takes no part in it.
        Invalid: nothing is said of where, or the instant lies ahead.
        Conflict: the case is not open.
    """
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    if seen_at > now:
        raise Invalid("what was seen was seen before now")
    policy = policy_of(tx, room.case.policy_version)
    embargo = embargoes.begin(tx, room.id)
    leak = Leak(new_id("lek"), LeakState.SUSPECTED, seen_at, now, actor, parse_reason(where))
    embargoes.add_leak(tx, room, leak)
    due_at = now + timedelta(hours=policy.embargo.leak_hours)
    deadlines.system_set_deadlines(tx, leak.id, [DeadlineKind.LEAK_CHECK], [(DeadlineKind.LEAK_CHECK, "", due_at)])
    details: dict[str, Detail] = {"due_at": render_instant(due_at)}
    ledger.record(tx, Event("LeakSuspected", (room.id, embargo.id, leak.id), details), actor=actor, now=now)
    return leak


def confirm_leak(
    tx: Transaction, case_id: str, leak_id: str, *, public: bool, actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime
) -> Timetable:
    """That it is one; a coordinator's word. Where everybody can see it, the embargo ends for all from the instant it was seen.

    Args:
        public: False where it reached somebody it should not have reached, and not the public: the embargo stands.
    Raises:
        NotFound: there is no such case, or no leak in it that waits.
        NotPermitted: the actor does not coordinate the case.
        Conflict: the case is not open.
    """
    room, leak = _judge(tx, case_id, leak_id, LeakState.CONFIRMED, actor=actor, envelope=envelope, now=now)
    embargo = embargoes.begin(tx, room.id)
    ledger.record(tx, Event("LeakConfirmed", (room.id, embargo.id, leak.id), {"public": public}), actor=actor, now=now)
    if public:
        embargoes.add_fact(tx, room, Fact(new_id("fct"), Milestone.PUBLIC, leak.seen_at, "", now, actor, leak.where))
        end_embargo(tx, embargo, leak.seen_at, ExitReason.LEAKED, actor=actor, now=now)
    return recompute(tx, room, policy_of, actor=actor, now=now)


def dismiss_leak(
    tx: Transaction, case_id: str, leak_id: str, *, actor: PartyId, envelope: Envelope, now: datetime
) -> None:
    """That it is none; a coordinator's word.

    Raises:
        NotFound: there is no such case, or no leak in it that waits.
        NotPermitted: the actor does not coordinate the case.
        Conflict: the case is not open.
    """
    room, leak = _judge(tx, case_id, leak_id, LeakState.DISMISSED, actor=actor, envelope=envelope, now=now)
    ledger.record(tx, Event("LeakDismissed", (room.id, leak.id)), actor=actor, now=now)


def _judge(
    tx: Transaction, case_id: str, leak_id: str, state: LeakState, *, actor: PartyId, envelope: Envelope, now: datetime
) -> tuple[Room, Leak]:
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    embargoes.begin(tx, room.id)
    leak = next((one for one in embargoes.list_leaks(tx, room) if one.id == leak_id), None)
    if leak is None:
        raise nothing_found(leak_id)
    if not embargoes.settle_leak(tx, room, leak_id, state, actor, now):
        raise Conflict(f"this leak is {leak.state} already")
    deadlines.system_set_deadlines(tx, leak_id, [DeadlineKind.LEAK_CHECK], [])
    return room, leak
