"""What stands around a report: the room that handles it, and the last word people had about two of them."""

from clearinghouse.app.views.validations import read_badges
from clearinghouse.app.wiring import Instance
from clearinghouse.disclosure.coordination.rooms.store import cases
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.deconfliction.records import SAMENESS
from clearinghouse.disclosure.intake.records import Report


def room_of(instance: Instance, report_id: str) -> tuple[str, str]:
    """Id and title of the open case that handles a report, if the viewer may see that case; else two empty texts."""
    with instance.read() as tx:
        with tx.beyond_wall():
            found = cases.system_case_of_report(tx, report_id)
        room = cases.find_room(tx, found or "", instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
    return ("", "") if room is None else (room.id, room.case.title)


def badge_of(instance: Instance, report_id: str) -> str:
    """What the bench last saw of a report that the viewer may read, in words; empty where the viewer may not read its case."""
    with instance.read() as tx:
        return read_badges(tx, instance, [report_id]).get(report_id, "")


def last_decision(instance: Instance, *reports: Report) -> str:
    """Id of the newest standing decision that speaks of all of these reports, which the viewer coordinates; empty where there is none."""
    numbers = {report.number for report in reports}
    with instance.read() as tx:
        standing = deconfliction.list_decisions(tx, instance.envelope, standing_only=True)
    return next(
        (entry.id for entry in reversed(standing) if entry.kind in SAMENESS and numbers <= {number for group in entry.groups for number in group}), ""
    )
