"""One report: what was received, what is said of it, and what it was compared with."""

from dataclasses import dataclass

from clearinghouse.app.process import matching
from clearinghouse.app.views.reports import ReportLine, line_of, title_of
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import NotFound
from clearinghouse.disclosure.deconfliction import actions as deconfliction
from clearinghouse.disclosure.deconfliction import store
from clearinghouse.disclosure.deconfliction.records import Candidate, Evidence
from clearinghouse.disclosure.deconfliction.settling import RELATIONS
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake import store as intake_store
from clearinghouse.disclosure.intake.records import Report
from clearinghouse.ledger import store as ledger
from clearinghouse.ledger.store import LoggedEvent


@dataclass(frozen=True, slots=True)
class CandidateLine:
    """Something the report was compared with: named if the viewer may read it, else "a held finding" (decision 1)."""

    id: str | None
    title: str
    probability: float
    relation: str
    kinds: tuple[str, ...] = ()
    """For a held finding, the kinds of evidence and nothing of its content."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A report and all that belongs to it."""

    report: Report
    line: ReportLine
    candidates: tuple[CandidateLine, ...]
    events: tuple[LoggedEvent, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """Two reports side by side."""

    one: ReportLine
    other: ReportLine
    candidate: Candidate


def read_report(instance: Instance, report_id: str) -> Opened:
    """A report, if the viewer may read it.

    Raises:
        NotFound: there is none that the viewer may see.
    """
    viewer, now = instance.actor.id, instance.clock.now()
    with instance.database.read() as tx:
        report = intake.read_report(tx, report_id, envelope=instance.envelope, viewer=viewer, now=now)
        placement = store.read_placements(tx, [report.number]).get(report.number)
        founding = intake_store.system_report_ids(tx, [placement.cluster]) if placement else {}
        compared = store.unpack_candidates(placement.candidates) if placement else []
        known = intake_store.read_reports_by_number(tx, [n for n, _, _ in compared], instance.envelope, viewer=viewer, now=now)
        events = tuple(ledger.events_about(tx, report.id))
    candidates = tuple(
        CandidateLine(known[number].id, title_of(known[number].finding), probability, RELATIONS[relation])
        if number in known else CandidateLine(None, "a held finding", probability, RELATIONS[relation])
        for number, probability, relation in compared
    )
    return Opened(report, line_of(report, placement, founding), candidates, events)


def explain(instance: Instance, one_id: str, other_id: str) -> Explained:
    """Two reports compared, with the evidence, if the viewer may read both.

    Raises:
        NotFound: one of them is not there for this viewer.
        Conflict: one of them is not compared yet.
    """
    viewer, now = instance.actor.id, instance.clock.now()
    if one_id == other_id:
        raise NotFound("a report is compared with another one; the same id was given twice")
    with instance.database.read() as tx:
        one, other = (
            intake.read_report(tx, report_id, envelope=instance.envelope, viewer=viewer, now=now) for report_id in (one_id, other_id)
        )
        candidate = deconfliction.explain(tx, matching(instance), one, other)
        placed = store.read_placements(tx, [one.number, other.number])
        founding = intake_store.system_report_ids(tx, sorted({placement.cluster for placement in placed.values()}))
    return Explained(
        line_of(one, placed.get(one.number), founding), line_of(other, placed.get(other.number), founding), candidate
    )


def strongest(evidence: tuple[Evidence, ...], most: int = 8) -> tuple[Evidence, ...]:
    """The evidence worth a look, strongest first."""
    return tuple(sorted(evidence, key=lambda entry: -abs(entry.contribution))[:most])
