"""What every change to an embargo ends with: the timetable computed anew and kept, deadlines set, the difference on the record."""

from collections.abc import Callable
from datetime import datetime

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Conflict
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId
from clearinghouse.core.policy import Policy
from clearinghouse.disclosure.coordination.embargo import gathering
from clearinghouse.disclosure.coordination.embargo.gathering import Situation
from clearinghouse.disclosure.coordination.embargo.records import (
    Consent,
    Embargo,
    EmbargoState,
    ExitReason,
    Timetable,
    TimetableState,
)
from clearinghouse.disclosure.coordination.embargo.rules import compute_timetable
from clearinghouse.disclosure.coordination.embargo.states import EMBARGO_TRANSITIONS
from clearinghouse.disclosure.coordination.embargo.store import deadlines, embargoes
from clearinghouse.disclosure.coordination.rooms.records import Room
from clearinghouse.disclosure.coordination.rooms.states import step
from clearinghouse.disclosure.coordination.rooms.store import cases, participants
from clearinghouse.ledger import actions as ledger
from clearinghouse.storage import Transaction

PolicyOf = Callable[[Transaction, int], Policy]
"""The policy of a version: a case keeps the one it began under."""


def read_situation(tx: Transaction, room: Room, embargo: Embargo, policy_of: PolicyOf, now: datetime) -> Situation:
    """All that is kept of a case's embargo."""
    policy = policy_of(tx, room.case.policy_version)
    recorded = embargoes.list_facts(tx, room)
    applied = embargoes.list_terms(tx, room)
    proposals = embargoes.list_proposals(tx, room)
    consents = embargoes.system_consents(tx, room.id)
    present = gathering.present_of(participants.system_participants(tx, room.id), now)
    regimes: dict[str, frozenset[str]] = {}
    for (party, law), applies in sorted(embargoes.list_regimes(tx, room).items()):
        regimes[law] = regimes.get(law, frozenset()) | ({party} if applies else set())
    facts = gathering.gather_facts(
        embargo, recorded, proposals, consents, present, cases.system_first_received(tx, room.id), embargoes.list_duties_met(tx, room),
        regimes,
    )
    return Situation(
        embargo, facts, gathering.terms_of(applied, policy), policy.duties, tuple(recorded), tuple(applied), tuple(proposals), consents,
        present, policy,
    )


def recompute(tx: Transaction, room: Room, policy_of: PolicyOf, *, actor: PartyId, now: datetime) -> Timetable:
    """The timetable of a case as it is now, kept with its deadlines; a difference leaves `TimetableChanged`."""
    embargo = embargoes.begin(tx, room.id)
    found = read_situation(tx, room, embargo, policy_of, now)
    timetable = compute_timetable(found.facts, found.terms, now, found.duties)
    before = (embargo.timetable_state, embargo.ends_at, embargo.rank, embargo.term_id)
    after = (timetable.state, timetable.ends_at, timetable.rank, timetable.term_id[:64])
    if before != after:
        embargoes.keep_timetable(tx, room.id, timetable)
        details: dict[str, Detail] = {
            "old": None if embargo.ends_at is None else render_instant(embargo.ends_at),
            "new": None if timetable.ends_at is None else render_instant(timetable.ends_at),
            "old_state": None if embargo.timetable_state is None else str(embargo.timetable_state), "new_state": str(timetable.state),
            "old_rank": None if embargo.rank is None else str(embargo.rank), "new_rank": None if timetable.rank is None else str(timetable.rank),
        }
        ledger.record(tx, Event("TimetableChanged", (room.id, embargo.id), details), actor=actor, now=now)
    waiting = [(one.kind, one.name, one.due_at) for one in deadlines.system_waiting(tx, room.id)]
    wanted = gathering.deadlines_of(timetable, embargo, waiting, found.policy, now)
    deadlines.system_set_deadlines(tx, room.id, gathering.TIMETABLE_KINDS, wanted)
    return timetable


def end_embargo(
    tx: Transaction, embargo: Embargo, at: datetime, reason: ExitReason, *, actor: PartyId, now: datetime, late: bool = False
) -> bool:
    """End the embargo of a case for all; False where it has ended before. `EmbargoEnded` names everybody who is to be told."""
    if embargo.state is EmbargoState.EXITED:
        return False
    step(EMBARGO_TRANSITIONS, "end", embargo.state, ("coordinator", "timer"))
    if not embargoes.change_state(tx, embargo, EmbargoState.EXITED, exited_at=at, reason=reason):
        raise Conflict("somebody else changed this embargo in the same moment; look again, then decide")
    embargoes.system_lapse_proposals(tx, embargo.case_id, now)
    consents = embargoes.system_consents(tx, embargo.case_id)
    embargoes.keep_consents(tx, embargo.case_id, ((party, Consent.NONE) for party in consents), now)
    present = gathering.present_of(participants.system_participants(tx, embargo.case_id), now)
    details: dict[str, Detail] = {
        "at": render_instant(at), "reason": str(reason), "tell": [str(party) for party in sorted(one.party for one in present)], "late": late,
    }
    ledger.record(tx, Event("EmbargoEnded", (embargo.case_id, embargo.id), details), actor=actor, now=now)
    return True


def check_lasts(embargo: Embargo, now: datetime) -> None:
    """Raise Conflict where the embargo has ended or run out: nothing can be agreed on any more."""
    if embargo.state is EmbargoState.EXITED:
        raise Conflict("the embargo has ended and does not come back; publish, or agree on something new in another case")
    ran_out = embargo.timetable_state in (TimetableState.RUNNING, TimetableState.ENDED) and embargo.ends_at is not None
    if ran_out and embargo.ends_at is not None and embargo.ends_at <= now:
        raise Conflict("the embargo ran out; what was to be agreed on had to be agreed on before")
