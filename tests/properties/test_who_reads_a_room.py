"""No viewer reads what its part, its tier or the marks keep from it: said once more, apart from the code, and compared."""

from dataclasses import dataclass, replace

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from clearinghouse.app.views.case_room import list_invitations, list_rooms, read_packet, read_room
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import NotFound
from clearinghouse.core.ids import CaseId, new_id
from clearinghouse.core.marks import Marks
from clearinghouse.core.tlp import Tlp
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import CaseRole, DecisionKind, DocumentKind, VendorStatus
from clearinghouse.disclosure.intake.records import Finding
from room_cast import Cast


@dataclass(frozen=True)
class Stranger:
    """How somebody came near a case."""

    role: CaseRole
    tier: int
    through_organisation: bool
    end: str
    """How far it came: uninvited, invited, declined, joined, left, removed."""


strangers = st.builds(
    Stranger, st.sampled_from([role for role in CaseRole if role is not CaseRole.COORDINATOR]), st.integers(0, 3), st.booleans(),
    st.sampled_from(["uninvited", "invited", "declined", "joined", "joined", "joined", "left", "removed"]),
)


def may(one: Stranger, what: str, tlp: Tlp) -> bool:
    """The rule: what of the room this stranger is shown."""
    if one.end != "joined":
        return False
    if what in ("message", "document") and tlp is Tlp.RED and one.through_organisation:
        return False
    return {
        "title": one.tier >= 1, "vulnerability": one.tier >= 1, "message": one.tier >= 2, "document": one.tier >= 2,
        "aside": False, "decision": one.tier >= 2 and one.role is not CaseRole.REPORTER,
        "packet": one.tier >= 2 and one.role is not CaseRole.REPORTER, "reproduction": one.tier >= 3 and one.role is not CaseRole.REPORTER,
    }[what]


@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=strangers, tlp=st.sampled_from(Tlp))
@example(one=Stranger(CaseRole.VENDOR, 3, False, "joined"), tlp=Tlp.RED)
@example(one=Stranger(CaseRole.VENDOR, 3, True, "joined"), tlp=Tlp.RED)
@example(one=Stranger(CaseRole.REPORTER, 3, False, "joined"), tlp=Tlp.AMBER)
def test_stranger_is_shown_exactly_what_the_rule_says(sqlite_instance: Instance, one: Stranger, tlp: Tlp) -> None:
    cast = Cast(sqlite_instance)
    name = new_id("str")
    marked = {what: f"MARK-{what}-{name}" for what in ("title", "vulnerability", "message", "document", "aside", "decision", "packet", "reproduction")}
    finding = Finding(title=marked["packet"], description="it overflows", reproduction=marked["reproduction"])
    report = cast.report(finding)
    case_id = cast.open(report, title=marked["title"], marks=Marks(Tlp.CLEAR))
    flaw = cast.write(actions.add_vulnerability, case_id, marked["vulnerability"], report_ids=[report])
    cast.write(actions.post_message, case_id, None, marked["message"], marks=Marks(tlp))
    cast.write(actions.add_document, case_id, DocumentKind.EVIDENCE, marked["document"], b"x", marks=Marks(tlp))
    cast.join(case_id, f"vendor {name}")
    cast.write(actions.state_status, case_id, flaw, VendorStatus.FIXED, actor=f"vendor {name}")
    thread = cast.write(actions.open_thread, case_id, marked["aside"], [cast.id(f"vendor {name}")])
    cast.write(actions.post_message, case_id, thread, marked["aside"])
    cast.write(actions.record_decision, case_id, DecisionKind.OTHER, marked["decision"])
    come_near(cast, case_id, name, one)
    told = everything_told(cast, case_id, report, name)
    wrong = {what: marked[what] in told for what in marked if (marked[what] in told) != may(one, what, tlp)}
    assert wrong == {}


def come_near(cast: Cast, case_id: CaseId, name: str, one: Stranger) -> None:
    party = f"{name}'s" if one.through_organisation else name
    cast.party(name)
    if one.end == "uninvited":
        return
    cast.write(actions.invite, case_id, cast.id(party), one.role, "needed", tier=one.tier)
    if one.end == "declined":
        cast.write(actions.decline_invitation, case_id, "no", actor=name)
    if one.end in ("joined", "left"):
        cast.write(actions.accept_invitation, case_id, actor=name)
    if one.end == "left":
        cast.write(actions.leave, case_id, "enough", actor=name)
    if one.end == "removed":
        cast.write(actions.accept_invitation, case_id, actor=name)
        cast.write(actions.remove_participant, case_id, cast.id(party), "no longer needed")


def everything_told(cast: Cast, case_id: CaseId, report: str, name: str) -> str:
    """All that a party can get out of the views, as one text."""
    seen = cast.instance.acting_as(cast.party(name))
    told = [repr(list_rooms(seen)), repr(list_invitations(seen))]
    try:
        told.append(repr(read_room(seen, case_id)))
        told.append(repr(read_packet(seen, case_id, report)))
    except NotFound as refused:
        told.append(str(refused))
    return "".join(told)


def test_the_walk_would_notice_a_leak(sqlite_instance: Instance) -> None:
    """Somebody who may see everything does: the marked strings are where the walk looks."""
    cast = Cast(sqlite_instance)
    report = cast.report(Finding(title="MARK-packet", description="x", reproduction="MARK-reproduction"))
    case_id = cast.open(report, title="MARK-title")
    cast.people["self"] = replace(cast.instance.actor)
    told = everything_told(cast, case_id, report, "self")
    assert [mark for mark in ("MARK-packet", "MARK-reproduction", "MARK-title") if mark not in told] == []


def test_invitation_shows_nothing_of_the_case(sqlite_instance: Instance) -> None:
    cast = Cast(sqlite_instance)
    case_id = cast.open(cast.report(Finding(title="x", description="y")), title="MARK-title")
    cast.write(actions.invite, case_id, cast.id("vendor"), CaseRole.VENDOR, "please")
    assert "MARK-title" not in everything_told(cast, case_id, new_id("rep"), "vendor")
