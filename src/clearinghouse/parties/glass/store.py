"""Where requests to break the glass are kept, their reasons sealed."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Row, Table, func, insert, select, update

from clearinghouse.core.ids import GlassId, PartyId
from clearinghouse.parties.glass.records import GlassRequest
from clearinghouse.storage import Envelope, SealedBody, Transaction
from clearinghouse.storage.schema import Body, Id, Instant, metadata

glass_requests = Table(
    "glass_requests", metadata,
    Column("glass_id", Id, primary_key=True),
    Column("object_id", Id, nullable=False),
    Column("asked_by", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("asked_session", Id),
    Column("asked_at", Instant, nullable=False),
    Column("lapses_at", Instant, nullable=False),
    Column("wrapped_key", Body, nullable=False),
    Column("sealed_reason", Body, nullable=False),
    Column("confirmed_by", Id, ForeignKey("parties.party_id")),
    Column("confirmed_at", Instant),
    Index(None, "object_id"),
)


def add_request(tx: Transaction, request: GlassRequest, envelope: Envelope) -> None:
    """Keep a request."""
    sealed = envelope.seal(request.reason.encode(), request.id)
    tx.write(insert(glass_requests), {
        "glass_id": request.id, "object_id": request.object_id, "asked_by": request.asked_by,
        "asked_session": request.asked_session, "asked_at": request.asked_at, "lapses_at": request.lapses_at,
        "wrapped_key": sealed.wrapped_key, "sealed_reason": sealed.body, "confirmed_by": None, "confirmed_at": None,
    })


def system_request(tx: Transaction, glass_id: str, envelope: Envelope) -> GlassRequest | None:
    """A request, for the action that asks who may confirm it, and for telling the owners."""
    row = tx.row(select(glass_requests).where(glass_requests.c.glass_id == glass_id))
    return None if row is None else _request(row, envelope)


def system_waiting(tx: Transaction, envelope: Envelope, now: datetime) -> list[GlassRequest]:
    """Requests that still wait for a second person, earliest first."""
    query = select(glass_requests).where(glass_requests.c.confirmed_at.is_(None), glass_requests.c.lapses_at > now)
    return [_request(row, envelope) for row in tx.rows(query.order_by(glass_requests.c.asked_at, glass_requests.c.glass_id))]


def confirm_request(tx: Transaction, glass_id: GlassId, party: PartyId, at: datetime) -> bool:
    """Note who confirmed; False where somebody did before."""
    waiting = (glass_requests.c.glass_id == glass_id, glass_requests.c.confirmed_at.is_(None))
    return tx.write(update(glass_requests).where(*waiting).values(confirmed_by=party, confirmed_at=at)) == 1


def count_broken(tx: Transaction, since: datetime) -> int:
    """How often the glass was broken since an instant."""
    query = select(func.count()).where(glass_requests.c.confirmed_at >= since)
    return int(tx.value(query) or 0)


def _request(row: Row[Any], envelope: Envelope) -> GlassRequest:
    reason = envelope.open(SealedBody(bytes(row.wrapped_key), bytes(row.sealed_reason)), row.glass_id).decode()
    confirmed = None if row.confirmed_by is None else PartyId(row.confirmed_by)
    return GlassRequest(
        GlassId(row.glass_id), row.object_id, PartyId(row.asked_by), row.asked_session, row.asked_at, row.lapses_at, reason,
        confirmed, row.confirmed_at,
    )
