"""Where it is kept what reports hold, and which of them lead."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Boolean, Column, Integer, Row, Select, Table, and_, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from clearinghouse.core.ids import DecisionId
from clearinghouse.disclosure.deconfliction.leads import rules
from clearinghouse.disclosure.deconfliction.leads.records import Lead, Member, Naming
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from clearinghouse.disclosure.deconfliction.store import decisions, placements
from clearinghouse.disclosure.intake.store import reports
from clearinghouse.disclosure.intake.withdrawals.store import withdrawn_numbers
from clearinghouse.storage import Transaction
from clearinghouse.storage.schema import Instant, Number, listed, metadata

strengths = Table(
    "report_strengths", metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("strength", Integer, nullable=False),
    Column("confirmed", Boolean, nullable=False),
)
cluster_leads = Table(
    "cluster_leads", metadata,
    Column("cluster", Number, primary_key=True, autoincrement=False),
    Column("lead", Number, nullable=False),
    Column("since", Instant, nullable=False),
)
"""What was noted last; a cluster without a row is led by the report it is numbered after."""


def put_strengths(tx: Transaction, found: Mapping[int, int]) -> None:
    """Keep what reports hold. It follows from the reports and needs no event."""
    if found:
        rows = [{"number": number, "strength": strength, "confirmed": False} for number, strength in sorted(found.items())]
        tx.derive(_dialect(tx).insert(strengths).on_conflict_do_nothing(), rows)


def note_confirmed(tx: Transaction, numbers: Sequence[int]) -> None:
    """Note that somebody other than their finders reproduced these."""
    tx.write(update(strengths).where(strengths.c.number.in_(listed(tx.dialect, numbers))).values(confirmed=True))


def system_unweighed(tx: Transaction, clusters: Sequence[int]) -> list[int]:
    """The members of clusters whose strength is not kept yet and matters: public records and reports alone with them aside."""
    own = select(placements.c.cluster).join(reports, reports.c.number == placements.c.number).where(
        placements.c.cluster.in_(listed(tx.dialect, clusters)), reports.c.public.is_(False)
    ).group_by(placements.c.cluster).having(func.count() > 1)
    query = select(placements.c.number).join(reports, reports.c.number == placements.c.number).where(
        placements.c.cluster.in_(own), reports.c.public.is_(False), placements.c.number.not_in(select(strengths.c.number))
    )
    return [row.number for row in tx.rows(query.order_by(placements.c.number))]


def system_several(tx: Transaction, among: Sequence[int] | None = None) -> list[int]:
    """The clusters, of these or of all, with more than one report, public records left out."""
    query = select(placements.c.cluster).join(reports, reports.c.number == placements.c.number).where(reports.c.public.is_(False))
    if among is not None:
        query = query.where(placements.c.cluster.in_(listed(tx.dialect, among)))
    return [row.cluster for row in tx.rows(query.group_by(placements.c.cluster).having(func.count() > 1).order_by(placements.c.cluster))]


def system_leads(tx: Transaction, clusters: Sequence[int]) -> dict[int, Lead]:
    """The lead of each of these clusters as it is now, for computing with; whoever shows one asks whether its viewer reads it."""
    query = _members(select(placements.c.cluster)).where(placements.c.cluster.in_(listed(tx.dialect, clusters)))
    found: dict[int, list[Member]] = {}
    for row in tx.rows(query):
        found.setdefault(row.cluster, []).append(_member(row))
    namings = _namings(tx)
    leads = {cluster: rules.choose_lead(members, namings) for cluster, members in found.items()}
    return {cluster: lead for cluster, lead in leads.items() if lead is not None}


def system_lead_among(tx: Transaction, report_ids: Sequence[str]) -> str:
    """Of these reports, handled together, the one that leads them; empty where none does."""
    query = select(
        reports.c.report_id, reports.c.number, reports.c.public, strengths.c.strength, strengths.c.confirmed,
        reports.c.number.in_(withdrawn_numbers()).label("withdrawn"),
    ).join(strengths, strengths.c.number == reports.c.number, isouter=True).where(reports.c.report_id.in_(list(report_ids)))
    rows = tx.rows(query)
    lead = rules.choose_lead([_member(row) for row in rows], _namings(tx))
    return "" if lead is None else next(row.report_id for row in rows if row.number == lead.number)


def system_noted(tx: Transaction, clusters: Sequence[int]) -> dict[int, int]:
    """The leads that were noted last, by cluster."""
    rows = tx.rows(select(cluster_leads).where(cluster_leads.c.cluster.in_(listed(tx.dialect, clusters))))
    return {row.cluster: row.lead for row in rows}


def note_lead(tx: Transaction, cluster: int, lead: int, at: datetime) -> None:
    """Note which report leads a cluster from now on."""
    put = _dialect(tx).insert(cluster_leads)
    tx.write(
        put.on_conflict_do_update(index_elements=["cluster"], set_={"lead": put.excluded.lead, "since": put.excluded.since}),
        {"cluster": cluster, "lead": lead, "since": at},
    )


def forget_noted(tx: Transaction, clusters: Sequence[int]) -> None:
    """Let go of what was noted of clusters that are no more."""
    tx.derive(delete(cluster_leads).where(cluster_leads.c.cluster.in_(listed(tx.dialect, clusters))))


def _members(query: Select[Any]) -> Select[Any]:
    return query.add_columns(
        placements.c.number, reports.c.public, strengths.c.strength, strengths.c.confirmed,
        placements.c.number.in_(withdrawn_numbers()).label("withdrawn"),
    ).join(reports, reports.c.number == placements.c.number).join(strengths, strengths.c.number == placements.c.number, isouter=True)


def _member(row: Row[Any]) -> Member:
    return Member(row.number, row.strength or 0, bool(row.confirmed), not row.public and not row.withdrawn)


def _namings(tx: Transaction) -> list[Naming]:
    query = select(decisions.c.decision_id, decisions.c.at, decisions.c.numbers).where(
        and_(decisions.c.kind == DecisionKind.LEAD, decisions.c.undone_at.is_(None))
    )
    found = []
    for row in tx.rows(query):
        [[number], over] = msgspec.json.decode(bytes(row.numbers), type=list[list[int]])
        found.append(Naming(DecisionId(row.decision_id), number, frozenset(over), row.at))
    return found


def _dialect(tx: Transaction) -> Any:
    return postgresql if tx.dialect == "postgresql" else sqlite
