"""Participants: who takes part in a case, as what, and where each stands with the report."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, func, insert, or_, select, update

from clearinghouse.core.ids import CaseId, PartyId
from clearinghouse.disclosure.coordination.rooms import rules
from clearinghouse.disclosure.coordination.rooms.records import CaseRole, Participant, Participation, ReportState, Room
from clearinghouse.disclosure.coordination.rooms.store.tables import case_decisions, case_participants, cases, unseal
from clearinghouse.parties.records import Tier
from clearinghouse.parties.store import own_parties, parties
from clearinghouse.storage import Envelope, Transaction


def add_participants(tx: Transaction, case_id: CaseId, new: Sequence[Participant]) -> None:
    """Name parties for the first time."""
    tx.write(insert(case_participants), [{"case_id": case_id, "party_id": one.party, **_columns(one)} for one in new])


def save_participant(tx: Transaction, case_id: CaseId, before: Participant, after: Participant) -> bool:
    """Keep a changed participant; False where somebody else changed it meanwhile."""
    return tx.write(update(case_participants).where(
        case_participants.c.case_id == case_id, case_participants.c.party_id == before.party,
        case_participants.c.state == before.state, case_participants.c.report_state == before.report_state,
        case_participants.c.tier == before.tier,
    ).values(**_columns(after))) == 1


def list_participants(tx: Transaction, room: Room) -> list[Participant]:
    """The participants a viewer is told of, past ones included, in order of being named."""
    return [one for one in system_participants(tx, room.id) if rules.is_told_of(one, room.standing)]


def find_participant(tx: Transaction, room: Room, party: str) -> Participant | None:
    """One participant, for an action on it; what the viewer is told of it is for the action to say."""
    row = tx.row(select(case_participants).where(case_participants.c.case_id == room.id, case_participants.c.party_id == party))
    return None if row is None else _participant(row)


def system_participants(tx: Transaction, case_id: str) -> list[Participant]:
    """Everybody of a case, for notices, timers and the embargo; shown to nobody."""
    query = select(case_participants).where(case_participants.c.case_id == case_id)
    return [_participant(row) for row in tx.rows(query.order_by(case_participants.c.invited_at, case_participants.c.party_id))]


def system_cases_of_vendor(tx: Transaction, party: PartyId) -> list[tuple[CaseId, PartyId]]:
    """The open cases a party, or somebody of it, takes part in as a vendor, and as whom; for follow-ups, in order of their ids."""
    query = select(case_participants.c.case_id, case_participants.c.party_id).join(
        cases, and_(cases.c.case_id == case_participants.c.case_id, cases.c.state == "open")
    ).join(parties, parties.c.party_id == case_participants.c.party_id).where(
        case_participants.c.role == CaseRole.VENDOR, case_participants.c.state == Participation.JOINED,
        or_(parties.c.party_id == party, parties.c.organisation_id == party),
    )
    return [(CaseId(row.case_id), PartyId(row.party_id)) for row in tx.rows(query.order_by(case_participants.c.case_id, case_participants.c.party_id))]


def system_count_participants(tx: Transaction, case_id: CaseId) -> int:
    """How many participants were ever named, for the bound."""
    return int(tx.value(select(func.count()).where(case_participants.c.case_id == case_id)) or 0)


def system_named_like(tx: Transaction, case_ids: Sequence[str], name: str, limit: int = 500) -> list[tuple[CaseId, Participant, str, PartyId | None]]:
    """Participants of these cases whose name holds a text, each with name and organisation; who shows them asks who may be named."""
    query = select(case_participants, parties.c.name, parties.c.organisation_id).join(
        parties, parties.c.party_id == case_participants.c.party_id
    ).where(
        case_participants.c.case_id.in_(list(case_ids) if name else []), case_participants.c.state == Participation.JOINED,
        func.lower(parties.c.name).contains(name.lower(), autoescape=True),
    ).order_by(case_participants.c.joined_at.desc(), case_participants.c.party_id).limit(limit)
    return [
        (CaseId(row.case_id), _participant(row), row.name, None if row.organisation_id is None else PartyId(row.organisation_id))
        for row in tx.rows(query)
    ]


def system_beside(tx: Transaction, case_ids: Sequence[str], party_ids: Sequence[str]) -> dict[tuple[str, str], Participant]:
    """How these parties take part in these cases, by case and party, for deciding who may be named."""
    query = select(case_participants).where(case_participants.c.case_id.in_(list(case_ids)), case_participants.c.party_id.in_(list(party_ids)))
    return {(row.case_id, row.party_id): _participant(row) for row in tx.rows(query)}


def list_invitations(
    tx: Transaction, envelope: Envelope, *, viewer: PartyId, now: datetime, limit: int
) -> list[tuple[CaseId, Participant, str]]:
    """What the viewer, its organisation or its teams are invited to and have not answered, newest first, each with its reason.

    Nothing else of the case is told before it is accepted.
    """
    reason = select(func.max(case_decisions.c.number)).where(
        case_decisions.c.case_id == case_participants.c.case_id, case_decisions.c.subject == case_participants.c.party_id,
        case_decisions.c.kind == "invited",
    ).correlate(case_participants).scalar_subquery()
    query = select(case_participants, cases.c.wrapped_key, case_decisions.c.decision_id, case_decisions.c.sealed).join(
        cases, and_(cases.c.case_id == case_participants.c.case_id, cases.c.state == "open")
    ).outerjoin(case_decisions, case_decisions.c.number == reason).where(
        case_participants.c.party_id.in_(own_parties(viewer, now)), case_participants.c.state == Participation.INVITED,
        or_(case_participants.c.until.is_(None), case_participants.c.until > now),
    ).order_by(case_participants.c.invited_at.desc(), case_participants.c.case_id).limit(limit)
    return [
        (CaseId(row.case_id), _participant(row),
         "" if row.decision_id is None else unseal(envelope.unwrap(bytes(row.wrapped_key), row.case_id), row.sealed, row.decision_id, str))
        for row in tx.rows(query)
    ]


def count_invitations(tx: Transaction, *, viewer: PartyId, now: datetime) -> int:
    """How many there are of them."""
    query = select(func.count()).select_from(case_participants).join(
        cases, and_(cases.c.case_id == case_participants.c.case_id, cases.c.state == "open")
    ).where(
        case_participants.c.party_id.in_(own_parties(viewer, now)), case_participants.c.state == Participation.INVITED,
        or_(case_participants.c.until.is_(None), case_participants.c.until > now),
    )
    return int(tx.value(query) or 0)


def find_invitation(
    tx: Transaction, case_id: str, *, viewer: PartyId, now: datetime
) -> tuple[CaseId, bytes, Participant] | None:
    """The invitation of the viewer's (or its organisation's, or a team's) to a case, with the wrapped key of the case."""
    row = tx.row(select(case_participants, cases.c.wrapped_key).join(
        cases, and_(cases.c.case_id == case_participants.c.case_id, cases.c.state == "open")
    ).where(
        case_participants.c.case_id == case_id, case_participants.c.party_id.in_(own_parties(viewer, now)),
        case_participants.c.state == Participation.INVITED,
        or_(case_participants.c.until.is_(None), case_participants.c.until > now),
    ).order_by((case_participants.c.party_id == viewer).desc()))
    return None if row is None else (CaseId(row.case_id), bytes(row.wrapped_key), _participant(row))


def _columns(one: Participant) -> dict[str, Any]:
    return {
        "role": one.role, "state": one.state, "tier": int(one.tier), "until": one.until, "report_state": one.report_state,
        "report_state_at": one.report_state_at, "invited_at": one.invited_at, "invited_by": one.invited_by,
        "joined_at": one.joined_at, "ended_at": one.ended_at, "unnamed": one.unnamed,
    }


def _participant(row: Row[Any]) -> Participant:
    return Participant(
        PartyId(row.party_id), CaseRole(row.role), Participation(row.state), Tier(row.tier), row.until, ReportState(row.report_state),
        row.report_state_at, row.invited_at, PartyId(row.invited_by), row.joined_at, row.ended_at, row.unnamed,
    )
