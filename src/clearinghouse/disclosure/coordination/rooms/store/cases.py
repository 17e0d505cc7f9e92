"""Cases, the reports attached to them, and the record of decisions."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, Select, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from clearinghouse.core.ids import CaseId, DecisionId, PartyId, ReportId, new_id
from clearinghouse.core.marks import Marks
from clearinghouse.core.tlp import Tlp
from clearinghouse.disclosure.coordination.rooms import rules
from clearinghouse.disclosure.coordination.rooms.records import (
    AttachedReport,
    Case,
    CaseRole,
    CaseState,
    Decision,
    DecisionKind,
    Participation,
    Room,
    Standing,
)
from clearinghouse.disclosure.coordination.rooms.store.tables import (
    case_decisions,
    case_participants,
    case_reports,
    cases,
    dialect_insert,
    mark_columns,
    seal,
    shown,
    unseal,
)
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.parties.records import Basis, Tier
from clearinghouse.parties.store import own_grants, read_grants
from clearinghouse.storage import Envelope, Transaction
from clearinghouse.storage.sealing import open_with, seal_with

ERASED_TITLE = "(erased)"
"""What stands where the title of an erased case stood."""


@dataclass(frozen=True, slots=True)
class _CaseText:
    title: str
    summary: str
    marks: Marks


@dataclass(frozen=True, slots=True)
class _ReportText:
    title: str
    identifiers: tuple[str, ...]
    marks: Marks


def add_case(tx: Transaction, case: Case, key: bytes, envelope: Envelope) -> None:
    """Keep a new case under its own key."""
    tx.write(insert(cases), {
        "case_id": case.id, "opened_at": case.opened_at, "opened_by": case.opened_by, "lead": case.lead, "state": case.state,
        "state_at": case.state_at, "policy_version": case.policy_version, "wrapped_key": envelope.wrap(key, case.id),
        **mark_columns(case.marks), "sealed": seal(key, _CaseText(case.title, case.summary, case.marks), case.id),
    })


def find_room(tx: Transaction, case_id: str, envelope: Envelope, *, viewer: PartyId, now: datetime) -> Room | None:
    """A case as one viewer may see it: one statement, whether there is none or it is not the viewer's."""
    rows = tx.rows(_standings(viewer, now).where(cases.c.case_id == case_id))
    return _room(rows, envelope, viewer, now)


def list_rooms(
    tx: Transaction, envelope: Envelope, *, viewer: PartyId, now: datetime, limit: int, before: str | None = None,
    state: CaseState | None = None, erased: bool = False,
) -> list[Room]:
    """The cases a viewer may see, newest first; `before` names the last case of the page before.

    Args:
        erased: give those that were erased too, which have a state and no content.
    """
    query = select(cases.c.case_id).where(_visible(viewer, now))
    if not erased:
        query = query.where(cases.c.state != CaseState.ERASED)
    if state is not None:
        query = query.where(cases.c.state == state)
    if before is not None:
        at = select(cases.c.opened_at).where(cases.c.case_id == before, _visible(viewer, now)).scalar_subquery()
        query = query.where(or_(cases.c.opened_at < at, and_(cases.c.opened_at == at, cases.c.case_id < before)))
    page = query.order_by(cases.c.opened_at.desc(), cases.c.case_id.desc()).limit(limit).subquery()
    found: dict[str, list[Row[Any]]] = {}
    ordered = _standings(viewer, now).where(cases.c.case_id.in_(select(page.c.case_id)))
    for row in tx.rows(ordered.order_by(cases.c.opened_at.desc(), cases.c.case_id.desc())):
        found.setdefault(row.case_id, []).append(row)
    rooms = (_room(rows, envelope, viewer, now) for rows in found.values())
    return [room for room in rooms if room is not None]


def system_lock(tx: Transaction, case_ids: Sequence[str]) -> None:
    """Let nobody else act on these cases until the transaction ends; tells nobody whether there are such cases."""
    # In one order for everybody. SQLite's one writer needs no lock; PostgreSQL takes one that keeps no reader and no insert waiting.
    tx.rows(select(cases.c.case_id).where(cases.c.case_id.in_(list(case_ids))).order_by(cases.c.case_id).with_for_update(key_share=True))


def count_rooms(tx: Transaction, *, viewer: PartyId, now: datetime) -> int:
    """How many cases a viewer may see."""
    return int(tx.value(select(func.count()).select_from(cases).where(_visible(viewer, now))) or 0)


def own_report_ids(tx: Transaction, case_id: str, reporters: Sequence[str]) -> frozenset[str]:
    """The reports of a case that these parties sent; nothing is unsealed."""
    query = select(case_reports.c.report_id).where(case_reports.c.case_id == case_id, case_reports.c.reporter.in_(list(reporters)))
    return frozenset(row.report_id for row in tx.rows(query))


def change_case(
    tx: Transaction, room: Room, *, state: CaseState | None = None, state_at: datetime | None = None, lead: PartyId | None = None,
    title: str | None = None, summary: str | None = None, marks: Marks | None = None,
) -> bool:
    """Change what is given of a case; False where somebody else changed it since the room was opened."""
    sealed = bytes(tx.value(select(cases.c.sealed).where(cases.c.case_id == room.id)))
    # Opened anew: the room at hand may lack the texts, where the viewer's tier or expired marks hide them.
    text = unseal(room.key, sealed, room.id, _CaseText)
    kept = _CaseText(
        text.title if title is None else title, text.summary if summary is None else summary, text.marks if marks is None else marks
    )
    return tx.write(update(cases).where(
        cases.c.case_id == room.id, cases.c.state == room.case.state, cases.c.lead == room.case.lead, cases.c.sealed == sealed
    ).values(
        lead=lead or room.case.lead, state=state or room.case.state, state_at=state_at or room.case.state_at,
        **mark_columns(kept.marks), sealed=seal(room.key, kept, room.id),
    )) == 1


def system_destroy(tx: Transaction, case_id: CaseId, at: datetime) -> bool:
    """Destroy the key of a case that has ended, and with it all that is sealed in it; False where it is open, or was erased before."""
    ended = cases.c.state.in_([CaseState.CLOSED, CaseState.WITHDRAWN])
    return tx.write(update(cases).where(cases.c.case_id == case_id, ended).values(
        state=CaseState.ERASED, state_at=at, wrapped_key=b"", sealed=b""
    )) == 1


def system_case_state(tx: Transaction, case_id: str) -> CaseState | None:
    """Where a case stands, for timers and follow-ups; shown to nobody."""
    state: str | None = tx.value(select(cases.c.state).where(cases.c.case_id == case_id))
    return None if state is None else CaseState(state)


def attach(tx: Transaction, room: Room, attached: AttachedReport, finding: Finding) -> bool:
    """Attach a report with a copy of its finding; False where it is handled in an open case already."""
    tx.write(delete(case_reports).where(
        case_reports.c.case_id == room.id, case_reports.c.report_id == attached.id, case_reports.c.open_report_id.is_(None)
    ))
    about = f"{room.id}/{attached.id}"
    plain = zlib.compress(msgspec.json.encode(finding), 1)
    # Not a look first: two coordinators may attach the same report in the same moment.
    into = dialect_insert(tx, case_reports).on_conflict_do_nothing()
    return tx.write(into, {
        "case_id": room.id, "report_id": attached.id, "open_report_id": attached.id, "attached_at": attached.attached_at,
        "attached_by": attached.attached_by, "reporter": attached.reporter, "source": attached.source,
        "digest": attached.digest, "received_at": attached.received_at, "share_with_vendor": attached.share_with_vendor,
        "share_name": attached.share_name, "detached_at": attached.detached_at, "withdrawn_at": attached.withdrawn_at,
        **mark_columns(attached.marks),
        "sealed_line": seal(room.key, _ReportText(attached.title, attached.identifiers, attached.marks), about + "/line"),
        "sealed_finding": seal_with(room.key, plain, about),
    }) == 1


def end_attachment(tx: Transaction, room: Room, report_id: ReportId, *, detached_at: datetime | None, withdrawn_at: datetime | None) -> None:
    """Take a report out of handling: detached by a coordinator, or withdrawn by who sent it."""
    tx.write(update(case_reports).where(case_reports.c.case_id == room.id, case_reports.c.report_id == report_id).values(
        open_report_id=None, detached_at=detached_at, withdrawn_at=withdrawn_at
    ))


def handle_again(tx: Transaction, room: Room, report_ids: Sequence[ReportId]) -> bool:
    """Put reports back into handling; False where one is handled in another open case by now."""
    taken = tx.value(select(func.count()).where(case_reports.c.open_report_id.in_(list(report_ids)), case_reports.c.case_id != room.id))
    if taken:
        return False
    try:
        with tx.attempt():
            tx.write(update(case_reports).where(case_reports.c.case_id == room.id, case_reports.c.report_id.in_(list(report_ids))).values(
                open_report_id=case_reports.c.report_id, detached_at=None, withdrawn_at=None
            ))
    except IntegrityError:
        # Another case took one up since the question above.
        return False
    return True


def let_go_reports(tx: Transaction, room: Room) -> None:
    """Free the reports of a case that ends: another case may take them up."""
    tx.write(update(case_reports).where(case_reports.c.case_id == room.id).values(open_report_id=None))


def list_reports(tx: Transaction, room: Room, *, now: datetime, detached: bool = False) -> list[AttachedReport]:
    """The reports of a case that the viewer may be shown as lines, in order of attachment."""
    query = select(*_LINE).where(case_reports.c.case_id == room.id, _readable(room, now))
    if not detached:
        query = query.where(case_reports.c.detached_at.is_(None))
    return [_attached(row, room) for row in tx.rows(query.order_by(case_reports.c.attached_at, case_reports.c.report_id))]


def find_attached(tx: Transaction, room: Room, report_id: str, *, now: datetime) -> AttachedReport | None:
    """One report of a case as a line, if the viewer may be shown it."""
    row = tx.row(select(*_LINE).where(
        case_reports.c.case_id == room.id, case_reports.c.report_id == report_id, _readable(room, now)
    ))
    return None if row is None else _attached(row, room)


def read_finding(tx: Transaction, room: Room, report_id: str, *, now: datetime) -> tuple[AttachedReport, Finding] | None:
    """A report of a case with its finding as received, if the viewer may be shown it and it was not taken back."""
    row = tx.row(select(*_LINE, case_reports.c.sealed_finding).where(
        case_reports.c.case_id == room.id, case_reports.c.report_id == report_id, case_reports.c.detached_at.is_(None),
        case_reports.c.withdrawn_at.is_(None), _readable(room, now),
    ))
    if row is None:
        return None
    plain = zlib.decompress(open_with(room.key, bytes(row.sealed_finding), f"{room.id}/{report_id}"))
    return _attached(row, room), msgspec.json.decode(plain, type=Finding)


def system_live_reporters(tx: Transaction, case_id: CaseId) -> dict[ReportId, PartyId]:
    """The reports a case handles and who sent each, to decide what follows on a change; shown to nobody."""
    query = select(case_reports.c.report_id, case_reports.c.reporter).where(
        case_reports.c.case_id == case_id, case_reports.c.detached_at.is_(None), case_reports.c.withdrawn_at.is_(None)
    )
    return {ReportId(row.report_id): PartyId(row.reporter) for row in tx.rows(query)}


def system_count_reports(tx: Transaction, case_id: CaseId) -> int:
    """How many reports were ever attached, for the bound."""
    return int(tx.value(select(func.count()).where(case_reports.c.case_id == case_id)) or 0)


def system_case_of_report(tx: Transaction, report_id: str) -> CaseId | None:
    """The open case that handles a report, for follow-ups; whoever shows it asks again with its viewer."""
    found: str | None = tx.value(select(case_reports.c.case_id).where(case_reports.c.open_report_id == report_id))
    return None if found is None else CaseId(found)


def system_cases_of_reports(tx: Transaction, report_ids: Sequence[str]) -> list[CaseId]:
    """The open cases that handle any of these reports, to bring them an ask; shown to nobody who is not of them."""
    query = select(case_reports.c.case_id).where(case_reports.c.open_report_id.in_(list(report_ids))).distinct()
    return sorted(CaseId(row.case_id) for row in tx.rows(query))


def system_handled(tx: Transaction, report_ids: Sequence[str]) -> frozenset[str]:
    """Of these reports, those that a person has put into a case, for telling their senders that somebody looked."""
    query = select(case_reports.c.report_id).where(case_reports.c.report_id.in_(list(report_ids)), case_reports.c.detached_at.is_(None))
    return frozenset(row.report_id for row in tx.rows(query))


def system_reports_in_cases(tx: Transaction, case_ids: Sequence[str] | None = None) -> list[str]:
    """The reports attached to these cases, or to any; for the matcher, which shows them to nobody."""
    query = select(case_reports.c.report_id).where(case_reports.c.detached_at.is_(None)).distinct().order_by(case_reports.c.report_id)
    if case_ids is None:
        return [row.report_id for row in tx.rows(query)]
    portions = [case_ids[begin : begin + 500] for begin in range(0, len(case_ids), 500)]
    return sorted({row.report_id for portion in portions for row in tx.rows(query.where(case_reports.c.case_id.in_(portion)))})


def system_first_received(tx: Transaction, case_id: str) -> datetime | None:
    """When the first of the reports a case handles came in: the day its clocks count from."""
    found: datetime | None = tx.value(select(func.min(case_reports.c.received_at, type_=case_reports.c.received_at.type)).where(
        case_reports.c.case_id == case_id, case_reports.c.detached_at.is_(None)
    ))
    return found


def system_room(tx: Transaction, case_id: str, envelope: Envelope, *, system: PartyId) -> Room | None:
    """A case for timers and follow-ups, with its key and without a part in it; None where it was erased. Shown to nobody."""
    row = tx.row(select(cases).where(cases.c.case_id == case_id))
    if row is None or row.state == CaseState.ERASED:
        return None
    key = envelope.unwrap(bytes(row.wrapped_key), row.case_id)
    text = unseal(key, row.sealed, row.case_id, _CaseText)
    case = Case(
        CaseId(row.case_id), row.opened_at, PartyId(row.opened_by), PartyId(row.lead), CaseState(row.state), row.state_at,
        row.policy_version, text.title, text.summary, text.marks,
    )
    return Room(case, Standing(system, system, frozenset({system}), frozenset(), Tier.DOCUMENTS, True), key)


def system_cases_holding(tx: Transaction, report_id: str) -> list[tuple[CaseId, bool]]:
    """The cases a report is attached to, open or not, each with whether it was withdrawn there; their marks bind it as well."""
    query = select(case_reports.c.case_id, case_reports.c.withdrawn_at).where(
        case_reports.c.report_id == report_id, case_reports.c.detached_at.is_(None)
    ).order_by(case_reports.c.case_id)
    return [(CaseId(row.case_id), row.withdrawn_at is not None) for row in tx.rows(query)]


def add_decision(tx: Transaction, room: Room, decision: Decision) -> None:
    """Keep a decision and its reason."""
    tx.write(insert(case_decisions), {
        "decision_id": decision.id, "case_id": room.id, "kind": decision.kind, "subject": decision.subject, "at": decision.at,
        "actor": decision.actor, "undone_at": decision.undone_at, "sealed": seal(room.key, decision.reason, decision.id),
    })


def add_answer(tx: Transaction, case_id: CaseId, key: bytes, party: PartyId, reason: str, actor: PartyId, at: datetime) -> None:
    """Keep why an invitation was declined: whoever declines never entered the room."""
    decision_id = DecisionId(new_id("dec"))
    tx.write(insert(case_decisions), {
        "decision_id": decision_id, "case_id": case_id, "kind": DecisionKind.INVITATION_DECLINED, "subject": party, "at": at,
        "actor": actor, "undone_at": None, "sealed": seal(key, reason, decision_id),
    })


def undo_decision(tx: Transaction, room: Room, decision_id: str, at: datetime) -> bool:
    """Mark a decision as withdrawn; False where it was before."""
    return tx.write(update(case_decisions).where(
        case_decisions.c.case_id == room.id, case_decisions.c.decision_id == decision_id, case_decisions.c.undone_at.is_(None)
    ).values(undone_at=at)) == 1


def find_decision(tx: Transaction, room: Room, decision_id: str) -> Decision | None:
    """One decision, if the viewer may be shown it."""
    row = tx.row(_decisions(room).where(case_decisions.c.decision_id == decision_id))
    return None if row is None else _decision(row, room)


def list_decisions(tx: Transaction, room: Room, *, limit: int, before: str | None = None) -> list[Decision]:
    """The newest decisions the viewer may be shown, newest first; `before` names the last one of the page before."""
    query = _decisions(room)
    if before is not None:
        last = select(case_decisions.c.number).where(
            case_decisions.c.decision_id == before, case_decisions.c.case_id == room.id
        ).scalar_subquery()
        query = query.where(case_decisions.c.number < last)
    return [_decision(row, room) for row in tx.rows(query.order_by(case_decisions.c.number.desc()).limit(limit))]


_LINE = [column for column in case_reports.c if column.name != "sealed_finding"]


def _visible(viewer: PartyId, now: datetime) -> ColumnElement[bool]:
    # Asked case by case: a coordinator holds a grant for each of very many reports beside those of its cases.
    mine = exists().where(read_grants.c.object_id == cases.c.case_id, own_grants(viewer, now))
    named = exists().where(read_grants.c.object_id == cases.c.case_id, own_grants(viewer, now), read_grants.c.party_id == viewer)
    return or_(and_(mine, cases.c.tlp != "RED"), named)


def _standings(viewer: PartyId, now: datetime) -> Select[Any]:
    """Cases, a row for each grant that counts as the viewer's."""
    joined = and_(
        case_participants.c.case_id == cases.c.case_id, case_participants.c.party_id == read_grants.c.party_id,
        case_participants.c.state == Participation.JOINED,
    )
    giver = case_participants.alias("giver")
    by_coordinator = exists().where(
        giver.c.case_id == cases.c.case_id, giver.c.party_id == read_grants.c.given_by, giver.c.role == CaseRole.COORDINATOR
    )
    return select(
        cases, read_grants.c.party_id, read_grants.c.basis, read_grants.c.tier, case_participants.c.role,
        by_coordinator.label("by_coordinator"),
    ).join(read_grants, read_grants.c.object_id == cases.c.case_id).outerjoin(case_participants, joined).where(own_grants(viewer, now))


def _room(rows: Sequence[Row[Any]], envelope: Envelope, viewer: PartyId, now: datetime) -> Room | None:
    if not rows:
        return None
    first = rows[0]
    if first.state == CaseState.ERASED:
        # Of its marks those stay that reads filter by.
        key, text = b"", _CaseText(ERASED_TITLE, "", Marks(Tlp(first.tlp), expires_at=first.expires_at))
    else:
        key = envelope.unwrap(bytes(first.wrapped_key), first.case_id)
        text = unseal(key, first.sealed, first.case_id, _CaseText)
    held = [
        rules.Held(
            PartyId(row.party_id), Basis(row.basis), None if row.role is None else CaseRole(row.role),
            None if row.tier is None else Tier(row.tier), bool(row.by_coordinator),
        )
        for row in rows
    ]
    standing = rules.standing_of(viewer, held, text.marks, now)
    if standing is None:
        return None
    told = standing.tier >= Tier.SUMMARY
    case = Case(
        CaseId(first.case_id), first.opened_at, PartyId(first.opened_by), PartyId(first.lead), CaseState(first.state),
        first.state_at, first.policy_version, text.title if told else "", text.summary if told else "", text.marks,
    )
    return Room(case, standing, key)


def _readable(room: Room, now: datetime) -> ColumnElement[bool]:
    """Which attached reports a viewer may be shown: by tier and marks, a mere reporter its own, a vendor those meant for it."""
    standing = room.standing
    allowed = shown(case_reports, standing, now)
    own = case_reports.c.reporter.in_(sorted(standing.parties))
    if standing.tier < Tier.ROOM:
        return allowed & case_reports.c.case_id.is_(None)
    if standing.only_reports:
        return allowed & own
    if standing.coordinates or not standing.roles or CaseRole.FINDER in standing.roles:
        return allowed
    return allowed & or_(case_reports.c.share_with_vendor, own)


def _attached(row: Row[Any], room: Room) -> AttachedReport:
    text = unseal(room.key, row.sealed_line, f"{room.id}/{row.report_id}/line", _ReportText)
    return AttachedReport(
        ReportId(row.report_id), row.attached_at, PartyId(row.attached_by), PartyId(row.reporter), row.source, row.digest,
        row.received_at, text.title, text.identifiers, text.marks, row.share_with_vendor, row.share_name, row.detached_at,
        row.withdrawn_at,
    )


def _decisions(room: Room) -> Select[Any]:
    standing = room.standing
    query = select(case_decisions).where(case_decisions.c.case_id == room.id)
    if standing.tier < Tier.ROOM:
        return query.where(case_decisions.c.case_id.is_(None))
    if not standing.coordinates:
        # Who asked in vain told the coordinators alone that it knows of the flaw.
        query = query.where(case_decisions.c.kind != DecisionKind.JOIN_DECLINED)
    if not standing.only_reports:
        return query
    mine = sorted(standing.parties)
    reports = select(case_reports.c.report_id).where(case_reports.c.case_id == room.id, case_reports.c.reporter.in_(mine))
    return query.where(or_(
        case_decisions.c.actor.in_(mine), case_decisions.c.subject.in_(mine), case_decisions.c.subject.in_(reports)
    ))


def _decision(row: Row[Any], room: Room) -> Decision:
    return Decision(
        DecisionId(row.decision_id), DecisionKind(row.kind), row.subject, row.at, PartyId(row.actor),
        unseal(room.key, row.sealed, row.decision_id, str), row.undone_at,
    )
