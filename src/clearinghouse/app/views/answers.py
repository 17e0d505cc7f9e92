"""What deconfliction says of some reports, as far as the viewer may know it."""

from collections.abc import Sequence

from clearinghouse.app.views.reports import ReportLine, line_of
from clearinghouse.app.views.telling import founding_reports, read_tellings
from clearinghouse.app.wiring import Instance
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.intake import store as intake


def read_answers(instance: Instance, report_ids: Sequence[str]) -> tuple[ReportLine, ...]:
    """A line for each of these reports that the viewer may read, in the order asked."""
    viewer, now = instance.actor.id, instance.clock.now()
    with instance.read() as tx:
        found = intake.read_reports(tx, report_ids, instance.envelope, viewer=viewer, now=now)
        told = read_tellings(tx, instance, [report.number for report in found.values()])
        placed = deconfliction.read_placements(tx, [report.number for report in found.values()])
        founding = founding_reports(tx, instance, {placement.cluster for placement in placed.values()})
    return tuple(
        line_of(found[report_id], placed.get(found[report_id].number), founding, told[found[report_id].number])
        for report_id in dict.fromkeys(report_ids) if report_id in found
    )
