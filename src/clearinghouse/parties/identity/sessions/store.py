"""Where sessions are kept, with a hash of the secret their device holds; and the counts of failed attempts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Integer, Row, Table, case, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from clearinghouse.core.ids import PartyId, SessionId
from clearinghouse.parties.identity.sessions.records import Attempts, Session, SignInMethod
from clearinghouse.storage import Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, Prose, Word, metadata

sessions = Table(
    "sessions", metadata,
    Column("session_id", Id, primary_key=True),
    Column("party_id", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("secret_hash", Digest, nullable=False),
    Column("method", Word, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("user_agent", Prose, nullable=False),
    Column("ended_at", Instant),
    Index(None, "party_id"),
)
sign_in_attempts = Table(
    "sign_in_attempts", metadata,
    Column("key", Digest, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
    Index(None, "last_at"),
)
known_sources = Table(
    "known_sources", metadata,
    Column("party_id", Id, ForeignKey("parties.party_id"), primary_key=True),
    Column("source", Digest, primary_key=True),
    Column("last_at", Instant, nullable=False),
)


def add_session(tx: Transaction, session: Session, secret_hash: str) -> None:
    """Keep a session; its secret is stored nowhere."""
    tx.write(insert(sessions), {
        "session_id": session.id, "party_id": session.party, "secret_hash": secret_hash, "method": session.method,
        "started_at": session.started_at, "last_seen_at": session.last_seen_at, "expires_at": session.expires_at,
        "user_agent": session.user_agent, "ended_at": session.ended_at,
    })


def find_session(tx: Transaction, session_id: str) -> tuple[Session, str] | None:
    """A session and the hash of its secret."""
    row = tx.row(select(sessions).where(sessions.c.session_id == session_id))
    return None if row is None else (_session(row), row.secret_hash)


def list_sessions(tx: Transaction, party: PartyId) -> list[Session]:
    """A party's sessions that were not ended, newest first."""
    query = select(sessions).where(sessions.c.party_id == party, sessions.c.ended_at.is_(None))
    return [_session(row) for row in tx.rows(query.order_by(sessions.c.started_at.desc(), sessions.c.session_id))]


def newest_sessions(tx: Transaction, limit: int) -> list[Session]:
    """Everybody's sessions that were not ended, newest first."""
    query = select(sessions).where(sessions.c.ended_at.is_(None)).order_by(sessions.c.started_at.desc(), sessions.c.session_id)
    return [_session(row) for row in tx.rows(query.limit(limit))]


def touch_session(tx: Transaction, session_id: SessionId, at: datetime) -> None:
    """Note that a session was used: no event, for it says when somebody reads a page and nothing more."""
    tx.derive(update(sessions).where(sessions.c.session_id == session_id).values(last_seen_at=at))


def end_sessions(tx: Transaction, session_ids: Sequence[SessionId], at: datetime) -> None:
    """End sessions."""
    tx.write(update(sessions).where(sessions.c.session_id.in_(session_ids), sessions.c.ended_at.is_(None)).values(ended_at=at))


def forget_ended(tx: Transaction, *, before: datetime, idle_before: datetime) -> int:
    """Drop sessions that ended, ran out or went idle before an instant; that there were any stays in the ledger."""
    over = or_(sessions.c.ended_at <= before, sessions.c.expires_at <= before, sessions.c.last_seen_at <= idle_before)
    return tx.derive(delete(sessions).where(over))


def forget_attempts(tx: Transaction, before: datetime) -> int:
    """Drop counts of failures that are forgotten."""
    return tx.derive(delete(sign_in_attempts).where(sign_in_attempts.c.last_at <= before))


def read_attempts(tx: Transaction, keys: Sequence[str]) -> list[Attempts]:
    """The counts under these keys."""
    query = select(sign_in_attempts).where(sign_in_attempts.c.key.in_(keys))
    return [Attempts(row.key, row.failures, row.last_at) for row in tx.rows(query)]


def count_attempt(tx: Transaction, keys: Sequence[str], at: datetime, *, forgotten_before: datetime) -> None:
    """Count an attempt as failed under each key, before anybody knows how it ends; drop what is forgotten.

    Counts are no part of the record: they leave no event and may be lost.
    """
    tx.derive(delete(sign_in_attempts).where(sign_in_attempts.c.last_at <= forgotten_before))
    fresh: Any = (sqlite if tx.dialect == "sqlite" else postgresql).insert(sign_in_attempts)
    again = case((sign_in_attempts.c.last_at <= forgotten_before, 1), else_=sign_in_attempts.c.failures + 1)
    statement = fresh.on_conflict_do_update(index_elements=["key"], set_={"failures": again, "last_at": fresh.excluded.last_at})
    # In order of key, so that two attempts at once never wait for each other.
    tx.derive(statement, [{"key": key, "failures": 1, "last_at": at} for key in sorted(keys)])


def forgive_attempt(tx: Transaction, *, clear: str, keep: str) -> None:
    """An attempt did not fail: forget what was counted under one key, and this one attempt under the other.

    What a source failed elsewhere stays counted, or an account of one's own would wash it clean.
    """
    tx.derive(delete(sign_in_attempts).where(sign_in_attempts.c.key == clear))
    tx.derive(update(sign_in_attempts).where(sign_in_attempts.c.key == keep).values(failures=sign_in_attempts.c.failures - 1))


def is_known_source(tx: Transaction, party: str, source: str, since: datetime) -> bool:
    """Whether a source signed in to an account since an instant."""
    query = select(known_sources.c.party_id).where(
        known_sources.c.party_id == party, known_sources.c.source == source, known_sources.c.last_at > since
    )
    return tx.value(query) is not None


def note_source(tx: Transaction, party: PartyId, source: str, at: datetime, *, forgotten_before: datetime) -> None:
    """Note that a source signed in to an account; forget those long past."""
    tx.derive(delete(known_sources).where(known_sources.c.party_id == party, known_sources.c.last_at <= forgotten_before))
    fresh: Any = (sqlite if tx.dialect == "sqlite" else postgresql).insert(known_sources)
    statement = fresh.on_conflict_do_update(index_elements=["party_id", "source"], set_={"last_at": fresh.excluded.last_at})
    tx.derive(statement, {"party_id": party, "source": source, "last_at": at})


def _session(row: Row[Any]) -> Session:
    return Session(
        SessionId(row.session_id), PartyId(row.party_id), SignInMethod(row.method), row.started_at, row.last_seen_at,
        row.expires_at, row.user_agent, row.ended_at,
    )
