"""What contact does: watch over a party that should answer, log attempts, acknowledge, take the next step."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import cast

from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, new_id
from clearinghouse.core.policy import ContactPolicy
from clearinghouse.core.terms import Milestone
from clearinghouse.core.untrusted import clean_line
from clearinghouse.disclosure.coordination.contact import rules, store
from clearinghouse.disclosure.coordination.contact.records import Acted, Attempt, Channel, ContactState, Result, Watch
from clearinghouse.disclosure.coordination.embargo import actions as embargo
from clearinghouse.disclosure.coordination.embargo.actions import Handling, PolicyOf
from clearinghouse.disclosure.coordination.embargo.actions.sweeping import Handler
from clearinghouse.disclosure.coordination.embargo.records import DeadlineKind
from clearinghouse.disclosure.coordination.embargo.store import deadlines
from clearinghouse.disclosure.coordination.rooms.actions import coordinate, enter, take_part
from clearinghouse.disclosure.coordination.rooms.actions.entering import nothing_found, write_down
from clearinghouse.disclosure.coordination.rooms.records import DecisionKind, Participation, Room
from clearinghouse.disclosure.coordination.rooms.rules import parse_paragraph, parse_reason
from clearinghouse.disclosure.coordination.rooms.states import step
from clearinghouse.disclosure.coordination.rooms.store import participants
from clearinghouse.ledger import actions as ledger
from clearinghouse.storage import Envelope, Transaction

_KINDS = (DeadlineKind.CONTACT_REMINDER, DeadlineKind.CONTACT_SILENCE, DeadlineKind.CONTACT_RESORT)
_HINT_CHARACTERS_MAX = 120
_CHANGED = Conflict("somebody else changed this watch in the same moment; look again, then decide")


def begin_watch(
    tx: Transaction, case_id: str, whom: str, *, party: str = "", actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime
) -> Watch:
    """Expect an answer of somebody from now on: reminders, and the day silence is silence, are set.

    Args:
        whom: in words; sealed.
        party: its id where it is a party of this instance, invited to the case or in it.
    Raises:
        NotFound: there is no case that the actor may see, or the party has no part in it.
        NotPermitted: the actor does not coordinate it.
        Invalid: nobody is named.
        Conflict: the party is watched over already, or the case is not open.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    known = {one.party for one in participants.system_participants(tx, room.id) if one.state in (Participation.INVITED, Participation.JOINED)}
    if party and party not in known:
        raise nothing_found(party)
    if party and any(one.party == party and one.state is not ContactState.CLOSED for one in store.list_watches(tx, room)):
        raise Conflict("this party is watched over already; close that watch first")
    watch = Watch(new_id("wat"), room.id, party, clean_line(parse_reason(whom), 300), now, actor, ContactState.WAITING, now)
    store.add_watch(tx, room, watch)
    _set(tx, watch, policy_of(tx, room.case.policy_version).contact)
    ledger.record(tx, Event("ContactWatched", (room.id, watch.id), {"party": party}), actor=actor, now=now)
    return watch


def log_attempt(
    tx: Transaction, case_id: str, watch_id: str, channel: Channel, result: Result, *, at: datetime, hint: str = "", note: str = "",
    actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime,
) -> Watch:
    """One attempt to reach a party, for the log that later steps rest on. An answer acknowledges.

    Args:
        hint: enough of the address to tell it from another; sealed.
    Raises:
        NotFound: there is no such case, or no such watch in it.
        NotPermitted: the actor does not coordinate the case.
        Invalid: the attempt lies ahead, or before the watch began.
        Conflict: the watch is closed, or the case is not open.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    watch = _find(tx, room, watch_id)
    if watch.state is ContactState.CLOSED:
        raise Conflict("this watch is closed; begin a new one")
    if not watch.begun_at <= at <= now:
        raise Invalid("an attempt lies between the beginning of the watch and now")
    attempt = Attempt(new_id("att"), at, channel, result, actor, clean_line(hint, _HINT_CHARACTERS_MAX), parse_paragraph(note))
    store.add_attempt(tx, room, watch, attempt, now)
    details: dict[str, Detail] = {"channel": str(channel), "result": str(result)}
    ledger.record(tx, Event("ContactAttempted", (room.id, watch.id, attempt.id), details), actor=actor, now=now)
    logged = replace(watch, attempts=(*watch.attempts, attempt))
    if not rules.answers(attempt) or watch.state is ContactState.ACKNOWLEDGED:
        return logged
    return _acknowledge(tx, room, logged, at, actor=actor, envelope=envelope, policy_of=policy_of, now=now)


def acknowledge(
    tx: Transaction, case_id: str, watch_id: str, *, actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime
) -> Watch:
    """That a party has answered: a coordinator's word, or the party's own.

    Raises:
        NotFound: there is no such case, or no such watch in it.
        NotPermitted: the actor is neither.
        Conflict: it has answered before, the watch is closed, or the case is not open.
    """
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    watch = _find(tx, room, watch_id)
    if not room.standing.coordinates and watch.party != room.standing.party:
        raise NotPermitted("the party itself acknowledges, or a coordinator of the case")
    done = _acknowledge(tx, room, watch, now, actor=actor, envelope=envelope, policy_of=policy_of, now=now)
    # The log is the coordinators': how often and where they tried, and what they thought of it.
    return done if room.standing.coordinates else replace(done, attempts=())


def act(
    tx: Transaction, case_id: str, watch_id: str, acted: Acted, reason: str, *, actor: PartyId, envelope: Envelope, policy_of: PolicyOf,
    now: datetime,
) -> Watch:
    """Take the next step with a silent party: escalate, or go on to a maintainer of last resort.

    Raises:
        NotFound: there is no such case, or no such watch in it.
        NotPermitted: the actor does not coordinate the case.
        Invalid: there is no reason.
        Conflict: the step is not the next one, its day has not come, or the log lacks attempts: the message says which.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    watch = _find(tx, room, watch_id)
    cleaned = parse_reason(reason)
    policy = policy_of(tx, room.case.policy_version).contact
    state = rules.check_may_act(watch, acted, now, policy)
    after = replace(watch, state=state, state_at=now, resort_at=now if acted is Acted.BEGIN_RESORT else watch.resort_at)
    _save(tx, watch, after, policy)
    _keep_reason(tx, room, watch.id, cleaned, actor=actor, now=now)
    ledger.record(tx, Event("ContactEscalated", (room.id, watch.id), {"step": str(acted), "state": str(state)}), actor=actor, now=now)
    return after


def wait_again(
    tx: Transaction, case_id: str, watch_id: str, *, actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime
) -> Watch:
    """A party that answered once has fallen silent: its clock starts anew.

    Raises:
        NotFound: there is no such case, or no such watch in it.
        NotPermitted: the actor does not coordinate the case.
        Conflict: it has not answered, or the case is not open.
    """
    return _move(tx, case_id, watch_id, "wait again", "ContactWatched", actor=actor, envelope=envelope, policy_of=policy_of, now=now)


def close_watch(
    tx: Transaction, case_id: str, watch_id: str, *, actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime
) -> Watch:
    """Expect no answer any more.

    Raises:
        NotFound: there is no such case, or no such watch in it.
        NotPermitted: the actor does not coordinate the case.
        Conflict: the watch is closed, or the case is not open.
    """
    return _move(tx, case_id, watch_id, "close", "ContactWatchClosed", actor=actor, envelope=envelope, policy_of=policy_of, now=now)


def list_watches(tx: Transaction, case_id: str, *, envelope: Envelope, viewer: PartyId, now: datetime) -> list[Watch]:
    """The watches of a case with their logs: all of them for its coordinators, for others the one about themselves, without its log.

    Raises:
        NotFound: there is no case that the viewer may see.
    """
    room = enter(tx, case_id, envelope=envelope, viewer=viewer, now=now)
    found = store.list_watches(tx, room)
    if room.standing.coordinates:
        return found
    return [replace(one, attempts=()) for one in found if one.party and one.party in room.standing.parties]


def _remind(tx: Transaction, due: Handling) -> None:
    _tell(tx, due, "ContactReminderDue", (ContactState.WAITING,))


def _silent(tx: Transaction, due: Handling) -> None:
    _tell(tx, due, "PartySilent", (ContactState.WAITING,))


def _resort(tx: Transaction, due: Handling) -> None:
    _tell(tx, due, "ResortStepDue", (
        ContactState.RESORT_BEGUN, ContactState.RESORT_FIRST, ContactState.RESORT_SECOND, ContactState.RESORT_THIRD,
    ), step=due.deadline.name)


HANDLERS: Mapping[DeadlineKind, Handler] = {
    DeadlineKind.CONTACT_REMINDER: _remind, DeadlineKind.CONTACT_SILENCE: _silent, DeadlineKind.CONTACT_RESORT: _resort,
}
"""What follows on the deadlines of contact: coordinators are told; every step is theirs to take, with the log it needs."""


def _tell(tx: Transaction, due: Handling, kind: str, states: tuple[ContactState, ...], **more: Detail) -> None:
    watch = store.system_watch(tx, due.deadline.object_id)
    subjects = (due.deadline.object_id,) if watch is None else (watch.case_id, watch.id)
    passed = watch is None or watch.state not in states
    ledger.record(tx, Event("DeadlinePassed" if passed else kind, subjects, due.details(**more)), actor=due.actor, now=due.now)


def _find(tx: Transaction, room: Room, watch_id: str) -> Watch:
    found = next((one for one in store.list_watches(tx, room) if one.id == watch_id), None)
    if found is None or not (room.standing.coordinates or found.party in room.standing.parties):
        raise nothing_found(watch_id)
    return found


def _acknowledge(
    tx: Transaction, room: Room, watch: Watch, at: datetime, *, actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime
) -> Watch:
    state = cast("ContactState", step(rules.CONTACT_TRANSITIONS, "acknowledge", watch.state, ("coordinator", "vendor")))
    after = replace(watch, state=state, state_at=now, resort_at=None)
    _save(tx, watch, after, policy_of(tx, room.case.policy_version).contact)
    ledger.record(tx, Event("ContactAcknowledged", (room.id, watch.id), {"party": watch.party}), actor=actor, now=now)
    joined = watch.party and any(
        one.party == watch.party and one.state is Participation.JOINED for one in participants.system_participants(tx, room.id)
    )
    if joined:
        # The answer starts clocks that count from it.
        embargo.record_fact(
            tx, room.id, Milestone.ACKNOWLEDGED, at, party=watch.party, actor=actor, envelope=envelope, policy_of=policy_of, now=now
        )
    return after


def _move(
    tx: Transaction, case_id: str, watch_id: str, verb: str, kind: str, *, actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime
) -> Watch:
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    watch = _find(tx, room, watch_id)
    state = cast("ContactState", step(rules.CONTACT_TRANSITIONS, verb, watch.state, ("coordinator",)))
    after = replace(watch, state=state, state_at=now)
    _save(tx, watch, after, policy_of(tx, room.case.policy_version).contact)
    ledger.record(tx, Event(kind, (room.id, watch.id), {"party": watch.party}), actor=actor, now=now)
    return after


def _save(tx: Transaction, before: Watch, after: Watch, policy: ContactPolicy) -> None:
    if not store.save_watch(tx, before, after):
        raise _CHANGED
    _set(tx, after, policy)


def _set(tx: Transaction, watch: Watch, policy: ContactPolicy) -> None:
    deadlines.system_set_deadlines(tx, watch.id, _KINDS, rules.deadlines_of(watch, policy))


def _keep_reason(tx: Transaction, room: Room, subject: str, reason: str, *, actor: PartyId, now: datetime) -> None:
    write_down(tx, room, DecisionKind.ESCALATION, subject, reason, actor=actor, now=now)
