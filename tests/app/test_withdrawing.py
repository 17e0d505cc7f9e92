"""A report taken back before any case handles it: what stays, what stops, who sees it, and that one way serves inbox and case."""

from collections.abc import Callable

import pytest

from clearinghouse.app.process import matching
from clearinghouse.app.views.case_room import read_room
from clearinghouse.app.views.inbox import list_inbox
from clearinghouse.app.views.queue import read_queue
from clearinghouse.app.views.report import read_report
from clearinghouse.app.views.reports import list_reports
from clearinghouse.app.wiring import Instance
from clearinghouse.app.withdrawing import reinstate_reports, withdraw_reports
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.deconfliction import actions as deconfliction
from clearinghouse.disclosure.deconfliction import store as placements
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.ledger import store as ledger
from clearinghouse.parties.records import Party
from views_support import counted, flaw, new_party, send_as

TIFF = "Heap overflow in tiff_read_strip of libpicture 2.3"
REASON = "WITHHELD I read the wrong branch"


@pytest.fixture
def finder(instance: Instance) -> Party:
    return new_party(instance, "Finder Ltd", Role.REPORTER)


@pytest.fixture
def settle(instance: Instance) -> Callable[[], None]:
    def run() -> None:
        work = matching(instance)
        work.sign_new()
        work.index_waiting()
        work.settle()

    return run


def open_case(instance: Instance, *report_ids: str) -> str:
    with instance.database.write() as tx:
        return rooms.open_case(
            tx, report_ids, "A flaw", policy_version=1, actor=instance.actor.id, envelope=instance.envelope, limits=instance.policy.rooms,
            now=instance.clock.now(),
        )


def send(instance: Instance, sender: Party, *texts: str) -> list[str]:
    return list(send_as(instance, sender, [flaw(text, symbol="tiff_read_strip") for text in texts], coordinator=instance.actor))


def test_withdrawn_report_stays_on_the_record_with_why(instance: Instance, finder: Party, clock: FixedClock) -> None:
    [mine] = send(instance, finder, TIFF)
    withdraw_reports(instance.acting_as(finder), [mine], REASON)
    for viewer in (instance, instance.acting_as(finder)):
        opened = read_report(viewer, mine)
        assert opened.withdrawal is not None
        assert (opened.withdrawal.reason, opened.withdrawal.at, opened.withdrawal.by) == (REASON, clock.at, finder.id)
        assert opened.line.withdrawn_at == clock.at
        assert opened.report.finding.title == TIFF
        assert opened.events[-1].kind == "ReportWithdrawn"
        assert [line.withdrawn_at for line in list_inbox(viewer).lines] == [clock.at]
        assert [line.withdrawn_at for line in list_reports(viewer, newest=5)[0]] == [clock.at]
    assert (read_report(instance, mine).own, read_report(instance.acting_as(finder), mine).own) == (False, True)


def test_reason_is_sealed_and_not_in_the_event(instance: Instance, finder: Party) -> None:
    [mine] = send(instance, finder, TIFF)
    withdraw_reports(instance.acting_as(finder), [mine], REASON)
    with instance.database.read() as tx:
        from sqlalchemy import text

        rows = tx.rows(text("select * from report_withdrawals"))
        told = [event.details or "" for event in ledger.events_about(tx, mine)]
    assert len(rows) == 1
    assert "WITHHELD" not in repr([bytes(value) if isinstance(value, memoryview) else value for row in rows for value in row])
    assert "WITHHELD" not in "".join(told)


def test_twice_is_a_conflict_and_the_reporter_undoes_it(instance: Instance, finder: Party) -> None:
    [mine] = send(instance, finder, TIFF)
    me = instance.acting_as(finder)
    with pytest.raises(Conflict, match="not withdrawn"):
        reinstate_reports(me, [mine])
    withdraw_reports(me, [mine], REASON)
    with pytest.raises(Conflict, match="withdrawn before"):
        withdraw_reports(me, [mine], REASON)
    reinstate_reports(me, [mine])
    assert read_report(me, mine).withdrawal is None
    assert read_report(me, mine).line.withdrawn_at is None
    with pytest.raises(Conflict, match="not withdrawn"):
        reinstate_reports(me, [mine])
    withdraw_reports(me, [mine], "again")
    with instance.database.read() as tx:
        kinds = [event.kind for event in ledger.events_about(tx, mine)]
    assert kinds[-3:] == ["ReportWithdrawn", "ReportReinstated", "ReportWithdrawn"]


def test_only_who_sent_it_and_with_a_reason(instance: Instance, finder: Party) -> None:
    [mine] = send(instance, finder, TIFF)
    with pytest.raises(NotPermitted):
        withdraw_reports(instance, [mine], REASON)
    with pytest.raises(Invalid, match="reason"):
        withdraw_reports(instance.acting_as(finder), [mine], " \n")
    withdraw_reports(instance.acting_as(finder), [mine], REASON)
    with pytest.raises(NotPermitted):
        reinstate_reports(instance, [mine])


def test_not_mine_and_not_there_are_one_answer(instance: Instance, finder: Party) -> None:
    [mine] = send(instance, finder, TIFF)
    other = instance.acting_as(new_party(instance, "Other Ltd", Role.REPORTER))
    said = []
    for report_id in (mine, "rep_" + "a" * 26):
        with counted(instance) as sent, pytest.raises(NotFound) as raised:
            withdraw_reports(other, [report_id], REASON)
        said.append((str(raised.value).replace(report_id, ""), len(sent)))
        with counted(instance) as sent, pytest.raises(NotFound) as raised:
            reinstate_reports(other, [report_id])
        said.append((str(raised.value).replace(report_id, ""), len(sent)))
    assert said[:2] == said[2:]


def test_several_are_withdrawn_together_or_not_at_all(instance: Instance, finder: Party) -> None:
    first, second = send(instance, finder, TIFF, "Another one")
    me = instance.acting_as(finder)
    withdraw_reports(me, [second], "first")
    with pytest.raises(Conflict):
        withdraw_reports(me, [first, second], REASON)
    assert read_report(me, first).withdrawal is None


def test_withdrawn_report_waits_in_no_queue(instance: Instance, finder: Party) -> None:
    first, second = send(instance, finder, TIFF, "Another one")

    def waiting() -> set[str]:
        return {item.path.rpartition("/")[2] for section in read_queue(instance).sections if section.key == "waiting" for item in section.items}

    assert waiting() == {first, second}
    withdraw_reports(instance.acting_as(finder), [first], REASON)
    assert waiting() == {second}
    reinstate_reports(instance.acting_as(finder), [first])
    assert waiting() == {first, second}


def test_withdrawn_report_matches_and_leads_nothing(instance: Instance, finder: Party, settle: Callable[[], None]) -> None:
    [first] = send(instance, new_party(instance, "Earlier Ltd", Role.REPORTER), TIFF)
    [second] = send(instance, finder, TIFF)
    [third] = send(instance, new_party(instance, "Later Ltd", Role.REPORTER), TIFF)
    settle()
    with instance.database.read() as tx:
        before = placements.read_placements(tx, intake.system_numbers(tx, [first, second, third]))
        sender = intake.read_report(tx, first, instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
    assert sender is not None
    leads = {line.id: (line.lead_id, line.lead_held) for line in list_inbox(instance).lines}
    assert leads == {third: (first, False), second: (first, False), first: (None, False)}
    with instance.database.read() as tx:
        from clearinghouse.parties import store as parties

        earlier = parties.find_party(tx, sender.reporter)
    assert earlier is not None
    withdraw_reports(instance.acting_as(earlier), [first], REASON)
    settle()
    with instance.database.read() as tx:
        assert placements.read_placements(tx, intake.system_numbers(tx, [first, second, third])) == before
    leads = {line.id: (line.lead_id, line.lead_held) for line in list_inbox(instance).lines}
    assert leads == {third: (second, False), second: (None, False), first: (second, False)}
    assert {one.id: one.withdrawn for one in read_report(instance, third).candidates} == {first: True, second: False}


def test_withdrawn_report_is_told_as_known_to_nobody(instance: Instance, finder: Party, settle: Callable[[], None], clock: FixedClock) -> None:
    earlier = new_party(instance, "Earlier Ltd", Role.REPORTER)
    [first] = send(instance, earlier, TIFF)
    came = clock.at
    clock.at = clock.at.replace(hour=20)
    [mine] = send_as(instance, finder, [flaw("Stack overflow in palette loader", symbol="load_palette")], coordinator=instance.actor)
    settle()
    with instance.database.write() as tx:
        found = intake.read_reports(tx, [first, mine], instance.envelope, viewer=instance.actor.id, now=clock.at)
        deconfliction.decide(
            tx, DecisionKind.MERGE, list(found.values()), "the same", actor=instance.actor.id, envelope=instance.envelope,
            thresholds=instance.policy.deconfliction, now=clock.at,
        )
    me = instance.acting_as(finder)
    assert (read_report(me, mine).line.answer, read_report(me, mine).line.known_since) == ("duplicate", came)
    withdraw_reports(instance.acting_as(earlier), [first], REASON)
    assert (read_report(me, mine).line.answer, read_report(me, mine).line.known_since) == ("reviewed", None)
    reinstate_reports(instance.acting_as(earlier), [first])
    assert read_report(me, mine).line.known_since == came


def test_no_case_is_opened_from_a_withdrawn_report(instance: Instance, finder: Party) -> None:
    first, second = send(instance, finder, TIFF, "Another one")
    withdraw_reports(instance.acting_as(finder), [first], REASON)
    with pytest.raises(Conflict, match="took this report back"):
        open_case(instance, second, first)
    case_id = open_case(instance, second)
    with pytest.raises(Conflict, match="took this report back"), instance.database.write() as tx:
        rooms.attach_report(
            tx, case_id, first, "it belongs here", actor=instance.actor.id, envelope=instance.envelope, limits=instance.policy.rooms,
            now=instance.clock.now(),
        )
    reinstate_reports(instance.acting_as(finder), [first])
    assert open_case(instance, first)


def test_report_of_a_case_is_withdrawn_there(instance: Instance, finder: Party, clock: FixedClock) -> None:
    [mine] = send(instance, finder, TIFF)
    case_id = open_case(instance, mine)
    me = instance.acting_as(finder)
    withdraw_reports(me, [mine], REASON)
    assert read_room(instance, case_id).case.state == "withdrawn"
    assert [line.withdrawn_at for line in list_inbox(instance).lines] == [clock.at]
    with pytest.raises(Conflict, match="withdrawn before"):
        withdraw_reports(me, [mine], REASON)
    with pytest.raises(Conflict, match="took this report back"):
        open_case(instance, mine)
    reinstate_reports(me, [mine])
    assert read_room(instance, case_id).case.state == "open"
    assert [line.withdrawn_at for line in list_inbox(instance).lines] == [None]


def test_reopened_case_leaves_out_what_was_taken_back_meanwhile(instance: Instance, finder: Party) -> None:
    first, second = send(instance, finder, TIFF, "Another one")
    case_id = open_case(instance, first, second)

    def act(verb: Callable[..., None]) -> None:
        with instance.database.write() as tx:
            verb(tx, case_id, "because", actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now())

    act(rooms.close_case)
    withdraw_reports(instance.acting_as(finder), [first], REASON)
    act(rooms.reopen_case)
    withdrawn = {line.report.id: line.report.withdrawn_at is not None for line in read_room(instance, case_id).packets}
    assert withdrawn == {first: True, second: False}
    reinstate_reports(instance.acting_as(finder), [first])
    withdrawn = {line.report.id: line.report.withdrawn_at is not None for line in read_room(instance, case_id).packets}
    assert withdrawn == {first: False, second: False}
