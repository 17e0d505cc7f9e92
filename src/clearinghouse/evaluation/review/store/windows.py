"""Windows: the database holds their bounds, whatever a program above it does."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.dialects import postgresql, sqlite

from clearinghouse.core.ids import ReviewCaseId
from clearinghouse.evaluation.review.records import Engagement, Window, WindowId
from clearinghouse.evaluation.review.store.tables import review_windows, reviews
from clearinghouse.storage import Transaction

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def add(tx: Transaction, window: Window, version_key: str, partner_release_at: datetime | None) -> bool:
    """Keep a new window; False where another window of the same model version was opened in the same moment."""
    made = (postgresql if tx.dialect == "postgresql" else sqlite).insert(review_windows)
    return tx.write(made.on_conflict_do_nothing(index_elements=["version_key", "ordinal"]).execution_options(preserve_rowcount=True), {
        "window_id": window.id, "review_id": window.review_id, "version_key": version_key, "ordinal": window.ordinal,
        "starts_us": microseconds(window.starts_at), "ends_us": microseconds(window.ends_at),
        "used_before_us": window.used_before_seconds * 1_000_000,
        "partner_us": None if partner_release_at is None else microseconds(partner_release_at), "ended_us": None, "ended_by": "",
    }) == 1


def end(tx: Transaction, window: Window, at: datetime, by: str) -> bool:
    """End an open window at an instant, or at its own end where that came first; False where it was ended before."""
    at = max(window.starts_at, min(at, window.ends_at))
    return tx.write(update(review_windows).where(review_windows.c.window_id == window.id, review_windows.c.ended_us.is_(None)).values(
        ended_us=microseconds(at), ended_by=by
    )) == 1


def shorten(tx: Transaction, window: Window, ends_at: datetime, partner_release_at: datetime | None) -> None:
    """Move the end of an open window to an earlier instant, never to a later one."""
    tx.write(update(review_windows).where(
        review_windows.c.window_id == window.id, review_windows.c.ended_us.is_(None), review_windows.c.ends_us >= microseconds(ends_at)
    ).values(ends_us=microseconds(ends_at), partner_us=None if partner_release_at is None else microseconds(partner_release_at)))


def set_partner_release(tx: Transaction, window: Window, at: datetime | None) -> None:
    """Note the planned release beside an open window; the database refuses one before the window's end."""
    tx.write(update(review_windows).where(review_windows.c.window_id == window.id).values(partner_us=None if at is None else microseconds(at)))


def system_of_version(tx: Transaction, version_key: str) -> list[Window]:
    """All windows of one model version, whatever review they belong to, earliest first: for reckoning its hours."""
    query = select(review_windows).where(review_windows.c.version_key == version_key).order_by(review_windows.c.ordinal)
    return [_window(row) for row in tx.rows(query)]


def list_of(tx: Transaction, engagement: Engagement) -> list[Window]:
    """The windows of a review, earliest first."""
    query = select(review_windows).where(review_windows.c.review_id == engagement.id).order_by(review_windows.c.starts_us)
    return [_window(row) for row in tx.rows(query)]


def system_over(tx: Transaction, now: datetime, limit: int) -> list[ReviewCaseId]:
    """Reviews with a window that has run out and was not noted as ended."""
    query = select(review_windows.c.review_id).where(review_windows.c.ended_us.is_(None), review_windows.c.ends_us <= microseconds(now))
    return [ReviewCaseId(row.review_id) for row in tx.rows(query.order_by(review_windows.c.ends_us).limit(limit))]


def system_figures(tx: Transaction) -> list[tuple[Window, bool]]:
    """Every window, and whether its review was withdrawn, for the public figures."""
    query = select(review_windows, (reviews.c.state == "withdrawn").label("withdrawn")).join(reviews, reviews.c.review_id == review_windows.c.review_id)
    return [(_window(row), bool(row.withdrawn)) for row in tx.rows(query.order_by(review_windows.c.starts_us))]


def microseconds(at: datetime) -> int:
    """An instant as the database counts it, exact."""
    return (at - _EPOCH) // _MICROSECOND


def _instant(count: int) -> datetime:
    return _EPOCH + timedelta(microseconds=count)


def _window(row: Row[Any]) -> Window:
    return Window(
        WindowId(row.window_id), ReviewCaseId(row.review_id), row.ordinal, _instant(row.starts_us), _instant(row.ends_us),
        row.used_before_us // 1_000_000, None if row.ended_us is None else _instant(row.ended_us), row.ended_by,
    )
