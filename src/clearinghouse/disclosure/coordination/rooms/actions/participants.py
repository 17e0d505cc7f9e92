"""Who takes part: inviting, answering, leaving, removing, handing over, and each party's report-management state."""

from dataclasses import replace
from datetime import datetime

from clearinghouse.core.errors import Conflict, Invalid
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import CaseId, PartyId, has_shape
from clearinghouse.core.policy import RoomLimits
from clearinghouse.disclosure.coordination.rooms import rules
from clearinghouse.disclosure.coordination.rooms.actions.entering import coordinate, nothing_found, take_part, write_down
from clearinghouse.disclosure.coordination.rooms.records import (
    CaseRole,
    DecisionKind,
    Participant,
    Participation,
    ReportState,
    Room,
)
from clearinghouse.disclosure.coordination.rooms.states import PARTICIPATION_TRANSITIONS, REPORT_TRANSITIONS, step
from clearinghouse.disclosure.coordination.rooms.store import cases, participants, threads
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties import store as party_store
from clearinghouse.parties.records import Basis, Grant
from clearinghouse.storage import Envelope, Transaction

_CHANGED = Conflict("somebody else changed this participant in the same moment; look again, then decide")
_BASES = (Basis.PARTICIPANT, Basis.READ_IN)


def invite(
    tx: Transaction, case_id: str, party_id: str, role: CaseRole, reason: str, *, tier: int | None = None,
    until: datetime | None = None, actor: PartyId, envelope: Envelope, limits: RoomLimits, now: datetime,
) -> Participant:
    """Name a party as a participant; it sees nothing but the invitation and its reason until somebody of it accepts.

    Args:
        tier: everything by default, for an observer the summary.
        until: when its right to read ends; by default with its part.
    Raises:
        NotFound: the case is not the actor's to see, or there is no such party.
        NotPermitted: the actor does not coordinate the case.
        Invalid: there is no reason, the tier does not fit the role, or `until` is past.
        Conflict: the case is not open, its marks reach persons only, it holds its bound, or the party takes part already.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    party = parties.get_party(tx, party_id)
    rules.check_may_name(room.case.marks, person=party.kind in ("person", "program"))
    if until is not None and until <= now:
        raise Invalid("the right to read would end before it begins; name a later instant")
    fresh = Participant(
        party.id, role, Participation.INVITED, rules.tier_of_role(role, tier), until, ReportState.START, now, now, actor
    )
    known = participants.find_participant(tx, room, party.id)
    if known is None:
        if participants.system_count_participants(tx, room.id) >= limits.participants_max:
            raise Conflict(f"this case holds its bound of {limits.participants_max} participants")
        participants.add_participants(tx, room.id, [fresh])
    else:
        step(PARTICIPATION_TRANSITIONS, "invite", known.state, ("coordinator",))
        if not participants.save_participant(tx, room.id, known, replace(fresh, unnamed=known.unnamed)):
            raise _CHANGED
    write_down(tx, room, DecisionKind.INVITED, party.id, rules.parse_reason(reason), actor=actor, now=now)
    details: dict[str, Detail] = {"role": str(role), "tier": int(fresh.tier)}
    ledger.record(tx, Event("ParticipantInvited", (room.id, party.id), details), actor=actor, now=now)
    return fresh


def accept_invitation(tx: Transaction, case_id: str, *, actor: PartyId, now: datetime) -> Participant:
    """Take part, for oneself, one's organisation or one's team: from now on the room can be read.

    Raises:
        NotFound: nobody invited the actor to such a case, or it was answered before.
    """
    found_id, _, invited = _invitation(tx, case_id, actor=actor, now=now)
    joined = replace(
        invited, state=Participation.JOINED, joined_at=now, ended_at=None, report_state=ReportState.RECEIVED, report_state_at=now
    )
    if not participants.save_participant(tx, found_id, invited, joined):
        raise _CHANGED
    party_store.add_grants(tx, [_grant(found_id, joined)])
    details: dict[str, Detail] = {"role": str(joined.role), "tier": int(joined.tier)}
    ledger.record(tx, Event("ParticipantJoined", (found_id, joined.party), details), actor=actor, now=now)
    return joined


def decline_invitation(tx: Transaction, case_id: str, reason: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> None:
    """Say no to an invitation; a coordinator may invite anew.

    Raises:
        NotFound: nobody invited the actor to such a case, or it was answered before.
        Invalid: there is no reason.
    """
    found_id, wrapped, invited = _invitation(tx, case_id, actor=actor, now=now)
    declined = replace(invited, state=Participation.DECLINED, ended_at=now, report_state=ReportState.CLOSED, report_state_at=now)
    if not participants.save_participant(tx, found_id, invited, declined):
        raise _CHANGED
    cases.add_answer(tx, found_id, envelope.unwrap(wrapped, found_id), invited.party, rules.parse_reason(reason), actor, now)
    ledger.record(tx, Event("InvitationDeclined", (found_id, invited.party)), actor=actor, now=now)


def decline_case(tx: Transaction, case_id: str, reason: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> None:
    """End a vendor's work on a case: its report state closes, its place in the queue is free, others may be asked instead.

    It reads the room no longer; a coordinator may invite it again.
    Raises:
        NotFound: the case is not the actor's to see.
        NotPermitted: the actor acts for no vendor in it.
        Conflict: the case is not open, or the vendor's state is closed already.
        Invalid: there is no reason.
    """
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    known = _acting(tx, room)
    step(PARTICIPATION_TRANSITIONS, "decline case", known.state, (known.role,))
    step(REPORT_TRANSITIONS, "decline", known.report_state, (known.role,))
    ended = replace(known, state=Participation.DECLINED, ended_at=now, report_state=ReportState.CLOSED, report_state_at=now)
    _end(tx, room, known, ended, now)
    write_down(tx, room, DecisionKind.CASE_DECLINED, known.party, rules.parse_reason(reason), actor=actor, now=now)
    ledger.record(tx, Event("CaseDeclined", (room.id, known.party), {"from": str(known.report_state)}), actor=actor, now=now)


def leave(tx: Transaction, case_id: str, reason: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> None:
    """Stop taking part, for whom the actor acts here.

    Raises:
        NotFound: the case is not the actor's to see.
        NotPermitted: the actor takes no part in it.
        Conflict: the case is not open, or it would be left without a lead or a coordinator.
    """
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    known = _acting(tx, room)
    _check_may_go(tx, room, known)
    _end(tx, room, known, replace(known, state=Participation.LEFT, ended_at=now), now)
    write_down(tx, room, DecisionKind.LEFT, known.party, rules.parse_paragraph(reason), actor=actor, now=now)
    ledger.record(tx, Event("ParticipantLeft", (room.id, known.party)), actor=actor, now=now)


def remove_participant(
    tx: Transaction, case_id: str, party_id: str, reason: str, *, actor: PartyId, envelope: Envelope, now: datetime
) -> None:
    """End a party's part in a case, or an invitation it has not answered.

    Raises:
        NotFound: the case is not the actor's to see, or has no such participant.
        NotPermitted: the actor does not coordinate the case.
        Invalid: there is no reason.
        Conflict: the case is not open, or it would be left without a lead or a coordinator.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    known = _named(tx, room, party_id)
    _check_may_go(tx, room, known)
    _end(tx, room, known, replace(known, state=Participation.REMOVED, ended_at=now), now)
    write_down(tx, room, DecisionKind.REMOVED, known.party, rules.parse_reason(reason), actor=actor, now=now)
    ledger.record(tx, Event("ParticipantRemoved", (room.id, known.party)), actor=actor, now=now)


def hand_over(tx: Transaction, case_id: str, party_id: str, reason: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> None:
    """Make another coordinator of a case its lead.

    Raises:
        NotFound: the case is not the actor's to see, or has no such participant.
        NotPermitted: the actor does not coordinate the case.
        Conflict: the case is not open, the party is no coordinator in it or leads it already, or somebody was faster.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    known = _named(tx, room, party_id)
    if known.role is not CaseRole.COORDINATOR or known.state is not Participation.JOINED:
        raise Conflict("only a coordinator who takes part in the case can lead it; invite the party as one first")
    if known.party == room.case.lead:
        raise Conflict("this party leads the case already")
    if not cases.change_case(tx, room, lead=known.party):
        raise _CHANGED
    write_down(tx, room, DecisionKind.HANDED_OVER, known.party, rules.parse_reason(reason), actor=actor, now=now)
    ledger.record(tx, Event("LeadHandedOver", (room.id, known.party), {"from": room.case.lead}), actor=actor, now=now)


def change_tier(
    tx: Transaction, case_id: str, party_id: str, tier: int, reason: str, *, until: datetime | None = None, actor: PartyId,
    envelope: Envelope, now: datetime,
) -> None:
    """Read a participant in further, or less far, until an instant or until its part ends.

    Raises:
        NotFound: the case is not the actor's to see, or has no such participant.
        NotPermitted: the actor does not coordinate the case.
        Invalid: the tier does not fit the role, `until` is past, or there is no reason.
        Conflict: the case is not open, the party does not take part, or somebody was faster.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    known = _named(tx, room, party_id)
    if until is not None and until <= now:
        raise Invalid("the right to read would end at once; to end it, remove the participant")
    if known.state not in (Participation.JOINED, Participation.INVITED):
        raise Conflict(f"this participant has {known.state}; invite it again")
    changed = replace(known, tier=rules.tier_of_role(known.role, tier), until=until)
    if not participants.save_participant(tx, room.id, known, changed):
        raise _CHANGED
    if known.state is Participation.JOINED:
        party_store.end_grants(tx, room.id, known.party, _BASES, now)
        party_store.add_grants(tx, [_grant(room.id, changed)])
    write_down(tx, room, DecisionKind.TIER_CHANGED, known.party, rules.parse_reason(reason), actor=actor, now=now)
    details: dict[str, Detail] = {"from": known.tier, "to": int(changed.tier)}
    ledger.record(tx, Event("TierChanged", (room.id, known.party), details), actor=actor, now=now)


def move_report_state(
    tx: Transaction, case_id: str, verb: str, *, party_id: str | None = None, reason: str = "", actor: PartyId, envelope: Envelope,
    now: datetime,
) -> ReportState:
    """Take a step of report management (`receive`, `validate`, `invalidate`, `accept`, `defer`, `close`).

    Args:
        party_id: for whom; by default whom the actor acts for. A coordinator may note what another party did where the
            table says so.
    Raises:
        NotFound: the case is not the actor's to see, or has no such participant.
        NotPermitted: the step is not the actor's to take.
        Conflict: the case is not open, the table has no such step from here, or somebody was faster.
    """
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    known = _acting(tx, room) if party_id is None else _named(tx, room, party_id)
    if not rules.is_told_of(known, room.standing) or known.party in rules.hidden_parties([known], room.standing):
        raise nothing_found(known.party)
    own = known.party in room.standing.parties
    by = (*(("participant",) if own else ()), *(("coordinator",) if room.standing.coordinates else ()))
    if verb in ("decline", "withdraw", "reinstate"):
        raise Conflict(f"to {verb} has consequences beyond the state: decline the case, or withdraw or reinstate the report")
    if known.state is not Participation.JOINED:
        raise Conflict(f"this participant is {known.state}; it takes steps once it takes part")
    end = ReportState(step(REPORT_TRANSITIONS, verb, known.report_state, by))
    if not participants.save_participant(tx, room.id, known, replace(known, report_state=end, report_state_at=now)):
        raise _CHANGED
    if cleaned := rules.parse_paragraph(reason):
        write_down(tx, room, DecisionKind.REPORT_STATE, known.party, cleaned, actor=actor, now=now)
    details: dict[str, Detail] = {"from": str(known.report_state), "to": str(end), "step": verb}
    ledger.record(tx, Event("ReportStateChanged", (room.id, known.party), details), actor=actor, now=now)
    return end


def _invitation(tx: Transaction, case_id: str, *, actor: PartyId, now: datetime) -> tuple[CaseId, bytes, Participant]:
    found = participants.find_invitation(tx, case_id, viewer=actor, now=now) if has_shape(case_id) else None
    if found is None:
        raise nothing_found(case_id)
    return found


def _acting(tx: Transaction, room: Room) -> Participant:
    """The participant the actor acts for."""
    return _named(tx, room, room.standing.party)


def _named(tx: Transaction, room: Room, party_id: str) -> Participant:
    known = participants.find_participant(tx, room, party_id)
    if known is None:
        raise nothing_found(party_id)
    return known


def _check_may_go(tx: Transaction, room: Room, known: Participant) -> None:
    others = [
        one for one in participants.system_participants(tx, room.id)
        if one.role is CaseRole.COORDINATOR and one.state is Participation.JOINED and one.party != known.party
    ]
    rules.check_may_go(known.state, leads=known.party == room.case.lead, coordinators_left=len(others), role=known.role)


def _end(tx: Transaction, room: Room, known: Participant, ended: Participant, now: datetime) -> None:
    """End what a party may read here, side threads included."""
    if not participants.save_participant(tx, room.id, known, ended):
        raise _CHANGED
    party_store.end_grants(tx, room.id, known.party, _BASES, now)
    threads.remove_from_all(tx, room.id, known.party, now)


def _grant(case_id: CaseId, one: Participant) -> Grant:
    if rules.is_read_in(one.role, one.tier):
        return Grant(case_id, one.party, Basis.READ_IN, one.until, one.tier, one.invited_by, one.joined_at)
    return Grant(case_id, one.party, Basis.PARTICIPANT, one.until, None, one.invited_by, one.joined_at)


__all__ = [
    "accept_invitation", "change_tier", "decline_case", "decline_invitation", "hand_over", "invite", "leave",
    "move_report_state", "remove_participant",
]
