"""What a mere reporter is told: that it was received, and no verdict, probability, candidate or case before a person looked."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import text

from clearinghouse.app.views.answers import read_answers
from clearinghouse.app.views.cases import list_cases, read_case
from clearinghouse.app.views.inbox import InboxFilters, list_inbox
from clearinghouse.app.views.queue import read_queue
from clearinghouse.app.views.report import explain, read_report
from clearinghouse.app.views.reports import case_of, list_reports
from clearinghouse.app.views.statistics import read_statistics
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import NotFound
from clearinghouse.core.events import Event
from clearinghouse.core.ids import CommitmentId, EventId, new_id
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.deconfliction import actions as deconfliction
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.commitments import store as commitments
from clearinghouse.disclosure.intake.commitments.records import Claim, Commitment, OpenedSection
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties import store as party_store
from clearinghouse.parties.records import Party, PartyKind
from views_support import counted, flaw, new_party, send_as

TIFF = "Heap overflow in tiff_read_strip of libpicture 2.3"


@pytest.fixture
def told(instance: Instance, finder: Party, settle: Callable[[], None], clock: FixedClock) -> tuple[Instance, str, str]:
    """The finder's view of an instance that holds its report and an older one of the same flaw, the ids of both."""
    [first] = send_as(instance, new_party(instance, "Earlier Ltd", Role.REPORTER), [flaw(TIFF, symbol="tiff_read_strip", cve="CVE-2026-1001")],
                      coordinator=instance.actor)
    clock.at = clock.at.replace(hour=20)
    [mine] = send_as(instance, finder, [flaw(TIFF, "Seen by a fuzzer.", symbol="tiff_read_strip", cve="CVE-2026-1001")], coordinator=instance.actor)
    settle()
    return instance.acting_as(finder), mine, first


def decide(instance: Instance, kind: DecisionKind, *report_ids: str) -> str:
    viewer, now = instance.actor.id, instance.clock.now()
    with instance.database.write() as tx:
        found = intake.read_reports(tx, report_ids, instance.envelope, viewer=viewer, now=now)
        return deconfliction.decide(
            tx, kind, [found[report_id] for report_id in report_ids], "looked at both", actor=viewer, envelope=instance.envelope,
            thresholds=instance.policy.deconfliction, now=now,
        ).id


def test_coordinator_is_told_everything(instance: Instance, told: tuple[Instance, str, str]) -> None:
    _, mine, first = told
    lines, _ = list_reports(instance, newest=10)
    assert [(line.id, line.answer, line.case_id) for line in lines] == [(mine, "duplicate", case_of(first)), (first, "new", case_of(first))]
    inbox = list_inbox(instance)
    assert [(line.id, line.lead_id, line.reports) for line in inbox.lines] == [(mine, first, 2), (first, None, 2)]


def test_reporter_is_told_that_it_was_received_and_no_more(told: tuple[Instance, str, str]) -> None:
    finder, mine, first = told
    [line], total = list_reports(finder, newest=10)
    assert total == 1
    assert (line.id, line.answer, line.settled, line.probability, line.case_id, line.known_since) == (mine, "received", True, None, None, None)
    assert read_answers(finder, [mine, first]) == (line,)
    opened = read_report(finder, mine)
    assert (opened.line, opened.candidates, [event.kind for event in opened.events]) == (line, (), ["ReportReceived"])
    [row] = list_inbox(finder).lines
    assert (row.answer, row.probability, row.case_id, row.lead_id, row.lead_title, row.lead_held, row.reports) == (
        "received", None, None, None, "", False, 1
    )
    assert list_cases(finder, largest=10) == ([], 0)
    assert read_queue(finder).sections == ()
    assert read_statistics(finder).received == 0
    for opened_case in (case_of(first), case_of(mine)):
        with pytest.raises(NotFound):
            read_case(finder, opened_case)


def test_reporter_may_not_have_its_own_reports_compared(told: tuple[Instance, str, str], instance: Instance, settle: Callable[[], None]) -> None:
    finder, mine, _ = told
    [other] = send_as(instance, finder.actor, [flaw("Off by one in gif_next_frame", symbol="gif_next_frame")])
    settle()
    with pytest.raises(NotFound, match="coordinators"):
        explain(finder, mine, other)


def test_reporter_cannot_find_the_verdict_by_filtering(told: tuple[Instance, str, str]) -> None:
    finder, mine, _ = told
    for answer in ("new", "duplicate", "unsure", "waiting"):
        assert [line.id for line in list_inbox(finder, filters=InboxFilters(answer=answer)).lines] == [mine]


def test_reporter_is_told_since_when_once_a_person_has_merged(
    told: tuple[Instance, str, str], instance: Instance, settle: Callable[[], None], clock: FixedClock
) -> None:
    finder, mine, first = told
    [other] = send_as(instance, new_party(instance, "Third Ltd", Role.REPORTER), [flaw("Crash on odd strips", symbol="open_strip")],
                      coordinator=instance.actor)
    settle()
    decide(instance, DecisionKind.MERGE, mine, other)
    [line], _ = list_reports(finder, newest=10)
    assert (line.answer, line.probability, line.case_id) == ("duplicate", None, None)
    assert line.known_since == clock.at.replace(hour=8)
    with pytest.raises(NotFound):
        read_report(finder, first)


def test_reporter_is_told_that_a_person_looked(told: tuple[Instance, str, str], instance: Instance) -> None:
    finder, mine, _ = told
    decide(instance, DecisionKind.SPLIT, mine)
    [line], _ = list_reports(finder, newest=10)
    assert (line.answer, line.known_since) == ("reviewed", None)


@pytest.mark.usefixtures("told")
def test_coordinator_of_the_senders_own_house_is_told_no_more(instance: Instance, settle: Callable[[], None]) -> None:
    # A coordinator elsewhere who reads a report only because its organisation sent it.
    house = new_party(instance, "House Ltd", Role.COORDINATOR, Role.REPORTER)
    with instance.database.read() as tx:
        organisation = parties.get_party(tx, house.organisation or "")
    send_as(instance, organisation, [flaw(TIFF, "Ours.", symbol="tiff_read_strip", cve="CVE-2026-1001")], coordinator=instance.actor)
    settle()
    seen = instance.acting_as(house)
    assert [line.answer for line in list_inbox(seen).lines] == ["received"]
    assert list_cases(seen, largest=5) == ([], 0)


def test_number_of_statements_tells_nothing(told: tuple[Instance, str, str], instance: Instance) -> None:
    finder, _, first = told
    nobody = instance.acting_as(new_party(instance, "Nobody Ltd", Role.REPORTER))
    counts = []
    for viewer in (finder, nobody, instance):
        with counted(instance) as statements:
            list_inbox(viewer)
        counts.append(len(statements))
    assert len(set(counts)) == 1
    refused = []
    for report_id in (first, "rep_" + "a" * 26):
        with counted(instance) as statements, pytest.raises(NotFound):
            read_report(finder, report_id)
        refused.append(len(statements))
    assert len(set(refused)) == 1


def test_coordinator_judges_no_report_that_it_reads_only_as_its_organisation_sent_it(instance: Instance, settle: Callable[[], None]) -> None:
    house = new_party(instance, "Busy CERT", Role.REPORTER)
    assert house.organisation is not None
    with instance.database.write() as tx:
        organisation = party_store.find_party(tx, house.organisation)
        judge = parties.add_party(
            tx, PartyKind.PERSON, "Jo", frozenset({Role.COORDINATOR, Role.REPORTER}), organisation=house.organisation, actor=instance.actor.id,
            now=instance.clock.now(),
        )
    assert organisation is not None
    [theirs] = send_as(instance, organisation, [flaw(TIFF, symbol="tiff_read_strip")])
    [own] = send_as(instance, judge, [flaw("Leak in gif_frame", symbol="gif_frame")])
    settle()
    asking = instance.acting_as(judge)
    assert {line.id for line in list_inbox(asking).lines} == {own, theirs}
    with pytest.raises(NotFound):
        decide(asking, DecisionKind.MERGE, own, theirs)


def test_known_since_counts_an_earlier_commitment_of_somebody_received_later(
    told: tuple[Instance, str, str], instance: Instance, settle: Callable[[], None], clock: FixedClock
) -> None:
    finder, mine, _ = told
    committed_at = clock.at.replace(hour=9)
    [other] = send_as(instance, new_party(instance, "Third Ltd", Role.REPORTER), [flaw("Crash on odd strips", symbol="open_strip")],
                      coordinator=instance.actor)
    settle()
    decide(instance, DecisionKind.SPLIT, mine)
    decide(instance, DecisionKind.MERGE, mine, other)
    assert list_reports(finder, newest=10)[0][0].known_since is None, "the other one came at the same instant"
    _commit_to(instance, other, committed_at)
    assert list_reports(finder, newest=10)[0][0].known_since == committed_at


def _commit_to(instance: Instance, report_id: str, at: datetime) -> None:
    """As if the sender of a report had committed to it before."""
    with instance.database.write() as tx:
        held = intake.read_report(tx, report_id, instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
        assert held is not None
        claim = Claim(b"d" * 32, b"k" * 32, b"s" * 64)
        made = Commitment(CommitmentId(new_id("cmt")), at, held.reporter, held.reporter, claim, at.replace(year=2027), EventId(new_id("evt")), False, 1)
        commitments.add_commitment(tx, made)
        commitments.add_section(tx, made, OpenedSection("report", at, False, 1, "sha3-256:00"), b"text", instance.envelope)
        tx.write(text("update commitments set submission_id = :id"), {"id": held.submission_id})
        ledger.record(tx, Event("Tested", (report_id,)), actor=instance.actor.id, now=instance.clock.now())
