"""What cases add to the views: a person has looked, something waits for me, a flaw was fixed."""

from datetime import timedelta

import pytest

from clearinghouse.app.views.queue import read_queue
from clearinghouse.app.views.reports import list_reports
from clearinghouse.app.views.statistics import read_statistics
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.disclosure.coordination.embargo.records import DeadlineKind
from clearinghouse.disclosure.coordination.embargo.store import deadlines
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import CaseRole, VendorStatus
from clearinghouse.disclosure.intake.records import Finding
from room_cast import Cast
from views_support import counted

DAY = timedelta(days=1)


@pytest.fixture
def cast(instance: Instance) -> Cast:
    """People around an instance."""
    return Cast(instance)


def seen_by(cast: Cast, name: str) -> Instance:
    """The instance as somebody sees it."""
    return cast.instance.acting_as(cast.party(name))


def told(cast: Cast, name: str) -> tuple[str, object]:
    """What a sender is told of its one report."""
    [line], _ = list_reports(seen_by(cast, name), newest=5)
    return line.answer, line.known_since


def test_sender_is_told_that_a_person_looked_once_a_case_is_opened(cast: Cast) -> None:
    report = cast.report(Finding(title="Overflow in tiff_read_strip"))
    assert told(cast, "finder") == ("received", None)
    cast.open(report)
    assert told(cast, "finder") == ("reviewed", None)


def test_later_sender_is_told_since_when_once_a_person_set_both_beside_one_flaw(cast: Cast, clock: FixedClock) -> None:
    first = cast.report(Finding(title="Overflow in tiff_read_strip"))
    began = clock.at
    clock.at += DAY
    second = cast.report(Finding(title="Crash in tiff_read_strip"), "second")
    third = cast.report(Finding(title="Overflow in gif_frame"), "third")
    case_id = cast.open(first, second, third)
    assert told(cast, "second") == ("reviewed", None)
    cast.write(actions.add_vulnerability, case_id, "Overflow in the strip reader", report_ids=[first, second])
    cast.write(actions.add_vulnerability, case_id, "Overflow in the frame reader", report_ids=[third])
    assert [told(cast, name) for name in ("finder", "second", "third")] == [("reviewed", None), ("duplicate", began), ("reviewed", None)]


def test_invitation_dates_and_messages_wait_in_the_queue(cast: Cast, clock: FixedClock) -> None:
    case_id = cast.open(cast.report(Finding(title="Overflow")), title="Overflow in the reader")
    cast.write(actions.invite, case_id, cast.id("vendor"), CaseRole.VENDOR, "the code is yours")
    [section] = read_queue(seen_by(cast, "vendor")).sections
    assert (section.key, [(item.path, item.why) for item in section.items]) == (
        "invitations", [("/cases", "the code is yours")]
    )
    assert "Overflow" not in section.items[0].title
    cast.write(actions.accept_invitation, case_id, actor="vendor")
    with cast.instance.database.write() as tx:
        deadlines.system_set_deadlines(tx, case_id, [DeadlineKind.EMBARGO_ENDS, DeadlineKind.EMBARGO_WARNING], [
            (DeadlineKind.EMBARGO_ENDS, "", clock.at + 2 * DAY), (DeadlineKind.EMBARGO_WARNING, "", clock.at + DAY)])
    [section] = read_queue(seen_by(cast, "vendor")).sections
    assert [(item.path, item.title, item.due_at) for item in section.items] == [(f"/cases/{case_id}", "Overflow in the reader", clock.at + 2 * DAY)]
    assert read_queue(seen_by(cast, "stranger")).count == 0


def test_number_of_statements_of_the_queue_is_the_same_for_all(cast: Cast) -> None:
    for number in range(4):
        case_id = cast.open(cast.report(Finding(title=f"Flaw {number}")))
        cast.join(case_id, "vendor")
    counts = set()
    for name in ("vendor", "stranger", "finder"):
        viewer = seen_by(cast, name)
        with counted(cast.instance) as statements:
            read_queue(viewer)
        counts.add(len(statements))
    assert len(counts) == 1


def test_time_to_fix_counts_from_the_first_report_to_the_first_fix(cast: Cast, clock: FixedClock) -> None:
    report = cast.report(Finding(title="Overflow"))
    case_id = cast.open(report)
    cast.join(case_id, "vendor")
    flaw_id = cast.write(actions.add_vulnerability, case_id, "Overflow", report_ids=[report])
    assert read_statistics(cast.instance).fix_days is None
    clock.at += 12 * DAY
    cast.write(actions.state_status, case_id, flaw_id, VendorStatus.FIXED, "in 2.3.2", actor="vendor")
    clock.at += 12 * DAY
    found = read_statistics(cast.instance)
    assert found.fix_days == 12
    assert found.fixes == (("under 7 days", 0), ("7 to 30 days", 1), ("30 to 90 days", 0), ("over 90 days", 0))
    assert read_statistics(seen_by(cast, "coordinator two")).fix_days is None
