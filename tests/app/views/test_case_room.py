"""The page of a case room: what each viewer is shown, and what it costs however large the case is."""

import dataclasses
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from clearinghouse.app.views.case_room import NOT_NAMED, RoomPage, list_invitations, list_rooms, read_packet, read_room
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import NotFound
from clearinghouse.core.events import Event
from clearinghouse.core.ids import CaseId, MessageId, PartyId, ReportId, new_id
from clearinghouse.core.marks import Marks
from clearinghouse.core.tlp import Tlp
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import (
    AttachedReport,
    CaseRole,
    DecisionKind,
    DocumentKind,
    Message,
    Participant,
    Participation,
    ReportState,
    VendorStatement,
    VendorStatus,
    Via,
)
from clearinghouse.disclosure.coordination.rooms.store import cases, participants, threads, vulnerabilities
from clearinghouse.disclosure.intake.records import Consents, Finding
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import store as party_store
from clearinghouse.parties.records import Party, PartyKind, Tier
from room_cast import Cast

FINDING = Finding(title="Overflow in tiff_read_strip", description="A long strip overflows.", reproduction="run it with a.tif")


@pytest.fixture
def cast(instance: Instance) -> Cast:
    return Cast(instance)


def seen(cast: Cast, case_id: CaseId, viewer: str, page: RoomPage | None = None) -> Any:
    person = cast.instance.actor if viewer == "lead" else cast.party(viewer)
    return read_room(cast.instance.acting_as(person), case_id, page or RoomPage())


@contextmanager
def counted(instance: Instance) -> Iterator[list[str]]:
    """The statements sent to the database meanwhile."""
    sent: list[str] = []

    def note(_c: Any, _k: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(instance.database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(instance.database.engine, "before_cursor_execute", note)


def grow(cast: Cast, case_id: CaseId, *, parties: int, reports: int, messages: int) -> None:
    """Fill a room as its actions would, in one transaction."""
    instance, now = cast.instance, cast.instance.clock.now()
    with instance.database.write() as tx:
        room = actions.enter(tx, case_id, envelope=instance.envelope, viewer=instance.actor.id, now=now)
        flaw = vulnerabilities.list_vulnerabilities(tx, room)[0].id
        official = threads.find_official(tx, room)
        named = [Party(PartyId(new_id("pty")), PartyKind.ORGANISATION, f"Vendor {n}", None, now) for n in range(parties)]
        for party in named:
            party_store.add_party(tx, party)
        participants.add_participants(tx, case_id, [
            Participant(party.id, CaseRole.VENDOR, Participation.JOINED, Tier.DOCUMENTS, None, ReportState.RECEIVED, now, now, instance.actor.id, now)
            for party in named
        ])
        for party in named:
            vulnerabilities.add_statement(tx, room, VendorStatement(
                new_id("sta"), flaw, party.id, VendorStatus.KNOWN_AFFECTED, now, instance.actor.id, "all versions"
            ))
        for n in range(reports):
            cases.attach(tx, room, AttachedReport(
                ReportId(new_id("rep")), now, instance.actor.id, cast.id("finder"), "test", "sha256:" + "0" * 64, now, f"Report {n}", (),
                Marks(), True, True,
            ), FINDING)
        for n in range(messages):
            threads.add_message(tx, room, Message(MessageId(new_id("msg")), official, instance.actor.id, now, Via.WEB, f"Message {n} " * 20, Marks()))
        ledger.record_many(tx, [Event("ParticipantJoined", (case_id, party.id), {"role": "vendor"}) for party in named], actor=instance.actor.id, now=now)


def test_room_holds_what_was_put_in(cast: Cast) -> None:
    report = cast.report(FINDING)
    case_id = cast.open(report)
    cast.join(case_id, "vendor's")
    flaw = cast.write(actions.add_vulnerability, case_id, "Overflow", identifiers=["cve-2026-1"], report_ids=[report])
    cast.write(actions.state_status, case_id, flaw, VendorStatus.UNDER_INVESTIGATION, "looking", actor="vendor")
    cast.write(actions.post_message, case_id, None, "<script>alert(1)</script> & *hello*", actor="vendor")
    cast.write(actions.add_document, case_id, DocumentKind.PATCH, "../../etc/fix.patch", b"diff", media_type="text/x-diff", actor="vendor")
    cast.write(actions.record_decision, case_id, DecisionKind.SEVERITY, "network", subject=flaw)
    room = seen(cast, case_id, "lead")
    assert {(line.name, line.participant.role, line.participant.report_state) for line in room.participants} == {
        ("Operator", CaseRole.COORDINATOR, ReportState.RECEIVED), ("finder", CaseRole.REPORTER, ReportState.ACCEPTED),
        ("vendor's", CaseRole.VENDOR, ReportState.RECEIVED),
    }
    assert [(one.title, one.identifiers, one.reports) for one in room.vulnerabilities] == [("Overflow", ("CVE-2026-1",), (report,))]
    assert room.status_of(flaw, cast.id("vendor's")).status is VendorStatus.UNDER_INVESTIGATION
    assert [(line.author_name, line.message.body) for line in room.threads[0].messages] == [
        ("vendor", "<script>alert(1)</script> & *hello*")
    ]
    assert [(line.document.name, line.document.media_type, line.added_by_name) for line in room.documents] == [
        ("fix.patch", "text/x-diff", "vendor")
    ]
    assert [(line.decision.kind, line.actor_name) for line in room.decisions[:1]] == [(DecisionKind.SEVERITY, "Operator")]
    assert [(line.report.title, line.reporter_name) for line in room.packets] == [(FINDING.title, "finder")]
    assert "invited vendor's as vendor" in [line.words for line in room.timeline]
    assert room.threads[0].thread.unread == 1


def test_silence_is_told_from_not_affected(cast: Cast) -> None:
    case_id = cast.open(cast.report(FINDING))
    cast.join(case_id, "vendor")
    cast.join(case_id, "silent")
    flaw = cast.write(actions.add_vulnerability, case_id, "Overflow")
    cast.write(actions.state_status, case_id, flaw, VendorStatus.KNOWN_NOT_AFFECTED, actor="vendor")
    room = seen(cast, case_id, "finder")
    assert room.status_of(flaw, cast.id("vendor")).status is VendorStatus.KNOWN_NOT_AFFECTED
    assert room.status_of(flaw, cast.id("silent")) is None
    assert {line.name for line in room.vendors} == {"vendor", "silent"}


def test_side_thread_is_in_no_view_of_others(cast: Cast) -> None:
    case_id = cast.open(cast.report(FINDING))
    cast.join(case_id, "vendor")
    cast.join(case_id, "coordinator b", CaseRole.COORDINATOR)
    before = {name: seen(cast, case_id, name) for name in ("finder", "coordinator b")}
    thread = cast.write(actions.open_thread, case_id, "Between us", [cast.id("vendor")])
    message = cast.write(actions.post_message, case_id, thread, "do not tell", actor="vendor")
    cast.write(actions.add_document, case_id, DocumentKind.EVIDENCE, "log.txt", b"log", thread_id=thread, actor="vendor")
    for name, room in before.items():
        after = seen(cast, case_id, name)
        assert after == room
        with pytest.raises(NotFound) as hidden:
            seen(cast, case_id, name, RoomPage(thread=thread))
        absent = new_id("thr")
        with pytest.raises(NotFound) as none:
            seen(cast, case_id, name, RoomPage(thread=absent))
        assert str(hidden.value).replace(thread, "") == str(none.value).replace(absent, "")
        with pytest.raises(NotFound):
            cast.write(actions.mark_read, case_id, thread, message, actor=name)
    mine = seen(cast, case_id, "lead")
    assert [(line.thread.title, [one.message.body for one in line.messages]) for line in mine.threads[1:]] == [("Between us", ["do not tell"])]
    assert len(mine.documents) == 1


def test_member_that_leaves_reads_the_side_thread_no_longer(cast: Cast) -> None:
    case_id = cast.open(cast.report(FINDING))
    cast.join(case_id, "vendor")
    thread = cast.write(actions.open_thread, case_id, "Between us", [cast.id("vendor")])
    assert len(seen(cast, case_id, "vendor").threads) == 2
    cast.write(actions.remove_member, case_id, thread, cast.id("vendor"))
    assert len(seen(cast, case_id, "vendor").threads) == 1
    cast.write(actions.add_member, case_id, thread, cast.id("vendor"))
    assert len(seen(cast, case_id, "vendor").threads) == 2


SHY = "shy-9"
"""A name with characters that no id has: what is looked for in a page cannot stand in it by chance."""


def test_who_is_not_to_be_named_is_nowhere(cast: Cast) -> None:
    report = cast.report(dataclasses.replace(FINDING, consents=Consents(share_name=False)), SHY)
    case_id = cast.open(report)
    cast.join(case_id, "vendor")
    cast.write(actions.post_message, case_id, None, "it is so", actor=SHY)
    cast.write(actions.withdraw_report, case_id, report, "no", actor=SHY)
    room = seen(cast, case_id, "vendor")
    assert NOT_NAMED in {line.name for line in room.participants}
    whole = repr(room).replace(NOT_NAMED, "")
    assert cast.id(SHY) not in whole
    assert SHY not in whole
    assert SHY in {line.name for line in seen(cast, case_id, "lead").participants}
    cast.write(actions.reinstate_report, case_id, report, actor=SHY)
    assert read_packet(cast.instance.acting_as(cast.party("vendor")), case_id, report)[0].reporter_name == NOT_NAMED


def test_reporter_is_shown_neither_others_nor_their_number(cast: Cast) -> None:
    case_id = cast.open(cast.report(FINDING))
    before = seen(cast, case_id, "finder")
    for n in range(3):
        other = cast.report(dataclasses.replace(FINDING, title=f"Other {n}"), f"other {n}")
        cast.write(actions.attach_report, case_id, other, "the same")
    assert seen(cast, case_id, "finder") == before


def test_red_message_reaches_named_persons_only(cast: Cast) -> None:
    case_id = cast.open(cast.report(FINDING))
    cast.join(case_id, "vendor's")
    cast.join(case_id, "named")
    before = seen(cast, case_id, "vendor")
    cast.write(actions.post_message, case_id, None, "for you alone", marks=Marks(Tlp.RED))
    assert seen(cast, case_id, "vendor") == before
    assert [line.message.body for line in seen(cast, case_id, "named").threads[0].messages] == ["for you alone"]


def test_reading_clears_what_is_unread(cast: Cast) -> None:
    case_id = cast.open(cast.report(FINDING))
    last = [cast.write(actions.post_message, case_id, None, f"{n}") for n in range(3)][-1]
    finder = cast.instance.acting_as(cast.party("finder"))
    assert [line.unread for line in list_rooms(finder)] == [3]
    thread = seen(cast, case_id, "finder").threads[0].thread.id
    cast.write(actions.mark_read, case_id, thread, last, actor="finder")
    cast.write(actions.mark_read, case_id, thread, last, actor="finder")
    assert [line.unread for line in list_rooms(finder)] == [0]


def test_pages_of_a_thread_join_without_gap(cast: Cast) -> None:
    case_id = cast.open(cast.report(FINDING))
    limit = cast.instance.policy.rooms.messages_shown_max
    for n in range(limit * 2 + 3):
        cast.write(actions.post_message, case_id, None, str(n))
    found: list[str] = []
    page = RoomPage(thread=seen(cast, case_id, "lead").threads[0].thread.id)
    while True:
        line = seen(cast, case_id, "lead", page).threads[0]
        found = [one.message.body for one in line.messages] + found
        if not line.older:
            break
        page = RoomPage(thread=line.thread.id, before=line.messages[0].message.id)
    assert found == [str(n) for n in range(limit * 2 + 3)]


def test_lists_of_rooms_and_invitations_are_ones_own(cast: Cast) -> None:
    made = [cast.open(cast.report(dataclasses.replace(FINDING, title=str(n)))) for n in range(3)]
    cast.write(actions.invite, made[0], cast.id("vendor's"), CaseRole.VENDOR, "please look")
    vendor = cast.instance.acting_as(cast.party("vendor"))
    assert list_rooms(vendor) == ()
    assert [(line.case_id, line.party_name, line.reason) for line in list_invitations(vendor)] == [(made[0], "vendor's", "please look")]
    first = list_rooms(cast.instance, limit=2)
    rest = list_rooms(cast.instance, limit=2, before=first[-1].id)
    assert {line.id for line in (*first, *rest)} == set(made)
    assert list_rooms(cast.instance.acting_as(cast.party("stranger"))) == ()


def test_statements_do_not_grow_with_the_case(cast: Cast) -> None:
    small, large = cast.open(cast.report(FINDING)), cast.open(cast.report(dataclasses.replace(FINDING, title="large")))
    for case_id in (small, large):
        cast.write(actions.add_vulnerability, case_id, "Overflow")
    grow(cast, large, parties=60, reports=30, messages=120)
    # The first read of a process asks whether the database's own wall stands, once.
    seen(cast, small, "lead")
    numbers = {}
    for name, case_id in (("small", small), ("large", large)):
        with counted(cast.instance) as sent:
            seen(cast, case_id, "lead")
        numbers[name] = len(sent)
    # Four of them are steps through the wall, on PostgreSQL.
    assert numbers["small"] == numbers["large"] <= 28
    with counted(cast.instance) as one:
        list_rooms(cast.instance, limit=1)
    with counted(cast.instance) as many:
        list_rooms(cast.instance, limit=50)
    assert len(one) == len(many) <= 6


def test_foreign_and_absent_cases_cost_the_same(cast: Cast) -> None:
    case_id = cast.open(cast.report(FINDING))
    cast.party("stranger")
    seen(cast, case_id, "lead")
    numbers = []
    for asked in (case_id, CaseId(new_id("case"))):
        with counted(cast.instance) as sent, pytest.raises(NotFound):
            seen(cast, asked, "stranger")
        numbers.append(len(sent))
    assert numbers[0] == numbers[1]


def test_largest_case_opens_in_time(sqlite_instance: Instance) -> None:
    """500 participants, 200 reports and 2,000 messages: under 300 ms at the median, in seconds of one core whatever else runs."""
    cast = Cast(sqlite_instance)
    case_id = cast.open(cast.report(FINDING))
    cast.write(actions.add_vulnerability, case_id, "Overflow")
    grow(cast, case_id, parties=500, reports=200, messages=2000)
    took = []
    for _ in range(9):
        begun = time.process_time()
        room = seen(cast, case_id, "lead")
        took.append(time.process_time() - begun)
    assert (len(room.participants), len(room.packets), len(room.statuses), room.threads[0].thread.messages) == (502, 201, 500, 2000)
    assert statistics.median(took) < 0.3
