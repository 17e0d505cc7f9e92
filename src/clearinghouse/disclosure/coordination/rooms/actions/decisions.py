"""The judgements people put on the record of a case, and their withdrawal."""

from datetime import datetime

from clearinghouse.core.errors import Conflict, Invalid
from clearinghouse.core.events import Event
from clearinghouse.core.ids import DecisionId, PartyId
from clearinghouse.disclosure.coordination.rooms import rules
from clearinghouse.disclosure.coordination.rooms.actions.entering import coordinate, nothing_found, write_down
from clearinghouse.disclosure.coordination.rooms.records import JUDGEMENTS, DecisionKind
from clearinghouse.disclosure.coordination.rooms.store import cases, vulnerabilities
from clearinghouse.ledger import actions as ledger
from clearinghouse.storage import Envelope, Transaction


def record_decision(
    tx: Transaction, case_id: str, kind: DecisionKind, reason: str, *, subject: str = "", actor: PartyId, envelope: Envelope,
    now: datetime,
) -> DecisionId:
    """Put a judgement and its reason on the record of a case.

    Args:
        subject: id of the report or vulnerability it is about; the case itself by default.
    Raises:
        NotFound: the case is not the actor's to see, or the subject is nothing of it.
        NotPermitted: the actor does not coordinate the case.
        Invalid: the kind is one that actions write, or there is no reason.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    if kind not in JUDGEMENTS:
        raise Invalid(f"a decision of the kind {kind} is written by the deed itself; judgements are {', '.join(sorted(JUDGEMENTS))}")
    about = subject or room.id
    known = about == room.id or vulnerabilities.find_vulnerability(tx, room, about) or cases.find_attached(tx, room, about, now=now)
    if not known:
        raise nothing_found(about)
    decision = write_down(tx, room, kind, about, rules.parse_reason(reason), actor=actor, now=now)
    ledger.record(tx, Event("DecisionRecorded", (room.id, decision, about), {"kind": str(kind)}), actor=actor, now=now)
    return decision


def undo_decision(tx: Transaction, case_id: str, decision_id: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> None:
    """Withdraw a judgement; it stays on the record, marked as withdrawn.

    Raises:
        NotFound: there is no such decision in the case.
        NotPermitted: the actor does not coordinate the case.
        Conflict: it was withdrawn before, or it belongs to a deed, which has an undo of its own.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    found = cases.find_decision(tx, room, decision_id)
    if found is None:
        raise nothing_found(decision_id)
    if found.kind not in JUDGEMENTS:
        raise Conflict("this belongs to a deed, which is undone by its own opposite")
    if not cases.undo_decision(tx, room, found.id, now):
        raise Conflict("this decision was withdrawn before")
    ledger.record(tx, Event("CaseDecisionUndone", (room.id, found.id)), actor=actor, now=now)


__all__ = ["record_decision", "undo_decision"]
