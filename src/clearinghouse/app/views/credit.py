"""Who is credited for a flaw and in which order, as far as a viewer reads the reports: computed from those alone, so it tells of no other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import PartyId, ReportId
from clearinghouse.disclosure.deconfliction.credit import store as credit
from clearinghouse.disclosure.deconfliction.credit.records import Claim, Corroboration, Place
from clearinghouse.disclosure.deconfliction.credit.rules import WHY, corroborate, credit_order
from clearinghouse.disclosure.intake.commitments import store as commitments
from clearinghouse.disclosure.intake.commitments.rules import counts_from
from clearinghouse.disclosure.intake.provenance import store as provenance
from clearinghouse.disclosure.intake.withdrawals import store as withdrawals
from clearinghouse.parties import store as parties
from clearinghouse.storage import Transaction


@dataclass(frozen=True, slots=True)
class CreditLine:
    """One report and its place among those that the viewer reads."""

    report_id: ReportId
    place: Place
    tied: bool
    """Another one has the very same instant."""
    since: datetime
    """What counts: receipt, or an earlier commitment."""
    received_at: datetime
    committed_at: datetime | None
    because: tuple[str, ...]
    """Why it does not count as independent, for people."""


@dataclass(frozen=True, slots=True)
class CreditOrder:
    """The order of credit, oldest first, and whether several found the flaw each by itself."""

    lines: tuple[CreditLine, ...] = ()
    corroboration: Corroboration | None = None


class Sent(Protocol):
    """What is asked of a report, attached to a case or not."""

    @property
    def id(self) -> ReportId: ...
    @property
    def reporter(self) -> PartyId: ...
    @property
    def received_at(self) -> datetime: ...
    @property
    def digest(self) -> str: ...


def read_credit(
    tx: Transaction, instance: Instance, reports: Sequence[Sent], *, took_part: Mapping[PartyId, datetime] | None = None
) -> CreditOrder:
    """The credit of reports all of which the viewer may read; in a look beyond the wall, and as many statements for any reports.

    Args:
        took_part: since when parties took part in the case for another reason than having reported.
    """
    ids = [report.id for report in reports]
    committed = commitments.system_by_report(tx, ids)
    gone = withdrawals.system_withdrawn_among(tx, ids)
    chains = provenance.system_chains(tx, ids)
    houses = parties.houses_of(tx, sorted({*(report.reporter for report in reports), *(took_part or ())}))
    public_at = credit.system_public_since(tx, ids)
    told: dict[PartyId, datetime] = {}
    for party, at in (took_part or {}).items():
        house = houses.get(party) or party
        told[house] = min(at, told.get(house, at))
    claims = []
    for report in reports:
        organisation = houses.get(report.reporter)
        opened = committed.get(report.id)
        claims.append(Claim(
            report.id, report.reporter, organisation, report.received_at,
            None if opened is None else counts_from(*opened, instance.policy.commitments), report.id in gone, report.digest,
            chains.get(report.id, frozenset()), told.get(organisation or report.reporter),
        ))
    order = credit_order(claims, public_at)
    return CreditOrder(tuple(
        CreditLine(
            one.claim.report, one.place, one.tied, one.claim.since, one.claim.received_at, one.claim.committed_at,
            tuple(WHY[reason] for reason in one.because),
        ) for one in order
    ), corroborate(order))
