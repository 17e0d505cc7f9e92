"""Requests to erase a case, and legal holds that forbid it; both outlive what the case held."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from clearinghouse.core.ids import CaseId, ErasureId, PartyId
from clearinghouse.disclosure.coordination.rooms.records import Erasure, Hold
from clearinghouse.disclosure.coordination.rooms.store.tables import case_erasures, case_holds, dialect_insert
from clearinghouse.storage import Envelope, SealedBody, Transaction


def add_erasure(tx: Transaction, erasure: Erasure, envelope: Envelope) -> None:
    """Keep a request."""
    sealed = envelope.seal(erasure.reason.encode(), erasure.id)
    tx.write(insert(case_erasures), {
        "erasure_id": erasure.id, "case_id": erasure.case_id, "asked_by": erasure.asked_by, "proven": erasure.proven,
        "asked_at": erasure.asked_at, "lapses_at": erasure.lapses_at, "confirmed_by": None, "confirmed_at": None,
        "wrapped_key": sealed.wrapped_key, "sealed": sealed.body,
    })


def system_erasure(tx: Transaction, erasure_id: str, envelope: Envelope) -> Erasure | None:
    """A request, for the action that asks who may confirm it."""
    row = tx.row(select(case_erasures).where(case_erasures.c.erasure_id == erasure_id))
    return None if row is None else _erasure(row, envelope)


def system_waiting(tx: Transaction, envelope: Envelope, now: datetime) -> list[Erasure]:
    """Requests that still wait for a second person, earliest first."""
    query = select(case_erasures).where(case_erasures.c.confirmed_at.is_(None), case_erasures.c.lapses_at > now)
    return [_erasure(row, envelope) for row in tx.rows(query.order_by(case_erasures.c.asked_at, case_erasures.c.erasure_id))]


def confirm_erasure(tx: Transaction, erasure_id: ErasureId, party: PartyId, at: datetime) -> bool:
    """Note who confirmed; False where somebody did before."""
    waiting = (case_erasures.c.erasure_id == erasure_id, case_erasures.c.confirmed_at.is_(None))
    return tx.write(update(case_erasures).where(*waiting).values(confirmed_by=party, confirmed_at=at)) == 1


def add_hold(tx: Transaction, hold: Hold, envelope: Envelope) -> bool:
    """Keep a legal hold; False where one stands already."""
    sealed = envelope.seal(hold.reason.encode(), _about(hold.case_id))
    return tx.write(dialect_insert(tx, case_holds).on_conflict_do_nothing(), {
        "case_id": hold.case_id, "held_at": hold.held_at, "held_by": hold.held_by, "wrapped_key": sealed.wrapped_key, "sealed": sealed.body,
    }) == 1


def system_hold(tx: Transaction, case_id: str, envelope: Envelope) -> Hold | None:
    """The legal hold on a case, for whoever is about to erase it or to lift the hold."""
    row = tx.row(select(case_holds).where(case_holds.c.case_id == case_id))
    if row is None:
        return None
    reason = envelope.open(SealedBody(bytes(row.wrapped_key), bytes(row.sealed)), _about(row.case_id)).decode()
    return Hold(CaseId(row.case_id), row.held_at, PartyId(row.held_by), reason)


def remove_hold(tx: Transaction, case_id: CaseId) -> bool:
    """Lift a hold; False where none stands."""
    return tx.write(delete(case_holds).where(case_holds.c.case_id == case_id)) == 1


def _erasure(row: Row[Any], envelope: Envelope) -> Erasure:
    reason = envelope.open(SealedBody(bytes(row.wrapped_key), bytes(row.sealed)), row.erasure_id).decode()
    confirmed = None if row.confirmed_by is None else PartyId(row.confirmed_by)
    return Erasure(
        ErasureId(row.erasure_id), CaseId(row.case_id), PartyId(row.asked_by), row.proven, row.asked_at, row.lapses_at, reason, confirmed,
        row.confirmed_at,
    )


def _about(case_id: str) -> str:
    return f"hold/{case_id}"
