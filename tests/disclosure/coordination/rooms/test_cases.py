"""Cases: who may open one, what attaching shows to whom, how one ends, and the undo of each."""

import dataclasses

import pytest

from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import CaseId, new_id
from clearinghouse.core.marks import Marks
from clearinghouse.core.tlp import Tlp
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import (
    CaseRole,
    CaseState,
    DecisionKind,
    Participation,
    ReportState,
    VendorStatus,
)
from clearinghouse.disclosure.coordination.rooms.store import cases, participants
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake.records import Consents, Credit, Finding
from clearinghouse.ledger import store as ledger
from room_cast import Cast

FINDING = Finding(title="Overflow in tiff_read_strip", description="A long strip overflows.", reproduction="run it with a.tif")
OTHER = dataclasses.replace(FINDING, title="The same seen by another")


def packets(cast: Cast, case_id: CaseId, viewer: str) -> list[str]:
    with cast.instance.database.read() as tx:
        room = actions.enter(tx, case_id, envelope=cast.instance.envelope, viewer=cast.id(viewer), now=cast.instance.clock.now())
        return [line.title for line in cases.list_reports(tx, room, now=cast.instance.clock.now())]


def state(cast: Cast, case_id: CaseId) -> CaseState:
    return cast.read(actions.enter, case_id).case.state


def test_opened_case_reads_back_with_its_policy_version(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    case = cast.read(actions.enter, case_id).case
    assert (case.title, case.summary, case.policy_version, case.state, case.opened_at, case.lead) == (
        "Overflow in the reader", "One paragraph.", 1, CaseState.OPEN, clock.now(), cast.instance.actor.id
    )
    with cast.instance.database.read() as tx:
        assert [event.kind for event in ledger.events_about(tx, case_id)] == ["CaseOpened", "ReportAttached", "ParticipantJoined"]


def test_title_is_nowhere_in_the_database_in_clear(sqlite_cast: Cast, sqlite_case: CaseId) -> None:
    stored = b"".join(path.read_bytes() for path in sqlite_cast.instance.settings.home.glob("clearinghouse.db*"))
    assert sqlite_case.encode() in stored
    assert b"Overflow" not in stored


def test_reporter_takes_part_from_the_start_and_strangers_find_nothing(cast: Cast, case_id: CaseId) -> None:
    assert cast.read(actions.enter, case_id, viewer="finder").standing.roles == {CaseRole.REPORTER}
    with pytest.raises(NotFound) as mine:
        cast.read(actions.enter, case_id, viewer="stranger")
    absent = new_id("case")
    with pytest.raises(NotFound) as none:
        cast.read(actions.enter, absent, viewer="stranger")
    assert str(mine.value).replace(case_id, "") == str(none.value).replace(absent, "")


def test_reporter_may_not_open_a_case(cast: Cast) -> None:
    report = cast.report(FINDING)
    with pytest.raises(NotPermitted, match="coordinator"):
        cast.write(actions.open_case, [report], "Mine", policy_version=1, actor="finder")


def test_coordinator_opens_no_case_from_what_it_may_not_read(cast: Cast) -> None:
    report = cast.report(FINDING)
    with pytest.raises(NotFound):
        cast.write(actions.open_case, [report], "Theirs", policy_version=1, actor="coordinator b")


def test_participants_read_the_copy_and_never_the_submission(cast: Cast, case_id: CaseId) -> None:
    cast.join(case_id, "vendor")
    with cast.instance.database.read() as tx:
        room = actions.enter(tx, case_id, envelope=cast.instance.envelope, viewer=cast.id("vendor"), now=cast.instance.clock.now())
        line = cases.list_reports(tx, room, now=cast.instance.clock.now())[0]
    assert cast.read(actions.read_packet, case_id, line.id, viewer="vendor")[1] == FINDING
    with pytest.raises(NotFound):
        cast.read(intake.read_report, line.id, viewer="vendor")


def test_report_is_in_one_open_case_at_most(cast: Cast) -> None:
    report = cast.report(FINDING)
    first = cast.open(report)
    with pytest.raises(Conflict) as refused:
        cast.open(report)
    assert first not in str(refused.value)
    cast.write(actions.close_case, first, "done")
    second = cast.open(report)
    with pytest.raises(Conflict, match="elsewhere"):
        cast.write(actions.reopen_case, first, "not done")
    cast.write(actions.detach_report, second, report, "belongs to the first")
    cast.write(actions.reopen_case, first, "not done")
    assert state(cast, first) is CaseState.OPEN


def test_attach_and_detach_bring_and_take_the_reporter(cast: Cast, case_id: CaseId) -> None:
    report = cast.report(OTHER, "second")
    cast.write(actions.attach_report, case_id, report, "the same flaw")
    assert packets(cast, case_id, "second") == [OTHER.title]
    assert packets(cast, case_id, "finder") == [FINDING.title]
    assert sorted(packets(cast, case_id, "lead")) == sorted([FINDING.title, OTHER.title])
    cast.write(actions.detach_report, case_id, report, "another flaw after all")
    assert packets(cast, case_id, "lead") == [FINDING.title]
    with pytest.raises(NotFound):
        cast.read(actions.enter, case_id, viewer="second")
    cast.write(actions.attach_report, case_id, report, "it was the same")
    assert packets(cast, case_id, "second") == [OTHER.title]


def test_reporters_are_not_told_of_each_other(cast: Cast, case_id: CaseId) -> None:
    cast.write(actions.attach_report, case_id, cast.report(OTHER, "second"), "the same flaw")
    with cast.instance.database.read() as tx:
        room = actions.enter(tx, case_id, envelope=cast.instance.envelope, viewer=cast.id("finder"), now=cast.instance.clock.now())
        told = [one.party for one in participants.list_participants(tx, room)]
    assert set(told) == {cast.id("lead"), cast.id("finder")}


def test_what_the_sender_keeps_from_vendors_no_vendor_sees(cast: Cast) -> None:
    kept = dataclasses.replace(FINDING, consents=Consents(share_with_vendor=False))
    case_id = cast.open(cast.report(kept), cast.report(OTHER, "second"))
    cast.join(case_id, "vendor")
    assert packets(cast, case_id, "vendor") == [OTHER.title]


def test_name_the_sender_keeps_is_in_no_packet_of_others(cast: Cast) -> None:
    report = cast.report(dataclasses.replace(
        FINDING, consents=Consents(share_name=False), reporter="Ada", credits=(Credit("Ada"),)
    ))
    case_id = cast.open(report)
    cast.join(case_id, "vendor")
    shown = cast.read(actions.read_packet, case_id, report, viewer="vendor")[1]
    assert (shown.reporter, shown.credits, shown.title) == ("", (), FINDING.title)
    assert cast.read(actions.read_packet, case_id, report, viewer="finder")[1].reporter == "Ada"


def test_withdrawn_report_ends_the_case_and_comes_back(cast: Cast, case_id: CaseId) -> None:
    cast.join(case_id, "vendor")
    report = cast.read(_only_report, case_id)
    assert cast.write(actions.withdraw_report, case_id, report, "I was wrong", actor="finder") is CaseState.WITHDRAWN
    with pytest.raises(NotFound):
        cast.read(actions.read_packet, case_id, report, viewer="vendor")
    with cast.instance.database.read() as tx:
        told = {one.party: one.report_state for one in participants.system_participants(tx, case_id)}
    assert told[cast.id("finder")] is ReportState.CLOSED
    with pytest.raises(Conflict, match="withdrawn"):
        cast.write(actions.post_message, case_id, None, "hello")
    assert cast.write(actions.reinstate_report, case_id, report, actor="finder") is CaseState.OPEN
    assert cast.read(actions.read_packet, case_id, report, viewer="vendor")[1] == FINDING


@pytest.mark.parametrize(("status", "end"), [
    (VendorStatus.KNOWN_AFFECTED, CaseState.OPEN), (VendorStatus.FIXED, CaseState.OPEN),
    (VendorStatus.KNOWN_NOT_AFFECTED, CaseState.WITHDRAWN), (VendorStatus.UNDER_INVESTIGATION, CaseState.WITHDRAWN),
])
def test_case_outlives_withdrawal_where_a_vendor_holds_the_flaw(
    sqlite_cast: Cast, sqlite_case: CaseId, status: VendorStatus, end: CaseState
) -> None:
    sqlite_cast.join(sqlite_case, "vendor")
    flaw = sqlite_cast.write(actions.add_vulnerability, sqlite_case, "Overflow")
    sqlite_cast.write(actions.state_status, sqlite_case, flaw, status, actor="vendor")
    report = sqlite_cast.read(_only_report, sqlite_case)
    assert sqlite_cast.write(actions.withdraw_report, sqlite_case, report, "mine", actor="finder") is end


def test_case_outlives_withdrawal_where_another_finder_reported_it(cast: Cast, case_id: CaseId) -> None:
    first = cast.read(_only_report, case_id)
    cast.write(actions.attach_report, case_id, cast.report(OTHER, "second"), "the same flaw")
    assert cast.write(actions.withdraw_report, case_id, first, "mine", actor="finder") is CaseState.OPEN


def test_only_who_sent_a_report_withdraws_it(cast: Cast, case_id: CaseId) -> None:
    with pytest.raises(NotPermitted, match="who sent"):
        cast.write(actions.withdraw_report, case_id, cast.read(_only_report, case_id), "away")


def test_public_record_is_no_case(cast: Cast) -> None:
    with pytest.raises(Invalid, match="at least one"):
        cast.write(actions.open_case, [], "Nothing", policy_version=1)


def test_judgement_is_kept_and_withdrawn(cast: Cast, case_id: CaseId) -> None:
    decision = cast.write(actions.record_decision, case_id, DecisionKind.SEVERITY, "reachable from the network")
    cast.write(actions.undo_decision, case_id, decision)
    with pytest.raises(Conflict, match="before"):
        cast.write(actions.undo_decision, case_id, decision)
    with pytest.raises(Invalid, match="deed"):
        cast.write(actions.record_decision, case_id, DecisionKind.INVITED, "by hand")


def test_red_case_is_not_shown_through_an_organisation(cast: Cast, case_id: CaseId) -> None:
    cast.join(case_id, "vendor's")
    assert cast.read(actions.enter, case_id, viewer="vendor").case.title
    with pytest.raises(Conflict, match="named persons"):
        cast.write(actions.mark_case, case_id, Marks(Tlp.RED), "names only")
    cast.write(actions.remove_participant, case_id, cast.id("vendor's"), "to name the people")
    cast.write(actions.mark_case, case_id, Marks(Tlp.RED), "names only")
    with pytest.raises(Conflict, match="named persons"):
        cast.write(actions.invite, case_id, cast.id("vendor's"), CaseRole.VENDOR, "all of you")


def test_expired_marks_leave_dates_and_no_text(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    ends = clock.now().replace(hour=9)
    cast.write(actions.mark_case, case_id, Marks(expires_at=ends), "until nine")
    clock.at = ends
    room = cast.read(actions.enter, case_id)
    assert (room.case.title, room.case.summary, packets(cast, case_id, "lead")) == ("", "", [])
    cast.write(actions.mark_case, case_id, Marks(), "longer")
    assert cast.read(actions.enter, case_id).case.title == "Overflow in the reader"


def test_two_edits_of_one_state_lose_nothing(cast: Cast, case_id: CaseId) -> None:
    with cast.instance.database.read() as tx:
        stale = actions.enter(tx, case_id, envelope=cast.instance.envelope, viewer=cast.id("lead"), now=cast.instance.clock.now())
    cast.write(actions.close_case, case_id, "done")
    with cast.instance.database.write() as tx:
        assert not cases.change_case(tx, stale, lead=cast.id("finder"))
        ledger_of(tx, cast)
    assert cast.read(actions.enter, case_id).case.lead == cast.id("lead")


def test_detached_reporter_row_tells_how_it_ended(cast: Cast, case_id: CaseId) -> None:
    cast.write(actions.detach_report, case_id, cast.read(_only_report, case_id), "wrong case")
    with cast.instance.database.read() as tx:
        told = {one.party: one.state for one in participants.system_participants(tx, case_id)}
    assert told[cast.id("finder")] is Participation.REMOVED


def ledger_of(tx: object, cast: Cast) -> None:
    """Leave the event a bare write of a test needs."""
    from clearinghouse.core.events import Event
    from clearinghouse.ledger import actions as record

    record.record(tx, Event("Tested", ("obj_1",)), actor=cast.id("lead"), now=cast.instance.clock.now())  # type: ignore[arg-type]


def _only_report(tx: object, case_id: str, *, viewer: str, now: object) -> str:
    return next(iter(cases.system_live_reporters(tx, CaseId(case_id))))  # type: ignore[arg-type]
