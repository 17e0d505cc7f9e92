"""The list of reports with the answer beside each."""

from dataclasses import dataclass
from datetime import datetime

from clearinghouse.app.views.telling import NOTHING, Telling, founding_reports, read_tellings
from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import CaseId
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.records import Finding, Report


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One report in a list."""

    id: str
    received_at: datetime
    source: str
    title: str
    public: bool
    answer: str
    """Verdict of deconfliction, `waiting` before it was compared. To a mere reporter `received`, then `reviewed` or `duplicate`."""
    settled: bool
    """False while the answer is provisional."""
    probability: float | None
    case_id: str | None
    known_since: datetime | None = None
    """When the first report of the same flaw came, once a person has said that it is the same."""
    withdrawn_at: datetime | None = None
    """When its sender took it back; it stays on the record."""

    @property
    def probability_text(self) -> str:
        """The probability for people: two digits, with a mark while provisional."""
        return "" if self.probability is None else f"{self.probability:.2f}" + ("" if self.settled else "?")


def case_of(report_id: str) -> CaseId:
    """A cluster's id for a viewer, after the oldest report of it that the viewer reads: it lasts as long as that one is."""
    return CaseId("case_" + report_id.partition("_")[2])


def title_of(finding: Finding) -> str:
    """What to call a finding that may lack a title."""
    if finding.title:
        return finding.title
    if finding.crash is not None:
        return f"{finding.crash.tool}: {finding.crash.kind}"
    first = finding.description.strip().split("\n", 1)[0]
    return first[:120] or next((identifier.value for identifier in finding.identifiers), "(no title)")


def list_reports(instance: Instance, *, newest: int, submission: str | None = None) -> tuple[list[ReportLine], int]:
    """The newest reports the viewer may read, and how many there are in all."""
    viewer, now = instance.actor.id, instance.clock.now()
    with instance.read() as tx:
        found = intake.list_reports(tx, instance.envelope, viewer=viewer, now=now, newest=newest, submission=submission)
        total = intake.count_reports(tx, viewer=viewer, now=now)
        told = read_tellings(tx, instance, [report.number for report in found])
        placed = deconfliction.read_placements(tx, [report.number for report in found])
        founding = founding_reports(tx, instance, {placement.cluster for placement in placed.values()})
    return [line_of(report, placed.get(report.number), founding, told[report.number]) for report in found], total


def answer_of(placement: deconfliction.Placement | None, told: Telling) -> str:
    """The word that stands beside a report for this viewer."""
    if told.everything:
        return "waiting" if placement is None else placement.verdict
    if told.known_since is not None:
        return "duplicate"
    return "reviewed" if told.looked else "received"


def line_of(
    report: Report, placement: deconfliction.Placement | None, founding: dict[int, str], told: Telling = NOTHING
) -> ReportLine:
    """A report as a line, with as much of the answer as may be told."""
    shown = placement if told.everything else None
    return ReportLine(
        report.id, report.received_at, report.source, title_of(report.finding), report.public, answer_of(placement, told),
        shown.settled if shown is not None else not told.everything,
        None if shown is None else shown.probability,
        None if shown is None or report.public else case_of(founding[shown.cluster]),
        told.known_since, told.withdrawn_at,
    )
