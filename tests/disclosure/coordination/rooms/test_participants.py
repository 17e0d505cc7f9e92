"""Participants: inviting, answering, leaving, and the report-management states."""

from datetime import timedelta

import pytest

from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import CaseId
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import CaseRole, DocumentKind, Participation, ReportState
from clearinghouse.disclosure.coordination.rooms.store import participants
from room_cast import Cast


def of(cast: Cast, case_id: CaseId, name: str) -> tuple[Participation, ReportState]:
    with cast.instance.database.read() as tx:
        return next((one.state, one.report_state) for one in participants.system_participants(tx, case_id) if one.party == cast.id(name))


def test_invited_party_sees_the_invitation_and_nothing_else(cast: Cast, case_id: CaseId) -> None:
    cast.write(actions.invite, case_id, cast.id("vendor's"), CaseRole.VENDOR, "your reader is affected")
    with pytest.raises(NotFound):
        cast.read(actions.enter, case_id, viewer="vendor")
    told = cast.read(participants.list_invitations, limit=10, viewer="vendor")
    assert [(found, one.role, reason) for found, one, reason in told] == [(case_id, CaseRole.VENDOR, "your reader is affected")]
    assert cast.read(participants.list_invitations, limit=10, viewer="stranger") == []


def test_accepting_for_an_organisation_opens_the_room_to_its_people(cast: Cast, case_id: CaseId) -> None:
    cast.join(case_id, "vendor's")
    standing = cast.read(actions.enter, case_id, viewer="vendor").standing
    assert (standing.party, standing.named, standing.roles) == (cast.id("vendor's"), False, frozenset({CaseRole.VENDOR}))
    assert of(cast, case_id, "vendor's") == (Participation.JOINED, ReportState.RECEIVED)


def test_declined_invitation_can_be_made_anew(cast: Cast, case_id: CaseId) -> None:
    cast.write(actions.invite, case_id, cast.id("vendor"), CaseRole.VENDOR, "please")
    cast.write(actions.decline_invitation, case_id, "not our code", actor="vendor")
    assert of(cast, case_id, "vendor") == (Participation.DECLINED, ReportState.CLOSED)
    with pytest.raises(NotFound):
        cast.write(actions.accept_invitation, case_id, actor="vendor")
    cast.join(case_id, "vendor")
    assert of(cast, case_id, "vendor") == (Participation.JOINED, ReportState.RECEIVED)


def test_vendor_that_declines_the_case_is_out_and_may_come_back(cast: Cast, case_id: CaseId) -> None:
    cast.join(case_id, "vendor")
    cast.write(actions.decline_case, case_id, "no capacity this year", actor="vendor")
    assert of(cast, case_id, "vendor") == (Participation.DECLINED, ReportState.CLOSED)
    with pytest.raises(NotFound):
        cast.read(actions.enter, case_id, viewer="vendor")
    cast.join(case_id, "vendor")
    assert of(cast, case_id, "vendor") == (Participation.JOINED, ReportState.RECEIVED)


def test_finder_declines_no_case(cast: Cast, case_id: CaseId) -> None:
    with pytest.raises(NotPermitted, match="vendor"):
        cast.write(actions.decline_case, case_id, "no", actor="finder")


def test_report_states_follow_the_table(cast: Cast, case_id: CaseId) -> None:
    cast.join(case_id, "vendor")
    with pytest.raises(Conflict, match="invalidate or validate"):
        cast.write(actions.move_report_state, case_id, "accept", actor="vendor")
    for verb, end in [("invalidate", "invalid"), ("validate", "valid"), ("accept", "accepted"), ("defer", "deferred"), ("accept", "accepted")]:
        assert cast.write(actions.move_report_state, case_id, verb, actor="vendor") == end
    with pytest.raises(NotPermitted, match="participant"):
        cast.write(actions.move_report_state, case_id, "defer", party_id=cast.id("vendor"))
    assert cast.write(actions.move_report_state, case_id, "close", party_id=cast.id("vendor"), reason="it said so by phone") == "closed"


def test_last_coordinator_and_lead_stay(cast: Cast, case_id: CaseId) -> None:
    with pytest.raises(Conflict, match="hand it over"):
        cast.write(actions.leave, case_id, "tired")
    with pytest.raises(Conflict, match="only a coordinator"):
        cast.write(actions.hand_over, case_id, cast.id("finder"), "you do it")
    cast.join(case_id, "coordinator b", CaseRole.COORDINATOR)
    cast.write(actions.hand_over, case_id, cast.id("coordinator b"), "on leave")
    cast.write(actions.leave, case_id, "on leave")
    assert cast.read(actions.enter, case_id, viewer="coordinator b").case.lead == cast.id("coordinator b")
    with pytest.raises(NotFound):
        cast.read(actions.enter, case_id)


def test_read_in_ends_by_itself(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    ends = clock.now() + timedelta(hours=2)
    cast.join(case_id, "watcher", CaseRole.OBSERVER, until=ends)
    assert cast.read(actions.enter, case_id, viewer="watcher").standing.tier == 1
    clock.at = ends
    with pytest.raises(NotFound):
        cast.read(actions.enter, case_id, viewer="watcher")


def test_reproducer_needs_tier_three(cast: Cast, case_id: CaseId) -> None:
    cast.join(case_id, "watcher", CaseRole.OBSERVER, tier=2)
    kept = cast.write(actions.add_document, case_id, DocumentKind.REPRODUCER, "poc.py", b"print(1)")
    with pytest.raises(NotPermitted, match="tier 3"):
        _read(cast, case_id, kept.id, "watcher")
    cast.write(actions.change_tier, case_id, cast.id("watcher"), 3, "verifies the fix")
    assert _read(cast, case_id, kept.id, "watcher") == b"print(1)"
    cast.write(actions.change_tier, case_id, cast.id("watcher"), 0, "done verifying")
    with pytest.raises(NotFound):
        _read(cast, case_id, kept.id, "watcher")
    assert cast.read(actions.enter, case_id, viewer="watcher").case.title == ""


def test_coordinator_sees_everything_or_observes(cast: Cast, case_id: CaseId) -> None:
    with pytest.raises(Invalid, match="observer"):
        cast.write(actions.invite, case_id, cast.id("coordinator b"), CaseRole.COORDINATOR, "look", tier=1)


def test_person_of_a_coordinating_organisation_needs_the_role_to_act(cast: Cast, case_id: CaseId) -> None:
    cast.join(case_id, "partner's", CaseRole.COORDINATOR)
    with pytest.raises(NotPermitted, match="needs the role coordinator"):
        cast.write(actions.close_case, case_id, "done", actor="partner")


def _read(cast: Cast, case_id: CaseId, document_id: str, viewer: str) -> bytes:
    instance = cast.instance
    return actions.read_document(
        instance.database, case_id, document_id, envelope=instance.envelope, viewer=cast.id(viewer), now=instance.clock.now()
    )[1]
