"""What the holder of a receipt is shown: what became of what it sent, as far as a finder may know (decision 2)."""

from dataclasses import dataclass, field

from clearinghouse.app.views.appeals import AppealLine
from clearinghouse.app.views.appeals import lines_of as lines_of_appeals
from clearinghouse.app.views.inbox import InboxLine, lines_of
from clearinghouse.app.views.report import appealable
from clearinghouse.app.views.telling import read_tellings
from clearinghouse.app.wiring import Instance
from clearinghouse.disclosure.coordination.appeals import store as store_of_appeals
from clearinghouse.disclosure.coordination.appeals.records import Question
from clearinghouse.disclosure.intake import actions, store
from clearinghouse.disclosure.intake.records import Receipt


@dataclass(frozen=True, slots=True)
class Received:
    """A submission and a line for each report it became."""

    receipt: Receipt
    lines: dict[str, InboxLine]
    """By report id."""
    appeals: dict[str, tuple[AppealLine, ...]] = field(default_factory=dict)
    questions: dict[str, tuple[Question, ...]] = field(default_factory=dict)
    """What may be appealed now."""


def read_received(instance: Instance, *, items_max: int = 200) -> Received | None:
    """The viewer's newest submission; None where it never sent one."""
    viewer, now = instance.actor.id, instance.clock.now()
    with instance.read() as tx:
        found = store.newest_submission(tx, instance.envelope, reporter=viewer, viewer=viewer, now=now)
        if found is None:
            return None
        receipt = actions.receipt_of(tx, found)
        ids = [item.report_id for item in receipt.items[:items_max] if item.report_id is not None]
        reports = store.read_reports(tx, ids, instance.envelope, viewer=viewer, now=now)
        lines = lines_of(tx, instance, list(reports.values()))
        told = read_tellings(tx, instance, [report.number for report in reports.values()])
        made: dict[str, list[AppealLine]] = {}
        for line in lines_of_appeals(tx, instance, store_of_appeals.list_of_reports(tx, ids, instance.envelope, viewer=viewer, now=now)):
            made.setdefault(line.report_id, []).append(line)
    return Received(
        receipt, {line.id: line for line in lines}, {report: tuple(found) for report, found in made.items()},
        {report.id: appealable(told[report.number], made.get(report.id, ()), instance.policy.appeals) for report in reports.values()},
    )
