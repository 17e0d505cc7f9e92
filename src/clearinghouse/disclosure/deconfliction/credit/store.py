"""What credit asks of what is kept: since when a flaw is public. The rest stands with the reports and the commitments."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from clearinghouse.disclosure.deconfliction.store import placements
from clearinghouse.disclosure.intake.store import reports
from clearinghouse.storage import Transaction


def system_public_since(tx: Transaction, report_ids: Sequence[str]) -> datetime | None:
    """When the first public record of the flaws of these reports came to be held."""
    clusters = select(placements.c.cluster).join(reports, reports.c.number == placements.c.number).where(reports.c.report_id.in_(list(report_ids)))
    found: datetime | None = tx.value(select(func.min(reports.c.received_at, type_=reports.c.received_at.type)).select_from(reports).join(
        placements, placements.c.number == reports.c.number
    ).where(reports.c.public, placements.c.cluster.in_(clusters)))
    return found
