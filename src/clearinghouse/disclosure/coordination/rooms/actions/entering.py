"""What every action on a room begins and ends with: entering it as the actor, and writing a decision down."""

from collections.abc import Iterable
from datetime import datetime

from clearinghouse.core.errors import Conflict, NotFound
from clearinghouse.core.ids import DecisionId, PartyId, has_shape, new_id
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.coordination.rooms import rules
from clearinghouse.disclosure.coordination.rooms.records import CaseState, Decision, DecisionKind, Room
from clearinghouse.disclosure.coordination.rooms.store import cases, participants
from clearinghouse.parties import actions as parties
from clearinghouse.parties import rules as party_rules
from clearinghouse.parties import store as party_store
from clearinghouse.storage import Envelope, Transaction


def nothing_found(untrusted_id: str) -> NotFound:
    """The one answer for what is not there and what is not the viewer's."""
    return NotFound(f"nothing found under {untrusted_id[:40]!r}")


def enter(tx: Transaction, case_id: str, *, envelope: Envelope, viewer: PartyId, now: datetime) -> Room:
    """A case as the viewer may see it.

    Raises:
        NotFound: there is none that the viewer may see.
        Conflict: it was erased.
    """
    room = cases.find_room(tx, case_id, envelope, viewer=viewer, now=now) if has_shape(case_id) else None
    if room is None:
        raise nothing_found(case_id)
    check_not_erased(room)
    return room


def check_not_erased(room: Room) -> None:
    """Raise where nothing of a case is left to read.

    Raises:
        Conflict: the case was erased.
    """
    if room.case.state is CaseState.ERASED:
        raise Conflict(
            f"{room.id} was erased on {room.case.state_at:%Y-%m-%d}: what was written in it cannot be read again; that it was, and by "
            "whom, stays on the record"
        )


def hold(tx: Transaction, *untrusted_ids: str) -> None:
    """Have others who act on these cases wait until this transaction ends: what is decided on is what stands."""
    known = sorted({case_id for case_id in untrusted_ids if has_shape(case_id)})
    if known:
        cases.system_lock(tx, known)


def take_part(tx: Transaction, case_id: str, *, envelope: Envelope, actor: PartyId, now: datetime) -> Room:
    """An open case that the actor takes part in.

    Raises:
        NotFound: there is none that the actor may see.
        NotPermitted: the actor may look and takes no part.
        Conflict: the case is not open.
    """
    hold(tx, case_id)
    room = enter(tx, case_id, envelope=envelope, viewer=actor, now=now)
    rules.check_takes_part(room.standing)
    rules.check_open(room)
    return room


def coordinate(tx: Transaction, case_id: str, *, envelope: Envelope, actor: PartyId, now: datetime, closed: bool = False) -> Room:
    """A case that the actor coordinates; open unless `closed` says that any will do.

    Raises:
        NotFound: there is none that the actor may see.
        NotPermitted: the actor is no coordinator of it, or no coordinator of this instance at all.
        Conflict: the case is not open.
    """
    hold(tx, case_id)
    room = enter(tx, case_id, envelope=envelope, viewer=actor, now=now)
    rules.check_coordinates(room.standing)
    # An organisation may coordinate; of its people, those who hold the role act for it.
    party_rules.check_may(parties.get_party(tx, actor), Scope.CASES_DECIDE)
    if not closed:
        rules.check_open(room)
    return room


def hidden_among(tx: Transaction, room: Room, party_ids: Iterable[str]) -> frozenset[str]:
    """Of these parties, those whose id the viewer must not be given: who is not named, and the people of such an organisation."""
    hidden = rules.hidden_parties(participants.system_participants(tx, room.id), room.standing)
    known = party_store.name_parties(tx, sorted(set(party_ids)))
    return frozenset(party for party, (_, organisation) in known.items() if party in hidden or organisation in hidden)


def write_down(
    tx: Transaction, room: Room, kind: DecisionKind, subject: str, reason: str, *, actor: PartyId, now: datetime
) -> DecisionId:
    """Keep why something was done; the deed leaves its own event."""
    decision = Decision(DecisionId(new_id("dec")), kind, subject, now, actor, reason)
    cases.add_decision(tx, room, decision)
    return decision.id
