"""Cases: each cluster of reports that is not public knowledge alone, as far as a coordinator may see it.

Who merely sent a report is told of no cluster (decision 2).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from clearinghouse.app.views.credit import CreditOrder, read_credit
from clearinghouse.app.views.reports import ReportLine, case_of, line_of, title_of
from clearinghouse.app.views.telling import Telling, coordinates, founding_reports
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import NotFound
from clearinghouse.core.ids import ReportId, has_shape
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.deconfliction.leads import store as leads
from clearinghouse.disclosure.deconfliction.leads.records import Lead, Strength
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.records import Finding, Report
from clearinghouse.disclosure.intake.withdrawals import store as withdrawals


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case in a list."""

    id: str
    title: str
    first_received_at: datetime
    reports: int
    """Reports the viewer may read."""
    hidden: int
    """Held reports of others that deconfliction put here as well; nothing else is told of them."""
    proposed: int
    """Reports that are here as a proposal and wait for a person."""
    senders: int
    tools: tuple[str, ...]
    public: int
    """Public records about the same flaw."""
    settled: bool


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """A person's decision that touched the case."""

    id: str
    kind: str
    at: datetime
    actor: str
    reason: str
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class LeadLine:
    """The report to work from."""

    report_id: ReportId | None
    """None where the viewer may not read it: a held report leads."""
    because: Strength | None
    """What it has over the report that came first; of a held one nothing is told."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case opened: its reports, the one that leads first and the others as they came, and what was decided."""

    line: CaseLine
    reports: tuple[ReportLine, ...]
    decisions: tuple[DecisionLine, ...]
    lead: LeadLine | None = None
    """None where all of them are public records or withdrawn."""
    credit: CreditOrder = field(default_factory=CreditOrder)
    """Of the reports among them; held ones are not counted, and nothing here tells of them."""
    held: int = 0
    """Reports of others that are here too: credit and corroboration may look otherwise to who reads them."""


def list_cases(instance: Instance, *, largest: int) -> tuple[list[CaseLine], int]:
    """The cases with the most reports, and how many there are; only what the viewer may see."""
    viewer, now = instance.actor.id, instance.clock.now()
    with instance.read() as tx:
        readable = intake.readable_numbers(tx, viewer=viewer, now=now, duty=True) if coordinates(instance) else {}
        sizes: Counter[int] = Counter()
        seen: set[int] = set()
        for number, cluster in deconfliction.cluster_of_each(tx):
            sizes[cluster] += 1
            if number in readable and not readable[number]:
                seen.add(cluster)
        chosen = sorted(seen, key=lambda cluster: (-sizes[cluster], cluster))
        members = deconfliction.read_clusters(tx, chosen[:largest])
        numbers = [placement.number for found in members.values() for placement in found]
        reports = intake.read_reports_by_number(tx, numbers, instance.envelope, viewer=viewer, now=now, duty=True)
        founding = founding_reports(tx, instance, chosen[:largest])
        with tx.beyond_wall():
            found = leads.system_leads(tx, chosen[:largest])
    return [_line(cluster, founding[cluster], members[cluster], reports, found) for cluster in chosen[:largest]], len(chosen)


def read_case(instance: Instance, case_id: str) -> Case:
    """One case, if the viewer coordinates a report of it.

    Raises:
        NotFound: there is none that the viewer may see.
    """
    viewer, now = instance.actor.id, instance.clock.now()
    unknown = NotFound(f"nothing found under {case_id[:40]!r}; `clearinghouse cases` lists the cases you may see")
    if not has_shape(case_id):
        raise unknown
    with instance.read() as tx:
        # Any report of it that the viewer reads names a cluster; the oldest of all may be one that is held.
        with tx.beyond_wall():
            named = intake.system_number(tx, "rep_" + case_id.partition("_")[2]) or 0
        placed = deconfliction.read_placements(tx, [named]).get(named)
        cluster = placed.cluster if placed is not None else 0
        members = deconfliction.read_clusters(tx, [cluster])
        # Read also where there is nothing to read: the number of statements tells nothing.
        numbers = [placement.number for placement in members.get(cluster, ())] or [0]
        reports = intake.read_reports_by_number(tx, numbers, instance.envelope, viewer=viewer, now=now, duty=True)
        if named not in reports or not coordinates(instance):
            raise unknown
        founding = founding_reports(tx, instance, [cluster])
        gone = withdrawals.system_withdrawn(tx, sorted(reports))
        with tx.beyond_wall():
            led = leads.system_leads(tx, [cluster])
            credit = read_credit(tx, instance, [report for report in reports.values() if not report.public])
        decisions = [
            DecisionLine(decision.id, decision.kind, decision.at, decision.actor, decision.reason, decision.undone_at)
            for decision in deconfliction.list_decisions(tx, instance.envelope, standing_only=False)
            if any(number in reports for group in decision.groups for number in group)
        ]
    lead = led.get(cluster)
    ordered = sorted(
        (placement for placement in members[cluster] if placement.number in reports),
        key=lambda placement: (lead is None or placement.number != lead.number, placement.number),
    )
    lines = tuple(
        line_of(reports[placement.number], placement, founding, Telling(True, withdrawn_at=gone.get(placement.number)))
        for placement in ordered
    )
    shown = None if lead is None else LeadLine(reports[lead.number].id, lead.because) if lead.number in reports else LeadLine(None, None)
    line = _line(cluster, founding[cluster], members[cluster], reports, led)
    return Case(line, lines, tuple(decisions), shown, credit, line.hidden)


def _line(
    cluster: int, founding: str, members: list[deconfliction.Placement], reports: dict[int, Report],
    leading: Mapping[int, Lead],
) -> CaseLine:
    mine = [reports[placement.number] for placement in members if placement.number in reports]
    own = [report for report in mine if not report.public]
    first = own[0] if own else mine[0]
    # A lead that is held gives the case no title: it would be read from it.
    lead = reports.get(leading[cluster].number, first) if cluster in leading else first
    return CaseLine(
        case_of(founding), title_of(lead.finding), first.received_at, len(own), len(members) - len(mine),
        sum(placement.verdict == "unsure" and placement.number != cluster for placement in members if placement.number in reports),
        len({report.reporter for report in own}), tuple(sorted({_tool(report.finding, report.source) for report in own})),
        len(mine) - len(own), all(placement.settled for placement in members),
    )


def _tool(finding: Finding, source: str) -> str:
    return finding.producer.model or finding.producer.tool or finding.reporter or source
