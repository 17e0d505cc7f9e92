"""The inbox: reports newest first, the answer and its lead beside each, page by page in a constant number of statements."""

import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from clearinghouse.app.views.cursors import open_cursor, seal_cursor
from clearinghouse.app.views.reports import answer_of, case_of, title_of
from clearinghouse.app.views.search import matching_numbers
from clearinghouse.app.views.telling import Telling, coordinates, founding_reports, read_tellings
from clearinghouse.app.views.validations import read_badges
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Invalid
from clearinghouse.core.untrusted import clean_line
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.deconfliction.leads import store as lead_store
from clearinghouse.disclosure.deconfliction.records import Verdict
from clearinghouse.disclosure.intake import sources
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.records import Finding, Report
from clearinghouse.disclosure.intake.withdrawals import store as withdrawals
from clearinghouse.storage import Transaction

WAITING = "waiting"
ANSWERS = (*Verdict, WAITING)
"""What the inbox can be narrowed to; offered to coordinators alone."""
SIZE_MAX = 200
"""Of a page; bounds one request whatever it asks for."""


@dataclass(frozen=True, slots=True)
class InboxLine:
    """One report in the inbox."""

    id: str
    received_at: datetime
    source: str
    title: str
    product: str
    finder: str
    """Tool, model or person as claimed; display text from outside."""
    public: bool
    answer: str
    settled: bool
    probability: float | None
    case_id: str | None
    known_since: datetime | None
    lead_id: str | None
    """The report that leads the cluster, or for the lead the first that stands, where it is another one that the viewer may read."""
    lead_title: str
    lead_held: bool
    """True where that is a report which the viewer may not read: a held finding (decision 1)."""
    reports: int
    """Reports of the cluster that the viewer may read, this one included; 1 where the answer is not told."""
    withdrawn_at: datetime | None = None
    """When its sender took it back."""
    badge: str = ""
    """The last verdict of the bench, in words; empty where there is none, or its case is not the viewer's to read."""


@dataclass(frozen=True, slots=True)
class InboxFilters:
    """What the inbox is narrowed to; empty means everything."""

    answer: str = ""
    source: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Inbox:
    """One page of the inbox."""

    lines: tuple[InboxLine, ...]
    filters: InboxFilters
    first: bool
    after: str
    """Cursor of the next, older page; empty at the end."""
    coordinates: bool
    """Whether answers are told to this viewer at all; a mere reporter is shown its own reports."""


def source_names() -> tuple[str, ...]:
    """The formats reports come in."""
    return tuple(sorted(info.name for info in pkgutil.iter_modules(sources.__path__) if not info.name.startswith("_") and info.name != "base"))


def parse_filters(untrusted_answer: str, untrusted_source: str, untrusted_text: str) -> InboxFilters:
    """Filters from what a form or an address holds.

    Raises:
        Invalid: there is no such answer or source.
    """
    if untrusted_answer and untrusted_answer not in ANSWERS:
        raise Invalid(f"no answer is called {clean_line(untrusted_answer, 40)!r}; answers are {', '.join(ANSWERS)}")
    if untrusted_source and untrusted_source not in source_names():
        raise Invalid(f"no source is named {clean_line(untrusted_source, 40)!r}; `clearinghouse sources` lists them")
    return InboxFilters(untrusted_answer, untrusted_source, clean_line(untrusted_text, 200))


def list_inbox(
    instance: Instance, *, before: str = "", size: int = 50, filters: InboxFilters | None = None
) -> Inbox:
    """A page of the reports the viewer may read, newest first.

    Args:
        before: the cursor that the page before gave.
    Raises:
        Invalid: the cursor was not made for this viewer.
    """
    chosen = filters or InboxFilters()
    place = open_cursor(instance, "inbox", before)
    size = min(max(size, 1), SIZE_MAX)
    working = coordinates(instance)
    # A verdict that is not told is no filter either: the length of the list would tell it.
    wanted = chosen.answer if working else ""
    with instance.read() as tx:
        among = [deconfliction.placed_as(wanted)] if wanted and wanted != WAITING else []
        if chosen.text:
            among.append(deconfliction.numbers_listed(tx, matching_numbers(tx, instance, chosen.text)))
        reports = intake.page_reports(
            tx, instance.envelope, viewer=instance.actor.id, now=instance.clock.now(), size=size + 1, before=place, source=chosen.source,
            among=among, without=[deconfliction.placed()] if wanted == WAITING else [], duty=bool(wanted),
        )
        lines = lines_of(tx, instance, reports[:size])
    after = seal_cursor(instance, "inbox", reports[size - 1].number) if len(reports) > size else ""
    return Inbox(lines, chosen, place is None, after, working)


def lines_of(tx: Transaction, instance: Instance, reports: Sequence[Report]) -> tuple[InboxLine, ...]:
    """Reports that the viewer may read as lines, in their order: as many statements whoever and however many they are."""
    viewer, now = instance.actor.id, instance.clock.now()
    numbers = [report.number for report in reports]
    told = read_tellings(tx, instance, numbers)
    placed = deconfliction.read_placements(tx, numbers or [0])
    clusters = sorted({entry.cluster for number, entry in placed.items() if told[number].everything}) or [0]
    founding = founding_reports(tx, instance, clusters)
    members = deconfliction.cluster_members(tx, clusters)
    with tx.beyond_wall():
        gone = withdrawals.system_withdrawn(tx, sorted({number for found in members.values() for number in found}))
        led = lead_store.system_leads(tx, clusters)
    # What was taken back stands beside nothing; where all of a cluster was, nothing leads it.
    first = {cluster: min((number for number in found if number not in gone), default=0) for cluster, found in members.items()}
    heads = {
        number: _beside(number, led[entry.cluster].number if entry.cluster in led else 0, first[entry.cluster])
        for number, entry in placed.items() if entry.cluster in first
    }
    leads = intake.read_reports_by_number(tx, sorted(set(heads.values())) or [0], instance.envelope, viewer=viewer, now=now, duty=True)
    seen = intake.readable_among(tx, deconfliction.members_of(tx, clusters), viewer=viewer, now=now)
    badges = read_badges(tx, instance, [report.id for report in reports])
    return tuple(
        _line(report, badges.get(report.id, ""), placed.get(report.number), told[report.number], heads, leads, founding, {
            cluster: sum(number in seen for number in found) for cluster, found in members.items()
        }) for report in reports
    )


def _beside(number: int, lead: int, first: int) -> int:
    """The report to look at beside one: that which leads its flaw, or for the lead itself that which came first; 0 where it is both."""
    beside = lead if lead not in (0, number) else first
    return 0 if beside == number else beside


def product_of(finding: Finding) -> str:
    """The package or product a finding speaks of first; empty where it names none."""
    if finding.packages:
        package = finding.packages[0]
        return f"{package.ecosystem}/{package.name}" if package.ecosystem else package.name
    return finding.products[0] if finding.products else finding.repository.removeprefix("https://")


def finder_of(finding: Finding) -> str:
    """Who or what found it, as claimed."""
    producer = finding.producer
    return producer.model or producer.tool or finding.reporter


def _line(
    report: Report, badge: str, placement: deconfliction.Placement | None, told: Telling, heads: dict[int, int], leads: dict[int, Report],
    founding: dict[int, str], sizes: dict[int, int],
) -> InboxLine:
    shown = placement if told.everything else None
    head = 0 if shown is None else heads.get(report.number, 0)
    follows = head != 0
    lead = leads.get(head) if follows else None
    return InboxLine(
        report.id, report.received_at, report.source, title_of(report.finding), product_of(report.finding), finder_of(report.finding),
        report.public, "public" if report.public else answer_of(placement, told), shown is not None and shown.settled,
        None if shown is None or report.public else shown.probability,
        None if shown is None or report.public else case_of(founding[shown.cluster]), told.known_since,
        None if lead is None else lead.id, "" if lead is None else title_of(lead.finding), follows and lead is None,
        sizes.get(shown.cluster, 1) if shown is not None else 1, told.withdrawn_at, badge,
    )
