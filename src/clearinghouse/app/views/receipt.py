"""What the holder of a receipt is shown: what became of what it sent, as far as a finder may know (decision 2)."""

from dataclasses import dataclass

from clearinghouse.app.views.inbox import InboxLine, lines_of
from clearinghouse.app.wiring import Instance
from clearinghouse.disclosure.intake import actions, store
from clearinghouse.disclosure.intake.records import Receipt


@dataclass(frozen=True, slots=True)
class Received:
    """A submission and a line for each report it became."""

    receipt: Receipt
    lines: dict[str, InboxLine]
    """By report id."""


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
    return Received(receipt, {line.id: line for line in lines})
