"""A room as its view gives it, made into what its template draws. Nothing is read here."""

from clearinghouse.app.views.case_room import CaseRoom, ThreadLine
from clearinghouse.app.views.embargo_clock import EmbargoClock
from clearinghouse.app.views.live import words_of
from clearinghouse.core.marks import Marks
from clearinghouse.disclosure.coordination.embargo.records import DutyState, ProposalState, WhatIf
from clearinghouse.disclosure.coordination.rooms.records import CaseRole, CaseState, Participation
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.web import pages

_PEOPLE_SHOWN = 500
_TIERS = {0: "dates", 1: "summary", 2: "the room", 3: "everything"}
_OPEN_DEEDS = {"message", "document", "leave"}


def room_page(
    found: CaseRoom, clock: EmbargoClock, finding: Finding | None, asked: WhatIf | None, thread: str, *, coordinates: bool
) -> pages.Room:
    """The page of a room.

    Args:
        finding: of the report that leads, where the viewer may read one.
        asked: the answer to a what-if.
        thread: id of the thread whose messages are shown; the official one by default.
        coordinates: the viewer's account may act as a coordinator.
    """
    case, standing = found.case, found.standing
    threads = [_thread(line) for line in found.threads]
    current = next((line for line in found.threads if line.thread.id == thread), found.threads[0] if found.threads else None)
    consents = {line.name: str(line.consent) for line in clock.consents}
    roles = sorted(standing.roles)
    return pages.Room(
        case.id, case.title, case.state, case.summary, case.marks.tlp, mark_words(case.marks), case.opened_at, found.lead_name,
        ", ".join(roles) or "reading without taking part", case.policy_version, _may(found, clock, coordinates=coordinates),
        None if finding is None else pages.packet_of(finding),
        tuple(
            pages.RoomReport(
                line.report.id, line.report.title, line.report.received_at, line.reporter_name, line.report.source,
                line.report.withdrawn_at, line.mine,
            )
            for line in found.packets
        ),
        tuple(pages.Flaw(flaw.id, flaw.title, flaw.identifiers) for flaw in found.vulnerabilities),
        _matrix(found),
        tuple(
            pages.RoomParticipant(
                line.participant.party, line.name, line.participant.role, line.participant.state, consents.get(line.name, ""),
                _TIERS.get(int(line.participant.tier), ""), line.participant.until, str(line.participant.report_state), line.mine,
            )
            for line in found.participants[:_PEOPLE_SHOWN]
        ),
        len(found.participants), tuple(threads), None if current is None else _thread(current),
        () if current is None else tuple(
            pages.RoomMessage(
                line.message.id, line.author_name, line.message.at, line.message.body, line.message.via, line.mine,
                "" if line.message.marks.tlp == case.marks.tlp else line.message.marks.tlp,
            )
            for line in current.messages
        ),
        current.messages[0].message.id if current is not None and current.older and current.messages else "",
        tuple(
            pages.RoomDocument(
                line.document.id, line.document.kind, line.document.name, line.document.size_bytes, line.document.digest,
                line.document.added_at, line.added_by_name, line.document.marks.tlp,
            )
            for line in found.documents if line.document.withdrawn_at is None
        ),
        tuple(
            pages.RoomDecision(
                line.decision.id, f"{line.decision.kind.replace('_', ' ')} {line.subject_name}".strip(), line.decision.reason,
                line.decision.at, line.actor_name, line.decision.undone_at,
            )
            for line in found.decisions
        ),
        tuple(pages.TimelineEntry(line.at, line.words, line.actor_name) for line in found.timeline),
        _clock(clock, asked), found.news, words_of(found.news), found.leading, found.credit,
        {line.report.id: (f"/cases/{case.id}/reports/{line.report.id}", line.report.title, line.reporter_name) for line in found.packets},
    )


def mark_words(marks: Marks) -> tuple[str, ...]:
    """Handling marks beside TLP, in words."""
    said = [("no training", marks.no_training), ("no regulatory use", marks.no_regulatory_use)]
    words = [word for word, holds in said if holds]
    if marks.legal_basis:
        words.append(f"under {marks.legal_basis}" + (f" until {marks.legal_basis_until:%Y-%m-%d}" if marks.legal_basis_until else ""))
    if marks.expires_at is not None:
        words.append(f"expires {marks.expires_at:%Y-%m-%d %H:%M} UTC")
    return tuple(words)


def _may(found: CaseRoom, clock: EmbargoClock, *, coordinates: bool) -> frozenset[str]:
    standing, roles = found.standing, found.standing.roles
    if found.case.state is not CaseState.OPEN:
        return frozenset({"reopen"}) if coordinates and standing.coordinates else frozenset()
    if not roles:
        return frozenset()
    may = {"message", "document", "leave"} if standing.tier >= 2 else {"leave"}
    if CaseRole.VENDOR in roles:
        may |= {"status", "decline", "step"}
    if coordinates and standing.coordinates:
        may |= {"invite", "decide", "close", "edit", "status", "flaw", "fact"}
    return frozenset(may | ({"propose"} & clock.may) | ({"fact"} if "record" in clock.may else set()) | ({"leak"} & clock.may))


def _matrix(found: CaseRoom) -> tuple[pages.MatrixRow, ...]:
    rows = []
    for line in found.vendors:
        cells = []
        for flaw in found.vulnerabilities:
            said = found.status_of(flaw.id, line.participant.party)
            cells.append(pages.Cell("") if said is None else pages.Cell(said.status, said.said_at, said.statement or ""))
        silent = all(not cell.status for cell in cells) and line.participant.state is Participation.JOINED
        rows.append(pages.MatrixRow(line.name, tuple(cells), line.participant.invited_at if silent and cells else None))
    return tuple(rows)


def _thread(line: ThreadLine) -> pages.RoomThread:
    thread = line.thread
    private = thread.kind == "private"
    return pages.RoomThread(thread.id, thread.title or "Official thread", private, thread.messages, thread.unread, line.member_names)


def _clock(clock: EmbargoClock, asked: WhatIf | None) -> pages.EmbargoClock:
    rows = tuple(
        pages.TimetableRow(line.holder, line.terms, line.at, line.binds, line.why or ("" if line.at else line.at_words))
        for line in clock.clocks
    )
    duties = tuple(
        pages.TimelineEntry(line.at, f"{line.holder}: {line.what}", state="over" if line.state is DutyState.DONE else "coming")
        for line in clock.duties if line.at is not None
    )
    proposals = tuple(
        pages.Proposal(line.id, line.ends_at, line.by, line.accepted, line.needed, line.asked)
        for line in clock.proposals if line.state is ProposalState.OPEN
    )
    return pages.EmbargoClock(
        clock.state if clock.ends_at is None or clock.state != "none" else "active", clock.ends_at, clock.bound_by, clock.words, rows,
        clock.conflicts, duties, proposals, () if asked is None else asked.difference or ("Nothing would change.",),
    )
