"""A whole case to another instance and from one: marks decide what leaves, hashes what comes in."""

import base64
import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.core.events import Event
from clearinghouse.core.ids import CaseId, DecisionId, DocumentId, MessageId, PartyId, ReportId, ThreadId, VulnerabilityId, new_id
from clearinghouse.core.marks import Audience, check_may_export
from clearinghouse.core.policy import IntakeLimits, RoomLimits
from clearinghouse.core.roles import Scope
from clearinghouse.core.untrusted import clean_line
from clearinghouse.disclosure.coordination.rooms import rules
from clearinghouse.disclosure.coordination.rooms.actions.cases import found_room
from clearinghouse.disclosure.coordination.rooms.actions.entering import coordinate, enter
from clearinghouse.disclosure.coordination.rooms.bundle import (
    Bundle,
    CasePart,
    DecisionPart,
    DocumentPart,
    EventPart,
    MessagePart,
    ParticipantPart,
    PartyPart,
    ReportPart,
    StatementPart,
    ThreadPart,
    VulnerabilityPart,
    digest_bundle,
    handles_of,
    parse_bundle,
    render_bundle,
)
from clearinghouse.disclosure.coordination.rooms.records import (
    AttachedReport,
    Case,
    CaseRole,
    CaseState,
    Decision,
    Document,
    Message,
    Participant,
    Room,
    Standing,
    Thread,
    ThreadKind,
    VendorStatement,
    Via,
    Vulnerability,
)
from clearinghouse.disclosure.coordination.rooms.store import cases, documents, imports, participants, threads, vulnerabilities
from clearinghouse.disclosure.intake.rules import clean_finding
from clearinghouse.ledger import actions as ledger
from clearinghouse.ledger import store as ledger_store
from clearinghouse.parties import actions as parties
from clearinghouse.parties import rules as party_rules
from clearinghouse.parties import store as party_store
from clearinghouse.parties.records import Party, PartyKind, Tier
from clearinghouse.storage import Database, Envelope, Transaction

_Part = TypeVar("_Part", ReportPart, VulnerabilityPart, ThreadPart, DocumentPart)
_ALL = 1_000_000  # more than any bound of policy on what one case holds
_NOT_NAMED = "a party that is not named"
_HISTORY = frozenset({
    "CaseOpened", "CaseClosed", "CaseReopened", "CaseWithdrawn", "CaseEdited", "MarksChanged", "ReportAttached", "ReportDetached",
    "ReportWithdrawn", "ReportReinstated", "ParticipantInvited", "ParticipantJoined", "ParticipantLeft", "ParticipantRemoved",
    "InvitationDeclined", "CaseDeclined", "LeadHandedOver", "ReportStateChanged", "VulnerabilityAdded", "VulnerabilityChanged",
    "VulnerabilityRemoved", "VulnerabilityRestored", "VendorStatusStated",
})
"""The events that travel: the states of the case and its participants, not who read what."""


def export_case(
    database: Database, case_id: str, audience: Audience, *, provenance: Sequence[str] | None = None, actor: PartyId,
    envelope: Envelope, origin: str, limits: RoomLimits, now: datetime,
) -> bytes:
    """A whole case as far as the actor may see it; the export is on record before its first byte is given.

    Args:
        provenance: blocks of those who passed it on, oldest first; by default those it came with, verbatim.
        origin: name of this instance, used where the case began here.
    Raises:
        NotFound: the case is not the actor's to see.
        NotPermitted: the actor does not coordinate it, or its marks or those of something in it do not reach the audience.
        Conflict: marks, or the protection it was shared under, have expired.
        Invalid: it would be larger than a bundle may be.
    """
    with database.write() as tx:
        room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now, closed=True)
        check_may_export(room.case.marks, audience, now)
        rendered = render_bundle(_gather(tx, room, audience, provenance, origin, now))
        if len(rendered) > limits.bundle_bytes_max:
            raise Invalid(f"the case would make a bundle of {len(rendered)} bytes; {limits.bundle_bytes_max} are allowed")
        files = documents.list_documents(tx, room, now=now, limit=_ALL)
        ledger.record_many(tx, (Event("SealedObjectRead", (file.id,), {"digest": file.digest}) for file in files), actor=actor, now=now)
        details = {"digest": digest_bundle(rendered), "reach": str(audience.reach), "purpose": str(audience.purpose)}
        ledger.record(tx, Event("CaseExported", (room.id,), details), actor=actor, now=now)
    return rendered


def import_case(
    tx: Transaction, untrusted_bundle: bytes, *, policy_version: int, actor: PartyId, envelope: Envelope, limits: RoomLimits,
    intake_limits: IntakeLimits, now: datetime,
) -> CaseId:
    """The case of a bundle, led by the actor; the same bundle again gives the same case and changes nothing.

    Its parties become placeholders that nobody can act as; invite the people themselves. Nothing is kept before every
    hash has been checked.
    Raises:
        NotPermitted: the actor is no coordinator.
        Invalid: the bundle is too large, altered, or not of the form.
        Conflict: it was imported before into a case that the actor may not see, or exceeds what a case may hold.
    """
    party_rules.check_may(parties.get_party(tx, actor), Scope.CASES_DECIDE)
    bundle = parse_bundle(untrusted_bundle, limits.bundle_bytes_max)
    _check_bounds(bundle, limits)
    known = imports.system_known(tx, bundle.origin, handles_of(bundle))
    if known.get(bundle.case.handle, "").startswith("case_"):
        try:
            return enter(tx, known[bundle.case.handle], envelope=envelope, viewer=actor, now=now).id
        except NotFound:
            raise Conflict("this case was imported before; ask the coordinators of this instance to be invited to it") from None
    people = {one.handle for one in bundle.parties}
    if any(handle not in people or not ours.startswith("pty_") for handle, ours in known.items()):
        raise Invalid("the bundle claims ids that came here with another case")
    part = bundle.case
    case = Case(
        CaseId(new_id("case")), part.opened_at, actor, actor, part.state, part.state_at, policy_version, rules.parse_title(part.title),
        rules.parse_paragraph(part.summary), part.marks,
    )
    room = Room(
        case, Standing(actor, actor, frozenset({actor}), frozenset({CaseRole.COORDINATOR}), Tier.DOCUMENTS, True), secrets.token_bytes(32)
    )
    found_room(tx, room, envelope=envelope)
    ours = _Importer(tx, room, bundle, known, intake_limits, limits, now).run()
    imports.add_import(tx, room, imports.Import(
        bundle.origin, digest_bundle(untrusted_bundle), now, actor, bundle.provenance, bundle.history
    ))
    imports.add_handles(tx, case.id, bundle.origin, {new: old for old, new in ours.items() if old not in known})
    details = {"digest": digest_bundle(untrusted_bundle), "origin": clean_line(bundle.origin, 200)}
    ledger.record(tx, Event("CaseImported", (case.id,), details), actor=actor, now=now)
    return case.id


def _gather(
    tx: Transaction, room: Room, audience: Audience, provenance: Sequence[str] | None, origin: str, now: datetime
) -> Bundle:
    came = imports.find_import(tx, room)
    everybody = participants.system_participants(tx, room.id)
    attached = cases.list_reports(tx, room, now=now)
    flaws = vulnerabilities.list_vulnerabilities(tx, room)
    said = {flaw.id: vulnerabilities.read_statements(tx, room, flaw.id) for flaw in flaws}
    talk = threads.list_threads(tx, room, now=now)
    messages = threads.list_messages(tx, room, now=now, limit=_ALL, most=_ALL)
    decided = list(reversed(cases.list_decisions(tx, room, limit=_ALL)))
    files = documents.list_documents(tx, room, now=now, limit=_ALL)
    events = [event for event in ledger_store.events_about(tx, room.id) if event.kind in _HISTORY]
    for marks in (*(one.marks for one in attached), *(one.marks for one in messages), *(one.marks for one in files)):
        check_may_export(marks, audience, now)
    if came is not None:
        everybody = [one for one in everybody if not _is_importer(one.party, came)]
    actors = {
        *(party for one in everybody for party in (one.party, one.invited_by)), *(one.author for one in messages),
        *(party for one in attached for party in (one.reporter, one.attached_by)), *(one.added_by for one in flaws),
        *(party for found in said.values() for one in found for party in (one.party, one.said_by)),
        *(party for thread in talk for party in (thread.opened_by, *thread.members) if not _is_importer(party, came)), *(one.actor for one in decided),
        *(one.added_by for one in files),
    }
    objects = [
        room.id, *actors, *(one.id for one in attached), *(one.id for one in flaws), *(one.id for one in talk),
        *(one.id for one in messages), *(one.id for one in decided), *(one.id for one in files),
        *(subject for event in events for subject in (event.actor, *event.subjects)),
    ]
    handles = imports.system_handles(tx, sorted(set(objects)))

    def handle(object_id: str) -> str:
        return handles.get(object_id, object_id)

    return Bundle(
        came.origin if came is not None else origin,
        CasePart(
            handle(room.id), room.case.title, room.case.summary, room.case.opened_at, room.case.state, room.case.state_at, room.case.marks
        ),
        _party_parts(tx, sorted(actors), everybody, handle),
        tuple(sorted((ParticipantPart(
            handle(one.party), one.role, one.state, one.tier, one.report_state, one.report_state_at, one.invited_at,
            handle(one.invited_by), one.joined_at, one.ended_at, one.unnamed,
        ) for one in everybody), key=lambda part: part.party)),
        _in_order(_report_part(tx, room, one, handle, now) for one in attached),
        _in_order(VulnerabilityPart(
            handle(flaw.id), flaw.added_at, handle(flaw.added_by), flaw.title, flaw.identifiers,
            tuple(sorted(handle(report) for report in flaw.reports)), _statements(said[flaw.id], handle),
        ) for flaw in flaws),
        _in_order(ThreadPart(
            handle(thread.id), thread.kind, thread.opened_at, handle(thread.opened_by), thread.title,
            tuple(sorted(handle(member) for member in thread.members if not _is_importer(member, came))),
            tuple(MessagePart(
                handle(one.id), handle(one.author), one.at, None if one.in_reply_to is None else handle(one.in_reply_to), one.body, one.marks
            ) for one in messages if one.thread == thread.id),
        ) for thread in talk),
        tuple(
            DecisionPart(handle(one.id), one.kind, handle(one.subject), one.at, handle(one.actor), one.reason, one.undone_at)
            for one in decided
        ),
        (*(came.history if came is not None else ()), *(
            EventPart(event.kind, event.at, handle(event.actor), tuple(map(handle, event.subjects)), event.details or "")
            for event in events
        )),
        tuple(provenance) if provenance is not None else came.provenance if came is not None else (),
        _in_order(DocumentPart(
            handle(one.id), None if one.thread is None else handle(one.thread), one.kind, one.name, one.media_type, one.digest, one.added_at,
            handle(one.added_by), one.marks, base64.b64encode(documents.read_body(tx, room, one)).decode(),
        ) for one in files),
    )


def _is_importer(party: PartyId, came: imports.Import | None) -> bool:
    """Whether a party is the one that imported the case: it takes part here and not where the case began."""
    return came is not None and party == came.imported_by


def _in_order(parts: Iterable[_Part]) -> tuple[_Part, ...]:
    return tuple(sorted(parts, key=lambda part: part.handle))


def _party_parts(
    tx: Transaction, actors: Sequence[str], everybody: Sequence[Participant], handle: Callable[[str], str]
) -> tuple[PartyPart, ...]:
    names = party_store.name_parties(tx, actors)
    unnamed = {one.party for one in everybody if one.unnamed}
    parts = []
    for actor in actors:
        name, organisation = names.get(actor, ("", None))
        hidden = actor in unnamed or organisation in unnamed or name == _NOT_NAMED
        parts.append(PartyPart(handle(actor), "" if hidden else name))
    return tuple(sorted(parts, key=lambda part: part.handle))


def _report_part(tx: Transaction, room: Room, one: AttachedReport, handle: Callable[[str], str], now: datetime) -> ReportPart:
    found = cases.read_finding(tx, room, one.id, now=now)
    finding = None if found is None else found[1] if one.share_name else rules.without_names(found[1])
    return ReportPart(
        handle(one.id), one.attached_at, handle(one.attached_by), handle(one.reporter), one.source, one.digest, one.received_at,
        one.share_with_vendor, one.share_name, one.withdrawn_at, one.marks, one.title, one.identifiers, finding,
    )


def _statements(said: Sequence[VendorStatement], handle: Callable[[str], str]) -> tuple[StatementPart, ...]:
    newest = {one.party: one.id for one in reversed(said)}
    parts = [
        StatementPart(handle(one.party), one.status, one.said_at, handle(one.said_by), one.statement or "", newest[one.party] == one.id)
        for one in said
    ]
    return tuple(sorted(parts, key=lambda part: (part.party, part.newest, part.said_at, part.status, part.statement)))


def _check_bounds(bundle: Bundle, limits: RoomLimits) -> None:
    for what, found, most in (
        ("participants", len(bundle.participants), limits.participants_max), ("reports", len(bundle.reports), limits.reports_max),
        ("vulnerabilities", len(bundle.vulnerabilities), limits.vulnerabilities_max), ("threads", len(bundle.threads), limits.threads_max),
        ("documents", len(bundle.documents), limits.documents_max),
    ):
        if found > most:
            raise Conflict(f"the bundle holds {found} {what}; a case of this instance holds at most {most}")


class _Importer:
    """Keeps the parts of one checked bundle under new ids."""

    def __init__(
        self, tx: Transaction, room: Room, bundle: Bundle, known: dict[str, str], intake_limits: IntakeLimits, limits: RoomLimits, now: datetime
    ) -> None:
        self._tx, self._room, self._bundle, self._now = tx, room, bundle, now
        self._intake_limits, self._limits = intake_limits, limits
        self._ours: dict[str, str] = {**known, bundle.case.handle: room.id}

    def run(self) -> dict[str, str]:
        """Keep everything; gives the id there to the id here."""
        for kind, parts in (
            ("rep", self._bundle.reports), ("vul", self._bundle.vulnerabilities), ("thr", self._bundle.threads),
            ("dec", self._bundle.decisions), ("doc", self._bundle.documents),
        ):
            self._ours.update({part.handle: new_id(kind) for part in parts})
        self._ours.update({part.handle: new_id("msg") for thread in self._bundle.threads for part in thread.messages})
        self._parties()
        self._reports()
        self._vulnerabilities()
        self._threads()
        self._decisions()
        self._documents()
        return self._ours

    def _party(self, handle: str) -> PartyId:
        return PartyId(self._ours[handle])

    def _parties(self) -> None:
        for part in self._bundle.parties:
            if part.handle not in self._ours:
                self._ours[part.handle] = new_id("pty")
                name = clean_line(part.name, 200) or _NOT_NAMED
                party_store.add_party(self._tx, Party(self._party(part.handle), PartyKind.ORGANISATION, name, None, self._now))
        participants.add_participants(self._tx, self._room.id, [
            Participant(
                self._party(one.party), one.role, one.state, one.tier, None, one.report_state, one.report_state_at, one.invited_at,
                self._party(one.invited_by), one.joined_at, one.ended_at, one.unnamed,
            )
            for one in self._bundle.participants
        ])

    def _reports(self) -> None:
        for one in self._bundle.reports:
            finding = None if one.finding is None else clean_finding(one.finding, self._intake_limits)[0]
            attached = AttachedReport(
                ReportId(self._ours[one.handle]), one.attached_at, self._party(one.attached_by), self._party(one.reporter),
                clean_line(one.source, 64), clean_line(one.digest, 72), one.received_at, clean_line(one.title, 300),
                rules.parse_identifiers(one.identifiers[:20]), one.marks, one.share_with_vendor, one.share_name, None, one.withdrawn_at,
            )
            cases.attach(self._tx, self._room, attached, finding or rules.NOTHING_FOUND)
            if finding is None:
                cases.end_attachment(self._tx, self._room, attached.id, detached_at=None, withdrawn_at=one.withdrawn_at or self._now)
        if self._room.case.state is not CaseState.OPEN:
            cases.let_go_reports(self._tx, self._room)

    def _vulnerabilities(self) -> None:
        for one in self._bundle.vulnerabilities:
            flaw = VulnerabilityId(self._ours[one.handle])
            vulnerabilities.add_vulnerability(self._tx, self._room, Vulnerability(
                flaw, one.added_at, self._party(one.added_by), rules.parse_title(one.title), rules.parse_identifiers(one.identifiers),
                tuple(ReportId(self._ours[report]) for report in one.reports),
            ))
            # In the order they were said, so that the newest one stands in front here as well.
            for said in sorted(one.statements, key=lambda part: (part.party, part.newest, part.said_at)):
                vulnerabilities.add_statement(self._tx, self._room, VendorStatement(
                    new_id("sta"), flaw, self._party(said.party), said.status, said.said_at, self._party(said.said_by),
                    rules.parse_paragraph(said.statement),
                ))

    def _threads(self) -> None:
        for one in self._bundle.threads:
            members = () if one.kind is ThreadKind.OFFICIAL else tuple(
                # Whoever imports a case reads what the exporter could read.
                dict.fromkeys((*(self._party(member) for member in one.members), self._room.standing.viewer))
            )
            thread = ThreadId(self._ours[one.handle])
            title = clean_line(one.title, 300)
            threads.add_thread(self._tx, self._room, Thread(thread, one.kind, one.opened_at, self._party(one.opened_by), title, members))
            for message in one.messages:
                threads.add_message(self._tx, self._room, Message(
                    MessageId(self._ours[message.handle]), thread, self._party(message.author), message.at, Via.IMPORT,
                    rules.parse_body(message.body, self._limits.message_characters_max), message.marks,
                    None if message.in_reply_to is None else MessageId(self._ours[message.in_reply_to]),
                ))

    def _decisions(self) -> None:
        for one in self._bundle.decisions:
            cases.add_decision(self._tx, self._room, Decision(
                DecisionId(self._ours[one.handle]), one.kind, self._ours.get(one.subject, one.subject), one.at, self._party(one.actor),
                rules.parse_paragraph(one.reason), one.undone_at,
            ))

    def _documents(self) -> None:
        for one in self._bundle.documents:
            body = one.checked_body(self._limits.document_bytes_max)
            documents.add_document(self._tx, self._room, Document(
                DocumentId(self._ours[one.handle]), None if one.thread is None else ThreadId(self._ours[one.thread]), one.kind,
                rules.parse_file_name(one.name), rules.parse_media_type(one.media_type), len(body), one.digest, one.added_at,
                self._party(one.added_by), one.marks,
            ), body)


__all__ = ["export_case", "import_case"]
