"""A case room: everything its page needs, in a number of statements that does not grow with the case.

Texts are unsealed only where they are shown: the messages of the page, the newest statements of vendors, no finding, no document.
Whoever is not to be named to the viewer is neither named nor identified anywhere in what is given.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from clearinghouse.app.views.credit import CreditOrder, read_credit
from clearinghouse.app.views.live import MESSAGE, STEP, count_steps
from clearinghouse.app.views.timeline import EventLine, describe, is_told
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import NotFound
from clearinghouse.core.ids import CaseId, PartyId, VulnerabilityId
from clearinghouse.disclosure.coordination.rooms import actions, rules
from clearinghouse.disclosure.coordination.rooms.records import (
    AttachedReport,
    Case,
    CaseRole,
    CaseState,
    Decision,
    Document,
    Message,
    Participant,
    Participation,
    Room,
    Standing,
    Thread,
    VendorStatement,
    Vulnerability,
)
from clearinghouse.disclosure.coordination.rooms.store import cases, documents, participants, threads, vulnerabilities
from clearinghouse.disclosure.deconfliction.leads import store as leads
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.ledger import store as ledger
from clearinghouse.ledger.store import LoggedEvent
from clearinghouse.parties import store as party_store
from clearinghouse.parties.records import Tier
from clearinghouse.storage import Transaction

NOT_NAMED = "a reporter who is not named"
# Bounds of one look, so that a page stays a page.
_MESSAGES_MAX = 200
_DECISIONS_MAX = 50
_EVENTS_MAX = 50
_STATEMENTS_MAX = 500
_EVENTS_LOOKED_AT = 400


@dataclass(frozen=True, slots=True)
class RoomPage:
    """Which part of a room is looked at."""

    thread: str | None = None
    """One thread; None for the newest of each."""
    before: str | None = None
    """Id of the oldest message of the page before; goes with a thread."""
    decisions_before: str | None = None


@dataclass(frozen=True, slots=True)
class ParticipantLine:
    """A participant with its name; for somebody not named, without its id."""

    participant: Participant
    name: str
    mine: bool
    """Whether the viewer acts for it."""


@dataclass(frozen=True, slots=True)
class MessageLine:
    """A message and who wrote it."""

    message: Message
    author_name: str
    mine: bool


@dataclass(frozen=True, slots=True)
class ThreadLine:
    """A thread with the messages of this page, oldest first."""

    thread: Thread
    member_names: tuple[str, ...]
    messages: tuple[MessageLine, ...]
    older: bool
    """Whether there are messages before these; ask with `before`."""


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A document and who added it."""

    document: Document
    added_by_name: str
    may_open: bool
    """False for a reproducer below tier 3."""


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """A decision, who made it and about whom, where it is about somebody."""

    decision: Decision
    actor_name: str
    subject_name: str


@dataclass(frozen=True, slots=True)
class PacketLine:
    """An attached report; its content is asked for one at a time."""

    report: AttachedReport
    reporter_name: str
    mine: bool


@dataclass(frozen=True, slots=True)
class CaseRoom:
    """A room as one viewer sees it."""

    case: Case
    standing: Standing
    lead_name: str
    participants: tuple[ParticipantLine, ...]
    vulnerabilities: tuple[Vulnerability, ...]
    statuses: Mapping[tuple[VulnerabilityId, PartyId], VendorStatement]
    """The newest word of a vendor on a vulnerability; no entry is no answer yet."""
    threads: tuple[ThreadLine, ...]
    documents: tuple[DocumentLine, ...]
    decisions: tuple[DecisionLine, ...]
    packets: tuple[PacketLine, ...]
    timeline: tuple[EventLine, ...]
    """Newest first."""
    news: Mapping[str, int] = field(default_factory=dict)
    """By kind (`message`, `step`): what others said and did since the viewer last read or did something here."""
    leading: str = ""
    """Of the reports that the viewer is shown, the one to work from; empty where there is none."""
    credit: CreditOrder = field(default_factory=CreditOrder)
    """Of the reports whose senders are named to the viewer; nothing to who is here for its own report alone (decision 2)."""

    @property
    def vendors(self) -> tuple[ParticipantLine, ...]:
        """The vendors of the table of statuses: those that take part or are asked to."""
        asked = (Participation.JOINED, Participation.INVITED)
        return tuple(
            line for line in self.participants if line.participant.role is CaseRole.VENDOR and line.participant.state in asked
        )

    def status_of(self, vulnerability: VulnerabilityId, party: PartyId) -> VendorStatement | None:
        """What a vendor last said of a vulnerability; None is no answer yet, which is not "not affected"."""
        return self.statuses.get((vulnerability, party))


@dataclass(frozen=True, slots=True)
class RoomLine:
    """One case in the viewer's list."""

    id: CaseId
    title: str
    state: CaseState
    opened_at: datetime
    lead_name: str
    roles: tuple[CaseRole, ...]
    tlp: str
    unread: int


@dataclass(frozen=True, slots=True)
class InvitationLine:
    """An invitation that the viewer, its organisation or a team of it has not answered."""

    case_id: CaseId
    role: CaseRole
    tier: Tier
    party: PartyId
    party_name: str
    invited_by_name: str
    invited_at: datetime
    reason: str


def read_room(instance: Instance, case_id: str, page: RoomPage | None = None) -> CaseRoom:
    """A case room, if the viewer may see it.

    Raises:
        NotFound: there is none that the viewer may see, or no such thread in it.
    """
    page = page or RoomPage()
    now = instance.clock.now()
    shown_max = instance.policy.rooms.messages_shown_max
    with instance.read() as tx:
        room = actions.enter(tx, case_id, envelope=instance.envelope, viewer=instance.actor.id, now=now)
        everybody = participants.system_participants(tx, room.id)
        flaws = vulnerabilities.list_vulnerabilities(tx, room)
        statements = vulnerabilities.list_statements(tx, room, texts=_STATEMENTS_MAX)
        talk = threads.list_threads(tx, room, now=now)
        said = threads.list_messages(
            tx, room, now=now, limit=shown_max + 1, thread=page.thread, before=page.before, most=_MESSAGES_MAX
        )
        files = documents.list_documents(tx, room, now=now, limit=instance.policy.rooms.documents_max)
        decided = cases.list_decisions(tx, room, limit=_DECISIONS_MAX, before=page.decisions_before)
        attached = cases.list_reports(tx, room, now=now)
        events = ledger.newest_about(tx, room.id, _EVENTS_LOOKED_AT)
        own = frozenset({*room.standing.parties, *(report.id for report in attached if report.reporter in room.standing.parties)})
        told = [event for event in events if is_told(event, room, own)][:_EVENTS_MAX]
        read_at = threads.last_read_at(tx, room)
        with tx.beyond_wall():
            leading = leads.system_lead_among(tx, [report.id for report in attached if report.withdrawn_at is None])
        names = _names(tx, room, everybody, (
            room.case.lead, *(one.party for one in everybody), *(message.author for message in said),
            *(file.added_by for file in files), *(decision.actor for decision in decided), *(event.actor for event in told),
            *(statement.said_by for statement in statements), *(subject for event in told for subject in event.subjects[1:]),
            *(report.reporter for report in attached),
        ))
        with tx.beyond_wall():
            credit = read_credit(tx, instance, [report for report in attached if names.credits(report)], took_part=_took_part(everybody))
    if page.thread is not None and all(thread.id != page.thread for thread in talk):
        raise NotFound(f"nothing found under {page.thread[:40]!r}")
    return CaseRoom(
        replace(room.case, lead=names.id(room.case.lead), opened_by=names.id(room.case.opened_by)), room.standing,
        names.of(room.case.lead),
        tuple(names.participant(one) for one in everybody if rules.is_told_of(one, room.standing)),
        tuple(_supported(flaw, attached, room) for flaw in flaws),
        {(one.vulnerability, one.party): replace(one, said_by=names.id(one.said_by)) for one in statements},
        tuple(_thread(thread, said, shown_max, names, page) for thread in talk),
        tuple(names.document(file) for file in files), tuple(names.decision(decision) for decision in decided),
        tuple(names.packet(report) for report in attached), describe(told, names.of),
        {MESSAGE: sum(thread.unread for thread in talk), STEP: count_steps(told, room, own, after=_last_here(told, room, read_at))},
        leading, credit,
    )


def read_packet(instance: Instance, case_id: str, report_id: str) -> tuple[PacketLine, Finding]:
    """A report of a case with its finding, less what its sender or the viewer's tier keeps back.

    Raises:
        NotFound: there is none that the viewer may see, or it was taken back.
    """
    now = instance.clock.now()
    with instance.read() as tx:
        room = actions.enter(tx, case_id, envelope=instance.envelope, viewer=instance.actor.id, now=now)
        found = cases.read_finding(tx, room, report_id, now=now)
        everybody = participants.system_participants(tx, room.id)
        names = _names(tx, room, everybody, () if found is None else (found[0].reporter, found[0].attached_by))
    if found is None:
        raise NotFound(f"nothing found under {report_id[:40]!r}")
    return names.packet(found[0]), rules.packet_for(found[1], found[0], room.standing)


def list_messages(instance: Instance, case_id: str, thread_id: str, *, before: str | None, limit: int) -> list[Message]:
    """A page of a thread, oldest first, without the id of an author who is not to be named to the viewer.

    Raises:
        NotFound: the viewer reads no such thread.
    """
    now = instance.clock.now()
    with instance.read() as tx:
        room = actions.enter(tx, case_id, envelope=instance.envelope, viewer=instance.actor.id, now=now)
        if threads.find_thread(tx, room, thread_id) is None:
            raise NotFound(f"nothing found under {thread_id[:40]!r}")
        said = threads.list_messages(tx, room, now=now, limit=limit, thread=thread_id, before=before)
        names = _names(tx, room, participants.system_participants(tx, room.id), (message.author for message in said))
    return [names.message(message).message for message in said]


def list_statements(instance: Instance, case_id: str, vulnerability_id: str) -> list[VendorStatement]:
    """All that vendors said of a vulnerability, newest first, without the ids of those not to be named to the viewer.

    Raises:
        NotFound: there is no such vulnerability that the viewer may see.
    """
    now = instance.clock.now()
    with instance.read() as tx:
        room = actions.enter(tx, case_id, envelope=instance.envelope, viewer=instance.actor.id, now=now)
        if vulnerabilities.find_vulnerability(tx, room, vulnerability_id, removed=room.standing.coordinates) is None:
            raise NotFound(f"nothing found under {vulnerability_id[:40]!r}")
        said = vulnerabilities.read_statements(tx, room, vulnerability_id)
        names = _names(tx, room, participants.system_participants(tx, room.id), {party for one in said for party in (one.party, one.said_by)})
    return [replace(one, party=names.id(one.party), said_by=names.id(one.said_by)) for one in said]


def list_rooms(
    instance: Instance, *, limit: int = 50, before: str | None = None, state: CaseState | None = None
) -> tuple[RoomLine, ...]:
    """The viewer's cases, newest first; `before` is the last case of the page before."""
    viewer, now = instance.actor.id, instance.clock.now()
    with instance.read() as tx:
        rooms = cases.list_rooms(tx, instance.envelope, viewer=viewer, now=now, limit=limit, before=before, state=state, erased=True)
        unread = threads.count_unread(tx, rooms, now=now)
        leads = party_store.name_parties(tx, sorted({room.case.lead for room in rooms}))
    return tuple(
        RoomLine(
            room.id, room.case.title, room.case.state, room.case.opened_at, leads.get(room.case.lead, ("", None))[0],
            tuple(sorted(room.standing.roles)), str(room.case.marks.tlp), unread.get(room.id, 0),
        )
        for room in rooms
    )


def list_invitations(instance: Instance, *, limit: int = 50) -> tuple[InvitationLine, ...]:
    """The invitations the viewer can answer, newest first; nothing else of the cases is told."""
    viewer, now = instance.actor.id, instance.clock.now()
    # Whoever is invited may not read the case yet, so the database's own wall would hide the invitation with it.
    with instance.read() as tx:
        with tx.beyond_wall():
            found = participants.list_invitations(tx, instance.envelope, viewer=viewer, now=now, limit=limit)
        names = party_store.name_parties(tx, sorted({party for _, one, _ in found for party in (one.party, one.invited_by)}))
    return tuple(
        InvitationLine(
            case_id, one.role, one.tier, one.party, names[one.party][0], names[one.invited_by][0], one.invited_at, reason
        )
        for case_id, one, reason in found
    )


@dataclass(frozen=True, slots=True)
class _Names:
    """What everybody in a room is called to one viewer."""

    room: Room
    known: Mapping[str, tuple[str, PartyId | None]]
    hidden: frozenset[PartyId]

    def is_hidden(self, party: str) -> bool:
        return party in self.hidden or self.known.get(party, ("", None))[1] in self.hidden

    def of(self, party: str) -> str:
        return NOT_NAMED if self.is_hidden(party) else self.known.get(party, ("", None))[0]

    def id(self, party: PartyId) -> PartyId:
        return PartyId("") if self.is_hidden(party) else party

    def participant(self, one: Participant) -> ParticipantLine:
        shown = replace(one, party=self.id(one.party), invited_by=self.id(one.invited_by))
        return ParticipantLine(shown, self.of(one.party), one.party in self.room.standing.parties)

    def message(self, message: Message) -> MessageLine:
        mine = message.author == self.room.standing.viewer
        return MessageLine(replace(message, author=self.id(message.author)), self.of(message.author), mine)

    def document(self, document: Document) -> DocumentLine:
        may_open = not rules.needs_everything(document.kind) or self.room.standing.tier >= Tier.DOCUMENTS
        return DocumentLine(replace(document, added_by=self.id(document.added_by)), self.of(document.added_by), may_open)

    def decision(self, decision: Decision) -> DecisionLine:
        shown = replace(decision, actor=self.id(decision.actor), subject=self.id(PartyId(decision.subject)))
        return DecisionLine(shown, self.of(decision.actor), self.of(decision.subject))

    def withheld(self, report: AttachedReport) -> bool:
        # A report may keep its sender's name back though another one of the same sender does not.
        return self.is_hidden(report.reporter) or not (
            report.share_name or self.room.standing.coordinates or report.reporter in self.room.standing.parties
        )

    def credits(self, report: AttachedReport) -> bool:
        # Who is not named has no place that others are shown: it would tell which reports are of one house.
        return not (self.room.standing.only_reports or self.withheld(report))

    def packet(self, report: AttachedReport) -> PacketLine:
        withheld = self.withheld(report)
        shown = replace(report, reporter=PartyId("") if withheld else report.reporter)
        return PacketLine(
            shown, NOT_NAMED if withheld else self.of(report.reporter), report.reporter in self.room.standing.parties
        )


def _took_part(everybody: Iterable[Participant]) -> dict[PartyId, datetime]:
    """Since when parties take part for another reason than having reported: from then on they could have known."""
    return {one.party: one.joined_at for one in everybody if one.joined_at is not None and one.role is not CaseRole.REPORTER}


def _last_here(events: Iterable[LoggedEvent], room: Room, read_at: datetime | None) -> datetime:
    """When the viewer last read or did something in the room; steps before it came are no news to it."""
    own = next((event.at for event in events if event.actor == room.standing.viewer), None)
    joined = next((event.at for event in events if event.kind == "ParticipantJoined" and room.standing.parties & {*event.subjects}), None)
    return max((at for at in (own, joined, read_at) if at is not None), default=room.case.opened_at)


def _supported(flaw: Vulnerability, attached: Iterable[AttachedReport], room: Room) -> Vulnerability:
    """A vulnerability with the reports that the viewer is shown: the others neither by id nor by number."""
    if room.standing.coordinates:
        return flaw
    shown = {report.id for report in attached}
    return replace(flaw, reports=tuple(report for report in flaw.reports if report in shown))


def _names(tx: Transaction, room: Room, everybody: Iterable[Participant], wanted: Iterable[str]) -> _Names:
    return _Names(room, party_store.name_parties(tx, sorted(set(wanted))), rules.hidden_parties(everybody, room.standing))


def _thread(thread: Thread, said: list[Message], shown_max: int, names: _Names, page: RoomPage) -> ThreadLine:
    of_thread = [message for message in said if message.thread == thread.id]
    shown = of_thread[-shown_max:]
    # Where all threads share one look, the bound on the whole may have cut some of this one as well.
    older = len(of_thread) > shown_max if page.before is not None else thread.messages > len(shown)
    return ThreadLine(
        replace(thread, opened_by=names.id(thread.opened_by), members=tuple(names.id(member) for member in thread.members)),
        tuple(names.of(member) for member in thread.members), tuple(names.message(message) for message in shown), older,
    )


__all__ = [
    "CaseRoom", "InvitationLine", "ParticipantLine", "RoomLine", "RoomPage", "list_invitations", "list_messages",
    "list_rooms", "list_statements", "read_packet", "read_room",
]
