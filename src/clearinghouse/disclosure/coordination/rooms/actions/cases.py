"""Opening a case, its reports, its marks, its end, and the decisions people record in it."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from clearinghouse.core.errors import Conflict, Invalid
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import CaseId, PartyId, ReportId, ThreadId, new_id
from clearinghouse.core.marks import Marks
from clearinghouse.core.policy import RoomLimits
from clearinghouse.core.roles import Scope
from clearinghouse.core.tlp import Tlp
from clearinghouse.disclosure.coordination.rooms import rules
from clearinghouse.disclosure.coordination.rooms.actions.entering import (
    coordinate,
    enter,
    hidden_among,
    nothing_found,
    take_part,
    write_down,
)
from clearinghouse.disclosure.coordination.rooms.records import (
    AttachedReport,
    Case,
    CaseRole,
    CaseState,
    DecisionKind,
    Participant,
    Participation,
    ReportState,
    Room,
    Standing,
    Thread,
    ThreadKind,
)
from clearinghouse.disclosure.coordination.rooms.states import CASE_TRANSITIONS, REPORT_TRANSITIONS, may_step, step
from clearinghouse.disclosure.coordination.rooms.store import cases, participants, threads, vulnerabilities
from clearinghouse.disclosure.deconfliction.leads import store as leads
from clearinghouse.disclosure.deconfliction.leads.rules import strength_of
from clearinghouse.disclosure.deconfliction.telling import store as tellings
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake.records import Finding, Report
from clearinghouse.disclosure.intake.withdrawals import actions as withdrawals
from clearinghouse.disclosure.intake.withdrawals import store as withdrawal_store
from clearinghouse.disclosure.intake.withdrawals.records import Withdrawal
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties import rules as party_rules
from clearinghouse.parties import store as party_store
from clearinghouse.parties.records import Basis, Grant, Tier
from clearinghouse.storage import Envelope, Transaction

_CHANGED = Conflict("somebody else changed this case in the same moment; look again, then decide")


def open_case(
    tx: Transaction, report_ids: Sequence[str], title: str, *, summary: str = "", marks: Marks | None = None, reason: str = "",
    policy_version: int, actor: PartyId, envelope: Envelope, limits: RoomLimits, now: datetime,
) -> CaseId:
    """A new case about reports that a coordinator may read, with its official thread.

    The reporters take part from the start, without an invitation: the flaw is theirs. Each reads the official thread
    and its own report, not those of others.
    Raises:
        NotPermitted: the actor is no coordinator.
        NotFound: a report is not one the actor may read.
        Invalid: there is no title or no report, or one is a public record.
        Conflict: a report is handled in an open case already or was withdrawn by its sender, or the marks do not reach a reporter.
    """
    party_rules.check_may(parties.get_party(tx, actor), Scope.CASES_DECIDE)
    if not report_ids:
        raise Invalid("a case is opened from at least one report")
    case = Case(
        CaseId(new_id("case")), now, actor, actor, CaseState.OPEN, now, policy_version, rules.parse_title(title),
        rules.parse_paragraph(summary), marks or Marks(),
    )
    key = secrets.token_bytes(32)
    room = Room(case, Standing(actor, actor, frozenset({actor}), frozenset({CaseRole.COORDINATOR}), Tier.DOCUMENTS, True), key)
    found_room(tx, room, envelope=envelope)
    threads.add_thread(tx, room, Thread(ThreadId(new_id("thr")), ThreadKind.OFFICIAL, now, actor, ""))
    details: dict[str, Detail] = {"policy": policy_version, "tlp": str(case.marks.tlp), "reports": len(set(report_ids))}
    ledger.record(tx, Event("CaseOpened", (case.id,), details), actor=actor, now=now)
    write_down(tx, room, DecisionKind.OPENED, case.id, rules.parse_paragraph(reason), actor=actor, now=now)
    for report_id in dict.fromkeys(report_ids):
        report = intake.read_report(tx, report_id, envelope=envelope, viewer=actor, now=now)
        _attach(tx, room, report, "", actor=actor, limits=limits, now=now)
    return case.id


def found_room(tx: Transaction, room: Room, *, envelope: Envelope) -> None:
    """Keep a case with its lead; who calls this adds the threads and leaves the event."""
    case = room.case
    cases.add_case(tx, case, room.key, envelope)
    participants.add_participants(tx, case.id, [Participant(
        case.lead, CaseRole.COORDINATOR, Participation.JOINED, Tier.DOCUMENTS, None, ReportState.RECEIVED, case.opened_at,
        case.opened_at, case.lead, case.opened_at,
    )])
    party_store.add_grants(tx, [Grant(case.id, case.lead, Basis.PARTICIPANT)])


def attach_report(
    tx: Transaction, case_id: str, report_id: str, reason: str, *, actor: PartyId, envelope: Envelope, limits: RoomLimits,
    now: datetime,
) -> None:
    """Put a report that the actor may read into a case: participants are shown a copy of its finding, as received.

    Raises:
        NotFound: case or report are not the actor's to see.
        NotPermitted: the actor does not coordinate the case.
        Invalid: there is no reason, or the report is a public record.
        Conflict: the case is not open, holds its bound of reports, or an open case handles the report, or its sender withdrew it.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    report = intake.read_report(tx, report_id, envelope=envelope, viewer=actor, now=now)
    _attach(tx, room, report, rules.parse_reason(reason), actor=actor, limits=limits, now=now)


def detach_report(
    tx: Transaction, case_id: str, report_id: str, reason: str, *, actor: PartyId, envelope: Envelope, now: datetime
) -> None:
    """Take a report out of a case it does not belong to; a reporter with no other report in it leaves the room.

    Raises:
        NotFound: there is no such report in the case.
        NotPermitted: the actor does not coordinate the case.
        Conflict: the case is not open, or the report was detached before.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    attached = cases.find_attached(tx, room, report_id, now=now)
    if attached is None:
        raise nothing_found(report_id)
    if attached.detached_at is not None:
        raise Conflict("this report was detached before; attach it again to undo that")
    cases.end_attachment(tx, room, attached.id, detached_at=now, withdrawn_at=attached.withdrawn_at)
    write_down(tx, room, DecisionKind.DETACHED, attached.id, rules.parse_reason(reason), actor=actor, now=now)
    ledger.record(tx, Event("ReportDetached", (room.id, attached.id)), actor=actor, now=now)
    still = set(cases.system_live_reporters(tx, room.id).values())
    reporter = participants.find_participant(tx, room, attached.reporter)
    if reporter is not None and reporter.role is CaseRole.REPORTER and reporter.state is Participation.JOINED and reporter.party not in still:
        participants.save_participant(tx, room.id, reporter, replace(reporter, state=Participation.REMOVED, ended_at=now))
        threads.remove_from_all(tx, room.id, reporter.party, now)
        party_store.end_grants(tx, room.id, reporter.party, [Basis.PARTICIPANT, Basis.READ_IN], now)
        ledger.record(tx, Event("ParticipantRemoved", (room.id, reporter.party), {"with": attached.id}), actor=actor, now=now)


def withdraw_report(
    tx: Transaction, case_id: str, report_id: str, reason: str, *, actor: PartyId, envelope: Envelope, now: datetime
) -> CaseState:
    """Take back a report one has sent; gives the state of the case after it.

    The others see "withdrawn by finder" and no longer its content. The case ends with it if no report is left and no
    vendor has found its own product affected.
    Raises:
        NotFound: there is no such report in the case.
        NotPermitted: the report is of another party.
        Conflict: the case is not open, or the report was withdrawn before.
    """
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    attached = _own_report(tx, room, report_id, now=now)
    if attached.withdrawn_at is not None:
        raise Conflict("this report was withdrawn before; reinstate it to undo that")
    words = rules.parse_reason(reason)
    cases.end_attachment(tx, room, attached.id, detached_at=None, withdrawn_at=now)
    withdrawals.keep_withdrawal(tx, Withdrawal(attached.id, now, actor, words), envelope=envelope)
    write_down(tx, room, DecisionKind.WITHDRAWN, attached.id, words, actor=actor, now=now)
    ledger.record(tx, Event("ReportWithdrawn", (room.id, attached.id)), actor=actor, now=now)
    live = cases.system_live_reporters(tx, room.id)
    if attached.reporter not in live.values():
        _step_reporter(tx, room, attached.reporter, "withdraw", actor=actor, now=now)
    if not rules.closes_by_withdrawal(len(live), vulnerabilities.system_statuses(tx, room.id)):
        return CaseState.OPEN
    end = CaseState(step(CASE_TRANSITIONS, "withdraw report", room.case.state, ("finder", "reporter")))
    if not cases.change_case(tx, room, state=end, state_at=now):
        raise _CHANGED
    ledger.record(tx, Event("CaseWithdrawn", (room.id, attached.id)), actor=actor, now=now)
    return end


def reinstate_report(tx: Transaction, case_id: str, report_id: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> CaseState:
    """Undo a withdrawal; a case that ended by it is open again. Gives the state of the case after it.

    Raises:
        NotFound: there is no such report in the case.
        NotPermitted: the report is of another party.
        Conflict: it was not withdrawn, the case was closed by a coordinator, or another open case handles the report.
    """
    room = enter(tx, case_id, envelope=envelope, viewer=actor, now=now)
    rules.check_takes_part(room.standing)
    if room.case.state is CaseState.CLOSED:
        rules.check_open(room)
    attached = _own_report(tx, room, report_id, now=now)
    if attached.withdrawn_at is None:
        raise Conflict("this report was not withdrawn")
    if not cases.handle_again(tx, room, [attached.id]):
        raise Conflict("this report is handled elsewhere by now")
    withdrawals.end_withdrawal(tx, attached.id, actor=actor, now=now)
    _step_reporter(tx, room, attached.reporter, "reinstate", actor=actor, now=now)
    write_down(tx, room, DecisionKind.REINSTATED, attached.id, "", actor=actor, now=now)
    ledger.record(tx, Event("ReportReinstated", (room.id, attached.id)), actor=actor, now=now)
    if room.case.state is CaseState.WITHDRAWN:
        _reopen(tx, room, "reinstate report", ("finder", "reporter"), actor=actor, now=now)
    return CaseState.OPEN


def edit_case(
    tx: Transaction, case_id: str, *, title: str | None = None, summary: str | None = None, actor: PartyId, envelope: Envelope,
    now: datetime,
) -> None:
    """Change a case's title or summary.

    Raises:
        NotFound, NotPermitted: the case is not the actor's to see, or to coordinate.
        Invalid: the title is empty.
        Conflict: the case is not open, or somebody else changed it in the same moment.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    cleaned = None if title is None else rules.parse_title(title)
    if not cases.change_case(tx, room, title=cleaned, summary=None if summary is None else rules.parse_paragraph(summary)):
        raise _CHANGED
    details: dict[str, Detail] = {"title": title is not None, "summary": summary is not None}
    ledger.record(tx, Event("CaseEdited", (room.id,), details), actor=actor, now=now)


def mark_case(
    tx: Transaction, case_id: str, marks: Marks, reason: str, *, actor: PartyId, envelope: Envelope, now: datetime
) -> None:
    """Change the marks of a case; what is in it keeps its own.

    Raises:
        NotFound, NotPermitted: the case is not the actor's to see, or to coordinate.
        Conflict: it would be TLP:RED with organisations in it, or somebody else changed it in the same moment.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    if marks.tlp is Tlp.RED:
        for one in participants.system_participants(tx, room.id):
            if one.state in (Participation.JOINED, Participation.INVITED):
                rules.check_may_name(marks, person=_is_person(tx, one.party))
    if not cases.change_case(tx, room, marks=marks):
        raise _CHANGED
    write_down(tx, room, DecisionKind.MARKED, room.id, rules.parse_reason(reason), actor=actor, now=now)
    ledger.record(tx, Event("MarksChanged", (room.id,), {"tlp": str(marks.tlp)}), actor=actor, now=now)


def close_case(tx: Transaction, case_id: str, reason: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> None:
    """End a case; its participants read on, its reports are free for another one.

    Raises:
        NotFound, NotPermitted: the case is not the actor's to see, or to coordinate.
        Conflict: it is not open.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    end = CaseState(step(CASE_TRANSITIONS, "close", room.case.state, ("coordinator",)))
    if not cases.change_case(tx, room, state=end, state_at=now):
        raise _CHANGED
    cases.let_go_reports(tx, room)
    write_down(tx, room, DecisionKind.CLOSED, room.id, rules.parse_reason(reason), actor=actor, now=now)
    ledger.record(tx, Event("CaseClosed", (room.id,)), actor=actor, now=now)


def reopen_case(tx: Transaction, case_id: str, reason: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> None:
    """Undo the end of a case; it handles its reports again.

    Raises:
        NotFound, NotPermitted: the case is not the actor's to see, or to coordinate.
        Conflict: it is open, or another open case handles one of its reports by now.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now, closed=True)
    held = sorted(cases.system_live_reporters(tx, room.id))
    if not cases.handle_again(tx, room, held):
        raise Conflict("a report of this case is handled elsewhere by now; detach it there, or open a new case")
    # What its sender took back while no case handled it stays taken back; reinstating it brings it into the case again.
    for report_id in withdrawal_store.system_withdrawn_among(tx, held):
        cases.end_attachment(tx, room, ReportId(report_id), detached_at=None, withdrawn_at=now)
    write_down(tx, room, DecisionKind.REOPENED, room.id, rules.parse_reason(reason), actor=actor, now=now)
    _reopen(tx, room, "reopen", ("coordinator",), actor=actor, now=now)


def read_packet(
    tx: Transaction, case_id: str, report_id: str, *, envelope: Envelope, viewer: PartyId, now: datetime
) -> tuple[AttachedReport, Finding]:
    """A report of a case with its finding as received, less what its sender or the viewer's tier keeps back.

    Raises:
        NotFound: there is none that the viewer may see, or it was taken back.
    """
    room = enter(tx, case_id, envelope=envelope, viewer=viewer, now=now)
    found = cases.read_finding(tx, room, report_id, now=now)
    if found is None:
        raise nothing_found(report_id)
    attached, finding = found
    shown = rules.packet_for(finding, attached, room.standing)
    own = attached.reporter in room.standing.parties or room.standing.coordinates
    if not own and (not attached.share_name or hidden_among(tx, room, [attached.reporter])):
        return replace(attached, reporter=PartyId("")), shown
    return attached, shown


def _attach(
    tx: Transaction, room: Room, report: Report, reason: str, *, actor: PartyId, limits: RoomLimits, now: datetime
) -> None:
    if report.public:
        raise Invalid("a public record is compared against and never a case; open the case from a report")
    withdrawals.check_not_withdrawn(tx, report.id)
    if cases.system_count_reports(tx, room.id) >= limits.reports_max:
        raise Conflict(f"this case holds its bound of {limits.reports_max} reports")
    finding = report.finding
    marks = rules.marks_of_finding(finding, room.case.marks)
    title = finding.title or (f"{finding.crash.tool}: {finding.crash.kind}" if finding.crash else "")
    attached = AttachedReport(
        report.id, now, actor, report.reporter, report.source, report.digest, report.received_at,
        title or finding.description.strip().split("\n", 1)[0][:120],
        tuple(dict.fromkeys(identifier.value for identifier in finding.identifiers))[:20], marks,
        finding.consents.share_with_vendor is not False, finding.consents.share_name is not False,
    )
    if not cases.attach(tx, room, attached, finding):
        raise Conflict("this report is handled in an open case already; detach it there first")
    tellings.note_looked(tx, [report.number], now)
    leads.put_strengths(tx, {report.number: strength_of(finding)})
    if reason:
        write_down(tx, room, DecisionKind.ATTACHED, report.id, reason, actor=actor, now=now)
    ledger.record(tx, Event("ReportAttached", (room.id, report.id), {"digest": report.digest}), actor=actor, now=now)
    _bring_reporter(tx, room, attached, actor=actor, now=now)


def _bring_reporter(tx: Transaction, room: Room, attached: AttachedReport, *, actor: PartyId, now: datetime) -> None:
    """Let who sent a report of a case take part in it, unless only persons may and the sender is none."""
    known = participants.find_participant(tx, room, attached.reporter)
    rules.check_may_name(room.case.marks, person=_is_person(tx, attached.reporter))
    fresh = Participant(
        attached.reporter, CaseRole.REPORTER, Participation.JOINED, Tier.DOCUMENTS, None, ReportState.ACCEPTED, now, now, actor, now,
        unnamed=not attached.share_name,
    )
    if known is None:
        participants.add_participants(tx, room.id, [fresh])
    elif known.state is Participation.JOINED or known.role is not CaseRole.REPORTER:
        if not attached.share_name and not known.unnamed and known.role is CaseRole.REPORTER:
            participants.save_participant(tx, room.id, known, replace(known, unnamed=True))
        return
    else:
        participants.save_participant(tx, room.id, known, replace(fresh, unnamed=known.unnamed or fresh.unnamed))
    party_store.add_grants(tx, [Grant(room.id, attached.reporter, Basis.PARTICIPANT)])
    details: dict[str, Detail] = {"role": str(CaseRole.REPORTER), "with": attached.id}
    ledger.record(tx, Event("ParticipantJoined", (room.id, attached.reporter), details), actor=actor, now=now)


def _own_report(tx: Transaction, room: Room, report_id: str, *, now: datetime) -> AttachedReport:
    attached = cases.find_attached(tx, room, report_id, now=now)
    if attached is None or attached.detached_at is not None:
        raise nothing_found(report_id)
    rules.check_own(attached, room.standing)
    return attached


def _step_reporter(tx: Transaction, room: Room, party: PartyId, verb: str, *, actor: PartyId, now: datetime) -> None:
    """Move the reporter's own state along, where it has one that the table knows a way from."""
    known = participants.find_participant(tx, room, party)
    if known is None or known.role not in (CaseRole.REPORTER, CaseRole.FINDER):
        return
    if not may_step(REPORT_TRANSITIONS, verb, known.report_state):
        return
    end = ReportState(step(REPORT_TRANSITIONS, verb, known.report_state, (str(known.role),)))
    if not participants.save_participant(tx, room.id, known, replace(known, report_state=end, report_state_at=now)):
        raise _CHANGED
    details: dict[str, Detail] = {"from": str(known.report_state), "to": str(end), "step": verb}
    ledger.record(tx, Event("ReportStateChanged", (room.id, party), details), actor=actor, now=now)


def _reopen(tx: Transaction, room: Room, verb: str, by: Sequence[str], *, actor: PartyId, now: datetime) -> None:
    if not cases.change_case(tx, room, state=CaseState(step(CASE_TRANSITIONS, verb, room.case.state, by)), state_at=now):
        raise _CHANGED
    ledger.record(tx, Event("CaseReopened", (room.id,)), actor=actor, now=now)


def _is_person(tx: Transaction, party: PartyId) -> bool:
    return parties.get_party(tx, party).kind in ("person", "program")


__all__ = [
    "attach_report", "close_case", "detach_report", "edit_case", "found_room", "mark_case", "open_case", "read_packet",
    "reinstate_report", "reopen_case", "withdraw_report",
]
